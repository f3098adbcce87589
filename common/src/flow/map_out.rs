//! The mapping file that analyze writes: begun before the work, named when it is done.

use super::plan::OLDEST_SERVER;
use super::request::{Against, AnalyzeRequest};
use super::wishes::Wishes;
use crate::archive::OutputFile;
use crate::fault::{Code, Fault, Result};
use crate::location::Location;
use crate::mapping::lossless::{Lossless, lossless};
use crate::model::schema::Schema;
use crate::profile::evidence::{KeyEvidence, TableEvidence};
use std::io::Write as _;
use std::path::PathBuf;

/// A mapping file that is being made.
pub(super) struct MapOut {
    path: PathBuf,
    file: OutputFile,
}

impl MapOut {
    /// Begins the file that is asked for, so that what stands in its way is told before the work.
    pub(super) fn begin(request: &AnalyzeRequest) -> Result<Option<Self>> {
        let Some(path) = &request.map_out else {
            return Ok(None);
        };
        if let Against::Sqlite | Against::Target(Location::Sqlite(_)) = request.against {
            let what = "a mapping file is for PostgreSQL, and --to says SQLite";
            let hint = "leave out --map-out: an SQLite target holds every value as it is";
            return Err(Fault::new(Code::Usage, what).hint(hint));
        }
        let file = OutputFile::create(path, false, true)?;
        Ok(Some(MapOut {
            path: path.clone(),
            file,
        }))
    }

    /// Writes the file, and gives it its name. Gives the wishes that it stands for, and what was
    /// done in words.
    pub(super) fn write(
        mut self,
        schema: &Schema,
        evidence: &[TableEvidence],
        keys: &[KeyEvidence],
        wishes: Wishes,
    ) -> Result<(Wishes, String)> {
        let request = wishes.request(OLDEST_SERVER);
        let Lossless {
            text,
            mapping,
            columns,
        } = lossless(schema, evidence, keys, &request)?;
        let written = self.file.write_all(text.as_bytes());
        written.map_err(|error| {
            Fault::new(Code::OutputUnwritable, "cannot write the mapping file")
                .at(self.path.display())
                .because(error)
        })?;
        self.file.commit()?;
        let words = match columns {
            0 => "no column needs another form".to_owned(),
            1 => "1 column gets another form".to_owned(),
            more => format!("{more} columns get another form"),
        };
        let path = self.path.display();
        Ok((wishes.with(mapping), format!("wrote {path}: {words}")))
    }
}
