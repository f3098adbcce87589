//! Loads parts and builds what follows the rows, as the schedule allows.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::digest::Multiset;
use crate::engine::postgres::ledger::{Claim, Record, Saved, Steps};
use crate::engine::postgres::session::Session;
use crate::fault::{Code, Fault, Result};
use crate::mapping::operator::AddedIndex;
use crate::mapping::plan::TablePlan;
use crate::progress::{Extent, Watch};
use crate::seam::{Check, PartReader, PartSpan};

use super::Results;
use super::checks::{self, server_message, sqlstate};
use super::computed;
use super::copying::Rows;
use super::crew::{Outcome, Shared, Worker};
use super::entry::{FIRST, TRIED_BEFORE, is_over};
use super::operator;
use super::refusal::Sent;
use super::run::{Job, transaction};
use super::schedule::{Schedule, Standing, Step, Task};
use super::sql::Statements;
use super::twins::Unique;

/// How often a step that could not get its locks in time is left for later: two processes may wait
/// for each other's tables.
const PATIENCE: u32 = 5;

/// What other processes do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Others {
    /// None has been at work of late.
    None,
    /// Some have.
    AtWork,
    /// They have done all there was to do, and switched.
    Finished,
}

/// Does the steps of a schedule.
pub(super) struct Loader<'a> {
    job: &'a Job<'a>,
    steps: &'a Steps,
    parts: &'a dyn PartReader,
    watch: &'a dyn Watch,
    begin: &'a str,
    /// Whether content is to be compared later, and the bytes of a page.
    rows: (bool, usize),
    /// Tables whose computed columns have been restored: as they are without those that were not.
    amended: Vec<OnceLock<Option<TablePlan>>>,
    keys_announced: AtomicBool,
    /// What the last look at other processes has seen.
    seen: Mutex<Option<String>>,
    /// How often steps could not get their locks here.
    late: Mutex<BTreeMap<usize, u32>>,
}

