//! Fills a staging schema of a PostgreSQL database, and switches it into the target schema in one
//! transaction.
//!
//! Nothing is visible before the switch. Whatever happens earlier (a kill, a lost connection, a
//! refused row), the target schema is as it was. The ledger of the database knows the steps of the
//! run: an import that was interrupted goes on where it stopped, and several processes may work on
//! one run at the same time. What cannot succeed is given up and its staging schema dropped.

mod check;
mod checks;
pub mod compare;
mod computed;
mod copying;
mod crew;
mod disguise;
mod encode;
mod entry;
mod fill;
mod load;
mod operator;
mod page;
mod refusal;
pub mod rehearse;
mod replace;
mod run;
mod schedule;
pub mod show;
mod sql;
mod staging;
mod switch;
mod tuples;
mod twins;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tokio_postgres::types::Oid;

use crate::digest::Multiset;
use crate::engine::postgres::catalogue::{Facts, READING};
use crate::engine::postgres::conninfo::ConnInfo;
pub use crate::engine::postgres::ledger::SCHEMA as LEDGER_SCHEMA;
use crate::engine::postgres::ledger::{Heartbeat, State, Steps, end};
use crate::engine::postgres::session::Session;
use crate::engine::postgres::swap::Order;
use crate::fault::{Code, Fault, Result};
use crate::mapping::fill::Filling;
use crate::mapping::plan::{PgType, Plan, TablePlan};
use crate::model::schema::Schema;
use crate::model::value::Value;
use crate::progress::{Extent, Watch};
use crate::report::{Finding, MergeCounts};
use crate::seam::{Begun, Check, PartReader, Target};

use check::Reading;
use crew::{Shared, Worker};
use entry::Turn;
pub(super) use fill::as_refusal;
use fill::{Merged, Publish, Tables};
use load::{Loader, Others};
use run::Job;
pub(super) use run::transaction;
use schedule::Schedule;
pub(super) use staging::{abandoned, drop_schema as drop_tables};
use switch::Move;

/// How an import into PostgreSQL is done.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// The schema that gets the tables; it must exist.
    pub target_schema: String,
    /// Connections that load and build at the same time; fewer where the server has no room.
    pub jobs: usize,
    /// How long one lock is waited for.
    pub lock_wait_timeout: Duration,
    /// Puts aside tables that bear the names of those to be made, in the switch.
    pub replace: bool,
    /// Nobody may use the tables that are replaced or filled, when it begins nor when it ends.
    pub require_idle: bool,
    /// How the staged tables are compared with what was sent.
    pub check: Check,
    /// Which run it belongs to.
    pub run: RunOptions,
}

/// Whether a value that is not NULL has an exact form in this type.
#[must_use]
pub fn fits(value: &Value<'_>, target: PgType) -> bool {
    encode::fits(value, target, &[])
}

/// A PostgreSQL database that gets new tables (mode `create`), or rows into tables that it has (modes
/// `fill` and `merge`).
pub struct PostgresTarget<'a> {
    conninfo: ConnInfo,
    /// Where the staged rows go, unless the staged tables are to become the target's.
    filling: Option<&'a Filling>,
    options: PostgresOptions,
    job: Job<'a>,
    open: Option<Open>,
    findings: Vec<Finding>,
    merged: Option<Merged>,
}

/// Which run an import belongs to.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// The root of the archive, as 64 hexadecimal digits.
    pub archive_root: String,
    /// The digest of its content.
    pub content_root: String,
    /// What was done before, or interrupted, does not count.
    pub anew: bool,
    /// The schema of the ledger; made when it is not there.
    pub ledger_schema: String,
    /// The schema to stage in, which must be there; one is made unless given.
    pub staging_schema: Option<String>,
    /// Everything is done, and the switch taken back.
    pub dry: bool,
}

/// What there is between `begin` and the end.
struct Open {
    facts: Facts,
    /// For the catalogue, the ledger and the switch.
    control: Session,
    workers: Vec<Worker>,
    /// BEGIN with settings, for what must survive a crash of the server.
    safe: String,
    /// The same, for work that may be lost in one.
    begin: String,
    /// There until `load` takes it.
    schedule: Option<Schedule>,
    steps: Steps,
    results: Results,
    /// The number of the last step: the check and the switch.
    last: usize,
    /// Whose that step is, once `build` has asked.
    turn: Option<Turn>,
    /// Says that we are alive, until it is dropped.
    _heartbeat: Heartbeat,
}

/// What came of all steps, whichever process has done them.
#[derive(Default)]
struct Results {
    /// What was sent, per table of the plan.
    sent: Vec<Multiset>,
    /// What became of checks and indexes that do not hold.
    checks: checks::Outcome,
    /// Tables that have lost computed columns, as they are without.
    amended: BTreeMap<usize, TablePlan>,
}

