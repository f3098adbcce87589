//! Where the new file grows, and how it gets its name.
//!
//! A private folder beside the target holds the file and whatever SQLite puts beside it. A lock on
//! the folder lives as long as its maker: what a killed run left can be told from what a running
//! one needs. Knows no SQL.

use crate::engine::sqlite::runs::{SIDE_FILES, rename_new, with_suffix};
use crate::fault::{Code, Fault, Result};
use rustix::fs::{FlockOperation, OFlags};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The database within the folder.
const DATABASE: &str = "database";
/// Letters and digits at the end of the folder's name.
const RANDOM_LENGTH: usize = 12;
/// How much of the target's name stands in the folder's name, in bytes: names end at 255.
const NAME_LENGTH: usize = 200;

/// A private folder beside the target, removed when dropped.
#[derive(Debug)]
pub(super) struct Place {
    target: PathBuf,
    folder: TempDir,
    /// The target's folder, opened before anything is made: one that cannot be opened cannot be
    /// written to disk after the rename either.
    parent: File,
    /// Held open for its lock.
    _lock: Option<File>,
}

impl Place {
    /// Makes sure that nothing stands at `target`, removes what killed runs left, and makes the folder.
    pub(super) fn make(target: &Path) -> Result<Self> {
        Place::refuse(target)?;
        Place::beside(target)
    }

    /// Refuses what stands at `target` or beside it.
    pub(super) fn refuse(target: &Path) -> Result<()> {
        refuse_existing(target)
    }

    /// The same beside what stands at `target`.
    pub(super) fn beside(target: &Path) -> Result<Self> {
        let target = std::path::absolute(target)
            .map_err(|error| unwritable("cannot find the current folder").because(error))?;
        let (Some(name), Some(parent)) = (target.file_name(), target.parent()) else {
            let what = "the path does not name a file";
            return Err(Fault::new(Code::Locator, what).at(target.display()));
        };
        let opened = File::open(parent).map_err(|error| {
            unwritable("cannot open the target's folder")
                .because(error)
                .at(parent.display())
        })?;
        let prefix = prefix(name);
        remove_leftovers(parent, &prefix);
        let (folder, lock) = make_folder(parent, &prefix)?;
        let place = Place {
            folder,
            parent: opened,
            _lock: lock,
            target,
        };
        // SQLite would create it with the permissions that the umask leaves.
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(place.database())
            .map_err(|error| unwritable("cannot create the new database file").because(error))?;
        Ok(place)
    }

    /// The new file, until it is published.
    pub(super) fn database(&self) -> PathBuf {
        self.folder.path().join(DATABASE)
    }

    /// Makes sure that the file is on the disk.
    pub(super) fn sync(&self) -> Result<()> {
        File::open(self.database())
            .and_then(|file| file.sync_all())
            .map_err(|error| {
                unwritable("cannot write the new database file to disk").because(error)
            })
    }

    /// Gives the file owner and permissions of the one that it replaces, as far as it may.
    pub(super) fn take_after(&self, older: &Path) -> Result<()> {
        let failed = |error: io::Error| {
            unwritable("cannot give the new database file the permissions of the older one")
                .because(error)
        };
        let older = fs::metadata(older).map_err(failed)?;
        let database = self.database();
        let new = fs::metadata(&database).map_err(failed)?;
        let mut mode = older.mode() & 0o777;
        if (new.uid(), new.gid()) != (older.uid(), older.gid()) {
            let chown = std::os::unix::fs::chown::<&Path>;
            let given = chown(&database, Some(older.uid()), Some(older.gid()))
                .or_else(|_| chown(&database, None, Some(older.gid())));
            // What one group was allowed, another one is not.
            if given.is_err() && new.gid() != older.gid() {
                mode &= 0o707;
            }
        }
        fs::set_permissions(&database, fs::Permissions::from_mode(mode)).map_err(failed)
    }

    /// Gives the file, which nobody has open, its final name, unless somebody has taken that.
    pub(super) fn publish(self) -> Result<()> {
        let database = self.database();
        self.sync()?;
        refuse_existing(&self.target)?;
        rename(&database, &self.target)?;
        self.parent.sync_all().map_err(|error| {
            let what = "new database file is in place and whole, but its folder cannot be written \
                        to disk: a power failure may take the file away";
            unwritable(what).because(error)
        })
    }
}

fn unwritable(what: &'static str) -> Fault {
    Fault::new(Code::TargetUnwritable, what)
}

/// A side file without its database is refused, too: SQLite would apply it to ours.
fn refuse_existing(target: &Path) -> Result<()> {
    refuse_one(target, "target file exists already")?;
    for suffix in SIDE_FILES {
        let side = with_suffix(target, suffix);
        refuse_one(&side, "file of an older database stands beside the target")?;
    }
    Ok(())
}

