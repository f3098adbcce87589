//! Reads an archive: what it says of itself, and its parts, each on any thread.
//!
//! Knows no database and no terminal. An `Archive` has passed every check that needs no rows;
//! each part is checked when it is read, before its first row reaches anybody.

use super::content;
use super::layout::Member;
use super::limits::{Limits, in_memory};
use super::manifest::PartRecord;
use super::open::{self, Opened};
use super::preamble::Preamble;
use super::rows;
use super::walk;
use crate::digest::{Digest, Hasher};
use crate::fault::{Code, Fault, Mismatch, Result};
use crate::model::schema::Schema;
use crate::profile::evidence::TableEvidence;
use crate::progress::Watch;
use crate::report::Totals;
use crate::seam::{PartBuffers, PartReader, PartSpan, RowSink};
use std::fs::File;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bytes read at a time when the whole file is hashed.
const READ_BYTES: usize = 1 << 20;

/// An archive that is whole as far as can be told without reading rows.
pub struct Archive {
    file: File,
    location: String,
    opened: Opened,
    parts: Vec<PartSpan>,
    tables: Vec<TableFacts>,
    /// Bytes of lines above which a part is large.
    large_part_bytes: u64,
    /// Held while a large part is in memory.
    large_part: Mutex<()>,
}

/// What the manifest says of one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableFacts {
    /// Its rows.
    pub rows: u64,
    /// Bytes of its lines.
    pub bytes: u64,
    /// SHA-256 over the digests of its parts, in order.
    pub rows_sha256: Digest,
    /// Position of its first part among all parts.
    pub first_part: usize,
    /// Number of its parts.
    pub parts: usize,
}

/// One member of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Which it is.
    pub member: Member,
    /// Where its frame begins in the file.
    pub offset: u64,
    /// Length of its frame.
    pub frame_bytes: u64,
    /// Length of its content.
    pub bytes: u64,
    /// SHA-256 of its content: computed for a stored member, recorded for a part.
    pub sha256: Digest,
    /// Recorded rows of a part.
    pub rows: Option<u64>,
}

impl Archive {
    /// Opens and checks everything but row data. With `expected_root`, nothing is parsed before
    /// the root is the one expected.
    pub fn open(
        file: File,
        location: impl Into<String>,
        limits: &Limits,
        expected_root: Option<Digest>,
    ) -> Result<Archive> {
        let location = location.into();
        let opened = open::open(&file, limits, expected_root).map_err(|f| f.at(&location))?;
        let (mut parts, mut tables) = (Vec::new(), Vec::new());
        for (position, table) in opened.manifest.tables.iter().enumerate() {
            tables.push(TableFacts {
                rows: table.rows,
                bytes: table.bytes,
                rows_sha256: table.rows_sha256,
                first_part: parts.len(),
                parts: table.parts.len(),
            });
            let mut first_row = 1;
            for (part, record) in (1..).zip(&table.parts) {
                parts.push(PartSpan {
                    table: position,
                    part,
                    rows: record.rows,
                    first_row,
                    bytes: u64::from(record.bytes),
                });
                first_row += record.rows;
            }
        }
        Ok(Archive {
            file,
            location,
            opened,
            parts,
            tables,
            large_part_bytes: limits.large_part_bytes,
            large_part: Mutex::new(()),
        })
    }

