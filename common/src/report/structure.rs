//! What becomes of the structure of a source, object by object, as data.
//!
//! Knows no database and no plan. Field names and words are keys and values of `--json`.

use crate::report::Finding;
use serde::Serialize;

/// What a finding is about, within the table (and column) that its place names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// The primary key.
    PrimaryKey,
    /// A UNIQUE constraint, by position in `Table::unique`.
    Unique(usize),
    /// An index, by position in `Table::indexes`.
    Index(usize),
    /// A foreign key, by position in `Table::foreign_keys`.
    ForeignKey(usize),
    /// A CHECK constraint, by position in `Table::checks`.
    Check(usize),
    /// NOT NULL of the column.
    NotNull,
    /// The default of the column.
    Default,
    /// What computes the column.
    Computed,
    /// The collation of the column.
    Collation,
    /// The sequence of an identity column.
    Sequence,
    /// A view, by position in `Schema::views`.
    View(usize),
    /// A trigger, by position in `Schema::triggers`.
    Trigger(usize),
}

/// Says of all findings that are about nothing yet what they are about.
pub fn tag(findings: &mut [Finding], subject: Subject) {
    for finding in findings {
        finding.subject = finding.subject.or(Some(subject));
    }
}

/// What becomes of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It is the same in the target.
    Carried,
    /// It says the same in the target's language.
    Translated,
    /// It holds less than in the source.
    Weakened,
    /// It is not in the target.
    LeftOut,
    /// The source does not have it; the mapping file asks for it, or the target's rules do.
    Added,
}

impl Fate {
    /// The word for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Fate::Carried => "carried",
            Fate::Translated => "translated",
            Fate::Weakened => "weakened",
            Fate::LeftOut => "left out",
            Fate::Added => "added",
        }
    }
}

/// What kind of thing an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectKind {
    /// A table without rows in the archive.
    Table,
    /// A computed column.
    ComputedColumn,
    /// A column that the source does not have.
    Column,
    /// NOT NULL.
    NotNull,
    /// A default.
    Default,
    /// A collation of a column other than the default.
    Collation,
    /// The sequence of an identity column.
    Sequence,
    /// A primary key.
    PrimaryKey,
    /// A UNIQUE constraint.
    Unique,
    /// A foreign key.
    ForeignKey,
    /// A CHECK constraint.
    Check,
    /// An index, unique or not.
    Index,
    /// A trigger.
    Trigger,
    /// A view.
    View,
}

impl ObjectKind {
    /// The word for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            ObjectKind::Table => "table",
            ObjectKind::ComputedColumn => "computed column",
            ObjectKind::Column => "column",
            ObjectKind::NotNull => "not null",
            ObjectKind::Default => "default",
            ObjectKind::Collation => "collation",
            ObjectKind::Sequence => "sequence",
            ObjectKind::PrimaryKey => "primary key",
            ObjectKind::Unique => "unique",
            ObjectKind::ForeignKey => "foreign key",
            ObjectKind::Check => "check",
            ObjectKind::Index => "index",
            ObjectKind::Trigger => "trigger",
            ObjectKind::View => "view",
        }
    }
}

/// One object of the structure, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ObjectReport {
    /// What it is.
    pub kind: ObjectKind,
    /// Its name in the source, or its columns in brackets where it has none.
    pub name: String,
    /// What becomes of it.
    pub fate: Fate,
    /// Why it is not the same, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// The statements that make it in the target; clauses of CREATE TABLE for what belongs to a
    /// column.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sql: Vec<String>,
}

/// A type that a column does not get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RejectedType {
    /// The type.
    #[serde(rename = "type")]
    pub target_type: String,
    /// Why not, with the key of the first row against.
    pub reason: String,
}
