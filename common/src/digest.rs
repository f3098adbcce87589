//! SHA-256 as a value, and a multiset digest for rows whose order means nothing.
//!
//! Knows nothing of what is hashed.

use sha2::{Digest as _, Sha256};
use std::fmt;
use std::str::FromStr;

/// A SHA-256 digest (FIPS 180-4), shown as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Digest(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not 64 lower-case hexadecimal digits.
#[derive(Debug, PartialEq, Eq)]
pub struct NotADigest;

impl fmt::Display for NotADigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a SHA-256 digest has 64 lower-case hexadecimal digits")
    }
}

impl std::error::Error for NotADigest {}

impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        let text = text.as_bytes();
        let mut bytes = [0; 32];
        if text.len() != 64 {
            return Err(NotADigest);
        }
        for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Ok(Digest(bytes))
    }
}

fn nibble(digit: u8) -> Result<u8, NotADigest> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(NotADigest),
    }
}

/// A digest that is fed piece by piece.
#[derive(Clone, Default)]
pub struct Hasher(Sha256);

impl Hasher {
    /// Adds `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all that was added.
    #[must_use]
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

/// The digest of a multiset of rows: the sum modulo 2^256 of SHA-256(row), and the count.
///
/// Additive, so parts may be summed in any order, and equal rows do not cancel. It is no defence
/// against somebody who can choose many rows; tamper evidence comes from the archive's digests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Multiset {
    /// Number of rows.
    pub rows: u64,
    sum: [u64; 4],
}

impl Multiset {
    /// Adds one row.
    pub fn add(&mut self, row: &[u8]) {
        let digest = Digest::of(row).0;
        let mut words = [0; 4];
        for (word, bytes) in words.iter_mut().zip(digest.chunks_exact(8)) {
            *word = bytes
                .iter()
                .rev()
                .fold(0, |all, byte| all << 8 | u64::from(*byte));
        }
        self.merge(&Multiset {
            rows: 1,
            sum: words,
        });
    }

    /// The sum as a number of 256 bits, the lowest byte first.
    #[must_use]
    pub fn sum(&self) -> Digest {
        let mut bytes = [0; 32];
        for (place, word) in bytes.chunks_exact_mut(8).zip(self.sum) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        Digest(bytes)
    }

    /// Adds all rows of another multiset.
    pub fn merge(&mut self, other: &Multiset) {
        let mut carry = false;
        for (mine, theirs) in self.sum.iter_mut().zip(other.sum) {
            let (partial, over) = mine.overflowing_add(theirs);
            let (total, again) = partial.overflowing_add(u64::from(carry));
            (*mine, carry) = (total, over || again);
        }
        self.rows += other.rows;
    }

    /// The sum without the count, as 64 lower-case hexadecimal digits, the highest first.
    #[must_use]
    pub fn sum_hex(&self) -> String {
        let words = self.sum.iter().rev();
        words.map(|word| format!("{word:016x}")).collect()
    }

    /// The multiset with this count and this sum.
    pub fn of_sum(rows: u64, hex: &str) -> Result<Multiset, NotADigest> {
        let Digest(bytes) = hex.parse()?;
        let mut sum = [0; 4];
        for (word, bytes) in sum.iter_mut().rev().zip(bytes.chunks_exact(8)) {
            *word = bytes
                .iter()
                .fold(0, |all, byte| all << 8 | u64::from(*byte));
        }
        Ok(Multiset { rows, sum })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_reads_back_from_its_text_and_only_from_that_spelling() {
        let digest = Digest::of(b"abc");
        let text = digest.to_string();
        assert_eq!(
            text,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(text.parse(), Ok(digest));
        assert_eq!(text.to_uppercase().parse::<Digest>(), Err(NotADigest));
        assert_eq!(text[1..].parse::<Digest>(), Err(NotADigest));
    }

    #[test]
    fn a_multiset_ignores_order_but_counts_equal_rows() {
        let digest = |rows: &[&[u8]]| {
            let mut all = Multiset::default();
            for row in rows {
                all.add(row);
            }
            all
        };
        assert_eq!(digest(&[b"a", b"b"]), digest(&[b"b", b"a"]));
        assert_ne!(digest(&[b"a", b"a"]), digest(&[b"b", b"b"]));
        assert_ne!(digest(&[b"a", b"a"]).sum, digest(&[]).sum);
    }

    #[test]
    fn a_sum_reads_back_from_its_digits() {
        let mut all = Multiset::default();
        all.add(b"one");
        all.add(b"two");
        assert_eq!(Multiset::of_sum(2, &all.sum_hex()), Ok(all));
        let small = Multiset {
            rows: 1,
            sum: [255, 0, 0, 0],
        };
        assert!(small.sum_hex().ends_with("00ff"));
        assert_eq!(Multiset::of_sum(1, "ff"), Err(NotADigest));
    }

    #[test]
    fn a_sum_carries_over_all_words() {
        let mut all = Multiset {
            rows: 0,
            sum: [u64::MAX; 4],
        };
        all.merge(&Multiset {
            rows: 0,
            sum: [1, 0, 0, 0],
        });
        assert_eq!(all.sum, [0; 4]);
        assert_eq!(all.sum(), Digest::default());
        let mut one = Multiset::default();
        one.add(b"abc");
        assert_eq!(one.sum(), Digest::of(b"abc"));
    }
}
