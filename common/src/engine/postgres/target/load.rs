//! Loads parts and builds what follows the rows, as the schedule allows.
//!
//! A row goes from the archive's buffer straight into a block of COPY data; nothing is kept of it
//! but its digest.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use crate::digest::Multiset;
use crate::engine::postgres::session::{CopyIn, ServerMessage};
use crate::fault::{Code, Fault, Result};
use crate::mapping::operator::AddedIndex;
use crate::mapping::plan::Origin;
use crate::model::key::RowNaming;
use crate::model::value::Value;
use crate::progress::{Extent, Watch};
use crate::seam::{Check, PartBuffers, PartReader, PartSpan, RowSink};

use super::checks::{self, server_message, sqlstate};
use super::crew::{Shared, Worker};
use super::encode::{Canonical, HEADER, TRAILER, TupleEncoder};
use super::operator;
use super::page::Page;
use super::run::{Job, transaction};
use super::schedule::{Schedule, Task};
use super::twins::Unique;

/// Bytes collected before they are sent.
const BLOCK: usize = 512 * 1024;
/// The most bytes of one message: a row may be longer than a message can be.
const MESSAGE: usize = 16 * 1024 * 1024;

/// What helps where a row fits no page.
const TOO_WIDE: &str = "`split = true` for the table in a mapping file makes several tables of it, joined by their key";

/// Does the tasks of a schedule.
pub(super) struct Loader<'a> {
    job: &'a Job<'a>,
    parts: &'a dyn PartReader,
    watch: &'a dyn Watch,
    check: Check,
    begin: &'a str,
    block_size: usize,
    /// What was sent, per table of the plan.
    sent: Mutex<Vec<Multiset>>,
    /// What became of checks that do not hold for all rows.
    checks: Mutex<checks::Outcome>,
    keys_announced: AtomicBool,
}

impl<'a> Loader<'a> {
    /// A loader of these parts, into pages of so many bytes.
    pub(super) fn new(
        job: &'a Job<'a>,
        begin: &'a str,
        check: Check,
        block_size: usize,
        parts: &'a dyn PartReader,
        watch: &'a dyn Watch,
    ) -> Self {
        Loader {
            sent: Mutex::new(vec![Multiset::default(); job.plan.tables.len()]),
            checks: Mutex::default(),
            keys_announced: AtomicBool::new(false),
            job,
            parts,
            watch,
            check,
            begin,
            block_size,
        }
    }

