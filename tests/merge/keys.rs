//! By which key rows are found, and what other keys of the target say.

use super::counts;
use crate::fill::desk::{Desk, findings};
use crate::support::postgres::servers;

const UPDATE: [&str; 2] = ["--on-conflict", "update"];

fn refused(migrations: &str, source: &str, arguments: &[&str], expected: &[&str]) {
    for server in servers() {
        let mut desk = Desk::of_sql(server, migrations, source);
        let result = desk.merge(arguments).exits(4).json();
        assert_eq!(findings(&result, "error"), expected);
        desk.assert_tidy();
    }
}

#[test]
fn a_table_without_a_key_to_find_rows_by_is_refused_before_the_first_write() {
    let source = "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b INTEGER); INSERT INTO t VALUES (1, 1, 1)";
    let one = |table: &str, keys: &[&str], expected: &str| {
        let ask = ["--on-key", keys.first().unwrap_or(&"")];
        let arguments = if keys.is_empty() { &ask[..0] } else { &ask[..] };
        refused(table, source, arguments, &[expected]);
    };
    one(
        "CREATE TABLE t(id bigint, a integer, b integer)",
        &[],
        "merge-key-missing t 1: ",
    );
    one(
        "CREATE TABLE t(id bigint PRIMARY KEY, a integer, b integer)",
        &["a"],
        "merge-key-missing t 1: ",
    );
    one(
        "CREATE TABLE t(id bigint PRIMARY KEY, a integer UNIQUE DEFERRABLE, b integer)",
        &["t=a"],
        "merge-key-missing t 1: ",
    );
    one(
        "CREATE TABLE t(id bigint PRIMARY KEY, a integer, b integer); CREATE UNIQUE INDEX ON t(a) WHERE b > 0",
        &["a"],
        "merge-key-missing t 1: ",
    );
    one(
        "CREATE TABLE t(id bigint PRIMARY KEY, a integer, b integer); CREATE UNIQUE INDEX ON t((a + 1))",
        &["a"],
        "merge-key-missing t 1: ",
    );
    one(
        "CREATE TABLE t(id bigint UNIQUE, a integer, b integer, tenant integer DEFAULT 1, PRIMARY KEY (tenant, id))",
        &[],
        "merge-key-missing t tenant 1: ",
    );
}

#[test]
fn a_key_for_a_table_that_is_not_merged_and_a_policy_for_another_mode_are_mistakes() {
    let desk = Desk::of_sql(
        &servers()[0],
        "CREATE TABLE t(id integer PRIMARY KEY); CREATE TABLE u(id integer PRIMARY KEY)",
        "CREATE TABLE t(id INTEGER PRIMARY KEY); CREATE TABLE u(id INTEGER PRIMARY KEY)",
    );
    for arguments in [
        ["--on-key", "gone=id"],
        ["--on-key", "id"],
        ["--on-key", "t="],
    ] {
        desk.merge(&arguments).exits(2);
    }
    // It was the last one that counted, in silence.
    desk.merge(&["--on-key", "t=id", "--on-key", "t=id"])
        .exits(2);
    desk.fill(&UPDATE).exits(2);
}

#[test]
fn a_named_key_of_several_columns_finds_rows_in_any_order_of_its_columns() {
    for server in servers() {
        let mut desk = Desk::of_sql(
            server,
            "CREATE TABLE line(id serial PRIMARY KEY, orders integer NOT NULL, number integer NOT NULL, note text, UNIQUE (orders, number));
             INSERT INTO line(orders, number, note) VALUES (1, 1, 'old'), (1, 2, 'kept'), (2, 1, 'other');",
            "CREATE TABLE line(orders INTEGER, number INTEGER, note TEXT, PRIMARY KEY (orders, number));
             INSERT INTO line VALUES (1, 1, 'new'), (1, 2, 'kept'), (2, 2, 'added');",
        );
        let by = ["--on-key", "line=number,Orders", "--on-conflict", "update"];
        let result = desk.merge(&by).exits(0).json();
        assert_eq!(counts(&result, None), "1 1 1 0");
        let rows = "SELECT id, orders, number, note FROM line ORDER BY 2, 3";
        assert_eq!(
            desk.ask(rows),
            "1|1|1|new\n2|1|2|kept\n3|2|1|other\n4|2|2|added"
        );
        assert_eq!(counts(&desk.merge(&by).exits(0).json(), None), "0 0 3 0");
    }
}

