//! Whole runs, and what a power cut between any two of their steps leaves: settled by the next.

use crate::engine::sqlite::runs::hold::Hold;
use crate::engine::sqlite::runs::names::{Names, with_suffix};
use crate::engine::sqlite::runs::placing;
use crate::engine::sqlite::runs::record::{FileFacts, Identity, Mode, Pending, Record, Run};
use crate::engine::sqlite::runs::status::{self, status};
use crate::engine::sqlite::runs::swap::MEANS;
use crate::engine::sqlite::runs::switch::{Guard, Incoming, Switch};
use crate::engine::sqlite::runs::undo::{Undo, rehearsed};
use crate::fault::{Code, Result};
use crate::progress::Unwatched;
use crate::report::runs::RunState;
use rusqlite::Connection;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use uuid::Uuid;

/// Another test that starts a program lends it our open files until it has begun.
const PATIENCE: Duration = Duration::from_secs(10);

/// A folder with a database `a.db` that holds "old", and a file `new` that holds "new".
struct Desk {
    folder: TempDir,
    names: Names,
}

impl Desk {
    fn new() -> Desk {
        let folder = tempfile::tempdir().unwrap();
        for (name, word) in [("a.db", "old"), ("new", "new")] {
            let connection = Connection::open(folder.path().join(name)).unwrap();
            let sql = format!("CREATE TABLE t(word); INSERT INTO t VALUES ('{word}')");
            connection.execute_batch(&sql).unwrap();
        }
        let names = Names::of(&folder.path().join("a.db")).unwrap();
        Desk { folder, names }
    }

    fn new_file(&self) -> PathBuf {
        self.folder.path().join("new")
    }

    fn guard(&self) -> Guard {
        Guard::take(&self.names, PATIENCE, &Unwatched).unwrap()
    }

    fn hold(&self) -> Hold {
        Hold::take(self.names.database(), PATIENCE, &Unwatched).unwrap()
    }

    /// A run that puts `new` in place.
    fn run(&self) -> Run {
        Run {
            put_in_place: Some(FileFacts::of(&self.new_file()).unwrap()),
            ..placing::run(Uuid::now_v7().to_string(), Mode::Replace)
        }
    }

    fn switch(&self) -> Switch<'_> {
        Switch {
            run: self.run(),
            incoming: Some(Incoming {
                path: self.new_file(),
                home: None,
            }),
            outgoing: Some(self.hold()),
            names: &self.names,
        }
    }

    /// Notes a replace as begun, as it stands in the record before the first rename.
    fn begin(&self) -> Run {
        let mut run = self.run();
        run.put_aside = Some(FileFacts::of(self.names.database()).unwrap());
        let pending = Pending {
            run: run.clone(),
            incoming: Identity::of(&self.new_file()),
            home: None,
            outgoing: Identity::of(self.names.database()),
        };
        let mut record = Record::read(&self.names).unwrap();
        record.pending = Some(pending);
        let folder = File::open(self.folder.path()).unwrap();
        record.write(&self.names, &folder).unwrap();
        run
    }

    fn undo(&self) -> Result<String> {
        Undo::prepare(self.names.database(), None, false, PATIENCE, &Unwatched)?.perform(&Unwatched)
    }

    fn states(&self) -> Vec<RunState> {
        let runs = status(self.names.database()).unwrap();
        runs.iter().map(|run| run.state).collect()
    }
}

fn word(path: &Path) -> String {
    let connection = Connection::open(path).unwrap();
    connection
        .query_row("SELECT word FROM t", [], |row| row.get(0))
        .unwrap()
}

#[test]
fn every_means_replaces_and_is_undone() {
    for means in MEANS {
        let desk = Desk::new();
        let before = fs::read(desk.names.database()).unwrap();
        let switch = desk.switch();
        let id = switch.run.id.clone();
        switch.make_by(desk.guard(), &[means], &Unwatched).unwrap();
        assert_eq!(word(desk.names.database()), "new", "{means:?}");
        assert_eq!(word(&desk.names.backup(&id)), "old", "{means:?}");
        assert!(!desk.new_file().exists(), "{means:?}");
        assert_eq!(desk.states(), [RunState::Current]);
        desk.undo().unwrap();
        assert!(
            fs::read(desk.names.database()).unwrap() == before,
            "{means:?}"
        );
    }
}

/// The old file had a log beside it, and SQLite served the old rows from the new file.
#[test]
fn a_log_beside_the_old_file_does_not_meet_the_new_one() {
    let desk = Desk::new();
    let application = Connection::open(desk.names.database()).unwrap();
    let keep = rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
    application.set_db_config(keep, true).unwrap();
    application
        .execute_batch("PRAGMA journal_mode = WAL; UPDATE t SET word = 'logged'")
        .unwrap();
    drop(application);
    assert!(with_suffix(desk.names.database(), "-wal").exists());
    let switch = desk.switch();
    let id = switch.run.id.clone();
    switch.make(desk.guard(), &Unwatched).unwrap();
    assert!(!with_suffix(desk.names.database(), "-wal").exists());
    assert_eq!(word(desk.names.database()), "new");
    assert_eq!(word(&desk.names.backup(&id)), "logged");
}

