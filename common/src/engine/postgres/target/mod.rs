//! Fills a staging schema of a PostgreSQL database, and switches it into the target schema in one
//! transaction.
//!
//! Nothing is visible before the switch. Whatever happens earlier (a kill, a lost connection, a
//! refused row), the target schema is as it was; what is left of the staging schema the next import
//! into the same target schema removes. One import at a time works on a target schema: a
//! transaction on a connection of its own, the guard, holds an advisory lock from beginning to end,
//! and is the one that switches.

mod check;
mod checks;
pub mod compare;
mod computed;
mod copying;
mod crew;
mod encode;
mod fill;
mod load;
mod operator;
mod page;
mod refusal;
pub mod rehearse;
mod run;
mod schedule;
pub mod show;
mod sql;
mod staging;
mod switch;
mod tuples;
mod twins;

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use tokio_postgres::types::Oid;

use crate::digest::Multiset;
use crate::engine::postgres::catalogue::{self, Facts, Purpose};
use crate::engine::postgres::conninfo::ConnInfo;
use crate::engine::postgres::session::Session;
use crate::fault::{Code, Fault, Result};
use crate::mapping::fill::Filling;
use crate::mapping::plan::{PgType, Plan};
use crate::model::schema::Schema;
use crate::model::value::Value;
use crate::progress::{Extent, Watch};
use crate::report::Finding;
use crate::seam::{Check, PartBuffers, PartReader, Target};

use check::Reading;
use crew::Worker;
use fill::{Publish, Tables};
use load::Loader;
use run::{Job, transaction};
use schedule::Schedule;
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
    /// How the staged tables are compared with what was sent.
    pub check: Check,
}

/// Whether a value that is not NULL has an exact form in this type.
#[must_use]
pub fn fits(value: &Value<'_>, target: PgType) -> bool {
    encode::fits(value, target, &[])
}

/// A PostgreSQL database that gets new tables (mode `create`), or rows into tables that it has (mode
/// `fill`).
pub struct PostgresTarget<'a> {
    conninfo: ConnInfo,
    /// Where the staged rows go, unless the staged tables are to become the target's.
    filling: Option<&'a Filling>,
    options: PostgresOptions,
    job: Job<'a>,
    open: Option<Open>,
    findings: Vec<Finding>,
}

