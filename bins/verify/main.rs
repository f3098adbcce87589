//! Checks an archive without touching any database.

use args::Request;
use std::process::ExitCode;
use waybill_common::report::Report;
use waybill_common::{cli, flow};

mod args;

fn main() -> ExitCode {
    cli::run(|args: args::Args, watch| match args.open()? {
        Request::Verify(request) => flow::verify(&request, watch),
        Request::Inspect(archive, what, max_part) => {
            cli::to_stdout(|out| flow::inspect(&archive, &what, max_part, out, watch))?;
            Ok(Report::default())
        }
    })
}
