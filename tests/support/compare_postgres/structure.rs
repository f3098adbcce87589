//! Keys, indexes, NOT NULL and sequences of a table, as SQLite's pragmas tell of them.

use super::super::compare_sqlite::names;
use super::quoted;
use postgres::Client;
use rusqlite::Connection;
use std::collections::BTreeSet;

pub(super) fn assert_not_null(source: &Connection, client: &mut Client, schema: &str, table: &str) {
    let literal = table.replace('\'', "''");
    let sql = format!(
        "SELECT name FROM pragma_table_xinfo('{literal}') WHERE hidden = 0 AND \"notnull\" = 1"
    );
    let sql_target = "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnotnull AND attnum > 0";
    let name = format!("{}.{}", quoted(schema), quoted(table));
    let found: BTreeSet<String> = client
        .query(sql_target, &[&name])
        .expect("catalogue")
        .iter()
        .map(|row| row.get(0))
        .collect();
    for column in names(source, &sql) {
        assert!(
            found.contains(&column),
            "{table}.{column} is NOT NULL in the source"
        );
    }
}

/// Columns of the constraints of kind `contype`, in order, as `a, b`.
fn constraints(client: &mut Client, schema: &str, table: &str, contype: &str) -> BTreeSet<String> {
    let sql = "SELECT (SELECT string_agg(a.attname, ', ' ORDER BY k.n) FROM unnest(c.conkey) WITH ORDINALITY AS k(num, n)
                       JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.num)
               FROM pg_constraint c WHERE c.conrelid = to_regclass($1) AND c.contype::text = $2";
    let name = format!("{}.{}", quoted(schema), quoted(table));
    client
        .query(sql, &[&name, &contype])
        .expect("catalogue")
        .iter()
        .map(|row| row.get(0))
        .collect()
}

pub(super) fn assert_primary_key(
    source: &Connection,
    client: &mut Client,
    schema: &str,
    table: &str,
) {
    let literal = table.replace('\'', "''");
    let sql = format!("SELECT name FROM pragma_table_xinfo('{literal}') WHERE pk > 0 ORDER BY pk");
    let columns = names(source, &sql);
    if !columns.is_empty() {
        let found = constraints(client, schema, table, "p");
        assert_eq!(
            found,
            BTreeSet::from([columns.join(", ")]),
            "primary key of {table}"
        );
    }
}

/// Foreign keys whose parent and columns exist in the source, with actions, as one line each.
pub(super) fn assert_foreign_keys(
    source: &Connection,
    client: &mut Client,
    schema: &str,
    table: &str,
) {
    let literal = table.replace('\'', "''");
    let sql = format!(
        "SELECT group_concat(\"from\", ', ') || ' -> ' || lower(\"table\") || ' ' || on_delete || ' ' || on_update
         FROM (SELECT * FROM pragma_foreign_key_list('{literal}') ORDER BY id, seq) GROUP BY id"
    );
    let sql_target = "SELECT (SELECT string_agg(a.attname, ', ' ORDER BY k.n) FROM unnest(c.conkey) WITH ORDINALITY AS k(num, n)
                              JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.num)
                      || ' -> ' || lower(p.relname) || ' ' || c.confdeltype::text || ' ' || c.confupdtype::text
                      FROM pg_constraint c JOIN pg_class p ON p.oid = c.confrelid
                      WHERE c.conrelid = to_regclass($1) AND c.contype = 'f'";
    let name = format!("{}.{}", quoted(schema), quoted(table));
    let found: BTreeSet<String> = client
        .query(sql_target, &[&name])
        .expect("catalogue")
        .iter()
        .map(|row| action_words(row.get(0)))
        .collect();
    let expected: BTreeSet<String> = names(source, &sql).into_iter().collect();
    assert_eq!(expected, found, "foreign keys of {table}");
}

/// The letters of `pg_constraint` as SQLite's words.
fn action_words(line: &str) -> String {
    let word = |letter: &str| match letter {
        "a" => "NO ACTION",
        "r" => "RESTRICT",
        "c" => "CASCADE",
        "n" => "SET NULL",
        "d" => "SET DEFAULT",
        other => panic!("unknown action {other}"),
    };
    let mut parts = line.rsplitn(3, ' ');
    let (update, delete) = (
        parts.next().expect("an action"),
        parts.next().expect("an action"),
    );
    format!(
        "{} {} {}",
        parts.next().expect("columns"),
        word(delete),
        word(update)
    )
}

/// Indexes on plain columns under BINARY: by name for CREATE INDEX, by columns for UNIQUE.
pub(super) fn assert_indexes(source: &Connection, client: &mut Client, schema: &str, table: &str) {
    let literal = table.replace('\'', "''");
    let plain = "NOT EXISTS (SELECT 1 FROM pragma_index_xinfo(i.name) x WHERE x.key = 1 AND (x.cid < 0 OR x.coll <> 'BINARY'))";
    let made = format!(
        "SELECT i.name FROM pragma_index_list('{literal}') i WHERE i.origin = 'c' AND i.partial = 0 AND {plain}"
    );
    let sql = "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
               WHERE i.indrelid = to_regclass($1) AND i.indisvalid";
    let name = format!("{}.{}", quoted(schema), quoted(table));
    let found: BTreeSet<String> = client
        .query(sql, &[&name])
        .expect("catalogue")
        .iter()
        .map(|row| row.get(0))
        .collect();
    for index in names(source, &made) {
        assert!(
            found.contains(&index),
            "index {index} of {table} is missing, there are {found:?}"
        );
    }
    let unique = format!(
        "SELECT (SELECT group_concat(name, ', ') FROM (SELECT x.name FROM pragma_index_xinfo(i.name) x WHERE x.key = 1 ORDER BY x.seqno))
         FROM pragma_index_list('{literal}') i WHERE i.origin = 'u' AND {plain}"
    );
    let found = constraints(client, schema, table, "u");
    for columns in names(source, &unique) {
        assert!(
            found.contains(&columns),
            "UNIQUE ({columns}) of {table} is missing, there are {found:?}"
        );
    }
}

/// A new row gets a key above every key the table has or has had.
pub(super) fn assert_sequence(source: &Connection, client: &mut Client, schema: &str, table: &str) {
    let sql =
        "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass($1) AND attidentity <> ''";
    let name = format!("{}.{}", quoted(schema), quoted(table));
    let rows = client.query(sql, &[&name]).expect("catalogue");
    let Some(column) = rows.first().map(|row| row.get::<_, String>(0)) else {
        return;
    };
    let largest: Option<i64> = source
        .query_row(
            &format!("SELECT max({}) FROM {}", quoted(&column), quoted(table)),
            [],
            |row| row.get(0),
        )
        .expect("a readable table");
    let recorded: Option<i64> = source
        .query_row(
            "SELECT max(seq) FROM sqlite_sequence WHERE name = ?1",
            [table],
            |row| row.get(0),
        )
        .unwrap_or(None);
    let floor = std::cmp::max(std::cmp::max(largest, recorded), Some(0)).unwrap_or(0);
    if floor == i64::MAX {
        return;
    }
    let next: i64 = client
        .query_one(
            "SELECT nextval(pg_get_serial_sequence($1, $2))",
            &[&name, &column],
        )
        .expect("the sequence gives a value")
        .get(0);
    assert_eq!(next, floor + 1, "the next key of {table}");
}
