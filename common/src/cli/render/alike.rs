//! Findings that tell the same, together. Notes are folded further: one of each kind, and one line
//! for each table.

use crate::fault::Code;
use crate::report::structure::Subject;
use crate::report::{Finding, Severity};
use indicatif::HumanCount;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Columns of a table that are named where notes are folded.
const COLUMNS: usize = 5;

/// Findings of one class, severity and help that tell the same.
pub(super) struct Group<'a> {
    /// One of them.
    pub(super) first: &'a Finding,
    /// What all tell.
    pub(super) message: String,
    /// Where each was made, how often and the first rows: a label and a line.
    pub(super) places: Vec<(&'static str, String)>,
}

/// All findings, the worst first; each note for itself only where that is asked for (`each`).
pub(super) fn groups<'a>(
    findings: impl Iterator<Item = &'a Finding>,
    each: bool,
) -> Vec<Group<'a>> {
    type Kind<'a> = (Reverse<Severity>, &'static str, String, &'a str);
    let mut kinds: BTreeMap<Kind<'_>, Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        let message = if is_foldable(finding, each) {
            gist(&finding.message)
        } else {
            finding.message.clone()
        };
        let (code, help) = (finding.code.name(), finding.help());
        let kind = (Reverse(finding.severity), code, message, help);
        kinds.entry(kind).or_default().push(finding);
    }
    let group = |((_, _, message, _), findings): (Kind<'_>, Vec<&'a Finding>)| {
        let first = *findings.first()?;
        Some(if is_foldable(first, each) {
            folded(first, &message, &findings)
        } else {
            Group {
                first,
                message,
                places: findings.into_iter().map(place).collect(),
            }
        })
    };
    kinds.into_iter().filter_map(group).collect()
}

fn is_foldable(finding: &Finding, each: bool) -> bool {
    // What the mapping file has brought about is what the operator wants to read again.
    let asked = matches!(finding.code, Code::MappingApplied | Code::ValueConverted);
    finding.severity == Severity::Note && !each && !asked
}

/// What a note tells, without the names in it and without what follows a colon.
fn gist(message: &str) -> String {
    let told = message.split(": ").next().unwrap_or(message);
    let mut gist = String::new();
    for (position, piece) in told.split('`').enumerate() {
        match position % 2 {
            0 => gist.push_str(piece),
            _ => gist.push_str("`…`"),
        }
    }
    gist
}

/// Notes of one kind, one line for each table.
fn folded<'a>(first: &'a Finding, gist: &str, findings: &[&'a Finding]) -> Group<'a> {
    let same = findings.iter().all(|one| one.message == first.message);
    let message = match (same, findings.len()) {
        (true, _) => first.message.clone(),
        (false, notes) => format!("{gist} ({} notes, -v shows each)", HumanCount(notes as u64)),
    };
    let mut tables: BTreeMap<(&'static str, Option<&str>), Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        let table = (kind(finding), finding.place.table.as_deref());
        tables.entry(table).or_default().push(finding);
    }
    let mut places = Vec::new();
    for ((kind, table), notes) in tables {
        match (table, notes.as_slice()) {
            (Some(table), [_, _, ..]) => places.push(("where", together(kind, table, &notes))),
            _ => places.extend(notes.into_iter().map(place)),
        }
    }
    Group {
        first,
        message,
        places,
    }
}

/// Several notes on one table in a line.
fn together(kind: &str, table: &str, notes: &[&Finding]) -> String {
    let mut line = format!("{kind} `{table}`");
    let columns = notes.iter().filter_map(|note| note.place.column.as_ref());
    let mut columns: Vec<String> = columns.map(|column| format!("`{column}`")).collect();
    columns.dedup();
    if let Some(more) = columns.len().checked_sub(COLUMNS).filter(|more| *more > 0) {
        columns.truncate(COLUMNS);
        columns.push(format!("and {} more", HumanCount(more as u64)));
    }
    if !columns.is_empty() {
        let noun = if columns.len() == 1 {
            "column"
        } else {
            "columns"
        };
        write!(line, ", {noun} {}", columns.join(", ")).expect("a String takes all text");
    }
    let times = notes
        .iter()
        .map(|note| note.count)
        .fold(0, u64::saturating_add);
    write!(line, " ({} times)", HumanCount(times)).expect("a String takes all text");
    line
}

/// What stands where tables are named: views and triggers are, too.
fn kind(finding: &Finding) -> &'static str {
    match finding.subject {
        Some(Subject::View(_)) => "view",
        Some(Subject::Trigger(_)) => "trigger",
        _ => "table",
    }
}

