//! Bringing back what was there before a run.
//!
//! What is taken away takes the undo's own name aside, so an undo is undone like any other run.

use crate::engine::sqlite::runs::changes;
use crate::engine::sqlite::runs::hold::Hold;
use crate::engine::sqlite::runs::look::{self, Seen};
use crate::engine::sqlite::runs::names::Names;
use crate::engine::sqlite::runs::placing;
use crate::engine::sqlite::runs::record::{FileFacts, Mode, Record, Run};
use crate::engine::sqlite::runs::status::{is_there, is_undoable};
use crate::engine::sqlite::runs::switch::{Guard, Incoming, Switch, unreadable};
use crate::fault::{Code, Fault, Result};
use crate::progress::Watch;
use crate::report::Finding;
use std::path::Path;
use std::time::Duration;
use uuid::Uuid;

/// Fewest characters of a run's UUID that name it.
const SHORTEST: usize = 4;

/// An undo that is ready to be made: nobody else uses the files.
#[derive(Debug)]
pub struct Undo {
    names: Names,
    patience: Duration,
    /// The newest run when this was prepared.
    last: String,
    /// The run to be undone.
    run: Run,
    outgoing: Option<Hold>,
    /// What goes out, where it is known to be unchanged.
    known: Option<FileFacts>,
    incoming: Option<Hold>,
    findings: Vec<Finding>,
}

impl Undo {
    /// Takes the files that `run`, or the newest one, concerns, and looks whether they have changed.
    pub fn prepare(
        path: &Path,
        run: Option<&str>,
        assume_unchanged: bool,
        patience: Duration,
        watch: &dyn Watch,
    ) -> Result<Self> {
        let names = Names::of(path)?;
        let record = Guard::take(&names, patience, watch)?.record;
        let (last, run) = chosen(&record, &names, run)?;
        let mut undo = Undo {
            patience,
            last: last.id.clone(),
            run: run.clone(),
            outgoing: None,
            known: None,
            incoming: None,
            findings: Vec::new(),
            names,
        };
        if is_there(undo.names.database()) {
            let held = Hold::take(undo.names.database(), patience, watch)?;
            undo.outgoing = Some(held);
        }
        if undo.run.put_aside.is_some() {
            let backup = undo.names.backup(&undo.run.id);
            undo.incoming = Some(Hold::take(&backup, patience, watch)?);
        }
        if !assume_unchanged {
            undo.look(last.put_in_place.as_ref(), watch)?;
        }
        Ok(undo)
    }

    fn look(&mut self, left: Option<&FileFacts>, watch: &dyn Watch) -> Result<()> {
        self.findings
            .extend(backup_changed(&self.names, &self.run)?);
        match (left, &mut self.outgoing) {
            (Some(left), Some(hold)) => {
                let facts = FileFacts::of(self.names.database())
                    .map_err(|error| unreadable(error, self.names.database()))?;
                let same = match &left.sha256 {
                    Some(sha256) => {
                        left.bytes == facts.bytes && hold.sha256(watch)?.to_string() == *sha256
                    }
                    None => left.looks_like(&facts),
                };
                if same {
                    self.known = Some(FileFacts {
                        modified: facts.modified,
                        ..left.clone()
                    });
                } else {
                    let content = left.content.as_ref();
                    let differences = content
                        .map(|content| changes::since(content, hold.connection(), watch))
                        .transpose()?;
                    self.findings.extend(written_to(&self.names, differences));
                }
            }
            (None, Some(_)) => self.findings.push(look::made_since(&self.names)),
            (Some(_), None) => self.findings.push(look::removed_since(&self.names)),
            (None, None) => {}
        }
        Ok(())
    }

    /// What has changed since the newest run; nothing, when it is safe to go on.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The run that is undone.
    #[must_use]
    pub fn run(&self) -> &str {
        &self.run.id
    }

    /// Whether there was nothing before that run, so that nothing comes back.
    #[must_use]
    pub fn leaves_nothing(&self) -> bool {
        self.incoming.is_none()
    }

