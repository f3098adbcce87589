//! The file of `--report`: what `--json` says, or the same in words.

use super::args::JsonOutput;
use super::exit::Ending;
use super::render::json::{self, Start, written};
use super::render::text::{self, Canvas};
use super::streams::{JsonSink, REPORT_TITLE};
use crate::fault::{Code, Fault, Result};
use crate::report::escape::escaped;
use crate::report::{Report, Severity};
use indicatif::{HumanBytes, HumanCount};
use jiff::Timestamp;
use std::fmt::Write as _;
use std::path::Path;

/// A report to be written.
#[derive(Debug)]
pub(super) struct ReportFile {
    sink: JsonSink,
    in_words: bool,
}

impl ReportFile {
    /// Makes sure that it can be written.
    pub(super) fn open(path: &Path) -> Result<ReportFile> {
        let ending = path.extension().and_then(|ending| ending.to_str());
        let in_words = match ending {
            Some("json") => false,
            Some("txt") => true,
            _ => {
                let what = "the name of the report ends neither in .json nor in .txt";
                return Err(Fault::new(Code::Usage, what).at(path.display()));
            }
        };
        let sink = JsonSink::open(JsonOutput::File(path))?;
        Ok(ReportFile { sink, in_words })
    }

    pub(super) fn write(
        self,
        start: &Start,
        ending: Ending,
        report: &Report,
        fault: Option<&Fault>,
    ) -> Result<()> {
        let text = if self.in_words {
            words(start, ending, report, fault)
        } else {
            json::object(start, ending, report, fault)
        };
        self.sink.write(&text)
    }
}

fn words(start: &Start, ending: Ending, report: &Report, fault: Option<&Fault>) -> String {
    let mut text = format!("{REPORT_TITLE}\n\n");
    let mut line = |label: &str, value: &str| {
        if !value.is_empty() {
            writeln!(text, "{label:<9} {}", escaped(value)).expect("a String takes all text");
        }
    };
    line("program", &format!("{} {}", start.tool(), start.version()));
    line("run", &json::run_id(start, report));
    line("began", &start.started());
    line("ended", &written(Timestamp::now()));
    line(
        "status",
        &format!("{} (exit code {})", ending.status(), ending.code()),
    );
    line("source", report.source.as_deref().unwrap_or_default());
    line("target", report.target.as_deref().unwrap_or_default());
    if let Some(archive) = &report.archive {
        line("archive", &archive.path);
        line("root", &archive.root);
    }
    line("result", &report.summary);
    line("undo", &json::undo(report).unwrap_or_default());
    amounts(&mut text, report);
    let canvas = Canvas::default();
    let findings = text::findings(&report.findings, Severity::Note, canvas);
    let failure = fault.map(|fault| text::fault(fault, canvas));
    for part in [Some(findings), failure].into_iter().flatten() {
        if !part.is_empty() {
            text.push('\n');
            text.push_str(&part);
        }
    }
    text
}

/// Durations, rows and bytes.
fn amounts(text: &mut String, report: &Report) {
    let amount =
        |rows: u64, bytes: u64| format!("{} rows, {}", HumanCount(rows), HumanBytes(bytes));
    let mut add = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    if !report.phases.is_empty() {
        add("\nphases".to_owned());
    }
    for phase in &report.phases {
        let (name, amount) = (escaped(&phase.name), amount(phase.rows, phase.bytes));
        add(format!("  {:>10.3} s  {name}: {amount}", phase.seconds));
    }
    if !report.tables.is_empty() {
        add("\ntables".to_owned());
    }
    for table in &report.tables {
        add(format!(
            "  {}: {}",
            escaped(&table.name),
            amount(table.rows, table.bytes)
        ));
    }
}
