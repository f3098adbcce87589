//! The password file, `~/.pgpass`.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

/// The largest password file that is read, in bytes.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Whom a password is for.
pub(super) struct Login<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) dbname: &'a str,
    pub(super) user: &'a str,
}

/// The lines of the file at `path`; nothing when there is no such file. A file that others can
/// read is left aside with a warning, as libpq does.
pub(super) fn read(path: &Path, warnings: &mut Vec<String>) -> Option<String> {
    let about = fs::metadata(path).ok()?;
    let mut warn = |what: &str| warnings.push(format!("password file `{}` {what}", path.display()));
    if !about.is_file() {
        warn("is not a plain file, and was not used");
        return None;
    }
    if about.permissions().mode() & 0o077 != 0 {
        warn("can be read by others, and was not used; its mode should be 0600");
        return None;
    }
    if about.size() > LARGEST {
        warn("is too large, and was not used");
        return None;
    }
    let mut text = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(LARGEST).read_to_end(&mut text));
    if read.is_err() {
        warn("cannot be read, and was not used");
        return None;
    }
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// The password of the first line that fits.
pub(super) fn find(lines: &str, login: &Login<'_>) -> Option<String> {
    let port = login.port.to_string();
    let wanted = [login.host, &port, login.dbname, login.user];
    lines
        .lines()
        .filter(|line| !line.starts_with('#'))
        .find_map(|line| {
            let mut rest = line;
            for field in wanted {
                rest = after_field(rest, field)?;
            }
            Some(unescaped(rest))
        })
}

/// What follows the first field of `line`, if that field is `wanted` or `*`.
fn after_field<'a>(line: &'a str, wanted: &str) -> Option<&'a str> {
    if let Some(rest) = line.strip_prefix("*:") {
        return Some(rest);
    }
    let mut field = String::new();
    let mut chars = line.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            ':' => return (field == wanted).then(|| &line[at + 1..]),
            '\\' => field.extend(chars.next().map(|(_, c)| c)),
            c => field.push(c),
        }
    }
    None
}

/// The last field, with `\` taken off; as in libpq, a bare `:` ends it.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ':' => break,
            // A lone `\` at the end stands for itself.
            '\\' => out.push(chars.next().unwrap_or('\\')),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = "# db1:*:*:*:commented\n\
        db1:5432:shop:ann:exact\n\
        db1:*:*:ann:any\\:port\\\\\n\
        ::*:bad:line\n\
        a\\:b:5432:*:*:colon\n\
        localhost:5432:*:bob:socket\n\
        *:*:*:*:last\\:with:colons";

    fn password(host: &str, port: u16, dbname: &str, user: &str) -> Option<String> {
        find(
            LINES,
            &Login {
                host,
                port,
                dbname,
                user,
            },
        )
    }

    #[test]
    fn the_first_line_that_fits_gives_the_password() {
        assert_eq!(password("db1", 5432, "shop", "ann").unwrap(), "exact");
        assert_eq!(password("db1", 5433, "shop", "ann").unwrap(), "any:port\\");
        assert_eq!(password("a:b", 5432, "x", "y").unwrap(), "colon");
        assert_eq!(password("localhost", 5432, "x", "bob").unwrap(), "socket");
        assert_eq!(password("z", 1, "x", "y").unwrap(), "last:with");
        assert_eq!(
            find(
                "h:1:d:u",
                &Login {
                    host: "h",
                    port: 1,
                    dbname: "d",
                    user: "u"
                }
            ),
            None
        );
        assert_eq!(
            find(
                "",
                &Login {
                    host: "h",
                    port: 1,
                    dbname: "d",
                    user: "u"
                }
            ),
            None
        );
    }

    #[test]
    fn a_file_that_others_can_read_is_left_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pgpass");
        fs::write(&path, LINES).unwrap();
        for (mode, used) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let mut warnings = Vec::new();
            assert_eq!(read(&path, &mut warnings).is_some(), used, "{mode:o}");
            assert_eq!(warnings.is_empty(), used, "{mode:o}");
        }
        let mut warnings = Vec::new();
        assert_eq!(read(&folder.path().join("none"), &mut warnings), None);
        assert_eq!(read(folder.path(), &mut warnings), None);
        assert_eq!(warnings.len(), 1);
    }
}
