//! Puts staged rows into tables that stand in the target, in one transaction.
//!
//! The tables are locked against other writers and must still be empty; what arrives is compared with
//! what was staged before COMMIT, so that a trigger, a default or a domain that changed a value
//! rolls everything back.

mod matched;
mod merge;
mod references;
mod sequences;
mod statements;
mod survey;

use std::time::Instant;

use tokio_postgres::types::Oid;

use crate::engine::postgres::ledger::{self, Written, WrittenTable};
use crate::engine::postgres::name::identifier;
use crate::engine::postgres::session::{ServerMessage, Session};
use crate::engine::postgres::swap::{self, Wanted};
use crate::fault::{Code, Fault, Mismatch, Result};
use crate::mapping::fill::{Filling, OnConflict, not_empty};
use crate::report::Finding;
use crate::seam::Check;

use super::run::{Job, transaction};
use super::staging;
use super::switch::Move;
pub(super) use merge::Merged;
use sequences::{Sequences, Standings};
use statements::Filled;

/// The tables that are filled, with their staged twins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tables<'a> {
    pub(super) job: &'a Job<'a>,
    pub(super) filling: &'a Filling,
}

/// What a table holds: rows, and two sums over them.
type Sums = (i64, String, String);

impl<'a> Tables<'a> {
    fn count(self) -> usize {
        self.filling.tables.len()
    }

    fn all(self) -> impl Iterator<Item = Filled<'a>> {
        (0..self.count()).map(move |table| self.filled(table))
    }

    fn filled(self, table: usize) -> Filled<'a> {
        Filled {
            staging: &self.job.staging,
            schema: &self.job.target_schema,
            plan: &self.job.plan.tables[table],
            table: &self.filling.tables[table],
        }
    }

    /// The staged twin of a table of the target.
    fn staged(self, schema: &str, table: &str) -> Option<Filled<'a>> {
        let mut all = self.all().filter(|_| schema == self.job.target_schema);
        all.find(|filled| filled.table.target.name == table)
    }

    /// The foreign keys that are checked at the end: table, name, and whether they allow that.
    fn deferred(self) -> impl Iterator<Item = (Filled<'a>, &'a str, bool)> {
        self.all().flat_map(|filled| {
            let keys = filled.table.deferred.iter();
            keys.filter_map(move |key| {
                let key = filled.table.target.foreign_keys.get(*key)?;
                Some((filled, key.name.as_str(), key.deferrable))
            })
        })
    }

    /// A path on which the application's own functions find what they name. What we write ourselves
    /// is qualified, or of `pg_catalog`, which comes first.
    fn application_path(self) -> Result<String> {
        let schema = identifier(&self.job.target_schema)?;
        Ok(format!(
            "SET LOCAL search_path = pg_catalog, {schema}, pg_temp"
        ))
    }
}

/// Every staged row that the target would refuse, as far as that can be told without writing into
/// it.
pub(super) fn survey(
    session: &mut Session,
    begin: &str,
    tables: Tables<'_>,
) -> Result<Vec<Finding>> {
    let path = tables.application_path()?;
    let mut findings = Vec::new();
    for table in 0..tables.count() {
        let found = transaction(session, begin, |session| {
            session.execute(&path)?;
            // Rows that a policy hides are there all the same.
            session.execute("SET LOCAL row_security = off")?;
            survey::survey(session, tables, table)
        });
        let name = &tables.filled(table).table.target.name;
        findings.extend(found.map_err(|fault| fault.in_table(name))?);
    }
    Ok(findings)
}

/// Rows of staging tables on their way into the tables of the target.
pub(super) struct Publish<'a> {
    pub(super) tables: Tables<'a>,
    pub(super) check: Check,
    /// The rest of what a switch needs, for the outcome of a lost COMMIT.
    pub(super) moving: Move<'a>,
}

