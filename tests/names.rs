//! Names that PostgreSQL does not take as they are, and folded names: by the real programs, into
//! every server there is to test against.

use crate::support::postgres;
use crate::support::program::run;
use ::postgres::{Client, NoTls};
use rusqlite::Connection;
use serde_json::Value;
use std::path::Path;

/// Exports what `sql` makes and imports it; gives the result of the import.
fn carry(folder: &Path, sql: &str, uri: &str, flags: &[&str]) -> Value {
    let (source, archive) = (folder.join("s.db"), folder.join("a.waybill"));
    let database = Connection::open(&source).expect("a new file");
    database.execute_batch(sql).expect("the SQL is valid");
    drop(database);
    run("waybill-export", [source.as_os_str(), archive.as_os_str()]).exits(0);
    let mut arguments = vec!["--json", archive.to_str().expect("a plain path"), uri];
    arguments.extend(flags);
    let result = run("waybill-import", arguments).exits(0).json();
    std::fs::remove_file(source).expect("it is there");
    std::fs::remove_file(archive).expect("it is there");
    result
}

fn changed(result: &Value) -> Vec<(&str, &str)> {
    let findings = result["findings"].as_array().expect("a list");
    findings
        .iter()
        .filter(|finding| finding["code"] == "name-changed")
        .map(|finding| {
            let text = |key: &str| finding[key].as_str().expect("a text");
            (text("severity"), text("message"))
        })
        .collect()
}

fn ask(client: &mut Client, sql: &str) -> Vec<String> {
    let rows = client.query(sql, &[]).expect("the query is valid");
    rows.iter().map(|row| row.get(0)).collect()
}

const COLUMNS: &str = "SELECT attname::text FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid \
     WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 ORDER BY relname, attnum";

#[test]
fn names_that_postgresql_does_not_take_are_changed_and_every_row_arrives() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let long = "ü".repeat(40);
    let sql = format!(
        "CREATE TABLE \"{long}\" (ctid INTEGER, \"\" TEXT, \"select\" TEXT, \"{long}\" REAL, \"{long}x\" REAL);
         INSERT INTO \"{long}\" VALUES (1, 'a', 'b', 1.5, 2.5);
         CREATE INDEX \"{long}i\" ON \"{long}\" (\"\", ctid);
         CREATE TABLE \"{long}2\" (id INTEGER PRIMARY KEY, xmin TEXT UNIQUE);
         INSERT INTO \"{long}2\" VALUES (7, 'c')"
    );
    for server in postgres::servers() {
        let uri = server.fresh_database();
        let result = carry(folder.path(), &sql, &uri, &[]);
        let changed = changed(&result);
        assert_eq!(changed.len(), 8, "{changed:?}");
        let mut client = Client::connect(&uri, NoTls).expect("the server answers");
        let (table, second) = ("ü".repeat(31), format!("{}_1", "ü".repeat(30)));
        assert_eq!(
            ask(&mut client, COLUMNS),
            [
                "id", "xmin_1", "ctid_1", "unnamed", "select", &table, &second
            ]
        );
        let row = format!(
            "SELECT concat_ws('|', ctid_1, unnamed, \"select\", \"{table}\", \"{second}\") FROM \"{table}\""
        );
        assert_eq!(ask(&mut client, &row), ["1|a|b|1.5|2.5"]);
        let row = format!("SELECT concat_ws('|', id, xmin_1) FROM \"{second}\"");
        assert_eq!(ask(&mut client, &row), ["7|c"]);
    }
}

#[test]
fn folded_names_need_no_quotes_and_the_report_has_both() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let sql = "CREATE TABLE \"Order Details\" (OrderID INTEGER PRIMARY KEY, \"Unit Price\" REAL, Order_ID TEXT);
        INSERT INTO \"Order Details\" VALUES (1, 9.5, 'x');
        CREATE TABLE Notes (NoteID INTEGER PRIMARY KEY, OrderID INTEGER REFERENCES \"Order Details\");
        INSERT INTO Notes VALUES (1, 1);
        CREATE INDEX NotesByOrder ON Notes (OrderID)";
    for server in postgres::servers() {
        let uri = server.fresh_database();
        let result = carry(folder.path(), sql, &uri, &["--names", "fold"]);
        assert_eq!(
            changed(&result),
            [
                (
                    "note",
                    "names of the table and its columns are folded to lower case"
                ),
                (
                    "note",
                    "names of the table and its columns are folded to lower case"
                ),
                (
                    "warning",
                    "the column `Order_ID` becomes `order_id_1`: its name is taken"
                ),
            ]
        );
        let table = &result["tables"][0];
        assert_eq!(
            (&table["name"], &table["target_name"]),
            (&"Order Details".into(), &"order_details".into())
        );
        let column = &table["columns"][1];
        assert_eq!(
            (&column["name"], &column["target_name"]),
            (&"Unit Price".into(), &"unit_price".into())
        );
        let mut client = Client::connect(&uri, NoTls).expect("the server answers");
        let joined = "SELECT concat_ws('|', d.order_id, unit_price, order_id_1, note_id, n.order_id) \
                      FROM order_details d JOIN notes n ON n.order_id = d.order_id";
        assert_eq!(ask(&mut client, joined), ["1|9.5|x|1|1"]);
        let made = "SELECT relname::text FROM pg_class WHERE relname LIKE 'notes%' ORDER BY 1";
        assert_eq!(
            ask(&mut client, made),
            ["notes", "notes_by_order", "notes_note_id_seq", "notes_pkey"]
        );
    }
}
