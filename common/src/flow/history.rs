//! The history of a PostgreSQL database: its runs, taking one back, removing what is kept; and what is
//! asked before tables are put aside.

use super::import::refused;
use super::request::{ImportRequest, Keep, PruneRequest, UndoOnly, UndoRequest};
use super::wording;
use crate::engine::postgres::catalogue::{self, Aside, Schemas};
use crate::engine::postgres::conninfo::ConnInfo;
use crate::engine::postgres::history::{self, Book, Outcome, Prune, Undo};
use crate::engine::postgres::sessions::{self, User};
use crate::engine::postgres::target::LEDGER_SCHEMA;
use crate::fault::{Code, Fault, Result};
use crate::mapping::plan::Plan;
use crate::progress::{Extent, Watch};
use crate::report::runs::{BackupReport, RunReport};
use crate::report::{Finding, Report, Severity};
use crate::seam::Question;

/// Sessions that are named in a question.
const USERS: usize = 5;

/// Where the server is.
pub(super) fn settings(text: &str) -> Result<ConnInfo> {
    ConnInfo::parse(text, &|name| std::env::var(name).ok())
}

/// The history of a database.
pub(super) fn book<'a>(settings: &'a ConnInfo, ledger_schema: Option<&'a str>) -> Book<'a> {
    Book {
        conninfo: settings,
        ledger: ledger_schema.unwrap_or(LEDGER_SCHEMA),
    }
}

/// The runs, the newest last.
pub(super) fn status(book: Book<'_>) -> Result<Vec<RunReport>> {
    history::status(book)
}

/// Looks whether the old tables can be put aside, and asks whether they may be; true when it ends
/// here, and the report says why.
pub(super) fn ends_here(
    request: &ImportRequest,
    (settings, target_schema): (&ConnInfo, &str),
    plan: &Plan,
    report: &mut Report,
    watch: &dyn Watch,
) -> Result<bool> {
    let schemas = Schemas {
        ledger: request.ledger_schema.as_deref().unwrap_or(LEDGER_SCHEMA),
        ..Schemas::of(target_schema)
    };
    let found = catalogue::preflight_replace(settings, schemas, plan, request.require_idle)?;
    let lost = found.findings.iter().filter(|finding| {
        (finding.code, finding.severity) == (Code::TargetDependent, Severity::Warning)
    });
    let lost: Vec<_> = lost.map(loss).collect();
    // The import tells the others itself.
    let told = |finding: &Finding| request.plan_only || finding.severity == Severity::Error;
    let findings = found.findings.into_iter().filter(told);
    report.findings.extend(findings);
    if refused(report, "the tables cannot be replaced") {
        return Ok(true);
    }
    if request.plan_only || found.aside.is_empty() {
        return Ok(request.plan_only);
    }
    let place = (settings.location(), target_schema);
    let question = question(place, &found.aside, (&found.users, lost));
    request.consent.seek(&question, watch)?;
    Ok(false)
}

/// What is lost with a table, in one line.
fn loss(finding: &Finding) -> String {
    let table = finding.place.table.as_deref();
    let table = table.map_or_else(String::new, |table| format!("table `{table}`: "));
    format!("{table}{}", finding.message)
}

fn question(
    (location, target_schema): (String, &str),
    aside: &[Aside],
    (users, lost): (&[User], Vec<String>),
) -> Question {
    let rows = aside.iter().filter_map(|table| table.rows).sum();
    let tables = aside.iter().map(|aside| {
        let rows = aside.rows.map_or_else(
            || "rows that row security hides from this role".to_owned(),
            |rows| wording::counted(rows, "row"),
        );
        format!("table `{target_schema}`.`{}`, {rows}", aside.table)
    });
    // First: details are cut where there are many.
    let mut details: Vec<_> = users.iter().take(USERS).map(sessions::line).collect();
    if users.len() > USERS {
        details.push(format!("{} more sessions use them", users.len() - USERS));
    }
    details.extend(lost);
    details.extend(tables);
    Question {
        what: format!(
            "replace tables of {location}, and put aside {} with {}",
            wording::counted(aside.len() as u64, "table"),
            wording::counted(rows, "row")
        ),
        details,
    }
}

/// Takes a run back, or says whether that is safe.
pub(super) fn undo(
    request: &UndoRequest,
    settings: &ConnInfo,
    watch: &dyn Watch,
) -> Result<Report> {
    watch.phase("checking", Extent::default());
    let undo = Undo::prepare(
        book(settings, request.ledger_schema.as_deref()),
        request.run.as_deref(),
        request.assume_unchanged,
        request.lock_wait_timeout,
    )?;
    let report = Report {
        target: Some(settings.location()),
        ledger_schema: request.ledger_schema.clone(),
        ..Report::default()
    };
    match request.only {
        Some(UndoOnly::Verdict) => return Ok(verdict(&undo, report)),
        Some(UndoOnly::Script) => {
            return Ok(Report {
                script: undo.script()?,
                ..report
            });
        }
        None => {}
    }
    let findings = undo.findings().to_vec();
    if !findings.is_empty() {
        let asked = request.consent.seek(&doubt(&undo, settings), watch);
        match asked {
            Err(fault) if fault.code() == Code::NotConfirmed => {
                return Ok(Report {
                    summary: format!(
                        "refused: what run {} brought has changed since, nothing was changed; see {}",
                        undo.run(),
                        wording::counted(findings.len() as u64, "finding")
                    ),
                    findings,
                    refused: true,
                    ..report
                });
            }
            other => other?,
        }
    }
    perform(undo, findings, report, watch)
}

