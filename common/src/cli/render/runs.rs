//! The history of a target, a run a block: identifiers are too long for columns.

use super::text::Canvas;
use crate::report::escape::escaped;
use crate::report::runs::{BackupReport, RunReport};
use anstyle::Style;
use indicatif::HumanBytes;
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
        if let Some(root) = &run.root {
            line("archive", root);
        }
        line("state", run.state.name());
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
        };
        assert_eq!(
            runs(&[run], Canvas::default()),
            "01-a
     when: 2026-01-31T10:00:00Z
      did: undo 00-b
  archive: aa
    state: current
   backup: a\\u{1b}.db (2.00 KiB)
     undo: possible

"
        );
    }
}
