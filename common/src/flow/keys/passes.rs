//! Goes through sorted keys: one pass for the duplicates of a stream, one for the orphans of all
//! that refer to a stream, whatever the number of constraints that ask.
//!
//! Knows streams; knows no table and no row's values.

use super::constraints::{Checked, How};
use super::record::Record;
use super::spool::{Sorted, Spool};
use super::tally::Tally;
use crate::fault::{Fault, Result};
use crate::progress::Watch;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

/// Records between two questions whether to stop.
const STEP: u32 = 1 << 16;

/// What the passes have found.
#[derive(Debug, Default)]
pub(super) struct Passes {
    /// By stream.
    duplicates: BTreeMap<usize, Tally>,
    /// By the referring stream and the one it refers to.
    orphans: BTreeMap<(usize, usize), Tally>,
}

impl Passes {
    /// Does all that `constraints` ask for; the spool is sorted.
    pub(super) fn run(
        constraints: &[Checked],
        spool: &mut Spool,
        watch: &dyn Watch,
    ) -> Result<Self> {
        let mut unique = BTreeSet::new();
        let mut referring: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for checked in constraints {
            match checked.how {
                How::Unchecked(_) | How::AtOnce => {}
                How::Unique(stream) => {
                    unique.insert(stream);
                }
                How::Among(child, parent) => {
                    referring.entry(parent).or_default().insert(child);
                }
            }
        }
        let mut passes = Passes::default();
        let mut pace = Pace { watch, steps: 0 };
        for stream in unique {
            pace.ask()?;
            for mut keys in spool.sorted(&[stream])? {
                let tally = duplicates(&mut keys, &mut pace)?;
                passes.duplicates.insert(stream, tally);
            }
        }
        for (parent, children) in referring {
            pace.ask()?;
            let streams: Vec<usize> = std::iter::once(parent)
                .chain(children.iter().copied())
                .collect();
            if let [known, referring @ ..] = &mut spool.sorted(&streams)?[..] {
                let tallies = orphans(referring, known, &mut pace)?;
                let pairs = children.into_iter().map(|child| (child, parent));
                passes.orphans.extend(pairs.zip(tallies));
            }
        }
        Ok(passes)
    }

    /// What was found for a constraint that needed a pass.
    pub(super) fn tally(&self, how: &How) -> Option<&Tally> {
        match how {
            How::Unchecked(_) | How::AtOnce => None,
            How::Unique(stream) => self.duplicates.get(stream),
            How::Among(child, parent) => self.orphans.get(&(*child, *parent)),
        }
    }
}

/// Rows that share a key with an earlier row.
fn duplicates(keys: &mut Sorted<'_>, pace: &mut Pace<'_>) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut before = None;
    while let Some(record) = keys.next()? {
        if before == Some(record.key) {
            tally.add(record.row);
        }
        before = Some(record.key);
        pace.step()?;
    }
    Ok(tally)
}

/// Rows of each child whose key the parent does not have.
fn orphans(
    children: &mut [Sorted<'_>],
    parent: &mut Sorted<'_>,
    pace: &mut Pace<'_>,
) -> Result<Vec<Tally>> {
    let mut tallies = vec![Tally::default(); children.len()];
    let mut heads: BinaryHeap<Reverse<(Record, usize)>> = BinaryHeap::new();
    for (number, child) in children.iter_mut().enumerate() {
        heads.extend(child.next()?.map(|record| Reverse((record, number))));
    }
    let mut known = parent.next()?;
    while let Some(mut head) = heads.peek_mut() {
        let Reverse((record, number)) = *head;
        while known.is_some_and(|known| known.key < record.key) {
            known = parent.next()?;
            pace.step()?;
        }
        if known.is_none_or(|known| known.key != record.key) {
            tallies[number].add(record.row);
        }
        match children[number].next()? {
            Some(following) => *head = Reverse((following, number)),
            None => {
                std::collections::binary_heap::PeekMut::pop(head);
            }
        }
        pace.step()?;
    }
    Ok(tallies)
}

/// Asks now and then whether the job should stop; one for all passes, so that many short ones
/// ask as often as a long one.
struct Pace<'a> {
    watch: &'a dyn Watch,
    steps: u32,
}

impl Pace<'_> {
    fn step(&mut self) -> Result<()> {
        self.steps += 1;
        if self.steps == STEP {
            self.ask()
        } else {
            Ok(())
        }
    }

    fn ask(&mut self) -> Result<()> {
        self.steps = 0;
        if self.watch.stopped() {
            return Err(Fault::interrupted());
        }
        Ok(())
    }
}
