//! What two sets of rows have that the other has not: counted exactly, whatever their order, in
//! bounded memory.
//!
//! A first reading of both sides sums the rows in buckets by their key ([`Sums`]); buckets with the
//! same sum hold the same rows. A second reading collects what stands in the other buckets
//! ([`Suspects`]), as hashes, in memory or in a temporary file. Knows no database and no type: a row
//! is two hashes and where it was read.
//!
//! Hashes are keyed with random bytes that nobody learns, so no content can be made up that sums to
//! the same; two different buckets have one sum with a probability of about 2^-128.

mod count;
mod name;
mod reading;
mod sums;
mod suspects;

pub use count::{Difference, Found, Kind};
pub use name::Named;
pub use reading::Reading;
pub use sums::Sums;
pub use suspects::{Entry, Suspects};

use sha2::{Digest as _, Sha256};
use std::hash::{BuildHasher as _, RandomState};

/// Memory for the rows of buckets that differ, in bytes; more go to a temporary file.
pub const BUDGET: usize = 64 << 20;

/// Whose row it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The archive's.
    Archive,
    /// The target's.
    Target,
}

/// The two hashes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowHash {
    /// Of what tells the row from the others: its key, or all of it.
    pub key: u128,
    /// Of all of it.
    pub row: u128,
}

/// The key of the hashes of one comparison.
#[derive(Clone)]
pub struct Secret(Sha256);

impl Secret {
    /// A new one.
    #[must_use]
    pub fn random() -> Self {
        // One whole block of SHA-256, so that it costs nothing with each row.
        let mut state = Sha256::new();
        for number in 0..8_u64 {
            state.update(RandomState::new().hash_one(number).to_le_bytes());
        }
        Secret(state)
    }

    /// The hash of `bytes`.
    #[must_use]
    pub fn hash(&self, bytes: &[u8]) -> u128 {
        let mut state = self.0.clone();
        state.update(bytes);
        let digest: [u8; 32] = state.finalize().into();
        let mut first = [0; 16];
        first.copy_from_slice(&digest[..16]);
        u128::from_le_bytes(first)
    }
}

#[cfg(test)]
mod tests;
