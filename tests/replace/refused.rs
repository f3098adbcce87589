//! What is not replaced or undone: files in use, of others, or that may not be written.

use super::{Desk, locator};
use crate::support::compare_sqlite::assert_same;
use crate::support::program::{Ran, as_nobody, command};
use crate::support::samples;
use rusqlite::Connection;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

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
