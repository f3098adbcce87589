//! Writes an archive in one forward pass.
//!
//! Knows the order of the members and the digests; knows no database, no path and no terminal.
//! Invariant: no byte is written twice, so `out` need not be seekable.

use super::content_root::content_root;
use super::derived::{self, BAGIT, Facts};
use super::emit::Emitter;
use super::layout::Member;
use super::limits::{PREAMBLE_BYTES, SCHEMA_BYTES, TABLES, TAG_BYTES};
use super::manifest::{self, Manifest, PartRecord, TableRecord};
use super::parts::PartsSink;
use super::preamble::Preamble;
use super::{evidence_json, json, pipeline, schema_json};
use crate::digest::Digest;
use crate::fault::{Code, Fault, Mismatch, Result};
use crate::model::schema::{Schema, Table};
use crate::profile::evidence::TableEvidence;
use crate::progress::Watch;
use crate::report::Totals;
use std::io::{self, Write};

/// How an archive is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriterOptions {
    /// Compression level, 1 to 19. Each thread takes 12 MiB at 3, 20 at 9, 50 at 12, 90 at 19
    /// besides its buffers.
    pub level: i32,
    /// Threads that compress; the archive does not depend on it.
    pub jobs: usize,
    /// The operator's words.
    pub labels: Vec<(String, String)>,
    /// When it was written, if that is to stand in it: RFC 3339, in UTC.
    pub created: Option<String>,
    /// Engine of the source, such as `sqlite`.
    pub source_engine: String,
    /// Its version.
    pub source_version: String,
}

impl WriterOptions {
    /// The defaults: level 3, one thread, no word more than needed.
    #[must_use]
    pub fn new(source_engine: impl Into<String>, source_version: impl Into<String>) -> Self {
        WriterOptions {
            level: 3,
            jobs: 1,
            labels: Vec::new(),
            created: None,
            source_engine: source_engine.into(),
            source_version: source_version.into(),
        }
    }
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// SHA-256 of the root file.
    pub root: Digest,
    /// Digest of the content, independent of compression.
    pub content_root: Digest,
    /// SHA-256 of the whole archive.
    pub sha256: Digest,
    /// Length of the whole archive.
    pub bytes: u64,
    /// Tables in the order of the schema.
    pub tables: Vec<TableWritten>,
    /// Sums over all tables.
    pub totals: Totals,
}

/// What was written of one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableWritten {
    /// Its rows.
    pub rows: u64,
    /// Bytes of its lines.
    pub bytes: u64,
    /// Bytes of the lines of its longest part.
    pub longest_part: u64,
}

