//! Numbers and texts that stand for moments, by the rules of `docs/types.md`: exact integers of
//! microseconds, or refused.

use super::numeric::{self, Decimal};
use crate::mapping::plan::{EpochUnit, PgType};
use crate::mapping::zone::{NoMoment, Zone};
use crate::model::forms;
use crate::model::value::Value;
use std::borrow::Cow;

/// Microseconds of a second, and of a day.
const SECOND: i128 = 1_000_000;
const DAY: i128 = 86_400 * SECOND;
/// Longest text that may be a moment, in bytes.
const LONGEST: usize = 64;
/// Days from the Julian epoch to 2000-01-01, in half days.
const JULIAN_HALF_DAYS: i128 = 4_903_089;

/// Why a value is no moment.
pub(super) type Why = &'static str;

const NO_NUMBER: Why = "is no number";
const FINER: Why = "is no whole number of microseconds";
const BEYOND: Why = "is outside the years 0001 to 9999";
const NO_TIME: Why = "is no date and time";
const NOT_MIDNIGHT: Why = "is not midnight, so it is no day";
const NO_MOMENT_TYPE: Why = "stands for a moment, which the type of its column does not hold";

/// Appends the bytes of the moment that a number counts.
pub(super) fn epoch(
    value: &Value<'_>,
    unit: EpochUnit,
    target: PgType,
    room: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> Result<(), Why> {
    let micros = match (unit, value) {
        (EpochUnit::JulianDays, Value::Real(real)) => julian(*real)?,
        _ => count(&decimal(value, room).ok_or(NO_NUMBER)?, unit)?,
    };
    put(micros, target, out)
}

fn decimal<'r>(value: &Value<'_>, room: &'r mut Vec<u8>) -> Option<Decimal<'r>> {
    match value {
        Value::Integer(integer) => Some(numeric::whole(*integer, room)),
        Value::Real(real) => numeric::shortest(*real, room),
        Value::Text(text) => numeric::spelled(text, room),
        Value::Null | Value::RawText(_) | Value::Blob(_) => None,
    }
}

/// Microseconds since 2000-01-01, exactly.
fn count(decimal: &Decimal<'_>, unit: EpochUnit) -> Result<i64, Why> {
    // What one unit is in microseconds, as a fraction, and when its count begins.
    let (over, under, start) = match unit {
        EpochUnit::Seconds => (SECOND, 1, -946_684_800 * SECOND),
        EpochUnit::Milliseconds => (1000, 1, -946_684_800 * SECOND),
        EpochUnit::Microseconds => (1, 1, -946_684_800 * SECOND),
        EpochUnit::Days => (DAY, 1, -946_684_800 * SECOND),
        EpochUnit::JulianDays => (DAY, 1, -JULIAN_HALF_DAYS * DAY / 2),
        EpochUnit::Seconds2001 => (SECOND, 1, 31_622_400 * SECOND),
        EpochUnit::Microseconds1601 => (1, 1, -12_591_158_400 * SECOND),
        EpochUnit::Ticks1601 => (1, 10, -12_591_158_400 * SECOND),
    };
    let mut count = decimal.digits.iter().try_fold(0_i128, |count, digit| {
        count.checked_mul(10)?.checked_add(i128::from(digit - b'0'))
    });
    count = count.and_then(|count| count.checked_mul(over));
    let count = count.ok_or(BEYOND)?;
    // Digits have no zero at their end, so a power this small leaves a fraction.
    let power = u32::try_from(decimal.exponent.unsigned_abs()).ok();
    let power = power.and_then(|power| 10_i128.checked_pow(power));
    let micros = if decimal.exponent >= 0 {
        let scaled = power.and_then(|power| count.checked_mul(power));
        divided(scaled.ok_or(BEYOND)?, under)?
    } else {
        let under = power.and_then(|power| power.checked_mul(under));
        divided(count, under.ok_or(FINER)?)?
    };
    let micros = if decimal.negative { -micros } else { micros };
    micros
        .checked_add(start)
        .and_then(|micros| i64::try_from(micros).ok())
        .ok_or(BEYOND)
}

fn divided(count: i128, under: i128) -> Result<i128, Why> {
    if count % under == 0 {
        Ok(count / under)
    } else {
        Err(FINER)
    }
}

/// A real of Julian days is coarser than a microsecond (about 40 of them in our time). It is the
/// millisecond that SQLite's `julianday` makes this very real of; where there is none, the nearest
/// microsecond. Either tells the real.
fn julian(real: f64) -> Result<i64, Why> {
    /// Julian days of 0001-01-01 and 10000-01-01, rounded outwards.
    const DAYS: std::ops::Range<f64> = 1_721_425.0..5_373_485.0;
    if !DAYS.contains(&real) {
        return Err(BEYOND);
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most 5e14")]
    let millis = (real * 86_400_000.0).round() as i64;
    #[expect(clippy::cast_precision_loss, reason = "at most 5e14, so exact")]
    let again = millis as f64 / 86_400_000.0;
    let micros = if again.to_bits() == real.to_bits() {
        i128::from(millis) * 1000
    } else {
        // The real is mantissa x 2^-shift, exactly; between 2^20 and 2^23 the shift is 30 to 32.
        let bits = real.to_bits();
        let mantissa = i128::from(bits & ((1 << 52) - 1) | 1 << 52);
        let shift = 1075 - (bits >> 52);
        (mantissa * DAY + (1 << (shift - 1))) >> shift
    };
    i64::try_from(micros - JULIAN_HALF_DAYS * DAY / 2).map_err(|_| BEYOND)
}

/// Whether a moment in binary form has more digits of a second's fraction than these.
pub(super) fn is_finer(moment: &[u8], digits: u32) -> bool {
    let kept = 10_i64.pow(6_u32.saturating_sub(digits));
    let micros = moment.try_into().map(i64::from_be_bytes);
    micros.is_ok_and(|micros| micros % kept != 0)
}

/// Appends microseconds since 2000-01-01 UTC as the type holds them.
fn put(micros: i64, target: PgType, out: &mut Vec<u8>) -> Result<(), Why> {
    if !forms::is_moment(micros) {
        return Err(BEYOND);
    }
    match target {
        PgType::Timestamptz | PgType::Timestamp => out.extend_from_slice(&micros.to_be_bytes()),
        PgType::Date => {
            let micros = i128::from(micros);
            if micros % DAY != 0 {
                return Err(NOT_MIDNIGHT);
            }
            let day = i32::try_from(micros / DAY).map_err(|_| BEYOND)?;
            out.extend_from_slice(&day.to_be_bytes());
        }
        _ => return Err(NO_MOMENT_TYPE),
    }
    Ok(())
}

/// Appends a time as the zone makes a moment of it, or a moment as a time of the zone; says whether
/// the zone had a say.
pub(super) fn zoned(
    text: &str,
    zone: &Zone,
    target: PgType,
    out: &mut Vec<u8>,
) -> Result<bool, Why> {
    let spelled = spelled(text);
    let local = forms::timestamp(&spelled);
    let moment = forms::timestamp_offset(&spelled);
    let (micros, converted) = match (target, local, moment) {
        (PgType::Timestamptz, None, Some(moment)) => (moment, false),
        (PgType::Timestamptz, Some(local), None) => {
            (zone.moment(local).map_err(NoMoment::words)?, true)
        }
        (PgType::Timestamp, Some(local), None) => (local, false),
        (PgType::Timestamp, None, Some(moment)) => {
            (zone.local(moment).map_err(NoMoment::words)?, true)
        }
        (PgType::Timestamptz | PgType::Timestamp, ..) => return Err(NO_TIME),
        _ => return Err(NO_MOMENT_TYPE),
    };
    put(micros, target, out)?;
    Ok(converted)
}

/// Appends what a text stands for that is not spelled as strictly as evidence asks; says whether it
/// comes out as another value. `None` when it stands for none.
pub(super) fn lenient(text: &str, target: PgType, out: &mut Vec<u8>) -> Option<bool> {
    let whole = spelled(text);
    match target {
        PgType::Timestamptz => {
            out.extend_from_slice(&forms::timestamp_offset(&whole)?.to_be_bytes());
            Some(false)
        }
        PgType::Timestamp => {
            out.extend_from_slice(&forms::timestamp(&whole)?.to_be_bytes());
            Some(is_day(text))
        }
        PgType::Date => {
            put(forms::timestamp(&whole)?, PgType::Date, out).ok()?;
            Some(!is_day(text))
        }
        PgType::Time => {
            let whole = if text.len() == 5 {
                format!("{text}:00").into()
            } else {
                short_fraction(text)?
            };
            out.extend_from_slice(&forms::time(&whole)?.to_be_bytes());
            Some(false)
        }
        _ => None,
    }
}

fn is_day(text: &str) -> bool {
    text.len() == 10
}

/// A date and time as the strict form spells it, whatever of this the text leaves out or adds:
/// the time (midnight), the seconds, zeros beyond the microsecond, a blank before the offset, `UTC`
/// for `Z`. Anything else comes back as it is.
fn spelled(text: &str) -> Cow<'_, str> {
    if text.len() > LONGEST || !text.is_ascii() {
        return text.into();
    }
    if is_day(text) {
        return format!("{text} 00:00:00").into();
    }
    let end = match text
        .get(11..)
        .and_then(|time| time.find([' ', 'Z', '+', '-', 'U']))
    {
        Some(end) => 11 + end,
        None => text.len(),
    };
    let (time, written) = text.split_at(end);
    let offset = match written.strip_prefix(' ').unwrap_or(written) {
        "UTC" => "Z",
        offset => offset,
    };
    // Two blanks, or one at the end, are not one before an offset.
    if offset.starts_with(' ') || offset.is_empty() && !written.is_empty() || time.len() < 16 {
        return text.into();
    }
    if time.len() == 16 {
        return format!("{time}:00{offset}").into();
    }
    match short_fraction(time) {
        Some(time) if time.len() + offset.len() < text.len() => format!("{time}{offset}").into(),
        _ => text.into(),
    }
}

/// Without the zeros beyond the sixth digit of its fraction; nothing when there is more than zeros.
fn short_fraction(text: &str) -> Option<Cow<'_, str>> {
    let Some((_, fraction)) = text.split_once('.') else {
        return Some(text.into());
    };
    let Some((_, beyond)) = fraction.split_at_checked(6) else {
        return Some(text.into());
    };
    let zeros = beyond.bytes().all(|digit| digit == b'0');
    zeros.then(|| text[..text.len() - beyond.len()].into())
}

#[cfg(test)]
mod tests;
