//! One byte form for equal JSON values, to compare what was sent with what jsonb gives back.
//!
//! Blanks, escapes and the order of keys mean nothing; of equal keys the last counts; a number is
//! its digits, its power of ten and the digits shown after the point, as a numeric holds them. The
//! form is hashed, never stored and never sent.

use super::numeric::Decimal;
use crate::mapping::plan::PgType;
use crate::model::value::Value;
use crate::profile::json as profile;
use serde::de::IgnoredAny;

/// Deepest nesting that is followed.
const MAX_DEPTH: u32 = 1000;

/// Appends the canonical form of the JSON text, or nothing when it is not JSON that jsonb holds
/// (RFC 8259, without `\u0000` and lone surrogates) or deeper than 1000.
#[must_use]
pub(super) fn canonical(text: &[u8], room: &mut Room, out: &mut Vec<u8>) -> Option<()> {
    let mut reader = Reader { rest: text, room };
    reader.room.members.clear();
    reader.value(out, MAX_DEPTH)?;
    reader.blanks();
    reader.rest.is_empty().then_some(())
}

/// Memory reused from text to text.
#[derive(Debug, Default)]
pub(super) struct Room {
    digits: Vec<u8>,
    /// Members of all objects that are open: where in the output each begins, its key ends, it ends.
    members: Vec<Member>,
    sorted: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Member {
    start: usize,
    key_end: usize,
    end: usize,
}

/// Memory for telling what a value is as a JSON document.
#[derive(Debug, Default)]
pub(super) struct Memory {
    room: Room,
    form: Vec<u8>,
    profile: profile::Memory,
}

impl Memory {
    /// Appends a value as json or jsonb takes it, and says whether jsonb gives back less than was
    /// written: one of two equal keys, a number without its exponent, 0 for -0. Nothing when the
    /// value is no JSON that the type holds. A number is the JSON number.
    pub(super) fn document(
        &mut self,
        value: &Value<'_>,
        target: PgType,
        out: &mut Vec<u8>,
    ) -> Option<bool> {
        if target == PgType::Jsonb {
            out.push(super::JSONB_VERSION);
        }
        match value {
            Value::Text(text) => {
                out.extend_from_slice(text.as_bytes());
                self.judge(text, target)
            }
            Value::Integer(_) | Value::Real(_) => {
                let start = out.len();
                super::plain_text(value, out)?;
                Some(target == PgType::Jsonb && out[start..].contains(&b'e'))
            }
            Value::Null | Value::RawText(_) | Value::Blob(_) => None,
        }
    }

    fn judge(&mut self, text: &str, target: PgType) -> Option<bool> {
        self.form.clear();
        let held = canonical(text.as_bytes(), &mut self.room, &mut self.form).is_some();
        if target == PgType::Json {
            // What jsonb does not hold may still be JSON: a NUL, half a character, any number.
            let valid = held || serde_json::from_str::<IgnoredAny>(text).is_ok();
            return valid.then_some(false);
        }
        if !held || target != PgType::Jsonb {
            return None;
        }
        let first = text.trim_start().bytes().next()?;
        Some(match first {
            b'{' | b'[' => profile::json(text, &mut self.profile) != Some(profile::Json::Plain),
            b'-' | b'0'..=b'9' => {
                text.contains(['e', 'E'])
                    || text.starts_with('-') && !text.contains(|c: char| ('1'..='9').contains(&c))
            }
            _ => false,
        })
    }
}

struct Reader<'a, 'r> {
    rest: &'a [u8],
    room: &'r mut Room,
}

impl<'a> Reader<'a, '_> {
    fn blanks(&mut self) {
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        let blanks = self.rest.iter().take_while(|byte| is_blank(byte)).count();
        self.rest = &self.rest[blanks..];
    }

    /// The next byte that is not blank.
    fn next(&mut self) -> Option<u8> {
        self.blanks();
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(word)?;
        Some(())
    }

    fn value(&mut self, out: &mut Vec<u8>, depth: u32) -> Option<()> {
        self.blanks();
        let first = *self.rest.first()?;
        match first {
            b'n' => self.word(b"null")?,
            b't' => self.word(b"true")?,
            b'f' => self.word(b"false")?,
            b'"' => {
                out.push(b's');
                self.rest = &self.rest[1..];
                return self.string(out);
            }
            b'[' => return self.array(out, depth.checked_sub(1)?),
            b'{' => return self.object(out, depth.checked_sub(1)?),
            _ => return self.number(out),
        }
        out.push(first);
        Some(())
    }

