//! The plan of an import into tables that exist: which column goes where, in what type it travels,
//! and everything that stands in the way.
//!
//! Pure, as the plan of new tables is. The target's types, lengths, NOT NULL and defaults decide;
//! the structure of the archive's tables has no say. Single values are judged by `Fitting`.

mod fit;
mod guards;
mod matching;
mod merge;
mod order;
#[cfg(test)]
mod tests;
mod wishes;

pub use fit::Fitting;
pub(super) use fit::{exact, transport};
pub use guards::not_empty;
pub use merge::{MatchColumn, MergeBy, Merging, OnConflict, OnKey, merge};

use crate::fault::{Code, Result};
use crate::mapping::Request;
use crate::mapping::asked;
use crate::mapping::draft::{self, Draft, Source, Stored};
use crate::mapping::existing::{Existing, ExistingColumn, ExistingTable, Kind};
use crate::mapping::naming;
use crate::mapping::operator::Additions;
use crate::mapping::plan::{ColumnPlan, Conversion, Origin, PgType, Plan, TablePlan};
use crate::mapping::{computed, judge, leftovers};
use crate::model::schema::{Rowid, Schema};
use crate::model::value::Value;
use crate::profile::evidence::{Form, TableEvidence};
use crate::report::{Finding, Severity};

use matching::{Names, NoMatch};

/// What an import into existing tables will do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filling {
    /// The staging tables, columns only, under the names of the tables they are for.
    pub plan: Plan,
    /// The same with the types of the target's columns, to try values by that the operator converts.
    pub rehearsed: Plan,
    /// For each table of the plan, where its rows go.
    pub tables: Vec<FillTable>,
    /// Positions in `tables`: parents before children, as far as there are no cycles.
    pub order: Vec<usize>,
    /// What becomes of rows that differ, where rows are merged.
    pub on_conflict: Option<OnConflict>,
}

/// Where the rows of one staging table go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FillTable {
    /// The table of the target.
    pub target: ExistingTable,
    /// For each column of the staging table, its position in `target.columns`; `None` for one that
    /// only names rows.
    pub columns: Vec<Option<usize>>,
    /// What tells rows apart in messages: a label, and the position of a staged column.
    pub key: Vec<(String, usize)>,
    /// Foreign keys to tables that are filled later, so that they are checked at the end: positions
    /// in `target.foreign_keys`.
    pub deferred: Vec<usize>,
    /// The staged column of the source's INTEGER PRIMARY KEY, and the last value that the source's own
    /// sequence has given, where there are both.
    pub recorded: Option<(usize, i64)>,
    /// How its rows are found again in the target, where they are merged with those it holds.
    pub merge: Option<MergeBy>,
}

impl FillTable {
    /// The staged columns that are carried over, by position, each with the column it fills.
    pub fn filled(&self) -> impl Iterator<Item = (usize, &ExistingColumn)> {
        let columns = self.columns.iter().enumerate();
        columns.filter_map(|(staged, column)| Some((staged, self.target.columns.get((*column)?)?)))
    }
}

/// How the rows of `schema` go into the tables of `existing`.
///
/// A plan with a finding of severity error must not be carried out. Fails when the mapping file asks
/// for a conversion that gives no value of the column's type.
pub fn fill(
    schema: &Schema,
    evidence: &[TableEvidence],
    existing: &Existing,
    request: &Request,
) -> Result<Filling> {
    let mut findings = Vec::new();
    let source = Source::new(schema, evidence, &[], request);
    let mut drafts = draft::drafts(&source, &computed::all(schema));
    // What a name would have become in new tables is of interest only where it is found.
    naming::settle(&mut drafts, request.names, &mut Vec::new());
    asked::forget_skipped(&source, &mut findings);
    let names = Names::new(existing.tables.iter().map(|table| table.name.as_str()));
    let mut taken = vec![None; existing.tables.len()];
    let (mut plans, mut tables) = (Vec::new(), Vec::new());
    for draft in &drafts {
        let Some(target) = matched(
            &names,
            (&source, draft),
            &mut taken,
            existing,
            &mut findings,
        ) else {
            continue;
        };
        guards::table(target, existing, &mut findings);
        wishes::notes(draft, target, &mut findings);
        let (plan, mut table) = table(&source, draft, target, &mut findings)?;
        table.recorded = recorded(schema, draft, &plan);
        if draft.table.primary_key.is_none() {
            leftovers::hidden_rowid(draft, &mut findings);
        }
        plans.push(plan);
        tables.push(table);
    }
    findings.extend(guards::role(existing));
    let order = order::order(&mut tables, &existing.schema, &mut findings);
    findings.push(structure(schema));
    super::sort(&mut findings);
    Ok(Filling {
        rehearsed: wishes::rehearsed(&plans, &tables),
        plan: Plan {
            tables: plans,
            operator: wishes::operator(&source),
            findings,
            ..Plan::default()
        },
        tables,
        order,
        on_conflict: None,
    })
}

