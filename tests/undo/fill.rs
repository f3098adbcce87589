//! A fill taken back, and brought back again.

use super::{findings, runs, state, undo};
use crate::fill::desk::Desk;
use crate::support::postgres::{server, servers};
use crate::support::samples::shop;

const APP: &str = include_str!("../fill/app.sql");
/// Without a key: rows that are equal count as often as they are there.
const TARGET: &str = "CREATE TABLE parent (id serial PRIMARY KEY, name text, best integer);
    CREATE TABLE child (parent integer REFERENCES parent ON DELETE CASCADE, note text);
    ALTER TABLE parent ADD COLUMN self integer REFERENCES parent;
    CREATE TABLE other (id integer PRIMARY KEY DEFAULT nextval('parent_id_seq'), note text);
    INSERT INTO parent DEFAULT VALUES; DELETE FROM parent;";
const SOURCE: &str = "CREATE TABLE parent(id INTEGER PRIMARY KEY, name TEXT, self INTEGER);
    CREATE TABLE child(parent INTEGER, note TEXT);
    CREATE TABLE other(note TEXT);
    INSERT INTO parent VALUES (10, 'a', 11), (11, 'b', 10);
    INSERT INTO child VALUES (10, 'same'), (10, 'same'), (11, NULL);";

#[test]
fn an_undone_fill_leaves_the_tables_empty_and_comes_back_when_that_is_undone() {
    for server in servers() {
        let mut desk = Desk::new(server, APP, shop());
        // What a trigger has written elsewhere stays.
        desk.client
            .batch_execute("DROP TRIGGER IF EXISTS journal ON orders")
            .unwrap();
        let before = state(server, &mut desk);
        desk.fill(&[]).exits(0);
        let filled = state(server, &mut desk);
        assert_eq!(runs(&desk), "fill current true");
        undo(&desk, &[]).exits(0);
        let journal = desk.ask("SELECT count(*) FROM journal");
        if journal == "0" {
            assert_eq!(state(server, &mut desk), before);
        } else {
            assert_eq!(desk.ask("SELECT count(*) FROM orders"), "0");
        }
        undo(&desk, &[]).exits(0);
        assert_eq!(desk.ask("SELECT count(*) FROM products"), "400");
        if journal == "0" {
            assert_eq!(state(server, &mut desk), filled);
        }
        assert_eq!(
            runs(&desk),
            "fill current true\nundo undone false\nundo current true"
        );
    }
}

#[test]
fn rows_without_a_key_and_sequences_of_defaults_come_and_go_exactly() {
    for server in servers() {
        let mut desk = Desk::of_sql(server, TARGET, SOURCE);
        let before = state(server, &mut desk);
        desk.fill(&[]).exits(0);
        let filled = state(server, &mut desk);
        for _ in 0..2 {
            undo(&desk, &[]).exits(0);
            assert_eq!(state(server, &mut desk), before);
            undo(&desk, &[]).exits(0);
            assert_eq!(state(server, &mut desk), filled);
        }
    }
}

#[test]
fn what_was_written_into_filled_tables_since_is_named_and_kept() {
    let mut desk = Desk::of_sql(server(), TARGET, SOURCE);
    let before = state(server(), &mut desk);
    desk.fill(&[]).exits(0);
    desk.client
        .batch_execute(
            "INSERT INTO child VALUES (11, 'mine'); UPDATE parent SET name = 'B' WHERE id = 11;",
        )
        .unwrap();
    let changed = state(server(), &mut desk);
    let refused = undo(&desk, &["--no-input"]).exits(4).json();
    assert_eq!(
        findings(&refused),
        [
            "child 1 changed since: of 3 rows 0 were changed or removed, and 1 rows are new or changed: ",
            "parent 1 changed since: of 2 rows 1 were changed or removed, and 1 rows are new or changed: "
        ]
    );
    assert_eq!(state(server(), &mut desk), changed);
    undo(&desk, &["--yes"]).exits(0);
    assert_eq!(state(server(), &mut desk), before);
    undo(&desk, &[]).exits(0);
    assert_eq!(state(server(), &mut desk), changed);
}

#[test]
fn a_number_given_since_is_not_given_again() {
    let mut desk = Desk::of_sql(server(), TARGET, SOURCE);
    desk.fill(&[]).exits(0);
    let given: i64 = desk.ask("SELECT nextval('parent_id_seq')").parse().unwrap();
    let undone = undo(&desk, &[]).exits(0).json();
    let notes = findings(&undone);
    assert_eq!(notes.len(), 1);
    assert!(
        notes[0].contains("parent_id_seq has given numbers since"),
        "{notes:?}"
    );
    let next: i64 = desk.ask("SELECT nextval('parent_id_seq')").parse().unwrap();
    assert_eq!(next, given + 1);
}
