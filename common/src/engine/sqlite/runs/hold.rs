//! Holding a database still, alone, with all of its rows in the one file.
//!
//! While it is held nobody else reads or writes it, and its log is empty; so the file alone is the
//! database, and may be moved.

use crate::digest::{Digest, Hasher};
use crate::engine::sqlite::open::stand_in_collation;
use crate::engine::sqlite::runs::holders;
use crate::engine::sqlite::runs::names::{SIDE_FILES, with_suffix};
use crate::engine::sqlite::runs::record::Identity;
use crate::fault::{Code, Fault, Result};
use crate::progress::Watch;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Time between two tries to get the lock.
const PACE: Duration = Duration::from_millis(50);

/// Bytes that are read at once.
const CHUNK: usize = 1 << 20;

/// A database that nobody else can use.
///
/// The fields are dropped in this order: closing any descriptor of a file drops all locks that the
/// process has on it, so the connection must be the first to go.
#[derive(Debug)]
pub(super) struct Hold {
    connection: Connection,
    reader: File,
    path: PathBuf,
}

/// Why a try to hold a database has failed.
enum Refusal {
    /// Others use it: the reason, and which programs, as far as that is known.
    Busy(rusqlite::Error),
    Open(Vec<String>),
    Final(Fault),
}

impl Hold {
    /// Takes the database at `path`, waiting for others as long as `patience`.
    pub(super) fn take(path: &Path, patience: Duration, watch: &dyn Watch) -> Result<Self> {
        let end = Instant::now() + patience;
        loop {
            let refusal = match Hold::attempt(path) {
                Ok(hold) => return Ok(hold),
                Err(Refusal::Final(fault)) => return Err(fault.at(path.display())),
                Err(refusal) => refusal,
            };
            if watch.stopped() {
                return Err(Fault::interrupted());
            }
            if Instant::now() >= end {
                return Err(busy(refusal).at(path.display()));
            }
            std::thread::sleep(PACE);
        }
    }

    fn attempt(path: &Path) -> Result<Self, Refusal> {
        let before = Identity::of(path);
        let reader = File::open(path).map_err(|error| {
            let what = "cannot open the database";
            Refusal::Final(Fault::new(Code::TargetUnwritable, what).because(error))
        })?;
        let connection = match lock(path) {
            Ok(connection) => connection,
            Err(error) => return Err(refusal(error)),
        };
        let hold = Hold {
            connection,
            reader,
            path: path.to_owned(),
        };
        // Another import may have put a new file here while we waited for the old one's lock.
        if Identity::of(path) != before {
            return Err(Refusal::Open(Vec::new()));
        }
        let others = holders::of(path);
        if others.is_empty() {
            Ok(hold)
        } else {
            Err(Refusal::Open(others))
        }
    }

    /// For reading it: within the transaction that holds it.
    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// SHA-256 of the file.
    pub(super) fn sha256(&mut self, watch: &dyn Watch) -> Result<Digest> {
        sha256(&mut self.reader, watch).map_err(|fault| fault.at(self.path.display()))
    }

    /// Makes sure that the file is all there is: on the disk, and without side files, which SQLite
    /// would take for those of the next file of this name.
    pub(super) fn seal(&mut self, folder: &File) -> Result<()> {
        let failed = |what: &'static str| Fault::new(Code::TargetUnwritable, what);
        // Closing must not touch the log by its name: it may be that of the next file then.
        self.connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
            .map_err(|error| failed("cannot hold the database").because(error))?;
        self.reader
            .sync_all()
            .map_err(|error| failed("cannot write the database to disk").because(error))?;
        let log = with_suffix(&self.path, "-wal");
        if fs::symlink_metadata(&log).is_ok_and(|log| log.len() > 0) {
            let what = "the write-ahead log of the database still holds something";
            return Err(failed(what).at(log.display()));
        }
        for suffix in SIDE_FILES {
            let side = with_suffix(&self.path, suffix);
            match fs::remove_file(&side) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    let what = "cannot remove the empty side file of the database";
                    return Err(failed(what).because(error).at(side.display()));
                }
                _ => {}
            }
        }
        folder.sync_all().map_err(|error| {
            failed("cannot write the folder of the database to disk").because(error)
        })
    }
}

