//! The command line of `waybill-analyze`. Its doc comments are the help.

use std::ffi::{OsStr, OsString};
use waybill_common::cli;
use waybill_common::fault::Result;
use waybill_common::flow::request::{Against, AnalyzeRequest};
use waybill_common::location::{Location, TouchedFiles};

/// Look at a database and list everything that will not fit before anything is written
///
/// The source is only read. Every table, the types its values call for, and every value, name, key
/// and orphan that will not fit are reported.
#[derive(Debug, clap::Parser)]
#[command(
    name = "waybill-analyze",
    version,
    disable_help_flag = true,
    disable_version_flag = true,
    after_long_help = cli::EXIT_CODES
)]
pub(crate) struct Args {
    /// The database to look at: sqlite:PATH, env:NAME, or the path of an SQLite file
    source: OsString,
    /// What the source is judged against: postgresql, sqlite, or a real TARGET, which is only read
    #[arg(long, value_name = "TARGET", default_value = "postgresql")]
    to: OsString,
    #[command(flatten)]
    names: cli::NameArgs,
    #[command(flatten)]
    tables: cli::TableArgs,
    #[command(flatten)]
    output: cli::OutputArgs,
}

impl cli::Program for Args {
    fn output(&self) -> &cli::OutputArgs {
        &self.output
    }

    fn files(&self) -> TouchedFiles {
        let files = TouchedFiles::default().database(&Location::source(&self.source));
        match against(&self.to) {
            Ok(Against::Target(target)) => files.database(&Ok(target)),
            _ => files,
        }
    }
}

impl Args {
    /// What the flow is asked to do.
    pub(crate) fn open(self) -> Result<AnalyzeRequest> {
        Ok(AnalyzeRequest {
            source: Location::source(&self.source)?,
            against: against(&self.to)?,
            names: self.names.rule(),
            tables: self.tables.filter()?,
        })
    }
}

fn against(to: &OsStr) -> Result<Against> {
    match to.to_str() {
        Some("postgresql" | "postgres") => Ok(Against::Postgres),
        Some("sqlite") => Ok(Against::Sqlite),
        _ => Location::target(to).map(Against::Target),
    }
}
