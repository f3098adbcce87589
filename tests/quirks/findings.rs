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
    let mut difference = told_vaguely(findings);
    for finding in findings {
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

/// A line for each finding that does not say enough.
fn told_vaguely(findings: &[Finding]) -> String {
    let lines = findings.iter().filter_map(|finding| {
        let vague = vague(finding)?;
        Some(format!("  ! {vague}: {finding:?}\n"))
    });
    lines.collect()
}

/// What a finding lacks to be acted on: object, reason or advice, each in the words of the house.
fn vague(finding: &Finding) -> Option<&'static str> {
    let (message, help) = (finding.message.as_str(), finding.help());
    let words = |text: &str| text.split_whitespace().count();
    let repeats = |text: &str| text.eq_ignore_ascii_case(&finding.code.name().replace('-', " "));
    if finding.place.table.is_none() && finding.place.object.is_none() {
        Some("it names no object")
    } else if words(message) < 4 || repeats(message) {
        Some("it gives no reason")
    } else if words(help) < 3 || repeats(help) || message.contains(help) || is_reference(help) {
        Some("it gives no advice")
    } else if is_sentence(message) || is_sentence(help) {
        Some("it is no fragment in lower case")
    } else {
        None
    }
}

/// Whether a text only says where to read on.
fn is_reference(text: &str) -> bool {
    let text = text.trim_start_matches("see ");
    text.starts_with("docs/") && !text.contains([',', ';', ':'])
}

/// Whether a text begins as a sentence does, ends as one, or holds two.
fn is_sentence(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    // Words of SQL are written in capitals.
    let capital = first.starts_with(char::is_uppercase) && first.contains(char::is_lowercase);
    let name = ["PostgreSQL", "SQLite"]
        .iter()
        .any(|name| first.starts_with(name));
    capital && !name || text.ends_with('.') || text.contains(". ")
}

#[test]
fn what_is_vague_is_told() {
    let whole = Finding::new(
        Code::StructureWeakened,
        Severity::Warning,
        "NOT NULL loses its ON CONFLICT IGNORE",
    )
    .in_table("t")
    .hint("let the application leave out such rows");
    assert_eq!(vague(&whole), None);
    let says = |message: &str| Finding {
        message: message.to_owned(),
        ..whole.clone()
    };
    let advises = |hint: &str| whole.clone().hint(hint);
    for (finding, expected) in [
        (
            Finding {
                place: waybill_common::fault::Place::default(),
                ..whole.clone()
            },
            "it names no object",
        ),
        (says("structure weakened"), "it gives no reason"),
        (says("is left out"), "it gives no reason"),
        (advises("mend it"), "it gives no advice"),
        (advises("see docs/errors.md for more"), "it gives no advice"),
        (advises(&whole.message), "it gives no advice"),
        (
            says("The key is left out"),
            "it is no fragment in lower case",
        ),
        (
            says("the key is left out."),
            "it is no fragment in lower case",
        ),
        (
            says("it is left out. it is weak"),
            "it is no fragment in lower case",
        ),
    ] {
        assert_eq!(vague(&finding), Some(expected), "{finding:?}");
    }
}

/// The note that texts compare by bytes, one for the whole import.
fn is_collation(finding: &Finding) -> bool {
    finding.code == Code::StructureTranslated
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
    let is_note = |finding: &&Finding| is_collation(finding);
    let vague = told_vaguely(&findings.iter().filter(is_note).cloned().collect::<Vec<_>>());
    if !vague.is_empty() {
        return Err(format!("  findings of {job}\n{vague}"));
    }
    let others = findings.iter().filter(|finding| !is_collation(finding));
    compare(job, expected, &others.cloned().collect::<Vec<_>>())
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
        .filter(|finding| !is_collation(finding))
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
