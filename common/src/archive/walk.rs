//! Walks the frames of an archive from its seek table, without touching row data.
//!
//! Everything between the contents (padding, headers, the end) has one byte form: it is built
//! again and compared. What comes out is where each member's content frame is.

use super::content;
use super::frame;
use super::header::{self, BLOCK, END};
use super::layout::Member;
use super::limits::{Limits, in_memory};
use super::seek::{self, FrameSizes};
use crate::fault::{Code, Fault, Mismatch, Result};
use std::fs::File;
use std::os::unix::fs::FileExt;

/// The content frame of one member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) member: Member,
    /// Where the frame begins.
    pub(super) offset: u64,
    /// Its length.
    pub(super) frame_bytes: u32,
    /// Length of the content.
    pub(super) bytes: u32,
}

/// Reads exactly `buffer` from `file` at `offset`.
pub(super) fn read_at(file: &File, offset: u64, buffer: &mut [u8]) -> Result<()> {
    file.read_exact_at(buffer, offset).map_err(|error| {
        Fault::new(Code::ArchiveDamaged, "cannot read from the archive").because(error)
    })
}

/// Refuses a file that does not begin as every archive does, whatever its version.
pub(super) fn check_opening(file: &File, length: u64, bagit: &[u8]) -> Result<()> {
    let header = header::header(Member::Bagit, u32::try_from(bagit.len()).unwrap_or(0));
    let name_end = frame::HEADER_BYTES + frame::BLOCK_HEADER_BYTES + Member::Bagit.path().len() + 1;
    let opening = &frame::stored(&header)[..name_end];
    let foreign = |what| Fault::new(Code::ArchiveForeign, what);
    if length == 0 {
        return Err(foreign("the file is empty"));
    }
    let seen = in_memory(std::cmp::min(length, name_end as u64));
    let mut found = vec![0; seen];
    read_at(file, 0, &mut found)?;
    if found != opening[..seen] {
        return Err(foreign("the file does not begin as a Waybill archive does"));
    }
    Ok(())
}

/// The members in order, from the seek table and the stored frames between contents.
pub(super) fn walk(file: &File, length: u64, limits: &Limits) -> Result<Vec<Span>> {
    let frames = seek::read(length, |offset, bytes| {
        let mut buffer = vec![0; in_memory(bytes)];
        read_at(file, offset, &mut buffer)?;
        Ok(buffer)
    })?;
    let Some((last, pairs)) = frames
        .split_last()
        .filter(|(_, pairs)| pairs.len() % 2 == 0)
    else {
        return Err(damaged(
            "the seek table does not list two frames a member and one more",
        ));
    };
    let mut walk = Walk {
        file,
        offset: 0,
        padding: 0,
        buffer: Vec::new(),
    };
    let mut spans: Vec<Span> = Vec::with_capacity(pairs.len() / 2);
    let mut parts = 0;
    for pair in pairs.chunks_exact(2) {
        let before = spans.last().map(|span| span.member);
        let span = walk.member(before, pair[0], pair[1])?;
        check_size(&span, limits).map_err(|fault| fault.in_entry(span.member.path()))?;
        parts += usize::from(matches!(span.member, Member::Part { .. }));
        if parts > limits.parts {
            return Err(Fault::new(
                Code::ArchiveLimit,
                "the archive has too many parts",
            ));
        }
        spans.push(span);
    }
    if spans.last().map(|span| span.member) != Some(Member::Root) {
        return Err(damaged("the last member is not the root file"));
    }
    walk.end(*last)?;
    Ok(spans)
}

/// Holds a member to the limits of its kind, so that whoever reads it may allocate for it.
fn check_size(span: &Span, limits: &Limits) -> Result<()> {
    let (bytes, frame_bytes) = (u64::from(span.bytes), u64::from(span.frame_bytes));
    let limit = match span.member {
        Member::Part { .. } => limits.part_bytes,
        Member::Schema => std::cmp::min(limits.schema_bytes, super::limits::SCHEMA_BYTES),
        Member::Bagit | Member::Preamble => super::limits::PREAMBLE_BYTES,
        _ => std::cmp::min(limits.tag_bytes, super::limits::TAG_BYTES),
    };
    if bytes > limit {
        let fault = Fault::new(Code::ArchiveLimit, "the member is longer than allowed")
            .because(format!("{bytes} bytes, at most {limit}"));
        return Err(match span.member {
            Member::Part { .. } => fault.hint(format!(
                "--max-part {bytes} accepts it, and takes so much memory and more"
            )),
            _ => fault,
        });
    }
    let fits = match span.member {
        Member::Part { .. } => frame_bytes <= content::largest_frame(bytes),
        _ => frame_bytes == frame::stored_bytes(bytes),
    };
    if bytes == 0 || !fits {
        return Err(damaged(
            "the member's frame has a length that it cannot have",
        ));
    }
    Ok(())
}

