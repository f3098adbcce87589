//! What all tortures share: an archive, what an undisturbed import of it makes, and how a disturbed one
//! is brought to its end and compared with that.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ::postgres::{Client, NoTls};
use rusqlite::Connection;

use super::content::{Part, content, parts, strange_rows};
use super::eyes::Eyes;
use super::phase::Timeline;
use crate::support::postgres::{Server, drop_database};
use crate::support::program::command;
use crate::support::{compare_postgres, samples};

/// Tables in the archive; each is a part at least.
pub(super) const TABLES: u8 = 9;
/// Rows of a small table, and of the one with several parts.
const ROWS: i64 = 1200;
const BLOBS: i64 = 500;
/// Rows of each table that is replaced.
const OLD: i64 = 7;
/// The same command must have come to its end by then.
const PATIENCE: Duration = Duration::from_mins(1);

/// An archive, and what an undisturbed import makes of it.
pub(super) struct Scene {
    pub(super) archive: PathBuf,
    _folder: tempfile::TempDir,
    replaces: bool,
    /// How an undisturbed import goes.
    pub(super) timeline: Timeline,
    pub(super) eyes: Eyes,
    /// All there is before, and after an undisturbed import.
    before: Vec<String>,
    after: Vec<String>,
}

/// The table that a table refers to.
fn parent(table: u8) -> String {
    match table / 2 {
        0 => "blobs".to_owned(),
        parent => format!("t{parent}"),
    }
}

/// Small tables that refer to each other, and one of several parts.
fn sample() -> samples::Sample {
    samples::sample("torture.db", |connection: &Connection| {
        connection.execute_batch(&format!(
            "CREATE TABLE blobs(id INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {BLOBS})
             INSERT INTO blobs(body) SELECT randomblob(18000) FROM n"
        ))?;
        for table in 1..TABLES {
            let refers = parent(table);
            connection.execute_batch(&format!(
                "CREATE TABLE t{table}(id INTEGER PRIMARY KEY, parent INTEGER REFERENCES {refers}(id),
                                       name TEXT NOT NULL UNIQUE, amount REAL CHECK (amount >= 0),
                                       twice REAL AS (amount * 2) STORED);
                 CREATE INDEX t{table}_parent ON t{table}(parent);
                 WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
                 INSERT INTO t{table} SELECT i, 1 + i % {BLOBS}, 'row ' || i, i / 7.0 FROM n"
            ))?;
        }
        connection.execute_batch("CREATE VIEW names AS SELECT id, name FROM t1")
    })
}

/// Old tables of the same names, and what others have made around them.
fn old() -> String {
    let mut sql = format!(
        "CREATE TABLE blobs (id bigint PRIMARY KEY, body bytea NOT NULL);
         INSERT INTO blobs SELECT n, '\\x00' FROM generate_series(1, {OLD}) AS n;"
    );
    for table in 1..TABLES {
        let refers = parent(table);
        sql += &format!(
            "CREATE TABLE t{table} (id bigint PRIMARY KEY, parent bigint REFERENCES {refers},
                                    name text NOT NULL UNIQUE);
             INSERT INTO t{table} SELECT n, n, 'old ' || n FROM generate_series(1, {OLD}) AS n;"
        );
    }
    sql += &format!(
        "CREATE VIEW names AS SELECT id, name FROM t1;
         CREATE TABLE visits (id bigint PRIMARY KEY, seen bigint NOT NULL REFERENCES t1);
         INSERT INTO visits SELECT n, n FROM generate_series(1, {OLD}) AS n;
         CREATE VIEW seen AS SELECT visits.id, t1.name FROM visits JOIN t1 ON t1.id = visits.seen;
         GRANT SELECT ON t1, seen TO PUBLIC; COMMENT ON TABLE t2 IS 'the second'"
    );
    sql
}

/// What readers count: the rows of all tables and views, and in one view those that are old.
fn queries(replaces: bool) -> Vec<String> {
    let tables = (1..TABLES).map(|table| format!("t{table}"));
    let tables = tables.chain(["blobs".to_owned(), "names".to_owned()]);
    let counts = tables.map(|table| format!("SELECT count(*) FROM {table}"));
    let seen = "SELECT count(*) FROM seen WHERE name LIKE 'old %'".to_owned();
    counts.chain(replaces.then_some(seen)).collect()
}

/// A database in which the import has not begun.
fn fresh(server: &Server, replaces: bool) -> String {
    let uri = server.fresh_database();
    if replaces {
        connect(&uri)
            .batch_execute(&old())
            .expect("an empty database");
    }
    uri
}

