//! Whether a text is a JSON object or array, and whether jsonb would give all of it back.
//!
//! Builds no tree: one pass, with the open containers on a stack of bounded depth, and eight bytes
//! for each key of the open objects. Knows no column.

use crate::model::quoted::plain_run;

/// Open containers, at the most.
const DEPTH: usize = 1000;

/// Bytes of a number that is surely within the limits of numeric.
const NUMBER: usize = 1000;

/// Bytes of a text whose strings are surely within the limits of jsonb.
const PLAIN_TEXT: usize = 1 << 28;

/// How much JSON a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Json {
    /// Valid.
    Valid,
    /// Valid, and jsonb gives every value back.
    Plain,
}

/// Memory that is reused from text to text.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// Open containers: for an object where its keys begin in `keys`.
    open: Vec<Option<usize>>,
    /// A hash of each key of the open objects.
    keys: Vec<u64>,
    /// A key whose escapes had to be resolved.
    key: Vec<u8>,
}

/// Tells of texts whether they are JSON; memory is reused from text to text.
#[derive(Debug, Default)]
pub struct JsonReader(Memory);

impl JsonReader {
    /// Whether `text` is a JSON object or array.
    pub fn is_json(&mut self, text: &str) -> bool {
        json(text, &mut self.0).is_some()
    }

    /// Whether it is one that jsonb gives back with every value unchanged.
    pub fn survives_jsonb(&mut self, text: &str) -> bool {
        json(text, &mut self.0) == Some(Json::Plain)
    }
}

/// What `text` is. Two keys of one object with the same hash are taken for a repeated key, which
/// is on the safe side.
pub(crate) fn json(text: &str, memory: &mut Memory) -> Option<Json> {
    memory.open.clear();
    memory.keys.clear();
    let mut check = Check {
        text: text.as_bytes(),
        at: 0,
        plain: text.len() < PLAIN_TEXT,
        memory,
    };
    check.blanks();
    if !matches!(check.peek(), Some(b'{' | b'[')) {
        return None;
    }
    check.document()?;
    Some(if check.plain {
        Json::Plain
    } else {
        Json::Valid
    })
}

/// What follows a value.
enum Next {
    Value,
    End,
}

/// The pass over one text. `None` everywhere means that it is not valid.
struct Check<'a> {
    text: &'a [u8],
    at: usize,
    plain: bool,
    memory: &'a mut Memory,
}

