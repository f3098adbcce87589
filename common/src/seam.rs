//! The traits all data crosses: a source drives, a sink receives, the part is the unit of work.
//!
//! Knows no engine and no archive; `flow` joins them through these.

use crate::fault::{Code, Fault, Result};
use crate::model::schema::{Schema, Table};
use crate::model::value::Value;
use crate::progress::Watch;
use crate::report::Finding;

/// Receives the rows of one table, in order.
pub trait RowSink {
    /// Takes one row: a hidden rowid first, then the stored columns (`Table::cells` values).
    fn row(&mut self, row: &[Value<'_>]) -> Result<()>;
}

/// A database held still: one consistent snapshot from opening to `finish`.
pub trait Source {
    /// Engine and version for `waybill.json`, such as `("sqlite", "3.54.1")`.
    fn engine(&self) -> (&'static str, String);
    /// The source as the user named it, without password.
    fn location(&self) -> String;
    /// What the database consists of.
    fn schema(&self) -> &Schema;
    /// What was noticed while reading the schema: objects left out, unknown modules.
    fn findings(&self) -> &[Finding];
    /// Rows of a table, when the engine can tell without reading them all.
    fn estimate(&self, table: &Table) -> Option<u64>;
    /// Sends every row of `table` to `sink`, in the archive's row order.
    fn read(&mut self, table: &Table, sink: &mut dyn RowSink) -> Result<()>;
    /// Makes sure that what was read was one state of the source, and lets go of it.
    fn finish(&mut self) -> Result<()>;
}

/// One part of an archive: some rows of one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartSpan {
    /// Position of the table in the schema.
    pub table: usize,
    /// Ordinal of the part within its table, from 1.
    pub part: u32,
    /// Number of rows.
    pub rows: u64,
    /// Number of the part's first row within its table, from 1.
    pub first_row: u64,
    /// Uncompressed bytes of its lines.
    pub bytes: u64,
}

/// Reads parts of a verified archive, each on any thread.
pub trait PartReader: Sync {
    /// All parts, in table order, then part order.
    fn parts(&self) -> &[PartSpan];
    /// Sends the rows of one part to `sink`; digests are checked before the first row.
    fn read(
        &self,
        part: &PartSpan,
        buffers: &mut PartBuffers,
        sink: &mut dyn RowSink,
    ) -> Result<()>;
}

/// Memory a worker reuses from part to part: one frame, and its lines.
#[derive(Debug, Default)]
pub struct PartBuffers {
    /// The compressed frame.
    pub frame: Vec<u8>,
    /// The uncompressed lines.
    pub lines: Vec<u8>,
}

/// What an import finds when it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// There is work to do.
    Ready,
    /// It has been done already, by the run with this number.
    Already(String),
}

/// A database that is filled beside its final place and switched in one step.
///
/// Steps are called once each, in this order. Dropped before `switch` has returned `Ok`, it leaves
/// the target as it was.
pub trait Target {
    /// The target as the user named it, without password.
    fn location(&self) -> String;
    /// Refuses what would fail later, and makes the staging place, or finds the one of an
    /// interrupted run that brings the same `parts`. Nothing else is called when the import has been
    /// done already.
    fn begin(&mut self, parts: &dyn PartReader, watch: &dyn Watch) -> Result<Begun>;
    /// Loads all rows. What follows a table's rows may be built as soon as they are in.
    fn load(&mut self, parts: &dyn PartReader, watch: &dyn Watch) -> Result<()>;
    /// Builds the keys, indexes, constraints and other objects that `load` has not built, so that
    /// all of them are there.
    fn build(&mut self, watch: &dyn Watch) -> Result<()>;
    /// Compares what the staging place holds with what was sent, value by value.
    fn check(&mut self, watch: &dyn Watch) -> Result<()>;
    /// Gets what the switch needs of others, such as locks, as long as it may be waited for.
    fn settle(&mut self, _watch: &dyn Watch) -> Result<()> {
        Ok(())
    }
    /// Puts everything in its final place in one step.
    fn switch(&mut self, watch: &dyn Watch) -> Result<()>;
    /// In place of `switch`, at the end of a dry run: tries the switch as far as it can be taken back, and
    /// leaves nothing of the import.
    fn discard(&mut self, watch: &dyn Watch) -> Result<()>;
    /// What was weakened, left out or kept in another form.
    fn findings(&self) -> Vec<Finding>;
}

/// What the operator is asked to agree to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What would happen, in one fragment: `replace shop.db`.
    pub what: String,
    /// What it concerns, a line each: tables with their rows.
    pub details: Vec<String>,
}

/// Who agrees to what puts something aside or removes it.
#[derive(Debug, Clone, Copy)]
pub enum Consent {
    /// It was given beforehand.
    Given,
    /// Somebody can be asked.
    Ask(fn(&Question, &dyn Watch) -> Result<bool>),
    /// Nobody can be asked.
    Withheld,
}

impl Consent {
    /// Goes on only with consent.
    pub fn seek(self, question: &Question, watch: &dyn Watch) -> Result<()> {
        match self {
            Consent::Given => Ok(()),
            Consent::Ask(ask) if ask(question, watch)? => Ok(()),
            Consent::Ask(_) => {
                let what = format!("not confirmed: {}", question.what);
                Err(Fault::new(Code::NotConfirmed, what).hint("nothing was changed"))
            }
            Consent::Withheld => {
                let what = format!("needs to be confirmed: {}", question.what);
                let fault = Fault::new(Code::NotConfirmed, what);
                Err(if question.details.is_empty() {
                    fault
                } else {
                    fault.because(question.details.join("\n"))
                })
            }
        }
    }
}

/// How a target is compared with the archive before the switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// Not at all.
    None,
    /// Rows per table.
    Counts,
    /// Every value.
    Content,
}