/// SHA-256 of all of a file.
pub(super) fn sha256(file: &mut File, watch: &dyn Watch) -> Result<Digest> {
    let unreadable =
        |error| Fault::new(Code::TargetUnwritable, "cannot read the file").because(error);
    file.rewind().map_err(unreadable)?;
    let mut all = Hasher::default();
    let mut buffer = vec![0; CHUNK];
    loop {
        if watch.stopped() {
            return Err(Fault::interrupted());
        }
        match file.read(&mut buffer) {
            Ok(0) => return Ok(all.finish()),
            Ok(read) => all.update(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(error)),
        }
        watch.advance(0, CHUNK as u64);
    }
}

/// Opens the database, which recovers what an interrupted program left; takes its exclusive lock;
/// and brings all of the log into the file.
fn lock(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::ZERO)?;
    for (setting, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, false),
    ] {
        connection.set_db_config(setting, on)?;
    }
    connection.collation_needed(stand_in_collation)?;
    if fs::metadata(path).is_ok_and(|file| file.len() == 0) {
        // SQLite prepares a first page, and would remove the journal for it, by its name, at the end:
        // which may be that of the next file then.
        connection.execute_batch("PRAGMA main.journal_mode = MEMORY")?;
    }
    // In this mode BEGIN EXCLUSIVE keeps everybody out in WAL mode, too, and ROLLBACK keeps the lock;
    // COMMIT would write a first page into an empty file.
    connection.execute_batch(
        "PRAGMA mmap_size = 0; PRAGMA cell_size_check = ON; PRAGMA main.locking_mode = EXCLUSIVE;
         BEGIN EXCLUSIVE; ROLLBACK;",
    )?;
    let left: i64 =
        connection.query_row("PRAGMA main.wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if left != 0 {
        let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
        return Err(rusqlite::Error::SqliteFailure(busy, None));
    }
    connection.execute_batch("BEGIN; SELECT count(*) FROM main.sqlite_schema")?;
    Ok(connection)
}

fn refusal(error: rusqlite::Error) -> Refusal {
    let what = match error.sqlite_error_code() {
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::FileLockingProtocolFailed,
        ) => return Refusal::Busy(error),
        Some(ErrorCode::NotADatabase) => "the file is not an SQLite database",
        Some(ErrorCode::DatabaseCorrupt) => "the database is damaged",
        _ => {
            let what = "cannot take the database for itself";
            return Refusal::Final(Fault::new(Code::TargetUnwritable, what).because(error));
        }
    };
    let fault = Fault::new(Code::TargetFileExists, what).because(error);
    Refusal::Final(fault.hint("nothing but a sound SQLite database is put aside: move the file away by hand, or choose another name"))
}

