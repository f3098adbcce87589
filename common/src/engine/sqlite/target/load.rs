//! Inserting rows, exactly as they are.
//!
//! One thread reads, checks and sums up the parts, this one inserts; a bounded channel lies
//! between them, so memory does not grow with the rows.

use crate::digest::Multiset;
use crate::engine::sqlite::name;
use crate::engine::sqlite::schema::rowid_alias;
use crate::engine::sqlite::target::batch::{Batch, Lane, Packer};
use crate::engine::sqlite::target::failure::fault;
use crate::fault::{Code, Fault, Result};
use crate::model::key;
use crate::model::schema::{Encoding, Rowid, Schema, Table};
use crate::model::value::Value;
use crate::progress::Watch;
use crate::seam::{PartBuffers, PartReader, PartSpan};
use crossbeam_channel::{Receiver, bounded};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Statement};
use std::fmt::Write as _;

/// Full batches that may wait.
const WAITING: usize = 8;

/// Inserts all rows, and returns what was sent to each table; `before_table` is told of each.
pub(super) fn load(
    connection: &Connection,
    schema: &Schema,
    parts: &dyn PartReader,
    watch: &dyn Watch,
    before_table: &dyn Fn(&Table),
) -> Result<Vec<Multiset>> {
    let (full, arriving) = bounded(WAITING);
    let (returned, empty) = bounded(WAITING);
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let lane = Lane { full, empty };
            read(schema, parts, &lane, watch)
        });
        let written = write(
            connection,
            schema,
            &arriving,
            watch,
            |batch| {
                watch.advance(batch.rows, batch.lines);
                // Full or gone: then the batch's memory is simply freed.
                let _ = returned.try_send(batch);
            },
            before_table,
        );
        // A reader that waits for room learns from this that nobody takes its batches.
        drop((arriving, returned));
        let read = reader.join();
        written?;
        read.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Reads all parts, table by table.
fn read(
    schema: &Schema,
    parts: &dyn PartReader,
    lane: &Lane,
    watch: &dyn Watch,
) -> Result<Vec<Multiset>> {
    let mut sums = vec![Multiset::default(); schema.tables.len()];
    let mut buffers = PartBuffers::default();
    for spans in parts.parts().chunk_by(|a, b| a.table == b.table) {
        let index = spans.first().map_or(0, |span| span.table);
        let Some(table) = schema.tables.get(index).filter(|table| table.has_rows()) else {
            let what = "rows belong to a table that has none";
            return Err(Fault::new(Code::ArchiveInconsistent, what));
        };
        let mut packer = Packer::new(index, table, lane);
        watch.table(&table.name);
        for span in spans {
            read_part(parts, span, &mut buffers, &mut packer, watch)
                .map_err(|fault| fault.in_table(&table.name))?;
        }
        sums[index].merge(&packer.finish()?);
    }
    Ok(sums)
}

fn read_part(
    parts: &dyn PartReader,
    span: &PartSpan,
    buffers: &mut PartBuffers,
    packer: &mut Packer<'_>,
    watch: &dyn Watch,
) -> Result<()> {
    if watch.stopped() {
        return Err(Fault::interrupted());
    }
    parts.read(span, buffers, packer)
}

/// Inserts batch after batch, with one statement a table.
fn write(
    connection: &Connection,
    schema: &Schema,
    arriving: &Receiver<Batch>,
    watch: &dyn Watch,
    done: impl Fn(Batch),
    before_table: &dyn Fn(&Table),
) -> Result<()> {
    let mut next = arriving.recv().ok();
    while let Some(first) = next.take() {
        let index = first.table;
        before_table(&schema.tables[index]);
        let mut inserter = Inserter::new(connection, schema, &schema.tables[index])?;
        let mut current = Some(first);
        while let Some(batch) = current.take() {
            inserter.insert(&batch, watch)?;
            done(batch);
            match arriving.recv().ok() {
                Some(batch) if batch.table == index => current = Some(batch),
                other => next = other,
            }
        }
    }
    Ok(())
}

/// Inserts rows into one table.
struct Inserter<'c> {
    connection: &'c Connection,
    table: &'c Table,
    encoding: Encoding,
    statement: Statement<'c>,
}

impl<'c> Inserter<'c> {
    fn new(connection: &'c Connection, schema: &Schema, table: &'c Table) -> Result<Self> {
        Ok(Inserter {
            connection,
            table,
            encoding: schema.facts.encoding,
            statement: prepare(connection, table, |_| false)?,
        })
    }

