//! Dates and times in ISO 8601's extended form, judged to the letter.
//!
//! Knows the Gregorian calendar and the clock; no time zone and no leap second.

/// How a text reads as a date or time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// `2024-02-29`.
    Date,
    /// `23:59:59.999999`.
    Time,
    /// Date and time.
    Timestamp,
    /// Date, time and offset.
    TimestampOffset,
}

/// A day: year, month, day.
type Day = (u32, u32, u32);

/// What `text` is, if anything.
pub(super) fn moment(text: &[u8]) -> Option<Moment> {
    if text.len() >= 8 && text[2] == b':' {
        let (_, rest) = time(text)?;
        return rest.is_empty().then_some(Moment::Time);
    }
    if text.len() < 10 || text[4] != b'-' {
        return None;
    }
    let (day, rest) = (day(text)?, &text[10..]);
    let Some((separator, rest)) = rest.split_first() else {
        return Some(Moment::Date);
    };
    if !matches!(separator, b'T' | b' ') {
        return None;
    }
    let (minute, rest) = time(rest)?;
    if rest.is_empty() {
        return Some(Moment::Timestamp);
    }
    let minute = minute - offset(rest)?;
    // The instant leaves the years that every program understands only from its first or last day.
    let outside = (minute < 0 && day == (1, 1, 1)) || (minute >= 24 * 60 && day == (9999, 12, 31));
    (!outside).then_some(Moment::TimestampOffset)
}

/// The date at the start of `text`, which is ten bytes long at least.
fn day(text: &[u8]) -> Option<Day> {
    if text[7] != b'-' {
        return None;
    }
    let year = two(&text[0..2])? * 100 + two(&text[2..4])?;
    let (month, day) = (two(&text[5..7])?, two(&text[8..10])?);
    let known = year >= 1 && (1..=12).contains(&month) && day >= 1 && day <= days(year, month);
    known.then_some((year, month, day))
}

fn days(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        _ => 31,
    }
}

/// The time at the start of `text`, as minutes of the day, and what follows it.
fn time(text: &[u8]) -> Option<(i32, &[u8])> {
    let (clock, mut rest) = text.split_at_checked(8)?;
    if clock[2] != b':' || clock[5] != b':' {
        return None;
    }
    let (hour, minute) = (two(&clock[0..2])?, two(&clock[3..5])?);
    if hour > 23 || minute > 59 || two(&clock[6..8])? > 59 {
        return None;
    }
    if let Some((b'.', fraction)) = rest.split_first() {
        let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit());
        let digits = digits.take(7).count();
        if !(1..=6).contains(&digits) {
            return None;
        }
        rest = &fraction[digits..];
    }
    Some(((hour * 60 + minute).cast_signed(), rest))
}

/// Minutes of `Z`, `+02`, `+02:00` or `+0200`, less than 16 hours.
fn offset(text: &[u8]) -> Option<i32> {
    let (sign, digits) = text.split_first()?;
    let direction = match sign {
        b'Z' => return digits.is_empty().then_some(0),
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hour, minute) = match *digits {
        [_, _] => (two(digits)?, 0),
        [_, _, b':', _, _] => (two(&digits[..2])?, two(&digits[3..])?),
        [_, _, _, _] => (two(&digits[..2])?, two(&digits[2..])?),
        _ => return None,
    };
    (hour <= 15 && minute <= 59).then(|| direction * (hour * 60 + minute).cast_signed())
}

/// The number that two digits are.
#[inline]
fn two(text: &[u8]) -> Option<u32> {
    let &[tens, ones] = text else { return None };
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens <= 9 && ones <= 9).then(|| u32::from(tens) * 10 + u32::from(ones))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_apart() {
        for (text, expected) in [
            ("2024-02-29", Some(Moment::Date)),
            ("2000-02-29", Some(Moment::Date)),
            ("0001-01-01", Some(Moment::Date)),
            ("9999-12-31", Some(Moment::Date)),
            ("00:00:00", Some(Moment::Time)),
            ("23:59:59.123456", Some(Moment::Time)),
            ("2024-01-02 03:04:05", Some(Moment::Timestamp)),
            ("2024-01-02T03:04:05.1", Some(Moment::Timestamp)),
            ("2024-01-02T03:04:05Z", Some(Moment::TimestampOffset)),
            (
                "2024-01-02 03:04:05.123456+02",
                Some(Moment::TimestampOffset),
            ),
            ("2024-01-02 03:04:05-0330", Some(Moment::TimestampOffset)),
            ("2024-01-02 03:04:05+15:59", Some(Moment::TimestampOffset)),
            ("0001-01-01T00:30:00+00:30", Some(Moment::TimestampOffset)),
            ("0001-01-01T00:30:00+00:31", None),
            ("9999-12-31T23:30:00-00:29", Some(Moment::TimestampOffset)),
            ("9999-12-31T23:30:00-00:30", None),
        ] {
            assert_eq!(moment(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn near_misses_are_nothing() {
        for text in [
            "",
            "2023-02-29",
            "1900-02-29",
            "2024-04-31",
            "2024-13-01",
            "2024-00-01",
            "2024-01-00",
            "0000-01-01",
            "2024-1-02",
            "2024/01/02",
            "20240102",
            "2024-01-02 ",
            "2024-01-02t03:04:05",
            "2024-01-02 03:04",
            "2024-01-02 24:00:00",
            "2024-01-02 23:60:00",
            "23:59:60",
            "24:00:00",
            "1:02:03",
            "01:02",
            "01:02:03.",
            "01:02:03.1234567",
            "01:02:03Z",
            "2024-01-02 03:04:05 +02",
            "2024-01-02 03:04:05z",
            "2024-01-02 03:04:05+2",
            "2024-01-02 03:04:05+16:00",
            "2024-01-02 03:04:05+02:60",
            "2024-01-02 03:04:05+02:0",
            "2024-01-02Z",
            "2024-01-02  03:04:05",
        ] {
            assert_eq!(moment(text.as_bytes()), None, "{text}");
        }
    }
}
