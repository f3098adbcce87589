//! Content frames: the compressed lines of one part, each one ordinary zstd frame (RFC 8878).
//!
//! Knows no table and no digest. Compression contexts are kept and reused; a frame depends on the
//! lines, the level and libzstd alone, never on what a context did before.

use super::limits::WINDOW_BYTES;
use crate::fault::{Code, Fault, Mismatch, Result};
use std::io;
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::{self, CParameter};

const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Largest frame of `bytes` bytes of lines: `ZSTD_COMPRESSBOUND` of zstd.h.
pub(super) fn largest_frame(bytes: u64) -> u64 {
    let small = (128u64 << 10).saturating_sub(bytes) >> 11;
    bytes + (bytes >> 8) + small
}

/// Compresses parts.
pub(super) struct Packer(Compressor<'static>);

impl Packer {
    pub(super) fn new(level: i32) -> Result<Self> {
        let context = || -> io::Result<Compressor<'static>> {
            let mut compressor = Compressor::new(level)?;
            compressor.set_parameter(CParameter::ContentSizeFlag(true))?;
            compressor.set_parameter(CParameter::ChecksumFlag(true))?;
            compressor.set_parameter(CParameter::DictIdFlag(false))?;
            Ok(compressor)
        };
        context().map(Packer).map_err(|error| {
            Fault::new(Code::Bug, "cannot make a compression context").because(error)
        })
    }

    /// Puts the frame of `lines` into `frame`, whose memory is reused.
    pub(super) fn pack(&mut self, lines: &[u8], frame: &mut Vec<u8>) -> Result<()> {
        frame.clear();
        frame.reserve(zstd_safe::compress_bound(lines.len()));
        let packed = self.0.compress_to_buffer(lines, frame);
        packed
            .map(drop)
            .map_err(|error| Fault::new(Code::Bug, "cannot compress a part").because(error))
    }
}

/// Puts the lines of `frame` into `lines`, whose memory is reused: exactly `bytes` bytes, or a
/// fault. Never allocates for more than that.
pub(super) fn unpack(frame: &[u8], bytes: usize, lines: &mut Vec<u8>) -> Result<()> {
    check_header(frame, bytes as u64)?;
    // Decompression in one shot would go on with a second frame.
    let length = zstd_safe::find_frame_compressed_size(frame)
        .map_err(|_| damaged("a content frame is cut off"))?;
    if length != frame.len() {
        return Err(damaged("bytes follow the content frame"));
    }
    lines.clear();
    lines.reserve_exact(bytes);
    Decompressor::new()
        .and_then(|mut context| context.decompress_to_buffer(frame, lines))
        .map_err(|error| damaged("a content frame cannot be decompressed").because(error))?;
    if lines.len() != bytes {
        let differs = Mismatch::new(bytes, lines.len());
        return Err(damaged("a content frame has another length than recorded").because(differs));
    }
    Ok(())
}

/// Holds a frame header to what version 1 allows: content size, checksum, no dictionary, a window
/// within the limit, no reserved bit.
fn check_header(frame: &[u8], bytes: u64) -> Result<()> {
    let header = Header::parse(frame).ok_or_else(|| damaged("a content frame has no header"))?;
    if header.flags != 0b100 {
        return Err(damaged(
            "a content frame has no checksum, a dictionary or a reserved bit",
        ));
    }
    if header.content != Some(bytes) {
        return Err(damaged(
            "a content frame declares another length than recorded",
        ));
    }
    if header.window.is_some_and(|window| window > WINDOW_BYTES) {
        return Err(Fault::new(
            Code::ArchiveLimit,
            "a content frame needs a window above 8 MiB",
        ));
    }
    Ok(())
}

/// The header of a frame (RFC 8878, section 3.1.1.1).
struct Header {
    /// Bits 0 to 4 of the descriptor: dictionary, checksum, reserved, unused.
    flags: u8,
    /// `None` for a single segment, whose window is its content.
    window: Option<u64>,
    content: Option<u64>,
}

