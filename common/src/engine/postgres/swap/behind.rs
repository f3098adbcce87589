//! What a table has that the one in its place will not have: the new one is made as the archive says, and what
//! the application had added to its own is in the backup only.

use std::collections::BTreeMap;

use tokio_postgres::Row;
use tokio_postgres::types::Oid;

use crate::engine::postgres::relation::Names;
use crate::engine::postgres::session::Session;
use crate::fault::{Code, Result};
use crate::mapping::expression::Expression;
use crate::mapping::plan::{ColumnPlan, Origin, Plan, TablePlan};
use crate::report::{Finding, Severity};

/// Things named of one table, at the most.
const SHOWN: usize = 20;

/// A warning for each table that loses something, within a transaction.
pub(super) fn left(session: &mut Session, tables: &[Oid], plan: &Plan) -> Result<Vec<Finding>> {
    let sequences: Vec<_> = Names::of(plan)
        .sequences
        .into_iter()
        .flatten()
        .flatten()
        .collect();
    let mut lost: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in session.query(include_str!("../queries/swap_has.sql"), &[&tables])? {
        let name: &str = row.get("name");
        let Some(table) = plan.tables.iter().find(|table| table.name == name) else {
            continue;
        };
        if let Some(what) = missing(&row, table, &sequences) {
            lost.entry(name.to_owned()).or_default().push(what);
        }
    }
    Ok(lost
        .iter()
        .map(|(table, lost)| finding(table, lost))
        .collect())
}

/// What this is called, where the new table does not have it.
fn missing(row: &Row, table: &TablePlan, sequences: &[String]) -> Option<String> {
    let (kind, what): (&str, &str) = (row.get("kind"), row.get("what"));
    let columns: Vec<String> = row.get("columns");
    let column = table.columns.iter().find(|column| column.name == what);
    let is_there = match kind {
        "column" => column.is_some(),
        // Of a column that is named itself nothing more is said.
        "default" => column.is_none_or(has_default),
        "expression" => column.is_none_or(|column| matches!(column.origin, Origin::Computed(_))),
        "NOT NULL" => column.is_none_or(|column| is_filled(column, table)),
        "check" => table.checks.iter().any(|check| check.name == what),
        "foreign key" => {
            let mut keys = table.foreign_keys.iter();
            keys.any(|key| key.columns == columns)
        }
        "index" => has_index(table, what, (&columns, row.get("is_unique"))),
        "sequence" => sequences.iter().any(|sequence| sequence == what),
        _ => false,
    };
    (!is_there).then(|| match kind {
        "setting" => what.to_owned(),
        "NOT NULL" => format!("NOT NULL of `{what}`"),
        "default" | "expression" => format!("the {kind} of `{what}`"),
        kind => format!("{kind} `{what}`"),
    })
}

fn has_default(column: &ColumnPlan) -> bool {
    column.default.is_some()
        || column.identity.is_some()
        || matches!(column.origin, Origin::Computed(_))
}

fn is_filled(column: &ColumnPlan, table: &TablePlan) -> bool {
    let mut key = table.primary_key.iter().flat_map(|key| &key.columns);
    column.not_null || column.identity.is_some() || key.any(|name| *name == column.name)
}

/// Whether there is an index of this name, or one that serves the same: over the same columns, and unique where
/// the old one is.
fn has_index(table: &TablePlan, name: &str, (columns, unique): (&[String], bool)) -> bool {
    let keys = table.primary_key.iter().chain(&table.unique);
    let mut keys = keys.map(|key| (&key.name, key.columns.clone(), true));
    let same = |own: &[String], is_unique: bool| {
        !own.is_empty() && own == columns && (is_unique || !unique)
    };
    let mut indexes = table.indexes.iter();
    let mut added = table.added.indexes.iter();
    keys.any(|(own, on, is_unique)| own == name || same(&on, is_unique))
        || indexes.any(|index| {
            let on = index.terms.iter().map(|term| match &term.on {
                Expression::Column(name) => Some(name.clone()),
                _ => None,
            });
            let on: Option<Vec<_>> = on.collect();
            let whole = index.predicate.is_none();
            index.name == name || whole && on.is_some_and(|on| same(&on, index.unique))
        })
        || added.any(|index| index.name == name)
}

fn finding(table: &str, lost: &[String]) -> Finding {
    let mut named = lost[..std::cmp::min(lost.len(), SHOWN)].join(", ");
    let more = lost.len().saturating_sub(SHOWN);
    if more > 0 {
        named = format!("{named}, and {more} more");
    }
    let message = format!("the new table does not have what the old one has: {named}");
    let finding = Finding::new(Code::TargetDependent, Severity::Warning, message);
    finding.in_table(table).hint(
        "add what is wanted in a mapping file, or by hand after the import; the old table is in the backup, and `waybill-import undo` brings it back",
    )
}