struct Walk<'a> {
    file: &'a File,
    /// Where the next frame begins.
    offset: u64,
    /// Padding that the last member still needs.
    padding: usize,
    buffer: Vec<u8>,
}

impl Walk<'_> {
    /// Checks the frame between contents, which holds a header, and steps over the content.
    fn member(
        &mut self,
        before: Option<Member>,
        glue: FrameSizes,
        content: FrameSizes,
    ) -> Result<Span> {
        self.read_glue(glue, BLOCK)
            .map_err(|fault| name_after(fault, before))?;
        let name_at = frame::HEADER_BYTES + frame::BLOCK_HEADER_BYTES + self.padding;
        let member = self.buffer.get(name_at..).and_then(header::member);
        let Some(member) = member.filter(|member| member.follows(before)) else {
            return Err(name_after(
                damaged("the next member is not one that may follow"),
                before,
            ));
        };
        let mut expected = vec![0; self.padding];
        expected.extend_from_slice(&header::header(member, content.plain));
        if self.buffer != frame::stored(&expected) {
            return Err(damaged("the member's header is not as it must be").in_entry(member.path()));
        }
        let span = Span {
            member,
            offset: self.offset,
            frame_bytes: content.compressed,
            bytes: content.plain,
        };
        self.offset += u64::from(content.compressed);
        self.padding = header::padding(content.plain);
        Ok(span)
    }

    /// Checks the frame after the last content.
    fn end(&mut self, glue: FrameSizes) -> Result<()> {
        self.read_glue(glue, END)?;
        if self.buffer != frame::stored(&vec![0; self.padding + END]) {
            return Err(damaged("the archive's end is not as it must be"));
        }
        Ok(())
    }

    /// Reads a frame that must hold the padding that is due and `bytes` bytes.
    fn read_glue(&mut self, glue: FrameSizes, bytes: usize) -> Result<()> {
        let plain = (self.padding + bytes) as u64;
        let sizes = (u64::from(glue.plain), u64::from(glue.compressed));
        let expected = (plain, frame::stored_bytes(plain));
        if sizes != expected {
            return Err(damaged("a frame between members has the wrong length")
                .because(Mismatch::new(expected.1, sizes.1)));
        }
        self.buffer.resize(in_memory(expected.1), 0);
        read_at(self.file, self.offset, &mut self.buffer)?;
        self.offset += expected.1;
        Ok(())
    }
}

fn name_after(fault: Fault, before: Option<Member>) -> Fault {
    match before {
        Some(before) => fault.in_entry(format!("after {}", before.path())),
        None => fault,
    }
}

fn damaged(what: &'static str) -> Fault {
    Fault::new(Code::ArchiveDamaged, what)
}

/// The frame of the second member, found from the file's beginning alone: only for saying why a
/// file cannot be walked.
pub(super) fn second_member(file: &File, length: u64, first_bytes: usize) -> Option<Span> {
    let first_bytes = u32::try_from(first_bytes).ok()?;
    let padding = header::padding(first_bytes);
    let glue = frame::stored_bytes((padding + BLOCK) as u64);
    let header_at = frame::stored_bytes(BLOCK as u64) + frame::stored_bytes(u64::from(first_bytes));
    let offset = header_at + glue;
    // The content frame says its own size.
    let mut opening = [0; frame::HEADER_BYTES];
    read_at(file, offset, &mut opening).ok()?;
    let [.., a, b, c, d] = opening;
    let bytes = u32::from_le_bytes([a, b, c, d]);
    let frame_bytes = frame::stored_bytes(u64::from(bytes));
    let within =
        u64::from(bytes) <= super::limits::PREAMBLE_BYTES && offset + frame_bytes <= length;
    within.then_some(Span {
        member: Member::Preamble,
        offset,
        frame_bytes: u32::try_from(frame_bytes).ok()?,
        bytes,
    })
}
