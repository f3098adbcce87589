//! What goes to which stream, and what the result says.

use crate::support::program::{Ran, command, path, run};
use crate::support::{result_schema, samples};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A folder with the archive of a small database, and the result of its export.
fn archived() -> (TempDir, PathBuf, Ran) {
    let tiny = samples::tiny();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let archive = folder.path().join("tiny.tar.zst");
    let ran = run("waybill-export", [&tiny.path, &archive]).exits(0);
    (folder, archive, ran)
}

fn without_moments(mut object: Value) -> Value {
    for key in ["run_id", "started", "finished"] {
        object[key] = Value::Null;
    }
    for phase in object["phases"].as_array_mut().into_iter().flatten() {
        phase["seconds"] = Value::Null;
    }
    object
}

#[test]
fn the_result_goes_to_standard_output_and_nothing_else_does() {
    let (_folder, archive, ran) = archived();
    let digest = |line: &str, label: &str| {
        line.strip_prefix(label).is_some_and(|rest| {
            rest.len() == 64 && rest.parse::<waybill_common::digest::Digest>().is_ok()
        })
    };
    let text = ran.stdout();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert!(
        lines[0].starts_with("exported 1 table, 2 rows (")
            && lines[0].ends_with(&format!(" to {}", archive.display())),
        "{text}"
    );
    assert!(
        digest(lines[1], "root ")
            && digest(lines[2], "content_root ")
            && digest(lines[3], "sha256 "),
        "{text}"
    );
    assert_eq!(ran.stderr(), "");
}

#[test]
fn two_results_of_the_same_job_are_equal_but_for_run_and_time() {
    let (_folder, archive, _) = archived();
    let json = || {
        run("waybill-verify", ["--json".as_ref(), archive.as_os_str()])
            .exits(0)
            .json()
    };
    let (first, second) = (json(), json());
    assert_ne!(first["run_id"], second["run_id"]);
    assert_eq!(without_moments(first.clone()), without_moments(second));
    assert_eq!(first["status"], "ok");
    assert_eq!(first["totals"]["rows"], 2);
    assert_eq!(first["error"], Value::Null);
}

#[test]
fn json_into_a_file_leaves_the_text_and_appears_on_failure_too() {
    let (folder, archive, _) = archived();
    let file = folder.path().join("result.json");
    let option = format!("--json={}", file.display());
    let verify = |archive: &str| run("waybill-verify", [option.as_str(), archive]);
    let object = || -> Value {
        let text = fs::read_to_string(&file).expect("the result is there");
        let object = serde_json::from_str(&text).expect("the result is JSON");
        result_schema::assert_valid(&object, "--json=FILE");
        object
    };
    let ran = verify(archive.to_str().expect("a plain path")).exits(0);
    assert!(ran.stdout().contains("\nroot "), "{}", ran.stdout());
    assert_eq!(object()["status"], "ok");
    let ran = verify("/no/such/archive").exits(1);
    assert_eq!(ran.stdout(), "");
    assert_eq!(object()["error"]["code"], "archive-missing");
    assert_eq!(object()["error"]["where"]["location"], "/no/such/archive");
}

#[test]
fn a_result_file_that_cannot_be_written_ends_the_job_before_it_begins() {
    let tiny = samples::tiny();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let archive = folder.path().join("a.tar.zst");
    let arguments = [
        "--json=/no/such/folder/r".as_ref(),
        tiny.path.as_os_str(),
        archive.as_os_str(),
    ];
    let ran = run("waybill-export", arguments).exits(1);
    assert!(
        ran.stderr().contains("error[output-unwritable]"),
        "{}",
        ran.stderr()
    );
    assert!(!archive.exists());
}

