//! Taking a run back: what it brought goes to a backup schema, what it had put aside comes back, in
//! one transaction. An undo is a run too, and is taken back in the same way.

mod survey;

use std::time::{Duration, Instant};

use tokio_postgres::types::Oid;

use super::rows::{Exchanged, Rows};
use super::{Book, CHANGING, changes, chosen, objects, strangers};
use crate::engine::postgres::catalogue::READING;
use crate::engine::postgres::conninfo::ConnInfo;
use crate::engine::postgres::definition::{self, Followed, Follower};
use crate::engine::postgres::images::UNDONE;
use crate::engine::postgres::ledger::{
    self, Held, Ledger, Past, Role, State, UNDO, end, history, lock_key,
};
use crate::engine::postgres::name::{identifier, qualified};
use crate::engine::postgres::session::Session;
use crate::engine::postgres::swap::{self, Order, Statement, Wanted};
use crate::engine::postgres::target::{abandoned, transaction};
use crate::fault::{Code, Fault, Result};
use crate::progress::Watch;
use crate::report::Finding;

/// How long the outcome of a lost COMMIT is asked for.
const PATIENCE: Duration = Duration::from_mins(1);

/// An undo that has been looked at, and can be made.
pub struct Undo {
    conninfo: ConnInfo,
    ledger: Ledger,
    past: Past,
    held: Vec<Held>,
    /// How what has followed to its tables was defined.
    followed: Vec<Followed>,
    /// What it has written into tables that stay.
    rows: Option<Rows>,
    /// What is worth knowing, and needs no consent.
    notes: Vec<Finding>,
    findings: Vec<Finding>,
    assume_unchanged: bool,
    lock_wait: Duration,
    /// The number of the run that the undo will be.
    id: String,
}

/// What follows, with its definition.
type Definitions = Vec<(Follower, String)>;

/// What an undo locks.
struct Locked {
    /// All tables, as SQL names them.
    all: Vec<String>,
    /// Those of them that may not have changed.
    looked_at: Vec<String>,
    views: Vec<Oid>,
    /// How, when everything is done. Rows are exchanged while others go on reading, where that can be.
    mode: &'static str,
}

/// What an undo has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The run had not ended, and was given up.
    GivenUp,
    /// What was there before is back, by the run with this number.
    Undone(String),
}

