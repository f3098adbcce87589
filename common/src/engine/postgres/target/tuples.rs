//! Cuts the stream of COPY TO … (FORMAT binary) into tuples.
//!
//! Knows no type: a tuple is its bytes, from the field count to the end of the last field.

use super::encode::HEADER;

/// A stream that is not what COPY TO gives.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed(&'static str);

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Malformed {}

/// Takes the stream in pieces of any size and gives whole tuples.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    /// The bytes of a tuple that has not ended yet.
    pending: Vec<u8>,
    begun: bool,
    ended: bool,
}

/// What the front of some bytes is.
enum Front {
    Tuple(usize),
    Incomplete,
    Trailer,
}

impl Splitter {
    /// Takes the next piece, and gives each tuple that it ends to `tuple`.
    pub(super) fn feed<E: From<Malformed>>(
        &mut self,
        piece: &[u8],
        mut tuple: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.pending.is_empty() {
            let rest = self.consume(piece, &mut tuple)?;
            self.pending.extend_from_slice(rest);
            return Ok(());
        }
        let mut pending = std::mem::take(&mut self.pending);
        pending.extend_from_slice(piece);
        let rest = self.consume(&pending, &mut tuple)?.len();
        pending.drain(..pending.len() - rest);
        self.pending = pending;
        Ok(())
    }

    /// Says that the stream is over.
    pub(super) fn finish(&self) -> Result<(), Malformed> {
        if self.ended && self.pending.is_empty() {
            Ok(())
        } else {
            Err(Malformed("COPY data ends before its trailer"))
        }
    }

    /// Gives the tuples at the front; what is left is incomplete.
    fn consume<'a, E: From<Malformed>>(
        &mut self,
        mut bytes: &'a [u8],
        tuple: &mut impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<&'a [u8], E> {
        if !self.begun {
            let Some(rest) = after_header(bytes)? else {
                return Ok(bytes);
            };
            self.begun = true;
            bytes = rest;
        }
        while !bytes.is_empty() {
            if self.ended {
                return Err(Malformed("COPY data goes on after its trailer").into());
            }
            match front(bytes)? {
                Front::Tuple(length) => {
                    let (whole, rest) = bytes.split_at(length);
                    tuple(whole)?;
                    bytes = rest;
                }
                Front::Incomplete => break,
                Front::Trailer => {
                    self.ended = true;
                    bytes = &bytes[2..];
                }
            }
        }
        Ok(bytes)
    }
}

/// What follows the header, or nothing when it is not there in full yet.
fn after_header(bytes: &[u8]) -> Result<Option<&[u8]>, Malformed> {
    if bytes.len() < HEADER.len() {
        return Ok(None);
    }
    // Our own COPY asks for no flags, and no version of the server sends an extension.
    bytes
        .strip_prefix(HEADER)
        .map(Some)
        .ok_or(Malformed("COPY data has no known header"))
}

fn front(bytes: &[u8]) -> Result<Front, Malformed> {
    let Some((count, _)) = bytes.split_first_chunk() else {
        return Ok(Front::Incomplete);
    };
    let count = i16::from_be_bytes(*count);
    if count == -1 {
        return Ok(Front::Trailer);
    }
    if count < 0 {
        return Err(Malformed("COPY data has a negative field count"));
    }
    let mut end = 2;
    for _ in 0..count {
        let Some((length, _)) = bytes.get(end..).and_then(<[u8]>::split_first_chunk) else {
            return Ok(Front::Incomplete);
        };
        let length = i32::from_be_bytes(*length);
        end += 4;
        if length < -1 {
            return Err(Malformed("COPY data has a negative field length"));
        }
        end += usize::try_from(length).unwrap_or(0);
    }
    Ok(if end <= bytes.len() {
        Front::Tuple(end)
    } else {
        Front::Incomplete
    })
}

/// The fields of a whole tuple; `None` for NULL.
pub(super) fn fields(tuple: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    let mut rest = tuple.get(2..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk()?;
        let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
            rest = after;
            return Some(None);
        };
        let (field, after) = after.split_at_checked(length)?;
        rest = after;
        Some(Some(field))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(tuples: &[&[u8]]) -> Vec<u8> {
        let mut all = HEADER.to_vec();
        for tuple in tuples {
            all.extend_from_slice(tuple);
        }
        all.extend_from_slice(&[0xff, 0xff]);
        all
    }

    fn split(stream: &[u8], size: usize) -> Result<Vec<Vec<u8>>, Malformed> {
        let mut splitter = Splitter::default();
        let mut tuples = Vec::new();
        for piece in stream.chunks(size) {
            splitter.feed(piece, |tuple| {
                tuples.push(tuple.to_vec());
                Ok::<_, Malformed>(())
            })?;
        }
        splitter.finish()?;
        Ok(tuples)
    }

    const ONE: &[u8] = b"\0\x02\0\0\0\x03abc\xff\xff\xff\xff";
    const NONE: &[u8] = b"\0\0";
    const EMPTY: &[u8] = b"\0\x01\0\0\0\0";

    #[test]
    fn tuples_are_the_same_however_the_stream_is_cut() {
        let stream = stream(&[ONE, NONE, EMPTY, ONE]);
        for size in 1..=stream.len() {
            let tuples = split(&stream, size).unwrap();
            assert_eq!(tuples, [ONE, NONE, EMPTY, ONE], "pieces of {size}");
        }
    }

    #[test]
    fn a_stream_that_is_cut_or_goes_on_is_refused() {
        let whole = stream(&[ONE, EMPTY]);
        for end in 0..whole.len() {
            assert!(split(&whole[..end], 7).is_err(), "cut at {end}");
        }
        let mut longer = whole.clone();
        longer.push(0);
        assert!(split(&longer, 7).is_err());
        let mut other = whole;
        other[3] ^= 1;
        assert!(split(&other, 7).is_err());
    }

    #[test]
    fn fields_tell_null_from_empty() {
        let all: Vec<_> = fields(ONE).collect();
        assert_eq!(all, [Some(&b"abc"[..]), None]);
        assert_eq!(fields(EMPTY).collect::<Vec<_>>(), [Some(&b""[..])]);
    }
}
