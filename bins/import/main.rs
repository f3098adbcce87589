//! Loads an archive into a database, completely or not at all.

use std::process::ExitCode;
use waybill_common::{cli, flow};

mod args;

fn main() -> ExitCode {
    cli::run(|args: args::Args, watch| flow::import(&args.open()?, watch))
}
