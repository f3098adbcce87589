//! Signals and closed pipes: the program tidies up, then dies of the signal as a shell expects.

use crate::support::program::{attentive, command, run};
use crate::support::samples;
use rusqlite::Connection;
use rustix::process::{Pid, Signal, kill_process};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A database that takes a second or more to export at a high level.
fn slow() -> samples::Sample {
    samples::sample("slow.db", |connection: &Connection| {
        connection.execute_batch(
            "CREATE TABLE t(id INTEGER PRIMARY KEY, noise TEXT);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)
             INSERT INTO t SELECT i, hex(randomblob(60)) FROM n;",
        )
    })
}

fn signalled(mut child: Child, signal: Signal, delay: Duration) -> ExitStatus {
    std::thread::sleep(delay);
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid")).expect("a pid");
    kill_process(pid, signal).expect("a child can be signalled");
    child.wait().expect("a child can be waited for")
}

fn entries(folder: &Path) -> usize {
    std::fs::read_dir(folder)
        .expect("a readable folder")
        .count()
}

#[test]
fn a_signal_ends_an_export_by_that_signal_and_leaves_nothing() {
    let slow = slow();
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let archive = folder.path().join("a.tar.zst");
        let mut export = attentive("waybill-export");
        export.args(["-Z", "19"]).arg(&slow.path).arg(&archive);
        let child = export
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let begin = Instant::now();
        let status = signalled(child, signal, Duration::from_millis(300));
        assert_eq!(status.signal(), Some(signal.as_raw()), "{status:?}");
        assert!(begin.elapsed() < Duration::from_secs(30));
        assert_eq!(entries(folder.path()), 0, "after {signal:?}");
    }
}

#[test]
fn a_signal_ends_an_import_by_that_signal_and_leaves_nothing() {
    let slow = slow();
    let archives = tempfile::tempdir().expect("a temporary folder");
    let archive = archives.path().join("a.tar.zst");
    run(
        "waybill-export",
        [slow.path.as_os_str(), archive.as_os_str()],
    )
    .exits(0);
    for delay in [30, 120, 250] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut import = attentive("waybill-import");
        import
            .arg(&archive)
            .arg(format!("sqlite:{}", folder.path().join("t.db").display()));
        let child = import
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let status = signalled(child, Signal::INT, Duration::from_millis(delay));
        if status.success() {
            assert_eq!(
                entries(folder.path()),
                1,
                "it had finished before the signal"
            );
        } else {
            assert_eq!(status.signal(), Some(Signal::INT.as_raw()), "{status:?}");
            assert_eq!(entries(folder.path()), 0, "after {delay} ms");
        }
    }
}

#[test]
fn a_reader_that_goes_away_ends_the_program_by_sigpipe_without_a_panic() {
    let slow = slow();
    let mut export = attentive("waybill-export");
    export
        .arg(&slow.path)
        .arg("-")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = export.spawn().expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("a child can be waited for");
    assert_eq!(
        output.status.signal(),
        Some(Signal::PIPE.as_raw()),
        "{:?}",
        output.status
    );
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"));
}

#[test]
fn a_full_standard_output_is_a_failure() {
    let tiny = samples::tiny();
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("/dev/full is there");
    let mut analyze = command("waybill-analyze");
    analyze
        .arg("--json")
        .arg(&tiny.path)
        .stdout(full)
        .stderr(Stdio::piped());
    let output = analyze.output().expect("the program runs");
    assert_eq!(
        output.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn help_through_head_is_no_failure_of_ours() {
    let script = format!(
        "'{}' --help | head -n 1",
        crate::support::program::path("waybill-import").display()
    );
    let output = std::process::Command::new("bash")
        .args(["-c", &script])
        .output()
        .expect("bash runs");
    assert!(output.status.success());
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"));
}
