//! The runs of a database as a report.

use crate::engine::sqlite::runs::names::Names;
use crate::engine::sqlite::runs::record::{Record, Run};
use crate::engine::sqlite::runs::switch::is_made;
use crate::fault::Result;
use crate::report::runs::{BackupReport, RunReport, RunState};
use std::fs;
use std::path::Path;

/// The runs, the newest last. Nothing is changed; what a killed run has left is taken into account.
pub fn status(path: &Path) -> Result<Vec<RunReport>> {
    let names = Names::of(path)?;
    let mut record = Record::read(&names)?;
    if let Some(pending) = record.pending.take()
        && is_made(&names, &pending)
    {
        record.runs.push(pending.run);
    }
    Ok(reports(&record, &names))
}

/// Every run with what has become of it.
pub(super) fn reports(record: &Record, names: &Names) -> Vec<RunReport> {
    let runs = record.runs.iter().enumerate();
    runs.map(|(at, run)| report(record, names, at, run))
        .collect()
}

fn report(record: &Record, names: &Names, at: usize, run: &Run) -> RunReport {
    let content = run
        .put_in_place
        .as_ref()
        .and_then(|file| file.content.as_ref());
    let aside = names.backup(&run.id);
    let kept = fs::symlink_metadata(&aside).ok();
    let kept = kept.filter(|_| run.put_aside.is_some());
    RunReport {
        run: run.id.clone(),
        when: run.when.clone(),
        tool: run.tool.clone(),
        mode: run.mode.into(),
        undoes: run.undoes.clone(),
        root: content.map(|content| content.archive_root.clone()),
        content_root: content.map(|content| content.archive_content_root.clone()),
        state: state(record, names, at, run),
        undoable: is_undoable(record, names, at),
        backup: kept.map(|file| BackupReport {
            location: aside.display().to_string(),
            bytes: Some(file.len()),
        }),
        schema: None,
        tables: None,
        rows: None,
        workers: Vec::new(),
    }
}

fn state(record: &Record, names: &Names, at: usize, run: &Run) -> RunState {
    let later = &record.runs[at + 1..];
    let undone = later
        .iter()
        .any(|later| later.undoes.as_deref() == Some(run.id.as_str()));
    if undone {
        return RunState::Undone;
    }
    match later.first() {
        Some(next) if next.put_aside.is_some() || run.put_in_place.is_none() => RunState::Replaced,
        Some(_) => RunState::Gone,
        None if run.put_in_place.is_some() == is_there(names.database()) => RunState::Current,
        None if run.put_in_place.is_some() => RunState::Gone,
        // A file was made where an undo had left none.
        None => RunState::Replaced,
    }
}

/// Whether what was there before a run can be had: its backup is kept, or there was nothing and the
/// run's own file can be taken away again.
pub(super) fn is_undoable(record: &Record, names: &Names, at: usize) -> bool {
    let run = &record.runs[at];
    match run.put_aside {
        Some(_) => is_there(&names.backup(&run.id)),
        None => is_there(names.database()),
    }
}

pub(super) fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}
