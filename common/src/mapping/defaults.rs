//! Defaults: the value a source would store is checked to be one of the column's new type.

use crate::fault::Code;
use crate::mapping::draft::{Draft, Stored};
use crate::mapping::expression::{self, Budget};
use crate::mapping::leftovers::{brief, left_out};
use crate::mapping::objects::translation;
use crate::mapping::plan::{DefaultPlan, PgType, Reading};
use crate::model::forms;
use crate::model::schema::{Affinity, DefaultValue};
use crate::model::value::OwnedValue;
use crate::report::{Finding, Severity};
use serde::de::IgnoredAny;

/// Integers up to here, and down to its negative, are doubles as well.
const EXACT: i64 = 1 << 53;

/// Why a column of cells keeps no default.
const AS_CELLS: &str = "the mapping file has values written as JSON";

/// The column's default in PostgreSQL; reports one that is left out.
pub(super) fn default(
    draft: &Draft<'_>,
    stored: &Stored<'_>,
    budget: &Budget,
    findings: &mut Vec<Finding>,
) -> Option<DefaultPlan> {
    let declared = stored.column.default.as_ref()?;
    // SQLite never uses the default of an INTEGER PRIMARY KEY, and DEFAULT NULL is none.
    if stored.identity || *declared == DefaultValue::Literal(OwnedValue::Null) {
        return None;
    }
    let target = stored.target;
    let as_cells = stored
        .conversion
        .as_ref()
        .is_some_and(|conversion| conversion.reading == Reading::Cell);
    let (mut planned, shown) = match declared {
        DefaultValue::Literal(literal) => {
            let value = with_affinity(literal, stored.column.affinity);
            let value = value.and_then(|value| value_of(value, target));
            (
                value.map(DefaultPlan::Literal),
                literal.as_value().shown(60),
            )
        }
        DefaultValue::CurrentDate => (
            matches!(target, PgType::Date | PgType::Text).then_some(DefaultPlan::CurrentDate),
            "CURRENT_DATE".to_owned(),
        ),
        DefaultValue::CurrentTime => (
            matches!(target, PgType::Time | PgType::Text).then_some(DefaultPlan::CurrentTime),
            "CURRENT_TIME".to_owned(),
        ),
        DefaultValue::CurrentTimestamp => (
            matches!(
                target,
                PgType::Timestamptz | PgType::Timestamp | PgType::Text
            )
            .then_some(DefaultPlan::CurrentTimestamp),
            "CURRENT_TIMESTAMP".to_owned(),
        ),
        DefaultValue::Expression(sql) => {
            return of_expression(draft, stored, (sql, as_cells), budget, findings);
        }
    };
    if as_cells {
        planned = None;
    }
    if planned.is_none() {
        let reason = if as_cells {
            AS_CELLS.to_owned()
        } else {
            format!("it gives no value of type {}", target.name())
        };
        let message = format!("the default is left out, {reason}: {shown}");
        findings.push(
            Finding::new(Code::StructureLeftOut, Severity::Warning, message)
                .in_table(&draft.table.name)
                .in_column(&stored.column.name),
        );
    }
    planned
}

fn of_expression(
    draft: &Draft<'_>,
    stored: &Stored<'_>,
    (sql, as_cells): (&str, bool),
    budget: &Budget,
    findings: &mut Vec<Finding>,
) -> Option<DefaultPlan> {
    let translated = if as_cells {
        Err(AS_CELLS.to_owned())
    } else {
        expression::default(sql, stored.column.affinity, stored.target).and_then(|tree| {
            budget.take(&tree)?;
            Ok(tree)
        })
    };
    let (planned, finding) = match translated {
        Ok(tree) => (
            Some(DefaultPlan::Expression(tree)),
            translation("the default", sql, &[]),
        ),
        Err(reason) => {
            let message = format!("the default is left out, {reason}: {}", brief(sql));
            (None, left_out(message))
        }
    };
    findings.push(
        finding
            .in_table(&draft.table.name)
            .in_column(&stored.column.name),
    );
    planned
}

