//! What a DEFAULT clause says: a literal, one of the clock's words, or an expression.

use crate::engine::sqlite::ddl::token::{Kind, Token, tokens};
use crate::engine::sqlite::name;
use crate::model::schema::DefaultValue;
use crate::model::value::OwnedValue;

/// Classifies the text of a default, as it stands after DEFAULT or in `PRAGMA table_xinfo`.
#[must_use]
pub fn default_value(text: &str) -> DefaultValue {
    let value = tokens(text).ok().and_then(|found| classify(&found));
    value.unwrap_or_else(|| DefaultValue::Expression(text.trim().to_owned()))
}

fn classify(found: &[Token<'_>]) -> Option<DefaultValue> {
    let found = without_parentheses(found);
    let literal = match found {
        [sign, number] if number.kind == Kind::Number => match sign.kind {
            Kind::Mark(b'-') => signed_number(number.text, true)?,
            Kind::Mark(b'+') => signed_number(number.text, false)?,
            _ => return None,
        },
        [token] => match token.kind {
            Kind::Number => signed_number(token.text, false)?,
            Kind::String | Kind::Quoted => OwnedValue::Text(name::unquote(token.text)),
            Kind::Blob => OwnedValue::Blob(hexadecimal(token.text)?),
            Kind::Word => return Some(word(token)),
            Kind::Variable | Kind::Mark(_) => return None,
        },
        _ => return None,
    };
    Some(DefaultValue::Literal(literal))
}

fn without_parentheses<'t, 'a>(mut found: &'t [Token<'a>]) -> &'t [Token<'a>] {
    while let [open, inner @ .., close] = found {
        if open.kind != Kind::Mark(b'(') || close.kind != Kind::Mark(b')') {
            break;
        }
        found = inner;
    }
    found
}

/// A bare word: SQLite takes any that is not a keyword of its own for a string.
fn word(token: &Token<'_>) -> DefaultValue {
    let literal = match token.text.to_ascii_uppercase().as_str() {
        "CURRENT_DATE" => return DefaultValue::CurrentDate,
        "CURRENT_TIME" => return DefaultValue::CurrentTime,
        "CURRENT_TIMESTAMP" => return DefaultValue::CurrentTimestamp,
        "NULL" => OwnedValue::Null,
        "TRUE" => OwnedValue::Integer(1),
        "FALSE" => OwnedValue::Integer(0),
        _ => OwnedValue::Text(token.text.to_owned()),
    };
    DefaultValue::Literal(literal)
}

fn signed_number(text: &str, negative: bool) -> Option<OwnedValue> {
    let digits = text.replace('_', "");
    if let Some(hex) = digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        // Hexadecimal integers are 64 bits of two's complement.
        let value = u64::from_str_radix(hex, 16).ok()?.cast_signed();
        let value = if negative {
            value.checked_neg()?
        } else {
            value
        };
        return Some(OwnedValue::Integer(value));
    }
    let signed = if negative {
        format!("-{digits}")
    } else {
        digits
    };
    if let Ok(integer) = signed.parse() {
        return Some(OwnedValue::Integer(integer));
    }
    let real: f64 = signed.parse().ok()?;
    Some(OwnedValue::Real(real))
}

fn hexadecimal(token: &str) -> Option<Vec<u8>> {
    let digits = token.get(2..token.len() - 1)?.as_bytes();
    let (pairs, odd) = digits.as_chunks::<2>();
    if !odd.is_empty() {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    pairs
        .iter()
        .map(|[high, low]| u8::try_from(digit(*high)? * 16 + digit(*low)?).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every literal must be the value that SQLite itself stores for the default.
    #[test]
    fn literals_are_what_sqlite_makes_of_them() {
        let texts = [
            "-1",
            "+2.5e-3",
            "x'CAFE'",
            "X''",
            "NULL",
            "TRUE",
            "false",
            "foo",
            "\"dq\"",
            "'x''y'",
            "0x1F",
            "-0x1F",
            "0xFFFFFFFFFFFFFFFF",
            "1_000_000",
            "9223372036854775807",
            "-9223372036854775808",
            "9223372036854775808",
            ".5",
            "1e400",
            "\"true\"",
            "[b c]",
            "-0.0",
            "1.",
            "'a\u{e9}'",
            "''",
        ];
        for text in texts {
            let connection = rusqlite::Connection::open_in_memory().unwrap();
            let sql = format!("CREATE TABLE t(a, b DEFAULT {text}); INSERT INTO t(a) VALUES(1)");
            connection.execute_batch(&sql).unwrap();
            let stored = connection
                .query_row("SELECT b FROM t", [], |row| {
                    Ok(match row.get_ref(0)? {
                        rusqlite::types::ValueRef::Null => OwnedValue::Null,
                        rusqlite::types::ValueRef::Integer(integer) => OwnedValue::Integer(integer),
                        rusqlite::types::ValueRef::Real(real) => OwnedValue::Real(real),
                        rusqlite::types::ValueRef::Text(bytes) => {
                            OwnedValue::Text(String::from_utf8(bytes.to_vec()).unwrap())
                        }
                        rusqlite::types::ValueRef::Blob(bytes) => OwnedValue::Blob(bytes.to_vec()),
                    })
                })
                .unwrap();
            assert_eq!(
                default_value(text),
                DefaultValue::Literal(stored),
                "DEFAULT {text}"
            );
        }
    }

    #[test]
    fn clocks_and_expressions_are_told_from_literals() {
        assert_eq!(
            default_value("current_timestamp"),
            DefaultValue::CurrentTimestamp
        );
        assert_eq!(default_value("(CURRENT_DATE)"), DefaultValue::CurrentDate);
        assert_eq!(default_value("CURRENT_TIME"), DefaultValue::CurrentTime);
        for text in [
            "1 + 0x1F",
            "datetime('now')",
            "(1)+(2)",
            "- x",
            "'unfinished",
        ] {
            assert_eq!(
                default_value(text),
                DefaultValue::Expression(text.to_owned())
            );
        }
    }
}
