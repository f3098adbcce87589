//! What somebody else has put into the schema of a backup: it is not dropped with it, and not passed over.

use tokio_postgres::types::Oid;

use crate::engine::postgres::ledger::{self, Ledger, Past, Role, history};
use crate::engine::postgres::session::Session;
use crate::fault::{Code, Fault, Result};

/// Objects named, at the most.
const SHOWN: usize = 10;

/// Refuses a backup in which there is more than runs have put aside; within a transaction.
pub(super) fn refuse(session: &mut Session, ledger: &Ledger, schema: &str) -> Result<()> {
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