/// What SQLite stores for a literal in a column of this affinity; `None` where that is not sure.
fn with_affinity(literal: &OwnedValue, affinity: Affinity) -> Option<OwnedValue> {
    match (affinity, literal) {
        (Affinity::Text, OwnedValue::Integer(integer)) => {
            Some(OwnedValue::Text(integer.to_string()))
        }
        // SQLite writes 15 digits; what Rust writes with fewer is the same.
        (Affinity::Text, OwnedValue::Real(real)) => {
            let text = format!("{real:?}");
            let digits = text.bytes().filter(u8::is_ascii_digit).count();
            (real.is_finite() && digits <= 15 && !text.contains('e'))
                .then_some(OwnedValue::Text(text))
        }
        (Affinity::Real, OwnedValue::Integer(integer)) => real(*integer),
        (Affinity::Real, OwnedValue::Text(text)) => match number(text) {
            Some(OwnedValue::Integer(integer)) => real(integer),
            other => Some(other.unwrap_or_else(|| literal.clone())),
        },
        (Affinity::Integer | Affinity::Numeric, OwnedValue::Text(text)) => {
            Some(number(text).map_or_else(|| literal.clone(), whole))
        }
        (Affinity::Integer | Affinity::Numeric, OwnedValue::Real(_)) => {
            Some(whole(literal.clone()))
        }
        _ => Some(literal.clone()),
    }
}

/// The number that a text is, in SQLite's syntax: blanks around it do not count.
fn number(text: &str) -> Option<OwnedValue> {
    let text = text.trim_matches(|c: char| matches!(c, ' ' | '\t' | '\n' | '\x0b' | '\x0c' | '\r'));
    let numeric =
        |byte: u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
    if text.is_empty() || !text.bytes().all(numeric) {
        return None;
    }
    if let Ok(integer) = text.parse() {
        return Some(OwnedValue::Integer(integer));
    }
    text.parse().ok().map(OwnedValue::Real)
}

/// A real without fraction is stored as an integer where the affinity prefers one.
fn whole(value: OwnedValue) -> OwnedValue {
    match value {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "whole and within 2^53, so exact"
        )]
        OwnedValue::Real(real) if real.fract() == 0.0 && real.abs() <= 9e15 => {
            OwnedValue::Integer(real as i64)
        }
        other => other,
    }
}

/// The double that an integer is, if it is one.
fn real(integer: i64) -> Option<OwnedValue> {
    #[expect(clippy::cast_precision_loss, reason = "within 2^53, so exact")]
    (-EXACT..=EXACT)
        .contains(&integer)
        .then_some(OwnedValue::Real(integer as f64))
}

/// The value as one of `target`, or `None` if it is none.
fn value_of(value: OwnedValue, target: PgType) -> Option<OwnedValue> {
    let fits = match (target, &value) {
        (PgType::Bigint | PgType::Numeric, OwnedValue::Integer(_))
        | (PgType::Double, OwnedValue::Real(_))
        | (PgType::Bytea, OwnedValue::Blob(_)) => true,
        (PgType::Smallint, OwnedValue::Integer(integer)) => i16::try_from(*integer).is_ok(),
        (PgType::Integer, OwnedValue::Integer(integer)) => i32::try_from(*integer).is_ok(),
        (PgType::Boolean, OwnedValue::Integer(integer)) => matches!(integer, 0 | 1),
        (PgType::Double, OwnedValue::Integer(integer)) => return real(*integer),
        (PgType::Numeric, OwnedValue::Real(real)) => {
            real.is_finite() && (*real != 0.0 || real.is_sign_positive())
        }
        (_, OwnedValue::Text(text)) => text_fits(text, target),
        _ => false,
    };
    fits.then_some(value)
}

