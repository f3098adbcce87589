//! Which other programs have a file open, as far as the system tells.
//!
//! Without a transaction a program in rollback-journal mode holds no lock on its database, and would
//! go on with the file that was put aside. Only Linux tells, and of other users' programs only root.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Programs named in a message, at the most.
const NAMED: usize = 5;

/// The other programs that have the file at `path` open, as `name (pid)`.
pub(super) fn of(path: &Path) -> Vec<String> {
    let Ok(file) = fs::metadata(path) else {
        return Vec::new();
    };
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let own = std::process::id();
    let numbers = processes
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    numbers
        .filter(|number| *number != own && has_open(*number, path, &file))
        .take(NAMED)
        .map(named)
        .collect()
}

fn has_open(process: u32, path: &Path, file: &fs::Metadata) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{process}/fd")) else {
        return false;
    };
    descriptors.flatten().any(|descriptor| {
        // The name first: asking a file of a dead network drive would never end.
        let link = fs::read_link(descriptor.path());
        link.is_ok_and(|link| link.file_name() == path.file_name())
            && fs::metadata(descriptor.path())
                .is_ok_and(|open| (open.dev(), open.ino()) == (file.dev(), file.ino()))
    })
}

fn named(process: u32) -> String {
    let name = fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
    format!("{} ({process})", name.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn another_program_is_found_and_this_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        fs::write(&path, "x").unwrap();
        let own = fs::File::open(&path).unwrap();
        assert_eq!(of(&path), [""; 0]);
        let mut other = Command::new("sleep")
            .arg("60")
            .stdin(Stdio::from(own))
            .spawn()
            .unwrap();
        let found = of(&path);
        other.kill().unwrap();
        other.wait().unwrap();
        assert_eq!(found, [format!("sleep ({})", other.id())]);
        assert_eq!(of(&path), [""; 0]);
        assert_eq!(of(&folder.path().join("none")), [""; 0]);
    }
}
