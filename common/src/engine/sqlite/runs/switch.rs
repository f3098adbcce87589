//! The one step of every run: a file in the place of another, noted before and after.
//!
//! Whatever kills the program, the name has the old file or the new one, complete; the next run
//! reads from the note which of the two, and tidies.

use crate::engine::sqlite::runs::hold::{self, Hold};
use crate::engine::sqlite::runs::names::Names;
use crate::engine::sqlite::runs::record::{FileFacts, Identity, Pending, Record, Run};
use crate::engine::sqlite::runs::swap::{MEANS, Means, exchange, rename_new};
use crate::fault::{Code, Fault, Result};
use crate::progress::Watch;
use rustix::fs::FlockOperation;
use rustix::io::Errno;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Time between two tries to get the lock.
const PACE: Duration = Duration::from_millis(50);

/// The right to change the history of one database, and that history.
#[derive(Debug)]
pub(super) struct Guard {
    pub(super) record: Record,
    folder: File,
}

impl Guard {
    /// Waits for other runs in the same folder, and settles what a killed one has left.
    pub(super) fn take(names: &Names, patience: Duration, watch: &dyn Watch) -> Result<Self> {
        let folder = File::open(names.folder()).map_err(|error| {
            Fault::new(Code::TargetUnwritable, "cannot open the target's folder")
                .because(error)
                .at(names.folder().display())
        })?;
        lock(&folder, patience, watch).map_err(|fault| fault.at(names.folder().display()))?;
        let record = Record::read(names)?;
        let mut guard = Guard { record, folder };
        guard.settle(names)?;
        Ok(guard)
    }

    fn settle(&mut self, names: &Names) -> Result<()> {
        let Some(pending) = self.record.pending.take() else {
            return Ok(());
        };
        if is_made(names, &pending) {
            self.record.runs.push(pending.run);
        } else {
            take_back(names, &pending).map_err(|error| {
                let what = "cannot tidy what an interrupted run has left";
                Fault::new(Code::TargetUnwritable, what)
                    .because(error)
                    .at(names.backup(&pending.run.id).display())
            })?;
        }
        self.record.write(names, &self.folder)
    }

    /// Writes the record.
    pub(super) fn write(&self, names: &Names) -> Result<()> {
        self.record.write(names, &self.folder)
    }
}

/// Where the file system knows no such locks, two runs at the same time are not told apart.
fn lock(folder: &File, patience: Duration, watch: &dyn Watch) -> Result<()> {
    let end = Instant::now() + patience;
    loop {
        match rustix::fs::flock(folder, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => {}
            _ => return Ok(()),
        }
        if watch.stopped() {
            return Err(Fault::interrupted());
        }
        if Instant::now() >= end {
            let what = "another run is changing a database of this folder";
            return Err(Fault::new(Code::ImportRunning, what));
        }
        std::thread::sleep(PACE);
    }
}

/// Whether a switch that was noted as begun has been made.
pub(super) fn is_made(names: &Names, pending: &Pending) -> bool {
    let here = Identity::of(names.database());
    if let Some(incoming) = pending.incoming {
        return here == Some(incoming);
    }
    let aside = Identity::of(&names.backup(&pending.run.id));
    here != pending.outgoing && aside == pending.outgoing
}

/// Undoes the beginning of a switch that was not made.
fn take_back(names: &Names, pending: &Pending) -> io::Result<()> {
    let aside = names.backup(&pending.run.id);
    let Some(found) = Identity::of(&aside) else {
        return Ok(());
    };
    if Some(found) == pending.incoming {
        return match &pending.home {
            Some(home) => rename_new(&aside, &names.backup(home)),
            None => fs::remove_file(&aside),
        };
    }
    if Some(found) == pending.outgoing {
        if Identity::of(names.database()) == pending.outgoing {
            return fs::remove_file(&aside);
        }
        return rename_new(&aside, names.database());
    }
    Ok(())
}

/// A file that comes in.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) path: PathBuf,
    /// The run whose backup it is; none for a new file.
    pub(super) home: Option<String>,
}

/// A switch that is ready to be made.
#[derive(Debug)]
pub(super) struct Switch<'a> {
    pub(super) names: &'a Names,
    pub(super) run: Run,
    pub(super) incoming: Option<Incoming>,
    /// The database that goes out; none where there is none.
    pub(super) outgoing: Option<Hold>,
}

