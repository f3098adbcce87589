//! Counts what one side has and the other has not, and picks the rows that are named.

use super::suspects::{Entry, NOWHERE};
use std::collections::BTreeSet;

/// How a row differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Both sides have a row of this key, with other values.
    Differs,
    /// Only the archive has it.
    Missing,
    /// Only the target has it.
    Extra,
}

const KINDS: [Kind; 3] = [Kind::Differs, Kind::Missing, Kind::Extra];

/// A row that is to be named: where it was read, of each side that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    /// How it differs.
    pub kind: Kind,
    /// Where the archive's was read.
    pub archive: Option<u64>,
    /// Where the target's was read.
    pub target: Option<u64>,
}

/// What was found of one table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Rows by `Kind`.
    counts: [u64; 3],
    /// The first of them, by kind and where they were read.
    pub named: Vec<Difference>,
}

impl Found {
    /// Rows that differ in this way.
    #[must_use]
    pub fn rows(&self, kind: Kind) -> u64 {
        self.counts[kind as usize]
    }

    /// Rows that differ in any way.
    #[must_use]
    pub fn all_rows(&self) -> u64 {
        self.counts.iter().sum()
    }
}

#[derive(Debug, Default)]
struct Tally {
    counts: [u64; 3],
    first: [BTreeSet<(u64, u64)>; 3],
}

impl Tally {
    fn name(&mut self, kind: Kind, rows: (u64, u64), limit: usize) {
        let first = &mut self.first[kind as usize];
        first.insert(rows);
        if first.len() > limit {
            first.pop_last();
        }
    }

    /// As many of each kind as there is room for, so that none hides another.
    fn finish(self, limit: usize) -> Found {
        let mut share = [0; 3];
        let mut room = limit;
        while let Some(kind) = KINDS
            .into_iter()
            .filter(|kind| share[*kind as usize] < self.first[*kind as usize].len())
            .min_by_key(|kind| share[*kind as usize])
            && room > 0
        {
            share[kind as usize] += 1;
            room -= 1;
        }
        let at = |place: u64| (place != NOWHERE).then_some(place);
        let named = KINDS.into_iter().flat_map(|kind| {
            let first = self.first[kind as usize].iter();
            let first = first.take(share[kind as usize]);
            first.map(move |(archive, target)| Difference {
                kind,
                archive: at(*archive),
                target: at(*target),
            })
        });
        Found {
            named: named.collect(),
            counts: self.counts,
        }
    }
}

/// Counts the entries of one pool after another.
pub(super) struct Counter<'a> {
    keyed: &'a [bool],
    limit: usize,
    tallies: Vec<Tally>,
}

impl<'a> Counter<'a> {
    pub(super) fn new(keyed: &'a [bool], limit: usize) -> Self {
        Counter {
            keyed,
            limit,
            tallies: keyed.iter().map(|_| Tally::default()).collect(),
        }
    }

    /// Counts entries that are sorted by table and key; all of a key are among them.
    pub(super) fn count(&mut self, entries: &[Entry]) {
        for group in entries
            .chunk_by(|one, other| (one.table, one.hash.key) == (other.table, other.hash.key))
        {
            self.group(group);
        }
    }

    /// Counts the rows of one key.
    fn group(&mut self, group: &[Entry]) {
        let table = group[0].table as usize;
        let Some(tally) = self.tallies.get_mut(table) else {
            return;
        };
        let ours: Vec<_> = group.iter().filter(|entry| entry.net > 0).collect();
        let theirs: Vec<_> = group.iter().filter(|entry| entry.net < 0).collect();
        let rows = |side: &[&Entry]| -> u64 { side.iter().map(|e| e.net.unsigned_abs()).sum() };
        let (archive, target) = (rows(&ours), rows(&theirs));
        let both = if self.keyed[table] {
            std::cmp::min(archive, target)
        } else {
            0
        };
        tally.counts[Kind::Differs as usize] += both;
        tally.counts[Kind::Missing as usize] += archive - both;
        tally.counts[Kind::Extra as usize] += target - both;
        let pairs = if both > 0 {
            std::cmp::min(ours.len(), theirs.len())
        } else {
            0
        };
        for (one, other) in ours.iter().zip(&theirs).take(pairs) {
            tally.name(Kind::Differs, (one.archive, other.target), self.limit);
        }
        for one in &ours[pairs..] {
            tally.name(Kind::Missing, (one.archive, NOWHERE), self.limit);
        }
        for other in &theirs[pairs..] {
            tally.name(Kind::Extra, (NOWHERE, other.target), self.limit);
        }
    }

    pub(super) fn finish(self) -> Vec<Found> {
        let limit = self.limit;
        let tallies = self.tallies.into_iter();
        tallies.map(|tally| tally.finish(limit)).collect()
    }
}
