//! Many rows: what is found among them, and what memory that takes.

use super::{Made, differs, findings, sqlite};
use crate::support::postgres::server;
use crate::support::program::Ran;
use rusqlite::Connection;
use std::fs;
use std::process::Command;

const MILLION: &str = "
    CREATE TABLE big (id INTEGER PRIMARY KEY, name TEXT, n INTEGER);
    WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 1000000)
    INSERT INTO big SELECT i, 'row ' || i, i * 7 FROM c;";

#[test]
fn one_cell_among_a_million_rows_is_found() {
    let made = Made::of(MILLION);
    let uri = server().fresh_database();
    made.import(&uri, &["--check", "none"]);
    let name = uri.rsplit('/').next().unwrap().split('?').next().unwrap();
    let mut client = server().client(name);
    client
        .batch_execute("UPDATE big SET n = n + 1 WHERE id = 654321")
        .unwrap();
    differs(
        &made.check(&uri, &[], 3),
        "big",
        1,
        &["differs: id=654321 (n)"],
    );
    // Everything differs: the counts are exact all the same, and the memory is bounded.
    client
        .batch_execute("UPDATE big SET n = n + 1 WHERE id > 10; DELETE FROM big WHERE id = 5")
        .unwrap();
    let json = bounded(&made.command(&uri, &["--limit", "3", "-j", "2"]), 3);
    differs(
        &json,
        "big",
        999_991,
        &["differs: id=11 (n)", "differs: id=12 (n)", "missing: id=5"],
    );
    let target = made.path("t.db");
    fs::copy(made.source(), &target).unwrap();
    let change = "UPDATE big SET name = name || '!' WHERE id <> 7";
    Connection::open(&target)
        .unwrap()
        .execute_batch(change)
        .unwrap();
    let json = bounded(
        &made.command(&sqlite(&target), &["--limit", "1", "-j", "2"]),
        3,
    );
    differs(&json, "big", 999_999, &["differs: id=1 (name)"]);
    assert_eq!(findings(&json).len(), 1);
}

/// Runs the command where it gets no more than so much address space; without a bound it would take
/// more for the hashes of two million rows alone.
fn bounded(command: &Command, code: i32) -> serde_json::Value {
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -v 460800; exec \"$0\" \"$@\""]);
    limited
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            limited.env(name, value);
        }
    }
    Ran::of(limited).exits(code).json()
}