fn program(archive: &PathBuf, uri: &str, replaces: bool) -> Command {
    let mut command = command("waybill-import");
    command.arg(archive).arg(uri).args(["-j", "2"]);
    if replaces {
        command.args(["--mode", "replace", "--yes"]);
    }
    command.stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

impl Scene {
    /// Imports into an empty schema.
    pub(super) fn new(server: &Server) -> Scene {
        Scene::made(server, false)
    }

    /// Replaces tables that others refer to.
    pub(super) fn replacing(server: &Server) -> Scene {
        Scene::made(server, true)
    }

    /// Exports, and imports once undisturbed.
    fn made(server: &Server, replaces: bool) -> Scene {
        let sample = sample();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let archive = folder.path().join("a.tar.zst");
        let mut export = command("waybill-export");
        export.args([&sample.path, &archive]).arg("-q");
        assert!(export.status().expect("the program runs").success());
        let uri = fresh(server, replaces);
        let mut client = connect(&uri);
        let queries = queries(replaces);
        let (before, first) = (content(&mut client), Eyes::view(&mut client, &queries));
        let mut child = program(&archive, &uri, replaces).spawn().expect("starts");
        let timeline = Timeline::of(&mut client, &mut child);
        // Before the comparison, which takes numbers from the sequences.
        let (after, last) = (content(&mut client), Eyes::view(&mut client, &queries));
        if !replaces {
            compare_postgres::assert_same(&sample.path, &mut client, "public");
        }
        drop(client);
        drop_database(server, &uri);
        Scene {
            archive,
            _folder: folder,
            replaces,
            timeline,
            eyes: Eyes::new(&queries, first, last),
            before,
            after,
        }
    }

    /// A database in which the import has not begun.
    pub(super) fn fresh(&self, server: &Server) -> String {
        fresh(server, self.replaces)
    }

    /// The command of the import.
    pub(super) fn import(&self, uri: &str) -> Command {
        program(&self.archive, uri, self.replaces)
    }

    /// Starts the import in several processes.
    pub(super) fn start(&self, uri: &str, processes: usize) -> Vec<Child> {
        let start = |_| self.import(uri).spawn().expect("the program starts");
        (0..processes).map(start).collect()
    }

    /// Runs the same command until it succeeds: backends of what was killed may need a moment to notice.
    pub(super) fn finish(&self, uri: &str, what: &str) {
        insist(|| self.import(uri), what);
    }

    /// Fails unless all is as after an undisturbed import, and the ledger is at rest.
    pub(super) fn assert_done(&self, uri: &str, before: &[Part], what: &str) {
        let mut client = connect(uri);
        assert_same(&content(&mut client), &self.after, what);
        let ask = |client: &mut Client, sql: &str| -> i64 {
            client.query_one(sql, &[]).expect("a ledger").get(0)
        };
        let open = "SELECT count(*) FROM waybill.runs WHERE state <> 'done'";
        assert_eq!(ask(&mut client, open), 0, "{what}: a run is not done");
        let runs = "SELECT count(*) FROM waybill.runs";
        assert_eq!(ask(&mut client, runs), 1, "{what}: runs");
        let left = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'waybill\\_staging%'";
        assert_eq!(ask(&mut client, left), 0, "{what}: something is left");
        let after = parts(&mut client);
        assert!(after.iter().all(Part::is_done), "{what}: {after:?}");
        for old in before.iter().filter(|part| part.is_done()) {
            assert!(after.contains(old), "{what}: {old:?} is done again");
        }
        let rows: i64 = after.iter().filter_map(Part::rows).sum();
        assert_eq!(rows, ROWS * (i64::from(TABLES) - 1) + BLOBS, "{what}");
        // Each row was written by the one transaction that its part was done in.
        assert_eq!(strange_rows(&mut client), Vec::<String>::new(), "{what}");
        if self.replaces {
            let aside = "SELECT count(*) FROM pg_class, pg_namespace AS home
                         WHERE home.oid = relnamespace AND nspname LIKE 'waybill\\_backup%' AND relkind = 'r'";
            assert_eq!(
                ask(&mut client, aside),
                i64::from(TABLES),
                "{what}: put aside"
            );
        }
    }

    /// Fails unless all is as it was before.
    pub(super) fn assert_untouched(&self, uri: &str, what: &str) {
        assert_same(&content(&mut connect(uri)), &self.before, what);
    }

    /// Whether all is as an undisturbed import leaves it, or else as it was before.
    pub(super) fn is_after(&self, uri: &str, what: &str) -> bool {
        let found = content(&mut connect(uri));
        if found != self.before {
            assert_same(&found, &self.after, what);
        }
        found != self.before
    }

    /// Fails when the program itself finds a difference.
    pub(super) fn check(&self, uri: &str) {
        let mut check = command("waybill-import");
        check.arg("check").arg(&self.archive).arg(uri);
        check.stdout(Stdio::null());
        assert!(check.status().expect("the program runs").success());
    }
}

/// Runs a command until it succeeds, as long as it says that the same may do later.
pub(super) fn insist(command: impl Fn() -> Command, what: &str) {
    let begin = Instant::now();
    loop {
        let output = command().stderr(Stdio::piped()).output();
        let output = output.expect("the program runs");
        if output.status.success() {
            return;
        }
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(5), "{what}: {said}");
        assert!(
            begin.elapsed() < PATIENCE,
            "{what}: no rerun succeeds: {said}"
        );
    }
}

fn assert_same(found: &[String], wanted: &[String], what: &str) {
    let more: Vec<_> = found.iter().filter(|one| !wanted.contains(one)).collect();
    let less: Vec<_> = wanted.iter().filter(|one| !found.contains(one)).collect();
    assert!(
        more.is_empty() && less.is_empty(),
        "{what}: {more:?} {less:?}"
    );
}

pub(super) fn connect(uri: &str) -> Client {
    Client::connect(uri, NoTls).expect("the server answers")
}

/// Waits until the backends of programs that were killed have ended.
pub(super) fn settled(uri: &str, what: &str) {
    let others = "SELECT count(*) FROM pg_stat_activity
                  WHERE datname = current_database() AND application_name LIKE 'waybill-import%'";
    let (begin, mut client) = (Instant::now(), connect(uri));
    while client
        .query_one(others, &[])
        .expect("a view")
        .get::<_, i64>(0)
        > 0
    {
        assert!(begin.elapsed() < PATIENCE, "{what}: a backend does not end");
        std::thread::sleep(Duration::from_millis(5));
    }
}
