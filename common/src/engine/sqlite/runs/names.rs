//! What the files of a database's history are called: its record and its backups.
//!
//! All stand beside the database itself, where one rename can exchange them. Opens no file.

use crate::fault::{Code, Fault, Result};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// What SQLite keeps beside a database.
pub(in crate::engine::sqlite) const SIDE_FILES: [&str; 3] = ["-wal", "-journal", "-shm"];

/// Longest name of a database, in bytes: a name ends at 255, and a backup's has `.waybill-`, a UUID
/// and `-journal` behind it.
const LONGEST: usize = 255 - 9 - 36 - 8;

/// A database file, by the name that SQLite finds its side files by, and what stands beside it.
#[derive(Debug, Clone)]
pub(in crate::engine::sqlite) struct Names {
    path: PathBuf,
    folder: PathBuf,
}

impl Names {
    /// The names for the database at `path`. Links are followed, so a link stays one.
    pub(in crate::engine::sqlite) fn of(path: &Path) -> Result<Self> {
        let path = resolve(path)?;
        let (Some(name), Some(folder)) = (path.file_name(), path.parent()) else {
            let what = "the path does not name a file";
            return Err(Fault::new(Code::Locator, what).at(path.display()));
        };
        if name.len() > LONGEST {
            let what = "the file's name is too long: no backup could be named after it";
            let why = format!("it has {} bytes, {LONGEST} are possible", name.len());
            return Err(Fault::new(Code::TargetUnwritable, what)
                .because(why)
                .hint("choose a shorter name")
                .at(path.display()));
        }
        Ok(Names {
            folder: folder.to_owned(),
            path,
        })
    }

    /// The database.
    pub(in crate::engine::sqlite) fn database(&self) -> &Path {
        &self.path
    }

    /// The folder that holds all of it.
    pub(in crate::engine::sqlite) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The record of the runs.
    pub(super) fn record(&self) -> PathBuf {
        with_suffix(&self.path, ".waybill-runs")
    }

    /// What `run` has put aside.
    pub(super) fn backup(&self, run: &str) -> PathBuf {
        with_suffix(&self.path, &format!(".waybill-{run}"))
    }
}

/// The absolute path without links in it; what does not exist yet is named in its real folder.
fn resolve(path: &Path) -> Result<PathBuf> {
    let unreachable = |error: io::Error| {
        Fault::new(Code::TargetUnwritable, "cannot reach the target")
            .because(error)
            .at(path.display())
    };
    match fs::symlink_metadata(path) {
        Ok(_) => fs::canonicalize(path).map_err(unreachable),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let absolute = std::path::absolute(path).map_err(unreachable)?;
            let (Some(name), Some(folder)) = (absolute.file_name(), absolute.parent()) else {
                return Ok(absolute);
            };
            let folder = fs::canonicalize(folder).map_err(|error| {
                Fault::new(Code::TargetUnwritable, "cannot open the target's folder")
                    .because(error)
                    .at(folder.display())
            })?;
            Ok(folder.join(name))
        }
        Err(error) => Err(unreachable(error)),
    }
}

/// The path with `suffix` behind its name.
pub(in crate::engine::sqlite) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(OsStr::from_bytes(suffix.as_bytes()));
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_followed_and_a_new_file_is_named_in_its_real_folder() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        fs::create_dir(real.join("sub")).unwrap();
        fs::write(real.join("sub/a.db"), "").unwrap();
        std::os::unix::fs::symlink("sub/a.db", real.join("link.db")).unwrap();
        std::os::unix::fs::symlink("sub", real.join("here")).unwrap();
        std::os::unix::fs::symlink("nowhere", real.join("dead.db")).unwrap();
        let of = |name: &str| Names::of(&real.join(name));
        assert_eq!(of("link.db").unwrap().database(), real.join("sub/a.db"));
        let new = of("here/new.db").unwrap();
        assert_eq!(new.record(), real.join("sub/new.db.waybill-runs"));
        assert_eq!(new.backup("7"), real.join("sub/new.db.waybill-7"));
        let dead = of("dead.db").unwrap_err();
        assert_eq!(dead.code(), Code::TargetUnwritable);
    }

    #[test]
    fn a_name_leaves_room_for_the_longest_of_its_backup() {
        let folder = tempfile::tempdir().unwrap();
        let of = |length| Names::of(&folder.path().join("x".repeat(length)));
        let names = of(LONGEST).unwrap();
        let longest = with_suffix(&names.backup(&"0".repeat(36)), "-journal");
        assert_eq!(longest.file_name().map(OsStr::len), Some(255));
        let fault = of(LONGEST + 1).unwrap_err();
        assert_eq!(fault.code(), Code::TargetUnwritable);
    }
}
