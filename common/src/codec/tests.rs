//! Both directions together: round trips, exact spellings, and that there is no second spelling.

use super::{Decoder, encode_row};
use crate::fault::Fault;
use crate::model::value::{OwnedValue, Value};
use proptest::prelude::*;

fn encoded(row: &[OwnedValue]) -> Vec<u8> {
    let row: Vec<Value<'_>> = row.iter().map(OwnedValue::as_value).collect();
    let mut out = Vec::new();
    encode_row(&mut out, &row);
    out
}

fn decoded(line: &[u8], cells: usize) -> Result<Vec<OwnedValue>, Fault> {
    Decoder::new().decode_row(line, cells, |row| {
        Ok(row.iter().map(Value::to_owned).collect())
    })
}

fn spelled(value: Value<'_>) -> String {
    let line = encoded(&[value.to_owned()]);
    let text = String::from_utf8(line).unwrap();
    text[1..text.len() - 2].to_owned()
}

#[test]
fn spellings_are_those_of_the_format() {
    let cases: &[(Value<'_>, &str)] = &[
        (Value::Null, "null"),
        (Value::Integer(0), "0"),
        (Value::Integer(i64::MIN), "-9223372036854775808"),
        (Value::Integer(i64::MAX), "9223372036854775807"),
        (Value::Real(0.0), "0.0"),
        (Value::Real(-0.0), "-0.0"),
        (Value::Real(1.0), "1.0"),
        (Value::Real(-12.5), "-12.5"),
        (Value::Real(5e-324), "5e-324"),
        (Value::Real(f64::MAX), "1.7976931348623157e+308"),
        (Value::Real(1e15), "1000000000000000.0"),
        (Value::Real(9_007_199_254_740_993.0), "9007199254740992.0"),
        (Value::Real(9_999_999_999_999_998.0), "9999999999999998.0"),
        // 998025532431038.25 is as near to .2 as to .3: the even digit.
        (
            Value::Real(f64::from_bits(0x430c_5d97_6ab2_d5f2)),
            "998025532431038.2",
        ),
        (Value::Real(1e16), "1e+16"),
        (Value::Real(12e16), "1.2e+17"),
        (Value::Real(1e-5), "0.00001"),
        (Value::Real(1.25e-5), "0.0000125"),
        (Value::Real(9.5e-6), "9.5e-6"),
        (Value::Real(0.1), "0.1"),
        (Value::Real(f64::INFINITY), r#"{"real":"Infinity"}"#),
        (Value::Real(f64::NEG_INFINITY), r#"{"real":"-Infinity"}"#),
        (Value::Real(f64::NAN), r#"{"real":"NaN"}"#),
        (Value::Text(""), r#""""#),
        (Value::Text("a\"b\\c/d"), r#""a\"b\\c/d""#),
        (
            Value::Text("\0\u{1}\u{8}\t\n\u{b}\u{c}\r\u{1f} \u{7f}"),
            "\"\\u0000\\u0001\\b\\t\\n\\u000b\\f\\r\\u001f \u{7f}\"",
        ),
        (Value::Text("ü\u{2028}😀"), "\"ü\u{2028}😀\""),
        (Value::Blob(b""), r#"{"blob":""}"#),
        (Value::Blob(b"\xff\xfe\xfd\xfc"), r#"{"blob":"//79/A=="}"#),
        (Value::RawText(b"\xff"), r#"{"text":"/w=="}"#),
    ];
    for (value, expected) in cases {
        assert_eq!(&spelled(*value), expected);
        let back = decoded(format!("[{expected}]\n").as_bytes(), 1).unwrap();
        assert_eq!(back, [value.to_owned()], "{expected}");
    }
}

#[test]
fn no_other_spelling_is_accepted() {
    let wrong = [
        "",
        " 1",
        "1 ",
        "+1",
        "-0",
        "00",
        "01",
        "-01",
        "-",
        "1.",
        ".5",
        "1.00",
        "1e5",
        "1E+16",
        "1e16",
        "10e+16",
        "1e+016",
        "0.000001",
        "1e-5",
        "1e+309",
        "9223372036854775808",
        "-9223372036854775809",
        "18446744073709551617",
        "99999999999999999999",
        "0.1000000000000000055",
        "inf",
        "NaN",
        "true",
        "false",
        "nul",
        "nulll",
        "[1]",
        "{}",
        r#"{"blob":""#,
        r#"{"blob":"AA="}"#,
        r#"{"blob":"AA"}"#,
        r#"{"blob":"AB=="}"#,
        r#"{"blob":"AAB="}"#,
        r#"{"blob":"A-__"}"#,
        r#"{"blob":"AA==" }"#,
        r#"{"blob":"AA=="},"x":1}"#,
        r#"{"Blob":""}"#,
        r#"{"real":"1.0"}"#,
        r#"{"real":"infinity"}"#,
        r#"""#,
        r#""\/""#,
        r#""\u0041""#,
        r#""\u000A""#,
        r#""\u000a""#,
        r#""\u0008""#,
        r#""\u001F""#,
        r#""\u0020""#,
        r#""\ud83d\ude00""#,
        r#""\x""#,
        r#""\u00"#,
        "\"\t\"",
        "\"\n\"",
        "'a'",
    ];
    for cell in wrong {
        let line = format!("[{cell}]\n");
        let result = decoded(line.as_bytes(), 1);
        assert!(result.is_err(), "{cell} was read as {result:?}");
    }
}

#[test]
fn a_line_must_be_one_row_of_the_right_number_of_cells() {
    for (line, cells) in [
        ("[1]", 1),
        ("[1]\r\n", 1),
        ("[1]\n\n", 1),
        ("[1]\n[2]\n", 1),
        ("[1,2]\n", 1),
        ("[1]\n", 2),
        ("[]\n", 1),
        ("[1,]\n", 1),
        ("[1,]\n", 2),
        ("1\n", 1),
        ("", 1),
        ("\n", 1),
        ("[1]\n", 0),
        ("[", 1),
        ("[1", 1),
        ("[-", 1),
        ("[\"a", 1),
        ("[\"\\", 1),
        ("[\"\\u00", 1),
        ("[{\"blob\":\"", 1),
    ] {
        assert!(decoded(line.as_bytes(), cells).is_err(), "{line:?}");
    }
    assert_eq!(decoded(b"[]\n", 0).unwrap(), []);
}

#[test]
fn a_fault_names_the_cell_or_both_counts() {
    let fault = decoded(b"[1,02]\n", 2).unwrap_err();
    assert_eq!(fault.place().column.as_deref(), Some("cell 2"));
    let fault = decoded(b"[1,2]\n", 3).unwrap_err();
    assert_eq!(fault.causes(), ["recorded 3, found 2"]);
    let fault = decoded(b"[1,2]\n", 1).unwrap_err();
    assert_eq!(fault.causes(), ["recorded 1, found more than 1"]);
}

#[test]
fn rows_before_a_faulty_one_are_lent_first() {
    for lines in [
        &b"[1]\n[2]\n[\"\xff\"]\n[3]\n"[..],
        b"[1]\n[2]\n[x]\n",
        b"[1]\n[2]\n[",
    ] {
        let mut seen = Vec::new();
        let result = Decoder::new().decode_rows(lines, 1, |row| {
            seen.push(row[0].to_owned());
            Ok(())
        });
        assert!(result.is_err());
        assert_eq!(seen, [OwnedValue::Integer(1), OwnedValue::Integer(2)]);
    }
    assert_eq!(Decoder::new().decode_rows(b"", 1, |_| Ok(())).unwrap(), 0);
    assert_eq!(
        Decoder::new()
            .decode_rows(b"[1]\n[2]\n", 1, |_| Ok(()))
            .unwrap(),
        2
    );
}

#[test]
fn a_decoder_keeps_its_memory() {
    let mut decoder = Decoder::new();
    let line = b"[\"a\\nb\",{\"blob\":\"AAAA\"},3]\n";
    let place = |decoder: &mut Decoder| {
        decoder
            .decode_row(line, 3, |row| Ok(row.as_ptr() as usize))
            .unwrap()
    };
    let first = place(&mut decoder);
    assert_eq!(place(&mut decoder), first);
}

fn any_value() -> impl Strategy<Value = OwnedValue> {
    let real = prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        any::<i32>().prop_map(|n| f64::from(n) / 100.0)
    ];
    let text = prop_oneof![
        any::<String>(),
        prop::collection::vec(
            prop_oneof![any::<char>(), (0u8..0x80).prop_map(char::from)],
            0..40
        )
        .prop_map(|characters| characters.into_iter().collect()),
    ];
    prop_oneof![
        Just(OwnedValue::Null),
        any::<i64>().prop_map(OwnedValue::Integer),
        (-100i64..100).prop_map(OwnedValue::Integer),
        // All NaNs are one in the format.
        real.prop_map(|real| OwnedValue::Real(if real.is_nan() { f64::NAN } else { real })),
        text.prop_map(OwnedValue::Text),
        any::<Vec<u8>>().prop_map(OwnedValue::RawText),
        any::<Vec<u8>>().prop_map(OwnedValue::Blob),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_row_comes_back(row in prop::collection::vec(any_value(), 0..6)) {
        prop_assert_eq!(decoded(&encoded(&row), row.len()).unwrap(), row);
    }

    #[test]
    fn a_changed_line_is_refused_or_is_another_rows_only_spelling(
        row in prop::collection::vec(any_value(), 1..5),
        place in any::<prop::sample::Index>(),
        byte in prop_oneof![any::<u8>(), prop::sample::select(&b"\"\\,[]{}0123456789-+.eE=AB/unt \n"[..])],
        change in 0..3u8,
    ) {
        let mut line = encoded(&row);
        let at = place.index(line.len());
        match change {
            0 => line[at] = byte,
            1 => line.insert(at, byte),
            _ => { line.remove(at); }
        }
        for cells in row.len() - 1..=row.len() + 1 {
            if let Ok(other) = decoded(&line, cells) {
                prop_assert_eq!(encoded(&other), &line[..], "read as {:?}", other);
            }
        }
    }
}
