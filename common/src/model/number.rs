//! The one spelling of a number, as rows are written and texts are judged by.
//!
//! Knows no row and no column.

/// The integer that is printed as exactly these digits, with `-` before them if `negative`.
///
/// Leading zeros, `-0` and what 64 bits cannot hold are no integer's spelling.
#[must_use]
#[inline]
pub fn integer(negative: bool, digits: &[u8]) -> Option<i64> {
    match digits {
        [b'0'] => return (!negative).then_some(0),
        [] | [b'0', ..] => return None,
        // One below 10^19, which fits 64 bits without sign.
        _ if digits.len() > 19 => return None,
        _ => {}
    }
    let mut magnitude = 0u64;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        magnitude = magnitude * 10 + u64::from(digit - b'0');
    }
    if negative {
        0i64.checked_sub_unsigned(magnitude)
    } else {
        i64::try_from(magnitude).ok()
    }
}

/// The finite real that is printed as exactly `text`, in its shortest digits.
#[must_use]
pub fn real(text: &str) -> Option<f64> {
    // The longest spelling, -2.2250738585072014e-308, has 24 bytes.
    if text.len() > 24 {
        return None;
    }
    let real: f64 = text.parse().ok()?;
    (real.is_finite() && zmij::Buffer::new().format_finite(real) == text).then_some(real)
}

/// What a text is as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    /// It has neither point nor exponent.
    pub whole: bool,
}

/// Whether `text` is a decimal number: a sign or none, digits with at most one point among them,
/// and perhaps an exponent. No blanks, no words.
#[must_use]
pub fn decimal(text: &[u8]) -> Option<Decimal> {
    let mut at = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let before = digits(&text[at..]);
    at += before;
    let mut whole = true;
    let mut after = 0;
    if text.get(at) == Some(&b'.') {
        after = digits(&text[at + 1..]);
        at += 1 + after;
        whole = false;
    }
    if before + after == 0 {
        return None;
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        at += 1 + usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(&text[at..]);
        if exponent == 0 {
            return None;
        }
        at += exponent;
        whole = false;
    }
    (at == text.len()).then_some(Decimal { whole })
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_printed_form_of_an_integer_counts() {
        assert_eq!(integer(true, b"9223372036854775808"), Some(i64::MIN));
        assert_eq!(integer(false, b"9223372036854775807"), Some(i64::MAX));
        assert_eq!(integer(false, b"0"), Some(0));
        for (negative, digits) in [
            (false, &b"9223372036854775808"[..]),
            (true, b"9223372036854775809"),
            (false, b"18446744073709551617"),
            (true, b"0"),
            (false, b"07"),
            (false, b""),
            (false, b"1a"),
        ] {
            assert_eq!(integer(negative, digits), None, "{digits:?}");
        }
    }

    #[test]
    fn only_the_printed_form_of_a_real_counts() {
        assert_eq!(real("-2.2250738585072014e-308"), Some(-f64::MIN_POSITIVE));
        assert_eq!(real("1.0"), Some(1.0));
        for text in [
            "1",
            "1.00",
            "1e16",
            "inf",
            "NaN",
            "0.30000000000000004000000",
            "",
        ] {
            assert_eq!(real(text), None, "{text}");
        }
    }

    #[test]
    fn a_decimal_is_told_from_words_dates_and_fragments() {
        for text in ["7", "-7", "+49"] {
            assert_eq!(
                decimal(text.as_bytes()),
                Some(Decimal { whole: true }),
                "{text}"
            );
        }
        for text in ["1.5", ".5", "5.", "-1e5", "1.E-3", "1e+10"] {
            assert_eq!(
                decimal(text.as_bytes()),
                Some(Decimal { whole: false }),
                "{text}"
            );
        }
        for text in [
            "", "+", ".", "-.", "1e", "1e+", "e5", "1 ", " 1", "1-2", "0x1", "1.2.3", "--1", "1_0",
        ] {
            assert_eq!(decimal(text.as_bytes()), None, "{text}");
        }
    }
}
