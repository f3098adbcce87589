//! Names the rows that differ: by their keys, with the columns that differ. The few rows are read
//! once more.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Comparison;
use super::relation::{Relation, Tid};
use super::row::{ArchiveRows, LiveRows};
use crate::difference::{Difference, Found, Named};
use crate::engine::postgres::session::Session;
use crate::fault::{Fault, Result};
use crate::mapping::compared::ComparedTable;
use crate::mapping::plan::PgType;
use crate::model::key::RowNaming;
use crate::model::value::Value;
use crate::seam::{PartBuffers, PartSpan, RowSink};

/// Characters of a value that a name shows, about.
const SHOWN: usize = 40;

/// By table and where the row was read.
type Rows = HashMap<(usize, u64), Named>;

/// What the rows of each table are called that were found.
pub(super) fn names(
    comparison: &Comparison<'_>,
    found: &[Found],
    session: &mut Session,
) -> Result<Vec<Vec<String>>> {
    let archived = of_archive(comparison, found)?;
    let live = of_target(comparison, found, session)?;
    let tables = found.iter().zip(comparison.matter.tables).enumerate();
    let all = tables.map(|(position, (found, table))| {
        let columns = table.columns.iter();
        let columns: Vec<&str> = columns.map(|column| column.source_name.as_str()).collect();
        let words = |row: &Difference| {
            let ours = row.archive.and_then(|at| archived.get(&(position, at)));
            let theirs = row.target.and_then(|at| live.get(&(position, at)));
            row.in_words(&columns, ours, theirs)
        };
        found.named.iter().map(words).collect()
    });
    Ok(all.collect())
}

fn of_archive(comparison: &Comparison<'_>, found: &[Found]) -> Result<Rows> {
    let mut rows = Rows::new();
    let mut buffers = PartBuffers::default();
    for (position, found) in found.iter().enumerate() {
        let numbers: BTreeSet<u64> = found.named.iter().filter_map(|row| row.archive).collect();
        let table = &comparison.matter.tables[position];
        let parts = comparison.matter.parts.parts().iter();
        for part in parts.filter(|part| part.table == table.source) {
            if numbers.range(rows_of(part)).next().is_none() {
                continue;
            }
            let mut sink = Namer {
                naming: RowNaming::of(&comparison.matter.schema.tables[table.source]),
                form: ArchiveRows::new(table, comparison.setting(), &comparison.secret, 0)?,
                table: position,
                number: part.first_row,
                wanted: &numbers,
                rows: &mut rows,
            };
            comparison
                .matter
                .parts
                .read(part, &mut buffers, &mut sink)?;
        }
    }
    Ok(rows)
}

fn rows_of(part: &PartSpan) -> std::ops::Range<u64> {
    part.first_row..part.first_row.saturating_add(part.rows)
}

/// Keeps the rows that are wanted.
struct Namer<'a> {
    naming: RowNaming,
    form: ArchiveRows<'a>,
    table: usize,
    number: u64,
    wanted: &'a BTreeSet<u64>,
    rows: &'a mut Rows,
}

impl RowSink for Namer<'_> {
    fn row(&mut self, row: &[Value<'_>]) -> Result<()> {
        if self.wanted.contains(&self.number) {
            let named = Named {
                name: self.naming.name(row, self.number),
                columns: self.form.column_hashes(row, self.number),
            };
            self.rows.insert((self.table, self.number), named);
        }
        self.number += 1;
        Ok(())
    }
}

fn of_target(comparison: &Comparison<'_>, found: &[Found], session: &mut Session) -> Result<Rows> {
    let mut rows = Rows::new();
    for relation in comparison
        .relations
        .iter()
        .filter(|relation| !relation.is_foreign)
    {
        let places = found[relation.table]
            .named
            .iter()
            .filter_map(|row| row.target);
        let tids: BTreeMap<Tid, u64> = places
            .filter_map(|place| Some((relation.tid(place)?, place)))
            .collect();
        if tids.is_empty() {
            continue;
        }
        let table = &comparison.matter.tables[relation.table];
        let all: Vec<Tid> = tids.keys().copied().collect();
        let sql = relation.copy_rows(table, &all)?;
        let mut live = LiveRows::new(table, &comparison.secret);
        let read = live.read(session, &sql, &mut |row| {
            if let Some(place) = tids.get(&row.tid) {
                let named = Named {
                    name: live_name(table, relation, row.tid, row.rest),
                    columns: (row.columns)(),
                };
                rows.insert((relation.table, *place), named);
            }
            Ok(())
        });
        read.map_err(|fault: Fault| fault.in_table(&table.name))?;
    }
    Ok(rows)
}

/// `id=7`; or where the row stands, when it has no key.
fn live_name(
    table: &ComparedTable,
    relation: &Relation,
    (block, line): Tid,
    key: &[Option<&[u8]>],
) -> String {
    let columns = table.key.iter().zip(key);
    let parts: Vec<String> = columns
        .map(|(column, text)| {
            let column = &table.columns[*column];
            let text = text.map(String::from_utf8_lossy);
            let shown = match &text {
                None => "NULL".to_owned(),
                Some(text) if is_bare(column.plan.target) => text.clone().into_owned(),
                Some(text) => Value::Text(text).shown(SHOWN),
            };
            format!("{}={shown}", column.source_name)
        })
        .collect();
    match &relation.partition {
        _ if !parts.is_empty() => parts.join(", "),
        Some(partition) => format!("ctid=({block},{line}) of {partition}"),
        None => format!("ctid=({block},{line})"),
    }
}

/// Whether values of this type are shown without quotes.
fn is_bare(target: PgType) -> bool {
    matches!(
        target,
        PgType::Smallint
            | PgType::Integer
            | PgType::Bigint
            | PgType::Real
            | PgType::Double
            | PgType::Numeric
            | PgType::Decimal { .. }
            | PgType::Boolean
    )
}
