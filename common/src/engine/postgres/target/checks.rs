//! CHECK constraints of staged tables: added when all rows are in, and looked at.
//!
//! A check that existing rows break is kept for new rows (NOT VALID); one that the server cannot
//! even try is left out. Both are named; neither stops the import.

use std::collections::BTreeSet;

use crate::engine::postgres::ledger::{Record, Saved};
use crate::engine::postgres::session::{ServerMessage, Session};
use crate::fault::{Code, Fault, Result};
use crate::mapping::expression::Expression;
use crate::mapping::plan::{IndexPlan, IndexTerm};
use crate::report::{Finding, Severity};

use super::sql::Statements;

/// What became of the checks that do not hold for all rows.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Table, by position in the plan, and name of a check: kept for new rows only.
    pub(super) unproved: BTreeSet<(usize, String)>,
    /// Left out.
    pub(super) dropped: BTreeSet<(usize, String)>,
    /// Table and name of an index: left out.
    pub(super) dropped_indexes: BTreeSet<(usize, String)>,
    /// What there is to say of both.
    pub(super) findings: Vec<Finding>,
}

impl Outcome {
    /// Takes in what came of a step of a table.
    pub(super) fn take(&mut self, table: usize, record: &Record) {
        let of_table = |names: &[String]| -> Vec<_> {
            names.iter().map(|name| (table, name.clone())).collect()
        };
        self.unproved.extend(of_table(&record.unproved_checks));
        self.dropped.extend(of_table(&record.dropped_checks));
        self.dropped_indexes
            .extend(of_table(&record.dropped_indexes));
        let findings = record.findings.iter().cloned().map(Finding::from);
        self.findings.extend(findings);
    }
}

/// Adds the checks of a table, within a transaction.
pub(super) fn add(session: &mut Session, statements: Statements<'_>) -> Result<Record> {
    let mut record = Record::default();
    for check in &statements.table.checks {
        let added = attempt(session, &statements.add_check(check)?)?;
        let proved = match added {
            Ok(()) => attempt(session, &statements.validate_check(check)?)?,
            Err(fault) => Err(fault),
        };
        let Err(fault) = proved else { continue };
        let finding = if sqlstate(&fault) == Some("23514") {
            record.unproved_checks.push(check.name.clone());
            let rows = session.query(&statements.count_broken(check)?, &[])?;
            let rows: i64 = rows.first().map_or(0, |row| row.get("rows"));
            broken(&check.name, u64::try_from(rows).unwrap_or(0))
        } else {
            let finding = left_out(&fault, &check.name).ok_or(fault)?;
            session.execute(&statements.drop_check(check)?)?;
            record.dropped_checks.push(check.name.clone());
            finding
        };
        let finding = finding.in_table(&statements.table.name);
        record.findings.push(Saved::from(&finding));
    }
    Ok(record)
}

/// Runs a statement that may fail without ending the transaction: what came of it is inside.
pub(super) fn attempt(session: &mut Session, sql: &str) -> Result<Result<()>> {
    session.execute("SAVEPOINT attempt")?;
    let done = session.execute(sql);
    session.execute(match done {
        Ok(()) => "RELEASE SAVEPOINT attempt",
        Err(_) => "ROLLBACK TO SAVEPOINT attempt",
    })?;
    Ok(done)
}

fn broken(name: &str, rows: u64) -> Finding {
    let verb = if rows == 1 {
        "row breaks"
    } else {
        "rows break"
    };
    let message = format!(
        "check constraint `{name}` is created NOT VALID: {rows} {verb} it, and only new rows are checked"
    );
    Finding::new(Code::StructureWeakened, Severity::Warning, message)
        .counted(rows, Vec::new())
        .hint("mend the rows in the target, then ALTER TABLE … VALIDATE CONSTRAINT")
}

/// The finding where the server refuses the check itself, or fails on a row in trying it.
fn left_out(fault: &Fault, name: &str) -> Option<Finding> {
    let why = untriable(fault)?;
    let message = format!(
        "check constraint `{name}` is left out, the server cannot try it on every row: {why}"
    );
    Some(Finding::new(Code::StructureLeftOut, Severity::Warning, message).hint(UNTRIABLE))
}

/// The same of an index on an expression or with a WHERE clause.
pub(super) fn index_left_out(fault: &Fault, index: &IndexPlan) -> Option<Finding> {
    let plain = |term: &IndexTerm| matches!(term.on, Expression::Column(_));
    if index.predicate.is_none() && index.terms.iter().all(plain) {
        return None;
    }
    let why = untriable(fault)?;
    let (code, kind) = if index.unique {
        (Code::StructureWeakened, "unique index")
    } else {
        (Code::StructureLeftOut, "index")
    };
    let message = format!(
        "{kind} `{}` is left out, the server cannot reckon it for every row: {why}",
        index.name
    );
    Some(Finding::new(code, Severity::Warning, message).hint(UNTRIABLE))
}

/// What to do about an expression that some row has no result for.
const UNTRIABLE: &str = "SQLite goes on where PostgreSQL has an error; recreate it in the target in a form that suits every row";

/// What the server says where it refuses an expression, or fails on a row in trying it.
fn untriable(fault: &Fault) -> Option<&str> {
    let message = server_message(fault)?;
    let class = message.sqlstate.get(..2);
    matches!(class, Some("22" | "42" | "54")).then_some(message.message.as_str())
}

/// What the server has said, where it is what failed.
pub(super) fn server_message(fault: &Fault) -> Option<&ServerMessage> {
    std::error::Error::source(fault)?.downcast_ref()
}

/// Its SQLSTATE.
pub(super) fn sqlstate(fault: &Fault) -> Option<&str> {
    server_message(fault).map(|message| message.sqlstate.as_str())
}
