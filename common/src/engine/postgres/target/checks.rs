//! CHECK constraints of staged tables: added when all rows are in, and looked at.
//!
//! A check that existing rows break is kept for new rows (NOT VALID); one that the server cannot
//! even try is left out. Both are named; neither stops the import.

use std::collections::BTreeSet;

use crate::engine::postgres::session::{ServerMessage, Session};
use crate::fault::{Code, Fault, Result};
use crate::mapping::expression::Expression;
use crate::mapping::plan::{IndexPlan, IndexTerm};
use crate::report::{Finding, Severity};

use super::run::transaction;
use super::sql::Statements;

/// What became of the checks that do not hold for all rows.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Table and check, by position in the plan: kept for new rows only.
    pub(super) unproved: BTreeSet<(usize, usize)>,
    /// Left out.
    pub(super) dropped: BTreeSet<(usize, usize)>,
    /// Table and index, by position in the plan: left out.
    pub(super) dropped_indexes: BTreeSet<(usize, usize)>,
    /// What there is to say of both.
    pub(super) findings: Vec<Finding>,
}

impl Outcome {
    /// Takes in what became of the checks of another table.
    pub(super) fn merge(&mut self, other: Outcome) {
        self.unproved.extend(other.unproved);
        self.dropped.extend(other.dropped);
        self.dropped_indexes.extend(other.dropped_indexes);
        self.findings.extend(other.findings);
    }
}

/// Adds the checks of the table at a position of the plan.
pub(super) fn add(
    session: &mut Session,
    begin: &str,
    table: usize,
    statements: Statements<'_>,
) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for (position, check) in statements.table.checks.iter().enumerate() {
        let mut run = |sql: String| transaction(session, begin, |session| session.execute(&sql));
        let added = run(statements.add_check(check)?);
        let proved = match added {
            Ok(()) => run(statements.validate_check(check)?),
            Err(fault) => {
                let (finding, name) = (left_out(&fault, &check.name), &statements.table.name);
                outcome.dropped.insert((table, position));
                outcome.findings.push(finding.ok_or(fault)?.in_table(name));
                continue;
            }
        };
        let Err(fault) = proved else { continue };
        let finding = if sqlstate(&fault) == Some("23514") {
            outcome.unproved.insert((table, position));
            let sql = statements.count_broken(check)?;
            let rows = transaction(session, begin, |session| session.query(&sql, &[]))?;
            let rows: i64 = rows.first().map_or(0, |row| row.get("rows"));
            broken(&check.name, u64::try_from(rows).unwrap_or(0))
        } else {
            let finding = left_out(&fault, &check.name).ok_or(fault)?;
            let sql = statements.drop_check(check)?;
            transaction(session, begin, |session| session.execute(&sql))?;
            outcome.dropped.insert((table, position));
            finding
        };
        outcome
            .findings
            .push(finding.in_table(&statements.table.name));
    }
    Ok(outcome)
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
