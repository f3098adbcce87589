//! The command line of `waybill-export`. Its doc comments are the help.

use std::ffi::OsString;
use waybill_common::cli;
use waybill_common::fault::Result;
use waybill_common::flow::request::ExportRequest;
use waybill_common::location::{ArchivePath, Location, TouchedFiles};

/// Write all of a database into one archive file
///
/// The source is read in one consistent state and never changed. The archive appears whole or not
/// at all.
#[derive(Debug, clap::Parser)]
#[command(
    name = "waybill-export",
    version,
    disable_help_flag = true,
    disable_version_flag = true,
    after_long_help = cli::EXIT_CODES
)]
pub(crate) struct Args {
    /// The database to export: sqlite:PATH, env:NAME, or the path of an SQLite file
    source: OsString,
    /// The archive to write, by custom NAME.waybill.tar.zst; - writes it to standard output
    archive: OsString,
    /// Level of zstd compression, from 1 (fast) to 19 (small)
    ///
    /// With two workers compression takes 23 MiB of memory at level 3, 41 MiB at 9, 101 MiB at 12
    /// and 181 MiB at 19.
    #[arg(
        short = 'Z',
        long = "compress",
        value_name = "LEVEL",
        default_value_t = 3,
        value_parser = clap::value_parser!(i32).range(1..=19)
    )]
    compress: i32,
    /// Record a label in the archive; may repeat
    #[arg(long, value_name = "KEY=VALUE", value_parser = cli::args::label)]
    label: Vec<(String, String)>,
    /// Record a moment in the archive, such as 2026-01-31T12:00:00Z; none is recorded otherwise
    #[arg(long, value_name = "TIME", value_parser = cli::args::moment)]
    created: Option<String>,
    /// Replace the archive if it exists
    #[arg(long)]
    force: bool,
    /// Do not wait until the archive is on the disk
    #[arg(long)]
    no_sync: bool,
    #[command(flatten)]
    tables: cli::TableArgs,
    #[command(flatten)]
    jobs: cli::JobArgs,
    #[command(flatten)]
    output: cli::OutputArgs,
}

impl cli::Program for Args {
    fn output(&self) -> &cli::OutputArgs {
        &self.output
    }

    fn files(&self) -> TouchedFiles {
        TouchedFiles::default()
            .database(&Location::source(&self.source))
            .archive(&ArchivePath::parse(&self.archive))
    }

    fn data_on_stdout(&self) -> bool {
        self.archive == "-"
    }
}

impl Args {
    /// What the flow is asked to do.
    pub(crate) fn open(self) -> Result<ExportRequest> {
        let archive = ArchivePath::parse(&self.archive)?;
        cli::onto_stdout(&archive)?;
        Ok(ExportRequest {
            source: Location::source(&self.source)?,
            archive,
            level: self.compress,
            jobs: self.jobs.count(),
            labels: self.label,
            created: self.created,
            force: self.force,
            sync: !self.no_sync,
            tables: self.tables.filter()?,
        })
    }
}
