//! Where data is, as it is written on a command line: databases, archives, and which tables of them.
//!
//! Knows the forms and looks at a plain path's first bytes; opens no database. What is shown of a
//! location never contains a password.

mod filter;
mod redact;
mod touched;

pub use filter::TableFilter;
pub use touched::TouchedFiles;

use crate::fault::{Code, Fault, Result};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The first bytes of every SQLite database file (Database File Format, section 1.3).
const SQLITE_HEADER: &[u8; 16] = b"SQLite format 3\0";

const FORMS: &str = "write sqlite:PATH, postgresql://HOST/DATABASE, pg:KEY=VALUE, or env:NAME for a variable that holds one of these";

/// A database: a source to read or a target to fill.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// An SQLite database file.
    Sqlite(PathBuf),
    /// What libpq calls a connection string: a URI, KEY=VALUE pairs, or the name of a database.
    /// It may hold a password: show it with [`Location::shown`] only.
    Postgres(String),
}

/// What a location is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Source,
    Target,
}

impl Location {
    /// The source that `text` names. A plain path is taken by what is there.
    pub fn source(text: &OsStr) -> Result<Self> {
        Location::read(text, Role::Source)
    }

    /// The target that `text` names. A new file must be named as `sqlite:PATH`.
    pub fn target(text: &OsStr) -> Result<Self> {
        Location::read(text, Role::Target)
    }

    /// The location for people, reports and logs: without any password.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Location::Sqlite(path) => path.display().to_string(),
            Location::Postgres(text) if redact::is_uri(text) => redact::uri(text),
            Location::Postgres(text) => format!("pg:{}", redact::connection_string(text)),
        }
    }

    fn read(text: &OsStr, role: Role) -> Result<Self> {
        let Some(name) = text.as_bytes().strip_prefix(b"env:") else {
            return Location::direct(text, role);
        };
        let name = OsStr::from_bytes(name);
        let shown = format!("env:{}", name.display());
        let value = variable(name).map_err(|fault| fault.at(&shown))?;
        if value.as_bytes().starts_with(b"env:") {
            return Err(
                Fault::new(Code::Locator, "the variable names another variable")
                    .at(shown)
                    .hint("put the locator itself into the variable"),
            );
        }
        // A variable that holds no locator may hold a password: nothing of it is shown.
        Location::direct(&value, role).map_err(|fault| {
            Fault::new(fault.code(), fault.what().to_owned())
                .at(shown)
                .hint(FORMS)
        })
    }

    fn direct(text: &OsStr, role: Role) -> Result<Self> {
        let bytes = text.as_bytes();
        if let Some(path) = bytes.strip_prefix(b"sqlite:") {
            return sqlite(path);
        }
        if let Some(rest) = bytes.strip_prefix(b"pg:") {
            return utf8(rest).map(Location::Postgres);
        }
        if bytes.starts_with(b"postgresql://") || bytes.starts_with(b"postgres://") {
            return utf8(bytes).map(Location::Postgres);
        }
        if bytes.starts_with(b"json:") {
            return Err(json_folder().at(redact::unknown(&text.to_string_lossy())));
        }
        plain(Path::new(text), role)
    }
}

/// Never the connection string itself: it may hold a password.
impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

fn variable(name: &OsStr) -> Result<OsString> {
    let bytes = name.as_bytes();
    if bytes.is_empty() || bytes.contains(&b'=') || bytes.contains(&0) {
        return Err(
            Fault::new(Code::Locator, "not the name of an environment variable").hint(FORMS),
        );
    }
    match std::env::var_os(name) {
        Some(value) if !value.is_empty() => Ok(value),
        Some(_) => Err(Fault::new(Code::Locator, "the environment variable is empty").hint(FORMS)),
        None => Err(
            Fault::new(Code::Locator, "the environment variable is not set")
                .hint("set and export the variable, or write the locator itself"),
        ),
    }
}

/// `PATH`, as it stands after `sqlite:`. SQLite's own URI parameters are not taken: some of them
/// (`immutable=1`, `nolock=1`) read wrong rows in silence.
fn sqlite(path: &[u8]) -> Result<Location> {
    // `sqlite://…` may be another program's locator.
    let shown = redact::unknown(&format!("sqlite:{}", OsStr::from_bytes(path).display()));
    if path.is_empty() {
        return Err(Fault::new(
            Code::Locator,
            "the path after `sqlite:` is missing",
        ));
    }
    if path == b":memory:" || path.starts_with(b"//") {
        return Err(
            Fault::new(Code::Locator, "`sqlite:` takes the path of a file")
                .at(shown)
                .hint("write sqlite:FOLDER/FILE or sqlite:/FOLDER/FILE"),
        );
    }
    Ok(Location::Sqlite(PathBuf::from(OsStr::from_bytes(path))))
}

