//! Which column of a live table is compared with which cell of the archive, and in what type.
//!
//! A live table is looked for as a plan of new tables calls it, then as an import into existing
//! tables finds it. The live column's type decides: where it is not the plan's, values are compared
//! in the widest type of its family, from which and to which the server casts.

use super::existing::{Existing, ExistingColumn, ExistingTable, Kind};
use super::fill::{Filling, transport};
use super::plan::{ColumnPlan, Origin, PgType, Plan, TablePlan};
use crate::fault::Code;
use crate::model::schema::Schema;
use crate::report::{Finding, Severity};
use std::collections::{HashMap, HashSet};

/// Columns that a finding lists.
const LISTED: usize = 10;

/// A live table that can be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparedTable {
    /// Position in `Schema::tables`.
    pub source: usize,
    /// The table's name in the source.
    pub source_name: String,
    /// Its name in the target.
    pub name: String,
    /// The columns of which both sides have one.
    pub columns: Vec<ComparedColumn>,
    /// Positions in `columns` of those that tell rows apart; empty when all of them do.
    pub key: Vec<usize>,
}

/// A column of both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparedColumn {
    /// What the source calls it.
    pub source_name: String,
    /// The live column's name, the cell that is compared with it, how its value is converted, and
    /// the type that both are compared in.
    pub plan: ColumnPlan,
    /// The live column is cast to that type.
    pub cast: bool,
}

/// What is compared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Compared {
    /// The tables.
    pub tables: Vec<ComparedTable>,
    /// Tables and columns that are missing (errors), and those that are not compared (notes).
    pub findings: Vec<Finding>,
}

/// What of `plan` stands in `existing`. `filling` is the plan of an import into these very tables,
/// for names that only it finds.
#[must_use]
pub fn compared(
    schema: &Schema,
    plan: &Plan,
    filling: Option<&Filling>,
    existing: &Existing,
) -> Compared {
    let mut compared = Compared::default();
    let live: HashMap<&str, &ExistingTable> = existing
        .tables
        .iter()
        .map(|table| (table.name.as_str(), table))
        .collect();
    for planned in &plan.tables {
        let pieces = plan
            .tables
            .iter()
            .filter(|table| table.source == planned.source);
        let filled = filling.filter(|_| pieces.count() == 1).and_then(|filling| {
            let position = filling
                .plan
                .tables
                .iter()
                .position(|table| table.source == planned.source)?;
            Some((&filling.plan.tables[position], &filling.tables[position]))
        });
        let named = live.get(planned.name.as_str()).copied();
        let Some(target) = named.or(filled.map(|(_, table)| &table.target)) else {
            compared
                .findings
                .push(missing_table(schema, planned, existing));
            continue;
        };
        let source = &schema.tables[planned.source].name;
        if let Some(finding) = unreadable(target) {
            compared.findings.push(finding.in_table(source));
            continue;
        }
        let places = match filled {
            Some((staged, table)) if table.target.name == target.name => staged
                .columns
                .iter()
                .zip(table.columns.iter().copied())
                .collect(),
            _ => Vec::new(),
        };
        let matching = Matching {
            schema,
            planned,
            target,
            places,
        };
        compared.tables.push(matching.table(&mut compared.findings));
    }
    compared
}

fn missing_table(schema: &Schema, planned: &TablePlan, existing: &Existing) -> Finding {
    let message = format!(
        "the schema `{}` has no table `{}`",
        existing.schema, planned.name
    );
    Finding::new(Code::TargetTableMissing, Severity::Error, message)
        .hint("give the options that the import was given (--map, --names, --into-schema), or leave the table out with -T")
        .in_table(&schema.tables[planned.source].name)
}

fn unreadable(target: &ExistingTable) -> Option<Finding> {
    let what = match target.unsuited {
        Some(kind) => format!(
            "`{}` is a {kind} in the target, and holds no rows of its own",
            target.name
        ),
        None if target.rights_missing.contains(&"SELECT") => {
            format!("the role may not SELECT from `{}`", target.name)
        }
        None if target.row_security => {
            format!("row security hides rows of `{}` from the role", target.name)
        }
        None => return None,
    };
    let finding = Finding::new(Code::TargetTableMissing, Severity::Error, what);
    Some(
        finding
            .hint("check as a role that may read all rows of the table, or leave it out with -T"),
    )
}

/// A table of the plan beside its live table.
struct Matching<'a> {
    schema: &'a Schema,
    planned: &'a TablePlan,
    target: &'a ExistingTable,
    /// The columns as an import into this table plans them, with their places in it; one that only
    /// names rows in messages has none.
    places: Vec<(&'a ColumnPlan, Option<usize>)>,
}

