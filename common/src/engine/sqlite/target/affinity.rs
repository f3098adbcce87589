//! Whether a column would change a value: affinity converts, and a converted value is another one.
//!
//! SQLite's rules (Datatypes In SQLite, section 3; `applyAffinity` in its source). What SQLite has
//! stored under a column's own affinity comes back the same. What came there in another way (an
//! altered schema, an older version) may not, and is refused with its name.

use crate::fault::{Code, Fault, Result};
use crate::model::number;
use crate::model::schema::{Affinity, Rowid, Table, TableKind};
use crate::model::value::Value;

/// What each cell of a row must be, to be stored as it is.
#[derive(Debug)]
pub(super) struct Exactness {
    cells: Vec<Cell>,
}

#[derive(Debug)]
struct Cell {
    column: String,
    rule: Rule,
}

#[derive(Debug, Clone, Copy)]
enum Rule {
    /// A rowid: an integer and nothing else.
    Rowid,
    /// A column of this affinity.
    Affinity(Affinity),
}

impl Exactness {
    /// The rules of `table`; a virtual table has no affinity, its module decides.
    pub(super) fn of(table: &Table) -> Self {
        let is_virtual = matches!(table.kind, TableKind::Virtual { .. });
        let hidden = (table.rowid == Rowid::Hidden).then(|| Cell {
            column: "rowid".to_owned(),
            rule: Rule::Rowid,
        });
        let columns = table.stored_columns().map(|column| {
            let is_rowid = matches!(&table.rowid, Rowid::Column(name) if name.eq_ignore_ascii_case(&column.name));
            let affinity = if is_virtual { Affinity::Blob } else { column.affinity };
            Cell {
                column: column.name.clone(),
                rule: if is_rowid { Rule::Rowid } else { Rule::Affinity(affinity) },
            }
        });
        Exactness {
            cells: hidden.into_iter().chain(columns).collect(),
        }
    }