/// Writes an archive of `schema` into `out`: `produce` is called once, on this thread, and sends
/// the rows. `watch` is told of rows and bytes as parts are cut.
pub fn write(
    out: &mut (dyn Write + Send),
    schema: &Schema,
    options: &WriterOptions,
    watch: &dyn Watch,
    produce: &mut dyn FnMut(&mut PartsSink<'_>) -> Result<()>,
) -> Result<Written> {
    let preamble = Preamble::new(options)?;
    let schema_bytes = schema_bytes(schema)?;
    let mut tags = Tags {
        emitter: Emitter::new(out),
        digests: Vec::new(),
    };
    tags.emit(Member::Bagit, BAGIT)?;
    let preamble_bytes = preamble.to_bytes();
    if preamble_bytes.len() as u64 > PREAMBLE_BYTES {
        return Err(Fault::new(Code::Usage, "the labels are longer than 64 KiB"));
    }
    tags.emit(Member::Preamble, &preamble_bytes)?;
    tags.emit(Member::Schema, &schema_bytes)?;

    let tables = schema.tables.len();
    let (emitter, parts, evidence) = pipeline::run(
        tags.emitter,
        tables,
        options.level,
        options.jobs,
        |intake| {
            let mut sink = PartsSink::new(schema, watch, intake);
            produce(&mut sink)?;
            sink.finish()
        },
    )?;
    tags.emitter = emitter;

    let records = records(schema, parts, evidence)?;
    let manifest = Manifest {
        schema_sha256: tags.digest(Member::Schema),
        content_root: content_root(&schema_json::content(schema), &records),
        totals: manifest::totals(&records).ok_or_else(beyond_counting)?,
        tables: records,
    };
    let facts = Facts {
        schema,
        schema_bytes: schema_bytes.len() as u64,
        manifest: &manifest,
        program: &preamble.program,
    };
    tags.finish(&facts)
}

/// The bytes of `schema.json`, when an archive can hold them and a reader will take them.
fn schema_bytes(schema: &Schema) -> Result<Vec<u8>> {
    if schema.tables.len() > TABLES {
        return Err(
            Fault::new(Code::SourceLimit, "the source has too many tables")
                .because(Mismatch::new(TABLES, schema.tables.len())),
        );
    }
    let bytes = schema_json::write(schema);
    if bytes.len() as u64 > SCHEMA_BYTES {
        return Err(Fault::new(
            Code::SourceLimit,
            "the source's schema is longer than 64 MiB",
        ));
    }
    // An archive that no reader takes is worse than none.
    let back = schema_json::read(&bytes)
        .map_err(|fault| Fault::new(Code::Bug, "the schema contradicts itself").because(fault))?;
    if back != *schema {
        return Err(Fault::new(
            Code::Bug,
            "the schema does not come back as it was",
        ));
    }
    Ok(bytes)
}

fn records(
    schema: &Schema,
    parts: Vec<Vec<PartRecord>>,
    evidence: Vec<TableEvidence>,
) -> Result<Vec<TableRecord>> {
    let tables = schema.tables.iter().zip(parts).zip(evidence);
    let record = |(id, ((table, parts), evidence)): (u32, ((&Table, Vec<PartRecord>), _))| {
        let sums = manifest::sums(&parts)?;
        Some(TableRecord {
            id,
            name: table.name.clone(),
            rows: sums.rows,
            bytes: sums.bytes,
            rows_sha256: sums.rows_sha256,
            parts,
            columns: evidence_json::write(table, evidence),
        })
    };
    (1..)
        .zip(tables)
        .map(|table| record(table).ok_or_else(beyond_counting))
        .collect()
}

fn beyond_counting() -> Fault {
    Fault::new(
        Code::SourceLimit,
        "there are more than 2^53-1 rows or bytes",
    )
}

/// The tag files written so far.
struct Tags<'a> {
    emitter: Emitter<'a>,
    digests: Vec<(Member, Digest)>,
}

impl Tags<'_> {
    fn emit(&mut self, member: Member, content: &[u8]) -> Result<()> {
        if content.len() as u64 > TAG_BYTES {
            return Err(
                Fault::new(Code::SourceLimit, "a tag file is longer than 512 MiB")
                    .in_entry(member.path()),
            );
        }
        let digest = self.emitter.stored(member, content)?;
        self.digests.push((member, digest));
        Ok(())
    }

    fn derive(
        &mut self,
        member: Member,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<()> {
        let mut content = Vec::new();
        write(&mut content).expect("memory takes what plain data gives");
        self.emit(member, &content)
    }

    fn digest(&self, member: Member) -> Digest {
        let found = self.digests.iter().find(|(known, _)| *known == member);
        found.expect("members are written in their order").1
    }

    /// Writes everything that follows the rows.
    fn finish(mut self, facts: &Facts<'_>) -> Result<Written> {
        self.derive(Member::Manifest, |out| json::write(out, facts.manifest))?;
        self.derive(Member::DataPackage, |out| derived::data_package(out, facts))?;
        self.derive(Member::PayloadManifest, |out| {
            derived::payload_manifest(out, facts)
        })?;
        self.derive(Member::BagInfo, |out| derived::bag_info(out, facts))?;
        let mut root_file = Vec::new();
        derived::root_file(&mut root_file, |member| self.digest(member))
            .expect("memory takes what plain data gives");
        self.emit(Member::Root, &root_file)?;
        let root = self.digest(Member::Root);
        let emitted = self.emitter.finish()?;
        let table = |table: &TableRecord| TableWritten {
            rows: table.rows,
            bytes: table.bytes,
            longest_part: table
                .parts
                .iter()
                .map(|part| u64::from(part.bytes))
                .max()
                .unwrap_or(0),
        };
        Ok(Written {
            root,
            content_root: facts.manifest.content_root,
            sha256: emitted.sha256,
            bytes: emitted.bytes,
            tables: facts.manifest.tables.iter().map(table).collect(),
            totals: facts.manifest.totals.into(),
        })
    }
}
