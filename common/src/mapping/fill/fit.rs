//! In what type a value travels to a column that exists, and whether the column will hold it.

use crate::mapping::existing::{ExistingColumn, Kind};
use crate::mapping::plan::{EnumPlan, PgType};
use crate::model::forms;
use crate::model::value::Value;
use crate::profile::JsonReader;
use std::borrow::Cow;

/// The type in which values are staged: the widest of the column's family, from which the server
/// casts into the column, and back for the comparison.
pub(in crate::mapping) fn transport(kind: &Kind) -> PgType {
    match kind {
        Kind::Integer(_) => PgType::Bigint,
        Kind::Real | Kind::Double => PgType::Double,
        Kind::Numeric(_) => PgType::Numeric,
        Kind::Text(_) | Kind::Char(_) | Kind::Enum(_) | Kind::Other => PgType::Text,
        Kind::Boolean => PgType::Boolean,
        Kind::Uuid => PgType::Uuid,
        Kind::Date => PgType::Date,
        Kind::Time(_) => PgType::Time,
        Kind::Timestamp(_) => PgType::Timestamp,
        Kind::Timestamptz(_) => PgType::Timestamptz,
        Kind::Json => PgType::Json,
        Kind::Jsonb => PgType::Jsonb,
        Kind::Bytea => PgType::Bytea,
        Kind::Inet => PgType::Inet,
    }
}

/// The type of the column itself, as a plan names it; an enum's labels are put with `enums`. Of types
/// that no plan has, and of limits beyond a plan's, the server judges.
pub(in crate::mapping) fn exact(kind: &Kind, name: &str, enums: &mut Vec<EnumPlan>) -> PgType {
    match kind {
        Kind::Integer(16) => PgType::Smallint,
        Kind::Integer(32) => PgType::Integer,
        Kind::Real => PgType::Real,
        Kind::Numeric(Some((digits, scale))) => {
            match (u16::try_from(*digits), i16::try_from(*scale)) {
                (Ok(precision), Ok(scale)) => PgType::Decimal { precision, scale },
                _ => PgType::Numeric,
            }
        }
        Kind::Text(Some(most)) => PgType::Varchar(*most),
        Kind::Char(most) => PgType::Char(*most),
        Kind::Enum(labels) => {
            let position = u32::try_from(enums.len()).unwrap_or(u32::MAX);
            enums.push(EnumPlan {
                name: name.to_owned(),
                labels: labels.clone(),
            });
            PgType::Enum(position)
        }
        other => transport(other),
    }
}

/// Whether a column will hold values, beyond what the type they travel in holds.
#[derive(Debug, Default)]
pub struct Fitting {
    json: JsonReader,
}

impl Fitting {
    /// Why the column does not hold the value exactly, in words that do not depend on the value; it
    /// is not NULL.
    pub fn refusal(
        &mut self,
        column: &ExistingColumn,
        value: &Value<'_>,
    ) -> Option<Cow<'static, str>> {
        let name = &column.type_name;
        match (&column.kind, value) {
            (Kind::Integer(bits), Value::Integer(integer)) => {
                let limit = 1_i128 << (bits - 1);
                let within = (-limit..limit).contains(&i128::from(*integer));
                (!within).then(|| format!("an integer that {name} does not reach to").into())
            }
            (Kind::Real, Value::Real(real)) => (!is_single(*real)).then_some(SINGLE.into()),
            (Kind::Real, Value::Integer(integer)) => {
                // What a single holds exactly has at most 24 bits.
                let exact = integer.unsigned_abs() <= 1 << 24;
                (!exact).then_some(SINGLE.into())
            }
            (Kind::Numeric(Some((digits, scale))), Value::Integer(_) | Value::Real(_)) => {
                (!numeric_fits(value, *digits, *scale))
                    .then(|| format!("a number with more digits than {name} has room for").into())
            }
            (Kind::Char(most), Value::Text(text)) if text.ends_with(' ') => (text.chars().count()
                <= *most as usize)
                .then_some("a text with blanks at its end, which char does not keep".into())
                .or_else(|| text_refusal(value, *most, name)),
            (Kind::Text(Some(most)) | Kind::Char(most), value) => text_refusal(value, *most, name),
            (Kind::Enum(labels), Value::Text(text)) => {
                let known = labels.iter().any(|label| label == text);
                (!known).then(|| format!("a text that is no label of the enum {name}").into())
            }
            (Kind::Enum(_) | Kind::Other, Value::Integer(_) | Value::Real(_)) => {
                Some(format!("a number, and {name} takes texts").into())
            }
            (
                Kind::Time(digits) | Kind::Timestamp(digits) | Kind::Timestamptz(digits),
                Value::Text(text),
            ) => {
                let fits = fraction(text) <= *digits as usize;
                (!fits).then(|| format!("a fraction of a second finer than {name} keeps").into())
            }
            (Kind::Json, Value::Text(text)) => (!self.json.is_json(text))
                .then_some("a text that is no JSON object or array".into()),
            (Kind::Jsonb, Value::Text(text)) => (!self.json.survives_jsonb(text)).then_some(
                "a text that is no JSON object or array which jsonb gives back unchanged".into(),
            ),
            _ => None,
        }
    }
}

