//! SIGKILL at any moment: nothing stands under the final name, the target is as it was or
//! complete, and the same command again succeeds.

use crate::support::program::command;
use crate::support::{compare_sqlite, postgres, samples};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Moments at which a program is killed.
const KILLS: u32 = 20;

/// A database that keeps a program busy long enough to be hit in every phase.
fn sample() -> samples::Sample {
    samples::sample("busy.db", |connection: &Connection| {
        connection.execute_batch(
            "CREATE TABLE parent(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
             CREATE TABLE child(id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent(id), note TEXT, amount REAL);
             CREATE INDEX child_parent ON child(parent);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
             INSERT INTO parent SELECT i, 'parent number ' || i FROM n;
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150000)
             INSERT INTO child SELECT i, 1 + i % 20000, hex(i * 7919) || ' some words to fill the row with ' || i, i / 7.0 FROM n;",
        )
    })
}

fn quiet(program: &str, arguments: &[&str]) -> Command {
    let mut command = command(program);
    command
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// How long the program takes undisturbed.
fn duration(command: &mut Command) -> Duration {
    let begin = Instant::now();
    assert!(command.status().expect("the program runs").success());
    begin.elapsed()
}

/// Starts the program and kills it after `delay`; true when it had finished well before.
fn killed(mut command: Command, delay: Duration) -> bool {
    let mut child = command.spawn().expect("the program starts");
    std::thread::sleep(delay);
    child.kill().expect("a child can be killed");
    child.wait().expect("a child can be waited for").success()
}

/// Moments spread over `whole` by the golden ratio: the same in every run, and nowhere dense.
fn moments(whole: Duration) -> impl Iterator<Item = Duration> {
    (1..=KILLS).map(move |n| whole.mul_f64((f64::from(n) * 0.618_033_988_75).fract()))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .expect("a readable folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    entries
}

#[test]
fn a_killed_export_leaves_no_archive_under_its_name() {
    let sample = sample();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let reference = folder.path().join("reference.tar.zst");
    let whole = duration(&mut quiet(
        "waybill-export",
        &[text(&sample.path), text(&reference)],
    ));
    let reference = std::fs::read(reference).expect("the archive is readable");
    let archive = folder.path().join("killed.tar.zst");
    for moment in moments(whole) {
        let finished = killed(
            quiet("waybill-export", &[text(&sample.path), text(&archive)]),
            moment,
        );
        assert!(
            finished
                || !archive.exists()
                || std::fs::read(&archive).expect("readable") == reference
        );
        if archive.exists() {
            std::fs::remove_file(&archive).expect("the archive can be removed");
        }
        assert!(
            quiet("waybill-export", &[text(&sample.path), text(&archive)])
                .status()
                .expect("runs")
                .success()
        );
        assert_eq!(
            std::fs::read(&archive).expect("readable"),
            reference,
            "killed after {moment:?}"
        );
        std::fs::remove_file(&archive).expect("the archive can be removed");
    }
}

#[test]
fn a_killed_import_into_sqlite_leaves_no_file_under_its_name() {
    let sample = sample();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let archive = folder.path().join("a.tar.zst");
    duration(&mut quiet(
        "waybill-export",
        &[text(&sample.path), text(&archive)],
    ));
    let targets = tempfile::tempdir().expect("a temporary folder");
    let first = targets.path().join("first.db");
    let whole = duration(&mut quiet(
        "waybill-import",
        &[text(&archive), &format!("sqlite:{}", text(&first))],
    ));
    std::fs::remove_file(first).expect("the file can be removed");
    let target = targets.path().join("target.db");
    let locator = format!("sqlite:{}", text(&target));
    for moment in moments(whole) {
        killed(quiet("waybill-import", &[text(&archive), &locator]), moment);
        if target.exists() {
            compare_sqlite::assert_same(&sample.path, &target);
            std::fs::remove_file(&target).expect("the file can be removed");
        }
        assert!(
            quiet("waybill-import", &[text(&archive), &locator])
                .status()
                .expect("runs")
                .success()
        );
        compare_sqlite::assert_same(&sample.path, &target);
        std::fs::remove_file(&target).expect("the file can be removed");
        let records = ["first", "target"].map(|name| format!("{name}.db.waybill-runs"));
        assert_eq!(
            entries(targets.path()),
            records.map(|name| targets.path().join(name)),
            "killed after {moment:?}: the rerun cleans up, and only the records stay"
        );
    }
}

#[test]
fn a_killed_import_into_postgresql_leaves_the_schema_as_it_was() {
    let sample = sample();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let archive = folder.path().join("a.tar.zst");
    duration(&mut quiet(
        "waybill-export",
        &[text(&sample.path), text(&archive)],
    ));
    let whole = duration(&mut quiet(
        "waybill-import",
        &[text(&archive), &postgres::fresh_database()],
    ));
    for moment in moments(whole) {
        let uri = postgres::fresh_database();
        let mut client =
            ::postgres::Client::connect(&uri, ::postgres::NoTls).expect("the server answers");
        killed(quiet("waybill-import", &[text(&archive), &uri]), moment);
        if tables(&mut client) == 0 {
            let begin = Instant::now();
            // The backends of the killed program may need a moment to notice.
            while !quiet("waybill-import", &[text(&archive), &uri])
                .status()
                .expect("runs")
                .success()
            {
                assert!(
                    begin.elapsed() < Duration::from_secs(20),
                    "killed after {moment:?}: no rerun succeeds"
                );
            }
        }
        assert_complete(&mut client);
        assert_tidy(&mut client, moment);
    }
}

/// Nothing is left but the ledger, and that has every part once.
fn assert_tidy(client: &mut ::postgres::Client, moment: Duration) {
    let sql = "SELECT (SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'waybill\\_staging%'),
                      (SELECT string_agg(state, ',') FROM waybill.runs),
                      (SELECT sum(rows)::bigint FROM waybill.steps WHERE kind = 'part' AND done)";
    let row = client.query_one(sql, &[]).expect("the ledger is there");
    let found: (i64, String, i64) = (row.get(0), row.get(1), row.get(2));
    assert_eq!(
        found,
        (0, "done".to_owned(), 170_000),
        "killed after {moment:?}"
    );
}

fn tables(client: &mut ::postgres::Client) -> i64 {
    let sql = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'";
    client.query_one(sql, &[]).expect("the catalogue").get(0)
}

fn assert_complete(client: &mut ::postgres::Client) {
    let sql = "SELECT (SELECT count(*) FROM parent), (SELECT count(*) FROM child),
                      (SELECT count(*) FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND convalidated)";
    let row = client.query_one(sql, &[]).expect("both tables are there");
    let counts: (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
    assert_eq!((counts.0, counts.1), (20_000, 150_000));
    assert!(
        counts.2 >= 4,
        "two primary keys, a unique and a foreign key, found {}",
        counts.2
    );
}
