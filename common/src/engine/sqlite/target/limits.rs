//! What the statements of an untrusted archive may take of the machine.
//!
//! SQLite computes the expressions of a schema for every row: a few bytes of it could ask for
//! gigabytes. What they may have is in proportion to the rows that the archive holds.

use crate::engine::sqlite::target::failure::fault;
use crate::engine::sqlite::target::settings::run;
use crate::fault::Result;
use crate::model::schema::{Schema, TableKind};
use crate::seam::PartSpan;
use rusqlite::Connection;
use rusqlite::limits::Limit;

/// Bytes that a value, a row or a node of an index may always have.
const FLOOR: u64 = 16 << 20;

/// A value or row may be so many times as long as the longest row's canonical line: UTF-16 doubles
/// text, and a stored computed column such as `hex(a)` stands beside what it was computed from.
const FACTOR: u64 = 4;

/// Bytes of memory that SQLite may always have.
const HEAP: u64 = 256 << 20;

/// Values of the greatest length for which there must be memory.
const VALUES: u64 = 16;

/// Longest pattern of LIKE and GLOB, in bytes: the work is its length times that of the text.
const PATTERN: i32 = 1000;

/// Instructions of one statement: a row of 2,000 columns and 64 indexes takes some 100,000.
const INSTRUCTIONS: i32 = 5_000_000;

/// Bounds the lengths for the objects of `schema`, before any row; `load` bounds them for its rows.
pub(super) fn for_objects(connection: &Connection, schema: &Schema) -> Result<()> {
    for (limit, value) in [
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, PATTERN),
        (Limit::SQLITE_LIMIT_VDBE_OP, INSTRUCTIONS),
    ] {
        set(connection, limit, value)?;
    }
    set_length(connection, length(schema, &[]))
}

/// Bounds lengths and memory for rows that come in `spans`.
///
/// The bound on memory is one for the whole process, which SQLite lowers and never raises: a
/// program imports once.
pub(super) fn for_rows(connection: &Connection, schema: &Schema, spans: &[PartSpan]) -> Result<()> {
    let length = length(schema, spans);
    set_length(connection, length)?;
    let heap = heap(length);
    let sql = format!("PRAGMA hard_heap_limit = {heap}");
    run(connection, &sql, "cannot bound the memory of SQLite")
}

fn set_length(connection: &Connection, length: u64) -> Result<()> {
    // SQLite's own greatest length is less than this.
    let length = i32::try_from(length).unwrap_or(i32::MAX);
    set(connection, Limit::SQLITE_LIMIT_LENGTH, length)
}

fn set(connection: &Connection, limit: Limit, value: i32) -> Result<()> {
    connection
        .set_limit(limit, value)
        .map(drop)
        .map_err(|error| fault(error, "cannot set a limit of SQLite"))
}

/// The greatest length of a value or row. A row is no longer than its part; full-text indexes of
/// the old modules keep all places of a word in one value.
fn length(schema: &Schema, spans: &[PartSpan]) -> u64 {
    let row = spans.iter().map(|span| span.bytes).max().unwrap_or(0);
    let all = spans
        .iter()
        .fold(0_u64, |sum, span| sum.saturating_add(span.bytes));
    let old_text = schema.tables.iter().any(|table| {
        let TableKind::Virtual { module, .. } = &table.kind else {
            return false;
        };
        ["fts3", "fts4"]
            .iter()
            .any(|old| module.eq_ignore_ascii_case(old))
    });
    let tables = schema.tables.iter().map(|table| table.sql.len());
    let indexes = schema.tables.iter().flat_map(|table| &table.indexes);
    let objects = tables
        .chain(indexes.map(|index| index.sql.len()))
        .chain(schema.views.iter().map(|view| view.sql.len()))
        .chain(schema.triggers.iter().map(|trigger| trigger.sql.len()));
    let statement = objects.max().unwrap_or(0) as u64;
    let longest = std::cmp::max(row, statement);
    FLOOR
        .saturating_add(longest.saturating_mul(FACTOR))
        .saturating_add(if old_text { all } else { 0 })
}

/// Bytes of memory for values of that length.
fn heap(length: u64) -> u64 {
    let heap = HEAP.saturating_add(length.saturating_mul(VALUES));
    // The pragma takes a signed number.
    std::cmp::min(heap, i64::MAX.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_grow_with_the_longest_row_and_have_a_floor() {
        let schema = Schema::default();
        let span = |bytes| PartSpan {
            table: 0,
            part: 1,
            rows: 1,
            first_row: 1,
            bytes,
        };
        assert_eq!(length(&schema, &[]), 16 << 20);
        assert_eq!(
            length(&schema, &[span(10), span(1 << 30)]),
            (16 << 20) + (4 << 30)
        );
        assert_eq!(length(&schema, &[span(u64::MAX)]), u64::MAX);
        assert_eq!(heap(16 << 20), 512 << 20);
        assert_eq!(heap(u64::MAX), i64::MAX.unsigned_abs());
    }
}
