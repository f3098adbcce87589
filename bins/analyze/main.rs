//! Looks at a database and tells what a move of it would bring, before anything is written.

use std::process::ExitCode;
use waybill_common::{cli, flow};

mod args;

fn main() -> ExitCode {
    cli::run(|args: args::Args, watch| flow::analyze(&args.open()?, watch))
}
