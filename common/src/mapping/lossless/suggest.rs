//! What an operator may prefer to the plan's choice, as keys of a mapping file.
//!
//! Each suggestion may change values, or refuse some: it is for the operator to judge.

use crate::mapping::file::string;
use crate::mapping::plan::{ColumnPlan, EpochUnit, PgType, Proposal, Reading};
use crate::model::schema::Column;
use crate::profile::evidence::{ColumnEvidence, Form};

/// An alternative: what it means, and its keys.
pub(super) struct Suggestion {
    pub(super) words: String,
    pub(super) keys: Vec<String>,
}

fn suggestion(words: impl Into<String>, keys: &[&str]) -> Suggestion {
    Suggestion {
        words: words.into(),
        keys: keys.iter().map(|key| (*key).to_owned()).collect(),
    }
}

/// Other ways to hold texts that PostgreSQL's text does not.
pub(super) fn instead_of_refused(evidence: &ColumnEvidence) -> Vec<Suggestion> {
    let mut all = Vec::new();
    if evidence.blobs + evidence.integers + evidence.reals > 0 {
        return all;
    }
    for (count, key, what) in [
        (evidence.count(Form::NulText), "nul", "the NUL characters"),
        (evidence.raw_texts, "invalid-text", "the invalid bytes"),
    ] {
        if count == 0 {
            continue;
        }
        for (word, does) in [
            ("strip", "are left out"),
            ("replace", "become U+FFFD"),
            ("escape", "become escapes, and backslashes are doubled"),
        ] {
            all.push(Suggestion {
                words: format!("text, in which {what} {does}"),
                keys: vec!["type = \"text\"".to_owned(), format!("{key} = \"{word}\"")],
            });
        }
    }
    all
}

/// What else the values of a column that fits may be taken for.
pub(super) fn instead_of_planned(
    column: &Column,
    planned: &ColumnPlan,
    evidence: &ColumnEvidence,
) -> Vec<Suggestion> {
    if planned.identity.is_some() || evidence.present() == 0 {
        return Vec::new();
    }
    let mut all = Vec::new();
    all.extend(planned.proposals.iter().map(proposed));
    all.extend(spellings(planned, evidence));
    all.extend(mostly(planned, evidence));
    all.extend(length(column, planned, evidence));
    all
}

/// A proposal of the plan as keys.
fn proposed(proposal: &Proposal) -> Suggestion {
    let words = |words: &[String]| {
        let words = words.iter().map(|word| string(word));
        words.collect::<Vec<_>>().join(", ")
    };
    let keys = match &proposal.reading {
        Reading::Epoch(unit) => vec![format!("epoch = {}", string(epoch(*unit)))],
        Reading::Zone(zone) => vec![format!("zone = {}", string(zone))],
        Reading::Words { yes, no } => vec![
            format!("true = [{}]", words(yes)),
            format!("false = [{}]", words(no)),
        ],
        Reading::Plain
        | Reading::Cell
        | Reading::Bytes
        | Reading::Values { .. }
        | Reading::Uuid
        | Reading::Json { .. } => {
            vec![format!("type = {}", string(&proposal.target.name()))]
        }
    };
    Suggestion {
        words: format!("{}, {}", proposal.target.name(), proposal.reason),
        keys,
    }
}

/// The word of a mapping file for a unit.
fn epoch(unit: EpochUnit) -> &'static str {
    match unit {
        EpochUnit::Seconds => "seconds",
        EpochUnit::Milliseconds => "milliseconds",
        EpochUnit::Microseconds => "microseconds",
        EpochUnit::JulianDays => "julian-days",
        EpochUnit::Days => "days",
        EpochUnit::Seconds2001 => "seconds-2001",
        EpochUnit::Microseconds1601 => "microseconds-1601",
        EpochUnit::Ticks1601 => "ticks-1601",
    }
}

