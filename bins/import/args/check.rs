//! What `waybill-import check` takes. Its doc comments are the help.

use std::ffi::OsString;
use std::path::PathBuf;
use waybill_common::cli;
use waybill_common::digest::Digest;
use waybill_common::fault::Result;
use waybill_common::flow::request::CheckRequest;
use waybill_common::location::{ArchivePath, Location, TouchedFiles};

/// Rows of a table that are named unless said otherwise.
const NAMED: u64 = 20;

/// Compare a live database with an archive, value by value
///
/// Every row of the archive is looked for in the tables of the target, and every row of these tables
/// in the archive; the order of rows does not matter. The target is only read, all of it as it was
/// at one moment, while its applications go on. Rows that differ, are missing or are extra are
/// counted, and the first 20 of a table (--limit) named by their key; exit code 3 says that there are
/// some.
///
/// Give the options that the import was given: --map, --names, --into-schema and the choice of
/// tables say what was put where.
#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    /// The archive; - reads it from standard input
    archive: OsString,
    // Not a doc comment: rustdoc would take it for a link.
    #[arg(
        help = "The database to look at: postgresql://HOST/DATABASE, pg:KEY=VALUE, sqlite:PATH or env:NAME"
    )]
    target: OsString,
    /// Schema of a PostgreSQL target to import into; `public` unless given
    #[arg(long, value_name = "NAME")]
    into_schema: Option<String>,
    /// Show at most N rows
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Accept only the archive with this root, as 64 hexadecimal digits
    #[arg(long, value_name = "HEX")]
    expect_root: Option<Digest>,
    /// Folder for the private copy of an archive that comes through a pipe
    #[arg(long, value_name = "DIR")]
    spool: Option<PathBuf>,
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
    output: cli::OutputArgs,
}

impl CheckArgs {
    pub(super) fn output(&self) -> &cli::OutputArgs {
        &self.output
    }

    pub(super) fn files(&self) -> TouchedFiles {
        TouchedFiles::default()
            .archive(&ArchivePath::parse(&self.archive))
            .database(&Location::target(&self.target))
            .file(self.map.as_deref())
    }

    /// What the flow is asked to do.
    pub(super) fn open(self) -> Result<CheckRequest> {
        let archive = ArchivePath::parse(&self.archive)?;
        cli::from_stdin(&archive)?;
        Ok(CheckRequest {
            archive,
            target: Location::target(&self.target)?,
            into_schema: self.into_schema,
            jobs: self.jobs.count(),
            limit: self.limit.unwrap_or(NAMED),
            expect_root: self.expect_root,
            max_part: self.parts.max_part(),
            names: self.names.rule(),
            map: self.map,
            tables: self.tables.filter()?,
            spool: self.spool,
        })
    }
}
