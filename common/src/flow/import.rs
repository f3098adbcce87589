//! Import: an archive, checked first, into a target that is switched in one step.

use super::examine::{Examination, examine, key_findings};
use super::request::{Again, ImportRequest, Mode, Scope, VerifyLevel};
use super::select::{SelectedParts, Selection, select};
use super::wishes::Wishes;
use super::{compare, fill, history, into_sqlite, kept, open, plan, space, verify, wording};
use crate::archive::Archive;
use crate::engine::postgres::conninfo::ConnInfo;
use crate::engine::postgres::target::{LEDGER_SCHEMA, PostgresOptions, PostgresTarget, RunOptions};
use crate::fault::{Code, Fault, Result};
use crate::location::Location;
use crate::mapping::plan::Plan;
use crate::profile::evidence::{KeyEvidence, TableEvidence};
use crate::progress::Watch;
use crate::report::{Finding, Report, Severity, Totals};
use crate::seam::{Begun, Check, PartReader, Target};

/// Loads the archive. Before anything is written the whole archive has been checked, on the same
/// open descriptor that the rows are then read from.
pub fn import(request: &ImportRequest, watch: &dyn Watch) -> Result<Report> {
    let wishes = Wishes::read(
        request.map.as_deref(),
        request.into_schema.as_deref(),
        request.names,
    )?;
    if matches!(request.mode, Mode::Fill | Mode::Merge) {
        fill::check(request, &wishes)?;
    }
    match &request.target {
        Location::Sqlite(path) => {
            if request.ledger_schema.is_some() || request.staging_schema.is_some() {
                let what = "a SQLite file has no schemas";
                let hint = "leave out --ledger-schema and --staging-schema";
                return Err(Fault::new(Code::Usage, what).hint(hint));
            }
            wishes.refuse_mapping()?;
            into_sqlite::confirm(request, path, watch)?;
        }
        Location::Postgres(_)
            if request.mode == Mode::Replace && request.staging_schema.is_some() =>
        {
            let what = "tables are replaced only from a staging schema of the import's own";
            let hint = "leave out --staging-schema: the role then needs CREATE on the database, because the old tables are kept in a schema as well; without it, empty the tables and fill them with --mode fill";
            return Err(Fault::new(Code::Usage, what).hint(hint));
        }
        Location::Postgres(_) => {}
    }
    let file = open::file(&request.archive, request.spool.as_deref(), watch)?;
    let archive = open::archive(
        file,
        &request.archive,
        request.expect_root,
        request.max_part,
    )?;
    wishes.check(archive.schema())?;
    let mut examination = examine(&archive, VerifyLevel::Data, request.jobs, watch)?;
    let selection = select(archive.schema(), &request.tables)?;
    let mut report = begin(request, &archive, &selection)?;
    report.findings.append(&mut examination.damage);
    if refused(&mut report, "the archive failed its check") {
        return Ok(report);
    }
    report
        .findings
        .extend(key_findings(archive.schema(), &examination.keys));
    match &request.target {
        Location::Sqlite(path) => {
            if refused(&mut report, "SQLite takes no rows that break a key") {
                return Ok(report);
            }
            into_sqlite::import(request, path, (&archive, &selection), report, watch)
        }
        Location::Postgres(text) => postgres(
            (request, &wishes),
            text,
            &archive,
            &selection,
            &examination,
            report,
            watch,
        ),
    }
}

fn postgres(
    (request, wishes): (&ImportRequest, &Wishes),
    text: &str,
    archive: &Archive,
    selection: &Selection,
    examination: &Examination,
    mut report: Report,
    watch: &dyn Watch,
) -> Result<Report> {
    let settings = ConnInfo::parse(text, &|name| std::env::var(name).ok())?;
    if matches!(request.mode, Mode::Fill | Mode::Merge) {
        let source = (archive, selection);
        return fill::into_existing((request, wishes), &settings, source, report, watch);
    }
    let source = (archive, selection);
    let asked = (request, wishes);
    let plan = planned(asked, &settings, source, examination, &mut report, watch)?;
    if refused(&mut report, "the target cannot hold every value") {
        return Ok(report);
    }
    let options = options(request, wishes, archive);
    let mut target = PostgresTarget::new(settings.clone(), &selection.schema, &plan, options);
    let parts = parts_of(request, archive, selection);
    if space::is_lacking(&settings, &target, &parts, &mut report)? {
        return Ok(report);
    }
    let place = (&settings, wishes.target_schema.as_str());
    let replaces = request.mode == Mode::Replace;
    if request.plan_only {
        if replaces {
            history::ends_here(request, place, &plan, &mut report, watch)?;
        }
        return Ok(report);
    }
    if let Some(run) = target.already(&parts)? {
        let found = compare::since(request, source, (&plan, None), place, watch)?;
        return Ok(already(
            report,
            &target.location(),
            (&run, request.mode),
            found,
        ));
    }
    if replaces && history::ends_here(request, place, &plan, &mut report, watch)? {
        return Ok(report);
    }
    let mut report = run(request, archive, selection, &mut target, report, watch)
        .map_err(|fault| advised(fault, &plan))?;
    if report.run.is_none() && !request.dry_run {
        report.run = Some(target.run().to_owned());
    }
    if let Some(amended) = target.amended() {
        let found = target.findings();
        let schema = &selection.schema;
        plan::amend(
            schema,
            (&plan, &*amended),
            &found,
            &wishes.target_schema,
            &mut report,
        );
    }
    Ok(report)
}

