//! What `waybill-import undo` takes. Its doc comments are the help.

use std::ffi::OsString;
use std::time::Duration;
use waybill_common::cli;
use waybill_common::fault::Result;
use waybill_common::flow::request::{UndoOnly, UndoRequest};
use waybill_common::location::{Location, TouchedFiles};

/// Bring back what was there before an import
///
/// In one step the target is what it was before the newest run, or before RUN. What is taken away
/// is kept, so an undo is undone in the same way. When the target has changed since the newest run,
/// what has changed is listed, and nothing is done without --yes.
#[derive(Debug, clap::Args)]
pub(super) struct UndoArgs {
    // Not a doc comment: rustdoc would take it for a link.
    #[arg(
        help = "The database to bring back: postgresql://HOST/DATABASE, pg:KEY=VALUE, sqlite:PATH or env:NAME"
    )]
    target: OsString,
    /// The run to undo, as `status` shows it, or the beginning of that; the newest unless given
    run: Option<String>,
    /// Say what would come of it, and leave the target as it was
    #[arg(long, conflicts_with = "print_sql")]
    dry_run: bool,
    /// Only print the SQL that would be run (PostgreSQL)
    #[arg(long)]
    print_sql: bool,
    /// Do not look whether the target has changed since
    #[arg(long)]
    assume_unchanged: bool,
    /// How long to wait for locks in the target, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    lock_wait_timeout: u32,
    /// Schema of a PostgreSQL target that holds the ledger of imports; `waybill` unless given
    ///
    /// In any other schema, which may be the target's, the names of its tables begin with `waybill_`.
    #[arg(long, value_name = "NAME")]
    ledger_schema: Option<String>,
    #[command(flatten)]
    confirm: cli::ConfirmArgs,
    #[command(flatten)]
    output: cli::OutputArgs,
}

impl UndoArgs {
    pub(super) fn output(&self) -> &cli::OutputArgs {
        &self.output
    }

    pub(super) fn files(&self) -> TouchedFiles {
        TouchedFiles::default().database(&Location::target(&self.target))
    }

    /// What the flow is asked to do.
    pub(super) fn open(self) -> Result<UndoRequest> {
        Ok(UndoRequest {
            target: Location::target(&self.target)?,
            ledger_schema: self.ledger_schema,
            run: self.run,
            assume_unchanged: self.assume_unchanged,
            only: match (self.dry_run, self.print_sql) {
                (true, _) => Some(UndoOnly::Verdict),
                (_, true) => Some(UndoOnly::Script),
                (false, false) => None,
            },
            lock_wait_timeout: Duration::from_secs(self.lock_wait_timeout.into()),
            consent: self.confirm.consent(),
        })
    }
}
