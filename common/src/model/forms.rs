//! The forms a text may have beyond being text, and the value each stands for.
//!
//! These functions are the definition: evidence counts the texts they accept, and a target stores
//! the value they give. They are strict, reject cheaply (they run on every text) and never round.
//! Knows no database; the epoch 2000-01-01 is the one of PostgreSQL's binary format.

pub use super::address::{Family, Inet, inet};

/// Microseconds of a second.
const SECOND: i64 = 1_000_000;
/// Microseconds of a day.
const DAY: i64 = 86_400 * SECOND;
/// Days from 2000-01-01 back to 0001-01-01, and on to 9999-12-31.
const DAYS: std::ops::RangeInclusive<i32> = -730_119..=2_921_939;

/// Days since 2000-01-01 of `YYYY-MM-DD`, a real day of the years 0001 to 9999 (Gregorian).
#[must_use]
pub fn date(text: &str) -> Option<i32> {
    let bytes = text.as_bytes();
    if bytes.len() == 10 { day(bytes) } else { None }
}

/// Microseconds since midnight of `HH:MM:SS`, perhaps with one to six digits of fraction. Neither
/// 24:00:00 nor a leap second is one.
#[must_use]
pub fn time(text: &str) -> Option<i64> {
    match clock(text.as_bytes())? {
        (micros, []) => Some(micros),
        _ => None,
    }
}

/// Microseconds since 2000-01-01 00:00:00 of a date, one `T` or blank, and a time, without offset.
#[must_use]
pub fn timestamp(text: &str) -> Option<i64> {
    match moment(text.as_bytes())? {
        (micros, []) => Some(micros),
        _ => None,
    }
}

/// Microseconds since 2000-01-01 00:00:00 UTC of the same with an offset: `Z`, `+02`, `+02:00` or
/// `+0200`, up to 15:59; the instant is in the years 0001 to 9999 in UTC.
#[must_use]
pub fn timestamp_offset(text: &str) -> Option<i64> {
    let (local, rest) = moment(text.as_bytes())?;
    let instant = local - offset(rest)? * 60 * SECOND;
    let day = i32::try_from(instant.div_euclid(DAY)).ok()?;
    DAYS.contains(&day).then_some(instant)
}

/// Whether microseconds since 2000-01-01 00:00:00 are a moment of the years 0001 to 9999.
#[must_use]
pub fn is_moment(micros: i64) -> bool {
    i32::try_from(micros.div_euclid(DAY)).is_ok_and(|day| DAYS.contains(&day))
}

/// Whether a time or timestamp (that `time` or `timestamp` accepts) is spelled as PostgreSQL prints
/// it: a blank before the time, and a fraction that is absent or does not end in 0.
#[must_use]
pub fn is_plain_time(text: &str) -> bool {
    let plain_fraction = !(text.contains('.') && text.ends_with('0'));
    plain_fraction && !text.contains('T') && (time(text).is_some() || timestamp(text).is_some())
}

/// The bytes of a UUID written as 8-4-4-4-12 hexadecimal digits, in any case.
#[must_use]
pub fn uuid(text: &str) -> Option<[u8; 16]> {
    let text = text.as_bytes();
    if text.len() != 36 || text[8] != b'-' {
        return None;
    }
    let mut bytes = [0; 16];
    let mut at = 0;
    for (position, byte) in bytes.iter_mut().enumerate() {
        if matches!(position, 4 | 6 | 8 | 10) {
            if text[at] != b'-' {
                return None;
            }
            at += 1;
        }
        *byte = hex(text[at])? << 4 | hex(text[at + 1])?;
        at += 2;
    }
    Some(bytes)
}

