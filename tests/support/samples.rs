//! Sample databases, made anew for each test.

use rusqlite::Connection;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

#[path = "../../scripts/samples/shop/build.rs"]
mod shop_build;
#[path = "../../scripts/samples/shop/quirks.rs"]
mod shop_quirks;

/// A database file in a folder of its own, removed with it.
pub(crate) struct Sample {
    /// The file.
    pub(crate) path: PathBuf,
    _folder: TempDir,
}

/// Makes a database with `build`.
pub(crate) fn sample(
    name: &str,
    build: impl FnOnce(&Connection) -> rusqlite::Result<()>,
) -> Sample {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    let connection = Connection::open(&path).expect("a new file");
    build(&connection).expect("the sample can be made");
    connection.close().expect("the sample is complete");
    Sample {
        path,
        _folder: folder,
    }
}

/// The sample shop: every value fits into PostgreSQL.
pub(crate) fn shop() -> Sample {
    sample("shop.db", shop_build::build)
}

/// What only SQLite can hold.
pub(crate) fn quirks() -> Sample {
    sample("quirks.db", shop_quirks::build)
}

/// A small database, for tests that make thousands of mutants of its archive.
pub(crate) fn tiny() -> Sample {
    sample("tiny.db", |connection| {
        connection.execute_batch(
            "CREATE TABLE pet(id INTEGER PRIMARY KEY, name TEXT NOT NULL);
             INSERT INTO pet VALUES (1, 'Mia'), (2, 'Oskar');",
        )
    })
}

/// The databases in `../shared/data`, if that folder is beside the checkout.
pub(crate) fn foreign_databases() -> Option<Vec<PathBuf>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()?
        .join("shared/data");
    let mut databases: Vec<PathBuf> = std::fs::read_dir(folder)
        .ok()?
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "db"))
        .collect();
    databases.sort();
    Some(databases)
}
