//! SQLite's grammar in front of the translation: one expression, or one CREATE VIEW, bounded.

use crate::mapping::expression::value::Typed;
use crate::model::value::OwnedValue;
use sqlite3_parser::ast::{Cmd, Expr, IndexedColumn, OneSelect, ResultColumn, Select, Stmt};
use sqlite3_parser::lexer::sql::Parser;
use sqlite3_parser::{Bump, FallibleIterator as _};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Longest expression or query that is looked at, in bytes.
const LONGEST: usize = 64 * 1024;
/// Deepest nesting of parentheses; those within strings count, too.
const DEEPEST: usize = 100;

/// Reads `sql` as one expression and hands it to `read`. Whatever the text is, this neither panics
/// nor exhausts the stack.
pub(super) fn expression<T>(
    sql: &str,
    read: impl FnOnce(&Expr<'_>) -> Result<T, String>,
) -> Result<T, String> {
    check(sql)?;
    // What follows a comment in the text must not be taken for its continuation.
    let statement = format!("SELECT {sql}\n");
    parsed(&statement, |statement| {
        let Stmt::Select(select) = statement else {
            return Err(NO_EXPRESSION.to_owned());
        };
        match lone(select) {
            Some(expression) => read(expression),
            None => Err(NO_EXPRESSION.to_owned()),
        }
    })
}

/// Reads `sql` as one CREATE VIEW and hands its query and the names of its columns to `read`.
pub(super) fn view<T>(
    sql: &str,
    read: impl FnOnce(&Select<'_>, Option<&[IndexedColumn<'_>]>) -> Result<T, String>,
) -> Result<T, String> {
    check(sql)?;
    parsed(sql, |statement| match statement {
        Stmt::CreateView {
            columns, select, ..
        } => read(select, *columns),
        _ => Err("it is no CREATE VIEW by SQLite's grammar".to_owned()),
    })
}

const NO_EXPRESSION: &str = "it is no expression by SQLite's grammar";

/// The one result of a SELECT that has nothing else.
fn lone<'a, 'b>(select: &'a Select<'b>) -> Option<&'a Expr<'b>> {
    let OneSelect::Select {
        distinctness: None,
        columns: [ResultColumn::Expr(expression, None)],
        from: None,
        where_clause: None,
        group_by: None,
        having: None,
        window_clause: None,
    } = &select.body.select
    else {
        return None;
    };
    let rest = select.with.is_none()
        && select.body.compounds.is_none()
        && select.order_by.is_none()
        && select.limit.is_none();
    rest.then_some(expression)
}

fn check(sql: &str) -> Result<(), String> {
    if sql.len() > LONGEST {
        return Err(format!("it is longer than {LONGEST} bytes"));
    }
    if sql.contains('\0') {
        return Err("its SQL holds a NUL".to_owned());
    }
    let mut depth = 0_usize;
    for byte in sql.bytes() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return Err(format!("it is nested more than {DEEPEST} deep"));
        }
    }
    Ok(())
}

fn parsed<T>(sql: &str, read: impl FnOnce(&Stmt<'_>) -> Result<T, String>) -> Result<T, String> {
    // The parser's own notes say that it may panic; nothing it touches outlives the call.
    let done = catch_unwind(AssertUnwindSafe(|| {
        let arena = Bump::new();
        let mut parser = Parser::new(&arena, sql.as_bytes());
        let misread =
            |error: sqlite3_parser::lexer::sql::Error| format!("it is not understood: {error}");
        let Some(Cmd::Stmt(statement)) = parser.next().map_err(misread)? else {
            return Err(NO_EXPRESSION.to_owned());
        };
        if parser.next().map_err(misread)?.is_some() {
            return Err("it is more than one statement".to_owned());
        }
        read(&statement)
    }));
    done.unwrap_or_else(|_| Err("the SQL parser gave up on it".to_owned()))
}

/// A name or string without its quotes.
pub(super) fn unquoted(token: &str) -> String {
    let mut chars = token.chars();
    let close = match chars.next() {
        Some(quote @ ('"' | '`' | '\'')) => quote,
        Some('[') => ']',
        _ => return token.to_owned(),
    };
    let inner = chars.as_str();
    let inner = inner.strip_suffix(close).unwrap_or(inner);
    if close == ']' {
        return inner.to_owned();
    }
    inner.replace(&format!("{close}{close}"), &close.to_string())
}

/// The value of a numeric literal.
pub(super) fn number(token: &str) -> Option<Typed> {
    let digits = token.replace('_', "");
    if let Some(hex) = digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        // Hexadecimal integers are 64 bits of two's complement.
        let value = u64::from_str_radix(hex, 16).ok()?.cast_signed();
        return Some(Typed::constant(OwnedValue::Integer(value)));
    }
    if let Ok(integer) = digits.parse() {
        return Some(Typed::constant(OwnedValue::Integer(integer)));
    }
    let real: f64 = digits.parse().ok()?;
    real.is_finite()
        .then(|| Typed::constant(OwnedValue::Real(real)))
}

/// The bytes of a blob literal, with or without `x''` around them.
pub(super) fn blob(token: &str) -> Option<Typed> {
    let digits = token.trim_start_matches(['x', 'X']).trim_matches('\'');
    let (pairs, odd) = digits.as_bytes().as_chunks::<2>();
    if !odd.is_empty() {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let bytes: Option<Vec<u8>> = pairs
        .iter()
        .map(|[high, low]| u8::try_from(digit(*high)? * 16 + digit(*low)?).ok())
        .collect();
    Some(Typed::constant(OwnedValue::Blob(bytes?)))
}

#[cfg(test)]
mod tests {
    use super::super::translate::check;
    use super::super::value::Scope;

    #[test]
    fn operators_nested_without_parentheses_neither_panic_nor_exhaust_the_stack() {
        for (operator, times) in [
            ("NOT ", 15_000),
            ("- ", 30_000),
            ("~", 60_000),
            ("1+", 30_000),
        ] {
            let sql = format!("{}1", operator.repeat(times));
            assert!(check(&sql, &Scope::default()).is_err(), "{operator}");
        }
        for tail in [" COLLATE BINARY", " ISNULL", " IS NOT 1"] {
            let sql = format!("1{}", tail.repeat(4_000));
            assert!(check(&sql, &Scope::default()).is_err(), "{tail}");
        }
        let cases = "CASE WHEN 1 THEN ".repeat(3_000) + "1" + &" END".repeat(3_000);
        assert!(check(&cases, &Scope::default()).is_err());
    }

    /// An operand that is repeated for each of a list becomes no gigabytes.
    #[test]
    fn a_large_operand_of_a_long_list_is_refused() {
        let operand = "round(round(round(round(1.5, 1), 1), 1), 1)";
        let list = vec!["1"; 20_000].join(",");
        let whens = " WHEN 1 THEN 1".repeat(3_000);
        for sql in [
            format!("{operand} IN ({list})"),
            format!("CASE {operand}{whens} END"),
        ] {
            let refused = check(&sql, &Scope::default()).err();
            assert!(refused.is_some_and(|why| why.contains("too large")));
        }
    }
}
