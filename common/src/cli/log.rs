//! The file of `--log-file`: a line for every step, with the time in UTC.
//!
//! Lines are only ever added. What comes from data or names is escaped, so that a line stays a line.

use super::args::{LogFormat, LogTarget};
use super::exit::Ending;
use super::render::json::{Start, written};
use crate::fault::{Code, Fault, Result};
use crate::progress::Extent;
use crate::report::escape::{escaped, escaped_json};
use crate::report::{Finding, PhaseReport, Report, Severity};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// An open log.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    format: LogFormat,
    run: String,
    /// The first failure to write is kept, and ends the log.
    file: Mutex<std::result::Result<File, Option<io::Error>>>,
}

impl Log {
    /// Opens the file for adding lines; a new one is the owner's alone.
    pub(super) fn open(target: LogTarget<'_>, start: &Start) -> Result<Log> {
        let path = target.path.to_owned();
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&path);
        let file = file.map_err(|error| unwritable(&path, error))?;
        let log = Log {
            path,
            format: target.format,
            run: start.run_id(),
            file: Mutex::new(Ok(file)),
        };
        let process = std::process::id();
        log.line(
            "begin",
            &json!({ "tool": start.tool(), "version": start.version(), "process": process }),
        );
        log.failed().map_or(Ok(log), Err)
    }

    pub(super) fn phase(&self, name: &str, extent: Extent) {
        self.line(
            "phase",
            &json!({ "phase": name, "rows_total": extent.rows, "bytes_total": extent.bytes }),
        );
    }

    pub(super) fn phase_done(&self, phase: &PhaseReport) {
        let PhaseReport {
            name,
            seconds,
            rows,
            bytes,
        } = phase;
        self.line(
            "phase-done",
            &json!({ "phase": name, "seconds": seconds, "rows": rows, "bytes": bytes }),
        );
    }

    pub(super) fn table(&self, name: &str) {
        self.line("table", &json!({ "table": name }));
    }

    pub(super) fn retry(&self, what: &str, why: &str) {
        self.line("retry", &json!({ "what": what, "why": why }));
    }

    /// Findings, the failure and how it ended.
    pub(super) fn end(&self, report: &Report, fault: Option<&Fault>, ending: Ending) {
        for finding in &report.findings {
            self.line("finding", &found(finding));
        }
        if let Some(fault) = fault {
            self.line(
                "error",
                &json!({
                    "code": fault.code().name(), "message": fault.what(),
                    "where": fault.place().to_string(), "why": fault.causes(), "hint": fault.help(),
                }),
            );
        }
        self.line(
            "end",
            &json!({ "status": ending.status(), "exit_code": ending.code(), "summary": report.summary }),
        );
    }

    /// The failure to write to it, once there has been one; told once.
    pub(super) fn failed(&self) -> Option<Fault> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let error = file.as_mut().err()?.take()?;
        Some(unwritable(&self.path, error))
    }

    fn line(&self, event: &str, facts: &Value) {
        let now = written(Timestamp::now());
        let empty = Map::new();
        let facts = facts.as_object().unwrap_or(&empty);
        let facts = facts.iter().filter(|(_, value)| !is_empty(value));
        let line = match self.format {
            LogFormat::Text => {
                let facts = facts.map(|(key, value)| format!(" {key}={value}"));
                let facts: String = facts.collect();
                escaped(&format!("{now} {} {event}{facts}", self.run)).into_owned()
            }
            LogFormat::Json => {
                let mut object = Map::new();
                object.insert("time".to_owned(), now.into());
                object.insert("run_id".to_owned(), self.run.clone().into());
                object.insert("event".to_owned(), event.into());
                object.extend(facts.map(|(key, value)| (key.clone(), value.clone())));
                escaped_json(&Value::Object(object).to_string()).into_owned()
            }
        };
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(open) = file.as_mut()
            // One write a line: lines of programs that share a log do not mix.
            && let Err(error) = open.write_all(format!("{line}\n").as_bytes())
        {
            *file = Err(Some(error));
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(all) => all.is_empty(),
        _ => false,
    }
}

fn found(finding: &Finding) -> Value {
    let severity = match finding.severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    json!({
        "severity": severity, "code": finding.code.name(), "where": finding.place.to_string(),
        "message": finding.message, "count": finding.count, "samples": finding.samples,
    })
}

fn unwritable(path: &std::path::Path, error: io::Error) -> Fault {
    Fault::new(Code::OutputUnwritable, "cannot write the log")
        .at(path.display())
        .because(error)
}
