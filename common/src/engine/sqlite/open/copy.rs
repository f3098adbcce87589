//! A private copy of a database and its sidecars, in which SQLite may recover what it must.

use crate::engine::sqlite::open::file::{Footprints, sidecar};
use crate::fault::{Code, Fault, Result};
use std::fs::{self, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A copy in a folder that nobody else may enter; dropping it removes it.
#[derive(Debug)]
pub(super) struct PrivateCopy {
    pub(super) path: PathBuf,
    _folder: TempDir,
}

impl PrivateCopy {
    /// Copies database, `-wal` and `-journal`, and makes sure that nobody wrote meanwhile.
    pub(super) fn make(source: &Path) -> Result<Self> {
        let folder = folder().map_err(|error| spool("cannot make a private folder", error))?;
        let path = folder.path().join("source.db");
        let before = Footprints::take(source);
        for suffix in ["", "-wal", "-journal"] {
            let from = sidecar(source, suffix);
            if suffix.is_empty() || from.exists() {
                copy(&from, &sidecar(&path, suffix))?;
            }
        }
        if !Footprints::take(source).same_content(&before) {
            let what = "source changed while it was copied for recovery";
            return Err(Fault::new(Code::SourceChanged, what));
        }
        Ok(PrivateCopy {
            path,
            _folder: folder,
        })
    }
}

/// TMPDIR, else /var/tmp: /tmp is often memory, and a database may be large.
fn folder() -> io::Result<TempDir> {
    let parent = std::env::var_os("TMPDIR").filter(|folder| !folder.is_empty());
    let parent = parent.map_or_else(|| PathBuf::from("/var/tmp"), PathBuf::from);
    tempfile::Builder::new()
        .prefix("waybill-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(parent)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let unreadable = |error: io::Error| {
        Fault::new(
            Code::SourceUnreadable,
            "cannot read the file to copy it for recovery",
        )
        .at(from.display())
        .because(error)
    };
    let mut source = fs::File::open(from).map_err(unreadable)?;
    let mut target = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)
        .map_err(|error| spool("cannot create a private copy", error))?;
    io::copy(&mut source, &mut target)
        .map_err(|error| spool("cannot write a private copy", error))?;
    Ok(())
}

fn spool(what: &'static str, error: io::Error) -> Fault {
    Fault::new(Code::Spool, what).because(error)
}
