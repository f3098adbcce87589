//! The plan of an import into tables that exist: which column goes where, in what type it travels,
//! and everything that stands in the way.
//!
//! Pure, as the plan of new tables is. The target's types, lengths, NOT NULL and defaults decide;
//! the structure of the archive's tables has no say. Single values are judged by `Fitting`.

mod fit;
mod guards;
mod matching;
mod order;
#[cfg(test)]
mod tests;

pub use fit::Fitting;
pub use guards::not_empty;

use crate::fault::Code;
use crate::mapping::Request;
use crate::mapping::draft::{self, Draft, Source, Stored};
use crate::mapping::existing::{Existing, ExistingColumn, ExistingTable, Kind};
use crate::mapping::naming;
use crate::mapping::operator::{Additions, OperatorPlan};
use crate::mapping::plan::{ColumnPlan, Origin, PgType, Plan, TablePlan};
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
    /// For each table of the plan, where its rows go.
    pub tables: Vec<FillTable>,
    /// Positions in `tables`: parents before children, as far as there are no cycles.
    pub order: Vec<usize>,
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
/// A plan with a finding of severity error must not be carried out.
#[must_use]
pub fn fill(
    schema: &Schema,
    evidence: &[TableEvidence],
    existing: &Existing,
    request: &Request,
) -> Filling {
    let mut findings = Vec::new();
    let source = Source::new(schema, evidence, &[], request);
    let mut drafts = draft::drafts(&source, &computed::all(schema));
    // What a name would have become in new tables is of interest only where it is found.
    naming::settle(&mut drafts, request.names, &mut Vec::new());
    let names = Names::new(existing.tables.iter().map(|table| table.name.as_str()));
    let mut taken = vec![None; existing.tables.len()];
    let (mut plans, mut tables) = (Vec::new(), Vec::new());
    for draft in &drafts {
        let Some(target) = matched(&names, draft, &mut taken, existing, &mut findings) else {
            continue;
        };
        guards::table(target, existing, &mut findings);
        let (plan, mut table) = table(draft, target, &mut findings);
        table.recorded = recorded(schema, draft, &plan);
        if draft.table.primary_key.is_none() {
            leftovers::hidden_rowid(draft, &mut findings);
        }
        plans.push(plan);
        tables.push(table);
    }
    let order = order::order(&mut tables, &existing.schema, &mut findings);
    findings.push(structure(schema));
    super::sort(&mut findings);
    Filling {
        plan: Plan {
            tables: plans,
            enums: Vec::new(),
            views: Vec::new(),
            operator: OperatorPlan::default(),
            findings,
        },
        tables,
        order,
    }
}

/// The table of the target for a table of the source; one that another has taken is none.
fn matched<'e>(
    names: &Names,
    draft: &Draft<'_>,
    taken: &mut [Option<String>],
    existing: &'e Existing,
    findings: &mut Vec<Finding>,
) -> Option<&'e ExistingTable> {
    let name = &draft.table.name;
    let (message, hint) = match names.either(name, &draft.name) {
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
                "leave out one of the two with -T".to_owned(),
            ),
        },
        Err(NoMatch::Several) => (
            "several tables of the target have this name but for upper and lower case".to_owned(),
            "rename all of them but one, or leave out the table with -T".to_owned(),
        ),
        Err(NoMatch::None) => (
            format!("the schema `{}` has no table of this name", existing.schema),
            "run the application's migrations first, name the schema with --into-schema, or leave out the table with -T".to_owned(),
        ),
    };
    let finding = Finding::new(Code::TargetTableMissing, Severity::Error, message);
    findings.push(finding.hint(hint).in_table(name));
    None
}

fn table(
    draft: &Draft<'_>,
    target: &ExistingTable,
    findings: &mut Vec<Finding>,
) -> (TablePlan, FillTable) {
    let names = Names::new(target.columns.iter().map(|column| column.name.as_str()));
    let mut found: Vec<Option<&Stored<'_>>> = vec![None; target.columns.len()];
    let (mut columns, mut places) = (Vec::new(), Vec::new());
    for stored in &draft.columns {
        let Some(position) = column_for(draft, stored, target, &names, findings) else {
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
        columns.push(column(draft, stored, &target.columns[position], findings));
        places.push(Some(position));
    }
    unfilled(draft, target, &found, findings);
    let mut key = key(draft, &columns);
    if key.is_empty() && draft.table.rowid == Rowid::Hidden {
        key.push(("rowid".to_owned(), columns.len()));
        columns.push(rowid(&columns));
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
    };
    (plan, table)
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
    draft: &Draft<'_>,
    stored: &Stored<'_>,
    target: &ExistingTable,
    names: &Names,
    findings: &mut Vec<Finding>,
) -> Option<usize> {
    match names.either(&stored.column.name, &stored.name) {
        Ok(position) if target.columns[position].generated => {
            let message = "the target computes this column itself, and takes no values for it";
            let finding = Finding::new(Code::TargetInterferes, Severity::Error, message)
                .hint("leave the column out of the export, or make it an ordinary column of the target")
                .in_table(&draft.table.name)
                .in_column(&stored.column.name);
            findings.push(finding);
            None
        }
        Ok(position) => Some(position),
        Err(NoMatch::Several) => {
            let message =
                "several columns of the target have this name but for upper and lower case";
            findings.push(missing(
                draft,
                stored,
                message,
                "rename all of them but one",
            ));
            None
        }
        Err(NoMatch::None) => {
            let message = format!(
                "the table `{}` of the target has no such column",
                target.name
            );
            let hint = "add the column to the target's table; it can be dropped after the import";
            findings.push(missing(draft, stored, message, hint));
            None
        }
    }
}

fn column(
    draft: &Draft<'_>,
    stored: &Stored<'_>,
    target: &ExistingColumn,
    findings: &mut Vec<Finding>,
) -> ColumnPlan {
    let place = |finding: Finding| {
        finding
            .in_table(&draft.table.name)
            .in_column(&stored.column.name)
    };
    let travels = fit::transport(&target.kind);
    findings.extend(mixture(stored, travels).map(place));
    findings.extend(judge::kept_as(stored, travels).into_iter().map(place));
    ColumnPlan {
        name: target.name.clone(),
        origin: Origin::Cell(stored.cell),
        target: travels,
        collation: None,
        asked: false,
        conversion: None,
        not_null: false,
        default: None,
        identity: None,
        evidence: format!("the column of the target is {}", target.type_name),
        rejected: Vec::new(),
        proposals: Vec::new(),
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
        let message = "the column of the target is NOT NULL, has no default, and the archive has no such column";
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

/// A column that holds the hidden rowid, under a name that is free.
fn rowid(columns: &[ColumnPlan]) -> ColumnPlan {
    let mut name = "rowid".to_owned();
    while columns.iter().any(|column| column.name == name) {
        name.push('_');
    }
    ColumnPlan {
        name,
        origin: Origin::Cell(0),
        target: PgType::Bigint,
        collation: None,
        asked: false,
        conversion: None,
        not_null: false,
        default: None,
        identity: None,
        evidence: "names rows in messages".to_owned(),
        rejected: Vec::new(),
        proposals: Vec::new(),
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
            let hint = "make the column timestamp without time zone for the time of the import, and change it after it with AT TIME ZONE and the zone that the times are in";
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
