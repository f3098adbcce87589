//! The type of a column, and what is reported of it.

use super::support::*;
use crate::mapping::plan::PgType::{self, *};
use crate::model::value::OwnedValue;

/// Plans a table of one column `c` and gives its type and findings.
fn judged(declared: &str, values: &[OwnedValue]) -> (PgType, Vec<String>) {
    let plan = plan_of(table("t", vec![column("c", declared)]), &[values]);
    (plan.tables[0].columns[0].target, plan.listed())
}

const LOWER: &str = "00112233-4455-6677-8899-aabbccddeeff";
const UPPER: &str = "00112233-4455-6677-8899-AABBCCDDEEFF";

#[test]
fn a_column_of_nulls_has_the_type_that_its_declaration_suggests() {
    for (declared, expected) in [
        ("INTEGER", Bigint),
        ("INT", Bigint),
        ("UNSIGNED BIG INT", Bigint),
        ("BOOLEAN", Boolean),
        ("bool", Boolean),
        ("REAL", Double),
        ("DOUBLE PRECISION", Double),
        ("DECIMAL(10,2)", Numeric),
        ("NUMERIC", Numeric),
        ("DATE", Date),
        ("DATETIME", Timestamp),
        ("TIMESTAMP", Timestamp),
        ("TIMESTAMP WITHOUT TIME ZONE", Timestamp),
        ("TIMESTAMP(3) WITH TIME ZONE", Timestamptz),
        ("timestamptz", Timestamptz),
        ("TIME", Time),
        ("BLOB", Bytea),
        ("VARBINARY(16)", Bytea),
        ("JSON", Jsonb),
        ("JSONB", Jsonb),
        ("UUID", Uuid),
        ("TEXT", Text),
        ("VARCHAR(40)", Text),
        ("STRING", Text),
        ("", Text),
    ] {
        assert_eq!(
            judged(declared, &[NULL, NULL]),
            (expected, vec![]),
            "{declared} of NULLs"
        );
        assert_eq!(
            judged(declared, &[]),
            (expected, vec![]),
            "{declared} without rows"
        );
    }
}