    fn array(&mut self, out: &mut Vec<u8>, depth: u32) -> Option<()> {
        self.rest = &self.rest[1..];
        out.push(b'[');
        self.blanks();
        if self.rest.first() == Some(&b']') {
            self.rest = &self.rest[1..];
        } else {
            loop {
                self.value(out, depth)?;
                match self.next()? {
                    b',' => {}
                    b']' => break,
                    _ => return None,
                }
            }
        }
        out.push(b']');
        Some(())
    }

    fn object(&mut self, out: &mut Vec<u8>, depth: u32) -> Option<()> {
        self.rest = &self.rest[1..];
        out.push(b'{');
        let (start, first) = (out.len(), self.room.members.len());
        self.blanks();
        if self.rest.first() == Some(&b'}') {
            self.rest = &self.rest[1..];
        } else {
            loop {
                self.member(out, depth)?;
                match self.next()? {
                    b',' => {}
                    b'}' => break,
                    _ => return None,
                }
            }
        }
        self.room.sort(out, start, first);
        out.push(b'}');
        Some(())
    }

    fn member(&mut self, out: &mut Vec<u8>, depth: u32) -> Option<()> {
        let start = out.len();
        if self.next()? != b'"' {
            return None;
        }
        self.string(out)?;
        let key_end = out.len();
        if self.next()? != b':' {
            return None;
        }
        self.value(out, depth)?;
        let end = out.len();
        self.room.members.push(Member {
            start,
            key_end,
            end,
        });
        Some(())
    }

    /// A string after its opening quote: its length, then its bytes with escapes resolved.
    fn string(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let length_at = out.len();
        out.extend_from_slice(&[0; 4]);
        loop {
            let plain = |byte: &u8| *byte >= 0x20 && !matches!(byte, b'"' | b'\\');
            let run = self.rest.iter().take_while(|byte| plain(byte)).count();
            let (text, rest) = self.rest.split_at(run);
            out.extend_from_slice(text);
            let (special, rest) = rest.split_first()?;
            self.rest = rest;
            match special {
                b'"' => break,
                b'\\' => self.escape(out)?,
                _ => return None,
            }
        }
        let length = u32::try_from(out.len() - length_at - 4).ok()?;
        out[length_at..length_at + 4].copy_from_slice(&length.to_be_bytes());
        Some(())
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let (kind, rest) = self.rest.split_first()?;
        self.rest = rest;
        let byte = match kind {
            b'"' | b'\\' | b'/' => *kind,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let mut buffer = [0; 4];
                let character = self.unicode()?;
                out.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
                return Some(());
            }
            _ => return None,
        };
        out.push(byte);
        Some(())
    }

    /// What follows `\u`: a code unit, or a pair of surrogates.
    fn unicode(&mut self) -> Option<char> {
        let unit = self.unit()?;
        let code = if (0xd800..0xdc00).contains(&unit) {
            self.word(b"\\u")?;
            let low = self.unit()?;
            if !(0xdc00..0xe000).contains(&low) {
                return None;
            }
            0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00)
        } else {
            unit
        };
        char::from_u32(code).filter(|character| *character != '\0')
    }

    fn unit(&mut self) -> Option<u32> {
        let (digits, rest) = self.rest.split_at_checked(4)?;
        self.rest = rest;
        digits.iter().try_fold(0, |unit, digit| {
            Some(unit << 4 | char::from(*digit).to_digit(16)?)
        })
    }

    fn digits(&mut self) -> Option<&'a [u8]> {
        let count = self
            .rest
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let (digits, rest) = self.rest.split_at(count);
        self.rest = rest;
        (count > 0).then_some(digits)
    }

    fn number(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let negative = self.word(b"-").is_some();
        let start = self.rest;
        let whole = self.digits()?;
        if whole.len() > 1 && whole[0] == b'0' {
            return None;
        }
        if self.word(b".").is_some() {
            self.digits()?;
        }
        let number = &start[..start.len() - self.rest.len()];
        let power = self.power()?;
        let decimal = Decimal::new(negative, number, power, &mut self.room.digits);
        if !decimal.is_held() {
            return None;
        }
        out.push(b'd');
        out.push(u8::from(decimal.negative));
        out.extend_from_slice(&decimal.scale.to_be_bytes());
        out.extend_from_slice(&decimal.exponent.to_be_bytes());
        out.extend_from_slice(&u32::try_from(decimal.digits.len()).ok()?.to_be_bytes());
        out.extend_from_slice(decimal.digits);
        Some(())
    }

    /// The exponent, 0 when there is none; one beyond all numbers stays there.
    fn power(&mut self) -> Option<i64> {
        if !matches!(self.rest.first(), Some(b'e' | b'E')) {
            return Some(0);
        }
        self.rest = &self.rest[1..];
        let negative = self.word(b"-").is_some();
        if !negative {
            let _ = self.word(b"+");
        }
        let digits = self.digits()?;
        let power = digits.iter().fold(0_i64, |power, digit| {
            power
                .saturating_mul(10)
                .saturating_add(i64::from(digit - b'0'))
        });
        Some(if negative { -power } else { power })
    }
}

