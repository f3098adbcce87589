//! What an operator may prefer to the plan's choice, as keys of a mapping file.
//!
//! Each suggestion may change values, or refuse some: it is for the operator to judge.

use crate::mapping::file::string;
use crate::mapping::plan::{ColumnPlan, PgType};
use crate::model::schema::Column;
use crate::profile::evidence::{ColumnEvidence, Form};
use jiff::{SignedDuration, Timestamp};

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
    all.extend(epochs(column, evidence));
    all.extend(booleans(planned, evidence));
    all.extend(spellings(planned, evidence));
    all.extend(blobs(evidence));
    all.extend(mostly(planned, evidence));
    all.extend(length(column, planned, evidence));
    all
}

fn all_are(evidence: &ColumnEvidence, form: Form) -> bool {
    evidence.count(form) == evidence.present()
}

fn booleans(planned: &ColumnPlan, evidence: &ColumnEvidence) -> Option<Suggestion> {
    if planned.target != PgType::Boolean && all_are(evidence, Form::ZeroOne) {
        return Some(suggestion(
            "true and false, in place of 1 and 0",
            &["type = \"boolean\""],
        ));
    }
    all_are(evidence, Form::BooleanWord).then(|| {
        suggestion(
            "true and false, by words in any case",
            &[
                "true = [\"true\", \"t\", \"yes\", \"y\", \"on\"]",
                "false = [\"false\", \"f\", \"no\", \"n\", \"off\"]",
            ],
        )
    })
}

/// Types that keep the spelling, and a zone for times that have none.
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
        PgType::Timestamp => vec![suggestion(
            "moments, if the times were written in this zone",
            &["zone = \"UTC\""],
        )],
        PgType::Uuid if evidence.count(Form::UuidUpper) > 0 => vec![text("upper-case digits")],
        _ => Vec::new(),
    }
}

fn blobs(evidence: &ColumnEvidence) -> Option<Suggestion> {
    let suits = evidence.blobs == evidence.present() && evidence.longest_blob == 16;
    suits.then(|| suggestion("UUIDs, if each blob has 16 bytes", &["type = \"uuid\""]))
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

/// Moments that numbers may stand for, with the first and the last of them.
fn epochs(column: &Column, evidence: &ColumnEvidence) -> Vec<Suggestion> {
    let Some((smallest, largest)) = evidence.integer_range else {
        return Vec::new();
    };
    if evidence.integers != evidence.present() {
        return Vec::new();
    }
    let named = is_named_as_time(column);
    EPOCHS
        .iter()
        .filter(|epoch| named || !epoch.only_named)
        .filter_map(|epoch| {
            let (first, last) = (epoch.moment(smallest)?, epoch.moment(largest)?);
            let likely = first >= EARLIEST && last < LATEST;
            likely.then(|| Suggestion {
                words: format!("moments from {first:.0} to {last:.0}"),
                keys: vec![format!("epoch = \"{}\"", epoch.name)],
            })
        })
        .collect()
}

/// Moments are looked for in the years 1990 to 2100.
const EARLIEST: Timestamp = Timestamp::constant(631_152_000, 0);
const LATEST: Timestamp = Timestamp::constant(4_133_980_800, 0);

struct Epoch {
    /// Its word in a mapping file.
    name: &'static str,
    /// Units in a second, or seconds in a unit.
    unit: Unit,
    /// Seconds from 1970 to its zero.
    zero: i64,
    /// Too many numbers would suit it: the column's name or type must speak for it.
    only_named: bool,
}

enum Unit {
    PerSecond(i64),
    Seconds(i64),
}

const EPOCHS: [Epoch; 8] = [
    Epoch::new("seconds", Unit::Seconds(1), 0, false),
    Epoch::new("milliseconds", Unit::PerSecond(1_000), 0, false),
    Epoch::new("microseconds", Unit::PerSecond(1_000_000), 0, false),
    Epoch::new("days", Unit::Seconds(86_400), 0, true),
    // Julian days begin at noon.
    Epoch::new("julian-days", Unit::Seconds(86_400), -210_866_760_000, true),
    Epoch::new("seconds-2001", Unit::Seconds(1), 978_307_200, true),
    Epoch::new(
        "microseconds-1601",
        Unit::PerSecond(1_000_000),
        -11_644_473_600,
        false,
    ),
    Epoch::new(
        "ticks-1601",
        Unit::PerSecond(10_000_000),
        -11_644_473_600,
        false,
    ),
];

impl Epoch {
    const fn new(name: &'static str, unit: Unit, zero: i64, only_named: bool) -> Self {
        Epoch {
            name,
            unit,
            zero,
            only_named,
        }
    }

    /// The second that a number falls into.
    fn moment(&self, number: i64) -> Option<Timestamp> {
        let seconds = match self.unit {
            Unit::PerSecond(units) => number.div_euclid(units),
            Unit::Seconds(seconds) => number.checked_mul(seconds)?,
        };
        let zero = Timestamp::UNIX_EPOCH;
        zero.checked_add(SignedDuration::from_secs(seconds.checked_add(self.zero)?))
            .ok()
    }
}

/// Whether a column's name or declared type says that it holds times.
fn is_named_as_time(column: &Column) -> bool {
    let declared = column.declared_type.to_ascii_lowercase();
    let name = column.name.to_ascii_lowercase();
    let words = ["date", "time", "stamp", "day"];
    let says = |text: &str| words.iter().any(|word| text.contains(word));
    says(&declared) || says(&name) || name.ends_with("_at") || name.ends_with("_on")
}
