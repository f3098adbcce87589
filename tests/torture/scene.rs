//! What all tortures share: an archive, an undisturbed import of it, and eyes that look all the time.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ::postgres::{Client, NoTls};
use rusqlite::Connection;

use crate::support::postgres::{Server, drop_database};
use crate::support::program::command;
use crate::support::{compare_postgres, samples};

/// Tables in the archive; each is a part at least.
pub(super) const TABLES: u8 = 9;
/// Rows of a small table, and of the one with several parts.
const ROWS: i64 = 1200;
const BLOBS: i64 = 500;
/// The same command must have come to its end by then.
const PATIENCE: Duration = Duration::from_mins(1);

/// An archive, and what an undisturbed import makes of it.
pub(super) struct Scene {
    sample: samples::Sample,
    pub(super) archive: PathBuf,
    _folder: tempfile::TempDir,
    /// How long that import took.
    pub(super) whole: Duration,
    content: Vec<String>,
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
            let parent = table / 2;
            let refers = if parent == 0 {
                "blobs".to_owned()
            } else {
                format!("t{parent}")
            };
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

impl Scene {
    /// Exports, and imports once undisturbed.
    pub(super) fn new(server: &Server) -> Scene {
        let sample = sample();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let archive = folder.path().join("a.tar.zst");
        let mut export = command("waybill-export");
        export.args([&sample.path, &archive]).arg("-q");
        assert!(export.status().expect("the program runs").success());
        let mut scene = Scene {
            sample,
            archive,
            _folder: folder,
            whole: Duration::ZERO,
            content: Vec::new(),
        };
        let uri = server.fresh_database();
        let begin = Instant::now();
        assert!(scene.import(&uri).status().expect("runs").success());
        scene.whole = begin.elapsed();
        let mut client = connect(&uri);
        // Before the comparison, which takes numbers from the sequences.
        scene.content = content(&mut client);
        compare_postgres::assert_same(&scene.sample.path, &mut client, "public");
        drop(client);
        drop_database(server, &uri);
        scene
    }

