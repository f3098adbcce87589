//! Replacing an SQLite file, bringing it back, and the history of both: with the real programs.

mod heirs;
mod kept;
mod moments;
mod refused;
mod server;

use crate::support::compare_sqlite::assert_same;
use crate::support::program::{Ran, command, run};
use crate::support::samples;
use rusqlite::Connection;
use serde_json::Value;
use std::fs;
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
