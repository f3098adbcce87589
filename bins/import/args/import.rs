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
use waybill_common::mapping::fill::{self, Merging, OnKey};
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
    /// With `--mode merge`: what becomes of rows whose key is there, with other values
    #[arg(long, value_enum, value_name = "POLICY", default_value_t = OnConflict::Fail)]
    on_conflict: OnConflict,
    /// With `--mode merge`: a unique key to find rows by instead of the primary key, once for each table
    ///
    /// The columns are those of the target. The table need not be named when there is only one.
    #[arg(long, value_name = "[TABLE=]COLUMN,…", value_parser = on_key)]
    on_key: Vec<OnKey>,
    /// Schema of a PostgreSQL target to import into; `public` unless given
    #[arg(long, value_name = "NAME")]
    into_schema: Option<String>,
    /// Schema of a PostgreSQL target that holds the ledger of imports; `waybill` unless given
    ///
    /// In any other schema, which may be the target's, the names of its tables begin with `waybill_`.
    #[arg(long, value_name = "NAME")]
    ledger_schema: Option<String>,
    /// Schema of a PostgreSQL target to stage rows in until the switch, which must exist
    ///
    /// For a role that may not create schemas. It may be the target's: what is staged there has names
    /// that begin with `waybill_` until the switch. Unless given, each import makes a schema of its own
    /// and drops it.
    #[arg(long, value_name = "NAME")]
    staging_schema: Option<String>,
    /// Only show what would be done: types with their evidence, and losses
    #[arg(long)]
    plan: bool,
    /// Say what would come of it, and leave the target as it was
    #[arg(long, conflicts_with_all = ["plan", "new_run"])]
    dry_run: bool,
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
    /// Refuse while other sessions use the tables that are replaced, filled or merged into
    ///
    /// Looked at before the first write and, for as long as locks may be waited for, before the switch.
    /// Without it such sessions are only named.
    #[arg(long)]
    require_idle: bool,
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
    /// Put the rows to those that they hold, found again by a key: --on-conflict (PostgreSQL)
    Merge,
}

/// What becomes of rows whose key is in the target with other values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OnConflict {
    /// Merge nothing at all, and name the rows
    Fail,
    /// Keep the target's rows
    Skip,
    /// Give the target's rows the values of the archive
    Update,
}

/// `orders=customer_id,number`, or the columns alone.
fn on_key(text: &str) -> Result<OnKey, &'static str> {
    let (table, columns) = match text.split_once('=') {
        Some((table, columns)) => (Some(table), columns),
        None => (None, text),
    };
    let columns: Vec<_> = columns.split(',').map(str::to_owned).collect();
    if table == Some("") || columns.iter().any(String::is_empty) {
        return Err("it is written TABLE=COLUMN,COLUMN");
    }
    Ok(OnKey {
        table: table.map(str::to_owned),
        columns,
    })
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
            Mode::Create | Mode::Fill | Mode::Merge if self.schema_only => {
                let what = "--schema-only makes tables, and this mode takes those that are there";
                return Err(Fault::new(Code::Usage, what).hint("leave out one of them"));
            }
            Mode::Merge => request::Mode::Merge,
            Mode::Create | Mode::Fill => request::Mode::Fill,
        };
        let is_asked = self.on_conflict != OnConflict::Fail || !self.on_key.is_empty();
        if is_asked && mode != request::Mode::Merge {
            let what = "--on-conflict and --on-key say how rows are merged";
            return Err(Fault::new(Code::Usage, what).hint("add --mode merge, or leave them out"));
        }
        Ok(ImportRequest {
            archive,
            target: self.target()?,
            mode,
            merging: Merging {
                on_conflict: match self.on_conflict {
                    OnConflict::Fail => fill::OnConflict::Fail,
                    OnConflict::Skip => fill::OnConflict::Skip,
                    OnConflict::Update => fill::OnConflict::Update,
                },
                keys: self.on_key,
            },
            into_schema: self.into_schema,
            ledger_schema: self.ledger_schema,
            staging_schema: self.staging_schema,
            jobs: self.jobs.count(),
            expect_root: self.expect_root,
            max_part: self.parts.max_part(),
            check: match self.check {
                Check::None => seam::Check::None,
                Check::Counts => seam::Check::Counts,
                Check::Content => seam::Check::Content,
            },
            plan_only: self.plan,
            dry_run: self.dry_run,
            scope: if self.schema_only {
                Scope::Structure
            } else {
                Scope::All
            },
            names: self.names.rule(),
            map: self.map,
            tables: self.tables.filter()?,
            lock_wait_timeout: Duration::from_secs(self.lock_wait_timeout.into()),
            require_idle: self.require_idle,
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