impl<'a> PostgresTarget<'a> {
    /// A target that will make what `plan` says of `schema`; connects in `begin` only.
    #[must_use]
    pub fn new(
        conninfo: ConnInfo,
        schema: &'a Schema,
        plan: &'a Plan,
        options: PostgresOptions,
    ) -> Self {
        let mut job = Job::new(schema, plan, options.target_schema.clone());
        job.stage_in(options.run.staging_schema.as_deref());
        PostgresTarget {
            job,
            filling: None,
            conninfo,
            options,
            open: None,
            findings: Vec::new(),
            merged: None,
        }
    }

    /// A target whose tables are there, and get the rows as `filling` says.
    #[must_use]
    pub fn filling(
        conninfo: ConnInfo,
        schema: &'a Schema,
        filling: &'a Filling,
        options: PostgresOptions,
    ) -> Self {
        let mut target = PostgresTarget::new(conninfo, schema, &filling.plan, options);
        target.filling = Some(filling);
        target
    }

    /// The number of the run, once `begin` has found that there is work to do.
    #[must_use]
    pub fn run(&self) -> &str {
        &self.job.id
    }

    /// After `load`, before `switch`: every staged row that the tables to be filled would refuse, as
    /// far as that can be told without writing into them.
    pub fn survey(&mut self, watch: &dyn Watch) -> Result<Vec<Finding>> {
        watch.phase("looking for rows that will not fit", Extent::default());
        let open = opened(&mut self.open)?;
        let Some(filling) = self.filling.filter(|_| open.turn != Some(Turn::Done)) else {
            return Ok(Vec::new());
        };
        let tables = Tables {
            job: &self.job,
            filling,
        };
        fill::survey(&mut open.control, &open.begin, tables)
    }

