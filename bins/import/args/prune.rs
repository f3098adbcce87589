//! What `waybill-import prune` takes. Its doc comments are the help.

use std::ffi::OsString;
use std::str::FromStr;
use std::time::Duration;
use waybill_common::cli;
use waybill_common::fault::Result;
use waybill_common::flow::request::{Keep, PruneRequest};
use waybill_common::location::{Location, TouchedFiles};

/// Remove backups that earlier runs have put aside
///
/// What is removed cannot be brought back. The history keeps the runs. The last backup is not removed
/// without --yes.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("which").required(true))]
pub(super) struct PruneArgs {
    // Not a doc comment: rustdoc would take it for a link.
    #[arg(
        help = "The database whose backups are meant: postgresql://HOST/DATABASE, pg:KEY=VALUE, sqlite:PATH or env:NAME"
    )]
    target: OsString,
    /// Keep the N newest backups
    #[arg(long, value_name = "N", group = "which")]
    keep: Option<usize>,
    /// Remove backups of runs longer ago than TIME, such as 48h or 30d
    #[arg(long, value_name = "TIME", group = "which")]
    older_than: Option<Age>,
    /// How long to wait for locks in the target, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    lock_wait_timeout: u32,
    /// Schema of a PostgreSQL target that holds the ledger of imports; `waybill` unless given
    ///
    /// In any other schema, which may be the target's, the names of its tables begin with `waybill_`.
    #[arg(long, value_name = "NAME")]
    ledger_schema: Option<String>,
    #[command(flatten)]
    confirm: cli::ConfirmArgs,
    #[command(flatten)]
    output: cli::OutputArgs,
}

/// A span of time: a number with `s`, `m`, `h` or `d` behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Age(Duration);

impl FromStr for Age {
    type Err = &'static str;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let unit: Option<u64> = match unit {
            "s" => Some(1),
            "m" => Some(60),
            "h" => Some(60 * 60),
            "d" => Some(24 * 60 * 60),
            _ => None,
        };
        let seconds = unit.and_then(|unit| number.parse::<u64>().ok()?.checked_mul(unit));
        seconds
            .map(|seconds| Age(Duration::from_secs(seconds)))
            .ok_or("write a number with s, m, h or d behind it, such as 48h")
    }
}

impl PruneArgs {
    pub(super) fn output(&self) -> &cli::OutputArgs {
        &self.output
    }

    pub(super) fn files(&self) -> TouchedFiles {
        TouchedFiles::default().database(&Location::target(&self.target))
    }

    /// What the flow is asked to do.
    pub(super) fn open(self) -> Result<PruneRequest> {
        Ok(PruneRequest {
            target: Location::target(&self.target)?,
            ledger_schema: self.ledger_schema,
            keep: match (self.older_than, self.keep) {
                (Some(age), _) => Keep::YoungerThan(age.0),
                (None, count) => Keep::Newest(count.unwrap_or(usize::MAX)),
            },
            lock_wait_timeout: Duration::from_secs(self.lock_wait_timeout.into()),
            consent: self.confirm.consent(),
        })
    }
}
