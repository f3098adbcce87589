//! `manifest.json`: the hash tree, counts, offsets and evidence.
//!
//! Parts are kept as plain structs of fixed size, about a hundred bytes each.

use super::evidence_json::ColumnJson;
use super::json;
use super::limits::SAFE_INTEGER;
use crate::digest::{Digest, Hasher};
use crate::report::Totals;
use serde::{Deserialize, Serialize};

/// All that is known only when the last row has been written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    #[serde(with = "json::hex")]
    pub(super) schema_sha256: Digest,
    #[serde(with = "json::hex")]
    pub(super) content_root: Digest,
    pub(super) totals: TotalsJson,
    pub(super) tables: Vec<TableRecord>,
}

/// Sums over all tables.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TotalsJson {
    #[serde(with = "json::count")]
    pub(super) tables: u64,
    #[serde(with = "json::count")]
    pub(super) parts: u64,
    #[serde(with = "json::count")]
    pub(super) rows: u64,
    #[serde(with = "json::count")]
    pub(super) bytes: u64,
}

/// One table.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TableRecord {
    pub(super) id: u32,
    pub(super) name: String,
    #[serde(with = "json::count")]
    pub(super) rows: u64,
    #[serde(with = "json::count")]
    pub(super) bytes: u64,
    #[serde(with = "json::hex")]
    pub(super) rows_sha256: Digest,
    pub(super) parts: Vec<PartRecord>,
    pub(super) columns: Vec<ColumnJson>,
}

/// One part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PartRecord {
    /// Rows; never 0.
    #[serde(with = "json::count")]
    pub(super) rows: u64,
    /// Bytes of the lines.
    pub(super) bytes: u32,
    /// Digest of the lines.
    #[serde(with = "json::hex")]
    pub(super) sha256: Digest,
    /// Where the content frame begins in the archive.
    #[serde(with = "json::count")]
    pub(super) offset: u64,
    /// Length of the content frame.
    pub(super) frame_bytes: u32,
    /// Digest of the content frame.
    #[serde(with = "json::hex")]
    pub(super) frame_sha256: Digest,
}

/// What the parts of a table add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TableSums {
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) rows_sha256: Digest,
}

/// Adds up the parts of a table; `None` beyond 2^53-1 rows or bytes.
pub(super) fn sums(parts: &[PartRecord]) -> Option<TableSums> {
    let (mut rows, mut bytes, mut digests) = (0u64, 0u64, Hasher::default());
    for part in parts {
        rows = within(rows.checked_add(part.rows)?)?;
        bytes = within(bytes.checked_add(u64::from(part.bytes))?)?;
        digests.update(&part.sha256.0);
    }
    Some(TableSums {
        rows,
        bytes,
        rows_sha256: digests.finish(),
    })
}

/// Adds up the tables; `None` beyond 2^53-1 rows or bytes.
pub(super) fn totals(tables: &[TableRecord]) -> Option<TotalsJson> {
    let mut totals = TotalsJson {
        tables: tables.len() as u64,
        ..TotalsJson::default()
    };
    for table in tables {
        totals.parts += table.parts.len() as u64;
        totals.rows = within(totals.rows.checked_add(table.rows)?)?;
        totals.bytes = within(totals.bytes.checked_add(table.bytes)?)?;
    }
    Some(totals)
}

fn within(number: u64) -> Option<u64> {
    (number <= SAFE_INTEGER).then_some(number)
}

impl From<TotalsJson> for Totals {
    fn from(totals: TotalsJson) -> Self {
        Totals {
            tables: totals.tables,
            rows: totals.rows,
            bytes: totals.bytes,
        }
    }
}
