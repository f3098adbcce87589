//! What becomes of each row, by policy.

use super::counts;
use crate::fill::desk::{Desk, findings};
use crate::support::postgres::servers;

const SOURCE: &str = "CREATE TABLE customer(id INTEGER PRIMARY KEY, name TEXT);
    INSERT INTO customer VALUES (1, 'same'), (2, 'archive'), (3, 'new');
    CREATE TABLE orders(id INTEGER PRIMARY KEY, customer INTEGER, total REAL);
    INSERT INTO orders VALUES (10, 1, 1.5), (11, 3, 2.5), (12, 4, 3.5);";
const TARGET: &str = "CREATE TABLE customer(id serial PRIMARY KEY, name text, seen integer DEFAULT 7);
    INSERT INTO customer VALUES (1, 'same', 1), (2, 'target', 2), (4, 'only here', 4);
    SELECT setval('customer_id_seq', 900);
    CREATE TABLE orders(id integer PRIMARY KEY, customer integer NOT NULL REFERENCES customer, total float8);
    INSERT INTO orders VALUES (10, 1, 1.5), (99, 4, 9);";
const CUSTOMERS: &str = "SELECT id, name, seen FROM customer ORDER BY id";
const ORDERS: &str = "SELECT id, customer, total FROM orders ORDER BY id";

#[test]
fn fail_names_the_rows_and_changes_nothing() {
    for server in servers() {
        let mut desk = Desk::of_sql(server, TARGET, SOURCE);
        let before = (desk.ask(CUSTOMERS), desk.ask(ORDERS));
        let result = desk.merge(&[]).exits(4).json();
        assert_eq!(
            findings(&result, "error"),
            ["merge-conflict customer 1: id=2"]
        );
        assert_eq!((desk.ask(CUSTOMERS), desk.ask(ORDERS)), before);
        desk.assert_tidy();
    }
}

#[test]
fn skip_keeps_the_rows_of_the_target_and_counts_them() {
    for server in servers() {
        let mut desk = Desk::of_sql(server, TARGET, SOURCE);
        let result = desk.merge(&["--on-conflict", "skip"]).exits(0).json();
        assert_eq!(counts(&result, Some("customer")), "1 0 1 1");
        assert_eq!(counts(&result, Some("orders")), "2 0 1 0");
        assert_eq!(counts(&result, None), "3 0 2 1");
        assert_eq!(
            findings(&result, "warning"),
            ["merge-conflict customer 1: id=2"]
        );
        assert_eq!(
            desk.ask(CUSTOMERS),
            "1|same|1\n2|target|2\n3|new|7\n4|only here|4"
        );
        assert_eq!(desk.ask(ORDERS), "10|1|1.5\n11|3|2.5\n12|4|3.5\n99|4|9");
        let again = desk.merge(&["--on-conflict", "skip"]).exits(0).json();
        assert_eq!(counts(&again, None), "0 0 5 1");
        desk.assert_tidy();
    }
}

#[test]
fn update_gives_rows_the_values_of_the_archive_and_a_second_merge_changes_nothing() {
    for server in servers() {
        let mut desk = Desk::of_sql(server, TARGET, SOURCE);
        let update = ["--on-conflict", "update"];
        let result = desk.merge(&update).exits(0).json();
        // What holds the locks was counted to the phase before it.
        let mut phases = result["phases"].as_array().unwrap().iter();
        assert!(phases.any(|phase| phase["name"] == "writing rows"));
        assert_eq!(counts(&result, Some("customer")), "1 1 1 0");
        assert_eq!(counts(&result, None), "3 1 2 0");
        assert_eq!(findings(&result, "warning"), Vec::<String>::new());
        // What only the target has stays: rows, and columns of rows.
        assert_eq!(
            desk.ask(CUSTOMERS),
            "1|same|1\n2|archive|2\n3|new|7\n4|only here|4"
        );
        assert_eq!(desk.ask("SELECT nextval('customer_id_seq')"), "901");
        let versions = "SELECT string_agg(xmin::text || ctid::text, ',') FROM customer";
        let before = desk.ask(versions);
        let backups = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'waybill\\_backup%'";
        assert_eq!(desk.ask(backups), "1");
        let again = desk.merge(&update).exits(0).json();
        assert_eq!(counts(&again, None), "0 0 6 0");
        assert_eq!(desk.ask(versions), before, "not one row was touched");
        assert_eq!(desk.ask(backups), "1", "nothing to keep, no backup");
        let runs = "SELECT mode, state, backup_schema IS NOT NULL FROM waybill.runs ORDER BY run";
        assert_eq!(desk.ask(runs), "merge|done|t\nmerge|done|f");
        desk.assert_tidy();
    }
}