    /// What was sent, per table of the plan, and what became of checks that do not hold.
    pub(super) fn into_results(self) -> (Vec<Multiset>, checks::Outcome) {
        let checks = self.checks.into_inner();
        let sent = self.sent.into_inner();
        (
            sent.unwrap_or_else(PoisonError::into_inner),
            checks.unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// Does one task.
    pub(super) fn act(
        &self,
        worker: &mut Worker,
        shared: &Shared<Schedule>,
        task: Task,
    ) -> Result<()> {
        let (Task::Load { table, .. }
        | Task::Index { table, .. }
        | Task::Finish { table }
        | Task::AddForeignKey { table, .. }
        | Task::Validate { table, .. }) = task;
        let (_, source) = self.job.table(table)?;
        if !matches!(task, Task::Load { .. }) {
            self.announce_keys(shared);
        }
        let done = match task {
            Task::Load { table, part } => self.load(worker, shared, table, part),
            Task::Index { table, index } => self.index(worker, table, index),
            Task::Finish { table } => self.finish(worker, table),
            Task::AddForeignKey { table, key } => self.foreign_key(worker, table, key, false),
            Task::Validate { table, key } => self.foreign_key(worker, table, key, true),
        };
        done.map_err(|fault| fault.in_table(&source.name))
    }

    fn load(
        &self,
        worker: &mut Worker,
        shared: &Shared<Schedule>,
        table: usize,
        first: PartSpan,
    ) -> Result<()> {
        let (_, source) = self.job.table(table)?;
        self.watch.table(&source.name);
        let Worker { session, buffers } = worker;
        let mut taken = Vec::new();
        let sql = self.job.statements(table).copy_in()?;
        let loaded = transaction(session, self.begin, |session| {
            let go_on = || shared.go_on();
            let mut rows = self.rows(table, session.copy_in(&sql)?, &go_on)?;
            let mut next = Some(first);
            while let Some(part) = next {
                taken.push(part);
                shared.go_on()?;
                rows.number = part.first_row;
                self.parts.read(&part, buffers, &mut rows)?;
                self.watch.advance(part.rows, part.bytes);
                next = shared.with(|schedule| schedule.another_part(table));
            }
            rows.finish()
        });
        let digest = loaded.map_err(|fault| self.explain(fault, table, &taken, buffers))?;
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)[table].merge(&digest);
        Ok(())
    }

    fn rows<'s>(
        &self,
        table: usize,
        copy: CopyIn<'s>,
        go_on: &'s dyn Fn() -> Result<()>,
    ) -> Result<Rows<'s>> {
        let (planned, source) = self.job.table(table)?;
        let content = self.check == Check::Content;
        Ok(Rows {
            copy,
            go_on,
            encoder: TupleEncoder::new(planned.copied(), self.job.setting())?,
            page: Page::new(planned.copied(), self.block_size),
            canonical: content.then(|| Canonical::new(planned.copied())),
            columns: self.job.source_names(table)?,
            naming: RowNaming::of(source),
            digest: Multiset::default(),
            number: 1,
            block: HEADER.to_vec(),
        })
    }

    /// Names the row that the server has refused, where its message tells the line.
    fn explain(
        &self,
        fault: Fault,
        table: usize,
        taken: &[PartSpan],
        buffers: &mut PartBuffers,
    ) -> Fault {
        let Some(message) = server_message(&fault) else {
            return fault;
        };
        let Some(line) = refused_line(message, &self.job.plan.tables[table].name) else {
            return as_refusal(fault);
        };
        let mut explained =
            Fault::new(Code::ValueRefused, "the server refuses a row").because(message.clone());
        if let Some(location) = &fault.place().location {
            explained = explained.at(location);
        }
        let columns = &self.job.plan.tables[table].columns;
        if columns
            .iter()
            .any(|column| matches!(column.origin, Origin::Computed(_)))
        {
            explained = explained.hint(
                "a computed column may be what fails: leave it out with drop = true in a mapping file",
            );
        }
        match self.row_at(table, taken, line, buffers) {
            Some(key) => explained.in_row(key),
            None => explained,
        }
    }

    /// The key of the row that was the `line`th of these parts: they are read again.
    fn row_at(
        &self,
        table: usize,
        taken: &[PartSpan],
        line: u64,
        buffers: &mut PartBuffers,
    ) -> Option<String> {
        let (_, source) = self.job.table(table).ok()?;
        let mut before = 0;
        let part = taken.iter().find(|part| {
            let here = line > before && line - before <= part.rows;
            before += if here { 0 } else { part.rows };
            here
        })?;
        let mut find = Find {
            naming: RowNaming::of(source),
            number: part.first_row,
            wanted: part.first_row + (line - before - 1),
            found: None,
        };
        self.parts.read(part, buffers, &mut find).ok()?;
        find.found
    }

    /// The `index`th index: those of the keys come first.
    fn index(&self, worker: &mut Worker, table: usize, index: usize) -> Result<()> {
        let statements = self.job.statements(table);
        let planned = statements.table;
        let mut keys = planned.primary_key.iter().chain(&planned.unique);
        let count = keys.clone().count();
        let (sql, name, unique) = if let Some(key) = keys.nth(index) {
            let sql = statements.create_key_index(key)?;
            (sql, &key.name, Unique::key(key)?)
        } else if let Some(index) = planned.indexes.get(index - count) {
            let sql = statements.create_index(index)?;
            (sql, &index.name, Unique::index(index)?)
        } else {
            let added = &planned.added.indexes[index - count - planned.indexes.len()];
            return self.added_index(worker, table, added);
        };
        let built = transaction(&mut worker.session, self.begin, |session| {
            session.execute(&sql)
        });
        let Err(fault) = built else { return Ok(()) };
        let what = format!("cannot build the index `{name}`");
        if sqlstate(&fault) != Some("23505") {
            if let Some(position) = index.checked_sub(count)
                && let Some(left_out) = checks::index_left_out(&fault, &planned.indexes[position])
            {
                let mut all = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
                all.dropped_indexes.insert((table, position));
                all.findings.push(left_out.in_table(&planned.name));
                return Ok(());
            }
            let code = fault.code();
            return Err(rewritten(fault, code, what));
        }
        let fault = rewritten(fault, Code::KeyDuplicate, what);
        // Which rows they are is worth another look, yet no other failure.
        let rows = unique.rows(&mut worker.session, self.begin, &statements);
        Err(match rows.ok().flatten() {
            Some(rows) => fault.in_row(rows),
            None => fault,
        })
    }

    /// An index that the operator asks for.
    fn added_index(&self, worker: &mut Worker, table: usize, index: &AddedIndex) -> Result<()> {
        let sql = operator::create_index(&self.job.statements(table), index)?;
        let doing = format!("cannot build the added index `{}`", index.name);
        transaction(&mut worker.session, self.begin, |session| {
            operator::run(session, self.job, &sql, doing)
        })
    }

    /// The phase changes when all rows are in, though some keys are there before.
    fn announce_keys(&self, shared: &Shared<Schedule>) {
        let is_in = shared.with(|schedule| schedule.rows_are_in());
        if is_in && !self.keys_announced.swap(true, Ordering::Relaxed) {
            self.watch.phase("keys and indexes", Extent::default());
        }
    }

    /// What all rows and bytes amount to; those of a table in pieces are read once for each.
    pub(super) fn extent(&self) -> Extent {
        let planned = self.job.planned_by_source();
        let parts = self.parts.parts().iter();
        let (rows, bytes) = parts.fold((0, 0), |(rows, bytes), part| {
            let times = planned.get(part.table).map_or(0, Vec::len) as u64;
            (rows + times * part.rows, bytes + times * part.bytes)
        });
        Extent {
            rows: Some(rows),
            bytes: Some(bytes),
        }
    }

    fn finish(&self, worker: &mut Worker, table: usize) -> Result<()> {
        let statements = self.job.statements(table);
        let ordered = operator::cluster(&statements)?;
        let mut sql = statements.restart(&self.job.names.sequences[table])?;
        sql.extend(statements.add_keys()?);
        sql.push(statements.analyze()?);
        transaction(&mut worker.session, self.begin, |session| {
            let order = || "cannot store the rows in order".to_owned();
            ordered
                .iter()
                .try_for_each(|sql| operator::run(session, self.job, sql, order()))?;
            sql.iter()
                .try_for_each(|statement| session.execute(statement))
        })?;
        let checks = checks::add(&mut worker.session, self.begin, self.job, table)?;
        let mut all = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        all.merge(checks);
        Ok(())
    }

    fn foreign_key(
        &self,
        worker: &mut Worker,
        table: usize,
        key: usize,
        validate: bool,
    ) -> Result<()> {
        let statements = self.job.statements(table);
        let key = &statements.table.foreign_keys[key];
        let sql = if validate {
            statements.validate(key)?
        } else {
            statements.add_foreign_key(key)?
        };
        let done = transaction(&mut worker.session, self.begin, |session| {
            session.execute(&sql)
        });
        done.map_err(|fault| {
            let orphan = sqlstate(&fault) == Some("23503");
            let code = if orphan {
                Code::ForeignKeyOrphan
            } else {
                fault.code()
            };
            rewritten(
                fault,
                code,
                format!("cannot add the foreign key `{}`", key.name),
            )
        })
    }
}

