//! What `waybill-import` takes without a subcommand: an import. Its doc comments are the help.

use clap::ValueEnum;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;
use waybill_common::cli;
use waybill_common::digest::Digest;
use waybill_common::fault::{Code, Fault, Result};
use waybill_common::flow::request::{self, Again, ImportRequest, Scope};
use waybill_common::location::{ArchivePath, Location, TouchedFiles};
use waybill_common::seam;

/// What an import takes.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "clap makes a flag of each")]
pub(super) struct ImportArgs {
    /// The archive; - reads it from standard input
    #[arg(required = true)]
    archive: Option<OsString>,
    // Not a doc comment: rustdoc would take it for a link.
    #[arg(
        required = true,
        help = "The database to fill: postgresql://HOST/DATABASE, pg:KEY=VALUE, sqlite:PATH or env:NAME"
    )]
    target: Option<OsString>,
    /// What happens to tables that exist
    #[arg(long, value_enum, default_value_t = Mode::Create)]
    mode: Mode,
    /// Only bring rows into tables that exist: the same as `--mode fill`
    #[arg(long, conflicts_with = "mode")]
    data_only: bool,
    /// Schema of a PostgreSQL target to import into; `public` unless given
    #[arg(long, value_name = "NAME")]
    into_schema: Option<String>,
    /// Only show what would be done: types with their evidence, and losses
    #[arg(long)]
    plan: bool,
    /// Make tables, keys, indexes and all other structure, but load no rows
    ///
    /// The archive is verified all the same, and types are chosen by all its rows, so that they can
    /// be loaded afterwards.
    #[arg(long, conflicts_with = "data_only")]
    schema_only: bool,
    /// Import anew, even when the same was imported before or another import was interrupted
    ///
    /// What an interrupted import has staged is dropped.
    #[arg(long)]
    new_run: bool,
    /// Accept only the archive with this root, as 64 hexadecimal digits
    #[arg(long, value_name = "HEX")]
    expect_root: Option<Digest>,
    /// How the target is compared with the archive before the switch
    #[arg(long, value_enum, default_value_t = Check::Content)]
    check: Check,
    /// How long to wait for locks in the target, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    lock_wait_timeout: u32,
    /// Folder for the private copy of an archive that comes through a pipe
    #[arg(long, value_name = "DIR")]
    spool: Option<PathBuf>,
    /// Leave out triggers
    #[arg(long)]
    no_triggers: bool,
    /// Leave out views
    #[arg(long)]
    no_views: bool,
    /// A mapping file (TOML): types, names, rules for values and what is added; docs/mapping.md
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    #[command(flatten)]
    names: cli::NameArgs,
    #[command(flatten)]
    tables: cli::TableArgs,
    #[command(flatten)]
    parts: cli::PartArgs,
    #[command(flatten)]
    jobs: cli::JobArgs,
    #[command(flatten)]
    confirm: cli::ConfirmArgs,
    #[command(flatten)]
    output: cli::OutputArgs,
}

/// What happens to tables that exist.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Mode {
    /// Refuse when one exists already
    Create,
    /// Put aside what is there, in the step that puts the new in place
    Replace,
    /// Put the rows into them: they must exist and be empty (PostgreSQL)
    Fill,
}

/// How the target is compared with the archive.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Check {
    /// Not at all
    None,
    /// By the number of rows
    Counts,
    /// Value by value
    Content,
}

/// There unless a command is given, when nobody asks.
fn given(argument: Option<&OsStr>) -> Result<&OsStr> {
    argument.ok_or_else(|| Fault::new(Code::Usage, "an archive and a target are needed"))
}

impl ImportArgs {
    pub(super) fn output(&self) -> &cli::OutputArgs {
        &self.output
    }

    pub(super) fn files(&self) -> TouchedFiles {
        TouchedFiles::default()
            .archive(&self.archive())
            .database(&self.target())
            .file(self.map.as_deref())
    }

    fn archive(&self) -> Result<ArchivePath> {
        ArchivePath::parse(given(self.archive.as_deref())?)
    }

    fn target(&self) -> Result<Location> {
        Location::target(given(self.target.as_deref())?)
    }

    /// What the flow is asked to do.
    pub(super) fn open(self) -> Result<ImportRequest> {
        let archive = self.archive()?;
        cli::from_stdin(&archive)?;
        let mode = match self.mode {
            Mode::Create if !self.data_only => request::Mode::Create,
            Mode::Replace => request::Mode::Replace,
            Mode::Create | Mode::Fill if self.schema_only => {
                let what = "--schema-only makes tables, and --mode fill takes those that are there";
                return Err(Fault::new(Code::Usage, what).hint("leave out one of them"));
            }
            Mode::Create | Mode::Fill => request::Mode::Fill,
        };
        Ok(ImportRequest {
            archive,
            target: self.target()?,
            mode,
            into_schema: self.into_schema,
            jobs: self.jobs.count(),
            expect_root: self.expect_root,
            max_part: self.parts.max_part(),
            check: match self.check {
                Check::None => seam::Check::None,
                Check::Counts => seam::Check::Counts,
                Check::Content => seam::Check::Content,
            },
            plan_only: self.plan,
            scope: if self.schema_only {
                Scope::Structure
            } else {
                Scope::All
            },
            names: self.names.rule(),
            map: self.map,
            tables: self.tables.filter()?,
            lock_wait_timeout: Duration::from_secs(self.lock_wait_timeout.into()),
            spool: self.spool,
            triggers: !self.no_triggers,
            views: !self.no_views,
            again: if self.new_run {
                Again::Import
            } else {
                Again::Compare
            },
            consent: self.confirm.consent(),
        })
    }
}
