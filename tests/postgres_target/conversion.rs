//! Types that are asked for, and values that are converted, on real servers: what comes back is what
//! `docs/types.md` says, as the server prints it.

use crate::support::postgres::servers;
use postgres::{Client, NoTls};
use waybill_common::fault::Code;
use waybill_common::mapping::operator::OperatorPlan;
use waybill_common::mapping::plan::{
    BadText, ColumnPlan, Conversion, EnumPlan, EpochUnit, PgType, Plan, Reading,
};
use waybill_common::model::schema::Schema;
use waybill_common::model::value::OwnedValue;

use super::sample::{Memory, ask, column, import, index, inventory, planned, source, target};

/// Type, conversion, value, and what the server prints of it (`~` for NULL).
type Case = (PgType, Conversion, OwnedValue, &'static str);

fn text(text: &str) -> OwnedValue {
    OwnedValue::Text(text.to_owned())
}

fn reading(reading: Reading) -> Conversion {
    Conversion {
        reading,
        ..Conversion::default()
    }
}

fn types() -> Vec<Case> {
    let plain = Conversion::default;
    let integer = OwnedValue::Integer;
    let real = OwnedValue::Real;
    let decimal = |precision, scale| PgType::Decimal { precision, scale };
    vec![
        (PgType::Smallint, plain(), integer(-32_768), "-32768"),
        (PgType::Smallint, plain(), text("32767"), "32767"),
        (
            PgType::Integer,
            plain(),
            integer(i64::from(i32::MIN)),
            "-2147483648",
        ),
        (
            PgType::Integer,
            plain(),
            real(2_147_483_647.0),
            "2147483647",
        ),
        (
            PgType::Bigint,
            plain(),
            text("-9223372036854775808"),
            "-9223372036854775808",
        ),
        (PgType::Real, plain(), real(-0.0), "-0"),
        (
            PgType::Real,
            plain(),
            real(1.175_494_350_822_287_5e-38),
            "1.1754944e-38",
        ),
        (PgType::Real, plain(), integer(16_777_216), "1.6777216e+07"),
        (PgType::Double, plain(), text("0.1"), "0.1"),
        (
            PgType::Numeric,
            plain(),
            text("-12345678901234567890.50"),
            "-12345678901234567890.50",
        ),
        (decimal(10, 2), plain(), text("-12345678.5"), "-12345678.50"),
        (decimal(10, 2), plain(), integer(0), "0.00"),
        (decimal(10, 2), plain(), real(0.07), "0.07"),
        (decimal(5, 0), plain(), integer(99_999), "99999"),
        (decimal(3, 3), plain(), text("0.999"), "0.999"),
        (decimal(1000, 500), plain(), real(1e-300), ""),
        (PgType::Varchar(3), plain(), text("äöü"), "äöü"),
        (PgType::Varchar(3), plain(), integer(123), "123"),
        (PgType::Varchar(10_485_760), plain(), text("  "), "  "),
        (PgType::Char(4), plain(), text("äb"), "äb  "),
        (PgType::Char(1), plain(), text(""), " "),
        (PgType::Enum(0), plain(), text("it's"), "it's"),
        (PgType::Enum(0), plain(), text("O"), "O"),
        (
            PgType::Date,
            plain(),
            text("2024-01-02 00:00:00"),
            "2024-01-02",
        ),
        (
            PgType::Timestamp,
            plain(),
            text("2024-01-02T10:00"),
            "2024-01-02 10:00:00",
        ),
        (
            PgType::Timestamptz,
            plain(),
            text("2024-01-02 10:00:00.1000000 +02:00"),
            "2024-01-02 08:00:00.1+00",
        ),
        (PgType::Time, plain(), text("10:00"), "10:00:00"),
        (PgType::Inet, plain(), text("::1/64"), "::1/64"),
        (PgType::Cidr, plain(), text("10.0.0.1"), "10.0.0.1/32"),
        (
            PgType::Cidr,
            plain(),
            text("2001:db8::/32"),
            "2001:db8::/32",
        ),
        (
            PgType::Json,
            plain(),
            text("[\"\\u0000\", 1e5]"),
            "[\"\\u0000\", 1e5]",
        ),
        (PgType::Json, plain(), text("\"\\ud800\""), "\"\\ud800\""),
        (
            PgType::Jsonb,
            plain(),
            text("{\"a\":1,\"a\":2e1}"),
            "{\"a\": 20}",
        ),
        (PgType::Jsonb, plain(), real(1e300), ""),
        (PgType::Jsonb, plain(), integer(-7), "-7"),
    ]
}

#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn readings() -> Vec<Case> {
    let epoch = |unit| reading(Reading::Epoch(unit));
    let zone = |name: &str| reading(Reading::Zone(name.to_owned()));
    let integer = OwnedValue::Integer;
    let words = reading(Reading::Words {
        yes: vec!["ja".to_owned()],
        no: vec![String::new()],
    });
    let values = reading(Reading::Values {
        map: [("1".to_owned(), "O".to_owned())].into(),
        keep_others: false,
    });
    let json = |instead: Option<&str>| {
        reading(Reading::Json {
            instead: instead.map(str::to_owned),
        })
    };
    let moment = PgType::Timestamptz;
    vec![
        (
            moment,
            epoch(EpochUnit::Seconds),
            integer(-1),
            "1969-12-31 23:59:59+00",
        ),
        (
            moment,
            epoch(EpochUnit::Seconds),
            OwnedValue::Real(0.25),
            "1970-01-01 00:00:00.25+00",
        ),
        (
            moment,
            epoch(EpochUnit::Milliseconds),
            integer(253_402_300_799_999),
            "9999-12-31 23:59:59.999+00",
        ),
        (
            PgType::Timestamp,
            epoch(EpochUnit::Microseconds),
            integer(1),
            "1970-01-01 00:00:00.000001",
        ),
        (
            PgType::Date,
            epoch(EpochUnit::Days),
            integer(-719_162),
            "0001-01-01",
        ),
        (
            PgType::Timestamp,
            epoch(EpochUnit::JulianDays),
            OwnedValue::Real(2_460_000.5),
            "2023-02-25 00:00:00",
        ),
        (
            moment,
            epoch(EpochUnit::Seconds2001),
            integer(0),
            "2001-01-01 00:00:00+00",
        ),
        (
            moment,
            epoch(EpochUnit::Microseconds1601),
            integer(0),
            "1601-01-01 00:00:00+00",
        ),
        (
            moment,
            epoch(EpochUnit::Ticks1601),
            integer(10),
            "1601-01-01 00:00:00.000001+00",
        ),
        (
            moment,
            zone("Europe/Berlin"),
            text("2024-07-01 12:00:00"),
            "2024-07-01 10:00:00+00",
        ),
        (
            moment,
            zone("-03:30"),
            text("2024-07-01 12:00:00"),
            "2024-07-01 15:30:00+00",
        ),
        (
            PgType::Timestamp,
            zone("UTC"),
            text("2024-07-01T12:00:00Z"),
            "2024-07-01 12:00:00",
        ),
        (PgType::Boolean, words.clone(), text("JA"), "t"),
        (PgType::Boolean, words, text(""), "f"),
        (PgType::Enum(0), values.clone(), integer(1), "O"),
        (PgType::Text, values, text("1"), "O"),
        (
            PgType::Uuid,
            reading(Reading::Uuid),
            text("0F8FAD5BD9CB469FA16570867728950E"),
            "0f8fad5b-d9cb-469f-a165-70867728950e",
        ),
        (
            PgType::Uuid,
            reading(Reading::Uuid),
            OwnedValue::Blob(vec![255; 16]),
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
        ),
        (PgType::Jsonb, json(Some("{}")), text(""), "{}"),
        (PgType::Json, json(None), text("{"), "~"),
        (
            PgType::Bytea,
            reading(Reading::Bytes),
            OwnedValue::RawText(vec![97, 0, 255]),
            "\\x6100ff",
        ),
        (
            PgType::Json,
            reading(Reading::Cell),
            text("a\0"),
            "\"a\\u0000\"",
        ),
        (
            PgType::Text,
            reading(Reading::Cell),
            OwnedValue::Blob(vec![0]),
            "{\"blob\":\"AA==\"}",
        ),
        (
            PgType::Text,
            reading(Reading::Cell),
            OwnedValue::Real(-0.0),
            "-0.0",
        ),
        (
            PgType::Integer,
            Conversion {
                null_if: vec![String::new()],
                ..Conversion::default()
            },
            text(""),
            "~",
        ),
        (
            PgType::Text,
            Conversion {
                nul: BadText::Escape,
                invalid: BadText::Escape,
                ..Conversion::default()
            },
            OwnedValue::RawText(b"\\\0\xff".to_vec()),
            "\\\\\\0\\xff",
        ),
    ]
}

