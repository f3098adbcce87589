//! An SQLite file as a source: one read-only connection, one snapshot.
//!
//! In rollback-journal mode the snapshot is a shared lock, and writers wait until it ends; in WAL
//! mode they go on. Knows no archive and no evidence.

mod cells;
mod check;

use crate::engine::sqlite::failure::fault;
use crate::engine::sqlite::interrupt::while_watched;
use crate::engine::sqlite::name;
use crate::engine::sqlite::open::{Opened, stand_in_function};
use crate::engine::sqlite::schema;
use crate::engine::sqlite::source::cells::{Cells, Order};
use crate::fault::{Code, Fault, Result};
use crate::model::schema::{Encoding, Rowid, Schema, Table, TableKind};
use crate::progress::Watch;
use crate::report::Finding;
use crate::seam::{RowSink, Source};
use rusqlite::{Connection, Statement};
use std::path::Path;

/// Rows between two looks at whether to stop.
const ROWS_BETWEEN_LOOKS: u64 = 1024;

/// Unknown functions of one statement that are stood in for, at the most.
const STAND_INS: usize = 100;

/// An SQLite database file, held still from opening to `finish`.
pub struct SqliteSource<'w> {
    opened: Opened,
    location: String,
    schema: Schema,
    findings: Vec<Finding>,
    watch: &'w dyn Watch,
}

impl<'w> SqliteSource<'w> {
    /// Opens the file, begins the snapshot, reads the schema and checks that the pages belong
    /// together.
    ///
    /// The check costs about one more scan of the file. Without it SQLite gives fewer rows and no
    /// error where a page was replaced by a stale or foreign one; with it that is an error finding.
    pub fn open(path: &Path, watch: &'w dyn Watch) -> Result<Self> {
        let location = path.display().to_string();
        Self::begin(path, &location, watch).map_err(|fault| fault.at(&location))
    }

    fn begin(path: &Path, location: &str, watch: &'w dyn Watch) -> Result<Self> {
        let opened = Opened::open(path)?;
        let connection = opened.connection()?;
        let read = while_watched(connection, watch, || schema::read(connection));
        let (mut schema, mut findings) = read.map_err(|fault| blame(&opened, fault))?;
        if let Some(wal) = opened.unlocked_wal() {
            schema.facts.wal = wal;
        }
        let checked = check::pages(opened.connection()?, &schema, watch);
        findings.extend(checked.map_err(|fault| blame(&opened, fault))?);
        Ok(SqliteSource {
            opened,
            location: location.to_owned(),
            schema,
            findings,
            watch,
        })
    }
}

/// Damage seen in a file that somebody changes under our hands is no damage.
fn blame(opened: &Opened, fault: Fault) -> Fault {
    if fault.code() == Code::SourceDamaged && opened.changed() {
        return Fault::new(Code::SourceChanged, "source changed while it was read").because(fault);
    }
    fault
}

impl Source for SqliteSource<'_> {
    fn engine(&self) -> (&'static str, String) {
        ("sqlite", rusqlite::version().to_owned())
    }

    fn location(&self) -> String {
        self.location.clone()
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// From the first and last rowid: exact where nothing was deleted, and never costly.
    fn estimate(&self, table: &Table) -> Option<u64> {
        let key = match (&table.kind, &table.rowid) {
            (TableKind::Virtual { .. }, _) | (_, Rowid::None) => return None,
            (_, Rowid::Hidden) => schema::rowid_alias(table)?.to_owned(),
            (_, Rowid::Column(column)) => name::quote(column),
        };
        let end = |function: &str| -> Option<Option<i64>> {
            let sql = format!(
                "SELECT {function}({key}) FROM main.{}",
                name::quote(&table.name)
            );
            let connection = self.opened.connection().ok()?;
            connection.query_row(&sql, [], |row| row.get(0)).ok()
        };
        match (end("min")?, end("max")?) {
            (Some(first), Some(last)) => Some(last.abs_diff(first).saturating_add(1)),
            _ => Some(0),
        }
    }

    fn read(&mut self, table: &Table, sink: &mut dyn RowSink) -> Result<()> {
        let mut read = || {
            let connection = self.opened.connection()?;
            read_table(
                connection,
                self.schema.facts.encoding,
                table,
                self.watch,
                sink,
            )
        };
        read().map_err(|fault| {
            blame(&self.opened, fault)
                .in_table(&table.name)
                .at(&self.location)
        })
    }

    fn finish(&mut self) -> Result<()> {
        self.opened
            .finish()
            .map_err(|fault| fault.at(&self.location))
    }
}

