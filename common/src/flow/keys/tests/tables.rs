//! Small tables with keys, and rows to feed.

use super::super::KeyCheck;
use crate::fault::Result;
use crate::model::schema::{
    Action, Affinity, Column, Deferrable, ForeignKey, Key, KeyColumn, Rowid, Schema, Table,
    TableKind,
};
use crate::model::value::{OwnedValue, Value};
use crate::profile::evidence::KeyEvidence;
use crate::progress::Unwatched;
use crate::seam::{PartBuffers, PartReader, PartSpan, RowSink};
use std::sync::Mutex;

pub(super) type Rows = Vec<Vec<OwnedValue>>;

/// A column without affinity, or as declared behind a colon: `name:TEXT` and `name:TEXT:NOCASE`.
pub(super) fn column(declared: &str) -> Column {
    let mut words = declared.split(':');
    let name = words.next().unwrap_or_default().to_owned();
    let declared_type = words.next().unwrap_or_default().to_owned();
    let affinity = match declared_type.as_str() {
        "TEXT" => Affinity::Text,
        "INTEGER" => Affinity::Integer,
        "REAL" => Affinity::Real,
        "NUMERIC" => Affinity::Numeric,
        _ => Affinity::Blob,
    };
    Column {
        name,
        declared_type,
        affinity,
        not_null: false,
        default: None,
        generated: None,
        collation: words.next().unwrap_or("BINARY").to_owned(),
        hidden: false,
        on_conflict: None,
    }
}

pub(super) fn table(name: &str, columns: &[&str]) -> Table {
    Table {
        name: name.to_owned(),
        kind: TableKind::Rowid,
        strict: false,
        rowid: Rowid::None,
        autoincrement: false,
        columns: columns.iter().map(|declared| column(declared)).collect(),
        primary_key: None,
        unique: Vec::new(),
        foreign_keys: Vec::new(),
        checks: Vec::new(),
        indexes: Vec::new(),
        sql: String::new(),
    }
}

pub(super) fn key(table: &Table, columns: &[&str]) -> Key {
    let columns = columns.iter().map(|name| KeyColumn {
        column: (*name).to_owned(),
        descending: false,
        collation: table
            .column(name)
            .map_or("BINARY".to_owned(), |column| column.collation.clone()),
    });
    Key {
        name: None,
        columns: columns.collect(),
        on_conflict: None,
    }
}

pub(super) fn references(columns: &[&str], parent: &str, parent_columns: &[&str]) -> ForeignKey {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    ForeignKey {
        name: None,
        columns: owned(columns),
        parent: parent.to_owned(),
        parent_columns: owned(parent_columns),
        on_delete: Action::NoAction,
        on_update: Action::NoAction,
        deferrable: Deferrable::No,
    }
}

pub(super) fn with_unique(mut table: Table, columns: &[&str]) -> Table {
    let key = key(&table, columns);
    table.unique.push(key);
    table
}

pub(super) fn schema(tables: Vec<Table>) -> Schema {
    Schema {
        tables,
        ..Schema::default()
    }
}

/// Feeds all rows, in feeds of `step` rows that come in reverse order, and words all samples.
pub(super) fn checked(
    schema: &Schema,
    rows: &[Rows],
    budget: usize,
    step: usize,
) -> Vec<KeyEvidence> {
    let check = KeyCheck::new(schema, &[], budget);
    for (table, rows) in rows.iter().enumerate().rev() {
        for (position, chunk) in rows.chunks(step).enumerate().rev() {
            let mut feed = check.feed(table);
            for (row, number) in chunk.iter().zip((position * step) as u64 + 1..) {
                feed.row(&borrowed(row), number).unwrap();
            }
            check.absorb(feed).unwrap();
        }
    }
    let mut outcome = check.finish(&Unwatched).unwrap();
    for (table, wanted) in outcome.wanted() {
        for number in wanted {
            let row = &rows[table][usize::try_from(number).unwrap() - 1];
            outcome.tell(table, &borrowed(row), number);
        }
    }
    outcome.finish()
}

/// The rows of tables as parts of a few rows each, and which of them were read.
pub(super) struct Parts<'a> {
    pub(super) rows: &'a [Rows],
    pub(super) spans: Vec<PartSpan>,
    pub(super) read: Mutex<Vec<PartSpan>>,
}

impl PartReader for Parts<'_> {
    fn parts(&self) -> &[PartSpan] {
        &self.spans
    }

    fn read(&self, part: &PartSpan, _: &mut PartBuffers, sink: &mut dyn RowSink) -> Result<()> {
        self.read.lock().unwrap().push(*part);
        let first = usize::try_from(part.first_row).unwrap() - 1;
        let rows = &self.rows[part.table][first..first + usize::try_from(part.rows).unwrap()];
        rows.iter().try_for_each(|row| sink.row(&borrowed(row)))
    }
}

pub(super) fn borrowed(row: &[OwnedValue]) -> Vec<Value<'_>> {
    row.iter().map(OwnedValue::as_value).collect()
}
