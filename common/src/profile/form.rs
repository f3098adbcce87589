//! Which forms a value has. Nearly every text is judged by its length and first bytes alone.
//!
//! Knows one value at a time; no column, no row.

use super::calendar::{Moment, moment};
use super::evidence::Form;
use super::json::{Json, Memory, json};
use super::network::is_inet;
use super::random::{is_random_base64, looks_random};
use crate::model::number;
use crate::model::value::Value;

/// A set of forms: bit n stands for the n-th of `Form::ALL`.
pub(super) type Forms = u32;

const _: () = assert!(Form::ALL.len() <= Forms::BITS as usize);

/// The set of one form.
#[inline]
pub(super) const fn bit(form: Form) -> Forms {
    1 << form as u32
}

/// 1990-01-01 and 2101-01-01 in seconds since 1970.
const EPOCH: std::ops::Range<i64> = 631_152_000..4_133_980_800;

/// The forms of a value that is not NULL.
#[inline]
pub(super) fn forms(value: &Value<'_>, memory: &mut Memory) -> Forms {
    match *value {
        Value::Integer(integer) => of_integer(integer),
        Value::Real(real) => {
            let negative_zero = real.to_bits() == (-0.0f64).to_bits();
            if real.is_finite() && !negative_zero {
                bit(Form::DecimalReal)
            } else {
                0
            }
        }
        Value::Text(text) => of_text(text, memory),
        Value::Blob(bytes) if looks_random(bytes) => bit(Form::Opaque),
        Value::Null | Value::RawText(_) | Value::Blob(_) => 0,
    }
}

#[inline]
fn of_integer(integer: i64) -> Forms {
    if matches!(integer, 0 | 1) {
        bit(Form::ZeroOne)
    } else if EPOCH.contains(&integer) {
        bit(Form::EpochSeconds)
    } else if EPOCH.contains(&integer.div_euclid(1000)) {
        bit(Form::EpochMillis)
    } else if EPOCH.contains(&integer.div_euclid(1_000_000)) {
        bit(Form::EpochMicros)
    } else {
        0
    }
}

fn of_text(text: &str, memory: &mut Memory) -> Forms {
    let bytes = text.as_bytes();
    let Some(first) = bytes.first() else {
        return 0;
    };
    let mut forms = match first {
        b'0'..=b'9' => of_digits(text),
        b'+' | b'-' | b'.' => of_number(text),
        b'a'..=b'f' | b'A'..=b'F' => of_uuid(bytes) | of_inet(text) | of_word(bytes),
        b'n' | b'N' | b'o' | b'O' | b't' | b'T' | b'y' | b'Y' => of_word(bytes),
        b':' => of_inet(text),
        b'{' | b'[' | b' ' | b'\t' | b'\n' | b'\r' => match json(text, memory) {
            Some(Json::Plain) => bit(Form::Json) | bit(Form::JsonPlain),
            Some(Json::Valid) => bit(Form::Json),
            None => 0,
        },
        _ => 0,
    };
    if forms == 0 && is_random_base64(bytes) {
        forms = bit(Form::Opaque);
    }
    if bytes.contains(&0) {
        forms |= bit(Form::NulText);
    }
    forms
}

/// Of a text that begins with a digit.
fn of_digits(text: &str) -> Forms {
    let bytes = text.as_bytes();
    let number = of_number(text);
    if number != 0 || bytes.len() == 1 {
        return number;
    }
    match moment(bytes) {
        Some(Moment::Date) => bit(Form::Date),
        Some(Moment::Time) => bit(Form::Time),
        Some(Moment::Timestamp) => bit(Form::Timestamp),
        Some(Moment::TimestampOffset) => bit(Form::TimestampOffset),
        None => of_uuid(bytes) | of_inet(text),
    }
}

fn of_number(text: &str) -> Forms {
    let bytes = text.as_bytes();
    let Some(form) = number::decimal(bytes) else {
        return 0;
    };
    let canonical = if form.whole {
        match bytes.split_first() {
            Some((b'-', digits)) => number::integer(true, digits).is_some(),
            _ => number::integer(false, bytes).is_some(),
        }
    } else {
        number::real(text).is_some()
    };
    if canonical {
        bit(Form::NumberText)
    } else {
        bit(Form::DecimalText)
    }
}