impl Header {
    fn parse(frame: &[u8]) -> Option<Header> {
        let rest = frame.strip_prefix(&MAGIC)?;
        let (&descriptor, mut rest) = rest.split_first()?;
        let single = descriptor & 0b10_0000 != 0;
        let mut window = None;
        if !single {
            let (&byte, after) = rest.split_first()?;
            let base = 1u64 << (10 + (byte >> 3));
            window = Some(base + base / 8 * u64::from(byte & 7));
            rest = after;
        }
        let (width, offset) = match (descriptor >> 6, single) {
            (0, false) => (0, 0),
            (0, true) => (1, 0),
            (1, _) => (2, 256),
            (2, _) => (4, 0),
            _ => (8, 0),
        };
        let mut size = [0; 8];
        size[..width].copy_from_slice(rest.get(..width)?);
        let size = u64::from_le_bytes(size).checked_add(offset)?;
        Some(Header {
            flags: descriptor & 0b1_1111,
            window,
            content: (width > 0).then_some(size),
        })
    }
}

fn damaged(what: &'static str) -> Fault {
    Fault::new(Code::ArchiveDamaged, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(bytes: usize) -> Vec<u8> {
        let mut state = 1u64;
        let step = |_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        };
        (0..bytes).map(step).collect()
    }

    #[test]
    fn frames_of_all_sizes_and_levels_come_back_and_stay_within_their_bound() {
        for level in [1, 3, 19] {
            let mut packer = Packer::new(level).unwrap();
            let (mut frame, mut lines) = (Vec::new(), Vec::new());
            let largest = if level < 19 { 9 << 20 } else { 300_000 };
            for size in [1, 255, 256, 70_000, largest] {
                for content in [vec![b'x'; size], noise(size)] {
                    packer.pack(&content, &mut frame).unwrap();
                    assert!(frame.len() as u64 <= largest_frame(size as u64));
                    unpack(&frame, size, &mut lines).unwrap();
                    assert_eq!(lines, content, "level {level}, {size} bytes");
                }
            }
        }
    }

    #[test]
    fn a_used_context_packs_as_a_fresh_one() {
        let (mut used, mut fresh) = (Vec::new(), Vec::new());
        let mut packer = Packer::new(3).unwrap();
        packer.pack(&noise(500_000), &mut used).unwrap();
        packer.pack(b"[1]\n[2]\n", &mut used).unwrap();
        Packer::new(3)
            .unwrap()
            .pack(b"[1]\n[2]\n", &mut fresh)
            .unwrap();
        assert_eq!(used, fresh);
    }

    #[test]
    fn a_frame_in_another_form_is_refused() {
        let (mut frame, mut lines) = (Vec::new(), Vec::new());
        Packer::new(3).unwrap().pack(b"[1]\n", &mut frame).unwrap();
        let twice = [&frame[..], &frame[..]].concat();
        let followed = [&frame[..], &[0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0][..]].concat();
        let plain = zstd::bulk::compress(b"[1]\n", 3).unwrap();
        for bad in [
            &twice,
            &followed,
            &plain,
            &frame[..frame.len() - 1].to_vec(),
            &Vec::new(),
        ] {
            let fault = unpack(bad, 4, &mut lines).unwrap_err();
            assert_eq!(fault.code(), Code::ArchiveDamaged, "{fault:?}");
        }
        assert!(unpack(&frame, 3, &mut lines).is_err());
        assert!(unpack(&frame, 5, &mut lines).is_err());
    }

    #[test]
    fn a_window_above_the_limit_is_refused_before_anything_is_decompressed() {
        // 16 MiB of window, 4 bytes of content, one raw block.
        let mut frame = vec![
            0x28,
            0xb5,
            0x2f,
            0xfd,
            0x84,
            14 << 3,
            4,
            0,
            0,
            0,
            0x21,
            0,
            0,
        ];
        frame.extend_from_slice(b"[1]\n");
        let fault = unpack(&frame, 4, &mut Vec::new()).unwrap_err();
        assert_eq!(fault.code(), Code::ArchiveLimit, "{fault:?}");
    }
}
