//! A live database of the archive's own kind beside an archive: storage classes, rowids and values
//! must be the same.
//!
//! The live database is read by the thread that opened it, the archive by the others.

use super::{Manner, finding};
use crate::archive::Archive;
use crate::codec::encode_cell;
use crate::difference::{Difference, Entry, Found, Named, RowHash, Secret, Side, Sums, Suspects};
use crate::fault::{Code, Fault, Result};
use crate::flow::select::{SelectedParts, Selection};
use crate::model::key::RowNaming;
use crate::model::schema::{Rowid, Schema, Table};
use crate::model::value::Value;
use crate::progress::{Extent, Watch};
use crate::report::{Finding, Severity};
use crate::seam::{PartBuffers, PartReader, PartSpan, RowSink, Source};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Memory for the rows of buckets that differ, in bytes; more go to a temporary file.
const BUDGET: usize = 64 << 20;
/// Rows that are kept before they are handed over.
const BATCH: usize = 1024;
/// Columns that a finding lists.
const LISTED: usize = 10;

/// A table of both sides.
struct Pair {
    /// Position in the archive's schema.
    source: usize,
    live: Table,
    /// The names of the cells that are compared, and where they stand on each side.
    names: Vec<String>,
    ours: Vec<usize>,
    theirs: Vec<usize>,
    /// Positions among these of the cells that tell rows apart; empty when all of them do.
    key: Vec<usize>,
}

/// What the tables of `source` have other than the archive. There is a finding of severity error for
/// each table that differs, and none when all are equal.
pub(super) fn differences(
    archive: &Archive,
    selection: &Selection,
    source: &mut dyn Source,
    manner: &Manner,
    watch: &dyn Watch,
) -> Result<Vec<Finding>> {
    let mut findings = source.findings().to_vec();
    findings.retain(|finding| finding.severity == Severity::Error);
    let pairs = pairs(&selection.schema, source.schema(), &mut findings);
    let comparison = Comparison {
        parts: &SelectedParts::new(archive, &selection.positions),
        schema: &selection.schema,
        pairs: &pairs,
        secret: Secret::random(),
        jobs: manner.jobs,
        watch,
    };
    let found = comparison.run(source, manner)?;
    let names = comparison.names(source, &found)?;
    source.finish()?;
    for ((pair, found), names) in pairs.iter().zip(&found).zip(names) {
        let name = &selection.schema.tables[pair.source].name;
        findings.extend(finding(name, found, names));
    }
    Ok(findings)
}

fn pairs(schema: &Schema, live: &Schema, findings: &mut Vec<Finding>) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (source, table) in schema
        .tables
        .iter()
        .enumerate()
        .filter(|(_, table)| table.has_rows())
    {
        let mut there = live.tables.iter();
        match there.find(|there| there.name.eq_ignore_ascii_case(&table.name)) {
            Some(there) => pairs.push(pair(source, table, there, findings)),
            None => {
                let message = "the database has no such table";
                let finding = Finding::new(Code::TargetTableMissing, Severity::Error, message)
                    .hint("leave the table out with -T if it is not to be there")
                    .in_table(&table.name);
                findings.push(finding);
            }
        }
    }
    pairs
}

/// The rowid, where it stands apart, and the stored columns, each with its cell.
fn cells(table: &Table) -> Vec<(Option<&str>, usize)> {
    let rowid = (table.rowid == Rowid::Hidden).then_some((None, 0));
    let first = table.first_column_cell();
    let columns = table.stored_columns().enumerate();
    let columns = columns.map(|(position, column)| (Some(column.name.as_str()), first + position));
    rowid.into_iter().chain(columns).collect()
}

fn pair(source: usize, table: &Table, there: &Table, findings: &mut Vec<Finding>) -> Pair {
    let mut pair = Pair {
        source,
        live: there.clone(),
        names: Vec::new(),
        ours: Vec::new(),
        theirs: Vec::new(),
        key: Vec::new(),
    };
    let mut theirs = cells(there);
    for (name, ours) in cells(table) {
        let shown = name.unwrap_or("rowid");
        let same = |other: &(Option<&str>, usize)| match (name, other.0) {
            (Some(name), Some(other)) => name.eq_ignore_ascii_case(other),
            (None, None) => true,
            _ => false,
        };
        let Some(place) = theirs.iter().position(same) else {
            let message = "the table of the database has no such column";
            let finding = Finding::new(Code::TargetColumnMissing, Severity::Error, message)
                .hint("its values are compared with nothing; add the column, or leave the table out with -T")
                .in_table(&table.name)
                .in_column(shown);
            findings.push(finding);
            continue;
        };
        pair.names.push(shown.to_owned());
        pair.ours.push(ours);
        pair.theirs.push(theirs.remove(place).1);
    }
    findings.extend(unknown(&theirs).map(|finding| finding.in_table(&table.name)));
    pair.key = key(table, &pair.ours);
    pair
}

