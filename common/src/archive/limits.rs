//! The numbers of format version 1, and the limits a reader holds an archive to.
//!
//! A constant here is part of the format (`docs/format.md`, section 9): changing one needs a new
//! format version. `Limits` are local: an archive cannot raise them.

/// Format version that this program writes and the highest it reads.
pub(super) const VERSION: u64 = 1;

/// A part is cut at the first row end at or after so many bytes of lines.
pub(super) const PART_BYTES: usize = 8 << 20;

/// Longest line of a row in bytes, its `\n` included. With it a part stays below 2^32 bytes,
/// and so does its frame, even when nothing in it can be compressed.
pub(super) const ROW_BYTES: usize = 0xff00_0000;

/// Most tables: the ordinal in a member's name has four digits.
pub(super) const TABLES: usize = 9_999;

/// Most parts of one table: the ordinal in a member's name has six digits.
pub(super) const TABLE_PARTS: u32 = 999_999;

/// Most parts of all tables; keeps manifest and seek table within memory.
pub(super) const PARTS: usize = 1_000_000;

/// Largest `waybill.json` in bytes.
pub(super) const PREAMBLE_BYTES: u64 = 1 << 16;

/// Largest `data/schema.json` in bytes.
pub(super) const SCHEMA_BYTES: u64 = 64 << 20;

/// Largest other tag file in bytes.
pub(super) const TAG_BYTES: u64 = 512 << 20;

/// Largest window of a content frame in bytes (zstd windowLog 23).
pub(super) const WINDOW_BYTES: u64 = 8 << 20;

/// Largest integer in a tag file: 2^53-1, which every JSON reader holds exactly.
pub(super) const SAFE_INTEGER: u64 = (1 << 53) - 1;

/// Longest part that is read unless told otherwise, in bytes of lines: a few bytes of an archive
/// can stand for so many, all in memory at once.
const DEFAULT_PART_BYTES: u64 = 1 << 30;

/// Parts of more bytes of lines than this are read one at a time: they take far more memory than
/// a part that has been cut at `PART_BYTES`, and workers must not multiply it.
const LARGE_PART_BYTES: u64 = 64 << 20;

/// How much of a machine an archive may claim. The default is what the format allows, but for
/// the longest part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of `data/schema.json`.
    pub schema_bytes: u64,
    /// Bytes of each other tag file.
    pub tag_bytes: u64,
    /// Bytes of the uncompressed lines of one part.
    pub part_bytes: u64,
    /// Bytes of lines above which parts are read one at a time, whatever the number of threads.
    pub large_part_bytes: u64,
    /// Parts of all tables.
    pub parts: usize,
}

/// A length that has been held to a limit, as a size in memory. On a machine whose memory cannot
/// hold it, allocating or indexing by what comes back fails, and nothing is cut in silence.
pub(super) fn in_memory(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            schema_bytes: SCHEMA_BYTES,
            tag_bytes: TAG_BYTES,
            part_bytes: DEFAULT_PART_BYTES,
            large_part_bytes: LARGE_PART_BYTES,
            parts: PARTS,
        }
    }
}