fn busy(refusal: Refusal) -> Fault {
    let fault = Fault::new(Code::LockTimeout, "the database is in use");
    let fault = match refusal {
        Refusal::Busy(error) => fault.because(error),
        Refusal::Open(others) if !others.is_empty() => {
            fault.because(format!("open in {}", others.join(", ")))
        }
        Refusal::Open(_) | Refusal::Final(_) => fault,
    };
    fault.hint("stop the programs that use it, or wait longer with --lock-wait-timeout, and run the same command again")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Unwatched;

    fn database(journal: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let connection = Connection::open(&path).unwrap();
        let sql =
            format!("PRAGMA journal_mode = {journal}; CREATE TABLE t(a); INSERT INTO t VALUES (1)");
        connection.execute_batch(&sql).unwrap();
        drop(connection);
        (folder, path)
    }

    /// Another test that starts a program lends it our open files until it has begun.
    fn take(path: &Path) -> Result<Hold> {
        Hold::take(path, Duration::from_secs(1), &Unwatched)
    }

    #[test]
    fn nobody_reads_or_writes_what_is_held() {
        for journal in ["DELETE", "WAL", "PERSIST", "TRUNCATE"] {
            let (_folder, path) = database(journal);
            let before = fs::read(&path).unwrap();
            let mut hold = take(&path).unwrap();
            assert_eq!(hold.sha256(&Unwatched).unwrap(), Digest::of(&before));
            // SQLite knows of the locks of its own process, and would not ask the system.
            for sql in ["SELECT * FROM t", "INSERT INTO t VALUES (2)"] {
                let other = Connection::open(&path).unwrap();
                other.busy_timeout(Duration::ZERO).unwrap();
                let error = other.execute_batch(sql).unwrap_err();
                assert_eq!(
                    error.sqlite_error_code(),
                    Some(ErrorCode::DatabaseBusy),
                    "{journal}"
                );
            }
            let folder = File::open(path.parent().unwrap()).unwrap();
            hold.seal(&folder).unwrap();
            for suffix in SIDE_FILES {
                assert!(!with_suffix(&path, suffix).exists(), "{journal} {suffix}");
            }
            drop(hold);
            assert_eq!(fs::read(&path).unwrap(), before, "{journal}");
        }
    }

    /// The connection closes after the exchange of names, when these may be the next file's.
    #[test]
    fn closing_touches_no_side_file_by_its_name() {
        for journal in ["DELETE", "WAL", "PERSIST", "TRUNCATE", "EMPTY"] {
            let (_folder, path) = database(journal);
            if journal == "EMPTY" {
                fs::write(&path, "").unwrap();
            }
            let mut hold = take(&path).unwrap();
            let folder = File::open(path.parent().unwrap()).unwrap();
            hold.seal(&folder).unwrap();
            fs::rename(&path, path.with_file_name("aside.db")).unwrap();
            let next = ["", "-wal", "-journal", "-shm"].map(|suffix| with_suffix(&path, suffix));
            for file in &next {
                fs::write(file, "next").unwrap();
            }
            drop(hold);
            for file in &next {
                assert_eq!(
                    fs::read(file).unwrap(),
                    b"next",
                    "{journal} {}",
                    file.display()
                );
            }
        }
    }

    #[test]
    fn a_database_in_use_is_not_taken() {
        for (journal, sql) in [
            ("DELETE", "BEGIN IMMEDIATE"),
            ("DELETE", "BEGIN; SELECT * FROM t"),
            ("WAL", "BEGIN IMMEDIATE"),
            ("WAL", "SELECT * FROM t"),
        ] {
            let (_folder, path) = database(journal);
            let other = Connection::open(&path).unwrap();
            other.execute_batch(sql).unwrap();
            let fault = take(&path).unwrap_err();
            assert_eq!(fault.code(), Code::LockTimeout, "{journal} {sql}");
            drop(other);
            take(&path).unwrap();
        }
    }

    #[test]
    fn what_is_in_the_log_is_brought_into_the_file() {
        let (_folder, path) = database("WAL");
        let writer = Connection::open(&path).unwrap();
        writer
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
            .unwrap();
        writer.execute_batch("INSERT INTO t VALUES (2)").unwrap();
        drop(writer);
        assert!(fs::metadata(with_suffix(&path, "-wal")).unwrap().len() > 0);
        let mut hold = take(&path).unwrap();
        hold.seal(&File::open(path.parent().unwrap()).unwrap())
            .unwrap();
        drop(hold);
        let alone = path.with_file_name("b.db");
        fs::rename(&path, &alone).unwrap();
        let rows: i64 = Connection::open(&alone)
            .unwrap()
            .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
            .unwrap();
        assert_eq!(rows, 2);
    }

    #[test]
    fn what_is_no_sound_database_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        fs::write(&path, "Dear reader, ".repeat(1000)).unwrap();
        assert_eq!(take(&path).unwrap_err().code(), Code::TargetFileExists);
        fs::write(&path, "").unwrap();
        take(&path).unwrap();
        let (_folder, path) = database("DELETE");
        let mut bytes = fs::read(&path).unwrap();
        bytes[100..200].fill(0xff);
        fs::write(&path, bytes).unwrap();
        assert_eq!(take(&path).unwrap_err().code(), Code::TargetFileExists);
    }
}
