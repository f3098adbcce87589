//! Opening a source so that not a byte of it changes, and letting go of it again.
//!
//! Knows files, locks and ways to open; knows no schema and no row. Three ways, tried in order:
//! an ordinary read-only connection; where a folder cannot be written or a transaction was cut
//! off, a private copy in which SQLite recovers; and, only when no sidecar holds anything, the
//! file alone without locks, checked at the end.

mod copy;
mod file;

use crate::engine::sqlite::failure::fault;
use crate::engine::sqlite::open::copy::PrivateCopy;
use crate::engine::sqlite::open::file::{Footprints, Header};
use crate::fault::{Code, Fault, Result};
use rusqlite::config::DbConfig;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::Null;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a lock of another program is waited for; tests do not wait.
const PATIENCE: Duration = if cfg!(test) {
    Duration::from_millis(20)
} else {
    Duration::from_secs(5)
};

/// A source held still: one connection within one read transaction.
#[derive(Debug)]
pub(super) struct Opened {
    connection: Option<Connection>,
    path: PathBuf,
    /// Before anything was opened.
    before: Footprints,
    /// When the snapshot had begun.
    begun: Footprints,
    header: Header,
    way: Way,
}

/// How a source was opened.
#[derive(Debug)]
enum Way {
    /// The file itself, under SQLite's locks.
    Locked,
    /// The file itself without locks, because nothing can be written beside it.
    Immutable,
    /// A copy of our own.
    Copied(#[expect(dead_code, reason = "removes the copy when dropped")] PrivateCopy),
}

impl Opened {
    /// Opens the database and begins its snapshot.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let path = file::resolve(path)?;
        let header = file::classify(&path)?;
        let before = Footprints::take(&path);
        let (connection, way) = connect(&path, &header, &before)?;
        Ok(Opened {
            connection: Some(connection),
            begun: match way {
                Way::Locked => Footprints::take(&path),
                Way::Immutable | Way::Copied(_) => before,
            },
            path,
            before,
            header,
            way,
        })
    }

    pub(super) fn connection(&self) -> Result<&Connection> {
        self.connection
            .as_ref()
            .ok_or_else(|| Fault::new(Code::Bug, "source was read after it was finished"))
    }

    /// Whether the database is in WAL mode, where SQLite itself does not say: without locks.
    pub(super) fn unlocked_wal(&self) -> Option<bool> {
        matches!(self.way, Way::Immutable).then_some(self.header.wal)
    }

    /// Ends the snapshot, and makes sure that it was one.
    pub(super) fn finish(&mut self) -> Result<()> {
        let changed = self.changed();
        self.release();
        let changed = changed || self.immutable_header_changed();
        if changed {
            return Err(Fault::new(
                Code::SourceChanged,
                "source changed while it was read",
            ));
        }
        Ok(())
    }

    /// Whether the file is another one than at the start although it should have been held still.
    pub(super) fn changed(&self) -> bool {
        match self.way {
            // A WAL may be copied back into the file while we read: SQLite keeps what we need.
            Way::Locked if self.header.wal => false,
            // Our lock keeps every writer from the file, if the file system honours locks.
            Way::Locked => Footprints::take(&self.path).main != self.begun.main,
            Way::Immutable => !Footprints::take(&self.path).same_content(&self.begun),
            Way::Copied(_) => false,
        }
    }

    /// The change counter tells of a commit within one tick of the file system's clock. Ordinary
    /// file I/O is safe here: the connection is closed, and had no locks.
    fn immutable_header_changed(&self) -> bool {
        matches!(self.way, Way::Immutable)
            && file::classify(&self.path).ok().as_ref() != Some(&self.header)
    }

    fn release(&mut self) {
        drop(self.connection.take());
        if matches!(self.way, Way::Locked) {
            tidy(&self.path, &self.before);
        }
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        if self.connection.is_some() {
            self.release();
        }
    }
}