/// Whether a UUID (that `uuid` accepts) has an upper-case digit, so that its spelling is not kept.
#[must_use]
pub fn has_upper(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// A date, `T` or a blank, and a time: microseconds since 2000-01-01, and what follows.
fn moment(bytes: &[u8]) -> Option<(i64, &[u8])> {
    // Shortest is 2000-01-01 00:00:00, longest 2000-01-01T00:00:00.000000+00:00.
    if !(19..=32).contains(&bytes.len()) || !matches!(bytes[10], b'T' | b' ') {
        return None;
    }
    let day = day(&bytes[..10])?;
    let (micros, rest) = clock(&bytes[11..])?;
    Some((i64::from(day) * DAY + micros, rest))
}

/// Ten bytes `YYYY-MM-DD`: days since 2000-01-01.
fn day(bytes: &[u8]) -> Option<i32> {
    if bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let year = two(&bytes[0..2])? * 100 + two(&bytes[2..4])?;
    let (month, day) = (two(&bytes[5..7])?, two(&bytes[8..10])?);
    if year < 1 || day < 1 || day > days_of_month(year, month)? {
        return None;
    }
    // Years begin in March here, so that a leap day comes last (Hinnant, days_from_civil).
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    Some(days - 730_425)
}

fn days_of_month(year: i32, month: i32) -> Option<i32> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(if leap { 29 } else { 28 }),
        _ => None,
    }
}

