//! The seek table at the end of an archive: the zstd seekable format 0.1.0 without checksums.
//!
//! Derived from the frames and outside the root: a reader believes it only where the frames agree.

use super::limits::{PARTS, in_memory};
use crate::fault::{Code, Fault, Mismatch, Result};
use std::io::{self, Write};

const SKIPPABLE: u32 = 0x184d_2a5e;
const SEEKABLE: u32 = 0x8f92_eab1;
const ENTRY_BYTES: u64 = 8;
const FOOTER_BYTES: u64 = 9;
const OPENING_BYTES: u64 = 8;
/// Each member has two frames, and one ends the stream. Eight members are always there.
const MOST_FRAMES: u64 = 2 * (PARTS as u64 + 8) + 1;

/// Compressed and uncompressed size of one frame, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameSizes {
    pub(super) compressed: u32,
    pub(super) plain: u32,
}

/// Writes the seek table of `frames`.
pub(super) fn write(out: &mut dyn Write, frames: &[FrameSizes]) -> io::Result<()> {
    let count = u32::try_from(frames.len()).unwrap_or(u32::MAX);
    let size = frames.len() as u64 * ENTRY_BYTES + FOOTER_BYTES;
    out.write_all(&SKIPPABLE.to_le_bytes())?;
    out.write_all(&u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes())?;
    for frame in frames {
        out.write_all(&frame.compressed.to_le_bytes())?;
        out.write_all(&frame.plain.to_le_bytes())?;
    }
    out.write_all(&count.to_le_bytes())?;
    out.write_all(&[0])?;
    out.write_all(&SEEKABLE.to_le_bytes())
}

/// Reads the seek table at the end of a file of `length` bytes through `read(offset, bytes)`, and
/// makes sure that the frames it lists fill the file up to it.
pub(super) fn read(
    length: u64,
    read: impl Fn(u64, u64) -> Result<Vec<u8>>,
) -> Result<Vec<FrameSizes>> {
    let footer_at = length
        .checked_sub(FOOTER_BYTES)
        .ok_or_else(|| damaged("the archive is too short for a seek table"))?;
    let footer = read(footer_at, FOOTER_BYTES)?;
    if footer[4..] != [&[0][..], &SEEKABLE.to_le_bytes()[..]].concat() {
        return Err(damaged(
            "the archive does not end with its seek table: it is cut off or has something after it",
        ));
    }
    let count = u64::from(word(&footer));
    if count > MOST_FRAMES {
        return Err(Fault::new(
            Code::ArchiveLimit,
            "the seek table lists too many frames",
        ));
    }
    let size = count * ENTRY_BYTES + FOOTER_BYTES;
    let start = length
        .checked_sub(size + OPENING_BYTES)
        .ok_or_else(|| damaged("the archive is shorter than its seek table"))?;
    let table = read(start, OPENING_BYTES + count * ENTRY_BYTES)?;
    if word(&table) != SKIPPABLE || u64::from(word(&table[4..])) != size {
        return Err(damaged("the seek table does not begin as it must"));
    }
    let frames: Vec<FrameSizes> = table[in_memory(OPENING_BYTES)..]
        .chunks_exact(in_memory(ENTRY_BYTES))
        .map(|entry| FrameSizes {
            compressed: word(entry),
            plain: word(&entry[4..]),
        })
        .collect();
    let sum: u64 = frames.iter().map(|frame| u64::from(frame.compressed)).sum();
    if sum != start {
        return Err(
            damaged("the frames of the seek table do not fill the archive")
                .because(Mismatch::new(sum, start)),
        );
    }
    Ok(frames)
}

/// The first four bytes, little endian.
fn word(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .take(4)
        .rev()
        .fold(0, |word, byte| word << 8 | u32::from(*byte))
}

fn damaged(what: &'static str) -> Fault {
    Fault::new(Code::ArchiveDamaged, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_bytes(file: &[u8]) -> Result<Vec<FrameSizes>> {
        read(file.len() as u64, |offset, bytes| {
            Ok(file[in_memory(offset)..in_memory(offset + bytes)].to_vec())
        })
    }

    fn sample() -> (Vec<FrameSizes>, Vec<u8>) {
        let frames = vec![
            FrameSizes {
                compressed: 3,
                plain: 5,
            },
            FrameSizes {
                compressed: 4,
                plain: u32::MAX,
            },
        ];
        let mut file = vec![0; 7];
        write(&mut file, &frames).unwrap();
        (frames, file)
    }

    #[test]
    fn a_seek_table_reads_back() {
        let (frames, file) = sample();
        assert_eq!(read_bytes(&file).unwrap(), frames);
        assert_eq!(file.len(), 7 + 8 + 16 + 9);
    }

    #[test]
    fn no_cut_and_no_size_that_does_not_add_up_is_accepted() {
        let (_, file) = sample();
        for end in 0..file.len() {
            assert!(read_bytes(&file[..end]).is_err(), "cut at {end}");
            assert!(read_bytes(&file[file.len() - end..]).is_err(), "from {end}");
        }
        let mut longer = file.clone();
        longer[7 + 8] += 1;
        assert!(read_bytes(&longer).is_err());
    }

    #[test]
    fn a_count_of_frames_beyond_all_limits_is_refused_before_memory_is_taken() {
        let (_, mut file) = sample();
        let at = file.len() - 9;
        file[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(read_bytes(&file).unwrap_err().code(), Code::ArchiveLimit);
    }
}
