//! Values of another class or spelling than evidence asks for, where the operator has asked for the
//! type: each stands for exactly one value of the type, by the rules of `docs/types.md`.

use super::{moment, numeric};
use crate::mapping::plan::PgType;
use crate::model::value::Value;

/// Appends the bytes, and says whether the value comes out as another one; nothing when it stands
/// for no value of the type.
pub(super) fn content(
    value: &Value<'_>,
    target: PgType,
    digits: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> Option<bool> {
    match (target, value) {
        (PgType::Smallint | PgType::Integer | PgType::Bigint, Value::Real(real)) => {
            let integer = exact_integer(*real)?;
            super::content(&Value::Integer(integer), target, digits, out)?;
            Some(true)
        }
        (PgType::Smallint | PgType::Integer | PgType::Bigint, Value::Text(text)) => {
            let integer: i64 = text.parse().ok()?;
            (itoa::Buffer::new().format(integer) == *text).then_some(())?;
            super::content(&Value::Integer(integer), target, digits, out)?;
            Some(false)
        }
        (PgType::Numeric, Value::Text(text)) => {
            numeric::text(text, None, digits, out)?;
            Some(false)
        }
        (PgType::Decimal { precision, scale }, Value::Text(text)) => {
            numeric::text(text, Some((precision, scale)), digits, out)?;
            Some(false)
        }
        (PgType::Double | PgType::Real, Value::Text(text)) => {
            let real = same_real(text)?;
            super::content(&Value::Real(real), target, digits, out)?;
            Some(false)
        }
        (_, Value::Text(text)) => moment::lenient(text, target, out),
        _ => None,
    }
}

/// The integer of the same value.
fn exact_integer(real: f64) -> Option<i64> {
    /// 2^63, the first double beyond the integers.
    const END: f64 = 9_223_372_036_854_775_808.0;
    let whole = real.fract() == 0.0 && (-END..END).contains(&real);
    let is_minus_zero = real == 0.0 && real.is_sign_negative();
    #[expect(clippy::cast_possible_truncation, reason = "whole and within range")]
    (whole && !is_minus_zero).then_some(real as i64)
}

/// The real whose shortest decimal form has the digits of this text.
fn same_real(text: &str) -> Option<f64> {
    let (mut room, mut other) = (Vec::new(), Vec::new());
    let spelled = numeric::spelled(text, &mut room)?;
    let real: f64 = text.parse().ok()?;
    let shortest = numeric::shortest(real, &mut other)?;
    let same = (spelled.negative, spelled.digits, spelled.exponent)
        == (shortest.negative, shortest.digits, shortest.exponent);
    same.then_some(real)
}