#[test]
fn quiet_leaves_errors_only() {
    let (_folder, archive, _) = archived();
    let ran = run("waybill-verify", ["-q".as_ref(), archive.as_os_str()]).exits(0);
    assert_eq!(ran.stdout() + &ran.stderr(), "");
    let ran = run("waybill-verify", ["-q", "/no/such/archive"]).exits(1);
    assert_eq!(
        ran.stderr(),
        "error[archive-missing]: there is no such archive
  where: `/no/such/archive`
    why: No such file or directory (os error 2)
   help: check the path; a relative path starts at the current folder
"
    );
}

#[test]
fn warnings_fail_a_job_only_when_asked_to() {
    let orphan = samples::sample("orphan.db", |connection| {
        connection.execute_batch(
            "CREATE TABLE owner(id INTEGER PRIMARY KEY);
             CREATE TABLE pet(id INTEGER PRIMARY KEY, owner INTEGER REFERENCES owner);
             INSERT INTO pet VALUES (1, 7);",
        )
    });
    let analyze = |fail_on: &str| {
        let option = format!("--fail-on={fail_on}");
        run(
            "waybill-analyze",
            [option.as_ref(), "--json".as_ref(), orphan.path.as_os_str()],
        )
    };
    for (fail_on, exit) in [("error", 0), ("warning", 3), ("never", 0)] {
        let ran = analyze(fail_on).exits(exit);
        assert!(
            ran.stderr().contains("warning[foreign-key-orphan]"),
            "{}",
            ran.stderr()
        );
        let object = ran.json();
        assert_eq!(object["exit_code"], exit);
        let found = object["findings"].as_array().expect("a list").iter();
        let found: Vec<_> = found
            .filter(|one| one["code"] == "foreign-key-orphan")
            .collect();
        assert_eq!(found.len(), 1, "{object:#}");
        assert_eq!(found[0]["object"]["table"], "pet");
        assert_eq!(found[0]["severity"], "warning");
    }
}

#[test]
fn an_archive_on_standard_output_leaves_the_text_to_standard_error() {
    let tiny = samples::tiny();
    let ran = run("waybill-export", [tiny.path.as_os_str(), "-".as_ref()]).exits(0);
    assert!(
        ran.stderr().starts_with("exported 1 table"),
        "{}",
        ran.stderr()
    );
    assert!(!ran.stdout().contains("exported"));
    let ran = run(
        "waybill-export",
        ["--json".as_ref(), tiny.path.as_os_str(), "-".as_ref()],
    );
    let ran = ran.exits(2);
    assert_eq!(ran.stdout(), "");
    assert!(
        ran.stderr()
            .contains("write the result to a file with --json=FILE"),
        "{}",
        ran.stderr()
    );
}