impl Switch<'_> {
    /// Makes the switch.
    pub(super) fn make(self, guard: Guard, watch: &dyn Watch) -> Result<()> {
        self.make_by(guard, &MEANS, watch)
    }

    /// Makes it by the first of `means` that the file system knows.
    pub(super) fn make_by(
        mut self,
        mut guard: Guard,
        means: &[Means],
        watch: &dyn Watch,
    ) -> Result<()> {
        let database = self.names.database();
        let aside = self.names.backup(&self.run.id);
        if self.outgoing.is_some() {
            let facts = FileFacts::of(database).map_err(|error| unreadable(error, database))?;
            let known = self.run.put_aside.take();
            self.run.put_aside = Some(match known {
                Some(known) if known.looks_like(&facts) => known,
                _ => facts,
            });
        }
        guard.record.pending = Some(Pending {
            run: self.run.clone(),
            incoming: self
                .incoming
                .as_ref()
                .and_then(|file| Identity::of(&file.path)),
            home: self.incoming.as_ref().and_then(|file| file.home.clone()),
            outgoing: self.outgoing.as_ref().and_then(|_| Identity::of(database)),
        });
        guard.write(self.names)?;
        if let Err(fault) = self.rename(&aside, &guard.folder, means) {
            // What stays noted the next run settles in the same way.
            let _ = guard.settle(self.names);
            return Err(fault);
        }
        // Made. A note that is not brought up to date is settled by the next run.
        let synced = guard.folder.sync_all();
        guard.record.pending = None;
        guard.record.runs.push(self.run);
        let _ = guard.write(self.names);
        drop(self.outgoing);
        learn(&mut guard, self.names, &aside, watch);
        synced.map_err(|error| {
            let what = "the database is in place and whole, but its folder cannot be written to \
                        disk: a power failure may undo it";
            Fault::new(Code::TargetUnwritable, what).because(error)
        })
    }

    fn rename(&mut self, aside: &Path, folder: &File, means: &[Means]) -> Result<()> {
        let database = self.names.database();
        if let Some(outgoing) = &mut self.outgoing {
            outgoing.seal(folder)?;
        }
        let renamed = match (&self.incoming, &self.outgoing) {
            (Some(incoming), Some(_)) => {
                return exchange(&incoming.path, database, aside, folder, means);
            }
            (Some(incoming), None) => rename_new(&incoming.path, database),
            (None, Some(_)) => rename_new(database, aside),
            (None, None) => Ok(()),
        };
        renamed.map_err(|error| {
            if error.kind() == io::ErrorKind::AlreadyExists {
                return Fault::new(Code::TargetFileExists, "target file exists already")
                    .at(database.display());
            }
            Fault::new(
                Code::TargetUnwritable,
                "cannot give the database file its name",
            )
            .because(error)
            .at(database.display())
        })
    }
}

/// Notes the digest of what was put aside, so that it is known again when it comes back. Nothing
/// depends on it: a file whose digest is missing is told by its size and time.
fn learn(guard: &mut Guard, names: &Names, aside: &Path, watch: &dyn Watch) {
    let before = guard.record.runs.len().checked_sub(2);
    let earlier = before.and_then(|at| guard.record.runs[at].put_in_place.clone());
    let Some(facts) = guard
        .record
        .runs
        .last_mut()
        .and_then(|run| run.put_aside.as_mut())
    else {
        return;
    };
    if facts.sha256.is_some() {
        return;
    }
    let Ok(mut file) = File::open(aside) else {
        return;
    };
    let Ok(digest) = hold::sha256(&mut file, watch) else {
        return;
    };
    let digest = digest.to_string();
    if let Some(earlier) = earlier.filter(|one| one.sha256.as_ref() == Some(&digest)) {
        facts.content = earlier.content;
    }
    facts.sha256 = Some(digest);
    let _ = guard.write(names);
}

pub(super) fn unreadable(error: io::Error, path: &Path) -> Fault {
    Fault::new(Code::TargetUnwritable, "cannot look at the file")
        .because(error)
        .at(path.display())
}
