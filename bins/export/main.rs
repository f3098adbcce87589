//! Writes all of a database into one archive.

use std::process::ExitCode;
use waybill_common::{cli, flow};

mod args;

fn main() -> ExitCode {
    cli::run(|args: args::Args, watch| flow::export(&args.open()?, watch))
}
