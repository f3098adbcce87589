//! Each stage runs alone: its own program, an empty HOME, the source gone before verify, no
//! network; through pipes as well as files; and from a database that is written to meanwhile.

use crate::support::program::{Ran, command, path, run};
use crate::support::{compare_sqlite, postgres, samples};
use rusqlite::Connection;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

/// A program in an empty environment, alone in a folder with nothing but itself.
fn alone(program: &str, folder: &Path, arguments: &[&str]) -> Ran {
    let copy = folder.join(program);
    crate::support::program::copy(program, &copy);
    let mut command = Command::new("unshare");
    // A network of its own, in which there is nothing; -r for those who are not root.
    command.args(["-r", "-n"]).arg(&copy).args(arguments);
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", folder)
        .current_dir(folder);
    Ran::of(command)
}

#[test]
fn every_stage_runs_on_a_machine_of_its_own() {
    let [first, second, third] = [(); 3].map(|()| tempfile::tempdir().expect("a temporary folder"));
    let shop = samples::shop();
    fs::copy(&shop.path, first.path().join("shop.db")).expect("a copy");
    alone("waybill-analyze", first.path(), &["shop.db"]).exits(0);
    alone("waybill-export", first.path(), &["shop.db", "a.tar.zst"]).exits(0);
    fs::rename(
        first.path().join("a.tar.zst"),
        second.path().join("a.tar.zst"),
    )
    .expect("one file system");
    drop(first);
    alone("waybill-verify", second.path(), &["a.tar.zst"]).exits(0);
    fs::rename(
        second.path().join("a.tar.zst"),
        third.path().join("a.tar.zst"),
    )
    .expect("one file system");
    drop(second);
    alone(
        "waybill-import",
        third.path(),
        &["a.tar.zst", "sqlite:copy.db"],
    )
    .exits(0);
    compare_sqlite::assert_same(&shop.path, &third.path().join("copy.db"));
}

#[test]
fn a_pipe_carries_an_archive_from_export_to_import() {
    let shop = samples::shop();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let copy = folder.path().join("copy.db");
    let script = format!(
        "set -o pipefail; '{}' '{}' - | cat | '{}' - 'sqlite:{}'",
        path("waybill-export").display(),
        shop.path.display(),
        path("waybill-import").display(),
        copy.display()
    );
    let mut bash = Command::new("bash");
    bash.args(["-c", &script]);
    Ran::of(bash).exits(0);
    compare_sqlite::assert_same(&shop.path, &copy);
    // The pipe and the file hold the same bytes.
    let archive = folder.path().join("a.tar.zst");
    run(
        "waybill-export",
        [shop.path.as_os_str(), archive.as_os_str()],
    )
    .exits(0);
    let mut export = command_to_pipe(&shop.path);
    let piped = export.output().expect("the program runs");
    assert!(
        piped.stdout == fs::read(&archive).expect("readable"),
        "pipe and file differ"
    );
    let mut verify = command("waybill-verify");
    verify
        .arg("-")
        .stdin(fs::File::open(&archive).expect("readable"));
    Ran::of(verify).exits(0);
}

fn command_to_pipe(source: &Path) -> Command {
    let mut export = command("waybill-export");
    export.arg(source).arg("-");
    export
}

#[test]
fn a_pipe_into_postgresql_that_breaks_changes_nothing() {
    let shop = samples::shop();
    let uri = postgres::fresh_database();
    let script = format!(
        "'{}' '{}' - | head -c 20000 | '{}' - '{uri}'",
        path("waybill-export").display(),
        shop.path.display(),
        path("waybill-import").display()
    );
    let mut bash = Command::new("bash");
    bash.args(["-c", &script]);
    Ran::of(bash).exits(4);
    let mut client =
        ::postgres::Client::connect(&uri, ::postgres::NoTls).expect("the server answers");
    let tables: i64 = client
        .query_one(
            "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace",
            &[],
        )
        .expect("the catalogue")
        .get(0);
    assert_eq!(tables, 0);
}

/// A writer moves money between two accounts, one transaction a transfer, while exports run: the
/// sum over both tables is the same in every archive, and so is the number of transfers in both.
#[test]
fn an_export_of_a_database_that_is_written_to_is_one_consistent_state() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = folder.path().join("live.db");
    let connection = Connection::open(&database).expect("a new file");
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL;
             CREATE TABLE a(id INTEGER PRIMARY KEY, amount INTEGER);
             CREATE TABLE filler(x TEXT);
             CREATE TABLE b(id INTEGER PRIMARY KEY, amount INTEGER);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
             INSERT INTO filler SELECT hex(i * i) FROM n;",
        )
        .expect("a database");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (connection, done) = (connection, &done);
        scope.spawn(move || {
            while !done.load(Ordering::Relaxed) {
                connection
                    .execute_batch("BEGIN; INSERT INTO a(amount) VALUES (7); INSERT INTO b(amount) VALUES (-7); COMMIT;")
                    .expect("the writer is never locked out");
            }
        });
        let mut states = Vec::new();
        for number in 0..5 {
            let archive = folder.path().join(format!("{number}.tar.zst"));
            run(
                "waybill-export",
                [database.as_os_str(), archive.as_os_str()],
            )
            .exits(0);
            let verified = run("waybill-verify", ["--json".as_ref(), archive.as_os_str()])
                .exits(0)
                .json();
            let rows = |name: &str| {
                let tables = verified["tables"].as_array().expect("a list").clone();
                tables
                    .iter()
                    .find(|table| table["name"] == name)
                    .expect("the table")["rows"]
                    .as_u64()
                    .expect("a number")
            };
            assert_eq!(rows("a"), rows("b"), "archive {number}");
            states.push(rows("a"));
        }
        done.store(true, Ordering::Relaxed);
        assert!(
            states.windows(2).all(|pair| pair[0] <= pair[1]),
            "{states:?}"
        );
        assert!(
            states.first() < states.last(),
            "the writer did write: {states:?}"
        );
    });
}