/// The table of the target for a table of the source; one that another has taken is none.
fn matched<'e>(
    names: &Names,
    (source, draft): (&Source<'_>, &Draft<'_>),
    taken: &mut [Option<String>],
    existing: &'e Existing,
    findings: &mut Vec<Finding>,
) -> Option<&'e ExistingTable> {
    let name = &draft.table.name;
    let given = draft.rule.and_then(|rule| rule.name.as_ref());
    let found = match &draft.wanted {
        Some(wanted) => names.find(wanted),
        None => names.either(name, &draft.name),
    };
    let called = draft.wanted.as_deref().unwrap_or(name);
    let by = wishes::given_by(source, given);
    let (message, hint) = match found {
        Ok(position) => match &taken[position] {
            None => {
                taken[position] = Some(name.clone());
                return existing.tables.get(position);
            }
            Some(other) => (
                format!(
                    "the table `{}` of the target is taken for `{other}` already",
                    existing.tables[position].name
                ),
                "leave out one of the two with -T, or name another table in a mapping file".to_owned(),
            ),
        },
        Err(NoMatch::Several) => (
            format!("several tables of the target may be meant by `{called}`, and none is called exactly so{by}"),
            "give the exact name of one of them in a mapping file, or leave out the table with -T".to_owned(),
        ),
        Err(NoMatch::None) => (
            format!("the schema `{}` has no table `{called}`{by}", existing.schema),
            "run the application's migrations first, name the schema with --into-schema, give the table's name in a mapping file, or leave it out with -T".to_owned(),
        ),
    };
    let finding = Finding::new(Code::TargetTableMissing, Severity::Error, message);
    findings.push(finding.hint(hint).in_table(name));
    None
}

fn table(
    source: &Source<'_>,
    draft: &Draft<'_>,
    target: &ExistingTable,
    findings: &mut Vec<Finding>,
) -> Result<(TablePlan, FillTable)> {
    let names = Names::new(target.columns.iter().map(|column| column.name.as_str()));
    let mut found: Vec<Option<&Stored<'_>>> = vec![None; target.columns.len()];
    let (mut columns, mut places) = (Vec::new(), Vec::new());
    for stored in &draft.columns {
        let Some(position) = column_for((source, draft), stored, target, &names, findings) else {
            continue;
        };
        let slot = &mut found[position];
        if let Some(other) = slot {
            let message = format!(
                "the column `{}` of the target is taken for `{}` already",
                target.columns[position].name, other.column.name
            );
            findings.push(missing(draft, stored, message, "rename one of the two"));
            continue;
        }
        *slot = Some(stored);
        let target = &target.columns[position];
        let conversion = wishes::conversion(source, draft, stored, target)?;
        columns.push(column(draft, stored, (target, conversion), findings));
        places.push(Some(position));
    }
    unfilled(draft, target, &found, findings);
    let mut key = key(draft, &columns);
    if key.is_empty()
        && let Some((label, cell)) = rowid_cell(draft)
    {
        key.push((label, columns.len()));
        columns.push(rowid(&columns, cell));
        places.push(None);
    }
    let plan = TablePlan {
        source: draft.source,
        name: target.name.clone(),
        columns,
        primary_key: None,
        unique: Vec::new(),
        indexes: Vec::new(),
        foreign_keys: Vec::new(),
        checks: Vec::new(),
        added: Additions::default(),
    };
    let table = FillTable {
        target: target.clone(),
        columns: places,
        key,
        deferred: Vec::new(),
        recorded: None,
        merge: None,
    };
    Ok((plan, table))
}