/// A plan of `t (id, c0, c1, …)` with one column for each case, and its row.
fn plan(cases: &[Case]) -> (Schema, Plan, Memory) {
    let names: Vec<_> = (0..cases.len()).map(|n| format!("c{n}")).collect();
    let mut all = vec!["id"];
    all.extend(names.iter().map(String::as_str));
    let schema = Schema {
        tables: vec![source("t", &all)],
        ..Schema::default()
    };
    let mut columns = vec![column("id", 0, PgType::Bigint)];
    let mut row = vec![OwnedValue::Integer(1)];
    for (position, (target, conversion, value, _)) in cases.iter().enumerate() {
        columns.push(ColumnPlan {
            asked: true,
            conversion: Some(conversion.clone()),
            collation: None,
            ..column(&names[position], position + 1, *target)
        });
        row.push(value.clone());
    }
    let plan = Plan {
        tables: vec![planned(0, "t", columns)],
        views: Vec::new(),
        enums: vec![EnumPlan {
            name: "mo\"od".to_owned(),
            labels: vec!["it's".to_owned(), "O".to_owned()],
        }],
        operator: OperatorPlan::default(),
        findings: Vec::new(),
    };
    (schema, plan, Memory::new(vec![vec![row]], 10))
}

#[test]
fn what_is_asked_for_is_what_the_server_holds() {
    let cases: Vec<Case> = types().into_iter().chain(readings()).collect();
    let (schema, plan, parts) = plan(&cases);
    for server in servers() {
        let uri = server.fresh_database();
        import(&mut target(&uri, &schema, &plan), &parts).unwrap();
        let mut client = Client::connect(&uri, NoTls).unwrap();
        client.batch_execute("SET TimeZone = 'UTC'").unwrap();
        for (position, (planned, _, value, shown)) in cases.iter().enumerate() {
            let sql = format!(
                "SELECT c{position}, (SELECT format_type(atttypid, atttypmod) FROM pg_attribute
                 WHERE attrelid = 't'::regclass AND attname = 'c{position}') FROM t"
            );
            let found = ask(&mut client, &sql);
            let (found, its_type) = found.rsplit_once('|').unwrap();
            let named = match planned {
                PgType::Enum(_) => "\"mo\"\"od\"".to_owned(),
                other => other.to_string(),
            };
            assert_eq!(its_type, named, "{value:?} on {}", server.version);
            // Very long numbers are looked at by their value alone.
            if shown.is_empty() {
                let sql = format!("SELECT c{position}::text::float8 FROM t");
                assert_eq!(ask(&mut client, &sql), float(value), "{value:?}");
            } else {
                assert_eq!(found, *shown, "{value:?} on {}", server.version);
            }
        }
        assert_eq!(
            ask(
                &mut client,
                "SELECT typnamespace::regnamespace FROM pg_type WHERE typname = 'mo\"od'"
            ),
            "public"
        );
    }
}

