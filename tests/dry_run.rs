//! A dry run leaves the target byte for byte as it was; and a plan neither writes nor waits.

#![expect(
    clippy::unwrap_used,
    reason = "the allowance for tests covers test functions only, not what they share"
)]

use crate::support::postgres::{Server, programs_of_the_system, servers};
use crate::support::program::{Ran, command};
use crate::support::samples;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A database that has tables of an application already, and an archive.
struct Desk {
    folder: TempDir,
    uri: String,
    client: postgres::Client,
}

impl Desk {
    fn new(server: &Server, migrations: &str, source: &samples::Sample) -> Desk {
        let uri = server.fresh_database();
        let mut client = postgres::Client::connect(&uri, postgres::NoTls).unwrap();
        client.batch_execute(migrations).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let desk = Desk {
            folder,
            uri,
            client,
        };
        let mut export = command("waybill-export");
        export.arg("-q").arg(&source.path).arg(desk.archive());
        Ran::of(export).exits(0);
        desk
    }

    fn archive(&self) -> PathBuf {
        self.folder.path().join("a.waybill")
    }

    fn import(&self, flags: &[&str]) -> Ran {
        let mut import = command("waybill-import");
        import.args(flags).arg(self.archive()).arg(&self.uri);
        Ran::of(import)
    }

    fn ask(&mut self, query: &str) -> String {
        crate::postgres_target::ask(&mut self.client, query)
    }
}

/// Structure, rows and sequences of everything that is not Waybill's own.
fn dump(server: &Server, uri: &str) -> String {
    let program = if server.version == 0 {
        PathBuf::from("pg_dump")
    } else {
        programs_of_the_system().join("pg_dump")
    };
    let output = Command::new(program)
        .args(["--restrict-key=none", "-Nwaybill"])
        .arg(uri)
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    String::from_utf8(output.stdout).unwrap()
}

/// The servers that the system's pg_dump reads.
fn dumpable() -> impl Iterator<Item = &'static Server> {
    let newest = servers().iter().map(|server| server.version).min();
    servers()
        .iter()
        .filter(move |server| Some(server.version) == newest)
}

const SEQUENCES: &str =
    "SELECT schemaname, sequencename, last_value FROM pg_sequences ORDER BY 1, 2";
const LEFT: &str = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'waybill\\_staging%'";

#[test]
fn a_dry_import_leaves_the_target_as_it_was() {
    let source = samples::shop();
    for server in servers() {
        let migrations = "CREATE TABLE kept (id serial PRIMARY KEY, t text);
            INSERT INTO kept (t) VALUES ('a'), ('b'); COMMENT ON TABLE kept IS 'mine'";
        let mut desk = Desk::new(server, migrations, &source);
        let state = "SELECT (SELECT string_agg(oid || relname || relnatts, ',' ORDER BY oid) FROM pg_class WHERE relnamespace = 'public'::regnamespace),
            (SELECT string_agg(ctid || t, ',') FROM kept), (SELECT count(*) FROM pg_type WHERE typnamespace = 'public'::regnamespace)";
        let (before, sequences) = (desk.ask(state), desk.ask(SEQUENCES));
        let text = desk.import(&["--dry-run"]).exits(0).stdout();
        assert!(text.starts_with("would have imported 1"), "{text}");
        assert_eq!(desk.ask(state), before);
        assert_eq!(desk.ask(SEQUENCES), sequences);
        assert_eq!(desk.ask(LEFT), "0");
        let runs = "SELECT mode, state, reason FROM waybill.runs";
        assert_eq!(desk.ask(runs), "dry create|abandoned|it was a dry run");
        desk.import(&["-q"]).exits(0);
        let again = desk.import(&["--dry-run"]).exits(0).stdout();
        assert!(again.starts_with("already imported"), "{again}");
    }
    for server in dumpable() {
        let mut desk = Desk::new(server, "CREATE TABLE kept (id serial PRIMARY KEY)", &source);
        let before = dump(server, &desk.uri);
        desk.import(&["--dry-run"]).exits(0);
        assert_eq!(dump(server, &desk.uri), before);
        assert_eq!(desk.ask(LEFT), "0");
    }
}

#[test]
fn a_dry_import_finds_what_the_import_would_and_leaves_nothing_either() {
    let source = samples::sample("source.db", |connection| {
        connection.execute_batch("CREATE TABLE t(a INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)")
    });
    for server in servers() {
        let mut desk = Desk::new(server, "CREATE VIEW t AS SELECT 1", &source);
        let ran = desk.import(&["--dry-run"]).exits(4);
        assert!(ran.stderr().contains("target-exists"), "{}", ran.stderr());
        assert_eq!(desk.ask(LEFT), "0");
    }
}

