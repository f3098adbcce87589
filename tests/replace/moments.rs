//! SIGKILL at any moment of a replace or an undo, and a disk that is full: the target is the old
//! database or the new one, whole; and the next command goes on from there.

use super::{Desk, command, locator, samples};
use crate::support::compare_sqlite::assert_same;
use crate::support::program::Ran;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Moments at which a program is killed.
const KILLS: u32 = 40;

fn sample() -> samples::Sample {
    samples::sample("busy.db", |connection| {
        connection.execute_batch(
            "CREATE TABLE row(id INTEGER PRIMARY KEY, note TEXT); CREATE INDEX row_note ON row(note);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
             INSERT INTO row SELECT i, hex(i * 7919) || ' some words to fill the row with' FROM n;",
        )
    })
}

fn program(desk: &Desk, arguments: &[&str]) -> Command {
    let mut program = command("waybill-import");
    program.args(arguments);
    if arguments.first() == Some(&"--mode") {
        program.arg(desk.archive());
    }
    program.arg(desk.locator());
    program.stdout(Stdio::null()).stderr(Stdio::null());
    program
}

/// Starts the program and kills it after `delay`.
fn killed(mut program: Command, delay: Duration) {
    let mut child = program.spawn().expect("the program starts");
    std::thread::sleep(delay);
    child.kill().expect("a child can be killed");
    child.wait().expect("a child can be waited for");
}

fn duration(mut program: Command) -> Duration {
    let begin = Instant::now();
    assert!(program.status().expect("the program runs").success());
    begin.elapsed()
}

/// Moments spread over `whole` by the golden ratio.
fn moments(whole: Duration) -> impl Iterator<Item = Duration> {
    (1..=KILLS).map(move |n| whole.mul_f64((f64::from(n) * 0.618_033_988_75).fract()))
}

/// Backups that are whole databases; no file of the folder is anything else than it should be.
fn backups(desk: &Desk) -> Vec<PathBuf> {
    let entries = fs::read_dir(desk.folder.path()).expect("a readable folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .filter(|path| {
            path.to_str()
                .is_some_and(|path| path.contains("t.db.waybill-0"))
        })
        .collect()
}

#[test]
fn a_killed_replace_leaves_the_old_or_the_new() {
    let replace = ["--mode", "replace", "--yes", "--new-run"];
    for journal in ["DELETE", "WAL"] {
        let desk = Desk::of(sample(), journal);
        let before = desk.bytes();
        let whole = duration(program(&desk, &replace));
        let made = desk.bytes();
        desk.tell("undo", &[]).exits(0);
        for moment in moments(whole) {
            killed(program(&desk, &replace), moment);
            let found = desk.bytes();
            assert!(found == before || found == made, "killed after {moment:?}");
            let state = desk.states().pop().unwrap_or_default();
            let is_made = state == "replace current";
            assert_eq!(is_made, found == made, "killed after {moment:?}: {state}");
            if is_made {
                desk.tell("undo", &[]).exits(0);
            }
            // The next command tidies what was begun.
            desk.import(&replace).exits(0);
            assert_same(&desk.source.path, &desk.target());
            desk.tell("undo", &[]).exits(0);
            assert_eq!(desk.bytes(), before, "killed after {moment:?}");
            desk.tell("prune", &["--keep", "1"]).exits(0);
            assert_eq!(backups(&desk).len(), 1, "killed after {moment:?}");
            assert_eq!(
                desk.names(),
                ["t.db", "t.db.waybill-RUN", "t.db.waybill-runs"]
            );
        }
    }
}

#[test]
fn a_killed_undo_leaves_the_old_or_the_new() {
    let desk = Desk::of(sample(), "WAL");
    let before = desk.bytes();
    desk.replace();
    let made = desk.bytes();
    let whole = duration(program(&desk, &["undo"]));
    for moment in moments(whole) {
        let was = desk.bytes();
        let other = if was == before { &made } else { &before };
        killed(program(&desk, &["undo"]), moment);
        let found = desk.bytes();
        assert!(found == was || found == *other, "killed after {moment:?}");
        desk.tell("undo", &[]).exits(0);
        let expected = if found == before { &made } else { &before };
        assert_eq!(desk.bytes(), *expected, "killed after {moment:?}");
        assert_eq!(backups(&desk).len(), 1, "killed after {moment:?}");
    }
}

/// A small disk of its own, where this may be made.
struct Disk(PathBuf);

impl Disk {
    fn new(at: &Path, kilobytes: u32) -> Option<Disk> {
        fs::create_dir(at).expect("ours");
        let size = format!("size={kilobytes}k");
        let made = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(at)
            .stderr(Stdio::null())
            .status();
        made.is_ok_and(|status| status.success())
            .then(|| Disk(at.to_owned()))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_leaves_the_old_database() {
    let desk = Desk::of(sample(), "WAL");
    let Some(small) = Disk::new(&desk.path("disk"), 300) else {
        eprintln!("left out: no file system can be mounted here");
        return;
    };
    let target = small.0.join("t.db");
    fs::copy(desk.target(), &target).expect("there is room for it");
    let before = desk.bytes();
    let mut import = command("waybill-import");
    import
        .args(["--mode", "replace", "--yes"])
        .arg(desk.archive())
        .arg(locator(&target));
    let text = Ran::of(import).exits(1).stderr();
    assert!(text.contains("error[target-unwritable]"), "{text}");
    assert_eq!(fs::read(&target).expect("there"), before);
    let left = fs::read_dir(&small.0).expect("ours").count();
    assert_eq!(left, 1, "nothing but the database is there");
}
