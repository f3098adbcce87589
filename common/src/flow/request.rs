//! What each job is asked to do, as plain data. The programs' arguments are turned into these.

use crate::digest::Digest;
use crate::location::{ArchivePath, Location, TableFilter};
use crate::mapping::NameRule;
use crate::mapping::fill::Merging;
use crate::seam::{Check, Consent};
use std::path::PathBuf;
use std::time::Duration;

/// Look at a source.
#[derive(Debug, Clone)]
pub struct AnalyzeRequest {
    /// The database to look at.
    pub source: Location,
    /// What it is judged against.
    pub against: Against,
    /// How names become names of PostgreSQL; `None` leaves it to the mapping file.
    pub names: Option<NameRule>,
    /// The mapping file.
    pub map: Option<PathBuf>,
    /// Which tables.
    pub tables: TableFilter,
    /// Where a mapping file goes that changes no value.
    pub map_out: Option<PathBuf>,
}

/// What a source is judged against.
#[derive(Debug, Clone)]
pub enum Against {
    /// The rules of PostgreSQL in general.
    Postgres,
    /// The rules of SQLite in general.
    Sqlite,
    /// A real target, looked at read-only.
    Target(Location),
}

/// Write an archive of a source.
#[derive(Debug, Clone)]
pub struct ExportRequest {
    /// The database to export.
    pub source: Location,
    /// Where the archive goes.
    pub archive: ArchivePath,
    /// zstd level, 1 to 19.
    pub level: i32,
    /// Worker threads.
    pub jobs: usize,
    /// The operator's own words, as key and value.
    pub labels: Vec<(String, String)>,
    /// A time to record (RFC 3339); none is recorded unless asked for.
    pub created: Option<String>,
    /// Replace an existing file.
    pub force: bool,
    /// Wait until the file is on the disk.
    pub sync: bool,
    /// Which tables.
    pub tables: TableFilter,
}

/// Check an archive.
#[derive(Debug, Clone)]
pub struct VerifyRequest {
    /// The archive.
    pub archive: ArchivePath,
    /// How deep to look.
    pub level: VerifyLevel,
    /// Worker threads.
    pub jobs: usize,
    /// The root the archive must have.
    pub expect_root: Option<Digest>,
    /// Bytes of lines that a part may have at the most.
    pub max_part: u64,
    /// Labels the archive must carry, as key and value.
    pub require_labels: Vec<(String, String)>,
}

/// How deep verify looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum VerifyLevel {
    /// Frames, headers, tag files; no row data is read.
    Structure,
    /// Also every part's digests.
    Integrity,
    /// Also every row is decoded, evidence is recomputed, and keys are checked.
    Data,
}

/// What an import does with tables that are in the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Refuses when one exists that it would make.
    Create,
    /// Puts aside what is there, in the step that puts the new in place.
    Replace,
    /// Puts rows into them: they must be there, and empty.
    Fill,
    /// Puts rows to those that are there, found again by a key.
    Merge,
}

/// Load an archive into a target.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub struct ImportRequest {
    /// The archive.
    pub archive: ArchivePath,
    /// Where its content goes.
    pub target: Location,
    /// What is done with tables that are there.
    pub mode: Mode,
    /// How rows are merged, with `Mode::Merge`.
    pub merging: Merging,
    /// Schema of the target, for PostgreSQL; `public` unless given.
    pub into_schema: Option<String>,
    /// Schema of the ledger, for PostgreSQL; its own unless given.
    pub ledger_schema: Option<String>,
    /// Schema to stage in, for PostgreSQL; one of the run's own unless given.
    pub staging_schema: Option<String>,
    /// Worker threads, and connections to a server.
    pub jobs: usize,
    /// The root the archive must have.
    pub expect_root: Option<Digest>,
    /// Bytes of lines that a part may have at the most.
    pub max_part: u64,
    /// How the target is compared with the archive before the switch.
    pub check: Check,
    /// How names become names of PostgreSQL; `None` leaves it to the mapping file.
    pub names: Option<NameRule>,
    /// The mapping file.
    pub map: Option<PathBuf>,
    /// Only say what would be done.
    pub plan_only: bool,
    /// Do everything, and take it back.
    pub dry_run: bool,
    /// Structure, rows or both.
    pub scope: Scope,
    /// Which tables.
    pub tables: TableFilter,
    /// How long to wait for locks.
    pub lock_wait_timeout: Duration,
    /// Nobody may use the tables that are replaced or filled (PostgreSQL; a file in use is never
    /// replaced).
    pub require_idle: bool,
    /// Folder for the private copy of an archive that comes through a pipe.
    pub spool: Option<PathBuf>,
    /// Carry triggers (SQLite targets).
    pub triggers: bool,
    /// Carry views (SQLite targets).
    pub views: bool,
    /// What happens when the newest run has brought the same.
    pub again: Again,
    /// Who agrees to what is put aside.
    pub consent: Consent,
}

