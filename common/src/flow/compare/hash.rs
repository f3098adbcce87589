//! Hashes of rows in the archive's own form of cells, which tells storage classes apart.

use super::pair::Pair;
use crate::codec::encode_cell;
use crate::difference::{RowHash, Secret, Side};
use crate::fault::{Code, Fault, Result};
use crate::model::value::Value;

/// Hashes the rows of one side of a table.
pub(super) struct Hashing<'a> {
    secret: &'a Secret,
    cells: &'a [usize],
    key: &'a [usize],
    row: Vec<u8>,
    ends: Vec<usize>,
    key_bytes: Vec<u8>,
}

impl<'a> Hashing<'a> {
    pub(super) fn new(secret: &'a Secret, pair: &'a Pair, side: Side) -> Self {
        Hashing {
            secret,
            cells: match side {
                Side::Archive => &pair.ours,
                Side::Target => &pair.theirs,
            },
            key: &pair.key,
            row: Vec::new(),
            ends: Vec::new(),
            key_bytes: Vec::new(),
        }
    }

    /// Brings the row into the archive's own form of cells.
    fn take(&mut self, row: &[Value<'_>]) -> Result<()> {
        self.row.clear();
        self.ends.clear();
        for cell in self.cells {
            let value = row.get(*cell);
            let value = value.ok_or_else(|| Fault::new(Code::Bug, "the row has no such cell"))?;
            encode_cell(&mut self.row, value);
            // No cell has a line break in it.
            self.row.push(b'\n');
            self.ends.push(self.row.len());
        }
        Ok(())
    }

    fn column(&self, position: usize) -> &[u8] {
        let start = position
            .checked_sub(1)
            .map_or(0, |before| self.ends[before]);
        &self.row[start..self.ends[position]]
    }

    pub(super) fn hash(&mut self, row: &[Value<'_>]) -> Result<RowHash> {
        self.take(row)?;
        let row = self.secret.hash(&self.row);
        if self.key.is_empty() {
            return Ok(RowHash { key: row, row });
        }
        let mut bytes = std::mem::take(&mut self.key_bytes);
        bytes.clear();
        for column in self.key {
            bytes.extend_from_slice(self.column(*column));
        }
        let key = self.secret.hash(&bytes);
        self.key_bytes = bytes;
        Ok(RowHash { key, row })
    }

    pub(super) fn columns(&mut self, row: &[Value<'_>]) -> Result<Vec<u128>> {
        self.take(row)?;
        let columns = 0..self.ends.len();
        Ok(columns
            .map(|column| self.secret.hash(self.column(column)))
            .collect())
    }
}
