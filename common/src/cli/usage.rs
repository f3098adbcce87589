//! Parses a command line. A wrong one becomes a fault; a password on it is not repeated.

use super::order;
use crate::fault::{Code, Fault};
use crate::location;
use crate::report::escape::escaped;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory, Parser};
use std::ffi::{OsStr, OsString};

const HELP_ALONE: &str = "-h shows help only when it stands alone; a host is named in postgresql://HOST/DATABASE or pg:host=HOST";

/// Why there is nothing to run.
#[derive(Debug)]
pub(super) enum NotRun {
    /// Help or version was asked for: the text.
    Asked(String),
    /// The command line is wrong: why, and what clap shows of the usage.
    Wrong {
        /// The failure.
        fault: Fault,
        /// Tips and usage, in lines.
        usage: String,
    },
}

/// The arguments that `line`, the program's name included, stands for.
pub(super) fn parse<A: Parser + CommandFactory>(line: &[OsString]) -> Result<A, NotRun> {
    let line = &order::settled(&A::command(), line);
    // clap would print help and succeed for `-h db1`, a habit of psql's users, so `-h` is no flag.
    if let Some(help) = summary(A::command(), line) {
        return Err(NotRun::Asked(help));
    }
    A::try_parse_from(line).map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            NotRun::Asked(error.render().to_string())
        }
        _ => wrong(&error, line),
    })
}

/// The short help, where `-h` stands alone behind the program or one of its commands.
fn summary(mut program: Command, line: &[OsString]) -> Option<String> {
    let (last, before) = line.split_last()?;
    if last != "-h" {
        return None;
    }
    let asked = match before {
        [_] => &mut program,
        [_, command] => {
            program.build();
            program.find_subcommand_mut(command)?
        }
        _ => return None,
    };
    Some(asked.render_help().to_string())
}

fn wrong(error: &clap::Error, line: &[OsString]) -> NotRun {
    let text = without_passwords(error.render().to_string(), line);
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let (what, usage) = text.split_once("\n\n").unwrap_or((text, ""));
    let what: Vec<_> = what.lines().map(str::trim).collect();
    let what = what.join(" ");
    let mut fault = Fault::new(Code::Usage, what.trim().to_owned());
    let is_h = |value: &ContextValue| matches!(value, ContextValue::String(text) if text == "-h");
    if error.get(ContextKind::InvalidArg).is_some_and(is_h) {
        fault = fault.hint(HELP_ALONE);
    }
    let shown = usage.lines().filter(|line| !is_noise(line));
    let usage: Vec<_> = shown.map(escaped).collect();
    let usage = usage.join("\n");
    NotRun::Wrong {
        fault,
        usage: format!("\n{}\n", usage.trim_matches('\n')),
    }
}

/// Lines of clap that the help line of the fault replaces, and its advice to take an unknown flag
/// for a file.
fn is_noise(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("For more information") || line.starts_with("tip: to pass")
}

/// clap repeats arguments it does not understand, and one may be a connection string.
fn without_passwords(mut text: String, line: &[OsString]) -> String {
    for argument in line {
        let argument = argument.to_string_lossy();
        let value = argument.split_once('=').map_or("", |(_, value)| value);
        for part in [argument.as_ref(), value] {
            let shown = location::shown(part);
            if shown != part {
                text = text.replace(part, &shown);
            }
        }
    }
    text
}

/// Whether `--json` asks for an object on standard output, on a line that could not be parsed.
pub(super) fn asks_for_json(line: &[OsString]) -> bool {
    let options = line.iter().skip(1).map(OsString::as_os_str);
    options
        .take_while(|argument| *argument != OsStr::new("--"))
        .any(|argument| argument == "--json" || argument == "--json=-")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program for tests
    #[derive(Debug, Parser)]
    #[command(
        name = "waybill-test",
        version,
        disable_help_flag = true,
        disable_version_flag = true
    )]
    struct Sample {
        #[command(flatten)]
        output: crate::cli::OutputArgs,
        source: Option<String>,
    }

    fn refused(arguments: &[&str]) -> (Fault, String) {
        let line: Vec<_> = ["waybill-test"]
            .iter()
            .chain(arguments)
            .map(OsString::from)
            .collect();
        match parse::<Sample>(&line) {
            Err(NotRun::Wrong { fault, usage }) => (fault, usage),
            other => panic!("not refused: {other:?}"),
        }
    }

    #[test]
    fn h_is_help_only_when_it_stands_alone() {
        let alone = ["waybill-test", "-h"].map(OsString::from);
        assert!(matches!(parse::<Sample>(&alone), Err(NotRun::Asked(_))));
        for arguments in [&["-h", "db1"][..], &["x", "-h"], &["-hdb1"]] {
            let (fault, _) = refused(arguments);
            assert_eq!(fault.what(), "unexpected argument '-h' found");
            assert_eq!(fault.help(), HELP_ALONE);
        }
    }

    #[test]
    fn a_password_on_a_wrong_command_line_is_not_repeated() {
        for argument in [
            "postgresql://u:S3@h/d",
            "pg:host=h password=S3",
            "--nothing=postgresql://u:S3@h/d",
            "--color=postgresql://u:S3@h/d",
        ] {
            let (fault, usage) = refused(&["a", argument]);
            assert!(
                !format!("{fault:?}{usage}").contains("S3"),
                "{fault:?} {usage}"
            );
        }
    }

    #[test]
    fn json_is_seen_on_a_line_that_does_not_parse() {
        let asks = |arguments: &[&str]| {
            let line: Vec<_> = arguments.iter().map(OsString::from).collect();
            asks_for_json(&line)
        };
        assert!(asks(&["x", "--nothing", "--json"]) && asks(&["x", "--json=-"]));
        assert!(!asks(&["x", "--json=file"]) && !asks(&["x", "--", "--json"]));
    }

    #[test]
    fn a_wrong_line_shows_what_and_the_usage() {
        let (fault, usage) = refused(&["a", "b\u{202e}"]);
        assert_eq!(fault.what(), "unexpected argument 'b\u{202e}' found");
        assert_eq!(usage, "\nUsage: waybill-test [OPTIONS] [SOURCE]\n");
        assert!(!usage.contains('\u{202e}'));
    }
}
