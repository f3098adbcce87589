//! Columns of replaced tables keep their types where every value fits, so that what an application has
//! prepared, and its views, go on.

use crate::support::postgres::{drop_database, servers};
use crate::support::program::{Ran, command, run};
use rusqlite::Connection;
use std::path::Path;
use tempfile::TempDir;

/// What the application's own migrations have made.
const OLD: &str = "
    CREATE TABLE customers (id integer PRIMARY KEY, code varchar(8) NOT NULL, active boolean,
                            seen timestamp with time zone, balance numeric(10,2), note text,
                            score real, age smallint);
    CREATE TABLE orders (id integer PRIMARY KEY, customer integer REFERENCES customers, day text);
    INSERT INTO customers VALUES (1, 'old', true, now(), 1.50, 'x', 0.5, 7);
    INSERT INTO orders VALUES (1, 1, 'monday');
    CREATE VIEW open_orders AS SELECT o.id, c.code, c.age, o.day FROM orders o JOIN customers c ON c.id = customer";

const NEW: &str = "
    CREATE TABLE customers (id INTEGER PRIMARY KEY, code TEXT NOT NULL, active INTEGER, seen TEXT,
                            balance REAL, note TEXT, score REAL, age INTEGER);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers, day TEXT);
    INSERT INTO customers VALUES (1, 'a', 1, '2024-05-06 07:08:09+00:00', 12.25, 'n', 0.5, 40),
                                 (2, 'b', 0, '2024-05-06 07:08:10+00:00', 3.5, NULL, -0.25, 41);
    INSERT INTO orders VALUES (10, 1, '2024-05-06'), (11, 2, '2024-05-07');";

fn archive(folder: &TempDir, name: &str, sql: &str) -> std::path::PathBuf {
    let (database, archive) = (
        folder.path().join(format!("{name}.db")),
        folder.path().join(format!("{name}.waybill")),
    );
    let connection = Connection::open(&database).expect("a new file");
    connection.execute_batch(sql).expect("the statements run");
    drop(connection);
    run(
        "waybill-export",
        ["-q".as_ref(), database.as_os_str(), archive.as_os_str()],
    )
    .exits(0);
    archive
}

fn connect(uri: &str) -> postgres::Client {
    postgres::Client::connect(uri, postgres::NoTls).expect("a server")
}

fn replace(archive: &Path, uri: &str, flags: &[&str]) -> Ran {
    let mut import = command("waybill-import");
    import.args(["--mode", "replace", "--yes"]).args(flags);
    import.arg(archive).arg(uri);
    Ran::of(import)
}

fn types(client: &mut postgres::Client) -> Vec<String> {
    let query =
        "SELECT attrelid::regclass || '.' || attname || ' ' || format_type(atttypid, atttypmod)
                 FROM pg_attribute
                 WHERE attrelid IN ('customers'::regclass, 'orders'::regclass)
                   AND attnum > 0 AND NOT attisdropped
                 ORDER BY attrelid::regclass::text, attnum";
    let rows = client.query(query, &[]).expect("the tables are there");
    rows.iter().map(|row| row.get(0)).collect()
}

#[test]
fn columns_keep_the_types_of_the_tables_they_replace_where_every_value_fits() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let archive = archive(&folder, "new", NEW);
    for server in servers() {
        let uri = server.fresh_database();
        let mut client = connect(&uri);
        client.batch_execute(OLD).expect("an empty database");
        let old = types(&mut client);
        let prepared = client
            .prepare("SELECT id, code, age, day FROM open_orders ORDER BY 1")
            .expect("the view is there");
        let report = replace(&archive, &uri, &[]).exits(0).stdout();
        assert_eq!(types(&mut client), old, "{report}");
        let rows = client
            .query(&prepared, &[])
            .expect("what was prepared goes on");
        assert_eq!(rows[1].get::<_, i32>(0), 11);
        assert_eq!(rows[1].get::<_, i16>(2), 41);
        // The same again finds the same plan, and the rows equal.
        let again = replace(&archive, &uri, &[]).exits(0).stdout();
        assert!(again.contains("already imported"), "{again}");
        drop(client);
        drop_database(server, &uri);
    }
}

#[test]
fn a_column_whose_values_do_not_fit_becomes_what_they_are_and_says_so() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let sql = NEW
        .replace("40)", "40000)")
        .replace("'2024-05-07'", "'9 o''clock'");
    let archive = archive(&folder, "wide", &sql);
    for server in servers() {
        let uri = server.fresh_database();
        let mut client = connect(&uri);
        let old = OLD.replace(", c.age", "");
        client.batch_execute(&old).expect("an empty database");
        let report = replace(&archive, &uri, &["--json"]).exits(0).json();
        let types = types(&mut client);
        assert!(
            types.contains(&"customers.age bigint".to_owned()),
            "{types:?}"
        );
        assert!(
            types.contains(&"customers.id integer".to_owned()),
            "{types:?}"
        );
        let findings = report["findings"].as_array().expect("a list");
        let told = findings.iter().any(|finding| {
            let message = finding["message"].as_str().unwrap_or_default();
            finding["code"] == "recast"
                && finding["severity"] == "warning"
                && finding["object"]["column"] == "age"
                && message.contains("was smallint and becomes bigint")
                && message.contains("id=1")
        });
        assert!(told, "{findings:#?}");
        drop(client);
        drop_database(server, &uri);
    }
}

#[test]
fn a_mapping_file_goes_before_the_old_type() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let archive = archive(&folder, "new", NEW);
    let map = folder.path().join("m.toml");
    let text = "waybill-mapping = 1\n[tables.\"customers\".columns.\"score\"]\ntype = \"double precision\"\n";
    std::fs::write(&map, text).expect("a temporary file");
    let server = crate::support::postgres::server();
    let uri = server.fresh_database();
    let mut client = connect(&uri);
    client.batch_execute(OLD).expect("an empty database");
    replace(&archive, &uri, &["--map", map.to_str().expect("a path")]).exits(0);
    let types = types(&mut client);
    assert!(
        types.contains(&"customers.score double precision".to_owned()),
        "{types:?}"
    );
    assert!(
        types.contains(&"customers.age smallint".to_owned()),
        "{types:?}"
    );
    drop(client);
    drop_database(server, &uri);
}
