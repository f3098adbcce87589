//! Import into an SQLite file: a new one, or one in the place of another.
//!
//! Knows the order of steps; the engine knows files, locks and the history.

use super::import::{refused, run};
use super::request::{Again, ImportRequest, Mode, Scope};
use super::select::Selection;
use super::{space, wording};
use crate::archive::Archive;
use crate::engine::sqlite::runs::{self, Imported, NewRun, Standing};
use crate::engine::sqlite::target::{SqliteOptions, SqliteTarget};
use crate::fault::{Code, Fault, Result};
use crate::progress::Watch;
use crate::report::{Finding, Report, Totals};
use crate::seam::Question;
use std::path::Path;

/// Asks, before anything else is done, whether what is there may be put aside.
pub(super) fn confirm(request: &ImportRequest, path: &Path, watch: &dyn Watch) -> Result<()> {
    if request.mode != Mode::Replace || request.plan_only || request.dry_run {
        return Ok(());
    }
    let Some(tables) = runs::tables(path).map_err(|fault| fault.at(path.display()))? else {
        return Ok(());
    };
    request.consent.seek(&question(path, &tables), watch)
}

fn question(path: &Path, tables: &[(String, u64)]) -> Question {
    let totals = Totals {
        tables: tables.len() as u64,
        rows: tables.iter().map(|(_, rows)| rows).sum(),
        bytes: 0,
    };
    let details = tables.iter().map(|(table, rows)| {
        let rows = wording::counted(*rows, "row");
        format!("table `{table}`, {rows}")
    });
    Question {
        what: format!(
            "replace {}, and put aside its {} with {}",
            path.display(),
            wording::counted(totals.tables, "table"),
            wording::counted(totals.rows, "row")
        ),
        details: details.collect(),
    }
}

/// Loads the archive, unless the newest run has brought the same.
pub(super) fn import(
    request: &ImportRequest,
    path: &Path,
    (archive, selection): (&Archive, &Selection),
    report: Report,
    watch: &dyn Watch,
) -> Result<Report> {
    let imported = imported(request, archive, selection);
    if request.again == Again::Compare && !request.plan_only {
        match runs::standing(path, &imported, watch).map_err(|fault| fault.at(path.display()))? {
            Standing::Absent | Standing::Other => {}
            Standing::Finished(run) => return Ok(finished(report, run)),
            Standing::Changed(run, differences) => return Ok(changed(report, run, differences)),
        }
    }
    let replace = request.mode == Mode::Replace;
    if request.again == Again::Import && !replace {
        let what = "--new-run imports anew what is there, which --mode create does not replace";
        return Err(Fault::new(Code::Usage, what).hint("add --mode replace"));
    }
    let mut report = report;
    report.findings.extend(space::of_file(path, &report.totals));
    if refused(&mut report, "the disk has no room for the file") {
        return Ok(report);
    }
    let options = SqliteOptions {
        triggers: request.triggers,
        views: request.views,
        jobs: request.jobs,
    };
    let new = NewRun::new(imported, replace, request.lock_wait_timeout);
    let id = new.run.clone();
    let mut target = SqliteTarget::new(path.to_owned(), &selection.schema, options).recorded(new);
    let mut report = run(request, archive, selection, &mut target, report, watch)?;
    if !request.plan_only && !request.dry_run {
        report.run = Some(id);
    }
    Ok(report)
}

/// What two imports that bring the same have in common.
fn imported(request: &ImportRequest, archive: &Archive, selection: &Selection) -> Imported {
    let tables = selection
        .schema
        .tables
        .iter()
        .map(|table| table.name.clone());
    let choices = [
        format!("structure {}", request.scope == Scope::Structure),
        format!("views {}", request.views),
        format!("triggers {}", request.triggers),
    ];
    Imported {
        root: archive.root().to_string(),
        content_root: archive.content_root().to_string(),
        wishes: choices.into_iter().chain(tables).collect(),
    }
}

fn finished(mut report: Report, run: String) -> Report {
    let target = report.target.as_deref().unwrap_or_default();
    report.summary = format!("already imported: {target} holds what the archive holds");
    report.run = Some(run);
    report
}

fn changed(mut report: Report, run: String, differences: Vec<Finding>) -> Report {
    let target = report.target.as_deref().unwrap_or_default();
    report.summary = format!(
        "imported before, but {target} has changed since: see {}; nothing was done",
        wording::counted(differences.len() as u64, "finding")
    );
    let hint = "keep it as it is, or import anew with --mode replace --new-run";
    report
        .findings
        .extend(differences.into_iter().map(|finding| finding.hint(hint)));
    report.rejected = true;
    report.run = Some(run);
    report
}
