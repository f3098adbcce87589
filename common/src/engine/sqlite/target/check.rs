//! Whether the new file holds the rows that were sent, value by value: it is read back as a source.

use crate::digest::Multiset;
use crate::engine::sqlite::runs::Summing;
use crate::engine::sqlite::source::read_table;
use crate::engine::sqlite::target::failure::fault;
use crate::fault::{Code, Fault, Mismatch, Result};
use crate::model::schema::{Schema, Table};
use crate::progress::Watch;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What is to be compared.
#[derive(Clone, Copy)]
pub(super) struct Sent<'a> {
    pub(super) schema: &'a Schema,
    /// Positions of the tables, those with most rows first.
    pub(super) tables: &'a [usize],
    /// What was sent to each table of the schema.
    pub(super) sums: &'a [Multiset],
}

/// Compares every table, on so many threads, while this one runs `meanwhile`.
pub(super) fn contents(
    database: &Path,
    sent: Sent<'_>,
    threads: usize,
    watch: &dyn Watch,
    meanwhile: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads)
            .map(|_| scope.spawn(|| compare(database, sent, &next, watch)))
            .collect();
        let mut result = meanwhile().and_then(|()| compare(database, sent, &next, watch));
        for other in others {
            let compared = other
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            result = result.and(compared);
        }
        result
    })
}

/// Makes sure that SQLite finds no damage in the file's structure.
pub(super) fn structure(connection: &Connection) -> Result<()> {
    let verdict: String = connection
        .query_row("PRAGMA main.quick_check(1)", [], |row| row.get(0))
        .map_err(|error| fault(error, "cannot check the new file"))?;
    if verdict == "ok" {
        return Ok(());
    }
    Err(Fault::new(Code::ContentDiffers, "SQLite finds the new file damaged").because(verdict))
}

/// Takes one table after the other until none is left.
fn compare(database: &Path, sent: Sent<'_>, next: &AtomicUsize, watch: &dyn Watch) -> Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(database, flags)
        .map_err(|error| fault(error, "cannot open the new file to read it back"))?;
    let encoding = sent.schema.facts.encoding;
    while let Some(index) = sent.tables.get(next.fetch_add(1, Ordering::Relaxed)) {
        let table = &sent.schema.tables[*index];
        watch.table(&table.name);
        let mut summing = Summing::new(watch);
        read_table(&connection, encoding, table, watch, &mut summing)
            .map_err(|fault| unreadable(fault).in_table(&table.name))?;
        agree(table, &sent.sums[*index], &summing.finish())?;
    }
    Ok(())
}

/// The reader blames a source, but this is our own file.
fn unreadable(fault: Fault) -> Fault {
    match fault.code() {
        Code::Interrupted => fault,
        _ => Fault::new(Code::ContentDiffers, "new file cannot be read back").because(fault),
    }
}

fn agree(table: &Table, sent: &Multiset, found: &Multiset) -> Result<()> {
    if sent == found {
        return Ok(());
    }
    let what = "new file does not hold the rows that were sent";
    let fault = Fault::new(Code::ContentDiffers, what).in_table(&table.name);
    Err(if sent.rows == found.rows {
        fault.because("as many rows, but not the same values")
    } else {
        fault.because(Mismatch::new(sent.rows, found.rows))
    })
}
