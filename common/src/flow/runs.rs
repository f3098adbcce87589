//! The history of a target: its runs, bringing back what was there, and removing what was kept.

use super::history::{self, pruned};
use super::request::{Keep, PruneRequest, StatusRequest, UndoOnly, UndoRequest};
use super::wording;
use crate::engine::sqlite::runs::{self, Prune, Undo};
use crate::fault::{Code, Fault, Result};
use crate::location::Location;
use crate::progress::{Extent, Watch};
use crate::report::{Finding, Report, Severity};
use crate::seam::Question;
use std::path::Path;

/// Refuses a schema where there are none.
fn check(target: &Location, ledger_schema: Option<&str>) -> Result<()> {
    match (target, ledger_schema) {
        (Location::Sqlite(_), Some(_)) => {
            let what = "a SQLite file has no schemas";
            Err(Fault::new(Code::Usage, what).hint("leave out --ledger-schema"))
        }
        _ => Ok(()),
    }
}

/// Lists the runs, the newest last.
pub fn status(request: &StatusRequest, _watch: &dyn Watch) -> Result<Report> {
    check(&request.target, request.ledger_schema.as_deref())?;
    let (shown, found) = match &request.target {
        Location::Sqlite(path) => {
            let shown = request.target.shown();
            let found = runs::status(path).map_err(|fault| fault.at(&shown))?;
            (shown, found)
        }
        Location::Postgres(text) => {
            let settings = history::settings(text)?;
            let shown = settings.location();
            let book = history::book(&settings, request.ledger_schema.as_deref());
            let found = history::status(book).map_err(|fault| fault.at(&shown))?;
            (shown, found)
        }
    };
    let undoable = found.iter().filter(|run| run.undoable).count() as u64;
    Ok(Report {
        summary: format!(
            "{} of {shown}, {undoable} can be undone",
            wording::counted(found.len() as u64, "run")
        ),
        target: Some(shown),
        runs: Some(found),
        ..Report::default()
    })
}

/// Brings back what was there before a run.
pub fn undo(request: &UndoRequest, watch: &dyn Watch) -> Result<Report> {
    check(&request.target, request.ledger_schema.as_deref())?;
    match &request.target {
        Location::Sqlite(path) => {
            let shown = request.target.shown();
            undo_file(request, path, watch).map_err(|fault| fault.at(shown))
        }
        Location::Postgres(text) => {
            let settings = history::settings(text)?;
            let shown = settings.location();
            history::undo(request, &settings, watch).map_err(|fault| fault.at(shown))
        }
    }
}

/// Removes backups.
pub fn prune(request: &PruneRequest, watch: &dyn Watch) -> Result<Report> {
    check(&request.target, request.ledger_schema.as_deref())?;
    match &request.target {
        Location::Sqlite(path) => {
            let shown = request.target.shown();
            prune_files(request, path, watch).map_err(|fault| fault.at(shown))
        }
        Location::Postgres(text) => {
            let settings = history::settings(text)?;
            let shown = settings.location();
            history::prune(request, &settings, watch).map_err(|fault| fault.at(shown))
        }
    }
}

fn undo_file(request: &UndoRequest, path: &Path, watch: &dyn Watch) -> Result<Report> {
    match request.only {
        Some(UndoOnly::Script) => {
            let what =
                "--print-sql is for servers: an SQLite file is brought back by renaming files";
            return Err(Fault::new(Code::Usage, what).hint(
                "--dry-run says whether it is safe; `waybill-import status` names the files",
            ));
        }
        Some(UndoOnly::Verdict) => return rehearse(request, path, watch),
        None => {}
    }
    watch.phase("checking", Extent::default());
    let mut agreed = Vec::new();
    loop {
        let undo = Undo::prepare(
            path,
            request.run.as_deref(),
            request.assume_unchanged,
            request.lock_wait_timeout,
            watch,
        )?;
        let findings = undo.findings().to_vec();
        if findings.is_empty() || findings == agreed {
            return perform(undo, findings, path, watch);
        }
        // Nobody is kept from the database while somebody thinks.
        let question = question(&undo, path, &findings);
        drop(undo);
        if let Err(fault) = request.consent.seek(&question, watch) {
            return refusal(fault, findings, path);
        }
        agreed = findings;
    }
}

