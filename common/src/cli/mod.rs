//! What the four programs share towards their caller: arguments, signals, progress, streams and
//! exit codes. Knows no job; a program brings its own and gets back an exit code.

pub mod args;
mod bar;
mod confirm;
mod exit;
mod log;
mod order;
mod panic;
mod progress;
mod render;
mod report;
mod run;
mod signals;
mod streams;
mod usage;

pub use args::{JobArgs, NameArgs, OutputArgs, PartArgs, TableArgs};
pub use confirm::ConfirmArgs;
pub use exit::EXIT_CODES;
pub use run::{Program, run};
pub use streams::{from_stdin, onto_stdout, to_stdout};
