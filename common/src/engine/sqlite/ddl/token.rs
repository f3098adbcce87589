//! Cuts SQL text into tokens with their positions, by the rules of SQLite's own tokenizer.
//!
//! Positions are what the tree of a full parser does not keep: expressions are carried as the
//! source wrote them, not as somebody printed them again.

use crate::engine::sqlite::name;
use crate::fault::{Code, Fault, Result};

/// Kinds of token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A keyword or a bare name.
    Word,
    /// A name in `""`, ``` `` ``` or `[]`.
    Quoted,
    /// A string in `''`.
    String,
    /// A number.
    Number,
    /// A blob, `x'…'`.
    Blob,
    /// A parameter.
    Variable,
    /// One character of punctuation; an operator of several characters is several tokens.
    Mark(u8),
}

/// A token and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    pub(super) start: usize,
}

impl Token<'_> {
    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// Whether this is the keyword, given in capitals; a quoted name never is.
    pub(super) fn is(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(keyword)
    }
}

/// All tokens of `sql`, comments and blanks left out.
pub(super) fn tokens(sql: &str) -> Result<Vec<Token<'_>>> {
    let bytes = sql.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let blank = blank(&bytes[at..]);
        if blank > 0 {
            at += blank;
            continue;
        }
        let (kind, length) = token(&bytes[at..]).ok_or_else(|| misread(sql, at))?;
        // Tokens end before an ASCII character or at the end of a run of others, so never within one.
        let text = sql.get(at..at + length).ok_or_else(|| misread(sql, at))?;
        found.push(Token {
            kind,
            text,
            start: at,
        });
        at += length;
    }
    Ok(found)
}

fn misread(sql: &str, at: usize) -> Fault {
    let shown: String = sql.get(at..).unwrap_or_default().chars().take(20).collect();
    Fault::new(
        Code::ObjectUnsupported,
        "SQL text ends within a token or holds an unknown one",
    )
    .because(format!("at byte {at}: {shown}"))
}

/// Length of the blank or comment that `rest` begins with.
fn blank(rest: &[u8]) -> usize {
    match rest {
        [b' ' | b'\t' | b'\n' | b'\r' | b'\x0c', ..] => 1,
        [0xEF, 0xBB, 0xBF, ..] => 3,
        [b'-', b'-', ..] => position(rest, b"\n").map_or(rest.len(), |line| line + 1),
        // An unfinished comment is one up to the end, as SQLite has it; `/*/` is not yet closed.
        [b'/', b'*', _, ..] => position(&rest[2..], b"*/").map_or(rest.len(), |end| end + 4),
        _ => 0,
    }
}

fn position(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

fn token(rest: &[u8]) -> Option<(Kind, usize)> {
    match *rest.first()? {
        b'\'' => Some((Kind::String, quoted(rest, b'\'')?)),
        quote @ (b'"' | b'`') => Some((Kind::Quoted, quoted(rest, quote)?)),
        b'[' => Some((Kind::Quoted, position(rest, b"]")? + 1)),
        b'x' | b'X' if rest.get(1) == Some(&b'\'') => {
            Some((Kind::Blob, 1 + quoted(&rest[1..], b'\'')?))
        }
        b'0'..=b'9' => Some((Kind::Number, number(rest))),
        b'.' if rest.get(1).is_some_and(u8::is_ascii_digit) => Some((Kind::Number, number(rest))),
        b'?' | b'@' | b'#' | b':' | b'$' => Some((Kind::Variable, 1 + word(&rest[1..]))),
        first if is_word(first) => Some((Kind::Word, word(rest))),
        first if first.is_ascii_punctuation() => Some((Kind::Mark(first), 1)),
        _ => None,
    }
}

fn quoted(rest: &[u8], quote: u8) -> Option<usize> {
    let mut at = 1;
    loop {
        at += rest.get(at..)?.iter().position(|byte| *byte == quote)? + 1;
        if rest.get(at) != Some(&quote) {
            return Some(at);
        }
        at += 1;
    }
}

/// A number up to its last digit; the letters of `0x1F` and the sign of `1e-3` belong to it.
fn number(rest: &[u8]) -> usize {
    let hex = rest.len() > 2 && rest[0] == b'0' && rest[1].eq_ignore_ascii_case(&b'x');
    let mut at = 0;
    while let Some(&byte) = rest.get(at) {
        let sign = !hex
            && matches!(byte, b'+' | b'-')
            && rest[at - 1].eq_ignore_ascii_case(&b'e')
            && rest.get(at + 1).is_some_and(u8::is_ascii_digit);
        if !(is_word(byte) || byte == b'.' || sign) {
            break;
        }
        at += 1;
    }
    at
}

fn word(rest: &[u8]) -> usize {
    rest.iter().take_while(|byte| is_word(**byte)).count()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

/// Walks over tokens.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    sql: &'a str,
    tokens: Vec<Token<'a>>,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(sql: &'a str) -> Result<Self> {
        Ok(Cursor {
            sql,
            tokens: tokens(sql)?,
            at: 0,
        })
    }

    pub(super) fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).copied()
    }

    pub(super) fn next(&mut self) -> Result<Token<'a>> {
        let token = self.peek().ok_or_else(|| self.unexpected())?;
        self.at += 1;
        Ok(token)
    }

    /// Takes the keywords if all of them come next.
    pub(super) fn take(&mut self, keywords: &[&str]) -> bool {
        let next = self.tokens.iter().skip(self.at);
        let found = next
            .zip(keywords)
            .filter(|(token, word)| token.is(word))
            .count()
            == keywords.len();
        if found {
            self.at += keywords.len();
        }
        found
    }

    /// Takes the mark if it comes next.
    pub(super) fn take_mark(&mut self, mark: u8) -> bool {
        let found = self.peek().is_some_and(|t| t.kind == Kind::Mark(mark));
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, keywords: &[&str]) -> Result<()> {
        if self.take(keywords) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    pub(super) fn is_mark(&self, mark: u8) -> bool {
        self.peek().is_some_and(|t| t.kind == Kind::Mark(mark))
    }

    /// A name in any quoting, also a string, which SQLite takes for one.
    pub(super) fn name(&mut self) -> Result<String> {
        match self.peek() {
            Some(token) if matches!(token.kind, Kind::Word | Kind::Quoted | Kind::String) => {
                self.at += 1;
                Ok(name::unquote(token.text))
            }
            _ => Err(self.unexpected()),
        }
    }

    /// The tokens within the parentheses that come next.
    pub(super) fn group(&mut self) -> Result<Span<'a>> {
        if !self.take_mark(b'(') {
            return Err(self.unexpected());
        }
        let first = self.at;
        let mut depth = 1_usize;
        loop {
            match self.next()?.kind {
                Kind::Mark(b'(') => depth += 1,
                Kind::Mark(b')') => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Ok(self.span(first, self.at - 1));
            }
        }
    }

    /// All tokens up to the end of the statement.
    pub(super) fn rest(&mut self) -> Span<'a> {
        let first = self.at;
        let mut last = self.tokens.len();
        while last > first && self.tokens[last - 1].kind == Kind::Mark(b';') {
            last -= 1;
        }
        self.at = self.tokens.len();
        self.span(first, last)
    }

    fn span(&self, first: usize, last: usize) -> Span<'a> {
        Span {
            sql: self.sql,
            tokens: self.tokens[first..last].to_vec(),
        }
    }

    /// The fault of a statement that is not as expected at the next token.
    pub(super) fn unexpected(&self) -> Fault {
        let found = self.peek().map_or("the end", |token| token.text);
        let shown: String = found.chars().take(40).collect();
        Fault::new(Code::ObjectUnsupported, "SQL statement is not understood")
            .because(format!("unexpected {shown}"))
    }
}

