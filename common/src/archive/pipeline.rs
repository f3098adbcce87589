//! Compresses parts on several threads and writes them in order.
//!
//! Buffers are counted: whoever fills one waits until one is free, so memory is bounded by the
//! number of buffers, and the bytes written do not depend on the number of threads.

use super::content::Packer;
use super::emit::Emitter;
use super::layout::Member;
use super::limits::PART_BYTES;
use super::manifest::PartRecord;
use crate::digest::Digest;
use crate::fault::{Code, Fault, Result};
use crossbeam_channel::{Receiver, Sender, unbounded};
use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::thread;

/// Most threads that compress.
const MOST_JOBS: usize = 256;
/// Buffers beside those at work: one being filled, one being written.
const SPARE_BUFFERS: usize = 2;

/// Memory for one part.
#[derive(Default)]
pub(super) struct Buffer {
    pub(super) lines: Vec<u8>,
    frame: Vec<u8>,
}

/// A part that is ready to be compressed.
pub(super) struct Filled {
    /// Position among all parts, from 0, without gaps.
    pub(super) number: u64,
    /// Position of the table in the schema.
    pub(super) table: usize,
    /// The part's own name.
    pub(super) member: Member,
    pub(super) rows: u64,
    pub(super) buffer: Buffer,
}

/// A part that is ready to be written.
struct Packed {
    part: Filled,
    sha256: Digest,
    frame_sha256: Digest,
}

/// Where filled buffers go and free ones come from.
pub(super) struct Intake {
    filled: Sender<Filled>,
    free: Receiver<Buffer>,
}

impl Intake {
    /// An empty buffer; waits for one. Nothing comes when the other side has failed.
    pub(super) fn buffer(&self) -> Result<Buffer> {
        self.free.recv().map_err(|_| stopped())
    }

    /// Hands a part on.
    pub(super) fn hand_on(&self, part: Filled) -> Result<()> {
        self.filled.send(part).map_err(|_| stopped())
    }
}

/// The other side has failed, and its fault is the one that is reported.
fn stopped() -> Fault {
    Fault::new(
        Code::OutputUnwritable,
        "the archive could not be written on",
    )
}

/// What was written: the emitter back, and the parts of each table.
type Emitted<'a> = (Emitter<'a>, Vec<Vec<PartRecord>>);

/// Runs `produce` on this thread and all else on others; gives what `produce` gave.
pub(super) fn run<T>(
    emitter: Emitter<'_>,
    tables: usize,
    level: i32,
    jobs: usize,
    produce: impl FnOnce(Intake) -> Result<T>,
) -> Result<(Emitter<'_>, Vec<Vec<PartRecord>>, T)> {
    let jobs = jobs.clamp(1, MOST_JOBS);
    let (filled, to_pack) = unbounded();
    let (packed, to_emit) = unbounded();
    let (give_back, free) = unbounded();
    for _ in 0..jobs + SPARE_BUFFERS {
        give_back
            .send(Buffer::default())
            .expect("the receiver is still here");
    }
    thread::scope(|scope| {
        for _ in 0..jobs {
            let (to_pack, packed) = (to_pack.clone(), packed.clone());
            scope.spawn(move || pack_parts(level, &to_pack, &packed));
        }
        drop((to_pack, packed));
        let writer = scope.spawn(move || emit_parts(emitter, tables, &to_emit, &give_back));
        let produced = produce(Intake { filled, free });
        let outcome = writer.join().unwrap_or_else(|panic| resume_unwind(panic));
        // When the writer fails, `produce` fails after it and for no reason of its own.
        let (emitter, parts) = outcome?;
        produced.map(|produced| (emitter, parts, produced))
    })
}

/// Compresses parts until there are no more.
fn pack_parts(level: i32, parts: &Receiver<Filled>, packed: &Sender<Result<Packed>>) {
    let _alarm = Alarm(packed);
    let mut context = match Packer::new(level) {
        Ok(context) => context,
        Err(fault) => {
            drop(packed.send(Err(fault)));
            return;
        }
    };
    for part in parts {
        if packed.send(pack(&mut context, part)).is_err() {
            return;
        }
    }
}

fn pack(packer: &mut Packer, mut part: Filled) -> Result<Packed> {
    let sha256 = Digest::of(&part.buffer.lines);
    packer.pack(&part.buffer.lines, &mut part.buffer.frame)?;
    let frame_sha256 = Digest::of(&part.buffer.frame);
    Ok(Packed {
        part,
        sha256,
        frame_sha256,
    })
}

/// Tells the writer when its worker panics; it would wait for the lost part for ever.
struct Alarm<'a>(&'a Sender<Result<Packed>>);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            drop(self.0.send(Err(Fault::new(Code::Bug, "a worker panicked"))));
        }
    }
}

/// Writes parts in their order, whatever order they come in.
fn emit_parts<'a>(
    mut emitter: Emitter<'a>,
    tables: usize,
    packed: &Receiver<Result<Packed>>,
    free: &Sender<Buffer>,
) -> Result<Emitted<'a>> {
    let mut records: Vec<Vec<PartRecord>> = Vec::new();
    records.resize_with(tables, Vec::new);
    let mut early = BTreeMap::new();
    let mut next = 0;
    for part in packed {
        let part = part?;
        early.insert(part.part.number, part);
        while let Some(Packed {
            part,
            sha256,
            frame_sha256,
        }) = early.remove(&next)
        {
            let record = emit(&mut emitter, &part, sha256, frame_sha256)?;
            records[part.table].push(record);
            // Nobody waits for a buffer after the last part.
            drop(free.send(emptied(part.buffer)));
            next += 1;
        }
    }
    Ok((emitter, records))
}

fn emit(
    emitter: &mut Emitter<'_>,
    part: &Filled,
    sha256: Digest,
    frame_sha256: Digest,
) -> Result<PartRecord> {
    let sizes = "the limit of a row keeps parts and frames below 2^32 bytes";
    let bytes = u32::try_from(part.buffer.lines.len()).expect(sizes);
    let frame_bytes = u32::try_from(part.buffer.frame.len()).expect(sizes);
    Ok(PartRecord {
        rows: part.rows,
        bytes,
        sha256,
        offset: emitter.content(part.member, &part.buffer.frame, bytes)?,
        frame_bytes,
        frame_sha256,
    })
}

/// Keeps a buffer's memory for the next part, but not what one huge row has made of it.
fn emptied(mut buffer: Buffer) -> Buffer {
    if buffer.lines.capacity() > 2 * PART_BYTES {
        return Buffer::default();
    }
    buffer.lines.clear();
    buffer
}
