//! Rows as tuples of binary COPY (PostgreSQL documentation, COPY, "Binary Format").
//!
//! A tuple is written exactly as COPY TO gives it back, so its bytes serve for the content check
//! too; only jsonb, which the server rewrites, has a form of its own there. A value either has one
//! exact binary form in the column's type or is refused.

mod asked;
mod convert;
mod json;
mod lenient;
mod moment;
mod normal;
mod numeric;
mod repair;

pub(super) use convert::Outcome;
pub(super) use normal::{Normal, Normalizer};

use crate::fault::{Code, Fault};
use crate::mapping::plan::{ColumnPlan, EnumPlan, Origin, PgType};
use crate::model::forms::{self, Family, Inet};
use crate::model::schema::Encoding;
use crate::model::value::Value;
use convert::Converter;
use std::borrow::Cow;

/// What COPY data begins with: signature, no flags, no extension.
pub(super) const HEADER: &[u8; 19] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What COPY data ends with: a field count of -1.
pub(super) const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();
/// Longest field and longest row, in bytes: the server allocates less than 1 GiB for each.
const MAX_BYTES: usize = 0x3fff_ffff - 1024;
/// Why a row is refused that is longer than that.
pub(super) const ROW_TOO_LONG: &str = "the row is longer than 1 GiB, which PostgreSQL cannot hold";
/// Characters of a value that a message shows, about.
const SHOWN: usize = 40;
/// Version of jsonb's binary form.
const JSONB_VERSION: u8 = 1;
/// Families of inet's binary form (`PGSQL_AF_INET`, `PGSQL_AF_INET6`).
const INET_V4: u8 = 2;
const INET_V6: u8 = 3;

/// A value that has no exact form in its column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    /// Position among the plan's columns.
    pub(super) column: usize,
    /// `ValueRefused`, or `NotNullViolated`.
    pub(super) code: Code,
    /// Why, as a fragment.
    pub(super) why: Cow<'static, str>,
}

/// Writes the tuples of one table.
#[derive(Debug)]
pub(super) struct TupleEncoder {
    columns: Vec<Slot>,
    /// Digits of a numeric; memory reused from value to value.
    digits: Vec<u8>,
}

#[derive(Debug)]
struct Slot {
    cell: usize,
    target: PgType,
    not_null: bool,
    /// There when the type is asked for or values are to be changed.
    converter: Option<Box<Converter>>,
}

/// What an encoder must know beside its columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting<'p> {
    /// Those of the plan.
    pub(super) enums: &'p [EnumPlan],
    /// Of the source: whose bytes an invalid text has.
    pub(super) encoding: Encoding,
}

impl<'p> Setting<'p> {
    fn labels(self, position: u32) -> Result<&'p [String], Fault> {
        let planned = usize::try_from(position)
            .ok()
            .and_then(|position| self.enums.get(position));
        match planned {
            Some(planned) => Ok(&planned.labels),
            None => Err(Fault::new(
                Code::Bug,
                "the plan has no such enumerated type",
            )),
        }
    }
}

