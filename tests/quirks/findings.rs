//! Findings as lines, and how they differ from those expected.

use std::fmt::Write as _;
use waybill_common::fault::Code;
use waybill_common::report::{Finding, Severity};

/// A finding as a line without its phrase.
fn line(finding: &Finding) -> String {
    let severity = match finding.severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    let mut line = format!("{severity} {}", finding.code.name());
    if let Some(table) = &finding.place.table {
        write!(line, " {table}").expect("a string takes all");
    }
    if let Some(column) = &finding.place.column {
        write!(line, ".{column}").expect("a string takes all");
    }
    if finding.count != 1 {
        write!(line, " ×{}", finding.count).expect("a string takes all");
    }
    line
}

/// Whether an expected line is this finding's.
fn is(expected: &str, finding: &Finding) -> bool {
    let Some(rest) = expected.strip_prefix(line(finding).as_str()) else {
        return false;
    };
    rest.is_empty()
        || rest
            .strip_prefix(": ")
            .is_some_and(|phrase| finding.message.contains(phrase))
}

/// Fails unless the findings are those expected, in whatever order.
pub(super) fn compare(job: &str, expected: &[&str], findings: &[Finding]) -> Result<(), String> {
    let mut unseen: Vec<&str> = expected.to_vec();
    let mut difference = String::new();
    for finding in findings {
        if let Some(vague) = vague(finding) {
            writeln!(difference, "  ! {vague}: {finding:?}").expect("a string takes all");
        }
        match unseen.iter().position(|line| is(line, finding)) {
            Some(position) => drop(unseen.remove(position)),
            None => writeln!(difference, "  + {}: {}", line(finding), finding.message)
                .expect("a string takes all"),
        }
    }
    for line in unseen {
        writeln!(difference, "  - {line}").expect("a string takes all");
    }
    if difference.is_empty() {
        Ok(())
    } else {
        Err(format!("  findings of {job}\n{difference}"))
    }
}

/// What a finding lacks to be acted on: object, reason or advice.
fn vague(finding: &Finding) -> Option<&'static str> {
    let whole_database = finding.message.contains("PRAGMA") || is_collation(finding);
    if finding.place.table.is_none() && !whole_database {
        Some("it names no object")
    } else if finding.message.split_whitespace().count() < 4 {
        Some("it gives no reason")
    } else if finding.help().split_whitespace().count() < 3 {
        Some("it gives no advice")
    } else {
        None
    }
}

/// The note that texts compare by bytes, one for the whole import.
fn is_collation(finding: &Finding) -> bool {
    finding.code == Code::StructureWeakened
        && finding.severity == Severity::Note
        && finding.place.table.is_none()
        && finding.message.contains("COLLATE \"C\"")
}

/// The same, where that note is there exactly if there are `texts` columns of text.
pub(super) fn compare_with_collation(
    job: &str,
    expected: &[&str],
    texts: u64,
    findings: &[Finding],
) -> Result<(), String> {
    let notes = findings.iter().filter(|finding| is_collation(finding));
    let told: Vec<u64> = notes.map(|note| note.count).collect();
    let due = if texts > 0 { vec![texts] } else { Vec::new() };
    if told != due {
        return Err(format!(
            "  {texts} columns are text, the notes tell {told:?}"
        ));
    }
    compare_but_collation(job, expected, findings)
}

/// The same, whatever that note says.
pub(super) fn compare_but_collation(
    job: &str,
    expected: &[&str],
    findings: &[Finding],
) -> Result<(), String> {
    let findings: Vec<Finding> = findings
        .iter()
        .filter(|finding| !is_collation(finding))
        .cloned()
        .collect();
    compare(job, expected, &findings)
}

/// Whether nothing of the structure is said to be weaker or missing.
pub(super) fn structure_is_whole(findings: &[Finding]) -> bool {
    let structure = [
        Code::StructureWeakened,
        Code::StructureLeftOut,
        Code::ForeignKeyOrphan,
        Code::NotNullViolated,
        Code::KeyDuplicate,
    ];
    let about =
        |finding: &&Finding| finding.place.table.is_some() && structure.contains(&finding.code);
    let other = [Code::StructureTranslated, Code::NameChanged];
    !findings
        .iter()
        .filter(|finding| other.contains(&finding.code) || about(finding))
        .any(|finding| finding.severity > Severity::Note || other.contains(&finding.code))
}

/// The virtual tables that PostgreSQL does not get.
pub(super) fn tables_left_out(findings: &[Finding]) -> Vec<&str> {
    let left_out = findings
        .iter()
        .filter(|finding| finding.message.starts_with("the virtual table is left out"));
    left_out
        .filter_map(|finding| finding.place.table.as_deref())
        .collect()
}