fn question(undo: &Undo, path: &Path, findings: &[Finding]) -> Question {
    let details = findings.iter().map(|finding| match &finding.place.table {
        Some(table) => format!("table `{table}`: {}", finding.message),
        None => finding.message.clone(),
    });
    Question {
        what: format!(
            "undo run {} although {} has changed",
            undo.run(),
            path.display()
        ),
        details: details.collect(),
    }
}

/// What has changed is told as findings, each with its table.
fn refusal(fault: Fault, findings: Vec<Finding>, path: &Path) -> Result<Report> {
    if fault.code() != Code::NotConfirmed {
        return Err(fault);
    }
    Ok(Report {
        target: Some(path.display().to_string()),
        summary: format!(
            "refused: {} has changed since the newest run, nothing was changed; see {}",
            path.display(),
            wording::counted(findings.len() as u64, "finding")
        ),
        findings,
        refused: true,
        ..Report::default()
    })
}

fn rehearse(request: &UndoRequest, path: &Path, watch: &dyn Watch) -> Result<Report> {
    watch.phase("checking", Extent::default());
    let (run, findings) = runs::rehearsed(path, request.run.as_deref(), watch)?;
    let summary = match findings.len() as u64 {
        0 => format!("run {run} can be undone: nothing has changed since"),
        count => format!(
            "run {run} would not be undone without --yes: see {}",
            wording::counted(count, "finding")
        ),
    };
    Ok(Report {
        target: Some(path.display().to_string()),
        refused: !findings.is_empty(),
        findings,
        summary,
        ..Report::default()
    })
}

fn perform(undo: Undo, findings: Vec<Finding>, path: &Path, watch: &dyn Watch) -> Result<Report> {
    let (undone, nothing) = (undo.run().to_owned(), undo.leaves_nothing());
    watch.phase("switching", Extent::default());
    let run = undo.perform(watch)?;
    // Agreed to: worth knowing, and no error.
    let findings = findings.into_iter().map(|finding| Finding {
        severity: Severity::Warning,
        hint: Some(format!(
            "`waybill-import undo` of {run} brings back what was taken away"
        )),
        ..finding
    });
    let what = if nothing {
        "there had been no database before it, and there is none now"
    } else {
        "what was there before it is back"
    };
    Ok(Report {
        target: Some(path.display().to_string()),
        findings: findings.collect(),
        summary: format!("undid run {undone}: {what}; what was taken away is kept as run {run}"),
        run: Some(run),
        ..Report::default()
    })
}

fn prune_files(request: &PruneRequest, path: &Path, watch: &dyn Watch) -> Result<Report> {
    let keep = match request.keep {
        Keep::Newest(count) => runs::Keep::Newest(count),
        Keep::YoungerThan(age) => runs::Keep::YoungerThan(age),
    };
    let prepare = || Prune::prepare(path, keep, request.lock_wait_timeout, watch);
    let mut prune = prepare()?;
    if prune.leaves_none() {
        let asked = prune.dropped();
        let question = Question {
            what: format!("remove the last backup of {}", path.display()),
            details: asked.iter().map(|(file, _)| file.clone()).collect(),
        };
        drop(prune);
        request.consent.seek(&question, watch)?;
        prune = prepare()?;
        if prune.dropped() != asked {
            let what = "another run has changed the backups meanwhile";
            return Err(Fault::new(Code::ImportRunning, what));
        }
    }
    let dropped = prune.dropped();
    prune.perform()?;
    Ok(pruned(&path.display().to_string(), dropped))
}
