//! Check: whether a live database still holds what an archive holds. Only reads.
//!
//! Each part of the archive is checked by its digests as it is read.

mod hash;
mod pair;
mod postgres;
mod source;

use super::request::{CheckRequest, ImportRequest, Scope};
use super::select::{Selection, select};
use super::wishes::Wishes;
use super::{history, open, verify, wording};
use crate::archive::{self, Archive};
use crate::difference::{Found, Kind};
use crate::engine::postgres::conninfo::ConnInfo;
use crate::engine::postgres::target::compare::LiveDatabase;
use crate::engine::sqlite::source::SqliteSource;
use crate::fault::{Code, Result};
use crate::location::Location;
use crate::mapping::fill::Filling;
use crate::mapping::plan::Plan;
use crate::progress::Watch;
use crate::report::runs::{RunMode, RunReport, RunState};
use crate::report::{Finding, Report, SAMPLES, Severity, Totals};
use std::path::PathBuf;

/// How a target is compared with an archive.
#[derive(Debug, Clone)]
pub(super) struct Manner {
    /// Worker threads, and connections to a server.
    pub(super) jobs: usize,
    /// Rows of a table that are named, at the most.
    pub(super) limit: usize,
    /// Folder for what does not fit into memory.
    pub(super) folder: PathBuf,
}

/// Compares the target with the archive: every row of each side is looked for in the other.
pub fn check(request: &CheckRequest, watch: &dyn Watch) -> Result<Report> {
    let wishes = Wishes::read(
        request.map.as_deref(),
        request.into_schema.as_deref(),
        request.names,
    )?;
    if let Location::Sqlite(_) = request.target {
        wishes.refuse_mapping()?;
    }
    let file = open::file(&request.archive, request.spool.as_deref(), watch)?;
    let archive = open::archive(
        file,
        &request.archive,
        request.expect_root,
        request.max_part,
    )?;
    wishes.check(archive.schema())?;
    let selection = select(archive.schema(), &request.tables)?;
    let manner = Manner {
        jobs: request.jobs,
        limit: usize::try_from(request.limit).unwrap_or(usize::MAX),
        folder: archive::spool_folder(request.spool.as_deref()),
    };
    let mut known = None;
    let (target, findings) = match &request.target {
        Location::Sqlite(path) => {
            let mut source = SqliteSource::open(path, watch)?;
            let found = source::differences(&archive, &selection, &mut source, &manner, watch)?;
            (request.target.shown(), found)
        }
        Location::Postgres(text) => {
            let settings = ConnInfo::parse(text, &|name| std::env::var(name).ok())?;
            let found = postgres::check(&archive, &selection, &settings, &wishes, &manner, watch)?;
            known = brought_by(&settings, &wishes.target_schema, &archive);
            (settings.location(), found)
        }
    };
    let report = report(request, &archive, &selection, target, findings);
    Ok(Report {
        cannot_undo: known.as_ref().is_some_and(|run| !run.undoable),
        run: known.map(|run| run.run),
        ..report
    })
}

/// The newest run that has brought the archive into the schema and still stands, where the role may read
/// the ledger.
fn brought_by(settings: &ConnInfo, schema: &str, archive: &Archive) -> Option<RunReport> {
    let runs = history::status(history::book(settings, None)).ok()?;
    let root = archive.root().to_string();
    let mut newest = runs.into_iter().rev();
    newest.find(|run| {
        run.state == RunState::Current
            && run.mode != RunMode::Undo
            && run.schema.as_deref() == Some(schema)
            && run.root.as_ref() == Some(&root)
    })
}

/// What a PostgreSQL target that an import has brought the archive into holds other than the archive by
/// now; `filling` is that of an import into tables that were there.
pub(super) fn since(
    request: &ImportRequest,
    (archive, selection): (&Archive, &Selection),
    (plan, filling): (&Plan, Option<&Filling>),
    (settings, schema): (&ConnInfo, &str),
    watch: &dyn Watch,
) -> Result<Vec<Finding>> {
    if request.scope == Scope::Structure {
        return Ok(Vec::new());
    }
    let manner = Manner {
        jobs: request.jobs,
        limit: SAMPLES,
        folder: archive::spool_folder(request.spool.as_deref()),
    };
    let mut live = LiveDatabase::open(settings, schema)?;
    let plan = (plan, filling);
    postgres::differences(archive, selection, plan, &mut live, &manner, watch)
}

fn report(
    request: &CheckRequest,
    archive: &Archive,
    selection: &Selection,
    target: String,
    findings: Vec<Finding>,
) -> Report {
    let all = verify::tables(archive);
    let positions = selection.positions.iter();
    let tables: Vec<_> = positions.map(|position| all[*position].clone()).collect();
    let totals = Totals {
        tables: tables.len() as u64,
        rows: tables.iter().map(|table| table.rows).sum(),
        bytes: tables.iter().map(|table| table.bytes).sum(),
    };
    let errors = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .count();
    let summary = if errors == 0 {
        let extent = wording::extent(&totals);
        format!("equal: {target} holds the {extent} of the archive, and no other rows")
    } else {
        let errors = wording::counted(errors as u64, "finding");
        format!("differs: {target} does not hold what the archive holds; see {errors}")
    };
    Report {
        target: Some(target),
        archive: Some(open::facts(archive, &request.archive)),
        rejected: errors > 0,
        totals,
        tables,
        findings,
        summary,
        ..Report::default()
    }
}

/// What is said of a table with rows that differ.
fn finding(table: &str, found: &Found, names: Vec<String>) -> Option<Finding> {
    let count = found.all_rows();
    if count == 0 {
        return None;
    }
    let said: Vec<String> = [
        (Kind::Differs, "in other values"),
        (Kind::Missing, "missing in the target"),
        (Kind::Extra, "in the target only"),
    ]
    .into_iter()
    .filter(|(kind, _)| found.rows(*kind) > 0)
    .map(|(kind, words)| format!("{} {words}", wording::counted(found.rows(kind), "row")))
    .collect();
    let message = format!(
        "the table does not hold the rows of the archive: {}",
        said.join(", ")
    );
    let mut finding = Finding::new(Code::TargetDiffers, Severity::Error, message).in_table(table);
    finding.count = count;
    finding.samples = names;
    Some(finding)
}
