//! The steps of a run: claimed, given back, done.

use super::runs::State;
use super::{Ledger, Record};
use crate::engine::postgres::session::Session;
use crate::fault::{Code, Fault, Result};

/// Steps written down with one statement.
const BATCH: usize = 10_000;

/// What people read of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct StepName {
    /// What kind it is of: `part`, `index`, …
    pub(in super::super) kind: &'static str,
    /// The table that it is about.
    pub(in super::super) table: Option<String>,
    /// Which of the table's: the ordinal of a part, the position of an index or key.
    pub(in super::super) item: Option<i64>,
}

/// A step that a worker has taken. It is this attempt that may record it as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Claim {
    step: i64,
    attempt: i32,
}

impl Claim {
    /// How many have tried the step, with this one.
    pub(in super::super) fn attempt(self) -> i32 {
        self.attempt
    }

    /// Whether somebody has tried the step before.
    pub(in super::super) fn is_repeated(self) -> bool {
        self.attempt > 1
    }
}

/// What a look at the run shows.
#[derive(Debug)]
pub(in super::super) struct Pulse {
    pub(in super::super) state: State,
    pub(in super::super) reason: Option<String>,
    /// Other processes have been at work of late.
    pub(in super::super) has_others: bool,
}

/// The steps of a run, as one process sees them.
#[derive(Debug, Clone)]
pub(in super::super) struct Steps {
    pub(in super::super) ledger: Ledger,
    pub(in super::super) run: String,
    /// The process.
    pub(in super::super) worker: String,
}

fn taken_over() -> Fault {
    let what = "another process has taken over a step of the import";
    let hint =
        "this one was too slow to show that it is alive; run the same command again to join in";
    Fault::new(Code::ConnectionLost, what).hint(hint)
}

fn number(step: usize) -> i64 {
    i64::try_from(step).unwrap_or(i64::MAX)
}

fn index(step: i64) -> usize {
    usize::try_from(step).unwrap_or(usize::MAX)
}

/// Whoever waited for it would wait for ever.
fn disappeared() -> Fault {
    let what = "a step of the run has disappeared from the ledger";
    let hint = "begin anew with --new-run, and leave the tables of the ledger to the program";
    Fault::new(Code::ContentDiffers, what).hint(hint)
}

impl Steps {
    /// Takes a step, in a transaction of its own that the caller has begun and commits; nothing when
    /// it is done, or somebody has it.
    pub(in super::super) fn claim(
        &self,
        session: &mut Session,
        step: usize,
    ) -> Result<Option<Claim>> {
        let query = self.ledger.sql(include_str!("../queries/ledger_claim.sql"));
        let step = number(step);
        let rows = session.query(&query, &[&self.run, &step, &self.worker])?;
        Ok(rows.first().map(|row| Claim {
            step,
            attempt: row.get("attempt"),
        }))
    }

    /// Records a step as done, in the transaction that does it. Where somebody else has taken it
    /// over, that transaction must not be committed.
    pub(in super::super) fn done(
        &self,
        session: &mut Session,
        claim: Claim,
        rows: u64,
        record: &Record,
    ) -> Result<()> {
        let query = self.ledger.sql(include_str!("../queries/ledger_done.sql"));
        let (rows, text) = (i64::try_from(rows).unwrap_or(i64::MAX), record.text()?);
        let done = session.query(
            &query,
            &[&self.run, &claim.step, &claim.attempt, &rows, &text],
        )?;
        if done.is_empty() {
            return Err(taken_over());
        }
        Ok(())
    }

    /// Makes sure that a step is still this attempt's, and stays so until the transaction ends.
    pub(in super::super) fn hold(&self, session: &mut Session, claim: Claim) -> Result<()> {
        let query = self.ledger.sql(include_str!("../queries/ledger_holds.sql"));
        let held = session.query(&query, &[&self.run, &claim.step, &claim.attempt])?;
        if held.is_empty() {
            return Err(taken_over());
        }
        Ok(())
    }

    /// Gives a step back, within a transaction.
    pub(in super::super) fn release(&self, session: &mut Session, claim: Claim) -> Result<()> {
        let query = self
            .ledger
            .sql(include_str!("../queries/ledger_release.sql"));
        let rows = session.query(&query, &[&self.run, &claim.step, &claim.attempt]);
        rows.map(drop)
    }

    /// Looks at the run, within a transaction.
    pub(in super::super) fn pulse(&self, session: &mut Session) -> Result<Pulse> {
        let query = self.ledger.sql(include_str!("../queries/ledger_pulse.sql"));
        let rows = session.query(&query, &[&self.run, &self.worker])?;
        let row = rows.first().ok_or_else(|| {
            Fault::new(
                Code::ContentDiffers,
                "the run has disappeared from the ledger",
            )
        })?;
        Ok(Pulse {
            state: State::read(row.get("state"))?,
            reason: row.get("reason"),
            has_others: row.get("has_others"),
        })
    }

