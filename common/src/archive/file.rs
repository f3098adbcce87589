//! The file an archive is written into: it appears whole or not at all.
//!
//! A temporary file beside the final name, readable by its owner alone; `commit` makes it durable
//! and gives it its name. Dropped before that, it is gone.

use crate::fault::{Code, Fault, Result};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A file that is being written.
#[derive(Debug)]
pub struct OutputFile {
    temporary: NamedTempFile,
    path: PathBuf,
    force: bool,
    /// The folder, held open where the file is to be made durable: what could go wrong in opening
    /// it goes wrong before the work.
    folder: Option<File>,
}

impl OutputFile {
    /// Begins a file that will be called `path`. With `force` it may replace another regular file;
    /// without `sync` its bytes may be lost when the machine fails.
    pub fn create(path: &Path, force: bool, sync: bool) -> Result<Self> {
        match fs::symlink_metadata(path) {
            Ok(_) if !force => return Err(exists(path)),
            // A rename would replace a device, a folder or a link rather than write to it.
            Ok(there) if !there.is_file() => {
                return Err(
                    Fault::new(Code::OutputExists, "what is there is not a regular file")
                        .hint("choose another name, or `-` to write to a pipe")
                        .at(path.display()),
                );
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(unwritable("cannot look at the file", path, error)),
        }
        let opened = sync.then(|| File::open(folder(path))).transpose();
        let opened = opened.map_err(|error| unwritable("cannot open the folder", path, error))?;
        // Mode 0600 is the crate's promise on Unix; a test holds it.
        let temporary = tempfile::Builder::new()
            .prefix(".waybill-")
            .suffix(".part")
            .tempfile_in(folder(path))
            .map_err(|error| unwritable("cannot create a file in the folder", path, error))?;
        Ok(OutputFile {
            temporary,
            path: path.to_owned(),
            force,
            folder: opened,
        })
    }

    /// Makes the bytes durable and gives the file its name.
    pub fn commit(self) -> Result<()> {
        let path = self.path;
        if self.folder.is_some() {
            let synced = self.temporary.as_file().sync_all();
            synced.map_err(|error| unwritable("cannot make the file durable", &path, error))?;
        }
        let named = if self.force {
            self.temporary.persist(&path)
        } else {
            // Never over a file that appeared meanwhile.
            self.temporary.persist_noclobber(&path)
        };
        named.map_err(|failed| match failed.error.kind() {
            io::ErrorKind::AlreadyExists => exists(&path),
            _ => unwritable("cannot give the file its name", &path, failed.error),
        })?;
        let synced = self.folder.map_or(Ok(()), |folder| folder.sync_all());
        let what = "the archive is complete and in place, but may not survive a failure of power";
        synced.map_err(|error| unwritable(what, &path, error))
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.temporary.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.temporary.flush()
    }
}

/// The folder of `path`.
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn exists(path: &Path) -> Fault {
    Fault::new(Code::OutputExists, "the file exists already").at(path.display())
}

fn unwritable(what: &'static str, path: &Path, error: io::Error) -> Fault {
    Fault::new(Code::OutputUnwritable, what)
        .at(path.display())
        .because(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_file_appears_whole_private_and_only_at_commit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tar.zst");
        let mut file = OutputFile::create(&path, false, true).unwrap();
        file.write_all(b"bytes").unwrap();
        assert!(!path.exists());
        file.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"bytes");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_dropped_file_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        drop(OutputFile::create(&folder.path().join("a"), false, true).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn an_existing_file_is_replaced_only_by_force_and_never_by_a_race() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let early = OutputFile::create(&path, false, false).unwrap();
        fs::write(&path, b"old").unwrap();
        for fault in [
            OutputFile::create(&path, false, false).unwrap_err(),
            early.commit().unwrap_err(),
        ] {
            assert_eq!(fault.code(), Code::OutputExists);
            assert_eq!(fs::read(&path).unwrap(), b"old");
        }
        OutputFile::create(&path, true, false)
            .unwrap()
            .commit()
            .unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"");
    }

    #[test]
    fn force_does_not_replace_what_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let fault = OutputFile::create(folder.path(), true, false).unwrap_err();
        assert_eq!(fault.code(), Code::OutputExists);
    }
}
