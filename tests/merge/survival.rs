//! Killed at any moment, or failing in the middle: all rows or none.

use super::counts;
use crate::fill::desk::Desk;
use crate::support::postgres::{server, servers};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Moments at which the merge is killed.
const KILLS: u32 = 12;

const SOURCE: &str = "CREATE TABLE parent(id INTEGER PRIMARY KEY, name TEXT NOT NULL);
    CREATE TABLE child(id INTEGER PRIMARY KEY, parent INTEGER, note TEXT);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
    INSERT INTO parent SELECT i, 'parent number ' || i FROM n;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
    INSERT INTO child SELECT i, 1 + i % 3000, hex(i * 7919) || ' some words' FROM n;";
const TARGET: &str = "CREATE TABLE parent(id serial PRIMARY KEY, name varchar(80) NOT NULL);
    CREATE TABLE child(id serial PRIMARY KEY, parent integer NOT NULL REFERENCES parent, note text);";
/// The rows that are there before each merge.
const BEFORE: &str = "TRUNCATE parent, child RESTART IDENTITY;
    INSERT INTO parent SELECT n, 'old' FROM generate_series(1, 1000) AS n;
    INSERT INTO child SELECT n, 1 + n % 1000, 'old' FROM generate_series(15000, 25000) AS n;";
const STATE: &str =
    "SELECT (SELECT count(*) FROM parent), (SELECT count(*) FROM parent WHERE name = 'old'),
    (SELECT count(*) FROM child), (SELECT count(*) FROM child WHERE note = 'old'),
    (SELECT last_value || is_called::text FROM child_id_seq),
    (SELECT count(*) FROM pg_constraint WHERE condeferrable)";
const MERGED: &str = "3000|0|25000|5000|25001false|0";

#[test]
fn a_killed_merge_leaves_the_tables_as_they_were_and_goes_on_when_run_again() {
    let mut desk = Desk::of_sql(server(), TARGET, SOURCE);
    desk.client.batch_execute(BEFORE).unwrap();
    let before = desk.ask(STATE);
    let begin = Instant::now();
    let update = ["--on-conflict", "update"];
    desk.merge(&update).exits(0);
    let whole = begin.elapsed();
    assert_eq!(desk.ask(STATE), MERGED);
    let mut interrupted = 0;
    for kill in 1..=KILLS {
        desk.client.batch_execute(BEFORE).unwrap();
        let moment = whole.mul_f64((f64::from(kill) * 0.618_033_988_75).fract());
        let import = desk.merging(&update);
        desk.kill_after(import, moment);
        let state = desk.ask(STATE);
        if state == before {
            interrupted += 1;
        } else {
            assert_eq!(state, MERGED, "killed after {moment:?}");
        }
        desk.merge(&update).exits(0);
        assert_eq!(desk.ask(STATE), MERGED, "killed after {moment:?}");
        desk.assert_tidy();
    }
    assert!(interrupted > 0, "no moment was early enough");
    let idle = desk.merge(&update).exits(0).json();
    assert_eq!(counts(&idle, None), "0 0 23000 0");
}

#[test]
fn a_trigger_that_changes_rows_afterwards_rolls_everything_back() {
    for server in servers() {
        for what in [
            "UPDATE parent SET name = upper(name) WHERE id = 7",
            "DELETE FROM child WHERE id = 25000",
        ] {
            let mut desk = Desk::of_sql(server, TARGET, SOURCE);
            desk.client.batch_execute(BEFORE).unwrap();
            desk.client
                .batch_execute(&format!(
                    "CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS
                       $$ BEGIN {what}; RETURN NULL; END $$;
                     CREATE TRIGGER tidy AFTER INSERT ON child FOR EACH STATEMENT EXECUTE FUNCTION tidy();"
                ))
                .unwrap();
            let before = desk.ask(STATE);
            let result = desk.merge(&["--on-conflict", "update"]).exits(1).json();
            assert_eq!(result["error"]["code"], "content-differs");
            assert_eq!(desk.ask(STATE), before);
            let backups =
                "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'waybill\\_backup%'";
            assert_eq!(desk.ask(backups), "0");
            desk.assert_tidy();
        }
    }
}

#[test]
fn rows_that_change_while_they_are_staged_are_seen_when_they_are_locked() {
    let mut desk = Desk::of_sql(
        server(),
        "CREATE TABLE t(id integer PRIMARY KEY, a text); INSERT INTO t VALUES (1, 'x')",
        "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT); INSERT INTO t VALUES (1, 'x'), (2, 'y')",
    );
    // Holds the merge before its lock, after the survey has found nothing.
    desk.client
        .batch_execute("BEGIN; UPDATE t SET a = 'changed' WHERE id = 1")
        .unwrap();
    let merging = desk.merging(&[]).stdout(Stdio::piped()).spawn().unwrap();
    let mut looker = postgres::Client::connect(&desk.uri, postgres::NoTls).unwrap();
    let begin = Instant::now();
    let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 't'::regclass";
    while crate::postgres_target::ask(&mut looker, waits) == "0" {
        assert!(
            begin.elapsed() < Duration::from_secs(30),
            "it never asks for the lock"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    desk.client.batch_execute("COMMIT").unwrap();
    let done = merging.wait_with_output().unwrap();
    assert_eq!(done.status.code(), Some(4));
    let result: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(result["error"]["code"], "merge-conflict");
    assert_eq!(desk.ask("SELECT id, a FROM t"), "1|changed");
    desk.assert_tidy();
}