impl Check<'_> {
    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    #[inline]
    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\t' | b'\r')) {
            self.at += 1;
        }
    }

    /// Steps over `expected`.
    fn take(&mut self, expected: &[u8]) -> Option<()> {
        self.text[self.at..]
            .starts_with(expected)
            .then(|| self.at += expected.len())
    }

    fn document(&mut self) -> Option<()> {
        loop {
            self.blanks();
            let closed = match self.peek()? {
                b'{' => self.enter(true)?,
                b'[' => self.enter(false)?,
                byte => {
                    self.scalar(byte)?;
                    true
                }
            };
            if closed && matches!(self.after_value()?, Next::End) {
                return Some(());
            }
        }
    }

    /// Opens a container; true when it is empty and so already closed.
    fn enter(&mut self, object: bool) -> Option<bool> {
        self.at += 1;
        self.blanks();
        if self.peek()? == if object { b'}' } else { b']' } {
            self.at += 1;
            return Some(true);
        }
        if self.memory.open.len() == DEPTH {
            return None;
        }
        let keys = self.memory.keys.len();
        self.memory.open.push(object.then_some(keys));
        if object {
            self.key()?;
        }
        Some(false)
    }

    /// Closes what ends here, and steps to the next value.
    fn after_value(&mut self) -> Option<Next> {
        loop {
            self.blanks();
            let Some(container) = self.memory.open.last().copied() else {
                return (self.at == self.text.len()).then_some(Next::End);
            };
            let byte = self.peek()?;
            self.at += 1;
            match (byte, container) {
                (b',', Some(_)) => {
                    self.blanks();
                    self.key()?;
                    return Some(Next::Value);
                }
                (b',', None) => return Some(Next::Value),
                (b'}', Some(keys)) => {
                    self.plain &= !repeats(&mut self.memory.keys[keys..]);
                    self.memory.keys.truncate(keys);
                }
                (b']', None) => {}
                _ => return None,
            }
            self.memory.open.pop();
        }
    }

    /// A key and its colon.
    fn key(&mut self) -> Option<()> {
        if self.peek()? != b'"' {
            return None;
        }
        let start = self.at + 1;
        let escaped = self.string()?;
        let raw = &self.text[start..self.at - 1];
        // Of a text that is not plain for another reason the keys do not matter.
        if self.plain {
            let hash = if escaped {
                unescape(raw, &mut self.memory.key);
                hash(&self.memory.key)
            } else {
                hash(raw)
            };
            self.memory.keys.push(hash);
        }
        self.blanks();
        self.take(b":")
    }

    fn scalar(&mut self, byte: u8) -> Option<()> {
        match byte {
            b'"' => self.string().map(|_| ()),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.take(b"true"),
            b'f' => self.take(b"false"),
            b'n' => self.take(b"null"),
            _ => None,
        }
    }

    /// A string; true when it has escapes.
    fn string(&mut self) -> Option<bool> {
        self.at += 1;
        let mut escaped = false;
        loop {
            self.at += plain_run(&self.text[self.at..]);
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(escaped);
                }
                b'\\' => {
                    escaped = true;
                    self.escape()?;
                }
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        match self.text.get(self.at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 2,
            b'u' => {
                let unit = unit(self.text, self.at)?;
                self.at += 6;
                match unit {
                    0xd800..=0xdbff if low_surrogate(self.text, self.at) => self.at += 6,
                    0 | 0xd800..=0xdfff => self.plain = false,
                    _ => {}
                }
            }
            _ => return None,
        }
        Some(())
    }

    fn digits(&mut self) -> usize {
        let rest = &self.text[self.at..];
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        count
    }

    fn number(&mut self) -> Option<()> {
        let start = self.at;
        let negative = self.peek() == Some(b'-');
        self.at += usize::from(negative);
        let zero_first = self.peek()? == b'0';
        let digits = self.digits();
        if digits == 0 || (zero_first && digits > 1) {
            return None;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return None;
            }
        }
        if negative
            && self.text[start..self.at]
                .iter()
                .all(|byte| !(b'1'..=b'9').contains(byte))
        {
            self.plain = false;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.plain = false;
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            if self.digits() == 0 {
                return None;
            }
        }
        self.plain &= self.at - start <= NUMBER;
        Some(())
    }
}

/// The code unit that `\uXXXX` at `at` stands for.
fn unit(text: &[u8], at: usize) -> Option<u32> {
    let digits = text.get(at + 2..at + 6)?;
    digits.iter().try_fold(0, |all, digit| {
        Some(all * 16 + char::from(*digit).to_digit(16)?)
    })
}

/// Whether the escape of the second half of a surrogate pair stands at `at`.
fn low_surrogate(text: &[u8], at: usize) -> bool {
    text[at..].starts_with(b"\\u")
        && unit(text, at).is_some_and(|unit| (0xdc00..0xe000).contains(&unit))
}

/// Resolves the escapes of a valid string, for comparing keys.
fn unescape(raw: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let mut at = 0;
    while let Some(byte) = raw.get(at) {
        if *byte != b'\\' {
            out.push(*byte);
            at += 1;
            continue;
        }
        let simple = match raw.get(at + 1) {
            Some(b'b') => 0x08,
            Some(b'f') => 0x0c,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => {
                let mut code = unit(raw, at).unwrap_or_default();
                at += 6;
                if (0xd800..0xdc00).contains(&code) && low_surrogate(raw, at) {
                    let low = unit(raw, at).unwrap_or_default();
                    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                    at += 6;
                }
                let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            Some(other) => *other,
            None => return,
        };
        out.push(simple);
        at += 2;
    }
}

/// A hash that is the same on every machine; nobody relies on it being hard to collide.
fn hash(key: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |hash: u64, word: u64| (hash ^ word).wrapping_mul(FACTOR).rotate_left(29);
    let (words, rest) = key.as_chunks::<8>();
    let hash = words.iter().fold(key.len() as u64, |hash, word| {
        mix(hash, u64::from_le_bytes(*word))
    });
    let last = rest.iter().fold(0, |all, byte| all << 8 | u64::from(*byte));
    mix(mix(hash, last), FACTOR)
}

/// Whether a hash occurs twice.
fn repeats(keys: &mut [u64]) -> bool {
    if keys.len() <= 12 {
        return (1..keys.len()).any(|at| keys[..at].contains(&keys[at]));
    }
    keys.sort_unstable();
    keys.windows(2).any(|pair| pair[0] == pair[1])
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
