//! How a program ends: an exit code, or death by the signal that asked for it.

use super::signals;
use crate::fault::{Code, Exit, Fault};
use signal_hook::consts::SIGPIPE;
use std::error::Error;
use std::process::ExitCode;

/// The table of exit codes that ends the long help of each program.
pub const EXIT_CODES: &str = "\
Exit codes (the same for all four programs):
  0    done, nothing to report at the --fail-on level
  1    failed: could not be completed; the target is as it was. With an error whose code
       is `stream`: the report could not be written; it says so when the job is complete
  2    usage: the command line or a locator is wrong; nothing was touched
  3    findings: completed, and found what you asked to be told (verify: the archive
       is not whole, not consistent or not the expected one; import check: the target
       differs; both whatever --fail-on says)
  4    refused: a safety rule stopped it before any change
  5    retry: temporary, such as a server that is not reachable or a lock
  101  a defect of the program
  130, 143, 129, 141  ended by SIGINT, SIGTERM, SIGHUP or SIGPIPE, after tidying up
Treat any other code as a failure.

Each error code has a section in docs/errors.md.";

/// The end of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// With an exit code of the table.
    Exit(Exit),
    /// After a panic.
    Panic,
    /// By this signal, which the shell shows as 128 and its number.
    Signal(i32),
}

impl Ending {
    /// The ending that `fault` leads to; `exit` is the code the program gives it.
    pub(super) fn of(fault: &Fault, exit: Exit, signal: Option<i32>) -> Self {
        match signal {
            Some(signal) => Ending::Signal(signal),
            None if is_broken_pipe(fault) => Ending::Signal(SIGPIPE),
            None => Ending::Exit(exit),
        }
    }

    /// The exit code as a shell shows it.
    pub(super) fn code(self) -> i32 {
        match self {
            Ending::Exit(exit) => exit as i32,
            Ending::Panic => 101,
            Ending::Signal(signal) => 128 + signal,
        }
    }

    /// The word for it in `--json`.
    pub(super) fn status(self) -> &'static str {
        match self {
            Ending::Exit(exit) => exit.name(),
            Ending::Panic => "bug",
            Ending::Signal(_) => "signal",
        }
    }

    /// Ends the process when it is to die of a signal; otherwise the code for `main` to return.
    pub(super) fn finish(self) -> ExitCode {
        if let Ending::Signal(signal) = self {
            signals::die_of(signal);
        }
        ExitCode::from(u8::try_from(self.code()).unwrap_or(1))
    }
}

/// Whether the reader of standard output has gone away.
pub(super) fn is_broken_pipe(fault: &Fault) -> bool {
    let mut cause = fault.source();
    while let Some(error) = cause {
        let broken = error
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe);
        if broken {
            return fault.code() == Code::Stream;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(code: Code, kind: std::io::ErrorKind) -> Fault {
        Fault::new(code, "x").because(std::io::Error::from(kind))
    }

    #[test]
    fn only_a_closed_pipe_of_our_own_streams_ends_by_sigpipe() {
        use std::io::ErrorKind::{BrokenPipe, StorageFull};
        for (code, kind, expected) in [
            (Code::Stream, BrokenPipe, Ending::Signal(SIGPIPE)),
            (Code::Stream, StorageFull, Ending::Exit(Exit::Failed)),
            (Code::ConnectionLost, BrokenPipe, Ending::Exit(Exit::Failed)),
        ] {
            let ending = Ending::of(&fault(code, kind), Exit::Failed, None);
            assert_eq!(ending, expected, "{code:?} {kind:?}");
        }
    }

    #[test]
    fn a_signal_is_shown_as_the_shell_shows_it() {
        let codes = [2, 15, 1, 13].map(|signal| Ending::Signal(signal).code());
        assert_eq!(codes, [130, 143, 129, 141]);
        assert_eq!(Ending::Panic.code(), 101);
    }

    #[test]
    fn every_exit_code_is_in_the_help() {
        for exit in [
            Exit::Ok,
            Exit::Failed,
            Exit::Usage,
            Exit::Findings,
            Exit::Refused,
            Exit::Retry,
        ] {
            let line = format!("\n  {}    ", exit as i32);
            assert!(EXIT_CODES.contains(&line), "{exit:?}");
        }
    }
}
