//! Copies an archive from a pipe to a private file, so that it can be read in any order.

use crate::fault::{Code, Fault, Result};
use crate::progress::Watch;
use std::env;
use std::fs::{File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Bytes copied at a time.
const COPY_BYTES: usize = 1 << 20;

/// Copies `input` to its end into a file without a name, in `folder`, else in `TMPDIR`, else in
/// `/var/tmp`: never in `/tmp` by itself, which may be memory.
pub fn spool(input: &mut dyn Read, folder: Option<&Path>, watch: &dyn Watch) -> Result<File> {
    let folder = spool_folder(folder);
    copy(input, &folder, watch).map_err(|fault| fault.at(folder.display()))
}

/// The folder of temporary files: `asked`, else `TMPDIR`, else `/var/tmp`.
#[must_use]
pub fn spool_folder(asked: Option<&Path>) -> PathBuf {
    let default = || {
        env::var_os("TMPDIR")
            .filter(|folder| !folder.is_empty())
            .map_or_else(|| PathBuf::from("/var/tmp"), PathBuf::from)
    };
    asked.map_or_else(default, Path::to_owned)
}

fn copy(input: &mut dyn Read, folder: &Path, watch: &dyn Watch) -> Result<File> {
    let unspooled =
        |what: &'static str| move |error: io::Error| Fault::new(Code::Spool, what).because(error);
    let private = Permissions::from_mode(0o600);
    let mut file = tempfile::tempfile_in(folder)
        .and_then(|file| file.set_permissions(private).map(|()| file))
        .map_err(unspooled("cannot create a temporary file"))?;
    let mut buffer = vec![0; COPY_BYTES];
    loop {
        if watch.stopped() {
            return Err(Fault::interrupted());
        }
        let bytes = match input.read(&mut buffer) {
            Ok(0) => return Ok(file),
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                let what = "cannot read the archive from the pipe";
                return Err(Fault::new(Code::Stream, what).because(error));
            }
        };
        file.write_all(&buffer[..bytes])
            .map_err(unspooled("cannot write a temporary file"))?;
        watch.advance(0, bytes as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Unwatched;
    use std::os::unix::fs::{FileExt, MetadataExt};

    #[test]
    fn a_spooled_pipe_can_be_read_in_any_order_and_has_no_name() {
        let folder = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..3_000_000u32).map(|i| (i % 251) as u8).collect();
        let file = spool(&mut &bytes[..], Some(folder.path()), &Unwatched).unwrap();
        let mut end = [0; 2];
        file.read_exact_at(&mut end, 2_999_998).unwrap();
        assert_eq!(end, bytes[2_999_998..]);
        assert_eq!(file.metadata().unwrap().len(), 3_000_000);
        assert_eq!(file.metadata().unwrap().nlink(), 0);
        assert_eq!(file.metadata().unwrap().mode() & 0o077, 0);
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let fault = spool(&mut io::empty(), Some(Path::new("/no/such")), &Unwatched).unwrap_err();
        assert_eq!(fault.code(), Code::Spool);
        assert_eq!(fault.place().location.as_deref(), Some("/no/such"));
    }
}