fn refuse_one(path: &Path, what: &'static str) -> Result<()> {
    // Not `exists`, which follows a link that leads nowhere.
    match fs::symlink_metadata(path) {
        Ok(_) => Err(Fault::new(Code::TargetFileExists, what).at(path.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(unwritable("cannot look for the target")
            .because(error)
            .at(path.display())),
    }
}

/// `.NAME.waybill-`: what the names of all folders for this target begin with.
fn prefix(name: &OsStr) -> OsString {
    let bytes = name.as_bytes();
    let kept = &bytes[..std::cmp::min(bytes.len(), NAME_LENGTH)];
    OsString::from_vec([b".", kept, b".waybill-"].concat())
}

fn make_folder(parent: &Path, prefix: &OsStr) -> Result<(TempDir, Option<File>)> {
    // A second run may take the new folder for a leftover until we have locked it.
    for _ in 0..8 {
        let folder = tempfile::Builder::new()
            .prefix(prefix)
            .rand_bytes(RANDOM_LENGTH)
            .tempdir_in(parent)
            .map_err(|error| {
                unwritable("cannot create a folder beside the target")
                    .because(error)
                    .at(parent.display())
            })?;
        match lock(folder.path()) {
            Ok(lock) if still_there(&lock, folder.path()) => return Ok((folder, Some(lock))),
            Ok(_) | Err(Errno::WOULDBLOCK | Errno::NOENT) => {}
            // A file system without such locks: then nobody removes leftovers there either.
            Err(_) => return Ok((folder, None)),
        }
    }
    Err(unwritable("cannot keep a folder beside the target").at(parent.display()))
}

fn lock(folder: &Path) -> Result<File, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = rustix::fs::open(folder, flags, rustix::fs::Mode::empty())?;
    rustix::fs::flock(&folder, FlockOperation::NonBlockingLockExclusive)?;
    Ok(folder.into())
}

fn still_there(lock: &File, path: &Path) -> bool {
    let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    match (lock.metadata(), fs::symlink_metadata(path)) {
        (Ok(locked), Ok(named)) => identity(locked) == identity(named),
        _ => false,
    }
}

/// Removes the folders of runs that are no more. What cannot be removed stays: it harms nobody.
fn remove_leftovers(parent: &Path, prefix: &OsStr) {
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    for entry in entries.flatten() {
        if is_ours(&entry.file_name(), prefix)
            && let Ok(_held) = lock(&entry.path())
        {
            remove_folder(&entry.path());
        }
    }
}

fn is_ours(name: &OsStr, prefix: &OsStr) -> bool {
    name.as_bytes()
        .strip_prefix(prefix.as_bytes())
        .is_some_and(|rest| {
            rest.len() == RANDOM_LENGTH && rest.iter().all(u8::is_ascii_alphanumeric)
        })
}

/// Only files that we make; with any other in it the folder stays.
fn remove_folder(folder: &Path) {
    remove(&folder.join(DATABASE));
}

/// Removes the new file with its folder, even while it is open.
pub(super) fn remove(database: &Path) {
    for suffix in SIDE_FILES {
        let _ = fs::remove_file(with_suffix(database, suffix));
    }
    let _ = fs::remove_file(database);
    if let Some(folder) = database.parent() {
        let _ = fs::remove_dir(folder);
    }
}

/// Renames without ever replacing.
fn rename(from: &Path, to: &Path) -> Result<()> {
    rename_new(from, to).map_err(|error| {
        if error.kind() == io::ErrorKind::AlreadyExists {
            return Fault::new(Code::TargetFileExists, "target file exists already")
                .at(to.display());
        }
        unwritable("cannot give the new database file its name")
            .because(error)
            .at(to.display())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<OsString> {
        let mut names: Vec<OsString> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_place_that_is_dropped_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::make(&folder.path().join("a.db")).unwrap();
        fs::write(with_suffix(&place.database(), "-journal"), b"x").unwrap();
        assert_eq!(names(folder.path()).len(), 1);
        drop(place);
        assert_eq!(names(folder.path()).len(), 0);
    }

    #[test]
    fn a_published_file_is_private_and_alone() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a.db");
        let place = Place::make(&target).unwrap();
        fs::write(place.database(), b"content").unwrap();
        place.publish().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"content");
        assert_eq!(fs::metadata(&target).unwrap().mode() & 0o7777, 0o600);
        assert_eq!(names(folder.path()), [OsString::from("a.db")]);
    }

    #[test]
    fn nothing_that_exists_is_replaced() {
        for suffix in ["", "-wal", "-journal", "-shm"] {
            let folder = tempfile::tempdir().unwrap();
            let target = folder.path().join("a.db");
            let early = Place::make(&target).unwrap();
            fs::write(with_suffix(&target, suffix), b"older").unwrap();
            for refused in [Place::make(&target).map(drop), early.publish()] {
                assert_eq!(
                    refused.unwrap_err().code(),
                    Code::TargetFileExists,
                    "{suffix}"
                );
            }
            assert_eq!(fs::read(with_suffix(&target, suffix)).unwrap(), b"older");
            assert_eq!(names(folder.path()).len(), 1);
        }
    }

    #[test]
    fn a_link_that_leads_nowhere_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a.db");
        std::os::unix::fs::symlink(folder.path().join("elsewhere"), &target).unwrap();
        assert_eq!(
            Place::make(&target).unwrap_err().code(),
            Code::TargetFileExists
        );
    }

    /// An import was killed: its folder stays behind, without a lock, and the next run removes it.
    #[test]
    fn only_leftovers_of_dead_runs_are_removed() {
        let parent = tempfile::tempdir().unwrap();
        let target = parent.path().join("a.db");
        let dead = parent.path().join(".a.db.waybill-abcDEF012345");
        let foreign = parent.path().join(".a.db.waybill-abcDEF01234");
        for folder in [&dead, &foreign] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join(DATABASE), b"half").unwrap();
        }
        let alive = Place::make(&target).unwrap();
        let second = Place::make(&target).unwrap();
        assert!(!dead.exists());
        assert!(foreign.exists() && alive.database().exists() && second.database().exists());
    }

    #[test]
    fn a_folder_with_a_strangers_file_stays() {
        let parent = tempfile::tempdir().unwrap();
        let dead = parent.path().join(".a.db.waybill-abcDEF012345");
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join("letter.txt"), b"dear").unwrap();
        drop(Place::make(&parent.path().join("a.db")).unwrap());
        assert!(dead.join("letter.txt").exists());
    }

    #[test]
    fn a_missing_folder_is_named() {
        let parent = tempfile::tempdir().unwrap();
        let fault = Place::make(&parent.path().join("missing/a.db")).unwrap_err();
        assert_eq!(fault.code(), Code::TargetUnwritable);
        assert!(
            fault
                .place()
                .location
                .as_ref()
                .unwrap()
                .ends_with("missing")
        );
    }

    /// A folder that may be written but not read: the rename worked, then the folder could not be
    /// opened to write it to disk. Root may open any folder; then only the first half is proven.
    #[test]
    fn a_folder_that_cannot_be_opened_is_refused_before_anything_is_made() {
        let parent = tempfile::tempdir().unwrap();
        let file = parent.path().join("file");
        fs::write(&file, b"x").unwrap();
        let fault = Place::make(&file.join("a.db")).unwrap_err();
        assert_eq!(fault.code(), Code::TargetUnwritable);
        if !rustix::process::geteuid().is_root() {
            let closed = parent.path().join("closed");
            fs::create_dir(&closed).unwrap();
            fs::set_permissions(&closed, fs::Permissions::from_mode(0o300)).unwrap();
            let fault = Place::make(&closed.join("a.db")).unwrap_err();
            assert_eq!(fault.code(), Code::TargetUnwritable);
            fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
            assert_eq!(names(&closed).len(), 0);
        }
    }

    /// The file had its name, and the user read that it could not be written. Now it says so.
    #[test]
    fn a_folder_that_does_not_reach_the_disk_is_told_apart_from_a_missing_file() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a.db");
        let mut place = Place::make(&target).unwrap();
        fs::write(place.database(), b"content").unwrap();
        // The kernel refuses to sync it, as a failing disk would.
        place.parent = File::open("/dev/null").unwrap();
        let fault = place.publish().unwrap_err();
        assert_eq!(fault.code(), Code::TargetUnwritable);
        assert!(fault.what().contains("is in place"), "{fault:?}");
        assert_eq!(fs::read(&target).unwrap(), b"content");
        assert_eq!(names(folder.path()), [OsString::from("a.db")]);
    }

    /// SQLite itself needs room for `-journal` behind the name.
    #[test]
    fn a_name_as_long_as_sqlite_can_use_has_a_place() {
        let parent = tempfile::tempdir().unwrap();
        let target = parent.path().join("x".repeat(247));
        Place::make(&target).unwrap().publish().unwrap();
        assert!(target.exists());
        let longer = Place::make(&parent.path().join("x".repeat(248)));
        assert_eq!(longer.unwrap_err().code(), Code::TargetUnwritable);
    }
}
