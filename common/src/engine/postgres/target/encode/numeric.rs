//! Decimal numbers in PostgreSQL's binary form of `numeric`: base 10000, exactly as `numeric_send`
//! gives them back, so that bytes sent and bytes read can be compared.
//!
//! The digits after the point are kept as they are (`dscale`), so `1.50` comes back as `1.50`, and
//! an integer and a real of equal value differ (`1` and `1.0`).

/// Most digits after the point that a numeric shows (`NUMERIC_DSCALE_MAX`).
const MAX_SCALE: i64 = 16_383;
/// Largest weight of a group of four digits (`NUMERIC_WEIGHT_MAX`).
const MAX_WEIGHT: i64 = 32_767;
/// Sign word of a number below zero (`NUMERIC_NEG`).
const NEGATIVE: u16 = 0x4000;

/// A decimal number taken apart: `digits` x 10^`exponent`, shown with `scale` digits after the point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal<'a> {
    /// Below zero; means nothing for a zero.
    pub(super) negative: bool,
    /// ASCII digits; without a point, and without zeros at either end; empty for zero.
    pub(super) digits: &'a [u8],
    /// Power of ten of the last digit.
    pub(super) exponent: i64,
    /// Digits shown after the point.
    pub(super) scale: i64,
}

impl<'a> Decimal<'a> {
    /// The number `whole` (digits, perhaps with a point) times ten to the `power`; the scale is
    /// what PostgreSQL gives such a literal. `room` is overwritten.
    pub(super) fn new(negative: bool, whole: &[u8], power: i64, room: &'a mut Vec<u8>) -> Self {
        let fraction = match whole.iter().position(|byte| *byte == b'.') {
            Some(point) => whole.len() - point - 1,
            None => 0,
        };
        room.clear();
        room.extend(whole.iter().filter(|byte| **byte != b'.'));
        let mut exponent = power.saturating_sub_unsigned(fraction as u64);
        let scale = std::cmp::max(0, exponent.saturating_neg());
        let zeros = room
            .iter()
            .rev()
            .take_while(|digit| **digit == b'0')
            .count();
        exponent = exponent.saturating_add_unsigned(zeros as u64);
        let end = room.len() - zeros;
        let start = room[..end]
            .iter()
            .take_while(|digit| **digit == b'0')
            .count();
        let digits = &room[start..end];
        let zero = digits.is_empty();
        Decimal {
            negative: negative && !zero,
            digits,
            exponent: if zero { 0 } else { exponent },
            scale,
        }
    }

    /// Whether a numeric holds the number, as `encode` would find.
    pub(super) fn is_held(&self) -> bool {
        let length = i64::try_from(self.digits.len()).unwrap_or(i64::MAX);
        let highest = self.exponent.saturating_add(length).saturating_sub(1);
        let is_zero = self.digits.is_empty();
        self.scale <= MAX_SCALE && (is_zero || highest.div_euclid(4).abs() <= MAX_WEIGHT)
    }

    /// The same number as a numeric of `precision` digits shows it, `scale` of them after the point,
    /// or nothing when it has more on either side.
    pub(super) fn within(mut self, (precision, scale): (u16, i16)) -> Option<Self> {
        let scale = i64::from(scale);
        if !self.digits.is_empty() {
            let end = self
                .exponent
                .checked_add(i64::try_from(self.digits.len()).ok()?)?;
            if self.exponent < -scale || end > i64::from(precision) - scale {
                return None;
            }
        }
        self.scale = std::cmp::max(0, scale);
        Some(self)
    }

    /// Appends the binary form, or nothing when the number is beyond what a numeric holds.
    #[must_use]
    pub(super) fn encode(&self, out: &mut Vec<u8>) -> Option<()> {
        let scale = u16::try_from(self.scale)
            .ok()
            .filter(|_| self.scale <= MAX_SCALE)?;
        if self.digits.is_empty() {
            put(out, [0, 0, 0, scale]);
            return Some(());
        }
        let highest = self
            .exponent
            .checked_add(i64::try_from(self.digits.len()).ok()?)?
            - 1;
        let (weight, last) = (highest.div_euclid(4), self.exponent.div_euclid(4));
        if weight.abs() > MAX_WEIGHT {
            return None;
        }
        let groups = u16::try_from(weight - last + 1).ok()?;
        let sign = if self.negative { NEGATIVE } else { 0 };
        // Two's complement is what the protocol wants of a weight below zero.
        put(
            out,
            [
                groups,
                i16::try_from(weight).ok()?.cast_unsigned(),
                sign,
                scale,
            ],
        );
        let mut power = weight * 4 + 3;
        for _ in 0..groups {
            let mut group = 0;
            for _ in 0..4 {
                group = group * 10 + self.digit(highest, power);
                power -= 1;
            }
            out.extend_from_slice(&group.to_be_bytes());
        }
        Some(())
    }

    /// The digit of this power of ten.
    fn digit(&self, highest: i64, power: i64) -> u16 {
        usize::try_from(highest - power)
            .ok()
            .and_then(|position| self.digits.get(position))
            .map_or(0, |digit| u16::from(digit - b'0'))
    }
}

fn put(out: &mut Vec<u8>, words: [u16; 4]) {
    for word in words {
        out.extend_from_slice(&word.to_be_bytes());
    }
}

/// Appends an integer, without digits after the point.
pub(super) fn integer(value: i64, room: &mut Vec<u8>, out: &mut Vec<u8>) -> Option<()> {
    whole(value, room).encode(out)
}

