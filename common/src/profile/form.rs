//! Which forms a value has. Nearly every text is judged by its length and first bytes alone.
//!
//! Knows one value at a time; no column, no row.

use super::evidence::Form;
use super::json::{Json, Memory, json};
use super::random::{is_random_base64, looks_random};
use crate::model::value::Value;
use crate::model::{address, forms as text_forms, number};

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
        Value::Null => 0,
        Value::RawText(_) => bit(Form::RawText),
        Value::Integer(integer) => bit(Form::IntegerValue) | of_integer(integer),
        Value::Real(real) => {
            let negative_zero = real.to_bits() == (-0.0f64).to_bits();
            let decimal = real.is_finite() && !negative_zero;
            bit(Form::RealValue)
                | bit(if decimal {
                    Form::DecimalReal
                } else {
                    Form::SpecialReal
                })
        }
        Value::Text(text) => bit(Form::TextValue) | of_text(text, memory),
        Value::Blob(bytes) => bit(Form::BlobValue) | of_blob(bytes),
    }
}

fn of_blob(bytes: &[u8]) -> Forms {
    let uuid = if bytes.len() == 16 {
        bit(Form::UuidBlob)
    } else {
        0
    };
    let opaque = if looks_random(bytes) {
        bit(Form::Opaque)
    } else {
        0
    };
    uuid | opaque
}

/// The integers that a double holds, every one of them.
const EXACT: std::ops::RangeInclusive<i64> = -(1 << 53)..=1 << 53;

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
    } else if !EXACT.contains(&integer) {
        bit(Form::WideInteger)
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
        b'a'..=b'f' | b'A'..=b'F' => of_uuid(text) | of_inet(text) | of_word(bytes),
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
        return number | of_hex(bytes);
    }
    match of_moment(text) {
        0 => of_uuid(text) | of_inet(text),
        moment => moment,
    }
}

/// Of a text that may be a date or time: told by its length and two of its bytes before it is read.
fn of_moment(text: &str) -> Forms {
    let bytes = text.as_bytes();
    let plain = |form| {
        if text_forms::is_plain_time(text) {
            bit(form) | bit(Form::PlainTime)
        } else {
            bit(form)
        }
    };
    match bytes.len() {
        8..=15 if bytes[2] == b':' && text_forms::time(text).is_some() => plain(Form::Time),
        10 if bytes[4] == b'-' && text_forms::date(text).is_some() => bit(Form::Date),
        19..=32 if bytes[4] == b'-' => {
            if text_forms::timestamp(text).is_some() {
                plain(Form::Timestamp)
            } else if text_forms::timestamp_offset(text).is_some() {
                bit(Form::TimestampOffset)
            } else {
                0
            }
        }
        _ => 0,
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

/// 32 hexadecimal digits.
fn of_hex(bytes: &[u8]) -> Forms {
    if bytes.len() == 32 && bytes.iter().all(u8::is_ascii_hexdigit) {
        bit(Form::UuidHex)
    } else {
        0
    }
}

fn of_uuid(text: &str) -> Forms {
    if text.len() == 32 {
        return of_hex(text.as_bytes());
    }
    if text.len() != 36 || text_forms::uuid(text).is_none() {
        0
    } else if text_forms::has_upper(text) {
        bit(Form::UuidUpper)
    } else {
        bit(Form::Uuid)
    }
}

fn of_inet(text: &str) -> Forms {
    if text.len() <= 43 && address::inet(text).is_some() {
        bit(Form::Inet)
    } else {
        0
    }
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
        let class = [
            Form::IntegerValue,
            Form::RealValue,
            Form::TextValue,
            Form::RawText,
            Form::BlobValue,
        ];
        let has = |form: &&Form| found & bit(**form) != 0 && !class.contains(form);
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
            ("550e8400e29b41d4a716446655440000", &["uuid_hex"]),
            ("F50E8400E29B41D4A716446655440000", &["uuid_hex"]),
            (
                "55084000209041040716446655440000",
                &["decimal_text", "uuid_hex"],
            ),
            ("550e8400e29b41d4a71644665544000", &[]),
            ("550e8400e29b41d4a71644665544000g", &[]),
            ("2024-02-29", &["date"]),
            ("12:00:00", &["time", "plain_time"]),
            ("2024-02-29 12:00:00", &["timestamp", "plain_time"]),
            ("2024-02-29T12:00:00", &["timestamp"]),
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
            (i64::MIN, &["wide_integer"]),
            (i64::MAX, &["wide_integer"]),
        ] {
            assert_eq!(names(Value::Integer(integer)), expected, "{integer}");
        }
        assert_eq!(names(Value::Real(0.1)), ["decimal_real"]);
        for real in [-0.0, f64::NAN, f64::INFINITY] {
            assert_eq!(names(Value::Real(real)), ["special_real"], "{real}");
        }
        assert_eq!(
            names(Value::Blob(&crate::digest::Digest::of(b"x").0)),
            ["opaque"]
        );
        assert!(names(Value::Blob(b"a blob of plain text")).is_empty());
        assert_eq!(names(Value::Blob(&[0; 16])), ["uuid_blob"]);
        assert!(names(Value::Blob(&[0; 17])).is_empty());
        assert!(names(Value::RawText(&crate::digest::Digest::of(b"x").0)).is_empty());
    }
}
