//! The ledger: what imports have done in a database, and what those under way have still to do.
//!
//! Its tables lie in a schema of the target database (`docs/ledger.md`). A run consists of steps
//! with numbers; a worker claims one in a short transaction of its own, and records it as done in
//! the transaction that does it. So whoever comes after a crash finds exactly what is done.
//!
//! Knows no plan and no table of the target: steps are numbers with a name.

mod heartbeat;
mod objects;
mod record;
mod runs;
mod steps;

pub(super) use heartbeat::{Beat, Heartbeat};
pub(super) use objects::{Held, Past, Role, forget, held, history, hold, keep, turn, undo};
pub(super) use record::{Record, Saved};
pub(super) use runs::{Entry, Identity, NewRun, Run, State, UNDO, end, enter, lock_key, look};
pub(super) use steps::{Claim, Pulse, StepName, Steps};

use crate::engine::postgres::name::identifier;
use crate::engine::postgres::session::Session;
use crate::fault::{Code, Fault, Result};

/// The schema of the ledger, unless another is asked for.
pub const SCHEMA: &str = "waybill";
/// The version of the tables that this program reads and writes.
const VERSION: i32 = 1;
/// What stands for the ledger's schema in the queries.
const PLACE: &str = "ledger.";

/// The ledger of one database.
#[derive(Debug, Clone)]
pub(super) struct Ledger {
    schema: String,
    /// `"schema".`, as it stands in SQL.
    prefix: String,
}

impl Ledger {
    /// The ledger in this schema.
    pub(super) fn new(schema: &str) -> Result<Ledger> {
        Ok(Ledger {
            schema: schema.to_owned(),
            prefix: format!("{}.", identifier(schema)?),
        })
    }

    /// A query of ours with the name of the schema in it.
    pub(super) fn sql(&self, query: &str) -> String {
        query.replace(PLACE, &self.prefix)
    }

    /// Whether there is one. A newer one than this program knows is refused.
    pub(super) fn is_there(&self, session: &mut Session) -> Result<bool> {
        let query = include_str!("../queries/ledger_there.sql");
        let rows = session.query(query, &[&self.schema])?;
        if !rows.first().is_some_and(|row| row.get("has_ledger")) {
            return Ok(false);
        }
        let rows = session.query(&self.sql("SELECT version FROM ledger.version"), &[])?;
        let version = rows.first().map_or(0, |row| row.get("version"));
        if version == VERSION {
            return Ok(true);
        }
        let what = format!("the ledger in this schema is of version {version}");
        let hint = format!(
            "this program knows version {VERSION}: use the one that made the ledger or a newer one"
        );
        let fault = Fault::new(Code::ServerUnfit, what).hint(hint);
        Err(fault.in_table(&self.schema))
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
        let rows = session.query(query, &[&self.schema])?;
        if !rows.first().is_some_and(|row| row.get("has_schema")) {
            session.execute(&format!(
                "CREATE SCHEMA {schema}; COMMENT ON SCHEMA {schema} IS \
                 'Waybill''s ledger: what imports have done in this database, and how to undo it'"
            ))?;
        }
        session.execute(&self.sql(include_str!("schema.sql")))
    }
}
