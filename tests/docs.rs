//! Every command the documentation shows is run, and must do what the documentation says.
//!
//! A document is read from top to bottom in a folder of its own, with the sample `shop.db`, the
//! four programs and a PostgreSQL server with an empty database `shop`. In a ```console block a line
//! that begins with `$ ` is a command, which lines that begin with `> ` go on with, and what follows
//! is its output: a line `…` stands for any
//! lines, `…` within a line for any text, and a digest for any digest. A command ends with exit
//! code 0; one that shall not shows its code with `; echo $?`. A ```bash block is a whole script,
//! whose second line begins with its name.
//!
//! `scripts/demo` and `scripts/test` are not run from here: they build and run everything
//! themselves. They must exist and be executable.

mod document;
mod expected;

use crate::support::postgres::{Server, programs_of_the_system};
use crate::support::program;
use crate::support::samples;
use document::{Document, Step};
use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Documents whose commands are run.
const WITH_COMMANDS: [&str; 4] = [
    "README.md",
    "docs/guide.md",
    "docs/scripting.md",
    "docs/operator.md",
];
/// Documents whose links and flags are checked as well.
const OTHERS: [&str; 3] = ["CHANGELOG.md", "docs/contributing.md", "docs/mapping.md"];
/// Commands that change the machine of the person who runs the tests.
const NOT_RUN: [&str; 2] = [
    "cargo install --path . --locked",
    "cargo install --path . --locked --no-default-features --bin waybill-verify",
];
/// Flags of other people's programs.
const FOREIGN_FLAGS: [&str; 8] = [
    "--locked",
    "--no-default-features",
    "--owner",
    "--path",
    "--strict",
    "--validate",
    "--zstd",
    "--bin",
];
const PROGRAMS: [&str; 4] = [
    "waybill-analyze",
    "waybill-export",
    "waybill-verify",
    "waybill-import",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> Document {
    let text = fs::read_to_string(root().join(path));
    Document::parse(
        path,
        &text.unwrap_or_else(|error| panic!("{path}: {error}")),
    )
}

/// A folder in which the commands of one document are run.
struct Desk {
    folder: tempfile::TempDir,
    home: tempfile::TempDir,
    server: Server,
}

impl Desk {
    fn new() -> Desk {
        let desk = Desk {
            folder: tempfile::tempdir().expect("a temporary folder"),
            home: tempfile::tempdir().expect("a temporary folder"),
            server: Server::start(&programs_of_the_system(), None),
        };
        let shop = samples::shop();
        fs::copy(&shop.path, desk.folder.path().join("shop.db")).expect("the sample is there");
        desk.server
            .client("postgres")
            .batch_execute("CREATE DATABASE shop TEMPLATE template0 ENCODING 'UTF8'")
            .expect("the role may create databases");
        desk
    }

    /// Runs a command; its output in the order in which a terminal would show it.
    fn run(&self, command: &str) -> (Option<i32>, String) {
        let programs = program::path("waybill-import");
        let programs = programs.parent().expect("a program is in a folder");
        let path = std::env::var("PATH").unwrap_or_default();
        let output = Command::new("bash")
            .args(["-c", &format!("exec 2>&1\n{command}")])
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .env_clear()
            .env("PATH", format!("{}:{path}", programs.display()))
            .env("HOME", self.home.path())
            .env("LC_ALL", "C.UTF-8")
            .env("PGHOST", &self.server.socket)
            .env("PGPORT", self.server.port.to_string())
            .env("PGUSER", "postgres")
            .output()
            .expect("bash runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), text)
    }

    fn save(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::write(&path, text).expect("a writable folder");
        fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("our own file");
    }
}

/// Does what `path` shows, and compares.
fn follow(path: &str) {
    let document = read(path);
    let desk = Desk::new();
    let mut run = 0;
    for step in &document.steps {
        match step {
            Step::Script { name, text, .. } => {
                let called = document.commands().any(|command| command.contains(name));
                assert!(called, "{path}: no command runs {name}");
                desk.save(name, text);
            }
            Step::Command { line, command, .. } if command.starts_with("scripts/") => {
                let script = command.split_whitespace().next().unwrap_or_default();
                let mode =
                    fs::metadata(root().join(script)).map(|about| about.permissions().mode());
                let executable = mode.is_ok_and(|mode| mode & 0o111 != 0);
                assert!(executable, "{path}:{line}: {script} cannot be run");
            }
            Step::Command { command, .. } if NOT_RUN.contains(&command.as_str()) => {}
            Step::Command {
                line,
                command,
                output,
            } => {
                let (code, found) = desk.run(command);
                assert_eq!(code, Some(0), "{path}:{line}: {command}\n{found}");
                assert!(
                    expected::fits(output, &found),
                    "{path}:{line}: {command}\n--- shown\n{}\n--- found\n{found}",
                    output.join("\n")
                );
                run += 1;
            }
        }
    }
    assert!(run > 0, "{path} shows no command");
}

#[test]
fn the_readme_shows_what_happens() {
    follow(WITH_COMMANDS[0]);
}

#[test]
fn the_guide_shows_what_happens() {
    follow(WITH_COMMANDS[1]);
}

#[test]
fn the_page_on_scripting_shows_what_happens() {
    follow(WITH_COMMANDS[2]);
}

#[test]
fn the_operators_page_shows_what_happens() {
    follow(WITH_COMMANDS[3]);
}

fn all() -> impl Iterator<Item = Document> {
    WITH_COMMANDS.into_iter().chain(OTHERS).map(read)
}

#[test]
fn every_link_leads_somewhere() {
    for document in all() {
        let folder = root().join(&document.path);
        let folder = folder.parent().expect("a document is in a folder");
        assert!(
            !document.links.is_empty(),
            "{} links nothing",
            document.path
        );
        for link in &document.links {
            if link.contains("://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target: PathBuf = match file {
                "" => root().join(&document.path),
                file => folder.join(file),
            };
            assert!(target.exists(), "{}: {link} leads nowhere", document.path);
            if !anchor.is_empty() {
                let text = fs::read_to_string(&target).expect("anchors are in text files");
                let anchors = document::anchors(&text);
                assert!(
                    anchors.contains(anchor),
                    "{}: {link} has no such section",
                    document.path
                );
            }
        }
    }
}

#[test]
fn every_flag_in_the_documentation_exists() {
    let mut known: BTreeSet<String> = FOREIGN_FLAGS.into_iter().map(str::to_owned).collect();
    for program in PROGRAMS {
        let help = program::run(program, ["--help"]).exits(0);
        known.extend(document::flags(&help.stdout()));
    }
    for command in ["check", "status", "undo", "prune"] {
        let help = program::run("waybill-import", [command, "--help"]).exits(0);
        known.extend(document::flags(&help.stdout()));
    }
    let mut seen = 0;
    for document in all() {
        for flag in &document.flags {
            assert!(
                known.contains(flag),
                "{}: no program has {flag}",
                document.path
            );
            seen += 1;
        }
    }
    assert!(
        seen > 10,
        "only {seen} flags were found in the documentation"
    );
}
