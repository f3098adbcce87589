//! What a source's files are, told from outside SQLite.
//!
//! Reads them with ordinary file I/O, so it must run only while this process has no connection to
//! the same database: closing any descriptor of a file drops all of a process's locks on it.

use crate::fault::{Code, Fault, Result};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The first bytes of every SQLite database.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Bytes looked at to say what a foreign file is.
const SAMPLE: usize = 4096;

/// A database file as it stood at one moment, without its sidecars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    /// In WAL mode.
    pub(super) wal: bool,
    page_size: u64,
    change_counter: u32,
    /// Pages the header tells, when a writer has kept that number.
    pages: Option<u64>,
}

/// Size, time and identity of a file; `None` where there is no file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Footprint {
    pub(super) size: u64,
    modified: (i64, i64),
    identity: (u64, u64),
}

/// A database with its sidecars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Footprints {
    pub(super) main: Option<Footprint>,
    pub(super) wal: Option<Footprint>,
    pub(super) journal: Option<Footprint>,
    pub(super) shm: bool,
}

impl Footprints {
    /// Asks the file system, opening nothing: this alone is safe beside an open connection.
    pub(super) fn take(path: &Path) -> Self {
        Footprints {
            main: footprint(path),
            wal: footprint(&sidecar(path, "-wal")),
            journal: footprint(&sidecar(path, "-journal")),
            shm: footprint(&sidecar(path, "-shm")).is_some(),
        }
    }

    pub(super) fn wal_has_content(&self) -> bool {
        self.wal.is_some_and(|wal| wal.size > 0)
    }

    pub(super) fn journal_has_content(&self) -> bool {
        self.journal.is_some_and(|journal| journal.size > 0)
    }

    /// Whether database, `-wal` and `-journal` are as they were; `-shm` is scratch memory.
    pub(super) fn same_content(&self, earlier: &Footprints) -> bool {
        let filled = |file: Option<Footprint>| file.filter(|file| file.size > 0);
        self.main == earlier.main
            && filled(self.wal) == filled(earlier.wal)
            && filled(self.journal) == filled(earlier.journal)
    }
}

fn footprint(path: &Path) -> Option<Footprint> {
    let found = fs::metadata(path).ok()?;
    Some(Footprint {
        size: found.size(),
        modified: (found.mtime(), found.mtime_nsec()),
        identity: (found.dev(), found.ino()),
    })
}

/// The file beside the database whose name ends in `suffix`.
pub(super) fn sidecar(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The absolute path that SQLite, too, will find sidecars by, links resolved.
pub(super) fn resolve(path: &Path) -> Result<PathBuf> {
    fs::canonicalize(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Fault::new(Code::SourceMissing, "file does not exist"),
        _ => Fault::new(Code::SourceUnreadable, "cannot reach the file").because(error),
    })
}

/// Reads the header; refuses what is no SQLite database, and what is only the beginning of one.
pub(super) fn classify(path: &Path) -> Result<Header> {
    let unreadable = |error: io::Error| {
        Fault::new(Code::SourceUnreadable, "cannot read the file").because(error)
    };
    let found = fs::metadata(path).map_err(unreadable)?;
    if found.is_dir() {
        return Err(foreign("it is a folder, not a file"));
    }
    if !found.is_file() {
        return Err(foreign("it is a device or pipe, not a file"));
    }
    let first = sample(path).map_err(unreadable)?;
    let header = header(&first)?;
    // A writer in the middle of a commit has a journal, and a WAL may hold what the file lacks.
    // Asked in this order: whoever commits in between is seen by one of the two.
    let sidecars = Footprints::take(path);
    let size = sidecars.main.map_or(0, |main| main.size);
    let whole = header
        .pages
        .is_none_or(|pages| size >= pages.saturating_mul(header.page_size));
    if whole || sidecars.wal_has_content() || sidecars.journal_has_content() {
        return Ok(header);
    }
    if sample(path).map_err(unreadable)? != first {
        return Ok(header);
    }
    Err(
        Fault::new(Code::SourceDamaged, "file is cut off: its end is missing").because(format!(
            "its header tells {} bytes, the file has {size}",
            header
                .pages
                .unwrap_or_default()
                .saturating_mul(header.page_size)
        )),
    )
}

fn sample(path: &Path) -> io::Result<Vec<u8>> {
    let mut first = Vec::new();
    File::open(path)?
        .take(SAMPLE as u64)
        .read_to_end(&mut first)?;
    Ok(first)
}

fn foreign(what: &'static str) -> Fault {
    Fault::new(Code::SourceForeign, what)
}

