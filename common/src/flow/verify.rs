//! Verify: an archive, and nothing else, to a verdict.

use super::examine::{examine, key_findings};
use super::request::{VerifyLevel, VerifyRequest};
use super::{open, wording};
use crate::archive::Archive;
use crate::fault::{Code, Exit, Fault, Place, Result};
use crate::progress::Watch;
use crate::report::{ArchiveFacts, Finding, Report, Severity};

/// Checks the archive. What is wrong with it becomes findings and a rejection; only what keeps
/// the check itself from being made (no file, no room for the spool) is a fault.
pub fn verify(request: &VerifyRequest, watch: &dyn Watch) -> Result<Report> {
    let file = open::file(&request.archive, None, watch)?;
    match open::archive(
        file,
        &request.archive,
        request.expect_root,
        request.max_part,
    )
    .and_then(|archive| judge(request, &archive, watch))
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

fn judge(request: &VerifyRequest, archive: &Archive, watch: &dyn Watch) -> Result<Report> {
    let examination = examine(archive, request.level, request.jobs, watch)?;
    let mut findings = examination.damage;
    findings.extend(labels(request, archive));
    findings.extend(key_findings(archive.schema(), &examination.keys));
    let mut facts = open::facts(archive, &request.archive);
    if request.level > VerifyLevel::Structure {
        facts.sha256 = Some(archive.file_sha256(watch)?.to_string());
    }
    let rejected = findings
        .iter()
        .any(|finding| finding.severity == Severity::Error);
    let tables = tables(archive);
    let totals = archive.totals();
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
                .on(format!("label {key}"))
        })
        .collect()
}

/// A line for each table of the archive.
pub(super) fn tables(archive: &Archive) -> Vec<crate::report::TableReport> {
    let tables = archive.schema().tables.iter().zip(archive.tables());
    tables
        .map(|(table, facts)| wording::table(table, facts.rows, facts.bytes))
        .collect()
}

/// A failure of the archive as a whole is named by its path.
fn found_in(path: &str, fault: &Fault) -> Finding {
    let mut finding = Finding::from_fault(fault);
    if finding.place == Place::default() {
        finding.place.location = Some(path.to_owned());
    }
    finding
}

fn rejection(request: &VerifyRequest, fault: &Fault) -> Report {
    let path = request.archive.to_string();
    Report {
        archive: Some(ArchiveFacts {
            path: path.clone(),
            ..ArchiveFacts::default()
        }),
        findings: vec![found_in(&path, fault)],
        summary: format!("rejected: {}", fault.what()),
        rejected: true,
        ..Report::default()
    }
}