/// Whether a decimal number gives the real back bit for bit: infinities, NaN and -0.0 have none.
pub(super) fn is_decimal(value: f64) -> bool {
    value.is_finite() && (value != 0.0 || value.is_sign_positive())
}

/// Appends the shortest decimal that reads back to the same real, with at least one digit after
/// the point, so that it is not taken for an integer.
pub(super) fn real(value: f64, room: &mut Vec<u8>, out: &mut Vec<u8>) -> Option<()> {
    let mut decimal = shortest(value, room)?;
    decimal.scale = std::cmp::max(1, decimal.scale);
    decimal.encode(out)
}

/// Appends an integer that a numeric of so many digits, so many of them after the point, holds.
pub(super) fn bounded_integer(
    value: i64,
    limits: (u16, i16),
    room: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> Option<()> {
    whole(value, room).within(limits)?.encode(out)
}

/// Appends the number that a text spells, within limits where there are some.
pub(super) fn text(
    text: &str,
    limits: Option<(u16, i16)>,
    room: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> Option<()> {
    let decimal = spelled(text, room)?;
    match limits {
        Some(limits) => decimal.within(limits)?.encode(out),
        None => decimal.encode(out),
    }
}

/// The number that a text spells as PostgreSQL would: a sign only before numbers below zero, digits
/// without a zero before them, and perhaps a point and more digits.
pub(super) fn spelled<'r>(text: &str, room: &'r mut Vec<u8>) -> Option<Decimal<'r>> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let zero_first = whole.len() > 1 && whole.starts_with('0');
    if !all_digits(whole) || !all_digits(fraction) || zero_first {
        return None;
    }
    let decimal = Decimal::new(negative, digits.as_bytes(), 0, room);
    (decimal.negative == negative).then_some(decimal)
}

/// An integer as a decimal.
pub(super) fn whole(value: i64, room: &mut Vec<u8>) -> Decimal<'_> {
    let mut buffer = itoa::Buffer::new();
    let text = buffer.format(value).as_bytes();
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    Decimal::new(value < 0, digits, 0, room)
}

/// The same of the shortest decimal that reads back to this real.
pub(super) fn bounded_real(
    value: f64,
    limits: (u16, i16),
    room: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> Option<()> {
    shortest(value, room)?.within(limits)?.encode(out)
}

/// The shortest decimal that reads back to the same real; infinities, NaN and -0.0 have none.
pub(super) fn shortest(value: f64, room: &mut Vec<u8>) -> Option<Decimal<'_>> {
    if !is_decimal(value) {
        return None;
    }
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value.abs());
    let (whole, power) = match text.split_once('e') {
        Some((whole, power)) => (whole, power.parse().ok()?),
        None => (text, 0),
    };
    Some(Decimal::new(value < 0.0, whole.as_bytes(), power, room))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ndigits, weight, sign, dscale, digits.
    fn words(encode: impl FnOnce(&mut Vec<u8>, &mut Vec<u8>) -> Option<()>) -> Option<Vec<i32>> {
        let (mut room, mut out) = (Vec::new(), Vec::new());
        encode(&mut room, &mut out)?;
        let word = |pair: &[u8]| i32::from(i16::from_be_bytes([pair[0], pair[1]]));
        Some(out.chunks_exact(2).map(word).collect())
    }

    fn of_text(number: &str) -> Option<Vec<i32>> {
        words(|room, out| {
            let digits = number.strip_prefix('-').unwrap_or(number);
            Decimal::new(digits.len() < number.len(), digits.as_bytes(), 0, room).encode(out)
        })
    }

    #[test]
    fn numbers_have_the_bytes_that_numeric_send_gives() {
        assert_eq!(of_text("0"), Some(vec![0, 0, 0, 0]));
        assert_eq!(of_text("0.00"), Some(vec![0, 0, 0, 2]));
        assert_eq!(of_text("1.50"), Some(vec![2, 0, 0, 2, 1, 5000]));
        assert_eq!(
            of_text("-12345.678"),
            Some(vec![3, 1, 0x4000, 3, 1, 2345, 6780])
        );
        assert_eq!(of_text("0.00012"), Some(vec![2, -1, 0, 5, 1, 2000]));
        assert_eq!(of_text("100000000"), Some(vec![1, 2, 0, 0, 1]));
    }

    #[test]
    fn an_integer_and_a_real_of_equal_value_differ_in_scale() {
        let seven = words(|room, out| integer(7, room, out));
        assert_eq!(seven, Some(vec![1, 0, 0, 0, 7]));
        assert_eq!(words(|r, o| real(7.0, r, o)), Some(vec![1, 0, 0, 1, 7]));
        assert_eq!(
            words(|r, o| real(-1.5e300, r, o)),
            Some(vec![2, 75, 0x4000, 1, 1, 5000])
        );
        assert_eq!(words(|r, o| real(1e-7, r, o)), Some(vec![1, -2, 0, 7, 10]));
        let least = words(|r, o| integer(i64::MIN, r, o));
        assert_eq!(
            least,
            Some(vec![5, 4, 0x4000, 0, 922, 3372, 368, 5477, 5808])
        );
    }

    #[test]
    fn what_a_numeric_cannot_hold_is_refused() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0] {
            assert_eq!(words(|r, o| real(value, r, o)), None, "{value}");
        }
        assert!(of_text(&format!("0.{}1", "0".repeat(16_382))).is_some());
        assert_eq!(of_text(&format!("0.{}1", "0".repeat(16_383))), None);
        assert!(of_text(&format!("1{}", "0".repeat(131_071))).is_some());
        assert_eq!(of_text(&format!("1{}", "0".repeat(131_072))), None);
    }
}
