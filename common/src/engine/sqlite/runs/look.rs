//! Looking at a database that its application may go on using: what is in it, and whether it is
//! still what a run has put in place.

use crate::engine::sqlite::name;
use crate::engine::sqlite::open::Opened;
use crate::engine::sqlite::runs::names::{Names, SIDE_FILES, with_suffix};
use crate::engine::sqlite::runs::placing::Imported;
use crate::engine::sqlite::runs::record::{FileFacts, Record};
use crate::engine::sqlite::runs::status::is_there;
use crate::engine::sqlite::runs::switch::{is_made, unreadable};
use crate::engine::sqlite::runs::{changes, hold};
use crate::engine::sqlite::schema;
use crate::fault::{Code, Fault, Result};
use crate::progress::Watch;
use crate::report::{Finding, Severity};
use std::fs::{self, File};
use std::path::Path;

/// How a target stands to an import that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// There is no such file.
    Absent,
    /// A file that no such import has made.
    Other,
    /// The newest run has brought just this, and it still is so. The run's UUID.
    Finished(String),
    /// The newest run has brought just this, and the content differs now.
    Changed(String, Vec<Finding>),
}

/// Whether the database at `path` is what `wanted` would bring.
pub fn standing(path: &Path, wanted: &Imported, watch: &dyn Watch) -> Result<Standing> {
    if fs::symlink_metadata(path).is_err() {
        return Ok(Standing::Absent);
    }
    let Ok(names) = Names::of(path) else {
        return Ok(Standing::Other);
    };
    let mut record = Record::read(&names)?;
    if let Some(pending) = record.pending.take()
        && is_made(&names, &pending)
    {
        record.runs.push(pending.run);
    }
    let Some(last) = record.last() else {
        return Ok(Standing::Other);
    };
    let same = |left: &&FileFacts| {
        left.content.as_ref().is_some_and(|content| {
            content.archive_root == wanted.root && content.wishes == wanted.wishes()
        })
    };
    let Some(left) = last.put_in_place.as_ref().filter(same) else {
        return Ok(Standing::Other);
    };
    Ok(match seen(names.database(), left, watch)? {
        Seen::Written(Some(differences)) if !differences.is_empty() => {
            Standing::Changed(last.id.clone(), differences)
        }
        _ => Standing::Finished(last.id.clone()),
    })
}

/// What a look at a database has shown.
pub(super) enum Seen {
    /// It is the file that was put in place, byte by byte.
    Same,
    /// It is not; the tables that differ, where what was put in place is known.
    Written(Option<Vec<Finding>>),
}

/// Compares the database with what was put in place.
pub(super) fn seen(database: &Path, left: &FileFacts, watch: &dyn Watch) -> Result<Seen> {
    if is_same(database, left, watch)? {
        return Ok(Seen::Same);
    }
    let Some(content) = &left.content else {
        return Ok(Seen::Written(None));
    };
    let mut opened = Opened::open(database).map_err(|fault| fault.at(database.display()))?;
    let differences = changes::since(content, opened.connection()?, watch)?;
    opened.finish()?;
    Ok(Seen::Written(Some(differences)))
}

/// Nobody in this process has the file open, so that reading it drops no lock.
fn is_same(database: &Path, left: &FileFacts, watch: &dyn Watch) -> Result<bool> {
    let filled = |suffix: &&str| {
        fs::symlink_metadata(with_suffix(database, suffix)).is_ok_and(|side| side.len() > 0)
    };
    if SIDE_FILES
        .iter()
        .filter(|suffix| **suffix != "-shm")
        .any(filled)
    {
        return Ok(false);
    }
    let found = FileFacts::of(database).map_err(|error| unreadable(error, database))?;
    let Some(sha256) = &left.sha256 else {
        return Ok(left.looks_like(&found));
    };
    if found.bytes != left.bytes {
        return Ok(false);
    }
    let mut file = File::open(database).map_err(|error| unreadable(error, database))?;
    Ok(hold::sha256(&mut file, watch)?.to_string() == *sha256)
}

/// The tables of the database at `path` with their rows; `None` where there is no database.
pub fn tables(path: &Path) -> Result<Option<Vec<(String, u64)>>> {
    let names = Names::of(path)?;
    if !is_there(names.database()) {
        return Ok(None);
    }
    if fs::metadata(names.database()).is_ok_and(|file| file.len() == 0) {
        return Ok(Some(Vec::new()));
    }
    let mut opened = Opened::open(names.database()).map_err(|fault| match fault.code() {
        Code::SourceForeign | Code::SourceDamaged => {
            let what = "what is there is not a sound SQLite database";
            Fault::new(Code::TargetFileExists, what)
                .because(fault)
                .hint(
                    "nothing else is put aside: move the file away by hand, or choose another name",
                )
        }
        Code::SourceBusy => Fault::new(Code::LockTimeout, "the database is in use").because(fault),
        _ => fault,
    })?;
    let connection = opened.connection()?;
    let (schema, _) = schema::read(connection)?;
    let counted = schema
        .tables
        .iter()
        .filter(|table| table.has_rows())
        .map(|table| {
            let sql = format!("SELECT count(*) FROM main.{}", name::quote(&table.name));
            // A table of a module that is not here cannot be counted.
            let rows = connection.query_row(&sql, [], |row| row.get::<_, u64>(0));
            (table.name.clone(), rows.unwrap_or(0))
        });
    let counted = counted.collect();
    opened.finish()?;
    Ok(Some(counted))
}

/// An undo had left nothing, and now there is a file.
pub(super) fn made_since(names: &Names) -> Finding {
    let message = "the newest run has left no database, and now there is one";
    about_file(message, names.database())
}

/// A run had put a file in place, and now there is none.
pub(super) fn removed_since(names: &Names) -> Finding {
    let message = "the database that the newest run has put in place is gone";
    about_file(message, names.database())
}

/// A finding about a whole file.
pub(super) fn about_file(message: &str, file: &Path) -> Finding {
    let finding = Finding::new(Code::TargetChanged, Severity::Error, message);
    finding.on(format!("file {}", file.display()))
}