    /// The plan without what the import has left out because computed columns of it fail on some row;
    /// nothing while none has.
    #[must_use]
    pub fn amended(&self) -> Option<Cow<'_, Plan>> {
        if !self.job.is_amended {
            return None;
        }
        Some(match self.job.undressed() {
            Some(job) => Cow::Owned(job.plan.into_owned()),
            None => Cow::Borrowed(&*self.job.plan),
        })
    }

    /// What became of the rows of each table of the plan, once they are merged; nothing where another
    /// process has done it and the ledger no longer tells.
    #[must_use]
    pub fn merged(&self) -> Option<&[MergeCounts]> {
        self.merged.as_ref().map(|merged| merged.tables.as_slice())
    }

    /// Gives the run up for good: nothing is left of it but its line in the ledger.
    pub fn give_up(&mut self, reason: &str) -> Result<()> {
        self.end_as(State::Failed, reason)
    }

    fn end_as(&mut self, state: State, reason: &str) -> Result<()> {
        let Some(mut open) = self.open.take() else {
            return Ok(());
        };
        // Ends their transactions, and with them the locks on what is to be dropped.
        open.workers.clear();
        let (ledger, run) = (open.steps.ledger.clone(), open.steps.run.clone());
        let ended = |session: &mut Session| {
            let is_ours = transaction(session, &open.safe, |session| {
                end(session, &ledger, &run, state, Some(reason))
            })?;
            if !is_ours {
                // Who has ended it has tidied up, or switched what was staged.
                return Ok(());
            }
            staging::remove(session, &open.begin, &self.job)
        };
        ended(&mut open.control).or_else(|_| ended(&mut Session::connect(&self.conninfo)?))
    }

    /// Where the failure is one that the same command would meet again, the run is given up;
    /// otherwise that command goes on with it.
    fn settle<T>(&mut self, done: Result<T>) -> Result<T> {
        done.map_err(|fault| {
            let dry = self.options.run.dry;
            if fault.code() == Code::Interrupted && !dry {
                return fault;
            }
            // Where another process has ended the run, that is why this one fails as well.
            match self.ended_elsewhere() {
                Some(Err(ended)) => return ended,
                // What this one had staged is in its place, so it found nothing any more.
                Some(Ok(())) => return overtaken(fault),
                None => {}
            }
            if is_final(fault.code()) || dry {
                // What cannot be removed now, the next import removes.
                drop(self.give_up(fault.what()));
            }
            fault
        })
        .map_err(|fault| match &self.job.disguise {
            Some(disguise) => disguise.fault(fault),
            None => fault,
        })
    }

    /// How another process has ended the run: a fault where badly. Nothing where none has, or where
    /// the server cannot be asked.
    fn ended_elsewhere(&self) -> Option<Result<()>> {
        let open = self.open.as_ref()?;
        let mut session = Session::connect(&self.conninfo).ok()?;
        let pulse = transaction(&mut session, READING, |session| open.steps.pulse(session));
        match entry::is_over(&pulse.ok()?) {
            Ok(false) => None,
            over => Some(over.map(drop)),
        }
    }

    fn load_all(&mut self, parts: &dyn PartReader, watch: &dyn Watch) -> Result<()> {
        let check = self.options.check;
        let open = opened(&mut self.open)?;
        let Some(mut schedule) = open.schedule.take() else {
            return Err(Fault::new(Code::Bug, "rows are loaded once"));
        };
        let (steps, begin) = (&open.steps, open.begin.as_str());
        let pages = open.facts.block_size;
        let loader = Loader::new((&self.job, steps), begin, (check, pages), parts, watch);
        watch.phase("rows", loader.extent());
        let control = &mut open.control;
        let others = loader.learn(control, &[], &mut |number, standing| {
            schedule.learn(number, standing);
        })?;
        match others {
            Others::None => {}
            Others::AtWork => schedule.begin_at(std::process::id() as usize),
            Others::Finished => schedule.finish(),
        }
        let mut look = |shared: &Shared<Schedule>| loader.look(control, shared);
        let act = |worker: &mut Worker, shared: &_, step| loader.act(worker, shared, step);
        let schedule = crew::run_shared(schedule, &mut open.workers, watch, &act, &mut look)?;
        open.results = loader.results(&mut open.control, &schedule)?;
        let amended = std::mem::take(&mut open.results.amended);
        let findings = &mut open.results.checks.findings;
        findings.extend(self.job.amend(amended));
        findings.sort_by(|a, b| a.place.table.cmp(&b.place.table));
        self.findings.append(findings);
        Ok(())
    }

    /// Takes the last step, unless another process does it.
    fn take_turn(&mut self, watch: &dyn Watch) -> Result<()> {
        let open = opened(&mut self.open)?;
        let turn = open.wait_for(open.last, watch)?;
        open.turn = Some(turn);
        if turn == Turn::Done {
            return self.learn_merged();
        }
        transaction(&mut open.control, &open.begin, |session| {
            check::structure(session, &self.job, &open.results.checks)
        })
    }

    /// What another process has merged, as the ledger tells it.
    fn learn_merged(&mut self) -> Result<()> {
        let open = opened(&mut self.open)?;
        let (steps, last) = (&open.steps, open.last);
        let record = transaction(&mut open.control, &open.begin, |session| {
            steps.record_of(session, last)
        })?;
        self.merged = Merged::read(record);
        let findings = self.merged.iter().flat_map(|merged| &merged.findings);
        self.findings.extend(findings.cloned());
        Ok(())
    }

    fn check_all(&mut self, watch: &dyn Watch) -> Result<()> {
        let check = self.options.check;
        let open = opened(&mut self.open)?;
        if open.turn == Some(Turn::Done) {
            return Ok(());
        }
        match check {
            Check::None => Ok(()),
            Check::Counts => {
                let found = transaction(&mut open.control, &open.begin, |session| {
                    let tables = 0..self.job.plan.tables.len();
                    tables
                        .map(|table| check::count(session, &self.job, table))
                        .collect::<Result<Vec<_>>>()
                })?;
                check::compare(&self.job, &open.results.sent, &found, true)
            }
            Check::Content => {
                let sent = &open.results.sent;
                let rows = Some(sent.iter().map(|sent| sent.rows).sum());
                watch.phase("checking", Extent { rows, bytes: None });
                let tables = Self::staged_tables(&self.job, &mut open.control, &open.begin)?;
                let blocks = transaction(&mut open.control, &open.begin, |session| {
                    check::blocks(session, &tables)
                })?;
                let reading = Reading::new(&blocks, open.control.server_version_num());
                let (job, begin) = (&self.job, open.begin.as_str());
                let act = |worker: &mut Worker, shared: &_, range| {
                    let read = check::read(job, begin, worker, shared, range)?;
                    watch.advance(read.rows, 0);
                    Ok(())
                };
                let reading = crew::run(reading, &mut open.workers, watch, &act)?;
                check::compare(&self.job, sent, &reading.found, false)
            }
        }
    }

    fn put_in_place(&mut self, watch: &dyn Watch) -> Result<()> {
        let open = opened(&mut self.open)?;
        let claim = match open.turn {
            Some(Turn::Ours(claim)) => claim,
            Some(Turn::Done) => return Ok(()),
            None => {
                return Err(Fault::new(
                    Code::Bug,
                    "what is switched must have been built",
                ));
            }
        };
        let phase = match self.filling {
            Some(_) => "writing rows",
            None => "switching",
        };
        watch.phase(phase, Extent::default());
        let order = Order::default();
        let moving = Move {
            order: &order,
            job: &self.job,
            target: open.facts.schema,
            begin: &open.safe,
            conninfo: &self.conninfo,
            steps: &open.steps,
            claim,
            dry: self.options.run.dry,
            replace: self.options.replace,
            require_idle: self.options.require_idle,
            lock_wait: self.options.lock_wait_timeout,
            watch,
        };
        let Some(filling) = self.filling else {
            let left_out = moving.run(&mut open.control)?;
            self.findings.extend(left_out);
            return Ok(());
        };
        let tables = Tables {
            job: &self.job,
            filling,
        };
        let publish = Publish {
            tables,
            check: self.options.check,
            moving,
        };
        let merged = publish.run(&mut open.control)?;
        let findings = merged.iter().flat_map(|merged| merged.findings.clone());
        self.findings.extend(findings);
        self.merged = merged;
        Ok(())
    }

    /// The staged tables in the order of the plan.
    fn staged_tables(job: &Job<'_>, session: &mut Session, begin: &str) -> Result<Vec<Oid>> {
        let query = include_str!("../queries/staged_tables.sql");
        let rows = transaction(session, begin, |session| {
            session.query(query, &[&job.staging])
        })?;
        let oids: HashMap<&str, Oid> = rows
            .iter()
            .map(|row| (row.get("name"), row.get("oid")))
            .collect();
        let oid = |name: &str| {
            oids.get(name).copied().ok_or_else(|| {
                Fault::new(Code::ContentDiffers, "a staged table has disappeared").in_table(name)
            })
        };
        job.plan
            .tables
            .iter()
            .map(|table| oid(&table.name))
            .collect()
    }
}

