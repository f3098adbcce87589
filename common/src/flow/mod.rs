//! The order of steps of each job.

pub mod keys;