fn unknown(theirs: &[(Option<&str>, usize)]) -> Option<Finding> {
    if theirs.is_empty() {
        return None;
    }
    let names = theirs
        .iter()
        .take(LISTED)
        .map(|(name, _)| name.unwrap_or("rowid").to_owned());
    let message = "columns of the target that the archive knows nothing of are not compared";
    let finding = Finding::new(Code::TargetDiffers, Severity::Note, message)
        .hint("nothing to do, if they are the application's own");
    Some(finding.counted(theirs.len() as u64, names.collect()))
}

/// The primary key, else the rowid, where all of it is compared.
fn key(table: &Table, ours: &[usize]) -> Vec<usize> {
    let cells: Option<Vec<usize>> = match &table.primary_key {
        Some(key) => key
            .columns
            .iter()
            .map(|part| table.cell(&part.column))
            .collect(),
        None if table.rowid == Rowid::Hidden => Some(vec![0]),
        None => None,
    };
    let place = |cell: &usize| ours.iter().position(|ours| ours == cell);
    let places = cells.and_then(|cells| cells.iter().map(place).collect());
    places.unwrap_or_default()
}

/// Hashes the rows of one side of a table.
struct Hashing<'a> {
    secret: &'a Secret,
    cells: &'a [usize],
    key: &'a [usize],
    row: Vec<u8>,
    ends: Vec<usize>,
    key_bytes: Vec<u8>,
}

impl<'a> Hashing<'a> {
    fn new(secret: &'a Secret, pair: &'a Pair, side: Side) -> Self {
        Hashing {
            secret,
            cells: match side {
                Side::Archive => &pair.ours,
                Side::Target => &pair.theirs,
            },
            key: &pair.key,
            row: Vec::new(),
            ends: Vec::new(),
            key_bytes: Vec::new(),
        }
    }

