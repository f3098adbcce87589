//! Tries every value of an archive against the columns of tables that exist, before anything is
//! written.
//!
//! Reads all parts once more, on all workers; keeps a count and the first rows for each column and
//! reason, never a row.

use super::workers;
use crate::engine::postgres::target::fits;
use crate::fault::{Code, Fault, Result};
use crate::mapping::existing::ExistingColumn;
use crate::mapping::fill::{FillTable, Filling, Fitting, not_taken};
use crate::mapping::plan::{Origin, PgType};
use crate::model::key::RowNaming;
use crate::model::schema::Schema;
use crate::model::value::Value;
use crate::progress::{Extent, Watch};
use crate::report::{Finding, SAMPLES, Severity};
use crate::seam::{PartBuffers, PartReader, RowSink};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Characters of a value that a finding shows.
const SHOWN: usize = 40;

/// Why values of one column are refused; ordered as findings are listed.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Reason {
    /// Position of the table in the plan.
    table: usize,
    /// Name of the column in the target.
    column: String,
    why: Cow<'static, str>,
    hint: Option<&'static str>,
    null: bool,
}

/// How many values, and the first rows by number.
#[derive(Debug, Default)]
struct Tally {
    count: u64,
    first: BTreeMap<u64, String>,
}

type Tallies = BTreeMap<Reason, Tally>;

/// Every value that the tables of the target will not hold exactly, by column.
pub(super) fn try_values(
    parts: &dyn PartReader,
    schema: &Schema,
    filling: &Filling,
    jobs: usize,
    watch: &dyn Watch,
) -> Result<Vec<Finding>> {
    let spans = parts.parts().iter();
    let (rows, bytes) = spans.fold((0, 0), |(rows, bytes), part| {
        (rows + part.rows, bytes + part.bytes)
    });
    let extent = Extent {
        rows: Some(rows),
        bytes: Some(bytes),
    };
    watch.phase("trying every value", extent);
    let mut planned = vec![None; schema.tables.len()];
    for (position, table) in filling.plan.tables.iter().enumerate() {
        planned[table.source] = Some(position);
    }
    let work = Work {
        parts,
        schema,
        filling,
        planned,
        watch,
        next: AtomicUsize::new(0),
        tallies: Mutex::new(Tallies::new()),
    };
    workers::all(jobs, || work.run())?;
    let tallies = work.tallies.into_inner();
    let tallies = tallies.unwrap_or_else(PoisonError::into_inner);
    Ok(tallies
        .into_iter()
        .map(|(reason, tally)| finding(reason, tally, filling))
        .collect())
}

fn finding(reason: Reason, tally: Tally, filling: &Filling) -> Finding {
    let code = if reason.null {
        Code::NotNullViolated
    } else {
        Code::ValueRefused
    };
    let hint = reason.hint.unwrap_or(if reason.null {
        "mend the rows in the source, or make the column of the target nullable"
    } else {
        "mend the value in the source, or change the column of the target"
    });
    let table = &filling.plan.tables[reason.table].name;
    Finding::new(code, Severity::Error, reason.why)
        .hint(hint)
        .counted(tally.count, tally.first.into_values().collect())
        .in_table(table)
        .in_column(reason.column)
}

struct Work<'a> {
    parts: &'a dyn PartReader,
    schema: &'a Schema,
    filling: &'a Filling,
    /// For each table of the schema, its position in the plan.
    planned: Vec<Option<usize>>,
    watch: &'a dyn Watch,
    next: AtomicUsize,
    tallies: Mutex<Tallies>,
}

impl Work<'_> {
    fn run(&self) -> Result<()> {
        let mut buffers = PartBuffers::default();
        let mut fitting = Fitting::default();
        let next = || self.next.fetch_add(1, Ordering::Relaxed);
        while let Some(part) = self.parts.parts().get(next()) {
            if self.watch.stopped() {
                return Err(Fault::interrupted());
            }
            let Some(position) = self.planned[part.table] else {
                continue;
            };
            let mut trial = Trial {
                table: position,
                columns: columns(self.filling, position),
                naming: RowNaming::of(&self.schema.tables[part.table]),
                fitting: &mut fitting,
                number: part.first_row,
                tallies: Tallies::new(),
            };
            self.parts.read(part, &mut buffers, &mut trial)?;
            let found = trial.tallies;
            if !found.is_empty() {
                let mut all = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
                for (reason, tally) in found {
                    merge(&mut all, reason, tally);
                }
            }
            self.watch.advance(part.rows, part.bytes);
        }
        Ok(())
    }
}

fn merge(all: &mut Tallies, reason: Reason, tally: Tally) {
    let there = all.entry(reason).or_default();
    there.count += tally.count;
    there.first.extend(tally.first);
    while there.first.len() > SAMPLES {
        there.first.pop_last();
    }
}

/// A column that a cell fills.
struct Tried<'a> {
    cell: usize,
    travels: PgType,
    column: &'a ExistingColumn,
}

fn columns(filling: &Filling, position: usize) -> Vec<Tried<'_>> {
    let (plan, table): (_, &FillTable) =
        (&filling.plan.tables[position], &filling.tables[position]);
    let tried = table.filled().filter_map(|(staged, column)| {
        let planned = plan.columns.get(staged)?;
        match planned.origin {
            // What is converted is rehearsed.
            Origin::Cell(_) if planned.asked => None,
            Origin::Cell(cell) => Some(Tried {
                cell,
                travels: planned.target,
                column,
            }),
            Origin::Computed(_) | Origin::Added => None,
        }
    });
    tried.collect()
}

/// Tries the rows of one part.
struct Trial<'a> {
    table: usize,
    columns: Vec<Tried<'a>>,
    naming: RowNaming,
    fitting: &'a mut Fitting,
    number: u64,
    tallies: Tallies,
}

impl RowSink for Trial<'_> {
    fn row(&mut self, row: &[Value<'_>]) -> Result<()> {
        for tried in &self.columns {
            let Some(value) = row.get(tried.cell) else {
                return Err(Fault::new(Code::Bug, "the row has no such cell"));
            };
            let Some((why, hint)) = refusal(tried, value, self.fitting) else {
                continue;
            };
            let null = matches!(value, Value::Null);
            let reason = Reason {
                table: self.table,
                column: tried.column.name.clone(),
                why,
                hint,
                null,
            };
            let tally = self.tallies.entry(reason).or_default();
            tally.count += 1;
            if tally.first.len() < SAMPLES {
                let key = self.naming.name(row, self.number);
                let shown = if null {
                    key
                } else {
                    format!("{key} ({})", value.shown(SHOWN))
                };
                tally.first.insert(self.number, shown);
            }
        }
        self.number += 1;
        Ok(())
    }
}

/// Why the column does not hold the value, in words that do not depend on the value.
fn refusal(
    tried: &Tried<'_>,
    value: &Value<'_>,
    fitting: &mut Fitting,
) -> Option<(Cow<'static, str>, Option<&'static str>)> {
    if matches!(value, Value::Null) {
        let why = "NULL in a column of the target that is NOT NULL";
        return tried.column.not_null.then_some((why.into(), None));
    }
    if !fits(value, tried.travels) {
        let (why, hint) = not_taken(tried.column, value);
        return Some((why.into(), hint));
    }
    Some((fitting.refusal(tried.column, value)?, None))
}
