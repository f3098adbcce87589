//! Opening the source that a location names.

use crate::engine::sqlite::source::SqliteSource;
use crate::fault::{Code, Fault, Result};
use crate::location::Location;
use crate::progress::Watch;
use crate::seam::Source;

/// Opens a database and holds it still.
pub(super) fn open<'w>(location: &Location, watch: &'w dyn Watch) -> Result<Box<dyn Source + 'w>> {
    match location {
        Location::Sqlite(path) => Ok(Box::new(SqliteSource::open(path, watch)?)),
        Location::Postgres(_) => Err(Fault::new(
            Code::Locator,
            "PostgreSQL cannot be a source yet",
        )
        .at(location.shown())
        .hint("name an SQLite database: sqlite:PATH")),
    }
}
