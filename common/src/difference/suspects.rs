//! The second reading: the rows of the buckets that differ.
//!
//! Rows are kept as hashes, in pools by key; equal rows of both sides cancel. What does not fit into
//! memory goes to a file without a name and comes back pool by pool.

use super::count::{Counter, Found};
use super::sums::bucket_of;
use super::{RowHash, Side};
use crate::fault::{Code, Fault, Result};
use std::fs::{File, Permissions};
use std::ops::Range;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Pools, at the most: each is counted in memory as a whole.
const POOLS: u64 = 4096;
/// Bytes of an entry in the file.
const BYTES: usize = 16 + 16 + 8 + 8 + 8 + 4;
/// No row of this side.
pub(super) const NOWHERE: u64 = u64::MAX;

/// Rows that are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    pub(super) table: u32,
    pub(super) hash: RowHash,
    /// Where the first one of each side was read.
    pub(super) archive: u64,
    pub(super) target: u64,
    /// Those of the archive less those of the target.
    pub(super) net: i64,
}

impl Entry {
    /// One row of a table, which was read `at` some place that the caller finds again.
    #[must_use]
    pub fn new(table: usize, side: Side, hash: RowHash, at: u64) -> Self {
        let (archive, target, net) = match side {
            Side::Archive => (at, NOWHERE, 1),
            Side::Target => (NOWHERE, at, -1),
        };
        Entry {
            table: u32::try_from(table).unwrap_or(u32::MAX),
            hash,
            archive,
            target,
            net,
        }
    }

    fn to_bytes(self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        bytes[..16].copy_from_slice(&self.hash.key.to_le_bytes());
        bytes[16..32].copy_from_slice(&self.hash.row.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.archive.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.target.to_le_bytes());
        bytes[48..56].copy_from_slice(&self.net.to_le_bytes());
        bytes[56..].copy_from_slice(&self.table.to_le_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8; BYTES]) -> Self {
        fn part<const N: usize>(bytes: &[u8; BYTES], start: usize) -> [u8; N] {
            let mut part = [0; N];
            part.copy_from_slice(&bytes[start..start + N]);
            part
        }
        Entry {
            hash: RowHash {
                key: u128::from_le_bytes(part(bytes, 0)),
                row: u128::from_le_bytes(part(bytes, 16)),
            },
            archive: u64::from_le_bytes(part(bytes, 32)),
            target: u64::from_le_bytes(part(bytes, 40)),
            net: i64::from_le_bytes(part(bytes, 48)),
            table: u32::from_le_bytes(part(bytes, 56)),
        }
    }
}

/// Entries that share some bits of their key.
#[derive(Debug, Default)]
struct Pool {
    held: Vec<Entry>,
    /// Where in the file others are, and how many.
    written: Vec<(u64, usize)>,
}

/// The rows of buckets that differ; added to from any thread.
#[derive(Debug)]
pub struct Suspects {
    spans: Vec<Range<usize>>,
    /// A bit for each bucket.
    differing: Vec<u64>,
    pools: Vec<Mutex<Pool>>,
    /// Entries of a pool in memory, at the most.
    limit: usize,
    folder: PathBuf,
    file: OnceLock<File>,
    end: AtomicU64,
}

impl Suspects {
    /// `rows` rows will come; `budget` of them fit into memory.
    pub(super) fn new(
        spans: Vec<Range<usize>>,
        differing: Vec<u64>,
        rows: u64,
        budget: usize,
        folder: PathBuf,
    ) -> Self {
        // A pool is loaded while others are in memory; a vector that grows may be half empty.
        let budget = std::cmp::max(budget / 4, 1);
        let pools = rows.div_ceil(budget as u64).clamp(1, POOLS);
        let pools = usize::try_from(pools).unwrap_or(1);
        Suspects {
            spans,
            differing,
            pools: (0..pools).map(|_| Mutex::default()).collect(),
            limit: std::cmp::max(budget / pools, 2),
            folder,
            file: OnceLock::new(),
            end: AtomicU64::new(0),
        }
    }