fn missing(
    draft: &Draft<'_>,
    stored: &Stored<'_>,
    message: impl Into<String>,
    hint: &str,
) -> Finding {
    Finding::new(Code::TargetColumnMissing, Severity::Error, message)
        .hint(hint)
        .in_table(&draft.table.name)
        .in_column(&stored.column.name)
}

/// The position of the target's column for a column of the source.
fn column_for(
    (source, draft): (&Source<'_>, &Draft<'_>),
    stored: &Stored<'_>,
    target: &ExistingTable,
    names: &Names,
    findings: &mut Vec<Finding>,
) -> Option<usize> {
    let found = match &stored.wanted {
        Some(wanted) => names.find(wanted),
        None => names.either(&stored.column.name, &stored.name),
    };
    let given = stored.rule.and_then(|rule| rule.name.as_ref());
    let by = wishes::given_by(source, given);
    match found {
        Ok(position) if target.columns[position].generated => {
            let message = "the target computes this column itself, and takes no values for it";
            let finding = Finding::new(Code::TargetInterferes, Severity::Error, message)
                .hint("leave the column out with `drop = true` in a mapping file, or make it an ordinary column of the target")
                .in_table(&draft.table.name)
                .in_column(&stored.column.name);
            findings.push(finding);
            None
        }
        Ok(position) => Some(position),
        Err(NoMatch::Several) => {
            let message = format!(
                "several columns of the target may be meant, and none is called exactly so{by}"
            );
            let hint = "give the exact name of one of them in a mapping file";
            findings.push(missing(draft, stored, message, hint));
            None
        }
        Err(NoMatch::None) => {
            let message = format!(
                "the table `{}` of the target has no such column{by}",
                target.name
            );
            let hint = "name another column in a mapping file, or leave this one out there with `drop = true`; or add the column to the target's table, it can be dropped after the import";
            findings.push(missing(draft, stored, message, hint));
            None
        }
    }
}

fn column(
    draft: &Draft<'_>,
    stored: &Stored<'_>,
    (target, conversion): (&ExistingColumn, Option<Conversion>),
    findings: &mut Vec<Finding>,
) -> ColumnPlan {
    let place = |finding: Finding| {
        finding
            .in_table(&draft.table.name)
            .in_column(&stored.column.name)
    };
    let travels = fit::transport(&target.kind);
    if wishes::keeps_meaning(conversion.as_ref()) {
        findings.extend(mixture(stored, travels).map(place));
        findings.extend(judge::kept_as(stored, travels).into_iter().map(place));
    }
    ColumnPlan {
        asked: conversion.is_some(),
        conversion,
        evidence: format!("the column of the target is {}", target.type_name),
        ..ColumnPlan::bare(&target.name, stored.cell, travels)
    }
}

/// Numbers and texts that could not be told apart in a column of texts.
fn mixture(stored: &Stored<'_>, travels: PgType) -> Option<Finding> {
    let evidence = stored.evidence;
    let numbers = evidence.integers + evidence.reals;
    let same = evidence.form(Form::NumberText)?;
    (travels == PgType::Text && numbers > 0).then(|| {
        let message = "a text that is spelled like a number, beside numbers: as text the two could not be told apart";
        Finding::new(Code::ValueRefused, Severity::Error, message)
            .counted(same.matches, vec![same.first.key.clone()])
    })
}

