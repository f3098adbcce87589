//! Loads an archive into a database, completely or not at all, and looks after what was loaded.

use std::process::ExitCode;
use waybill_common::{cli, flow};

mod args;

fn main() -> ExitCode {
    cli::run(|args: args::Args, watch| match args.open()? {
        args::Job::Import(request) => flow::import(&request, watch),
        args::Job::Check(request) => flow::check(&request, watch),
        args::Job::Status(request) => flow::status(&request, watch),
        args::Job::Undo(request) => flow::undo(&request, watch),
        args::Job::Prune(request) => flow::prune(&request, watch),
    })
}
