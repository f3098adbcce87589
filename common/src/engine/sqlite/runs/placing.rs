//! Putting a new file in place as a run of the history.

use crate::digest::Multiset;
use crate::engine::sqlite::runs::hold::{self, Hold};
use crate::engine::sqlite::runs::names::Names;
use crate::engine::sqlite::runs::record::{Content, FileFacts, Mode, Run, TableSum};
use crate::engine::sqlite::runs::switch::{Guard, Incoming, Switch, unreadable};
use crate::engine::sqlite::runs::{changes, record};
use crate::fault::Result;
use crate::model::schema::Schema;
use crate::progress::Watch;
use jiff::{Timestamp, Unit};
use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;
use uuid::Uuid;

/// Which archive an import brings, and what was asked for beside it: two imports of which this is
/// the same bring the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Root of the archive.
    pub root: String,
    /// Its content root.
    pub content_root: String,
    /// Tables that take part; whether rows, views and triggers do.
    pub wishes: Vec<String>,
}

impl Imported {
    pub(super) fn wishes(&self) -> String {
        record::digest_of(self.wishes.iter().map(String::as_str))
    }
}

/// An import that the history shall know.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// Its UUID.
    pub run: String,
    /// What it brings.
    pub imported: Imported,
    /// Whether a file that is there is put aside.
    pub replace: bool,
    /// How long others are waited for.
    pub patience: Duration,
}

impl NewRun {
    /// A run of its own UUID.
    #[must_use]
    pub fn new(imported: Imported, replace: bool, patience: Duration) -> Self {
        NewRun {
            run: Uuid::now_v7().to_string(),
            imported,
            replace,
            patience,
        }
    }
}

/// The place of a run, from its beginning to its switch.
#[derive(Debug)]
pub(in crate::engine::sqlite) struct Placing {
    new: NewRun,
    names: Names,
    hold: Option<Hold>,
    incoming: Option<FileFacts>,
}

impl Placing {
    /// Settles what a killed run has left, and makes sure that what is there can be put aside.
    pub(in crate::engine::sqlite) fn begin(
        new: NewRun,
        path: &Path,
        watch: &dyn Watch,
    ) -> Result<Self> {
        let names = Names::of(path)?;
        drop(Guard::take(&names, new.patience, watch)?);
        let mut placing = Placing {
            new,
            names,
            hold: None,
            incoming: None,
        };
        // Better told now than after hours of loading; it is free again until the switch.
        placing.hold(watch)?;
        placing.hold = None;
        Ok(placing)
    }

    pub(in crate::engine::sqlite) fn names(&self) -> &Names {
        &self.names
    }

    /// Whether there is a database that is put aside.
    pub(in crate::engine::sqlite) fn replaces(&self) -> bool {
        self.new.replace && fs::symlink_metadata(self.names.database()).is_ok()
    }

    /// Whether it holds the database that is put aside.
    pub(in crate::engine::sqlite) fn holds(&self) -> bool {
        self.hold.is_some()
    }

    /// Takes the database that is there for itself.
    pub(in crate::engine::sqlite) fn hold(&mut self, watch: &dyn Watch) -> Result<()> {
        if self.replaces() {
            let patience = self.new.patience;
            self.hold = Some(Hold::take(self.names.database(), patience, watch)?);
        }
        Ok(())
    }

    /// Notes what the new file is, which nobody has open.
    pub(in crate::engine::sqlite) fn note(
        &mut self,
        file: &Path,
        schema: &Schema,
        sums: &[(String, Multiset)],
        watch: &dyn Watch,
    ) -> Result<()> {
        let failed = |error| unreadable(error, file);
        let mut opened = File::open(file).map_err(failed)?;
        let imported = &self.new.imported;
        let content = Content {
            archive_root: imported.root.clone(),
            archive_content_root: imported.content_root.clone(),
            wishes: imported.wishes(),
            structure: changes::structure(schema),
            tables: sums
                .iter()
                .map(|(name, sum)| TableSum::new(name, sum))
                .collect(),
        };
        self.incoming = Some(FileFacts {
            sha256: Some(hold::sha256(&mut opened, watch)?.to_string()),
            content: Some(content),
            ..FileFacts::of(file).map_err(failed)?
        });
        Ok(())
    }

    /// Puts the new file in place.
    pub(in crate::engine::sqlite) fn publish(self, file: &Path, watch: &dyn Watch) -> Result<()> {
        let guard = Guard::take(&self.names, self.new.patience, watch)?;
        let mode = match self.hold {
            Some(_) => Mode::Replace,
            None => Mode::Create,
        };
        let run = Run {
            put_in_place: self.incoming,
            ..run(self.new.run, mode)
        };
        let switch = Switch {
            names: &self.names,
            run,
            incoming: Some(Incoming {
                path: file.to_owned(),
                home: None,
            }),
            outgoing: self.hold,
        };
        switch.make(guard, watch)
    }
}

/// A run of this program that switches now.
pub(super) fn run(id: String, mode: Mode) -> Run {
    let now = Timestamp::now();
    Run {
        id,
        when: now.round(Unit::Millisecond).unwrap_or(now).to_string(),
        tool: concat!("waybill-import ", env!("CARGO_PKG_VERSION")).to_owned(),
        mode,
        undoes: None,
        put_in_place: None,
        put_aside: None,
    }
}