impl Undo {
    /// Looks whether `run`, or the newest one, can be undone, and what has changed since.
    pub fn prepare<'a>(
        book: impl Into<Book<'a>>,
        run: Option<&str>,
        assume_unchanged: bool,
        lock_wait: Duration,
    ) -> Result<Undo> {
        let Book { conninfo, ledger } = book.into();
        let ledger = Ledger::new(ledger)?;
        let mut session = Session::connect(conninfo)?;
        let mut undo = transaction(&mut session, READING, |session| {
            let past = chosen(&history(session, &ledger)?, run)?;
            Ok(Undo {
                conninfo: conninfo.clone(),
                held: ledger::held(session, &ledger, &past.run)?,
                followed: ledger::followed(session, &ledger, &past.run)?,
                rows: Rows::read(session, &ledger, &past)?,
                notes: Vec::new(),
                ledger,
                past,
                findings: Vec::new(),
                assume_unchanged,
                lock_wait,
                id: uuid::Uuid::now_v7().simple().to_string(),
            })
        })?;
        undo.refuse()?;
        if !undo.is_open() {
            let backup = undo.past.backup.as_deref();
            transaction(&mut session, READING, |session| {
                backup.map_or(Ok(()), |backup| {
                    strangers::refuse(session, &undo.ledger, backup)
                })
            })?;
            (undo.notes, undo.findings) = transaction(&mut session, READING, |session| {
                let notes = match &undo.rows {
                    Some(rows) => rows.notes(session)?,
                    None => undo.try_views(session).map(|()| Vec::new())?,
                };
                Ok((notes, undo.changes(session)?))
            })?;
        }
        Ok(undo)
    }

    /// The run that is undone.
    #[must_use]
    pub fn run(&self) -> &str {
        &self.past.run
    }

    /// Whether it has not ended: undoing it gives it up.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.past.state == State::Open
    }

    /// Whether nothing comes back: there was nothing before.
    #[must_use]
    pub fn leaves_nothing(&self) -> bool {
        !self.held.iter().any(|one| one.role == Role::Kept)
    }

    /// Whether it takes back rows of tables that stay.
    #[must_use]
    pub fn is_of_rows(&self) -> bool {
        self.rows.is_some()
    }

    /// What is worth knowing, and stops nothing.
    #[must_use]
    pub fn notes(&self) -> &[Finding] {
        &self.notes
    }

    /// What has changed since; nothing when it is safe.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The SQL that would be run.
    pub fn script(&self) -> Result<Vec<String>> {
        if self.is_open() {
            let what = "the run has not ended: undoing it only drops what it has staged";
            return Err(Fault::new(Code::Usage, what));
        }
        let mut session = Session::connect(&self.conninfo)?;
        let statements = transaction(&mut session, READING, |session| self.statements(session))?.0;
        let locked = transaction(&mut session, READING, |session| self.locked(session))?;
        let (tables, mode) = (locked.all, locked.mode);
        let mut script = vec![
            "BEGIN".to_owned(),
            "SET LOCAL search_path = pg_catalog, pg_temp".to_owned(),
        ];
        if !tables.is_empty() {
            let tables = tables.join(", ");
            script.push(format!("LOCK TABLE {tables} IN {mode} MODE"));
        }
        let statements = statements.into_iter().map(|statement| statement.sql);
        script.extend(statements.map(|sql| sql.trim_end_matches(';').to_owned()));
        script.push("COMMIT".to_owned());
        Ok(script)
    }

    /// Takes the run back.
    pub fn perform(self, watch: &dyn Watch) -> Result<Outcome> {
        let mut session = Session::connect(&self.conninfo)?;
        if self.is_open() {
            return self.give_up(&mut session);
        }
        let kept = self.kept_rows(&mut session)?;
        let locked = transaction(&mut session, READING, |session| self.locked(session))?;
        swap::pass_autovacuum(&mut session, CHANGING, &locked.all)?;
        let (begun, order) = (Instant::now(), Order::default());
        loop {
            if watch.stopped() {
                return Err(Fault::interrupted());
            }
            session.execute(CHANGING)?;
            match self.attempt(&mut session, &kept, &order) {
                Ok(()) => break,
                Err(fault) => {
                    // Where the connection is lost, the server rolls back by itself.
                    drop(session.execute("ROLLBACK"));
                    if fault.code() != Code::LockTimeout || begun.elapsed() >= self.lock_wait {
                        return Err(fault);
                    }
                    watch.retry("the undo", &fault.in_short());
                    std::thread::sleep(swap::PAUSE);
                }
            }
        }
        let committed = session.execute("COMMIT");
        committed.or_else(|fault| self.outcome(fault))?;
        Ok(Outcome::Undone(self.id))
    }

    fn refuse(&self) -> Result<()> {
        let past = &self.past;
        let missing = |what: &str, hint: &str| {
            let what = format!("run {} {what}", past.run);
            Err(Fault::new(Code::RunMissing, what).hint(hint.to_owned()))
        };
        match past.state {
            State::Open if !past.workers.is_empty() => {
                let what = format!("run {} is under way", past.run);
                let fault = Fault::new(Code::ImportRunning, what);
                return Err(fault.because(past.workers.join(", ")));
            }
            State::Open => return Ok(()),
            State::Done => {}
            State::Undone => {
                return missing(
                    "is undone already",
                    "to bring it back, undo the run that has undone it; `waybill-import status TARGET` names it",
                );
            }
            State::Failed | State::Abandoned => {
                return missing("has changed nothing", "there is nothing to undo");
            }
        }
        if self.held.is_empty() && self.rows.is_none() {
            return missing(
                &format!("of mode {} has kept nothing to undo it with", past.mode),
                "it has changed nothing, or its backup was removed; name the run to undo, `waybill-import status TARGET` lists them",
            );
        }
        let can_come_back = match &self.rows {
            Some(rows) => rows.can_come_back(),
            None => past.backup.is_some() || self.leaves_nothing(),
        };
        if !can_come_back {
            return missing(
                "has no backup any more",
                "it was removed by `waybill-import prune`, or by hand",
            );
        }
        Ok(())
    }

    /// What has changed since the run.
    fn changes(&self, session: &mut Session) -> Result<Vec<Finding>> {
        let mut found = Vec::new();
        if self.assume_unchanged {
            return Ok(found);
        }
        if let Some(rows) = &self.rows {
            return rows.changes(session, &self.ledger);
        }
        let target = self.past.target_schema.as_str();
        let brought = self.held.iter().filter(|one| one.role == Role::Brought);
        let places = swap::places(session, &objects(&self.held, Role::Brought), target)?;
        for (held, place) in brought.zip(&places) {
            if held.kind != "table" {
                continue;
            }
            if place.found.is_none() {
                let message = "it was dropped since".to_owned();
                found.push(changes::changed_since(&held.name, message));
                continue;
            }
            let place = (self.past.run.as_str(), target);
            found.extend(changes::of_table(session, &self.ledger, place, held)?);
        }
        Ok(found)
    }

    /// What is locked.
    fn locked(&self, session: &mut Session) -> Result<Locked> {
        if let Some(rows) = &self.rows {
            let (tables, mode) = rows.locked(session, &self.id)?;
            return Ok(Locked {
                all: tables.clone(),
                looked_at: tables,
                views: Vec::new(),
                mode,
            });
        }
        let (out, back) = self.survey(session)?;
        let tables = out.iter().filter(|object| object.kind == "table");
        let tables = tables.map(|object| qualified(&self.past.target_schema, &object.name));
        let tables = tables.collect::<Result<Vec<_>>>()?;
        let mut all = tables.clone();
        let dependents = Self::refuse_dependents(session, &out, &back)?;
        all.extend(dependents.children());
        all.sort_unstable();
        all.dedup();
        let own = out.iter().filter(|object| object.kind == "view");
        let views = own.map(|view| view.oid).chain(dependents.views());
        Ok(Locked {
            views: views.collect(),
            all,
            looked_at: tables,
            mode: "ACCESS EXCLUSIVE",
        })
    }

    fn backup(&self) -> String {
        format!("{UNDONE}{}", self.id)
    }

    /// All that is done, within a transaction, and the definitions that are changed by it.
    fn statements(&self, session: &mut Session) -> Result<(Vec<Statement>, Definitions)> {
        if let Some(rows) = &self.rows {
            let statements = rows.statements(session, (&self.backup(), &self.id))?;
            return Ok((statements, Vec::new()));
        }
        let (out, back) = self.survey(session)?;
        let dependents = Self::refuse_dependents(session, &out, &back)?;
        let (backup, target) = (self.backup(), self.past.target_schema.as_str());
        let following = dependents.follow(session, target, &self.followed)?;
        let mut statements = following.before;
        let (lift, force) = swap::unforced(session, &back, target)?;
        statements.extend(lift);
        statements.push(swap::create_backup(&backup, &self.id)?);
        statements.extend(swap::movements(session, &out, &backup)?);
        statements.extend(swap::movements(session, &back, target)?);
        statements.extend(following.after);
        statements.extend(force);
        if let Some(emptied) = &self.past.backup {
            statements.push(Statement {
                object: format!("schema `{emptied}`"),
                table: None,
                sql: format!("DROP SCHEMA {}", identifier(emptied)?),
            });
        }
        Ok((statements, following.found))
    }

    fn attempt(&self, session: &mut Session, kept: &[Option<i64>], order: &Order) -> Result<()> {
        let key = lock_key(&self.past.target_schema);
        session.query("SELECT pg_advisory_xact_lock($1)", &[&key])?;
        let all = history(session, &self.ledger)?;
        let now = all.iter().find(|past| past.run == self.past.run);
        if now.is_none_or(|now| now.state != State::Done || now.backup != self.past.backup) {
            let what = "another process has changed the run meanwhile";
            return Err(Fault::new(Code::ImportRunning, what));
        }
        let locked = self.locked(session)?;
        if self.rows.is_some() || !self.assume_unchanged {
            let (mode, first) = match self.rows {
                Some(_) => (locked.mode, order),
                None => ("SHARE", &Order::default()),
            };
            let looked_at = Wanted {
                tables: &locked.looked_at,
                views: &[],
                mode,
            };
            first.attempt(session, &looked_at)?;
        }
        let changes = self.changes(session)?;
        if changes.iter().any(|change| !self.findings.contains(change)) {
            let what = "rows have changed while the undo was prepared";
            let fault = Fault::new(Code::TargetChanged, what);
            return Err(fault.hint("run the same command again"));
        }
        if let Some(rows) = &self.rows {
            rows.hold_sequences(session)?;
            let done = rows.perform(session, (&self.backup(), &self.id))?;
            return self.record(session, &all, kept, Some((rows, done)));
        }
        let wanted = Wanted {
            tables: &locked.all,
            views: &locked.views,
            mode: locked.mode,
        };
        order.attempt(session, &wanted)?;
        let (statements, found) = self.statements(session)?;
        for statement in statements {
            statement.run(session)?;
        }
        self.record(session, &all, kept, None)?;
        let followed = definition::followed(session, &self.past.target_schema, &found)?;
        ledger::follow(session, &self.ledger, &self.id, &followed)
    }

    /// Writes into the ledger what now stands, and what does no longer.
    fn record(
        &self,
        session: &mut Session,
        all: &[Past],
        kept: &[Option<i64>],
        exchanged: Option<(&Rows, Exchanged)>,
    ) -> Result<()> {
        let (ledger, backup) = (&self.ledger, self.backup());
        let own = (self.past.run.as_str(), backup.as_str());
        ledger::undo(session, ledger, &self.id, own)?;
        if let Some((rows, done)) = exchanged {
            rows.record(session, ledger, (&self.id, &done))?;
        }
        let turned = self.held.iter().zip(kept).map(|(held, rows)| Held {
            role: match held.role {
                Role::Brought => Role::Kept,
                Role::Kept => Role::Brought,
            },
            rows: *rows,
            since: None,
            ..held.clone()
        });
        let turned: Vec<_> = turned.collect();
        ledger::hold(session, ledger, &self.id, &turned, false)?;
        // What an undo had undone stands again when the undo is undone, and so on.
        let (mut past, mut stands) = (&self.past, false);
        loop {
            let state = if stands { State::Done } else { State::Undone };
            let backup = stands.then_some(backup.as_str());
            ledger::turn(session, ledger, &past.run, (state, backup))?;
            let before = past.undoes.as_ref().filter(|_| past.mode == UNDO);
            match before.and_then(|run| all.iter().find(|past| past.run == *run)) {
                Some(before) => (past, stands) = (before, !stands),
                None => return Ok(()),
            }
        }
    }

    /// The rows of what comes back, in the order of what is held, so that its changes can be told.
    fn kept_rows(&self, session: &mut Session) -> Result<Vec<Option<i64>>> {
        let backup = self.past.backup.as_deref().unwrap_or_default();
        transaction(session, READING, |session| {
            let held = self.held.iter().map(|held| {
                let counts = held.role == Role::Kept && held.kind == "table";
                if self.assume_unchanged || !counts {
                    return Ok(None);
                }
                swap::rows(session, backup, &held.name)
            });
            held.collect()
        })
    }

    fn give_up(&self, session: &mut Session) -> Result<Outcome> {
        transaction(session, CHANGING, |session| {
            let reason = "given up by waybill-import undo";
            let (ledger, run) = (&self.ledger, self.past.run.as_str());
            if end(session, ledger, run, State::Abandoned, Some(reason))? {
                return Ok(());
            }
            Err(Fault::new(Code::RunEnded, "the run has ended meanwhile"))
        })?;
        let run = (self.past.target_schema.as_str(), self.past.run.as_str());
        abandoned(session, CHANGING, run, &self.past.staging)?;
        Ok(Outcome::GivenUp)
    }

    /// Finds out whether a COMMIT that was not answered has taken place.
    fn outcome(&self, fault: Fault) -> Result<()> {
        let asked = Instant::now();
        while asked.elapsed() < PATIENCE {
            let found = Session::connect(&self.conninfo).and_then(|mut session| {
                transaction(&mut session, CHANGING, |session| {
                    // The lost transaction holds this lock until it has ended.
                    let key = lock_key(&self.past.target_schema);
                    session.query("SELECT pg_advisory_xact_lock($1)", &[&key])?;
                    history(session, &self.ledger)
                })
            });
            match found {
                Ok(all) if all.iter().any(|past| past.run == self.id) => return Ok(()),
                Ok(_) => return Err(fault),
                Err(_) => std::thread::sleep(swap::PAUSE),
            }
        }
        let what = "the connection was lost during COMMIT, and the server cannot be asked whether it took place";
        let hint = "`waybill-import status TARGET` tells it when the server is back";
        Err(Fault::new(Code::ConnectionLost, what)
            .because(fault)
            .hint(hint))
    }
}
