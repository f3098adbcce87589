//! Every refusal: what is in the way is listed, all of it, and nothing is written.

use super::desk::{Desk, findings};
use crate::support::postgres::servers;

/// Fills, and gives the errors; nothing may be left.
fn errors(migrations: &str, source: &str) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for server in servers() {
        let mut desk = Desk::of_sql(server, migrations, source);
        let result = desk.fill(&[]).exits(4).json();
        for finding in result["findings"].as_array().unwrap() {
            assert_ne!(finding["hint"], "", "{finding}");
        }
        desk.assert_tidy();
        all.push(findings(&result, "error"));
    }
    all
}

fn assert_refused(migrations: &str, source: &str, expected: &[&str]) {
    for found in errors(migrations, source) {
        assert_eq!(found, expected);
    }
}

#[test]
fn tables_and_columns_that_do_not_match_are_all_named() {
    assert_refused(
        "CREATE TABLE t (id integer, tenant integer NOT NULL, extra text, \"Twice\" text, twice text, made integer GENERATED ALWAYS AS (id * 2) STORED);
         CREATE VIEW v AS SELECT 1 AS a; CREATE TABLE \"Y\" (a text); CREATE TABLE y (a text)",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, unknown TEXT, TWICE TEXT, made INTEGER);
         CREATE TABLE v (a); CREATE TABLE gone (a); CREATE TABLE y (a)",
        &[
            "target-table-missing gone 1: ",
            "target-column-missing t TWICE 1: ",
            "target-interferes t made 1: ",
            "target-column-unfilled t tenant 1: ",
            "target-column-missing t unknown 1: ",
            "target-interferes v 1: ",
        ],
    );
}

#[test]
fn what_would_change_rows_or_keep_them_out_is_named() {
    assert_refused(
        "CREATE TABLE full_one (a text); INSERT INTO full_one VALUES ('x');
         CREATE TABLE ruled (a text); CREATE RULE away AS ON INSERT TO ruled DO INSTEAD NOTHING;
         CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
         CREATE TABLE fired (a text);
         CREATE TRIGGER before_each BEFORE INSERT ON fired FOR EACH ROW EXECUTE FUNCTION f();
         CREATE TRIGGER updates BEFORE UPDATE ON fired FOR EACH ROW EXECUTE FUNCTION f();
         CREATE TRIGGER off BEFORE INSERT ON fired FOR EACH ROW EXECUTE FUNCTION f();
         ALTER TABLE fired DISABLE TRIGGER off;",
        "CREATE TABLE full_one (a); CREATE TABLE ruled (a); CREATE TABLE fired (a)",
        &[
            "target-interferes fired 1: ",
            "target-not-empty full_one 1: ",
            "target-interferes ruled 1: ",
        ],
    );
}

#[test]
fn row_security_that_applies_is_named() {
    for server in servers() {
        let mut desk = Desk::of_sql(
            server,
            "CREATE TABLE t (a text); ALTER TABLE t ENABLE ROW LEVEL SECURITY",
            "CREATE TABLE t (a); INSERT INTO t VALUES ('x')",
        );
        let database = desk.ask("SELECT current_database()");
        desk.client
            .batch_execute(&format!(
                "DO $$ BEGIN CREATE ROLE tenant LOGIN PASSWORD 'tenant'; EXCEPTION WHEN duplicate_object THEN END $$;
                 GRANT CREATE ON DATABASE {database} TO tenant; GRANT ALL ON t TO tenant"
            ))
            .unwrap();
        let uri = format!(
            "postgresql://tenant:tenant@127.0.0.1:{}/{database}",
            server.port
        );
        let result = desk.fill_as(&uri, &[]).exits(4).json();
        assert_eq!(findings(&result, "error"), ["target-interferes t 1: "]);
    }
}

