//! Foreign keys: which are carried over, and what they refer to.

use crate::fault::Code;
use crate::mapping::describe::counted;
use crate::mapping::draft::{Draft, Source, Stored};
use crate::mapping::keys::is_coarse;
use crate::mapping::names;
use crate::mapping::naming::NameRule;
use crate::mapping::plan::{ForeignKeyPlan, TablePlan};
use crate::model::schema::{Affinity, ForeignKey, IndexOn, Schema};
use crate::profile::evidence::{Constraint, Form};
use crate::report::{Finding, Severity};
use std::collections::{BTreeSet, HashMap};

/// A foreign key between two tables of the plan; columns by position in `Draft::columns`.
pub(super) struct Reference<'a> {
    /// Position of the referring table in the plan.
    pub(super) child: usize,
    /// Position in `Table::foreign_keys`.
    ordinal: usize,
    declared: &'a ForeignKey,
    /// The referring columns.
    pub(super) columns: Vec<usize>,
    /// Position of the parent in the plan.
    pub(super) parent: usize,
    /// The columns referred to, a key of the parent.
    pub(super) parent_columns: Vec<usize>,
}

impl Reference<'_> {
    /// The finding that leaves this foreign key out.
    pub(super) fn left_out(&self, child: &Draft<'_>, reason: &str) -> Finding {
        left_out(child, self.declared, reason)
    }
}

/// The foreign keys whose parent and key are in the plan; reports the others.
pub(super) fn references<'a>(
    source: &Source<'a>,
    drafts: &[Draft<'a>],
    findings: &mut Vec<Finding>,
) -> Vec<Reference<'a>> {
    let positions: HashMap<String, usize> = drafts
        .iter()
        .enumerate()
        .map(|(position, draft)| (draft.table.name.to_ascii_lowercase(), position))
        .collect();
    let mut references = Vec::new();
    for (child, draft) in drafts.iter().enumerate() {
        for (ordinal, declared) in draft.table.foreign_keys.iter().enumerate() {
            let parent = positions.get(&declared.parent.to_ascii_lowercase());
            match resolve(source.schema, drafts, draft, declared, parent.copied()) {
                Ok((parent, columns, parent_columns)) => references.push(Reference {
                    child,
                    ordinal,
                    declared,
                    columns,
                    parent,
                    parent_columns,
                }),
                Err(reason) => findings.push(left_out(draft, declared, &reason)),
            }
        }
    }
    references
}

type Resolved = (usize, Vec<usize>, Vec<usize>);

fn resolve(
    schema: &Schema,
    drafts: &[Draft<'_>],
    child: &Draft<'_>,
    declared: &ForeignKey,
    parent: Option<usize>,
) -> Result<Resolved, String> {
    let Some(parent) = parent else {
        let there = schema.table(&declared.parent).is_some();
        let why = if there { "is left out" } else { "is not there" };
        return Err(format!("its parent table {why}"));
    };
    let columns = stored(child, &declared.columns)?;
    let parent_columns = stored(&drafts[parent], &declared.parent_columns)?;
    if columns.is_empty() || columns.len() != parent_columns.len() {
        return Err("the parent has no primary key for it to refer to".to_owned());
    }
    let distinct: BTreeSet<usize> = parent_columns.iter().copied().collect();
    if distinct.len() < parent_columns.len() {
        return Err("it refers to one column twice".to_owned());
    }
    if !drafts[parent].structure.is_key(&parent_columns) {
        return Err("the columns it refers to are no key in PostgreSQL".to_owned());
    }
    let coarse = parent_columns
        .iter()
        .map(|column| &drafts[parent].columns[*column]);
    for stored in coarse {
        let collation = key_collation(&drafts[parent], &stored.column.name);
        if is_coarse(stored, collation) {
            return Err(format!(
                "the source compares `{}` by {collation}, PostgreSQL would compare bytes",
                stored.column.name
            ));
        }
    }
    let pairs = columns.iter().zip(&parent_columns);
    for (column, parent_column) in pairs {
        let (from, to) = (
            &child.columns[*column],
            &drafts[parent].columns[*parent_column],
        );
        if let Some(what) = converted(from, to) {
            return Err(format!(
                "the source turns `{}` into {what} before it looks for the parent, PostgreSQL would not",
                from.column.name
            ));
        }
    }
    Ok((parent, columns, parent_columns))
}

/// What SQLite, which applies the parent's affinity to what it looks for, turns some values into so
/// that they meet a parent that they are not equal to.
fn converted(from: &Stored<'_>, to: &Stored<'_>) -> Option<&'static str> {
    let (child, parent) = (from.evidence, to.evidence);
    match to.column.affinity {
        Affinity::Real if child.count(Form::WideInteger) > 0 => Some("a real, rounded,"),
        // SQLite writes 1e19 as 1.0e+19.
        Affinity::Text if child.reals > 0 && child.texts > 0 => Some("a text of its own spelling"),
        Affinity::Numeric | Affinity::Integer | Affinity::Real
            if child.texts > 0 && parent.texts > 0 && parent.integers + parent.reals > 0 =>
        {
            Some("a number")
        }
        _ => None,
    }
}

