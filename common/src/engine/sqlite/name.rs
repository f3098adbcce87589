//! Quoting of names and literals, and what SQLite makes of a quoted token.
//!
//! Knows no statement; whoever builds SQL text passes every name through here.

use std::fmt::Write as _;

/// The identifier in double quotes, valid wherever SQLite takes a name.
#[must_use]
pub fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// The text as a string literal. A NUL ends SQL text, so text with one is written as a cast blob.
#[must_use]
pub fn literal(text: &str) -> String {
    if !text.contains('\0') {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut sql = String::from("CAST(x'");
    for byte in text.bytes() {
        // Writing to a String cannot fail.
        let _ = write!(sql, "{byte:02x}");
    }
    sql.push_str("' AS TEXT)");
    sql
}

/// What a token names: `"a""b"`, `` `a` ``, `[a]` and `'a'` without their quotes, others as they are.
#[must_use]
pub fn unquote(token: &str) -> String {
    let Some(open) = token.chars().next() else {
        return String::new();
    };
    let close = match open {
        '"' | '`' | '\'' => open,
        '[' => ']',
        _ => return token.to_owned(),
    };
    let inner = token[1..].strip_suffix(close).unwrap_or(&token[1..]);
    if open == '[' {
        return inner.to_owned();
    }
    let doubled: String = [open, open].iter().collect();
    inner.replace(&doubled, &open.to_string())
}

/// A collation's name in one spelling: the three that SQLite has built in, in capitals.
#[must_use]
pub fn collation(name: &str) -> String {
    for known in ["BINARY", "NOCASE", "RTRIM"] {
        if name.eq_ignore_ascii_case(known) {
            return known.to_owned();
        }
    }
    name.to_owned()
}

/// Whether this is a collation that every SQLite has.
#[must_use]
pub fn is_built_in(collation_name: &str) -> bool {
    ["BINARY", "NOCASE", "RTRIM"].contains(&collation(collation_name).as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_reads_back_every_quoted_name_and_literal() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        for text in [
            "plain",
            "",
            " ",
            "it's",
            "a\"b",
            "[x]",
            "`t`",
            "表\u{301}",
            "a\0b",
            "--",
            "/*",
        ] {
            let read: String = connection
                .query_row(&format!("SELECT {}", literal(text)), [], |row| row.get(0))
                .unwrap();
            assert_eq!(read, text);
            if !text.contains('\0') {
                assert_eq!(unquote(&quote(text)), text);
                let sql = format!("SELECT 1 AS {}", quote(text));
                let statement = connection.prepare(&sql).unwrap();
                assert_eq!(statement.column_name(0).unwrap(), text);
            }
        }
    }

    #[test]
    fn each_quoting_style_names_the_same_column() {
        for token in ["\"a b\"", "`a b`", "[a b]", "'a b'"] {
            assert_eq!(unquote(token), "a b");
        }
        assert_eq!(unquote("'x''y'"), "x'y");
        assert_eq!(unquote("\""), "");
    }
}
