//! What a job found and did, as data. `cli` decides how it is shown.
//!
//! Knows no terminal; the field names here are the keys of `--json` (schema `waybill.result/1`)
//! and of the written reports, so renaming one changes a documented format.

pub mod escape;
pub mod runs;
pub mod structure;

use crate::fault::{Code, Exit, Fault, Place};
use crate::report::runs::{BackupReport, RunReport};
use crate::report::structure::{ObjectReport, RejectedType, Subject};
use indicatif::HumanCount;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing is lost.
    Note,
    /// Kept in another form, or structure weakened or left out.
    Warning,
    /// What was asked cannot be had, or must not be trusted.
    Error,
}

/// Row keys shown with a finding, at the most.
pub const SAMPLES: usize = 10;

/// One thing found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its class.
    pub code: Code,
    /// How much it matters.
    pub severity: Severity,
    /// Which object.
    pub place: Place,
    /// What was found and why; a fragment in lower case.
    pub message: String,
    /// How many rows or objects it concerns.
    pub count: u64,
    /// Keys of the first rows concerned, with a shortened value where that helps.
    pub samples: Vec<String>,
    /// What to do about this one, where the help line of its class is too general.
    pub hint: Option<String>,
    /// The constraint or other part of the place that it is about, where there is one.
    pub subject: Option<Subject>,
}

impl Finding {
    /// A finding that concerns one object.
    pub fn new(code: Code, severity: Severity, message: impl Into<String>) -> Self {
        Finding {
            code,
            severity,
            place: Place::default(),
            message: message.into(),
            count: 1,
            samples: Vec::new(),
            hint: None,
            subject: None,
        }
    }

    /// Replaces the class's help line by a more specific one.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What the operator can do about it.
    #[must_use]
    pub fn help(&self) -> &str {
        self.hint.as_deref().unwrap_or_else(|| self.code.help())
    }

    /// Says which constraint or other part of its place it is about.
    #[must_use]
    pub fn about(mut self, subject: Subject) -> Self {
        self.subject = Some(subject);
        self
    }

    /// Names what belongs to no table, with its kind: `PRAGMA user_version`, `server`.
    #[must_use]
    pub fn on(mut self, object: impl Into<String>) -> Self {
        self.place.object = Some(object.into());
        self
    }

    /// Names the table or other schema object.
    #[must_use]
    pub fn in_table(mut self, table: impl Into<String>) -> Self {
        self.place.table = Some(table.into());
        self
    }

    /// Names the column, or several.
    #[must_use]
    pub fn in_column(mut self, column: impl Into<String>) -> Self {
        self.place.column = Some(column.into());
        self
    }

    /// Names the archive member.
    #[must_use]
    pub fn in_entry(mut self, entry: impl Into<String>) -> Self {
        self.place.entry = Some(entry.into());
        self
    }

    /// How many rows or objects, and the keys of the first of them.
    #[must_use]
    pub fn counted(mut self, count: u64, samples: Vec<String>) -> Self {
        self.count = count;
        self.samples = samples;
        self.samples.truncate(SAMPLES);
        self
    }

    /// The finding that a failure amounts to, for jobs that collect rather than stop.
    #[must_use]
    pub fn from_fault(fault: &Fault) -> Self {
        let mut message = fault.what().to_owned();
        for cause in fault.causes() {
            message.push_str(": ");
            message.push_str(&cause);
        }
        let mut place = fault.place().clone();
        let samples = place.row.take().into_iter().collect();
        Finding {
            place,
            samples,
            hint: fault.own_hint().map(str::to_owned),
            ..Finding::new(fault.code(), Severity::Error, message)
        }
    }
}

/// The archive a job wrote or read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ArchiveFacts {
    /// The file, as the user named it; `-` for a pipe.
    pub path: String,
    /// SHA-256 of the root file.
    pub root: String,
    /// Digest of the content, independent of compression.
    pub content_root: String,
    /// SHA-256 of the whole file, where the job has seen every byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Length of the file.
    pub bytes: u64,
}

/// Sums over all tables.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Number of tables.
    pub tables: u64,
    /// Number of rows.
    pub rows: u64,
    /// Bytes of the rows' canonical lines.
    pub bytes: u64,
}

/// A phase that is over.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct PhaseReport {
    /// Its name.
    pub name: String,
    /// How long it took, to the millisecond.
    pub seconds: f64,
    /// Rows that were worked on.
    pub rows: u64,
    /// Bytes that were worked on.
    pub bytes: u64,
}

/// What a merge has done with rows of the archive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct MergeCounts {
    /// Rows whose key was not in the target.
    pub inserted: u64,
    /// Rows of the target that have got other values.
    pub updated: u64,
    /// Rows that the target had with the same values.
    pub unchanged: u64,
    /// Rows that the target has with other values, and keeps.
    pub skipped: u64,
}