fn opened(open: &mut Option<Open>) -> Result<&mut Open> {
    open.as_mut()
        .ok_or_else(|| Fault::new(Code::Bug, "an import has not begun"))
}

/// The fault of a process that stood still until others had done its work and all the rest.
fn overtaken(fault: Fault) -> Fault {
    let what = "another process has taken over a step of the import, and finished it";
    let hint = "run the same command again: it says whether the target holds the archive";
    Fault::new(Code::ConnectionLost, what)
        .because(fault)
        .hint(hint)
}

/// Whether the same command would fail in the same way again.
fn is_final(code: Code) -> bool {
    matches!(
        code,
        Code::ValueRefused
            | Code::NameRefused
            | Code::KeyDuplicate
            | Code::NotNullViolated
            | Code::ForeignKeyOrphan
            | Code::ContentDiffers
            | Code::TargetInterferes
            | Code::MergeConflict
            | Code::TargetDependent
            | Code::ScriptFailed
            | Code::Bug
    )
}

impl Target for PostgresTarget<'_> {
    fn location(&self) -> String {
        self.conninfo.location()
    }

    fn begin(&mut self, parts: &dyn PartReader, watch: &dyn Watch) -> Result<Begun> {
        watch.phase("preparing", Extent::default());
        let entered = self.enter(parts.parts(), watch);
        let entered = self.settle(entered);
        let done = entered.map_err(|fault| fault.at(self.conninfo.location()))?;
        Ok(done.map_or(Begun::Ready, Begun::Already))
    }

    /// Loads all rows, and builds keys, indexes and foreign keys as soon as their rows are in.
    fn load(&mut self, parts: &dyn PartReader, watch: &dyn Watch) -> Result<()> {
        let loaded = self.load_all(parts, watch);
        self.settle(loaded)
    }

    /// Takes the last step, or waits until another process has done it; makes sure that all keys,
    /// indexes and foreign keys are there: `load` has built them.
    fn build(&mut self, watch: &dyn Watch) -> Result<()> {
        if watch.stopped() {
            return Err(Fault::interrupted());
        }
        let built = self.take_turn(watch);
        self.settle(built)
    }

    fn check(&mut self, watch: &dyn Watch) -> Result<()> {
        let checked = self.check_all(watch);
        self.settle(checked)
    }

    fn switch(&mut self, watch: &dyn Watch) -> Result<()> {
        let switched = self.put_in_place(watch);
        self.settle(switched)?;
        self.open = None;
        Ok(())
    }

    /// The switch itself, rolled back.
    fn discard(&mut self, watch: &dyn Watch) -> Result<()> {
        let switched = self.put_in_place(watch);
        self.settle(switched)?;
        self.end_as(State::Abandoned, "it was a dry run")
    }

    fn findings(&self) -> Vec<Finding> {
        let mut findings = self.findings.clone();
        if let Some(disguise) = &self.job.disguise {
            findings = findings
                .into_iter()
                .map(|one| disguise.finding(one))
                .collect();
        }
        findings
    }
}
