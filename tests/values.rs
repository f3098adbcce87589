//! Values at the edge of each type, into every PostgreSQL there is to test against: stored without
//! a loss, or refused by table, column and row before anything is written. What the server holds
//! is read by the `postgres` crate and by the server's own printing, not by Waybill.

use crate::support::samples::{Sample, sample};
use crate::support::{library, postgres};
use ::postgres::{Client, NoTls};
use rusqlite::Connection;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use std::fmt::Write as _;
use waybill_common::fault::{Code, Exit};
use waybill_common::report::{Finding, Report, Severity};

/// A column of one table, and what PostgreSQL must make of it.
struct Case {
    table: &'static str,
    declared: &'static str,
    values: Vec<Value>,
    target: &'static str,
    printed: Vec<String>,
}

fn case(
    table: &'static str,
    declared: &'static str,
    target: &'static str,
    values: Vec<(Value, &str)>,
) -> Case {
    let (values, printed) = values
        .into_iter()
        .map(|(value, printed)| (value, printed.to_owned()))
        .unzip();
    Case {
        table,
        declared,
        values,
        target,
        printed,
    }
}

/// Texts that are printed exactly as they were stored.
fn kept(table: &'static str, declared: &'static str, target: &'static str, texts: &[&str]) -> Case {
    let values = texts.iter().map(|text| (self::text(text), *text));
    case(table, declared, target, values.collect())
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn numbers() -> Vec<Case> {
    let integer = Value::Integer;
    let real = Value::Real;
    vec![
        case(
            "integers",
            "INTEGER",
            "bigint",
            vec![
                (integer(i64::MIN), "-9223372036854775808"),
                (integer(i64::MAX), "9223372036854775807"),
                (integer((1 << 53) + 1), "9007199254740993"),
            ],
        ),
        case(
            "reals",
            "REAL",
            "double precision",
            vec![
                (real(5e-324), "5e-324"),
                (real(f64::MAX), "1.7976931348623157e+308"),
                (real(f64::INFINITY), "Infinity"),
                (real(f64::NEG_INFINITY), "-Infinity"),
                (real(0.1), "0.1"),
                (real(123_456_789_012_345_680.0), "1.2345678901234568e+17"),
            ],
        ),
        // A column of REAL affinity would lose the sign: SQLite keeps 0.0 there as an integer.
        case(
            "minus_zeros",
            "",
            "double precision",
            vec![(real(-0.0), "-0"), (real(0.0), "0"), (integer(0), "0")],
        ),
        case(
            "mixed_numbers",
            "",
            "numeric",
            vec![
                (integer((1 << 53) + 1), "9007199254740993"),
                (real(0.1), "0.1"),
                (real(1e16), "10000000000000000.0"),
                (real(-1.5e-7), "-0.00000015"),
            ],
        ),
        case(
            "exact_beside_infinite",
            "",
            "double precision",
            vec![
                (integer(1 << 53), "9.007199254740992e+15"),
                (real(f64::INFINITY), "Infinity"),
            ],
        ),
        case(
            "decimals",
            "DECIMAL(4,1)",
            "numeric",
            vec![
                (real(123_456_789.123_456_78), "123456789.12345678"),
                (real(0.25), "0.25"),
            ],
        ),
        case(
            "booleans",
            "BOOLEAN",
            "boolean",
            vec![(integer(0), "f"), (integer(1), "t")],
        ),
        kept(
            "digits",
            "TEXT",
            "text",
            &[
                "12345678901234567890.123456789012345678901234567890",
                "007",
                "1e5",
                "+1",
            ],
        ),
    ]
}

fn moments() -> Vec<Case> {
    let days = ["0001-01-01", "9999-12-31", "2000-02-29", "1582-10-10"];
    vec![
        kept("dates", "DATE", "date", &days),
        kept("no_dates", "DATE", "text", &["2024-01-01", "2023-02-29"]),
        kept("no_year", "DATE", "text", &["0000-01-01"]),
        case(
            "timestamps",
            "TIMESTAMP",
            "timestamp without time zone",
            vec![
                (
                    text("2024-01-01 10:00:00.123456"),
                    "2024-01-01 10:00:00.123456",
                ),
                (
                    text("9999-12-31T23:59:59.999999"),
                    "9999-12-31 23:59:59.999999",
                ),
                (text("0001-01-01 00:00:00"), "0001-01-01 00:00:00"),
                (text("1969-12-31 23:59:59.100000"), "1969-12-31 23:59:59.1"),
            ],
        ),
        kept(
            "nanoseconds",
            "TIMESTAMP",
            "text",
            &["2024-01-01 10:00:00.1234567"],
        ),
        kept("leap_second", "TIMESTAMP", "text", &["2016-12-31 23:59:60"]),
        kept("midnight", "TIMESTAMP", "text", &["2016-12-31 24:00:00"]),
        kept(
            "specials",
            "TIMESTAMP",
            "text",
            &["infinity", "now", "epoch"],
        ),
        case(
            "offsets",
            "TEXT",
            "timestamp with time zone",
            vec![
                (text("2024-01-01 00:00:00+15:59"), "2023-12-31 08:01:00+00"),
                (
                    text("2024-01-01T00:00:00.000001-1559"),
                    "2024-01-01 15:59:00.000001+00",
                ),
                (
                    text("9999-12-31T23:59:59.999999Z"),
                    "9999-12-31 23:59:59.999999+00",
                ),
                (text("0001-01-01 00:00:00-01"), "0001-01-01 01:00:00+00"),
            ],
        ),
        kept(
            "too_far",
            "TEXT",
            "text",
            &["2024-01-01 00:00:00+16:00", "0001-01-01 00:00:00+00:01"],
        ),
        kept(
            "times",
            "TIME",
            "time without time zone",
            &["00:00:00", "23:59:59.999999"],
        ),
    ]
}

fn forms() -> Vec<Case> {
    let upper = "0F8FAD5B-D9CB-469F-A165-70867728950E";
    vec![
        case(
            "uuids",
            "TEXT",
            "uuid",
            vec![(text(upper), "0f8fad5b-d9cb-469f-a165-70867728950e")],
        ),
        case(
            "jsonbs",
            "JSON",
            "jsonb",
            vec![
                (
                    text(
                        "{\"b\":{\"a\":[1,{\"c\":null}]},\"a\":123456789012345678901234567890.1234567890}",
                    ),
                    "{\"a\": 123456789012345678901234567890.1234567890, \"b\": {\"a\": [1, {\"c\": null}]}}",
                ),
                (text("[\"\\u00e9\\ud83d\\ude00\"]"), "[\"é😀\"]"),
            ],
        ),
        kept("double_keys", "JSON", "json", &["{\"a\":1,\"a\":2}"]),
        kept("escaped_keys", "JSON", "json", &["{\"a\":1,\"\\u0061\":2}"]),
        kept(
            "exponents",
            "JSON",
            "json",
            &["{\"a\":1e400}", "[1E-20000]"],
        ),
        kept("minus_zero", "JSON", "json", &["[-0]", "[-0.0]"]),
        kept("half_letter", "JSON", "text", &["[1]", "[\"\\ud800"]),
        kept(
            "addresses",
            "TEXT",
            "inet",
            &[
                "::ffff:1.2.3.4",
                "2001:db8::1",
                "fe80::1/64",
                "10.0.0.0/8",
                "255.255.255.255",
                "::",
            ],
        ),
        kept("other_spelling", "TEXT", "text", &["2001:DB8::1"]),
        kept(
            "texts",
            "TEXT",
            "text",
            &[
                "",
                " ",
                "\\N",
                "\\.",
                "\t\r\n\u{1}\u{7f}",
                "\u{feff}bom",
                "\u{ffff}\u{10ffff}",
                "e\u{301}é",
                "'\"`",
            ],
        ),
    ]
}

fn big() -> Vec<Case> {
    let fraction = format!("[0.{}1]", "0".repeat(20_000));
    let deep = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let megabyte = "näheres ".repeat(1 << 17);
    let bytes: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
    let mut printed = "\\x".to_owned();
    for byte in &bytes {
        write!(printed, "{byte:02x}").expect("a string takes all");
    }
    let blob = Value::Blob;
    vec![
        kept("long_texts", "TEXT", "text", &[&megabyte, ""]),
        kept("long_fractions", "JSON", "json", &[&fraction]),
        kept("deep", "JSON", "jsonb", &[&deep(1000)]),
        kept("deeper", "JSON", "text", &[&deep(100_000)]),
        case(
            "blobs",
            "BLOB",
            "bytea",
            vec![
                (blob(Vec::new()), "\\x"),
                (blob(vec![0]), "\\x00"),
                (blob(bytes), &printed),
            ],
        ),
    ]
}

/// A database with a table for each case.
fn database(cases: &[Case]) -> Sample {
    sample("values.db", |connection| {
        for case in cases {
            let create = format!(
                "CREATE TABLE {}(id INTEGER PRIMARY KEY, v {})",
                case.table, case.declared
            );
            connection.execute(&create, [])?;
            let insert = format!("INSERT INTO {}(v) VALUES (?1)", case.table);
            for value in &case.values {
                connection.execute(&insert, [value])?;
            }
        }
        Ok(())
    })
}

fn import(sample: &Sample, uri: &str) -> Report {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let archive = folder.path().join("values.tar.zst");
    library::export(&sample.path, &archive).expect("every value can be exported");
    library::into_postgres(&archive, uri).unwrap_or_else(|fault| panic!("{fault:?}"))
}

#[test]
fn values_at_the_edge_of_each_type_are_stored_without_a_loss() {
    let cases: Vec<Case> = [numbers(), moments(), forms(), big()]
        .into_iter()
        .flatten()
        .collect();
    let sample = database(&cases);
    for server in postgres::servers() {
        let uri = server.fresh_database();
        let report = import(&sample, &uri);
        assert_eq!(report.exit(None), Exit::Ok, "{:?}", report.findings);
        let mut client = Client::connect(&uri, NoTls).expect("the server answers");
        client
            .batch_execute("SET TimeZone = 'UTC'")
            .expect("a setting");
        for case in &cases {
            assert_stored(&mut client, case, server.version);
        }
        assert_bits(&mut client, &cases);
    }
}

fn assert_stored(client: &mut Client, case: &Case, version: u32) {
    let sql = "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = 'v'";
    let target: String = client
        .query_one(sql, &[&case.table])
        .expect("a column")
        .get(0);
    assert_eq!(target, case.target, "type of {} in {version}", case.table);
    let sql = format!("SELECT format('%s', v) FROM {} ORDER BY id", case.table);
    let rows = client.query(&sql, &[]).expect("a readable table");
    assert_eq!(rows.len(), case.printed.len(), "rows of {}", case.table);
    for (row, expected) in rows.iter().zip(&case.printed) {
        let found: String = row.get(0);
        assert!(
            found == *expected,
            "{} in {version}: {} instead of {}",
            case.table,
            shortened(&found),
            shortened(expected)
        );
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(100).collect()
}

/// Doubles have the bits that were stored, and integers are the same integers, in binary form.
fn assert_bits(client: &mut Client, cases: &[Case]) {
    for case in cases {
        let sql = format!("SELECT v FROM {} ORDER BY id", case.table);
        match case.table {
            "reals" => {
                let rows = client.query(&sql, &[]).expect("a readable table");
                for (row, value) in rows.iter().zip(&case.values) {
                    let found: f64 = row.get(0);
                    assert!(
                        matches!(value, Value::Real(real) if real.to_bits() == found.to_bits())
                    );
                }
            }
            "integers" => {
                let rows = client.query(&sql, &[]).expect("a readable table");
                for (row, value) in rows.iter().zip(&case.values) {
                    assert_eq!(*value, Value::Integer(row.get(0)));
                }
            }
            _ => {}
        }
    }
}

/// What no type of PostgreSQL holds: each in the second row of a table of its own.
const REFUSED: [(&str, &str, &str); 7] = [
    ("nul", "'fine'", "CAST(x'610062' AS TEXT)"),
    ("not_utf8", "'fine'", "CAST(x'61ff62' AS TEXT)"),
    ("half_pair", "'fine'", "CAST(x'eda080' AS TEXT)"),
    ("overlong", "'fine'", "CAST(x'c0af' AS TEXT)"),
    ("blob_beside_text", "'fine'", "x'00'"),
    ("like_a_number", "1", "'2'"),
    ("minus_zero", "9007199254740993", "-0.0"),
];

#[test]
fn what_no_type_holds_is_refused_by_table_column_and_row() {
    let sample = sample("refused.db", |connection| {
        REFUSED.iter().try_for_each(|(table, first, second)| {
            connection.execute_batch(&format!(
                "CREATE TABLE {table}(code TEXT PRIMARY KEY, v);
                 INSERT INTO {table} VALUES ('one', {first}), ('two', {second});"
            ))
        })?;
        negative_zero(connection)
    });
    for server in postgres::servers() {
        let uri = server.fresh_database();
        let report = import(&sample, &uri);
        assert!(report.refused, "{:?}", report.findings);
        for (table, _, _) in REFUSED {
            let errors = errors_of(&report, table);
            let [error] = errors[..] else {
                panic!("{table}: {errors:?}");
            };
            assert_eq!(error.code, Code::ValueRefused, "{table}");
            assert_eq!(error.place.column.as_deref(), Some("v"), "{table}");
            assert_eq!(error.samples.len(), 1, "{table}: {error:?}");
            assert!(error.samples[0].contains("two"), "{table}: {error:?}");
        }
        assert_eq!(tables(&uri), 0, "a refused import leaves nothing");
    }
}

/// SQLite reads the literal `-0.0` as an integer-like real; the bits are stored by binding.
fn negative_zero(connection: &Connection) -> rusqlite::Result<()> {
    let zero = ToSqlOutput::Borrowed(ValueRef::Real(-0.0));
    connection
        .execute("UPDATE minus_zero SET v = ?1 WHERE code = 'two'", [zero])
        .map(drop)
}

fn errors_of<'r>(report: &'r Report, table: &str) -> Vec<&'r Finding> {
    let findings = report.findings.iter();
    findings
        .filter(|finding| finding.severity == Severity::Error)
        .filter(|finding| finding.place.table.as_deref() == Some(table))
        .collect()
}

