//! The order of steps of each job: what the four programs do, without a command line.
//!
//! Knows archive, engines and mapping; knows no terminal. Every job takes a request and an
//! observer, and gives a report or the fault that ended it.

pub mod request;