impl Room {
    /// Brings the members of the object that begins at `start` into one order: by length of the
    /// key, then by its bytes; of equal keys only the last stays.
    fn sort(&mut self, out: &mut Vec<u8>, start: usize, first: usize) {
        let members = &mut self.members[first..];
        // The key's length stands before its bytes, most significant byte first.
        let key = |member: &Member| &out[member.start..member.key_end];
        if !members.is_sorted_by(|a, b| key(a) < key(b)) {
            members.sort_by(|a, b| key(a).cmp(key(b)));
            self.sorted.clear();
            for (position, member) in members.iter().enumerate() {
                let repeated = members
                    .get(position + 1)
                    .is_some_and(|next| key(next) == key(member));
                if !repeated {
                    self.sorted
                        .extend_from_slice(&out[member.start..member.end]);
                }
            }
            out.truncate(start);
            out.extend_from_slice(&self.sorted);
        }
        self.members.truncate(first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        canonical(text.as_bytes(), &mut Room::default(), &mut out)?;
        Some(out)
    }

    fn same(one: &str, other: &str) {
        assert!(form(one).is_some(), "{one}");
        assert_eq!(form(one), form(other), "{one} and {other}");
    }

    #[test]
    fn what_jsonb_does_not_keep_does_not_count() {
        same(r#" { "bb" : 1, "a":[ ] } "#, r#"{"a":[],"bb":1}"#);
        same(
            r#"{"z":{"y":1,"x":2},"a":0}"#,
            r#"{"a": 0, "z": {"x": 2, "y": 1}}"#,
        );
        same(r#"{"a":1,"b":2,"a":3}"#, r#"{"a":3,"b":2}"#);
        same(r#""\u00e4\ud83d\ude00\/\n""#, "\"ä😀/\\u000a\"");
        same("1e2", "100");
        same("-0", "0");
        same("-0.0", "0.0");
        same("1.5E-3", "0.0015");
    }

    #[test]
    fn what_jsonb_keeps_does_count() {
        let differ = |one: &str, other: &str| assert_ne!(form(one), form(other), "{one} {other}");
        differ("1", "1.0");
        differ("1.5", "1.50");
        differ("[1,2]", "[2,1]");
        differ("[12]", "[1,2]");
        differ(r#"{"a":"b"}"#, r#"{"ab":""}"#);
        differ("0", "0.0");
        differ("null", "\"n\"");
        differ("[[],[]]", "[[[]]]");
        differ("1", "-1");
    }

    #[test]
    fn only_json_that_jsonb_holds_has_a_form() {
        for text in [
            "",
            "nul",
            "01",
            "1.",
            ".5",
            "+1",
            "1e",
            "[1,]",
            "[,]",
            "{\"a\"}",
            "{a:1}",
            "\"",
            "\"\\u0000\"",
            "\"\\ud800\"",
            "\"\\ud800\\u0041\"",
            "\"\\udc00\"",
            "\"\\x\"",
            "\"\u{1}\"",
            "1 2",
            "--1",
            "{\"a\":1,}",
            "NaN",
        ] {
            assert_eq!(form(text), None, "{text}");
        }
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(form(&nested(1000)).is_some());
        assert_eq!(form(&nested(1001)), None);
        assert_eq!(form("1e99999999999999999999"), None);
        assert_eq!(form("1e-99999999999999999999"), None);
    }
}
