//! Quoting of identifiers and literals for SQL that we write ourselves.
//!
//! Knows no connection. Literals rely on `standard_conforming_strings`, which `session` makes sure
//! is on. What comes from an archive reaches SQL through these functions or as a parameter, never
//! bare.

use std::fmt::Write as _;

use crate::fault::{Code, Fault, Result};

/// The longest identifier PostgreSQL keeps, in bytes; it cuts a longer one without an error.
/// (`NAMEDATALEN` - 1 of every stock build.)
pub const MAX_IDENTIFIER_BYTES: usize = 63;

/// `name` as a delimited identifier: in double quotes, those inside doubled.
///
/// Refused are the empty name and NUL, which no PostgreSQL identifier can hold. The length is not
/// checked: what a cut name means only the caller knows.
pub fn identifier(name: &str) -> Result<String> {
    if name.is_empty() {
        return Err(Fault::new(
            Code::NameRefused,
            "PostgreSQL has no empty names",
        ));
    }
    quoted(name, '"').ok_or_else(|| Fault::new(Code::NameRefused, "a name holds the character NUL"))
}

/// `schema.name`, both quoted as `identifier` does.
pub fn qualified(schema: &str, name: &str) -> Result<String> {
    Ok(format!("{}.{}", identifier(schema)?, identifier(name)?))
}

/// `text` as a string literal: in single quotes, those inside doubled; NUL is refused.
pub fn literal(text: &str) -> Result<String> {
    quoted(text, '\'')
        .ok_or_else(|| Fault::new(Code::ValueRefused, "a text holds the character NUL"))
}

/// `bytes` as a literal of type `bytea`.
#[must_use]
pub fn bytea_literal(bytes: &[u8]) -> String {
    let mut sql = String::with_capacity(bytes.len() * 2 + 14);
    sql.push_str("'\\x");
    for byte in bytes {
        write!(sql, "{byte:02x}").expect("writing to a String cannot fail");
    }
    sql.push_str("'::bytea");
    sql
}

/// `text` between two `quote`s, those inside doubled; nothing when it holds NUL.
fn quoted(text: &str, quote: char) -> Option<String> {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\0' => return None,
            c if c == quote => out.extend([quote, quote]),
            c => out.push(c),
        }
    }
    out.push(quote);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_inside_are_doubled_and_nothing_else_changes() {
        assert_eq!(identifier("we\"ird; name").unwrap(), "\"we\"\"ird; name\"");
        assert_eq!(qualified("a.b", "c").unwrap(), "\"a.b\".\"c\"");
        assert_eq!(literal("it's \\ \"x\"").unwrap(), "'it''s \\ \"x\"'");
        assert_eq!(literal("").unwrap(), "''");
        assert_eq!(bytea_literal(&[0, 255, 39]), "'\\x00ff27'::bytea");
    }

    #[test]
    fn what_postgresql_cannot_hold_is_refused() {
        for name in ["", "a\0b"] {
            assert_eq!(identifier(name).unwrap_err().code(), Code::NameRefused);
        }
        assert_eq!(literal("a\0b").unwrap_err().code(), Code::ValueRefused);
    }
}
