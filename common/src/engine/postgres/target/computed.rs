//! Computed columns that the server has an error for on some row, where SQLite goes on.
//!
//! COPY fails at such a row, and does not tell which column it was. So all computed columns of the
//! table are dropped, its rows loaded without, and the columns added again, each on its own: one that
//! fails is left out. A table whose rows all have their results costs nothing more.

use std::collections::BTreeSet;

use crate::engine::postgres::ledger::{Record, Saved};
use crate::engine::postgres::session::Session;
use crate::fault::{Fault, Result};
use crate::mapping::lost;
use crate::mapping::plan::TablePlan;
use crate::model::schema::Table;

use super::checks::{attempt, server_message};
use super::operator;
use super::run::transaction;
use super::sql::Statements;

/// Whether a computed column may be why COPY has failed: by its value (class 22), or because it
/// makes a row longer than a page (class 54).
pub(super) fn may_be_why(fault: &Fault, table: &TablePlan) -> bool {
    let class = class(fault);
    matches!(class, Some("22" | "54")) && table.computed().next().is_some()
}

/// Drops the computed columns of a staged table. Waits until no other worker's COPY is under way
/// there, however long that takes: nobody else knows the table. `hold` makes sure that the part is
/// still ours by then: they may have been restored meanwhile.
pub(super) fn drop_all(
    session: &mut Session,
    begin: &str,
    statements: &Statements<'_>,
    hold: impl FnOnce(&mut Session) -> Result<()>,
) -> Result<()> {
    let Some(sql) = statements.drop_computed()? else {
        return Ok(());
    };
    transaction(session, begin, |session| {
        session.execute("SET LOCAL lock_timeout = 0")?;
        session.execute(&sql)?;
        hold(session)
    })
}

/// Adds the computed columns of a table that were dropped, now that its rows are in; within a
/// transaction. The record names those that stay left out, and what goes with them.
pub(super) fn restore(
    session: &mut Session,
    statements: Statements<'_>,
    source: &Table,
) -> Result<Record> {
    let planned = statements.table;
    let there = columns(session, statements)?;
    let missing = planned.computed().filter(|c| !there.contains(&c.name));
    let missing: Vec<_> = missing.collect();
    if missing.is_empty() {
        return Ok(Record::default());
    }
    let (mut lost, mut findings) = (lost::Columns::new(), Vec::new());
    for column in missing {
        let Err(fault) = attempt(session, &statements.add_computed(column)?)? else {
            continue;
        };
        let Some(why) = why(&fault) else {
            return Err(fault);
        };
        findings.push(lost::column(source, column, why));
        lost.insert(column.name.clone());
    }
    let (amended, dependent) = lost::without(source, planned, &lost);
    findings.extend(dependent);
    let now = Statements {
        table: &amended,
        ..statements
    };
    let again = operator::statistics_again(&statements, &now)?;
    again.iter().try_for_each(|sql| session.execute(sql))?;
    Ok(Record {
        dropped_columns: lost.into_iter().collect(),
        findings: findings.iter().map(Saved::from).collect(),
        ..Record::default()
    })
}

/// The names of the columns that a staged table has.
fn columns(session: &mut Session, statements: Statements<'_>) -> Result<BTreeSet<String>> {
    let query = include_str!("../queries/column_names.sql");
    let rows = session.query(query, &[&statements.schema, &statements.table.name])?;
    Ok(rows.iter().map(|row| row.get("name")).collect())
}

/// The table without the columns that a record says are left out; nothing where it says so of none.
pub(super) fn amended(planned: &TablePlan, source: &Table, record: &Record) -> Option<TablePlan> {
    if record.dropped_columns.is_empty() {
        return None;
    }
    let lost = record.dropped_columns.iter().cloned().collect();
    Some(lost::without(source, planned, &lost).0)
}

/// What the server has said, where a row has no value, one that the column does not take, or none
/// that fits its page.
fn why(fault: &Fault) -> Option<&str> {
    matches!(class(fault), Some("22" | "23" | "54"))
        .then(|| server_message(fault).map(|message| message.message.as_str()))
        .flatten()
}

/// The class of what the server has said.
fn class(fault: &Fault) -> Option<&str> {
    server_message(fault)?.sqlstate.get(..2)
}