#[test]
fn a_switch_that_was_noted_but_not_made_is_taken_back() {
    type Step = fn(&Desk, &Path);
    let steps: [(&str, Step); 4] = [
        ("noted", |_, _| {}),
        ("exchange begun", |desk, aside| {
            fs::rename(desk.new_file(), aside).unwrap();
        }),
        ("linked", |desk, aside| {
            fs::hard_link(desk.names.database(), aside).unwrap();
        }),
        ("put aside", |desk, aside| {
            fs::rename(desk.names.database(), aside).unwrap();
        }),
    ];
    for (name, step) in steps {
        let desk = Desk::new();
        let run = desk.begin();
        let aside = desk.names.backup(&run.id);
        step(&desk, &aside);
        assert_eq!(desk.states(), [], "{name}");
        drop(desk.guard());
        assert_eq!(word(desk.names.database()), "old", "{name}");
        assert!(!aside.exists(), "{name}");
        assert_eq!(desk.states(), [], "{name}");
        assert!(
            Record::read(&desk.names).unwrap().pending.is_none(),
            "{name}"
        );
    }
}

#[test]
fn a_switch_that_was_made_but_not_noted_is_known() {
    let desk = Desk::new();
    let run = desk.begin();
    let aside = desk.names.backup(&run.id);
    fs::rename(desk.names.database(), &aside).unwrap();
    fs::rename(desk.new_file(), desk.names.database()).unwrap();
    assert_eq!(desk.states(), [RunState::Current]);
    desk.undo().unwrap();
    assert_eq!(word(desk.names.database()), "old");
    assert_eq!(desk.states(), [RunState::Undone, RunState::Current]);
}

#[test]
fn an_undo_that_was_begun_gives_the_backup_its_name_back() {
    let desk = Desk::new();
    desk.switch().make(desk.guard(), &Unwatched).unwrap();
    let mut record = Record::read(&desk.names).unwrap();
    let made = record.runs[0].id.clone();
    let backup = desk.names.backup(&made);
    let undo = Run {
        undoes: Some(made.clone()),
        ..placing::run(Uuid::now_v7().to_string(), Mode::Undo)
    };
    record.pending = Some(Pending {
        incoming: Identity::of(&backup),
        home: Some(made),
        outgoing: Identity::of(desk.names.database()),
        run: undo.clone(),
    });
    let folder = File::open(desk.folder.path()).unwrap();
    record.write(&desk.names, &folder).unwrap();
    fs::rename(&backup, desk.names.backup(&undo.id)).unwrap();
    drop(desk.guard());
    assert_eq!(word(&backup), "old");
    assert_eq!(word(desk.names.database()), "new");
    desk.undo().unwrap();
    assert_eq!(word(desk.names.database()), "old");
}

#[test]
fn two_runs_of_one_folder_do_not_meet() {
    let desk = Desk::new();
    let first = desk.guard();
    let second = Guard::take(&desk.names, Duration::ZERO, &Unwatched).unwrap_err();
    assert_eq!(second.code(), Code::ImportRunning);
    drop(first);
    drop(desk.guard());
}

#[test]
fn another_run_between_the_look_and_the_undo_ends_it() {
    let desk = Desk::new();
    desk.switch().make(desk.guard(), &Unwatched).unwrap();
    let path = desk.names.database();
    let undo = Undo::prepare(path, None, false, PATIENCE, &Unwatched).unwrap();
    let mut guard = desk.guard();
    guard
        .record
        .runs
        .push(placing::run(Uuid::now_v7().to_string(), Mode::Create));
    guard.write(&desk.names).unwrap();
    drop(guard);
    let fault = undo.perform(&Unwatched).unwrap_err();
    assert_eq!(fault.code(), Code::ImportRunning);
    assert_eq!(word(path), "new");
}

#[test]
fn a_backup_that_was_written_to_is_told() {
    let desk = Desk::new();
    desk.switch().make(desk.guard(), &Unwatched).unwrap();
    let id = Record::read(&desk.names).unwrap().runs[0].id.clone();
    Connection::open(desk.names.backup(&id))
        .unwrap()
        .execute_batch("UPDATE t SET word = 'written'; CREATE TABLE more(a)")
        .unwrap();
    let path = desk.names.database();
    let (run, findings) = rehearsed(path, None, &Unwatched).unwrap();
    assert_eq!(run, id);
    let undo = Undo::prepare(path, None, false, PATIENCE, &Unwatched).unwrap();
    for findings in [findings.as_slice(), undo.findings()] {
        assert_eq!(findings.len(), 1);
        assert!(
            findings[0].message.starts_with("the backup is not"),
            "{findings:?}"
        );
    }
    drop(undo);
    assert!(status::is_there(&desk.names.backup(&id)));
}