impl Publish<'_> {
    /// Fills or merges everything and commits. A failure leaves the target as it was.
    pub(super) fn run(&self, session: &mut Session) -> Result<Option<Merged>> {
        self.moving.begin(session)?;
        let is_merge = self.tables.filling.on_conflict.is_some();
        let done = self.lock(session).and_then(|()| {
            if is_merge {
                self.merge(session).map(Some)
            } else {
                self.fill(session).map(|()| None)
            }
        });
        let done = done.and_then(|merged| {
            let record = merged.as_ref().map(Merged::record).unwrap_or_default();
            self.moving.record(session, &record)?;
            Ok(merged)
        });
        self.moving.commit(session, done)
    }

    fn fill(&self, session: &mut Session) -> Result<()> {
        let (mut written, before) = self.fill_tables(session)?;
        self.finish(session)?;
        // The operator's own last word may have been about these rows.
        if self.tables.job.plan.operator.after.is_some() {
            for (table, filled) in written.iter_mut().zip(self.tables.all()) {
                table.rows = Some(count(session, filled)?);
            }
        }
        written.retain(|table| table.rows != Some(0));
        self.write_down(session, written, &before)
    }

    /// Writes into the ledger what an undo has to know. The sequences that no rollback takes back are
    /// moved first: little but COMMIT can fail any more.
    fn write_down(
        &self,
        session: &mut Session,
        tables: Vec<WrittenTable>,
        before: &Standings,
    ) -> Result<()> {
        let sequences = Sequences::read(session, self.tables)?;
        if !self.moving.dry {
            sequences.advance(session, self.tables, false)?;
        }
        let sequences = sequences.moved(session, before)?;
        let written = Written { tables, sequences };
        let (job, ledger) = (self.tables.job, &self.moving.steps.ledger);
        let place = (job.target_schema.as_str(), &written);
        ledger::write_down(session, ledger, &job.id, place)
    }

    /// Gives back what was written, table by table, and where the sequences stood.
    fn fill_tables(&self, session: &mut Session) -> Result<(Vec<WrittenTable>, Standings)> {
        Publish::settings(session)?;
        self.refuse_rows(session)?;
        let sequences = Sequences::read(session, self.tables)?;
        if self.moving.dry {
            sequences.refuse_lasting()?;
        }
        let before = sequences.standings(session)?;
        sequences.hold(session)?;
        session.execute(&self.tables.application_path()?)?;
        self.defer(session)?;
        for table in &self.tables.filling.order {
            insert(session, self.tables.filled(*table))?;
        }
        session
            .execute("SET CONSTRAINTS ALL IMMEDIATE")
            .map_err(as_refusal)?;
        session.execute("SET LOCAL search_path = pg_catalog, pg_temp")?;
        self.undo_deferring(session)?;
        let mut written = Vec::with_capacity(self.tables.count());
        for filled in self.tables.all() {
            written.push(WrittenTable {
                oid: 0,
                name: filled.table.target.name.clone(),
                key: None,
                rows: Some(self.compare(session, filled)?),
                kept: 0,
            });
        }
        if !self.moving.dry {
            // Some of what ANALYZE finds out stays, whatever is rolled back.
            for filled in self.tables.all().filter(|one| one.table.target.owned) {
                session.execute(&format!("ANALYZE {}", filled.target()?))?;
            }
            sequences.advance(session, self.tables, true)?;
        }
        Ok((written, before))
    }

    /// The operator's own last word, and the end of the staging schema.
    fn finish(&self, session: &mut Session) -> Result<()> {
        self.moving.finish(session)?;
        staging::drop_at_once(session, self.tables.job)
    }

    /// All tables and their sequences at once, in short attempts: an application that holds one and waits
    /// for another is not made to wait for us for long, nor to die of a deadlock.
    fn lock(&self, session: &mut Session) -> Result<()> {
        let names = self.tables.all().map(|filled| filled.only_target());
        let names = names.collect::<Result<Vec<_>>>()?;
        if names.is_empty() {
            return Ok(());
        }
        let sequences = Sequences::read(session, self.tables)?.locks();
        let wanted = Wanted {
            tables: &names,
            views: &[],
            mode: self.mode(),
        };
        let tables = self.oids(session)?;
        let begun = Instant::now();
        loop {
            session.execute("SAVEPOINT lock")?;
            let locked = self.moving.refuse_users(session, &tables, false);
            let locked = locked.and_then(|()| self.moving.order.attempt(session, &wanted));
            let Err(fault) = locked.and_then(|()| session.execute(&sequences)) else {
                // Rows that a foreign key looks for may be locked for longer.
                let limit = std::cmp::max(1, self.moving.lock_wait.as_millis());
                return session.execute(&format!(
                    "SET LOCAL lock_timeout = '{limit}ms'; RELEASE SAVEPOINT lock"
                ));
            };
            session.execute("ROLLBACK TO SAVEPOINT lock")?;
            let passes = matches!(fault.code(), Code::LockTimeout | Code::TargetInUse);
            if !passes || begun.elapsed() >= self.moving.lock_wait {
                return Err(fault);
            }
            self.moving
                .watch
                .retry("the locks on the tables", &fault.in_short());
            std::thread::sleep(swap::PAUSE);
        }
    }

    /// The identifiers of the tables that are filled.
    fn oids(&self, session: &mut Session) -> Result<Vec<Oid>> {
        let names = self.tables.all().map(|filled| filled.target());
        let names = names.collect::<Result<Vec<_>>>()?;
        let query = "SELECT to_regclass(name)::oid AS oid FROM unnest($1::text[]) AS name";
        let rows = session.query(query, &[&names])?;
        Ok(rows.iter().filter_map(|row| row.get("oid")).collect())
    }

    /// Who may go on while the rows are written. SELECT … FOR UPDATE must wait where rows are updated:
    /// it would hold a row that we wait for, and its UPDATE would wait for us.
    fn mode(&self) -> &'static str {
        match self.tables.filling.on_conflict {
            Some(OnConflict::Update) => "EXCLUSIVE",
            _ => "SHARE ROW EXCLUSIVE",
        }
    }

    fn settings(session: &mut Session) -> Result<()> {
        session.execute(
            "SELECT set_config('synchronous_commit', 'on', true) \
             WHERE current_setting('synchronous_commit') = 'off'; \
             SET LOCAL row_security = off; \
             SET LOCAL synchronize_seqscans = off",
        )
    }

    /// Tables that are filled must still be empty.
    fn refuse_rows(&self, session: &mut Session) -> Result<()> {
        for filled in self.tables.all() {
            let sql = format!(
                "SELECT EXISTS (SELECT FROM {}) AS has",
                filled.only_target()?
            );
            let rows = session.query(&sql, &[])?;
            if rows.first().is_some_and(|row| row.get("has")) {
                let name = &filled.table.target.name;
                let finding = not_empty(name);
                let why = "somebody has inserted rows since the import began";
                return Err(Fault::new(finding.code, finding.message)
                    .in_table(name)
                    .because(why));
            }
        }
        Ok(())
    }

    /// Has foreign keys of cycles checked at the end: by themselves where they allow it, else by
    /// changing them for the time of this transaction.
    fn defer(&self, session: &mut Session) -> Result<()> {
        for (filled, name, deferrable) in self.tables.deferred() {
            let key = identifier(name)?;
            let sql = if deferrable {
                format!(
                    "SET CONSTRAINTS {}.{key} DEFERRED",
                    identifier(&self.tables.job.target_schema)?
                )
            } else {
                let table = filled.target()?;
                format!("ALTER TABLE {table} ALTER CONSTRAINT {key} DEFERRABLE INITIALLY DEFERRED")
            };
            session.execute(&sql)?;
        }
        Ok(())
    }

    fn undo_deferring(&self, session: &mut Session) -> Result<()> {
        for (filled, name, deferrable) in self.tables.deferred() {
            if !deferrable {
                let (table, key) = (filled.target()?, identifier(name)?);
                session.execute(&format!(
                    "ALTER TABLE {table} ALTER CONSTRAINT {key} NOT DEFERRABLE"
                ))?;
            }
        }
        Ok(())
    }

    /// What the target holds must be what was staged. Gives back the number of rows.
    fn compare(&self, session: &mut Session, filled: Filled<'_>) -> Result<i64> {
        let name = &filled.table.target.name;
        let (staged, found) = sums(session, filled)?;
        let differ = |what: &'static str| Fault::new(Code::ContentDiffers, what).in_table(name);
        if staged.0 != found.0 {
            let what = "the table has not got as many rows as were sent";
            let hint =
                "a trigger has dropped or added rows: switch it off for the time of the import";
            let why = Mismatch::new(staged.0, found.0);
            return Err(differ(what).because(why).hint(hint));
        }
        if self.check != Check::Content || staged == found {
            return Ok(found.0);
        }
        let fault = differ("the table has not got the values that were sent").hint(
            "a trigger or the column's type has changed values: switch the trigger off for the time of the import",
        );
        for (position, column) in filled.table.filled() {
            let one = filled.with_column(position);
            let one = Filled {
                table: &one,
                ..filled
            };
            let (staged, found) = sums(session, one)?;
            if staged != found {
                return Err(fault.in_column(&column.name));
            }
        }
        Err(fault)
    }
}

