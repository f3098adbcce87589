//! Opens an archive that nobody trusts, in the one order that is safe: the frames first, then the
//! root, then the tag files, strictly; rows come last, from `reader`.

use super::check;
use super::derived::{self, BAGIT, Facts};
use super::frame;
use super::json;
use super::layout::Member;
use super::limits::Limits;
use super::manifest::Manifest;
use super::preamble::{self, Preamble};
use super::schema_json;
use super::walk::{self, Span};
use crate::digest::Digest;
use crate::fault::{Code, Fault, Mismatch, Result};
use crate::model::schema::Schema;
use crate::profile::evidence::TableEvidence;
use std::fs::File;
use std::io::{self, Write};

/// All that an archive says besides its rows, checked.
pub(super) struct Opened {
    pub(super) length: u64,
    pub(super) spans: Vec<Span>,
    /// Digests of the stored members' contents, in order.
    pub(super) digests: Vec<(Member, Digest)>,
    pub(super) preamble: Preamble,
    pub(super) schema: Schema,
    pub(super) manifest: Manifest,
    pub(super) evidence: Vec<TableEvidence>,
    pub(super) root: Digest,
}

/// Opens `file`; with `expected_root`, nothing is parsed before the root is the one expected.
pub(super) fn open(file: &File, limits: &Limits, expected_root: Option<Digest>) -> Result<Opened> {
    let metadata = file.metadata().map_err(|error| {
        Fault::new(Code::ArchiveMissing, "cannot look at the archive").because(error)
    })?;
    if !metadata.is_file() {
        return Err(
            Fault::new(Code::ArchiveForeign, "this is not a regular file")
                .hint("name a file, or `-` to read from a pipe"),
        );
    }
    let length = metadata.len();
    walk::check_opening(file, length, BAGIT)?;
    let spans = match walk::walk(file, length, limits) {
        Ok(spans) => spans,
        Err(fault) if expected_root.is_none() => return Err(newer(file, length).unwrap_or(fault)),
        Err(fault) => return Err(fault),
    };
    let tags = Tags::read(file, &spans)?;
    let root = tags.digest(Member::Root);
    if let Some(expected) = expected_root.filter(|expected| *expected != root) {
        return Err(
            Fault::new(Code::ArchiveUnexpected, "the root is not the expected one").because(
                Mismatch {
                    recorded: format!("{expected} (expected)"),
                    found: root.to_string(),
                },
            ),
        );
    }
    parse(length, spans, tags, root)
}

/// Parses the tag files and holds each to the others.
fn parse(length: u64, spans: Vec<Span>, mut tags: Tags, root: Digest) -> Result<Opened> {
    let digests: Vec<_> = tags.0.iter().map(|tag| (tag.member, tag.digest)).collect();
    tags.is_derived(Member::Bagit, |out| out.write_all(BAGIT))?;
    let root_file = |out: &mut dyn Write| derived::root_file(out, |member| tags.digest(member));
    tags.is_derived(Member::Root, root_file)?;

    let preamble = tags.parse(Member::Preamble, Preamble::from_bytes)?;
    let schema_bytes = tags.content(Member::Schema).len() as u64;
    let schema = tags.parse(Member::Schema, schema_json::read)?;
    tags.forget(Member::Schema);
    let mut manifest: Manifest = tags.parse(Member::Manifest, json::from_bytes)?;
    tags.forget(Member::Manifest);
    let schema_sha256 = tags.digest(Member::Schema);
    let evidence = check::check(&mut manifest, &schema, schema_sha256, &spans)
        .map_err(|fault| fault.in_entry(Member::Manifest.path()))?;

    let facts = Facts {
        schema: &schema,
        schema_bytes,
        manifest: &manifest,
        program: &preamble.program,
    };
    tags.is_derived(Member::DataPackage, |out| {
        derived::data_package(out, &facts)
    })?;
    tags.is_derived(Member::PayloadManifest, |out| {
        derived::payload_manifest(out, &facts)
    })?;
    tags.is_derived(Member::BagInfo, |out| derived::bag_info(out, &facts))?;
    Ok(Opened {
        length,
        spans,
        digests,
        preamble,
        schema,
        manifest,
        evidence,
        root,
    })
}

/// The content of a stored member.
pub(super) fn stored_content(file: &File, span: &Span) -> Result<Vec<u8>> {
    let mut content = vec![0; span.frame_bytes as usize];
    walk::read_at(file, span.offset, &mut content)
        .and_then(|()| frame::open_stored(&mut content, u64::from(span.bytes)))
        .map_err(|fault| fault.in_entry(span.member.path()))?;
    Ok(content)
}

/// Whether a file that cannot be walked says that it is of a newer version. All versions begin
/// with `bagit.txt` and `waybill.json`, stored.
fn newer(file: &File, length: u64) -> Option<Fault> {
    let first = walk::second_member(file, length, BAGIT.len())?;
    let content = stored_content(file, &first).ok()?;
    let fault = preamble::refuse_newer(&content).err()?;
    (fault.code() == Code::ArchiveTooNew).then(|| fault.in_entry(Member::Preamble.path()))
}

/// The stored members.
struct Tags(Vec<Tag>);

struct Tag {
    member: Member,
    digest: Digest,
    content: Vec<u8>,
}

impl Tags {
    fn read(file: &File, spans: &[Span]) -> Result<Self> {
        let stored = |span: &&Span| !matches!(span.member, Member::Part { .. });
        let read = |span: &Span| {
            let content = stored_content(file, span)?;
            Ok(Tag {
                member: span.member,
                digest: Digest::of(&content),
                content,
            })
        };
        spans
            .iter()
            .filter(stored)
            .map(read)
            .collect::<Result<_>>()
            .map(Tags)
    }

    fn tag(&self, member: Member) -> &Tag {
        let found = self.0.iter().find(|tag| tag.member == member);
        found.expect("the walk has found every fixed member")
    }

    fn digest(&self, member: Member) -> Digest {
        self.tag(member).digest
    }

    fn content(&self, member: Member) -> &[u8] {
        &self.tag(member).content
    }

    /// Gives back the memory of a content that is not needed any more.
    fn forget(&mut self, member: Member) {
        for tag in self.0.iter_mut().filter(|tag| tag.member == member) {
            tag.content = Vec::new();
        }
    }

    fn parse<T>(&self, member: Member, parse: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
        parse(self.content(member)).map_err(|fault| fault.in_entry(member.path()))
    }

    fn is_derived(
        &self,
        member: Member,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<()> {
        if json::is_written(self.content(member), write) {
            return Ok(());
        }
        let what = "is not what the rest of the archive says it must be";
        Err(Fault::new(Code::ArchiveInconsistent, what).in_entry(member.path()))
    }
}
