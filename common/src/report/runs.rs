//! What was done to a target over time: its imports, what was undone, and the backups of both.
//!
//! The same for every engine. The field names are keys of `--json` (schema `waybill.result/1`).

use serde::Serialize;

/// What a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RunMode {
    /// It made what was not there.
    Create,
    /// It put aside what was there.
    Replace,
    /// It put rows into tables that were there and empty.
    Fill,
    /// It put rows into tables that may hold some.
    Merge,
    /// It brought back what another run had put aside.
    Undo,
}

impl RunMode {
    /// The word for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            RunMode::Create => "create",
            RunMode::Replace => "replace",
            RunMode::Fill => "fill",
            RunMode::Merge => "merge",
            RunMode::Undo => "undo",
        }
    }
}

/// What has become of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// What it did stands.
    Current,
    /// It has not ended; it goes on, or was interrupted.
    Unfinished,
    /// It was undone.
    Undone,
    /// A later run has put aside what it brought.
    Replaced,
    /// Somebody else has removed what it brought.
    Gone,
    /// It could not succeed, and has changed nothing.
    Failed,
    /// It was given up, and has changed nothing.
    Abandoned,
}

impl RunState {
    /// The word for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            RunState::Current => "current",
            RunState::Unfinished => "unfinished",
            RunState::Undone => "undone",
            RunState::Replaced => "replaced",
            RunState::Gone => "gone",
            RunState::Failed => "failed",
            RunState::Abandoned => "abandoned",
        }
    }
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunReport {
    /// Its UUID.
    pub run: String,
    /// When it switched, RFC 3339 in UTC.
    pub when: String,
    /// The program and its version.
    pub tool: String,
    /// What it did.
    pub mode: RunMode,
    /// The run that it undid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undoes: Option<String>,
    /// Root of the archive whose content it brought, where that is known.
    pub root: Option<String>,
    /// Content root of that archive.
    pub content_root: Option<String>,
    /// What has become of it.
    pub state: RunState,
    /// Whether `undo` can bring back what was there before it.
    pub undoable: bool,
    /// What it has put aside, as long as that is kept.
    pub backup: Option<BackupReport>,
    /// The schema that it has changed (PostgreSQL).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// Its tables, where they are recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tables: Option<u64>,
    /// Its rows, where they are recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// The machines and processes that work on it now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub workers: Vec<String>,
}

/// What a run has put aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackupReport {
    /// Where it is: a file, or a schema.
    pub location: String,
    /// Its bytes, where they can be told.
    pub bytes: Option<u64>,
}