impl MergeCounts {
    /// Both together.
    #[must_use]
    pub fn and(self, other: MergeCounts) -> MergeCounts {
        MergeCounts {
            inserted: self.inserted + other.inserted,
            updated: self.updated + other.updated,
            unchanged: self.unchanged + other.unchanged,
            skipped: self.skipped + other.skipped,
        }
    }

    /// Whether nothing was written.
    #[must_use]
    pub fn is_idle(self) -> bool {
        self.inserted == 0 && self.updated == 0
    }
}

impl fmt::Display for MergeCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [inserted, updated, unchanged, skipped] =
            [self.inserted, self.updated, self.unchanged, self.skipped].map(HumanCount);
        write!(
            f,
            "{inserted} inserted, {updated} updated, {unchanged} unchanged, {skipped} skipped"
        )
    }
}

/// What was done with one table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TableReport {
    /// Its name.
    pub name: String,
    /// Its name in the target, where a plan was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_name: Option<String>,
    /// Its kind: `table`, `without rowid`, `virtual (fts5)`.
    pub kind: String,
    /// Its rows.
    pub rows: u64,
    /// Bytes of its rows' canonical lines.
    pub bytes: u64,
    /// Its columns, where the job looks at columns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<ColumnReport>,
    /// Its keys and constraints in words, where the job looks at them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// What becomes of its keys, constraints, indexes, defaults, sequences and triggers, where a
    /// plan was made.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<ObjectReport>,
    /// The statement that makes the table with its columns, where a plan was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
    /// What became of its rows, where they were merged with those of the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged: Option<MergeCounts>,
}

/// What is known and planned of one column.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ColumnReport {
    /// Its name.
    pub name: String,
    /// The declared type of the source.
    pub declared: String,
    /// Its name in the target, where a plan was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_name: Option<String>,
    /// The type in the target, where a plan was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_type: Option<String>,
    /// What the values are, in words: `1,204 integer (1 to 99), 3 NULL`.
    pub evidence: String,
    /// What a mapping file might make of it, and what speaks for that; nothing of it is done unasked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub proposals: Vec<String>,
    /// What the values look like beyond their class: `date`, `json`, `compressed or encrypted data`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub looks_like: Vec<String>,
    /// Why it has its type, beyond what the values are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Types that were considered and not taken.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rejected: Vec<RejectedType>,
}

/// What a job found and did. Starts empty; each flow fills what it knows.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says something of its own"
)]
pub struct Report {
    /// The source as the user named it, without password.
    pub source: Option<String>,
    /// The target as the user named it, without password.
    pub target: Option<String>,
    /// The archive.
    pub archive: Option<ArchiveFacts>,
    /// Sums.
    pub totals: Totals,
    /// Tables in the source's order.
    pub tables: Vec<TableReport>,
    /// What becomes of views and of what else belongs to no table, where a plan was made.
    pub objects: Vec<ObjectReport>,
    /// Whether all this of tables and objects was not what the job was for: text then leaves it to
    /// `--verbose`.
    pub by_the_way: bool,
    /// Import order by foreign keys, and cycles, where the job looks at them.
    pub order: Vec<Vec<String>>,
    /// The phases in their order; the program fills this in.
    pub phases: Vec<PhaseReport>,
    /// Findings, sorted by place.
    pub findings: Vec<Finding>,
    /// The run that the target's history knows, where the job has added one to it.
    pub run: Option<String>,
    /// The schema of the ledger that knows that run, where another than the usual one was asked for.
    pub ledger_schema: Option<String>,
    /// That run has changed nothing, or what it has changed cannot be brought back.
    pub cannot_undo: bool,
    /// What the job would do, as SQL, a statement each, where it was asked for.
    pub script: Vec<String>,
    /// The runs of a target, the newest last, where the job looks at them.
    pub runs: Option<Vec<RunReport>>,
    /// Backups that were removed, the oldest first.
    pub removed: Vec<BackupReport>,
    /// What became of all rows, where they were merged with those of the target.
    pub merged: Option<MergeCounts>,
    /// One sentence that says what was done: `exported 12 tables, 48,201 rows (3.1 MiB) to shop.waybill`.
    pub summary: String,
    /// The verdict, when the job is one that judges: it then ends with exit 3 whatever `--fail-on`.
    pub rejected: bool,
    /// Set when an error among the findings stopped the job before its first write: exit 4.
    pub refused: bool,
}

impl Report {
    /// The exit code: a rejection or findings at or above `fail_on` give 3.
    #[must_use]
    pub fn exit(&self, fail_on: Option<Severity>) -> Exit {
        let worst = self.findings.iter().map(|finding| finding.severity).max();
        if self.refused {
            Exit::Refused
        } else if self.rejected || fail_on.is_some_and(|limit| worst >= Some(limit)) {
            Exit::Findings
        } else {
            Exit::Ok
        }
    }
}
