//! Takes rows, encodes them, and cuts them into parts.

use super::evidence_json;
use super::layout::Member;
use super::limits::{PART_BYTES, PARTS, ROW_BYTES, TABLE_PARTS};
use super::pipeline::{Buffer, Filled, Intake};
use super::rows::encode_row;
use crate::fault::{Code, Fault, Result};
use crate::model::schema::{Schema, Table};
use crate::model::value::Value;
use crate::profile::evidence::TableEvidence;
use crate::progress::Watch;
use crate::seam::RowSink;

/// Receives the rows of all tables, one table after the other.
pub struct PartsSink<'a> {
    schema: &'a Schema,
    watch: &'a dyn Watch,
    intake: Intake,
    /// Parts handed on so far.
    parts: u64,
    /// What each table's rows said; tables without rows in the archive stay empty.
    evidence: Vec<Option<TableEvidence>>,
}

impl<'a> PartsSink<'a> {
    pub(super) fn new(schema: &'a Schema, watch: &'a dyn Watch, intake: Intake) -> Self {
        PartsSink {
            schema,
            watch,
            intake,
            parts: 0,
            evidence: vec![None; schema.tables.len()],
        }
    }

    /// Takes all rows of the table at position `table` of the schema: `produce` sends them, in
    /// order, and gives their evidence. Tables come in the order of the schema; each table whose
    /// rows are carried comes once, the others never.
    pub fn table(
        &mut self,
        table: usize,
        produce: &mut dyn FnMut(&mut dyn RowSink) -> Result<TableEvidence>,
    ) -> Result<()> {
        let in_turn = self.evidence[table..].iter().all(Option::is_none);
        let facts = &self.schema.tables[table];
        if !in_turn || !facts.has_rows() {
            return Err(Fault::new(Code::Bug, "a table came out of turn").in_table(&facts.name));
        }
        let mut sink = TableSink {
            table: facts,
            position: table,
            parts: self,
            cells: facts.cells(),
            buffer: None,
            part: 0,
            part_rows: 0,
            rows: 0,
        };
        let evidence = produce(&mut sink)?;
        sink.cut()?;
        let rows = sink.rows;
        if evidence.rows != rows || evidence.columns.len() != evidence_json::columns(facts) {
            return Err(
                Fault::new(Code::Bug, "the evidence is not that of the rows").in_table(&facts.name),
            );
        }
        self.evidence[table] = Some(evidence);
        Ok(())
    }

    /// The evidence of all tables, when none was left out.
    pub(super) fn finish(self) -> Result<Vec<TableEvidence>> {
        let tables = self.schema.tables.iter().zip(self.evidence);
        tables
            .map(|(table, evidence)| match evidence {
                None if table.has_rows() => {
                    Err(Fault::new(Code::Bug, "a table was left out").in_table(&table.name))
                }
                evidence => Ok(evidence.unwrap_or_default()),
            })
            .collect()
    }
}

/// Receives the rows of one table.
struct TableSink<'s, 'a> {
    table: &'s Table,
    /// Position of the table in the schema.
    position: usize,
    parts: &'s mut PartsSink<'a>,
    cells: usize,
    /// The part being filled, once it has a row.
    buffer: Option<Buffer>,
    /// Ordinal of the last part handed on.
    part: u32,
    part_rows: u64,
    rows: u64,
}

impl RowSink for TableSink<'_, '_> {
    fn row(&mut self, row: &[Value<'_>]) -> Result<()> {
        if row.len() != self.cells {
            return Err(Fault::new(
                Code::Bug,
                "a row has another number of cells than its table",
            )
            .in_table(&self.table.name));
        }
        self.rows += 1;
        let buffer = match &mut self.buffer {
            Some(buffer) => buffer,
            none => {
                let mut buffer = self.parts.intake.buffer()?;
                buffer.lines.reserve(PART_BYTES + PART_BYTES / 8);
                none.insert(buffer)
            }
        };
        let start = buffer.lines.len();
        encode_row(&mut buffer.lines, row);
        self.part_rows += 1;
        let length = buffer.lines.len();
        if length - start > ROW_BYTES {
            return Err(self
                .limit("a row is longer than an archive can hold")
                .because(format!("{} bytes, at most {ROW_BYTES}", length - start)));
        }
        if length >= PART_BYTES {
            self.cut()?;
        }
        Ok(())
    }
}

impl TableSink<'_, '_> {
    /// Hands on the part that is being filled, if there is one.
    fn cut(&mut self) -> Result<()> {
        let Some(buffer) = self.buffer.take() else {
            return Ok(());
        };
        if self.parts.watch.stopped() {
            return Err(Fault::interrupted());
        }
        if self.part == TABLE_PARTS || self.parts.parts == PARTS as u64 {
            return Err(self.limit("the rows need more parts than an archive can hold"));
        }
        self.part += 1;
        let rows = std::mem::take(&mut self.part_rows);
        self.parts.watch.advance(rows, buffer.lines.len() as u64);
        let table = u32::try_from(self.position + 1).expect("tables have been counted");
        let part = self.part;
        self.parts.intake.hand_on(Filled {
            number: self.parts.parts,
            table: self.position,
            member: Member::Part { table, part },
            rows,
            buffer,
        })?;
        self.parts.parts += 1;
        Ok(())
    }

    fn limit(&self, what: &'static str) -> Fault {
        Fault::new(Code::SourceLimit, what)
            .in_table(&self.table.name)
            .in_row(format!("row {}", self.rows))
    }
}
