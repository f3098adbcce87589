//! Puts the staged tables into the target schema in one transaction.
//!
//! It holds the lock of the target schema, so that nobody else's import comes between, and writes
//! into the ledger that the run is done.

use std::time::{Duration, Instant};

use tokio_postgres::Row;
use tokio_postgres::types::Oid;

use crate::engine::postgres::catalogue::clash_fault;
use crate::engine::postgres::conninfo::ConnInfo;
use crate::engine::postgres::ledger::{Claim, Record, State, Steps, end, lock_key};
use crate::engine::postgres::name::{identifier, qualified};
use crate::engine::postgres::session::{ServerMessage, Session};
use crate::engine::postgres::sessions;
use crate::engine::postgres::swap::{self, Object, Order};
use crate::fault::{Code, Fault, Result};
use crate::progress::Watch;
use crate::report::{Finding, Severity};

use super::disguise;
use super::operator;
use super::replace::{self, Replacing};
use super::run::Job;
use super::sql::create_view;
use super::sql::move_enum;

/// How long the outcome of a lost COMMIT is asked for.
const PATIENCE: Duration = Duration::from_mins(1);
/// Keeps a transaction from being committed: a foreign key that is checked then does not hold.
const NEVER_COMMITTED: &str = "CREATE TEMPORARY TABLE waybill_dry_run (id int PRIMARY KEY, \
     missing int REFERENCES pg_temp.waybill_dry_run DEFERRABLE INITIALLY DEFERRED); \
     INSERT INTO pg_temp.waybill_dry_run VALUES (1, 2)";
/// Between two attempts to connect again.
const PAUSE: Duration = Duration::from_millis(500);

/// What the switch moves, and where to.
#[derive(Clone, Copy)]
pub(super) struct Move<'a> {
    pub(super) job: &'a Job<'a>,
    pub(super) target: Oid,
    /// BEGIN with the run's settings, for a COMMIT that survives a crash.
    pub(super) begin: &'a str,
    pub(super) conninfo: &'a ConnInfo,
    pub(super) steps: &'a Steps,
    /// The last step of the run, which is ours.
    pub(super) claim: Claim,
    /// Nothing is committed.
    pub(super) dry: bool,
    /// Whether tables of the same names are put aside.
    pub(super) replace: bool,
    /// Whether nobody may use the tables that are there.
    pub(super) require_idle: bool,
    /// How long locks are tried for.
    pub(super) lock_wait: Duration,
    /// Learns of each further attempt.
    pub(super) watch: &'a dyn Watch,
    /// In which order.
    pub(super) order: &'a Order,
}

