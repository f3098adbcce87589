//! Words the samples of a finished check: the rows that break a constraint are read once more.
//!
//! Knows which rows it needs, and takes them from wherever they come.

use super::constraints::{Checked, How, TableChecks};
use super::tally::Tally;
use crate::fault::{Fault, Result};
use crate::model::schema::Schema;
use crate::model::value::Value;
use crate::profile::evidence::{Constraint, KeyEvidence};
use crate::progress::Watch;
use crate::seam::{PartBuffers, PartReader, RowSink, Source};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Characters of a value that a sample shows, about.
const SHOWN: usize = 40;

/// What a check found, with the rows it still needs in order to say it.
#[derive(Debug)]
pub struct Outcome {
    constraints: Vec<Checked>,
    tables: Vec<TableChecks>,
    tallies: Vec<Tally>,
    /// By constraint and row.
    samples: BTreeMap<(usize, u64), String>,
}

impl Outcome {
    pub(super) fn new(
        constraints: Vec<Checked>,
        tables: Vec<TableChecks>,
        tallies: Vec<Tally>,
    ) -> Self {
        Outcome {
            constraints,
            tables,
            tallies,
            samples: BTreeMap::new(),
        }
    }

    /// The numbers of the rows that samples will name, by position of their table; tables that
    /// need none are left out.
    #[must_use]
    pub fn wanted(&self) -> BTreeMap<usize, BTreeSet<u64>> {
        let mut wanted: BTreeMap<usize, BTreeSet<u64>> = BTreeMap::new();
        for (checked, tally) in self.constraints.iter().zip(&self.tallies) {
            if !tally.first.is_empty() {
                wanted
                    .entry(checked.table)
                    .or_default()
                    .extend(&tally.first);
            }
        }
        wanted
    }

    /// Takes a row; one that is not wanted is ignored.
    pub fn tell(&mut self, table: usize, row: &[Value<'_>], number: u64) {
        // Constraints stand in the order of their tables.
        let first = self.constraints.partition_point(|one| one.table < table);
        let of_table = self.constraints[first..].iter().zip(&self.tallies[first..]);
        for (position, (checked, tally)) in (first..).zip(of_table) {
            if checked.table != table {
                break;
            }
            if tally.first.contains(&number) {
                let sample = sample(&self.tables[table], checked, row, number);
                self.samples.insert((position, number), sample);
            }
        }
    }

    /// Reads the parts of an archive in which wanted rows stand, and tells them.
    pub fn read_parts(&mut self, parts: &dyn PartReader, watch: &dyn Watch) -> Result<()> {
        let wanted = self.wanted();
        let mut buffers = PartBuffers::default();
        for part in parts.parts() {
            let rows = part.first_row..part.first_row.saturating_add(part.rows);
            let Some(wanted) = wanted.get(&part.table) else {
                continue;
            };
            if wanted.range(rows).next().is_some() {
                let mut teller = Teller {
                    outcome: self,
                    table: part.table,
                    wanted,
                    number: part.first_row,
                };
                parts.read(part, &mut buffers, &mut teller)?;
                stop_if_asked(watch)?;
            }
        }
        Ok(())
    }

    /// Reads the tables of a source in which wanted rows stand, and tells them.
    pub fn read_source(
        &mut self,
        source: &mut dyn Source,
        schema: &Schema,
        watch: &dyn Watch,
    ) -> Result<()> {
        for (position, rows) in self.wanted() {
            let mut teller = Teller {
                outcome: self,
                table: position,
                wanted: &rows,
                number: 1,
            };
            source.read(&schema.tables[position], &mut teller)?;
            stop_if_asked(watch)?;
        }
        Ok(())
    }

    /// What was found, without wording it: table, constraint, how many rows break it, and the
    /// numbers of the first. Constraints that no check could decide are left out.
    #[must_use]
    pub fn rows(self) -> Vec<(usize, Constraint, u64, Vec<u64>)> {
        let checked = self.constraints.into_iter().zip(self.tallies);
        let decided = checked.filter(|(checked, _)| !matches!(checked.how, How::Unchecked(_)));
        decided
            .map(|(checked, tally)| (checked.table, checked.constraint, tally.count, tally.first))
            .collect()
    }

    /// The evidence in the order of table and constraint: constraints that cannot be checked, and
    /// those that were. A sample whose row was not told is its number.
    #[must_use]
    pub fn finish(self) -> Vec<KeyEvidence> {
        let mut samples = self.samples;
        let checked = self.constraints.into_iter().zip(self.tallies).enumerate();
        let evidence = checked.map(|(position, (checked, tally))| {
            let sample = |row: &u64| {
                let told = samples.remove(&(position, *row));
                told.unwrap_or_else(|| format!("row {row}"))
            };
            KeyEvidence {
                table: checked.table,
                constraint: checked.constraint,
                unchecked: match checked.how {
                    How::Unchecked(reason) => Some(reason),
                    How::AtOnce | How::Unique(_) | How::Among(..) => None,
                },
                violations: tally.count,
                samples: tally.first.iter().map(sample).collect(),
            }
        });
        evidence.collect()
    }
}

fn stop_if_asked(watch: &dyn Watch) -> Result<()> {
    if watch.stopped() {
        return Err(Fault::interrupted());
    }
    Ok(())
}

/// `id=7 (customer_id=99)`; rows that share their primary key are told apart by their numbers.
fn sample(table: &TableChecks, checked: &Checked, row: &[Value<'_>], number: u64) -> String {
    let mut sample = table.naming.name(row, number);
    if checked.constraint == Constraint::PrimaryKey {
        let _ = write!(sample, " (row {number})");
        return sample;
    }
    let values: Vec<_> = checked
        .shown
        .iter()
        .filter_map(|(name, cell)| Some(format!("{name}={}", row.get(*cell)?.shown(SHOWN))))
        .collect();
    if !values.is_empty() {
        let _ = write!(sample, " ({})", values.join(", "));
    }
    sample
}

/// Passes wanted rows on.
struct Teller<'a> {
    outcome: &'a mut Outcome,
    table: usize,
    wanted: &'a BTreeSet<u64>,
    number: u64,
}

impl RowSink for Teller<'_> {
    fn row(&mut self, row: &[Value<'_>]) -> Result<()> {
        if self.wanted.contains(&self.number) {
            self.outcome.tell(self.table, row, self.number);
        }
        self.number += 1;
        Ok(())
    }
}
