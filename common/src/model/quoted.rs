//! Finds the next byte that may not stand as it is in a quoted JSON text, eight bytes at a step.
//!
//! Knows no escapes; rows and JSON texts both need the search.

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Length of the run at the start of `bytes` without a quote, a backslash or a control character.
#[must_use]
#[inline]
pub fn plain_run(bytes: &[u8]) -> usize {
    let mut done = 0;
    while let Some(word) = bytes[done..].first_chunk::<8>() {
        let found = special(u64::from_le_bytes(*word));
        if found != 0 {
            return done + found.trailing_zeros() as usize / 8;
        }
        done += 8;
    }
    let rest = bytes[done..].iter().position(|byte| is_special(*byte));
    rest.map_or(bytes.len(), |position| done + position)
}

/// Whether a byte may not stand as it is inside quotes.
#[inline]
fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// The high bit of each special byte of `word`. Bytes after the first may be marked wrongly, since
/// a borrow can run into them; the lowest mark is always right.
#[inline]
fn special(word: u64) -> u64 {
    let quote = word ^ (LOW * u64::from(b'"'));
    let backslash = word ^ (LOW * u64::from(b'\\'));
    let control = word.wrapping_sub(LOW * 0x20) & !word;
    let zero = |word: u64| word.wrapping_sub(LOW) & !word;
    (control | zero(quote) | zero(backslash)) & HIGH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_judged_alike_at_every_place() {
        for byte in 0..=u8::MAX {
            for length in 1..20 {
                for place in 0..length {
                    let mut bytes = vec![b' '; length];
                    bytes[place] = byte;
                    let expected = if is_special(byte) { place } else { length };
                    assert_eq!(plain_run(&bytes), expected, "{byte:#x} at {place}");
                }
            }
        }
    }
}
