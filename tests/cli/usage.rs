//! Command lines that ask for help, or are wrong.

use crate::support::program::{Ran, command, run};
use crate::support::samples;

const PROGRAMS: [&str; 4] = [
    "waybill-analyze",
    "waybill-export",
    "waybill-verify",
    "waybill-import",
];

#[test]
fn help_and_version_succeed_and_h_only_alone() {
    for program in PROGRAMS {
        let long = run(program, ["--help"]).exits(0).stdout();
        let short = run(program, ["-h"]).exits(0).stdout();
        assert!(long.contains("Exit codes"), "{long}");
        assert!(
            short.contains("Usage:") && short.len() < long.len(),
            "{short}"
        );
        let version = run(program, ["-V"]).exits(0).stdout();
        assert_eq!(
            version,
            format!("{program} {}\n", env!("CARGO_PKG_VERSION"))
        );

        let ran = run(program, ["-h", "db1"]).exits(2);
        assert_eq!(ran.stdout(), "");
        assert!(
            ran.stderr()
                .contains("-h shows help only when it stands alone"),
            "{}",
            ran.stderr()
        );
    }
}

#[test]
fn a_wrong_line_is_told_as_an_error_with_the_usage() {
    let ran = run("waybill-verify", ["a.tar.zst", "--list", "--sums"]).exits(2);
    assert_eq!(ran.stdout(), "");
    assert_eq!(
        ran.stderr(),
        "error[usage]: the argument '--list' cannot be used with '--sums'
   help: run the program with --help to see what it takes

Usage: waybill-verify --list <ARCHIVE>
"
    );
}

#[test]
fn a_wrong_line_gives_an_object_when_json_is_asked_for() {
    let ran = run("waybill-export", ["--json", "--no-such-flag"]).exits(2);
    let object = ran.json();
    assert_eq!(object["tool"], "waybill-export");
    assert_eq!(object["status"], "usage");
    assert_eq!(object["exit_code"], 2);
    assert_eq!(
        object["error"]["what"],
        "unexpected argument '--no-such-flag' found"
    );
}

#[test]
fn a_password_is_shown_by_no_message() {
    let lines: &[(&str, &[&str])] = &[
        ("waybill-import", &["a", "b", "postgresql://u:S3cret@h/d"]),
        (
            "waybill-import",
            &["missing", "pg:host=h password=S3cret nonsense=1"],
        ),
        (
            "waybill-import",
            &["missing", "postgresql://u:S3cret@h/d?nonsense=1"],
        ),
        ("waybill-import", &["missing", "mysql://u:S3cret@h/d"]),
        ("waybill-import", &["missing", "postgresql:/u:S3cret@h/d"]),
        ("waybill-import", &["missing", "postgres:u:S3cret@h"]),
        ("waybill-analyze", &["postgresql//u:S3cret@h/d"]),
        ("waybill-analyze", &["s.db", "--to=postgresql:/u:S3cret@h"]),
        ("waybill-import", &["missing", "env:LOCATOR"]),
        ("waybill-analyze", &["mysql://u:S3cret@h/d"]),
        ("waybill-export", &["pg:password=S3cret", "a"]),
        (
            "waybill-analyze",
            &["missing", "--to=postgresql://u:S3cret@h/d", "--nonsense"],
        ),
    ];
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (program, arguments) in lines {
        let mut command = command(program);
        command
            .arg("--json")
            .args(*arguments)
            .current_dir(folder.path());
        command.env("LOCATOR", "S3cret");
        let ran = Ran::of(command);
        assert_ne!(ran.status(), Some(0), "{arguments:?}");
        let said = ran.stdout() + &ran.stderr();
        assert!(said.contains("error["), "{said}");
        assert!(!said.contains("S3cret"), "{arguments:?}: {said}");
    }
}

#[test]
fn a_locator_may_stand_in_a_variable() {
    let tiny = samples::tiny();
    let mut analyze = command("waybill-analyze");
    analyze.arg("env:SOURCE");
    analyze.env("SOURCE", format!("sqlite:{}", tiny.path.display()));
    Ran::of(analyze).exits(0);
    let unset = run("waybill-analyze", ["env:SOURCE"]).exits(2);
    assert_eq!(
        unset.stderr(),
        "error[locator]: the environment variable is not set
  where: `env:SOURCE`
   help: set and export the variable, or write the locator itself
"
    );
}

#[test]
fn a_new_target_and_a_folder_are_told_the_explicit_form() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut import = command("waybill-import");
    import.args(["a", "new.db"]).current_dir(folder.path());
    let ran = Ran::of(import).exits(2);
    assert!(
        ran.stderr().contains("help: write sqlite:new.db"),
        "{}",
        ran.stderr()
    );
    let ran = run("waybill-analyze", [folder.path()]).exits(2);
    assert!(
        ran.stderr()
            .contains("folders of JSON files are not supported yet"),
        "{}",
        ran.stderr()
    );
}

#[test]
fn an_archive_that_is_a_server_is_refused_without_showing_its_password() {
    let ran = run("waybill-export", ["s.db", "postgresql://u:secret@h/d"]).exits(2);
    assert!(!ran.stderr().contains("secret"), "{}", ran.stderr());
}

#[test]
fn options_stand_before_a_command_as_well_as_behind_it() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let target = format!("sqlite:{}", folder.path().join("none.db").display());
    let behind = run("waybill-import", ["undo", "--json", &target]);
    let before = run("waybill-import", ["--json", "undo", &target]);
    assert_eq!(before.status(), behind.status());
    assert_eq!(before.json()["error"], behind.json()["error"]);
    let logged = ["-q", "--log-file", log.to_str().unwrap(), "undo", &target];
    let quiet = run("waybill-import", logged);
    assert_eq!(quiet.status(), behind.status());
    assert_eq!(quiet.stdout(), "");
    assert!(std::fs::read_to_string(&log).unwrap().contains("undo"));
    // What only an import takes is no option of a command.
    let wrong = run("waybill-import", ["--mode", "merge", "undo", &target]).exits(2);
    assert!(
        wrong
            .stderr()
            .contains("unexpected argument '--mode' found"),
        "{}",
        wrong.stderr()
    );
}