fn insert(session: &mut Session, filled: Filled<'_>) -> Result<()> {
    write(session, &filled.insert()?, &filled.table.target.name)
}

/// Writes rows into a table of the target.
fn write(session: &mut Session, sql: &str, table: &str) -> Result<()> {
    let done = session.execute(sql).map_err(as_refusal);
    done.map_err(|fault| fault.in_table(table))
}

/// How many rows the target holds.
fn count(session: &mut Session, filled: Filled<'_>) -> Result<i64> {
    let sql = format!("SELECT count(*) AS rows FROM {}", filled.only_target()?);
    let rows = session.query(&sql, &[])?;
    rows.first()
        .map(|row| row.get("rows"))
        .ok_or_else(|| Fault::new(Code::ServerError, "the server does not count rows"))
}

fn sums(session: &mut Session, filled: Filled<'_>) -> Result<(Sums, Sums)> {
    let mut read = |sql: String| -> Result<Sums> {
        let rows = session.query(&sql, &[])?;
        let row = rows
            .first()
            .ok_or_else(|| Fault::new(Code::ServerError, "the server does not count rows"))?;
        Ok((row.get("rows"), row.get("one"), row.get("two")))
    };
    Ok((read(filled.staged_sums()?)?, read(filled.target_sums()?)?))
}

/// A row that a type, a constraint or a trigger of the target refuses.
pub(in super::super) fn as_refusal(fault: Fault) -> Fault {
    let message = std::error::Error::source(&fault).and_then(|cause| cause.downcast_ref());
    let Some(message): Option<&ServerMessage> = message else {
        return fault;
    };
    let code = match message.sqlstate.as_str() {
        "23505" | "23P01" => Code::KeyDuplicate,
        "23503" => Code::ForeignKeyOrphan,
        "23502" => Code::NotNullViolated,
        // Raised by a function of the application's.
        "P0001" => Code::TargetInterferes,
        other if other.starts_with("22") || other.starts_with("23") => Code::ValueRefused,
        other if other.starts_with("54") => Code::ValueRefused,
        _ => return fault,
    };
    let mut refusal = Fault::new(code, "the target refuses the rows").because(message.clone());
    let place = fault.place();
    if let Some(table) = &place.table {
        refusal = refusal.in_table(table);
    }
    if let Some(column) = &place.column {
        refusal = refusal.in_column(column);
    }
    match &place.location {
        Some(location) => refusal.at(location),
        None => refusal,
    }
}