#[test]
fn every_value_that_does_not_fit_is_counted_by_column_with_its_rows() {
    assert_refused(
        "CREATE TYPE mood AS ENUM ('ok', 'sad');
         CREATE TABLE t (id bigint PRIMARY KEY, small smallint, whole integer, short varchar(3), code char(2), money numeric(5,2),
                         flag boolean, feeling mood, at timestamptz, naive timestamp(0), day date, doc jsonb, plain json, uid uuid, must text NOT NULL, bytes bytea, f real)",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, small, whole, short, code, money, flag, feeling, at, naive, day, doc, plain, uid, must, bytes, f);
         INSERT INTO t (id, small, must) VALUES (1, 32768, 'x'), (2, -32769, 'x'), (3, 32767, 'x');
         INSERT INTO t (id, whole, must) VALUES (4, 2147483648, 'x'), (5, 1.0, 'x'), (6, '7', 'x');
         INSERT INTO t (id, short, must) VALUES (7, 'abcd', 'x'), (8, 'abc', 'x'), (9, 'äöü', 'x');
         INSERT INTO t (id, code, must) VALUES (10, 'a ', 'x'), (11, 'abc', 'x');
         INSERT INTO t (id, money, must) VALUES (12, 0.125, 'x'), (13, 1000, 'x'), (14, 999.99, 'x');
         INSERT INTO t (id, flag, must) VALUES (15, 2, 'x'), (16, 'yes', 'x'), (17, 1, 'x');
         INSERT INTO t (id, feeling, must) VALUES (18, 'OK', 'x'), (19, 'ok', 'x');
         INSERT INTO t (id, at, must) VALUES (20, '2024-01-01 00:00:00', 'x'), (21, '2024-01-01 00:00:00Z', 'x');
         INSERT INTO t (id, naive, must) VALUES (22, '2024-01-01 00:00:00.5', 'x'), (23, 1700000000, 'x');
         INSERT INTO t (id, day, must) VALUES (24, '2024-02-30', 'x'), (25, '2024-02-29', 'x');
         INSERT INTO t (id, doc, must) VALUES (26, '{\"a\":1,\"a\":2}', 'x'), (27, 'no', 'x'), (28, '{}', 'x');
         INSERT INTO t (id, plain, must) VALUES (29, 'no', 'x'), (30, '{\"a\":1,\"a\":2}', 'x');
         INSERT INTO t (id, uid, must) VALUES (31, '0123456789abcdef0123456789abcdef', 'x');
         INSERT INTO t (id) VALUES (32), (33);
         INSERT INTO t (id, bytes, must) VALUES (34, 'text', 'x'), (35, x'00', 'x');
         INSERT INTO t (id, f, must) VALUES (36, 0.1, 'x'), (37, 0.5, 'x');",
        &[
            "value-refused t at 1: id=20 ('2024-01-01 00:00:00')",
            "value-refused t bytes 1: id=34 ('text')",
            "value-refused t code 1: id=11 ('abc')",
            "value-refused t code 1: id=10 ('a ')",
            "value-refused t day 1: id=24 ('2024-02-30')",
            "value-refused t doc 2: id=26 ('{\"a\":1,\"a\":2}')",
            "value-refused t f 1: id=36 (0.1)",
            "value-refused t feeling 1: id=18 ('OK')",
            "value-refused t flag 1: id=16 ('yes')",
            "value-refused t flag 1: id=15 (2)",
            "value-refused t money 2: id=12 (0.125)",
            "not-null-violated t must 2: id=32",
            "value-refused t naive 1: id=22 ('2024-01-01 00:00:00.5')",
            "value-refused t naive 1: id=23 (1700000000)",
            "value-refused t plain 1: id=29 ('no')",
            "value-refused t short 1: id=7 ('abcd')",
            "value-refused t small 2: id=1 (32768)",
            "value-refused t uid 1: id=31 ('0123456789abcdef0123456789abcdef')",
            "value-refused t whole 1: id=5 (1.0)",
            "value-refused t whole 1: id=6 ('7')",
            "value-refused t whole 1: id=4 (2147483648)",
        ],
    );
}

#[test]
fn what_only_the_server_can_judge_is_listed_before_a_row_is_inserted() {
    assert_refused(
        "CREATE DOMAIN percent AS integer CHECK (VALUE BETWEEN 0 AND 100) CHECK (VALUE <> 13);
         CREATE TABLE host (id integer PRIMARY KEY);
         INSERT INTO host VALUES (1);
         CREATE TABLE domains (id integer PRIMARY KEY, share percent, span interval, bits bit(3));
         CREATE TABLE rules (id integer PRIMARY KEY, name text UNIQUE, low integer, high integer, host integer REFERENCES host,
                             CONSTRAINT ordered CHECK (low <= high));
         CREATE UNIQUE INDEX folded ON rules (lower(name))",
        "CREATE TABLE domains (id INTEGER PRIMARY KEY, share, span, bits);
         INSERT INTO domains VALUES (1, 50, '01:00:00', '101'), (2, 101, NULL, NULL), (3, 13, 'nonsense', '1'), (4, -1, '1 hour', '111');
         CREATE TABLE rules (id INTEGER PRIMARY KEY, name TEXT, low, high, host);
         INSERT INTO rules VALUES (1, 'a', 1, 2, 1), (2, 'A', 3, 2, 1), (3, 'b', 5, NULL, 2), (4, 'c', 9, 8, NULL)",
        &[
            "value-refused domains bits 1: id=3",
            "value-refused domains share 3: id=2",
            "value-refused domains span 2: id=3",
            "key-duplicate rules 2: id=1",
            "foreign-key-orphan rules host 1: id=3",
            "value-refused rules low, high 2: id=2",
        ],
    );
}

#[test]
fn a_text_like_a_number_beside_numbers_is_refused_and_numbers_alone_become_text() {
    assert_refused(
        "CREATE TABLE t (id integer PRIMARY KEY, a text)",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 7), (2, '7')",
        &["value-refused t a 1: id=2"],
    );
    for server in servers() {
        let mut desk = Desk::of_sql(
            server,
            "CREATE TABLE t (id integer PRIMARY KEY, a varchar(5))",
            "CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 7), (2, 'x')",
        );
        let result = desk.fill(&[]).exits(0).json();
        assert_eq!(findings(&result, "warning"), ["recast t a 1: id=1"]);
        assert_eq!(
            desk.ask("SELECT string_agg(a, ',' ORDER BY id) FROM t"),
            "7,x"
        );
    }
}

#[test]
fn folded_names_are_found_when_they_are_asked_for() {
    for server in servers() {
        let mut desk = Desk::of_sql(
            server,
            "CREATE TABLE order_line (customer_id integer, \"UNIT\" text)",
            "CREATE TABLE OrderLine (CustomerID INTEGER, unit); INSERT INTO OrderLine VALUES (7, 'kg')",
        );
        let result = desk.fill(&[]).exits(4).json();
        assert_eq!(
            findings(&result, "error"),
            ["target-table-missing OrderLine 1: "]
        );
        desk.fill(&["--names", "fold"]).exits(0);
        let rows = "SELECT customer_id, \"UNIT\" FROM order_line";
        assert_eq!(desk.ask(rows), "7|kg");
    }
}
