//! Import into tables that the application has made: `--mode fill` and `--mode merge`.

use super::compare;
use super::fitting::try_values;
use super::import::{already, check_dry_run, evidence_of, options, refused};
use super::plan;
use super::rehearse::rehearse;
use super::request::{ImportRequest, Mode, Scope};
use super::select::{SelectedParts, Selection};
use super::space;
use super::wishes::Wishes;
use super::wording;
use crate::archive::Archive;
use crate::engine::postgres::conninfo::ConnInfo;
use crate::engine::postgres::existing;
use crate::engine::postgres::target::PostgresTarget;
use crate::fault::{Code, Fault, Result};
use crate::location::Location;
use crate::mapping::fill::{Filling, fill, merge};
use crate::mapping::plan::Origin;
use crate::progress::Watch;
use crate::report::{Finding, MergeCounts, Report, Severity};
use crate::seam::{Begun, Check, Target as _};

/// Why nothing is written, for the summary.
const UNFIT: &str = "the tables of the target cannot take every row";

/// Refuses what filling does not go with, before the archive is read.
pub(super) fn check(request: &ImportRequest, wishes: &Wishes) -> Result<()> {
    if let Location::Sqlite(_) = request.target {
        let what = "tables that exist can be filled in PostgreSQL only";
        let hint = "import into a new SQLite file with --mode create; INSERT INTO … SELECT from it after ATTACH fills tables";
        return Err(Fault::new(Code::Usage, what).hint(hint));
    }
    if request.scope == Scope::Structure {
        let what = "the structure of tables that exist is there already";
        return Err(Fault::new(Code::Usage, what).hint("leave out --schema-only"));
    }
    wishes.check_filling()
}

/// Plans, tries every value offline, stages, asks the server about the rest, and fills all tables in
/// one transaction.
pub(super) fn into_existing(
    (request, wishes): (&ImportRequest, &Wishes),
    settings: &ConnInfo,
    (archive, selection): (&Archive, &Selection),
    mut report: Report,
    watch: &dyn Watch,
) -> Result<Report> {
    let evidence = evidence_of(archive, &selection.positions);
    let there = existing::read(settings, &wishes.target_schema)?;
    let asked = wishes.request(plan::OLDEST_SERVER);
    let mut filling = if request.mode == Mode::Merge {
        let source = (&selection.schema, evidence.as_slice());
        merge(source, &there, &asked, &request.merging)?
    } else {
        fill(&selection.schema, &evidence, &there, &asked)?
    };
    if request.dry_run {
        check_dry_run(&mut filling.plan)?;
    }
    let parts = SelectedParts::new(archive, &selection.positions);
    let structural = errors(&filling) > 0;
    let values = try_values(&parts, &selection.schema, &filling, request.jobs, watch)?;
    filling.plan.findings.extend(values);
    let converted = rehearse(
        &selection.schema,
        &filling.rehearsed,
        &parts,
        request.jobs,
        watch,
    )?;
    let converted = converted.into_iter().map(advised);
    filling.plan.findings.extend(converted);
    // What the source's own foreign keys say is told by those of the target, where they differ.
    report
        .findings
        .retain(|finding| finding.code != Code::ForeignKeyOrphan);
    report
        .findings
        .extend(filling.plan.findings.iter().cloned());
    report.tables = plan::tables(&selection.schema, &filling.plan, &evidence, &report.tables);
    name_types(&mut report, selection, &filling);
    let options = options(request, wishes, archive);
    let mut target =
        PostgresTarget::filling(settings.clone(), &selection.schema, &filling, options);
    let location = target.location();
    let at = |fault: Fault| fault.at(&location);
    // Tables that this import has filled are not empty any more.
    if let Some(run) = target.already(&parts).map_err(at)? {
        let plan = (&filling.plan, Some(&filling));
        let place = (settings, wishes.target_schema.as_str());
        let found = compare::since(request, (archive, selection), plan, place, watch)?;
        return Ok(already(report, &location, (&run, request.mode), found));
    }
    if structural || errors(&filling) > 0 {
        refused(&mut report, UNFIT);
        return Ok(report);
    }
    if space::is_lacking(settings, &target, &parts, &mut report)? {
        return Ok(report);
    }
    if request.plan_only {
        return Ok(report);
    }
    if let Begun::Already(run) = target.begin(&parts, watch).map_err(at)? {
        let run = (run.as_str(), request.mode);
        return Ok(already(report, &location, run, Vec::new()));
    }
    target.load(&parts, watch).map_err(at)?;
    target.build(watch).map_err(at)?;
    if request.check != Check::None {
        target.check(watch).map_err(at)?;
    }
    let unfit = target.survey(watch).map_err(at)?;
    if !unfit.is_empty() {
        report.findings.extend(unfit);
        refused(&mut report, UNFIT);
        target.give_up(UNFIT).map_err(at)?;
        return Ok(report);
    }
    if request.dry_run {
        target.discard(watch).map_err(at)?;
    } else {
        target.switch(watch).map_err(at)?;
    }
    report.findings.extend(target.findings());
    if !request.dry_run {
        report.run = Some(target.run().to_owned());
    }
    let extent = wording::extent(&report.totals);
    let dry = request.dry_run;
    report.summary = match request.mode {
        Mode::Merge if dry => {
            let told = tell_merged(&mut report, &filling, target.merged(), &location);
            format!("a dry run, nothing of it was kept: {told}")
        }
        Mode::Merge => tell_merged(&mut report, &filling, target.merged(), &location),
        _ if dry => format!("would have filled {extent} into {location}; nothing of it was kept"),
        _ => format!("filled {extent} into {location}"),
    };
    report.cannot_undo = match report.merged {
        Some(merged) => merged.is_idle(),
        None => request.mode == Mode::Fill && report.totals.rows == 0,
    };
    Ok(report)
}

