//! Stored frames: zstd frames (RFC 8878) of raw blocks, which have exactly one byte form.
//!
//! Everything but row data is stored. A reader takes a frame apart and accepts it only if writing
//! its content again gives the same bytes, so no bit of it can change unnoticed.

use super::limits::in_memory;
use crate::fault::{Code, Fault, Result};
use std::io::{self, Write};
use twox_hash::XxHash64;

/// Magic number, then a descriptor that says: 4 bytes of content size, a checksum, a window byte;
/// and the window of 128 KiB.
const OPENING: [u8; 6] = [0x28, 0xb5, 0x2f, 0xfd, 0x84, 0x38];
/// Opening and content size.
pub(super) const HEADER_BYTES: usize = OPENING.len() + 4;
/// A block header.
pub(super) const BLOCK_HEADER_BYTES: usize = 3;
/// Most content in one block.
const BLOCK_BYTES: usize = 128 << 10;
const CHECKSUM_BYTES: usize = 4;

/// Length of the stored frame of `content` bytes of content, which are never none.
pub(super) fn stored_bytes(content: u64) -> u64 {
    let blocks = content.div_ceil(BLOCK_BYTES as u64);
    content + blocks * BLOCK_HEADER_BYTES as u64 + (HEADER_BYTES + CHECKSUM_BYTES) as u64
}

/// Writes the stored frame of `content`.
pub(super) fn write_stored(out: &mut dyn Write, content: &[u8]) -> io::Result<()> {
    let size = u32::try_from(content.len()).map_err(|_| {
        io::Error::new(io::ErrorKind::FileTooLarge, "a frame holds less than 4 GiB")
    })?;
    out.write_all(&OPENING)?;
    out.write_all(&size.to_le_bytes())?;
    let mut blocks = content.chunks(BLOCK_BYTES).peekable();
    while let Some(block) = blocks.next() {
        out.write_all(&block_header(block.len(), blocks.peek().is_none()))?;
        out.write_all(block)?;
    }
    out.write_all(&checksum(content))
}

/// The stored frame of `content`, in memory; for small content.
pub(super) fn stored(content: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(content.len() + 32);
    write_stored(&mut frame, content).expect("memory takes small content");
    frame
}

/// Type 0 (raw), and whether it is the last.
fn block_header(bytes: usize, last: bool) -> [u8; BLOCK_HEADER_BYTES] {
    let bytes = u32::try_from(bytes).expect("a block holds at most 128 KiB");
    let [a, b, c, _] = (bytes << 3 | u32::from(last)).to_le_bytes();
    [a, b, c]
}

/// The lower half of XXH64 with seed 0 (RFC 8878, section 3.1.1).
fn checksum(content: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let [a, b, c, d, ..] = XxHash64::oneshot(0, content).to_le_bytes();
    [a, b, c, d]
}

/// Takes a stored frame apart in place: `frame` becomes its content of `size` bytes.
pub(super) fn open_stored(frame: &mut Vec<u8>, size: u64) -> Result<()> {
    let fits = stored_bytes(size) == frame.len() as u64 && size > 0;
    let Some(recorded) = u32::try_from(size).ok().filter(|_| fits) else {
        return Err(damaged("a stored frame has the wrong length"));
    };
    let header = [&OPENING[..], &recorded.to_le_bytes()[..]].concat();
    if frame[..HEADER_BYTES] != header {
        return Err(damaged("a stored frame does not begin as it must"));
    }
    // The length is right, so every block lies inside the frame.
    let (mut read, mut written, size) = (HEADER_BYTES, 0, in_memory(size));
    while written < size {
        let block = std::cmp::min(BLOCK_BYTES, size - written);
        let content = read + BLOCK_HEADER_BYTES;
        if frame[read..content] != block_header(block, written + block == size) {
            return Err(damaged(
                "a block of a stored frame does not begin as it must",
            ));
        }
        frame.copy_within(content..content + block, written);
        (read, written) = (content + block, written + block);
    }
    let recorded: [u8; CHECKSUM_BYTES] = frame[read..].try_into().unwrap_or_default();
    frame.truncate(size);
    if checksum(frame) != recorded {
        return Err(damaged("a stored frame does not match its checksum"));
    }
    Ok(())
}

fn damaged(what: &'static str) -> Fault {
    Fault::new(Code::ArchiveDamaged, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libzstd_reads_what_we_store() {
        for size in [
            1,
            511,
            BLOCK_BYTES - 1,
            BLOCK_BYTES,
            BLOCK_BYTES + 1,
            3 * BLOCK_BYTES,
        ] {
            let content: Vec<u8> = (0..size).map(|i| u8::try_from(i % 251).unwrap()).collect();
            let mut frame = stored(&content);
            assert_eq!(frame.len() as u64, stored_bytes(size as u64));
            assert_eq!(zstd::bulk::decompress(&frame, size).unwrap(), content);
            open_stored(&mut frame, size as u64).unwrap();
            assert_eq!(frame, content);
        }
    }

    #[test]
    fn no_bit_of_a_stored_frame_may_change() {
        let whole = stored(b"some content");
        for bit in 0..whole.len() * 8 {
            let mut frame = whole.clone();
            frame[bit / 8] ^= 1 << (bit % 8);
            assert!(open_stored(&mut frame, 12).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_frame_of_another_length_is_refused() {
        let whole = stored(b"some content");
        for size in [0, 11, 13, u64::from(u32::MAX)] {
            assert!(
                open_stored(&mut whole.clone(), size).is_err(),
                "size {size}"
            );
        }
        assert!(open_stored(&mut Vec::new(), 0).is_err());
    }
}
