//! Bad input of every kind: the documented exit code, a message that says what, where and what to
//! do, nothing half-made under its final name, the target unchanged, no panic.

use crate::support::program::{Ran, as_nobody, command, run};
use crate::support::samples;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

mod servers;

/// Fails unless the program ended with `exit` and `error[code]`, told where and what to do.
fn assert_explains(ran: Ran, exit: i32, code: &str, place: &str) {
    let ran = ran.exits(exit);
    let said = ran.stderr();
    assert!(
        said.contains(&format!("error[{code}]")),
        "expected {code}:\n{said}"
    );
    assert!(said.contains(place), "expected the place {place}:\n{said}");
    assert!(said.contains("help:"), "no help:\n{said}");
    assert!(!said.contains("panicked"), "{said}");
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .expect("a readable folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

/// Exports `content` as a source; nothing may be left beside it.
fn assert_no_source(name: &str, content: &[u8], exit: i32, code: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = folder.path().join(name);
    fs::write(&source, content).expect("a file can be written");
    let archive = folder.path().join("out.tar.zst");
    let locator = format!("sqlite:{}", source.display());
    assert_explains(
        run("waybill-export", [locator.as_ref(), archive.as_os_str()]),
        exit,
        code,
        name,
    );
    assert_explains(run("waybill-analyze", [&locator]), exit, code, name);
    assert_eq!(names(folder.path()), [name]);
    assert_eq!(
        fs::read(&source).expect("readable"),
        content,
        "the source is never changed"
    );
}

#[test]
fn a_source_that_is_no_database_is_refused_with_its_cause() {
    assert_no_source("empty.db", b"", 1, "source-foreign");
    assert_no_source(
        "text.db",
        b"This is a letter, not a database.\n".repeat(40).as_slice(),
        1,
        "source-foreign",
    );
    let noise: Vec<u8> = (0_u64..8192)
        .map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 29).to_be_bytes()[7])
        .collect();
    assert_no_source("encrypted.db", &noise, 1, "source-foreign");
}

#[test]
fn a_missing_source_and_a_folder_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let missing = format!("sqlite:{}", folder.path().join("missing.db").display());
    assert_explains(
        run("waybill-analyze", [&missing]),
        1,
        "source-missing",
        "missing.db",
    );
    let directory = format!("sqlite:{}", folder.path().display());
    let ran = run("waybill-analyze", [&directory]);
    assert!(matches!(ran.status(), Some(1)), "{}", ran.stderr());
    assert!(
        ran.stderr().contains("folder") || ran.stderr().contains("directory"),
        "{}",
        ran.stderr()
    );
}

#[test]
fn a_truncated_and_a_corrupt_database_are_refused() {
    let shop = samples::shop();
    let whole = fs::read(&shop.path).expect("readable");
    assert_no_source(
        "truncated.db",
        &whole[..whole.len() / 2],
        1,
        "source-damaged",
    );
    // Pages in the middle overwritten: every table's pages are somewhere among them.
    let mut corrupt = whole.clone();
    let middle = corrupt.len() / 8 * 3..corrupt.len() / 8 * 5;
    corrupt[middle].fill(0xff);
    assert_no_source("corrupt.db", &corrupt, 1, "source-damaged");
}

#[test]
fn a_part_above_the_limit_is_refused_until_the_limit_is_raised() {
    let tiny = samples::tiny();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let archive = folder.path().join("a.tar.zst");
    let archive = archive.as_os_str();
    run("waybill-export", [tiny.path.as_os_str(), archive]).exits(0);
    let target = format!("sqlite:{}", folder.path().join("a.db").display());
    let refused = ["--max-part".as_ref(), "1".as_ref(), archive];
    for more in [None, Some("--list")] {
        let arguments = refused.into_iter().chain(more.map(AsRef::as_ref));
        let ran = run("waybill-verify", arguments);
        assert!(ran.stderr().contains("--max-part"), "{}", ran.stderr());
        assert_explains(ran, 3, "archive-limit", "waybill/data/t0001/p000001.jsonl");
    }
    let ran = run(
        "waybill-import",
        refused.into_iter().chain([target.as_ref()]),
    );
    assert_explains(ran, 4, "archive-limit", "waybill/data/t0001/p000001.jsonl");
    assert_eq!(names(folder.path()), ["a.tar.zst"]);
    let raised = ["--max-part".as_ref(), "1MiB".as_ref(), archive];
    run("waybill-verify", raised).exits(0);
    run(
        "waybill-import",
        raised.into_iter().chain([target.as_ref()]),
    )
    .exits(0);
}