impl TupleEncoder {
    /// An encoder for these columns; one that no cell fills has no field.
    pub(super) fn new<'p>(
        columns: impl IntoIterator<Item = &'p ColumnPlan>,
        setting: Setting<'_>,
    ) -> Result<Self, Fault> {
        let mut slots = Vec::new();
        for column in columns {
            if let Origin::Cell(cell) = column.origin {
                slots.push(Slot {
                    cell,
                    target: column.target,
                    not_null: column.not_null,
                    converter: Converter::of(column, setting)?,
                });
            }
        }
        Ok(TupleEncoder {
            columns: slots,
            digits: Vec::new(),
        })
    }

    /// Appends the tuple of `row`; after a refusal `out` ends within it.
    pub(super) fn encode(&mut self, row: &[Value<'_>], out: &mut Vec<u8>) -> Result<(), Refused> {
        let start = out.len();
        // A table has at most 1600 columns; the server refuses one with more.
        let count = i16::try_from(self.columns.len()).unwrap_or(i16::MAX);
        out.extend_from_slice(&count.to_be_bytes());
        for (column, slot) in self.columns.iter_mut().enumerate() {
            let refused = |(code, why)| Refused { column, code, why };
            let Some(value) = row.get(slot.cell) else {
                return Err(refused((Code::Bug, "the row has no such cell".into())));
            };
            slot.field(value, &mut self.digits, out).map_err(refused)?;
            if out.len() - start > MAX_BYTES {
                return Err(refused((Code::ValueRefused, ROW_TOO_LONG.into())));
            }
        }
        Ok(())
    }

    /// Tries one column of a row alone: appends its field, says what became of the value.
    pub(super) fn try_column(
        &mut self,
        column: usize,
        row: &[Value<'_>],
        out: &mut Vec<u8>,
    ) -> Result<Outcome, Refused> {
        let refused = |(code, why)| Refused { column, code, why };
        let slot = self.columns.get_mut(column);
        let found = slot.and_then(|slot| Some((row.get(slot.cell)?, slot)));
        let Some((value, slot)) = found else {
            return Err(refused((Code::Bug, "the row has no such cell".into())));
        };
        slot.field(value, &mut self.digits, out).map_err(refused)
    }
}

impl Slot {
    #[inline]
    fn field(
        &mut self,
        value: &Value<'_>,
        digits: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<Outcome, (Code, Cow<'static, str>)> {
        if matches!(value, Value::Null) {
            if self.not_null {
                let why = "NULL in a column that is NOT NULL";
                return Err((Code::NotNullViolated, why.into()));
            }
            out.extend_from_slice(&(-1_i32).to_be_bytes());
            return Ok(Outcome::Kept);
        }
        let refused = |why| (Code::ValueRefused, why);
        let Some(converter) = &mut self.converter else {
            field(value, self.target, digits, out).map_err(refused)?;
            return Ok(Outcome::Kept);
        };
        let outcome = converter.field(value, digits, out).map_err(refused)?;
        if outcome == Outcome::Nulled && self.not_null {
            let shown = value.shown(SHOWN);
            let why = format!("{shown} becomes NULL in a column that is NOT NULL");
            return Err((Code::NotNullViolated, why.into()));
        }
        Ok(outcome)
    }
}

/// Appends length and bytes of a value that is not NULL, or says why it has none in this type.
fn field(
    value: &Value<'_>,
    target: PgType,
    digits: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> Result<(), Cow<'static, str>> {
    let longest = match value {
        Value::Text(text) => text.len(),
        Value::RawText(bytes) | Value::Blob(bytes) => bytes.len(),
        Value::Null | Value::Integer(_) | Value::Real(_) => 0,
    };
    if longest > MAX_BYTES {
        return Err("the value is longer than 1 GiB, which PostgreSQL cannot hold".into());
    }
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    if content(value, target, digits, out).is_none() {
        return Err(why_refused(value, target));
    }
    let length = i32::try_from(out.len() - start - 4).unwrap_or(i32::MAX);
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

/// Whether the value has an exact form in this type.
pub(super) fn fits(value: &Value<'_>, target: PgType, enums: &[EnumPlan]) -> bool {
    if let PgType::Enum(position) = target {
        let setting = Setting {
            enums,
            encoding: Encoding::Utf8,
        };
        let labels = setting.labels(position).unwrap_or_default();
        return matches!(value, Value::Text(text) if labels.iter().any(|label| label == text));
    }
    field(value, target, &mut Vec::new(), &mut Vec::new()).is_ok()
}

#[inline]
fn content(
    value: &Value<'_>,
    target: PgType,
    digits: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> Option<()> {
    match (target, value) {
        (PgType::Bigint, Value::Integer(integer)) => out.extend_from_slice(&integer.to_be_bytes()),
        (PgType::Double, Value::Real(real)) => out.extend_from_slice(&real.to_be_bytes()),
        (PgType::Double, Value::Integer(integer)) => {
            out.extend_from_slice(&exact_double(*integer)?.to_be_bytes());
        }
        (PgType::Numeric, Value::Integer(integer)) => {
            numeric::integer(*integer, digits, out)?;
        }
        (PgType::Numeric, Value::Real(real)) => numeric::real(*real, digits, out)?,
        (PgType::Text, value) => plain_text(value, out)?,
        (PgType::Bytea, Value::Blob(bytes)) => out.extend_from_slice(bytes),
        (PgType::Boolean, Value::Integer(integer @ 0..=1)) => out.push(u8::from(*integer == 1)),
        (PgType::Json, Value::Text(text)) => out.extend_from_slice(text.as_bytes()),
        (PgType::Jsonb, Value::Text(text)) => {
            out.push(JSONB_VERSION);
            out.extend_from_slice(text.as_bytes());
        }
        (
            PgType::Smallint
            | PgType::Integer
            | PgType::Real
            | PgType::Decimal { .. }
            | PgType::Varchar(_)
            | PgType::Char(_)
            | PgType::Citext
            | PgType::Cidr,
            value,
        ) => asked::content(value, target, digits, out)?,
        (_, Value::Text(text)) => form(text, target, out)?,
        _ => return None,
    }
    Some(())
}

/// Texts that stand for a value of another kind.
fn form(text: &str, target: PgType, out: &mut Vec<u8>) -> Option<()> {
    match target {
        PgType::Timestamptz => {
            out.extend_from_slice(&forms::timestamp_offset(text)?.to_be_bytes());
        }
        PgType::Timestamp => out.extend_from_slice(&forms::timestamp(text)?.to_be_bytes()),
        PgType::Date => out.extend_from_slice(&forms::date(text)?.to_be_bytes()),
        PgType::Time => out.extend_from_slice(&forms::time(text)?.to_be_bytes()),
        PgType::Uuid => out.extend_from_slice(&forms::uuid(text)?),
        PgType::Inet => inet(&forms::inet(text)?, out),
        _ => return None,
    }
    Some(())
}

/// Family, prefix, whether a cidr, length of the address, address.
fn inet(inet: &Inet, out: &mut Vec<u8>) {
    let (family, length) = match inet.family {
        Family::V4 => (INET_V4, 4),
        Family::V6 => (INET_V6, 16),
    };
    out.extend_from_slice(&[family, inet.prefix, 0, length]);
    out.extend_from_slice(inet.address());
}

/// Text as it is, and numbers as the archive writes them.
fn plain_text(value: &Value<'_>, out: &mut Vec<u8>) -> Option<()> {
    match value {
        Value::Text(text) if text.as_bytes().contains(&0) => return None,
        Value::Text(text) => out.extend_from_slice(text.as_bytes()),
        Value::Integer(integer) => {
            out.extend_from_slice(itoa::Buffer::new().format(*integer).as_bytes());
        }
        Value::Real(real) if numeric::is_decimal(*real) => {
            out.extend_from_slice(zmij::Buffer::new().format_finite(*real).as_bytes());
        }
        Value::Null | Value::Real(_) | Value::RawText(_) | Value::Blob(_) => return None,
    }
    Some(())
}

/// The integer as a double, when it is that double's exact value.
fn exact_double(integer: i64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "the next line sees any loss")]
    let real = integer as f64;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a double of at most 2^63 fits 128 bits"
    )]
    let back = real as i128;
    (back == i128::from(integer)).then_some(real)
}

