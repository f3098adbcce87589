//! The tar header of a member: one byte form for each name and size.
//!
//! Built by the `tar` crate, which never reads here: a reader builds the header that must stand
//! in the archive and compares all 512 bytes.

use super::layout::Member;
use tar::{EntryType, Header};

/// A tar block in bytes; headers are one block, contents are padded to whole ones.
pub(super) const BLOCK: usize = 512;
/// The zeros that end a tar stream: two blocks.
pub(super) const END: usize = 2 * BLOCK;
/// Where the name stands in a header, and how long it may be.
const NAME_BYTES: usize = 100;

/// The header of `member` with `size` bytes of content.
pub(super) fn header(member: Member, size: u32) -> [u8; BLOCK] {
    let mut header = Header::new_ustar();
    header.set_entry_type(EntryType::Regular);
    header
        .set_path(member.path())
        .expect("names of members are short and relative");
    header.set_size(u64::from(size));
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
        .set_device_major(0)
        .expect("a ustar header has devices");
    header
        .set_device_minor(0)
        .expect("a ustar header has devices");
    header.set_cksum();
    *header.as_bytes()
}

/// The name in a header, if it is one that a member can have.
pub(super) fn member(header: &[u8]) -> Option<Member> {
    let name = header.get(..NAME_BYTES)?;
    let end = name.iter().position(|byte| *byte == 0)?;
    Member::parse(std::str::from_utf8(&name[..end]).ok()?)
}

/// Zeros between content of `size` bytes and the next block.
pub(super) fn padding(size: u32) -> usize {
    let over = size as usize % BLOCK;
    if over == 0 { 0 } else { BLOCK - over }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_the_one_docs_format_md_shows() {
        let bytes = header(
            Member::Part {
                table: 12,
                part: 345,
            },
            0o1234,
        );
        let mut expected = [0; BLOCK];
        expected[..35].copy_from_slice(b"waybill/data/t0012/p000345.jsonl\0\0\0");
        expected[100..108].copy_from_slice(b"0000644\0");
        expected[108..116].copy_from_slice(b"0000000\0");
        expected[116..124].copy_from_slice(b"0000000\0");
        expected[124..136].copy_from_slice(b"00000001234\0");
        expected[136..148].copy_from_slice(b"00000000000\0");
        expected[148..156].copy_from_slice(b"        ");
        expected[156] = b'0';
        expected[257..265].copy_from_slice(b"ustar\x0000");
        expected[329..337].copy_from_slice(b"0000000\0");
        expected[337..345].copy_from_slice(b"0000000\0");
        let sum: u32 = expected.iter().map(|byte| u32::from(*byte)).sum();
        expected[148..156].copy_from_slice(format!("{sum:07o}\0").as_bytes());
        assert_eq!(bytes, expected);
    }

    #[test]
    fn a_member_reads_back_from_its_header() {
        let bytes = header(Member::Manifest, u32::MAX);
        assert_eq!(member(&bytes), Some(Member::Manifest));
        assert_eq!(&bytes[124..136], b"37777777777\0");
        assert_eq!(member(&bytes[..99]), None);
        assert_eq!((padding(0), padding(1), padding(512)), (0, 511, 0));
    }
}
