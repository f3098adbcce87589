//! Foreign keys: which are carried over, and what they refer to.

use crate::fault::Code;
use crate::mapping::describe::counted;
use crate::mapping::draft::{Draft, Source, Stored};
use crate::mapping::folding::is_coarse;
use crate::mapping::names;
use crate::mapping::naming::NameRule;
use crate::mapping::plan::{ForeignKeyPlan, Reading, TablePlan};
use crate::model::schema::{Affinity, ForeignKey, Schema};
use crate::profile::evidence::{Constraint, Form};
use crate::report::structure::{Subject, tag};
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
        left_out(child, self.ordinal, reason)
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
            let resolved = resolve(source.schema, drafts, draft, declared, parent.copied());
            let reference = resolved.map(|(parent, columns, parent_columns)| Reference {
                child,
                ordinal,
                declared,
                columns,
                parent,
                parent_columns,
            });
            match reference.map_err(|reason| left_out(draft, ordinal, &reason)) {
                Ok(reference) => match by_bytes(source, drafts, &reference) {
                    Ok(weaker) => {
                        findings.extend(weaker);
                        references.push(reference);
                    }
                    Err(left_out) => findings.push(*left_out),
                },
                Err(left_out) => findings.push(left_out),
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

/// Whether the foreign key may be carried although PostgreSQL compares bytes where the source does
/// not, and what is worth saying; else the finding that leaves it out. It may, when every row that has a
/// parent has it by bytes as well.
fn by_bytes(
    source: &Source<'_>,
    drafts: &[Draft<'_>],
    reference: &Reference<'_>,
) -> Result<Option<Finding>, Box<Finding>> {
    let parent = &drafts[reference.parent];
    let columns = reference.parent_columns.iter();
    let mut columns = columns.map(|column| &parent.columns[*column]);
    let coarse = columns.find(|stored| is_coarse(stored, &stored.column.collation));
    let Some(coarse) = coarse else {
        return Ok(None);
    };
    let child = &drafts[reference.child];
    let (column, collation) = (&coarse.column.name, &coarse.column.collation);
    let compares = format!("the source compares `{column}` by {collation}, PostgreSQL by bytes");
    let found = |constraint| source.checked(child.source, constraint);
    let orphans = found(Constraint::ForeignKey(reference.ordinal));
    let orphans = orphans.map_or(0, |found| found.violations);
    let why = match found(Constraint::ForeignKeyBytes(reference.ordinal)) {
        // Who has no parent for the source has none by bytes: as many are the same ones.
        Some(found) if found.violations == orphans => {
            let message = format!(
                "{} is stricter for new rows: {compares}",
                words(reference.declared)
            );
            let finding = Finding::new(Code::StructureWeakened, Severity::Warning, message)
                .in_table(&child.table.name)
                .in_column(reference.declared.columns.join(", "));
            return Ok(Some(finding));
        }
        Some(found) => found,
        None => return Err(Box::new(reference.left_out(child, &compares))),
    };
    let rows = counted(why.violations, "row");
    let verb = if why.violations == 1 { "has" } else { "have" };
    let reason = format!("{compares}, and {rows} {verb} no parent by bytes");
    let left_out = reference.left_out(child, &reason);
    Err(Box::new(
        left_out.counted(why.violations, why.samples.clone()),
    ))
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

/// Whether values of two columns that SQLite takes for equal have the same bytes, and one canonical
/// form. It gives the child's value the affinity of the parent first, and then compares numbers by
/// their value and texts by the parent's collation.
pub(super) fn same_as_cells(from: &Stored<'_>, to: &Stored<'_>) -> bool {
    let integers = from.evidence.integers + to.evidence.integers;
    let reals = from.evidence.reals + to.evidence.reals;
    from.column.affinity == to.column.affinity
        && to.column.collation.eq_ignore_ascii_case("binary")
        && (integers == 0 || reals == 0)
}

/// Whether a column gains by the form of the one that it refers to: with some forms the foreign key is
/// lost whatever it does, and an INTEGER PRIMARY KEY would lose its numbers for it.
pub(super) fn may_follow(from: &Stored<'_>, to: &Stored<'_>) -> bool {
    let reading = to.conversion.as_ref().map(|conversion| &conversion.reading);
    match reading {
        Some(Reading::Cell | Reading::Bytes) => !from.identity && same_as_cells(from, to),
        _ => true,
    }
}

/// Drops the references whose columns the mapping file changes in different ways, or in a way that
/// does not keep equal values equal.
pub(super) fn drop_unequal(
    drafts: &[Draft<'_>],
    references: &mut Vec<Reference<'_>>,
    findings: &mut Vec<Finding>,
) {
    references.retain(|reference| {
        let (child, parent) = (&drafts[reference.child], &drafts[reference.parent]);
        let mut pairs = reference.columns.iter().zip(&reference.parent_columns);
        let unequal = pairs.find(|(from, to)| {
            !is_changed_alike(&child.columns[**from], &parent.columns[**to])
        });
        if let Some((from, to)) = unequal {
            let reason = format!(
                "the mapping file gives `{}` and `{}` forms in which equal values are not always equal",
                child.columns[*from].column.name, parent.columns[*to].column.name
            );
            findings.push(reference.left_out(child, &reason));
        }
        unequal.is_none()
    });
}

fn is_changed_alike(from: &Stored<'_>, to: &Stored<'_>) -> bool {
    let reading = |stored: &Stored<'_>| match &stored.conversion {
        Some(conversion) => conversion.reading.clone(),
        None => Reading::Plain,
    };
    match (reading(from), reading(to)) {
        (Reading::Cell, Reading::Cell) | (Reading::Bytes, Reading::Bytes) => {
            same_as_cells(from, to)
        }
        // A uuid is one whatever spelling it is read from.
        (Reading::Uuid, Reading::Plain) | (Reading::Plain, Reading::Uuid) => true,
        (from, to) => from == to,
    }
}

fn stored(draft: &Draft<'_>, names: &[String]) -> Result<Vec<usize>, String> {
    names
        .iter()
        .map(|name| {
            let table = &draft.table.name;
            let declared = draft.table.column(name);
            let is_dropped = declared.is_some_and(|column| column.generated.is_none());
            let position = draft.position(name);
            let stored = position.filter(|column| draft.columns[*column].computed.is_none());
            stored.ok_or_else(|| {
                if is_dropped {
                    format!("the column `{name}` of `{table}` is dropped by the mapping file")
                } else {
                    format!("`{table}` has no stored column `{name}`")
                }
            })
        })
        .collect()
}

fn left_out(child: &Draft<'_>, ordinal: usize, reason: &str) -> Finding {
    let declared = &child.table.foreign_keys[ordinal];
    let message = format!("{} is left out: {reason}", words(declared));
    Finding::new(Code::StructureLeftOut, Severity::Warning, message)
        .in_table(&child.table.name)
        .in_column(declared.columns.join(", "))
        .about(Subject::ForeignKey(ordinal))
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
        let before = findings.len();
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
        tag(
            &mut findings[before..],
            Subject::ForeignKey(reference.ordinal),
        );
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
