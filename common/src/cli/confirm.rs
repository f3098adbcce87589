//! Asking the operator before something is put aside or removed.
//!
//! Knows a terminal and two flags; what is asked comes from the job.

use super::streams::complain;
use crate::fault::{Code, Fault, Result};
use crate::progress::Watch;
use crate::report::escape::escaped;
use crate::seam::{Consent, Question};
use clap::Args;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::fmt::Write as _;
use std::io::{self, BufRead as _, IsTerminal as _};

/// Why writing into a text cannot fail.
const TAKEN: &str = "a String takes all text";

/// Lines of detail that are shown, at the most.
const DETAILS: usize = 20;

/// Time between two looks at whether a signal has come.
const PACE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};

/// Whether the operator agrees beforehand, and whether he can be asked.
#[derive(Debug, Clone, Args)]
pub struct ConfirmArgs {
    /// Agree beforehand to what would be asked
    #[arg(short, long)]
    yes: bool,
    /// Never ask: what needs to be confirmed is refused without --yes
    #[arg(long)]
    no_input: bool,
}

impl ConfirmArgs {
    /// Who agrees.
    #[must_use]
    pub fn consent(&self) -> Consent {
        if self.yes {
            Consent::Given
        } else if !self.no_input && io::stdin().is_terminal() && io::stderr().is_terminal() {
            Consent::Ask(ask)
        } else {
            Consent::Withheld
        }
    }
}

/// Asks on the terminal; anything but `y` or `yes` is a no.
fn ask(question: &Question, watch: &dyn Watch) -> Result<bool> {
    complain(&prompt(question));
    // Reading a line would go on after a signal.
    loop {
        if watch.stopped() {
            complain("\n");
            return Err(Fault::interrupted());
        }
        let stdin = io::stdin();
        let mut ready = [PollFd::new(&stdin, PollFlags::IN)];
        match poll(&mut ready, Some(&PACE)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) => break,
            Err(error) => return Err(unreadable(error.into())),
        }
    }
    let mut answer = String::new();
    io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(unreadable)?;
    Ok(is_yes(&answer))
}

fn prompt(question: &Question) -> String {
    let mut text = String::new();
    for detail in question.details.iter().take(DETAILS) {
        writeln!(text, "  {}", escaped(detail)).expect(TAKEN);
    }
    if question.details.len() > DETAILS {
        let more = question.details.len() - DETAILS;
        writeln!(text, "  and {more} more").expect(TAKEN);
    }
    let what = escaped(&question.what);
    write!(text, "{}? [y/N] ", capital(&what)).expect(TAKEN);
    text
}

fn capital(what: &str) -> String {
    let mut letters = what.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

fn is_yes(answer: &str) -> bool {
    let answer = answer.trim();
    answer.eq_ignore_ascii_case("y") || answer.eq_ignore_ascii_case("yes")
}

fn unreadable(error: io::Error) -> Fault {
    Fault::new(Code::Stream, "cannot read the answer").because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_shows_what_is_at_stake_and_only_yes_is_yes() {
        let question = Question {
            what: "replace a\u{1b}.db".to_owned(),
            details: (1..=21).map(|n| format!("table t{n}")).collect(),
        };
        let text = prompt(&question);
        assert!(text.starts_with("  table t1\n"), "{text}");
        assert!(
            text.ends_with("  table t20\n  and 1 more\nReplace a\\u{1b}.db? [y/N] "),
            "{text}"
        );
        assert!(is_yes("y\n") && is_yes("YES\n"));
        assert!(!is_yes("") && !is_yes("\n") && !is_yes("yess\n") && !is_yes("n\n"));
    }
}