fn header(first: &[u8]) -> Result<Header> {
    if first.is_empty() {
        return Err(foreign("the file is empty"));
    }
    let Some(header) = first.first_chunk::<100>().filter(|h| h.starts_with(MAGIC)) else {
        return Err(stranger(first));
    };
    let number = |at: usize| {
        u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    let page_size = match u64::from(u16::from_be_bytes([header[16], header[17]])) {
        1 => 65536,
        size if size >= 512 && size.is_power_of_two() => size,
        size => {
            let damaged = Fault::new(Code::SourceDamaged, "header tells an impossible page size");
            return Err(damaged.because(format!("{size} bytes")));
        }
    };
    // The schema's format; it has been 4 since 2006, and is 0 while there is no table.
    let format = number(44);
    if format > 4 {
        let newer = foreign("the database's format is newer than this program reads")
            .hint("install a newer version of Waybill");
        return Err(newer.because(format!(
            "its schema format is {format}, 4 is the newest known"
        )));
    }
    // Versions before 3.7.0 left the number of pages alone and counted changes only.
    let counted = number(24) == number(92) && number(28) > 0;
    Ok(Header {
        wal: header[19] == 2,
        page_size,
        change_counter: number(24),
        pages: counted.then(|| u64::from(number(28))),
    })
}

/// What a file is that does not begin as an SQLite database does.
fn stranger(first: &[u8]) -> Fault {
    let printable =
        |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace() || *byte > 127;
    // The sample may end within a character.
    let text = match std::str::from_utf8(first) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    if first.starts_with(MAGIC) {
        let what = "file is cut off: not even its header is whole";
        return Fault::new(Code::SourceDamaged, what);
    }
    if text && first.iter().all(printable) {
        return foreign("file is text, not an SQLite database");
    }
    if looks_random(first) {
        return foreign("file is not an SQLite database; it looks encrypted or compressed");
    }
    foreign("file is not an SQLite database")
}

/// Whether bytes are spread as evenly as only encryption and compression spread them.
fn looks_random(bytes: &[u8]) -> bool {
    if bytes.len() < 512 {
        return false;
    }
    let mut counts = [0_u32; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    // Sum of squares over its expectation for even bytes: about 1 for noise, 3 and more for data.
    let squares: u64 = counts.iter().map(|count| u64::from(*count).pow(2)).sum();
    let length = bytes.len() as u64;
    let expected = length * length / 256 + length;
    squares < expected + expected / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(bytes: &[u8]) -> (Code, String) {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), bytes).unwrap();
        let fault = classify(file.path()).expect_err("must be refused");
        (fault.code(), fault.what().to_owned())
    }

    #[test]
    fn foreign_files_are_told_by_what_they_are() {
        let foreign = |bytes: &[u8]| {
            let (code, what) = refusal(bytes);
            assert_eq!(code, Code::SourceForeign);
            what
        };
        assert_eq!(foreign(b""), "the file is empty");
        assert_eq!(
            foreign("CREATE TABLE t(a); -- ü\n".as_bytes()),
            "file is text, not an SQLite database"
        );
        let mut state = 1_u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            state.to_be_bytes()[0]
        })
        .take(4096)
        .collect();
        assert_eq!(
            foreign(&noise),
            "file is not an SQLite database; it looks encrypted or compressed"
        );
        assert_eq!(foreign(&[0; 4096]), "file is not an SQLite database");
        assert_eq!(
            foreign(b"\x7fELF\x02\x01\0\0"),
            "file is not an SQLite database"
        );
    }

    #[test]
    fn a_folder_and_a_missing_file_are_no_databases() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(
            classify(folder.path()).unwrap_err().code(),
            Code::SourceForeign
        );
        let missing = resolve(&folder.path().join("none.db")).unwrap_err();
        assert_eq!(missing.code(), Code::SourceMissing);
    }

    #[test]
    fn a_database_without_its_end_is_damaged_wherever_it_is_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection
            .execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES(zeroblob(20000))")
            .unwrap();
        drop(connection);
        let whole = fs::read(&path).unwrap();
        assert!(classify(&path).is_ok());
        for end in [16, 99, 100, 4096, whole.len() - 1] {
            assert_eq!(
                refusal(&whole[..end]).0,
                Code::SourceDamaged,
                "cut at {end}"
            );
        }
        let mut odd = whole.clone();
        odd[16..18].copy_from_slice(&[0x30, 0x39]);
        assert_eq!(refusal(&odd).0, Code::SourceDamaged);
        // Its reader was told to check the permissions of the file.
        let mut newer = whole;
        newer[47] = 9;
        let newer = refusal(&newer);
        let what = "the database's format is newer than this program reads";
        assert_eq!(newer, (Code::SourceForeign, what.to_owned()));
    }
}
