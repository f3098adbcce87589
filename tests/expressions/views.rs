//! Views: what each shows in PostgreSQL is what it shows in SQLite.

use super::cases::{SHOWN, VIEWS};
use super::compare::same;
use super::{ROWS, imported};
use crate::support::postgres;
use ::postgres::Client;
use rusqlite::Connection;
use rusqlite::types::Value;
use waybill_common::fault::Code;
use waybill_common::report::Report;

/// The views that a report says are left out, with the reason.
pub(super) fn left_out(report: &Report, view: &str) -> Option<String> {
    let mut findings = report.findings.iter();
    let finding = findings.find(|finding| {
        finding.code == Code::StructureLeftOut && finding.place.table.as_deref() == Some(view)
    });
    finding.map(|finding| finding.message.clone())
}

pub(super) fn sqlite_rows(connection: &Connection, view: &str) -> Vec<Vec<Value>> {
    let sql = format!("SELECT * FROM \"{view}\"");
    let mut statement = connection.prepare(&sql).expect("the view is there");
    let width = statement.column_count();
    let rows = statement
        .query_map([], |row| (0..width).map(|column| row.get(column)).collect())
        .expect("rows");
    rows.collect::<Result<_, _>>().expect("values")
}

/// The rows of a view with the types of its columns, in the order in which the server gives them.
pub(super) fn postgres_rows(
    client: &mut Client,
    view: &str,
) -> Result<Vec<Vec<(String, Option<String>)>>, String> {
    let names: Vec<String> = client
        .query(
            "SELECT attname::text FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 ORDER BY attnum",
            &[&format!("\"{view}\"")],
        )
        .expect("the view is there")
        .iter()
        .map(|row| row.get(0))
        .collect();
    let list: Vec<String> = names
        .iter()
        .map(|name| name.replace('"', "\"\""))
        .map(|name| format!("pg_typeof(\"{name}\")::text, \"{name}\"::text"))
        .collect();
    let sql = format!("SELECT {} FROM \"{view}\"", list.join(", "));
    let rows = client
        .query(&sql, &[])
        .map_err(|error| format!("the view cannot be read: {error:?}"))?;
    let row = |row: &::postgres::Row| {
        (0..names.len())
            .map(|column| (row.get(column * 2), row.get(column * 2 + 1)))
            .collect()
    };
    Ok(rows.iter().map(row).collect())
}

/// Each row of the one must be a row of the other; in the same order where the view has one.
fn compare(
    connection: &Connection,
    client: &mut Client,
    view: &str,
    ordered: bool,
) -> Result<(), String> {
    let expected = sqlite_rows(connection, view);
    let mut found = postgres_rows(client, view)?;
    if expected.len() != found.len() {
        return Err(format!(
            "{} rows in SQLite, {} in PostgreSQL",
            expected.len(),
            found.len()
        ));
    }
    for row in expected {
        let equal = |found: &Vec<(String, Option<String>)>| {
            found.len() == row.len()
                && row
                    .iter()
                    .zip(found)
                    .all(|(value, (kind, found))| same(value, kind, found.as_deref()))
        };
        match found.iter().position(equal) {
            Some(position) if !ordered || position == 0 => {
                found.remove(position);
            }
            _ => {
                return Err(format!(
                    "row {row:?} is not where it should be; left are {:?}",
                    found.first()
                ));
            }
        }
    }
    Ok(())
}

/// Each expression as the one result of a view: also those that no computed column may have.
#[test]
fn a_view_shows_in_postgresql_what_it_shows_in_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = folder.path().join("views.db");
    let connection = Connection::open(&source).expect("a file");
    connection.execute_batch(ROWS).expect("rows");
    let shown = SHOWN
        .iter()
        .map(|expression| format!("SELECT id, {expression} AS x FROM v ORDER BY id"));
    let queries: Vec<String> = shown
        .chain(VIEWS.iter().map(|query| (*query).to_owned()))
        .collect();
    for (number, query) in queries.iter().enumerate() {
        connection
            .execute_batch(&format!("CREATE VIEW view{number} AS {query}"))
            .unwrap_or_else(|error| panic!("{query}: {error}"));
        drop(sqlite_rows(&connection, &format!("view{number}")));
    }
    for server in postgres::servers() {
        let (report, mut client) = imported(&source, server);
        let mut wrong = Vec::new();
        for (number, query) in queries.iter().enumerate() {
            let view = format!("view{number}");
            if let Some(reason) = left_out(&report, &view) {
                wrong.push(format!("{query}: {reason}"));
            } else if let Err(why) =
                compare(&connection, &mut client, &view, query.contains("ORDER BY"))
            {
                wrong.push(format!("{query}: {why}"));
            }
        }
        assert!(
            wrong.is_empty(),
            "{} of {}:\n{}",
            wrong.len(),
            queries.len(),
            wrong.join("\n")
        );
    }
}

