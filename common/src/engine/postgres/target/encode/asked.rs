//! Types that no plan chooses by itself: the exact binary form of a value in each.

use super::{exact_double, inet, numeric, plain_text};
use crate::mapping::plan::PgType;
use crate::model::forms::{self, Family};
use crate::model::value::Value;

/// Marks an address as a cidr in its binary form.
const IS_CIDR: usize = 2;

/// Appends the bytes of a value, or nothing when it has no exact form in this type. An enumerated
/// type is not one of these: its labels stand in the plan.
pub(super) fn content(
    value: &Value<'_>,
    target: PgType,
    digits: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> Option<()> {
    match (target, value) {
        (PgType::Smallint, Value::Integer(integer)) => {
            out.extend_from_slice(&i16::try_from(*integer).ok()?.to_be_bytes());
        }
        (PgType::Integer, Value::Integer(integer)) => {
            out.extend_from_slice(&i32::try_from(*integer).ok()?.to_be_bytes());
        }
        (PgType::Real, Value::Real(real)) => {
            out.extend_from_slice(&exact_single(*real)?.to_be_bytes());
        }
        (PgType::Real, Value::Integer(integer)) => {
            let single = exact_single(exact_double(*integer)?)?;
            out.extend_from_slice(&single.to_be_bytes());
        }
        (PgType::Decimal { precision, scale }, Value::Integer(integer)) => {
            numeric::bounded_integer(*integer, (precision, scale), digits, out)?;
        }
        (PgType::Decimal { precision, scale }, Value::Real(real)) => {
            numeric::bounded_real(*real, (precision, scale), digits, out)?;
        }
        (PgType::Varchar(length), value) => {
            let start = out.len();
            plain_text(value, out)?;
            (characters(&out[start..]) <= length as usize).then_some(())?;
        }
        (PgType::Char(length), value) => {
            let start = out.len();
            plain_text(value, out)?;
            // Blanks at the end mean nothing there, so a value that ends in one is no such value.
            let blank = out[start..].last() == Some(&b' ');
            let missing = (length as usize).checked_sub(characters(&out[start..]))?;
            (!blank).then_some(())?;
            out.resize(out.len() + missing, b' ');
        }
        (PgType::Citext, value) => plain_text(value, out)?,
        (PgType::Cidr, Value::Text(text)) => {
            let address = forms::inet(text)?;
            let width = if address.family == Family::V4 {
                32
            } else {
                128
            };
            network_only(address.address(), address.prefix, width)?;
            let start = out.len();
            inet(&address, out);
            out[start + IS_CIDR] = 1;
        }
        _ => return None,
    }
    Some(())
}

/// Characters of a text that is valid UTF-8.
fn characters(text: &[u8]) -> usize {
    text.iter().filter(|byte| (**byte & 0xc0) != 0x80).count()
}

/// The single of the same value, whose bits tell the double's.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the comparison sees any loss"
)]
fn exact_single(real: f64) -> Option<f32> {
    let single = real as f32;
    (f64::from(single).to_bits() == real.to_bits()).then_some(single)
}

/// Nothing when a bit beyond the prefix is set.
fn network_only(address: &[u8], prefix: u8, width: usize) -> Option<()> {
    let prefix = usize::from(prefix);
    let is_set = |bit: usize| address[bit / 8] & (0x80 >> (bit % 8)) != 0;
    (!(prefix..width).any(is_set)).then_some(())
}