#[test]
fn values_decide_the_type_and_nothing_is_said_where_they_suit_the_declaration() {
    let dates = [text("2024-01-01"), NULL, text("0001-12-31")];
    for (declared, values, expected) in [
        ("INTEGER", vec![int(i64::MIN), int(i64::MAX)], Bigint),
        ("", vec![int(1)], Bigint),
        ("STRING", vec![int(1)], Bigint),
        ("BOOLEAN", vec![int(0), int(1), NULL], Boolean),
        ("INTEGER", vec![int(0), int(1)], Bigint),
        ("DECIMAL(10,2)", vec![int(1), int(i64::MAX)], Numeric),
        ("DECIMAL(10,2)", vec![real(1.25)], Numeric),
        ("DECIMAL(10,2)", vec![real(1.25), int(1)], Numeric),
        ("", vec![real(1.25), int(1)], Numeric),
        (
            "REAL",
            vec![real(f64::INFINITY), real(-0.0), real(5e-324)],
            Double,
        ),
        ("", vec![real(1.5)], Double),
        ("TEXT", vec![text(LOWER)], Uuid),
        ("DATE", dates.to_vec(), Date),
        ("TEXT", dates.to_vec(), Date),
        (
            "DATETIME",
            vec![text("2024-01-01 10:00:00"), text("2024-01-01 10:00:00.5")],
            Timestamp,
        ),
        ("TIME", vec![text("10:00:00")], Time),
        ("TEXT", vec![text("10:00:00")], Text),
        ("JSON", vec![text(r#"{"a":1e5}"#), NULL], Json),
        (
            "TEXT",
            vec![text("10.0.0.1"), text("::1"), text("10.0.0.0/8")],
            Inet,
        ),
        ("BLOB", vec![blob(b""), blob(b"x")], Bytea),
        ("", vec![blob(b"x")], Bytea),
        // Not one of these is a type of its own, whatever it looks like.
        ("TEXT", vec![text("007")], Text),
        ("TEXT", vec![text("1e5")], Text),
        ("TEXT", vec![text("+49")], Text),
        ("TEXT", vec![text("7")], Text),
        ("TEXT", vec![text("yes"), text("no")], Text),
        ("TEXT", vec![text("00112233445566778899aabbccddeeff")], Text),
        ("TEXT", vec![text("2024-01-01"), text("")], Text),
        (
            "TEXT",
            vec![text("2024-01-01"), text("2024-01-01 10:00:00")],
            Text,
        ),
        (
            "TEXT",
            vec![text("2024-01-01 10:00:00"), text("2024-01-01 10:00:00Z")],
            Text,
        ),
        ("TEXT", vec![text("{}"), text("{")], Text),
        ("TEXT", vec![text("")], Text),
    ] {
        let (found, findings) = judged(declared, &values);
        let quiet = findings
            .iter()
            .all(|line| line.contains("declared `JSON`, becomes json"));
        assert_eq!(found, expected, "{declared} {values:?}");
        assert!(quiet, "{declared} {values:?}: {findings:?}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one row per rule")]
fn a_declaration_that_the_values_overrule_is_reported_with_the_first_row_against_it() {
    for (declared, values, expected, finding) in [
        (
            "BOOLEAN",
            vec![int(1), int(2)],
            Bigint,
            "Warning recast t.c: declared `BOOLEAN`, becomes bigint: 1 value is not 0 or 1 [row 2]",
        ),
        (
            "INTEGER",
            vec![int(1), real(1.5)],
            Numeric,
            "Warning recast t.c: declared `INTEGER`, becomes numeric: 1 value is not an integer [row 2]",
        ),
        (
            "INTEGER",
            vec![text("x"), text("y")],
            Text,
            "Warning recast t.c: declared `INTEGER`, becomes text: 2 values are not an integer [row 1]",
        ),
        (
            "INTEGER",
            vec![text("2024-01-01")],
            Date,
            "Note recast t.c: declared `INTEGER`, becomes date: 1 value is not an integer [row 1]",
        ),
        (
            "DECIMAL",
            vec![real(1.5), real(f64::INFINITY)],
            Double,
            "Warning recast t.c: declared `DECIMAL`, becomes double precision: 1 value is not a decimal number [row 2]",
        ),
        (
            "DECIMAL",
            vec![text("1,50")],
            Text,
            "Warning recast t.c: declared `DECIMAL`, becomes text: 1 value is not a decimal number [row 1]",
        ),
        (
            "DATE",
            vec![text("2024-01-01"), text("soon")],
            Text,
            "Warning recast t.c: declared `DATE`, becomes text: 1 value is not a day [row 2]",
        ),
        (
            "DATETIME",
            vec![text("2024-01-01")],
            Date,
            "Note recast t.c: declared `DATETIME`, becomes date: 1 value is not a moment without offset [row 1]",
        ),
        (
            "TIMESTAMP",
            vec![int(1_700_000_000)],
            Bigint,
            "Note recast t.c: declared `TIMESTAMP`, becomes bigint: 1 value is not a moment without offset; as seconds since 1970 all would be moments of 2023-11-14, nothing is converted [row 1]",
        ),
        (
            "DATE",
            vec![real(2_460_000.5)],
            Double,
            "Note recast t.c: declared `DATE`, becomes double precision: 1 value is not a day; as Julian days all would be moments of 2023-02-25, nothing is converted [row 1]",
        ),
        (
            "UUID",
            vec![text(LOWER), text(UPPER), text("x")],
            Text,
            "Warning recast t.c: declared `UUID`, becomes text: 1 value is not a UUID",
        ),
        (
            "BLOB",
            vec![text("x")],
            Text,
            "Warning recast t.c: declared `BLOB`, becomes text: 1 value is not a blob [row 1]",
        ),
        (
            "TEXT",
            vec![blob(b"x")],
            Bytea,
            "Warning recast t.c: declared `TEXT`, becomes bytea: 1 value is not text [row 1]",
        ),
        (
            "JSON",
            vec![int(5)],
            Bigint,
            "Warning recast t.c: declared `JSON`, becomes bigint: 1 value is not a JSON object or array [row 1]",
        ),
        (
            "JSON",
            vec![text(r#"{"a":1e5}"#)],
            Json,
            "Note recast t.c: declared `JSON`, becomes json: 1 value is JSON that jsonb would not give back [row 1]",
        ),
        (
            "JSON",
            vec![
                text("{}"),
                text(r#"{"a":1,"a":2}"#),
                text(r#"["\u0000"]"#),
                text(r#"["\ud800"]"#),
            ],
            Json,
            "Note recast t.c: declared `JSON`, becomes json: 3 values are JSON that jsonb would not give back [row 2]",
        ),
        (
            "JSON",
            vec![text(r#"{"a":1,"a":2}"#), text("{")],
            Text,
            "Warning recast t.c: declared `JSON`, becomes text: 1 value is not a JSON object or array [row 2]",
        ),
        (
            "",
            vec![int(1), real(-0.0)],
            Double,
            "Warning recast t.c: 1 integer beside 1 real become double precision; each is kept exactly [row 1]",
        ),
        (
            "",
            vec![text("x"), int(7), real(1.5)],
            Text,
            "Warning recast t.c: 2 numbers beside 1 text become text, spelled so that they can be told apart [row 2]",
        ),
    ] {
        assert_eq!(
            judged(declared, &values),
            (expected, vec![finding.to_owned()]),
            "{declared} {values:?}"
        );
    }
}

#[test]
fn a_value_that_no_type_holds_is_refused_with_its_first_row_and_their_number() {
    let wide = int((1 << 53) + 1);
    for (values, finding) in [
        (
            vec![text("a"), OwnedValue::RawText(vec![0xff])],
            "Error value-refused t.c: 1 text is not valid in the encoding of the source, and PostgreSQL stores valid UTF-8 only [row 2]",
        ),
        (
            vec![text("a"), text("a\0b"), text("\0")],
            "Error value-refused t.c: 2 texts hold a NUL character, which no text type of PostgreSQL can [row 2]",
        ),
        (
            vec![text("a"), NULL, blob(b"x"), text("b")],
            "Error value-refused t.c: 1 blob beside 2 values of other classes: no type holds both [row 3]",
        ),
        (
            vec![blob(b"x"), blob(b"y"), int(1)],
            "Error value-refused t.c: 2 blobs beside 1 value of other classes: no type holds both [row 3]",
        ),
        (
            vec![text("x"), int(7), text("7")],
            "Error value-refused t.c: 1 text is spelled like a number, beside 1 number: as text the two could not be told apart [row 3]",
        ),
        (
            vec![text("x"), real(-0.0)],
            "Error value-refused t.c: 1 real is -0.0 or infinite, beside 1 text: text has no sure spelling for it [row 2]",
        ),
        (
            vec![wide, real(f64::INFINITY)],
            "Error value-refused t.c: 1 real is -0.0 or infinite, beside 1 integer beyond 2^53: numeric does not hold the one, double precision not the other [row 2]",
        ),
    ] {
        let (_, findings) = judged("", &values);
        assert_eq!(findings, [finding], "{values:?}");
    }
}

#[test]
fn a_value_beyond_a_field_of_postgresql_is_refused() {
    let mut database = Database::default();
    database.table(table("t", vec![column("c", "BLOB")]), &[&[blob(b"x")]]);
    database.evidence[0].columns[0].longest_blob = 1 << 30;
    let expected = "Error value-refused t.c: the longest value has 1,073,741,824 bytes; a field of PostgreSQL holds at most 1 GiB";
    assert_eq!(database.plan().listed(), [expected]);
}

#[test]
fn a_spelling_that_is_lost_is_noted_once_a_column() {
    for (values, expected, lost) in [
        (
            vec![text(LOWER), text(UPPER)],
            Uuid,
            Some("becomes uuid: upper-case digits are not kept"),
        ),
        (
            vec![text("2024-01-01T10:00:00Z")],
            Timestamptz,
            Some(
                "becomes timestamp with time zone: the written offset is not kept, only the moment",
            ),
        ),
        (
            vec![text("2024-01-01T10:00:00"), text("2024-01-01 10:00:00")],
            Timestamp,
            Some(
                "becomes timestamp without time zone: a `T` before the time and zeros at the end of the fraction are not kept",
            ),
        ),
        (
            vec![text("2024-01-01 10:00:00.500")],
            Timestamp,
            Some(
                "becomes timestamp without time zone: a `T` before the time and zeros at the end of the fraction are not kept",
            ),
        ),
        (
            vec![text("{}")],
            Jsonb,
            Some("becomes jsonb: blanks, the order of keys and escapes are not kept"),
        ),
        (vec![text("2024-01-01 10:00:00")], Timestamp, None),
        (vec![text(LOWER)], Uuid, None),
    ] {
        let lost: Vec<String> = lost
            .map(|lost| format!("Note spelling-lost t.c: {lost}"))
            .into_iter()
            .collect();
        assert_eq!(judged("TEXT", &values), (expected, lost), "{values:?}");
    }
}

#[test]
fn in_a_key_no_two_spellings_may_become_one_value() {
    for (value, other, as_key, expected) in [
        (LOWER, LOWER, true, Uuid),
        (LOWER, UPPER, true, Text),
        (LOWER, UPPER, false, Uuid),
        (
            "2024-01-01 10:00:00",
            "2024-01-01 11:00:00.5",
            true,
            Timestamp,
        ),
        ("2024-01-01 10:00:00", "2024-01-01T10:00:00", true, Text),
        ("2024-01-01 10:00:00Z", "2024-01-01 10:00:00+00", true, Text),
        ("2024-01-01", "2024-01-02", true, Date),
        ("10.0.0.1", "10.0.0.2", true, Inet),
        ("{}", "{ }", true, Text),
        ("{}", "{ }", false, Jsonb),
        (r#"{"a":1e5}"#, "{}", false, Text),
    ] {
        let mut table = table("t", vec![column("c", "TEXT")]);
        if as_key {
            table.unique.push(key(&["c"]));
        } else {
            table.indexes.push(index("i", false, &["c"]));
        }
        let plan = plan_of(table, &[&[text(value), text(other)]]);
        assert_eq!(
            plan.tables[0].columns[0].target, expected,
            "{value} {other} {as_key}"
        );
    }
}