    /// The file as the user named it.
    #[must_use]
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Length of the file in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.opened.length
    }

    /// Who wrote it, and from what.
    #[must_use]
    pub fn preamble(&self) -> &Preamble {
        &self.opened.preamble
    }

    /// What the database consists of.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.opened.schema
    }

    /// SHA-256 of the root file.
    #[must_use]
    pub fn root(&self) -> Digest {
        self.opened.root
    }

    /// Digest of the content, independent of compression.
    #[must_use]
    pub fn content_root(&self) -> Digest {
        self.opened.manifest.content_root
    }

    /// Digest of `data/schema.json`.
    #[must_use]
    pub fn schema_sha256(&self) -> Digest {
        self.opened.manifest.schema_sha256
    }

    /// Sums over all tables.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.opened.manifest.totals.into()
    }

    /// What the manifest says of the tables, in the order of the schema.
    #[must_use]
    pub fn tables(&self) -> &[TableFacts] {
        &self.tables
    }

    /// The evidence as recorded, in the order of the schema; only reading all rows proves it.
    #[must_use]
    pub fn evidence(&self) -> &[TableEvidence] {
        &self.opened.evidence
    }

    /// The parts of one table.
    #[must_use]
    pub fn table_parts(&self, table: usize) -> &[PartSpan] {
        self.tables.get(table).map_or(&[], |facts| {
            &self.parts[facts.first_part..facts.first_part + facts.parts]
        })
    }

    /// All members in their order.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        self.opened.spans.iter().map(|span| {
            let record = match span.member {
                Member::Part { table, part } => self.record(table as usize - 1, part).ok(),
                _ => None,
            };
            let stored = || {
                let mut digests = self.opened.digests.iter();
                digests.find(|(member, _)| *member == span.member)
            };
            Entry {
                member: span.member,
                offset: span.offset,
                frame_bytes: u64::from(span.frame_bytes),
                bytes: u64::from(span.bytes),
                sha256: record
                    .map(|record| record.sha256)
                    .or_else(|| stored().map(|(_, digest)| *digest))
                    .unwrap_or_default(),
                rows: record.map(|record| record.rows),
            }
        })
    }

    /// The content of a stored member, such as `manifest.json`, as it stands in the archive.
    pub fn tag_file(&self, member: Member) -> Result<Vec<u8>> {
        let found = self
            .opened
            .digests
            .iter()
            .find(|(known, _)| *known == member);
        let span = self.opened.spans.iter().find(|span| span.member == member);
        let (Some((_, digest)), Some(span)) = (found, span) else {
            return Err(Fault::new(Code::Bug, "this member is not a tag file"));
        };
        let content = open::stored_content(&self.file, span).map_err(|f| f.at(&self.location))?;
        match Digest::of(&content) {
            found if found == *digest => Ok(content),
            _ => Err(self.damaged("the archive has changed since it was opened", member)),
        }
    }

    /// Checks a part without decoding its cells: the frame's digest before anything is
    /// decompressed, then the lines' digest, their end, count and cut.
    pub fn check_part(&self, part: &PartSpan, buffers: &mut PartBuffers) -> Result<()> {
        self.admitted(part, buffers, |buffers| self.read_lines(part, buffers))
    }

    /// Runs `act` on a part, alone when the part is large. Its memory is then given back at once:
    /// the buffers of every worker would grow to it otherwise.
    fn admitted(
        &self,
        part: &PartSpan,
        buffers: &mut PartBuffers,
        act: impl FnOnce(&mut PartBuffers) -> Result<()>,
    ) -> Result<()> {
        if part.bytes <= self.large_part_bytes {
            return act(buffers);
        }
        let _alone: MutexGuard<'_, ()> = self
            .large_part
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *buffers = PartBuffers::default();
        let done = act(buffers);
        *buffers = PartBuffers::default();
        done
    }

    /// Puts the lines of a part into `buffers.lines`, checked.
    fn read_lines(&self, part: &PartSpan, buffers: &mut PartBuffers) -> Result<()> {
        let member = member(part);
        let named = |fault: Fault| {
            let name = self.opened.schema.tables.get(part.table).map(|t| &t.name);
            let fault = fault.in_entry(member.path()).at(&self.location);
            name.map_or_else(
                || Fault::new(Code::Bug, "there is no such part"),
                |n| fault.in_table(n),
            )
        };
        let record = self.record(part.table, part.part).map_err(named)?;
        self.lines(record, buffers).map_err(named)
    }

    fn lines(&self, record: &PartRecord, buffers: &mut PartBuffers) -> Result<()> {
        let digest = |what: &'static str, recorded: Digest, bytes: &[u8]| match Digest::of(bytes) {
            found if found == recorded => Ok(()),
            found => {
                Err(Fault::new(Code::ArchiveDamaged, what).because(Mismatch::new(recorded, found)))
            }
        };
        buffers.frame.clear();
        buffers.frame.resize(record.frame_bytes as usize, 0);
        walk::read_at(&self.file, record.offset, &mut buffers.frame)?;
        digest(
            "the frame does not match its recorded digest",
            record.frame_sha256,
            &buffers.frame,
        )?;
        content::unpack(&buffers.frame, record.bytes as usize, &mut buffers.lines)?;
        digest(
            "the rows do not match their recorded digest",
            record.sha256,
            &buffers.lines,
        )?;
        rows::check_lines(&buffers.lines, record.rows)
    }

    /// SHA-256 of the whole file.
    pub fn file_sha256(&self, watch: &dyn Watch) -> Result<Digest> {
        let mut digest = Hasher::default();
        let mut buffer = vec![0; READ_BYTES];
        let mut offset = 0;
        while offset < self.opened.length {
            if watch.stopped() {
                return Err(Fault::interrupted());
            }
            let left = self.opened.length - offset;
            let bytes = in_memory(std::cmp::min(left, READ_BYTES as u64));
            walk::read_at(&self.file, offset, &mut buffer[..bytes])
                .map_err(|fault| fault.at(&self.location))?;
            digest.update(&buffer[..bytes]);
            offset += bytes as u64;
        }
        Ok(digest.finish())
    }

    fn record(&self, table: usize, part: u32) -> Result<&PartRecord> {
        let table = self.opened.manifest.tables.get(table);
        table
            .zip((part as usize).checked_sub(1))
            .and_then(|(table, part)| table.parts.get(part))
            .ok_or_else(|| Fault::new(Code::Bug, "there is no such part"))
    }

    fn damaged(&self, what: &'static str, member: Member) -> Fault {
        Fault::new(Code::ArchiveDamaged, what)
            .in_entry(member.path())
            .at(&self.location)
    }
}

/// The member that a part is.
fn member(part: &PartSpan) -> Member {
    Member::Part {
        table: u32::try_from(part.table + 1).unwrap_or(u32::MAX),
        part: part.part,
    }
}

impl PartReader for Archive {
    fn parts(&self) -> &[PartSpan] {
        &self.parts
    }

    fn read(
        &self,
        part: &PartSpan,
        buffers: &mut PartBuffers,
        sink: &mut dyn RowSink,
    ) -> Result<()> {
        self.admitted(part, buffers, |buffers| {
            self.read_lines(part, buffers)?;
            let table = &self.opened.schema.tables[part.table];
            rows::send(table, part, &buffers.lines, sink)
                .map_err(|fault| fault.in_entry(member(part).path()))
        })
    }
}
