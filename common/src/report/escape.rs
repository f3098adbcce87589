//! Makes text from data safe to show: no control, ANSI or bidirectional characters reach a
//! terminal, a log or a report.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether `letter` could change how the text around it is shown.
fn is_unsafe(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{61c}' | '\u{200e}' | '\u{200f}'        // marks of direction
            | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' // embedding, override, isolate
            | '\u{2028}' | '\u{2029}'                  // line and paragraph separator
            | '\u{200b}' | '\u{2060}' | '\u{feff}'     // of no width
            | '\u{e0000}'..='\u{e007f}') // tags, of no width either
}

/// `text` with every unsafe character written as `\n`, `\t`, `\r` or `\u{202e}`.
#[must_use]
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        if is_unsafe(letter) {
            safe.extend(letter.escape_default());
        } else {
            safe.push(letter);
        }
    }
    Cow::Owned(safe)
}

/// JSON text in which every unsafe character stands as `\uXXXX`: the same values, safe to show.
/// Such characters occur in strings only, once the text is on one line or indented by newlines.
#[must_use]
pub fn escaped_json(json: &str) -> Cow<'_, str> {
    let outside_ascii = |letter: char| letter != '\n' && is_unsafe(letter);
    if !json.contains(outside_ascii) {
        return Cow::Borrowed(json);
    }
    let mut safe = String::with_capacity(json.len() + 16);
    for letter in json.chars() {
        if outside_ascii(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                write!(safe, "\\u{unit:04x}").expect("a String takes all text");
            }
        } else {
            safe.push(letter);
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_moves_a_cursor_or_turns_text_gets_through() {
        for (text, shown) in [
            ("plain ü 漢 👩\u{200d}💻", "plain ü 漢 👩\u{200d}💻"),
            ("a\u{1b}[31mb", "a\\u{1b}[31mb"),
            ("a\nb\tc\r", "a\\nb\\tc\\r"),
            ("a\u{202e}b", "a\\u{202e}b"),
            ("\u{9b}31m\u{7f}", "\\u{9b}31m\\u{7f}"),
            ("\u{2028}\u{feff}\u{e0041}", "\\u{2028}\\u{feff}\\u{e0041}"),
        ] {
            assert_eq!(escaped(text), shown);
        }
    }

    #[test]
    fn escaped_json_means_the_same() {
        let value = serde_json::json!({"a\u{202e}": "\u{1b}\u{9b}\u{e0041}ü\n"});
        let json = serde_json::to_string_pretty(&value).unwrap();
        let safe = escaped_json(&json);
        assert!(
            safe.chars()
                .all(|letter| letter == '\n' || !is_unsafe(letter)),
            "{safe}"
        );
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&safe).unwrap(),
            value
        );
    }
}