/// The plan for a new target, shown in the report with what trying its values has found.
fn planned(
    (request, wishes): (&ImportRequest, &Wishes),
    settings: &ConnInfo,
    (archive, selection): (&Archive, &Selection),
    examination: &Examination,
    report: &mut Report,
    watch: &dyn Watch,
) -> Result<Plan> {
    let evidence = evidence_of(archive, &selection.positions);
    let keys = keys_of(&examination.keys, &selection.positions);
    let parts = SelectedParts::new(archive, &selection.positions);
    let basis = kept::Basis {
        schema: &selection.schema,
        evidence: &evidence,
        keys: &keys,
        wishes,
    };
    let replaces = request.mode == Mode::Replace;
    let source = (&parts as &dyn PartReader, request.jobs);
    let (mut plan, tried) = kept::planned(basis, settings, replaces, source, watch)?;
    if request.dry_run {
        check_dry_run(&mut plan)?;
    }
    report.findings.retain(|finding| !plan::words(finding));
    plan::show(
        &selection.schema,
        &plan,
        &evidence,
        &wishes.target_schema,
        report,
    );
    report.findings.extend(tried);
    Ok(plan)
}

/// What the operator's first file does is committed before the tables are made, so no dry run takes it
/// back; nor does one create an extension.
pub(super) fn check_dry_run(plan: &mut Plan) -> Result<()> {
    plan.operator.create_extensions = false;
    let Some(file) = &plan.operator.before else {
        return Ok(());
    };
    let what = "a dry run cannot take back what a file does before the tables are made";
    let hint = "take `before` out of the mapping file for the dry run";
    Err(Fault::new(Code::Usage, what).at(&file.name).hint(hint))
}

/// How PostgreSQL is imported into.
pub(super) fn options(
    request: &ImportRequest,
    wishes: &Wishes,
    archive: &Archive,
) -> PostgresOptions {
    let facts = open::facts(archive, &request.archive);
    let ledger = request.ledger_schema.as_deref();
    PostgresOptions {
        target_schema: wishes.target_schema.clone(),
        jobs: request.jobs,
        lock_wait_timeout: request.lock_wait_timeout,
        replace: request.mode == Mode::Replace,
        require_idle: request.require_idle,
        check: request.check,
        run: RunOptions {
            archive_root: facts.root,
            content_root: facts.content_root,
            anew: request.again == Again::Import,
            ledger_schema: ledger.unwrap_or(LEDGER_SCHEMA).to_owned(),
            staging_schema: request.staging_schema.clone(),
            dry: request.dry_run,
        },
    }
}

/// What helps where the server finds rows equal in a key, and the mapping file changes their values:
/// the source need not be wrong.
fn advised(fault: Fault, plan: &Plan) -> Fault {
    let name = fault.place().table.as_deref();
    let mut tables = plan
        .tables
        .iter()
        .filter(|table| name == Some(table.name.as_str()));
    let is_changed = tables.any(|table| table.columns.iter().any(|column| column.asked));
    if fault.code() != Code::KeyDuplicate || fault.own_hint().is_some() || !is_changed {
        return fault;
    }
    fault.hint("choose a type, conversion or collation in the mapping file that keeps the keys apart; rows that are equal in the source must be mended there")
}

/// Loads what is selected into the target.
pub(super) fn run(
    request: &ImportRequest,
    archive: &Archive,
    selection: &Selection,
    target: &mut dyn Target,
    mut report: Report,
    watch: &dyn Watch,
) -> Result<Report> {
    if request.plan_only {
        return Ok(report);
    }
    let parts = parts_of(request, archive, selection);
    let location = target.location();
    let begun = load(request, target, &parts, watch).map_err(|fault| fault.at(&location))?;
    report.findings.extend(target.findings());
    let what = extent(request.scope, &report.totals);
    if let Begun::Already(run) = &begun {
        report.run = Some(run.clone());
    }
    report.summary = match begun {
        Begun::Ready if request.dry_run => {
            format!("would have imported {what} into {location}; nothing of it was kept")
        }
        Begun::Ready => format!("imported {what} into {location}"),
        Begun::Already(run) => format!("already imported {what} into {location}, by run {run}"),
    };
    Ok(report)
}