impl Move<'_> {
    /// Moves everything and commits; gives back what there is to say of views. A failure leaves the
    /// target as it was.
    pub(super) fn run(&self, session: &mut Session) -> Result<Vec<Finding>> {
        let begun = Instant::now();
        if self.replace {
            replace::prepare(self, session)?;
        }
        loop {
            self.begin(session)?;
            let prepared = self.prepare(session).and_then(|findings| {
                self.record(session, &Record::default())?;
                Ok(findings)
            });
            match prepared {
                Err(fault)
                    if self.replace
                        && matches!(fault.code(), Code::LockTimeout | Code::TargetInUse)
                        && begun.elapsed() < self.lock_wait =>
                {
                    session.execute("ROLLBACK")?;
                    self.watch.retry("the switch", &fault.in_short());
                    std::thread::sleep(swap::PAUSE);
                }
                prepared => return self.commit(session, prepared),
            }
        }
    }

    /// Begins the transaction of the switch.
    pub(super) fn begin(&self, session: &mut Session) -> Result<()> {
        session.execute(self.begin)?;
        let key = lock_key(&self.job.target_schema);
        let locked = session.query("SELECT pg_advisory_xact_lock($1)", &[&key]);
        if locked.is_err() {
            drop(session.execute("ROLLBACK"));
        }
        locked.map(drop)
    }

    /// Where nobody may use the tables, refuses while somebody does. Who only waits for a lock that we
    /// hold will find the new tables.
    pub(super) fn refuse_users(
        &self,
        session: &mut Session,
        tables: &[Oid],
        locked: bool,
    ) -> Result<()> {
        if !self.require_idle {
            return Ok(());
        }
        let mut users = sessions::users(session, tables, self.replace)?;
        users.retain(|user| !(locked && user.waits));
        sessions::refusal(&users).map_or(Ok(()), Err)
    }

    /// Writes into the ledger that the run is done, and what came of it.
    pub(super) fn record(&self, session: &mut Session, record: &Record) -> Result<()> {
        self.steps.done(session, self.claim, 0, record)?;
        if end(
            session,
            &self.steps.ledger,
            &self.steps.run,
            State::Done,
            None,
        )? {
            return Ok(());
        }
        let what = "the run has been ended by another process";
        Err(Fault::new(Code::RunEnded, what))
    }

    /// COMMIT when all went well, or ROLLBACK; where the answer is lost, what came of it is found
    /// out.
    pub(super) fn commit<T>(&self, session: &mut Session, prepared: Result<T>) -> Result<T> {
        let value = prepared.inspect_err(|_| {
            // Where the connection is lost, the server rolls back by itself.
            drop(session.execute("ROLLBACK"));
        })?;
        if self.dry {
            return session.execute("ROLLBACK").map(|()| value);
        }
        let committed = session.execute("COMMIT");
        committed.or_else(|fault| self.outcome(fault))?;
        Ok(value)
    }

    fn prepare(&self, session: &mut Session) -> Result<Vec<Finding>> {
        // What was acknowledged must survive a crash; a stronger setting than this stays.
        session.execute(
            "SELECT set_config('synchronous_commit', 'on', true) \
             WHERE current_setting('synchronous_commit') = 'off'",
        )?;
        let staging = self.staging(session)?;
        let replacing = if self.replace {
            Some(Replacing::begin(self, session, staging)?)
        } else {
            None
        };
        self.refuse_clashes(session, staging)?;
        let brought = if self.job.disguise.is_none() {
            replace::staged(session, staging)?
        } else {
            Vec::new()
        };
        let elsewhere = self.job.staging != self.job.target_schema;
        for planned in self.job.plan.enums.iter().filter(|_| elsewhere) {
            let sql = move_enum(&self.job.staging, planned, &self.job.target_schema)?;
            let moved = session.execute(&sql).map_err(as_clash);
            moved.map_err(|fault| fault.in_table(&planned.name))?;
        }
        for (position, table) in self.job.plan.tables.iter().enumerate() {
            let sql = self
                .job
                .statements(position)
                .move_to(&self.job.target_schema)?;
            let moved = session.execute(&sql).map_err(as_clash);
            moved.map_err(|fault| fault.in_table(&table.name))?;
        }
        operator::follow(session, self.job)?;
        let Some(undressed) = self.job.undressed() else {
            let left_out = self.complete(session, replacing, brought)?;
            session.execute(&format!("DROP SCHEMA {}", identifier(&self.job.staging)?))?;
            return Ok(left_out);
        };
        disguise::unmask(session, self.job, &undressed).map_err(as_clash)?;
        let named = Move {
            job: &undressed,
            ..*self
        };
        let brought = replace::lodged(&named, session)?;
        named.complete(session, replacing, brought)
    }

    /// Gives the tables, now in their place, their rights and views.
    fn complete(
        &self,
        session: &mut Session,
        replacing: Option<Replacing>,
        mut brought: Vec<Object>,
    ) -> Result<Vec<Finding>> {
        self.grant(session)?;
        let left_out = self.views(session)?;
        if let Some(replacing) = &replacing {
            replacing.finish(self, session)?;
        }
        self.finish(session)?;
        brought.extend(replace::views(self, session)?);
        let statistics = replace::statistics(session, &brought)?;
        brought.extend(statistics);
        replace::record(self, session, brought, replacing)?;
        Ok(left_out)
    }

    /// What the operator adds at the end. In a dry run a COMMIT in his SQL must not keep anything.
    pub(super) fn finish(&self, session: &mut Session) -> Result<()> {
        if self.dry && self.job.plan.operator.after.is_some() {
            session.execute(NEVER_COMMITTED)?;
        }
        operator::finish(session, self.job)
    }

    /// Makes the views, now that what they read is in its place; gives back those that the server
    /// refuses.
    fn views(&self, session: &mut Session) -> Result<Vec<Finding>> {
        let mut findings = Vec::new();
        for view in &self.job.plan.views {
            let sql = create_view(&self.job.target_schema, view)?;
            session.execute("SAVEPOINT view")?;
            let Err(fault) = session.execute(&sql) else {
                session.execute("RELEASE SAVEPOINT view")?;
                continue;
            };
            session.execute("ROLLBACK TO SAVEPOINT view")?;
            let message = std::error::Error::source(&fault).and_then(|cause| cause.downcast_ref());
            let Some(ServerMessage { message, .. }) = message.filter(|m| is_about_view(m)) else {
                return Err(as_clash(fault).in_table(&view.name));
            };
            let message = format!("the view is left out, the server does not take it: {message}");
            let finding = Finding::new(Code::StructureLeftOut, Severity::Warning, message);
            findings.push(finding.in_table(&view.source));
        }
        Ok(findings)
    }

    fn staging(&self, session: &mut Session) -> Result<Oid> {
        let staging = "SELECT oid FROM pg_namespace WHERE nspname = $1";
        let rows = session.query(staging, &[&self.job.staging])?;
        let staging = rows.first().map(|row| row.get("oid"));
        staging.ok_or_else(|| {
            Fault::new(Code::ContentDiffers, "the staging schema has disappeared")
                .in_table(&self.job.staging)
        })
    }

    /// Looks once more: somebody may have made a table meanwhile.
    fn refuse_clashes(&self, session: &mut Session, staging: Oid) -> Result<()> {
        let names = &self.job.names;
        let rows = if self.job.disguise.is_some() {
            let query = include_str!("../queries/clashes.sql");
            let none: [Oid; 0] = [];
            session.query(
                query,
                &[
                    &self.target,
                    &names.relations,
                    &names.types,
                    &none.as_slice(),
                    &none.as_slice(),
                ],
            )?
        } else {
            let query = include_str!("../queries/staged_clashes.sql");
            session.query(query, &[&staging, &self.target])?
        };
        clash_fault(&rows, &self.job.target_schema).map_or(Ok(()), Err)
    }

    /// Gives the moved tables what tables created in the target schema would have.
    fn grant(&self, session: &mut Session) -> Result<()> {
        let (tables, sequences) = self.moved_names()?;
        let objects = |row: &Row| {
            let (names, kind) = match row.get("kind") {
                "S" => (&sequences, "SEQUENCE"),
                _ => (&tables, "TABLE"),
            };
            (!names.is_empty()).then(|| format!("{kind} {}", names.join(", ")))
        };
        let grantee = |row: &Row| match row.get::<_, Option<&str>>("grantee") {
            Some(role) => identifier(role),
            None => Ok("PUBLIC".to_owned()),
        };
        // One of the run's own has no default privileges.
        if !self.job.has_own_staging() && self.job.staging != self.job.target_schema {
            let staging = self.staging(session)?;
            let query = include_str!("../queries/default_privileges_elsewhere.sql");
            for row in &session.query(query, &[&staging])? {
                let Some(objects) = objects(row) else {
                    continue;
                };
                let (privilege, grantee): (&str, _) = (row.get("privilege"), grantee(row)?);
                session.execute(&format!("REVOKE {privilege} ON {objects} FROM {grantee}"))?;
            }
        }
        let query = include_str!("../queries/default_privileges.sql");
        for row in &session.query(query, &[&self.target])? {
            let Some(objects) = objects(row) else {
                continue;
            };
            let (privilege, grantee): (&str, _) = (row.get("privilege"), grantee(row)?);
            let option = if row.get("grantable") {
                " WITH GRANT OPTION"
            } else {
                ""
            };
            session.execute(&format!(
                "GRANT {privilege} ON {objects} TO {grantee}{option}"
            ))?;
        }
        Ok(())
    }

    /// Tables and sequences by the names they have now.
    fn moved_names(&self) -> Result<(Vec<String>, Vec<String>)> {
        let target = |name: &str| qualified(&self.job.target_schema, name);
        let tables = self.job.plan.tables.iter().map(|table| target(&table.name));
        let sequences = self.job.names.sequences.iter().flatten().flatten();
        let sequences = sequences.map(|sequence| target(sequence));
        Ok((
            tables.collect::<Result<_>>()?,
            sequences.collect::<Result<_>>()?,
        ))
    }

    /// Finds out whether a COMMIT that was not answered has taken place.
    fn outcome(&self, fault: Fault) -> Result<()> {
        let asked = Instant::now();
        while asked.elapsed() < PATIENCE {
            match self.has_happened() {
                Ok(true) => return Ok(()),
                Ok(false) => return Err(fault),
                Err(unknown) => {
                    let what = "whether COMMIT has taken place";
                    self.watch.retry(what, &unknown.in_short());
                    std::thread::sleep(PAUSE);
                }
            }
        }
        let what = "the connection was lost during COMMIT, and the server cannot be asked whether it took place";
        let hint = "run the same command again when the server is back: it says whether the import is done, or does it";
        Err(Fault::new(Code::ConnectionLost, what)
            .because(fault)
            .hint(hint))
    }

    fn has_happened(&self) -> Result<bool> {
        let mut session = Session::connect(self.conninfo)?;
        // The lost transaction holds this lock until it has ended, one way or the other.
        self.begin(&mut session)?;
        Ok(self.steps.pulse(&mut session)?.state == State::Done)
    }
}

/// Whether the server speaks of the query itself: its features, values, names, types or size.
fn is_about_view(message: &ServerMessage) -> bool {
    let class = message.sqlstate.get(..2);
    matches!(class, Some("0A" | "21" | "22" | "42" | "54")) && message.sqlstate != "42501"
}

/// A name that somebody else has taken at the same moment shows as a duplicate in the catalogue.
fn as_clash(fault: Fault) -> Fault {
    let message = std::error::Error::source(&fault).and_then(|cause| cause.downcast_ref());
    match message {
        Some(ServerMessage { sqlstate, .. }) if sqlstate == "23505" => {
            let what = "the target schema has got an object with a name that the import needs";
            Fault::new(Code::TargetExists, what).because(fault)
        }
        _ => fault,
    }
}