    /// Refuses a row of which a cell would change; the caller names table and row.
    pub(super) fn check(&self, row: &[Value<'_>]) -> Result<()> {
        if row.len() != self.cells.len() {
            let what = "row has another number of cells than its table";
            return Err(Fault::new(Code::ArchiveInconsistent, what));
        }
        for (cell, value) in self.cells.iter().zip(row) {
            if let Some(becomes) = change(cell.rule, value) {
                let shown = value.shown(40);
                let what = format!("SQLite would store {shown} {becomes}");
                return Err(Fault::new(Code::ValueRefused, what).in_column(&cell.column));
            }
        }
        Ok(())
    }
}

/// What becomes of `value`, in words, when it is not kept.
#[inline]
fn change(rule: Rule, value: &Value<'_>) -> Option<&'static str> {
    let affinity = match rule {
        Rule::Rowid => {
            let kept = matches!(value, Value::Integer(_));
            return (!kept).then_some("as something else: a rowid is an integer");
        }
        Rule::Affinity(affinity) => affinity,
    };
    match (affinity, *value) {
        (_, Value::Real(real)) if real.is_nan() => Some("as NULL"),
        (Affinity::Text, Value::Integer(_) | Value::Real(_)) => Some("as text"),
        (Affinity::Real, Value::Integer(_)) => Some("as a real"),
        (Affinity::Real, Value::Real(real)) if is_negative_zero(real) => Some("as 0.0"),
        (Affinity::Integer | Affinity::Numeric, Value::Real(real)) if is_whole(real) => {
            Some("as an integer")
        }
        (Affinity::Integer | Affinity::Numeric | Affinity::Real, Value::Text(text))
            if is_number(text.as_bytes()) =>
        {
            Some("as a number")
        }
        _ => None,
    }
}

fn is_negative_zero(real: f64) -> bool {
    real.to_bits() == (-0.0_f64).to_bits()
}

/// Whether SQLite stores the real as an integer: all whole ones but the two ends of the range.
fn is_whole(real: f64) -> bool {
    const END: f64 = 9_223_372_036_854_775_808.0;
    real > -END && real < END && real.fract() == 0.0
}

/// Whether SQLite takes the text for a number: up to a NUL, blanks around it left out.
fn is_number(text: &[u8]) -> bool {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r');
    // Nearly all texts end here.
    if !text.first().is_some_and(|first| {
        first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.') || blank(first)
    }) {
        return false;
    }
    let end = text.iter().position(|byte| *byte == 0);
    let text = &text[..end.unwrap_or(text.len())];
    let Some(start) = text.iter().position(|byte| !blank(byte)) else {
        return false;
    };
    let end = text
        .iter()
        .rposition(|byte| !blank(byte))
        .map_or(start, |last| last + 1);
    number::decimal(&text[start..end]).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::value::OwnedValue;
    use rusqlite::types::ValueRef;

    fn stored(connection: &rusqlite::Connection, value: &Value<'_>) -> Vec<OwnedValue> {
        let bound = match *value {
            Value::Integer(integer) => ValueRef::Integer(integer),
            Value::Real(real) => ValueRef::Real(real),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Blob(blob) => ValueRef::Blob(blob),
            Value::Null | Value::RawText(_) => ValueRef::Null,
        };
        let bound = rusqlite::types::ToSqlOutput::Borrowed(bound);
        connection.execute("DELETE FROM t", []).unwrap();
        connection
            .execute("INSERT INTO t VALUES (?1, ?1, ?1, ?1, ?1)", [bound])
            .unwrap();
        connection
            .query_row("SELECT * FROM t", [], |row| {
                Ok((0..5)
                    .map(|cell| match row.get_ref_unwrap(cell) {
                        ValueRef::Null => OwnedValue::Null,
                        ValueRef::Integer(integer) => OwnedValue::Integer(integer),
                        ValueRef::Real(real) => OwnedValue::Real(real),
                        ValueRef::Text(text) => {
                            OwnedValue::Text(String::from_utf8(text.to_vec()).unwrap())
                        }
                        ValueRef::Blob(blob) => OwnedValue::Blob(blob.to_vec()),
                    })
                    .collect())
            })
            .unwrap()
    }

    #[test]
    fn sqlite_changes_exactly_what_is_refused() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE t(a TEXT, b NUMERIC, c INTEGER, d REAL, e)")
            .unwrap();
        let affinities = [
            Affinity::Text,
            Affinity::Numeric,
            Affinity::Integer,
            Affinity::Real,
            Affinity::Blob,
        ];
        let texts = [
            "",
            " ",
            "1",
            "-1",
            "+1",
            " 1 ",
            "\t1\n",
            "1.",
            ".5",
            ".",
            "-",
            "+.5e3",
            "1e",
            "1e+",
            "1e5",
            "1E-5",
            "1e400",
            "0x10",
            "1_000",
            "12345678901234567890",
            "1 2",
            "2024-05-17",
            "1a",
            "a1",
            "NaN",
            "inf",
            "é",
            "1é",
            "1\u{a0}",
            "\u{2003}1",
            "00",
            "-0",
            "1..2",
            "1e5.5",
        ];
        let reals = [
            0.0,
            -0.0,
            1.0,
            -1.0,
            0.5,
            1e15,
            1e18,
            1e19,
            -1e19,
            9.223_372_036_854_775e18,
            9_223_372_036_854_775_808.0,
            -9_223_372_036_854_775_808.0,
            5e-324,
            f64::MAX,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
        ];
        let mut values: Vec<Value<'_>> = texts.iter().map(|text| Value::Text(text)).collect();
        values.extend(reals.map(Value::Real));
        values.extend([0, 1, i64::MIN, i64::MAX].map(Value::Integer));
        values.extend([Value::Null, Value::Blob(b""), Value::Blob(b"1")]);
        for value in &values {
            let found = stored(&connection, value);
            for (affinity, found) in affinities.iter().zip(found) {
                assert_eq!(
                    change(Rule::Affinity(*affinity), value).is_some(),
                    found.as_value() != *value,
                    "{value:?} in {affinity:?} is stored as {found:?}"
                );
            }
        }
    }

    #[test]
    fn a_rowid_is_an_integer() {
        assert!(change(Rule::Rowid, &Value::Integer(-4)).is_none());
        for value in [
            Value::Null,
            Value::Real(1.0),
            Value::Text("1"),
            Value::Blob(b""),
        ] {
            assert!(change(Rule::Rowid, &value).is_some(), "{value:?}");
        }
    }
}