fn float(value: &OwnedValue) -> &'static str {
    match value {
        OwnedValue::Real(real) if *real < 1.0 => "1e-300",
        _ => "1e+300",
    }
}

#[test]
fn citext_is_found_in_its_own_schema_and_compares_as_it_does() {
    for server in servers() {
        let uri = server.fresh_database();
        let mut client = Client::connect(&uri, NoTls).unwrap();
        let (schema, plan, parts) = names(&["Ann", "Bob"]);
        let missing = import(&mut target(&uri, &schema, &plan), &parts).unwrap_err();
        assert_eq!(missing.code(), Code::ExtensionMissing);
        client
            .batch_execute("CREATE SCHEMA \"my ext\"; CREATE EXTENSION citext SCHEMA \"my ext\"")
            .unwrap();
        import(&mut target(&uri, &schema, &plan), &parts).unwrap();
        client
            .batch_execute("SET search_path = public, \"my ext\"")
            .unwrap();
        assert_eq!(
            ask(&mut client, "SELECT name FROM t WHERE name = 'ANN'"),
            "Ann"
        );
        assert_eq!(
            ask(&mut client, "SELECT pg_typeof(name) FROM t LIMIT 1"),
            "citext"
        );
    }
}

/// Keys that only the server can tell to be equal stop the import before the switch.
#[test]
fn keys_that_the_server_finds_equal_leave_the_target_as_it_was() {
    for server in servers() {
        let uri = server.fresh_database();
        let mut client = Client::connect(&uri, NoTls).unwrap();
        client.batch_execute("CREATE EXTENSION citext").unwrap();
        let before = inventory(&mut client);
        let (schema, plan, parts) = names(&["Ann", "aNN"]);
        let fault = import(&mut target(&uri, &schema, &plan), &parts).unwrap_err();
        assert_eq!(fault.code(), Code::KeyDuplicate);
        assert_eq!(fault.place().table.as_deref(), Some("t"));
        assert_eq!(inventory(&mut client), before);
    }
}

/// `t (id, name citext UNIQUE)`.
fn names(names: &[&str]) -> (Schema, Plan, Memory) {
    let schema = Schema {
        tables: vec![source("t", &["id", "name"])],
        ..Schema::default()
    };
    let name = ColumnPlan {
        asked: true,
        ..column("name", 1, PgType::Citext)
    };
    let mut table = planned(0, "t", vec![column("id", 0, PgType::Bigint), name]);
    table.indexes = vec![index("t_name", true, &[("name", false)])];
    let plan = Plan {
        tables: vec![table],
        enums: Vec::new(),
        views: Vec::new(),
        operator: OperatorPlan::default(),
        findings: Vec::new(),
    };
    let rows = (1..).zip(names);
    let rows = rows.map(|(id, name)| vec![OwnedValue::Integer(id), text(name)]);
    (schema, plan, Memory::new(vec![rows.collect()], 10))
}