fn utf8(bytes: &[u8]) -> Result<String> {
    String::from_utf8(bytes.to_vec()).map_err(|_| {
        Fault::new(Code::Locator, "the connection string is not valid UTF-8")
            .hint("write other bytes as %XX in a postgresql:// URI")
    })
}

fn json_folder() -> Fault {
    Fault::new(Code::Locator, "folders of JSON files are not supported yet")
        .hint("name an SQLite database as sqlite:PATH or a PostgreSQL database as postgresql://HOST/DATABASE")
}

/// A path without scheme: taken by what is there, or an error that shows the explicit form.
fn plain(path: &Path, role: Role) -> Result<Location> {
    // What looks like another program's locator may hold a password: it is shown redacted.
    let shown = redact::unknown(&path.to_string_lossy());
    if shown.is_empty() {
        return Err(Fault::new(Code::Locator, "the locator is empty").hint(FORMS));
    }
    // A hint repeats only what is no connection string.
    let plain = !shown.contains([':', '@', '=']);
    let explicit = format!("sqlite:{}", if plain { shown.as_str() } else { "PATH" });
    let wrong = |what: &'static str| Fault::new(Code::Locator, what).at(&shown);
    let about = match path.metadata() {
        Ok(about) => about,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(match role {
                Role::Source => wrong("neither a file of this name nor a known form of locator")
                    .hint(FORMS),
                Role::Target => wrong("a new target needs its kind")
                    .hint(format!("write {explicit} for a new SQLite database; for PostgreSQL write postgresql://HOST/DATABASE or pg:KEY=VALUE")),
            });
        }
        Err(error) => return Err(wrong("cannot look at this path").because(error).hint(FORMS)),
    };
    if about.is_dir() {
        return Err(match role {
            Role::Source => json_folder().at(&shown),
            Role::Target => wrong("a folder is not a target").hint(FORMS),
        });
    }
    // Opening a pipe would wait for its writer.
    if !about.is_file() {
        return Err(wrong("not a regular file").hint(FORMS));
    }
    match begins_as_sqlite(path) {
        Ok(true) => Ok(Location::Sqlite(path.to_owned())),
        Ok(false) => Err(
            wrong("the file does not begin as an SQLite database").hint(format!(
                "write {explicit} if it is one nevertheless, such as an empty file"
            )),
        ),
        Err(error) => Err(Fault::new(Code::SourceUnreadable, "cannot read the file")
            .at(&shown)
            .because(error)),
    }
}

fn begins_as_sqlite(path: &Path) -> std::io::Result<bool> {
    let mut start = Vec::with_capacity(SQLITE_HEADER.len());
    File::open(path)?
        .take(SQLITE_HEADER.len() as u64)
        .read_to_end(&mut start)?;
    Ok(start == SQLITE_HEADER)
}

/// A word of a command line, of whatever form, without any password.
#[must_use]
pub fn shown(word: &str) -> String {
    redact::unknown(word)
}

/// Where an archive is read from or written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArchivePath {
    /// A file.
    Path(PathBuf),
    /// Standard input or standard output, written `-`.
    Pipe,
}

impl ArchivePath {
    /// The archive that `text` names. A file called `-` is written `./-`.
    pub fn parse(text: &OsStr) -> Result<Self> {
        match text.as_bytes() {
            b"" => Err(
                Fault::new(Code::Locator, "the path of the archive is empty")
                    .hint("write the path of a file, or - for a pipe"),
            ),
            b"-" => Ok(ArchivePath::Pipe),
            // Such a word may hold a password, which a path's faults would show.
            locator if [&b"postgresql:"[..], b"postgres:", b"pg:"].iter().any(|kind| locator.starts_with(kind)) => {
                Err(Fault::new(Code::Locator, "an archive is a file, not a database")
                    .hint("write the path of a file, or - for a pipe; a file of such a name is written ./NAME"))
            }
            _ => Ok(ArchivePath::Path(PathBuf::from(text))),
        }
    }
}

