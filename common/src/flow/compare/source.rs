//! A live database of the archive's own kind beside an archive: storage classes, rowids and values
//! must be the same.
//!
//! The live database is read by the thread that opened it, the archive by the others.

use super::hash::Hashing;
use super::pair::{Pair, pairs};
use super::{Manner, finding};
use crate::archive::Archive;
use crate::difference::{BUDGET, Difference, Entry, Found, Named, Reading, Secret, Side, Sums};
use crate::fault::{Fault, Result};
use crate::flow::select::{SelectedParts, Selection};
use crate::model::key::RowNaming;
use crate::model::schema::{Schema, Table};
use crate::model::value::Value;
use crate::progress::{Extent, Watch};
use crate::report::{Finding, Severity};
use crate::seam::{PartBuffers, PartReader, PartSpan, RowSink, Source};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

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

/// Gives the rows of one side of a pair to what takes them.
struct Sink<'a> {
    reading: &'a dyn Reading,
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
        self.reading
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
    fn read(&self, source: &mut dyn Source, reading: &dyn Reading) -> Result<()> {
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
                .map(|_| scope.spawn(|| noted(self.archive(reading, &next, &failed))))
                .collect();
            let live = noted(self.live(source, reading, &failed));
            let mut all = vec![live];
            all.extend(workers.into_iter().map(|worker| match worker.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            }));
            first_cause(all)
        })
    }

    fn archive(
        &self,
        reading: &dyn Reading,
        next: &AtomicUsize,
        failed: &AtomicBool,
    ) -> Result<()> {
        let mut buffers = PartBuffers::default();
        let mut held = Vec::new();
        while let Some(part) = self.parts.parts().get(next.fetch_add(1, Ordering::Relaxed)) {
            if self.watch.stopped() {
                return Err(Fault::interrupted());
            }
            let Some(pair) = self.pair_of(part).filter(|pair| reading.concerns(*pair)) else {
                continue;
            };
            let mut sink = Sink {
                reading,
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
        reading.end(held)
    }

    fn live(
        &self,
        source: &mut dyn Source,
        reading: &dyn Reading,
        failed: &AtomicBool,
    ) -> Result<()> {
        let mut held = Vec::new();
        for (position, pair) in self.pairs.iter().enumerate() {
            if !reading.concerns(position) {
                continue;
            }
            let mut sink = Sink {
                reading,
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
        reading.end(held)
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
