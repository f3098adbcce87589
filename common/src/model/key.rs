//! Names of rows for people, and equality of keys as SQLite sees it.
//!
//! Two values are equal when their normal forms are the same bytes, so keys can be hashed and
//! sorted. Knows no table's rows and no constraint.

use super::number;
use super::schema::{Affinity, Rowid, Table};
use super::value::Value;
use std::fmt::Write as _;

/// Characters of a value that a row's name shows, about.
const SHOWN: usize = 40;

/// Bytes of a row's name after which no further column is added.
const LONGEST: usize = 200;

/// How the rows of one table are named.
#[derive(Debug, Clone)]
pub struct RowNaming {
    /// Names and cells of the columns that tell rows apart; empty when there are none.
    columns: Vec<(String, usize)>,
}

impl RowNaming {
    /// By primary key, else by hidden rowid, else by number.
    #[must_use]
    pub fn of(table: &Table) -> Self {
        let key = table.primary_key.as_ref().and_then(|key| {
            key.columns
                .iter()
                .map(|column| Some((column.column.clone(), table.cell(&column.column)?)))
                .collect()
        });
        let columns = key.unwrap_or_else(|| match table.rowid {
            Rowid::Hidden => vec![("rowid".to_owned(), 0)],
            Rowid::Column(_) | Rowid::None => Vec::new(),
        });
        RowNaming { columns }
    }

    /// `id=7`, `a=1, b='x'`, `rowid=12` or `row 12`; values are shortened.
    #[must_use]
    pub fn name(&self, row: &[Value<'_>], number: u64) -> String {
        let mut name = String::new();
        for (column, cell) in &self.columns {
            let Some(value) = row.get(*cell) else {
                return format!("row {number}");
            };
            if name.len() > LONGEST {
                name.push_str(", …");
                break;
            }
            let comma = if name.is_empty() { "" } else { ", " };
            let _ = write!(name, "{comma}{column}={}", value.shown(SHOWN));
        }
        if name.is_empty() {
            return format!("row {number}");
        }
        name
    }
}

/// The name of one row of `table`: its number counts from 1 in archive order.
#[must_use]
pub fn row_key(table: &Table, row: &[Value<'_>], number: u64) -> String {
    RowNaming::of(table).name(row, number)
}

/// A collation that is built into SQLite (Datatypes In SQLite, section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Collation {
    /// Bytes.
    Binary,
    /// Bytes, with the 26 letters of ASCII folded.
    NoCase,
    /// Bytes, without blanks at the end.
    Rtrim,
}

impl Collation {
    /// The built-in collation of this name; an application's own cannot be known here.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [
            ("BINARY", Collation::Binary),
            ("NOCASE", Collation::NoCase),
            ("RTRIM", Collation::Rtrim),
        ]
        .into_iter()
        .find_map(|(known, collation)| known.eq_ignore_ascii_case(name).then_some(collation))
    }
}

/// First byte of a normal form: values of different classes are never equal, numbers apart.
mod tag {
    pub(super) const INTEGER: u8 = 1;
    pub(super) const REAL: u8 = 2;
    pub(super) const TEXT: u8 = 3;
    pub(super) const RAW_TEXT: u8 = 4;
    pub(super) const BLOB: u8 = 5;
}

/// Appends the normal form of `value`, or returns false for NULL (and NaN, which SQLite takes for
/// NULL), which equals nothing. Forms carry their length: those of several columns can be joined.
#[must_use]
pub fn push_normal_form(out: &mut Vec<u8>, value: &Value<'_>, collation: Collation) -> bool {
    match *value {
        Value::Null => return false,
        Value::Integer(integer) => push_integer(out, integer),
        Value::Real(real) => {
            if real.is_nan() {
                return false;
            }
            push_real(out, real);
        }
        Value::Text(text) => push_text(out, tag::TEXT, text.as_bytes(), collation),
        Value::RawText(bytes) => push_text(out, tag::RAW_TEXT, bytes, collation),
        Value::Blob(bytes) => push_text(out, tag::BLOB, bytes, Collation::Binary),
    }
    true
}

fn push_integer(out: &mut Vec<u8>, integer: i64) {
    out.push(tag::INTEGER);
    // Ascending integers have ascending forms, which makes sorting them cheap.
    out.extend_from_slice(&(integer ^ i64::MIN).to_be_bytes());
}

