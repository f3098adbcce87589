//! Checks primary keys, unique keys, NOT NULL and foreign keys over all rows without a database,
//! by SQLite's rules and in bounded memory.
//!
//! Rows are fed from any number of threads, in any order of parts; the findings do not depend on
//! it. Two values are the same key when SQLite would say so: `1` and `1.0`, and by collation
//! `a` and `A`. A foreign key ignores rows with a NULL among its columns (MATCH SIMPLE), and takes
//! on the affinity and the collation of the columns it refers to. What needs a database (an
//! expression, a partial index, an application's collation) is said to be unchecked, and so are
//! keys beyond the limits of `constraints`. Each stream of keys is gone through once to find
//! duplicates and once more to find orphans, however many constraints ask.
//!
//! Knows schemas, rows and a temporary file; no archive and no engine.

mod constraints;
mod feed;
mod outcome;
mod passes;
mod record;
mod spool;
mod tally;

pub use feed::Feed;
pub use outcome::Outcome;

use crate::fault::Result;
use crate::model::schema::Schema;
use crate::progress::Watch;
use constraints::Checks;
use feed::Span;
use passes::Passes;
use spool::Spool;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use tally::Tally;

/// Memory for keys unless told otherwise, in bytes; what does not fit goes to a temporary file.
pub const BUDGET: usize = 32 << 20;

/// A check of all keys of a database.
#[derive(Debug)]
pub struct KeyCheck {
    checks: Checks,
    spool: Spool,
    found: Mutex<Found>,
}

/// What feeds have found so far.
#[derive(Debug)]
struct Found {
    /// By constraint.
    tallies: Vec<Tally>,
    /// By table: the ends of its INTEGER PRIMARY KEY in each feed.
    spans: Vec<Vec<Span>>,
}

impl KeyCheck {
    /// Decides what can be checked of tables with so many `rows`, by position in the schema; one
    /// that is not known counts as none. `budget` is in bytes, see `BUDGET`.
    #[must_use]
    pub fn new(schema: &Schema, rows: &[u64], budget: usize) -> Self {
        let checks = Checks::of(schema, rows);
        KeyCheck {
            spool: Spool::new(checks.streams, budget, folder()),
            found: Mutex::new(Found {
                tallies: vec![Tally::default(); checks.constraints.len()],
                spans: vec![Vec::new(); checks.tables.len()],
            }),
            checks,
        }
    }

    /// A feed for consecutive rows of the table at this position of the schema, such as one part.
    #[must_use]
    pub fn feed(&self, table: usize) -> Feed<'_> {
        Feed::new(table, &self.checks.tables[table], &self.spool)
    }

    /// Takes what a feed has found, after its last row.
    pub fn absorb(&self, mut feed: Feed<'_>) -> Result<()> {
        feed.flush()?;
        let checks = &self.checks.tables[feed.table];
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        for ((constraint, _), tally) in checks.not_null.iter().zip(&feed.found.nulls) {
            found.tallies[*constraint].merge(tally);
        }
        if let Some((constraint, _)) = checks.ordered {
            found.tallies[constraint].merge(&feed.found.unordered);
        }
        found.spans[feed.table].extend(feed.found.span);
        Ok(())
    }

    /// Compares the keys of all rows. Samples are worded by the outcome, from rows it asks for.
    pub fn finish(mut self, watch: &dyn Watch) -> Result<Outcome> {
        let found = self
            .found
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let mut tallies = found.tallies;
        for (checks, mut spans) in self.checks.tables.iter().zip(found.spans) {
            if let Some((constraint, _)) = checks.ordered {
                spans.sort_unstable_by_key(|span| span.first_row);
                borders(&spans, &mut tallies[constraint]);
            }
        }
        self.spool.sort();
        let passes = Passes::run(&self.checks.constraints, &mut self.spool, watch)?;
        for (checked, tally) in self.checks.constraints.iter().zip(&mut tallies) {
            if let Some(found) = passes.tally(&checked.how) {
                tally.clone_from(found);
            }
        }
        Ok(Outcome::new(
            self.checks.constraints,
            self.checks.tables,
            tallies,
        ))
    }
}

/// Where temporary files belong: never a file system in memory unless the user says so.
fn folder() -> PathBuf {
    match std::env::var_os("TMPDIR") {
        Some(folder) if !folder.is_empty() => PathBuf::from(folder),
        _ => PathBuf::from("/var/tmp"),
    }
}

/// Keys that are not above the last one of the rows before.
fn borders(spans: &[Span], tally: &mut Tally) {
    for pair in spans.windows(2) {
        if pair[1].first <= pair[0].last {
            tally.add(pair[1].first_row);
        }
    }
}

#[cfg(test)]
mod tests;
