//! Rows on their way from the thread that reads parts to the one that inserts.

use crate::codec;
use crate::digest::Multiset;
use crate::engine::sqlite::target::affinity::Exactness;
use crate::fault::{Fault, Result};
use crate::model::key;
use crate::model::schema::Table;
use crate::model::value::Value;
use crate::seam::RowSink;
use crossbeam_channel::{Receiver, Sender};
use std::ops::Range;

/// Bytes after which a batch is sent on, about.
const FULL: usize = 256 << 10;

/// Some rows of one table.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Position of the table in the schema.
    pub(super) table: usize,
    /// Number of the first row within its table, from 1.
    pub(super) first: u64,
    /// Number of rows.
    pub(super) rows: u64,
    /// Bytes of the rows' canonical lines.
    pub(super) lines: u64,
    cells: Vec<Cell>,
    text: String,
    bytes: Vec<u8>,
}

#[derive(Debug, Clone)]
enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Text(Range<usize>),
    RawText(Range<usize>),
    Blob(Range<usize>),
}

impl Batch {
    /// Sends each row, of so many cells, to `each`.
    pub(super) fn rows<'a>(
        &'a self,
        cells: usize,
        mut each: impl FnMut(&[Value<'a>]) -> Result<()>,
    ) -> Result<()> {
        let mut row = Vec::with_capacity(cells);
        for packed in self.cells.chunks_exact(cells) {
            row.clear();
            row.extend(packed.iter().map(|cell| self.value(cell)));
            each(&row)?;
        }
        Ok(())
    }

    fn value(&self, cell: &Cell) -> Value<'_> {
        match cell {
            Cell::Null => Value::Null,
            Cell::Integer(integer) => Value::Integer(*integer),
            Cell::Real(real) => Value::Real(*real),
            Cell::Text(range) => Value::Text(&self.text[range.clone()]),
            Cell::RawText(range) => Value::RawText(&self.bytes[range.clone()]),
            Cell::Blob(range) => Value::Blob(&self.bytes[range.clone()]),
        }
    }

    fn push(&mut self, row: &[Value<'_>]) {
        for value in row {
            let cell = match *value {
                Value::Null => Cell::Null,
                Value::Integer(integer) => Cell::Integer(integer),
                Value::Real(real) => Cell::Real(real),
                Value::Text(text) => {
                    let start = self.text.len();
                    self.text.push_str(text);
                    Cell::Text(start..self.text.len())
                }
                Value::RawText(bytes) => Cell::RawText(self.keep(bytes)),
                Value::Blob(bytes) => Cell::Blob(self.keep(bytes)),
            };
            self.cells.push(cell);
        }
        self.rows += 1;
    }

    fn keep(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        start..self.bytes.len()
    }

    fn is_full(&self) -> bool {
        self.text.len() + self.bytes.len() + self.cells.len() * size_of::<Cell>() >= FULL
    }

    fn restart(&mut self, table: usize, first: u64) {
        self.table = table;
        self.first = first;
        (self.rows, self.lines) = (0, 0);
        self.cells.clear();
        self.text.clear();
        self.bytes.clear();
        // One huge cell must not keep its memory for the rest of the run.
        self.text.shrink_to(4 * FULL);
        self.bytes.shrink_to(4 * FULL);
    }
}

/// The two directions between reading and inserting thread: full batches there, empty ones back.
pub(super) struct Lane {
    pub(super) full: Sender<Batch>,
    pub(super) empty: Receiver<Batch>,
}

/// Packs the rows of one table into batches, and sums up what was sent.
pub(super) struct Packer<'a> {
    table: &'a Table,
    exactness: Exactness,
    lane: &'a Lane,
    batch: Batch,
    line: Vec<u8>,
    sum: Multiset,
}

impl<'a> Packer<'a> {
    /// For the rows of `table`, which is the schema's table number `index`.
    pub(super) fn new(index: usize, table: &'a Table, lane: &'a Lane) -> Self {
        let mut batch = Batch::default();
        batch.restart(index, 1);
        Packer {
            table,
            exactness: Exactness::of(table),
            lane,
            batch,
            line: Vec::new(),
            sum: Multiset::default(),
        }
    }

    /// Sends the last rows on, and returns the sum of all.
    pub(super) fn finish(mut self) -> Result<Multiset> {
        self.send()?;
        Ok(self.sum)
    }

    fn send(&mut self) -> Result<()> {
        let mut next = self.lane.empty.try_recv().unwrap_or_default();
        next.restart(self.batch.table, self.batch.first + self.batch.rows);
        let full = std::mem::replace(&mut self.batch, next);
        // The other end is gone only when inserting has failed, which is then reported.
        self.lane.full.send(full).map_err(|_| Fault::interrupted())
    }
}

impl RowSink for Packer<'_> {
    fn row(&mut self, row: &[Value<'_>]) -> Result<()> {
        self.exactness.check(row).map_err(|fault| {
            let number = self.batch.first + self.batch.rows;
            fault
                .in_table(&self.table.name)
                .in_row(key::row_key(self.table, row, number))
        })?;
        self.line.clear();
        codec::encode_row(&mut self.line, row);
        self.sum.add(&self.line);
        self.batch.push(row);
        self.batch.lines += self.line.len() as u64;
        if self.batch.is_full() {
            self.send()?;
        }
        Ok(())
    }
}
