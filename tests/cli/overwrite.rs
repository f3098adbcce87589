//! What a job writes never replaces what it reads, nor a stranger's file.

use crate::support::program::{Ran, command, run};
use crate::support::samples;
use rusqlite::Connection;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// A folder with a database, the same in WAL mode with rows in its WAL, and an archive.
fn folder() -> (TempDir, Connection) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    fs::copy(samples::tiny().path, path("s.db")).expect("a copy");
    let open = Connection::open(path("w.db")).expect("a new file");
    open.execute_batch("PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES (1);")
        .expect("a database with a WAL");
    run("waybill-export", [path("s.db"), path("a")]).exits(0);
    (folder, open)
}

fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<_> = fs::read_dir(folder)
        .expect("a readable folder")
        .map(|entry| entry.expect("an entry").path())
        // Readers set marks in the shared memory of a WAL.
        .filter(|path| path.extension().is_none_or(|end| end != "db-shm"))
        .map(|path| {
            let content = fs::read(&path).expect("readable");
            (path.display().to_string(), content)
        })
        .collect();
    all.sort();
    all
}

#[test]
fn an_output_that_is_an_input_of_the_same_job_is_refused_before_any_work() {
    let (folder, _open) = folder();
    let before = contents(folder.path());
    for line in [
        "export s.db s.db --force",
        "export s.db ./s.db",
        "export s.db s.db-journal",
        "export w.db w.db-wal --force",
        "export w.db w.db-shm --force",
        "export s.db new --json=new",
        "export s.db new --json=s.db",
        "analyze s.db --json=s.db",
        "analyze s.db --json=s.db-wal",
        "analyze s.db --to=sqlite:t.db --json=t.db",
        "verify a --json=a",
        "import a sqlite:t.db --json=t.db",
        "import a sqlite:t.db --json=t.db-journal",
        "import a sqlite:t.db --json=a",
    ] {
        let mut words = line.split(' ');
        let program = format!("waybill-{}", words.next().expect("a program"));
        let mut command = command(&program);
        command.args(words).current_dir(folder.path());
        let ran = Ran::of(command).exits(4);
        let said = ran.stderr();
        assert!(
            said.contains("error[output-exists]: the same command reads or makes this file"),
            "{line}: {said}"
        );
        assert!(contents(folder.path()) == before, "{line} changed a file");
    }
}

#[test]
fn a_result_replaces_an_older_result_and_no_other_file() {
    let (folder, _open) = folder();
    let verify = |result: &str| {
        let mut command = command("waybill-verify");
        command.args(["a", result]).current_dir(folder.path());
        Ran::of(command)
    };
    fs::write(folder.path().join("r.json"), "").expect("an empty file");
    for _ in 0..2 {
        verify("--json=r.json").exits(0);
    }
    fs::write(folder.path().join("letter"), "{\"dear\": 1}").expect("a file");
    for strange in ["letter", "s.db", "w.db"] {
        let before = fs::read(folder.path().join(strange)).expect("readable");
        let ran = verify(&format!("--json={strange}")).exits(4);
        assert!(ran.stderr().contains("error[output-exists]"), "{strange}");
        let after = fs::read(folder.path().join(strange)).expect("readable");
        assert!(before == after, "{strange} was changed");
    }
}
