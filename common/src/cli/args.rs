//! Arguments that more than one program takes. Their doc comments are the help.

use crate::fault::Result;
use crate::location::TableFilter;
use crate::mapping::NameRule;
use crate::report::Severity;
use clap::{ArgAction, Args, ValueEnum};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// More workers than this only wait for each other.
const MOST_JOBS: usize = 256;

/// How a program tells what it does and found.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Print the result as one JSON object, or write it to FILE and print the text as well
    ///
    /// The object has the form of docs/result.schema.json; it is printed on failure, too. FILE
    /// appears whole or not at all; it replaces an older result or an empty file, and nothing else.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    json: Option<PathBuf>,
    /// Write a report of the run to FILE, which ends in .json or .txt
    ///
    /// It has durations, rows and bytes, findings and how to undo the run. FILE appears whole or not at
    /// all, and only its owner may read it; it replaces an older report or an empty file.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Add a line for every step to FILE: phases, tables, findings, the end
    ///
    /// A new file may be read by its owner only. Passwords are never written.
    #[arg(long, value_name = "FILE")]
    log_file: Option<PathBuf>,
    /// The form of the lines of `--log-file`
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
    /// Show progress on standard error
    ///
    /// `auto` draws bars on a terminal, `always` prints a line every ten seconds, `json` one
    /// event a line. SIGUSR1 prints a line of progress at any time.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = ProgressChoice::Auto)]
    progress: ProgressChoice,
    /// Colour the messages
    ///
    /// `auto` colours on a terminal unless `NO_COLOR` is set.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = ColorChoice::Auto)]
    color: ColorChoice,
    /// Print errors only: no result, no warnings, no progress
    #[arg(short, long)]
    quiet: bool,
    /// Show more: each note for itself, and in a plan the SQL of every object
    ///
    /// An import shows its plan, too, which `--plan` shows without importing.
    #[arg(short, long)]
    verbose: bool,
    /// End with exit code 3 when there are findings of this severity
    #[arg(long, value_name = "SEVERITY", value_enum, default_value_t = FailOn::Error)]
    fail_on: FailOn,
    /// Print help (-h, when it stands alone, prints a summary)
    #[arg(long, action = ArgAction::HelpLong)]
    help: Option<bool>,
    /// Print the version
    #[arg(short = 'V', long, action = ArgAction::Version)]
    version: Option<bool>,
}

/// Where the JSON object goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JsonOutput<'a> {
    /// Standard output, in place of the text.
    Stdout,
    /// A file.
    File(&'a Path),
}

/// Where the log goes, and in which form.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogTarget<'a> {
    pub(super) path: &'a Path,
    pub(super) format: LogFormat,
}

/// The form of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// The time, the run, what happens, and facts as KEY=VALUE
    Text,
    /// One JSON object a line
    Json,
}

impl OutputArgs {
    pub(super) fn report(&self) -> Option<&Path> {
        self.report.as_deref()
    }

    pub(super) fn log(&self) -> Option<LogTarget<'_>> {
        let path = self.log_file.as_deref()?;
        Some(LogTarget {
            path,
            format: self.log_format,
        })
    }

    pub(super) fn json(&self) -> Option<JsonOutput<'_>> {
        self.json.as_deref().map(JsonOutput::of)
    }

    pub(super) fn progress(&self) -> ProgressChoice {
        match self.progress {
            ProgressChoice::Auto if self.quiet => ProgressChoice::Never,
            choice => choice,
        }
    }

    pub(super) fn color(&self) -> ColorChoice {
        self.color
    }

    pub(super) fn quiet(&self) -> bool {
        self.quiet
    }

    pub(super) fn verbose(&self) -> bool {
        self.verbose
    }

    pub(super) fn fail_on(&self) -> Option<Severity> {
        match self.fail_on {
            FailOn::Error => Some(Severity::Error),
            FailOn::Warning => Some(Severity::Warning),
            FailOn::Never => None,
        }
    }
}

impl<'a> JsonOutput<'a> {
    pub(super) fn of(value: &'a Path) -> Self {
        if value.as_os_str() == "-" {
            JsonOutput::Stdout
        } else {
            JsonOutput::File(value)
        }
    }
}

/// When progress is shown, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ProgressChoice {
    /// Bars, on a terminal only
    Auto,
    /// A line every ten seconds
    Always,
    /// Not at all
    Never,
    /// One JSON event a line
    Json,
}

/// When messages are coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorChoice {
    /// On a terminal only
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Which findings make a completed job end with exit code 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// Errors
    Error,
    /// Warnings and errors
    Warning,
    /// None
    Never,
}

/// How many workers.
#[derive(Debug, Clone, Args)]
pub struct JobArgs {
    /// Workers to run at the same time: a number, or `auto` for one a processor
    #[arg(short, long, value_name = "N", default_value = "auto")]
    jobs: Jobs,
}

impl JobArgs {
    /// The number of workers, at least one.
    #[must_use]
    pub fn count(&self) -> usize {
        let auto = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        std::cmp::min(self.jobs.0.unwrap_or_else(auto), MOST_JOBS)
    }
}

/// A number of workers, or `None` for one a processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Jobs(Option<usize>);

