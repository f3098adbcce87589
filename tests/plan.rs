//! The plan as it is shown: every object with its fate and reason, and the SQL that will run.

use crate::support::compare_postgres;
use crate::support::postgres::{Server, fresh_database, programs_of_the_system, server};
use crate::support::program::{Ran, command, run};
use crate::support::samples::{self, Sample};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One object of each kind, with each fate.
fn ledger() -> Sample {
    samples::sample("ledger.db", |connection| {
        connection.execute_batch(
            "CREATE TABLE customers(
                 id INTEGER PRIMARY KEY AUTOINCREMENT,
                 name TEXT NOT NULL,
                 nick TEXT COLLATE NOCASE,
                 born DATE NOT NULL DEFAULT 'it''s',
                 made TEXT DEFAULT CURRENT_TIMESTAMP,
                 active BOOLEAN,
                 UNIQUE (name, born)
             );
             CREATE TABLE orders(
                 customer INT REFERENCES customers(id),
                 line INT,
                 noted TEXT,
                 PRIMARY KEY (customer, line)
             );
             CREATE INDEX by_noted ON orders(noted DESC);
             CREATE INDEX by_line ON orders(printf('%5d', line));
             CREATE TRIGGER forget AFTER DELETE ON orders BEGIN DELETE FROM customers; END;
             CREATE VIEW loyal AS SELECT * FROM customers GROUP BY nick;
             INSERT INTO customers VALUES
                 (1, 'a', 'b', '2024-01-01', '2024-01-01 10:00:00', 1),
                 (2, 'c', 'd', 'unknown', '2024-01-01 10:00:00', 2);
             INSERT INTO orders VALUES (1, 1, '2024-01-01'), (1, 2, ''), (7, 2, '');",
        )
    })
}

fn archived(sample: &Sample) -> PathBuf {
    let archive = sample.path.with_extension("archive");
    run("waybill-export", [&sample.path, &archive]).exits(0);
    archive
}

fn analyzed(sample: &Sample) -> Value {
    let arguments = ["--json".as_ref(), sample.path.as_os_str()];
    run("waybill-analyze", arguments).exits(0).json()
}

/// `kind name: fate` of all objects of a list.
fn fates(objects: &Value) -> Vec<String> {
    let text = |object: &Value, key: &str| object[key].as_str().expect("a string").to_owned();
    let objects = objects.as_array().expect("a list").iter();
    objects
        .map(|object| {
            let (kind, name) = (text(object, "kind"), text(object, "name"));
            format!("{kind} {name}: {}", text(object, "fate"))
        })
        .collect()
}

#[test]
fn every_object_has_its_fate_and_what_is_not_carried_a_reason() {
    let result = analyzed(&ledger());
    assert_eq!(
        fates(&result["tables"][0]["objects"]),
        [
            "sequence id: carried",
            "not-null name: carried",
            "collation nick NOCASE: left-out",
            "not-null born: carried",
            "default born: carried",
            "default made: translated",
            "primary-key (id): carried",
            "unique (name, born): carried",
        ]
    );
    assert_eq!(
        fates(&result["tables"][1]["objects"]),
        [
            "not-null customer: added",
            "not-null line: added",
            "primary-key (customer, line): carried",
            "index by_noted: carried",
            "index by_line: left-out",
            "foreign-key (customer) to customers (id): weakened",
            "trigger forget: left-out",
        ]
    );
    assert_eq!(fates(&result["objects"]), ["view loyal: left-out"]);
    let tables = result["tables"].as_array().expect("tables").iter();
    let lists = tables
        .map(|table| &table["objects"])
        .chain([&result["objects"]]);
    for object in lists.flat_map(|list| list.as_array().expect("a list")) {
        let kept = object["fate"] == "carried" || object["fate"] == "translated";
        assert_eq!(object.get("reasons").is_none(), kept, "{object:#}");
        assert_eq!(
            object.get("sql").is_some(),
            object["fate"] != "left-out",
            "{object:#}"
        );
    }
    let reasons = &result["tables"][1]["objects"][5]["reasons"];
    assert!(
        reasons[0]
            .as_str()
            .expect("a reason")
            .contains("1 row has no parent"),
        "{reasons}"
    );
}

#[test]
fn a_column_shows_the_types_it_does_not_get_and_the_first_row_against() {
    let result = analyzed(&ledger());
    let columns = result["tables"][0]["columns"].as_array().expect("columns");
    let named = |name: &str| {
        columns
            .iter()
            .find(|column| column["name"] == name)
            .expect("there")
    };
    assert_eq!(named("born")["target_type"], "text");
    assert_eq!(
        named("born")["rejected"],
        serde_json::json!([{"type": "date", "reason": "1 value is not a day, first at id=2"}])
    );
    assert_eq!(named("active")["target_type"], "bigint");
    assert_eq!(
        named("active")["rejected"],
        serde_json::json!([{"type": "boolean", "reason": "1 value is not 0 or 1, first at id=2"}])
    );
    assert_eq!(
        named("made")["reason"],
        "every text is a moment without offset"
    );
}