/// Puts what became of the rows into the report, and says it in one sentence.
fn tell_merged(
    report: &mut Report,
    filling: &Filling,
    merged: Option<&[MergeCounts]>,
    location: &str,
) -> String {
    let extent = wording::extent(&report.totals);
    let Some(merged) = merged else {
        return format!("another process has merged {extent} into {location}");
    };
    for (planned, counts) in filling.plan.tables.iter().zip(merged) {
        if let Some(table) = report.tables.get_mut(planned.source) {
            table.merged = Some(*counts);
        }
    }
    let all = merged
        .iter()
        .copied()
        .fold(MergeCounts::default(), MergeCounts::and);
    report.merged = Some(all);
    if all.is_idle() {
        format!(
            "nothing to merge: {location} has all keys of {extent} already, and was not changed: {all}"
        )
    } else {
        format!("merged {extent} into {location}: {all}")
    }
}

/// What can be done about a value that is converted and does not fit, where the types are given.
fn advised(finding: Finding) -> Finding {
    match finding.code {
        Code::ValueRefused => finding.hint("mend the values in the source, convert them otherwise in the mapping file, or change the column of the target"),
        Code::NotNullViolated => finding.hint("mend the rows in the source, convert the values to something else in the mapping file, or make the column of the target nullable"),
        _ => finding,
    }
}

fn errors(filling: &Filling) -> usize {
    let findings = filling.plan.findings.iter();
    findings
        .filter(|finding| finding.severity == Severity::Error)
        .count()
}

/// The types of the target's columns, which say more than those that values travel in.
fn name_types(report: &mut Report, selection: &Selection, filling: &Filling) {
    for (planned, table) in filling.plan.tables.iter().zip(&filling.tables) {
        let source = &selection.schema.tables[planned.source];
        let stored: Vec<_> = source.stored_columns().collect();
        for (staged, place) in planned.columns.iter().zip(&table.columns) {
            let Origin::Cell(cell) = staged.origin else {
                continue;
            };
            // A hidden rowid stands before all columns.
            let position = cell.checked_sub(source.first_column_cell());
            let Some(stored) = position.and_then(|position| stored.get(position)) else {
                continue;
            };
            let mut columns = report.tables[planned.source].columns.iter_mut();
            let Some(shown) = columns.find(|shown| shown.name == stored.name) else {
                continue;
            };
            let column = place.and_then(|place| table.target.columns.get(place));
            shown.target_type = column.map(|column| column.type_name.clone());
            if column.is_none() {
                // It is staged to name rows in messages only.
                (shown.target_name, shown.reason) = (None, None);
            }
        }
    }
}
