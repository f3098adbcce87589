//! Replacing an SQLite file, bringing it back, and the history of both: with the real programs.

mod moments;
mod server;

use crate::support::compare_sqlite::assert_same;
use crate::support::program::{Ran, as_nobody, command, run};
use crate::support::samples;
use rusqlite::Connection;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A target with content of its own, and an archive of another database.
struct Desk {
    folder: TempDir,
    source: samples::Sample,
}

impl Desk {
    fn new() -> Desk {
        Desk::of(samples::tiny(), "DELETE")
    }

    fn of(source: samples::Sample, journal: &str) -> Desk {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let desk = Desk { folder, source };
        run(
            "waybill-export",
            [
                "-q".as_ref(),
                desk.source.path.as_os_str(),
                desk.archive().as_os_str(),
            ],
        )
        .exits(0);
        let sql = format!(
            "PRAGMA journal_mode = {journal}; CREATE TABLE old(a INTEGER PRIMARY KEY, b TEXT);
             INSERT INTO old VALUES (1, 'one'), (2, 'two'); CREATE TABLE other(x);"
        );
        desk.sql(&sql);
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn archive(&self) -> PathBuf {
        self.path("a.waybill")
    }

    fn target(&self) -> PathBuf {
        self.path("t.db")
    }

    fn locator(&self) -> String {
        locator(&self.target())
    }

    fn sql(&self, sql: &str) {
        let connection = Connection::open(self.target()).expect("the target opens");
        connection.execute_batch(sql).expect("the statements run");
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(self.target()).expect("the target is readable")
    }

    /// Runs `waybill-import` with the archive and the target behind `flags`.
    fn import(&self, flags: &[&str]) -> Ran {
        let mut import = command("waybill-import");
        import.args(flags).arg(self.archive()).arg(self.locator());
        Ran::of(import)
    }

    fn replace(&self) -> Ran {
        self.import(&["--mode", "replace", "--yes"]).exits(0)
    }

    /// Runs a command of `waybill-import` on the target.
    fn tell(&self, name: &str, flags: &[&str]) -> Ran {
        let mut tell = command("waybill-import");
        tell.arg(name).arg(self.locator()).args(flags);
        Ran::of(tell)
    }

    fn runs(&self) -> Vec<Value> {
        let status = self.tell("status", &["--json"]).exits(0).json();
        status["runs"].as_array().expect("a list").clone()
    }

    /// What has become of each run.
    fn states(&self) -> Vec<String> {
        let word = |run: &Value, key: &str| run[key].as_str().unwrap_or_default().to_owned();
        self.runs()
            .iter()
            .map(|run| format!("{} {}", word(run, "mode"), word(run, "state")))
            .collect()
    }

    /// Names in the folder, without the archive; a run's UUID is a word.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).expect("a readable folder");
        let mut names: Vec<String> = entries
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .into_string()
                    .expect("UTF-8")
            })
            .filter(|name| name != "a.waybill")
            .map(|name| match name.split_once(".waybill-0") {
                Some((name, _)) => format!("{name}.waybill-RUN"),
                None => name,
            })
            .collect();
        names.sort();
        names
    }
}

