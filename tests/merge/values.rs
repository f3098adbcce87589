//! When a value of the target is the one of the archive.

use super::counts;
use crate::fill::desk::{Desk, findings};
use crate::support::postgres::servers;

const UPDATE: [&str; 2] = ["--on-conflict", "update"];

#[test]
fn equal_is_what_has_the_same_text_and_numbers_with_zeros_at_their_end() {
    for server in servers() {
        let mut desk = Desk::of_sql(
            server,
            "CREATE COLLATION folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
             CREATE TABLE t(id integer PRIMARY KEY, j json, b jsonb, x xml, p point, n numeric, m numeric(8,3),
                            f float8, c char(4), w text COLLATE folded, d timestamptz, y bytea, e real);
             INSERT INTO t VALUES
               (1, '{\"a\": 1}', '{\"a\":1}', '<a/>', '(1,2)', 1.0, 2, 0.5, 'ab', 'x', '2024-01-01 12:00+02', '\\x00', 0.5),
               (2, '{\"a\":1}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
               (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'X', NULL, NULL, NULL),
               (4, NULL, NULL, NULL, NULL, NULL, NULL, 0.0, NULL, NULL, NULL, NULL, NULL),
               (5, NULL, NULL, NULL, '(1,2)', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, j, b, x, p, n, m, f, c, w, d, y, e);
             INSERT INTO t VALUES
               (1, '{\"a\": 1}', '{\"a\":1}', '<a/>', '(1,2)', 1, 2, 0.5, 'ab', 'x', '2024-01-01 10:00:00Z', x'00', 0.5);
             INSERT INTO t(id, j) VALUES (2, '{\"a\": 1}'); INSERT INTO t(id, w) VALUES (3, 'x');
             INSERT INTO t(id, f) VALUES (4, -0.0); INSERT INTO t(id, p) VALUES (5, '(1,3)');",
        );
        let failed = desk.merge(&[]).exits(4).json();
        assert_eq!(findings(&failed, "error"), ["merge-conflict t 4: id=2"]);
        assert_eq!(
            counts(&desk.merge(&UPDATE).exits(0).json(), None),
            "0 4 1 0"
        );
        let rows = "SELECT j, w, f, p FROM t WHERE id > 1 ORDER BY id";
        assert_eq!(
            desk.ask(rows),
            "{\"a\": 1}|~|~|~\n~|x|~|~\n~|~|-0|~\n~|~|~|(1,3)"
        );
        assert_eq!(
            counts(&desk.merge(&UPDATE).exits(0).json(), None),
            "0 0 5 0"
        );
    }
}

#[test]
fn a_key_finds_rows_as_its_index_does_and_what_differs_in_case_is_another_value() {
    for server in servers() {
        let mut desk = Desk::of_sql(
            server,
            "CREATE COLLATION folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
             CREATE TABLE t(name text COLLATE folded PRIMARY KEY, a integer); INSERT INTO t VALUES ('ONE', 1), ('two', 2)",
            "CREATE TABLE t(name TEXT PRIMARY KEY, a INTEGER) WITHOUT ROWID; INSERT INTO t VALUES ('one', 1), ('two', 2), ('three', 3)",
        );
        let failed = desk.merge(&[]).exits(4).json();
        assert_eq!(
            findings(&failed, "error"),
            ["merge-conflict t 1: name='one'"]
        );
        assert_eq!(
            counts(&desk.merge(&UPDATE).exits(0).json(), None),
            "1 1 1 0"
        );
        assert_eq!(
            desk.ask("SELECT name, a FROM t ORDER BY a"),
            "one|1\ntwo|2\nthree|3"
        );
    }
}

#[test]
fn rows_of_the_archive_that_the_key_takes_for_one_are_named() {
    for server in servers() {
        let desk = Desk::of_sql(
            server,
            "CREATE COLLATION folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
             CREATE TABLE t(name text COLLATE folded PRIMARY KEY, a integer)",
            "CREATE TABLE t(name TEXT PRIMARY KEY, a INTEGER) WITHOUT ROWID; INSERT INTO t VALUES ('one', 1), ('ONE', 2)",
        );
        let failed = desk.merge(&UPDATE).exits(4).json();
        assert_eq!(
            findings(&failed, "error"),
            ["key-duplicate t 2: name='ONE'"]
        );
    }
}

#[test]
fn values_are_converted_before_they_are_compared() {
    for server in servers() {
        let mut desk = Desk::of_sql(
            server,
            "CREATE TABLE event(id bigint PRIMARY KEY, at timestamptz, done boolean); INSERT INTO event VALUES (1, '2023-11-14 22:13:20Z', true), (2, now(), false)",
            "CREATE TABLE old(id INTEGER PRIMARY KEY, at INTEGER, done TEXT); INSERT INTO old VALUES (1, 1700000000, 'Y'), (2, 1700000001, 'N'), (3, NULL, NULL)",
        );
        let map = desk.archive.with_file_name("map.toml");
        std::fs::write(
            &map,
            "waybill-mapping = 1\n[tables.old]\nname = \"event\"\n[tables.old.columns.at]\nepoch = \"seconds\"\n\
             [tables.old.columns.done]\ntrue = [\"Y\"]\nfalse = [\"N\"]\n",
        )
        .unwrap();
        let arguments = ["--on-conflict", "update", "--map", map.to_str().unwrap()];
        let result = desk.merge(&arguments).exits(0).json();
        assert_eq!(counts(&result, Some("old")), "1 1 1 0");
        assert_eq!(
            counts(&desk.merge(&arguments).exits(0).json(), None),
            "0 0 3 0"
        );
        let rows = "SELECT id, extract(epoch FROM at)::int8, done FROM event ORDER BY id";
        assert_eq!(desk.ask(rows), "1|1700000000|t\n2|1700000001|f\n3|~|~");
    }
}
