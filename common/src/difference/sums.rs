//! The first reading: sums of rows, in buckets by their key.

use super::suspects::{Entry, Suspects};
use super::{RowHash, Side};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

/// Buckets of all tables, at the most, apart from one that each table has: 24 MiB.
const BUCKETS: u64 = 1 << 20;
/// Rows of a bucket that are aimed at.
const ROWS: u64 = 16;

/// What the archive's rows of a bucket sum to, less what the target's do.
#[derive(Debug, Default)]
struct Bucket {
    /// The two halves of the sum, each modulo 2^64.
    sum: [AtomicU64; 2],
    /// Rows of both sides.
    rows: AtomicU64,
}

/// Sums of the rows of several tables; added to from any thread.
#[derive(Debug)]
pub struct Sums {
    spans: Vec<Range<usize>>,
    buckets: Vec<Bucket>,
    /// Rows by table: the archive's, the target's.
    rows: Vec<[AtomicU64; 2]>,
}

impl Sums {
    /// For tables of about so many rows each.
    #[must_use]
    pub fn new(rows: &[u64]) -> Self {
        let wanted: u64 = rows.iter().map(|rows| rows / ROWS).sum();
        let mut end = 0;
        let spans = rows.iter().map(|rows| {
            let share = rows / ROWS;
            let share = if wanted > BUCKETS {
                u128::from(share) * u128::from(BUCKETS) / u128::from(wanted)
            } else {
                u128::from(share)
            };
            let start = end;
            end += usize::try_from(share).unwrap_or(0) + 1;
            start..end
        });
        let spans = spans.collect();
        Sums {
            spans,
            buckets: (0..end).map(|_| Bucket::default()).collect(),
            rows: rows.iter().map(|_| Default::default()).collect(),
        }
    }

    /// Adds one row.
    pub fn add(&self, table: usize, side: Side, hash: RowHash) {
        let bucket = &self.buckets[bucket_of(&self.spans[table], hash.key)];
        let [low, high] = halves(hash.row);
        let [sum_low, sum_high] = &bucket.sum;
        match side {
            Side::Archive => {
                sum_low.fetch_add(low, Ordering::Relaxed);
                sum_high.fetch_add(high, Ordering::Relaxed);
            }
            Side::Target => {
                sum_low.fetch_sub(low, Ordering::Relaxed);
                sum_high.fetch_sub(high, Ordering::Relaxed);
            }
        }
        bucket.rows.fetch_add(1, Ordering::Relaxed);
        self.rows[table][side as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// The rows of a table that were added of one side.
    #[must_use]
    pub fn rows(&self, table: usize, side: Side) -> u64 {
        self.rows[table][side as usize].load(Ordering::Relaxed)
    }

    /// What the second reading must look at, for which it may use about `budget` bytes of memory;
    /// what does not fit goes to `folder`.
    #[must_use]
    pub fn suspects(self, budget: usize, folder: PathBuf) -> Suspects {
        let mut differing = vec![0_u64; self.buckets.len().div_ceil(64)];
        let mut rows = 0_u64;
        for (position, bucket) in self.buckets.iter().enumerate() {
            let is_equal = bucket
                .sum
                .iter()
                .all(|half| half.load(Ordering::Relaxed) == 0);
            if !is_equal {
                differing[position / 64] |= 1 << (position % 64);
                rows = rows.saturating_add(bucket.rows.load(Ordering::Relaxed));
            }
        }
        Suspects::new(
            self.spans,
            differing,
            rows,
            budget / size_of::<Entry>(),
            folder,
        )
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the halves of a word")]
fn halves(word: u128) -> [u64; 2] {
    [word as u64, (word >> 64) as u64]
}

/// The bucket of a key within those of its table.
pub(super) fn bucket_of(span: &Range<usize>, key: u128) -> usize {
    let [low, _] = halves(key);
    let within = (u128::from(low) * span.len() as u128) >> 64;
    span.start + usize::try_from(within).unwrap_or(0)
}