fn doubt(undo: &Undo, settings: &ConnInfo) -> Question {
    let details = undo.findings().iter().map(|finding| {
        let table = finding.place.table.as_deref().unwrap_or_default();
        let rows = match finding.samples.as_slice() {
            [] => String::new(),
            samples => format!(": {} in all, such as {}", finding.count, samples.join("; ")),
        };
        format!("table `{table}`: {}{rows}", finding.message)
    });
    Question {
        what: format!(
            "undo run {} although {} has changed",
            undo.run(),
            settings.location()
        ),
        details: details.collect(),
    }
}

fn verdict(undo: &Undo, report: Report) -> Report {
    let run = undo.run();
    let summary = match undo.findings().len() as u64 {
        0 if undo.is_open() => format!("run {run} has not ended, and can be given up"),
        0 => format!("run {run} can be undone: nothing has changed since"),
        count => format!(
            "run {run} would not be undone without --yes: see {}",
            wording::counted(count, "finding")
        ),
    };
    Report {
        refused: !undo.findings().is_empty(),
        findings: undo
            .findings()
            .iter()
            .chain(undo.notes())
            .cloned()
            .collect(),
        summary,
        ..report
    }
}

fn perform(
    undo: Undo,
    findings: Vec<Finding>,
    report: Report,
    watch: &dyn Watch,
) -> Result<Report> {
    let (undone, nothing) = (undo.run().to_owned(), undo.leaves_nothing());
    let (is_of_rows, notes) = (undo.is_of_rows(), undo.notes().to_vec());
    watch.phase("switching", Extent::default());
    let run = match undo.perform(watch)? {
        Outcome::Undone(run) => run,
        Outcome::GivenUp => {
            return Ok(Report {
                summary: format!(
                    "gave up run {undone}, which had not ended: the tables are as they were"
                ),
                ..report
            });
        }
    };
    // Agreed to: worth knowing, and no error.
    let findings = findings.into_iter().map(|finding| Finding {
        severity: Severity::Warning,
        hint: Some(format!(
            "`waybill-import undo` of {run} brings back what was taken away"
        )),
        ..finding
    });
    let what = if is_of_rows {
        "the rows that were there before it are back"
    } else if nothing {
        "its tables had not been there before, and are gone"
    } else {
        "what was there before it is back"
    };
    Ok(Report {
        findings: findings.chain(notes).collect(),
        summary: format!("undid run {undone}: {what}; what was taken away is kept as run {run}"),
        run: Some(run),
        ..report
    })
}

/// Removes backups.
pub(super) fn prune(
    request: &PruneRequest,
    settings: &ConnInfo,
    watch: &dyn Watch,
) -> Result<Report> {
    let keep = match request.keep {
        Keep::Newest(count) => history::Keep::Newest(count),
        Keep::YoungerThan(age) => history::Keep::YoungerThan(age),
    };
    let book = book(settings, request.ledger_schema.as_deref());
    let prepare = || Prune::prepare(book, keep, request.lock_wait_timeout);
    let mut prune = prepare()?;
    if prune.leaves_none() {
        let asked = prune.dropped();
        let question = Question {
            what: format!("remove the last backup of {}", settings.location()),
            details: asked.iter().map(|(schema, _)| schema.clone()).collect(),
        };
        request.consent.seek(&question, watch)?;
        prune = prepare()?;
        if prune.dropped().len() != asked.len() {
            let what = "another run has changed the backups meanwhile";
            return Err(Fault::new(Code::ImportRunning, what));
        }
    }
    let dropped = prune.dropped();
    watch.phase("removing", Extent::default());
    prune.perform()?;
    Ok(pruned(&settings.location(), dropped))
}

/// The report of a removal.
pub(super) fn pruned(location: &str, dropped: Vec<(String, u64)>) -> Report {
    let bytes = dropped.iter().map(|(_, bytes)| bytes).sum();
    let summary = match dropped.len() as u64 {
        0 => format!("no backup of {location} had to be removed"),
        count => format!(
            "removed {} of {location}, freed {}",
            wording::counted(count, "backup"),
            indicatif::HumanBytes(bytes)
        ),
    };
    let removed = dropped.into_iter().map(|(location, bytes)| BackupReport {
        location,
        bytes: Some(bytes),
    });
    Report {
        target: Some(location.to_owned()),
        removed: removed.collect(),
        summary,
        ..Report::default()
    }
}
