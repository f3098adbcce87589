//! How a process comes to its run: finds it in the ledger or begins one, and makes the staging
//! place.

use std::time::Duration;

use crate::engine::postgres::catalogue::{self, Facts, Purpose, READING, Schemas};
use crate::engine::postgres::ledger::{
    Beat, Claim, Entry, Heartbeat, Identity, Ledger, MERGE, NewRun, Record, State, StepName, Steps,
    enter, lease, look,
};
use crate::engine::postgres::session::Session;
use crate::engine::postgres::swap;
use crate::fault::{Code, Fault, Result};
use crate::progress::{Extent, Watch};
use crate::seam::{PartBuffers, PartReader, PartSpan};

use super::crew::Worker;
use super::run::{self, Job, transaction};
use super::schedule::{Schedule, Task};
use super::{Open, PostgresTarget, Results, operator, staging};

/// Between two looks at a step that another process has.
const PAUSE: Duration = Duration::from_millis(200);

/// The first step: what the operator wants done before anything else.
const BEFORE: usize = 0;
/// The second: the staging place.
const STAGE: usize = 1;
/// Where the steps of the schedule begin; one more comes after them, the switch.
pub(super) const FIRST: usize = 2;

/// Why a step is claimed again.
pub(super) const TRIED_BEFORE: &str = "the attempt before it has not come to its end";

/// A step that is nobody else's, or done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is ours to do.
    Ours(Claim),
    /// Somebody has done it.
    Done,
}

