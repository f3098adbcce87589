//! Which columns of new tables get the type that the tables they replace have.
//!
//! Statements that an application has prepared, and views, know the types of columns: one whose values
//! fit the old type keeps it, whatever type the evidence speaks for. Whether they fit is tried by others.

use crate::mapping::existing::{Existing, ExistingColumn, Kind};
use crate::mapping::fill;
use crate::mapping::plan::{ColumnPlan, Origin, PgType, Plan, TablePlan};
use crate::model::schema::Schema;
use crate::profile::evidence::{ColumnEvidence, TableEvidence};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Old types that columns are to keep, by position of the table in the schema and by cell.
pub type Kept = BTreeMap<(usize, usize), PgType>;

/// Digits of a second's fraction that a type of a plan keeps.
const MICROSECONDS: u32 = 6;

/// The old types of the columns of `plan` that `existing` has, where they are others than the plan's
/// and can hold values of this kind at all. What the operator asks for goes before.
#[must_use]
pub fn kept(schema: &Schema, plan: &Plan, evidence: &[TableEvidence], existing: &Existing) -> Kept {
    let tables: HashMap<_, _> = existing
        .tables
        .iter()
        .filter(|table| table.unsuited.is_none())
        .map(|table| (table.name.as_str(), table))
        .collect();
    let mut kept = Kept::new();
    for planned in &plan.tables {
        let Some(old) = tables.get(planned.name.as_str()) else {
            continue;
        };
        let old: HashMap<_, _> = old
            .columns
            .iter()
            .map(|column| (column.name.as_str(), column))
            .collect();
        for column in planned.copied().filter(|column| !column.asked) {
            let Origin::Cell(cell) = column.origin else {
                continue;
            };
            let values = cell
                .checked_sub(schema.tables[planned.source].first_column_cell())
                .and_then(|cell| evidence.get(planned.source)?.columns.get(cell));
            let old = old.get(column.name.as_str());
            let target = old.and_then(|old| old_type(old, values?));
            if let Some(target) = target.filter(|target| *target != column.target) {
                kept.insert((planned.source, cell), target);
            }
        }
    }
    kept
}

/// The type of a column as a plan names it; `None` where no plan has it, or where it would make texts of
/// numbers.
fn old_type(old: &ExistingColumn, values: &ColumnEvidence) -> Option<PgType> {
    if old.of_domain || old.generated {
        return None;
    }
    match &old.kind {
        // Blanks at the end of a char mean nothing, and are not kept.
        Kind::Enum(_) | Kind::Other | Kind::Char(_) => None,
        Kind::Time(digits) | Kind::Timestamp(digits) | Kind::Timestamptz(digits)
            if *digits != MICROSECONDS =>
        {
            None
        }
        Kind::Text(_) if values.integers + values.reals + values.blobs > 0 => None,
        kind => Some(fill::exact(kind, &old.name, &mut Vec::new())),
    }
}

/// Whether `plan` makes all the structure that `base` makes, so that a type has not cost a key.
#[must_use]
pub fn makes_all_of(plan: &Plan, base: &Plan) -> bool {
    fn counts(table: &TablePlan) -> [usize; 8] {
        [
            table.columns.len(),
            usize::from(table.primary_key.is_some()),
            table.unique.len(),
            table.indexes.len(),
            table.foreign_keys.len(),
            table.checks.len(),
            table.computed().count(),
            table
                .columns
                .iter()
                .filter(|column| column.default.is_some() || column.identity.is_some())
                .count(),
        ]
    }
    plan.tables.len() == base.tables.len()
        && plan.views.len() == base.views.len()
        && plan
            .tables
            .iter()
            .zip(&base.tables)
            .all(|(one, other)| counts(one) == counts(other))
}

/// The columns of `plan` whose type was kept, or follows one that was, each with its table; `base` is the
/// plan without.
#[must_use]
pub fn columns<'p>(plan: &'p Plan, base: &Plan) -> Vec<(&'p TablePlan, &'p ColumnPlan)> {
    let asked: HashSet<(&str, &str)> = of_all(base)
        .filter(|(_, column)| column.asked)
        .map(|(table, column)| (table.name.as_str(), column.name.as_str()))
        .collect();
    of_all(plan)
        .filter(|(_, column)| column.asked)
        .filter(|(table, column)| !asked.contains(&(table.name.as_str(), column.name.as_str())))
        .collect()
}

fn of_all(plan: &Plan) -> impl Iterator<Item = (&TablePlan, &ColumnPlan)> {
    plan.tables
        .iter()
        .flat_map(|table| table.columns.iter().map(move |column| (table, column)))
}