impl Matching<'_> {
    fn table(&self, findings: &mut Vec<Finding>) -> ComparedTable {
        let source = &self.schema.tables[self.planned.source];
        let mut columns = Vec::new();
        let mut found: HashSet<usize> = HashSet::new();
        for planned in self.planned.copied() {
            let Origin::Cell(cell) = planned.origin else {
                continue;
            };
            if self.names_rows_only(planned) {
                continue;
            }
            let source_name = source.cell_name(cell);
            match self.place(planned) {
                Some(place) if found.insert(place) => {
                    columns.push(self.column(source_name, planned, place));
                }
                _ => findings.push(self.missing_column(source_name, planned)),
            }
        }
        findings.extend(self.unknown(&found));
        ComparedTable {
            source: self.planned.source,
            source_name: source.name.clone(),
            name: self.target.name.clone(),
            key: self.key(&columns),
            columns,
        }
    }

    /// Whether an import into this table stages the column, and carries it nowhere.
    fn names_rows_only(&self, planned: &ColumnPlan) -> bool {
        let mut places = self.places.iter();
        places.any(|(staged, place)| place.is_none() && *staged == planned)
    }

    fn place(&self, planned: &ColumnPlan) -> Option<usize> {
        let columns = &self.target.columns;
        let named = columns
            .iter()
            .position(|column| column.name == planned.name);
        named.or_else(|| {
            let mut filled = self.places.iter();
            filled.find_map(|(staged, place)| place.filter(|_| staged.origin == planned.origin))
        })
    }

    fn column(&self, source_name: &str, planned: &ColumnPlan, place: usize) -> ComparedColumn {
        let live = &self.target.columns[place];
        let cast = !reads_as(planned.target, live);
        let filled = self
            .places
            .iter()
            .find(|(staged, at)| *at == Some(place) && staged.origin == planned.origin);
        let mut plan = match filled {
            // What a mapping file asks of the values may depend on the type.
            Some((staged, _)) if cast && staged.conversion.is_some() => (*staged).clone(),
            _ => planned.clone(),
        };
        if cast {
            plan.target = transport(&live.kind);
        }
        plan.name.clone_from(&live.name);
        // What the column must not hold is not asked here.
        plan.not_null = false;
        ComparedColumn {
            source_name: source_name.to_owned(),
            plan,
            cast,
        }
    }

    fn missing_column(&self, source_name: &str, planned: &ColumnPlan) -> Finding {
        let message = format!(
            "the table `{}` of the target has no column `{}`",
            self.target.name, planned.name
        );
        Finding::new(Code::TargetColumnMissing, Severity::Error, message)
            .hint("its values are compared with nothing; give the mapping file that the import was given, or one that leaves the column out with `drop = true`")
            .in_table(&self.schema.tables[self.planned.source].name)
            .in_column(source_name)
    }

    /// Columns of the target that the archive knows nothing of.
    fn unknown(&self, found: &HashSet<usize>) -> Option<Finding> {
        let planned: HashSet<&str> = self
            .planned
            .columns
            .iter()
            .map(|column| column.name.as_str())
            .collect();
        let columns = self.target.columns.iter().enumerate();
        let unknown: Vec<&str> = columns
            .filter(|(place, column)| {
                !found.contains(place) && !planned.contains(column.name.as_str())
            })
            .map(|(_, column)| column.name.as_str())
            .collect();
        if unknown.is_empty() {
            return None;
        }
        let count = unknown.len() as u64;
        let listed = unknown
            .into_iter()
            .take(LISTED)
            .map(str::to_owned)
            .collect();
        let message = "columns of the target that the archive knows nothing of are not compared";
        let finding = Finding::new(Code::TargetDiffers, Severity::Note, message)
            .hint("nothing to do, if they are the application's own")
            .counted(count, listed);
        Some(finding.in_table(&self.schema.tables[self.planned.source].name))
    }

    /// The source's primary key, where all of it is compared.
    fn key(&self, columns: &[ComparedColumn]) -> Vec<usize> {
        let source = &self.schema.tables[self.planned.source];
        let Some(key) = &source.primary_key else {
            return Vec::new();
        };
        let places = key.columns.iter().map(|part| {
            let cell = Origin::Cell(source.cell(&part.column)?);
            columns.iter().position(|column| column.plan.origin == cell)
        });
        places.collect::<Option<_>>().unwrap_or_default()
    }
}

/// Whether the server sends the live column as the plan's type is written, apart from what makes no
/// value another one.
fn reads_as(planned: PgType, live: &ExistingColumn) -> bool {
    match (planned, &live.kind) {
        (PgType::Smallint, Kind::Integer(16))
        | (PgType::Integer, Kind::Integer(32))
        | (PgType::Bigint, Kind::Integer(64))
        | (PgType::Real, Kind::Real)
        | (PgType::Double, Kind::Double)
        | (PgType::Numeric | PgType::Decimal { .. }, Kind::Numeric(_))
        | (PgType::Text | PgType::Varchar(_) | PgType::Citext, Kind::Text(_))
        | (PgType::Enum(_), Kind::Enum(_))
        | (PgType::Bytea, Kind::Bytea)
        | (PgType::Boolean, Kind::Boolean)
        | (PgType::Timestamptz, Kind::Timestamptz(_))
        | (PgType::Timestamp, Kind::Timestamp(_))
        | (PgType::Date, Kind::Date)
        | (PgType::Time, Kind::Time(_))
        | (PgType::Uuid, Kind::Uuid)
        | (PgType::Jsonb, Kind::Jsonb)
        | (PgType::Json, Kind::Json)
        | (PgType::Inet, Kind::Inet) => true,
        (PgType::Char(planned), Kind::Char(live)) => planned == *live,
        (PgType::Cidr, Kind::Other) => live.cast_name == "cidr",
        _ => false,
    }
}
