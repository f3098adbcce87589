//! Compares two SQLite files without any code of Waybill: through rusqlite alone.

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use std::collections::BTreeSet;
use std::path::Path;

/// Opens a file for reading.
pub(crate) fn open(path: &Path) -> Connection {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    Connection::open_with_flags(path, flags)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Fails unless both files hold the same schema objects, pragmas and rows, storage classes included.
pub(crate) fn assert_same(source: &Path, copy: &Path) {
    assert_same_but(source, copy, &[]);
}

/// The same, but for the rows of some tables.
pub(crate) fn assert_same_but(source: &Path, copy: &Path, without: &[&str]) {
    let (source, copy) = (open(source), open(copy));
    assert_same_objects(&source, &copy, without);
    for pragma in [
        "encoding",
        "user_version",
        "application_id",
        "page_size",
        "auto_vacuum",
    ] {
        assert_eq!(
            pragma_text(&source, pragma),
            pragma_text(&copy, pragma),
            "PRAGMA {pragma}"
        );
    }
    assert_eq!(in_wal_mode(&source), in_wal_mode(&copy), "WAL mode");
    // Those of a virtual table that cannot be read are ordinary tables in a copy.
    let all: BTreeSet<String> = tables(&source).into_iter().chain(tables(&copy)).collect();
    for table in all {
        if without.contains(&table.as_str()) {
            continue;
        }
        let (expected, found) = (rows(&source, &table), rows(&copy, &table));
        assert_eq!(expected.len(), found.len(), "rows of {table}");
        for (number, (expected, found)) in expected.iter().zip(&found).enumerate() {
            assert_eq!(expected, found, "row {} of {table}", number + 1);
        }
        let (expected, found) = (stored_bytes(&source, &table), stored_bytes(&copy, &table));
        assert!(expected == found, "stored bytes of {table}");
    }
}

/// The bytes of each value as they are stored: what SQLite hands out of a UTF-16 file as text has
/// been through a conversion that mends what is not valid.
fn stored_bytes(connection: &Connection, table: &str) -> Vec<Vec<Option<Vec<u8>>>> {
    let literal = table.replace('\'', "''");
    let columns = names(
        connection,
        &format!("SELECT name FROM pragma_table_xinfo('{literal}') WHERE hidden <> 1 ORDER BY cid"),
    );
    let list: Vec<String> = columns
        .iter()
        .map(|name| format!("CAST(\"{}\" AS BLOB)", name.replace('"', "\"\"")))
        .collect();
    let quoted = table.replace('"', "\"\"");
    let sql = format!("SELECT {} FROM \"{quoted}\"", list.join(", "));
    let mut statement = connection.prepare(&sql).expect("a readable table");
    let rows = statement.query_map([], |row| {
        (0..columns.len()).map(|cell| row.get(cell)).collect()
    });
    let mut rows: Vec<_> = rows
        .expect("a readable table")
        .map(|row| row.expect("a readable row"))
        .collect();
    rows.sort();
    rows
}

type Objects = BTreeSet<(String, String, String, Option<String>)>;

/// Type, name, table and SQL of every object must be the same, but for what ANALYZE makes, what
/// belongs to a virtual table, and the tables of `without`.
fn assert_same_objects(source: &Connection, copy: &Connection, without: &[&str]) {
    let shadows = "SELECT name FROM pragma_table_list WHERE type = 'shadow'";
    let mut shadows = names(source, shadows);
    shadows.extend(without.iter().map(|table| (*table).to_owned()));
    let counted = |connection| -> Objects {
        let mut objects = objects(connection);
        objects.retain(|(_, _, table, _)| !shadows.contains(table));
        objects
    };
    assert_eq!(counted(source), counted(copy), "schema objects");
}

fn objects(connection: &Connection) -> Objects {
    let mut statement = connection
        .prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%'")
        .expect("the schema is readable");
    let rows = statement.query_map([], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    });
    rows.expect("the schema is readable")
        .map(|row| row.expect("a row of the schema"))
        .collect()
}

fn pragma_text(connection: &Connection, name: &str) -> String {
    connection
        .query_row(
            &format!("SELECT CAST(\"{name}\" AS TEXT) FROM pragma_{name}"),
            [],
            |row| row.get(0),
        )
        .expect("a pragma has a value")
}

fn in_wal_mode(connection: &Connection) -> bool {
    pragma_text(connection, "journal_mode") == "wal"
}

/// The tables with rows of their own: no views, no shadow tables; `sqlite_sequence` is one.
pub(crate) fn tables(connection: &Connection) -> Vec<String> {
    let sql =
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'virtual')
               AND name NOT LIKE 'sqlite_stat%' AND name <> 'sqlite_schema' ORDER BY name";
    names(connection, sql)
}

pub(crate) fn names(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).expect("a valid statement");
    let rows = statement
        .query_map([], |row| row.get(0))
        .expect("a readable table");
    rows.map(|name| name.expect("a name")).collect()
}

/// Every row as class and bytes of each value: rowid first where there is one, in its order.
fn rows(connection: &Connection, table: &str) -> Vec<Vec<(&'static str, Vec<u8>)>> {
    let quoted = table.replace('"', "\"\"");
    let with_rowid = format!("SELECT rowid, * FROM \"{quoted}\" ORDER BY rowid");
    let mut statement = match connection.prepare(&with_rowid) {
        Ok(statement) => statement,
        Err(_) => connection
            .prepare(&format!("SELECT * FROM \"{quoted}\""))
            .expect("a readable table"),
    };
    let width = statement.column_count();
    let mut rows = statement.query([]).expect("a readable table");
    let mut all = Vec::new();
    while let Some(row) = rows.next().expect("a readable row") {
        all.push(
            (0..width)
                .map(|cell| exact(row.get_ref(cell).expect("a cell")))
                .collect(),
        );
    }
    all
}

fn exact(value: ValueRef<'_>) -> (&'static str, Vec<u8>) {
    match value {
        ValueRef::Null => ("null", Vec::new()),
        ValueRef::Integer(integer) => ("integer", integer.to_be_bytes().to_vec()),
        ValueRef::Real(real) => ("real", real.to_bits().to_be_bytes().to_vec()),
        ValueRef::Text(text) => ("text", text.to_vec()),
        ValueRef::Blob(blob) => ("blob", blob.to_vec()),
    }
}