#[test]
fn an_existing_archive_is_kept_unless_told_otherwise() {
    let tiny = samples::tiny();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let archive = folder.path().join("a.tar.zst");
    fs::write(&archive, "precious").expect("a file can be written");
    let arguments = [tiny.path.as_os_str(), archive.as_os_str()];
    assert_explains(
        run("waybill-export", arguments),
        4,
        "output-exists",
        "a.tar.zst",
    );
    assert_eq!(fs::read(&archive).expect("readable"), b"precious");
    run(
        "waybill-export",
        [
            "--force".as_ref(),
            tiny.path.as_os_str(),
            archive.as_os_str(),
        ],
    )
    .exits(0);
    run("waybill-verify", [archive.as_os_str()]).exits(0);
    assert_eq!(
        fs::metadata(&archive).expect("there").permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn an_output_folder_that_is_missing_or_full_is_named() {
    let tiny = samples::tiny();
    let missing = Path::new("/nonexistent/folder/a.tar.zst");
    assert_explains(
        run(
            "waybill-export",
            [tiny.path.as_os_str(), missing.as_os_str()],
        ),
        1,
        "output-unwritable",
        "/nonexistent/folder",
    );
    let folder = tempfile::tempdir().expect("a temporary folder");
    let archive = folder.path().join("a.tar.zst");
    run(
        "waybill-export",
        [tiny.path.as_os_str(), archive.as_os_str()],
    )
    .exits(0);
    let ran = run(
        "waybill-import",
        [
            archive.as_os_str(),
            "sqlite:/nonexistent/folder/a.db".as_ref(),
        ],
    );
    assert_explains(ran, 1, "target-unwritable", "/nonexistent/folder");
}

#[test]
fn a_folder_that_may_only_be_read_serves_as_source_and_never_as_target() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let allow = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("ours");
    };
    allow(folder.path(), 0o755);
    let (fixed, open) = (folder.path().join("fixed"), folder.path().join("open"));
    for place in [&fixed, &open] {
        fs::create_dir(place).expect("a folder");
    }
    allow(&open, 0o777);
    let source = fixed.join("s.db");
    fs::copy(&samples::tiny().path, &source).expect("a copy");
    allow(&source, 0o444);
    allow(&fixed, 0o555);
    let as_reader = |program: &str, first: &Path, second: String| {
        let mut command = as_nobody(&folder.path().join(program), program);
        command.arg(first).arg(second);
        Ran::of(command)
    };
    let archive = open.join("a");
    as_reader("waybill-export", &source, archive.display().to_string()).exits(0);
    let refused = as_reader(
        "waybill-export",
        &source,
        fixed.join("a").display().to_string(),
    );
    assert_explains(refused, 1, "output-unwritable", "fixed");
    let target = format!("sqlite:{}", fixed.join("t.db").display());
    let refused = as_reader("waybill-import", &archive, target);
    assert_explains(refused, 1, "target-unwritable", "fixed");
    assert_eq!(names(&fixed), ["s.db"]);
    allow(&fixed, 0o755);
}

/// A small file system of its own, where this process may make one.
pub(crate) struct SmallDisk {
    pub(crate) folder: tempfile::TempDir,
}

impl SmallDisk {
    pub(crate) fn new(kilobytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={kilobytes}k"), "tmpfs"])
            .arg(folder.path())
            .output()
            .is_ok_and(|output| output.status.success());
        mounted.then_some(SmallDisk { folder })
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount")
            .arg(self.folder.path())
            .status();
    }
}