/// Types that keep the spelling.
fn spellings(planned: &ColumnPlan, evidence: &ColumnEvidence) -> Vec<Suggestion> {
    let text = |what: &str| suggestion(format!("text, which keeps {what}"), &["type = \"text\""]);
    match planned.target {
        PgType::Jsonb => vec![
            suggestion(
                "json, which keeps blanks and the order of keys",
                &["type = \"json\""],
            ),
            text("blanks and the order of keys, and has an order"),
        ],
        PgType::Timestamptz => vec![text("the written offset")],
        PgType::Uuid if evidence.count(Form::UuidUpper) > 0 => vec![text("upper-case digits")],
        _ => Vec::new(),
    }
}

/// Texts of which most have a form: the others may stand for NULL.
fn mostly(planned: &ColumnPlan, evidence: &ColumnEvidence) -> Option<Suggestion> {
    if planned.target != PgType::Text || evidence.texts != evidence.present() {
        return None;
    }
    let forms = [
        (Form::Date, "date"),
        (Form::Timestamp, "timestamp"),
        (Form::TimestampOffset, "timestamptz"),
        (Form::Uuid, "uuid"),
        (Form::Inet, "inet"),
        (Form::JsonPlain, "jsonb"),
    ];
    let half = evidence.texts.div_ceil(2);
    let (_, name) = forms.into_iter().find(|(form, _)| {
        let count = evidence.count(*form);
        count >= half && count < evidence.texts
    })?;
    Some(Suggestion {
        words: format!("{name}, if the other texts are empty and mean NULL"),
        keys: vec![format!("type = \"{name}\""), "null-if = [\"\"]".to_owned()],
    })
}

/// The declared length of a text, where no value is longer.
fn length(column: &Column, planned: &ColumnPlan, evidence: &ColumnEvidence) -> Option<Suggestion> {
    let declared = column.declared_type.to_ascii_uppercase();
    let (name, rest) = declared.split_once('(')?;
    let length: u32 = rest.split_once(')')?.0.trim().parse().ok()?;
    let fits = name.contains("CHAR")
        && planned.target == PgType::Text
        && (1..=10_485_760).contains(&length)
        && evidence.longest_text <= u64::from(length);
    fits.then(|| Suggestion {
        words: "the declared length; no value is longer".to_owned(),
        keys: vec![format!("type = {}", string(&format!("varchar({length})")))],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::file::{MappingFile, column_heading};
    use crate::mapping::plan::Conversion;

    fn conversion(reading: Reading, target: PgType) -> Option<Conversion> {
        let proposal = Proposal {
            target,
            reading,
            reason: "why".to_owned(),
        };
        let keys = proposed(&proposal).keys.join("\n");
        let heading = column_heading("t", "a");
        let text = format!("waybill-mapping = 1\n{heading}\n{keys}\n");
        let file = MappingFile::parse(&text, "map.toml").unwrap();
        let rules = &file.table("t").unwrap().columns;
        let (_, rule) = rules.iter().next().unwrap();
        rule.conversion()
    }

    #[test]
    fn what_is_written_for_a_proposal_is_read_back_as_it() {
        let units = [
            EpochUnit::Seconds,
            EpochUnit::Milliseconds,
            EpochUnit::Microseconds,
            EpochUnit::JulianDays,
            EpochUnit::Days,
            EpochUnit::Seconds2001,
            EpochUnit::Microseconds1601,
            EpochUnit::Ticks1601,
        ];
        let mut readings: Vec<Reading> = units.map(Reading::Epoch).to_vec();
        readings.push(Reading::Zone("UTC".to_owned()));
        readings.push(Reading::Words {
            yes: vec!["yes".to_owned(), "y\"".to_owned()],
            no: vec!["no".to_owned()],
        });
        for reading in readings {
            let found = conversion(reading.clone(), PgType::Timestamptz).unwrap();
            assert_eq!(found.reading, reading);
        }
        assert_eq!(conversion(Reading::Plain, PgType::Boolean), None);
    }
}