#[test]
fn the_plan_can_be_read_on_a_hundred_columns() {
    let sample = ledger();
    let archive = archived(&sample);
    let uri = fresh_database();
    let plan = |more: &[&str]| {
        let mut import = command("waybill-import");
        import.arg("--plan").args(more).arg(&archive).arg(&uri);
        Ran::of(import).exits(0).stdout()
    };
    let text = plan(&[]);
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines: Vec<_> = text.lines().map(words).collect();
    for line in [
        "active BOOLEAN bigint 2 integers (1 to 2); looks like mostly 0 or 1",
        "not boolean: 1 value is not 0 or 1, first at id=2",
        "not null name, born carried",
        "default made translated",
        "DEFAULT date_trunc('second', now() AT TIME ZONE 'UTC')",
        "primary key (id) carried",
    ] {
        assert!(lines.iter().any(|shown| shown == line), "{line}:\n{text}");
    }
    assert!(
        !text.contains("ADD CONSTRAINT \"customers_pkey\""),
        "{text}"
    );
    // Where the target is stands on one line, however long.
    let long = text
        .lines()
        .take_while(|line| !line.starts_with("would import"))
        .find(|line| line.trim_end().chars().count() > 100);
    assert_eq!(long, None, "{text}");
    assert!(plan(&["-v"]).contains("CREATE UNIQUE INDEX \"customers_pkey\""));
}

