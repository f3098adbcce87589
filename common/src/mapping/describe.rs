//! Evidence in words, for reports.

use crate::profile::evidence::{ColumnEvidence, Form};

/// What the values are (`1,204 integers (1 to 99), 3 NULL`), and what they look like beyond their
/// class (`date`, `mostly json`, `compressed or encrypted data`).
#[must_use]
pub fn describe(evidence: &ColumnEvidence) -> (String, Vec<String>) {
    (classes(evidence), looks_like(evidence))
}

/// How many values of each class.
pub(super) fn classes(evidence: &ColumnEvidence) -> String {
    let mut parts = Vec::new();
    if evidence.integers > 0 {
        let range = match evidence.integer_range {
            Some((least, most)) if least == most => format!(" ({least})"),
            Some((least, most)) => format!(" ({least} to {most})"),
            None => String::new(),
        };
        parts.push(counted(evidence.integers, "integer") + &range);
    }
    if evidence.reals > 0 {
        parts.push(counted(evidence.reals, "real"));
    }
    if evidence.texts > 0 {
        let longest = counted(evidence.longest_text, "byte");
        parts.push(format!(
            "{} (at most {longest})",
            counted(evidence.texts, "text")
        ));
    }
    if evidence.raw_texts > 0 {
        parts.push(counted(evidence.raw_texts, "text") + " not valid in its encoding");
    }
    if evidence.blobs > 0 {
        let blobs = counted(evidence.blobs, "blob");
        // Raw texts share the measure, so it says nothing of the blobs beside them.
        parts.push(if evidence.raw_texts == 0 {
            let longest = counted(evidence.longest_blob, "byte");
            format!("{blobs} (at most {longest})")
        } else {
            blobs
        });
    }
    if evidence.nulls > 0 {
        parts.push(format!("{} NULL", grouped(evidence.nulls)));
    }
    if parts.is_empty() {
        "no values".to_owned()
    } else {
        parts.join(", ")
    }
}

/// Words for the forms that all values of a class have, or at least half of them.
fn looks_like(evidence: &ColumnEvidence) -> Vec<String> {
    let count = |forms: &[Form]| forms.iter().map(|form| evidence.count(*form)).sum::<u64>();
    let (texts, integers) = (evidence.texts, evidence.integers);
    let mut words = Vec::new();
    for (forms, of, word) in [
        (&[Form::Uuid, Form::UuidUpper][..], texts, "uuid"),
        (&[Form::Date], texts, "date"),
        (&[Form::Time], texts, "time"),
        (&[Form::Timestamp], texts, "timestamp"),
        (&[Form::TimestampOffset], texts, "timestamp with offset"),
        (&[Form::Inet], texts, "address"),
        (&[Form::Json], texts, "json"),
        (&[Form::BooleanWord], texts, "boolean words"),
        (
            &[Form::NumberText, Form::DecimalText],
            texts,
            "numbers in text",
        ),
        (&[Form::ZeroOne], integers, "0 or 1"),
        (&[Form::EpochSeconds], integers, "epoch seconds"),
        (&[Form::EpochMillis], integers, "epoch milliseconds"),
        (&[Form::EpochMicros], integers, "epoch microseconds"),
    ] {
        let matches = count(forms);
        if matches > 0 && matches == of {
            words.push(word.to_owned());
        } else if matches > 0 && matches >= of.div_ceil(2) {
            words.push(format!("mostly {word}"));
        }
    }
    let opaque = evidence.count(Form::Opaque);
    if opaque > 0 && opaque >= (texts + evidence.blobs).div_ceil(2) {
        words.push("compressed or encrypted data".to_owned());
    }
    words
}

/// A number and its noun: `1 text`, `1,204 texts`.
pub(super) fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(count))
}

/// A number with commas between thousands.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