#[test]
fn the_text_says_what_was_done_and_that_nothing_was() {
    let mut desk = Desk::of_sql(&servers()[0], TARGET, SOURCE);
    let text = || {
        let mut import = crate::support::program::command("waybill-import");
        import.args(["--mode", "merge", "--on-conflict", "update"]);
        import.arg(&desk.archive).arg(&desk.uri);
        let ran = crate::support::program::Ran::of(import).exits(0);
        ran.stdout()
            .lines()
            .take(3)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let first = text();
    assert_eq!(
        first[0],
        "customer: 1 inserted, 1 updated, 1 unchanged, 0 skipped"
    );
    assert!(first[2].starts_with("merged 2 tables, 6 rows"), "{first:?}");
    let second = text();
    assert!(second[2].starts_with("nothing to merge: "), "{second:?}");
    assert!(
        second[2].ends_with("0 inserted, 0 updated, 6 unchanged, 0 skipped"),
        "{second:?}"
    );
    desk.assert_tidy();
}

#[test]
fn what_an_undo_needs_is_kept_as_it_was() {
    for server in servers() {
        let mut desk = Desk::of_sql(
            server,
            "CREATE DOMAIN must AS text NOT NULL;
             CREATE TABLE customer(id integer PRIMARY KEY, name must, waybill_action text, twice integer GENERATED ALWAYS AS (id * 2) STORED);
             INSERT INTO customer VALUES (1, 'same', 'a'), (2, 'target', 'b');",
            "CREATE TABLE customer(id INTEGER PRIMARY KEY, name TEXT);
             INSERT INTO customer VALUES (1, 'same'), (2, 'archive'), (3, 'new')",
        );
        desk.merge(&["--on-conflict", "update"]).exits(0);
        let backup = desk.ask("SELECT backup_schema FROM waybill.runs");
        let run = desk.ask("SELECT run FROM waybill.runs");
        assert_eq!(backup, format!("waybill_backup_{run}"));
        let images = format!(
            "SELECT waybill_action_, id, name, waybill_action, twice FROM {backup}.customer ORDER BY id"
        );
        assert_eq!(desk.ask(&images), "updated|2|target|b|4\ninserted|3|~|~|~");
    }
}

#[test]
fn empty_tables_and_cycles_of_foreign_keys_are_merged() {
    for server in servers() {
        let mut desk = Desk::of_sql(
            server,
            "CREATE TABLE unit(id integer PRIMARY KEY, chief integer, part_of integer REFERENCES unit);
             CREATE TABLE person(id integer PRIMARY KEY, unit integer NOT NULL REFERENCES unit);
             ALTER TABLE unit ADD FOREIGN KEY (chief) REFERENCES person;",
            "CREATE TABLE unit(id INTEGER PRIMARY KEY, chief INTEGER, part_of INTEGER);
             CREATE TABLE person(id INTEGER PRIMARY KEY, unit INTEGER);
             INSERT INTO unit VALUES (1, 1, 2), (2, 2, NULL); INSERT INTO person VALUES (1, 1), (2, 2);",
        );
        let update = ["--on-conflict", "update"];
        let result = desk.merge(&update).exits(0).json();
        assert_eq!(counts(&result, None), "4 0 0 0");
        desk.client
            .batch_execute("UPDATE unit SET chief = 1, part_of = NULL")
            .unwrap();
        let result = desk.merge(&update).exits(0).json();
        assert_eq!(counts(&result, None), "0 2 2 0");
        let state = "SELECT id, chief, part_of FROM unit ORDER BY id";
        assert_eq!(desk.ask(state), "1|1|2\n2|2|~");
        let deferrable = "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND condeferrable";
        assert_eq!(desk.ask(deferrable), "0", "constraints are as they were");
    }
}