#[test]
fn an_archive_is_not_written_to_a_terminal() {
    let tiny = samples::tiny();
    // script(1) gives its command a terminal.
    let line = format!(
        "'{}' '{}' -",
        path("waybill-export").display(),
        tiny.path.display()
    );
    let output = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .stdin(Stdio::null())
        .output()
        .expect("script(1) runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("standard output is a terminal"), "{text}");
}

#[test]
fn rows_are_shown_as_lines_and_no_more_than_asked_for() {
    let (_folder, archive, _) = archived();
    let cat = |more: &[&str]| {
        let mut command = command("waybill-verify");
        command.arg(&archive).args(["--cat", "pet"]).args(more);
        Ran::of(command).exits(0).stdout()
    };
    assert_eq!(cat(&[]), "[1,\"Mia\"]\n[2,\"Oskar\"]\n");
    assert_eq!(cat(&["--limit", "1"]), "[1,\"Mia\"]\n");
    let mut unknown = command("waybill-verify");
    unknown.arg(&archive).args(["--cat", "nothing"]);
    assert_ne!(Ran::of(unknown).status(), Some(0));
}

#[test]
fn progress_as_json_is_one_event_a_line() {
    let tiny = samples::tiny();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let archive = folder.path().join("a.tar.zst");
    let arguments = [
        "--progress=json".as_ref(),
        tiny.path.as_os_str(),
        archive.as_os_str(),
    ];
    let ran = run("waybill-export", arguments).exits(0);
    let events: Vec<Value> = ran
        .stderr()
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line is an event"))
        .collect();
    assert!(
        events.iter().any(|event| event["event"] == "phase"),
        "{events:?}"
    );
}

#[test]
fn sigusr1_asks_for_a_line_of_progress() {
    // An archive that never comes: the job waits as long as this test needs.
    let mut verify = command("waybill-verify");
    verify
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = verify.spawn().expect("the program starts");
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid")).expect("a pid");
    // Before its handler is there the signal would end the program.
    while !handles_usr1(child.id()) {
        std::thread::yield_now();
    }
    kill_process(pid, Signal::USR1).expect("a child can be signalled");
    let mut line = String::new();
    let stderr = child.stderr.take().expect("a pipe");
    BufReader::new(stderr).read_line(&mut line).expect("a line");
    assert!(line.ends_with('\n') && !line.contains("error"), "{line:?}");
    drop(child.stdin.take());
    assert_eq!(
        child.wait().expect("it ends").code(),
        Some(3),
        "an empty archive is none"
    );
}

fn handles_usr1(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a running process");
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let mask = u64::from_str_radix(caught.expect("a mask").trim(), 16).expect("hexadecimal");
    let usr1 = u32::try_from(Signal::USR1.as_raw()).expect("positive");
    mask >> (usr1 - 1) & 1 == 1
}

#[test]
fn control_characters_of_the_data_do_not_reach_the_terminal() {
    let hostile = samples::sample("hostile.db", |connection| {
        connection.execute_batch(
            "CREATE TABLE \"evil\u{1b}[2J\u{202e}\"(id INTEGER PRIMARY KEY, \"c\u{9b}\" INT);
             INSERT INTO \"evil\u{1b}[2J\u{202e}\" VALUES (1, 'text'), (2, x'00'), (3, 3);",
        )
    });
    for arguments in [&[][..], &["--json"]] {
        let mut analyze = command("waybill-analyze");
        analyze.args(arguments).arg(&hostile.path);
        let ran = Ran::of(analyze);
        let said = ran.stdout() + &ran.stderr();
        assert!(said.contains("evil"), "{said}");
        let bad = said
            .chars()
            .find(|one| *one != '\n' && (one.is_control() || *one == '\u{202e}'));
        assert_eq!(bad, None, "{said:?}");
    }
}

#[test]
fn sums_show_names_on_one_line_and_counts_as_elsewhere() {
    let hostile = samples::sample("hostile.db", |connection| {
        connection.execute_batch(
            "CREATE TABLE \"evil\u{1b}[2J\nroot\u{202e}\"(id INTEGER PRIMARY KEY);
             CREATE TABLE one(a); INSERT INTO one VALUES (1);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1043)
             INSERT INTO \"evil\u{1b}[2J\nroot\u{202e}\" SELECT i FROM n;",
        )
    });
    let archive = hostile.path.with_extension("archive");
    run("waybill-export", [&hostile.path, &archive]).exits(0);
    let ran = run("waybill-verify", ["--sums".as_ref(), archive.as_os_str()]).exits(0);
    let said = ran.stdout();
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), 4, "{said:?}");
    assert!(
        lines[2].ends_with("  evil\\u{1b}[2J\\nroot\\u{202e} (1,043 rows)"),
        "{said:?}"
    );
    assert!(lines[3].ends_with("  one (1 row)"), "{said:?}");
}

#[test]
fn colour_is_used_when_asked_for_and_never_in_a_pipe() {
    let verify = |color: &str| {
        let option = format!("--color={color}");
        run("waybill-verify", [option.as_str(), "/no/such/archive"])
            .exits(1)
            .stderr()
    };
    assert!(verify("always").contains("\u{1b}["));
    assert!(!verify("auto").contains('\u{1b}'));
    assert!(!verify("never").contains('\u{1b}'));
}
