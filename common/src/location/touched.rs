//! The files that a job reads or makes, which nothing else that it writes may replace.
//!
//! Compares files; opens and changes none.

use super::{ArchivePath, Location};
use crate::fault::{Code, Fault, Result};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// What SQLite keeps beside a database.
const SIDE_FILES: [&str; 3] = ["-wal", "-journal", "-shm"];

/// Files of one job.
#[derive(Debug, Clone, Default)]
pub struct TouchedFiles(Vec<PathBuf>);

impl TouchedFiles {
    /// Adds a database and what SQLite keeps beside it. A locator that is none adds nothing: the
    /// job itself refuses it.
    #[must_use]
    pub fn database(mut self, location: &Result<Location>) -> Self {
        if let Ok(Location::Sqlite(path)) = location {
            self.add_database(path);
            // SQLite keeps them beside the file that a link leads to.
            if let Ok(real) = path.canonicalize() {
                self.add_database(&real);
            }
        }
        self
    }

    /// Adds an archive; a pipe adds nothing.
    #[must_use]
    pub fn archive(mut self, archive: &Result<ArchivePath>) -> Self {
        if let Ok(ArchivePath::Path(path)) = archive {
            self.0.push(path.clone());
        }
        self
    }

    /// Adds any other file that the job reads.
    #[must_use]
    pub fn file(mut self, path: Option<&Path>) -> Self {
        self.0.extend(path.map(Path::to_owned));
        self
    }

    fn add_database(&mut self, path: &Path) {
        self.0.push(path.to_owned());
        for suffix in SIDE_FILES {
            let mut side = OsString::from(path);
            side.push(suffix);
            self.0.push(side.into());
        }
    }

    /// Refuses an `output` that is one of the files.
    pub fn refuse(&self, output: &Path) -> Result<()> {
        if !self.0.iter().any(|file| same(file, output)) {
            return Ok(());
        }
        let what = "the same command reads or makes this file otherwise";
        Err(Fault::new(Code::OutputExists, what)
            .at(output.display())
            .hint("choose another name for what is written"))
    }
}

/// Whether both name one file, which need not exist yet.
fn same(one: &Path, other: &Path) -> bool {
    let identity = |path| {
        let about = fs::metadata(path).ok()?;
        Some((about.dev(), about.ino()))
    };
    match (identity(one), identity(other)) {
        (Some(one), Some(other)) => one == other,
        _ => place(one).is_some_and(|place_of_one| Some(place_of_one) == place(other)),
    }
}

/// The folder without links, and the name in it.
fn place(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    Some(folder.canonicalize().ok()?.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_file_is_known_by_every_name_it_has() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("s.db"), "x").unwrap();
        fs::create_dir(path("sub")).unwrap();
        symlink(path("s.db"), path("link.db")).unwrap();
        symlink(folder.path(), path("here")).unwrap();
        fs::hard_link(path("s.db"), path("hard.db")).unwrap();
        let files = TouchedFiles::default().database(&Ok(Location::Sqlite(path("link.db"))));
        for name in [
            "s.db",
            "link.db",
            "hard.db",
            "sub/../s.db",
            "here/s.db",
            "s.db-wal",
            "here/s.db-journal",
            "link.db-shm",
        ] {
            let fault = files.refuse(&path(name)).unwrap_err();
            assert_eq!(fault.code(), Code::OutputExists, "{name}");
        }
        for name in ["other.db", "sub/s.db", "s.db.json", "no/such/s.db"] {
            assert!(files.refuse(&path(name)).is_ok(), "{name}");
        }
    }

    #[test]
    fn a_file_that_does_not_exist_yet_is_known_by_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let archive = ArchivePath::Path(folder.path().join("a"));
        let target = Location::Sqlite(folder.path().join("t.db"));
        let files = TouchedFiles::default()
            .archive(&Ok(archive))
            .database(&Ok(target));
        for name in ["a", "./a", "t.db", "t.db-wal"] {
            assert!(files.refuse(&folder.path().join(name)).is_err(), "{name}");
        }
        assert!(files.refuse(&folder.path().join("b")).is_ok());
        let map = TouchedFiles::default().file(Some(&folder.path().join("m.toml")));
        assert!(map.refuse(&folder.path().join("./m.toml")).is_err());
        let none = TouchedFiles::default()
            .file(None)
            .archive(&Ok(ArchivePath::Pipe));
        assert!(none.refuse(Path::new("-")).is_ok());
    }
}
