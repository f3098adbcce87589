//! Whether bytes look random, as encrypted or compressed ones do.
//!
//! Integers only, so that every machine judges alike. The measure is how often two bytes of a
//! value are equal: among n random bytes that is n(n-1)/2 pairs divided by 256, while text, numbers
//! and structures repeat themselves several times as often. An answer is a hint for people.

/// Bytes that are looked at.
const LOOKED_AT: usize = 4096;

/// Bytes that are too few to judge.
const FEWEST: usize = 16;

/// Characters of base64 that hold `FEWEST` bytes.
const FEWEST_CHARACTERS: usize = 22;

/// Whether `bytes` look random: at least 16, an eighth to seven eighths of them above 0x7f, and
/// at most half again as many equal pairs as expected, plus three.
pub(super) fn looks_random(bytes: &[u8]) -> bool {
    if bytes.len() < FEWEST {
        return false;
    }
    let bytes = &bytes[..std::cmp::min(bytes.len(), LOOKED_AT)];
    let high = bytes.iter().filter(|byte| **byte >= 0x80).count();
    if high * 8 < bytes.len() || high * 8 > bytes.len() * 7 {
        return false;
    }
    let mut pairs = Pairs::default();
    for byte in bytes {
        pairs.add(*byte);
    }
    pairs.few(256)
}

/// Whether `text` is base64 in one of its two alphabets, holds at least 16 bytes, and both its
/// characters and its bytes look random.
pub(super) fn is_random_base64(text: &[u8]) -> bool {
    let padding = text
        .iter()
        .rev()
        .take(2)
        .take_while(|byte| **byte == b'=')
        .count();
    let symbols = &text[..text.len() - padding];
    let Some(first) = symbols.get(..FEWEST_CHARACTERS) else {
        return false;
    };
    // Most texts have a blank or a hyphen among the first and end here.
    if symbols.len() % 4 == 1
        || (padding > 0 && !text.len().is_multiple_of(4))
        || first.iter().any(|symbol| sextet(*symbol).is_none())
    {
        return false;
    }
    let (start, rest) = symbols.split_at(std::cmp::min(symbols.len(), LOOKED_AT));
    symbols_look_random(start) && rest.iter().all(|symbol| sextet(*symbol).is_some())
}

/// Whether the characters, and the bytes they hold, look random; `LOOKED_AT` at the most.
fn symbols_look_random(symbols: &[u8]) -> bool {
    let mut pairs = Pairs::default();
    let (mut bytes, mut count) = ([0; LOOKED_AT], 0);
    let mut kinds = 0;
    for quad in symbols.chunks(4) {
        let mut bits = [0u8; 4];
        for (bits, symbol) in bits.iter_mut().zip(quad) {
            let Some((value, kind)) = sextet(*symbol) else {
                return false;
            };
            kinds |= kind;
            pairs.add(value);
            *bits = value;
        }
        let [a, b, c, d] = bits;
        bytes[count..count + 3].copy_from_slice(&[a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d]);
        count += quad.len() - 1;
    }
    // A word or a name has the alphabet too, but hardly upper case, lower case and a digit.
    kinds == UPPER | LOWER | DIGIT && pairs.few(64) && looks_random(&bytes[..count])
}

const UPPER: u8 = 1;
const LOWER: u8 = 2;
const DIGIT: u8 = 4;

/// The six bits of a character of base64, and which kind of character it is.
#[inline]
fn sextet(symbol: u8) -> Option<(u8, u8)> {
    Some(match symbol {
        b'A'..=b'Z' => (symbol - b'A', UPPER),
        b'a'..=b'z' => (symbol - b'a' + 26, LOWER),
        b'0'..=b'9' => (symbol - b'0' + 52, DIGIT),
        b'+' | b'-' => (62, 0),
        b'/' | b'_' => (63, 0),
        _ => return None,
    })
}

/// Counts pairs of equal values as values are added; `LOOKED_AT` of them at the most.
struct Pairs {
    counts: [u16; 256],
    values: u32,
    equal: u32,
}

impl Default for Pairs {
    fn default() -> Self {
        Pairs {
            counts: [0; 256],
            values: 0,
            equal: 0,
        }
    }
}

impl Pairs {
    #[inline]
    fn add(&mut self, value: u8) {
        let count = &mut self.counts[usize::from(value)];
        self.equal += u32::from(*count);
        *count += 1;
        self.values += 1;
    }

    /// Whether there are not many more equal pairs than random values of so many kinds have.
    fn few(&self, kinds: u64) -> bool {
        let values = u64::from(self.values);
        let pairs = values * values.saturating_sub(1) / 2;
        u64::from(self.equal) * kinds * 2 <= pairs * 3 + kinds * 6
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    /// Random bytes that are the same in every run.
    fn random(length: usize, seed: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        for block in 0u64.. {
            if bytes.len() >= length {
                break;
            }
            let block = [seed.to_le_bytes(), block.to_le_bytes()].concat();
            bytes.extend_from_slice(&Digest::of(&block).0);
        }
        bytes.truncate(length);
        bytes
    }

    #[test]
    fn nearly_all_random_values_are_recognised() {
        for length in [16, 17, 24, 32, 64, 100, 1000, 4096, 10_000] {
            let blobs = (0..200)
                .filter(|seed| looks_random(&random(length, *seed)))
                .count();
            assert!(blobs >= 195, "{blobs} of 200 blobs of {length} bytes");
            let texts = (0..200)
                .filter(|seed| is_random_base64(STANDARD.encode(random(length, *seed)).as_bytes()));
            let texts = texts.count();
            assert!(texts >= 185, "{texts} of 200 texts of {length} bytes");
            let texts = (0..200).filter(|seed| {
                is_random_base64(URL_SAFE_NO_PAD.encode(random(length, *seed)).as_bytes())
            });
            let texts = texts.count();
            assert!(
                texts >= 185,
                "{texts} of 200 texts of {length} bytes without padding"
            );
        }
    }

    #[test]
    fn ordinary_content_is_not_random() {
        let prose = "It is a truth universally acknowledged, that a single man in possession of a good fortune.";
        let numbers: Vec<u8> = (0..100i32)
            .flat_map(|number| (number * 977).to_le_bytes())
            .collect();
        let cyrillic = "Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему.";
        for bytes in [
            prose.as_bytes(),
            &numbers,
            cyrillic.as_bytes(),
            &[0; 5000],
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
            b"short",
        ] {
            assert!(!looks_random(bytes), "{bytes:?}");
            assert!(
                !is_random_base64(STANDARD.encode(bytes).as_bytes()),
                "{bytes:?} in base64"
            );
        }
        for text in [
            prose,
            "",
            "InternationalBusinessMachines2024Report",
            "customer-00001234-abcdef-01",
            "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
            "550e8400-e29b-41d4-a716-446655440000",
            "ThisIsALongCamelCaseIdentifierWithNumber42",
            "/usr/share/Documentation/packages/2024/readme",
        ] {
            assert!(!is_random_base64(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn base64_must_be_whole() {
        let text = STANDARD.encode(random(6000, 1));
        assert!(is_random_base64(text.as_bytes()));
        assert!(!is_random_base64(format!("{text}!").as_bytes()));
        assert!(
            !is_random_base64(&text.as_bytes()[..text.len() - 3]),
            "one character left over"
        );
        assert!(
            !is_random_base64(format!("{text}=").as_bytes()),
            "padding that nothing needs"
        );
    }
}
