//! The command line of `waybill-import`: an import, or one of the commands, each in a file of its
//! own. Their doc comments are the help.

mod check;
mod import;
mod prune;
mod status;
mod undo;

use check::CheckArgs;
use import::ImportArgs;
use prune::PruneArgs;
use status::StatusArgs;
use undo::UndoArgs;
use waybill_common::cli;
use waybill_common::fault::{Exit, Fault, Result};
use waybill_common::flow::request::{
    CheckRequest, ImportRequest, PruneRequest, StatusRequest, UndoRequest,
};
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
    #[command(
        disable_help_flag = true,
        disable_version_flag = true,
        after_long_help = cli::EXIT_CODES
    )]
    Status(StatusArgs),
    #[command(
        disable_help_flag = true,
        disable_version_flag = true,
        after_long_help = cli::EXIT_CODES
    )]
    Undo(UndoArgs),
    #[command(
        disable_help_flag = true,
        disable_version_flag = true,
        after_long_help = cli::EXIT_CODES
    )]
    Prune(PruneArgs),
}

/// What the flow is asked to do.
#[derive(Debug)]
pub(crate) enum Job {
    /// Load an archive.
    Import(ImportRequest),
    /// Compare a target with an archive.
    Check(CheckRequest),
    /// List the runs of a target.
    Status(StatusRequest),
    /// Bring back what was there before a run.
    Undo(UndoRequest),
    /// Remove backups.
    Prune(PruneRequest),
}

impl cli::Program for Args {
    fn output(&self) -> &cli::OutputArgs {
        match &self.command {
            None => self.import.output(),
            Some(Command::Check(args)) => args.output(),
            Some(Command::Status(args)) => args.output(),
            Some(Command::Undo(args)) => args.output(),
            Some(Command::Prune(args)) => args.output(),
        }
    }

    fn files(&self) -> TouchedFiles {
        match &self.command {
            None => self.import.files(),
            Some(Command::Check(args)) => args.files(),
            Some(Command::Status(args)) => args.files(),
            Some(Command::Undo(args)) => args.files(),
            Some(Command::Prune(args)) => args.files(),
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
            Some(Command::Status(args)) => Ok(Job::Status(args.open()?)),
            Some(Command::Undo(args)) => Ok(Job::Undo(args.open()?)),
            Some(Command::Prune(args)) => Ok(Job::Prune(args.open()?)),
        }
    }
}
