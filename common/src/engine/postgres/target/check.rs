//! Compares what the staging tables hold with what was sent, and what they are with the plan.
//!
//! Rows are read back in binary and summed as a multiset; big tables are read in ranges of blocks,
//! by several workers.

use std::collections::{BTreeSet, VecDeque};

use tokio_postgres::types::Oid;

use crate::digest::Multiset;
use crate::engine::postgres::session::Session;
use crate::fault::{Code, Fault, Mismatch, Result};
use crate::mapping::plan::TablePlan;

use super::checks;
use super::crew::{Shared, Work, Worker};
use super::encode::Canonical;
use super::run::{Job, transaction};
use super::tuples::{Malformed, Splitter};

/// Blocks of one piece of work: 64 MiB at the usual 8 KiB.
const BLOCKS: u32 = 8192;
/// Oldest server that finds a range of blocks without reading the whole table.
const HAS_RANGE_SCAN: u32 = 140_000;

/// A range of blocks of a table of the plan; without an end, it goes to the table's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    table: usize,
    start: u32,
    end: Option<u32>,
}

/// What is still to be read, and what was found.
#[derive(Debug)]
pub(super) struct Reading {
    ranges: VecDeque<Range>,
    under_way: usize,
    /// What the tables hold, as far as they have been read.
    pub(super) found: Vec<Multiset>,
}

impl Reading {
    /// All tables, whose sizes are given in blocks.
    pub(super) fn new(blocks: &[u32], server: u32) -> Reading {
        let mut tables: Vec<_> = (0..blocks.len()).collect();
        tables.sort_by_key(|table| std::cmp::Reverse(blocks[*table]));
        let ranges = tables
            .into_iter()
            .flat_map(|table| ranges(table, blocks[table], server));
        Reading {
            ranges: ranges.collect(),
            under_way: 0,
            found: vec![Multiset::default(); blocks.len()],
        }
    }
}

fn ranges(table: usize, blocks: u32, server: u32) -> Vec<Range> {
    spans(blocks, server)
        .map(|(start, end)| Range { table, start, end })
        .collect()
}

/// Pieces of a table of so many blocks, from block to block; the last has no end.
pub(super) fn spans(blocks: u32, server: u32) -> impl Iterator<Item = (u32, Option<u32>)> {
    let step = if server < HAS_RANGE_SCAN {
        u32::MAX
    } else {
        BLOCKS
    };
    let starts = (0..std::cmp::max(1, blocks)).step_by(step as usize);
    starts.map(move |start| {
        let end = start.checked_add(step).filter(|end| *end < blocks);
        (start, end)
    })
}

impl Work for Reading {
    type Task = Range;

    fn next(&mut self) -> Option<Range> {
        let range = self.ranges.pop_front()?;
        self.under_way += 1;
        Some(range)
    }

    fn done(&mut self, _: Range) {
        self.under_way -= 1;
    }

    fn is_over(&self) -> bool {
        self.ranges.is_empty() && self.under_way == 0
    }
}

/// Reads one range, and adds what it finds to the sums.
pub(super) fn read(
    job: &Job<'_>,
    begin: &str,
    worker: &mut Worker,
    shared: &Shared<Reading>,
    range: Range,
) -> Result<Multiset> {
    let (planned, _) = job.table(range.table)?;
    let sql = job
        .statements(range.table)
        .copy_out((range.start, range.end))?;
    let mut digest = Multiset::default();
    let mut canonical = Canonical::new(planned.copied());
    let mut splitter = Splitter::default();
    let read = transaction(&mut worker.session, begin, |session| {
        session.copy_out(&sql, &mut |piece| {
            if digest.rows.is_multiple_of(4096) {
                shared.go_on()?;
            }
            let add = |tuple: &[u8]| add(&mut digest, &mut canonical, tuple, planned);
            splitter.feed(piece, add).map_err(Fault::from)
        })?;
        splitter
            .finish()
            .map_err(|malformed| Fault::from(Unreadable::from(malformed)))
    });
    read.map_err(|fault| fault.in_table(&planned.name))?;
    shared.with(|reading| reading.found[range.table].merge(&digest));
    Ok(digest)
}

/// Why a tuple that was read back says nothing.
enum Unreadable {
    Stream(Malformed),
    Tuple(Fault),
}

impl From<Malformed> for Unreadable {
    fn from(malformed: Malformed) -> Self {
        Unreadable::Stream(malformed)
    }
}

impl From<Unreadable> for Fault {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::Tuple(fault) => fault,
            Unreadable::Stream(malformed) => {
                let what = "the rows that were read back are not in PostgreSQL's binary format";
                Fault::new(Code::ContentDiffers, what).because(malformed)
            }
        }
    }
}

fn add(
    digest: &mut Multiset,
    canonical: &mut Canonical,
    tuple: &[u8],
    planned: &TablePlan,
) -> Result<(), Unreadable> {
    match canonical.of(tuple) {
        Ok(form) => {
            digest.add(form);
            Ok(())
        }
        Err(column) => {
            let what = "a jsonb value that was read back is not JSON";
            let fault = Fault::new(Code::ContentDiffers, what);
            Err(Unreadable::Tuple(match planned.copied().nth(column) {
                Some(column) => fault.in_column(&column.name),
                None => fault,
            }))
        }
    }
}

/// The sizes of the staged tables in blocks, in the order of the plan.
pub(super) fn blocks(session: &mut Session, tables: &[Oid]) -> Result<Vec<u32>> {
    let rows = session.query(include_str!("../queries/blocks.sql"), &[&tables])?;
    Ok(rows
        .iter()
        .map(|row| u32::try_from(row.get::<_, i64>("blocks")).unwrap_or(u32::MAX))
        .collect())
}

