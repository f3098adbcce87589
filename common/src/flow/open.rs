//! Opening an archive from a file or a pipe.

use crate::archive::{self, Archive, Limits};
use crate::digest::Digest;
use crate::fault::{Code, Fault, Result};
use crate::location::ArchivePath;
use crate::progress::Watch;
use crate::report::ArchiveFacts;
use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

/// Opens the file, or copies a pipe into a private one: an archive is read more than once, and
/// nothing of it is used before all of it has been checked.
pub(super) fn file(path: &ArchivePath, spool: Option<&Path>, watch: &dyn Watch) -> Result<File> {
    match path {
        ArchivePath::Path(path) => open(path),
        ArchivePath::Pipe => archive::spool(&mut std::io::stdin().lock(), spool, watch),
    }
}

fn open(path: &Path) -> Result<File> {
    let fault = |what: &'static str| Fault::new(Code::ArchiveMissing, what).at(path.display());
    let file = File::open(path).map_err(|error| {
        let what = match error.kind() {
            ErrorKind::NotFound => "there is no such archive",
            _ => "cannot open the archive",
        };
        fault(what).because(error)
    })?;
    let metadata = file
        .metadata()
        .map_err(|error| fault("cannot open the archive").because(error))?;
    if metadata.is_dir() {
        return Err(
            fault("the archive is a folder").hint("name the file that waybill-export has written")
        );
    }
    if !metadata.is_file() {
        return Err(
            fault("the archive is not a regular file").hint("pass - and give it on standard input")
        );
    }
    Ok(file)
}

/// Reads everything but rows, and checks it; no part may have more than `max_part` bytes of lines.
pub(super) fn archive(
    file: File,
    path: &ArchivePath,
    expected: Option<Digest>,
    max_part: u64,
) -> Result<Archive> {
    let limits = Limits {
        part_bytes: max_part,
        ..Limits::default()
    };
    Archive::open(file, path.to_string(), &limits, expected)
}

/// What a report says of the archive.
pub(super) fn facts(archive: &Archive, path: &ArchivePath) -> ArchiveFacts {
    ArchiveFacts {
        path: path.to_string(),
        root: archive.root().to_string(),
        content_root: archive.content_root().to_string(),
        sha256: None,
        bytes: archive.bytes(),
    }
}
