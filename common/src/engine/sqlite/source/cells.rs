//! From a row of a statement to the cells of an archive's row, without an allocation a row.

use crate::engine::sqlite::failure::fault;
use crate::fault::{Code, Fault, Result};
use crate::model::schema::{Rowid, Table, TableKind};
use crate::model::value::Value;
use rusqlite::Row;
use rusqlite::types::ValueRef;

/// Reads two bytes of UTF-16 in the database's byte order.
pub(super) type ReadUnit = fn([u8; 2]) -> u16;

/// Memory for one row, used again for the next.
pub(super) struct Cells {
    spare: Vec<Value<'static>>,
    /// Cells before the first column: a hidden rowid.
    first: usize,
    columns: usize,
    /// In a UTF-16 database, each column's text once it is decoded.
    utf16: Option<(ReadUnit, Vec<Decoded>)>,
}

/// A column's text in the present row.
#[derive(Default)]
struct Decoded {
    text: String,
    valid: bool,
}

impl Cells {
    pub(super) fn new(table: &Table, utf16: Option<ReadUnit>) -> Self {
        let columns = table.stored_columns().count();
        Cells {
            spare: Vec::with_capacity(table.cells()),
            first: table.first_column_cell(),
            columns,
            utf16: utf16.map(|unit| (unit, (0..columns).map(|_| Decoded::default()).collect())),
        }
    }

    /// Gives `take` the cells of `row`.
    pub(super) fn with(
        &mut self,
        row: &Row<'_>,
        take: impl FnOnce(&[Value<'_>]) -> Result<()>,
    ) -> Result<()> {
        let mut cells = recycle(std::mem::take(&mut self.spare));
        if self.first == 1 {
            cells.push(direct(get(row, 0)?));
        }
        match &mut self.utf16 {
            None => {
                for place in self.first..self.first + self.columns {
                    cells.push(direct(get(row, place)?));
                }
            }
            Some((unit, texts)) => {
                for (column, decoded) in texts.iter_mut().enumerate() {
                    if is_text(row, self.first + 2 * column)? {
                        decoded.decode(bytes(get(row, self.first + 2 * column + 1)?), *unit);
                    }
                }
                for (column, decoded) in texts.iter().enumerate() {
                    let value = get(row, self.first + 2 * column + 1)?;
                    cells.push(if !is_text(row, self.first + 2 * column)? {
                        direct(value)
                    } else if decoded.valid {
                        Value::Text(&decoded.text)
                    } else {
                        Value::RawText(bytes(value))
                    });
                }
            }
        }
        let taken = take(&cells);
        self.spare = recycle(cells);
        taken
    }
}

/// The same memory for values of another lifetime: collecting in place allocates nothing.
fn recycle<'b>(mut cells: Vec<Value<'_>>) -> Vec<Value<'b>> {
    cells.clear();
    cells.into_iter().map(|_| Value::Null).collect()
}

fn get<'r>(row: &'r Row<'_>, place: usize) -> Result<ValueRef<'r>> {
    row.get_ref(place)
        .map_err(|error| fault(error, "cannot read a cell"))
}

fn is_text(row: &Row<'_>, place: usize) -> Result<bool> {
    Ok(matches!(get(row, place)?, ValueRef::Integer(1)))
}

fn bytes(value: ValueRef<'_>) -> &[u8] {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes,
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => &[],
    }
}

fn direct(value: ValueRef<'_>) -> Value<'_> {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(integer) => Value::Integer(integer),
        ValueRef::Real(real) => Value::Real(real),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Value::Text(text),
            Err(_) => Value::RawText(bytes),
        },
        ValueRef::Blob(bytes) => Value::Blob(bytes),
    }
}

impl Decoded {
    fn decode(&mut self, bytes: &[u8], unit: ReadUnit) {
        self.text.clear();
        let (pairs, odd) = bytes.as_chunks::<2>();
        self.valid = odd.is_empty();
        for read in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
            match read {
                Ok(character) => self.text.push(character),
                Err(_) => self.valid = false,
            }
        }
    }
}

/// Checks for nothing that rowids ascend: a page that belongs to another place of the tree, or to
/// another tree, breaks their order where SQLite itself would go on.
pub(super) struct Order {
    cell: Option<usize>,
    last: Option<i64>,
}

impl Order {
    pub(super) fn new(table: &Table) -> Self {
        let cell = match (&table.kind, &table.rowid) {
            (TableKind::Virtual { .. }, _) | (_, Rowid::None) => None,
            (_, Rowid::Hidden) => Some(0),
            (_, Rowid::Column(column)) => table.cell(column),
        };
        Order { cell, last: None }
    }

    pub(super) fn follows(&mut self, cells: &[Value<'_>]) -> Result<()> {
        let Some(cell) = self.cell else { return Ok(()) };
        let Some(Value::Integer(rowid)) = cells.get(cell).copied() else {
            return Err(Fault::new(Code::SourceDamaged, "row has no rowid"));
        };
        if self.last.is_some_and(|last| last >= rowid) {
            return Err(Fault::new(
                Code::SourceDamaged,
                "rows are not in the order of their rowids",
            )
            .in_row(format_args!("rowid={rowid}")));
        }
        self.last = Some(rowid);
        Ok(())
    }
}
