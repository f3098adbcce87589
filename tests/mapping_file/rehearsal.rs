//! What a mapping asks for is tried before the first write: everything that does not fit is named at
//! once, and the target is as it was.

use super::{Case, Database};
use crate::support::postgres;

/// What a finding says: code, column, count, rows.
fn findings(report: &serde_json::Value) -> Vec<(String, String, u64, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let findings = report["findings"].as_array().expect("a list of findings");
    let shown = |one: &serde_json::Value| {
        let samples = one["samples"].as_array().cloned().unwrap_or_default();
        let samples: Vec<_> = samples.iter().map(text).collect();
        (
            text(&one["code"]),
            text(&one["object"]["column"]),
            one["count"].as_u64().unwrap_or(1),
            samples.join("; "),
        )
    };
    findings.iter().map(shown).collect()
}

const CASE: &str =
    "CREATE TABLE t (id INTEGER PRIMARY KEY, size INTEGER, mail TEXT UNIQUE, day TEXT NOT NULL);
     INSERT INTO t VALUES (1, 5, 'a', '2024-01-01'), (2, 70000, 'b', ''), (3, 80000, 'A', 'soon');";

const RULES: &str = "[tables.\"t\".columns.\"size\"]
     type = \"smallint\"
     [tables.\"t\".columns.\"mail\"]
     values = { \"A\" = \"a\" }
     other-values = \"keep\"
     [tables.\"t\".columns.\"day\"]
     type = \"date\"
     null-if = [\"\"]
     not-null = true";

#[test]
fn all_that_does_not_fit_is_named_before_anything_is_written() {
    let case = Case::new(CASE);
    for server in postgres::servers() {
        for more in [&[][..], &["--plan"]] {
            let uri = server.fresh_database();
            let report = case.import(RULES, &uri, more).exits(4).json();
            let found = findings(&report);
            for (code, column, count, samples) in [
                ("value-refused", "size", 2, "id=2; id=3"),
                ("value-refused", "day", 1, "id=3"),
                ("not-null-violated", "day", 1, "id=2"),
                ("key-duplicate", "mail", 1, "id=3"),
                ("value-converted", "mail", 1, "id=3 ('A')"),
            ] {
                let expected = (
                    code.to_owned(),
                    column.to_owned(),
                    count,
                    samples.to_owned(),
                );
                assert!(found.contains(&expected), "{expected:?} among {found:?}");
            }
            let mut database = Database::open(&uri);
            let left = database.texts(
                "SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'waybill%'
                 UNION ALL SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace",
            );
            assert_eq!(left, Vec::<String>::new());
        }
    }
}

#[test]
fn a_change_that_was_asked_for_is_a_note_and_no_more() {
    let case = Case::new(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t (v) VALUES (''), ('x');",
    );
    let rules = "[tables.\"t\".columns.\"v\"]\nnull-if = [\"\"]";
    let (report, mut database) = case.imported(rules, postgres::server());
    let note = ("value-converted", "v", 1, "id=1 ('')");
    let note = (
        note.0.to_owned(),
        note.1.to_owned(),
        note.2,
        note.3.to_owned(),
    );
    assert!(findings(&report).contains(&note), "{report:#}");
    assert_eq!(database.texts("SELECT v FROM t ORDER BY id"), ["NULL", "x"]);
}

#[test]
fn numbers_that_become_texts_like_others_are_counted() {
    let case = Case::new(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v);
         INSERT INTO t (v) VALUES (7), ('x'), ('7');",
    );
    let rule = "[tables.\"t\".columns.\"v\"]\ntype = \"text\"";
    let (report, _) = case.imported(rule, postgres::server());
    let expected = (
        "value-converted".to_owned(),
        "v".to_owned(),
        1,
        "id=3".to_owned(),
    );
    let found = findings(&report);
    assert!(found.contains(&expected), "{found:?}");
    let kept = "[tables.\"t\".columns.\"v\"]\ntype = \"text\"\nread = \"cell\"";
    let (report, _) = case.imported(kept, postgres::server());
    let codes: Vec<_> = findings(&report).into_iter().map(|one| one.0).collect();
    assert!(!codes.contains(&"value-converted".to_owned()), "{codes:?}");
}
