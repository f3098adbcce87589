//! Rows as COPY data.
//!
//! A row goes from the archive's buffer straight into a block; nothing is kept of it but its digest.

use bytes::Bytes;

use crate::digest::Multiset;
use crate::engine::postgres::session::CopyIn;
use crate::fault::{Code, Fault, Mismatch, Result};
use crate::model::key::RowNaming;
use crate::model::value::Value;
use crate::seam::RowSink;

use super::encode::{Canonical, HEADER, TRAILER, TupleEncoder};
use super::page::Page;
use super::run::Job;

/// Bytes collected before they are sent.
const BLOCK: usize = 512 * 1024;
/// The most bytes of one message: a row may be longer than a message can be.
const MESSAGE: usize = 16 * 1024 * 1024;

/// What helps where a row fits no page.
const TOO_WIDE: &str = "`split = true` for the table in a mapping file makes several tables of it, joined by their key";

/// Turns rows into COPY data.
pub(super) struct Rows<'s> {
    copy: CopyIn<'s>,
    go_on: &'s dyn Fn() -> Result<()>,
    encoder: TupleEncoder,
    page: Page,
    /// There when content is to be compared later.
    canonical: Option<Canonical>,
    /// Their names in the source, by position in COPY.
    columns: Vec<String>,
    naming: RowNaming,
    digest: Multiset,
    /// The number of the next row within its table.
    pub(super) number: u64,
    block: Vec<u8>,
}

impl<'s> Rows<'s> {
    /// Rows of a table of the plan, into pages of so many bytes; with `content` their digest sums
    /// what the table will hold, and only counts them without.
    pub(super) fn new(
        job: &Job<'_>,
        table: usize,
        (content, block_size): (bool, usize),
        copy: CopyIn<'s>,
        go_on: &'s dyn Fn() -> Result<()>,
    ) -> Result<Self> {
        let (planned, source) = job.table(table)?;
        Ok(Rows {
            copy,
            go_on,
            encoder: TupleEncoder::new(planned.copied(), job.setting())?,
            page: Page::new(planned.copied(), block_size),
            canonical: content.then(|| Canonical::new(planned.copied())),
            columns: job.source_names(table)?,
            naming: RowNaming::of(source),
            digest: Multiset::default(),
            number: 1,
            block: HEADER.to_vec(),
        })
    }

    fn send(&mut self) -> Result<()> {
        (self.go_on)()?;
        let room = Vec::with_capacity(BLOCK + BLOCK / 8);
        let mut block = Bytes::from(std::mem::replace(&mut self.block, room));
        while !block.is_empty() {
            let piece = block.split_to(std::cmp::min(MESSAGE, block.len()));
            self.copy.send(piece)?;
        }
        Ok(())
    }

    /// Ends the data; the server must have taken every row.
    pub(super) fn finish(mut self) -> Result<Multiset> {
        self.block.extend_from_slice(&TRAILER);
        self.send()?;
        let taken = self.copy.finish()?;
        if taken != self.digest.rows {
            let what = "the server has not taken as many rows as were sent";
            let why = Mismatch::new(self.digest.rows, taken);
            return Err(Fault::new(Code::ContentDiffers, what).because(why));
        }
        Ok(self.digest)
    }
}

impl RowSink for Rows<'_> {
    fn row(&mut self, row: &[Value<'_>]) -> Result<()> {
        let start = self.block.len();
        self.encoder
            .encode(row, &mut self.block)
            .map_err(|refused| {
                let fault = Fault::new(refused.code, refused.why);
                let fault = fault.in_row(self.naming.name(row, self.number));
                match self.columns.get(refused.column) {
                    Some(column) => fault.in_column(column),
                    None => fault,
                }
            })?;
        if let Some(why) = self.page.refusal(&self.block[start..]) {
            let fault = Fault::new(Code::ValueRefused, why).hint(TOO_WIDE);
            return Err(fault.in_row(self.naming.name(row, self.number)));
        }
        match &mut self.canonical {
            None => self.digest.rows += 1,
            Some(canonical) => {
                let form = canonical.of(&self.block[start..]).map_err(|column| {
                    let what = "the text is no JSON that jsonb holds unchanged";
                    Fault::new(Code::ValueRefused, what)
                        .in_column(&self.columns[column])
                        .in_row(self.naming.name(row, self.number))
                })?;
                self.digest.add(form);
            }
        }
        self.number += 1;
        if self.block.len() >= BLOCK {
            self.send()?;
        }
        Ok(())
    }
}