fn locator(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

#[test]
fn replace_then_undo_then_undo_of_the_undo_are_byte_equal() {
    for journal in ["DELETE", "WAL", "PERSIST"] {
        let desk = Desk::of(samples::shop(), journal);
        let before = desk.bytes();
        let replaced = desk
            .import(&["--mode", "replace", "-y", "--json"])
            .exits(0)
            .json();
        assert_same(&desk.source.path, &desk.target());
        let after = desk.bytes();
        let newest = desk.runs().pop().expect("a run");
        assert_eq!(newest["run"], replaced["run_id"]);
        assert_eq!(newest["root"], replaced["archive"]["root"]);

        desk.tell("undo", &["--dry-run"]).exits(0);
        assert_eq!(desk.bytes(), after, "a dry run changes nothing");
        desk.tell("undo", &[]).exits(0);
        assert_eq!(desk.bytes(), before, "{journal}");
        desk.tell("undo", &[]).exits(0);
        assert_eq!(desk.bytes(), after, "{journal}");
        // By name: the run whose backup is kept now is the newest.
        let newest = desk.runs().pop().expect("a run");
        let id = newest["run"].as_str().expect("a UUID");
        desk.tell("undo", &[&id[..30]]).exits(0);
        assert_eq!(desk.bytes(), before, "{journal}");
        assert_eq!(
            desk.states(),
            [
                "replace undone",
                "undo undone",
                "undo undone",
                "undo current"
            ]
        );
        assert_eq!(
            desk.names(),
            ["t.db", "t.db.waybill-RUN", "t.db.waybill-runs"]
        );
    }
}

#[test]
fn what_comes_from_nothing_goes_back_to_nothing_and_comes_again() {
    let desk = Desk::new();
    fs::remove_file(desk.target()).expect("ours");
    desk.import(&["--mode", "replace"]).exits(0);
    let made = desk.bytes();
    assert_eq!(desk.states(), ["create current"]);
    desk.tell("undo", &[]).exits(0);
    assert!(!desk.target().exists());
    assert_eq!(desk.states(), ["create undone", "undo current"]);
    desk.tell("undo", &[]).exits(0);
    assert_eq!(desk.bytes(), made);
    desk.import(&[]).exits(0);
    desk.tell("undo", &[]).exits(0);
    desk.import(&[]).exits(0);
    assert_same(&desk.source.path, &desk.target());
}

#[test]
fn nothing_is_replaced_unasked() {
    let desk = Desk::new();
    let before = desk.bytes();
    for flags in [
        &["--mode", "replace"][..],
        &["--mode", "replace", "--no-input"],
    ] {
        let refused = desk.import(flags).exits(4);
        let text = refused.stderr();
        for part in [
            "error[not-confirmed]",
            "2 tables",
            "2 rows",
            "table `old`, 2 rows",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
    assert_eq!(desk.bytes(), before);
    assert_eq!(desk.names(), ["t.db"]);
    // A plan asks nothing, because it does nothing.
    desk.import(&["--mode", "replace", "--plan"]).exits(0);
    assert_eq!(desk.bytes(), before);
}

#[test]
fn a_finished_import_is_not_made_again_and_a_changed_one_is_told() {
    let desk = Desk::new();
    desk.replace();
    for flags in [&[][..], &["--mode", "replace", "--yes"]] {
        let again = desk.import(flags).exits(0);
        assert!(
            again.stdout().starts_with("already imported"),
            "{}",
            again.stdout()
        );
    }
    // Another way to write the same content is no change of it.
    desk.sql("PRAGMA journal_mode = WAL; VACUUM");
    desk.import(&[]).exits(0);
    desk.sql("UPDATE pet SET name = 'Leo' WHERE id = 2; CREATE TABLE added(a)");
    for flags in [&["--json"][..], &["--json", "--mode", "replace", "--yes"]] {
        let differs = desk.import(flags).exits(3).json();
        let tables: Vec<_> = differs["findings"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|finding| finding["object"]["table"].as_str())
            .collect();
        assert_eq!(tables, ["added", "pet"]);
    }
    assert_eq!(desk.runs().len(), 1);
    // Other wishes are another import.
    desk.import(&["--no-triggers"]).exits(4);
    desk.import(&["--new-run"]).exits(2);
    desk.import(&["--mode", "replace", "--new-run", "--yes"])
        .exits(0);
    assert_same(&desk.source.path, &desk.target());
    assert_eq!(desk.states(), ["replace replaced", "replace current"]);
    desk.tell("undo", &[]).exits(0);
    let undone = desk.runs().pop().expect("a run");
    assert_eq!(undone["undoable"], true);
}

#[test]
fn an_undo_names_what_has_changed_and_needs_yes() {
    let desk = Desk::new();
    let before = desk.bytes();
    desk.replace();
    desk.sql("UPDATE pet SET name = 'Leo' WHERE id = 2; CREATE TABLE added(a)");
    let changed = desk.bytes();
    for flags in [&[][..], &["--no-input"], &["--dry-run"]] {
        let refused = desk.tell("undo", flags).exits(4);
        let text = refused.stderr();
        assert!(
            text.contains("error[target-changed]: values are not those of the import"),
            "{text}"
        );
        assert!(
            text.contains("table `pet`") && text.contains("table `added`"),
            "{text}"
        );
    }
    assert_eq!(desk.bytes(), changed);
    desk.tell("undo", &["--yes"]).exits(0);
    assert_eq!(desk.bytes(), before);
    desk.tell("undo", &[]).exits(0);
    assert_eq!(desk.bytes(), changed, "what an undo takes away comes back");
    desk.sql("DROP TABLE added");
    desk.tell("undo", &[]).exits(4);
    desk.tell("undo", &["--assume-unchanged"]).exits(0);
    assert_eq!(desk.bytes(), before);
}

#[test]
fn rows_that_are_only_in_the_log_are_a_change() {
    let desk = Desk::new();
    desk.replace();
    desk.sql("PRAGMA journal_mode = WAL");
    let writer = Connection::open(desk.target()).expect("the target opens");
    writer
        .set_db_config(
            rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE,
            true,
        )
        .expect("a setting of SQLite");
    writer
        .execute_batch("INSERT INTO pet VALUES (3, 'Leo')")
        .expect("a row");
    drop(writer);
    let text = desk.tell("undo", &["--dry-run"]).exits(4).stderr();
    assert!(text.contains("rows: 2 imported, 3 found"), "{text}");
    let text = desk.tell("undo", &[]).exits(4).stderr();
    assert!(text.contains("rows: 2 imported, 3 found"), "{text}");
}

#[test]
fn what_is_not_recorded_or_no_longer_kept_cannot_be_undone() {
    let desk = Desk::new();
    let missing = |ran: Ran| {
        let text = ran.exits(4).stderr();
        assert!(text.contains("error[run-missing]"), "{text}");
    };
    missing(desk.tell("undo", &[]));
    desk.replace();
    missing(desk.tell("undo", &["0123"]));
    missing(desk.tell("undo", &["0"]));
    desk.tell("prune", &["--keep", "0", "--yes"]).exits(0);
    missing(desk.tell("undo", &[]));
    desk.tell("undo", &["--print-sql"]).exits(2);
}

#[test]
fn a_record_that_is_none_is_refused_and_nothing_is_touched() {
    let desk = Desk::new();
    let before = desk.bytes();
    let later = r#"{"waybill-runs": 2, "runs": [], "new": 1}"#;
    let path = r#"{"waybill-runs": 1, "runs": [{"id": "../../x", "when": "", "tool": "", "mode": "create"}]}"#;
    for text in [
        "",
        "x",
        "{}",
        later,
        path,
        r#"{"waybill-runs": 1, "runs": [], "more": 1}"#,
    ] {
        fs::write(desk.path("t.db.waybill-runs"), text).expect("ours");
        for ran in [
            desk.import(&["--mode", "replace", "--yes"]),
            desk.tell("undo", &[]),
            desk.tell("status", &[]),
            desk.tell("prune", &["--keep", "1"]),
        ] {
            let told = ran.exits(4).stderr();
            assert!(told.contains("error[history-unreadable]"), "{text}: {told}");
        }
    }
    assert_eq!(desk.bytes(), before);
    assert_eq!(desk.names(), ["t.db", "t.db.waybill-runs"]);
}

#[test]
fn a_database_in_use_is_left_alone_with_exit_code_5() {
    for (journal, sql) in [
        (
            "WAL",
            "BEGIN IMMEDIATE; INSERT INTO old VALUES (3, 'three')",
        ),
        ("WAL", "SELECT * FROM old"),
        (
            "DELETE",
            "BEGIN IMMEDIATE; INSERT INTO old VALUES (3, 'three')",
        ),
        ("DELETE", "BEGIN; SELECT * FROM old"),
        // Open without a lock: only the system tells.
        ("DELETE", "SELECT * FROM old"),
    ] {
        let desk = Desk::of(samples::tiny(), journal);
        let application = Connection::open(desk.target()).expect("the target opens");
        application.execute_batch(sql).expect("the statements run");
        let flags = ["--mode", "replace", "--yes", "--lock-wait-timeout", "0"];
        let text = desk.import(&flags).exits(5).stderr();
        assert!(
            text.contains("error[lock-timeout]: the database is in use"),
            "{text}"
        );
        // It goes on as if nothing had been.
        let _ = application.execute_batch("COMMIT");
        application
            .execute_batch("INSERT INTO old VALUES (4, 'four')")
            .expect("a row");
        drop(application);
        desk.import(&flags).exits(0);
        let user = Connection::open(desk.target()).expect("the target opens");
        let undo = ["--lock-wait-timeout", "0"];
        desk.tell("undo", &undo).exits(5);
        drop(user);
        desk.tell("undo", &undo).exits(0);
        let rows: i64 = Connection::open(desk.target())
            .expect("the target opens")
            .query_row("SELECT count(*) FROM old WHERE a = 4", [], |row| row.get(0))
            .expect("a count");
        assert_eq!(rows, 1, "{journal} {sql}");
    }
}

#[test]
fn a_foreign_or_damaged_file_is_not_replaced() {
    let desk = Desk::new();
    let whole = desk.bytes();
    let mut damaged = whole.clone();
    damaged[100..140].fill(0xff);
    for bytes in [
        b"Dear reader, this is no database".to_vec(),
        damaged,
        whole[..4096].to_vec(),
    ] {
        fs::write(desk.target(), &bytes).expect("ours");
        let text = desk
            .import(&["--mode", "replace", "--yes"])
            .exits(4)
            .stderr();
        assert!(text.contains("error[target-file-exists]"), "{text}");
        assert_eq!(desk.bytes(), bytes);
    }
    assert!(
        desk.names().iter().all(|name| !name.ends_with("RUN")),
        "{:?}",
        desk.names()
    );
    // An empty file is an empty database.
    fs::write(desk.target(), "").expect("ours");
    desk.replace();
    desk.tell("undo", &[]).exits(0);
    assert!(desk.bytes().is_empty());
}

#[test]
fn a_link_stays_a_link_and_permissions_stay() {
    let desk = Desk::new();
    let before = desk.bytes();
    fs::set_permissions(desk.target(), fs::Permissions::from_mode(0o640)).expect("ours");
    fs::create_dir(desk.path("sub")).expect("ours");
    let link = desk.path("sub/link.db");
    std::os::unix::fs::symlink("../t.db", &link).expect("a link");
    let linked = |arguments: &[&str]| {
        let mut import = command("waybill-import");
        import.args(arguments).arg(locator(&link));
        Ran::of(import)
    };
    let archive = desk.archive();
    let archive = archive.to_str().expect("UTF-8");
    linked(&["--mode", "replace", "--yes", archive]).exits(0);
    assert!(fs::symlink_metadata(&link).expect("a link").is_symlink());
    assert_same(&desk.source.path, &desk.target());
    let mode = || fs::metadata(desk.target()).expect("there").mode() & 0o7777;
    assert_eq!(mode(), 0o640);
    linked(&["undo"]).exits(0);
    assert_eq!((desk.bytes(), mode()), (before, 0o640));
    assert_eq!(fs::read_dir(desk.path("sub")).expect("ours").count(), 1);
}

#[test]
fn names_that_differ_in_case_are_two_targets() {
    let desk = Desk::new();
    let before = desk.bytes();
    let other = desk.path("T.DB");
    fs::copy(desk.target(), &other).expect("ours");
    if fs::metadata(&other).expect("there").ino()
        == fs::metadata(desk.target()).expect("there").ino()
    {
        return;
    }
    let archive = desk.archive();
    let mut import = command("waybill-import");
    import
        .args(["--mode", "replace", "--yes"])
        .arg(archive)
        .arg(locator(&other));
    Ran::of(import).exits(0);
    assert_eq!(desk.bytes(), before);
    assert_eq!(desk.runs().len(), 0);
    desk.tell("undo", &[]).exits(4);
}

#[test]
fn a_read_only_folder_leaves_the_target_as_it_was() {
    let desk = Desk::new();
    let before = desk.bytes();
    let program = tempfile::tempdir().expect("a temporary folder");
    for folder in [program.path(), desk.folder.path()] {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("ours");
    }
    fs::set_permissions(desk.archive(), fs::Permissions::from_mode(0o644)).expect("ours");
    fs::set_permissions(desk.target(), fs::Permissions::from_mode(0o666)).expect("ours");
    fs::set_permissions(desk.folder.path(), fs::Permissions::from_mode(0o555)).expect("ours");
    let mut import = as_nobody(&program.path().join("import"), "waybill-import");
    import
        .args(["--mode", "replace", "--yes"])
        .arg(desk.archive())
        .arg(desk.locator());
    let refused = Ran::of(import).exits(1).stderr();
    fs::set_permissions(desk.folder.path(), fs::Permissions::from_mode(0o755)).expect("ours");
    assert!(refused.contains("error[target-unwritable]"), "{refused}");
    assert_eq!(desk.bytes(), before);
    assert_eq!(desk.names(), ["t.db"]);
}

#[test]
fn prune_keeps_the_newest_and_asks_for_the_last() {
    let desk = Desk::new();
    let flags = ["--mode", "replace", "--new-run", "--yes"];
    for _ in 0..3 {
        desk.import(&flags).exits(0);
    }
    let backups = || {
        desk.names()
            .iter()
            .filter(|name| name.ends_with("RUN"))
            .count()
    };
    assert_eq!(backups(), 3);
    desk.tell("prune", &["--older-than", "48h"]).exits(0);
    assert_eq!(backups(), 3);
    desk.tell("prune", &[]).exits(2);
    let oldest = desk.runs()[0]["backup"].clone();
    let pruned = desk
        .tell("prune", &["--keep", "2", "--json"])
        .exits(0)
        .json();
    assert_eq!(pruned["removed"], serde_json::json!([oldest]));
    assert_eq!(backups(), 2);
    for last in [&["--keep", "0"][..], &["--older-than", "0s"]] {
        let text = desk.tell("prune", last).exits(4).stderr();
        assert!(text.contains("error[not-confirmed]"), "{text}");
    }
    assert_eq!(backups(), 2);
    desk.tell("prune", &["--older-than", "0s", "--yes"])
        .exits(0);
    assert_eq!(backups(), 0);
    assert_eq!(desk.runs().len(), 3);
    assert_same(&desk.source.path, &desk.target());
}
