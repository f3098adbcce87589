//! The command line of `waybill-analyze`. Its doc comments are the help.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
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
    /// A mapping file (TOML): types, names, rules for values and what is added; docs/mapping.md
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// Write a mapping file with which every value is imported unchanged, for you to edit
    ///
    /// Columns that PostgreSQL would not hold as they are get another form in it; what you may
    /// prefer for these and others stands beside them as comments. What is reported is then the plan
    /// with this file. A file that exists is not replaced.
    #[arg(long, value_name = "FILE", conflicts_with = "map")]
    map_out: Option<PathBuf>,
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
        let files = TouchedFiles::default()
            .database(&Location::source(&self.source))
            .file(self.map.as_deref())
            .file(self.map_out.as_deref());
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
            map: self.map,
            map_out: self.map_out,
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