const SINGLE: &str = "a number that real does not hold exactly";

/// Whether a double is also a single.
fn is_single(real: f64) -> bool {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the comparison sees any loss"
    )]
    let single = real as f32;
    f64::from(single).to_bits() == real.to_bits()
}

fn text_refusal(value: &Value<'_>, most: u32, name: &str) -> Option<Cow<'static, str>> {
    let length = match value {
        Value::Text(text) => text.chars().count(),
        Value::Integer(integer) => integer.to_string().len(),
        Value::Real(real) => zmij::Buffer::new().format(*real).len(),
        Value::Null | Value::RawText(_) | Value::Blob(_) => 0,
    };
    (length > most as usize).then(|| format!("a text longer than {name}").into())
}

/// Digits of the fraction of a second, zeros at the end not counted.
fn fraction(text: &str) -> usize {
    let after = text.split_once('.').map_or("", |(_, after)| after);
    let end = after.find(|c: char| !c.is_ascii_digit());
    let digits = &after[..end.unwrap_or(after.len())];
    digits.trim_end_matches('0').len()
}

/// Whether numeric with so many digits, of them `scale` behind the point, holds the number exactly.
fn numeric_fits(value: &Value<'_>, digits: u32, scale: i32) -> bool {
    let text = match value {
        Value::Integer(integer) => integer.to_string(),
        Value::Real(real) if real.is_finite() => format!("{real}"),
        _ => return true,
    };
    let text = text.trim_start_matches('-');
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    if whole.is_empty() && fraction.is_empty() {
        return true;
    }
    // The power of ten of the last digit that counts, and of the first.
    let zeros = whole.len() - whole.trim_end_matches('0').len();
    let last = match i32::try_from(fraction.len()) {
        Ok(0) => i32::try_from(zeros).unwrap_or(i32::MAX),
        Ok(length) => -length,
        Err(_) => return false,
    };
    let first = if whole.is_empty() {
        let leading = fraction.len() - fraction.trim_start_matches('0').len();
        -i32::try_from(leading).unwrap_or(i32::MAX)
    } else {
        i32::try_from(whole.len()).unwrap_or(i32::MAX)
    };
    last >= -scale && i64::from(first) <= i64::from(digits) - i64::from(scale)
}

/// Whether the column's type takes texts that are spelled as `text` is; for advice only.
pub(super) fn lacks_offset(kind: &Kind, text: &str) -> bool {
    matches!(kind, Kind::Timestamptz(_)) && forms::timestamp(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(kind: Kind, value: &Value<'_>) -> bool {
        let column = ExistingColumn {
            name: "c".to_owned(),
            type_name: "t".to_owned(),
            cast_name: "t".to_owned(),
            of_domain: false,
            kind,
            not_null: false,
            has_default: false,
            identity_always: false,
            generated: false,
            collation: None,
        };
        Fitting::default().refusal(&column, value).is_some()
    }

    #[test]
    fn integers_fit_up_to_their_last_bit() {
        for (bits, least, most) in [
            (16, i64::from(i16::MIN), i64::from(i16::MAX)),
            (32, i64::from(i32::MIN), i64::from(i32::MAX)),
        ] {
            for fits in [least, 0, most] {
                assert!(!refusal(Kind::Integer(bits), &Value::Integer(fits)));
            }
            for not in [least - 1, most + 1] {
                assert!(refusal(Kind::Integer(bits), &Value::Integer(not)));
            }
        }
        assert!(!refusal(Kind::Integer(64), &Value::Integer(i64::MIN)));
    }

    #[test]
    fn numbers_fit_a_numeric_only_without_rounding() {
        let money = || Kind::Numeric(Some((10, 2)));
        for fits in [0.0, 0.25, 12_345_678.99, -99_999_999.99, 0.1] {
            assert!(!refusal(money(), &Value::Real(fits)), "{fits}");
        }
        for not in [0.125, 100_000_000.0, 1e300, 1e-3] {
            assert!(refusal(money(), &Value::Real(not)), "{not}");
        }
        assert!(!refusal(money(), &Value::Integer(99_999_999)));
        assert!(refusal(money(), &Value::Integer(100_000_000)));
        let thousands = || Kind::Numeric(Some((2, -3)));
        assert!(!refusal(thousands(), &Value::Integer(99_000)));
        assert!(refusal(thousands(), &Value::Integer(99_100)));
        let small = || Kind::Numeric(Some((2, 4)));
        assert!(!refusal(small(), &Value::Real(0.0099)));
        assert!(refusal(small(), &Value::Real(0.01)));
    }

    #[test]
    fn texts_are_measured_in_characters_and_char_keeps_no_blanks() {
        let varchar = || Kind::Text(Some(3));
        assert!(!refusal(varchar(), &Value::Text("üöä")));
        assert!(refusal(varchar(), &Value::Text("üöä ")));
        assert!(refusal(Kind::Char(3), &Value::Text("a ")));
        assert!(!refusal(Kind::Char(3), &Value::Text(" a")));
        assert!(refusal(Kind::Char(3), &Value::Text("abcd")));
        assert!(!refusal(Kind::Text(None), &Value::Text(&"x".repeat(9999))));
    }

    #[test]
    fn singles_labels_fractions_and_json_are_held_exactly_or_not_at_all() {
        assert!(!refusal(Kind::Real, &Value::Real(0.5)));
        assert!(refusal(Kind::Real, &Value::Real(0.1)));
        assert!(refusal(Kind::Real, &Value::Integer((1 << 24) + 1)));
        let mood = || Kind::Enum(vec!["ok".to_owned()]);
        assert!(!refusal(mood(), &Value::Text("ok")));
        assert!(refusal(mood(), &Value::Text("OK")));
        assert!(refusal(mood(), &Value::Integer(1)));
        let at = Value::Text("2024-01-01 10:00:00.250");
        assert!(!refusal(Kind::Timestamp(2), &at));
        assert!(refusal(Kind::Timestamp(1), &at));
        assert!(refusal(Kind::Jsonb, &Value::Text("{\"a\":1,\"a\":2}")));
        assert!(!refusal(Kind::Json, &Value::Text("{\"a\":1,\"a\":2}")));
        assert!(refusal(Kind::Json, &Value::Text("5")));
    }

    #[test]
    fn what_is_tried_has_the_limits_of_the_column() {
        let mut enums = Vec::new();
        let mut exact = |kind: Kind| super::exact(&kind, "mood", &mut enums);
        assert_eq!(exact(Kind::Integer(16)), PgType::Smallint);
        assert_eq!(exact(Kind::Integer(64)), PgType::Bigint);
        assert_eq!(exact(Kind::Text(Some(3))), PgType::Varchar(3));
        assert_eq!(exact(Kind::Char(3)), PgType::Char(3));
        let limited = PgType::Decimal {
            precision: 5,
            scale: -2,
        };
        assert_eq!(exact(Kind::Numeric(Some((5, -2)))), limited);
        assert_eq!(exact(Kind::Numeric(None)), PgType::Numeric);
        assert_eq!(exact(Kind::Timestamptz(0)), PgType::Timestamptz);
        for position in 0..2 {
            let mood = Kind::Enum(vec!["ok".to_owned()]);
            assert_eq!(exact(mood), PgType::Enum(position));
        }
        assert_eq!(enums.len(), 2);
    }
}
