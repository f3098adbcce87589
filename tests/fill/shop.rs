//! The sample shop into the tables of an application.

use super::compare::assert_filled;
use super::desk::{Desk, findings};
use crate::support::postgres::servers;
use crate::support::program::{command, run};
use crate::support::samples::{sample, shop};
use std::process::Command;

const APP: &str = include_str!("app.sql");

#[test]
fn the_shop_fills_the_tables_that_migrations_have_made() {
    for server in servers() {
        let mut desk = Desk::new(server, APP, shop());
        let result = desk.fill(&[]).exits(0).json();
        assert_eq!(findings(&result, "error"), Vec::<String>::new());
        let notes = findings(&result, "note");
        assert!(
            notes.contains(&"target-interferes images 1: ".to_owned()),
            "{notes:?}"
        );
        assert_eq!(assert_filled(&desk.source.path, &mut desk.client), 11_324);
        desk.assert_tidy();
        // What the application adds is its own: defaults, computed columns, triggers.
        let own = "SELECT count(*), count(DISTINCT public_id), count(price_with_tax), count(notes) FROM products";
        assert_eq!(desk.ask(own), "400|400|400|0");
        assert_eq!(desk.ask("SELECT count(*) FROM journal"), "60");
        assert_eq!(
            desk.ask("SELECT version FROM schema_migrations"),
            "20240101000000"
        );
        let id = "SELECT count(DISTINCT id), min(id), max(id) FROM addresses";
        assert_eq!(desk.ask(id), "1043|1|1043");
    }
}

#[test]
fn sequences_go_on_behind_the_largest_number_and_behind_what_the_source_has_given() {
    for server in servers() {
        let mut desk = Desk::new(server, APP, shop());
        desk.fill(&[]).exits(0);
        for (sql, next) in [
            (
                "INSERT INTO categories (name) VALUES ('x') RETURNING id",
                "41",
            ),
            // The source had given 512 and lost the row since.
            ("SELECT nextval('products_id_seq')", "513"),
            // The application takes ten at a time.
            ("SELECT nextval('customers_id_seq')", "710"),
            ("SELECT nextval('addresses_id_seq')", "1044"),
        ] {
            assert_eq!(desk.ask(sql), next, "{sql}");
        }
        let deferrable = "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND condeferrable";
        assert_eq!(desk.ask(deferrable), "0", "constraints are as they were");
    }
}

#[test]
fn the_plan_names_the_types_of_the_target_and_writes_nothing() {
    let server = &servers()[0];
    let mut desk = Desk::new(server, APP, shop());
    let result = desk.fill(&["--plan"]).exits(0).json();
    let tables = result["tables"].as_array().unwrap().iter();
    let types: Vec<_> = tables
        .flat_map(|table| table["columns"].as_array().unwrap())
        .filter_map(|column| column["target_type"].as_str())
        .collect();
    for kind in [
        "integer",
        "character varying(255)",
        "public.order_status",
        "timestamp(0) without time zone",
    ] {
        assert!(types.contains(&kind), "{kind} is not in {types:?}");
    }
    assert_eq!(desk.ask("SELECT count(*) FROM orders"), "0");
}

#[test]
fn orphans_are_listed_before_a_table_is_touched() {
    for server in servers() {
        let mut desk = Desk::new(server, APP, shop());
        desk.client
            .batch_execute(
                "ALTER TABLE addresses ADD CONSTRAINT known FOREIGN KEY (customer_id) REFERENCES customers;
                 ALTER TABLE order_lines ADD CONSTRAINT sold FOREIGN KEY (product_id) REFERENCES products",
            )
            .unwrap();
        let result = desk.fill(&[]).exits(4).json();
        assert_eq!(
            findings(&result, "error"),
            [
                "foreign-key-orphan addresses customer_id 2: customer_id=9001, kind='home'",
                "foreign-key-orphan order_lines product_id 4: order_id=304, line_no=4",
            ]
        );
        assert_eq!(desk.ask("SELECT count(*) FROM customers"), "0");
        desk.assert_tidy();
    }
}

#[test]
fn structure_first_and_rows_later_give_the_same_database_as_one_import() {
    for server in servers() {
        let clean = sample("clean.db", |connection| {
            connection.execute_batch(
                "CREATE TABLE parent(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, at TIMESTAMP, flag BOOLEAN);
                 CREATE TABLE child(id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent(id), price DECIMAL(10,2), doc JSON, raw BLOB, real REAL);
                 INSERT INTO parent VALUES (1, 'one', '2024-01-02 03:04:05', 1), (7, 'seven', NULL, 0);
                 INSERT INTO child VALUES (1, 1, 7.5, '{\"a\": 1}', x'00ff', 0.1), (2, 7, 8, NULL, NULL, -0.0), (9, NULL, NULL, '[]', x'', 1e300);
                 UPDATE sqlite_sequence SET seq = 40;",
            )
        });
        let desk = Desk::new(server, "SELECT 1", clean);
        let whole = server.fresh_database();
        let import = |uri: &str, flag: &[&str]| {
            let mut import = command("waybill-import");
            import.args(flag).arg(&desk.archive).arg(uri);
            crate::support::program::Ran::of(import).exits(0);
        };
        import(&whole, &["-j1"]);
        let dump = |uri: &str, flags: &[&str]| {
            let ran = Command::new("pg_dump")
                .args(flags)
                .arg("-Nwaybill")
                .arg(uri)
                .output()
                .unwrap();
            (ran.status.success(), String::from_utf8(ran.stdout).unwrap())
        };
        if server.version > 15 {
            // The system's pg_dump is older than this server.
            continue;
        }
        let later = server.fresh_database();
        import(&later, &["-j1", "--schema-only"]);
        import(&later, &["-j1", "--data-only"]);
        let plain = |dump: String| -> Vec<String> {
            let lines = dump.lines().filter(|line| !line.starts_with('\\'));
            lines.map(str::to_owned).collect()
        };
        let (dumped, expected) = dump(&whole, &[]);
        assert!(dumped, "pg_dump reads the database");
        assert_eq!(plain(dump(&later, &[]).1), plain(expected));
    }
}

#[test]
fn a_file_of_sqlite_cannot_be_filled() {
    let desk = Desk::of_sql(&servers()[0], "SELECT 1", "CREATE TABLE t(a)");
    let ran = run(
        "waybill-import",
        [
            "--mode".as_ref(),
            "fill".as_ref(),
            desk.archive.as_os_str(),
            "sqlite:/tmp/none.db".as_ref(),
        ],
    );
    let ran = ran.exits(2);
    assert!(
        ran.stderr().contains("in PostgreSQL only"),
        "{}",
        ran.stderr()
    );
}
