//! The values of one column whose type the operator has asked for, or whose values he wants changed:
//! what `Conversion` says, carried out.
//!
//! A value comes out exact, or changed as asked for (and says so), or is refused with its reason.
//! Columns without any of this never come here.

use super::repair::Repair;
use super::{MAX_BYTES, SHOWN, Setting, content, json, lenient, moment, why_refused};
use crate::codec;
use crate::fault::{Code, Fault, Result};
use crate::mapping::plan::{ColumnPlan, Conversion, EpochUnit, PgType, Reading};
use crate::mapping::zone::Zone;
use crate::model::forms;
use crate::model::value::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

/// Why a value is refused, as a fragment.
pub(super) type Why = Cow<'static, str>;

/// What has become of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine::postgres::target) enum Outcome {
    /// It is stored as it is.
    Kept,
    /// It is stored as another one, because the mapping says so.
    Changed,
    /// NULL is stored in its place, because the mapping says so.
    Nulled,
}

impl Outcome {
    fn changed(changed: bool) -> Self {
        if changed {
            Outcome::Changed
        } else {
            Outcome::Kept
        }
    }
}

/// Writes the values of one column.
#[derive(Debug)]
pub(super) struct Converter {
    target: PgType,
    /// Of an enumerated type.
    labels: HashSet<String>,
    null_if: HashSet<String>,
    repair: Repair,
    reading: How,
    /// Digits of a second's fraction that the column keeps; six unless given.
    fraction: Option<u32>,
    /// Memory reused from value to value.
    text: String,
    json: json::Memory,
}

/// A `Reading`, made ready.
#[derive(Debug)]
enum How {
    Plain,
    Cell,
    Bytes,
    Epoch(EpochUnit),
    Zone(Zone),
    Words {
        yes: Vec<String>,
        no: Vec<String>,
    },
    Values {
        map: BTreeMap<String, String>,
        keep_others: bool,
    },
    Uuid,
    Json {
        instead: Option<String>,
    },
}

impl Converter {
    /// A converter for this column, when it needs one.
    pub(super) fn of(column: &ColumnPlan, setting: Setting<'_>) -> Result<Option<Box<Self>>> {
        let is_enum = matches!(column.target, PgType::Enum(_));
        if !column.asked && column.conversion.is_none() && !is_enum {
            return Ok(None);
        }
        let asked = column.conversion.clone().unwrap_or_default();
        let made = Converter::new(column.target, asked, setting);
        made.map(Some)
            .map_err(|fault| fault.in_column(&column.name))
    }

    fn new(target: PgType, asked: Conversion, setting: Setting<'_>) -> Result<Box<Self>> {
        let labels = match target {
            PgType::Enum(position) => setting.labels(position)?,
            _ => &[],
        };
        Ok(Box::new(Converter {
            target,
            labels: labels.iter().cloned().collect(),
            null_if: asked.null_if.into_iter().collect(),
            repair: Repair {
                nul: asked.nul,
                invalid: asked.invalid,
                encoding: setting.encoding,
            },
            reading: How::of(asked.reading)?,
            fraction: asked.fraction,
            text: String::new(),
            json: json::Memory::default(),
        }))
    }