/// `HH:MM:SS[.f]` at the start: microseconds since midnight, and what follows.
fn clock(bytes: &[u8]) -> Option<(i64, &[u8])> {
    if bytes.len() < 8 || bytes[2] != b':' || bytes[5] != b':' {
        return None;
    }
    let (hour, minute, second) = (two(&bytes[0..2])?, two(&bytes[3..5])?, two(&bytes[6..8])?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (fraction, rest) = fraction(&bytes[8..])?;
    let seconds = i64::from(hour * 3600 + minute * 60 + second);
    Some((seconds * SECOND + fraction, rest))
}

/// Nothing, or a point and one to six digits: microseconds, and what follows.
fn fraction(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let Some((b'.', digits)) = bytes.split_first() else {
        return Some((0, bytes));
    };
    let mut micros = 0;
    let mut unit = SECOND;
    let mut rest = digits;
    while let Some((digit @ b'0'..=b'9', after)) = rest.split_first() {
        unit /= 10;
        micros += unit * i64::from(digit - b'0');
        rest = after;
    }
    let count = digits.len() - rest.len();
    (1..=6).contains(&count).then_some((micros, rest))
}

/// All of `Z`, `+02`, `+02:00` or `+0200`: minutes east of UTC.
fn offset(bytes: &[u8]) -> Option<i64> {
    let (sign, hour, minute) = match bytes {
        b"Z" => return Some(0),
        [sign, h1, h2] => (sign, two(&[*h1, *h2])?, 0),
        [sign, h1, h2, b':', m1, m2] | [sign, h1, h2, m1, m2] => {
            (sign, two(&[*h1, *h2])?, two(&[*m1, *m2])?)
        }
        _ => return None,
    };
    if hour > 15 || minute > 59 {
        return None;
    }
    let minutes = i64::from(hour * 60 + minute);
    match sign {
        b'+' => Some(minutes),
        b'-' => Some(-minutes),
        _ => None,
    }
}

/// Two decimal digits.
fn two(digits: &[u8]) -> Option<i32> {
    match digits {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => {
            Some(i32::from(tens - b'0') * 10 + i32::from(ones - b'0'))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil;
    use proptest::prelude::*;

    fn epoch() -> civil::DateTime {
        civil::date(2000, 1, 1).at(0, 0, 0, 0)
    }

    /// Microseconds from 2000-01-01 by jiff.
    fn micros(moment: civil::DateTime) -> i64 {
        let span = moment.duration_since(epoch());
        i64::try_from(span.as_micros()).unwrap()
    }

    #[test]
    fn every_day_of_9999_years_is_counted_as_jiff_counts_it() {
        let mut day = civil::date(1, 1, 1);
        let mut expected = *DAYS.start();
        loop {
            assert_eq!(date(&day.to_string()), Some(expected), "{day}");
            let Ok(next) = day.tomorrow() else { break };
            (day, expected) = (next, expected + 1);
        }
        assert_eq!(expected, *DAYS.end());
    }

    #[test]
    fn texts_that_only_look_like_days_are_not_dates() {
        for text in [
            "",
            "2023-02-29",
            "1900-02-29",
            "2024-02-30",
            "2024-04-31",
            "2024-13-01",
            "2024-00-10",
            "2024-01-00",
            "2024-1-01",
            "2024-01-1",
            "0000-01-01",
            "20240101",
            "2024/01/01",
            "2024-01-01 ",
            " 2024-01-0",
            "2024-01-01T",
            "-024-01-01",
            "+024-01-01",
            "2024-01-0x",
            "10000-01-01",
            "２024-01-01",
            "2024-01-é",
        ] {
            assert_eq!(date(text), None, "{text:?}");
        }
        assert_eq!(date("2000-02-29"), Some(59));
    }

    #[test]
    fn times_keep_every_digit_and_refuse_what_would_be_rounded() {
        for (text, expected) in [
            ("00:00:00", 0),
            ("23:59:59.999999", DAY - 1),
            ("01:02:03.5", 3_723_500_000),
            ("01:02:03.000001", 3_723_000_001),
            ("01:02:03.50", 3_723_500_000),
        ] {
            assert_eq!(time(text), Some(expected), "{text}");
        }
        for text in [
            "24:00:00",
            "23:60:00",
            "23:59:60",
            "1:02:03",
            "01:02",
            "01:02:03.",
            "01:02:03.1234567",
            "01:02:03Z",
            "01:02:03 ",
            "01-02-03",
            "01:02:03,5",
            "",
        ] {
            assert_eq!(time(text), None, "{text:?}");
        }
    }

    #[test]
    fn timestamps_have_one_separator_and_no_offset() {
        assert_eq!(timestamp("2000-01-01 00:00:00"), Some(0));
        assert_eq!(timestamp("2000-01-01T00:00:00.000001"), Some(1));
        assert_eq!(timestamp("1999-12-31 23:59:59.999999"), Some(-1));
        for text in [
            "2000-01-01",
            "2000-01-01  00:00:00",
            "2000-01-01t00:00:00",
            "2000-01-01 00:00",
            "2000-01-01 00:00:00Z",
            "2000-01-01 00:00:00+00",
            "2000-01-01_00:00:00",
            "2000-01-01 24:00:00",
            "2000-02-30 00:00:00",
            "2000-01-0é00:00:00.0",
        ] {
            assert_eq!(timestamp(text), None, "{text:?}");
        }
    }

    #[test]
    fn an_offset_is_taken_off_and_the_instant_stays_in_four_digit_years() {
        for (text, expected) in [
            ("2000-01-01T00:00:00Z", 0),
            ("2000-01-01 02:00:00+02", 0),
            ("2000-01-01 02:00:00+0200", 0),
            ("2000-01-01T02:00:00.000001+02:00", 1),
            ("1999-12-31T16:30:00-07:30", 0),
            ("2000-01-01 00:00:00-00:00", 0),
            ("2000-01-01 15:59:00+15:59", 0),
        ] {
            assert_eq!(timestamp_offset(text), Some(expected), "{text}");
        }
        for text in [
            "2000-01-01T00:00:00",
            "2000-01-01T00:00:00z",
            "2000-01-01 00:00:00 +02",
            "2000-01-01 00:00:00+2",
            "2000-01-01 00:00:00+02:0",
            "2000-01-01 00:00:00+02:60",
            "2000-01-01 00:00:00+16:00",
            "2000-01-01 00:00:00+020",
            "2000-01-01 00:00:00ZZ",
            "0001-01-01 00:00:00+00:01",
            "9999-12-31 23:59:59-00:01",
            "2000-01-01 00:00:00 UTC",
        ] {
            assert_eq!(timestamp_offset(text), None, "{text:?}");
        }
        assert!(timestamp_offset("0001-01-01 00:01:00+00:01").is_some());
        assert!(timestamp_offset("9999-12-31 23:58:59-00:01").is_some());
    }

    #[test]
    fn a_plain_time_is_what_postgresql_prints() {
        for text in [
            "10:00:00",
            "10:00:00.5",
            "2024-01-01 10:00:00",
            "2024-01-01 10:00:00.25",
        ] {
            assert!(is_plain_time(text), "{text}");
        }
        for text in [
            "10:00:00.50",
            "10:00:00.0",
            "2024-01-01T10:00:00",
            "2024-01-01 10:00:00.10",
            "2024-01-01 10:00:00+00",
            "2024-01-01",
            "hello",
        ] {
            assert!(!is_plain_time(text), "{text}");
        }
    }

    #[test]
    fn a_uuid_has_its_hyphens_in_place() {
        let text = "00112233-4455-6677-8899-aabbccddeeff";
        let bytes = [
            0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee,
            0xff,
        ];
        assert_eq!(uuid(text), Some(bytes));
        assert_eq!(uuid(&text.to_uppercase()), Some(bytes));
        assert!(!has_upper(text) && has_upper(&text.to_uppercase()));
        for bad in [
            "00112233445566778899aabbccddeeff",
            "{00112233-4455-6677-8899-aabbccddeef}",
            "00112233-4455-6677-8899-aabbccddeefg",
            "00112233-44556-677-8899-aabbccddeeff",
            "00112233-4455-6677-8899-aabbccddeef",
            "00112233_4455_6677_8899_aabbccddeeff",
            "0011223é-4455-6677-8899-aabbccddeef",
            "",
        ] {
            assert_eq!(uuid(bad), None, "{bad:?}");
        }
    }

    fn moments() -> impl Strategy<Value = civil::DateTime> {
        (1i16..=9999, 1i8..=12, 1i8..=31, 0i64..DAY).prop_filter_map(
            "no such day",
            |(y, m, d, us)| {
                let day = civil::Date::new(y, m, d).ok()?.at(0, 0, 0, 0);
                day.checked_add(jiff::SignedDuration::from_micros(us)).ok()
            },
        )
    }

    proptest! {
        #[test]
        fn moments_read_as_jiff_writes_them(moment in moments()) {
            let text = moment.to_string();
            prop_assert_eq!(timestamp(&text), Some(micros(moment)));
            prop_assert_eq!(timestamp(&text.replace('T', " ")), Some(micros(moment)));
            prop_assert_eq!(date(&text[..10]), Some(i32::try_from(micros(moment).div_euclid(DAY)).unwrap()));
            prop_assert_eq!(time(&text[11..]), Some(micros(moment).rem_euclid(DAY)));
            prop_assert_eq!(timestamp_offset(&text), None);
        }

        #[test]
        fn offsets_move_the_instant_as_jiff_moves_it(moment in moments(), minutes in -959i32..=959) {
            let (hour, minute) = (minutes.abs() / 60, minutes.abs() % 60);
            let sign = if minutes < 0 { '-' } else { '+' };
            let text = format!("{moment}{sign}{hour:02}:{minute:02}");
            let expected = text
                .parse::<jiff::Timestamp>()
                .ok()
                .map(|instant| instant.as_microsecond() - 946_684_800 * SECOND)
                .filter(|instant| DAYS.contains(&i32::try_from(instant.div_euclid(DAY)).unwrap()));
            // jiff's own range ends a little before and after ours, so only what it reads is compared.
            if expected.is_some() {
                prop_assert_eq!(timestamp_offset(&text), expected);
            }
            prop_assert_eq!(timestamp(&text), None);
        }

        #[test]
        fn uuids_read_as_the_uuid_crate_writes_them(bytes: [u8; 16]) {
            let text = uuid::Uuid::from_bytes(bytes).to_string();
            prop_assert_eq!(super::uuid(&text), Some(bytes));
        }

        #[test]
        fn no_text_makes_a_reader_panic(text in "\\PC{0,40}", near in "[0-9T:.Z+ -]{0,34}") {
            for text in [&text, &near] {
                let _ = (date(text), time(text), timestamp(text), timestamp_offset(text));
                let _ = (super::uuid(text), inet(text), is_plain_time(text));
            }
        }
    }
}
