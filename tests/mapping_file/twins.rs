//! Keys that only a conversion, or only the server, makes equal: each is named with its rows before
//! the switch, and the target is as it was.

use super::{Case, Database};
use crate::support::postgres;

/// What is left of an import that stopped.
fn left(uri: &str) -> Vec<String> {
    Database::open(uri).texts(
        "SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'waybill_staging%'
         UNION ALL SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
           AND relkind = 'r'",
    )
}

#[test]
fn keys_on_folded_text_that_a_conversion_makes_equal_are_found_by_the_rehearsal() {
    let case = Case::new(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
         CREATE UNIQUE INDEX low ON t (v COLLATE NOCASE);
         INSERT INTO t VALUES (1, 'Ann'), (2, 'Bob'), (3, 'old');",
    );
    let rules =
        "[tables.\"t\".columns.\"v\"]\nvalues = { \"old\" = \"ANN\" }\nother-values = \"keep\"";
    for server in postgres::servers() {
        let uri = server.fresh_database();
        let report = case.import(rules, &uri, &["--plan"]).exits(4).json();
        let findings = report["findings"].as_array().expect("a list of findings");
        let twice = findings
            .iter()
            .find(|finding| finding["code"] == "key-duplicate")
            .expect("the key is found");
        assert_eq!(twice["object"]["table"], "t");
        assert_eq!(twice["object"]["column"], "v");
        assert_eq!(twice["samples"][0], "id=3");
        let message = twice["message"].as_str().expect("a message");
        assert!(message.contains("`low`"), "{message}");
        assert_eq!(left(&uri), Vec::<String>::new());
    }
}

const MAP: &str =
    "[tables.\"t\".columns.\"v\"]\nvalues = { \"old\" = \"Ann\" }\nother-values = \"keep\"";

/// A table with this index, whose first and third row the mapping makes equal in `v`.
fn with_index(index: &str) -> Case {
    Case::new(&format!(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, w INTEGER); {index};
         INSERT INTO t VALUES (1, 'Ann', 1), (2, 'Bob', 1), (3, 'old', 1), (4, 'odd', 0);"
    ))
}

#[test]
fn keys_that_the_server_finds_equal_are_named_with_their_rows() {
    let case = with_index("CREATE UNIQUE INDEX once ON t (v) WHERE w = 1");
    for server in postgres::servers() {
        let uri = server.fresh_database();
        let report = case.import(MAP, &uri, &[]).exits(4).json();
        let error = &report["error"];
        assert_eq!(error["code"], "key-duplicate");
        assert_eq!(error["where"]["table"], "t");
        assert_eq!(error["where"]["row"], "id=1; id=3");
        assert!(error.to_string().contains("`once`"), "{error}");
        let help = error["help"].as_str().expect("a text");
        assert!(help.contains("in the mapping file that keeps"), "{help}");
        assert_eq!(left(&uri), Vec::<String>::new());
    }
}

#[test]
fn a_unique_index_on_an_expression_of_converted_values_is_left_out_by_name() {
    let case = with_index("CREATE UNIQUE INDEX once ON t (v || '!')");
    let (report, _) = case.imported(MAP, postgres::server());
    let found = super::findings(&report, "structure-left-out");
    assert!(
        found.iter().any(|one| one.contains("`once` is left out")),
        "{found:?}"
    );
}

#[test]
fn letters_beyond_ascii_that_citext_takes_for_equal_are_named_with_their_rows() {
    let case = Case::new(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT UNIQUE);
         INSERT INTO t VALUES (1, 'Ann'), (2, 'ann'), (3, 'x');",
    );
    let rules = "[tables.\"t\".columns.\"v\"]\ntype = \"citext\"";
    for server in postgres::servers() {
        let uri = server.fresh_database();
        Database::open(&uri).run("CREATE EXTENSION citext");
        let report = case.import(rules, &uri, &[]).exits(4).json();
        let text = report.to_string();
        assert!(
            text.contains("key-duplicate") && text.contains("id=2"),
            "{text}"
        );
        assert_eq!(left(&uri), Vec::<String>::new());
    }
}

/// The number that a table gives next, in the source and in the target.
#[test]
fn the_next_row_gets_a_number_that_is_free() {
    for (rows, next) in [
        (
            "INSERT INTO t VALUES (1, 'a'), (1000, 'b'); DELETE FROM t WHERE id = 1000;",
            Some(1001),
        ),
        ("INSERT INTO t VALUES (-5, 'a'), (-1, 'b');", Some(1)),
        ("INSERT INTO t VALUES (-9223372036854775808, 'a');", Some(1)),
        (
            "INSERT INTO t VALUES (9223372036854775806, 'a');",
            Some(i64::MAX),
        ),
        ("INSERT INTO t VALUES (9223372036854775807, 'a');", None),
        (
            "INSERT INTO t VALUES (9223372036854775807, 'a'); DELETE FROM t;",
            None,
        ),
    ] {
        let case = Case::new(&format!(
            "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT); {rows}"
        ));
        for server in postgres::servers() {
            let (report, mut database) = case.imported("", server);
            let given = database
                .0
                .query_one("INSERT INTO t (v) VALUES ('new') RETURNING id", &[]);
            if let Some(next) = next {
                assert_eq!(given.expect(rows).get::<_, i64>(0), next, "{rows}");
            } else {
                let error = given.expect_err(rows);
                let state = error.code().map(::postgres::error::SqlState::code);
                assert_eq!(state, Some("2200H"), "{rows}");
                let report = report.to_string();
                assert!(report.contains("gives no next number"), "{rows}");
            }
        }
    }
}
