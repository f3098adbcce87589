//! Computed columns that the server has an error for on some row, where SQLite goes on.
//!
//! COPY fails at such a row, and does not tell which column it was. So all computed columns of the
//! table are dropped, its rows loaded without, and the columns added again, each on its own: one that
//! fails is left out. A table whose rows all have their results costs nothing more.

use crate::engine::postgres::session::Session;
use crate::fault::{Fault, Result};
use crate::mapping::lost;
use crate::mapping::plan::TablePlan;
use crate::model::schema::Table;
use crate::report::Finding;

use super::checks::server_message;
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
/// there, however long that takes: nobody else knows the table.
pub(super) fn drop_all(
    session: &mut Session,
    begin: &str,
    statements: &Statements<'_>,
) -> Result<()> {
    let Some(sql) = statements.drop_computed()? else {
        return Ok(());
    };
    transaction(session, begin, |session| {
        session.execute("SET LOCAL lock_timeout = 0")?;
        session.execute(&sql)
    })
}

/// What has become of the computed columns of a table.
pub(super) struct Restored {
    /// The table without those that are left out; nothing where all are there again.
    pub(super) amended: Option<TablePlan>,
    /// What there is to say of what is left out.
    pub(super) findings: Vec<Finding>,
}

/// Adds the computed columns of a table again, now that its rows are in.
pub(super) fn restore(
    session: &mut Session,
    begin: &str,
    statements: Statements<'_>,
    source: &Table,
) -> Result<Restored> {
    let planned = statements.table;
    let (mut lost, mut findings) = (lost::Columns::new(), Vec::new());
    for column in planned.computed() {
        let sql = statements.add_computed(column)?;
        let added = transaction(session, begin, |session| session.execute(&sql));
        let Err(fault) = added else { continue };
        let Some(why) = why(&fault) else {
            return Err(fault);
        };
        findings.push(lost::column(source, column, why));
        lost.insert(column.name.clone());
    }
    let amended = (!lost.is_empty()).then(|| {
        let (amended, dependent) = lost::without(source, planned, &lost);
        findings.extend(dependent);
        amended
    });
    let now = Statements {
        table: amended.as_ref().unwrap_or(planned),
        ..statements
    };
    let again = operator::statistics_again(&statements, &now)?;
    transaction(session, begin, |session| {
        again.iter().try_for_each(|sql| session.execute(sql))
    })?;
    Ok(Restored { amended, findings })
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