/// Number of relations in `public`.
fn tables(uri: &str) -> i64 {
    let mut client = Client::connect(uri, NoTls).expect("the server answers");
    let sql = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace";
    client.query_one(sql, &[]).expect("the catalogue").get(0)
}

/// A key longer than a third of a page has no place in an index of PostgreSQL: the value is kept,
/// the key is left out and named.
#[test]
fn a_key_too_long_for_an_index_is_left_out_and_its_value_kept() {
    let mut state = 1_u64;
    let mut letter = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        char::from(b'!' + u8::try_from((state >> 33) % 90).expect("less than 90"))
    };
    let long: String = (0..10_000).map(|_| letter()).collect();
    let sample = sample("long.db", |connection| {
        connection.execute("CREATE TABLE long(code TEXT PRIMARY KEY)", [])?;
        connection
            .execute("INSERT INTO long VALUES (?1)", [&long])
            .map(drop)
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    let archive = folder.path().join("long.tar.zst");
    library::export(&sample.path, &archive).expect("every value can be exported");
    let uri = postgres::fresh_database();
    let report = library::into_postgres(&archive, &uri).expect("the value is kept");
    let weakened = |finding: &Finding| {
        finding.code == Code::StructureWeakened && finding.place.table.as_deref() == Some("long")
    };
    assert!(report.findings.iter().any(weakened), "{report:?}");
    let mut client = Client::connect(&uri, NoTls).expect("the server answers");
    let row = client.query_one("SELECT code FROM long", &[]);
    assert_eq!(row.expect("one row").get::<_, String>(0), long);
}
