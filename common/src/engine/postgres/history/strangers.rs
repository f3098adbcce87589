//! Whether the schema of a backup may be dropped: it must be this role's, and hold nothing that somebody else
//! has put there.

use tokio_postgres::types::Oid;

use crate::engine::postgres::ledger::{self, Ledger, Past, Role, history};
use crate::engine::postgres::name::identifier;
use crate::engine::postgres::session::Session;
use crate::fault::{Code, Fault, Result};

/// Objects named, at the most.
const SHOWN: usize = 10;

/// Refuses a backup of another role, and one in which there is more than runs have put aside; within a
/// transaction.
pub(super) fn refuse(session: &mut Session, ledger: &Ledger, schema: &str) -> Result<()> {
    refuse_of_others(session, schema)?;
    let (mut known, mut images): (Vec<Oid>, Vec<String>) = (Vec::new(), Vec::new());
    let all = history(session, ledger)?;
    let keeps = |past: &&Past| past.backup.as_deref() == Some(schema);
    for past in all.iter().filter(keeps) {
        let held = ledger::held(session, ledger, &past.run)?;
        let kept = held.iter().filter(|one| one.role == Role::Kept);
        known.extend(kept.map(|one| one.oid));
        let written = ledger::written(session, ledger, &past.run)?;
        images.extend(written.tables.into_iter().map(|table| table.name));
    }
    let query = include_str!("../queries/strangers.sql");
    let rows = session.query(query, &[&schema, &known, &images])?;
    if rows.is_empty() {
        return Ok(());
    }
    let mut named: Vec<String> = rows
        .iter()
        .take(SHOWN)
        .map(|row| row.get("described"))
        .collect();
    let more = rows.len().saturating_sub(SHOWN);
    if more > 0 {
        named.push(format!("and {more} more"));
    }
    let what = "somebody has put objects into the schema of a backup, which would be lost with it";
    let fault = Fault::new(Code::TargetDependent, what).on(format!("schema {schema}"));
    let fault = fault.because(named.join("\n"));
    Err(fault.hint("move them to another schema (ALTER … SET SCHEMA), or drop them"))
}

fn refuse_of_others(session: &mut Session, schema: &str) -> Result<()> {
    let query = "SELECT pg_get_userbyid(nspowner)::text AS owner FROM pg_namespace \
                 WHERE nspname = $1 AND NOT pg_has_role(nspowner, 'USAGE')";
    let rows = session.query(query, &[&schema])?;
    let Some(row) = rows.first() else {
        return Ok(());
    };
    let owner: &str = row.get("owner");
    let what = format!("the schema of the backup belongs to `{owner}`, whose run has made it");
    let fault = Fault::new(Code::RightMissing, what).on(format!("schema {schema}"));
    let owner = identifier(owner)?;
    Err(fault.hint(format!(
        "connect as {owner}, or GRANT {owner} TO the role that connects"
    )))
}
