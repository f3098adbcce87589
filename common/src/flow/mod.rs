//! The order of steps of each job.