fn of_uuid(text: &[u8]) -> Forms {
    if text.len() != 36 {
        return 0;
    }
    let mut upper = false;
    for (place, byte) in text.iter().enumerate() {
        match byte {
            b'-' if matches!(place, 8 | 13 | 18 | 23) => {}
            b'0'..=b'9' | b'a'..=b'f' if !matches!(place, 8 | 13 | 18 | 23) => {}
            b'A'..=b'F' if !matches!(place, 8 | 13 | 18 | 23) => upper = true,
            _ => return 0,
        }
    }
    if upper {
        bit(Form::UuidUpper)
    } else {
        bit(Form::Uuid)
    }
}

fn of_inet(text: &str) -> Forms {
    if is_inet(text) { bit(Form::Inet) } else { 0 }
}

fn of_word(text: &[u8]) -> Forms {
    const WORDS: [&[u8]; 10] = [
        b"true", b"false", b"yes", b"no", b"t", b"f", b"y", b"n", b"on", b"off",
    ];
    if text.len() <= 5 && WORDS.iter().any(|word| text.eq_ignore_ascii_case(word)) {
        bit(Form::BooleanWord)
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(value: Value<'_>) -> Vec<&'static str> {
        let found = forms(&value, &mut Memory::default());
        let has = |form: &&Form| found & bit(**form) != 0;
        Form::ALL
            .iter()
            .filter(has)
            .map(|form| form.name())
            .collect()
    }

    #[test]
    fn texts_have_the_forms_they_should() {
        for (text, expected) in [
            ("", &[][..]),
            ("a\0b", &["nul_text"]),
            ("0", &["number_text"]),
            ("-9223372036854775808", &["number_text"]),
            ("1.0", &["number_text"]),
            ("-0.0", &["number_text"]),
            ("1e+16", &["number_text"]),
            ("9223372036854775808", &["decimal_text"]),
            ("007", &["decimal_text"]),
            ("-0", &["decimal_text"]),
            ("+49", &["decimal_text"]),
            ("1e5", &["decimal_text"]),
            ("1.50", &["decimal_text"]),
            (".5", &["decimal_text"]),
            ("true", &["boolean_word"]),
            ("No", &["boolean_word"]),
            ("OFF", &["boolean_word"]),
            ("f", &["boolean_word"]),
            ("nope", &[]),
            ("550e8400-e29b-41d4-a716-446655440000", &["uuid"]),
            ("F50e8400-e29b-41d4-a716-446655440000", &["uuid_upper"]),
            ("550e8400-e29b-41d4-a716-44665544000g", &[]),
            ("550e8400-e29b-41d4-a716044665544-000", &[]),
            ("2024-02-29", &["date"]),
            ("12:00:00", &["time"]),
            ("2024-02-29 12:00:00", &["timestamp"]),
            ("2024-02-29T12:00:00Z", &["timestamp_offset"]),
            ("10.0.0.1", &["inet"]),
            ("fe80::1", &["inet"]),
            ("::1", &["inet"]),
            ("{\"a\":1}", &["json", "json_plain"]),
            (" [-0]", &["json"]),
            ("{", &[]),
            ("ypnBEsobvcr6wjGyOaI9xNp4bv+BRMfnJLl4B4WvYA==", &["opaque"]),
            ("An ordinary sentence, with blanks.", &[]),
        ] {
            assert_eq!(names(Value::Text(text)), expected, "{text:?}");
        }
    }

    #[test]
    fn numbers_and_blobs_have_the_forms_they_should() {
        for (integer, expected) in [
            (0, &["zero_one"][..]),
            (1, &["zero_one"]),
            (2, &[]),
            (-1, &[]),
            (631_151_999, &[]),
            (631_152_000, &["epoch_seconds"]),
            (4_133_980_799, &["epoch_seconds"]),
            (4_133_980_800, &[]),
            (631_152_000_000, &["epoch_millis"]),
            (4_133_980_799_999, &["epoch_millis"]),
            (1_700_000_000_000_000, &["epoch_micros"]),
            (i64::MIN, &[]),
            (i64::MAX, &[]),
        ] {
            assert_eq!(names(Value::Integer(integer)), expected, "{integer}");
        }
        assert_eq!(names(Value::Real(0.1)), ["decimal_real"]);
        for real in [-0.0, f64::NAN, f64::INFINITY] {
            assert!(names(Value::Real(real)).is_empty(), "{real}");
        }
        assert_eq!(
            names(Value::Blob(&crate::digest::Digest::of(b"x").0)),
            ["opaque"]
        );
        assert!(names(Value::Blob(b"a blob of plain text")).is_empty());
        assert!(names(Value::RawText(&crate::digest::Digest::of(b"x").0)).is_empty());
    }
}
