use super::*;
use proptest::prelude::*;

/// Microseconds since 2000-01-01 UTC of what the mapping calls a moment.
fn micros(value: Value<'_>, unit: EpochUnit) -> Result<i64, Why> {
    let (mut room, mut out) = (Vec::new(), Vec::new());
    epoch(&value, unit, PgType::Timestamptz, &mut room, &mut out)?;
    Ok(i64::from_be_bytes(out.try_into().unwrap()))
}

fn at(text: &str) -> i64 {
    forms::timestamp_offset(text).unwrap()
}

#[test]
fn each_unit_counts_from_its_own_beginning() {
    let moment = "2023-11-14T22:13:20Z";
    for (value, unit) in [
        (Value::Integer(1_700_000_000), EpochUnit::Seconds),
        (Value::Real(1_700_000_000.0), EpochUnit::Seconds),
        (Value::Text("1700000000"), EpochUnit::Seconds),
        (Value::Integer(1_700_000_000_000), EpochUnit::Milliseconds),
        (
            Value::Integer(1_700_000_000_000_000),
            EpochUnit::Microseconds,
        ),
        (Value::Integer(721_692_800), EpochUnit::Seconds2001),
        (
            Value::Integer(13_344_473_600_000_000),
            EpochUnit::Microseconds1601,
        ),
        (
            Value::Integer(133_444_736_000_000_000),
            EpochUnit::Ticks1601,
        ),
    ] {
        assert_eq!(micros(value, unit), Ok(at(moment)), "{value:?} {unit:?}");
    }
    let days = [
        (Value::Integer(0), EpochUnit::Days, "1970-01-01T00:00:00Z"),
        (Value::Integer(-1), EpochUnit::Days, "1969-12-31T00:00:00Z"),
        (Value::Real(0.5), EpochUnit::Days, "1970-01-01T12:00:00Z"),
        (
            Value::Integer(2_440_588),
            EpochUnit::JulianDays,
            "1970-01-01T12:00:00Z",
        ),
        (
            Value::Real(2_440_587.5),
            EpochUnit::JulianDays,
            "1970-01-01T00:00:00Z",
        ),
        (
            Value::Text("2440587.5"),
            EpochUnit::JulianDays,
            "1970-01-01T00:00:00Z",
        ),
    ];
    for (value, unit, moment) in days {
        assert_eq!(micros(value, unit), Ok(at(moment)), "{value:?} {unit:?}");
    }
}

#[test]
fn a_number_that_is_no_whole_microsecond_of_our_years_is_refused() {
    let seconds = |value| micros(value, EpochUnit::Seconds);
    assert_eq!(
        seconds(Value::Real(0.000_001)),
        Ok(at("1970-01-01T00:00:00.000001Z"))
    );
    assert_eq!(seconds(Value::Real(1.7e9)), Ok(at("2023-11-14T22:13:20Z")));
    assert_eq!(
        seconds(Value::Real(1_700_000_000.123)),
        Ok(at("2023-11-14T22:13:20.123Z"))
    );
    assert_eq!(seconds(Value::Real(1_700_000_000.123_456_7)), Err(FINER));
    assert_eq!(seconds(Value::Real(5e-324)), Err(FINER));
    assert_eq!(micros(Value::Integer(7), EpochUnit::Ticks1601), Err(FINER));
    assert_eq!(
        seconds(Value::Integer(253_402_300_799)),
        Ok(at("9999-12-31T23:59:59Z"))
    );
    assert_eq!(
        seconds(Value::Integer(-62_135_596_800)),
        Ok(at("0001-01-01T00:00:00Z"))
    );
    for value in [
        Value::Integer(253_402_300_800),
        Value::Integer(-62_135_596_801),
        Value::Integer(i64::MAX),
        Value::Integer(i64::MIN),
        Value::Real(1e300),
        Value::Real(f64::MAX),
    ] {
        assert_eq!(seconds(value), Err(BEYOND), "{value:?}");
        assert_eq!(
            micros(value, EpochUnit::JulianDays),
            Err(BEYOND),
            "{value:?}"
        );
    }
    for value in [
        Value::Real(f64::NAN),
        Value::Real(f64::INFINITY),
        Value::Real(-0.0),
        Value::Text("+1"),
        Value::Text("01"),
        Value::Text("1e9"),
        Value::Text(""),
        Value::Blob(b"1"),
    ] {
        assert_eq!(seconds(value), Err(NO_NUMBER), "{value:?}");
    }
    let long = "9".repeat(100_000);
    assert_eq!(seconds(Value::Text(&long)), Err(BEYOND));
    assert_eq!(seconds(Value::Text(&format!("0.{long}"))), Err(BEYOND));
}

#[test]
fn a_day_is_a_moment_at_midnight() {
    let day = |value, unit| {
        let mut out = Vec::new();
        epoch(&value, unit, PgType::Date, &mut Vec::new(), &mut out)?;
        Ok::<_, Why>(i32::from_be_bytes(out.try_into().unwrap()))
    };
    assert_eq!(day(Value::Integer(10_957), EpochUnit::Days), Ok(0));
    assert_eq!(day(Value::Integer(946_684_800), EpochUnit::Seconds), Ok(0));
    assert_eq!(day(Value::Integer(946_598_400), EpochUnit::Seconds), Ok(-1));
    assert_eq!(
        day(Value::Integer(946_684_801), EpochUnit::Seconds),
        Err(NOT_MIDNIGHT)
    );
    let mut out = Vec::new();
    let text = epoch(
        &Value::Integer(0),
        EpochUnit::Days,
        PgType::Text,
        &mut Vec::new(),
        &mut out,
    );
    assert_eq!(text, Err(NO_MOMENT_TYPE));
}

