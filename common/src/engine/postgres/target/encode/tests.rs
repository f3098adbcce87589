use super::*;
use crate::mapping::plan::ColumnPlan;

fn column(target: PgType) -> ColumnPlan {
    ColumnPlan::bare("c", 0, target)
}

fn encoder(columns: &[ColumnPlan]) -> TupleEncoder {
    let setting = Setting {
        enums: &[],
        encoding: Encoding::Utf8,
    };
    TupleEncoder::new(columns, setting).unwrap()
}

/// The field's bytes after field count and length.
fn sent(value: Value<'_>, target: PgType) -> Result<Vec<u8>, Refused> {
    let mut out = Vec::new();
    encoder(&[column(target)]).encode(&[value], &mut out)?;
    assert_eq!(out[..2], [0, 1]);
    let length = u32::from_be_bytes([out[2], out[3], out[4], out[5]]);
    assert_eq!(length as usize, out.len() - 6);
    Ok(out.split_off(6))
}

#[test]
fn each_type_has_the_bytes_of_its_send_function() {
    let cases: [(Value<'_>, PgType, &[u8]); 16] = [
        (
            Value::Integer(-2),
            PgType::Bigint,
            &[255, 255, 255, 255, 255, 255, 255, 254],
        ),
        (
            Value::Real(-0.0),
            PgType::Double,
            &[128, 0, 0, 0, 0, 0, 0, 0],
        ),
        (
            Value::Integer(1 << 53),
            PgType::Double,
            &[0x43, 0x40, 0, 0, 0, 0, 0, 0],
        ),
        (Value::Text("a'\n"), PgType::Text, b"a'\n"),
        (Value::Integer(-7), PgType::Text, b"-7"),
        (Value::Real(1.0), PgType::Text, b"1.0"),
        (Value::Blob(&[0, 255]), PgType::Bytea, &[0, 255]),
        (Value::Integer(1), PgType::Boolean, &[1]),
        (Value::Text("2000-01-02"), PgType::Date, &[0, 0, 0, 1]),
        (
            Value::Text("00:00:01"),
            PgType::Time,
            &[0, 0, 0, 0, 0, 15, 66, 64],
        ),
        (
            Value::Text("2000-01-01T00:00:01"),
            PgType::Timestamp,
            &[0, 0, 0, 0, 0, 15, 66, 64],
        ),
        (
            Value::Text("2000-01-01 02:00:01+02"),
            PgType::Timestamptz,
            &[0, 0, 0, 0, 0, 15, 66, 64],
        ),
        (Value::Text("{}"), PgType::Json, b"{}"),
        (Value::Text("{}"), PgType::Jsonb, b"\x01{}"),
        (
            Value::Text("10.0.0.0/8"),
            PgType::Inet,
            &[2, 8, 0, 4, 10, 0, 0, 0],
        ),
        (
            Value::Text("::1"),
            PgType::Inet,
            &[
                3, 128, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
            ],
        ),
    ];
    for (value, target, bytes) in cases {
        assert_eq!(
            sent(value, target).unwrap(),
            bytes,
            "{value:?} as {}",
            target.name()
        );
    }
}

#[test]
fn a_value_without_an_exact_form_is_refused() {
    for (value, target) in [
        (Value::Real(1.0), PgType::Bigint),
        (Value::Text("1"), PgType::Bigint),
        (Value::Integer((1 << 53) + 1), PgType::Double),
        (Value::Integer(i64::MAX), PgType::Double),
        (Value::Text("a\0b"), PgType::Text),
        (Value::RawText(b"\xff"), PgType::Text),
        (Value::Blob(b"a"), PgType::Text),
        (Value::Real(f64::INFINITY), PgType::Text),
        (Value::Real(-0.0), PgType::Text),
        (Value::Text("a"), PgType::Bytea),
        (Value::Text("1.5"), PgType::Numeric),
        (Value::Integer(2), PgType::Boolean),
        (Value::Text("2024-02-30"), PgType::Date),
        (Value::Integer(1), PgType::Date),
        (Value::Text("2024-01-01 00:00:00"), PgType::Timestamptz),
        (Value::Blob(b"{}"), PgType::Jsonb),
        (Value::Real(f64::NAN), PgType::Numeric),
    ] {
        let refused = sent(value, target).unwrap_err();
        assert_eq!(
            refused.code,
            Code::ValueRefused,
            "{value:?} as {}",
            target.name()
        );
        assert!(!fits(&value, target, &[]));
    }
}

#[test]
fn null_is_a_length_of_minus_one_and_refused_where_the_column_is_not_null() {
    let mut out = Vec::new();
    let mut encoder = encoder(&[column(PgType::Text)]);
    encoder.encode(&[Value::Null], &mut out).unwrap();
    assert_eq!(out, [0, 1, 255, 255, 255, 255]);
    let strict = ColumnPlan {
        not_null: true,
        ..column(PgType::Text)
    };
    let refused = self::encoder(&[strict]).encode(&[Value::Null], &mut out);
    assert_eq!(refused.unwrap_err().code, Code::NotNullViolated);
}

#[test]
fn columns_take_the_cells_the_plan_names() {
    let mut out = Vec::new();
    let second = ColumnPlan {
        origin: Origin::Cell(1),
        ..column(PgType::Boolean)
    };
    let mut encoder = encoder(&[second, column(PgType::Text)]);
    encoder
        .encode(&[Value::Text("x"), Value::Integer(0)], &mut out)
        .unwrap();
    assert_eq!(out, b"\0\x02\0\0\0\x01\0\0\0\0\x01x");
    assert_eq!(
        encoder
            .encode(&[Value::Text("x")], &mut out)
            .unwrap_err()
            .code,
        Code::Bug
    );
}

#[test]
fn only_jsonb_has_a_form_of_its_own_for_comparing() {
    let columns = [column(PgType::Text), column(PgType::Jsonb)];
    let form = |tuple: &[u8]| Canonical::new(&columns).of(tuple).map(<[u8]>::to_vec);
    let one = form(b"\0\x02\0\0\0\x01a\0\0\0\x0d\x01{\"b\":1,\"a\":2").unwrap_err();
    assert_eq!(one, 1);
    let sent = form(b"\0\x02\0\0\0\x01a\0\0\0\x0e\x01{\"b\":1,\"a\":2}").unwrap();
    let read = form(b"\0\x02\0\0\0\x01a\0\0\0\x11\x01{\"a\": 2, \"b\": 1}").unwrap();
    assert_eq!(sent, read);
    let null = form(b"\0\x02\0\0\0\x01a\xff\xff\xff\xff").unwrap();
    assert_ne!(sent, null);
    let plain = b"\0\x01\0\0\0\x01a";
    assert_eq!(Canonical::new(&columns[..1]).of(plain).unwrap(), plain);
}

#[test]
fn a_type_that_is_asked_for_has_the_bytes_that_its_send_function_gives_back() {
    let cases: [(Value<'_>, PgType, &[u8]); 14] = [
        (Value::Integer(-2), PgType::Smallint, &[255, 254]),
        (Value::Integer(258), PgType::Integer, &[0, 0, 1, 2]),
        (Value::Real(-0.0), PgType::Real, &[128, 0, 0, 0]),
        (Value::Real(0.5), PgType::Real, &[0x3f, 0, 0, 0]),
        (Value::Integer(3), PgType::Real, &[0x40, 0x40, 0, 0]),
        (
            Value::Real(12.5),
            decimal(4, 2),
            &[0, 2, 0, 0, 0, 0, 0, 2, 0, 12, 19, 136],
        ),
        (
            Value::Integer(-7),
            decimal(4, 2),
            &[0, 1, 0, 0, 0x40, 0, 0, 2, 0, 7],
        ),
        (Value::Integer(0), decimal(2, 2), &[0, 0, 0, 0, 0, 0, 0, 2]),
        (
            Value::Integer(1200),
            decimal(2, -2),
            &[0, 1, 0, 0, 0, 0, 0, 0, 4, 176],
        ),
        (Value::Text("äö"), PgType::Varchar(2), "äö".as_bytes()),
        (Value::Text("ä"), PgType::Char(3), "ä  ".as_bytes()),
        (Value::Integer(7), PgType::Varchar(1), b"7"),
        (Value::Text("Aa"), PgType::Citext, b"Aa"),
        (
            Value::Text("10.0.0.0/8"),
            PgType::Cidr,
            &[2, 8, 1, 4, 10, 0, 0, 0],
        ),
    ];
    for (value, target, bytes) in cases {
        assert_eq!(sent(value, target).unwrap(), bytes, "{value:?} as {target}");
    }
}

#[test]
fn a_value_that_a_type_asked_for_would_change_is_refused() {
    for (value, target) in [
        (Value::Integer(32_768), PgType::Smallint),
        (Value::Integer(-2_147_483_649), PgType::Integer),
        (Value::Real(0.1), PgType::Real),
        (Value::Real(1e300), PgType::Real),
        (Value::Integer(16_777_217), PgType::Real),
        (Value::Integer(i64::MAX), PgType::Real),
        (Value::Real(1.005), decimal(5, 2)),
        (Value::Real(100.0), decimal(4, 2)),
        (Value::Integer(1250), decimal(2, -2)),
        (Value::Integer(10_000), decimal(2, -2)),
        (Value::Real(f64::INFINITY), decimal(4, 2)),
        (Value::Text("abc"), PgType::Varchar(2)),
        (Value::Text("a\0"), PgType::Varchar(2)),
        (Value::Text("abc"), PgType::Char(2)),
        (Value::Text("a "), PgType::Char(2)),
        (Value::Blob(b"a"), PgType::Citext),
        (Value::Text("10.0.0.1/8"), PgType::Cidr),
        (Value::Text("::1/64"), PgType::Cidr),
    ] {
        let refused = sent(value, target).unwrap_err();
        assert_eq!(refused.code, Code::ValueRefused, "{value:?} as {target}");
    }
}

fn decimal(precision: u16, scale: i16) -> PgType {
    PgType::Decimal { precision, scale }
}
