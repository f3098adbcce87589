//! Pieces of a mapping file for whoever writes one: keys, texts and headings, always quoted so that
//! any name can stand in them. Comments and order are the writer's own.

use std::fmt::Write as _;

/// The heading of a table's rules: `[tables."orders"]`.
#[must_use]
pub fn table_heading(table: &str) -> String {
    format!("[tables.{}]", key(table))
}

/// The heading of a column's rules: `[tables."orders".columns."status"]`.
#[must_use]
pub fn column_heading(table: &str, column: &str) -> String {
    format!("[tables.{}.columns.{}]", key(table), key(column))
}

/// A key of any name, in quotes.
#[must_use]
pub fn key(name: &str) -> String {
    string(name)
}

/// A text on one line, as TOML's basic string.
#[must_use]
pub fn string(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            // Also what a terminal or an editor would not show as it is.
            c if c.is_control() || is_invisible(c) => {
                write!(quoted, "\\U{:08X}", u32::from(c)).expect("a String takes every text");
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Marks that change the order of what is shown, or show nothing.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}