fn why_refused(value: &Value<'_>, target: PgType) -> Cow<'static, str> {
    if matches!(
        (target, value),
        (PgType::Text | PgType::Citext, Value::Text(_))
    ) {
        return "text with the character NUL, which PostgreSQL cannot hold".into();
    }
    let target = target.name();
    format!("{} has no exact form as {target}", value.shown(SHOWN)).into()
}

/// Makes the bytes of a tuple comparable: the form that both sides have of the same row.
#[derive(Debug, Default)]
pub(super) struct Canonical {
    jsonb: Vec<usize>,
    room: json::Room,
    form: Vec<u8>,
}

impl Canonical {
    /// For tuples of these columns.
    pub(super) fn new<'p>(columns: impl IntoIterator<Item = &'p ColumnPlan>) -> Self {
        let jsonb = |(position, column): (usize, &ColumnPlan)| {
            (column.target == PgType::Jsonb).then_some(position)
        };
        Canonical {
            jsonb: columns.into_iter().enumerate().filter_map(jsonb).collect(),
            ..Canonical::default()
        }
    }

    /// The comparable bytes of `tuple`, or the position of a jsonb column whose text is not JSON
    /// that jsonb holds. `tuple` is whole.
    pub(super) fn of<'a>(&'a mut self, tuple: &'a [u8]) -> Result<&'a [u8], usize> {
        if self.jsonb.is_empty() {
            return Ok(tuple);
        }
        self.form.clear();
        self.form.extend_from_slice(&tuple[..2]);
        let mut jsonb = self.jsonb.iter().peekable();
        let fields = super::tuples::fields(tuple);
        for (position, field) in fields.enumerate() {
            let is_jsonb = jsonb.next_if(|column| **column == position).is_some();
            match field {
                Some([_, text @ ..]) if is_jsonb => {
                    let start = self.form.len();
                    self.form.extend_from_slice(&[0; 8]);
                    json::canonical(text, &mut self.room, &mut self.form).ok_or(position)?;
                    let length = (self.form.len() - start - 8) as u64;
                    self.form[start..start + 8].copy_from_slice(&length.to_be_bytes());
                }
                Some(bytes) => {
                    self.form
                        .extend_from_slice(&(bytes.len() as u64).to_be_bytes());
                    self.form.extend_from_slice(bytes);
                }
                None => self.form.extend_from_slice(&[0xff; 8]),
            }
        }
        Ok(&self.form)
    }
}

#[cfg(test)]
mod tests;
