//! Exchanging two files under one name, so that the name is never without a file.
//!
//! Knows names and the system's ways to rename; no SQLite and no record.

use crate::fault::{Code, Fault, Result};
use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;
use std::fs::{self, File};
use std::io;
use std::path::Path;

/// A way to give `incoming` the target's name, and the target the name `aside`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Means {
    /// The incoming file takes the name aside, then both exchange their names at once.
    Exchange,
    /// The target gets its name aside as a second one, then the incoming file takes its first.
    Link,
    /// Two renames, for file systems that know neither; between them the target's name is free.
    Renames,
}

/// All of them, the best first.
pub(super) const MEANS: [Means; 3] = [Means::Exchange, Means::Link, Means::Renames];

/// Puts `incoming` in the place of `target`, which becomes `aside`; by the first of `means` that the
/// file system knows.
pub(super) fn exchange(
    incoming: &Path,
    target: &Path,
    aside: &Path,
    folder: &File,
    means: &[Means],
) -> Result<()> {
    let mut refused = io::Error::from(io::ErrorKind::Unsupported);
    for way in means {
        let result = match way {
            Means::Exchange => by_exchange(incoming, target, aside, folder),
            Means::Link => by_link(incoming, target, aside, folder),
            Means::Renames => by_renames(incoming, target, aside),
        };
        match result {
            Ok(()) => return Ok(()),
            Err(error) if is_unsupported(&error) => refused = error,
            Err(error) => return Err(failed(error, target)),
        }
    }
    Err(failed(refused, target))
}

/// Renames without ever replacing.
pub(in crate::engine::sqlite) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // An old kernel or another file system: a hard link does not replace either.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            fs::hard_link(from, to)?;
            fs::remove_file(from)
        }
        other => other.map_err(io::Error::from),
    }
}

fn by_exchange(incoming: &Path, target: &Path, aside: &Path, folder: &File) -> io::Result<()> {
    rename_new(incoming, aside)?;
    let exchanged = folder.sync_all().and_then(|()| {
        rustix::fs::renameat_with(CWD, aside, CWD, target, RenameFlags::EXCHANGE)
            .map_err(io::Error::from)
    });
    if exchanged.is_err() {
        fs::rename(aside, incoming)?;
    }
    exchanged
}

fn by_link(incoming: &Path, target: &Path, aside: &Path, folder: &File) -> io::Result<()> {
    fs::hard_link(target, aside)?;
    let renamed = folder
        .sync_all()
        .and_then(|()| fs::rename(incoming, target));
    if renamed.is_err() {
        fs::remove_file(aside)?;
    }
    renamed
}

fn by_renames(incoming: &Path, target: &Path, aside: &Path) -> io::Result<()> {
    if fs::symlink_metadata(aside).is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    fs::rename(target, aside)?;
    let renamed = fs::rename(incoming, target);
    if renamed.is_err() {
        fs::rename(aside, target)?;
    }
    renamed
}

/// Whether the file system does not know the way, so that another may do. Linking is refused as
/// "not permitted" where there are no hard links.
fn is_unsupported(error: &io::Error) -> bool {
    let known = [
        Errno::INVAL,
        Errno::NOSYS,
        Errno::NOTSUP,
        Errno::PERM,
        Errno::MLINK,
    ];
    let number = error.raw_os_error();
    known
        .iter()
        .any(|errno| number == Some(errno.raw_os_error()))
}

fn failed(error: io::Error, target: &Path) -> Fault {
    Fault::new(Code::TargetUnwritable, "cannot exchange the database files")
        .because(error)
        .at(target.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn files(names: &[&str]) -> (tempfile::TempDir, [PathBuf; 3], File) {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["incoming", "target", "aside"].map(|name| folder.path().join(name));
        for name in names {
            fs::write(folder.path().join(name), name).unwrap();
        }
        let opened = File::open(folder.path()).unwrap();
        (folder, paths, opened)
    }

    #[test]
    fn every_means_gives_both_files_their_names() {
        for means in MEANS {
            let (_folder, [incoming, target, aside], folder) = files(&["incoming", "target"]);
            exchange(&incoming, &target, &aside, &folder, &[means]).unwrap();
            assert_eq!(fs::read(&target).unwrap(), b"incoming", "{means:?}");
            assert_eq!(fs::read(&aside).unwrap(), b"target", "{means:?}");
            assert!(!incoming.exists(), "{means:?}");
        }
    }

    #[test]
    fn a_name_aside_that_is_taken_changes_nothing() {
        for means in MEANS {
            let (_folder, [incoming, target, aside], folder) =
                files(&["incoming", "target", "aside"]);
            let fault = exchange(&incoming, &target, &aside, &folder, &[means]).unwrap_err();
            assert_eq!(fault.code(), Code::TargetUnwritable);
            for path in [incoming, target, aside] {
                let name = path.file_name().unwrap().to_str().unwrap();
                assert_eq!(fs::read_to_string(&path).unwrap(), name, "{means:?}");
            }
        }
    }

    #[test]
    fn a_missing_incoming_file_leaves_the_target_alone() {
        for means in MEANS {
            let (_folder, [incoming, target, aside], folder) = files(&["target"]);
            exchange(&incoming, &target, &aside, &folder, &[means]).unwrap_err();
            assert_eq!(fs::read(&target).unwrap(), b"target", "{means:?}");
            assert!(!aside.exists(), "{means:?}");
        }
    }
}