#[test]
fn a_dry_fill_gives_back_rows_and_numbers() {
    let source = samples::sample("source.db", |connection| {
        connection.execute_batch(
            "CREATE TABLE parent(id INTEGER PRIMARY KEY, name TEXT);
             CREATE TABLE child(id INTEGER PRIMARY KEY, parent INTEGER);
             INSERT INTO parent VALUES (4, 'a'), (9, 'b'); INSERT INTO child VALUES (7, 4), (8, 9)",
        )
    });
    let migrations = "CREATE TABLE parent(id serial PRIMARY KEY, name text, number bigserial);
        CREATE TABLE child(id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, parent integer REFERENCES parent);
        SELECT nextval('parent_number_seq')";
    for server in servers() {
        let mut desk = Desk::new(server, migrations, &source);
        let state = "SELECT (SELECT last_value || is_called::text FROM parent_id_seq),
            (SELECT last_value || is_called::text FROM parent_number_seq),
            (SELECT last_value || is_called::text FROM child_id_seq),
            (SELECT count(*) FROM parent), (SELECT count(*) FROM child),
            (SELECT string_agg(c::text, ' ' ORDER BY oid) FROM pg_class AS c WHERE relnamespace = 'public'::regnamespace)";
        let before = desk.ask(state);
        let ran = desk.import(&["--mode", "fill", "--dry-run"]).exits(0);
        let text = ran.stdout();
        assert!(text.starts_with("would have filled 2 tables"), "{text}");
        assert_eq!(desk.ask(state), before);
        assert_eq!(desk.ask(LEFT), "0");
        desk.import(&["--mode", "fill"]).exits(0);
        assert_ne!(desk.ask(state), before);
    }
}

/// All that is in a folder.
fn listed(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut all: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    all.sort();
    let read = |path: PathBuf| (path.clone(), std::fs::read(path).unwrap());
    all.into_iter().map(read).collect()
}

#[test]
fn a_dry_import_into_a_file_leaves_the_folder_as_it_was() {
    let source = samples::tiny();
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("a.waybill");
    let mut export = command("waybill-export");
    export.arg("-q").arg(&source.path).arg(&archive);
    Ran::of(export).exits(0);
    let target = folder.path().join("t.db");
    for mode in ["create", "replace"] {
        if mode == "replace" {
            rusqlite::Connection::open(&target)
                .unwrap()
                .execute_batch("CREATE TABLE old(a); INSERT INTO old VALUES (1)")
                .unwrap();
        }
        let before = listed(folder.path());
        let mut import = command("waybill-import");
        import.args(["--dry-run", "--mode", mode]).arg(&archive);
        import.arg(format!("sqlite:{}", target.display()));
        let text = Ran::of(import).exits(0).stdout();
        assert!(text.starts_with("would have imported"), "{text}");
        assert!(listed(folder.path()) == before, "{mode}");
    }
}

#[test]
fn a_plan_does_not_wait_for_a_lock_on_a_table() {
    let source = samples::sample("source.db", |connection| {
        connection.execute_batch("CREATE TABLE t(a INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)")
    });
    for server in servers() {
        let mut desk = Desk::new(server, "CREATE TABLE t(a integer PRIMARY KEY)", &source);
        desk.client
            .batch_execute("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
            .unwrap();
        let begun = Instant::now();
        let ran = desk.import(&["--mode", "fill", "--plan"]).exits(5);
        assert!(ran.stderr().contains("lock-timeout"), "{}", ran.stderr());
        assert!(begun.elapsed() < Duration::from_secs(20));
        desk.client.batch_execute("ROLLBACK").unwrap();
        // It writes nothing, even where nothing may be written.
        let role = "ALTER ROLE CURRENT_USER IN DATABASE";
        let database = desk.ask("SELECT quote_ident(current_database())");
        let sql = format!("{role} {database} SET default_transaction_read_only = on");
        desk.client.batch_execute(&sql).unwrap();
        desk.import(&["--mode", "fill", "--plan"]).exits(0);
    }
}

#[test]
fn no_timeout_of_a_role_breaks_a_run() {
    let source = samples::shop();
    for server in servers() {
        let mut desk = Desk::new(server, "", &source);
        let database = desk.ask("SELECT quote_ident(current_database())");
        let mut settings = vec![
            "statement_timeout = '50ms'",
            "lock_timeout = '50ms'",
            "idle_in_transaction_session_timeout = '50ms'",
            "idle_session_timeout = '5min'",
        ];
        let version: u32 = desk.ask("SHOW server_version_num").parse().unwrap();
        if version >= 170_000 {
            settings.push("transaction_timeout = '50ms'");
        }
        for setting in settings {
            let sql = format!("ALTER ROLE CURRENT_USER IN DATABASE {database} SET {setting}");
            desk.client.batch_execute(&sql).unwrap();
        }
        desk.import(&["--mode", "create", "--plan"]).exits(0);
        desk.import(&[]).exits(0);
        desk.import(&["--mode", "replace", "--new-run", "--yes"])
            .exits(0);
        for command in ["status", "undo"] {
            let mut tell = crate::support::program::command("waybill-import");
            tell.arg(command).arg(&desk.uri);
            Ran::of(tell).exits(0);
        }
    }
}