#[test]
fn a_full_disk_ends_export_and_import_cleanly() {
    // Room enough for it to be tried.
    let Some(disk) = SmallDisk::new(200) else {
        eprintln!("skipped: this user may not mount a small file system");
        return;
    };
    let shop = samples::shop();
    let archive = disk.folder.path().join("a.tar.zst");
    assert_explains(
        run(
            "waybill-export",
            [shop.path.as_os_str(), archive.as_os_str()],
        ),
        1,
        "output-unwritable",
        "a.tar.zst",
    );
    assert_eq!(names(disk.folder.path()), Vec::<String>::new());
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    let archive = elsewhere.path().join("a.tar.zst");
    run(
        "waybill-export",
        [shop.path.as_os_str(), archive.as_os_str()],
    )
    .exits(0);
    let target = format!("sqlite:{}", disk.folder.path().join("a.db").display());
    assert_explains(
        run("waybill-import", [archive.as_os_str(), target.as_ref()]),
        1,
        "target-unwritable",
        "a.db",
    );
    assert_eq!(names(disk.folder.path()), Vec::<String>::new());
    // The spool of a pipe is a private file in TMPDIR.
    let mut import = command("waybill-import");
    import.args([
        "-",
        &format!("sqlite:{}", elsewhere.path().join("b.db").display()),
    ]);
    import
        .env("TMPDIR", disk.folder.path())
        .stdin(fs::File::open(&archive).expect("readable"));
    assert_explains(
        Ran::of(import),
        1,
        "spool",
        disk.folder.path().to_str().expect("UTF-8"),
    );
}

#[test]
fn what_is_no_archive_is_rejected() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let target = format!("sqlite:{}", folder.path().join("t.db").display());
    for (name, content) in [
        ("empty", Vec::new()),
        ("text", b"hello\n".to_vec()),
        ("noise", vec![0xa5; 5000]),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, content).expect("a file can be written");
        run("waybill-verify", [path.as_os_str()]).exits(3);
        let ran = run("waybill-import", [path.as_os_str(), target.as_ref()]).exits(4);
        assert!(ran.stderr().contains("archive-foreign"), "{}", ran.stderr());
    }
    let missing = folder.path().join("missing");
    assert_explains(
        run("waybill-verify", [missing.as_os_str()]),
        1,
        "archive-missing",
        "missing",
    );
    assert_explains(
        run("waybill-verify", [folder.path().as_os_str()]),
        1,
        "archive-missing",
        "folder",
    );
    assert!(!folder.path().join("t.db").exists());
}

/// An archive of the tiny database.
fn tiny_archive(folder: &Path) -> std::path::PathBuf {
    let tiny = samples::tiny();
    let archive = folder.join("tiny.tar.zst");
    run(
        "waybill-export",
        [tiny.path.as_os_str(), archive.as_os_str()],
    )
    .exits(0);
    archive
}

#[test]
fn an_existing_target_file_is_never_touched() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let archive = tiny_archive(folder.path());
    for (name, extra) in [("t.db", ""), ("u.db", "-wal")] {
        let target = folder.path().join(format!("{name}{extra}"));
        fs::write(&target, "precious").expect("a file can be written");
        let locator = format!("sqlite:{}", folder.path().join(name).display());
        assert_explains(
            run("waybill-import", [archive.as_os_str(), locator.as_ref()]),
            4,
            "target-file-exists",
            name,
        );
        assert_eq!(fs::read(&target).expect("readable"), b"precious");
    }
    assert_eq!(names(folder.path()), ["t.db", "tiny.tar.zst", "u.db-wal"]);
}

#[test]
fn usage_errors_exit_with_2_and_touch_nothing() {
    let lines: &[(&str, &[&str])] = &[
        ("waybill-export", &[]),
        ("waybill-export", &["only-one"]),
        ("waybill-export", &["--no-such-flag", "a", "b"]),
        ("waybill-export", &["-Z", "99", "a.db", "b"]),
        ("waybill-verify", &["--expect-root", "xyz", "a"]),
        ("waybill-verify", &["--level", "deep", "a"]),
        ("waybill-import", &["a.tar.zst", "no-such-file.db"]),
        ("waybill-import", &["a.tar.zst", "mysql://host/db"]),
        ("waybill-import", &["a.tar.zst", "env:WAYBILL_NOT_SET"]),
        ("waybill-import", &["-h", "db1", "a.tar.zst"]),
        ("waybill-analyze", &["json:folder"]),
    ];
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (program, arguments) in lines {
        let mut command = command(program);
        command.args(*arguments).current_dir(folder.path());
        let ran = Ran::of(command).exits(2);
        assert!(
            !ran.stderr().is_empty(),
            "{program} {arguments:?} says nothing"
        );
    }
    assert_eq!(names(folder.path()), Vec::<String>::new());
}