impl FromStr for Jobs {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text.parse() {
            _ if text == "auto" => Ok(Jobs(None)),
            Ok(number) if (1..=MOST_JOBS).contains(&number) => Ok(Jobs(Some(number))),
            _ => Err(format!("write a number from 1 to {MOST_JOBS}, or auto")),
        }
    }
}

/// How much memory an archive may ask for.
#[derive(Debug, Clone, Args)]
pub struct PartArgs {
    /// Accept no part of an archive that is longer than SIZE, such as 4GiB
    ///
    /// A part has 8 MiB of lines and as much more as its last row needs. It is held in memory as
    /// a whole, however small the archive is; parts above 64 MiB are read one at a time. Export
    /// warns when an archive needs more than the default.
    #[arg(long, value_name = "SIZE", default_value = "1GiB")]
    max_part: Size,
}

impl PartArgs {
    /// The most bytes of a part.
    #[must_use]
    pub fn max_part(&self) -> u64 {
        self.max_part.0
    }
}

/// A number of bytes, or of KiB, MiB or GiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Size(u64);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let unit: u64 = match unit {
            "" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => 0,
        };
        let bytes = number
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(unit))
            .filter(|bytes| *bytes > 0);
        bytes.map(Size).ok_or_else(|| {
            "write a number of bytes, or one with KiB, MiB or GiB behind it".to_owned()
        })
    }
}

/// Which tables.
#[derive(Debug, Clone, Args)]
pub struct TableArgs {
    /// Take only the tables that match; may repeat
    ///
    /// `*` stands for any text and `?` for any one character; letters match in either case.
    /// "Name" in double quotes matches exactly this name.
    #[arg(short, long = "table", value_name = "PATTERN")]
    table: Vec<String>,
    /// Leave out the tables that match; may repeat
    #[arg(short = 'T', long = "exclude-table", value_name = "PATTERN")]
    exclude_table: Vec<String>,
}

impl TableArgs {
    /// The choice of tables.
    pub fn filter(&self) -> Result<TableFilter> {
        TableFilter::new(&self.table, &self.exclude_table)
    }
}

/// What names become in PostgreSQL.
#[derive(Debug, Clone, Args)]
pub struct NameArgs {
    /// What the names of tables, columns, keys and indexes become in PostgreSQL; `keep` unless given
    #[arg(long, value_name = "RULE", value_enum)]
    names: Option<NameChoice>,
}

/// What names become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum NameChoice {
    /// Exactly what they are
    Keep,
    /// Lower case with underscores: `CustomerID` is `customer_id`
    Fold,
}

impl NameArgs {
    /// The rule, if one is given.
    #[must_use]
    pub fn rule(&self) -> Option<NameRule> {
        Some(match self.names? {
            NameChoice::Keep => NameRule::Keep,
            NameChoice::Fold => NameRule::Fold,
        })
    }
}

/// A label as `KEY=VALUE`; for clap's `value_parser`.
pub fn label(text: &str) -> std::result::Result<(String, String), String> {
    match text.split_once('=') {
        Some(("", _)) => Err("the key before `=` is missing".to_owned()),
        Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
        None => Err("write KEY=VALUE".to_owned()),
    }
}

/// A moment in RFC 3339, in UTC whatever offset it was written with; for clap's `value_parser`.
pub fn moment(text: &str) -> std::result::Result<String, String> {
    text.parse::<jiff::Timestamp>()
        .map(|moment| moment.to_string())
        .map_err(|_| "write a moment as 2026-01-31T12:00:00Z".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_a_number_in_bounds_or_auto() {
        assert_eq!("auto".parse(), Ok(Jobs(None)));
        assert_eq!("3".parse(), Ok(Jobs(Some(3))));
        for text in ["0", "-1", "257", "many", ""] {
            assert!(text.parse::<Jobs>().is_err(), "{text}");
        }
        let auto = JobArgs { jobs: Jobs(None) };
        assert!((1..=MOST_JOBS).contains(&auto.count()));
    }

    #[test]
    fn a_size_is_a_number_with_or_without_a_unit() {
        let sizes = [
            ("1", 1),
            ("1610612736", 1_610_612_736),
            ("3KiB", 3 << 10),
            ("512MiB", 512 << 20),
            ("4GiB", 4 << 30),
        ];
        for (text, bytes) in sizes {
            assert_eq!(text.parse(), Ok(Size(bytes)), "{text}");
        }
        for text in [
            "",
            "0",
            "GiB",
            "4GB",
            "4 GiB",
            "-1",
            "1.5GiB",
            "99999999999GiB",
        ] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_label_is_cut_at_its_first_equals_sign() {
        assert_eq!(label("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert_eq!(label("a="), Ok(("a".to_owned(), String::new())));
        assert!(label("=b").is_err() && label("a").is_err());
    }

    #[test]
    fn a_moment_is_kept_in_utc() {
        let text = moment("2026-01-31T12:00:00+02:00");
        assert_eq!(text.as_deref(), Ok("2026-01-31T10:00:00Z"));
        assert!(moment("2026-01-31").is_err() && moment("yesterday").is_err());
    }
}