    /// Tells the steps that others have done since the last time; within a transaction. `seen` is what
    /// was seen then: nothing at first.
    pub(in super::super) fn news(
        &self,
        session: &mut Session,
        seen: &mut Option<String>,
        mut each: impl FnMut(usize),
    ) -> Result<()> {
        // Taken first: what comes to be done between the two is told again next time.
        let query = "SELECT pg_current_snapshot()::text AS snapshot";
        let now = session.query(query, &[])?;
        let query = self.ledger.sql(include_str!("../queries/ledger_news.sql"));
        for row in session.query(&query, &[&self.run, &self.worker, seen])? {
            each(index(row.get("step")));
        }
        *seen = now.first().map(|row| row.get("snapshot"));
        Ok(())
    }

    /// Tells whether each of these steps is done (`None`), somebody has it (`true`), or nobody
    /// (`false`); within a transaction.
    pub(in super::super) fn standings(
        &self,
        session: &mut Session,
        steps: &[usize],
        mut each: impl FnMut(usize, Option<bool>),
    ) -> Result<()> {
        if steps.is_empty() {
            return Ok(());
        }
        let query = include_str!("../queries/ledger_standings.sql");
        let numbers: Vec<_> = steps.iter().map(|step| number(*step)).collect();
        let rows = session.query(&self.ledger.sql(query), &[&self.run, &numbers])?;
        if rows.len() < steps.len() {
            return Err(disappeared());
        }
        for row in rows {
            let done: bool = row.get("done");
            each(index(row.get("step")), (!done).then(|| row.get("held")));
        }
        Ok(())
    }

    /// Whether a step is done; within a transaction.
    pub(in super::super) fn is_done(&self, session: &mut Session, step: usize) -> Result<bool> {
        let query = "SELECT done FROM ledger.steps WHERE run = $1 AND step = $2";
        let rows = session.query(&self.ledger.sql(query), &[&self.run, &number(step)])?;
        let row = rows.first().ok_or_else(disappeared)?;
        Ok(row.get("done"))
    }

    /// Ends the connections of other processes that have one of these steps and have fallen silent;
    /// within a transaction.
    pub(in super::super) fn evict(&self, session: &mut Session, steps: &[usize]) -> Result<()> {
        if steps.is_empty() {
            return Ok(());
        }
        let query = self.ledger.sql(include_str!("../queries/ledger_evict.sql"));
        let numbers: Vec<_> = steps.iter().map(|step| number(*step)).collect();
        let evicted = session.query(&query, &[&self.run, &self.worker, &numbers]);
        evicted.map(drop)
    }

    /// What came of the step of this kind of a table, which is done; within a transaction.
    pub(in super::super) fn record(
        &self,
        session: &mut Session,
        kind: &str,
        table: &str,
    ) -> Result<Record> {
        let query =
            "SELECT result FROM ledger.steps WHERE run = $1 AND kind = $2 AND \"table\" = $3";
        let rows = session.query(&self.ledger.sql(query), &[&self.run, &kind, &table])?;
        Record::read(rows.first().and_then(|row| row.get("result")))
    }

    /// What came of a step; nothing to say where it is gone. Within a transaction.
    pub(in super::super) fn record_of(&self, session: &mut Session, step: usize) -> Result<Record> {
        let query = "SELECT result FROM ledger.steps WHERE run = $1 AND step = $2 AND done";
        let rows = session.query(&self.ledger.sql(query), &[&self.run, &number(step)])?;
        Record::read(rows.first().and_then(|row| row.get("result")))
    }

    /// What came of each step that is done, with its rows; within a transaction.
    pub(in super::super) fn results(
        &self,
        session: &mut Session,
        mut each: impl FnMut(usize, u64, Record) -> Result<()>,
    ) -> Result<()> {
        let query = self
            .ledger
            .sql(include_str!("../queries/ledger_results.sql"));
        for row in session.query(&query, &[&self.run])? {
            if row.get("done") {
                let step = index(row.get("step"));
                let rows = row.get::<_, Option<i64>>("rows").unwrap_or(0);
                let record = Record::read(row.get("result"))?;
                each(step, u64::try_from(rows).unwrap_or(0), record)?;
            }
        }
        Ok(())
    }
}

/// Writes down the steps of a new run, numbered from 0.
pub(super) fn add(
    session: &mut Session,
    ledger: &Ledger,
    run: &str,
    steps: &mut dyn Iterator<Item = StepName>,
) -> Result<()> {
    let query = ledger.sql(include_str!("../queries/ledger_new_steps.sql"));
    let mut first = 0_i64;
    loop {
        let batch: Vec<_> = steps.take(BATCH).collect();
        if batch.is_empty() {
            return Ok(());
        }
        let kinds: Vec<_> = batch.iter().map(|step| step.kind).collect();
        let tables: Vec<_> = batch.iter().map(|step| step.table.as_deref()).collect();
        let items: Vec<_> = batch.iter().map(|step| step.item).collect();
        session.query(&query, &[&run, &first, &kinds, &tables, &items])?;
        first += number(batch.len());
    }
}