/// Consecutive tokens.
#[derive(Debug, Clone)]
pub(super) struct Span<'a> {
    sql: &'a str,
    pub(super) tokens: Vec<Token<'a>>,
}

impl<'a> Span<'a> {
    /// The source's text from the first token to the last, without comments around them.
    pub(super) fn text(&self) -> &'a str {
        match (self.tokens.first(), self.tokens.last()) {
            (Some(first), Some(last)) => &self.sql[first.start..last.end()],
            _ => "",
        }
    }

    /// The pieces between commas outside parentheses.
    pub(super) fn split(&self) -> Vec<Span<'a>> {
        let mut pieces = Vec::new();
        let (mut depth, mut first) = (0_usize, 0);
        for (at, token) in self.tokens.iter().enumerate() {
            match token.kind {
                Kind::Mark(b'(') => depth += 1,
                Kind::Mark(b')') => depth = depth.saturating_sub(1),
                Kind::Mark(b',') if depth == 0 => {
                    pieces.push(self.part(first, at));
                    first = at + 1;
                }
                _ => {}
            }
        }
        pieces.push(self.part(first, self.tokens.len()));
        pieces
    }

    fn part(&self, first: usize, last: usize) -> Span<'a> {
        Span {
            sql: self.sql,
            tokens: self.tokens[first..last].to_vec(),
        }
    }

    /// Takes the keyword off the end if it stands there.
    pub(super) fn strip(&mut self, keyword: &str) -> bool {
        // A lone word is a name, whatever it says.
        let found = self.tokens.len() > 1 && self.tokens.last().is_some_and(|t| t.is(keyword));
        if found {
            self.tokens.pop();
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(sql: &str) -> Vec<&str> {
        tokens(sql)
            .unwrap()
            .iter()
            .map(|token| token.text)
            .collect()
    }

    #[test]
    fn comments_and_blanks_fall_away() {
        assert_eq!(texts("a -- b, )\n, /* ) */ c /* open"), ["a", ",", "c"]);
    }

    #[test]
    fn quotes_and_numbers_are_one_token() {
        let sql = "'it''s' \"a\"\"b\" [x y] `z` x'ff' 0x1F 1e-3 .5 1_000 a$b 列";
        assert_eq!(texts(sql).len(), 11);
        assert_eq!(texts("1-2"), ["1", "-", "2"]);
        assert_eq!(texts("0xe+1"), ["0xe", "+", "1"]);
    }

    #[test]
    fn an_unfinished_string_is_refused() {
        for sql in ["'abc", "\"abc", "[abc", "x'ab", "'a''", "\u{1}"] {
            assert!(tokens(sql).is_err(), "{sql}");
        }
    }
}
