//! The history of a target, a run a block: identifiers are too long for columns.

use super::text::Canvas;
use crate::report::escape::escaped;
use crate::report::runs::{BackupReport, RunReport};
use anstyle::Style;
use indicatif::{HumanBytes, HumanCount};
use std::fmt::Write as _;

/// All runs, the newest last.
pub(super) fn runs(runs: &[RunReport], canvas: Canvas) -> String {
    let mut text = String::new();
    for run in runs {
        text.push_str(&canvas.painted(Style::new().bold(), &escaped(&run.run)));
        text.push('\n');
        let mut line = |label: &str, content: &str| {
            writeln!(text, "{label:>9}: {}", escaped(content)).expect("a String takes all text");
        };
        line("when", &run.when);
        line("did", &did(run));
        if let Some(extent) = extent(run) {
            line("content", &extent);
        }
        if let Some(root) = &run.root {
            line("archive", root);
        }
        line("state", run.state.name());
        if !run.workers.is_empty() {
            line("at work", &run.workers.join(", "));
        }
        if let Some(backup) = &run.backup {
            line("backup", &place(backup));
        }
        line(
            "undo",
            if run.undoable {
                "possible"
            } else {
                "not possible"
            },
        );
        text.push('\n');
    }
    text
}

/// A backup that is no more.
pub(super) fn removed(backup: &BackupReport) -> String {
    format!("removed {}\n", escaped(&place(backup)))
}

fn did(run: &RunReport) -> String {
    match &run.undoes {
        Some(undone) => format!("{} {undone}", run.mode.name()),
        None => run.mode.name().to_owned(),
    }
}

/// How much it was, where that is recorded.
fn extent(run: &RunReport) -> Option<String> {
    let (tables, rows) = (run.tables?, run.rows?);
    let plural = |count: u64| if count == 1 { "" } else { "s" };
    let schema = run.schema.as_ref();
    let home = schema.map(|schema| format!(" in schema {schema}"));
    Some(format!(
        "{} table{}, {} row{}{}",
        HumanCount(tables),
        plural(tables),
        HumanCount(rows),
        plural(rows),
        home.unwrap_or_default()
    ))
}

fn place(backup: &BackupReport) -> String {
    match backup.bytes {
        Some(bytes) => format!("{} ({})", backup.location, HumanBytes(bytes)),
        None => backup.location.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::runs::{RunMode, RunState};

    #[test]
    fn a_run_says_what_it_did_and_what_can_be_undone() {
        let run = RunReport {
            run: "01-a".to_owned(),
            when: "2026-01-31T10:00:00Z".to_owned(),
            tool: "waybill-import 1.2.3".to_owned(),
            mode: RunMode::Undo,
            undoes: Some("00-b".to_owned()),
            root: Some("aa".to_owned()),
            content_root: Some("bb".to_owned()),
            state: RunState::Current,
            undoable: true,
            backup: Some(BackupReport {
                location: "a\u{1b}.db".to_owned(),
                bytes: Some(2048),
            }),
            schema: Some("public".to_owned()),
            tables: Some(1),
            rows: Some(2),
            workers: vec!["db1 7".to_owned()],
        };
        assert_eq!(
            runs(&[run], Canvas::default()),
            "01-a
     when: 2026-01-31T10:00:00Z
      did: undo 00-b
  content: 1 table, 2 rows in schema public
  archive: aa
    state: current
  at work: db1 7
   backup: a\\u{1b}.db (2.00 KiB)
     undo: possible

"
        );
    }
}
