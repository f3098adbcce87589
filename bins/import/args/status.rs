//! What `waybill-import status` takes. Its doc comments are the help.

use std::ffi::OsString;
use waybill_common::cli;
use waybill_common::fault::Result;
use waybill_common::flow::request::StatusRequest;
use waybill_common::location::{Location, TouchedFiles};

/// List the runs of a target
///
/// Every import and undo, the newest last: when it was, which archive it brought, what has become of
/// it, where it has put what was there before, and whether it can be undone.
#[derive(Debug, clap::Args)]
pub(super) struct StatusArgs {
    // Not a doc comment: rustdoc would take it for a link.
    #[arg(
        help = "The database to look at: postgresql://HOST/DATABASE, pg:KEY=VALUE, sqlite:PATH or env:NAME"
    )]
    target: OsString,
    /// Schema of a PostgreSQL target that holds the ledger of imports; `waybill` unless given
    ///
    /// In any other schema, which may be the target's, the names of its tables begin with `waybill_`.
    #[arg(long, value_name = "NAME")]
    ledger_schema: Option<String>,
    #[command(flatten)]
    output: cli::OutputArgs,
}

impl StatusArgs {
    pub(super) fn output(&self) -> &cli::OutputArgs {
        &self.output
    }

    pub(super) fn files(&self) -> TouchedFiles {
        TouchedFiles::default().database(&Location::target(&self.target))
    }

    /// What the flow is asked to do.
    pub(super) fn open(self) -> Result<StatusRequest> {
        Ok(StatusRequest {
            target: Location::target(&self.target)?,
            ledger_schema: self.ledger_schema,
        })
    }
}
