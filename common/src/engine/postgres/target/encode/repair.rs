//! Text that PostgreSQL cannot hold, made into text that it can, as the mapping asks.

use crate::mapping::plan::BadText;
use crate::model::schema::Encoding;
use crate::model::value::Value;
use std::fmt::Write as _;

/// What is done with the characters NUL and the bytes that are not text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Repair {
    pub(super) nul: BadText,
    pub(super) invalid: BadText,
    /// Whose bytes an invalid text has.
    pub(super) encoding: Encoding,
}

/// A piece of a text that may not be one.
enum Piece<'a> {
    Character(char),
    /// Bytes that are no character.
    Bad(&'a [u8]),
}

impl Repair {
    /// The value to go on with, and whether it is another one; `room` holds it then.
    pub(super) fn mend<'v>(
        self,
        value: Value<'v>,
        room: &'v mut String,
    ) -> Result<(Value<'v>, bool), &'static str> {
        room.clear();
        match value {
            Value::Text(text) if !self.touches(text) => return Ok((value, false)),
            Value::Text(text) => text
                .chars()
                .try_for_each(|character| self.add(&Piece::Character(character), room))?,
            Value::RawText(bytes) => self.bytes(bytes, room)?,
            _ => return Ok((value, false)),
        }
        let changed = !matches!(value, Value::Text(text) if text == room);
        Ok((Value::Text(room), changed))
    }

    /// Whether a backslash of the column stands for itself no more.
    fn escapes(self) -> bool {
        self.nul == BadText::Escape || self.invalid == BadText::Escape
    }

    fn touches(self, text: &str) -> bool {
        let escapes = self.escapes();
        text.bytes()
            .any(|byte| byte == 0 || escapes && byte == b'\\')
    }

    fn bytes(self, bytes: &[u8], room: &mut String) -> Result<(), &'static str> {
        match self.encoding {
            Encoding::Utf8 => bytes.utf8_chunks().try_for_each(|chunk| {
                let mut valid = chunk.valid().chars();
                valid.try_for_each(|character| self.add(&Piece::Character(character), room))?;
                self.add(&Piece::Bad(chunk.invalid()), room)
            }),
            Encoding::Utf16le => self.wide(bytes, u16::from_le_bytes, room),
            Encoding::Utf16be => self.wide(bytes, u16::from_be_bytes, room),
        }
    }

    fn wide(
        self,
        bytes: &[u8],
        unit: fn([u8; 2]) -> u16,
        room: &mut String,
    ) -> Result<(), &'static str> {
        let (pairs, odd) = bytes.as_chunks();
        let mut at = 0;
        for character in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
            let Ok(character) = character else {
                self.add(&Piece::Bad(&bytes[at..at + 2]), room)?;
                at += 2;
                continue;
            };
            self.add(&Piece::Character(character), room)?;
            at += 2 * character.len_utf16();
        }
        self.add(&Piece::Bad(odd), room)
    }

    fn add(self, piece: &Piece<'_>, room: &mut String) -> Result<(), &'static str> {
        match piece {
            Piece::Bad([]) => {}
            Piece::Bad(bytes) => match self.invalid {
                BadText::Refuse => {
                    return Err("text that is not valid in the encoding of its database");
                }
                BadText::Strip => {}
                BadText::Replace => room.push(char::REPLACEMENT_CHARACTER),
                BadText::Escape => {
                    for byte in *bytes {
                        write!(room, "\\x{byte:02x}").expect("a String takes all");
                    }
                }
            },
            Piece::Character('\0') => match self.nul {
                BadText::Refuse => {
                    return Err("text with the character NUL, which PostgreSQL cannot hold");
                }
                BadText::Strip => {}
                BadText::Replace => room.push(char::REPLACEMENT_CHARACTER),
                BadText::Escape => room.push_str("\\0"),
            },
            Piece::Character('\\') if self.escapes() => room.push_str("\\\\"),
            Piece::Character(character) => room.push(*character),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mended(value: Value<'_>, nul: BadText, invalid: BadText) -> Result<(String, bool), &str> {
        encoded(value, nul, invalid, Encoding::Utf8)
    }

    fn encoded(
        value: Value<'_>,
        nul: BadText,
        invalid: BadText,
        encoding: Encoding,
    ) -> Result<(String, bool), &'static str> {
        let repair = Repair {
            nul,
            invalid,
            encoding,
        };
        let mut room = String::new();
        let (value, changed) = repair.mend(value, &mut room)?;
        let Value::Text(text) = value else {
            panic!("{value:?}");
        };
        Ok((text.to_owned(), changed))
    }

    #[test]
    fn each_policy_does_what_it_says() {
        use BadText::{Escape, Refuse, Replace, Strip};
        let (nul, raw) = (Value::Text("a\0b"), Value::RawText(b"a\xffb\xe2\x82\0"));
        let ok = |text: &str, changed| Ok((text.to_owned(), changed));
        assert!(mended(nul, Refuse, Strip).is_err());
        assert!(mended(raw, Strip, Refuse).is_err());
        assert!(mended(raw, Refuse, Strip).is_err(), "the NUL in it");
        assert_eq!(mended(nul, Strip, Refuse), ok("ab", true));
        assert_eq!(mended(nul, Replace, Refuse), ok("a\u{fffd}b", true));
        assert_eq!(mended(nul, Escape, Refuse), ok("a\\0b", true));
        assert_eq!(mended(raw, Strip, Strip), ok("ab", true));
        assert_eq!(
            mended(raw, Strip, Replace),
            ok("a\u{fffd}b\u{fffd}", true),
            "one for each longest beginning of a character"
        );
        assert_eq!(
            mended(raw, Escape, Escape),
            ok("a\\xffb\\xe2\\x82\\0", true)
        );
        assert_eq!(
            mended(Value::Text("a\\b"), Escape, Refuse),
            ok("a\\\\b", true)
        );
        assert_eq!(
            mended(Value::Text("a\\b"), Strip, Replace),
            ok("a\\b", false)
        );
    }

    #[test]
    fn a_half_character_of_utf_16_is_bad_and_its_neighbours_are_not() {
        let le = b"A\0\x00\xd8B\0\x3d\xd8\x00\xdex";
        let found = encoded(
            Value::RawText(le),
            BadText::Escape,
            BadText::Escape,
            Encoding::Utf16le,
        );
        assert_eq!(found, Ok(("A\\x00\\xd8B😀\\x78".to_owned(), true)));
        let be = b"\xdc\x00\0A";
        let found = encoded(
            Value::RawText(be),
            BadText::Refuse,
            BadText::Replace,
            Encoding::Utf16be,
        );
        assert_eq!(found, Ok(("\u{fffd}A".to_owned(), true)));
    }

    /// Undoes `Escape`, as the documentation says.
    fn unescaped(text: &str) -> Vec<u8> {
        let (mut bytes, mut rest) = (Vec::new(), text);
        while let Some(at) = rest.find('\\') {
            bytes.extend_from_slice(&rest.as_bytes()[..at]);
            let (byte, length) = match rest.as_bytes()[at + 1] {
                b'0' => (0, 2),
                b'x' => (u8::from_str_radix(&rest[at + 2..at + 4], 16).unwrap(), 4),
                other => (other, 2),
            };
            bytes.push(byte);
            rest = &rest[at + length..];
        }
        bytes.extend_from_slice(rest.as_bytes());
        bytes
    }

    proptest! {
        #[test]
        fn escaped_text_tells_every_byte(bytes in prop::collection::vec(
            prop_oneof![Just(0_u8), Just(b'\\'), Just(b'x'), Just(b'0'), any::<u8>()], 0..24)
        ) {
            let value = match std::str::from_utf8(&bytes) {
                Ok(text) => Value::Text(text),
                Err(_) => Value::RawText(&bytes),
            };
            let (text, _) = mended(value, BadText::Escape, BadText::Escape).unwrap();
            prop_assert!(!text.contains('\0'));
            prop_assert_eq!(unescaped(&text), bytes);
        }

        #[test]
        fn no_bytes_make_a_repair_panic(bytes: Vec<u8>) {
            for encoding in [Encoding::Utf8, Encoding::Utf16le, Encoding::Utf16be] {
                let found = encoded(Value::RawText(&bytes), BadText::Strip, BadText::Replace, encoding);
                prop_assert!(!found.unwrap().0.contains('\0'));
            }
        }
    }
}
