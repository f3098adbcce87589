//! Rows that refer to what a merge writes: by ON UPDATE CASCADE, SET NULL or SET DEFAULT, and within one table.

use super::counts;
use crate::fill::desk::{Desk, findings};
use crate::support::postgres::servers;

const UPDATE: [&str; 2] = ["--on-conflict", "update"];
const SOURCE: &str = "CREATE TABLE account(email TEXT PRIMARY KEY, id INTEGER);
    INSERT INTO account VALUES ('a', 6), ('b', 7);";

fn target(action: &str) -> String {
    format!(
        "CREATE TABLE account(email text PRIMARY KEY, id integer UNIQUE);
         CREATE TABLE note(id integer PRIMARY KEY, account integer DEFAULT 7 CONSTRAINT about
             REFERENCES account (id) ON UPDATE {action}, text text);
         INSERT INTO account VALUES ('a', 5), ('b', 7);
         INSERT INTO note VALUES (1, 5, 'x'), (2, 7, 'y'), (3, NULL, 'z');"
    )
}

const STATE: &str = "SELECT 'account', email, id::text FROM account
    UNION ALL SELECT 'note', id::text, account::text FROM note ORDER BY 1, 2";

/// A merge gave a row another value that rows of a table which is not merged referred to, and ON UPDATE SET
/// NULL took the reference from them; the undo did not bring it back. Now such rows are named.
#[test]
fn rows_that_would_be_changed_with_what_they_refer_to_are_named() {
    for server in servers() {
        for action in ["CASCADE", "SET NULL", "SET DEFAULT"] {
            let mut desk = Desk::of_sql(server, &target(action), SOURCE);
            let before = desk.ask(STATE);
            let refused = desk.merge(&UPDATE).exits(4).json();
            assert_eq!(
                findings(&refused, "error"),
                ["target-dependent account 1: email='a'"]
            );
            assert_eq!(desk.ask(STATE), before);
            desk.client
                .batch_execute("UPDATE note SET account = 7 WHERE account = 5")
                .unwrap();
            let merged = desk.merge(&UPDATE).exits(0).json();
            assert_eq!(counts(&merged, None), "0 1 1 0");
            assert_eq!(
                desk.ask(STATE),
                "account|a|6\naccount|b|7\nnote|1|7\nnote|2|7\nnote|3|~"
            );
            desk.assert_tidy();
        }
    }
}

#[test]
fn a_key_in_another_spelling_counts_as_changed() {
    for server in servers() {
        let mut desk = Desk::of_sql(
            server,
            "CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
             CREATE TABLE account(email text COLLATE caseless PRIMARY KEY);
             CREATE TABLE note(account text COLLATE caseless REFERENCES account ON UPDATE SET NULL);
             INSERT INTO account VALUES ('one'); INSERT INTO note VALUES ('One');",
            "CREATE TABLE account(email TEXT PRIMARY KEY); INSERT INTO account VALUES ('ONE');",
        );
        let refused = desk.merge(&UPDATE).exits(4).json();
        assert_eq!(
            findings(&refused, "error"),
            ["target-dependent account 1: email='ONE'"]
        );
        assert_eq!(desk.ask("SELECT account FROM note"), "One");
    }
}

#[test]
fn rows_that_are_merged_as_well_get_their_values_from_the_archive() {
    for server in servers() {
        for action in ["CASCADE", "SET NULL"] {
            let source = format!(
                "{SOURCE} CREATE TABLE note(id INTEGER PRIMARY KEY, account INTEGER, text TEXT);
                 INSERT INTO note VALUES (1, 6, 'x'), (2, 7, 'y');"
            );
            let mut desk = Desk::of_sql(server, &target(action), &source);
            let merged = desk.merge(&UPDATE).exits(0).json();
            assert_eq!(counts(&merged, None), "0 2 2 0");
            assert_eq!(
                desk.ask(STATE),
                "account|a|6\naccount|b|7\nnote|1|6\nnote|2|7\nnote|3|~"
            );
            // One that the archive does not have would be changed in silence.
            let mut desk = Desk::of_sql(server, &target(action), &source);
            desk.client
                .batch_execute("INSERT INTO note VALUES (4, 5, 'own')")
                .unwrap();
            let refused = desk.merge(&UPDATE).exits(4).json();
            assert_eq!(
                findings(&refused, "error"),
                ["target-dependent account 1: email='a'"]
            );
            assert_eq!(desk.ask("SELECT account FROM note WHERE id = 4"), "5");
        }
    }
}

/// A merge was refused when a row that was there came to refer to one that was not: rows were changed
/// before others were inserted. Now foreign keys are checked when both is done.
#[test]
fn a_row_may_come_to_refer_to_a_new_one_of_its_own_table() {
    for server in servers() {
        let mut desk = Desk::of_sql(
            server,
            "CREATE TABLE part(id integer PRIMARY KEY, of integer REFERENCES part, name text UNIQUE);
             INSERT INTO part VALUES (1, NULL, 'b'), (2, 1, 'a')",
            "CREATE TABLE part(id INTEGER PRIMARY KEY, of INTEGER, name TEXT);
             INSERT INTO part VALUES (1, 3, 'c'), (2, 1, 'a'), (3, NULL, 'b'), (4, 3, 'd');",
        );
        let merged = desk.merge(&UPDATE).exits(0).json();
        assert_eq!(counts(&merged, None), "2 1 1 0");
        assert_eq!(
            desk.ask("SELECT id, of, name FROM part ORDER BY id"),
            "1|3|c\n2|1|a\n3|~|b\n4|3|d"
        );
        let again = desk.merge(&UPDATE).exits(0).json();
        assert_eq!(counts(&again, None), "0 0 4 0");
    }
}