#[test]
fn texts_are_read_as_generously_as_the_documentation_says_and_no_more() {
    let lenient = |text, target| {
        let mut out = Vec::new();
        let changed = lenient(text, target, &mut out)?;
        Some((out, changed))
    };
    let stamp = |text| forms::timestamp(text).unwrap().to_be_bytes().to_vec();
    let moment = |text| at(text).to_be_bytes().to_vec();
    for (text, same, changed) in [
        ("2024-01-02", "2024-01-02 00:00:00", true),
        ("2024-01-02 10:00", "2024-01-02 10:00:00", false),
        ("2024-01-02T10:00", "2024-01-02 10:00:00", false),
        (
            "2024-01-02 10:00:00.1234560",
            "2024-01-02 10:00:00.123456",
            false,
        ),
        (
            "2024-01-02 10:00:00.000000000",
            "2024-01-02 10:00:00",
            false,
        ),
    ] {
        assert_eq!(
            lenient(text, PgType::Timestamp),
            Some((stamp(same), changed)),
            "{text}"
        );
    }
    for (text, same) in [
        ("2024-01-02 10:00:00 +02:00", "2024-01-02 10:00:00+02:00"),
        ("2024-01-02 10:00:00 UTC", "2024-01-02 10:00:00Z"),
        ("2024-01-02T10:00Z", "2024-01-02 10:00:00Z"),
        (
            "2024-01-02T10:00:00.1230000-05",
            "2024-01-02 10:00:00.123-05",
        ),
    ] {
        assert_eq!(
            lenient(text, PgType::Timestamptz),
            Some((moment(same), false)),
            "{text}"
        );
    }
    let day = forms::date("2024-01-02").unwrap().to_be_bytes().to_vec();
    assert_eq!(
        lenient("2024-01-02 00:00:00", PgType::Date),
        Some((day, true))
    );
    let ten = forms::time("10:00:00").unwrap().to_be_bytes().to_vec();
    assert_eq!(lenient("10:00", PgType::Time), Some((ten, false)));
    for (text, target) in [
        ("2024-01-02 00:00:01", PgType::Date),
        ("2024-01-02 10:00:00.1234567", PgType::Timestamp),
        ("2024-01-02 10:00:00Z", PgType::Timestamp),
        ("2024-01-02", PgType::Timestamptz),
        ("2024-02-30", PgType::Timestamp),
        ("2024-01-02 10", PgType::Timestamp),
        ("2024-01-02  10:00:00", PgType::Timestamp),
        ("2024-01-02 10:00:00 ", PgType::Timestamp),
        ("02.01.2024", PgType::Timestamp),
        ("now", PgType::Timestamp),
        ("１２:３", PgType::Time),
        ("10:0é", PgType::Time),
    ] {
        assert_eq!(lenient(text, target), None, "{text} as {target}");
    }
}

/// What SQLite's `julianday` makes of milliseconds since the Julian epoch (`date.c`, `juliandayFunc`).
fn julianday(millis: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "as SQLite does")]
    let real = millis as f64 / 86_400_000.0;
    real
}

proptest! {
    #[test]
    fn what_julianday_gives_is_the_millisecond_it_was_made_of(
        millis in 148_731_206_400_000_i64..464_269_060_800_000
    ) {
        let expected = millis * 1000 - 211_813_444_800_000_000;
        prop_assume!(forms::is_moment(expected));
        let found = micros(Value::Real(julianday(millis)), EpochUnit::JulianDays);
        prop_assert_eq!(found, Ok(expected));
    }

    #[test]
    fn two_julian_days_are_never_one_moment(real in 1_721_426.0..5_373_484.0_f64) {
        let next = f64::from_bits(real.to_bits() + 1);
        let found = |real| micros(Value::Real(real), EpochUnit::JulianDays).unwrap();
        prop_assert!(found(real) < found(next));
    }

    #[test]
    fn seconds_are_the_moment_that_jiff_says(seconds in -62_135_596_800_i64..=253_402_300_799) {
        let stamp = jiff::Timestamp::from_second(seconds).unwrap().to_string();
        prop_assert_eq!(micros(Value::Integer(seconds), EpochUnit::Seconds), Ok(at(&stamp)));
    }

    #[test]
    fn no_value_makes_a_reader_panic(
        text in "\\PC{0,40}",
        near in "[0-9T:.Z+ UC-]{0,40}",
        real in any::<f64>(),
        integer in any::<i64>(),
    ) {
        for target in [PgType::Timestamptz, PgType::Timestamp, PgType::Date, PgType::Time] {
            for text in [&text, &near] {
                let _ = lenient(text, target, &mut Vec::new());
                let _ = zoned(text, &Zone::parse("Europe/Berlin").unwrap(), target, &mut Vec::new());
            }
            for unit in [EpochUnit::Seconds, EpochUnit::JulianDays, EpochUnit::Ticks1601] {
                for value in [Value::Real(real), Value::Integer(integer), Value::Text(&near)] {
                    let _ = epoch(&value, unit, target, &mut Vec::new(), &mut Vec::new());
                }
            }
        }
    }
}

#[test]
fn a_moment_is_finer_when_a_digit_beyond_those_kept_is_not_zero() {
    let finer = |micros: i64, digits| is_finer(&micros.to_be_bytes(), digits);
    assert!(finer(1_500_000, 0));
    assert!(!finer(1_500_000, 1));
    assert!(finer(-1, 5));
    assert!(!finer(-1, 6));
    assert!(!finer(-3_000_000, 0));
    assert!(!is_finer(&7_i32.to_be_bytes(), 0), "a date has no seconds");
}