/// The same failure with another class and another text, when the server has reported it.
fn rewritten(fault: Fault, code: Code, what: String) -> Fault {
    let Some(message) = server_message(&fault) else {
        return fault;
    };
    let rewritten = Fault::new(code, what).because(message.clone());
    match &fault.place().location {
        Some(location) => rewritten.at(location),
        None => rewritten,
    }
}

/// The line of COPY whose row the server refuses. It is that row's only where a value or a
/// constraint is the reason (classes 22 and 23); else it says how far the server had read, because
/// rows are stored in batches.
fn refused_line(message: &ServerMessage, table: &str) -> Option<u64> {
    match message.sqlstate.get(..2) {
        Some("22" | "23") => line_of(message.context.as_deref()?, table),
        _ => None,
    }
}

/// A limit of the server that some row exceeds (class 54) refuses the row, though not by name; the
/// line that the message gives would mislead.
fn as_refusal(fault: Fault) -> Fault {
    let Some(message) = server_message(&fault) else {
        return fault;
    };
    if !message.sqlstate.starts_with("54") {
        return fault;
    }
    let message = ServerMessage {
        context: None,
        ..message.clone()
    };
    let refusal = Fault::new(Code::ValueRefused, "the server refuses a row").because(message);
    match &fault.place().location {
        Some(location) => refusal.at(location),
        None => refusal,
    }
}

/// The line in `COPY table, line 7, column c`: the words are translated, their order is not. What
/// a type has to say about the value stands before it.
fn line_of(context: &str, table: &str) -> Option<u64> {
    let copy = format!("COPY {table}, ");
    let rest = &context[context.rfind(&copy)? + copy.len()..];
    let start = rest.find(|c: char| c.is_ascii_digit())?;
    let digits = &rest[start..];
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    digits[..end].parse().ok()
}

