//! The record of a database's runs: a small file beside it, replaced as a whole.
//!
//! Its form is written here alone. A switch is noted before it is made and again when it is done,
//! with what tells the files apart; so a run that was killed between the two can be settled.

use crate::digest::{Digest, Multiset};
use crate::engine::sqlite::runs::names::{Names, with_suffix};
use crate::fault::{Code, Fault, Result};
use crate::report::runs::RunMode;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Version of the form.
const VERSION: u32 = 1;

/// Longest record that is read, in bytes: some ten thousand runs of a hundred tables.
const LONGEST: u64 = 256 << 20;

/// All that is known of the runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Record {
    waybill_runs: u32,
    /// A switch that has begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pending: Option<Pending>,
    /// Switches that were made, the newest last.
    pub(super) runs: Vec<Run>,
}

/// One switch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Run {
    /// UUID, version 7.
    pub(super) id: String,
    /// RFC 3339, UTC.
    pub(super) when: String,
    /// Program and version.
    pub(super) tool: String,
    pub(super) mode: Mode,
    /// The run that it undid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) undoes: Option<String>,
    /// What it put in place; nothing, where there had been nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) put_in_place: Option<FileFacts>,
    /// What it put aside under the backup's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) put_aside: Option<FileFacts>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Mode {
    Create,
    Replace,
    Undo,
}

impl From<Mode> for RunMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Create => RunMode::Create,
            Mode::Replace => RunMode::Replace,
            Mode::Undo => RunMode::Undo,
        }
    }
}

/// What is known of a database file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct FileFacts {
    pub(super) bytes: u64,
    /// Seconds and nanoseconds since 1970.
    pub(super) modified: (i64, i64),
    /// Of the whole file, where somebody has read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sha256: Option<String>,
    /// The import that made it, where one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<Content>,
}

/// What an import has put into a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Content {
    pub(super) archive_root: String,
    pub(super) archive_content_root: String,
    /// Digest of what was asked for beside the archive: which tables, with or without triggers.
    pub(super) wishes: String,
    /// Digest of the statements of all objects.
    pub(super) structure: String,
    pub(super) tables: Vec<TableSum>,
}

/// The rows of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct TableSum {
    pub(super) name: String,
    pub(super) rows: u64,
    /// Sum of the digests of its rows.
    pub(super) sum: String,
}

impl TableSum {
    pub(super) fn new(name: &str, rows: &Multiset) -> Self {
        TableSum {
            name: name.to_owned(),
            rows: rows.rows,
            sum: rows.sum().to_string(),
        }
    }
}

/// A switch that has begun.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Pending {
    pub(super) run: Run,
    /// The file that comes in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) incoming: Option<Identity>,
    /// The run whose backup the incoming file is; none for a new file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) home: Option<String>,
    /// The file that goes out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) outgoing: Option<Identity>,
}

/// What tells a file from every other in its folder, whatever its name and content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Identity {
    inode: u64,
    /// Nanoseconds from 1970 to its birth, where the file system knows: inode numbers come again.
    #[serde(skip_serializing_if = "Option::is_none")]
    born: Option<u64>,
}

impl Identity {
    /// Of the file at `path`, a link not followed; `None` where there is none.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let found = fs::symlink_metadata(path).ok()?;
        let born = found.created().ok();
        let born = born.and_then(|born| born.duration_since(std::time::UNIX_EPOCH).ok());
        Some(Identity {
            inode: found.ino(),
            born: born.and_then(|born| u64::try_from(born.as_nanos()).ok()),
        })
    }
}

impl FileFacts {
    /// What the file system says of a file, without opening it.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let found = fs::symlink_metadata(path)?;
        Ok(FileFacts {
            bytes: found.len(),
            modified: (found.mtime(), found.mtime_nsec()),
            sha256: None,
            content: None,
        })
    }

    /// Whether size and time are those of `other`.
    pub(super) fn looks_like(&self, other: &FileFacts) -> bool {
        (self.bytes, self.modified) == (other.bytes, other.modified)
    }
}

impl Default for Record {
    fn default() -> Self {
        Record {
            waybill_runs: VERSION,
            pending: None,
            runs: Vec::new(),
        }
    }
}

impl Record {
    /// Reads the record; a database without one has no runs.
    pub(super) fn read(names: &Names) -> Result<Self> {
        let path = names.record();
        let unreadable =
            |what: &'static str| Fault::new(Code::HistoryUnreadable, what).at(path.display());
        let mut text = Vec::new();
        match File::open(&path) {
            Ok(file) => file
                .take(LONGEST + 1)
                .read_to_end(&mut text)
                .map_err(|error| unreadable("cannot read the record of runs").because(error))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Record::default()),
            Err(error) => {
                return Err(unreadable("cannot read the record of runs").because(error));
            }
        };
        if text.len() as u64 > LONGEST {
            return Err(unreadable("the record of runs is too long"));
        }
        Record::parse(&text).map_err(|fault| fault.at(path.display()))
    }

    fn parse(text: &[u8]) -> Result<Self> {
        /// What every version has.
        #[derive(Deserialize)]
        #[serde(rename_all = "kebab-case")]
        struct Version {
            waybill_runs: u32,
        }
        let invalid = |error: serde_json::Error| {
            let what = "the record of runs is not one that Waybill has written";
            Fault::new(Code::HistoryUnreadable, what).because(error)
        };
        let version: Version = serde_json::from_slice(text).map_err(invalid)?;
        if version.waybill_runs != VERSION {
            let what = "the record of runs was written by another version";
            return Err(Fault::new(Code::HistoryUnreadable, what)
                .hint("use the version of Waybill that made the newest run"));
        }
        let record: Record = serde_json::from_slice(text).map_err(invalid)?;
        // They become names of files.
        let mut ids = record
            .runs
            .iter()
            .chain(record.pending.iter().map(|p| &p.run));
        let homes = record
            .pending
            .iter()
            .filter_map(|pending| pending.home.as_deref());
        let bad = ids.find(|run| !is_run(&run.id)).map(|run| run.id.as_str());
        let mut bad = bad.into_iter().chain(homes.filter(|home| !is_run(home)));
        if bad.next().is_some() {
            let what = "the record of runs names a run that is no UUID";
            return Err(Fault::new(Code::HistoryUnreadable, what));
        }
        Ok(record)
    }

    /// Puts the record in the place of the older one, on the disk.
    pub(super) fn write(&self, names: &Names, folder: &File) -> Result<()> {
        let path = names.record();
        let beside = with_suffix(&path, ".new");
        let text = serde_json::to_vec(self).expect("strings, numbers and lists of them are JSON");
        replace(&beside, &path, folder, &text).map_err(|error| {
            let _ = fs::remove_file(&beside);
            Fault::new(Code::TargetUnwritable, "cannot write the record of runs")
                .because(error)
                .at(path.display())
        })
    }

    /// The newest run.
    pub(super) fn last(&self) -> Option<&Run> {
        self.runs.last()
    }
}

/// The name is ours while the folder is locked; what a killed run left under it is overwritten.
fn replace(beside: &Path, path: &Path, folder: &File, text: &[u8]) -> io::Result<()> {
    let _ = fs::remove_file(beside);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(beside)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(beside, path)?;
    folder.sync_all()
}

fn is_run(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}

/// Digest of texts, each told from the next.
pub(super) fn digest_of<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let mut all = crate::digest::Hasher::default();
    for text in texts {
        all.update(&(text.len() as u64).to_le_bytes());
        all.update(text.as_bytes());
    }
    let digest: Digest = all.finish();
    digest.to_string()
}