    fn insert(&mut self, batch: &Batch, watch: &dyn Watch) -> Result<()> {
        let mut number = batch.first;
        batch.rows(self.table.cells(), |row| {
            // A row may take long to compute, and an interruption between two is lost.
            if watch.stopped() {
                return Err(Fault::interrupted());
            }
            self.row(row).map_err(|fault| {
                fault
                    .in_table(&self.table.name)
                    .in_row(key::row_key(self.table, row, number))
            })?;
            number += 1;
            Ok(())
        })
    }

    fn row(&mut self, row: &[Value<'_>]) -> Result<()> {
        // Text is bound as UTF-8 and converted; bytes of UTF-16 that are no Unicode cannot be.
        let raw = |value: &Value<'_>| matches!(value, Value::RawText(_));
        if self.encoding != Encoding::Utf8 && row.iter().any(raw) {
            return self.row_with_raw_text(row);
        }
        bind(&mut self.statement, row, ValueRef::Text)?;
        execute(&mut self.statement)
    }

    /// A cast from a blob takes its bytes for text in the database's encoding, unchanged.
    fn row_with_raw_text(&self, row: &[Value<'_>]) -> Result<()> {
        let is_raw = |cell: usize| matches!(row.get(cell), Some(Value::RawText(_)));
        if let Some(column) = half_unit(self.table, row) {
            let what = "text ends within a unit of UTF-16, which SQLite would cut off";
            return Err(Fault::new(Code::ValueRefused, what).in_column(column));
        }
        let mut statement = prepare(self.connection, self.table, is_raw)?;
        bind(&mut statement, row, ValueRef::Blob)?;
        execute(&mut statement)
    }
}

/// The first column whose raw text has an odd number of bytes.
fn half_unit<'t>(table: &'t Table, row: &[Value<'_>]) -> Option<&'t str> {
    let cells = row.iter().skip(table.first_column_cell());
    table
        .stored_columns()
        .zip(cells)
        .find(|(_, value)| matches!(value, Value::RawText(bytes) if bytes.len() % 2 == 1))
        .map(|(column, _)| column.name.as_str())
}

fn bind<'v>(
    statement: &mut Statement<'_>,
    row: &[Value<'v>],
    raw: impl Fn(&'v [u8]) -> ValueRef<'v>,
) -> Result<()> {
    for (position, value) in (1_usize..).zip(row) {
        let value = match *value {
            Value::Null => ValueRef::Null,
            Value::Integer(integer) => ValueRef::Integer(integer),
            Value::Real(real) => ValueRef::Real(real),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::RawText(bytes) => raw(bytes),
            Value::Blob(bytes) => ValueRef::Blob(bytes),
        };
        statement
            .raw_bind_parameter(position, ToSqlOutput::Borrowed(value))
            .map_err(|error| fault(error, "SQLite does not take a value"))?;
    }
    Ok(())
}

fn execute(statement: &mut Statement<'_>) -> Result<()> {
    match statement.raw_execute() {
        Ok(_) => Ok(()),
        Err(error) => Err(fault(error, "row cannot be inserted")),
    }
}

fn prepare<'c>(
    connection: &'c Connection,
    table: &Table,
    is_raw: impl Fn(usize) -> bool,
) -> Result<Statement<'c>> {
    connection
        .prepare(&insert_sql(table, is_raw)?)
        .map_err(|error| fault(error, "cannot insert into the new table").in_table(&table.name))
}

/// OR ABORT overrides what the table says: a conflict must never replace or skip a row.
fn insert_sql(table: &Table, is_raw: impl Fn(usize) -> bool) -> Result<String> {
    let mut columns = Vec::with_capacity(table.cells());
    if table.rowid == Rowid::Hidden {
        let alias = rowid_alias(table).ok_or_else(|| {
            Fault::new(
                Code::ObjectMismatch,
                "columns take all names of the hidden rowid",
            )
            .in_table(&table.name)
        })?;
        columns.push(alias.to_owned());
    }
    columns.extend(
        table
            .stored_columns()
            .map(|column| name::quote(&column.name)),
    );
    let mut sql = format!(
        "INSERT OR ABORT INTO main.{} ({}) VALUES (",
        name::quote(&table.name),
        columns.join(", ")
    );
    for cell in 0..columns.len() {
        let separator = if cell == 0 { "" } else { ", " };
        let number = cell + 1;
        // Writing to a String cannot fail.
        let _ = if is_raw(cell) {
            write!(sql, "{separator}CAST(?{number} AS TEXT)")
        } else {
            write!(sql, "{separator}?{number}")
        };
    }
    sql.push(')');
    Ok(sql)
}
