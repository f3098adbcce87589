//! Identity and defaults of a column.

use super::support::*;
use crate::mapping::plan::DefaultPlan;
use crate::mapping::plan::PgType::Bigint;
use crate::model::schema::{DefaultValue, Sequence};
use crate::model::value::OwnedValue;

const UUID_LOWER: &str = "00112233-4455-6677-8899-aabbccddeeff";
const UUID_UPPER: &str = "00112233-4455-6677-8899-AABBCCDDEEFF";

#[test]
fn identity_goes_on_after_every_number_that_was_ever_given() {
    for (ids, sequence, expected) in [
        (vec![], None, Some(1)),
        (vec![1, 7], None, Some(8)),
        (vec![-5], None, Some(1)),
        (vec![7], Some(99), Some(100)),
        (vec![7], Some(3), Some(8)),
        (vec![i64::MAX], None, None),
        (vec![1], Some(i64::MAX), None),
    ] {
        let mut database = Database::default();
        let values: Vec<OwnedValue> = ids.iter().map(|id| int(*id)).collect();
        let mut numbered = numbered("t", vec![integer("id"), column("n", "TEXT")]);
        // SQLite never uses this default.
        numbered.columns[0].default = Some(DefaultValue::Literal(int(5)));
        database.table(numbered, &[&values]);
        if let Some(value) = sequence {
            database.schema.sequences.push(Sequence {
                table: "t".to_owned(),
                value,
            });
        }
        let plan = database.plan();
        let id = plan.table("t").column("id");
        assert_eq!(id.identity, Some(expected), "{ids:?} {sequence:?}");
        assert_eq!(
            (id.target, id.not_null, id.default.as_ref()),
            (Bigint, true, None)
        );
        assert_eq!(plan.table("t").column("n").identity, None);
        let used_up = "Warning structure-weakened t.id: the largest integer of 64 bits is taken, so the sequence gives no next number, where the source looks for a free one";
        let told: &[&str] = if expected.is_none() { &[used_up] } else { &[] };
        assert_eq!(plan.listed(), told);
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one row per rule")]
fn a_default_is_a_value_of_the_column_s_type_or_is_left_out_by_name() {
    use DefaultValue::{CurrentDate, CurrentTime, CurrentTimestamp, Expression, Literal};
    let kept = |value: OwnedValue| Ok(DefaultPlan::Literal(value));
    for (declared, value, default, expected) in [
        ("INTEGER", int(3), Literal(int(0)), kept(int(0))),
        ("INTEGER", int(3), Literal(text("0")), kept(int(0))),
        (
            "INTEGER",
            int(3),
            Literal(text("")),
            Err("it gives no value of type bigint: ''"),
        ),
        (
            "INTEGER",
            int(3),
            Literal(real(1.5)),
            Err("it gives no value of type bigint: 1.5"),
        ),
        ("BOOLEAN", int(1), Literal(int(1)), kept(int(1))),
        (
            "BOOLEAN",
            int(1),
            Literal(int(2)),
            Err("it gives no value of type boolean: 2"),
        ),
        (
            "BOOLEAN",
            int(1),
            Literal(text("true")),
            Err("it gives no value of type boolean: 'true'"),
        ),
        ("REAL", real(1.5), Literal(int(0)), kept(real(0.0))),
        ("DECIMAL", real(1.5), Literal(real(1.5)), kept(real(1.5))),
        ("TEXT", text("x"), Literal(text("it's")), kept(text("it's"))),
        ("TEXT", text("x"), Literal(int(7)), kept(text("7"))),
        (
            "TEXT",
            text("x"),
            Literal(text("a\0b")),
            Err("it gives no value of type text: 'a\0b'"),
        ),
        ("BLOB", blob(b"x"), Literal(blob(b"y")), kept(blob(b"y"))),
        (
            "BLOB",
            blob(b"x"),
            Literal(text("y")),
            Err("it gives no value of type bytea: 'y'"),
        ),
        (
            "DATE",
            text("2024-01-01"),
            Literal(text("1970-01-01")),
            kept(text("1970-01-01")),
        ),
        (
            "DATE",
            text("2024-01-01"),
            Literal(text("")),
            Err("it gives no value of type date: ''"),
        ),
        (
            "TEXT",
            text(UUID_LOWER),
            Literal(text(UUID_UPPER)),
            kept(text(UUID_UPPER)),
        ),
        ("TEXT", text("{}"), Literal(text("[]")), kept(text("[]"))),
        (
            "TEXT",
            text("{}"),
            Literal(text("x")),
            Err("it gives no value of type jsonb: 'x'"),
        ),
        (
            "TEXT",
            text("10.0.0.1"),
            Literal(text("::1")),
            kept(text("::1")),
        ),
        (
            "DATETIME",
            NULL,
            CurrentTimestamp,
            Ok(DefaultPlan::CurrentTimestamp),
        ),
        (
            "TEXT",
            text("x"),
            CurrentTimestamp,
            Ok(DefaultPlan::CurrentTimestamp),
        ),
        (
            "TEXT",
            text("2024-01-01 10:00:00Z"),
            CurrentTimestamp,
            Ok(DefaultPlan::CurrentTimestamp),
        ),
        (
            "DATE",
            NULL,
            CurrentTimestamp,
            Err("it gives no value of type date: CURRENT_TIMESTAMP"),
        ),
        ("DATE", NULL, CurrentDate, Ok(DefaultPlan::CurrentDate)),
        (
            "INTEGER",
            NULL,
            CurrentDate,
            Err("it gives no value of type bigint: CURRENT_DATE"),
        ),
        ("TIME", NULL, CurrentTime, Ok(DefaultPlan::CurrentTime)),
        (
            "DATE",
            NULL,
            CurrentTime,
            Err("it gives no value of type date: CURRENT_TIME"),
        ),
        (
            "TEXT",
            text("x"),
            Expression("soundex('X')".to_owned()),
            Err("soundex('X')"),
        ),
    ] {
        let mut column = column("c", declared);
        column.default = Some(default.clone());
        let plan = plan_of(table("t", vec![column]), &[&[value]]);
        let found = plan.tables[0].columns[0].default.clone();
        let warned: Vec<String> = plan
            .listed()
            .into_iter()
            .filter(|line| line.contains("default"))
            .collect();
        match expected {
            Ok(expected) => {
                assert_eq!(found, Some(expected), "{declared} {default:?}");
                assert_eq!(warned, [""; 0], "{declared} {default:?}");
            }
            Err(reason) => {
                assert_eq!(found, None, "{declared} {default:?}");
                assert_eq!(warned.len(), 1, "{warned:?}");
                assert!(
                    warned[0]
                        .starts_with("Warning structure-left-out t.c: the default is left out, "),
                    "{warned:?}"
                );
                assert!(warned[0].ends_with(reason), "{warned:?}");
            }
        }
    }
}

#[test]
fn default_null_is_no_default() {
    let mut column = column("c", "TEXT");
    column.default = Some(DefaultValue::Literal(NULL));
    let plan = plan_of(table("t", vec![column]), &[&[text("x")]]);
    assert_eq!(plan.tables[0].columns[0].default, None);
    assert_eq!(plan.listed(), [""; 0]);
}