/// All structure of a schema, as pg_dump prints it.
fn dumped(server: &Server, uri: &str) -> String {
    let program = if server.version == 0 {
        PathBuf::from("pg_dump")
    } else {
        programs_of_the_system().join("pg_dump")
    };
    let output = Command::new(program)
        .args(["--schema-only", "--no-owner", "--restrict-key=none"])
        .arg(uri)
        .output()
        .expect("pg_dump runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("text")
}

/// The name of a table in the target, as SQL.
fn quoted(table: &Value) -> String {
    let name = table["target_name"].as_str().expect("a name");
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The statements of a result, in an order in which they can run: tables, then keys and indexes and
/// sequences, then foreign keys.
fn statements(result: &Value) -> Vec<String> {
    let tables = result["tables"].as_array().expect("tables");
    let mut statements: Vec<String> = Vec::new();
    let mut last = Vec::new();
    for table in tables {
        statements.extend(table["sql"].as_str().map(str::to_owned));
        statements.push(format!(
            "ALTER TABLE {} RESET (autovacuum_enabled, toast.autovacuum_enabled)",
            quoted(table)
        ));
    }
    for object in tables
        .iter()
        .filter_map(|table| table["objects"].as_array())
        .flatten()
    {
        let sql = object["sql"].as_array().into_iter().flatten();
        let sql = sql.map(|sql| sql.as_str().expect("SQL").to_owned());
        match object["kind"].as_str() {
            // Clauses of CREATE TABLE.
            Some("default" | "not-null" | "computed-column") => {}
            Some("foreign-key") => last.extend(sql),
            _ => statements.extend(sql),
        }
    }
    statements.extend(last);
    // Views, now that what they read is there.
    let views = result["objects"].as_array().into_iter().flatten();
    let views = views.filter_map(|view| view["sql"].as_array()).flatten();
    statements.extend(views.map(|sql| sql.as_str().expect("SQL").to_owned()));
    statements
}

fn assert_shown_is_what_runs(sample: &Sample) {
    let archive = archived(sample);
    let shown = run(
        "waybill-analyze",
        ["--json".as_ref(), sample.path.as_os_str()],
    )
    .exits(0);
    let (by_hand, imported) = (fresh_database(), fresh_database());
    let mut client = postgres::Client::connect(&by_hand, postgres::NoTls).expect("a server");
    for statement in statements(&shown.json()) {
        client
            .batch_execute(&statement)
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    run("waybill-import", [archive.as_os_str(), imported.as_ref()]).exits(0);
    assert_eq!(dumped(server(), &by_hand), dumped(server(), &imported));
}

#[test]
fn the_sql_shown_makes_what_the_import_makes() {
    assert_shown_is_what_runs(&ledger());
    assert_shown_is_what_runs(&samples::shop());
}

#[test]
fn only_the_schema_is_all_structure_and_no_rows_in_postgresql() {
    let sample = samples::shop();
    let archive = archived(&sample);
    let (empty, full) = (fresh_database(), fresh_database());
    let mut import = command("waybill-import");
    import
        .args(["--json", "--schema-only"])
        .arg(&archive)
        .arg(&empty);
    let result = Ran::of(import).exits(0).json();
    assert_eq!(result["totals"]["rows"], 0);
    run("waybill-import", [archive.as_os_str(), full.as_ref()]).exits(0);
    assert_eq!(dumped(server(), &empty), dumped(server(), &full));
    let mut client = postgres::Client::connect(&empty, postgres::NoTls).expect("a server");
    let tables = result["tables"].as_array().expect("tables");
    assert_eq!(tables.len(), 19);
    for table in tables {
        let name = quoted(table);
        let rows: i64 = client
            .query_one(&format!("SELECT count(*) FROM {name}"), &[])
            .expect("it is there")
            .get(0);
        assert_eq!(rows, 0, "{name}");
    }
    // A new row gets the number after the largest of the archive.
    let next: i64 = client
        .query_one(
            "SELECT nextval(pg_get_serial_sequence('orders', 'id'))",
            &[],
        )
        .expect("a sequence")
        .get(0);
    assert_eq!(next, 1601);
}

fn sqlite(path: &Path, query: &str) -> Vec<String> {
    let connection = rusqlite::Connection::open(path).expect("it is there");
    let mut statement = connection.prepare(query).expect("SQL");
    let rows = statement
        .query_map([], |row| row.get::<_, String>(0))
        .expect("rows");
    rows.map(|row| row.expect("a row")).collect()
}

#[test]
fn only_the_schema_is_all_structure_and_no_rows_in_sqlite() {
    let sample = ledger();
    let archive = archived(&sample);
    let copy = sample.path.with_extension("copy");
    let target = format!("sqlite:{}", copy.display());
    let arguments = [
        "--schema-only".as_ref(),
        archive.as_os_str(),
        target.as_ref(),
    ];
    let ran = run("waybill-import", arguments).exits(0);
    let said = ran.stdout();
    assert!(
        said.contains("imported the structure of 2 tables, no rows, into "),
        "{said}"
    );
    let objects =
        "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema ORDER BY 1";
    assert_eq!(sqlite(&copy, objects), sqlite(&sample.path, objects));
    let sequence = "SELECT name || seq FROM sqlite_sequence";
    assert_eq!(sqlite(&copy, sequence), ["customers2"]);
    for table in ["customers", "orders"] {
        let rows = format!("SELECT count(*) || '' FROM {table}");
        assert_eq!(sqlite(&copy, &rows), ["0"], "{table}");
    }
}

#[test]
fn structure_alone_and_rows_alone_exclude_each_other() {
    for more in [&["--data-only"][..], &["--mode", "fill"]] {
        let mut import = command("waybill-import");
        import.arg("--schema-only").args(more);
        import.args(["a.waybill", "postgresql://localhost/x"]);
        Ran::of(import).exits(2);
    }
}

/// As with pg_dump: first the structure, then the rows.
#[test]
fn structure_and_then_rows_are_all_of_it() {
    let sample = samples::sample("family.db", |connection| {
        connection.execute_batch(
            "CREATE TABLE parent(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, at DATE);
             CREATE TABLE child(id INTEGER PRIMARY KEY, of INT NOT NULL REFERENCES parent(id));
             INSERT INTO parent VALUES (3, 'a', '2024-01-01'), (9, 'b', NULL);
             INSERT INTO child VALUES (1, 9), (2, 3), (3, 9);",
        )
    });
    let archive = archived(&sample);
    let uri = fresh_database();
    for (what, exit) in [("--data-only", 4), ("--schema-only", 0), ("--data-only", 0)] {
        let mut import = command("waybill-import");
        import.args(["-q", what]).arg(&archive).arg(&uri);
        Ran::of(import).exits(exit);
    }
    let mut client = postgres::Client::connect(&uri, postgres::NoTls).expect("a server");
    compare_postgres::assert_same(&sample.path, &mut client, "public");
}

#[test]
fn a_damaged_archive_gives_no_schema_either() {
    let sample = ledger();
    let archive = archived(&sample);
    let mut bytes = std::fs::read(&archive).expect("an archive");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    std::fs::write(&archive, bytes).expect("ours");
    let copy = sample.path.with_extension("copy");
    let target = format!("sqlite:{}", copy.display());
    let arguments = [
        "--schema-only".as_ref(),
        archive.as_os_str(),
        target.as_ref(),
    ];
    run("waybill-import", arguments).exits(4);
    assert!(!copy.exists());
}

#[test]
fn a_warning_ends_an_import_with_3_only_where_that_is_asked_for() {
    let sample = ledger();
    let archive = archived(&sample);
    for (more, exit) in [(&[][..], 0), (&["--fail-on", "warning"][..], 3)] {
        for target in [&["--plan"][..], &[]] {
            let mut import = command("waybill-import");
            import
                .args(more)
                .args(target)
                .arg(&archive)
                .arg(fresh_database());
            Ran::of(import).exits(exit);
        }
        let mut analyze = command("waybill-analyze");
        analyze.args(more).arg(&sample.path);
        Ran::of(analyze).exits(exit);
    }
}
