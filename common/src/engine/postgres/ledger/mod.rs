//! The ledger: what imports have done in a database, and what those under way have still to do.
//!
//! Its tables lie in a schema of the target database (`docs/ledger.md`). A run consists of steps
//! with numbers; a worker claims one in a short transaction of its own, and records it as done in
//! the transaction that does it. So whoever comes after a crash finds exactly what is done.
//!
//! Knows no plan and no table of the target: steps are numbers with a name.

mod followed;
mod heartbeat;
mod objects;
mod record;
mod runs;
mod steps;
mod written;

pub(super) use followed::{follow, followed};
pub(super) use heartbeat::{Beat, Heartbeat, lease};
pub(super) use objects::{Held, Past, Role, forget, held, history, hold, keep, turn, undo};
pub(super) use record::{Record, Saved};
pub(super) use runs::{
    Entry, Identity, MERGE, NewRun, Run, State, UNDO, end, enter, lock_key, look,
};
pub(super) use steps::{Claim, Pulse, StepName, Steps};
pub(super) use written::{
    MovedSequence, Standing, Written, WrittenTable, mark_own, write_down, written,
};

use crate::engine::postgres::name::{identifier, qualified};
use crate::engine::postgres::session::Session;
use crate::fault::{Code, Fault, Result};

/// The schema of the ledger, unless another is asked for.
pub const SCHEMA: &str = "waybill";
/// The version of the tables that this program reads and writes.
const VERSION: i32 = 1;
/// What stands for the ledger's schema in the queries.
const PLACE: &str = "ledger.";
/// How the names of the tables begin in any other schema than its own.
const PREFIX: &str = "waybill_";
/// The tables; the first one tells the version.
const TABLES: [&str; 7] = [
    "version", "runs", "objects", "followed", "written", "workers", "steps",
];

/// The ledger of one database.
#[derive(Debug, Clone)]
pub(super) struct Ledger {
    schema: String,
    /// `"schema".`, as it stands in SQL, and how the names of the tables begin.
    prefix: String,
    tables: Vec<String>,
}

impl Ledger {
    /// The ledger in this schema.
    pub(super) fn new(schema: &str) -> Result<Ledger> {
        let prefix = if schema == SCHEMA { "" } else { PREFIX };
        Ok(Ledger {
            schema: schema.to_owned(),
            prefix: format!("{}.{prefix}", identifier(schema)?),
            tables: TABLES.map(|table| format!("{prefix}{table}")).to_vec(),
        })
    }

    /// A query of ours with the name of the schema in it.
    pub(super) fn sql(&self, query: &str) -> String {
        query.replace(PLACE, &self.prefix)
    }

    /// The names of its tables.
    pub(super) fn tables(&self) -> &[String] {
        &self.tables
    }

    /// Whether there is one. A newer one than this program knows is refused, and one that the role may not
    /// write to.
    pub(super) fn is_there(&self, session: &mut Session) -> Result<bool> {
        let query = include_str!("../queries/ledger_there.sql");
        let rows = session.query(query, &[&self.schema, &self.tables])?;
        let Some(row) = rows.first() else {
            return Ok(false);
        };
        let taken: Vec<String> = row.get("taken");
        if !row.get::<_, bool>("has_ledger") {
            return if taken.is_empty() {
                Ok(false)
            } else {
                Err(self.occupied(&taken))
            };
        }
        if !row.get::<_, bool>("may_write") {
            return Err(self.closed(row.get("role"))?);
        }
        let rows = session.query(&self.sql("SELECT version FROM ledger.version"), &[])?;
        let version = rows.first().and_then(|row| row.get("version"));
        let version: i32 = version.unwrap_or(0);
        if version == VERSION {
            let gone = self.tables.iter().find(|table| !taken.contains(table));
            return gone.map_or(Ok(true), |table| Err(self.damaged(table)));
        }
        let what = format!("the ledger in this schema is of version {version}");
        let hint = format!(
            "this program knows version {VERSION}: use the one that made the ledger or a newer one"
        );
        let fault = Fault::new(Code::ServerUnfit, what).hint(hint);
        Err(fault.in_table(&self.schema))
    }

    /// The failure where something else has the names of the ledger's tables.
    fn occupied(&self, taken: &[String]) -> Fault {
        let what = "the schema of the ledger holds something else under the names of its tables";
        let fault = Fault::new(Code::ServerUnfit, what).in_table(&self.schema);
        fault.because(taken.join(", ")).hint(
            "keep the ledger in another schema with --ledger-schema, and name it to all commands",
        )
    }

    /// The failure where a table of the ledger is gone.
    fn damaged(&self, table: &str) -> Fault {
        let what = format!("the ledger of imports has lost its table `{table}`");
        let fault = Fault::new(Code::ServerUnfit, what).in_table(&self.schema);
        fault.hint("bring the table back from a backup of the database, or begin another ledger with --ledger-schema: it knows nothing of the runs in this one")
    }

    /// The failure of a role that may not use a ledger that another one has made.
    fn closed(&self, role: &str) -> Result<Fault> {
        let (schema, role) = (identifier(&self.schema)?, identifier(role)?);
        let tables = self
            .tables
            .iter()
            .map(|table| qualified(&self.schema, table));
        let tables = tables.collect::<Result<Vec<_>>>()?.join(", ");
        let hint = format!(
            "GRANT USAGE ON SCHEMA {schema} TO {role}; GRANT SELECT, INSERT, UPDATE, DELETE ON {tables} TO {role}; or keep another ledger with --ledger-schema"
        );
        let what = "the ledger of imports belongs to another role";
        let fault = Fault::new(Code::RightMissing, what).hint(hint);
        Ok(fault.in_table(&self.schema))
    }

    /// The runs into a target schema that ended without a switch, with the schemas they have worked in, as
    /// far as those are there; within a transaction.
    pub(super) fn failed(
        &self,
        session: &mut Session,
        target_schema: &str,
    ) -> Result<Vec<(String, String)>> {
        let query = self.sql(include_str!("../queries/ledger_failed.sql"));
        let rows = session.query(&query, &[&target_schema])?;
        let rows = rows.iter();
        Ok(rows
            .map(|row| (row.get("run"), row.get("staging")))
            .collect())
    }

    /// Makes the ledger where there is none, within the transaction that is open.
    pub(super) fn ensure(&self, session: &mut Session) -> Result<()> {
        // Two that begin at the same time must not both make it.
        session.execute("SELECT pg_advisory_xact_lock(6440653401866420512)")?;
        if self.is_there(session)? {
            return Ok(());
        }
        let schema = identifier(&self.schema)?;
        let query = include_str!("../queries/ledger_there.sql");
        let rows = session.query(query, &[&self.schema, &self.tables])?;
        if !rows.first().is_some_and(|row| row.get("has_schema")) {
            session.execute(&format!(
                "CREATE SCHEMA {schema}; COMMENT ON SCHEMA {schema} IS \
                 'Waybill''s ledger: what imports have done in this database, and how to undo it'"
            ))?;
        }
        session.execute(&self.sql(include_str!("schema.sql")))
    }
}