/// Refuses the first table that does not hold what was sent to it.
pub(super) fn compare(
    job: &Job<'_>,
    sent: &[Multiset],
    found: &[Multiset],
    rows_only: bool,
) -> Result<()> {
    let pairs = job.plan.tables.iter().zip(sent.iter().zip(found));
    for (table, (sent, found)) in pairs {
        let differ = |what| Fault::new(Code::ContentDiffers, what).in_table(&table.name);
        if sent.rows != found.rows {
            let why = Mismatch::new(sent.rows, found.rows);
            return Err(differ("the table does not hold as many rows as were sent").because(why));
        }
        if !rows_only && sent != found {
            return Err(differ("the table does not hold the rows that were sent"));
        }
    }
    Ok(())
}

/// Counts the rows of a table.
pub(super) fn count(session: &mut Session, job: &Job<'_>, table: usize) -> Result<Multiset> {
    let table = job.statements(table).name()?;
    let rows = session.query(&format!("SELECT count(*) AS rows FROM {table}"), &[])?;
    let rows: i64 = rows.first().map_or(0, |row| row.get("rows"));
    let mut count = Multiset::default();
    count.rows = u64::try_from(rows).unwrap_or(0);
    Ok(count)
}

/// Refuses when a key, index or foreign key of the plan is not there, or is not in force.
pub(super) fn structure(
    session: &mut Session,
    job: &Job<'_>,
    checks: &checks::Outcome,
) -> Result<()> {
    let rows = session.query(include_str!("../queries/structure.sql"), &[&job.staging])?;
    let names = job.plan.tables.iter().map(|table| table.name.as_str());
    let staged: BTreeSet<&str> = names.collect();
    let found: BTreeSet<_> = rows
        .iter()
        .filter(|row| job.disguise.is_none() || staged.contains(row.get::<_, &str>("relation")))
        .map(|row| {
            let (relation, name): (&str, &str) = (row.get("relation"), row.get("name"));
            (relation, row.get::<_, &str>("kind"), name, row.get("valid"))
        })
        .collect();
    let tables = job.plan.tables.iter().enumerate();
    let planned: BTreeSet<_> = tables
        .flat_map(|(position, table)| planned(table, position, checks))
        .collect();
    let Some((relation, kind, name, _)) = planned.symmetric_difference(&found).next() else {
        return Ok(());
    };
    let kind = match *kind {
        "p" => "primary key",
        "u" => "unique key",
        "f" => "foreign key",
        "c" => "check constraint",
        index => index,
    };
    let what = format!("the {kind} `{name}` is not as planned");
    Err(Fault::new(Code::ContentDiffers, what).in_table(relation))
}

/// What `queries/structure.sql` should give for a table.
fn planned<'p>(
    table: &'p TablePlan,
    position: usize,
    outcome: &checks::Outcome,
) -> Vec<(&'p str, &'p str, &'p str, bool)> {
    let name = table.name.as_str();
    let keys = table.primary_key.iter().map(|key| ("p", key));
    let keys = keys.chain(table.unique.iter().map(|key| ("u", key)));
    let mut all: Vec<_> = keys
        .flat_map(|(kind, key)| {
            [
                (name, kind, key.name.as_str(), true),
                (name, "unique index", &key.name, true),
            ]
        })
        .collect();
    let is_in =
        |all: &BTreeSet<(usize, String)>, name: &String| all.contains(&(position, name.clone()));
    let indexes = table.indexes.iter();
    let built = indexes.filter(|index| !is_in(&outcome.dropped_indexes, &index.name));
    all.extend(built.map(|index| {
        let kind = if index.unique {
            "unique index"
        } else {
            "index"
        };
        (name, kind, index.name.as_str(), true)
    }));
    all.extend(table.added.indexes.iter().map(|index| {
        let kind = if index.unique {
            "unique index"
        } else {
            "index"
        };
        (name, kind, index.name.as_str(), true)
    }));
    let foreign_keys = table.foreign_keys.iter();
    all.extend(foreign_keys.map(|key| (name, "f", key.name.as_str(), key.valid)));
    for check in &table.checks {
        if !is_in(&outcome.dropped, &check.name) {
            let valid = !is_in(&outcome.unproved, &check.name);
            all.push((name, "c", &check.name, valid));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_cover_a_table_to_its_end_and_old_servers_read_it_in_one() {
        let range = |start, end| Range {
            table: 0,
            start,
            end,
        };
        assert_eq!(ranges(0, 0, 150_000), [range(0, None)]);
        assert_eq!(ranges(0, 8192, 150_000), [range(0, None)]);
        assert_eq!(
            ranges(0, 8193, 150_000),
            [range(0, Some(8192)), range(8192, None)]
        );
        assert_eq!(ranges(0, u32::MAX, 130_000), [range(0, None)]);
        let many = ranges(0, u32::MAX, 150_000);
        assert!(
            many.windows(2)
                .all(|pair| pair[0].end == Some(pair[1].start))
        );
        assert_eq!(many.last().unwrap().end, None);
    }

    #[test]
    fn the_biggest_table_is_read_first() {
        let mut reading = Reading::new(&[1, 3, 2], 150_000);
        let order: Vec<_> = std::iter::from_fn(|| reading.next())
            .map(|range| range.table)
            .collect();
        assert_eq!(order, [1, 2, 0]);
        assert!(!reading.is_over());
    }
}
