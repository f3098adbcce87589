//! How far a job is: counters that its threads raise, read by whoever draws them.
//!
//! Draws nothing itself.

use super::log::Log;
use super::signals::{self, Signals};
use crate::progress::{Extent, Watch};
use crate::report::PhaseReport;
use crate::report::escape::escaped;
use indicatif::{HumanBytes, HumanCount};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The job's observer.
#[derive(Debug)]
pub(super) struct Progress {
    signals: Signals,
    rows: AtomicU64,
    bytes: AtomicU64,
    now: Mutex<Now>,
    /// Called at the beginning of each phase.
    on_phase: Option<fn(&Snapshot)>,
    /// What is over.
    phases: Mutex<Vec<PhaseReport>>,
    log: Option<Arc<Log>>,
}

#[derive(Debug)]
struct Now {
    phase: String,
    table: Option<String>,
    extent: Extent,
    began: Instant,
    /// Tables that the log has of this phase.
    logged: BTreeSet<String>,
}

/// The state of a job at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Snapshot {
    /// What kind of moment.
    event: &'static str,
    phase: String,
    table: Option<String>,
    rows: u64,
    bytes: u64,
    rows_total: Option<u64>,
    bytes_total: Option<u64>,
    /// Milliseconds since the phase began.
    elapsed_ms: u64,
}

impl Progress {
    pub(super) fn new(signals: Signals, on_phase: Option<fn(&Snapshot)>) -> Self {
        Progress {
            signals,
            rows: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            now: Mutex::new(Now {
                phase: "starting".to_owned(),
                table: None,
                extent: Extent::default(),
                began: Instant::now(),
                logged: BTreeSet::new(),
            }),
            on_phase,
            phases: Mutex::new(Vec::new()),
            log: None,
        }
    }

    /// Every step goes to this log as well.
    pub(super) fn logged(mut self, log: Option<Arc<Log>>) -> Self {
        self.log = log;
        self
    }

