//! Reads rows, and refuses every line that `encode_row` would not have written.

use crate::fault::{Code, Fault, Mismatch, Result};
use crate::model::number;
use crate::model::quoted::plain_run;
use crate::model::value::Value;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::ops::Range;

/// Decodes lines; keeps its memory from row to row, so that none is allocated in the long run.
#[derive(Debug, Default)]
pub struct Decoder {
    /// Empty between rows; only its memory is kept.
    row: Vec<Value<'static>>,
    aside: Aside,
}

/// What cannot be borrowed from the line.
#[derive(Debug, Default)]
struct Aside {
    /// Texts that had escapes, one after the other.
    text: String,
    /// Bytes that were in base64, one after the other.
    bytes: Vec<u8>,
    /// Which cells are here.
    cells: Vec<(usize, Kept)>,
}

/// Where a cell's content is kept aside.
#[derive(Debug, Clone)]
enum Kept {
    Text(Range<usize>),
    RawText(Range<usize>),
    Blob(Range<usize>),
}

/// Why a cell was refused.
type Refusal = &'static str;

impl Decoder {
    /// A decoder without any memory yet.
    #[must_use]
    pub fn new() -> Self {
        Decoder::default()
    }

    /// Decodes a line of exactly `cells` values, ended by `\n`, and lends the row to `each`.
    pub fn decode_row<T>(
        &mut self,
        line: &[u8],
        cells: usize,
        each: impl FnOnce(&[Value<'_>]) -> Result<T>,
    ) -> Result<T> {
        let mut at = 0;
        let text = valid_start(line);
        self.row_at(text, &mut at, cells, |row, end| {
            if end == line.len() {
                each(row)
            } else {
                Err(refused("bytes follow the row on its line"))
            }
        })
    }

    /// Decodes all of `lines`, each a row of exactly `cells` values, and lends them to `each` in
    /// order; stops at the first fault. Returns the number of rows.
    pub fn decode_rows(
        &mut self,
        lines: &[u8],
        cells: usize,
        mut each: impl FnMut(&[Value<'_>]) -> Result<()>,
    ) -> Result<u64> {
        let text = valid_start(lines);
        let (mut at, mut rows) = (0, 0);
        while at < lines.len() {
            self.row_at(text, &mut at, cells, |row, _| each(row))?;
            rows += 1;
        }
        Ok(rows)
    }

    /// Decodes the row that begins at `at`, moves `at` behind it, and lends the row.
    fn row_at<T>(
        &mut self,
        lines: &str,
        at: &mut usize,
        cells: usize,
        each: impl FnOnce(&[Value<'_>], usize) -> Result<T>,
    ) -> Result<T> {
        self.aside.clear();
        let mut row: Vec<Value<'_>> = std::mem::take(&mut self.row);
        let mut line = Line { lines, at: *at };
        let read = line
            .row(cells, &mut row, &mut self.aside)
            .map_err(|refusal| fault(refusal, cells, row.len()));
        *at = line.at;
        let result = read.and_then(|()| {
            self.aside.fill(&mut row);
            each(&row, line.at)
        });
        self.row = emptied(row);
        result
    }
}

/// The longest start of `lines` that is valid UTF-8. The row with the first other byte ends there
/// too early, and so is refused in its turn, after the rows before it.
fn valid_start(lines: &[u8]) -> &str {
    match std::str::from_utf8(lines) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&lines[..error.valid_up_to()]).unwrap_or_default(),
    }
}

/// The memory of `row` for values of any lifetime: collecting nothing reuses it.
fn emptied(mut row: Vec<Value<'_>>) -> Vec<Value<'static>> {
    row.clear();
    row.into_iter().map(|_| Value::Null).collect()
}

const WRONG_COUNT: Refusal = "the row has another number of cells than its table";
const NO_ROW: Refusal = "the line is not one row";
const CUT: Refusal = "the row ends too early or is not valid UTF-8";
const NO_VALUE: Refusal = "the cell is not the canonical spelling of any value";
const NUMBER: Refusal = "the number is not in its canonical spelling";
const ESCAPE: Refusal = "an escape in the text is not in its canonical spelling";
const CONTROL: Refusal = "the text has a control character that is not escaped";
const BASE64: Refusal = "the bytes are not in canonical base64";

fn refused(refusal: Refusal) -> Fault {
    Fault::new(Code::ArchiveInconsistent, refusal)
}

fn fault(refusal: Refusal, cells: usize, done: usize) -> Fault {
    if refusal == WRONG_COUNT {
        let found = if done < cells {
            done.to_string()
        } else {
            format!("more than {done}")
        };
        return refused(refusal).because(Mismatch::new(cells, found));
    }
    if refusal == NO_ROW {
        return refused(refusal);
    }
    refused(refusal).in_column(format!("cell {}", done + 1))
}

impl Aside {
    fn clear(&mut self) {
        self.text.clear();
        self.bytes.clear();
        self.cells.clear();
    }

    /// Puts what is kept here into the row.
    fn fill<'a>(&'a self, row: &mut [Value<'a>]) {
        for (cell, kept) in &self.cells {
            row[*cell] = match kept {
                Kept::Text(range) => Value::Text(&self.text[range.clone()]),
                Kept::RawText(range) => Value::RawText(&self.bytes[range.clone()]),
                Kept::Blob(range) => Value::Blob(&self.bytes[range.clone()]),
            };
        }
    }
}

/// A place in the lines.
struct Line<'a> {
    lines: &'a str,
    at: usize,
}

impl<'a> Line<'a> {
    fn rest(&self) -> &'a [u8] {
        &self.lines.as_bytes()[self.at..]
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.lines.as_bytes().get(self.at).copied()
    }

    /// Steps over `expected`, or stays.
    #[inline]
    fn take(&mut self, expected: &[u8]) -> bool {
        let found = self.rest().starts_with(expected);
        if found {
            self.at += expected.len();
        }
        found
    }

    fn row(
        &mut self,
        cells: usize,
        row: &mut Vec<Value<'a>>,
        aside: &mut Aside,
    ) -> Result<(), Refusal> {
        if !self.take(b"[") {
            return Err(NO_ROW);
        }
        if cells == 0 {
            return self.close();
        }
        loop {
            let value = self.value(row.len(), aside)?;
            row.push(value);
            match self.peek() {
                Some(b',') if row.len() < cells => self.at += 1,
                Some(b']') if row.len() == cells => return self.close(),
                Some(b',' | b']') => return Err(WRONG_COUNT),
                Some(_) => return Err(NO_VALUE),
                None => return Err(CUT),
            }
        }
    }

    fn close(&mut self) -> Result<(), Refusal> {
        if self.take(b"]\n") {
            return Ok(());
        }
        Err(NO_ROW)
    }

    #[inline]
    fn value(&mut self, cell: usize, aside: &mut Aside) -> Result<Value<'a>, Refusal> {
        match self.peek() {
            Some(b'"') => self.text(cell, aside),
            Some(b'0'..=b'9' | b'-') => self.number(),
            Some(b'n') if self.take(b"null") => Ok(Value::Null),
            Some(b'{') => self.object(cell, aside),
            Some(_) => Err(NO_VALUE),
            None => Err(CUT),
        }
    }

    fn text(&mut self, cell: usize, aside: &mut Aside) -> Result<Value<'a>, Refusal> {
        self.at += 1;
        let start = self.at;
        self.at += plain_run(self.rest());
        match self.peek() {
            Some(b'"') => {
                self.at += 1;
                Ok(Value::Text(&self.lines[start..self.at - 1]))
            }
            Some(b'\\') => {
                let range = self.escaped(start, &mut aside.text)?;
                aside.cells.push((cell, Kept::Text(range)));
                Ok(Value::Null)
            }
            Some(_) => Err(CONTROL),
            None => Err(CUT),
        }
    }

    /// The rest of a text whose first escape is at hand and which began at `start`.
    fn escaped(&mut self, start: usize, out: &mut String) -> Result<Range<usize>, Refusal> {
        let begin = out.len();
        out.push_str(&self.lines[start..self.at]);
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(begin..out.len());
                }
                Some(b'\\') => out.push(self.escape()?),
                Some(_) => return Err(CONTROL),
                None => return Err(CUT),
            }
            let run = self.at;
            self.at += plain_run(self.rest());
            out.push_str(&self.lines[run..self.at]);
        }
    }

    fn escape(&mut self) -> Result<char, Refusal> {
        let rest = self.rest();
        let (length, character) = match rest.get(1).ok_or(CUT)? {
            b'"' => (2, '"'),
            b'\\' => (2, '\\'),
            b'b' => (2, '\u{8}'),
            b't' => (2, '\t'),
            b'n' => (2, '\n'),
            b'f' => (2, '\u{c}'),
            b'r' => (2, '\r'),
            b'u' => (6, hexadecimal(rest)?),
            _ => return Err(ESCAPE),
        };
        self.at += length;
        Ok(character)
    }

    fn number(&mut self) -> Result<Value<'a>, Refusal> {
        let rest = self.rest();
        let negative = rest[0] == b'-';
        let digits = &rest[usize::from(negative)..];
        let count = digits
            .iter()
            .position(|byte| !byte.is_ascii_digit())
            .ok_or(CUT)?;
        if matches!(digits[count], b'.' | b'e') {
            return self.real();
        }
        let length = usize::from(negative) + count;
        let value = number::integer(negative, &digits[..count]).ok_or(NUMBER)?;
        self.at += length;
        Ok(Value::Integer(value))
    }

    fn real(&mut self) -> Result<Value<'a>, Refusal> {
        let length = self
            .rest()
            .iter()
            .position(|byte| !matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e'))
            .ok_or(CUT)?;
        let text = &self.lines[self.at..self.at + length];
        let real = number::real(text).ok_or(NUMBER)?;
        self.at += length;
        Ok(Value::Real(real))
    }

    fn object(&mut self, cell: usize, aside: &mut Aside) -> Result<Value<'a>, Refusal> {
        if self.take(b"{\"blob\":\"") {
            let range = self.base64(&mut aside.bytes)?;
            aside.cells.push((cell, Kept::Blob(range)));
            Ok(Value::Null)
        } else if self.take(b"{\"text\":\"") {
            let range = self.base64(&mut aside.bytes)?;
            aside.cells.push((cell, Kept::RawText(range)));
            Ok(Value::Null)
        } else if self.take(b"{\"real\":\"Infinity\"}") {
            Ok(Value::Real(f64::INFINITY))
        } else if self.take(b"{\"real\":\"-Infinity\"}") {
            Ok(Value::Real(f64::NEG_INFINITY))
        } else if self.take(b"{\"real\":\"NaN\"}") {
            Ok(Value::Real(f64::NAN))
        } else {
            Err(NO_VALUE)
        }
    }

    fn base64(&mut self, out: &mut Vec<u8>) -> Result<Range<usize>, Refusal> {
        let rest = self.rest();
        let (text, after) = rest.split_at(plain_run(rest));
        if !after.starts_with(b"\"}") {
            return Err(if after.is_empty() { CUT } else { BASE64 });
        }
        let begin = out.len();
        // Refuses wrong or missing padding, and bits that the last character should not have.
        STANDARD.decode_vec(text, out).map_err(|_| BASE64)?;
        self.at += text.len() + 2;
        Ok(begin..out.len())
    }
}

/// `\u00xx` for a control character without a letter of its own.
fn hexadecimal(rest: &[u8]) -> Result<char, Refusal> {
    let &[_, _, b'0', b'0', high @ (b'0' | b'1'), low, ..] = rest else {
        return Err(ESCAPE);
    };
    let low = match low {
        b'0'..=b'9' => low - b'0',
        b'a'..=b'f' => low - b'a' + 10,
        _ => return Err(ESCAPE),
    };
    let byte = (high - b'0') * 16 + low;
    if matches!(byte, 0x08..=0x0a | 0x0c | 0x0d) {
        return Err(ESCAPE);
    }
    Ok(char::from(byte))
}