fn connect(path: &Path, header: &Header, before: &Footprints) -> Result<(Connection, Way)> {
    let error = match attempt(path, OpenFlags::SQLITE_OPEN_READ_ONLY) {
        Ok(connection) => return Ok((connection, Way::Locked)),
        Err(error) => error,
    };
    let refused = error.sqlite_error_code();
    let cannot = |error| fault(error, "cannot open the database");
    match next_way(refused, header.wal, &Footprints::take(path)) {
        Some(NextWay::Copy) => {
            let copy = PrivateCopy::make(path)?;
            let connection = attempt(&copy.path, OpenFlags::SQLITE_OPEN_READ_WRITE)
                .map_err(|error| fault(error, "cannot recover the database in a private copy"))?;
            Ok((connection, Way::Copied(copy)))
        }
        Some(NextWay::Immutable) if Footprints::take(path).same_content(before) => {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
            let connection = attempt(Path::new(&immutable_uri(path)), flags).map_err(cannot)?;
            Ok((connection, Way::Immutable))
        }
        _ => Err(cannot(error)),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NextWay {
    Copy,
    Immutable,
}

/// What to try after an ordinary read-only connection was refused with `refused`.
///
/// `immutable=1` leaves sidecars unread: with content in one of them it would give old rows, or
/// half of a transaction, and say nothing.
fn next_way(refused: Option<ErrorCode>, wal: bool, found: &Footprints) -> Option<NextWay> {
    let cannot_write = matches!(
        refused,
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied)
    );
    if !cannot_write {
        return None;
    }
    if found.wal_has_content() || found.journal_has_content() {
        return Some(NextWay::Copy);
    }
    wal.then_some(NextWay::Immutable)
}

/// Opens, begins a read transaction, and reads, which is when SQLite takes its locks.
fn attempt(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, false)?;
    // A quoted name that no column has must be an error, not a string in every row.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.execute_batch(
        "PRAGMA cell_size_check=ON; PRAGMA mmap_size=0; PRAGMA query_only=ON; \
         PRAGMA ignore_check_constraints=ON;",
    )?;
    connection.collation_needed(stand_in_collation)?;
    connection.execute_batch("BEGIN")?;
    connection.query_row("SELECT count(*) FROM main.sqlite_schema", [], |_| Ok(()))?;
    Ok(connection)
}

/// Stands in for a collation of the application, so that tables keyed by it can be read. Rows come
/// in the order in which they are stored; nothing is sorted or compared by it.
pub(super) fn stand_in_collation(connection: &Connection, name: &str) -> rusqlite::Result<()> {
    connection.create_collation(name, |left: &str, right: &str| {
        left.as_bytes().cmp(right.as_bytes())
    })
}

/// Stands in for a function of the application, so that tables whose schema calls it can be read.
/// Its result is never seen: computed columns are not read.
pub(super) fn stand_in_function(connection: &Connection, name: &str) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function(name, -1, flags, |_| Ok(Null))
}

/// The URI of an absolute path, with every byte escaped that a URI could read otherwise.
fn immutable_uri(path: &Path) -> String {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(byte) {
            uri.push(char::from(*byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri.push_str("?immutable=1");
    uri
}

/// Removes the `-shm` and the empty `-wal` that a read-only connection makes and cannot remove.
///
/// SQLite does it itself when the last connection that may write closes, under an exclusive lock,
/// so nobody who came meanwhile loses anything. Only when there was neither before, and only
/// while the `-wal` is empty: there is then nothing that closing could write into the database.
fn tidy(path: &Path, before: &Footprints) {
    let now = Footprints::take(path);
    let ours = before.wal.is_none() && !before.shm;
    let left = now.shm || now.wal.is_some();
    if !ours || !left || now.wal_has_content() || now.journal_has_content() {
        return;
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let Ok(connection) = Connection::open_with_flags(path, flags) else {
        return;
    };
    // Being in the way of others is worse than leaving two scratch files behind.
    let read = connection.query_row("SELECT count(*) FROM main.sqlite_schema", [], |_| Ok(()));
    if read.is_err() || Footprints::take(path).wal_has_content() {
        let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
    }
}

#[cfg(test)]
mod tests;
