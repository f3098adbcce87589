//! The files that tell of a run: its log and its report.

#![expect(
    clippy::unwrap_used,
    reason = "the allowance for tests covers test functions only, not what they share"
)]

use crate::support::program::{Ran, command};
use crate::support::samples;
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

struct Desk {
    folder: TempDir,
    source: samples::Sample,
}

impl Desk {
    fn new() -> Desk {
        let folder = tempfile::tempdir().unwrap();
        let source = samples::sample("source.db", |connection| {
            connection.execute_batch(
                "CREATE TABLE \"or\u{1b}[31mders\"(a INTEGER PRIMARY KEY, b TEXT); INSERT INTO \"or\u{1b}[31mders\" VALUES (1, 'x'), (2, 'y')",
            )
        });
        Desk { folder, source }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn export(&self, flags: &[&OsStr]) -> Ran {
        let mut export = command("waybill-export");
        export.args(flags).arg("--force").arg(&self.source.path);
        export.arg(self.path("a.waybill"));
        Ran::of(export)
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn flag(name: &str, path: &Path) -> String {
    format!("--{name}={}", path.display())
}

#[test]
fn every_step_is_a_line_of_the_log_and_lines_are_only_added() {
    let desk = Desk::new();
    let log = desk.path("run.log");
    desk.export(&[flag("log-file", &log).as_ref()]).exits(0);
    let first = fs::read_to_string(&log).unwrap();
    assert_eq!(mode(&log), 0o600);
    assert!(!first.contains('\u{1b}'), "{first}");
    let words: Vec<Vec<&str>> = first
        .lines()
        .map(|line| line.splitn(4, ' ').collect())
        .collect();
    for line in &words {
        assert!(
            line[0].starts_with("20") && line[0].ends_with('Z'),
            "{line:?}"
        );
    }
    let events: Vec<&str> = words.iter().map(|line| line[2]).collect();
    assert_eq!(events.first(), Some(&"begin"));
    assert_eq!(events.last(), Some(&"end"));
    for event in ["phase", "phase-done", "table"] {
        assert!(events.contains(&event), "{first}");
    }
    assert!(first.contains("exit_code=0"), "{first}");

    let json = ["--log-format=json".as_ref(), OsStr::new("--log-file")];
    let ran = desk.export(&[json[0], json[1], log.as_os_str(), "-T*".as_ref()]);
    let both = fs::read_to_string(&log).unwrap();
    let added = both.strip_prefix(&first).unwrap();
    let last: Value = serde_json::from_str(added.lines().last().unwrap()).unwrap();
    assert_eq!(last["event"], "end");
    assert_eq!(last["exit_code"], ran.status().unwrap());
    for line in added.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(line["time"].as_str().unwrap().ends_with('Z'), "{line}");
        assert_eq!(line["run_id"], last["run_id"]);
    }
}

#[test]
fn a_failure_is_in_the_log_and_no_password_is() {
    let desk = Desk::new();
    desk.export(&[]).exits(0);
    let log = desk.path("run.log");
    let mut import = command("waybill-import");
    import
        .arg(flag("log-file", &log))
        .arg(desk.path("a.waybill"));
    import.arg("postgresql://me:s3cr3t-word@127.0.0.1:1/shop?connect_timeout=2");
    let ran = Ran::of(import);
    assert_ne!(ran.status(), Some(0));
    let text = fs::read_to_string(&log).unwrap();
    assert!(text.contains(" error "), "{text}");
    assert!(!text.contains("s3cr3t"), "{text}");
}

#[test]
fn a_log_that_cannot_be_opened_stops_the_job_before_it_begins() {
    let desk = Desk::new();
    let nowhere = "--log-file=/no/such/folder/log";
    let ran = desk.export(&[nowhere.as_ref()]);
    assert_eq!(ran.status(), Some(1));
    assert!(
        ran.stderr().contains("cannot write the log"),
        "{}",
        ran.stderr()
    );
    assert!(!desk.path("a.waybill").exists());
    let own = flag("log-file", &desk.source.path);
    desk.export(&[own.as_ref()]);
    assert!(
        fs::read(&desk.source.path)
            .unwrap()
            .starts_with(b"SQLite format 3\0")
    );
    assert!(!desk.path("a.waybill").exists());
}

#[test]
fn a_report_tells_the_run_in_words_or_json() {
    let desk = Desk::new();
    for name in ["run.txt", "run.json"] {
        let report = desk.path(name);
        for _ in 0..2 {
            desk.export(&[flag("report", &report).as_ref()]).exits(0);
        }
        assert_eq!(mode(&report), 0o600);
        let text = fs::read_to_string(&report).unwrap();
        if name == "run.json" {
            let json: Value = serde_json::from_str(&text).unwrap();
            crate::support::result_schema::assert_valid(&json, name);
            let phases = json["phases"].as_array().unwrap();
            assert!(
                phases.iter().all(|phase| phase["seconds"].is_number()),
                "{json}"
            );
            assert!(phases.len() > 1);
            assert_eq!(json["tables"][0]["rows"], 2);
        } else {
            assert!(text.starts_with("Waybill report\n"), "{text}");
            for line in [
                "status    ok (exit code 0)",
                "ders: 2 rows",
                "phases",
                "result    exported 1 table",
            ] {
                assert!(text.contains(line), "{text}");
            }
            assert!(!text.contains('\u{1b}'), "{text}");
        }
    }
    fs::write(desk.path("note.txt"), "mine").unwrap();
    for name in ["note.txt", "run.xml"] {
        let ran = desk.export(&[flag("report", &desk.path(name)).as_ref()]);
        assert_ne!(ran.status(), Some(0), "{name}");
    }
    assert_eq!(fs::read_to_string(desk.path("note.txt")).unwrap(), "mine");
}

#[test]
fn a_report_of_a_run_that_can_be_undone_says_how() {
    let desk = Desk::new();
    desk.export(&[]).exits(0);
    let report = desk.path("run.txt");
    let target = format!("sqlite:{}", desk.path("t.db").display());
    let mut import = command("waybill-import");
    import
        .arg(flag("report", &report))
        .arg(desk.path("a.waybill"));
    Ran::of({
        import.arg(&target);
        import
    })
    .exits(0);
    let text = fs::read_to_string(&report).unwrap();
    let undo = text.lines().find_map(|line| line.strip_prefix("undo "));
    let words: Vec<&str> = undo.unwrap().split_whitespace().collect();
    assert_eq!(&words[..2], ["waybill-import", "undo"]);
    let mut undo: Command = command(words[0]);
    undo.args(&words[1..]).arg("--dry-run");
    Ran::of(undo).exits(0);
}

#[test]
fn a_run_that_was_staged_in_a_given_schema_names_its_undo_as_well() {
    let desk = Desk::new();
    desk.export(&[]).exits(0);
    let uri = crate::support::postgres::fresh_database();
    let mut client = postgres::Client::connect(&uri, postgres::NoTls).unwrap();
    client.batch_execute("CREATE SCHEMA rows_here").unwrap();
    let mut import = command("waybill-import");
    import.args(["--json", "--staging-schema", "rows_here"]);
    import.arg(desk.path("a.waybill")).arg(&uri);
    let result = Ran::of(import).exits(0).json();
    let words: Vec<_> = result["undo"].as_str().unwrap().split(' ').collect();
    let mut undo: Command = command(words[0]);
    undo.args(&words[1..]);
    Ran::of(undo).exits(0);
    let left = "SELECT count(*) FROM pg_tables WHERE schemaname IN ('public', 'rows_here')";
    assert_eq!(client.query_one(left, &[]).unwrap().get::<_, i64>(0), 0);
}

#[test]
fn further_attempts_are_in_the_log() {
    let desk = Desk::new();
    desk.export(&[]).exits(0);
    let uri = crate::support::postgres::fresh_database();
    let import = |log: &str| {
        let mut import = command("waybill-import");
        import
            .args(["--mode=replace", "--new-run", "--yes"])
            .arg(flag("log-file", &desk.path(log)));
        import.arg(desk.path("a.waybill")).arg(&uri);
        import
    };
    Ran::of(import("first.log")).exits(0);
    let text = fs::read_to_string(desk.path("first.log")).unwrap();
    assert!(!text.contains(" retry "), "{text}");

    let mut reader = postgres::Client::connect(&uri, postgres::NoTls).unwrap();
    let mut reading = reader.transaction().unwrap();
    let table = "LOCK TABLE \"or\u{1b}[31mders\" IN ACCESS SHARE MODE";
    reading.batch_execute(table).unwrap();
    let mut second = import("second.log");
    second.stdout(Stdio::null()).stderr(Stdio::null());
    let mut second = second.spawn().unwrap();
    let lines = || fs::read_to_string(desk.path("second.log")).unwrap_or_default();
    while !lines().contains(" retry ") {
        assert_eq!(second.try_wait().unwrap(), None, "{}", lines());
        std::thread::yield_now();
    }
    reading.commit().unwrap();
    assert!(second.wait().unwrap().success(), "{}", lines());
    let retry = lines();
    let retry = retry.lines().find(|line| line.contains(" retry "));
    assert!(retry.unwrap().contains("what=\"the switch\""), "{retry:?}");
    assert!(retry.unwrap().contains("SQLSTATE"), "{retry:?}");
}
