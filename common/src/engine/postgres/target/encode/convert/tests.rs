use super::*;
use crate::mapping::plan::{BadText, EnumPlan};
use crate::model::schema::Encoding;

fn column(target: PgType, conversion: Option<Conversion>) -> ColumnPlan {
    ColumnPlan {
        asked: true,
        conversion,
        ..ColumnPlan::bare("c", 0, target)
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the form in which tests use it")]
fn reading(reading: Reading) -> Option<Conversion> {
    Some(Conversion {
        reading,
        ..Conversion::default()
    })
}

/// What a test looks at: the field's bytes, `None` for NULL, and what became of the value.
type Field = Result<(Option<Vec<u8>>, Outcome), String>;

/// The field's bytes, `None` for NULL, and what became of the value; or why it is refused.
fn field(value: Value<'_>, target: PgType, conversion: Option<Conversion>) -> Field {
    let enums = [EnumPlan {
        name: "mood".to_owned(),
        labels: vec!["sad".to_owned(), "GLAD".to_owned()],
    }];
    let setting = Setting {
        enums: &enums,
        encoding: Encoding::Utf8,
    };
    let converter = Converter::of(&column(target, conversion), setting);
    let mut converter = converter.unwrap().expect("the type is asked for");
    let mut out = Vec::new();
    let outcome = converter.field(&value, &mut Vec::new(), &mut out);
    let outcome = outcome.map_err(Cow::into_owned)?;
    let length = i32::from_be_bytes(out[..4].try_into().unwrap());
    let bytes = out.split_off(4);
    assert_eq!(
        length,
        if outcome == Outcome::Nulled {
            -1
        } else {
            i32::try_from(bytes.len()).unwrap()
        }
    );
    Ok(((length >= 0).then_some(bytes), outcome))
}

#[expect(clippy::unnecessary_wraps, reason = "the form in which tests use it")]
fn kept(bytes: &[u8]) -> Field {
    Ok((Some(bytes.to_vec()), Outcome::Kept))
}

#[expect(clippy::unnecessary_wraps, reason = "the form in which tests use it")]
fn changed(bytes: &[u8]) -> Field {
    Ok((Some(bytes.to_vec()), Outcome::Changed))
}

const NULLED: Field = Ok((None, Outcome::Nulled));

#[test]
fn a_type_asked_for_takes_values_of_other_classes_that_stand_for_one_of_its_own() {
    let plain = |value, target| field(value, target, None);
    let decimal = PgType::Decimal {
        precision: 4,
        scale: 2,
    };
    assert_eq!(
        plain(Value::Text("7"), PgType::Integer),
        kept(&[0, 0, 0, 7])
    );
    assert_eq!(
        plain(Value::Real(7.0), PgType::Integer),
        changed(&[0, 0, 0, 7])
    );
    assert_eq!(
        plain(Value::Text("0.1"), PgType::Double),
        kept(&0.1_f64.to_be_bytes())
    );
    assert_eq!(
        plain(Value::Text("0.5"), PgType::Real),
        kept(&0.5_f32.to_be_bytes())
    );
    assert_eq!(
        plain(Value::Text("12.5"), decimal),
        kept(&[0, 2, 0, 0, 0, 0, 0, 2, 0, 12, 19, 136])
    );
    assert_eq!(
        plain(Value::Text("0.50"), PgType::Numeric),
        kept(&[0, 1, 255, 255, 0, 0, 0, 2, 19, 136])
    );
    assert_eq!(plain(Value::Text("GLAD"), PgType::Enum(0)), kept(b"GLAD"));
    assert_eq!(plain(Value::Integer(5), PgType::Jsonb), kept(b"\x015"));
    assert_eq!(plain(Value::Real(1e300), PgType::Json), kept(b"1e+300"));
    assert_eq!(
        plain(Value::Text("\"a\""), PgType::Jsonb),
        kept(b"\x01\"a\"")
    );
    assert_eq!(
        plain(Value::Text(r#"{"a":1,"a":2}"#), PgType::Json),
        kept(br#"{"a":1,"a":2}"#)
    );
    for text in [r#"{"a":1,"a":2}"#, "[1e5]", "1E5", "-0", "-0.0"] {
        let (_, outcome) = plain(Value::Text(text), PgType::Jsonb).unwrap();
        assert_eq!(outcome, Outcome::Changed, "{text}");
    }
    for (value, target) in [
        (Value::Text("007"), PgType::Integer),
        (Value::Text("+7"), PgType::Integer),
        (Value::Text(" 7"), PgType::Integer),
        (Value::Text("-0"), PgType::Integer),
        (Value::Real(7.5), PgType::Integer),
        (Value::Real(-0.0), PgType::Bigint),
        (Value::Real(9_223_372_036_854_775_808.0), PgType::Bigint),
        (Value::Text("0.10000000000000000001"), PgType::Double),
        (Value::Text("0.1"), PgType::Real),
        (Value::Text("1e5"), PgType::Numeric),
        (Value::Text("1.005"), decimal),
        (Value::Text("glad"), PgType::Enum(0)),
        (Value::Integer(1), PgType::Enum(0)),
        (Value::Text("{a:1}"), PgType::Json),
        (Value::Text("[\"\\u0000\"]"), PgType::Jsonb),
        (Value::Text("1e200000"), PgType::Jsonb),
        (Value::Blob(b"{}"), PgType::Json),
        (Value::Text("a"), PgType::Bytea),
    ] {
        assert!(plain(value, target).is_err(), "{value:?} as {target}");
    }
}

#[test]
fn listed_texts_become_null_and_others_stay() {
    let empty = || {
        Some(Conversion {
            null_if: vec![String::new(), "N/A".to_owned()],
            ..Conversion::default()
        })
    };
    assert_eq!(field(Value::Text(""), PgType::Integer, empty()), NULLED);
    assert_eq!(field(Value::Text("N/A"), PgType::Text, empty()), NULLED);
    assert_eq!(
        field(Value::Text("n/a"), PgType::Text, empty()),
        kept(b"n/a")
    );
    assert_eq!(field(Value::Blob(b""), PgType::Bytea, empty()), kept(b""));
}

#[test]
fn text_is_mended_before_it_is_read() {
    let escape = |reading| {
        Some(Conversion {
            nul: BadText::Escape,
            invalid: BadText::Escape,
            reading,
            ..Conversion::default()
        })
    };
    let text = |value| field(value, PgType::Text, escape(Reading::Plain));
    assert_eq!(text(Value::Text("a\0")), changed(b"a\\0"));
    assert_eq!(text(Value::RawText(b"a\xff")), changed(b"a\\xff"));
    assert_eq!(text(Value::Text("a\\")), changed(b"a\\\\"));
    assert_eq!(text(Value::Text("a")), kept(b"a"));
    assert!(field(Value::RawText(b"\xff"), PgType::Text, None).is_err());
    assert!(field(Value::Text("\0"), PgType::Varchar(9), None).is_err());
    // A type with a length counts what comes out.
    assert!(
        field(
            Value::Text("\0"),
            PgType::Varchar(1),
            escape(Reading::Plain)
        )
        .is_err()
    );
}

#[test]
fn a_cell_holds_anything_as_the_archive_writes_it() {
    let cell = |value| field(value, PgType::Text, reading(Reading::Cell));
    for (value, text) in [
        (Value::Integer(-1), "-1"),
        (Value::Real(1e16), "1e+16"),
        (Value::Real(f64::INFINITY), r#"{"real":"Infinity"}"#),
        (Value::Text("a\0\"ä"), "\"a\\u0000\\\"ä\""),
        (Value::RawText(b"\xff"), r#"{"text":"/w=="}"#),
        (Value::Blob(b"\xff"), r#"{"blob":"/w=="}"#),
    ] {
        assert_eq!(cell(value), kept(text.as_bytes()), "{value:?}");
        assert_eq!(
            field(value, PgType::Json, reading(Reading::Cell)),
            kept(text.as_bytes())
        );
    }
    assert!(field(Value::Integer(1), PgType::Jsonb, reading(Reading::Cell)).is_err());
    assert!(
        field(
            Value::Text("ab"),
            PgType::Varchar(3),
            reading(Reading::Cell)
        )
        .is_err()
    );
    assert_eq!(
        field(Value::Text("a"), PgType::Varchar(3), reading(Reading::Cell)),
        kept(b"\"a\"")
    );
}

#[test]
fn bytes_are_those_of_a_text_or_blob() {
    let bytes = |value| field(value, PgType::Bytea, reading(Reading::Bytes));
    assert_eq!(bytes(Value::Text("ä\0")), kept("ä\0".as_bytes()));
    assert_eq!(bytes(Value::RawText(b"\xff")), kept(b"\xff"));
    assert_eq!(bytes(Value::Blob(b"")), kept(b""));
    assert!(bytes(Value::Integer(1)).is_err());
}

#[test]
fn words_are_true_or_false_and_others_are_refused() {
    let words = || {
        reading(Reading::Words {
            yes: vec!["Y".to_owned(), "ja".to_owned()],
            no: vec![String::new()],
        })
    };
    let word = |value| field(value, PgType::Boolean, words());
    assert_eq!(word(Value::Text("JA")), changed(&[1]));
    assert_eq!(word(Value::Text("")), changed(&[0]));
    assert_eq!(word(Value::Integer(0)), kept(&[0]));
    assert!(
        word(Value::Text("j"))
            .unwrap_err()
            .contains("'j' is no word")
    );
    assert!(word(Value::Integer(2)).is_err());
    assert!(word(Value::Real(1.0)).is_err());
}

#[test]
fn values_become_others_and_the_rest_stays_or_is_refused() {
    let values = |keep_others| {
        reading(Reading::Values {
            map: [("ok", "GLAD"), ("0", "sad"), ("GLAD", "GLAD")]
                .map(|(from, to)| (from.to_owned(), to.to_owned()))
                .into(),
            keep_others,
        })
    };
    let value = |value, others| field(value, PgType::Enum(0), values(others));
    assert_eq!(value(Value::Text("ok"), false), changed(b"GLAD"));
    assert_eq!(value(Value::Integer(0), false), changed(b"sad"));
    assert_eq!(value(Value::Text("GLAD"), false), kept(b"GLAD"));
    assert!(
        value(Value::Text("sad"), false)
            .unwrap_err()
            .contains("not among the values")
    );
    assert_eq!(value(Value::Text("sad"), true), kept(b"sad"));
    assert!(value(Value::Text("other"), true).is_err());
}

#[test]
fn a_uuid_is_read_in_its_usual_spellings() {
    fn uuid(value: Value<'_>) -> Field {
        field(value, PgType::Uuid, reading(Reading::Uuid))
    }
    let bytes: Vec<u8> = (0..16).collect();
    let text = "00010203-0405-0607-0809-0a0b0c0d0e0f";
    assert_eq!(uuid(Value::Text(text)), kept(&bytes));
    assert_eq!(uuid(Value::Text(&text.to_uppercase())), kept(&bytes));
    assert_eq!(uuid(Value::Text(&text.replace('-', ""))), changed(&bytes));
    assert_eq!(uuid(Value::Text(&format!("{{{text}}}"))), changed(&bytes));
    assert_eq!(uuid(Value::Blob(&bytes)), changed(&bytes));
    for value in [
        Value::Blob(&bytes[1..]),
        Value::Text("{00010203-0405-0607-0809-0a0b0c0d0e0f"),
        Value::Text("000102030405060708090a0b0c0d0e0"),
        Value::Text("000102030405060708090a0b0c0d0eé"),
        Value::Integer(1),
    ] {
        assert!(uuid(value).is_err(), "{value:?}");
    }
}

#[test]
fn what_is_no_json_becomes_the_document_given_or_null() {
    let instead = |document: Option<&str>| {
        reading(Reading::Json {
            instead: document.map(str::to_owned),
        })
    };
    let json = |value| field(value, PgType::Jsonb, instead(Some("{}")));
    assert_eq!(json(Value::Text("[1]")), kept(b"\x01[1]"));
    for value in [
        Value::Text(""),
        Value::Text("{a:1}"),
        Value::Text("[\0]"),
        Value::RawText(b"\xff"),
        Value::Blob(b"[]"),
    ] {
        assert_eq!(json(value), changed(b"\x01{}"), "{value:?}");
        assert_eq!(
            field(value, PgType::Json, instead(None)),
            NULLED,
            "{value:?}"
        );
    }
    assert!(field(Value::Text(""), PgType::Json, instead(Some("{"))).is_err());
}

#[test]
fn a_zone_gives_local_times_their_moment() {
    let zone = |name: &str| reading(Reading::Zone(name.to_owned()));
    let moment = |text| forms::timestamp_offset(text).unwrap().to_be_bytes();
    let berlin = |text| {
        field(
            Value::Text(text),
            PgType::Timestamptz,
            zone("Europe/Berlin"),
        )
    };
    assert_eq!(
        berlin("2024-07-01 12:00:00"),
        changed(&moment("2024-07-01 10:00:00Z"))
    );
    assert_eq!(
        berlin("2024-07-01 12:00:00Z"),
        kept(&moment("2024-07-01 12:00:00Z"))
    );
    assert_eq!(
        berlin("2024-07-01"),
        changed(&moment("2024-06-30 22:00:00Z"))
    );
    assert!(
        berlin("2024-03-31 02:30:00")
            .unwrap_err()
            .contains("was skipped")
    );
    assert!(
        berlin("2024-10-27 02:30:00")
            .unwrap_err()
            .contains("was twice")
    );
    let local = |text| field(Value::Text(text), PgType::Timestamp, zone("+02:00"));
    let stamp = |text| forms::timestamp(text).unwrap().to_be_bytes();
    assert_eq!(
        local("2024-07-01 12:00:00Z"),
        changed(&stamp("2024-07-01 14:00:00"))
    );
    assert_eq!(
        local("2024-07-01 12:00:00"),
        kept(&stamp("2024-07-01 12:00:00"))
    );
    let nowhere = Converter::new(
        PgType::Timestamptz,
        zone("Mars").unwrap(),
        Setting {
            enums: &[],
            encoding: Encoding::Utf8,
        },
    );
    assert_eq!(nowhere.unwrap_err().code(), Code::Usage);
}

#[test]
fn a_column_that_asks_for_nothing_has_no_converter() {
    let derived = ColumnPlan {
        asked: false,
        ..column(PgType::Text, None)
    };
    let setting = Setting {
        enums: &[],
        encoding: Encoding::Utf8,
    };
    assert!(Converter::of(&derived, setting).unwrap().is_none());
}
