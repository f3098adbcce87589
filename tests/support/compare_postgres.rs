//! Compares an SQLite file with a PostgreSQL schema without any code of Waybill: rusqlite on one
//! side, the `postgres` crate on the other, PostgreSQL's own input functions as the judge of what
//! a text means as a timestamp, uuid, inet, JSON or number.

use super::compare_sqlite::{names, open, tables};
use postgres::Client;
use rusqlite::Connection;
use rusqlite::types::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

mod printed;
mod structure;

pub(super) use printed::{assert_all_is_read, canonical, plain};

/// Fails unless every table of the file is in `schema` with equal values, and the structure that
/// SQLite's pragmas tell of is there too.
pub(crate) fn assert_same(source: &Path, client: &mut Client, schema: &str) {
    assert_same_values(source, client, schema);
    let source = open(source);
    for table in tables(&source)
        .into_iter()
        .filter(|name| name != "sqlite_sequence")
    {
        structure::assert_not_null(&source, client, schema, &table);
        structure::assert_primary_key(&source, client, schema, &table);
        structure::assert_foreign_keys(&source, client, schema, &table);
        structure::assert_indexes(&source, client, schema, &table);
        structure::assert_sequence(&source, client, schema, &table);
    }
}

/// Fails unless every table of the file is in `schema` with equal values.
pub(crate) fn assert_same_values(source: &Path, client: &mut Client, schema: &str) {
    assert_same_values_but(source, client, schema, &[]);
}

/// The same, but for tables that are left out.
pub(crate) fn assert_same_values_but(
    source: &Path,
    client: &mut Client,
    schema: &str,
    without: &[&str],
) {
    let source = open(source);
    client
        .batch_execute("SET TimeZone = 'UTC'; SET bytea_output = 'hex'; SET DateStyle = 'ISO'")
        .expect("settings");
    for table in tables(&source)
        .into_iter()
        .filter(|name| name != "sqlite_sequence" && !without.contains(&name.as_str()))
    {
        assert_values(&source, client, schema, &table);
    }
}

pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Name and type of the target's columns, in order; those that the server computes left out.
fn target_columns(client: &mut Client, schema: &str, table: &str) -> Vec<(String, String)> {
    let sql = "SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
               WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum";
    let name = format!("{}.{}", quoted(schema), quoted(table));
    let rows = client
        .query(sql, &[&name])
        .expect("the catalogue is readable");
    assert!(!rows.is_empty(), "table {table} is missing in the target");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

fn assert_values(source: &Connection, client: &mut Client, schema: &str, table: &str) {
    let (columns, pieces) = whole_columns(client, schema, table);
    let stored = stored_columns(source, table);
    let names: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
    if pieces.is_empty() {
        assert_eq!(stored, names, "columns of {table}");
    } else {
        // The key of the rows is that of the source, if a rowid then one that no column shows.
        let mut expected: BTreeSet<&String> = stored.iter().collect();
        expected.extend(pieces.iter().flat_map(|(_, key)| key));
        assert_eq!(expected, names.iter().collect(), "columns of {table}");
        assert_eq!(expected.len(), names.len(), "columns of {table}");
    }
    let mut expected = source_columns(source, client, table, &columns);
    let mut found = whole_rows(client, schema, table, &columns, &pieces);
    expected.sort();
    found.sort();
    assert_eq!(expected.len(), found.len(), "rows of {table}");
    for (expected, found) in expected.iter().zip(&found) {
        assert_eq!(expected, found, "a row of {table}");
    }
}

/// A further piece of a table: its name, and the columns by which it refers to the first.
pub(super) type Piece = (String, Vec<String>);

/// The further pieces of a table that was too wide for one.
pub(super) fn pieces(client: &mut Client, schema: &str, table: &str) -> Vec<Piece> {
    let sql = "SELECT r.relname, array(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY AS k(num, n)
                      JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.num ORDER BY k.n)
               FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid
               WHERE c.contype = 'f' AND c.confrelid = to_regclass($1) AND c.conname LIKE '%\\_piece' ORDER BY r.oid";
    let name = format!("{}.{}", quoted(schema), quoted(table));
    let rows = client.query(sql, &[&name]).expect("the catalogue");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Name and type of all columns of a table and its pieces, those of the key once.
pub(super) fn whole_columns(
    client: &mut Client,
    schema: &str,
    table: &str,
) -> (Vec<(String, String)>, Vec<Piece>) {
    let mut columns = target_columns(client, schema, table);
    let pieces = pieces(client, schema, table);
    for (piece, key) in &pieces {
        let own = target_columns(client, schema, piece);
        columns.extend(own.into_iter().filter(|(name, _)| !key.contains(name)));
    }
    (columns, pieces)
}

/// The rows of a table, those of its pieces joined by their key. Not by the server: no query gives
/// more than 1664 columns.
pub(super) fn whole_rows(
    client: &mut Client,
    schema: &str,
    table: &str,
    columns: &[(String, String)],
    pieces: &[Piece],
) -> Rows {
    let there = target_columns(client, schema, table);
    let of_first: Vec<_> = there
        .into_iter()
        .filter(|one| columns.contains(one))
        .collect();
    let mut rows = target_rows(client, schema, table, &of_first);
    let mut names: Vec<String> = of_first.into_iter().map(|(name, _)| name).collect();
    for (piece, key) in pieces {
        let (of_key, own): (Vec<_>, Vec<_>) = target_columns(client, schema, piece)
            .into_iter()
            .partition(|(name, _)| key.contains(name));
        let all: Vec<_> = of_key.iter().chain(&own).cloned().collect();
        let mut by_key = BTreeMap::new();
        for mut row in target_rows(client, schema, piece, &all) {
            let own = row.split_off(of_key.len());
            assert_eq!(
                by_key.insert(row, own),
                None,
                "a key of {piece} is there twice"
            );
        }
        let at = of_key.iter().map(|(name, _)| {
            let at = names.iter().position(|known| known == name);
            at.expect("the first piece has the key")
        });
        let at: Vec<usize> = at.collect();
        assert_eq!(rows.len(), by_key.len(), "rows of {piece}");
        for row in &mut rows {
            let key: Vec<_> = at.iter().map(|at| row[*at].clone()).collect();
            row.extend(
                by_key
                    .remove(&key)
                    .expect("a row of the first piece is in all"),
            );
        }
        names.extend(own.into_iter().map(|(name, _)| name));
    }
    let order: Vec<usize> = columns
        .iter()
        .map(|(name, _)| {
            names
                .iter()
                .position(|known| known == name)
                .expect("a column")
        })
        .collect();
    rows.iter()
        .map(|row| order.iter().map(|at| row[*at].clone()).collect())
        .collect()
}

/// Columns with stored values: neither computed nor hidden ones.
fn stored_columns(source: &Connection, table: &str) -> Vec<String> {
    let literal = table.replace('\'', "''");
    names(
        source,
        &format!("SELECT name FROM pragma_table_xinfo('{literal}') WHERE hidden = 0 ORDER BY cid"),
    )
}

pub(super) type Rows = Vec<Vec<Option<String>>>;

/// The source's rows as the target's type would print each value, by PostgreSQL's own judgement.
fn source_columns(
    source: &Connection,
    client: &mut Client,
    table: &str,
    columns: &[(String, String)],
) -> Rows {
    let list = columns
        .iter()
        .map(|(name, _)| quoted(name))
        .collect::<Vec<_>>()
        .join(", ");
    let mut statement = source
        .prepare(&format!("SELECT {list} FROM {}", quoted(table)))
        .expect("a readable table");
    let mut cells: Vec<Vec<Option<String>>> = vec![Vec::new(); columns.len()];
    let mut rows = statement.query([]).expect("a readable table");
    let mut count = 0;
    while let Some(row) = rows.next().expect("a readable row") {
        count += 1;
        for (cell, (name, kind)) in columns.iter().enumerate() {
            let value: Value = row.get(cell).expect("a cell");
            cells[cell].push(plain(&value, kind, &format!("{table}.{name}")));
        }
    }
    for (cells, (name, kind)) in cells.iter_mut().zip(columns) {
        let canonical = canonical(client, cells, kind);
        for (written, read) in cells.iter().flatten().zip(canonical.iter().flatten()) {
            assert_all_is_read(written, read, kind, &format!("{table}.{name}"));
        }
        *cells = canonical;
    }
    (0..count)
        .map(|row| cells.iter().map(|column| column[row].clone()).collect())
        .collect()
}

fn target_rows(
    client: &mut Client,
    schema: &str,
    table: &str,
    columns: &[(String, String)],
) -> Rows {
    let list = columns
        .iter()
        .map(|(name, _)| format!("{}::text", quoted(name)))
        .collect::<Vec<_>>()
        .join(", ");
    let sql = format!("SELECT {list} FROM {}.{}", quoted(schema), quoted(table));
    let rows = client.query(&sql, &[]).expect("the target is readable");
    rows.iter()
        .map(|row| (0..columns.len()).map(|cell| row.get(cell)).collect())
        .collect()
}
