//! Opening the new file, and what belongs to the database as a whole.

use crate::engine::sqlite::name;
use crate::engine::sqlite::target::failure::fault;
use crate::fault::{Code, Fault, Mismatch, Result};
use crate::model::schema::{Encoding, Facts, Schema};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;

/// Runs statements of our own.
pub(super) fn run(connection: &Connection, sql: &str, what: &'static str) -> Result<()> {
    connection
        .execute_batch(sql)
        .map_err(|error| fault(error, what))
}

/// The path is absolute, so that no name is read as a URI.
pub(super) fn open(database: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(database, flags)
        .map_err(|error| fault(error, "cannot open the new database file"))
}

/// Sets what belongs to the file, and what makes loading safe and fast: nobody else sees the file,
/// so it needs no journal on disk, and it is written to disk as a whole at the end.
///
/// The cache stays small: it also bounds what is sorted at once for an index, on each thread, and
/// 2 MB of that sort faster than 16.
pub(super) fn configure(connection: &Connection, facts: &Facts, jobs: usize) -> Result<()> {
    let what = "cannot set up the new database file";
    let encoding = match facts.encoding {
        Encoding::Utf8 => "UTF-8",
        Encoding::Utf16le => "UTF-16le",
        Encoding::Utf16be => "UTF-16be",
    };
    let sql = format!(
        "PRAGMA page_size = {}; PRAGMA encoding = '{encoding}'; PRAGMA auto_vacuum = {};
         PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF;
         PRAGMA trusted_schema = OFF; PRAGMA ignore_check_constraints = ON;
         PRAGMA cache_size = -2000; PRAGMA threads = {jobs};",
        facts.page_size, facts.auto_vacuum
    );
    run(connection, &sql, what)?;
    for (setting, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        // Old schemas write strings in double quotes.
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, true),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, true),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, false),
    ] {
        connection
            .set_db_config(setting, on)
            .map_err(|error| fault(error, what))?;
    }
    Ok(())
}

/// Turns on the write-ahead log, as the last thing before the file is closed.
///
/// SQLite answers with the mode that it kept, and calls it no error when that is another one.
pub(super) fn write_ahead(connection: &Connection) -> Result<()> {
    let what = "cannot finish the new file";
    // Alone with the file SQLite needs no -shm, and closing removes the empty -wal.
    run(connection, "PRAGMA locking_mode = EXCLUSIVE", what)?;
    let kept: String = connection
        .query_row("PRAGMA main.journal_mode = WAL", [], |row| row.get(0))
        .map_err(|error| fault(error, what))?;
    if kept.eq_ignore_ascii_case("wal") {
        return Ok(());
    }
    let what = "SQLite does not take the journal mode of the archive";
    Err(Fault::new(Code::ContentDiffers, what).because(Mismatch::new("wal", kept)))
}

/// Puts the rows of `sqlite_sequence` in place of those that the load has left there.
pub(super) fn sequences(connection: &Connection, schema: &Schema) -> Result<()> {
    let what = "cannot restore the sequences";
    let counted = schema.tables.iter().any(|table| table.autoincrement);
    if !counted && schema.sequences.is_empty() {
        return Ok(());
    }
    if !counted {
        // The table is there although nobody counts any more: one that did was dropped.
        let taken = |name: &str| schema.table(name).is_some();
        let name = (0..=u32::MAX)
            .map(|number| format!("waybill_{number}"))
            .find(|name| !taken(name));
        let name = name::quote(&name.unwrap_or_default());
        let sql = format!(
            "CREATE TABLE main.{name} (id INTEGER PRIMARY KEY AUTOINCREMENT); DROP TABLE main.{name}"
        );
        run(connection, &sql, what)?;
    }
    run(connection, "DELETE FROM main.sqlite_sequence", what)?;
    let sql = "INSERT INTO main.sqlite_sequence (name, seq) VALUES (?1, ?2)";
    let mut insert = connection
        .prepare(sql)
        .map_err(|error| fault(error, what))?;
    for sequence in &schema.sequences {
        insert
            .execute((&sequence.table, sequence.value))
            .map_err(|error| fault(error, what))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The archive said WAL, the new file had a rollback journal, and the import said success.
    #[test]
    fn a_journal_mode_that_sqlite_does_not_take_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = Connection::open(folder.path().join("a.db")).unwrap();
        write_ahead(&file).unwrap();
        // A database in memory has no log.
        let memory = Connection::open_in_memory().unwrap();
        let fault = write_ahead(&memory).unwrap_err();
        assert_eq!(fault.code(), Code::ContentDiffers);
    }
}
