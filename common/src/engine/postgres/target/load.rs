//! Loads parts and builds what follows the rows, as the schedule allows.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::digest::Multiset;
use crate::fault::{Code, Fault, Result};
use crate::mapping::operator::AddedIndex;
use crate::mapping::plan::TablePlan;
use crate::progress::{Extent, Watch};
use crate::seam::{Check, PartReader, PartSpan};

use super::checks::{self, server_message, sqlstate};
use super::computed;
use super::copying::Rows;
use super::crew::{Shared, Worker};
use super::operator;
use super::refusal::Sent;
use super::run::{Job, transaction};
use super::schedule::{Schedule, Task};
use super::sql::Statements;
use super::twins::Unique;

/// Does the tasks of a schedule.
pub(super) struct Loader<'a> {
    job: &'a Job<'a>,
    parts: &'a dyn PartReader,
    watch: &'a dyn Watch,
    begin: &'a str,
    /// Whether content is to be compared later, and the bytes of a page.
    rows: (bool, usize),
    /// What was sent, per table of the plan.
    sent: Mutex<Vec<Multiset>>,
    /// What became of checks that do not hold for all rows.
    checks: Mutex<checks::Outcome>,
    /// Tables that have lost computed columns, as they are without.
    amended: Vec<OnceLock<TablePlan>>,
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
            amended: vec![OnceLock::new(); job.plan.tables.len()],
            keys_announced: AtomicBool::new(false),
            job,
            parts,
            watch,
            begin,
            rows: (check == Check::Content, block_size),
        }
    }

    /// What was sent, per table of the plan, what became of checks that do not hold, and the tables
    /// that have lost computed columns, as they are without.
    pub(super) fn into_results(
        self,
    ) -> (Vec<Multiset>, checks::Outcome, BTreeMap<usize, TablePlan>) {
        let checks = self.checks.into_inner();
        let sent = self.sent.into_inner();
        let amended = self.amended.into_iter().enumerate();
        (
            sent.unwrap_or_else(PoisonError::into_inner),
            checks.unwrap_or_else(PoisonError::into_inner),
            amended
                .filter_map(|(table, amended)| Some((table, amended.into_inner()?)))
                .collect(),
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
        | Task::Restore { table }
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
            Task::Restore { table } => self.restore(worker, shared, table),
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
        let (planned, source) = self.job.table(table)?;
        self.watch.table(&source.name);
        let mut sending = Sending {
            taken: vec![first],
            shown: 0,
        };
        let mut copied = self.copy(worker, shared, table, &mut sending);
        if let Err(fault) = &copied
            && computed::may_be_why(fault, planned)
        {
            self.drop_computed(worker, shared, table)?;
            copied = self.copy(worker, shared, table, &mut sending);
        }
        let digest = copied.map_err(|fault| {
            let sent = Sent {
                job: self.job,
                parts: self.parts,
                table,
                taken: &sending.taken,
            };
            sent.explain(fault, &mut worker.buffers)
        })?;
        locked(&self.sent)[table].merge(&digest);
        Ok(())
    }

    /// Sends the parts that were taken, and then others of the table as long as there are.
    fn copy(
        &self,
        worker: &mut Worker,
        shared: &Shared<Schedule>,
        table: usize,
        sending: &mut Sending,
    ) -> Result<Multiset> {
        let Worker { session, buffers } = worker;
        let sql = self.job.statements(table).copy_in()?;
        transaction(session, self.begin, |session| {
            let go_on = || shared.go_on();
            let copy = session.copy_in(&sql)?;
            let mut rows = Rows::new(self.job, table, self.rows, copy, &go_on)?;
            let mut position = 0;
            while let Some(part) = sending.part(position, shared, table) {
                shared.go_on()?;
                rows.number = part.first_row;
                self.parts.read(&part, buffers, &mut rows)?;
                position += 1;
                if sending.shown < position {
                    sending.shown = position;
                    self.watch.advance(part.rows, part.bytes);
                }
            }
            rows.finish()
        })
    }

    /// Drops the computed columns of a table, unless another worker has done so meanwhile.
    fn drop_computed(
        &self,
        worker: &mut Worker,
        shared: &Shared<Schedule>,
        table: usize,
    ) -> Result<()> {
        if shared.with(|schedule| schedule.drop_computed(table)) {
            let statements = self.job.statements(table);
            computed::drop_all(&mut worker.session, self.begin, &statements)?;
            shared.with(|schedule| schedule.dropped(table));
            shared.wake();
        }
        Ok(())
    }

    /// Adds the computed columns again that were dropped.
    fn restore(&self, worker: &mut Worker, shared: &Shared<Schedule>, table: usize) -> Result<()> {
        let (_, source) = self.job.table(table)?;
        let statements = self.job.statements(table);
        let restored = computed::restore(&mut worker.session, self.begin, statements, source)?;
        locked(&self.checks).findings.extend(restored.findings);
        if let Some(amended) = restored.amended {
            shared.with(|schedule| schedule.amend(table, &amended));
            self.amended[table].get_or_init(|| amended);
        }
        Ok(())
    }

    /// What can be said of a table in SQL when its rows are in: it may have lost computed columns.
    fn statements(&self, table: usize) -> Statements<'_> {
        let planned = self.job.statements(table);
        Statements {
            table: self.amended[table].get().unwrap_or(planned.table),
            ..planned
        }
    }

    /// The `index`th index: those of the keys come first.
    fn index(&self, worker: &mut Worker, table: usize, index: usize) -> Result<()> {
        let statements = self.statements(table);
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
                let mut all = locked(&self.checks);
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
        let sql = operator::create_index(&self.statements(table), index)?;
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
        let statements = self.statements(table);
        let ordered = operator::cluster(&statements)?;
        // Of the table as planned: the names of sequences go by the positions of columns.
        let all = self.job.statements(table);
        let mut sql = all.restart(&self.job.names.sequences[table])?;
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
        let checks = checks::add(&mut worker.session, self.begin, table, statements)?;
        locked(&self.checks).merge(checks);
        Ok(())
    }

    fn foreign_key(
        &self,
        worker: &mut Worker,
        table: usize,
        key: usize,
        validate: bool,
    ) -> Result<()> {
        let statements = self.statements(table);
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

/// The parts that a worker sends in one COPY, which may have to be repeated.
struct Sending {
    taken: Vec<PartSpan>,
    /// How many of them are in the progress.
    shown: usize,
}

impl Sending {
    /// The part at this position: one that was taken before, or another.
    fn part(
        &mut self,
        position: usize,
        shared: &Shared<Schedule>,
        table: usize,
    ) -> Option<PartSpan> {
        if position == self.taken.len() {
            let another = shared.with(|schedule| schedule.another_part(table));
            self.taken.extend(another);
        }
        self.taken.get(position).copied()
    }
}

fn locked<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
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
