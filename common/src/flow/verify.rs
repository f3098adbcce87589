//! Verify: an archive, and nothing else, to a verdict.

use super::examine::{examine, key_findings};
use super::request::{VerifyLevel, VerifyRequest};
use super::{open, wording};
use crate::archive::Archive;
use crate::fault::{Code, Exit, Fault, Result};
use crate::progress::Watch;
use crate::report::{ArchiveFacts, Finding, Report, Severity, Totals};

/// Checks the archive. What is wrong with it becomes findings and a rejection; only what keeps
/// the check itself from being made (no file, no room for the spool) is a fault.
pub fn verify(request: &VerifyRequest, watch: &dyn Watch) -> Result<Report> {
    let file = open::file(&request.archive, None, watch)?;
    let copy = file.try_clone().map_err(|error| {
        Fault::new(Code::ArchiveMissing, "cannot open the archive twice")
            .at(request.archive.shown())
            .because(error)
    })?;
    match open::archive(file, &request.archive, request.expect_root)
        .and_then(|archive| judge(request, archive, &copy, watch))
    {
        Err(fault)
            if matches!(fault.code().exit(), Exit::Findings)
                || fault.code() == Code::ArchiveTooNew =>
        {
            Ok(rejection(request, &fault))
        }
        other => other,
    }
}

fn judge(
    request: &VerifyRequest,
    archive: Archive,
    file: &std::fs::File,
    watch: &dyn Watch,
) -> Result<Report> {
    let examination = examine(&archive, request.level, request.jobs, watch)?;
    let mut findings = examination.damage;
    findings.extend(labels(request, &archive));
    findings.extend(key_findings(archive.schema(), &examination.keys));
    let mut facts = open::facts(&archive, &request.archive);
    if request.level > VerifyLevel::Structure {
        facts.sha256 = Some(crate::archive::file_sha256(file, watch)?.to_string());
    }
    let rejected = findings
        .iter()
        .any(|finding| finding.severity == Severity::Error);
    let tables = tables(&archive);
    let totals = Totals {
        tables: tables.len() as u64,
        rows: tables.iter().map(|table| table.rows).sum(),
        bytes: tables.iter().map(|table| table.bytes).sum(),
    };
    let summary = match (rejected, request.expect_root) {
        (true, _) => "rejected: see the findings".to_owned(),
        (false, Some(_)) => format!(
            "{}, root as expected: {}",
            depth(request.level),
            wording::extent(&totals)
        ),
        (false, None) => format!(
            "{}, origin not proven: {}",
            depth(request.level),
            wording::extent(&totals)
        ),
    };
    Ok(Report {
        archive: Some(facts),
        totals,
        tables,
        findings,
        summary,
        rejected,
        ..Report::default()
    })
}

/// What the verdict covers, so that a shallow look is not taken for a deep one.
fn depth(level: VerifyLevel) -> &'static str {
    match level {
        VerifyLevel::Structure => "structure intact, rows not read",
        VerifyLevel::Integrity => "intact, rows not decoded",
        VerifyLevel::Data => "intact",
    }
}

fn labels(request: &VerifyRequest, archive: &Archive) -> Vec<Finding> {
    let carried = &archive.preamble().labels;
    let missing = request
        .require_labels
        .iter()
        .filter(|label| !carried.contains(label));
    missing
        .map(|(key, value)| {
            let message = format!("the archive does not carry the label `{key}={value}`");
            Finding::new(Code::ArchiveUnexpected, Severity::Error, message)
        })
        .collect()
}

/// A line for each table of the archive.
pub(super) fn tables(archive: &Archive) -> Vec<crate::report::TableReport> {
    let mut tables: Vec<_> = archive
        .schema()
        .tables
        .iter()
        .map(|table| wording::table(table, 0, 0))
        .collect();
    for part in archive.parts() {
        tables[part.table].rows += part.rows;
        tables[part.table].bytes += part.bytes;
    }
    tables
}

fn rejection(request: &VerifyRequest, fault: &Fault) -> Report {
    let path = request.archive.shown();
    Report {
        archive: Some(ArchiveFacts {
            path: path.clone(),
            ..ArchiveFacts::default()
        }),
        findings: vec![Finding::from_fault(fault)],
        summary: format!("rejected: {}", fault.what()),
        rejected: true,
        ..Report::default()
    }
}
