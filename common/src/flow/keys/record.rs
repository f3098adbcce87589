//! A key of one row in 24 bytes: what is sorted instead of keys.

use crate::digest::Digest;

/// Bytes of a record in a temporary file.
pub(super) const BYTES: usize = 24;

/// Normal forms up to this length are kept whole.
const WHOLE: usize = 15;

/// A key and the number of its row, in the order in which they are sorted.
///
/// A short normal form stands for itself, behind its length; a longer one is represented by 127
/// bits of its SHA-256, whose first bit is set. So equal keys are equal records, and unequal keys
/// cannot be made equal with any means known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Record {
    /// The key.
    pub(super) key: [u64; 2],
    /// The row's number within its table.
    pub(super) row: u64,
}

impl Record {
    pub(super) fn new(form: &[u8], row: u64) -> Self {
        let mut bytes = [0; 16];
        if form.len() <= WHOLE {
            bytes[0] = form.len().to_le_bytes()[0];
            bytes[1..=form.len()].copy_from_slice(form);
        } else {
            bytes.copy_from_slice(&Digest::of(form).0[..16]);
            bytes[0] |= 0x80;
        }
        let [high, low] = bytes.as_chunks::<8>().0 else {
            unreachable!("sixteen bytes are two times eight")
        };
        Record {
            key: [u64::from_be_bytes(*high), u64::from_be_bytes(*low)],
            row,
        }
    }

    pub(super) fn to_bytes(self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        let words = [self.key[0], self.key[1], self.row];
        for (bytes, word) in bytes.chunks_exact_mut(8).zip(words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8; BYTES]) -> Self {
        let word = |at: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(word)
        };
        Record {
            key: [word(0), word(8)],
            row: word(16),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_forms_make_different_keys_on_both_sides_of_the_border() {
        let forms: Vec<Vec<u8>> = (0..=40).map(|length| vec![0; length]).collect();
        for a in &forms {
            for b in &forms {
                let equal = Record::new(a, 1).key == Record::new(b, 1).key;
                assert_eq!(equal, a == b, "{} and {} bytes", a.len(), b.len());
            }
        }
    }

    #[test]
    fn a_record_comes_back_from_its_bytes() {
        for form in [&b"abc"[..], &[0xff; 100]] {
            let record = Record::new(form, u64::MAX - 5);
            assert_eq!(Record::from_bytes(&record.to_bytes()), record);
        }
    }
}
