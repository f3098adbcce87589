//! The digest of the content, whatever the compression and whichever build wrote it.

use super::json;
use super::manifest::TableRecord;
use crate::digest::{Digest, Hasher};

/// What the digested bytes begin with.
const OPENING: &[u8] = b"waybill content 1\n";

/// SHA-256 over an opening, the schema without notes, and one line a table.
pub(super) fn content_root(schema: &[u8], tables: &[TableRecord]) -> Digest {
    let mut digest = Hasher::default();
    digest.update(OPENING);
    digest.update(schema);
    for table in tables {
        let rows_sha256 = table.rows_sha256.to_string();
        let line = (table.id, &table.name, table.rows, rows_sha256);
        digest.update(&json::to_bytes(&line));
    }
    digest.finish()
}
