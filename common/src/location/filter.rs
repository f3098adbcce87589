//! Which tables take part: the patterns of `-t` and `-T`.
//!
//! The rules are `pg_dump`'s, with SQLite's names: `*` is any text, `?` any one character, letters
//! A to Z match in either case, and what stands in double quotes matches exactly (`""` is a quote).
//! Nothing else is special, a dot is a dot.

use crate::fault::{Code, Fault, Result};

/// A choice of tables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableFilter {
    include: Vec<Pattern>,
    exclude: Vec<Pattern>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    written: String,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    /// `*`
    Any,
    /// `?`
    One,
    /// A character as it is.
    Exact(char),
    /// A character, ASCII letters in either case.
    Caseless(char),
}

impl TableFilter {
    /// The tables that match one of `include` (all, when there is none) and none of `exclude`.
    pub fn new(include: &[String], exclude: &[String]) -> Result<Self> {
        let parse = |patterns: &[String]| -> Result<Vec<Pattern>> {
            patterns.iter().map(|text| Pattern::parse(text)).collect()
        };
        Ok(TableFilter {
            include: parse(include)?,
            exclude: parse(exclude)?,
        })
    }

    /// Whether every table takes part.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }

    /// Whether the table called `name` takes part.
    #[must_use]
    pub fn admits(&self, name: &str) -> bool {
        let matches = |pattern: &Pattern| pattern.matches(name);
        (self.include.is_empty() || self.include.iter().any(matches))
            && !self.exclude.iter().any(matches)
    }

    /// The patterns of `-t` that match none of `names`, as they were written: a table that was
    /// asked for and is not there is an error, as in `pg_dump`.
    #[must_use]
    pub fn unmatched(&self, names: &[&str]) -> Vec<&str> {
        let missing = |pattern: &&Pattern| !names.iter().any(|name| pattern.matches(name));
        let patterns = self.include.iter().filter(missing);
        patterns.map(|pattern| pattern.written.as_str()).collect()
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self> {
        let wrong = |what: &'static str| {
            Fault::new(Code::Usage, what)
                .because(Written(text.to_owned()))
                .hint("write a name, with * and ? as in file names, or \"Name\" for exactly this name")
        };
        if text.is_empty() {
            return Err(wrong("the pattern for tables is empty"));
        }
        let mut pieces = Vec::new();
        let mut quoted = false;
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            pieces.push(match letter {
                '"' if quoted && letters.peek() == Some(&'"') => {
                    letters.next();
                    Piece::Exact('"')
                }
                '"' => {
                    quoted = !quoted;
                    continue;
                }
                _ if quoted => Piece::Exact(letter),
                '*' => Piece::Any,
                '?' => Piece::One,
                _ => Piece::Caseless(letter),
            });
        }
        if quoted {
            return Err(wrong(
                "a double quote is not closed in the pattern for tables",
            ));
        }
        Ok(Pattern {
            written: text.to_owned(),
            pieces,
        })
    }

    /// Greedy matching that goes back to the last `*` only: linear in pattern times name.
    fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        let (mut piece, mut letter) = (0, 0);
        let mut retry = None;
        while letter < name.len() {
            match self.pieces.get(piece) {
                Some(Piece::Any) => {
                    retry = Some((piece, letter));
                    piece += 1;
                    continue;
                }
                Some(one) if one.takes(name[letter]) => {
                    piece += 1;
                    letter += 1;
                    continue;
                }
                _ => {}
            }
            let Some((star, from)) = retry else {
                return false;
            };
            retry = Some((star, from + 1));
            (piece, letter) = (star + 1, from + 1);
        }
        self.pieces[piece..].iter().all(|rest| *rest == Piece::Any)
    }
}

impl Piece {
    fn takes(self, letter: char) -> bool {
        match self {
            Piece::Any | Piece::One => true,
            Piece::Exact(own) => own == letter,
            Piece::Caseless(own) => own.eq_ignore_ascii_case(&letter),
        }
    }
}

/// The pattern as a cause of its own fault.
#[derive(Debug)]
struct Written(String);

impl std::fmt::Display for Written {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the pattern is `{}`", self.0)
    }
}

impl std::error::Error for Written {}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(include: &[&str], exclude: &[&str]) -> TableFilter {
        let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        TableFilter::new(&owned(include), &owned(exclude)).unwrap()
    }

    #[test]
    fn patterns_match_as_written() {
        for (pattern, name, expected) in [
            ("orders", "orders", true),
            ("orders", "ORDERS", true),
            ("\"orders\"", "ORDERS", false),
            ("order", "orders", false),
            ("o*s", "orders", true),
            ("o*r*", "orders", true),
            ("*", "", true),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "aXbXbX", false),
            ("order?", "orders", true),
            ("order?", "order", false),
            ("?", "ü", true),
            ("Ü", "ü", false),
            ("\"*\"", "*", true),
            ("\"*\"", "x", false),
            ("\"a\"\"b\"", "a\"b", true),
            ("\"A\"*", "Abc", true),
            ("\"A\"*", "abc", false),
            ("main.t", "main.t", true),
            ("main.t", "mainxt", false),
            ("\"\"", "", true),
        ] {
            assert_eq!(
                filter(&[pattern], &[]).admits(name),
                expected,
                "{pattern} and {name}"
            );
        }
    }

    #[test]
    fn excluding_wins_over_including() {
        let some = filter(&["a*"], &["ab"]);
        assert!(some.admits("aa") && !some.admits("ab") && !some.admits("b"));
        assert!(filter(&[], &["b"]).admits("a") && !filter(&[], &["b"]).admits("b"));
        assert!(filter(&[], &[]).is_all() && !some.is_all());
    }

    #[test]
    fn a_pattern_that_matches_no_table_is_named() {
        let some = filter(&["a*", "nothing", "b"], &["none"]);
        assert_eq!(some.unmatched(&["aa", "B"]), ["nothing"]);
    }

    #[test]
    fn empty_and_unclosed_patterns_are_refused() {
        for text in ["", "\"a"] {
            let fault = TableFilter::new(&[text.to_owned()], &[]).unwrap_err();
            assert_eq!(fault.code(), Code::Usage);
        }
    }
}