/// Turns rows into COPY data.
struct Rows<'s> {
    copy: CopyIn<'s>,
    go_on: &'s dyn Fn() -> Result<()>,
    encoder: TupleEncoder,
    page: Page,
    /// There when content is to be compared later.
    canonical: Option<Canonical>,
    /// Their names in the source, by position in COPY.
    columns: Vec<String>,
    naming: RowNaming,
    digest: Multiset,
    /// The number of the next row within its table.
    number: u64,
    block: Vec<u8>,
}

impl RowSink for Rows<'_> {
    fn row(&mut self, row: &[Value<'_>]) -> Result<()> {
        let start = self.block.len();
        self.encoder
            .encode(row, &mut self.block)
            .map_err(|refused| {
                let fault = Fault::new(refused.code, refused.why);
                let fault = fault.in_row(self.naming.name(row, self.number));
                match self.columns.get(refused.column) {
                    Some(column) => fault.in_column(column),
                    None => fault,
                }
            })?;
        if let Some(why) = self.page.refusal(&self.block[start..]) {
            let fault = Fault::new(Code::ValueRefused, why).hint(TOO_WIDE);
            return Err(fault.in_row(self.naming.name(row, self.number)));
        }
        match &mut self.canonical {
            None => self.digest.rows += 1,
            Some(canonical) => {
                let form = canonical.of(&self.block[start..]).map_err(|column| {
                    let what = "the text is no JSON that jsonb holds unchanged";
                    Fault::new(Code::ValueRefused, what)
                        .in_column(&self.columns[column])
                        .in_row(self.naming.name(row, self.number))
                })?;
                self.digest.add(form);
            }
        }
        self.number += 1;
        if self.block.len() >= BLOCK {
            self.send()?;
        }
        Ok(())
    }
}

impl Rows<'_> {
    fn send(&mut self) -> Result<()> {
        (self.go_on)()?;
        let room = Vec::with_capacity(BLOCK + BLOCK / 8);
        let mut block = Bytes::from(std::mem::replace(&mut self.block, room));
        while !block.is_empty() {
            let piece = block.split_to(std::cmp::min(MESSAGE, block.len()));
            self.copy.send(piece)?;
        }
        Ok(())
    }

    /// Ends the data; the server must have taken every row.
    fn finish(mut self) -> Result<Multiset> {
        self.block.extend_from_slice(&TRAILER);
        self.send()?;
        let taken = self.copy.finish()?;
        if taken != self.digest.rows {
            let what = "the server has not taken as many rows as were sent";
            let why = crate::fault::Mismatch::new(self.digest.rows, taken);
            return Err(Fault::new(Code::ContentDiffers, what).because(why));
        }
        Ok(self.digest)
    }
}

/// Finds the key of one row.
struct Find {
    naming: RowNaming,
    number: u64,
    wanted: u64,
    found: Option<String>,
}

impl RowSink for Find {
    fn row(&mut self, row: &[Value<'_>]) -> Result<()> {
        if self.number == self.wanted {
            self.found = Some(self.naming.name(row, self.number));
        }
        self.number += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_found_in_any_language_and_trusted_where_it_is_the_rows() {
        assert_eq!(
            line_of("COPY orders, line 12, column total", "orders"),
            Some(12)
        );
        assert_eq!(line_of("COPY a, 1, Zeile 7", "a, 1"), Some(7));
        assert_eq!(line_of("SQL function \"f\"", "orders"), None);
        assert_eq!(line_of("COPY orders, line", "orders"), None);
        let message = |sqlstate: &str| ServerMessage {
            sqlstate: sqlstate.to_owned(),
            message: String::new(),
            detail: None,
            hint: None,
            constraint: None,
            position: None,
            context: Some("COPY orders, line 1000".to_owned()),
        };
        for (sqlstate, line) in [
            ("22P02", Some(1000)),
            ("23502", Some(1000)),
            ("54000", None),
            ("53100", None),
            ("", None),
        ] {
            assert_eq!(refused_line(&message(sqlstate), "orders"), line);
        }
        let limit = Fault::new(Code::ServerError, "x").because(message("54000"));
        let limit = as_refusal(limit);
        assert_eq!(limit.code(), Code::ValueRefused);
        assert_eq!(server_message(&limit).unwrap().context, None);
        let full = as_refusal(Fault::new(Code::ServerBusy, "x").because(message("53100")));
        assert_eq!(full.code(), Code::ServerBusy);
        let json = "JSON data, line 1: {\"COPY t, line 3\nCOPY t, line 12, column c";
        assert_eq!(line_of(json, "t"), Some(12));
    }
}
