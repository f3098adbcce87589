//! The command line of `waybill-verify`. Its doc comments are the help.

use clap::ValueEnum;
use std::ffi::OsString;
use waybill_common::cli;
use waybill_common::digest::Digest;
use waybill_common::fault::Result;
use waybill_common::flow::request::{Inspect, VerifyLevel, VerifyRequest};
use waybill_common::location::{ArchivePath, TouchedFiles};

/// Check that an archive is whole, consistent and the expected one, or show what it holds
///
/// No database is needed, and the program holds no database and no network code.
#[derive(Debug, clap::Parser)]
#[command(
    name = "waybill-verify",
    version,
    disable_help_flag = true,
    disable_version_flag = true,
    after_long_help = cli::EXIT_CODES
)]
pub(crate) struct Args {
    /// The archive; - reads it from standard input
    archive: OsString,
    /// How deep to look
    #[arg(long, value_enum, default_value_t = Level::Data, conflicts_with = "show")]
    level: Level,
    /// Accept only the archive with this root, as 64 hexadecimal digits
    #[arg(long, value_name = "HEX", conflicts_with = "show")]
    expect_root: Option<Digest>,
    /// Accept only an archive that carries this label; may repeat
    #[arg(long, value_name = "KEY=VALUE", value_parser = cli::args::label, conflicts_with = "show")]
    require_label: Vec<(String, String)>,
    #[command(flatten)]
    parts: cli::PartArgs,
    #[command(flatten)]
    jobs: cli::JobArgs,
    #[command(flatten)]
    show: Show,
    /// Show at most N rows
    #[arg(
        long,
        value_name = "N",
        requires = "cat",
        help_heading = "Show in place of a verdict"
    )]
    limit: Option<u64>,
    #[command(flatten)]
    output: cli::OutputArgs,
}

/// What to show in place of a verdict.
#[derive(Debug, clap::Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "clap makes a flag of each, and lets only one be given"
)]
#[group(id = "show", multiple = false)]
#[command(next_help_heading = "Show in place of a verdict")]
struct Show {
    /// List the members of the archive
    #[arg(short, long)]
    list: bool,
    /// Show the digests: root, content root, and one a table
    #[arg(long)]
    sums: bool,
    /// Show the rows of a table as JSON lines
    #[arg(long, value_name = "TABLE")]
    cat: Option<String>,
    /// Show the structure of the database, schema.json
    #[arg(long)]
    schema: bool,
    /// Show what the archive says of itself, manifest.json
    #[arg(long)]
    manifest: bool,
}

/// How deep to look.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Level {
    /// Frames, headers and descriptions; no row is read
    Structure,
    /// Also the digests of all rows
    Integrity,
    /// Also every row is decoded and keys are checked
    Data,
}

/// A verdict, or a look at a part of the archive.
#[derive(Debug)]
pub(crate) enum Request {
    /// Check the archive.
    Verify(VerifyRequest),
    /// Show something of it, when no part has more than so many bytes of lines.
    Inspect(ArchivePath, Inspect, u64),
}

impl cli::Program for Args {
    fn output(&self) -> &cli::OutputArgs {
        &self.output
    }

    fn files(&self) -> TouchedFiles {
        TouchedFiles::default().archive(&ArchivePath::parse(&self.archive))
    }

    fn data_on_stdout(&self) -> bool {
        self.show.asked()
    }
}

impl Args {
    /// What the flow is asked to do.
    pub(crate) fn open(self) -> Result<Request> {
        let archive = ArchivePath::parse(&self.archive)?;
        cli::from_stdin(&archive)?;
        let max_part = self.parts.max_part();
        if let Some(what) = self.show.inspect(self.limit) {
            return Ok(Request::Inspect(archive, what, max_part));
        }
        Ok(Request::Verify(VerifyRequest {
            archive,
            level: match self.level {
                Level::Structure => VerifyLevel::Structure,
                Level::Integrity => VerifyLevel::Integrity,
                Level::Data => VerifyLevel::Data,
            },
            jobs: self.jobs.count(),
            expect_root: self.expect_root,
            max_part,
            require_labels: self.require_label,
        }))
    }
}

impl Show {
    fn asked(&self) -> bool {
        self.list || self.sums || self.schema || self.manifest || self.cat.is_some()
    }

    fn inspect(self, limit: Option<u64>) -> Option<Inspect> {
        if let Some(table) = self.cat {
            return Some(Inspect::Cat { table, limit });
        }
        let all = [
            (self.list, Inspect::List),
            (self.sums, Inspect::Sums),
            (self.schema, Inspect::Schema),
            (self.manifest, Inspect::Manifest),
        ];
        all.into_iter()
            .find(|(asked, _)| *asked)
            .map(|(_, what)| what)
    }
}
