//! What SQLite holds and hardly any other database can: all storage classes in one column, text
//! that is not Unicode, NUL in text, odd rowids, empty names.

use rusqlite::{Connection, Result};

/// Makes tables, rows and other objects in the empty database behind `connection`.
pub(crate) fn build(connection: &Connection) -> Result<()> {
    connection.execute_batch(include_str!("quirks.sql"))
}
