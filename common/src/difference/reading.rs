//! What a reading does with the rows: both readings look alike to those who read.

use super::sums::Sums;
use super::suspects::{Entry, Suspects};
use super::{RowHash, Side};
use crate::fault::Result;

/// Rows that one reader keeps before it hands them over.
const BATCH: usize = 1024;

/// Takes the rows of both sides; from any thread.
pub trait Reading: Sync {
    /// Whether rows of this table are looked at.
    fn concerns(&self, table: usize) -> bool;
    /// A row of a table, and where it was read. `held` is the reader's own.
    fn take(
        &self,
        held: &mut Vec<Entry>,
        table: usize,
        side: Side,
        row: (RowHash, u64),
    ) -> Result<()>;
    /// This reader has read all it was to read.
    fn end(&self, held: Vec<Entry>) -> Result<()>;
}

impl Reading for Sums {
    fn concerns(&self, _: usize) -> bool {
        true
    }

    fn take(
        &self,
        _: &mut Vec<Entry>,
        table: usize,
        side: Side,
        (hash, _): (RowHash, u64),
    ) -> Result<()> {
        self.add(table, side, hash);
        Ok(())
    }

    fn end(&self, _: Vec<Entry>) -> Result<()> {
        Ok(())
    }
}

impl Reading for Suspects {
    fn concerns(&self, table: usize) -> bool {
        self.concern(table)
    }

    fn take(
        &self,
        held: &mut Vec<Entry>,
        table: usize,
        side: Side,
        (hash, at): (RowHash, u64),
    ) -> Result<()> {
        if self.want(table, hash.key) {
            held.push(Entry::new(table, side, hash, at));
        }
        if held.len() < BATCH {
            return Ok(());
        }
        self.add(held)
    }

    fn end(&self, mut held: Vec<Entry>) -> Result<()> {
        self.add(&mut held)
    }
}
