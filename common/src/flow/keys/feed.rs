//! Takes the keys out of rows, one feed for each run of consecutive rows.
//!
//! Knows one table; knows no other row than the one at hand and the key before it.

use super::constraints::{KeyCell, TableChecks};
use super::record::{BYTES, Record};
use super::spool::Spool;
use super::tally::Tally;
use crate::fault::Result;
use crate::model::key::{Converted, push_normal_form};
use crate::model::value::Value;

/// Bytes of records that a feed holds back, so that threads seldom meet.
const HELD: usize = 1 << 20;

/// Checks consecutive rows of one table; give it back with `KeyCheck::absorb`.
#[derive(Debug)]
pub struct Feed<'a> {
    pub(super) table: usize,
    checks: &'a TableChecks,
    spool: &'a Spool,
    /// Records not yet handed over, by position in `checks.streams`.
    held: Vec<Vec<Record>>,
    /// Records of one stream to hold at the most.
    room: usize,
    form: Vec<u8>,
    converted: Converted,
    pub(super) found: Found,
}

/// What can be said as rows pass.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// By position in `TableChecks::not_null`.
    pub(super) nulls: Vec<Tally>,
    /// Keys that are not above the one before.
    pub(super) unordered: Tally,
    /// The INTEGER PRIMARY KEY at both ends.
    pub(super) span: Option<Span>,
}

/// The first and last key of consecutive rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) first_row: u64,
    pub(super) first: i64,
    pub(super) last: i64,
}

impl<'a> Feed<'a> {
    pub(super) fn new(table: usize, checks: &'a TableChecks, spool: &'a Spool) -> Self {
        let streams = checks.streams.len();
        Feed {
            table,
            checks,
            spool,
            held: vec![Vec::new(); streams],
            room: std::cmp::max(HELD / BYTES / std::cmp::max(streams, 1), 16),
            form: Vec::new(),
            converted: Converted::default(),
            found: Found {
                nulls: vec![Tally::default(); checks.not_null.len()],
                ..Found::default()
            },
        }
    }

    /// Checks one row of `Table::cells` values; `number` counts from 1 over the whole table, in
    /// archive order, and grows by one from call to call.
    pub fn row(&mut self, row: &[Value<'_>], number: u64) -> Result<()> {
        for (tally, (_, cell)) in self.found.nulls.iter_mut().zip(&self.checks.not_null) {
            if matches!(row.get(*cell), Some(Value::Null)) {
                tally.add(number);
            }
        }
        if let Some((_, cell)) = self.checks.ordered {
            self.found.order(row.get(cell), number);
        }
        for (stream, held) in self.checks.streams.iter().zip(&mut self.held) {
            if !key(&stream.cells, row, &mut self.form, &mut self.converted) {
                continue;
            }
            held.push(Record::new(&self.form, number));
            if held.len() >= self.room {
                self.spool.add(stream.number, held)?;
                held.clear();
            }
        }
        Ok(())
    }

    /// Hands over what is held back.
    pub(super) fn flush(&mut self) -> Result<()> {
        for (stream, held) in self.checks.streams.iter().zip(&mut self.held) {
            self.spool.add(stream.number, held)?;
            held.clear();
        }
        Ok(())
    }
}

/// Writes the normal form of a key to `form`; false when one of its columns is NULL.
fn key(
    cells: &[KeyCell],
    row: &[Value<'_>],
    form: &mut Vec<u8>,
    converted: &mut Converted,
) -> bool {
    form.clear();
    for cell in cells {
        let Some(value) = row.get(cell.cell) else {
            return false;
        };
        let value = match cell.affinity {
            Some(affinity) => converted.apply(affinity, *value),
            None => *value,
        };
        if !push_normal_form(form, &value, cell.collation) {
            return false;
        }
    }
    true
}

impl Found {
    /// Rows stand in the order of an INTEGER PRIMARY KEY, so a key that occurs twice, or is no
    /// integer, is not above the one before.
    fn order(&mut self, value: Option<&Value<'_>>, number: u64) {
        let Some(Value::Integer(key)) = value.copied() else {
            self.unordered.add(number);
            return;
        };
        match &mut self.span {
            Some(span) => {
                if key <= span.last {
                    self.unordered.add(number);
                }
                span.last = key;
            }
            None => {
                self.span = Some(Span {
                    first_row: number,
                    first: key,
                    last: key,
                });
            }
        }
    }
}
