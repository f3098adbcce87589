//! Columns of both databases, value by value; knows nothing of Waybill.

use postgres::Client;
use rusqlite::Connection;
use rusqlite::types::Value;

/// The values of a column by `id`.
pub(crate) fn read_sqlite(connection: &Connection, table: &str, column: &str) -> Vec<Value> {
    let sql = format!("SELECT \"{column}\" FROM \"{table}\" ORDER BY id");
    let mut statement = connection.prepare(&sql).expect("the column is there");
    let rows = statement.query_map([], |row| row.get(0)).expect("rows");
    rows.collect::<Result<_, _>>().expect("values")
}

/// Whether the column holds in PostgreSQL what it holds in SQLite.
pub(crate) fn assert_same_column(
    client: &mut Client,
    table: &str,
    column: &str,
    expected: &[Value],
) -> Result<(), String> {
    let sql = format!(
        "SELECT pg_typeof(\"{column}\")::text, \"{column}\"::text FROM \"{table}\" ORDER BY id"
    );
    let rows = client
        .query(&sql, &[])
        .map_err(|error| format!("{error:?}"))?;
    if rows.len() != expected.len() {
        return Err(format!("{} rows, not {}", rows.len(), expected.len()));
    }
    for (number, (row, expected)) in rows.iter().zip(expected).enumerate() {
        let (kind, found): (String, Option<String>) = (row.get(0), row.get(1));
        if !same(expected, &kind, found.as_deref()) {
            let row = number + 1;
            return Err(format!(
                "row {row}: SQLite {expected:?}, PostgreSQL {found:?} ({kind})"
            ));
        }
    }
    Ok(())
}

/// Whether a value that PostgreSQL prints is the one that SQLite has.
pub(crate) fn same(expected: &Value, kind: &str, found: Option<&str>) -> bool {
    let (expected, found) = match (expected, found) {
        (Value::Null, found) => return found.is_none(),
        (_, None) => return false,
        (expected, Some(found)) => (expected, found),
    };
    #[expect(
        clippy::cast_precision_loss,
        reason = "the comparison is between doubles"
    )]
    match (expected, kind) {
        (Value::Integer(integer), "boolean") => (*integer == 1) == (found == "true"),
        (Value::Integer(integer), "bigint") => found == integer.to_string(),
        (Value::Integer(integer), "double precision" | "numeric") => {
            found.parse() == Ok(*integer as f64)
        }
        (Value::Real(real), "double precision" | "numeric") => found.parse() == Ok(*real),
        (Value::Text(text), "text" | "date" | "uuid") => found == text,
        (Value::Blob(blob), "bytea") => {
            let hex: String = blob.iter().map(|byte| format!("{byte:02x}")).collect();
            found == format!("\\x{hex}")
        }
        // Zeros at the end of a fraction are not kept, as the types page says.
        (Value::Text(text), "timestamp without time zone") => {
            let plain = match text.split_once('.') {
                Some(_) => text.trim_end_matches('0').trim_end_matches('.'),
                None => text,
            };
            found == plain
        }
        (Value::Text(text), "jsonb") => {
            let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
            read(text) == read(found)
        }
        _ => false,
    }
}