/// Columns of the target that must not be NULL and get no value from anywhere.
fn unfilled(
    draft: &Draft<'_>,
    target: &ExistingTable,
    found: &[Option<&Stored<'_>>],
    findings: &mut Vec<Finding>,
) {
    for (column, found) in target.columns.iter().zip(found) {
        if found.is_some() || !column.not_null || column.has_default || column.generated {
            continue;
        }
        let message = "the column of the target is NOT NULL, has no default, and nothing of the archive fills it";
        let finding = Finding::new(Code::TargetColumnUnfilled, Severity::Error, message)
            .hint(format!(
                "give the column a default for the time of the import: ALTER TABLE … ALTER COLUMN … SET DEFAULT a value of type {}",
                column.type_name
            ))
            .in_table(&draft.table.name)
            .in_column(&column.name);
        findings.push(finding);
    }
}

/// The staged columns that hold the primary key of the source.
fn key(draft: &Draft<'_>, columns: &[ColumnPlan]) -> Vec<(String, usize)> {
    let Some(key) = &draft.table.primary_key else {
        return Vec::new();
    };
    let staged = key.columns.iter().map(|part| {
        let cell = draft.table.cell(&part.column)?;
        let staged = columns
            .iter()
            .position(|column| column.origin == Origin::Cell(cell))?;
        Some((part.column.clone(), staged))
    });
    staged.collect::<Option<_>>().unwrap_or_default()
}

/// What the rowid is called in messages, and its cell; it may be a column that is left out.
fn rowid_cell(draft: &Draft<'_>) -> Option<(String, usize)> {
    match &draft.table.rowid {
        Rowid::Hidden => Some(("rowid".to_owned(), 0)),
        Rowid::Column(name) => Some((name.clone(), draft.table.cell(name)?)),
        Rowid::None => None,
    }
}

/// A column that holds the rowid, under a name that is free.
fn rowid(columns: &[ColumnPlan], cell: usize) -> ColumnPlan {
    let mut name = "rowid".to_owned();
    while columns.iter().any(|column| column.name == name) {
        name.push('_');
    }
    ColumnPlan {
        evidence: "names rows in messages".to_owned(),
        ..ColumnPlan::bare(name, cell, PgType::Bigint)
    }
}

fn recorded(schema: &Schema, draft: &Draft<'_>, plan: &TablePlan) -> Option<(usize, i64)> {
    let own = schema.sequences.iter();
    let own = own.filter(|sequence| sequence.table == draft.table.name);
    let last = own.map(|sequence| sequence.value).max()?;
    let key = draft.columns.iter().find(|stored| stored.identity)?;
    let columns = plan.columns.iter();
    let mut origins = columns.map(|column| &column.origin);
    Some((
        origins.position(|origin| *origin == Origin::Cell(key.cell))?,
        last,
    ))
}

/// What is not carried, once for all tables.
fn structure(schema: &Schema) -> Finding {
    let message = "only rows are carried: keys, indexes, defaults, constraints, views and triggers are those of the target";
    let count = schema.tables.len() + schema.views.len() + schema.triggers.len();
    Finding::new(Code::StructureLeftOut, Severity::Note, message)
        .on("structure")
        .hint("nothing to do: the application's migrations have made what it needs")
        .counted(count as u64, Vec::new())
}

/// What a value is that a column does not take at all.
#[must_use]
pub fn not_taken(column: &ExistingColumn, value: &Value<'_>) -> (String, Option<&'static str>) {
    let what = match value {
        Value::Null => "NULL",
        Value::Integer(_) => "an integer",
        Value::Real(_) => "a real",
        Value::Text(text) if fit::lacks_offset(&column.kind, text) => {
            let hint = "say in a mapping file which `zone` the times are in";
            return (
                "a time without offset, and which zone it is in is not known".to_owned(),
                Some(hint),
            );
        }
        Value::Text(text) if text.contains('\0') => "a text with the character NUL",
        Value::Text(_) => "a text",
        Value::RawText(_) => "a text that is not valid in the encoding of the source",
        Value::Blob(_) => "a blob",
    };
    let taken = match column.kind {
        Kind::Boolean => " (0 and 1 are taken)",
        Kind::Date => " (YYYY-MM-DD is taken)",
        Kind::Timestamptz(_) => " (YYYY-MM-DD HH:MM:SS with an offset is taken)",
        Kind::Timestamp(_) => " (YYYY-MM-DD HH:MM:SS is taken)",
        _ => "",
    };
    let message = format!(
        "{what} that has no exact form as {}{taken}",
        column.type_name
    );
    (message, None)
}
