//! Removing what runs have put aside.

use std::time::Duration;

use super::{Book, CHANGING, strangers};
use crate::engine::postgres::catalogue::READING;
use crate::engine::postgres::conninfo::ConnInfo;
use crate::engine::postgres::ledger::{Ledger, Past, forget, history, lock_key};
use crate::engine::postgres::session::Session;
use crate::engine::postgres::swap::{self, Dependents, Object};
use crate::engine::postgres::target::{drop_tables, transaction};
use crate::fault::{Code, Fault, Result};

/// Which backups stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The newest, so many.
    Newest(usize),
    /// Those that were put aside within this time.
    YoungerThan(Duration),
}

/// Backups that are about to be removed.
pub struct Prune {
    conninfo: ConnInfo,
    ledger: Ledger,
    /// The runs whose backups go, with their schemas and bytes.
    dropped: Vec<(Past, String, u64)>,
    leaves_none: bool,
    lock_wait: Duration,
}

impl Prune {
    /// Looks which backups there are, and which of them go.
    pub fn prepare<'a>(
        book: impl Into<Book<'a>>,
        keep: Keep,
        lock_wait: Duration,
    ) -> Result<Prune> {
        let Book { conninfo, ledger } = book.into();
        let ledger = Ledger::new(ledger)?;
        let mut session = Session::connect(conninfo)?;
        transaction(&mut session, READING, |session| {
            let all = history(session, &ledger)?;
            let mut kept = Vec::new();
            for past in all {
                if let Some(schema) = past.backup.clone()
                    && is_ours(session, &schema)?
                    // A run that stands again has its backup with the undo that brought it back.
                    && !kept.iter().any(|(_, name)| *name == schema)
                {
                    kept.push((past, schema));
                }
            }
            let there = kept.len();
            let newest = match keep {
                Keep::Newest(count) => there.saturating_sub(count),
                Keep::YoungerThan(_) => there,
            };
            kept.truncate(newest);
            if let Keep::YoungerThan(age) = keep {
                kept.retain(|(past, _)| past.age > age.as_secs_f64());
            }
            let mut dropped = Vec::new();
            for (past, schema) in kept {
                refuse_dependents(session, &ledger, &schema)?;
                let bytes = bytes(session, &schema)?.unwrap_or(0);
                dropped.push((past, schema, bytes));
            }
            Ok(Prune {
                conninfo: conninfo.clone(),
                ledger,
                leaves_none: !dropped.is_empty() && dropped.len() == there,
                dropped,
                lock_wait,
            })
        })
    }

    /// The schemas that go, with their bytes.
    #[must_use]
    pub fn dropped(&self) -> Vec<(String, u64)> {
        let dropped = self.dropped.iter();
        dropped
            .map(|(_, schema, bytes)| (format!("schema {schema}"), *bytes))
            .collect()
    }

    /// Whether no backup would stay.
    #[must_use]
    pub fn leaves_none(&self) -> bool {
        self.leaves_none
    }

    /// Removes them, a batch of tables at a time.
    pub fn perform(&self) -> Result<()> {
        let mut session = Session::connect(&self.conninfo)?;
        let wait = std::cmp::max(1, self.lock_wait.as_millis());
        let begin = format!("{CHANGING}; SET LOCAL lock_timeout = '{wait}ms'");
        for (past, schema, _) in &self.dropped {
            // From now on nobody brings back what is half gone.
            transaction(&mut session, &begin, |session| {
                let key = lock_key(&past.target_schema);
                session.query("SELECT pg_advisory_xact_lock($1)", &[&key])?;
                refuse_dependents(session, &self.ledger, schema)?;
                let all = history(session, &self.ledger)?;
                let users = all.iter().filter(|one| one.backup.as_ref() == Some(schema));
                for user in users {
                    forget(session, &self.ledger, &user.run)?;
                }
                Ok(())
            })?;
            drop_tables(&mut session, &begin, schema)?;
        }
        Ok(())
    }
}

/// Whether the schema bears the mark of a backup.
fn is_ours(session: &mut Session, schema: &str) -> Result<bool> {
    let run = schema.rsplit('_').next().unwrap_or_default();
    let query =
        "SELECT obj_description(oid, 'pg_namespace') AS mark FROM pg_namespace WHERE nspname = $1";
    let rows = session.query(query, &[&schema])?;
    let mark: Option<String> = rows.first().and_then(|row| row.get("mark"));
    Ok(mark == Some(swap::mark(run)))
}

/// The bytes of all tables in a schema.
pub(super) fn bytes(session: &mut Session, schema: &str) -> Result<Option<u64>> {
    let query = "SELECT sum(pg_total_relation_size(relation.oid))::bigint AS bytes \
                 FROM pg_class AS relation \
                 JOIN pg_namespace AS home ON home.oid = relation.relnamespace \
                 WHERE home.nspname = $1 AND relation.relkind = 'r'";
    let rows = session.query(query, &[&schema])?;
    let bytes: Option<i64> = rows.first().and_then(|row| row.get("bytes"));
    Ok(bytes.and_then(|bytes| u64::try_from(bytes).ok()))
}

/// Nothing of others may be dropped with the tables.
fn refuse_dependents(session: &mut Session, ledger: &Ledger, schema: &str) -> Result<()> {
    strangers::refuse(session, ledger, schema)?;
    let query = "SELECT CASE relkind WHEN 'v' THEN 'view' ELSE 'table' END AS kind, \
                        relname::text AS name, pg_class.oid \
                 FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace \
                 WHERE nspname = $1 AND relkind IN ('r', 'v')";
    let rows = session.query(query, &[&schema])?;
    let objects: Vec<_> = rows
        .iter()
        .map(|row| Object {
            kind: row.get("kind"),
            name: row.get("name"),
            oid: row.get("oid"),
        })
        .collect();
    let found = Dependents::read(session, &objects)?;
    let mut all = found
        .others
        .iter()
        .chain(&found.views)
        .chain(&found.foreign_keys);
    match all.next() {
        None => Ok(()),
        Some(one) => {
            let what = format!("{} uses a table of the backup", one.described);
            let fault = Fault::new(Code::TargetDependent, what).on(format!("schema {schema}"));
            Err(fault.hint("drop it, or let it use other tables; then prune again"))
        }
    }
}