    /// Ends the last phase, and gives all that there were.
    pub(super) fn finish(&self) -> Vec<PhaseReport> {
        let now = self.now();
        self.over(&now);
        drop(now);
        std::mem::take(&mut *self.phases.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes down a phase that is over.
    fn over(&self, now: &Now) {
        let elapsed = now.began.elapsed();
        let phase = PhaseReport {
            name: now.phase.clone(),
            seconds: (elapsed.as_secs_f64() * 1000.0).round() / 1000.0,
            rows: self.rows.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        };
        if let Some(log) = &self.log {
            log.phase_done(&phase);
        }
        let mut phases = self.phases.lock().unwrap_or_else(PoisonError::into_inner);
        phases.push(phase);
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the job is.
    pub(super) fn snapshot(&self, event: &'static str) -> Snapshot {
        let now = self.now();
        Snapshot {
            event,
            phase: now.phase.clone(),
            table: now.table.clone(),
            rows: self.rows.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            rows_total: now.extent.rows,
            bytes_total: now.extent.bytes,
            elapsed_ms: u64::try_from(now.began.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// Whether a line of progress was asked for since the last call.
    pub(super) fn asked(&self) -> bool {
        self.signals.take_asked()
    }
}

impl Watch for Progress {
    fn phase(&self, name: &str, extent: Extent) {
        {
            let mut now = self.now();
            self.over(&now);
            if let Some(log) = &self.log {
                log.phase(name, extent);
            }
            self.rows.store(0, Ordering::Relaxed);
            self.bytes.store(0, Ordering::Relaxed);
            *now = Now {
                phase: name.to_owned(),
                table: None,
                extent,
                began: Instant::now(),
                logged: BTreeSet::new(),
            };
        }
        if let Some(tell) = self.on_phase {
            tell(&self.snapshot("phase"));
        }
    }

    fn table(&self, name: &str) {
        let mut now = self.now();
        now.table = Some(name.to_owned());
        if let Some(log) = &self.log
            && !now.logged.contains(name)
        {
            now.logged.insert(name.to_owned());
            log.table(name);
        }
    }

    fn advance(&self, rows: u64, bytes: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn retry(&self, what: &str, why: &str) {
        if let Some(log) = &self.log {
            log.retry(what, why);
        }
    }

    fn stopped(&self) -> bool {
        self.signals.stopped()
    }

    fn give_up(&self) {
        if let Some(signal) = self.signals.received() {
            signals::die_of(signal);
        }
    }
}

impl Snapshot {
    /// What is done and what there is to do, in bytes where both are known, else in rows.
    pub(super) fn share(&self) -> Option<(u64, u64)> {
        let of = |done, total: Option<u64>| total.filter(|total| *total > 0).map(|all| (done, all));
        of(self.bytes, self.bytes_total).or_else(|| of(self.rows, self.rows_total))
    }

    /// One line: phase, table, rows, bytes, rate, time left.
    pub(super) fn line(&self) -> String {
        let mut line = escaped(&self.phase).into_owned();
        if let Some(table) = &self.table {
            line.push(' ');
            line.push_str(&escaped(table));
        }
        let mut facts = Vec::new();
        if self.rows > 0 || self.rows_total.is_some() {
            let mut rows = HumanCount(self.rows).to_string();
            if let Some(total) = self.rows_total {
                write!(rows, " of {}", HumanCount(total)).expect("a String takes all text");
            }
            let one = self.rows_total.unwrap_or(self.rows) == 1;
            facts.push(format!("{rows} {}", if one { "row" } else { "rows" }));
        }
        if self.bytes > 0 {
            facts.push(HumanBytes(self.bytes).to_string());
        }
        facts.extend(self.rate());
        facts.extend(self.left().map(|left| format!("{} left", clock(left))));
        if !facts.is_empty() {
            line.push_str(": ");
            line.push_str(&facts.join(", "));
        }
        line
    }

    fn rate(&self) -> Option<String> {
        let per_second = |done: u64| done.saturating_mul(1000).checked_div(self.elapsed_ms);
        if self.elapsed_ms < 500 {
            return None;
        }
        match (self.bytes, self.rows) {
            (0, 0) => None,
            (0, rows) => Some(format!("{} rows/s", HumanCount(per_second(rows)?))),
            (bytes, _) => Some(format!("{}/s", HumanBytes(per_second(bytes)?))),
        }
    }

    /// What is left at the rate so far; nothing before two seconds have shown a rate.
    fn left(&self) -> Option<Duration> {
        let (done, total) = self.share()?;
        if done == 0 || self.elapsed_ms < 2000 {
            return None;
        }
        let left = u128::from(total.saturating_sub(done)) * u128::from(self.elapsed_ms);
        let left = u64::try_from(left / u128::from(done)).ok()?;
        Some(Duration::from_millis(left))
    }
}

/// `0:12`, `3:04`, `1:02:03`.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{rest:02}")
    } else {
        format!("{minutes}:{rest:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot() -> Snapshot {
        Snapshot {
            event: "progress",
            phase: "reading".to_owned(),
            table: Some("or\u{1b}ders".to_owned()),
            rows: 1_204_000,
            bytes: 310 << 20,
            rows_total: Some(5_000_000),
            bytes_total: None,
            elapsed_ms: 10_000,
        }
    }

    #[test]
    fn a_line_names_phase_table_rows_bytes_rate_and_time_left() {
        assert_eq!(
            snapshot().line(),
            "reading or\\u{1b}ders: 1,204,000 of 5,000,000 rows, 310.00 MiB, 31.00 MiB/s, 0:31 left"
        );
        let early = Snapshot {
            rows: 1,
            bytes: 0,
            rows_total: None,
            elapsed_ms: 9,
            ..snapshot()
        };
        assert_eq!(early.line(), "reading or\\u{1b}ders: 1 row");
        let nothing = Snapshot {
            rows: 0,
            table: None,
            ..early
        };
        assert_eq!(nothing.line(), "reading");
    }

    #[test]
    fn a_phase_starts_counting_from_zero() {
        let progress = Progress::new(Signals::default(), None);
        progress.table("t");
        progress.advance(3, 5);
        let before = progress.snapshot("progress");
        assert_eq!(
            (before.rows, before.bytes, before.table.as_deref()),
            (3, 5, Some("t"))
        );
        progress.phase(
            "indexes",
            Extent {
                rows: Some(7),
                bytes: None,
            },
        );
        let after = progress.snapshot("progress");
        assert_eq!(
            (after.rows, after.bytes, after.table.as_deref()),
            (0, 0, None)
        );
        assert_eq!(after.share(), Some((0, 7)));
        assert!(!progress.stopped());
    }

    #[test]
    fn time_left_is_a_clock() {
        let text = |seconds| clock(Duration::from_secs(seconds));
        assert_eq!(
            [text(9), text(184), text(3723)],
            ["0:09", "3:04", "1:02:03"]
        );
    }
}
