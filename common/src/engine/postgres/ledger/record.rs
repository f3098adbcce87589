//! What came of a step, as the ledger keeps it: JSON in `steps.result`.
//!
//! A run may be finished by another process than the one that began it: its report and its checks
//! need what the others found.

use serde::{Deserialize, Serialize};

use crate::digest::Multiset;
use crate::fault::{Code, Fault, Result};
use crate::report::structure::Subject;
use crate::report::{Finding, Severity};

/// What came of a step.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Record {
    /// The sum over the rows of a part, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) sum: Option<String>,
    /// Computed columns that are left out, by their names in the target.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in super::super) dropped_columns: Vec<String>,
    /// Checks of the table that hold for new rows only, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in super::super) unproved_checks: Vec<String>,
    /// Checks that are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in super::super) dropped_checks: Vec<String>,
    /// Indexes that are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in super::super) dropped_indexes: Vec<String>,
    /// What became of the rows of each table of the plan that were merged: inserted, updated, unchanged
    /// and skipped ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in super::super) merged: Vec<[u64; 4]>,
    /// What there is to say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in super::super) findings: Vec<Saved>,
}

impl Record {
    /// What came of a part: the rows that were sent.
    pub(in super::super) fn of_part(rows: &Multiset) -> Record {
        Record {
            sum: Some(rows.sum_hex()),
            ..Record::default()
        }
    }

    /// As the ledger keeps it; nothing where there is nothing to say.
    pub(super) fn text(&self) -> Result<Option<String>> {
        if *self == Record::default() {
            return Ok(None);
        }
        let text = serde_json::to_string(self);
        text.map(Some).map_err(|error| {
            Fault::new(Code::Bug, "cannot write down what came of a step").because(error)
        })
    }

    /// As it was written down.
    pub(super) fn read(text: Option<&str>) -> Result<Record> {
        let Some(text) = text else {
            return Ok(Record::default());
        };
        serde_json::from_str(text).map_err(|error| {
            Fault::new(
                Code::ServerUnfit,
                "the ledger holds what this program cannot read",
            )
            .because(error)
            .hint("use the program that began the run, or begin anew with --new-run")
        })
    }
}

/// A finding that somebody else tells again later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Saved {
    code: String,
    severity: Severity,
    table: Option<String>,
    column: Option<String>,
    message: String,
    count: u64,
    samples: Vec<String>,
    hint: Option<String>,
    subject: Option<Subject>,
}

impl From<&Finding> for Saved {
    fn from(finding: &Finding) -> Saved {
        Saved {
            code: finding.code.name().to_owned(),
            severity: finding.severity,
            table: finding.place.table.clone(),
            column: finding.place.column.clone(),
            message: finding.message.clone(),
            count: finding.count,
            samples: finding.samples.clone(),
            hint: finding.hint.clone(),
            subject: finding.subject,
        }
    }
}

impl From<Saved> for Finding {
    fn from(saved: Saved) -> Finding {
        let mut codes = Code::ALL.iter();
        let code = codes.find(|code| code.name() == saved.code);
        let mut finding = Finding::new(
            *code.unwrap_or(&Code::StructureLeftOut),
            saved.severity,
            saved.message,
        );
        (finding.place.table, finding.place.column) = (saved.table, saved.column);
        (finding.hint, finding.subject) = (saved.hint, saved.subject);
        finding.counted(saved.count, saved.samples)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_down_reads_back() {
        let finding = Finding::new(Code::StructureWeakened, Severity::Warning, "weaker")
            .in_table("t")
            .in_column("c")
            .hint("do")
            .about(Subject::Index(3))
            .counted(7, vec!["id=1".to_owned()]);
        let record = Record {
            unproved_checks: vec!["positive".to_owned()],
            findings: vec![Saved::from(&finding)],
            ..Record::default()
        };
        let text = record.text().unwrap();
        let read = Record::read(text.as_deref()).unwrap();
        assert_eq!(read, record);
        assert_eq!(Finding::from(read.findings[0].clone()), finding);
        assert_eq!(Record::default().text().unwrap(), None);
        assert_eq!(Record::read(None).unwrap(), Record::default());
        let strange = Record::read(Some("{\"later\": 1}")).unwrap_err();
        assert_eq!(strange.code(), Code::ServerUnfit);
    }
}