fn text_fits(text: &str, target: PgType) -> bool {
    match target {
        PgType::Text | PgType::Citext => !text.contains('\0'),
        PgType::Varchar(length) | PgType::Char(length) => {
            let is_padded = matches!(target, PgType::Char(_)) && text.ends_with(' ');
            text.chars().count() <= length as usize && !text.contains('\0') && !is_padded
        }
        PgType::Date => forms::date(text).is_some(),
        PgType::Time => forms::time(text).is_some(),
        PgType::Timestamp => forms::timestamp(text).is_some(),
        PgType::Timestamptz => forms::timestamp_offset(text).is_some(),
        PgType::Uuid => forms::uuid(text).is_some(),
        PgType::Inet => forms::inet(text).is_some(),
        PgType::Json => is_json(text),
        // What jsonb would change cannot be ruled out in a text with escapes, numbers or two keys.
        PgType::Jsonb => is_json(text) && is_simple_json(text),
        // A text is none of the others, or only the plan's labels could tell.
        _ => false,
    }
}

fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '[']) && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

fn is_simple_json(text: &str) -> bool {
    let mut in_string = false;
    let mut keys = 0;
    for byte in text.bytes() {
        match byte {
            b'"' => in_string = !in_string,
            b'\\' => return false,
            b'0'..=b'9' if !in_string => return false,
            b':' if !in_string => keys += 1,
            _ => {}
        }
    }
    keys <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> OwnedValue {
        OwnedValue::Text(text.to_owned())
    }

    #[test]
    fn a_literal_is_stored_by_the_column_s_affinity_as_sqlite_stores_it() {
        // Each was tried: CREATE TABLE t (a <type> DEFAULT <literal>, b); typeof(a), a.
        for (affinity, literal, stored) in [
            (Affinity::Integer, text("0"), OwnedValue::Integer(0)),
            (Affinity::Integer, text(" 7 "), OwnedValue::Integer(7)),
            (Affinity::Integer, text("007"), OwnedValue::Integer(7)),
            (Affinity::Integer, text("1e2"), OwnedValue::Integer(100)),
            (Affinity::Integer, text("x"), text("x")),
            (Affinity::Integer, text(""), text("")),
            (Affinity::Integer, text("inf"), text("inf")),
            (
                Affinity::Numeric,
                OwnedValue::Real(1.0),
                OwnedValue::Integer(1),
            ),
            (
                Affinity::Numeric,
                OwnedValue::Real(1.5),
                OwnedValue::Real(1.5),
            ),
            (Affinity::Numeric, text("1.50"), OwnedValue::Real(1.5)),
            (
                Affinity::Real,
                OwnedValue::Integer(3),
                OwnedValue::Real(3.0),
            ),
            (Affinity::Real, text("3"), OwnedValue::Real(3.0)),
            (Affinity::Text, OwnedValue::Integer(3), text("3")),
            (Affinity::Text, OwnedValue::Real(1.5), text("1.5")),
            (
                Affinity::Blob,
                OwnedValue::Integer(3),
                OwnedValue::Integer(3),
            ),
            (Affinity::Blob, text("3"), text("3")),
        ] {
            let found = with_affinity(&literal, affinity);
            assert_eq!(found, Some(stored), "{literal:?} as {affinity:?}");
        }
        let long = OwnedValue::Real(0.1 + 0.2);
        assert_eq!(with_affinity(&long, Affinity::Text), None);
    }

    #[test]
    fn only_json_that_jsonb_cannot_change_is_a_default() {
        for json in [
            "{}",
            "[]",
            " [ ] ",
            r#"{"a":"b:c"}"#,
            r#"["a", true, null]"#,
        ] {
            assert!(text_fits(json, PgType::Jsonb), "{json}");
        }
        for json in [
            "",
            "7",
            "null",
            "{",
            r#"{"a":1,"a":2}"#,
            "[1e3]",
            r#"["\u0000"]"#,
            "{} x",
        ] {
            assert!(!text_fits(json, PgType::Jsonb), "{json}");
        }
        assert!(text_fits(r#"{"a":1,"a":2}"#, PgType::Json));
    }
}
