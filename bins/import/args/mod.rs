//! The command line of `waybill-import`: an import, or one of the commands, each in a file of its
//! own. Their doc comments are the help.

mod check;
mod import;

use check::CheckArgs;
use import::ImportArgs;
use waybill_common::cli;
use waybill_common::fault::{Exit, Fault, Result};
use waybill_common::flow::request::{CheckRequest, ImportRequest};
use waybill_common::location::TouchedFiles;

/// Load an archive into a database, completely or not at all
///
/// The archive is verified first. Rows are loaded beside the final place, compared with the
/// archive, and switched in one step; until then the target is as it was.
///
/// An archive whose name is that of a command is given as ./NAME.
#[derive(Debug, clap::Parser)]
#[command(
    name = "waybill-import",
    version,
    propagate_version = true,
    disable_help_flag = true,
    disable_version_flag = true,
    disable_help_subcommand = true,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_long_help = cli::EXIT_CODES
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    // Defaults only, where a command is given.
    #[command(flatten)]
    import: ImportArgs,
}

/// Everything else than an import.
#[derive(Debug, clap::Subcommand)]
enum Command {
    #[command(
        disable_help_flag = true,
        disable_version_flag = true,
        after_long_help = cli::EXIT_CODES
    )]
    Check(CheckArgs),
}

/// What the flow is asked to do.
#[derive(Debug)]
pub(crate) enum Job {
    /// Load an archive.
    Import(ImportRequest),
    /// Compare a target with an archive.
    Check(CheckRequest),
}

impl cli::Program for Args {
    fn output(&self) -> &cli::OutputArgs {
        match &self.command {
            None => self.import.output(),
            Some(Command::Check(args)) => args.output(),
        }
    }

    fn files(&self) -> TouchedFiles {
        match &self.command {
            None => self.import.files(),
            Some(Command::Check(args)) => args.files(),
        }
    }

    /// What verify finds, an import refuses.
    fn exit(fault: &Fault) -> Exit {
        fault.exit_as_refusal()
    }
}

impl Args {
    /// What the flow is asked to do.
    pub(crate) fn open(self) -> Result<Job> {
        match self.command {
            None => Ok(Job::Import(self.import.open()?)),
            Some(Command::Check(args)) => Ok(Job::Check(args.open()?)),
        }
    }
}
