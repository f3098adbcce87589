//! Runs the real programs.

use serde_json::Value;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The path of a program of this package.
pub(crate) fn path(program: &str) -> PathBuf {
    PathBuf::from(match program {
        "waybill-analyze" => env!("CARGO_BIN_EXE_waybill-analyze"),
        "waybill-export" => env!("CARGO_BIN_EXE_waybill-export"),
        "waybill-verify" => env!("CARGO_BIN_EXE_waybill-verify"),
        "waybill-import" => env!("CARGO_BIN_EXE_waybill-import"),
        other => panic!("there is no program {other}"),
    })
}

/// A program with an environment of its own: no settings of the person who runs the tests.
pub(crate) fn command(program: &str) -> Command {
    isolated(Command::new(path(program)))
}

/// A program that has every signal to itself. Who started the tests in the background may have had
/// SIGINT ignored, which the programs would respect, as any child of a shell does.
pub(crate) fn attentive(program: &str) -> Command {
    let mut command = isolated(Command::new("env"));
    command.arg("--default-signal").arg(path(program));
    command
}

fn isolated(mut command: Command) -> Command {
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", "/nonexistent");
    command
}

/// Copies a program, so that it can run where this package's folder is out of reach. Another
/// process does it: a test that forks while this one holds the copy open for writing would make it
/// "text file busy".
pub(crate) fn copy(program: &str, to: &std::path::Path) {
    let status = Command::new("cp").arg(path(program)).arg(to).status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "{program} can be copied"
    );
}

/// Runs a program to its end.
pub(crate) fn run<A: AsRef<OsStr>>(program: &str, arguments: impl IntoIterator<Item = A>) -> Ran {
    let mut command = command(program);
    command.args(arguments);
    Ran::of(command)
}

/// What a program did.
pub(crate) struct Ran {
    line: String,
    output: Output,
}

impl Ran {
    /// Runs `command` to its end.
    pub(crate) fn of(mut command: Command) -> Ran {
        let line = format!("{command:?}");
        let output = command
            .output()
            .unwrap_or_else(|error| panic!("{line}: {error}"));
        Ran { line, output }
    }

    /// Fails unless the exit code is `code`.
    pub(crate) fn exits(self, code: i32) -> Ran {
        assert_eq!(
            self.status(),
            Some(code),
            "{}\n{}{}",
            self.line,
            self.stdout(),
            self.stderr()
        );
        self
    }

    /// The exit code; `None` after a signal.
    pub(crate) fn status(&self) -> Option<i32> {
        self.output.status.code()
    }

    /// Standard output as text.
    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    /// Standard error as text.
    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    /// The one object on standard output, which must follow the documented schema.
    pub(crate) fn json(&self) -> Value {
        let value: Value = serde_json::from_slice(&self.output.stdout)
            .unwrap_or_else(|error| panic!("{}: {error}\n{}", self.line, self.stdout()));
        super::result_schema::assert_valid(&value, &self.line);
        value
    }
}

/// A command that may not touch every folder. Root may, so another user runs a copy of the program
/// at `at`, where all may reach it.
pub(crate) fn as_nobody(at: &Path, program: &str) -> Command {
    if !rustix::process::geteuid().is_root() {
        return command(program);
    }
    copy(program, at);
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    command.arg(at);
    command
}