    /// Brings back what was there; the UUID of the run that has done it.
    pub fn perform(mut self, watch: &dyn Watch) -> Result<String> {
        let guard = Guard::take(&self.names, self.patience, watch)?;
        if guard.record.last().map(|run| run.id.as_str()) != Some(&self.last) {
            let what = "another run has changed the database meanwhile";
            return Err(Fault::new(Code::ImportRunning, what).at(self.names.database().display()));
        }
        let backup = self.names.backup(&self.run.id);
        let id = Uuid::now_v7().to_string();
        let mut run = Run {
            undoes: Some(self.run.id.clone()),
            put_aside: self.known.take(),
            ..placing::run(id.clone(), Mode::Undo)
        };
        let mut incoming = None;
        if let Some(mut hold) = self.incoming.take() {
            let folder = std::fs::File::open(self.names.folder())
                .map_err(|error| unreadable(error, self.names.folder()))?;
            hold.seal(&folder)?;
            let found = FileFacts::of(&backup).map_err(|error| unreadable(error, &backup))?;
            let known = self.run.put_aside.take();
            run.put_in_place = known
                .filter(|known| known.looks_like(&found))
                .or(Some(found));
            incoming = Some(Incoming {
                path: backup,
                home: Some(self.run.id.clone()),
            });
            // Its application may have it as soon as it has its name.
            drop(hold);
        }
        let switch = Switch {
            names: &self.names,
            run,
            incoming,
            outgoing: self.outgoing,
        };
        switch.make(guard, watch)?;
        Ok(id)
    }
}

/// What an undo would find, looked at without keeping anybody from the database.
pub fn rehearsed(
    path: &Path,
    run: Option<&str>,
    watch: &dyn Watch,
) -> Result<(String, Vec<Finding>)> {
    let names = Names::of(path)?;
    let record = Record::read(&names)?;
    let (last, run) = chosen(&record, &names, run)?;
    let mut findings: Vec<Finding> = backup_changed(&names, run)?.into_iter().collect();
    match (&last.put_in_place, is_there(names.database())) {
        (Some(left), true) => match look::seen(names.database(), left, watch)? {
            Seen::Same => {}
            Seen::Written(differences) => findings.extend(written_to(&names, differences)),
        },
        (None, true) => findings.push(look::made_since(&names)),
        (Some(_), false) => findings.push(look::removed_since(&names)),
        (None, false) => {}
    }
    Ok((run.id.clone(), findings))
}

/// The newest run, and the one that is to be undone.
fn chosen<'r>(
    record: &'r Record,
    names: &Names,
    wanted: Option<&str>,
) -> Result<(&'r Run, &'r Run)> {
    let missing = |what: String| Fault::new(Code::RunMissing, what).at(names.database().display());
    let Some(last) = record.last() else {
        return Err(missing("no run of this database is recorded".to_owned()));
    };
    let at = match wanted {
        None => record.runs.len() - 1,
        Some(wanted) => named(record, wanted).map_err(|why| missing(why.to_owned()))?,
    };
    let run = &record.runs[at];
    if is_undoable(record, names, at) {
        return Ok((last, run));
    }
    Err(missing(match run.put_aside {
        Some(_) => format!("what run {} had put aside is no longer kept", run.id),
        None => format!(
            "run {} has put nothing aside, and there is nothing to take away",
            run.id
        ),
    }))
}

fn named(record: &Record, wanted: &str) -> Result<usize, &'static str> {
    if wanted.len() < SHORTEST {
        return Err("too few characters to name a run");
    }
    let wanted = wanted.to_ascii_lowercase();
    let mut found = record
        .runs
        .iter()
        .enumerate()
        .filter(|(_, run)| run.id.starts_with(&wanted));
    match (found.next(), found.next()) {
        (Some((at, _)), None) => Ok(at),
        (Some(_), Some(_)) => Err("several runs begin like this"),
        (None, _) => Err("there is no such run"),
    }
}

fn backup_changed(names: &Names, run: &Run) -> Result<Option<Finding>> {
    let Some(recorded) = &run.put_aside else {
        return Ok(None);
    };
    let backup = names.backup(&run.id);
    let found = FileFacts::of(&backup).map_err(|error| unreadable(error, &backup))?;
    let changed = !found.looks_like(recorded);
    Ok(changed.then(|| {
        let message = "the backup is not as it was put aside: it was written to, or copied";
        look::about_file(message, &backup)
    }))
}

/// What to say of a file that is another one, byte by byte; with the tables, where they are known.
fn written_to(names: &Names, differences: Option<Vec<Finding>>) -> Vec<Finding> {
    let only = |message: &str| vec![look::about_file(message, names.database())];
    match differences {
        None => only("the database was written to since the newest run"),
        Some(found) if found.is_empty() => only(
            "the database was written to since the newest run, though its rows, tables, indexes, \
             views and triggers are the same: settings, statistics or free space",
        ),
        Some(found) => found,
    }
}
