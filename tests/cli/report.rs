//! What the exit code says when the work was done but could not be told, or could not be begun.

use crate::support::program::{Ran, as_nobody, command};
use crate::support::samples;
use rusqlite::Connection;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use tempfile::TempDir;

fn archived() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let archive = folder.path().join("a");
    let tiny = samples::tiny();
    let mut export = command("waybill-export");
    export.arg(&tiny.path).arg(&archive);
    Ran::of(export).exits(0);
    (folder, archive)
}

#[test]
fn a_report_that_cannot_be_written_does_not_hide_that_the_import_is_complete() {
    let (folder, archive) = archived();
    let target = folder.path().join("full.db");
    let result = folder.path().join("r.json");
    let mut import = command("waybill-import");
    import
        .arg(&archive)
        .arg(format!("sqlite:{}", target.display()))
        .arg(format!("--json={}", result.display()))
        .stdout(File::create("/dev/full").expect("a device"));
    let child = import.stderr(std::process::Stdio::piped()).spawn();
    let output = child
        .and_then(std::process::Child::wait_with_output)
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for part in [
        "error[stream]: the job is complete, but its report could not be written\n",
        "why: No space left on device",
        "help: it need not be run again: imported 1 table, 2 rows",
    ] {
        assert!(said.contains(part), "{part}:\n{said}");
    }
    let connection = Connection::open(&target).expect("the target is there");
    let rows: i64 = connection
        .query_row("SELECT count(*) FROM pet", [], |row| row.get(0))
        .expect("the target is complete");
    assert_eq!(rows, 2);
    let object: serde_json::Value =
        serde_json::from_slice(&fs::read(&result).expect("a result")).expect("JSON");
    assert_eq!(object["exit_code"], 1);
    assert_eq!(object["error"]["code"], "stream");
    assert_eq!(object["totals"]["rows"], 2);
}

/// A folder that may be written but not read cannot be opened to make a new name durable.
#[test]
fn a_folder_that_cannot_be_made_durable_is_refused_before_the_work() {
    let (folder, archive) = archived();
    let source = folder.path().join("s.db");
    fs::copy(&samples::tiny().path, &source).expect("a copy");
    for file in [&source, &archive] {
        fs::set_permissions(file, Permissions::from_mode(0o644)).expect("ours");
    }
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("ours");
    let blind = folder.path().join("blind");
    fs::create_dir(&blind).expect("a folder");
    fs::set_permissions(&blind, Permissions::from_mode(0o333)).expect("ours");
    for (program, first, second) in [
        (
            "waybill-export",
            source.display(),
            blind.join("a").display().to_string(),
        ),
        (
            "waybill-import",
            archive.display(),
            format!("sqlite:{}", blind.join("t.db").display()),
        ),
        (
            "waybill-verify",
            archive.display(),
            format!("--json={}", blind.join("r").display()),
        ),
    ] {
        let mut command = as_nobody(&folder.path().join(program), program);
        command.arg(first.to_string()).arg(second);
        let ran = Ran::of(command).exits(1);
        let said = ran.stderr();
        assert!(said.contains("Permission denied"), "{program}: {said}");
    }
    fs::set_permissions(&blind, Permissions::from_mode(0o755)).expect("ours");
    assert_eq!(fs::read_dir(&blind).expect("readable").count(), 0);
}
