//! What a mapping file says of rows that go into tables that exist: where they go, and how their
//! values are changed.
//!
//! Values travel in wide types. Those that are converted are tried in the very types of the target's
//! columns, by a plan that is made for that alone.

use super::FillTable;
use super::fit;
use crate::fault::Result;
use crate::mapping::asked;
use crate::mapping::draft::{Draft, Source, Stored};
use crate::mapping::existing::{ExistingColumn, ExistingTable, Kind};
use crate::mapping::file::Placed;
use crate::mapping::mapped;
use crate::mapping::operator::OperatorPlan;
use crate::mapping::plan::{ColumnPlan, Conversion, EnumPlan, Plan, Reading, TablePlan};
use crate::report::Finding;

/// Digits of a second's fraction that the binary form of a moment has.
const FINEST: u32 = 6;

/// How the values of a column are changed on their way into a column of the target. Fails when what
/// they are taken for gives no value of its type.
pub(super) fn conversion(
    source: &Source<'_>,
    draft: &Draft<'_>,
    stored: &Stored<'_>,
    target: &ExistingColumn,
) -> Result<Option<Conversion>> {
    let Some(rule) = stored.rule.filter(|rule| rule.conversion().is_some()) else {
        return Ok(None);
    };
    let exact = fit::exact(&target.kind, &target.type_name, &mut Vec::new());
    let columns = draft.rule.map(|rule| &rule.columns);
    let named = columns.and_then(|columns| columns.get_key_value(stored.column.name.as_str()));
    if let (Some(mapping), Some((at, _))) = (source.mapping, named) {
        mapped::suits(&mapping.file, at, rule, (exact, &target.type_name))?;
    }
    let fraction = match target.kind {
        Kind::Time(digits) | Kind::Timestamp(digits) | Kind::Timestamptz(digits) => Some(digits),
        _ => None,
    };
    let conversion = asked::conversion(rule, Some(exact));
    Ok(conversion.map(|conversion| Conversion {
        fraction: fraction.filter(|digits| *digits < FINEST),
        ..conversion
    }))
}

/// Whether the evidence still speaks of the values that the column will get.
pub(super) fn keeps_meaning(conversion: Option<&Conversion>) -> bool {
    conversion.is_none_or(|conversion| conversion.reading == Reading::Plain)
}

/// The name in the target that the file gives, with its place, for a message.
pub(super) fn given_by(source: &Source<'_>, name: Option<&Placed>) -> String {
    match (source.mapping, name) {
        (Some(mapping), Some(name)) => {
            format!(", as {} names it", mapping.file.place(name))
        }
        _ => String::new(),
    }
}

/// What is done differently because the file says so: where rows and values go, what is left out.
pub(super) fn notes(draft: &Draft<'_>, target: &ExistingTable, findings: &mut Vec<Finding>) {
    let place = |finding: Finding| finding.in_table(&draft.table.name);
    if draft.wanted.is_some() {
        let message = format!("the rows go into the table `{}`", target.name);
        findings.push(place(asked::note(&message)));
    }
    let rules = draft.rule.iter().flat_map(|rule| &rule.columns);
    for (name, rule) in rules {
        let message = match &rule.name {
            _ if rule.drop => "the column is left out".to_owned(),
            // What the source computes is not carried, whatever its name.
            Some(given) if draft.position(name.get_ref()).is_some() => {
                format!("the values go into the column `{}`", given.get_ref())
            }
            _ => continue,
        };
        findings.push(place(asked::note(&message).in_column(name.get_ref())));
    }
}

/// The operator's own files; of everything else that a plan may hold the tables have their own.
pub(super) fn operator(source: &Source<'_>) -> OperatorPlan {
    OperatorPlan {
        before: source.mapping.and_then(|mapping| mapping.before.clone()),
        after: source.mapping.and_then(|mapping| mapping.after.clone()),
        ..OperatorPlan::default()
    }
}

/// The plan by which converted values are tried: the types and NOT NULL of the target's columns.
pub(super) fn rehearsed(plans: &[TablePlan], tables: &[FillTable]) -> Plan {
    let mut enums = Vec::new();
    let tables = plans.iter().zip(tables).map(|(plan, table)| {
        let mut plan = plan.clone();
        for (staged, column) in table.filled() {
            if let Some(tried) = plan.columns.get_mut(staged) {
                as_in_target(tried, column, &mut enums);
            }
        }
        plan
    });
    Plan {
        tables: tables.collect(),
        enums,
        ..Plan::default()
    }
}

fn as_in_target(tried: &mut ColumnPlan, column: &ExistingColumn, enums: &mut Vec<EnumPlan>) {
    if tried.asked {
        tried.target = fit::exact(&column.kind, &column.type_name, enums);
        tried.not_null = column.not_null;
    }
}