fn push_real(out: &mut Vec<u8>, real: f64) {
    if let Some(integer) = exact_integer(real) {
        push_integer(out, integer);
    } else {
        out.push(tag::REAL);
        out.extend_from_slice(&real.to_bits().to_le_bytes());
    }
}

/// The 64-bit integer with the same value, if there is one; `-0.0` is 0.
#[must_use]
pub fn exact_integer(real: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0; // 2^63, which a double holds exactly
    if (-LIMIT..LIMIT).contains(&real) && real.fract().abs().to_bits() == 0 {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within 64 bits")]
        return Some(real as i64);
    }
    None
}

fn push_text(out: &mut Vec<u8>, tag: u8, text: &[u8], collation: Collation) {
    let text = match collation {
        Collation::Rtrim => {
            let blanks = text.iter().rev().take_while(|byte| **byte == b' ').count();
            &text[..text.len() - blanks]
        }
        Collation::Binary | Collation::NoCase => text,
    };
    out.push(tag);
    push_length(out, text.len());
    if collation != Collation::NoCase {
        out.extend_from_slice(text);
        return;
    }
    // SQLite's NOCASE compares up to the first NUL, and then lengths only.
    let compared = text.iter().position(|byte| *byte == 0);
    let start = out.len();
    out.extend_from_slice(&text[..compared.unwrap_or(text.len())]);
    out[start..].make_ascii_lowercase();
}

/// Seven bits a byte, the high bit set on all but the last: short values keep short forms.
fn push_length(out: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        out.push(length.to_le_bytes()[0] | 0x80);
        length >>= 7;
    }
    out.push(length.to_le_bytes()[0]);
}

/// Memory for a value that an affinity has changed into a text.
#[derive(Debug, Default)]
pub struct Converted(String);

impl Converted {
    /// `value` as a column of this affinity stores it (Datatypes In SQLite, section 3.4), which
    /// is also how a foreign key looks for it in the parent (foreignkeys.html, section 3).
    pub fn apply<'a>(&'a mut self, affinity: Affinity, value: Value<'a>) -> Value<'a> {
        match (affinity, value) {
            (Affinity::Text, Value::Integer(integer)) => {
                self.print(format_args!("{integer}"));
                Value::Text(&self.0)
            }
            (Affinity::Text, Value::Real(real)) if !real.is_nan() => {
                self.print_real(real);
                Value::Text(&self.0)
            }
            (Affinity::Integer | Affinity::Numeric, Value::Text(text)) => {
                numeric(text).unwrap_or(value)
            }
            (Affinity::Real, Value::Text(text)) => match numeric(text) {
                Some(Value::Integer(integer)) => as_real(integer),
                Some(number) => number,
                None => value,
            },
            (Affinity::Real, Value::Integer(integer)) => as_real(integer),
            _ => value,
        }
    }

    fn print(&mut self, text: std::fmt::Arguments<'_>) {
        self.0.clear();
        let _ = self.0.write_fmt(text);
    }

    /// As SQLite prints a real, by the shortest digits that read back. Where those are many, its
    /// versions differ in the last ones; a real that refers to a text key is rare enough.
    fn print_real(&mut self, real: f64) {
        if real.is_infinite() {
            self.print(format_args!("{}", if real > 0.0 { "Inf" } else { "-Inf" }));
            return;
        }
        if real == 0.0 {
            self.print(format_args!("0.0"));
            return;
        }
        let scientific = format!("{real:e}");
        let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        let exponent: i32 = exponent.parse().unwrap_or(0);
        if (-4..=16).contains(&exponent) {
            let point = if real.fract() == 0.0 { ".0" } else { "" };
            self.print(format_args!("{real}{point}"));
        } else {
            let point = if digits.contains('.') { "" } else { ".0" };
            let sign = if exponent < 0 { '-' } else { '+' };
            self.print(format_args!("{digits}{point}e{sign}{:02}", exponent.abs()));
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "as a REAL column rounds a large integer"
)]
fn as_real(integer: i64) -> Value<'static> {
    Value::Real(integer as f64)
}

/// The number that `text` is for a numeric column: blanks around it do not matter.
fn numeric(text: &str) -> Option<Value<'static>> {
    let text = text.trim_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']);
    let form = number::decimal(text.as_bytes())?;
    if form.whole
        && let Ok(integer) = text.parse()
    {
        return Some(Value::Integer(integer));
    }
    text.parse().ok().map(Value::Real)
}

#[cfg(test)]
#[path = "key_tests.rs"]
mod tests;
