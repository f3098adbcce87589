//! Rows of both sides in the form that they are compared in, and their hashes.

use std::ops::Range;

use super::relation::{Tid, tid};
use super::unreadable;
use crate::difference::{RowHash, Secret};
use crate::engine::postgres::session::Session;
use crate::engine::postgres::target::encode::{Normal, Normalizer, Setting, TupleEncoder};
use crate::engine::postgres::target::tuples::{Malformed, Splitter, fields};
use crate::fault::{Fault, Result};
use crate::mapping::compared::ComparedTable;
use crate::model::value::Value;
use crate::seam::RowSink;

/// A row taken apart, in memory that is reused from row to row.
struct Form<'a> {
    normal: Vec<Normal>,
    key: &'a [usize],
    secret: &'a Secret,
    normalizer: Normalizer,
    bytes: Vec<u8>,
    columns: Vec<Range<usize>>,
    key_bytes: Vec<u8>,
}

impl<'a> Form<'a> {
    fn new(table: &'a ComparedTable, secret: &'a Secret) -> Self {
        let types = table.columns.iter().map(|column| column.plan.target);
        Form {
            normal: types.map(Normal::of).collect(),
            key: &table.key,
            secret,
            normalizer: Normalizer::default(),
            bytes: Vec::new(),
            columns: Vec::new(),
            key_bytes: Vec::new(),
        }
    }

    fn begin(&mut self) {
        self.bytes.clear();
        self.columns.clear();
    }

    fn push(&mut self, field: Option<&[u8]>) {
        let start = self.bytes.len();
        let normal = self.normal.get(self.columns.len()).copied();
        let normal = normal.unwrap_or(Normal::Bytes);
        self.normalizer.push(normal, field, &mut self.bytes);
        self.columns.push(start..self.bytes.len());
    }

    fn push_unlike(&mut self, row: u64) {
        let start = self.bytes.len();
        Normalizer::push_unlike(row, &mut self.bytes);
        self.columns.push(start..self.bytes.len());
    }

    fn hash(&mut self) -> RowHash {
        let row = self.secret.hash(&self.bytes);
        if self.key.is_empty() {
            return RowHash { key: row, row };
        }
        self.key_bytes.clear();
        for column in self.key {
            let bytes = &self.bytes[self.columns[*column].clone()];
            self.key_bytes.extend_from_slice(bytes);
        }
        RowHash {
            key: self.secret.hash(&self.key_bytes),
            row,
        }
    }

    fn column_hashes(&self) -> Vec<u128> {
        let columns = self.columns.iter();
        columns
            .map(|column| self.secret.hash(&self.bytes[column.clone()]))
            .collect()
    }
}

/// Rows of the archive.
pub(super) struct ArchiveRows<'a> {
    form: Form<'a>,
    encoder: TupleEncoder,
    field: Vec<u8>,
    number: u64,
}

impl<'a> ArchiveRows<'a> {
    /// Rows from this number on.
    pub(super) fn new(
        table: &'a ComparedTable,
        setting: Setting<'_>,
        secret: &'a Secret,
        first_row: u64,
    ) -> Result<Self> {
        let columns = table.columns.iter().map(|column| &column.plan);
        Ok(ArchiveRows {
            form: Form::new(table, secret),
            encoder: TupleEncoder::new(columns, setting)?,
            field: Vec::new(),
            number: first_row,
        })
    }

    /// A sink that gives each row's hashes and number to `each`.
    pub(super) fn sink<'s>(
        &'s mut self,
        each: &'s mut dyn FnMut(RowHash, u64) -> Result<()>,
    ) -> impl RowSink + use<'s, 'a> {
        Hashed { rows: self, each }
    }

    /// Takes a row apart. What the column cannot hold is like nothing that it holds.
    fn take(&mut self, row: &[Value<'_>]) {
        self.form.begin();
        for column in 0..self.form.normal.len() {
            self.field.clear();
            let taken = self.encoder.try_column(column, row, &mut self.field);
            match taken.ok().and_then(|_| self.field.split_first_chunk::<4>()) {
                Some((length, content)) if i32::from_be_bytes(*length) >= 0 => {
                    self.form.push(Some(content));
                }
                Some(_) => self.form.push(None),
                None => self.form.push_unlike(self.number),
            }
        }
    }

    /// The hash of each column of the next row.
    pub(super) fn column_hashes(&mut self, row: &[Value<'_>], number: u64) -> Vec<u128> {
        self.number = number;
        self.take(row);
        self.form.column_hashes()
    }
}

struct Hashed<'s, 'a> {
    rows: &'s mut ArchiveRows<'a>,
    each: &'s mut dyn FnMut(RowHash, u64) -> Result<()>,
}

impl RowSink for Hashed<'_, '_> {
    fn row(&mut self, row: &[Value<'_>]) -> Result<()> {
        self.rows.take(row);
        let hash = self.rows.form.hash();
        let number = self.rows.number;
        self.rows.number += 1;
        (self.each)(hash, number)
    }
}

/// Rows of the target.
pub(super) struct LiveRows<'a> {
    form: Form<'a>,
}

/// A row as it was read.
pub(super) struct LiveRow<'r> {
    /// Counts the rows of one reading, from 1.
    pub(super) number: u64,
    pub(super) hash: RowHash,
    pub(super) tid: Tid,
    /// The hash of each column.
    pub(super) columns: &'r dyn Fn() -> Vec<u128>,
    /// What was read behind the row's place.
    pub(super) rest: &'r [Option<&'r [u8]>],
}

/// Why the reading ends early.
enum Ended {
    Stream(Malformed),
    By(Fault),
}

impl From<Malformed> for Ended {
    fn from(malformed: Malformed) -> Self {
        Ended::Stream(malformed)
    }
}

impl From<Ended> for Fault {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Stream(malformed) => unreadable(malformed),
            Ended::By(fault) => fault,
        }
    }
}

impl<'a> LiveRows<'a> {
    pub(super) fn new(table: &'a ComparedTable, secret: &'a Secret) -> Self {
        LiveRows {
            form: Form::new(table, secret),
        }
    }

    /// Runs a COPY of `Relation`, and gives its rows to `each`.
    pub(super) fn read(
        &mut self,
        session: &mut Session,
        sql: &str,
        each: &mut dyn FnMut(LiveRow<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut splitter = Splitter::default();
        let mut number = 0;
        session.copy_out(sql, &mut |piece| {
            let row = |tuple: &[u8]| {
                number += 1;
                self.row(tuple, number, each).map_err(Ended::By)
            };
            splitter.feed(piece, row).map_err(Fault::from)
        })?;
        splitter.finish().map_err(unreadable)
    }

    fn row(
        &mut self,
        tuple: &[u8],
        number: u64,
        each: &mut dyn FnMut(LiveRow<'_>) -> Result<()>,
    ) -> Result<()> {
        self.form.begin();
        let mut fields = fields(tuple);
        for _ in 0..self.form.normal.len() {
            self.form.push(fields.next().flatten());
        }
        let Some(tid) = fields.next().flatten().and_then(tid) else {
            return Err(unreadable(NoPlace));
        };
        let rest: Vec<_> = fields.collect();
        let hash = self.form.hash();
        let form = &self.form;
        each(LiveRow {
            number,
            hash,
            tid,
            columns: &|| form.column_hashes(),
            rest: &rest,
        })
    }
}

/// A row came without its place.
#[derive(Debug)]
struct NoPlace;

impl std::fmt::Display for NoPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a row came without its ctid")
    }
}

impl std::error::Error for NoPlace {}
