//! The plan of an import into PostgreSQL, and how a report shows it.

use super::structure;
use super::wishes::Wishes;
use crate::engine::postgres::conninfo::ConnInfo;
use crate::engine::postgres::session::Session;
use crate::fault::{Code, Result};
use crate::mapping;
use crate::mapping::lost;
use crate::mapping::plan::{ColumnPlan, Origin, Plan};
use crate::model::schema::{Schema, Table};
use crate::profile::evidence::{KeyEvidence, TableEvidence};
use crate::report::structure::{RejectedType, Subject};
use crate::report::{ColumnReport, Finding, Report, Severity, TableReport};
use std::collections::HashSet;

/// The version a plan is made for where no server is named: the oldest that is supported.
pub(super) const OLDEST_SERVER: u32 = 130_000;

/// The plan for a real server, whose version counts.
pub(super) fn for_server(
    schema: &Schema,
    evidence: &[TableEvidence],
    keys: &[KeyEvidence],
    settings: &ConnInfo,
    wishes: &Wishes,
) -> Result<Plan> {
    let request = wishes.request(server_version(settings)?);
    Ok(mapping::plan(schema, evidence, keys, &request))
}

/// The version of a real server, which counts for a plan.
pub(super) fn server_version(settings: &ConnInfo) -> Result<u32> {
    Ok(Session::connect(settings)?.server_version_num())
}

/// Writes the plan into the report: its findings, and what becomes of every table, column and object.
pub(super) fn show(
    schema: &Schema,
    plan: &Plan,
    evidence: &[TableEvidence],
    target_schema: &str,
    report: &mut Report,
) {
    forget_untrue(&mut report.findings, &plan.findings);
    report.findings.extend(plan.findings.iter().cloned());
    report.tables = tables(schema, plan, evidence, &report.tables);
    report.objects = structure::describe(schema, plan, target_schema, &mut report.tables);
}

/// Writes into the report what has become of every object after an import that has left out more than its
/// plan: that becomes another one, and `found` says why.
pub(super) fn amend(
    schema: &Schema,
    (before, after): (&Plan, &Plan),
    found: &[Finding],
    target_schema: &str,
    report: &mut Report,
) {
    let mut plan = after.clone();
    for findings in [&mut report.findings, &mut plan.findings] {
        forget_untrue(findings, found);
        lost::recount(before, after, findings);
    }
    plan.findings.extend(found.iter().cloned());
    for table in &mut report.tables {
        table.objects.clear();
        table.sql = None;
    }
    report.objects = structure::describe(schema, &plan, target_schema, &mut report.tables);
}

/// Takes back that a key was not checked, or an expression translated, where the plan says that the
/// target does not have it as it was, or not the column that it is about.
fn forget_untrue(findings: &mut Vec<Finding>, planned: &[Finding]) {
    type Object<'a> = (Option<&'a str>, Option<&'a str>, Option<Subject>);
    fn object(finding: &Finding) -> Object<'_> {
        let place = &finding.place;
        let column = match finding.subject {
            // Their column is half of what tells them apart.
            Some(Subject::NotNull | Subject::Computed) => place.column.as_deref(),
            _ => None,
        };
        (place.table.as_deref(), column, finding.subject)
    }
    let missed: HashSet<Object<'_>> = planned
        .iter()
        .filter(|finding| finding.severity > Severity::Note)
        .filter(|finding| {
            let told = |words| finding.message.contains(words);
            told("is left out") || told("is weaker")
        })
        .map(object)
        .collect();
    findings.retain(|finding| {
        let (table, column, subject) = object(finding);
        let lost = missed.contains(&(table, column, subject));
        let uncomputed = subject == Some(Subject::NotNull)
            && missed.contains(&(table, column, Some(Subject::Computed)));
        let told = subject.is_some() && (lost || uncomputed);
        let says_other = matches!(finding.code, Code::KeyUnchecked | Code::StructureTranslated);
        !says_other || !told
    });
}

/// Whether the plan says itself what a broken key means for the target.
pub(super) fn words(finding: &Finding) -> bool {
    matches!(
        finding.code,
        Code::ForeignKeyOrphan | Code::KeyDuplicate | Code::NotNullViolated
    )
}

