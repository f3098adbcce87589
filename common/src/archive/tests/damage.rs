//! Every single change of a small archive is noticed.

use super::sample::{archive, open, rows_of, small};
use crate::archive::{Archive, Limits};
use crate::fault::{Code, Fault, Result};
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

/// Reads all there is.
fn read_all(file: &File) -> Result<()> {
    let file = file.try_clone().unwrap();
    let archive = Archive::open(file, "a", &Limits::default(), None)?;
    rows_of(&archive).map(drop)
}

fn refused(file: &File, what: impl FnOnce() -> String) -> Fault {
    match read_all(file) {
        Err(fault) => fault,
        Ok(()) => panic!("accepted: {}", what()),
    }
}

fn sample() -> (Vec<u8>, File) {
    let (schema, rows) = small();
    let (bytes, _) = archive(&schema, &rows);
    let file = super::sample::file_of(&bytes);
    read_all(&file).unwrap();
    (bytes, file)
}

/// Flips each bit of the bytes in `range`, one after the other.
fn flip(bytes: &[u8], range: Range<usize>) {
    let file = super::sample::file_of(bytes);
    for at in range {
        for bit in 0..8 {
            file.write_all_at(&[bytes[at] ^ 1 << bit], at as u64)
                .unwrap();
            let fault = refused(&file, || format!("bit {bit} of byte {at}"));
            let code = fault.code();
            assert!(
                matches!(
                    code,
                    Code::ArchiveDamaged | Code::ArchiveForeign | Code::ArchiveLimit
                ),
                "bit {bit} of byte {at}: {fault:?}"
            );
        }
        file.write_all_at(&bytes[at..=at], at as u64).unwrap();
    }
    read_all(&file).unwrap();
}

#[test]
fn every_flipped_bit_is_noticed() {
    let (bytes, _) = sample();
    // Several threads, or this one test would take as long as all others.
    std::thread::scope(|scope| {
        for start in (0..bytes.len()).step_by(4000) {
            let range = start..std::cmp::min(start + 4000, bytes.len());
            let bytes = &bytes;
            scope.spawn(move || flip(bytes, range));
        }
    });
}

#[test]
fn every_cut_is_noticed() {
    let (bytes, file) = sample();
    for end in (0..bytes.len()).rev() {
        file.set_len(end as u64).unwrap();
        refused(&file, || format!("cut at {end} of {}", bytes.len()));
    }
}

#[test]
fn every_removed_and_every_doubled_byte_is_noticed() {
    let (bytes, file) = sample();
    // Byte `at` goes to where it must not be; from the end, so that one byte is written each time.
    let longer = [&bytes[..], &bytes[bytes.len() - 1..]].concat();
    file.write_all_at(&longer, 0).unwrap();
    for at in (0..bytes.len()).rev() {
        file.write_all_at(&bytes[at..=at], at as u64 + 1).unwrap();
        refused(&file, || format!("byte {at} doubled"));
    }
    file.set_len(bytes.len() as u64 - 1).unwrap();
    file.write_all_at(&bytes[..bytes.len() - 1], 0).unwrap();
    for at in (0..bytes.len() - 1).rev() {
        file.write_all_at(&bytes[at + 1..at + 2], at as u64)
            .unwrap();
        refused(&file, || format!("byte {at} removed"));
    }
}

#[test]
fn what_is_no_archive_is_said_to_be_none() {
    let code = |bytes: &[u8]| open(bytes).err().unwrap().code();
    assert_eq!(code(b""), Code::ArchiveForeign);
    assert_eq!(code(b"SQLite format 3\0"), Code::ArchiveForeign);
    let other = zstd::bulk::compress(&[b'x'; 5000], 3).unwrap();
    assert_eq!(code(&other), Code::ArchiveForeign);
    let (bytes, _) = sample();
    assert_eq!(code(&bytes[..10]), Code::ArchiveDamaged);
    assert_eq!(code(&[&bytes[..], b"more"].concat()), Code::ArchiveDamaged);
    let folder = File::open("/").unwrap();
    let refused = Archive::open(folder, "/", &Limits::default(), None)
        .err()
        .unwrap();
    assert_eq!(refused.code(), Code::ArchiveForeign);
}