    /// Brings the row into the archive's own form of cells.
    fn take(&mut self, row: &[Value<'_>]) -> Result<()> {
        self.row.clear();
        self.ends.clear();
        for cell in self.cells {
            let value = row.get(*cell);
            let value = value.ok_or_else(|| Fault::new(Code::Bug, "the row has no such cell"))?;
            encode_cell(&mut self.row, value);
            // No cell has a line break in it.
            self.row.push(b'\n');
            self.ends.push(self.row.len());
        }
        Ok(())
    }

    fn column(&self, position: usize) -> &[u8] {
        let start = position
            .checked_sub(1)
            .map_or(0, |before| self.ends[before]);
        &self.row[start..self.ends[position]]
    }

    fn hash(&mut self, row: &[Value<'_>]) -> Result<RowHash> {
        self.take(row)?;
        let row = self.secret.hash(&self.row);
        if self.key.is_empty() {
            return Ok(RowHash { key: row, row });
        }
        let mut bytes = std::mem::take(&mut self.key_bytes);
        bytes.clear();
        for column in self.key {
            bytes.extend_from_slice(self.column(*column));
        }
        let key = self.secret.hash(&bytes);
        self.key_bytes = bytes;
        Ok(RowHash { key, row })
    }

    fn columns(&mut self, row: &[Value<'_>]) -> Result<Vec<u128>> {
        self.take(row)?;
        let columns = 0..self.ends.len();
        Ok(columns
            .map(|column| self.secret.hash(self.column(column)))
            .collect())
    }
}

/// What is done with the rows of one side.
trait Taking: Sync {
    /// A row of a pair, and its number within its table.
    fn take(
        &self,
        held: &mut Vec<Entry>,
        pair: usize,
        side: Side,
        row: (RowHash, u64),
    ) -> Result<()>;
    /// No more rows are held back.
    fn end(&self, held: Vec<Entry>) -> Result<()>;
    /// Whether the rows of a pair are looked at.
    fn concerns(&self, pair: usize) -> bool;
}

impl Taking for Sums {
    fn take(&self, _: &mut Vec<Entry>, pair: usize, side: Side, row: (RowHash, u64)) -> Result<()> {
        self.add(pair, side, row.0);
        Ok(())
    }

    fn end(&self, _: Vec<Entry>) -> Result<()> {
        Ok(())
    }

    fn concerns(&self, _: usize) -> bool {
        true
    }
}

impl Taking for Suspects {
    fn take(
        &self,
        held: &mut Vec<Entry>,
        pair: usize,
        side: Side,
        row: (RowHash, u64),
    ) -> Result<()> {
        if self.want(pair, row.0.key) {
            held.push(Entry::new(pair, side, row.0, row.1));
        }
        if held.len() < BATCH {
            return Ok(());
        }
        self.add(held)
    }

    fn end(&self, mut held: Vec<Entry>) -> Result<()> {
        self.add(&mut held)
    }

    fn concerns(&self, pair: usize) -> bool {
        self.concern(pair)
    }
}

/// Gives the rows of one side of a pair to what takes them.
struct Sink<'a> {
    taking: &'a dyn Taking,
    hashing: Hashing<'a>,
    held: &'a mut Vec<Entry>,
    pair: usize,
    side: Side,
    number: u64,
    failed: &'a AtomicBool,
}

impl RowSink for Sink<'_> {
    fn row(&mut self, row: &[Value<'_>]) -> Result<()> {
        if self.failed.load(Ordering::Relaxed) {
            return Err(Fault::interrupted());
        }
        let hash = self.hashing.hash(row)?;
        self.taking
            .take(self.held, self.pair, self.side, (hash, self.number))?;
        self.number += 1;
        Ok(())
    }
}

struct Comparison<'a> {
    parts: &'a dyn PartReader,
    schema: &'a Schema,
    pairs: &'a [Pair],
    secret: Secret,
    jobs: usize,
    watch: &'a dyn Watch,
}

impl Comparison<'_> {
    fn pair_of(&self, part: &PartSpan) -> Option<usize> {
        let found = self
            .pairs
            .binary_search_by_key(&part.table, |pair| pair.source);
        found.ok()
    }

    fn run(&self, source: &mut dyn Source, manner: &Manner) -> Result<Vec<Found>> {
        let mut rows = vec![0; self.pairs.len()];
        for part in self.parts.parts() {
            if let Some(pair) = self.pair_of(part) {
                rows[pair] += part.rows;
            }
        }
        let sums = Sums::new(&rows);
        self.watch.phase("comparing", self.extent());
        self.read(source, &sums)?;
        let suspects = sums.suspects(BUDGET, manner.folder.clone());
        if !suspects.is_empty() {
            self.watch
                .phase("looking for rows that differ", Extent::default());
            self.read(source, &suspects)?;
        }
        let keyed: Vec<bool> = self.pairs.iter().map(|pair| !pair.key.is_empty()).collect();
        suspects.finish(&keyed, manner.limit)
    }

    fn extent(&self) -> Extent {
        let parts = self.parts.parts().iter();
        Extent {
            rows: None,
            bytes: Some(parts.map(|part| part.bytes).sum()),
        }
    }

