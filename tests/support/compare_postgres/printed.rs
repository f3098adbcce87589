//! Values as PostgreSQL prints them, and whether its reading of a text drops something of the value.

use postgres::Client;
use rusqlite::types::Value;

/// The value as text for a column of type `kind`; a class that the type must not hold is a failure.
pub(in crate::support) fn plain(value: &Value, kind: &str, place: &str) -> Option<String> {
    Some(match (value, kind) {
        (Value::Null, _) => return None,
        (Value::Integer(integer), "boolean") => match integer {
            0 => "false".to_owned(),
            1 => "true".to_owned(),
            other => panic!("{place}: {other} in a boolean"),
        },
        (Value::Integer(integer), "double precision") => {
            assert!(
                integer.unsigned_abs() <= 1 << 53,
                "{place}: {integer} in a double precision"
            );
            integer.to_string()
        }
        (Value::Integer(integer), "bigint" | "numeric" | "text") => integer.to_string(),
        (Value::Real(real), "double precision") => format!("{real:?}").replace("inf", "Infinity"),
        (Value::Real(real), "numeric") => written_out(*real),
        (Value::Real(real), "text") => archived(*real),
        (Value::Blob(bytes), "bytea") => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("\\x{hex}")
        }
        (Value::Text(text), kind)
            if !matches!(
                kind,
                "bigint" | "double precision" | "bytea" | "numeric" | "boolean"
            ) =>
        {
            text.clone()
        }
        (value, kind) => panic!("{place}: {value:?} in a column of type {kind}"),
    })
}

/// A real with all its digits, and a point, which tells it from an integer.
fn written_out(real: f64) -> String {
    let digits = nearest(real, &real.to_string());
    if digits.contains('.') {
        digits
    } else {
        digits + ".0"
    }
}

/// A real as docs/format.md writes it.
fn archived(real: f64) -> String {
    if real == 0.0 || (1e-5..1e16).contains(&real.abs()) {
        return written_out(real);
    }
    let text = format!("{real:e}");
    let (digits, exponent) = text.split_once('e').expect("it was asked for");
    let sign = if exponent.starts_with('-') { "" } else { "+" };
    format!("{}e{sign}{exponent}", nearest(real, digits))
}

/// `digits`, which begin with the shortest digits of `real`, by the rule for the case that two are
/// equally near: the last digit is even. Rust's own printing takes the one farther from zero.
fn nearest(real: f64, digits: &str) -> String {
    let shortest = digits.trim_end_matches('0').trim_end_matches('.');
    let zeros = &digits[shortest.len()..];
    let (begin, last) = shortest.split_at(shortest.len().saturating_sub(1));
    let Some(odd @ (1 | 3 | 5 | 7 | 9)) = last.chars().next().and_then(|last| last.to_digit(10))
    else {
        return digits.to_owned();
    };
    // Every digit of a double: at most 767 of them.
    let exact = significant(&format!("{real:.800e}"));
    let even = format!("{begin}{}", odd - 1);
    if exact == significant(&format!("{even}5")) {
        even + zeros
    } else {
        digits.to_owned()
    }
}

/// The digits of a number without point, exponent and the zeros around them.
fn significant(number: &str) -> String {
    let number = number.split('e').next().unwrap_or_default();
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').to_owned()
}

/// What PostgreSQL makes of the texts as values of type `kind`.
pub(in crate::support) fn canonical(
    client: &mut Client,
    texts: &[Option<String>],
    kind: &str,
) -> Vec<Option<String>> {
    if texts.is_empty() {
        return Vec::new();
    }
    let sql = format!(
        "SELECT x::{kind}::text FROM unnest($1::text[]) WITH ORDINALITY AS t(x, n) ORDER BY n"
    );
    let rows = client
        .query(&sql, &[&texts])
        .expect("the server reads its own types");
    rows.iter().map(|row| row.get(0)).collect()
}

/// Fails where the server's reading of a text drops something of the value: where it rounds a
/// fraction, forgets a key, or writes anew what the plan promises to keep as it is.
pub(in crate::support) fn assert_all_is_read(written: &str, read: &str, kind: &str, place: &str) {
    let kept = match kind {
        "date" | "json" => written == read,
        // As text, unlike in its own output, an address always has its length.
        "inet" => {
            let whole = if written.contains(':') { "/128" } else { "/32" };
            written == read.strip_suffix(whole).unwrap_or(read)
        }
        "uuid" => written.to_ascii_lowercase() == read,
        "timestamp without time zone" | "time without time zone" => {
            without_zeros(&written.replace('T', " ")) == read
        }
        "timestamp with time zone" => {
            let rest = written.split_once('.').map_or("", |(_, rest)| rest);
            rest.bytes().take_while(u8::is_ascii_digit).count() <= 6
                && !written.contains(":60")
                && !written[10..].contains("24:00:00")
        }
        "jsonb" => {
            let value = serde_json::from_str(written).expect("the column holds JSON");
            let (names, exponents) = words(written);
            names == keys(&value) && !exponents
        }
        _ => true,
    };
    assert!(kept, "{place}: {written} is read as {read} by {kind}");
}

/// A time without the zeros at the end of its fraction.
fn without_zeros(time: &str) -> &str {
    if time.contains('.') {
        time.trim_end_matches('0').trim_end_matches('.')
    } else {
        time
    }
}

/// Number of names in the text of a JSON value, those that stand twice counted twice; and whether a
/// number has an exponent.
fn words(text: &str) -> (usize, bool) {
    let (mut names, mut exponents, mut before) = (0, false, ' ');
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => loop {
                match letters.next() {
                    Some('\\') => drop(letters.next()),
                    Some('"') | None => break,
                    Some(_) => {}
                }
            },
            ':' => names += 1,
            'e' | 'E' if before.is_ascii_digit() => exponents = true,
            _ => {}
        }
        before = letter;
    }
    (names, exponents)
}

/// Number of keys of a JSON value, those of the values in it included.
fn keys(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Object(members) => {
            members.len() + members.values().map(keys).sum::<usize>()
        }
        serde_json::Value::Array(items) => items.iter().map(keys).sum(),
        _ => 0,
    }
}