/// The parts that are loaded.
fn parts_of<'a>(
    request: &ImportRequest,
    archive: &'a Archive,
    selection: &'a Selection,
) -> SelectedParts<'a> {
    match request.scope {
        Scope::All => SelectedParts::new(archive, &selection.positions),
        Scope::Structure => SelectedParts::none(archive),
    }
}

/// The report of an import that was done before; `found` says what the target holds other than the
/// archive since.
pub(super) fn already(
    mut report: Report,
    location: &str,
    (run, mode): (&str, Mode),
    found: Vec<Finding>,
) -> Report {
    let extent = wording::extent(&report.totals);
    report.rejected = found
        .iter()
        .any(|finding| finding.severity == Severity::Error);
    report.summary = if report.rejected {
        let anew = match mode {
            Mode::Create => "--mode replace puts aside what is there and imports anew",
            Mode::Fill => "undo the run or empty the tables, and --new-run fills them anew",
            Mode::Replace | Mode::Merge => "--new-run imports anew",
        };
        format!(
            "changed since: run {run} has imported the archive into {location}, which differs from it by now; {anew}"
        )
    } else {
        format!(
            "already imported: {location} holds {extent} of the archive since run {run}, nothing to do"
        )
    };
    report.findings = found;
    report.run = Some(run.to_owned());
    report
}

fn load(
    request: &ImportRequest,
    target: &mut dyn Target,
    parts: &SelectedParts<'_>,
    watch: &dyn Watch,
) -> Result<Begun> {
    let begun = target.begin(parts, watch)?;
    if begun != Begun::Ready {
        return Ok(begun);
    }
    target.load(parts, watch)?;
    target.build(watch)?;
    if request.check != Check::None {
        target.check(watch)?;
    }
    target.settle(watch)?;
    if request.dry_run {
        target.discard(watch)?;
    } else {
        target.switch(watch)?;
    }
    Ok(begun)
}

fn begin(request: &ImportRequest, archive: &Archive, selection: &Selection) -> Result<Report> {
    let all = verify::tables(archive);
    let mut tables: Vec<_> = selection
        .positions
        .iter()
        .map(|position| all[*position].clone())
        .collect();
    if request.scope == Scope::Structure {
        for table in &mut tables {
            (table.rows, table.bytes) = (0, 0);
        }
    }
    let totals = Totals {
        tables: tables.len() as u64,
        rows: tables.iter().map(|table| table.rows).sum(),
        bytes: tables.iter().map(|table| table.bytes).sum(),
    };
    // The form in which the target itself is named when it is done.
    let target = match &request.target {
        Location::Sqlite(_) => request.target.shown(),
        Location::Postgres(text) => {
            ConnInfo::parse(text, &|name| std::env::var(name).ok())?.location()
        }
    };
    Ok(Report {
        summary: format!(
            "would import {} into {target}",
            extent(request.scope, &totals)
        ),
        target: Some(target),
        archive: Some(open::facts(archive, &request.archive)),
        totals,
        tables,
        by_the_way: !request.plan_only,
        ledger_schema: request.ledger_schema.clone(),
        ..Report::default()
    })
}

/// How much is imported, in words.
fn extent(scope: Scope, totals: &Totals) -> String {
    match scope {
        Scope::All => wording::extent(totals),
        Scope::Structure => {
            let tables = wording::counted(totals.tables, "table");
            format!("the structure of {tables}, no rows,")
        }
    }
}

/// Ends the job when there is an error among the findings: nothing has been written yet.
pub(super) fn refused(report: &mut Report, why: &str) -> bool {
    let errors = report
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .count();
    if errors > 0 {
        report.refused = true;
        report.summary = format!(
            "refused: {why}, nothing was changed; see {}",
            wording::counted(errors as u64, "finding")
        );
    }
    errors > 0
}

/// The evidence of keys for the tables at `positions`, counted by the selection's tables.
fn keys_of(keys: &[KeyEvidence], positions: &[usize]) -> Vec<KeyEvidence> {
    let selected = keys.iter().filter_map(|key| {
        let table = positions.binary_search(&key.table).ok()?;
        Some(KeyEvidence {
            table,
            ..key.clone()
        })
    });
    selected.collect()
}

/// Evidence of the tables at `positions`.
pub(super) fn evidence_of(archive: &Archive, positions: &[usize]) -> Vec<TableEvidence> {
    positions
        .iter()
        .map(|position| archive.evidence()[*position].clone())
        .collect()
}
