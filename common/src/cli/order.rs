//! Options before a command: `waybill-import -q undo …` is the same as `waybill-import undo -q …`.

use clap::{Arg, Command};
use std::ffi::OsString;

/// The line with options that stand before a command of the program put behind it; the same line where
/// there are none, or where the first word that is no option is no command.
pub(super) fn settled(program: &Command, line: &[OsString]) -> Vec<OsString> {
    let mut at = 1;
    while let Some(argument) = line.get(at) {
        let Some(text) = argument.to_str() else { break };
        if text == "--" || text == "-" || !text.starts_with('-') {
            break;
        }
        at += if takes_next(program, text) { 2 } else { 1 };
    }
    let is_command = line.get(at).and_then(|word| word.to_str());
    let is_command = is_command.is_some_and(|word| program.find_subcommand(word).is_some());
    let mut settled = line.to_vec();
    if is_command {
        // The program stays first.
        settled[1..=at].rotate_right(1);
    }
    settled
}

/// Whether the value of this option is the next argument.
fn takes_next(program: &Command, option: &str) -> bool {
    let takes = |arg: &Arg| arg.get_action().takes_values() && !arg.is_require_equals_set();
    if let Some(long) = option.strip_prefix("--") {
        let mut arguments = program.get_arguments();
        // One with `=` in it is no name, and has its value with it.
        return arguments.any(|arg| arg.get_long() == Some(long) && takes(arg));
    }
    let mut letters = option.chars().skip(1);
    while let Some(letter) = letters.next() {
        let mut arguments = program.get_arguments();
        if arguments.any(|arg| arg.get_short() == Some(letter) && takes(arg)) {
            // What follows the letter is its value.
            return letters.next().is_none();
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{ArgAction, CommandFactory, Parser};

    /// A program for tests
    #[derive(Debug, Parser)]
    #[command(args_conflicts_with_subcommands = true)]
    struct Sample {
        #[command(subcommand)]
        command: Option<Job>,
        #[arg(short, long, action = ArgAction::SetTrue)]
        quiet: bool,
        #[arg(short, long)]
        jobs: Option<String>,
        #[arg(long, num_args = 0..=1, require_equals = true)]
        json: Option<String>,
        archive: Option<String>,
    }

    #[derive(Debug, clap::Subcommand)]
    enum Job {
        /// A command
        Undo { target: String },
    }

    fn words(line: &str) -> String {
        let line: Vec<_> = line.split(' ').map(OsString::from).collect();
        let mut command = Sample::command();
        command.build();
        let settled = settled(&command, &line);
        let settled: Vec<_> = settled.iter().map(|word| word.to_str().unwrap()).collect();
        settled.join(" ")
    }

    #[test]
    fn options_before_a_command_belong_to_it() {
        for (line, expected) in [
            ("p -q undo t", "p undo -q t"),
            ("p --jobs 2 -q undo t", "p undo --jobs 2 -q t"),
            ("p --jobs=2 undo t", "p undo --jobs=2 t"),
            ("p -qj 2 undo t", "p undo -qj 2 t"),
            ("p -j2 undo t", "p undo -j2 t"),
            ("p --json undo t", "p undo --json t"),
            ("p --unknown undo t", "p undo --unknown t"),
        ] {
            assert_eq!(words(line), expected);
        }
    }

    #[test]
    fn lines_without_a_command_or_with_one_as_a_value_stay() {
        for line in [
            "p",
            "p -q",
            "p undo -q t",
            "p -q a undo",
            "p --jobs undo a",
            "p -- undo",
            "p -q ./undo t",
            "p -j",
        ] {
            assert_eq!(words(line), line);
        }
    }
}