    /// The command of the import.
    pub(super) fn import(&self, uri: &str) -> Command {
        let mut command = command("waybill-import");
        command.arg(&self.archive).arg(uri).args(["-j", "2"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Starts the import in several processes.
    pub(super) fn start(&self, uri: &str, processes: usize) -> Vec<Child> {
        let start = |_| self.import(uri).spawn().expect("the program starts");
        (0..processes).map(start).collect()
    }

    /// Runs the same command until it succeeds: backends of what was killed may need a moment to notice.
    pub(super) fn finish(&self, uri: &str, what: &str) {
        let begin = Instant::now();
        loop {
            let output = self.import(uri).stderr(Stdio::piped()).output();
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

    /// Fails unless all is as after an undisturbed import, and the ledger is at rest.
    pub(super) fn assert_done(&self, uri: &str, before: &[Part], what: &str) {
        let mut client = connect(uri);
        let (found, wanted) = (content(&mut client), &self.content);
        let more: Vec<_> = found.iter().filter(|one| !wanted.contains(one)).collect();
        let less: Vec<_> = wanted.iter().filter(|one| !found.contains(one)).collect();
        assert!(
            more.is_empty() && less.is_empty(),
            "{what}: {more:?} {less:?}"
        );
        let state = "SELECT string_agg(state, ',') FROM waybill.runs";
        let state: String = client.query_one(state, &[]).expect("a ledger").get(0);
        assert_eq!(state, "done", "{what}");
        let left = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'waybill\\_staging%'";
        let left: i64 = client.query_one(left, &[]).expect("a catalogue").get(0);
        assert_eq!(left, 0, "{what}: a staging schema is left");
        let after = parts(&mut client);
        assert!(after.iter().all(|part| part.done), "{what}: {after:?}");
        for old in before.iter().filter(|part| part.done) {
            let new = after.iter().find(|part| part.step == old.step);
            assert_eq!(new, Some(old), "{what}: a part that was done is done again");
        }
        let rows: i64 = after.iter().map(|part| part.rows.unwrap_or(0)).sum();
        assert_eq!(rows, ROWS * (i64::from(TABLES) - 1) + BLOBS, "{what}");
    }

    /// Fails when the program itself finds a difference.
    pub(super) fn check(&self, uri: &str) {
        let mut check = command("waybill-import");
        check
            .arg("check")
            .arg(&self.archive)
            .arg(uri)
            .stdout(Stdio::null());
        assert!(check.status().expect("the program runs").success());
    }
}

pub(super) fn connect(uri: &str) -> Client {
    Client::connect(uri, NoTls).expect("the server answers")
}

/// A part as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) step: i64,
    pub(super) done: bool,
    attempt: i32,
    rows: Option<i64>,
    xid: Option<String>,
}

/// The parts of the only run; none where there is no ledger yet.
pub(super) fn parts(client: &mut Client) -> Vec<Part> {
    let is_there = "SELECT to_regclass('waybill.steps') IS NOT NULL";
    if !client
        .query_one(is_there, &[])
        .expect("a catalogue")
        .get::<_, bool>(0)
    {
        return Vec::new();
    }
    let sql = "SELECT step, done, attempt, rows, xid::text FROM waybill.steps
               WHERE kind = 'part' ORDER BY run, step";
    let rows = client.query(sql, &[]).expect("a ledger");
    let part = |row: &::postgres::Row| Part {
        step: row.get(0),
        done: row.get(1),
        attempt: row.get(2),
        rows: row.get(3),
        xid: row.get(4),
    };
    rows.iter().map(part).collect()
}

/// All that is in the schema `public`: rows by their digest, columns, keys, indexes, sequences, views.
fn content(client: &mut Client) -> Vec<String> {
    let mut content = Vec::new();
    let tables = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
                  AND relkind = 'r' ORDER BY relname";
    for table in client.query(tables, &[]).expect("a catalogue") {
        let table: String = table.get(0);
        let sql = format!(
            "SELECT count(*) || ' ' || md5(string_agg(md5(t::text), ',' ORDER BY id)) FROM {table} AS t"
        );
        let row = client.query_one(&sql, &[]).expect("a table");
        content.push(format!("{table} {}", row.get::<_, String>(0)));
    }
    let structure = "SELECT 'constraint ' || conrelid::regclass || pg_get_constraintdef(oid) || convalidated
            FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT 'index ' || pg_get_indexdef(indexrelid) || indisvalid FROM pg_index, pg_class
            WHERE pg_class.oid = indexrelid AND relnamespace = 'public'::regnamespace
        UNION ALL SELECT 'column ' || attrelid::regclass || attname || format_type(atttypid, atttypmod)
                || attnotnull || attgenerated::text || attidentity::text
            FROM pg_attribute, pg_class
            WHERE pg_class.oid = attrelid AND relnamespace = 'public'::regnamespace
              AND relkind IN ('r', 'v') AND attnum > 0 AND NOT attisdropped
        UNION ALL SELECT 'sequence ' || sequencename || start_value || coalesce(last_value, 0)
            FROM pg_sequences WHERE schemaname = 'public'
        UNION ALL SELECT 'option ' || relname || array_to_string(reloptions, ',') FROM pg_class
            WHERE relnamespace = 'public'::regnamespace AND reloptions IS NOT NULL
        ORDER BY 1";
    let rows = client.query(structure, &[]).expect("a catalogue");
    content.extend(rows.iter().map(|row| row.get::<_, String>(0)));
    content
}

/// Looks all the time while `act` is done, in READ COMMITTED and in transactions begun anew: there
/// is no table, or all are there with all their rows.
pub(super) fn watched(uri: &str, act: impl FnOnce()) {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut client = connect(uri);
            while !stop.load(Ordering::Relaxed) {
                look(&mut client);
                std::thread::sleep(Duration::from_millis(10));
            }
            look(&mut client);
        });
        // Where `act` fails, the reader must end too, or the scope would wait for it.
        let stopping = Stopping(&stop);
        act();
        drop(stopping);
        reader.join().expect("a reader saw a mixture");
    });
}

struct Stopping<'a>(&'a AtomicBool);

impl Drop for Stopping<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// One look of a reader in READ COMMITTED, one in a transaction with one snapshot.
pub(super) fn look(client: &mut Client) {
    // One statement: all its tables are there, or the server says that one is not.
    let each = (1..TABLES).map(|table| format!("(SELECT count(*) FROM t{table})"));
    let rows = [vec![ROWS; usize::from(TABLES) - 1], vec![BLOBS]].concat();
    let all: Vec<_> = each
        .chain(["(SELECT count(*) FROM blobs)".to_owned()])
        .collect();
    let sql = format!("SELECT ARRAY[{}]", all.join(", "));
    match client.query_one(&sql, &[]) {
        Ok(row) => assert_eq!(row.get::<_, Vec<i64>>(0), rows),
        Err(error) => assert_eq!(
            error.code().map(::postgres::error::SqlState::code),
            Some("42P01"),
            "{error:?}"
        ),
    }
    let mut snapshot = client.build_transaction();
    snapshot = snapshot.isolation_level(::postgres::IsolationLevel::RepeatableRead);
    let mut snapshot = snapshot.start().expect("a transaction");
    let tables = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'";
    let tables: i64 = snapshot.query_one(tables, &[]).expect("a catalogue").get(0);
    if tables != 0 {
        assert_eq!(tables, i64::from(TABLES));
        let row = snapshot.query_one(&sql, &[]).expect("all tables are there");
        assert_eq!(row.get::<_, Vec<i64>>(0), rows);
    }
}