    /// Reads both sides at the same time. The first failure ends the other side too.
    fn read(&self, source: &mut dyn Source, taking: &dyn Taking) -> Result<()> {
        let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
        let noted = |result: Result<()>| {
            if result.is_err() {
                failed.store(true, Ordering::Relaxed);
            }
            result
        };
        std::thread::scope(|scope| {
            let others = std::cmp::max(self.jobs.saturating_sub(1), 1);
            let workers: Vec<_> = (0..others)
                .map(|_| scope.spawn(|| noted(self.archive(taking, &next, &failed))))
                .collect();
            let live = noted(self.live(source, taking, &failed));
            let mut all = vec![live];
            all.extend(workers.into_iter().map(|worker| match worker.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            }));
            first_cause(all)
        })
    }

    fn archive(&self, taking: &dyn Taking, next: &AtomicUsize, failed: &AtomicBool) -> Result<()> {
        let mut buffers = PartBuffers::default();
        let mut held = Vec::new();
        while let Some(part) = self.parts.parts().get(next.fetch_add(1, Ordering::Relaxed)) {
            if self.watch.stopped() {
                return Err(Fault::interrupted());
            }
            let Some(pair) = self.pair_of(part).filter(|pair| taking.concerns(*pair)) else {
                continue;
            };
            let mut sink = Sink {
                taking,
                hashing: Hashing::new(&self.secret, &self.pairs[pair], Side::Archive),
                held: &mut held,
                pair,
                side: Side::Archive,
                number: part.first_row,
                failed,
            };
            self.parts.read(part, &mut buffers, &mut sink)?;
            self.watch.advance(part.rows, part.bytes);
        }
        taking.end(held)
    }

    fn live(
        &self,
        source: &mut dyn Source,
        taking: &dyn Taking,
        failed: &AtomicBool,
    ) -> Result<()> {
        let mut held = Vec::new();
        for (position, pair) in self.pairs.iter().enumerate() {
            if !taking.concerns(position) {
                continue;
            }
            let mut sink = Sink {
                taking,
                hashing: Hashing::new(&self.secret, pair, Side::Target),
                held: &mut held,
                pair: position,
                side: Side::Target,
                number: 1,
                failed,
            };
            source.read(&pair.live, &mut sink)?;
            self.watch.advance(sink.number - 1, 0);
        }
        taking.end(held)
    }

    /// What the rows are called that were found: they are read once more.
    fn names(&self, source: &mut dyn Source, found: &[Found]) -> Result<Vec<Vec<String>>> {
        let mut all = Vec::new();
        for (pair, found) in self.pairs.iter().zip(found) {
            let archived = self.archived(pair, found)?;
            let wanted: BTreeSet<u64> = found.named.iter().filter_map(|row| row.target).collect();
            let mut live = BTreeMap::new();
            if !wanted.is_empty() {
                let table = &pair.live;
                let mut sink = self.namer((pair, table, Side::Target), 1, &wanted, &mut live);
                source.read(table, &mut sink)?;
            }
            let columns: Vec<&str> = pair.names.iter().map(String::as_str).collect();
            let words = |row: &Difference| {
                let ours = row.archive.and_then(|at| archived.get(&at));
                let theirs = row.target.and_then(|at| live.get(&at));
                row.in_words(&columns, ours, theirs)
            };
            all.push(found.named.iter().map(words).collect());
        }
        Ok(all)
    }

    fn archived(&self, pair: &Pair, found: &Found) -> Result<BTreeMap<u64, Named>> {
        let wanted: BTreeSet<u64> = found.named.iter().filter_map(|row| row.archive).collect();
        let mut archived = BTreeMap::new();
        let mut buffers = PartBuffers::default();
        for part in self
            .parts
            .parts()
            .iter()
            .filter(|part| part.table == pair.source)
        {
            let end = part.first_row.saturating_add(part.rows);
            if wanted.range(part.first_row..end).next().is_some() {
                let table = &self.schema.tables[pair.source];
                let first = part.first_row;
                let mut sink =
                    self.namer((pair, table, Side::Archive), first, &wanted, &mut archived);
                self.parts.read(part, &mut buffers, &mut sink)?;
            }
        }
        Ok(archived)
    }

    fn namer<'n>(
        &'n self,
        (pair, table, side): (&'n Pair, &Table, Side),
        number: u64,
        wanted: &'n BTreeSet<u64>,
        rows: &'n mut BTreeMap<u64, Named>,
    ) -> Namer<'n> {
        Namer {
            naming: RowNaming::of(table),
            hashing: Hashing::new(&self.secret, pair, side),
            number,
            wanted,
            rows,
        }
    }
}

/// The failure that made the others end, if there was one.
fn first_cause(all: Vec<Result<()>>) -> Result<()> {
    let interrupted = Fault::interrupted().code();
    let mut faults: Vec<Fault> = all.into_iter().filter_map(Result::err).collect();
    faults.sort_by_key(|fault| fault.code() == interrupted);
    match faults.into_iter().next() {
        Some(fault) => Err(fault),
        None => Ok(()),
    }
}

struct Namer<'a> {
    naming: RowNaming,
    hashing: Hashing<'a>,
    number: u64,
    wanted: &'a BTreeSet<u64>,
    rows: &'a mut BTreeMap<u64, Named>,
}

impl RowSink for Namer<'_> {
    fn row(&mut self, row: &[Value<'_>]) -> Result<()> {
        if self.wanted.contains(&self.number) {
            let named = Named {
                name: self.naming.name(row, self.number),
                columns: self.hashing.columns(row)?,
            };
            self.rows.insert(self.number, named);
        }
        self.number += 1;
        Ok(())
    }
}