/// The tables of a report with their columns: evidence, and the target's type where there is a plan.
pub(super) fn tables(
    schema: &Schema,
    plan: &Plan,
    evidence: &[TableEvidence],
    tables: &[TableReport],
) -> Vec<TableReport> {
    let mut tables = tables.to_vec();
    for ((table, evidence), report) in schema.tables.iter().zip(evidence).zip(&mut tables) {
        report.columns = columns(table, evidence);
        report.keys = keys(table);
    }
    for planned in &plan.tables {
        // Where it becomes several, the first one has its name.
        let first_piece = tables[planned.source]
            .target_name
            .get_or_insert_with(|| planned.name.clone());
        let piece = (*first_piece != planned.name).then_some(planned.name.as_str());
        let stored: Vec<_> = schema.tables[planned.source].stored_columns().collect();
        let first = schema.tables[planned.source].first_column_cell();
        for column in &planned.columns {
            let Origin::Cell(cell) = column.origin else {
                continue;
            };
            // A hidden rowid stands before all columns.
            let Some(source) = cell.checked_sub(first).and_then(|cell| stored.get(cell)) else {
                continue;
            };
            let report = tables[planned.source]
                .columns
                .iter_mut()
                .find(|report| report.name == source.name);
            // The key of a table is in all of its pieces.
            if let Some(report) = report.filter(|report| report.target_type.is_none()) {
                chosen(column, report);
                if let Some(piece) = piece {
                    in_piece(piece, report);
                }
            }
        }
    }
    tables
}

/// Says in which table a column lies that is not in the first piece of its own.
fn in_piece(piece: &str, report: &mut ColumnReport) {
    let place = format!("in the table `{piece}`");
    report.reason = Some(match report.reason.take() {
        Some(reason) => format!("{place}; {reason}"),
        None => place,
    });
}

/// What the plan chose for a column, and why.
fn chosen(column: &ColumnPlan, report: &mut ColumnReport) {
    report.target_type = Some(column.target.name().into_owned());
    report.target_name = Some(column.name.clone());
    let beyond = column.evidence.strip_prefix(&report.evidence);
    let beyond = beyond.map_or(column.evidence.as_str(), |beyond| {
        beyond.trim_start_matches("; ")
    });
    report.reason = (!beyond.is_empty()).then(|| beyond.to_owned());
    let rejected = column.rejected.iter().map(|(target, reason)| RejectedType {
        target_type: target.name().into_owned(),
        reason: reason.clone(),
    });
    report.rejected = rejected.collect();
    let proposals = column.proposals.iter();
    report.proposals = proposals
        .map(|proposal| format!("{}, {}", proposal.target.name(), proposal.reason))
        .collect();
}

/// What is known of the columns of a table.
pub(super) fn columns(table: &Table, evidence: &TableEvidence) -> Vec<ColumnReport> {
    let describe = |(column, evidence): (&crate::model::schema::Column, _)| {
        let (words, looks_like) = mapping::describe(evidence);
        ColumnReport {
            name: column.name.clone(),
            declared: column.declared_type.clone(),
            target_type: None,
            evidence: words,
            looks_like,
            ..ColumnReport::default()
        }
    };
    table
        .stored_columns()
        .zip(&evidence.columns)
        .map(describe)
        .collect()
}

/// The keys of a table in words.
pub(super) fn keys(table: &Table) -> Vec<String> {
    let names = |key: &crate::model::schema::Key| {
        key.columns
            .iter()
            .map(|column| column.column.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let mut keys = Vec::new();
    keys.extend(
        table
            .primary_key
            .iter()
            .map(|key| format!("primary key ({})", names(key))),
    );
    keys.extend(
        table
            .unique
            .iter()
            .map(|key| format!("unique ({})", names(key))),
    );
    for foreign in &table.foreign_keys {
        let columns = foreign.columns.join(", ");
        keys.push(format!(
            "foreign key ({columns}) to {} ({})",
            foreign.parent,
            foreign.parent_columns.join(", ")
        ));
    }
    for index in &table.indexes {
        let unique = if index.unique { "unique " } else { "" };
        keys.push(format!("{unique}index {}", index.name));
    }
    keys
}
