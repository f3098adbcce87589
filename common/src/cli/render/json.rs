//! The JSON object of `--json`, form `waybill.result/1`; `docs/result.schema.json` describes it.
//!
//! Data values and keys are strings, counts are integers, arrays have a fixed order, so that two
//! results can be compared line by line.

use crate::cli::exit::Ending;
use crate::fault::{Fault, Place};
use crate::report::escape::escaped_json;
use crate::report::runs::{BackupReport, RunReport};
use crate::report::structure::ObjectReport;
use crate::report::{
    ArchiveFacts, Finding, MergeCounts, PhaseReport, Report, Severity, TableReport, Totals,
};
use jiff::{Timestamp, Unit};
use serde::Serialize;
use uuid::Uuid;

/// Permanent name of this form; what is removed or changes its meaning gets another one.
const SCHEMA: &str = "waybill.result/1";

/// Which program ran, and when it began.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Start {
    tool: String,
    version: String,
    run_id: Uuid,
    started: Timestamp,
}

impl Start {
    /// The run of `tool` that begins now.
    pub(in crate::cli) fn now(tool: &str, version: &str) -> Self {
        Start {
            tool: tool.to_owned(),
            version: version.to_owned(),
            run_id: Uuid::now_v7(),
            started: Timestamp::now(),
        }
    }

    pub(in crate::cli) fn tool(&self) -> &str {
        &self.tool
    }

    pub(in crate::cli) fn version(&self) -> &str {
        &self.version
    }

    pub(in crate::cli) fn run_id(&self) -> String {
        self.run_id.to_string()
    }

    /// When it began, in UTC.
    pub(in crate::cli) fn started(&self) -> String {
        written(self.started)
    }
}

#[derive(Serialize)]
struct Object<'a> {
    schema: &'static str,
    tool: &'a str,
    version: &'a str,
    run_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    undo: Option<String>,
    status: &'static str,
    exit_code: i32,
    started: String,
    finished: String,
    source: Option<&'a str>,
    target: Option<&'a str>,
    archive: Option<&'a ArchiveFacts>,
    totals: Totals,
    #[serde(skip_serializing_if = "Option::is_none")]
    merged: Option<MergeCounts>,
    tables: &'a [TableReport],
    phases: &'a [PhaseReport],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    objects: &'a [ObjectReport],
    order: &'a [Vec<String>],
    #[serde(skip_serializing_if = "Option::is_none")]
    runs: Option<&'a [RunReport]>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    removed: &'a [BackupReport],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    script: &'a [String],
    findings: Vec<FoundObject<'a>>,
    error: Option<ErrorObject<'a>>,
}

#[derive(Serialize)]
struct FoundObject<'a> {
    code: &'static str,
    severity: Severity,
    object: Named<'a>,
    message: &'a str,
    count: u64,
    samples: &'a [String],
    hint: &'a str,
}

/// What a finding is about.
#[derive(Serialize)]
struct Named<'a> {
    table: Option<&'a str>,
    column: Option<&'a str>,
    entry: Option<&'a str>,
    name: Option<&'a str>,
}

#[derive(Serialize)]
struct ErrorObject<'a> {
    code: &'static str,
    what: &'a str,
    #[serde(rename = "where")]
    place: PlaceObject<'a>,
    why: Vec<String>,
    help: &'a str,
}

#[derive(Serialize)]
struct PlaceObject<'a> {
    location: Option<&'a str>,
    entry: Option<&'a str>,
    name: Option<&'a str>,
    table: Option<&'a str>,
    column: Option<&'a str>,
    row: Option<&'a str>,
}

/// The object, in indented lines with a newline at the end.
pub(in crate::cli) fn object(
    start: &Start,
    ending: Ending,
    report: &Report,
    fault: Option<&Fault>,
) -> String {
    let object = Object {
        schema: SCHEMA,
        tool: &start.tool,
        version: &start.version,
        run_id: run_id(start, report),
        undo: undo(report),
        status: ending.status(),
        exit_code: ending.code(),
        started: written(start.started),
        finished: written(Timestamp::now()),
        source: report.source.as_deref(),
        target: report.target.as_deref(),
        archive: report.archive.as_ref(),
        totals: report.totals,
        merged: report.merged,
        tables: &report.tables,
        phases: &report.phases,
        objects: &report.objects,
        order: &report.order,
        runs: report.runs.as_deref(),
        removed: &report.removed,
        script: &report.script,
        findings: findings(&report.findings),
        error: fault.map(error),
    };
    let json =
        serde_json::to_string_pretty(&object).expect("strings, numbers and lists of them are JSON");
    format!("{}\n", escaped_json(&json))
}

/// The run that the target's history knows, so that `undo` can be told of it; else this one's own.
pub(in crate::cli) fn run_id(start: &Start, report: &Report) -> String {
    match &report.run {
        Some(run) => run.clone(),
        None => start.run_id.to_string(),
    }
}

