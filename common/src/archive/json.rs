//! The JSON of tag files: one canonical form, written by serde and read strictly.
//!
//! Canonical is: fields in the documented order, no blanks, `\n` at the end. Reading parses with
//! closed structs (no unknown and no repeated field), then writes again and compares the bytes, so
//! that no second spelling of the same facts is accepted.

use super::limits::SAFE_INTEGER;
use crate::digest::Digest;
use crate::fault::{Code, Fault, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::io::{self, Write};

/// The canonical bytes of `value`.
pub(super) fn to_bytes(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut bytes, value).expect("memory takes what plain data gives");
    bytes
}

/// Writes the canonical bytes of `value`.
pub(super) fn write(mut out: impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut out, value)?;
    out.write_all(b"\n")
}

/// Reads canonical bytes.
pub(super) fn from_bytes<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Result<T> {
    let value = serde_json::from_slice(bytes)
        .map_err(|error| inconsistent("is not what the format says it must hold").because(error))?;
    if is_written(bytes, |out| write(out, &value)) {
        Ok(value)
    } else {
        Err(inconsistent("is not in its canonical spelling"))
    }
}

/// Whether `write` gives exactly `bytes`; they are compared as they come, without a copy.
pub(super) fn is_written(
    bytes: &[u8],
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> bool {
    let mut rest = Comparison { rest: bytes };
    write(&mut rest).is_ok() && rest.rest.is_empty()
}

fn inconsistent(what: &'static str) -> Fault {
    Fault::new(Code::ArchiveInconsistent, what)
}

/// Takes bytes as long as they are the expected ones.
struct Comparison<'a> {
    rest: &'a [u8],
}

impl Write for Comparison<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.rest = self
            .rest
            .strip_prefix(bytes)
            .ok_or(io::ErrorKind::InvalidData)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A count or length of at most 2^53-1: `#[serde(with = "json::count")]`.
pub(super) mod count {
    use super::{Deserialize, Deserializer, SAFE_INTEGER, Serializer};
    use serde::de::Error;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub(in super::super) fn serialize<S: Serializer>(n: &u64, s: S) -> Result<S::Ok, S::Error> {
        if *n > SAFE_INTEGER {
            return Err(serde::ser::Error::custom("a number is above 2^53-1"));
        }
        s.serialize_u64(*n)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<u64, D::Error> {
        let number = u64::deserialize(d)?;
        if number > SAFE_INTEGER {
            return Err(D::Error::custom("a number is above 2^53-1"));
        }
        Ok(number)
    }
}

/// A digest as 64 lower-case hexadecimal digits: `#[serde(with = "json::hex")]`.
pub(super) mod hex {
    use super::{Deserialize, Deserializer, Digest, Serializer};
    use serde::de::Error;

    pub(in super::super) fn serialize<S: Serializer>(
        digest: &Digest,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        s.collect_str(digest)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Digest, D::Error> {
        // Digests have no escapes, so this borrows where the input is a slice.
        let text = std::borrow::Cow::<str>::deserialize(d)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// A 64-bit integer as a decimal string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal(pub(super) i64);

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        text.parse().map(Decimal).map_err(D::Error::custom)
    }
}

/// Bytes as base64 (RFC 4648, section 4) with padding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Base64(pub(super) Vec<u8>);

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        STANDARD.decode(text).map(Base64).map_err(D::Error::custom)
    }
}

/// A real by its canonical spelling in a row, or `Infinity`, `-Infinity`, `NaN`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Real(pub(super) f64);

impl Serialize for Real {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let infinite = if self.0 > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        };
        if self.0.is_finite() {
            s.serialize_str(zmij::Buffer::new().format_finite(self.0))
        } else {
            s.serialize_str(if self.0.is_nan() { "NaN" } else { infinite })
        }
    }
}

impl<'de> Deserialize<'de> for Real {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        // Also takes other spellings; writing it again tells them apart.
        let text = String::deserialize(d)?;
        text.parse().map(Real).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[serde(with = "count")]
        rows: u64,
        #[serde(with = "hex")]
        sha256: Digest,
        big: Decimal,
        bytes: Base64,
    }

    fn sample(text: &str) -> Result<Sample> {
        let hex = Digest::default();
        from_bytes(text.replace('#', &hex.to_string()).as_bytes())
    }

    #[test]
    fn only_the_canonical_spelling_is_read() {
        let good = "{\"rows\":9007199254740991,\"sha256\":\"#\",\"big\":\"-9223372036854775808\",\"bytes\":\"AA==\"}\n";
        assert_eq!(sample(good).unwrap().big, Decimal(i64::MIN));
        for (from, to) in [
            ("}\n", "}"),
            ("}\n", "}\n\n"),
            ("}\n", ",\"more\":1}\n"),
            ("\"rows\":9007199254740991", "\"rows\":9007199254740992"),
            ("\"rows\":9007199254740991", "\"rows\":1.0"),
            ("\"rows\":9007199254740991", "\"rows\":1e0"),
            ("\"rows\":9007199254740991", "\"rows\":-0"),
            ("\"rows\":9007199254740991", "\"rows\":1,\"rows\":1"),
            ("\"rows\":9007199254740991", "\"rows\" :1"),
            ("\"rows\"", "\"\\u0072ows\""),
            ("\"#\"", "\"\""),
            ("\"-9223372036854775808\"", "\"+1\""),
            ("\"-9223372036854775808\"", "\"01\""),
            ("\"-9223372036854775808\"", "\"9223372036854775808\""),
            ("\"-9223372036854775808\"", "1"),
            ("AA==", "AA"),
            ("AA==", "AB=="),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good);
            let fault = sample(&bad).unwrap_err();
            assert_eq!(fault.code(), Code::ArchiveInconsistent, "{bad}");
        }
    }

    #[test]
    fn reals_come_back_bit_for_bit() {
        for real in [
            0.0,
            -0.0,
            1.5,
            5e-324,
            f64::MAX,
            f64::INFINITY,
            f64::NEG_INFINITY,
        ] {
            let back: Real = from_bytes(&to_bytes(&Real(real))).unwrap();
            assert_eq!(back.0.to_bits(), real.to_bits());
        }
        assert!(from_bytes::<Real>(b"\"NaN\"\n").unwrap().0.is_nan());
        for bad in ["\"1\"\n", "\"inf\"\n", "\"1.50\"\n", "\"1e400\"\n", "1.5\n"] {
            assert!(from_bytes::<Real>(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
