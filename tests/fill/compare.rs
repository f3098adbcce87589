//! Compares an SQLite file with tables of any types, without any code of Waybill: the server's own
//! input says what a source value is in the column's type.

use std::path::Path;

use postgres::Client;
use rusqlite::Connection;
use rusqlite::types::Value;

type Rows = Vec<Vec<Option<String>>>;

/// Fails unless every table of the file is in `public` with equal values in the columns it has.
pub(super) fn assert_filled(source: &Path, client: &mut Client) -> usize {
    let source = Connection::open(source).unwrap();
    client
        .batch_execute("SET TimeZone = 'UTC'; SET bytea_output = 'hex'; SET DateStyle = 'ISO'")
        .unwrap();
    let mut rows = 0;
    for table in tables(&source) {
        let columns = shared_columns(&source, client, &table);
        let mut expected = expected(&source, client, &table, &columns);
        let mut found = found(client, &table, &columns);
        expected.sort();
        found.sort();
        assert_eq!(expected.len(), found.len(), "rows of {table}");
        for (expected, found) in expected.iter().zip(&found) {
            assert_eq!(expected, found, "a row of {table}");
        }
        rows += found.len();
    }
    rows
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn tables(source: &Connection) -> Vec<String> {
    let sql =
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'virtual')
               AND name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY name";
    let mut statement = source.prepare(sql).unwrap();
    let names = statement.query_map([], |row| row.get(0)).unwrap();
    names.collect::<rusqlite::Result<_>>().unwrap()
}

/// Of the stored columns of the source: name, the target's name, and its type there.
fn shared_columns(
    source: &Connection,
    client: &mut Client,
    table: &str,
) -> Vec<(String, String, String)> {
    let sql = "SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0 ORDER BY cid";
    let mut statement = source.prepare(sql).unwrap();
    let names = statement.query_map([table], |row| row.get(0)).unwrap();
    let names: Vec<String> = names.collect::<rusqlite::Result<_>>().unwrap();
    let sql = "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
               WHERE relnamespace = 'public'::regnamespace AND lower(relname) = lower($1)
               AND lower(attname) = lower($2) AND attnum > 0";
    names
        .into_iter()
        .map(|name| {
            let row = client.query_one(sql, &[&table, &name]);
            let row = row.unwrap_or_else(|_| panic!("{table}.{name} is not in the target"));
            (name, row.get(0), row.get(1))
        })
        .collect()
}

fn expected(
    source: &Connection,
    client: &mut Client,
    table: &str,
    columns: &[(String, String, String)],
) -> Rows {
    let list: Vec<_> = columns.iter().map(|(name, ..)| quoted(name)).collect();
    let sql = format!("SELECT {} FROM {}", list.join(", "), quoted(table));
    let mut statement = source.prepare(&sql).unwrap();
    let mut cells: Vec<Vec<Option<String>>> = vec![Vec::new(); columns.len()];
    let mut rows = statement.query([]).unwrap();
    let mut count = 0;
    while let Some(row) = rows.next().unwrap() {
        count += 1;
        for (cell, cells) in cells.iter_mut().enumerate() {
            cells.push(text(&row.get(cell).unwrap()));
        }
    }
    let mut columns_read = Vec::new();
    for (cells, (.., kind)) in cells.iter().zip(columns) {
        let sql = format!(
            "SELECT x::{kind}::text FROM unnest($1::text[]) WITH ORDINALITY AS t(x, n) ORDER BY n"
        );
        let read = client.query(&sql, &[cells]).unwrap();
        columns_read.push(
            read.iter()
                .map(|row| row.get(0))
                .collect::<Vec<Option<String>>>(),
        );
    }
    let row = |row: usize| {
        columns_read
            .iter()
            .map(|cells| cells[row].clone())
            .collect()
    };
    (0..count).map(row).collect()
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Integer(integer) => Some(integer.to_string()),
        Value::Real(real) => Some(format!("{real:?}").replace("inf", "Infinity")),
        Value::Text(text) => Some(text.clone()),
        Value::Blob(bytes) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            Some(format!("\\x{hex}"))
        }
    }
}

fn found(client: &mut Client, table: &str, columns: &[(String, String, String)]) -> Rows {
    let list: Vec<_> = columns
        .iter()
        .map(|(_, name, _)| format!("{}::text", quoted(name)))
        .collect();
    let name: String = client
        .query_one(
            "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
             AND relkind IN ('r', 'p') AND lower(relname) = lower($1)",
            &[&table],
        )
        .unwrap()
        .get(0);
    let sql = format!("SELECT {} FROM {}", list.join(", "), quoted(&name));
    let rows = client.query(&sql, &[]).unwrap();
    rows.iter()
        .map(|row| (0..columns.len()).map(|cell| row.get(cell)).collect())
        .collect()
}