/// What there is between `begin` and the end.
struct Open {
    facts: Facts,
    /// Holds the lock of the target schema in an open transaction.
    guard: Session,
    /// For the catalogue, and for tidying up.
    control: Session,
    workers: Vec<Worker>,
    /// BEGIN with settings, for work that may be lost in a crash of the server.
    begin: String,
    /// What was sent, per table of the plan.
    sent: Vec<Multiset>,
    /// What became of checks that do not hold for all rows.
    checks: checks::Outcome,
    /// The staging schema may exist.
    staged: bool,
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
        PostgresTarget {
            job: Job::new(schema, plan, options.target_schema.clone()),
            filling: None,
            conninfo,
            options,
            open: None,
            findings: Vec::new(),
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

    /// After `load`, before `switch`: every staged row that the tables to be filled would refuse, as
    /// far as that can be told without writing into them.
    pub fn survey(&mut self, watch: &dyn Watch) -> Result<Vec<Finding>> {
        watch.phase("looking for rows that will not fit", Extent::default());
        let open = opened(&mut self.open)?;
        let Some(filling) = self.filling else {
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
    pub fn amended(&self) -> Option<&Plan> {
        match &self.job.plan {
            Cow::Owned(amended) => Some(amended),
            Cow::Borrowed(_) => None,
        }
    }

    /// Gives up: removes the staging schema, as far as the server lets us, and disconnects. What
    /// cannot be removed now, the next import removes. Dropping the target does the same.
    pub fn abort(&mut self) {
        let Some(mut open) = self.open.take() else {
            return;
        };
        // Ends their transactions, and with them the locks on what is to be dropped.
        open.workers.clear();
        if !open.staged {
            return;
        }
        let dropped = staging::drop_schema(&mut open.control, &open.begin, &self.job.staging);
        if dropped.is_err()
            && let Ok(mut fresh) = Session::connect(&self.conninfo)
        {
            drop(staging::drop_schema(
                &mut fresh,
                &open.begin,
                &self.job.staging,
            ));
        }
    }

    fn prepare(&mut self) -> Result<()> {
        let mut control = Session::connect(&self.conninfo)?;
        let mut faults = Vec::new();
        let facts = catalogue::examine(
            &mut control,
            &self.job.target_schema,
            &self.job.plan,
            if self.filling.is_some() {
                Purpose::Fill
            } else {
                Purpose::Create
            },
            &mut faults,
        )?;
        if let Some(fault) = faults.into_iter().next() {
            return Err(fault);
        }
        let facts = facts.ok_or_else(|| Fault::new(Code::Bug, "the catalogue says nothing"))?;
        self.findings.extend(facts.notes.iter().cloned());
        let jobs = self
            .options
            .jobs
            .clamp(1, std::cmp::max(1, facts.free_connections));
        let memory = run::index_memory(facts.work_memory, jobs);
        let version = control.server_version_num();
        let lock_wait = self.options.lock_wait_timeout;
        let safe = self.job.begin(version, lock_wait, memory);
        let begin = format!("{safe}; SET LOCAL synchronous_commit = off");
        let guard = self.lock(&safe)?;
        let removed = staging::remove_leftovers(&mut control, &begin, &self.job.target_schema)?;
        self.findings.extend(removed);
        operator::before(&mut control, &safe, &mut self.job)?;
        let workers = self.workers(jobs)?;
        self.open = Some(Open {
            facts,
            guard,
            control,
            workers,
            begin,
            sent: Vec::new(),
            checks: checks::Outcome::default(),
            staged: true,
        });
        let open = self.open.as_mut().expect("it was just put there");
        staging::create(&mut open.control, &open.begin, &self.job)
    }

    /// A connection whose transaction holds the lock of the target schema.
    fn lock(&self, begin: &str) -> Result<Session> {
        let mut guard = Session::connect(&self.conninfo)?;
        guard.execute(begin)?;
        let key = run::lock_key(&self.job.target_schema);
        let rows = guard.query("SELECT pg_try_advisory_xact_lock($1) AS got", &[&key])?;
        if rows.first().is_some_and(|row| row.get("got")) {
            return Ok(guard);
        }
        let what = "another import into the same schema is running";
        Err(Fault::new(Code::ImportRunning, what).in_table(&self.job.target_schema))
    }

    /// As many workers as asked for, or as the server lets in; at least one.
    fn workers(&self, jobs: usize) -> Result<Vec<Worker>> {
        let mut workers = Vec::with_capacity(jobs);
        while workers.len() < jobs {
            match Session::connect(&self.conninfo) {
                Ok(session) => workers.push(Worker {
                    session,
                    buffers: PartBuffers::default(),
                }),
                Err(fault) if fault.code() == Code::ServerBusy && !workers.is_empty() => break,
                Err(fault) => return Err(fault),
            }
        }
        Ok(workers)
    }

    /// The staged tables in the order of the plan.
    fn staged_tables(job: &Job<'_>, open: &mut Open) -> Result<Vec<Oid>> {
        let query = include_str!("../queries/staged_tables.sql");
        let rows = transaction(&mut open.control, &open.begin, |session| {
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

impl Target for PostgresTarget<'_> {
    fn location(&self) -> String {
        self.conninfo.location()
    }

    fn begin(&mut self, watch: &dyn Watch) -> Result<()> {
        watch.phase("preparing", Extent::default());
        let prepared = self.prepare();
        prepared.map_err(|fault| fault.at(self.conninfo.location()))
    }

    /// Loads all rows, and builds keys, indexes and foreign keys as soon as their rows are in.
    fn load(&mut self, parts: &dyn PartReader, watch: &dyn Watch) -> Result<()> {
        let check = self.options.check;
        let open = opened(&mut self.open)?;
        let pages = open.facts.block_size;
        let loader = Loader::new(&self.job, &open.begin, check, pages, parts, watch);
        watch.phase("rows", loader.extent());
        let schedule = Schedule::new(&self.job.plan, &self.job.planned_by_source(), parts.parts());
        let act = |worker: &mut Worker, shared: &_, task| loader.act(worker, shared, task);
        crew::run(schedule, &mut open.workers, watch, &act)?;
        let (sent, checks, amended) = loader.into_results();
        (open.sent, open.checks) = (sent, checks);
        open.checks.findings.extend(self.job.amend(amended));
        open.checks
            .findings
            .sort_by(|a, b| a.place.table.cmp(&b.place.table));
        self.findings.append(&mut open.checks.findings);
        Ok(())
    }

    /// Makes sure that all keys, indexes and foreign keys are there: `load` has built them.
    fn build(&mut self, watch: &dyn Watch) -> Result<()> {
        if watch.stopped() {
            return Err(Fault::interrupted());
        }
        let open = opened(&mut self.open)?;
        transaction(&mut open.control, &open.begin, |session| {
            check::structure(session, &self.job, &open.checks)
        })
    }

    fn check(&mut self, watch: &dyn Watch) -> Result<()> {
        let check = self.options.check;
        let open = opened(&mut self.open)?;
        match check {
            Check::None => Ok(()),
            Check::Counts => {
                let found = transaction(&mut open.control, &open.begin, |session| {
                    let tables = 0..self.job.plan.tables.len();
                    tables
                        .map(|table| check::count(session, &self.job, table))
                        .collect::<Result<Vec<_>>>()
                })?;
                check::compare(&self.job, &open.sent, &found, true)
            }
            Check::Content => {
                let rows = open.sent.iter().map(|sent| sent.rows).sum();
                watch.phase(
                    "checking",
                    Extent {
                        rows: Some(rows),
                        bytes: None,
                    },
                );
                let tables = Self::staged_tables(&self.job, open)?;
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
                check::compare(&self.job, &open.sent, &reading.found, false)
            }
        }
    }

    fn switch(&mut self) -> Result<()> {
        let open = opened(&mut self.open)?;
        let tables = match self.filling {
            Some(_) => Vec::new(),
            None => Self::staged_tables(&self.job, open)?,
        };
        let moving = Move {
            job: &self.job,
            target: open.facts.schema,
            tables: &tables,
            begin: &open.begin,
            conninfo: &self.conninfo,
        };
        match self.filling {
            None => {
                let left_out = moving.run(&mut open.guard)?;
                self.findings.extend(left_out);
            }
            Some(filling) => {
                let tables = Tables {
                    job: &self.job,
                    filling,
                };
                let publish = Publish {
                    tables,
                    check: self.options.check,
                    lock_wait: self.options.lock_wait_timeout,
                    moving,
                };
                publish.run(&mut open.guard)?;
            }
        }
        self.open = None;
        Ok(())
    }

    fn findings(&self) -> Vec<Finding> {
        self.findings.clone()
    }
}

impl Drop for PostgresTarget<'_> {
    fn drop(&mut self) {
        self.abort();
    }
}
