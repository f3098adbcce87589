//! Puts members one after the other into the output, in one forward pass.
//!
//! Knows frames and headers; knows no table. Counts and hashes every byte it writes.

use super::frame;
use super::header::{self, END};
use super::layout::Member;
use super::seek::{self, FrameSizes};
use crate::digest::{Digest, Hasher};
use crate::fault::{Code, Fault, Result};
use std::io::{self, BufWriter, Write};

/// Bytes gathered before the output is written to.
const BUFFER_BYTES: usize = 256 << 10;

/// The output, and what is known of it so far.
pub(super) struct Emitter<'a> {
    out: Counted<BufWriter<&'a mut (dyn Write + Send)>>,
    frames: Vec<FrameSizes>,
    /// Padding that the last member still needs.
    padding: usize,
}

/// The finished output.
pub(super) struct Emitted {
    pub(super) sha256: Digest,
    pub(super) bytes: u64,
}

impl<'a> Emitter<'a> {
    pub(super) fn new(out: &'a mut (dyn Write + Send)) -> Self {
        Emitter {
            out: Counted {
                inner: BufWriter::with_capacity(BUFFER_BYTES, out),
                bytes: 0,
                digest: Hasher::default(),
            },
            frames: Vec::new(),
            padding: 0,
        }
    }

    /// Appends a member whose content is stored; gives the digest of the content.
    pub(super) fn stored(&mut self, member: Member, content: &[u8]) -> Result<Digest> {
        let size = size(content.len())?;
        self.header(member, size)?;
        self.frame(size, |out| frame::write_stored(out, content))?;
        Ok(Digest::of(content))
    }

    /// Appends a member as the frame of its content of `size` bytes; gives the frame's offset.
    pub(super) fn content(&mut self, member: Member, content: &[u8], size: u32) -> Result<u64> {
        self.header(member, size)?;
        let offset = self.out.bytes;
        self.frame(size, |out| out.write_all(content))?;
        Ok(offset)
    }

    /// Ends the tar stream and appends the seek table.
    pub(super) fn finish(mut self) -> Result<Emitted> {
        let end = vec![0; self.padding + END];
        self.glue(&end)?;
        seek::write(&mut self.out, &self.frames)
            .and_then(|()| self.out.flush())
            .map_err(unwritten)?;
        Ok(Emitted {
            sha256: self.out.digest.finish(),
            bytes: self.out.bytes,
        })
    }

    fn header(&mut self, member: Member, size: u32) -> Result<()> {
        let mut glue = vec![0; self.padding];
        glue.extend_from_slice(&header::header(member, size));
        self.glue(&glue)?;
        self.padding = header::padding(size);
        Ok(())
    }

    fn glue(&mut self, glue: &[u8]) -> Result<()> {
        self.frame(size(glue.len())?, |out| frame::write_stored(out, glue))
    }

    fn frame(
        &mut self,
        plain: u32,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<()> {
        let before = self.out.bytes;
        write(&mut self.out).map_err(unwritten)?;
        let compressed = u32::try_from(self.out.bytes - before).map_err(|_| too_long())?;
        self.frames.push(FrameSizes { compressed, plain });
        Ok(())
    }
}

fn size(bytes: usize) -> Result<u32> {
    u32::try_from(bytes).map_err(|_| too_long())
}

fn too_long() -> Fault {
    Fault::new(Code::SourceLimit, "a member of the archive reaches 4 GiB")
}

fn unwritten(error: io::Error) -> Fault {
    let code = match error.kind() {
        io::ErrorKind::BrokenPipe => Code::Stream,
        _ => Code::OutputUnwritable,
    };
    Fault::new(code, "cannot write the archive").because(error)
}

/// Counts and hashes what passes.
struct Counted<W> {
    inner: W,
    bytes: u64,
    digest: Hasher,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.digest.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