impl PostgresTarget<'_> {
    /// The number of the run that has done this import already, unless it is to be done anew.
    pub fn already(&self, parts: &dyn PartReader) -> Result<Option<String>> {
        let mut control = Session::connect(&self.conninfo)?;
        let ledger = Ledger::new(&self.options.run.ledger_schema)?;
        let identity = self.identity(parts.parts());
        Ok(match self.look(&mut control, &ledger, &identity)? {
            Entry::Done(run) => Some(run.id),
            Entry::New | Entry::Open(_) => None,
        })
    }

    /// Whether this import has begun, or has been done.
    pub fn has_begun(&self, parts: &dyn PartReader) -> Result<bool> {
        let mut control = Session::connect(&self.conninfo)?;
        let ledger = Ledger::new(&self.options.run.ledger_schema)?;
        let identity = self.identity(parts.parts());
        let entry = self.look(&mut control, &ledger, &identity)?;
        Ok(!matches!(entry, Entry::New))
    }

    /// Finds the run or begins it; nothing is there to do when it gives the number of one that is
    /// done.
    pub(super) fn enter(
        &mut self,
        parts: &[PartSpan],
        watch: &dyn Watch,
    ) -> Result<Option<String>> {
        let mut control = Session::connect(&self.conninfo)?;
        let ledger = Ledger::new(&self.options.run.ledger_schema)?;
        let identity = self.identity(parts);
        let identity = if self.options.run.dry {
            identity.dry()
        } else {
            identity
        };
        let anew = self.options.run.anew;
        if let Entry::Done(run) = self.look(&mut control, &ledger, &identity)? {
            return Ok(Some(run.id));
        }
        let facts = match self.examine(&mut control) {
            Ok(facts) => facts,
            // What stands in the way may be what another process has just switched there.
            Err(fault) => match self.look_again(&mut control, &ledger, &identity)? {
                Entry::Done(run) => return Ok(Some(run.id)),
                _ => return Err(fault),
            },
        };
        self.findings.extend(facts.notes.iter().cloned());
        let free = std::cmp::max(1, facts.free_connections);
        let jobs = self.options.jobs.clamp(1, free);
        let memory = run::index_memory(facts.work_memory, jobs);
        let version = control.server_version_num();
        let worker = uuid::Uuid::now_v7().simple().to_string();
        let limits = (self.options.lock_wait_timeout, memory);
        let begin = self.job.begin(&worker, version, limits);
        let schedule = Schedule::new(&self.job.plan, &self.job.planned_by_source(), parts);
        let names: Vec<_> = step_names(&self.job, &schedule).collect();
        let entry = transaction(&mut control, &begin, |session| {
            let new = self.new_run(parts);
            let mut names = names.into_iter();
            let entry = enter(session, &ledger, (&identity, anew), &new, &mut names)?;
            // At once: a run that nobody seems to work on may be given up by others.
            match &entry {
                Entry::New => lease(session, &ledger, new.run, &worker)?,
                Entry::Open(run) => lease(session, &ledger, &run.id, &worker)?,
                Entry::Done(_) => {}
            }
            Ok(entry)
        })?;
        match &entry {
            Entry::Done(run) => return Ok(Some(run.id.clone())),
            Entry::Open(run) => {
                watch.retry(&format!("run {}", run.id), "it has not ended, and goes on");
                self.job.join(run);
            }
            Entry::New => {}
        }
        // Of the run that is joined.
        let safe = self.job.begin(&worker, version, limits);
        let steps = Steps {
            worker,
            run: self.job.id.clone(),
            ledger,
        };
        self.job.dress();
        self.open(control, facts, (safe, jobs), steps, schedule)?;
        self.make_place(matches!(entry, Entry::New), watch)?;
        Ok(None)
    }

    fn new_run(&self, parts: &[PartSpan]) -> NewRun<'_> {
        NewRun {
            run: &self.job.id,
            staging: &self.job.staging,
            content_root: &self.options.run.content_root,
            tables: self.job.plan.tables.len() as u64,
            rows: parts.iter().map(|part| part.rows).sum(),
            bytes: parts.iter().map(|part| part.bytes).sum(),
        }
    }

    /// Connects the workers, and says that they are alive.
    fn open(
        &mut self,
        control: Session,
        facts: Facts,
        (safe, jobs): (String, usize),
        steps: Steps,
        schedule: Schedule,
    ) -> Result<()> {
        // Should the server crash, the last transactions may be lost with their records: these
        // steps are then done again.
        let begin = format!("{safe}; SET LOCAL synchronous_commit = off");
        let heartbeat = Heartbeat::start(
            &self.conninfo,
            Beat {
                ledger: steps.ledger.clone(),
                begin: begin.clone(),
                run: steps.run.clone(),
                worker: steps.worker.clone(),
            },
        )?;
        self.open = Some(Open {
            facts,
            control,
            workers: self.workers(jobs)?,
            safe,
            begin,
            last: FIRST + schedule.tasks().count(),
            schedule: Some(schedule),
            steps,
            results: Results::default(),
            turn: None,
            _heartbeat: heartbeat,
        });
        Ok(())
    }

    /// What tells this import from others.
    fn identity(&self, parts: &[PartSpan]) -> Identity {
        let schedule = Schedule::new(&self.job.plan, &self.job.planned_by_source(), parts);
        let names: Vec<_> = step_names(&self.job, &schedule).collect();
        let mode = match self.filling {
            Some(filling) if filling.on_conflict.is_some() => MERGE,
            Some(_) => "fill",
            None if self.options.replace => "replace",
            None => "create",
        };
        let merges = self.filling.iter().flat_map(|filling| &filling.tables);
        let merges: Vec<_> = merges.filter_map(|table| table.merge.as_ref()).collect();
        Identity {
            target_schema: self.job.target_schema.clone(),
            mode: mode.to_owned(),
            archive_root: self.options.run.archive_root.clone(),
            plan_digest: self
                .job
                .plan_digest((parts, self.options.check, &merges), names.iter())
                .to_string(),
        }
    }

    /// Looks into the ledger without changing anything.
    fn look(&self, control: &mut Session, ledger: &Ledger, identity: &Identity) -> Result<Entry> {
        transaction(control, READING, |session| {
            look(session, ledger, identity, self.options.run.anew)
        })
    }

    /// The same after a failure that may have left a transaction open.
    fn look_again(
        &self,
        control: &mut Session,
        ledger: &Ledger,
        identity: &Identity,
    ) -> Result<Entry> {
        control.execute("ROLLBACK")?;
        self.look(control, ledger, identity)
    }

    fn examine(&self, control: &mut Session) -> Result<Facts> {
        let purpose = if self.filling.is_some() {
            Purpose::Fill
        } else if self.options.replace {
            Purpose::Replace
        } else {
            Purpose::Create
        };
        let merges = self.filling.is_some_and(|one| one.on_conflict.is_some());
        if merges && self.options.run.staging_schema.is_some() {
            transaction(control, READING, swap::refuse_without_backup)?;
        }
        let mut faults = Vec::new();
        let schemas = Schemas {
            target: &self.job.target_schema,
            staging: self.options.run.staging_schema.as_deref(),
            ledger: &self.options.run.ledger_schema,
        };
        let aim = (purpose, self.options.require_idle);
        let facts = catalogue::examine(control, schemas, &self.job.plan, aim, &mut faults)?;
        if let Some(fault) = faults.into_iter().next() {
            return Err(fault);
        }
        facts.ok_or_else(|| Fault::new(Code::Bug, "the catalogue says nothing"))
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

    /// Does the first steps, or waits until another process has done them.
    fn make_place(&mut self, is_new: bool, watch: &dyn Watch) -> Result<()> {
        let open = self.open.as_mut().expect("it was just put there");
        if is_new {
            let (control, begin) = (&mut open.control, &open.begin);
            let removed = staging::remove_leftovers(control, begin, &self.job, &open.steps)?;
            self.findings.extend(removed);
            let ledger = &open.steps.ledger;
            let removed =
                staging::remove_lodgers(&mut open.control, &open.begin, &self.job, ledger)?;
            self.findings.extend(removed);
        }
        if let Turn::Ours(claim) = open.wait_for(BEFORE, watch)? {
            let job = &self.job;
            let steps = &open.steps;
            transaction(&mut open.control, &open.safe, |session| {
                operator::before(session, job)?;
                steps.done(session, claim, 0, &Record::default())
            })?;
        }
        operator::learn_extensions(&mut open.control, &open.begin, &mut self.job)?;
        if let Turn::Ours(claim) = open.wait_for(STAGE, watch)? {
            if claim.is_repeated() {
                staging::drop_staged(&mut open.control, &open.begin, &self.job)?;
            }
            staging::create(&mut open.control, &open.begin, &self.job)?;
            if self.options.replace {
                staging::keep_collations(&mut open.control, &open.begin, &self.job)?;
            }
            let steps = &open.steps;
            transaction(&mut open.control, &open.begin, |session| {
                steps.done(session, claim, 0, &Record::default())
            })?;
        }
        Ok(())
    }
}