#[test]
fn null_in_a_key_is_found_again_only_where_the_key_says_that_it_is_equal() {
    let source = "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b TEXT); INSERT INTO t VALUES (1, NULL, 'x'), (2, 5, 'y')";
    let by = ["--on-key", "a", "--on-conflict", "update"];
    refused(
        "CREATE TABLE t(id bigint, a integer UNIQUE, b text)",
        source,
        &by,
        &["not-null-violated t a 1: id=1"],
    );
    for server in servers() {
        let mut desk = Desk::of_sql(
            server,
            "CREATE TABLE t(id bigint, a integer UNIQUE NULLS NOT DISTINCT, b text); INSERT INTO t VALUES (7, NULL, 'z')",
            source,
        );
        assert_eq!(counts(&desk.merge(&by).exits(0).json(), None), "1 1 0 0");
        assert_eq!(counts(&desk.merge(&by).exits(0).json(), None), "0 0 2 0");
        assert_eq!(
            desk.ask("SELECT id, a, b FROM t ORDER BY id"),
            "1|~|x\n2|5|y"
        );
    }
}

#[test]
fn a_collision_in_another_key_is_named_before_the_write() {
    let source = "CREATE TABLE t(id INTEGER PRIMARY KEY, mail TEXT);
        INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd')";
    let table = "CREATE TABLE t(id bigint PRIMARY KEY, mail text UNIQUE); ";
    // Row 9 has a mail of row 3, and stays.
    refused(
        &format!("{table} INSERT INTO t VALUES (1, 'a'), (9, 'c')"),
        source,
        &UPDATE,
        &["key-duplicate t 1: id=3"],
    );
    // Row 2 keeps 'd', which row 4 would have.
    refused(
        &format!("{table} INSERT INTO t VALUES (2, 'd')"),
        source,
        &["--on-conflict", "skip"],
        &["key-duplicate t 1: id=4"],
    );
    // A row that gives a value away makes room for another.
    for server in servers() {
        let migrations = format!("{table} INSERT INTO t VALUES (2, 'd')");
        let desk = Desk::of_sql(server, &migrations, source);
        assert_eq!(
            counts(&desk.merge(&UPDATE).exits(0).json(), None),
            "3 1 0 0"
        );
    }
    refused(
        "CREATE TABLE t(id bigint PRIMARY KEY, mail text); CREATE UNIQUE INDEX folded ON t (upper(mail)); INSERT INTO t VALUES (9, 'C')",
        source,
        &UPDATE,
        &["key-duplicate t 1: id=3"],
    );
}

#[test]
fn parents_may_be_in_the_target_already_and_orphans_are_named() {
    let source = "CREATE TABLE child(id INTEGER PRIMARY KEY, parent INTEGER); INSERT INTO child VALUES (1, 1), (2, 2), (3, 3);
        CREATE TABLE parent(id INTEGER PRIMARY KEY); INSERT INTO parent VALUES (2)";
    let table = "CREATE TABLE parent(id integer PRIMARY KEY); INSERT INTO parent VALUES (1);
        CREATE TABLE child(id integer PRIMARY KEY, parent integer REFERENCES parent);";
    refused(
        table,
        source,
        &UPDATE,
        &["foreign-key-orphan child parent 1: id=3"],
    );
    for server in servers() {
        let desk = Desk::of_sql(
            server,
            &format!("{table} INSERT INTO parent VALUES (3)"),
            source,
        );
        assert_eq!(counts(&desk.merge(&[]).exits(0).json(), None), "4 0 0 0");
    }
}

#[test]
fn rows_that_a_rule_would_refuse_and_that_are_not_written_are_no_obstacle() {
    for server in servers() {
        let mut desk = Desk::of_sql(
            server,
            "CREATE TABLE t(id integer PRIMARY KEY, a integer, b text); INSERT INTO t VALUES (1, 5, 'old'), (2, -1, 'same');
             ALTER TABLE t ADD CONSTRAINT positive CHECK (a > 0) NOT VALID",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b TEXT); INSERT INTO t VALUES (1, -5, 'new'), (2, -1, 'same'), (3, 1, 'x')",
        );
        let result = desk.merge(&UPDATE).exits(4).json();
        assert_eq!(findings(&result, "error"), ["value-refused t a 1: id=1"]);
        let result = desk.merge(&["--on-conflict", "skip"]).exits(0).json();
        assert_eq!(counts(&result, None), "1 0 1 1");
        assert_eq!(desk.ask("SELECT count(*) FROM t"), "3");
    }
}

#[test]
fn what_would_change_an_update_is_refused_only_where_rows_are_updated() {
    let table = "CREATE TABLE t(id integer PRIMARY KEY, a text);
        CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.a := ''stamped''; RETURN NEW; END';
        CREATE TRIGGER stamp BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION stamp();
        INSERT INTO t VALUES (1, 'x')";
    let source =
        "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT); INSERT INTO t VALUES (1, 'y'), (2, 'z')";
    refused(table, source, &UPDATE, &["target-interferes t 1: "]);
    for server in servers() {
        let desk = Desk::of_sql(server, table, source);
        let result = desk.merge(&["--on-conflict", "skip"]).exits(0).json();
        assert_eq!(counts(&result, None), "1 0 0 1");
    }
}