/// Sends every row of `table` to `sink`, in the archive's row order.
pub(super) fn read_table(
    connection: &Connection,
    encoding: Encoding,
    table: &Table,
    watch: &dyn Watch,
    sink: &mut dyn RowSink,
) -> Result<()> {
    if !table.has_rows() {
        return Ok(());
    }
    while_watched(connection, watch, || {
        read_rows(connection, encoding, table, watch, sink)
    })
}

fn read_rows(
    connection: &Connection,
    encoding: Encoding,
    table: &Table,
    watch: &dyn Watch,
    sink: &mut dyn RowSink,
) -> Result<()> {
    let utf16 = match encoding {
        Encoding::Utf8 => None,
        Encoding::Utf16le => Some(u16::from_le_bytes as fn([u8; 2]) -> u16),
        Encoding::Utf16be => Some(u16::from_be_bytes as fn([u8; 2]) -> u16),
    };
    let what = "cannot read the rows";
    let sql = query(table, utf16.is_some());
    let mut statement = prepare(connection, &sql).map_err(|error| fault(error, what))?;
    let mut rows = statement.query([]).map_err(|error| fault(error, what))?;
    let mut cells = Cells::new(table, utf16);
    let mut order = Order::new(table);
    let mut count = 0_u64;
    loop {
        let row = rows
            .next()
            .map_err(|error| fault(error, what).in_row(format_args!("row {}", count + 1)))?;
        let Some(row) = row else { return Ok(()) };
        if count.is_multiple_of(ROWS_BETWEEN_LOOKS) && watch.stopped() {
            return Err(Fault::interrupted());
        }
        count += 1;
        cells.with(row, |cells| {
            order.follows(cells)?;
            sink.row(cells)
        })?;
    }
}

/// The statement that reads a table in the archive's order.
fn query(table: &Table, utf16: bool) -> String {
    let mut cells: Vec<String> = Vec::new();
    if table.rowid == Rowid::Hidden {
        cells.extend(schema::rowid_alias(table).map(str::to_owned));
    }
    for column in table.stored_columns() {
        let column = name::quote(&column.name);
        if utf16 {
            // As text the value would pass through a conversion to UTF-8 that repairs what is not
            // valid; as a blob it comes as it is stored.
            cells.push(format!("typeof({column})='text'"));
            cells.push(format!(
                "CASE typeof({column}) WHEN 'text' THEN CAST({column} AS BLOB) ELSE {column} END"
            ));
        } else {
            cells.push(column);
        }
    }
    let from = name::quote(&table.name);
    let (hint, order) = order_by(table);
    format!("SELECT {} FROM main.{from}{hint}{order}", cells.join(","))
}

/// What keeps the planner from another index than the table itself, and the order asked for.
fn order_by(table: &Table) -> (&'static str, String) {
    let hint = match table.kind {
        TableKind::Rowid => " NOT INDEXED",
        TableKind::WithoutRowid | TableKind::Virtual { .. } => "",
    };
    let order = match &table.rowid {
        Rowid::Hidden => schema::rowid_alias(table).map(str::to_owned),
        Rowid::Column(column) => Some(name::quote(column)),
        Rowid::None => key_order(table),
    };
    let order = order.map_or_else(String::new, |order| format!(" ORDER BY {order}"));
    (hint, order)
}

fn key_order(table: &Table) -> Option<String> {
    if table.kind != TableKind::WithoutRowid {
        return None;
    }
    let columns = table.primary_key.as_ref()?.columns.iter();
    let terms: Vec<String> = columns
        .map(|column| {
            format!(
                "{} COLLATE {}{}",
                name::quote(&column.column),
                name::quote(&column.collation),
                if column.descending { " DESC" } else { "" }
            )
        })
        .collect();
    Some(terms.join(","))
}

/// Prepares a statement; functions of the application that its table's schema calls are stood in for.
fn prepare<'c>(connection: &'c Connection, sql: &str) -> rusqlite::Result<Statement<'c>> {
    let mut tries = 0;
    loop {
        let error = match connection.prepare(sql) {
            Ok(statement) => return Ok(statement),
            Err(error) => error,
        };
        tries += 1;
        match unknown_function(&error.to_string()) {
            Some(function) if tries <= STAND_INS => stand_in_function(connection, function)?,
            _ => return Err(error),
        }
    }
}

/// The function's name in SQLite's two messages about unknown ones.
pub(super) fn unknown_function(message: &str) -> Option<&str> {
    for lead in ["unknown function: ", "no such function: "] {
        if let Some((_, rest)) = message.split_once(lead) {
            let end = rest.find("()").or(rest.find(" in "));
            return Some(rest[..end.unwrap_or(rest.len())].trim());
        }
    }
    None
}

#[cfg(test)]
mod tests;