/// What an import does that was made already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Again {
    /// Nothing: it says so, or what differs.
    #[default]
    Compare,
    /// It is made once more.
    Import,
}

/// List the runs of a target.
#[derive(Debug, Clone)]
pub struct StatusRequest {
    /// The database.
    pub target: Location,
    /// Schema of the ledger, for PostgreSQL; its own unless given.
    pub ledger_schema: Option<String>,
}

/// Bring back what was there before a run.
#[derive(Debug, Clone)]
pub struct UndoRequest {
    /// The database.
    pub target: Location,
    /// Schema of the ledger, for PostgreSQL; its own unless given.
    pub ledger_schema: Option<String>,
    /// The run, by its UUID or the beginning of it; the newest unless given.
    pub run: Option<String>,
    /// Do not look whether something has changed since.
    pub assume_unchanged: bool,
    /// What is only said, instead of done.
    pub only: Option<UndoOnly>,
    /// How long to wait for locks.
    pub lock_wait_timeout: Duration,
    /// Who agrees when something has changed since.
    pub consent: Consent,
}

/// What an undo only says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UndoOnly {
    /// Whether it is safe, and why.
    Verdict,
    /// The script that would do it on a server.
    Script,
}

/// Remove backups.
#[derive(Debug, Clone)]
pub struct PruneRequest {
    /// The database.
    pub target: Location,
    /// Schema of the ledger, for PostgreSQL; its own unless given.
    pub ledger_schema: Option<String>,
    /// Which backups stay.
    pub keep: Keep,
    /// How long to wait for locks.
    pub lock_wait_timeout: Duration,
    /// Who agrees to the removal of the last one.
    pub consent: Consent,
}

/// Which backups stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The newest, so many.
    Newest(usize),
    /// Those that were put aside within this time.
    YoungerThan(Duration),
}

/// Compare a target with an archive.
#[derive(Debug, Clone)]
pub struct CheckRequest {
    /// The archive.
    pub archive: ArchivePath,
    /// The database to look at.
    pub target: Location,
    /// Schema of the target, for PostgreSQL; `public` unless given.
    pub into_schema: Option<String>,
    /// Worker threads, and connections to a server.
    pub jobs: usize,
    /// Rows of a table that are named, at the most.
    pub limit: u64,
    /// The root the archive must have.
    pub expect_root: Option<Digest>,
    /// Bytes of lines that a part may have at the most.
    pub max_part: u64,
    /// How names have become names of PostgreSQL; `None` leaves it to the mapping file.
    pub names: Option<NameRule>,
    /// The mapping file.
    pub map: Option<PathBuf>,
    /// Which tables.
    pub tables: TableFilter,
    /// Folder for the private copy of an archive that comes through a pipe.
    pub spool: Option<PathBuf>,
}

/// What of an archive is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// Structure and rows.
    #[default]
    All,
    /// Tables, keys, indexes and whatever else there is besides rows.
    Structure,
}

/// What to show of an archive instead of a verdict. The archive's structure and the digests of
/// what is shown are checked all the same.
#[derive(Debug, Clone)]
pub enum Inspect {
    /// Its members with their lengths.
    List,
    /// Digests: root, content root, tables.
    Sums,
    /// `schema.json`.
    Schema,
    /// `manifest.json`.
    Manifest,
    /// The rows of a table as JSON lines.
    Cat {
        /// The table's name.
        table: String,
        /// At most so many rows.
        limit: Option<u64>,
    },
}