/// The collation by which a parent's column is compared: that of the column, else a key's own.
fn key_collation<'d>(parent: &'d Draft<'_>, name: &str) -> &'d str {
    let same = |column: &str| column.eq_ignore_ascii_case(name);
    let table = parent.table;
    let keys = table.primary_key.iter().chain(&table.unique);
    let of_keys = keys
        .flat_map(|key| &key.columns)
        .filter(|column| same(&column.column))
        .map(|column| column.collation.as_str());
    let of_indexes = table
        .indexes
        .iter()
        .filter(|index| index.unique && index.predicate.is_none())
        .flat_map(|index| &index.terms)
        .filter(|term| matches!(&term.on, IndexOn::Column(column) if same(column)))
        .map(|term| term.collation.as_str());
    let of_column = table.column(name).map(|column| column.collation.as_str());
    of_column
        .into_iter()
        .chain(of_keys)
        .chain(of_indexes)
        .find(|collation| !collation.eq_ignore_ascii_case("binary"))
        .unwrap_or("BINARY")
}

fn stored(draft: &Draft<'_>, names: &[String]) -> Result<Vec<usize>, String> {
    names
        .iter()
        .map(|name| {
            draft
                .position(name)
                .ok_or_else(|| format!("`{}` has no stored column `{name}`", draft.table.name))
        })
        .collect()
}

fn left_out(child: &Draft<'_>, declared: &ForeignKey, reason: &str) -> Finding {
    let message = format!("{} is left out: {reason}", words(declared));
    Finding::new(Code::StructureLeftOut, Severity::Warning, message)
        .in_table(&child.table.name)
        .in_column(declared.columns.join(", "))
}

fn words(declared: &ForeignKey) -> String {
    let name = declared
        .name
        .as_ref()
        .map_or_else(String::new, |name| format!(" `{name}`"));
    format!(
        "foreign key{name} to `{}` ({})",
        declared.parent,
        declared.parent_columns.join(", ")
    )
}

/// Tells the columns on both sides that equal values must stay equal, and different ones different.
pub(super) fn mark(drafts: &mut [Draft<'_>], references: &[Reference<'_>]) {
    for reference in references {
        for column in &reference.columns {
            drafts[reference.child].columns[*column].keyed = true;
        }
        for column in &reference.parent_columns {
            drafts[reference.parent].columns[*column].keyed = true;
        }
    }
}

/// The foreign keys of one table, whose keys have their names already.
pub(super) fn plans(
    source: &Source<'_>,
    drafts: &[Draft<'_>],
    (references, child): (&[Reference<'_>], usize),
    table: &TablePlan,
    rule: NameRule,
    findings: &mut Vec<Finding>,
) -> Vec<ForeignKeyPlan> {
    let constraints = table.primary_key.iter().chain(&table.unique);
    let mut taken = names::Taken::of(constraints.map(|key| key.name.clone()));
    let mut plans = Vec::new();
    let first = references.partition_point(|reference| reference.child < child);
    for reference in references[first..]
        .iter()
        .take_while(|reference| reference.child == child)
    {
        let name_of = |draft: &Draft<'_>, columns: &[usize]| -> Vec<String> {
            columns
                .iter()
                .map(|column| draft.columns[*column].name.clone())
                .collect()
        };
        let columns = name_of(&drafts[child], &reference.columns);
        let name = names::foreign_key(
            &drafts[child],
            (reference.declared.name.as_deref(), rule),
            &columns,
            &mut taken,
            findings,
        );
        plans.push(ForeignKeyPlan {
            name,
            columns,
            parent: reference.parent,
            parent_columns: name_of(&drafts[reference.parent], &reference.parent_columns),
            on_delete: reference.declared.on_delete,
            on_update: reference.declared.on_update,
            deferrable: reference.declared.deferrable,
            valid: valid(source, &drafts[child], reference, findings),
        });
    }
    plans
}

fn valid(
    source: &Source<'_>,
    child: &Draft<'_>,
    reference: &Reference<'_>,
    findings: &mut Vec<Finding>,
) -> bool {
    let constraint = Constraint::ForeignKey(reference.ordinal);
    let Some(broken) = source.broken(child.source, constraint) else {
        return true;
    };
    let rows = counted(broken.violations, "row");
    let verb = if broken.violations == 1 {
        "has"
    } else {
        "have"
    };
    let message = format!(
        "{} is created NOT VALID: {rows} {verb} no parent, and only new rows are checked",
        words(reference.declared)
    );
    findings.push(
        Finding::new(Code::ForeignKeyOrphan, Severity::Warning, message)
            .in_table(&child.table.name)
            .in_column(reference.declared.columns.join(", "))
            .counted(broken.violations, broken.samples.clone()),
    );
    false
}