impl Open {
    /// Takes a step, or waits until another process has done it.
    pub(super) fn wait_for(&mut self, step: usize, watch: &dyn Watch) -> Result<Turn> {
        let mut waiting = false;
        loop {
            if watch.stopped() {
                return Err(Fault::interrupted());
            }
            let steps = &self.steps;
            let claim = transaction(&mut self.control, &self.begin, |session| {
                steps.claim(session, step)
            })?;
            if let Some(claim) = claim {
                if claim.is_repeated() {
                    let what = format!("step {step} of the run, attempt {}", claim.attempt());
                    watch.retry(&what, TRIED_BEFORE);
                }
                return Ok(Turn::Ours(claim));
            }
            let is_done = transaction(&mut self.control, &self.begin, |session| {
                // Of a run that is over the steps may be gone.
                if is_over(&steps.pulse(session)?)? || steps.is_done(session, step)? {
                    return Ok(true);
                }
                steps.evict(session, &[step])?;
                Ok(false)
            })?;
            if is_done {
                return Ok(Turn::Done);
            }
            if !waiting {
                watch.phase("waiting for another process", Extent::default());
                waiting = true;
            }
            std::thread::sleep(PAUSE);
        }
    }
}

/// Whether the run has come to its good end; a bad one is a fault.
pub(super) fn is_over(pulse: &crate::engine::postgres::ledger::Pulse) -> Result<bool> {
    match pulse.state {
        State::Open => Ok(false),
        State::Done => Ok(true),
        State::Failed | State::Abandoned | State::Undone => {
            let what = "another process has ended the run";
            let why = pulse.reason.clone();
            let why = why.unwrap_or_else(|| pulse.state.word().to_owned());
            Err(Fault::new(Code::RunEnded, what).because(why))
        }
    }
}

/// The steps of a run, as people read them in the ledger.
fn step_names<'s>(job: &'s Job<'_>, schedule: &'s Schedule) -> impl Iterator<Item = StepName> + 's {
    let whole = |kind| StepName {
        kind,
        table: None,
        item: None,
    };
    let of_table = move |task: Task| {
        let item = |number: usize| i64::try_from(number).ok();
        let item = match task {
            Task::Load { part, .. } => Some(i64::from(part.part)),
            Task::Restore { .. } | Task::Finish { .. } => None,
            Task::Index { index, .. } => item(index),
            Task::AddForeignKey { key, .. } | Task::Validate { key, .. } => item(key),
        };
        StepName {
            kind: task.kind(),
            table: Some(job.plan.tables[task.table()].name.clone()),
            item,
        }
    };
    [whole("before"), whole("staging")]
        .into_iter()
        .chain(schedule.tasks().map(of_table))
        .chain([whole("switch")])
}