impl fmt::Display for ArchivePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ArchivePath::Path(path) => path.display().fmt(f),
            ArchivePath::Pipe => f.write_str("-"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn source(text: &str) -> Result<Location> {
        Location::source(OsStr::new(text))
    }

    #[test]
    fn every_explicit_form_is_taken_as_written() {
        let sqlite = |path: &str| Location::Sqlite(PathBuf::from(path));
        let postgres = |text: &str| Location::Postgres(text.to_owned());
        for (text, expected) in [
            ("sqlite:shop.db", sqlite("shop.db")),
            ("sqlite:/a b/ü.db", sqlite("/a b/ü.db")),
            ("sqlite:pg:x", sqlite("pg:x")),
            ("postgresql://h/d", postgres("postgresql://h/d")),
            ("postgres://h/d", postgres("postgres://h/d")),
            ("pg:host=h dbname=d", postgres("host=h dbname=d")),
            ("pg:shop", postgres("shop")),
            ("pg:", postgres("")),
        ] {
            assert_eq!(source(text).unwrap(), expected, "{text}");
            assert_eq!(
                Location::target(OsStr::new(text)).unwrap(),
                expected,
                "{text}"
            );
        }
        let bytes = OsStr::from_bytes(b"sqlite:\xff.db");
        let path = PathBuf::from(OsStr::from_bytes(b"\xff.db"));
        assert_eq!(Location::source(bytes).unwrap(), Location::Sqlite(path));
    }

    #[test]
    fn a_plain_path_is_taken_by_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        File::create(&path)
            .unwrap()
            .write_all(b"SQLite format 3\0rest")
            .unwrap();
        let found = Location::source(path.as_os_str()).unwrap();
        assert_eq!(found, Location::Sqlite(path.clone()));

        std::fs::write(&path, "").unwrap();
        let fault = Location::source(path.as_os_str()).unwrap_err();
        assert_eq!(fault.code(), Code::Locator);
        assert!(fault.help().contains(&format!("sqlite:{}", path.display())));

        let fault = Location::source(folder.path().as_os_str()).unwrap_err();
        assert_eq!(fault.what(), "folders of JSON files are not supported yet");
    }

    #[test]
    fn a_new_target_needs_the_explicit_form() {
        let fault = Location::target(OsStr::new("new.db")).unwrap_err();
        assert_eq!(fault.code(), Code::Locator);
        assert!(
            fault.help().contains("write sqlite:new.db"),
            "{}",
            fault.help()
        );
    }

    #[test]
    fn other_forms_are_refused_without_showing_a_password() {
        for text in [
            "mysql://u:S3@h/d",
            "missing.db",
            "json:dir",
            "",
            "sqlite:",
            "sqlite:///x",
            "sqlite://u:S3@h/d",
            "postgresql:/u:S3@h/x",
            "postgres:u:S3@h",
            "/dev/null",
        ] {
            let fault = source(text).unwrap_err();
            assert_eq!(fault.code(), Code::Locator, "{text}");
            assert!(
                !format!("{fault:?} {}", fault.help()).contains("S3"),
                "{fault:?}"
            );
        }
    }

    #[test]
    fn a_variable_holds_the_locator_and_its_content_is_not_shown_when_it_does_not() {
        // Cargo sets these for its tests; changing the environment would need unsafe code.
        let fault = source("env:CARGO_PKG_NAME").unwrap_err();
        assert_eq!(fault.place().to_string(), "`env:CARGO_PKG_NAME`");
        let text = format!("{fault:?} {}", fault.help());
        assert!(!text.contains(env!("CARGO_PKG_NAME")), "{text}");

        for (text, what) in [
            (
                "env:WAYBILL_NO_SUCH_VARIABLE",
                "the environment variable is not set",
            ),
            ("env:", "not the name of an environment variable"),
            ("env:A=B", "not the name of an environment variable"),
        ] {
            assert_eq!(source(text).unwrap_err().what(), what);
        }
    }

    #[test]
    fn a_location_is_shown_without_its_password() {
        for (text, shown) in [
            ("postgresql://u:S3@h/d", "postgresql://u:***@h/d"),
            ("pg:host=h password=S3", "pg:host=h password=***"),
            ("sqlite:a.db", "a.db"),
        ] {
            let location = source(text).unwrap();
            assert_eq!(location.shown(), shown);
            assert_eq!(
                format!("{location:?} {location}"),
                format!("{shown} {shown}")
            );
        }
    }

    #[test]
    fn a_hyphen_is_the_pipe() {
        assert_eq!(
            ArchivePath::parse(OsStr::new("-")).unwrap(),
            ArchivePath::Pipe
        );
        let file = ArchivePath::parse(OsStr::new("./-")).unwrap();
        assert_eq!(file, ArchivePath::Path(PathBuf::from("./-")));
        assert!(ArchivePath::parse(OsStr::new("")).is_err());
    }
}