    /// Whether there is anything to look at.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.differing.iter().all(|bits| *bits == 0)
    }

    /// Whether rows of this table are to be looked at.
    #[must_use]
    pub fn concern(&self, table: usize) -> bool {
        self.spans[table].clone().any(|bucket| self.differs(bucket))
    }

    /// Whether a row of this table with this hash of its key is to be looked at.
    #[must_use]
    pub fn want(&self, table: usize, key: u128) -> bool {
        self.differs(bucket_of(&self.spans[table], key))
    }

    fn differs(&self, bucket: usize) -> bool {
        self.differing[bucket / 64] >> (bucket % 64) & 1 == 1
    }

    /// Takes all of `entries`.
    pub fn add(&self, entries: &mut Vec<Entry>) -> Result<()> {
        for entry in entries.drain(..) {
            // Other bits than those that chose the bucket.
            let bits = (entry.hash.key >> 64) % self.pools.len() as u128;
            let pool = &self.pools[usize::try_from(bits).unwrap_or(0)];
            // A pool is consistent whenever its lock is free, also after a panic elsewhere.
            let mut pool = pool.lock().unwrap_or_else(PoisonError::into_inner);
            pool.held.push(entry);
            if pool.held.len() >= self.limit {
                compact(&mut pool.held);
                if pool.held.len() > self.limit / 2 {
                    self.write(&mut pool)?;
                }
            }
        }
        Ok(())
    }

    fn write(&self, pool: &mut Pool) -> Result<()> {
        let bytes: Vec<u8> = pool
            .held
            .iter()
            .flat_map(|entry| entry.to_bytes())
            .collect();
        let at = self.end.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        let written = self.file()?.write_all_at(&bytes, at);
        written.map_err(|cause| self.fault("cannot write a temporary file", cause))?;
        pool.written.push((at, pool.held.len()));
        pool.held.clear();
        Ok(())
    }

    fn file(&self) -> Result<&File> {
        if let Some(file) = self.file.get() {
            return Ok(file);
        }
        let private = Permissions::from_mode(0o600);
        let file = tempfile::tempfile_in(&self.folder)
            .and_then(|file| file.set_permissions(private).map(|()| file))
            .map_err(|cause| self.fault("cannot create a temporary file", cause))?;
        // When two threads come here at once, one of two empty files is let go.
        Ok(self.file.get_or_init(|| file))
    }

    fn fault(&self, what: &'static str, cause: std::io::Error) -> Fault {
        let fault = Fault::new(Code::Spool, what);
        fault.at(self.folder.display()).because(cause)
    }

    /// All rows have come: what each table has on one side only. `keyed` says of each table whether
    /// its rows have a key; of each, `limit` rows are named.
    pub fn finish(self, keyed: &[bool], limit: usize) -> Result<Vec<Found>> {
        let mut counter = Counter::new(keyed, limit);
        for pool in &self.pools {
            let mut pool = pool.lock().unwrap_or_else(PoisonError::into_inner);
            let pool = std::mem::take(&mut *pool);
            counter.count(&self.load(pool)?);
        }
        Ok(counter.finish())
    }

    #[cfg(test)]
    pub(super) fn file_is_used(&self) -> bool {
        self.file.get().is_some()
    }

    /// All of a pool, in order; equal rows of both sides are gone.
    fn load(&self, pool: Pool) -> Result<Vec<Entry>> {
        let mut entries = pool.held;
        let mut full = std::cmp::max(entries.len(), 1 << 16);
        for (at, count) in pool.written {
            let mut bytes = vec![0; count * BYTES];
            let read = self.file()?.read_exact_at(&mut bytes, at);
            read.map_err(|cause| self.fault("cannot read a temporary file", cause))?;
            let (chunks, _) = bytes.as_chunks();
            entries.extend(chunks.iter().map(Entry::from_bytes));
            if entries.len() >= full {
                compact(&mut entries);
                full = std::cmp::max(full, entries.len() * 2);
            }
        }
        compact(&mut entries);
        Ok(entries)
    }
}

/// Joins equal rows, sorted by table and key; those that both sides have as often are left out.
fn compact(entries: &mut Vec<Entry>) {
    entries.sort_unstable();
    entries.dedup_by(|next, first| {
        let same = (next.table, next.hash) == (first.table, first.hash);
        if same {
            first.net += next.net;
            first.archive = std::cmp::min(first.archive, next.archive);
            first.target = std::cmp::min(first.target, next.target);
        }
        same
    });
    entries.retain(|entry| entry.net != 0);
}
