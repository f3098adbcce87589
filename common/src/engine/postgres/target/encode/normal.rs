//! Fields of tuples in a form in which equal values are equal bytes, whoever has written them.
//!
//! Stricter than `=` of the server where that is lenient (`-0.0`, case of citext); as lenient where
//! the way to write a value is no part of it: digits of a numeric, blanks and order of jsonb.

use super::json;
use crate::mapping::plan::PgType;

/// What NULL has in place of a length.
const NULL: [u8; 8] = [0xff; 8];
/// What a value that is like no other has in place of a length.
const UNLIKE: [u8; 8] = [0xfe; 8];

/// How the fields of one column become comparable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine::postgres::target) enum Normal {
    /// They are.
    Bytes,
    /// Without the digits that only say how a number is shown.
    Numeric,
    /// As the same document in one spelling.
    Jsonb,
}

impl Normal {
    /// For a column of this type.
    pub(in crate::engine::postgres::target) fn of(target: PgType) -> Self {
        match target {
            PgType::Numeric | PgType::Decimal { .. } => Normal::Numeric,
            PgType::Jsonb => Normal::Jsonb,
            _ => Normal::Bytes,
        }
    }
}

/// Writes fields in that form, each with its length.
#[derive(Debug, Default)]
pub(in crate::engine::postgres::target) struct Normalizer {
    room: json::Room,
}

impl Normalizer {
    /// Appends a field; `None` is NULL.
    pub(in crate::engine::postgres::target) fn push(
        &mut self,
        normal: Normal,
        field: Option<&[u8]>,
        out: &mut Vec<u8>,
    ) {
        let Some(field) = field else {
            out.extend_from_slice(&NULL);
            return;
        };
        let start = out.len();
        out.extend_from_slice(&[0; 8]);
        let written = match normal {
            Normal::Bytes => None,
            Normal::Numeric => numeric(field, out),
            Normal::Jsonb => field
                .get(1..)
                .and_then(|text| json::canonical(text, &mut self.room, out)),
        };
        if written.is_none() {
            out.truncate(start + 8);
            out.extend_from_slice(field);
        }
        let length = (out.len() - start - 8) as u64;
        out[start..start + 8].copy_from_slice(&length.to_be_bytes());
    }

    /// Appends what no field of the target is equal to, and none of another row.
    pub(in crate::engine::postgres::target) fn push_unlike(row: u64, out: &mut Vec<u8>) {
        out.extend_from_slice(&UNLIKE);
        out.extend_from_slice(&row.to_be_bytes());
    }
}

/// Weight, sign and groups, without zeros at the end and without the scale. NaN and the infinities
/// have a sign and no groups.
fn numeric(field: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let (head, groups) = field.split_first_chunk::<8>()?;
    let mut groups = groups;
    while let Some(rest) = groups.strip_suffix(&[0, 0]) {
        groups = rest;
    }
    let (weight, sign) = (&head[2..4], &head[4..6]);
    let is_zero = groups.is_empty() && sign[0] & 0xc0 != 0xc0;
    out.extend_from_slice(if is_zero { &[0, 0] } else { weight });
    out.extend_from_slice(if is_zero { &[0, 0] } else { sign });
    out.extend_from_slice(groups);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(normal: Normal, field: Option<&[u8]>) -> Vec<u8> {
        let mut out = Vec::new();
        Normalizer::default().push(normal, field, &mut out);
        out
    }

    /// Groups, weight, sign, scale, and the groups themselves.
    fn number(words: &[u16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn numbers_are_equal_however_many_digits_they_show() {
        let form = |words: &[u16]| pushed(Normal::Numeric, Some(&number(words)));
        // 1.5, 1.50, 1.5000 0000
        let one = form(&[2, 0, 0, 1, 1, 5000]);
        assert_eq!(one, form(&[2, 0, 0, 2, 1, 5000]));
        assert_eq!(one, form(&[3, 0, 0, 8, 1, 5000, 0]));
        assert_ne!(one, form(&[2, 0, 0x4000, 1, 1, 5000]));
        assert_ne!(one, form(&[2, 1, 0, 1, 1, 5000]));
        assert_eq!(form(&[0, 0, 0, 0]), form(&[0, 0, 0, 2]));
        let (nan, infinity) = (form(&[0, 0, 0xc000, 0]), form(&[0, 0, 0xd000, 0x20]));
        assert_ne!(nan, infinity);
        assert_ne!(nan, form(&[0, 0, 0, 0]));
    }

    #[test]
    fn null_empty_and_unlike_differ_and_nothing_runs_into_the_next_field() {
        let mut unlike = Vec::new();
        Normalizer::push_unlike(7, &mut unlike);
        let all = [
            pushed(Normal::Bytes, None),
            pushed(Normal::Bytes, Some(b"")),
            unlike,
        ];
        assert!(all[0] != all[1] && all[1] != all[2] && all[0] != all[2]);
        assert_eq!(pushed(Normal::Bytes, Some(b"ab")).len(), 10);
    }

    #[test]
    fn documents_are_equal_whatever_their_blanks_and_order() {
        let form = |text: &str| {
            let field = [&[1], text.as_bytes()].concat();
            pushed(Normal::Jsonb, Some(&field))
        };
        assert_eq!(form("{\"a\": 1, \"b\": [ ]}"), form("{\"b\":[],\"a\":1}"));
        assert_ne!(form("{\"a\":1}"), form("{\"a\":2}"));
    }
}