impl<'a> Loader<'a> {
    /// A loader of these parts, into pages of so many bytes.
    pub(super) fn new(
        (job, steps): (&'a Job<'a>, &'a Steps),
        begin: &'a str,
        (check, block_size): (Check, usize),
        parts: &'a dyn PartReader,
        watch: &'a dyn Watch,
    ) -> Self {
        Loader {
            keys_announced: AtomicBool::new(false),
            seen: Mutex::default(),
            late: Mutex::default(),
            amended: vec![OnceLock::new(); job.plan.tables.len()],
            job,
            steps,
            parts,
            watch,
            begin,
            rows: (check == Check::Content, block_size),
        }
    }

    /// Learns what other processes have done since the last time, and what has become of the steps that
    /// they have.
    pub(super) fn learn(
        &self,
        control: &mut Session,
        elsewhere: &[usize],
        tell: &mut dyn FnMut(usize, Standing),
    ) -> Result<Others> {
        let elsewhere: Vec<_> = elsewhere.iter().map(|number| FIRST + number).collect();
        let mut tell = |step: usize, standing| {
            if let Some(number) = step.checked_sub(FIRST) {
                tell(number, standing);
            }
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        transaction(control, self.begin, |session| {
            let pulse = self.steps.pulse(session)?;
            if is_over(&pulse)? {
                return Ok(Others::Finished);
            }
            self.steps
                .news(session, &mut seen, |step| tell(step, Standing::Done))?;
            self.steps.standings(session, &elsewhere, |step, held| {
                let standing = match held {
                    None => Standing::Done,
                    Some(true) => Standing::Elsewhere,
                    Some(false) => Standing::Waiting,
                };
                tell(step, standing);
            })?;
            // Afterwards: whose lease has run out by then is gone before it is taken over.
            self.steps.evict(session, &elsewhere)?;
            Ok(if pulse.has_others {
                Others::AtWork
            } else {
                Others::None
            })
        })
    }

    /// Looks around while the workers work.
    pub(super) fn look(&self, control: &mut Session, shared: &Shared<Schedule>) -> Result<()> {
        let elsewhere = shared.with(|schedule| schedule.elsewhere());
        let mut learned = Vec::new();
        let others = self.learn(control, &elsewhere, &mut |number, standing| {
            learned.push((number, standing));
        })?;
        shared.with(|schedule| {
            if others == Others::Finished {
                schedule.finish();
            }
            for (number, standing) in learned {
                schedule.learn(number, standing);
            }
        });
        Ok(())
    }

    /// Whether a step that could not get its locks in time is left for later.
    fn is_patient(&self, step: Step) -> bool {
        let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        let times = late.entry(step.number).or_default();
        *times += 1;
        *times < PATIENCE
    }

    /// What came of all steps of the schedule.
    pub(super) fn results(&self, control: &mut Session, schedule: &Schedule) -> Result<Results> {
        let tasks: Vec<_> = schedule.tasks().collect();
        let mut results = Results {
            sent: vec![Multiset::default(); self.job.plan.tables.len()],
            ..Results::default()
        };
        transaction(control, self.begin, |session| {
            self.steps.results(session, |number, rows, record| {
                let Some(task) = number
                    .checked_sub(FIRST)
                    .and_then(|number| tasks.get(number))
                else {
                    return Ok(());
                };
                if let Some(sum) = &record.sum {
                    let sent = Multiset::of_sum(rows, sum).map_err(|malformed| {
                        Fault::new(Code::ServerUnfit, "the ledger holds no sum of a part")
                            .because(malformed)
                    })?;
                    results.sent[task.table()].merge(&sent);
                }
                results.checks.take(task.table(), &record);
                let (planned, source) = self.job.table(task.table())?;
                if let Some(amended) = computed::amended(planned, source, &record) {
                    results.amended.insert(task.table(), amended);
                }
                Ok(())
            })
        })?;
        Ok(results)
    }

    /// Does one step, unless another process has it.
    pub(super) fn act(
        &self,
        worker: &mut Worker,
        shared: &Shared<Schedule>,
        step: Step,
    ) -> Result<Outcome> {
        let claim = transaction(&mut worker.session, self.begin, |session| {
            self.steps.claim(session, FIRST + step.number)
        })?;
        let Some(claim) = claim else {
            return Ok(Outcome::Elsewhere);
        };
        if !matches!(step.task, Task::Load { .. }) {
            self.announce_keys(shared);
        }
        let (_, source) = self.job.table(step.task.table())?;
        if claim.is_repeated() {
            let (kind, table) = (step.task.kind(), &source.name);
            let what = format!("{kind} of table `{table}`, attempt {}", claim.attempt());
            self.watch.retry(&what, TRIED_BEFORE);
        }
        let done = match step.task {
            Task::Load { table, part } => self.load(worker, claim, shared, (table, part)),
            Task::Restore { table } => self.restore(worker, claim, table),
            Task::Index { table, index } => self.index(worker, claim, table, index),
            Task::Finish { table } => self.finish(worker, claim, table),
            Task::AddForeignKey { table, key } => {
                self.foreign_key(worker, claim, (table, key), false)
            }
            Task::Validate { table, key } => self.foreign_key(worker, claim, (table, key), true),
        };
        match done {
            Ok(()) => Ok(Outcome::Done),
            Err(fault) if fault.code() == Code::LockTimeout && self.is_patient(step) => {
                self.watch.retry("a step left for later", &fault.in_short());
                transaction(&mut worker.session, self.begin, |session| {
                    self.steps.release(session, claim)
                })?;
                Ok(Outcome::Elsewhere)
            }
            Err(fault) => Err(fault.in_table(&source.name)),
        }
    }

    /// Loads a part: its rows and its record are committed together.
    fn load(
        &self,
        worker: &mut Worker,
        claim: Claim,
        shared: &Shared<Schedule>,
        (table, part): (usize, PartSpan),
    ) -> Result<()> {
        let (planned, source) = self.job.table(table)?;
        self.watch.table(&source.name);
        let mut copied = self.copy(worker, claim, shared, (table, part));
        if let Err(fault) = &copied
            && computed::may_be_why(fault, planned)
        {
            let statements = self.job.statements(table);
            let hold = |session: &mut Session| self.steps.hold(session, claim);
            computed::drop_all(&mut worker.session, self.begin, &statements, hold)?;
            copied = self.copy(worker, claim, shared, (table, part));
        }
        copied.map_err(|fault| {
            let sent = Sent {
                job: self.job,
                parts: self.parts,
                table,
                taken: &[part],
            };
            sent.explain(fault, &mut worker.buffers)
        })?;
        self.watch.advance(part.rows, part.bytes);
        Ok(())
    }

    fn copy(
        &self,
        worker: &mut Worker,
        claim: Claim,
        shared: &Shared<Schedule>,
        (table, part): (usize, PartSpan),
    ) -> Result<()> {
        let Worker { session, buffers } = worker;
        let sql = self.job.statements(table).copy_in()?;
        transaction(session, self.begin, |session| {
            let go_on = || shared.go_on();
            let copy = session.copy_in(&sql)?;
            let mut rows = Rows::new(self.job, table, self.rows, copy, &go_on)?;
            rows.number = part.first_row;
            self.parts.read(&part, buffers, &mut rows)?;
            let digest = rows.finish()?;
            let record = Record::of_part(&digest);
            self.steps.done(session, claim, digest.rows, &record)
        })
    }

    /// Adds the computed columns again that were dropped.
    fn restore(&self, worker: &mut Worker, claim: Claim, table: usize) -> Result<()> {
        let (_, source) = self.job.table(table)?;
        let statements = self.job.statements(table);
        self.step(worker, claim, |session| {
            computed::restore(session, statements, source)
        })
    }

    /// What can be said of a table in SQL when its rows are in: it may have lost computed columns,
    /// here or in another process.
    fn statements(&self, worker: &mut Worker, table: usize) -> Result<Statements<'_>> {
        let (planned, source) = self.job.table(table)?;
        let statements = self.job.statements(table);
        if planned.computed().next().is_none() {
            return Ok(statements);
        }
        if self.amended[table].get().is_none() {
            let record = transaction(&mut worker.session, self.begin, |session| {
                self.steps
                    .record(session, "computed", &self.job.truth(&planned.name))
            })?;
            self.amended[table].get_or_init(|| computed::amended(planned, source, &record));
        }
        let amended = self.amended[table].get().and_then(Option::as_ref);
        Ok(Statements {
            table: amended.unwrap_or(planned),
            ..statements
        })
    }

    /// Does what makes a step, and records it, in one transaction.
    fn step(
        &self,
        worker: &mut Worker,
        claim: Claim,
        act: impl FnOnce(&mut Session) -> Result<Record>,
    ) -> Result<()> {
        transaction(&mut worker.session, self.begin, |session| {
            let record = act(session)?;
            self.steps.done(session, claim, 0, &record)
        })
    }

    /// The `index`th index of the plan: those of the keys come first.
    fn index(&self, worker: &mut Worker, claim: Claim, table: usize, index: usize) -> Result<()> {
        let there = self.statements(worker, table)?.table;
        let statements = self.job.statements(table);
        let planned = statements.table;
        let mut keys = planned.primary_key.iter().chain(&planned.unique);
        let count = keys.clone().count();
        if let Some(key) = keys.nth(index) {
            let mut kept = there.primary_key.iter().chain(&there.unique);
            if !kept.any(|one| one == key) {
                return self.step(worker, claim, |_| Ok(Record::default()));
            }
            let what = (&*statements.create_key_index(key)?, key.name.as_str());
            return self.build(worker, claim, statements, what, &Unique::key(key)?);
        }
        if let Some(index) = planned.indexes.get(index - count) {
            if !there.indexes.contains(index) {
                return self.step(worker, claim, |_| Ok(Record::default()));
            }
            let sql = statements.create_index(index)?;
            let what = (sql.as_str(), index.name.as_str());
            let built = self.build(worker, claim, statements, what, &Unique::index(index)?);
            let Err(fault) = built else { return Ok(()) };
            let left_out = checks::index_left_out(&fault, index).ok_or(fault)?;
            let left_out = left_out.in_table(&planned.name);
            return self.step(worker, claim, |_| {
                Ok(Record {
                    dropped_indexes: vec![index.name.clone()],
                    findings: vec![Saved::from(&left_out)],
                    ..Record::default()
                })
            });
        }
        let added = &planned.added.indexes[index - count - planned.indexes.len()];
        if !there.added.indexes.contains(added) {
            return self.step(worker, claim, |_| Ok(Record::default()));
        }
        self.added_index(worker, claim, table, added)
    }

    /// Builds an index; where it is unique and rows are not, the fault names some.
    fn build(
        &self,
        worker: &mut Worker,
        claim: Claim,
        statements: Statements<'_>,
        (sql, name): (&str, &str),
        unique: &Unique,
    ) -> Result<()> {
        let built = self.step(worker, claim, |session| {
            session.execute(sql)?;
            Ok(Record::default())
        });
        let Err(fault) = built else { return Ok(()) };
        let what = format!("cannot build the index `{name}`");
        if sqlstate(&fault) != Some("23505") {
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
    fn added_index(
        &self,
        worker: &mut Worker,
        claim: Claim,
        table: usize,
        index: &AddedIndex,
    ) -> Result<()> {
        let sql = operator::create_index(&self.job.statements(table), index)?;
        let doing = format!("cannot build the added index `{}`", index.name);
        self.step(worker, claim, |session| {
            operator::run(session, self.job, &sql, doing)?;
            Ok(Record::default())
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

    fn finish(&self, worker: &mut Worker, claim: Claim, table: usize) -> Result<()> {
        let statements = self.statements(worker, table)?;
        let ordered = operator::cluster(&statements)?;
        // Of the table as planned: the names of sequences go by the positions of columns.
        let all = self.job.statements(table);
        let mut sql = all.restart(&self.job.names.sequences[table])?;
        sql.extend(statements.add_keys()?);
        sql.push(statements.analyze()?);
        self.step(worker, claim, |session| {
            let order = || "cannot store the rows in order".to_owned();
            ordered
                .iter()
                .try_for_each(|sql| operator::run(session, self.job, sql, order()))?;
            sql.iter()
                .try_for_each(|statement| session.execute(statement))?;
            checks::add(session, statements)
        })
    }

    fn foreign_key(
        &self,
        worker: &mut Worker,
        claim: Claim,
        (table, key): (usize, usize),
        validate: bool,
    ) -> Result<()> {
        let statements = self.job.statements(table);
        let key = &statements.table.foreign_keys[key];
        let sql = if validate {
            statements.validate(key)?
        } else {
            statements.add_foreign_key(key)?
        };
        let done = self.step(worker, claim, |session| {
            session.execute(&sql)?;
            Ok(Record::default())
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