    /// Appends length and bytes of a value that is not NULL, or the length that means NULL.
    pub(super) fn field(
        &mut self,
        value: &Value<'_>,
        digits: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<Outcome, Why> {
        let start = out.len();
        out.extend_from_slice(&(-1_i32).to_be_bytes());
        let outcome = match value {
            Value::Text(text) if self.null_if.contains(*text) => Outcome::Nulled,
            _ => self.content(value, digits, out)?,
        };
        if outcome == Outcome::Nulled {
            out.truncate(start + 4);
            return Ok(outcome);
        }
        if let Some(digits) = self.fraction
            && moment::is_finer(&out[start + 4..], digits)
        {
            let shown = value.shown(SHOWN);
            let why = format!("{shown} has a finer fraction of a second than the column keeps");
            return Err(why.into());
        }
        let length = out.len() - start - 4;
        let length = i32::try_from(length).ok().filter(|_| length <= MAX_BYTES);
        let length =
            length.ok_or("the value is longer than 1 GiB, which PostgreSQL cannot hold")?;
        out[start..start + 4].copy_from_slice(&length.to_be_bytes());
        Ok(outcome)
    }

    fn content(
        &mut self,
        value: &Value<'_>,
        digits: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<Outcome, Why> {
        // These two hold whatever a text holds.
        match self.reading {
            How::Cell => return self.cell(value, out),
            How::Bytes => return bytes(value, self.target, out),
            _ => {}
        }
        let mut room = std::mem::take(&mut self.text);
        let outcome = match self.repair.mend(*value, &mut room) {
            Ok((mended, changed)) => {
                let read = self.read(&mended, digits, out);
                read.map(|outcome| match outcome {
                    Outcome::Kept => Outcome::changed(changed),
                    other => other,
                })
            }
            // What cannot be text cannot be JSON.
            Err(why) => match &self.reading {
                How::Json { instead } => self.replaced(instead.as_deref(), out),
                _ => Err(why.into()),
            },
        };
        self.text = room;
        outcome
    }

    fn read(
        &mut self,
        value: &Value<'_>,
        digits: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<Outcome, Why> {
        let target = self.target;
        let because = |why: &str| -> Why { format!("{} {why}", value.shown(SHOWN)).into() };
        match &self.reading {
            How::Plain | How::Cell | How::Bytes => self.plain(value, digits, out),
            How::Epoch(unit) => moment::epoch(value, *unit, target, digits, out)
                .map(|()| Outcome::Changed)
                .map_err(because),
            How::Zone(zone) => match value {
                Value::Text(text) => moment::zoned(text, zone, target, out)
                    .map(Outcome::changed)
                    .map_err(because),
                _ => Err(because("is no text, so it is no local time")),
            },
            How::Words { yes, no } => word(value, yes, no, target, out),
            How::Values { map, keep_others } => {
                let others = *keep_others;
                let Some((text, changed)) = mapped(value, map) else {
                    return if others {
                        self.plain(value, digits, out)
                    } else {
                        Err(because("is not among the values that the mapping lists"))
                    };
                };
                let text = text.to_owned();
                self.plain(&Value::Text(&text), digits, out)?;
                Ok(Outcome::changed(changed))
            }
            How::Uuid => uuid(value, target, out),
            How::Json { instead } => {
                let start = out.len();
                if let Some(changed) = self.json.document(value, target, out) {
                    return Ok(Outcome::changed(changed));
                }
                out.truncate(start);
                self.replaced(instead.as_deref(), out)
            }
        }
    }

    /// The value itself, where the type holds it in any spelling.
    fn plain(
        &mut self,
        value: &Value<'_>,
        digits: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<Outcome, Why> {
        let start = out.len();
        let refused = || why_refused(value, self.target);
        match self.target {
            PgType::Enum(_) => match value {
                Value::Text(text) if self.labels.contains(*text) => {
                    out.extend_from_slice(text.as_bytes());
                    Ok(Outcome::Kept)
                }
                _ => {
                    let shown = value.shown(SHOWN);
                    Err(format!("{shown} is no label of the enumerated type").into())
                }
            },
            PgType::Json | PgType::Jsonb => {
                let changed = self.json.document(value, self.target, out);
                changed.map(Outcome::changed).ok_or_else(refused)
            }
            target => {
                if content(value, target, digits, out).is_some() {
                    return Ok(Outcome::Kept);
                }
                out.truncate(start);
                let changed = lenient::content(value, target, digits, out);
                changed.map(Outcome::changed).ok_or_else(refused)
            }
        }
    }

    /// The document that stands for what is no JSON; the mapping's own words.
    fn replaced(&self, instead: Option<&str>, out: &mut Vec<u8>) -> Result<Outcome, Why> {
        let Some(instead) = instead else {
            return Ok(Outcome::Nulled);
        };
        let mut memory = json::Memory::default();
        memory
            .document(&Value::Text(instead), self.target, out)
            .map(|_| Outcome::Changed)
            .ok_or_else(|| "what the mapping gives for invalid JSON is none itself".into())
    }

    fn cell(&self, value: &Value<'_>, out: &mut Vec<u8>) -> Result<Outcome, Why> {
        let start = out.len();
        codec::encode_cell(out, value);
        let fits = match self.target {
            PgType::Text | PgType::Json => true,
            PgType::Varchar(most) => {
                String::from_utf8_lossy(&out[start..]).chars().count() <= most as usize
            }
            // jsonb makes one number of 1e+16 and 10000000000000000.
            _ => return Err("a cell of the archive goes into text or json only".into()),
        };
        fits.then_some(Outcome::Kept)
            .ok_or_else(|| why_refused(value, self.target))
    }
}

impl How {
    fn of(reading: Reading) -> Result<Self> {
        Ok(match reading {
            Reading::Plain => How::Plain,
            Reading::Cell => How::Cell,
            Reading::Bytes => How::Bytes,
            Reading::Epoch(unit) => How::Epoch(unit),
            Reading::Zone(name) => How::Zone(Zone::parse(&name).ok_or_else(|| {
                let hint = "write UTC, an offset such as +02:00, or a name such as Europe/Berlin";
                Fault::new(Code::Usage, format!("`{name}` is no time zone")).hint(hint)
            })?),
            Reading::Words { yes, no } => How::Words { yes, no },
            Reading::Values { map, keep_others } => How::Values { map, keep_others },
            Reading::Uuid => How::Uuid,
            Reading::Json { instead } => How::Json { instead },
        })
    }
}

/// The bytes of a text or blob.
fn bytes(value: &Value<'_>, target: PgType, out: &mut Vec<u8>) -> Result<Outcome, Why> {
    let bytes = match value {
        Value::Text(text) => text.as_bytes(),
        Value::RawText(bytes) | Value::Blob(bytes) => bytes,
        Value::Null | Value::Integer(_) | Value::Real(_) => {
            return Err(format!("{} is a number, which has no bytes", value.shown(SHOWN)).into());
        }
    };
    if target != PgType::Bytea {
        return Err("bytes go into bytea only".into());
    }
    out.extend_from_slice(bytes);
    Ok(Outcome::Kept)
}

fn word(
    value: &Value<'_>,
    yes: &[String],
    no: &[String],
    target: PgType,
    out: &mut Vec<u8>,
) -> Result<Outcome, Why> {
    if target != PgType::Boolean {
        return Err("words for true and false go into boolean only".into());
    }
    let among =
        |words: &[String], text: &str| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    let (truth, outcome) = match value {
        Value::Integer(integer @ 0..=1) => (*integer == 1, Outcome::Kept),
        Value::Text(text) if among(yes, text) => (true, Outcome::Changed),
        Value::Text(text) if among(no, text) => (false, Outcome::Changed),
        _ => {
            let shown = value.shown(SHOWN);
            return Err(format!("{shown} is no word for true or false").into());
        }
    };
    out.push(u8::from(truth));
    Ok(outcome)
}

/// What the map makes of a value, and whether that is another one. An integer is looked up by its
/// digits.
fn mapped<'m>(value: &Value<'_>, map: &'m BTreeMap<String, String>) -> Option<(&'m str, bool)> {
    let mut buffer = itoa::Buffer::new();
    let (text, is_text) = match value {
        Value::Text(text) => (*text, true),
        Value::Integer(integer) => (buffer.format(*integer), false),
        _ => return None,
    };
    let to = map.get(text)?;
    Some((to, !is_text || to != text))
}

/// A UUID in any of its usual spellings; only the canonical one counts as unchanged.
fn uuid(value: &Value<'_>, target: PgType, out: &mut Vec<u8>) -> Result<Outcome, Why> {
    if target != PgType::Uuid {
        return Err("a UUID goes into uuid only".into());
    }
    let (bytes, outcome) = match value {
        Value::Blob(blob) => (<[u8; 16]>::try_from(*blob).ok(), Outcome::Changed),
        Value::Text(text) => match forms::uuid(text) {
            Some(bytes) => (Some(bytes), Outcome::Kept),
            None => (loose_uuid(text), Outcome::Changed),
        },
        _ => (None, Outcome::Changed),
    };
    let bytes = bytes.ok_or_else(|| format!("{} is no UUID", value.shown(SHOWN)))?;
    out.extend_from_slice(&bytes);
    Ok(outcome)
}

/// 32 hexadecimal digits, or a UUID in braces.
fn loose_uuid(text: &str) -> Option<[u8; 16]> {
    let bare = match text.strip_prefix('{') {
        Some(rest) => rest.strip_suffix('}')?,
        None => text,
    };
    if bare.len() != 32 {
        return forms::uuid(bare);
    }
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(bare.as_bytes().chunks_exact(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