/// The command that takes the run back, where the target's history knows it.
pub(in crate::cli) fn undo(report: &Report) -> Option<String> {
    let (run, target) = (report.run.as_deref()?, report.target.as_deref()?);
    let ledger = match &report.ledger_schema {
        Some(schema) => format!(" --ledger-schema {schema}"),
        None => String::new(),
    };
    (!report.cannot_undo).then(|| format!("waybill-import undo{ledger} {target} {run}"))
}

fn findings(found: &[Finding]) -> Vec<FoundObject<'_>> {
    let mut sorted: Vec<_> = found.iter().collect();
    sorted.sort_by_key(|finding| {
        let Place {
            table,
            column,
            entry,
            ..
        } = &finding.place;
        (table, column, entry, finding.code.name(), &finding.message)
    });
    sorted.into_iter().map(found_object).collect()
}

fn found_object(finding: &Finding) -> FoundObject<'_> {
    FoundObject {
        code: finding.code.name(),
        severity: finding.severity,
        object: Named {
            table: finding.place.table.as_deref(),
            column: finding.place.column.as_deref(),
            entry: finding.place.entry.as_deref(),
            // An archive that cannot be opened is all there is to name.
            name: finding
                .place
                .object
                .as_deref()
                .or(finding.place.location.as_deref()),
        },
        message: &finding.message,
        count: finding.count,
        samples: &finding.samples,
        hint: finding.help(),
    }
}

fn error(fault: &Fault) -> ErrorObject<'_> {
    let Place {
        location,
        entry,
        object,
        table,
        column,
        row,
    } = fault.place();
    ErrorObject {
        code: fault.code().name(),
        what: fault.what(),
        place: PlaceObject {
            location: location.as_deref(),
            entry: entry.as_deref(),
            name: object.as_deref(),
            table: table.as_deref(),
            column: column.as_deref(),
            row: row.as_deref(),
        },
        why: fault.causes(),
        help: fault.help(),
    }
}

/// RFC 3339 in UTC, to the millisecond.
pub(in crate::cli) fn written(moment: Timestamp) -> String {
    moment
        .round(Unit::Millisecond)
        .unwrap_or(moment)
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Code, Exit};
    use serde_json::Value;

    fn parsed(report: &Report, fault: Option<&Fault>) -> Value {
        let start = Start::now("waybill-test", "1.2.3");
        let text = object(&start, Ending::Exit(Exit::Failed), report, fault);
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn a_failure_keeps_its_place_and_every_cause() {
        let cause = Fault::new(Code::Bug, "inner").because(std::io::Error::other("innermost"));
        let fault = Fault::new(Code::ArchiveDamaged, "x")
            .in_table("t")
            .because(cause);
        let object = parsed(&Report::default(), Some(&fault));
        assert_eq!(object["error"]["code"], "archive-damaged");
        assert_eq!(object["error"]["where"]["table"], "t");
        assert_eq!(
            object["error"]["why"],
            serde_json::json!(["inner", "innermost"])
        );
        assert_eq!(object["status"], "failed");
        assert_eq!(object["exit_code"], 1);
    }

    #[test]
    fn findings_stand_in_the_order_of_their_objects() {
        let finding = |table: &str, message: &str| {
            Finding::new(Code::Recast, Severity::Note, message).in_table(table)
        };
        let report = Report {
            findings: vec![finding("b", "1"), finding("a", "2"), finding("a", "1")],
            ..Report::default()
        };
        let object = parsed(&report, None);
        let keys: Vec<_> = object["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|found| format!("{}{}", found["object"]["table"], found["message"]))
            .collect();
        assert_eq!(keys, ["\"a\"\"1\"", "\"a\"\"2\"", "\"b\"\"1\""]);
    }

    #[test]
    fn what_belongs_to_no_table_has_a_name() {
        let pragma = Finding::new(Code::StructureLeftOut, Severity::Note, "x").on("PRAGMA a");
        let damaged = Finding::from_fault(&Fault::new(Code::ArchiveDamaged, "x").at("a.waybill"));
        let report = Report {
            findings: vec![pragma, damaged],
            ..Report::default()
        };
        let missing = Fault::new(Code::RightMissing, "x").on("role shop");
        let object = parsed(&report, Some(&missing));
        let names: Vec<_> = object["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|found| found["object"]["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["a.waybill", "PRAGMA a"]);
        assert_eq!(object["error"]["where"]["name"], "role shop");
    }

    #[test]
    fn moments_are_in_utc_to_the_millisecond() {
        let moment = "2026-01-31T12:00:00.123456+02:00".parse().unwrap();
        assert_eq!(written(moment), "2026-01-31T10:00:00.123Z");
    }
}