/// Where a finding was made, how often, and the first rows: a label and a line.
fn place(finding: &Finding) -> (&'static str, String) {
    let mut place = finding.place.to_string();
    if let Some(rest) = place.strip_prefix("table") {
        place = format!("{}{rest}", kind(finding));
    }
    let shown = finding.samples.len() as u64;
    let mut rows = finding.samples.join(", ");
    // Of what belongs to no table the message says how often.
    if shown == 0 && finding.count > 1 && finding.place.object.is_none() {
        rows = format!("{} times", HumanCount(finding.count));
    } else if shown > 0 && finding.count > shown {
        write!(rows, " and {} more", HumanCount(finding.count - shown))
            .expect("a String takes all text");
    }
    match (place.is_empty(), shown) {
        // Of what has no place the message says how often.
        (true, 0) => ("where", String::new()),
        (true, _) => ("rows", rows),
        (false, 0) if rows.is_empty() => ("where", place),
        (false, 0) => ("where", format!("{place} ({rows})")),
        (false, _) => ("where", format!("{place}: {rows}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(table: &str, column: &str, message: &str) -> Finding {
        let note = Finding::new(Code::StructureTranslated, Severity::Note, message);
        let note = note.in_table(table);
        if column.is_empty() {
            note
        } else {
            note.in_column(column)
        }
    }

    fn told(all: &[Finding], each: bool) -> Vec<(String, Vec<String>)> {
        let groups = groups(all.iter(), each).into_iter();
        let lines = |group: Group<'_>| {
            let places = group.places.into_iter().map(|(_, line)| line).collect();
            (group.message, places)
        };
        groups.map(lines).collect()
    }

    #[test]
    fn notes_of_one_kind_are_one_with_a_line_for_each_table() {
        let mut all = vec![
            note("a", "", "check constraint `x` is translated: x > 0"),
            note("a", "", "check constraint `y` is translated: y > 0"),
            note("b", "", "check constraint `z` is translated: z > 0"),
        ];
        let folded = (
            "check constraint `…` is translated (3 notes, -v shows each)".to_owned(),
            vec!["table `a` (2 times)".to_owned(), "table `b`".to_owned()],
        );
        assert_eq!(told(&all, false), [folded]);
        assert_eq!(told(&all, true).len(), 3);
        for finding in &mut all {
            finding.severity = Severity::Warning;
        }
        assert_eq!(told(&all, false).len(), 3);
    }

    #[test]
    fn columns_of_a_table_are_named_together_up_to_a_few() {
        let columns = |count: usize| -> Vec<Finding> {
            let one = |n| note("a", &format!("c{n}"), "blanks are lost").counted(10, Vec::new());
            (0..count).map(one).collect()
        };
        let line = |count| told(&columns(count), false)[0].1.join("\n");
        assert_eq!(line(1), "table `a`, column `c0` (10 times)");
        assert_eq!(line(2), "table `a`, columns `c0`, `c1` (20 times)");
        assert_eq!(
            line(7),
            "table `a`, columns `c0`, `c1`, `c2`, `c3`, `c4`, and 2 more (70 times)"
        );
        assert_eq!(told(&columns(7), false)[0].0, "blanks are lost");
    }

    #[test]
    fn one_note_keeps_its_words_and_what_was_asked_for_is_never_folded() {
        let one = [note("a", "", "check constraint `x` is translated: x > 0")];
        assert_eq!(told(&one, false)[0].0, one[0].message);
        let mut asked = vec![
            note("a", "", "the table becomes `b`"),
            note("c", "", "the table becomes `d`"),
        ];
        for finding in &mut asked {
            finding.code = Code::MappingApplied;
        }
        assert_eq!(told(&asked, false).len(), 2);
    }
}