/// Queries whose rows PostgreSQL might choose otherwise are left out, each with the reason.
#[test]
fn a_view_without_an_equal_query_is_left_out_with_the_reason() {
    let cases = [
        (
            "SELECT t, count(*) AS c FROM v",
            "neither in GROUP BY nor an aggregate",
        ),
        (
            "SELECT group_concat(t) AS c FROM v",
            "group_concat() has no translation",
        ),
        ("SELECT DISTINCT u FROM v", "another collation than BINARY"),
        ("SELECT i + 1 FROM v", "no name that is sure"),
        ("SELECT id, i AS id FROM v", "two columns of it are called"),
        ("SELECT (SELECT i FROM v) AS x", "may give several rows"),
        (
            "SELECT id FROM v EXCEPT SELECT i FROM v",
            "EXCEPT and INTERSECT",
        ),
        ("SELECT i FROM v UNION SELECT t FROM v", "in one case and"),
        (
            "WITH c AS (SELECT 1 AS a) SELECT a FROM c",
            "WITH has no translation",
        ),
        ("SELECT a.id FROM v AS a NATURAL JOIN v AS b", "NATURAL"),
        (
            "SELECT rank() OVER (ORDER BY id) AS x FROM v",
            "window function",
        ),
        (
            "SELECT id FROM v WHERE EXISTS (SELECT 1 FROM v AS w WHERE w.i = v.j)",
            "is no column here",
        ),
        (
            "SELECT value FROM json_each('[1]')",
            "table-valued function",
        ),
        ("SELECT rowid FROM v", "no counterpart"),
        (
            "SELECT json_extract(js, '$.a') AS x FROM v",
            "may be of any class",
        ),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    let source = folder.path().join("left_out.db");
    let connection = Connection::open(&source).expect("a file");
    connection
        .execute_batch(&ROWS.replace("id INTEGER PRIMARY KEY", "id INTEGER UNIQUE"))
        .expect("rows");
    for (number, (query, _)) in cases.iter().enumerate() {
        let sql = format!("CREATE VIEW view{number} AS {query}");
        connection
            .execute_batch(&sql)
            .unwrap_or_else(|error| panic!("{query}: {error}"));
    }
    let (report, _) = imported(&source, postgres::server());
    for (number, (query, reason)) in cases.iter().enumerate() {
        let found = left_out(&report, &format!("view{number}"));
        let found = found.unwrap_or_else(|| panic!("nothing is said of {query}"));
        assert!(found.contains(reason), "{query}: {found}");
    }
}

/// The databases of the wild that have views: all that can be translated are there.
#[test]
fn the_views_of_northwind_are_there_and_show_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = folder.path().join("northwind.db");
    let connection = Connection::open(&source).expect("a file");
    connection
        .execute_batch(NORTHWIND)
        .expect("a schema and its rows");
    let mut names = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'view'")
        .expect("the schema");
    let names: Vec<String> = names
        .query_map([], |row| row.get(0))
        .expect("rows")
        .collect::<Result<_, _>>()
        .expect("names");
    for server in postgres::servers() {
        let (report, mut client) = imported(&source, server);
        for name in &names {
            let compares_moments = ["Quarterly Orders"].contains(&name.as_str());
            match left_out(&report, name) {
                Some(reason) => assert!(
                    compares_moments && reason.contains("their spelling is not kept"),
                    "{name}: {reason}"
                ),
                None => compare(&connection, &mut client, name, false)
                    .unwrap_or_else(|why| panic!("{name}: {why}")),
            }
        }
    }
}

/// The shape of Northwind: its tables as far as its views read them, and a few rows.
const NORTHWIND: &str = include_str!("northwind.sql");
