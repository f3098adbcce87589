//! LIKE and GLOB: the one without regard to the case of ASCII letters, the other as a pattern of
//! LIKE or a regular expression.

use crate::mapping::expression::lower::{Lowering, Outcome};
use crate::mapping::expression::value::{Class, Typed};
use crate::mapping::expression::{Expression, Operator};
use crate::mapping::plan::PgType;
use sqlite3_parser::ast::{Expr, LikeOperator};

impl Lowering<'_> {
    pub(super) fn like(
        &mut self,
        of: &Expr<'_>,
        operator: LikeOperator,
        pattern: &Expr<'_>,
        escape: Option<&Expr<'_>>,
    ) -> Outcome {
        let (of, pattern) = (self.lower(of)?, self.lower(pattern)?);
        let escape = escape.map(|escape| self.lower(escape)).transpose()?;
        match operator {
            LikeOperator::Like => self.like_pattern(of, pattern, escape),
            LikeOperator::Glob if escape.is_none() => self.glob(of, &pattern),
            LikeOperator::Glob => Err("GLOB has no ESCAPE".to_owned()),
            LikeOperator::Match => Err("MATCH has no translation".to_owned()),
            LikeOperator::Regexp => Err("REGEXP is the application's own function".to_owned()),
        }
    }

    fn like_pattern(&mut self, of: Typed, pattern: Typed, escape: Option<Typed>) -> Outcome {
        let null = |typed: &Typed| typed.class == Class::Null;
        if null(&of) || null(&pattern) || escape.as_ref().is_some_and(null) {
            return Ok(Typed::bool(Expression::null(PgType::Boolean)));
        }
        let escape = escape.map(|escape| escape_character(&escape)).transpose()?;
        let (of, pattern) = (self.texted(of)?, self.texted(pattern)?);
        let pattern = match (pattern.constant_text(), escape) {
            (Some(text), escape) => {
                if escape.is_some_and(|escape| ends_open(text, escape)) {
                    return Err("the pattern of LIKE ends with its escape character".to_owned());
                }
                Expression::text(text.to_ascii_lowercase())
            }
            (None, None) => Expression::call("lower", vec![pattern.ascii()]),
            (None, Some(_)) => {
                return Err("LIKE with ESCAPE and a pattern that is no literal".to_owned());
            }
        };
        Ok(Typed::bool(Expression::Like {
            of: Box::new(Expression::call("lower", vec![of.ascii()])),
            pattern: Box::new(pattern),
            escape,
        }))
    }

    fn glob(&mut self, of: Typed, pattern: &Typed) -> Outcome {
        let Some(pattern) = pattern.constant_text().map(str::to_owned) else {
            return Err("GLOB with a pattern that is no literal has no translation".to_owned());
        };
        if of.class == Class::Null {
            return Ok(Typed::bool(Expression::null(PgType::Boolean)));
        }
        let of = self.texted(of)?;
        if !pattern.contains('[') {
            return Ok(Typed::bool(Expression::Like {
                of: Box::new(of.ascii()),
                pattern: Box::new(Expression::text(glob_as_like(&pattern))),
                escape: Some('\\'),
            }));
        }
        let Some(regex) = glob_as_regex(&pattern) else {
            // SQLite finds nothing for a class that is not closed.
            return Err("the pattern of GLOB has a `[` without `]`".to_owned());
        };
        let tree = Expression::binary(Operator::Match, of.ascii(), Expression::text(regex));
        Ok(Typed::bool(tree))
    }
}

fn escape_character(escape: &Typed) -> Outcome<char> {
    let mut chars = escape.constant_text().unwrap_or_default().chars();
    match (chars.next(), chars.next()) {
        (Some(one), None) if !one.is_ascii_alphabetic() => Ok(one),
        _ => Err(
            "the escape character of LIKE is no literal of one character, or a letter".to_owned(),
        ),
    }
}

/// Whether the escape character escapes nothing at the end.
fn ends_open(pattern: &str, escape: char) -> bool {
    let mut open = false;
    for c in pattern.chars() {
        open = !open && c == escape;
    }
    open
}

fn glob_as_like(glob: &str) -> String {
    let mut like = String::with_capacity(glob.len());
    for c in glob.chars() {
        match c {
            '*' => like.push('%'),
            '?' => like.push('_'),
            '%' | '_' | '\\' => like.extend(['\\', c]),
            other => like.push(other),
        }
    }
    like
}

/// The pattern as a regular expression of PostgreSQL, in which every character that is not a letter
/// or digit is escaped.
fn glob_as_regex(glob: &str) -> Option<String> {
    let mut regex = String::from("^");
    let mut chars = glob.chars();
    while let Some(c) = chars.next() {
        match c {
            '*' => regex.push_str(".*"),
            '?' => regex.push('.'),
            '[' => class(&mut chars, &mut regex)?,
            other => escaped(other, &mut regex),
        }
    }
    regex.push('$');
    Some(regex)
}

fn escaped(c: char, regex: &mut String) {
    if c.is_ascii_punctuation() {
        regex.push('\\');
    }
    regex.push(c);
}

/// A class behind its `[`: `]` counts as itself in first place, `^` turns it round.
fn class(chars: &mut std::str::Chars<'_>, regex: &mut String) -> Option<()> {
    let mut members = Vec::new();
    let mut rest = chars.clone();
    let mut negated = false;
    let mut next = rest.next()?;
    if next == '^' {
        negated = true;
        next = rest.next()?;
    }
    if next == ']' {
        members.push((']', ']'));
        next = rest.next()?;
    }
    while next != ']' {
        let mut ahead = rest.clone();
        match (ahead.next(), ahead.next()) {
            // A hyphen between two members is a range, unless the class begins with it.
            (Some('-'), Some(last)) if last != ']' => {
                members.push((next, last));
                rest = ahead;
            }
            _ => members.push((next, next)),
        }
        next = rest.next()?;
    }
    *chars = rest;
    members.retain(|(first, last)| first <= last);
    if members.is_empty() {
        return None;
    }
    regex.push_str(if negated { "[^" } else { "[" });
    for (first, last) in members {
        escaped(first, regex);
        if first != last {
            regex.push('-');
            escaped(last, regex);
        }
    }
    regex.push(']');
    Some(())
}
