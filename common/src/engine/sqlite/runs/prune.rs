//! Removing backups, oldest first. The record keeps the runs.

use crate::engine::sqlite::runs::names::{Names, SIDE_FILES, with_suffix};
use crate::engine::sqlite::runs::record::Run;
use crate::engine::sqlite::runs::switch::Guard;
use crate::fault::{Code, Fault, Result};
use crate::progress::Watch;
use jiff::Timestamp;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Which backups are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The newest, so many.
    Newest(usize),
    /// Those that were put aside within this time.
    YoungerThan(Duration),
}

/// Backups that are ready to be removed, while no other run can change the history.
#[derive(Debug)]
pub struct Prune {
    names: Names,
    guard: Guard,
    dropped: Vec<Backup>,
    /// How many stay.
    kept: usize,
}

#[derive(Debug)]
struct Backup {
    path: PathBuf,
    bytes: u64,
}

impl Prune {
    /// Looks which backups are not among those that `keep` keeps.
    pub fn prepare(path: &Path, keep: Keep, patience: Duration, watch: &dyn Watch) -> Result<Self> {
        let names = Names::of(path)?;
        let guard = Guard::take(&names, patience, watch)?;
        let now = Timestamp::now();
        let backups = guard
            .record
            .runs
            .iter()
            .rev()
            .filter_map(|run| backup(&names, run));
        let (mut dropped, mut kept) = (Vec::new(), 0);
        for (at, (run, backup)) in backups.enumerate() {
            let keeps = match keep {
                Keep::Newest(count) => at < count,
                Keep::YoungerThan(age) => is_younger(run, now, age),
            };
            if keeps {
                kept += 1;
            } else {
                dropped.push(backup);
            }
        }
        dropped.reverse();
        Ok(Prune {
            names,
            guard,
            dropped,
            kept,
        })
    }

    /// The backups that would be removed, the oldest first, with their bytes.
    #[must_use]
    pub fn dropped(&self) -> Vec<(String, u64)> {
        let dropped = self.dropped.iter();
        dropped
            .map(|backup| (backup.path.display().to_string(), backup.bytes))
            .collect()
    }

    /// Whether backups would be removed and none be left.
    #[must_use]
    pub fn leaves_none(&self) -> bool {
        self.kept == 0 && !self.dropped.is_empty()
    }

    /// Removes them.
    pub fn perform(self) -> Result<()> {
        for backup in &self.dropped {
            for suffix in SIDE_FILES {
                remove(&with_suffix(&backup.path, suffix))?;
            }
            remove(&backup.path)?;
        }
        self.guard.write(&self.names)
    }
}

fn backup<'r>(names: &Names, run: &'r Run) -> Option<(&'r Run, Backup)> {
    run.put_aside.as_ref()?;
    let path = names.backup(&run.id);
    let bytes = fs::symlink_metadata(&path).ok()?.len();
    Some((run, Backup { path, bytes }))
}

/// A moment that cannot be read is young: nothing is removed by mistake.
fn is_younger(run: &Run, now: Timestamp, age: Duration) -> bool {
    let Ok(when) = run.when.parse::<Timestamp>() else {
        return true;
    };
    let passed = now.duration_since(when);
    Duration::try_from(passed).map_or(true, |passed| passed < age)
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            let what = "cannot remove the backup";
            Err(Fault::new(Code::TargetUnwritable, what)
                .because(error)
                .at(path.display()))
        }
        _ => Ok(()),
    }
}
