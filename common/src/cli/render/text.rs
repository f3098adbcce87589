//! Reports and faults as text for people. Everything that comes from data is escaped.

use super::alike::{self, Group};
use super::{runs, tables};
use crate::fault::{Code, Fault};
use crate::report::escape::escaped;
use crate::report::{Finding, Report, Severity, TableReport};
use anstyle::{AnsiColor, Style};
use indicatif::HumanCount;
use std::fmt::Write as _;

/// Places shown of one kind of finding; the JSON object has all.
const PLACES: usize = 20;

/// How text is drawn.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::cli) struct Canvas {
    /// Colour it.
    pub(in crate::cli) color: bool,
    /// Columns of the terminal, if it is one.
    pub(in crate::cli) width: Option<u16>,
    /// Show also what goes without saying.
    pub(in crate::cli) verbose: bool,
}

impl Canvas {
    pub(super) fn painted(self, style: Style, text: &str) -> String {
        if self.color {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    fn heading(self, severity: Severity, code: Code) -> String {
        let (word, color) = match severity {
            Severity::Error => ("error", AnsiColor::Red),
            Severity::Warning => ("warning", AnsiColor::Yellow),
            Severity::Note => ("note", AnsiColor::Cyan),
        };
        let style = color.on_default().bold();
        self.painted(style, &format!("{word}[{}]", code.name()))
    }
}

/// A failure: what, where, why and what to do.
pub(in crate::cli) fn fault(fault: &Fault, canvas: Canvas) -> String {
    let heading = canvas.heading(Severity::Error, fault.code());
    let mut text = format!("{heading}: {}\n", escaped(fault.what()));
    let place = fault.place().to_string();
    if !place.is_empty() {
        item(&mut text, "where", &place);
    }
    for cause in fault.causes() {
        item(&mut text, "why", &cause);
    }
    item(&mut text, "help", fault.help());
    text
}

/// A labelled line. Further lines of a server's message are indented below the first.
fn item(text: &mut String, label: &str, content: &str) {
    for (index, line) in content.lines().enumerate() {
        let label = if index == 0 {
            format!("{label}:")
        } else {
            String::new()
        };
        writeln!(text, "{label:>8} {}", escaped(line)).expect("a String takes all text");
    }
}

/// Findings of at least `from`, worst first, those alike together, and a line that counts them.
pub(in crate::cli) fn findings(all: &[Finding], from: Severity, canvas: Canvas) -> String {
    let shown = all.iter().filter(|finding| finding.severity >= from);
    let groups = alike::groups(shown, canvas.verbose);
    let mut text = String::new();
    for group in &groups {
        text.push_str(&described(group, canvas));
    }
    if groups.len() > 1 {
        let count = |severity| {
            all.iter()
                .filter(|one| one.severity == severity && severity >= from)
                .count()
        };
        let parts = [
            counted(count(Severity::Error), "error"),
            counted(count(Severity::Warning), "warning"),
            counted(count(Severity::Note), "note"),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        text.push_str(&parts.join(", "));
        text.push('\n');
    }
    text
}

/// `3 errors`; nothing for none.
fn counted(count: usize, noun: &str) -> Option<String> {
    let plural = if count == 1 { "" } else { "s" };
    (count > 0).then(|| format!("{} {noun}{plural}", HumanCount(count as u64)))
}

/// Findings of one kind.
fn described(group: &Group<'_>, canvas: Canvas) -> String {
    let first = group.first;
    let heading = canvas.heading(first.severity, first.code);
    let mut text = format!("{heading}: {}\n", escaped(&group.message));
    for (label, content) in group.places.iter().take(PLACES) {
        item(&mut text, label, content);
    }
    if let Some(more) = group.places.len().checked_sub(PLACES)
        && more > 0
    {
        let more = HumanCount(more as u64);
        item(&mut text, "", &format!("and {more} more, listed by --json"));
    }
    item(&mut text, "help", first.help());
    text
}

/// A statement of a script. It may have several lines; other control characters, of a name, are shown so
/// that they do nothing.
fn sql(statement: &str) -> String {
    let lines: Vec<_> = statement.split('\n').map(escaped).collect();
    format!("{};\n", lines.join("\n"))
}

/// The result: what was looked at in detail, then one sentence, then the digests.
pub(in crate::cli) fn report(report: &Report, canvas: Canvas) -> String {
    let mut text = String::new();
    if !report.by_the_way || canvas.verbose {
        text.push_str(&detail(report, canvas));
    }
    for table in &report.tables {
        if let Some(merged) = table.merged.filter(|_| report.tables.len() > 1) {
            let name = table.target_name.as_ref().unwrap_or(&table.name);
            writeln!(text, "{}: {merged}", escaped(name)).expect("a String takes all text");
        }
    }
    if let Some(runs) = &report.runs {
        text.push_str(&runs::runs(runs, canvas));
    }
    for backup in &report.removed {
        text.push_str(&runs::removed(backup));
    }
    for statement in &report.script {
        text.push_str(&sql(statement));
    }
    if !report.summary.is_empty() {
        writeln!(text, "{}", escaped(&report.summary)).expect("a String takes all text");
    }
    if let Some(archive) = &report.archive {
        let sha256 = archive.sha256.as_deref().unwrap_or_default();
        for (label, digest) in [
            ("root", archive.root.as_str()),
            ("content_root", &archive.content_root),
            ("sha256", sha256),
        ] {
            if !digest.is_empty() {
                writeln!(text, "{label} {}", escaped(digest)).expect("a String takes all text");
            }
        }
    }
    text
}

/// Tables, objects and their order.
fn detail(report: &Report, canvas: Canvas) -> String {
    let mut text = String::new();
    let detailed = |table: &TableReport| !table.columns.is_empty() || !table.keys.is_empty();
    if report.tables.iter().any(detailed) {
        text.push_str(&tables::overview(&report.tables, canvas));
        for table in report.tables.iter().filter(|table| detailed(table)) {
            text.push_str(&tables::details(table, canvas));
        }
    }
    text.push_str(&tables::apart(&report.objects, canvas));
    if !report.order.is_empty() {
        text.push_str(&order(&report.order));
    }
    text
}

/// `import order: a, b, (c, d)`; brackets hold a cycle of foreign keys.
fn order(groups: &[Vec<String>]) -> String {
    let groups = groups.iter().map(|group| match group.as_slice() {
        [one] => escaped(one).into_owned(),
        cycle => format!("({})", escaped(&cycle.join(", "))),
    });
    format!("import order: {}\n", groups.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Mismatch;
    use crate::report::structure::Subject;
    use crate::report::{ArchiveFacts, ColumnReport};

    const PLAIN: Canvas = Canvas {
        color: false,
        width: None,
        verbose: false,
    };

    #[test]
    fn a_fault_says_what_where_why_and_what_to_do() {
        let damaged = Fault::new(
            Code::ArchiveDamaged,
            "rows do not match their recorded digest",
        )
        .because(Mismatch::new("ca97", "3e23\nnext\u{1b}[2J"))
        .in_entry("data/orders/000003")
        .at("shop.waybill");
        assert_eq!(
            fault(&damaged, PLAIN),
            "error[archive-damaged]: rows do not match their recorded digest
  where: `shop.waybill`, entry `data/orders/000003`
    why: recorded ca97, found 3e23
         next\\u{1b}[2J
   help: fetch another copy of the archive, or export again
"
        );
    }

    #[test]
    fn colour_is_added_only_where_it_is_wanted() {
        let bug = Fault::new(Code::Bug, "x");
        assert!(!fault(&bug, PLAIN).contains('\u{1b}'));
        let text = fault(
            &bug,
            Canvas {
                color: true,
                width: None,
                verbose: false,
            },
        );
        assert!(
            text.starts_with("\u{1b}[1m\u{1b}[31merror[bug]\u{1b}[0m: x"),
            "{text:?}"
        );
    }

    #[test]
    fn views_and_triggers_are_called_what_they_are() {
        let named = |subject| {
            Finding::new(Code::StructureLeftOut, Severity::Warning, "it is left out")
                .in_table("table of sums")
                .about(subject)
        };
        for (subject, place) in [
            (Subject::View(0), "view `table of sums`"),
            (Subject::Trigger(0), "trigger `table of sums`"),
            (Subject::Check(0), "table `table of sums`"),
        ] {
            let text = findings(&[named(subject)], Severity::Note, PLAIN);
            assert!(text.contains(&format!("  where: {place}\n")), "{text}");
        }
    }

    #[test]
    fn findings_alike_stand_together_and_the_worst_come_first() {
        let recast = |table: &str| {
            Finding::new(Code::Recast, Severity::Warning, "text in an INTEGER column")
                .in_table(table)
                .in_column("c")
        };
        let orphan = Finding::new(Code::ForeignKeyOrphan, Severity::Error, "no such parent")
            .in_table("b\u{202e}")
            .counted(12, vec!["id=1".to_owned(), "id=2".to_owned()]);
        let all = [recast("a").counted(3, Vec::new()), recast("b"), orphan];
        assert_eq!(
            findings(&all, Severity::Note, PLAIN),
            "error[foreign-key-orphan]: no such parent
  where: table `b\\u{202e}`: id=1, id=2 and 10 more
   help: insert the missing parent rows or remove the orphans in the source; the rows are carried all the same, into PostgreSQL with the constraint NOT VALID
warning[recast]: text in an INTEGER column
  where: table `a`, column `c` (3 times)
  where: table `b`, column `c`
   help: nothing to do: the value is kept exactly; `type` in a mapping file asks for another type
1 error, 2 warnings
"
        );
        let errors = findings(&all, Severity::Error, PLAIN);
        assert!(
            errors.starts_with("error") && !errors.contains("warning"),
            "{errors}"
        );
        assert_eq!(findings(&[], Severity::Note, PLAIN), "");
        let nowhere =
            |count| Finding::new(Code::Recast, Severity::Note, "x").counted(count, Vec::new());
        let text = |count| findings(&[nowhere(count)], Severity::Note, PLAIN);
        assert!(
            text(1).starts_with("note[recast]: x\n   help:"),
            "{}",
            text(1)
        );
        assert!(
            text(2).starts_with("note[recast]: x\n   help:"),
            "{}",
            text(2)
        );
    }

    #[test]
    fn a_finding_made_of_a_fault_keeps_its_advice() {
        let fault = Fault::new(Code::ArchiveDamaged, "x").hint("ask the sender for the root");
        let advised = Finding::from_fault(&fault);
        let general = Finding::new(Code::ArchiveDamaged, Severity::Error, "x");
        let text = findings(&[advised, general], Severity::Note, PLAIN);
        assert!(
            text.contains("   help: ask the sender for the root\n"),
            "{text}"
        );
        assert!(text.contains(Code::ArchiveDamaged.help()), "{text}");
    }

    #[test]
    fn many_places_of_one_finding_are_cut_and_counted() {
        let all: Vec<_> = (0..25)
            .map(|n| Finding::new(Code::Recast, Severity::Note, "x").in_table(n.to_string()))
            .collect();
        let text = findings(&all, Severity::Note, PLAIN);
        assert_eq!(text.matches("where:").count(), PLACES);
        assert!(text.contains("and 5 more, listed by --json"), "{text}");
    }

    #[test]
    fn a_report_without_columns_is_a_sentence_and_the_digests() {
        let done = Report {
            summary: "exported 1 table".to_owned(),
            tables: vec![TableReport::default()],
            archive: Some(ArchiveFacts {
                root: "aa".to_owned(),
                content_root: "bb".to_owned(),
                sha256: Some("cc".to_owned()),
                ..ArchiveFacts::default()
            }),
            ..Report::default()
        };
        assert_eq!(
            report(&done, PLAIN),
            "exported 1 table\nroot aa\ncontent_root bb\nsha256 cc\n"
        );
    }

    #[test]
    fn a_report_with_columns_shows_them_in_tables() {
        let column = ColumnReport {
            name: "id\u{1b}".to_owned(),
            declared: "INTEGER".to_owned(),
            target_name: Some("id".to_owned()),
            target_type: Some("bigint".to_owned()),
            evidence: "3 integer".to_owned(),
            proposals: vec!["date, as days since 1970 …".to_owned()],
            looks_like: vec!["date".to_owned()],
            ..ColumnReport::default()
        };
        let looked = Report {
            tables: vec![TableReport {
                name: "orders".to_owned(),
                target_name: None,
                kind: "table".to_owned(),
                rows: 1204,
                bytes: 2048,
                columns: vec![column],
                keys: vec!["primary key (id)".to_owned()],
                ..TableReport::default()
            }],
            order: vec![vec!["a".to_owned()], vec!["b".to_owned(), "c".to_owned()]],
            ..Report::default()
        };
        let text = report(&looked, PLAIN);
        let lines: Vec<_> = text
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(
            lines,
            [
                "TABLE KIND ROWS SIZE",
                "orders table 1,204 2.00 KiB",
                "",
                "orders",
                "COLUMN DECLARED TARGET VALUES",
                "id\\u{1b} -> id INTEGER bigint 3 integer; looks like date",
                "could be date, as days since 1970 …",
                "primary key (id)",
                "",
                "import order: a, (b, c)",
            ]
        );
        let imported = Report {
            by_the_way: true,
            ..looked
        };
        assert_eq!(report(&imported, PLAIN), "");
        let verbose = Canvas {
            verbose: true,
            ..PLAIN
        };
        assert_eq!(report(&imported, verbose), text);
    }
}
