//! Hides passwords in connection strings, also in ill-formed ones: when in doubt, more is hidden.
//!
//! Knows how libpq cuts a connection string; checks nothing else about it.

const HIDDEN: &str = "***";

/// Whether `text` is a connection URI.
pub(super) fn is_uri(text: &str) -> bool {
    text.starts_with("postgresql://") || text.starts_with("postgres://")
}

/// A text of unknown form, which may be another program's connection string.
pub(super) fn unknown(text: &str) -> String {
    let is_scheme = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if text
        .split_once("://")
        .is_some_and(|(scheme, _)| is_scheme(scheme))
    {
        return uri(text);
    }
    // A mistyped URI, such as `postgresql:/u:S3@h/d`: where its user ends cannot be told.
    let text = match (text.find(':'), text.rfind('@')) {
        (Some(colon), Some(at)) if colon < at => {
            format!("{}{HIDDEN}{}", &text[..=colon], &text[at..])
        }
        _ => text.to_owned(),
    };
    if text.to_ascii_lowercase().contains("password") && text.contains('=') {
        connection_string(&text)
    } else {
        text
    }
}

/// A URI without its password, wherever it stands.
///
/// libpq ends the user's part at the first `@`. A password that was not percent-escaped may hold
/// `@`, `/` and `?` itself, so all up to the last `@` is hidden.
pub(super) fn uri(text: &str) -> String {
    let start = text.find("://").map_or(0, |at| at + 3);
    let (mut shown, rest) = match text.rfind('@') {
        Some(end) if end >= start => match text[start..end].find(':') {
            Some(colon) => {
                let user = &text[..=start + colon];
                (format!("{user}{HIDDEN}"), &text[end..])
            }
            None => (String::new(), text),
        },
        _ => (String::new(), text),
    };
    let Some((before, query)) = rest.split_once('?') else {
        return shown + rest;
    };
    shown.push_str(before);
    for (index, pair) in query.split('&').enumerate() {
        shown.push(if index == 0 { '?' } else { '&' });
        match pair.split_once('=') {
            Some((key, _)) if is_secret(&percent_decoded(key)) => {
                shown.push_str(key);
                shown.push('=');
                shown.push_str(HIDDEN);
            }
            Some(_) => shown.push_str(pair),
            // A piece without `=` is the rest of a value that held an unescaped `&`.
            None => shown.push_str(HIDDEN),
        }
    }
    shown
}

/// KEY=VALUE pairs without their passwords; a bare database name as it is.
pub(super) fn connection_string(text: &str) -> String {
    if !text.contains('=') {
        return text.to_owned();
    }
    let Some(pairs) = pairs(text) else {
        return HIDDEN.to_owned();
    };
    let shown = pairs.iter().map(|(key, value)| {
        if is_secret(key) {
            format!("{key}={HIDDEN}")
        } else if value.contains("://") {
            format!("{key}={}", uri(value))
        } else {
            format!("{key}={value}")
        }
    });
    shown.collect::<Vec<_>>().join(" ")
}

/// Cuts KEY=VALUE pairs as libpq does: blanks around `=`, `'…'` with `\` escapes. The values stay
/// as they were written. `None` when libpq would not take the text either.
fn pairs(text: &str) -> Option<Vec<(&str, &str)>> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=')?;
        let key = key.trim_end();
        if key.is_empty() || key.contains(char::is_whitespace) {
            return None;
        }
        let after = after.trim_start();
        let end = value_end(after)?;
        found.push((key, &after[..end]));
        rest = after[end..].trim_start();
    }
    Some(found)
}

fn value_end(text: &str) -> Option<usize> {
    let quoted = text.starts_with('\'');
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(usize::from(quoted)) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\'' if quoted => return Some(at + 1),
            _ if !quoted && letter.is_whitespace() => return Some(at),
            _ => {}
        }
    }
    (!quoted).then_some(text.len())
}

fn is_secret(key: &str) -> bool {
    // Also `sslpassword`, `oauth_client_secret`, and misspelt keys that a reader means as one.
    let key = key.to_ascii_lowercase();
    ["pass", "pwd", "secret"]
        .iter()
        .any(|word| key.contains(word))
        && key != "passfile"
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = (*first == b'%')
            .then(|| after.get(..2))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_spelling_of_a_uri_shows_its_password() {
        for (text, shown) in [
            (
                "postgresql://u:S3@h:5432/db",
                "postgresql://u:***@h:5432/db",
            ),
            ("postgresql://u@h/db", "postgresql://u@h/db"),
            ("postgresql://u:S3@S3@h/db", "postgresql://u:***@h/db"),
            ("postgres://u:S3/S3?S3@h/db", "postgres://u:***@h/db"),
            (
                "postgresql:///db?password=S3&user=u",
                "postgresql:///db?password=***&user=u",
            ),
            (
                "postgresql://h/db?pass%77ord=S3",
                "postgresql://h/db?pass%77ord=***",
            ),
            (
                "postgresql://h/db?sslpassword=S3&x=1",
                "postgresql://h/db?sslpassword=***&x=1",
            ),
            (
                "postgresql://h/db?password=S3&S3",
                "postgresql://h/db?password=***&***",
            ),
            (
                "postgresql://h:1/db?password=S3@S3",
                "postgresql://h:***@S3",
            ),
            (
                "postgresql://h/db?password=S3@S3",
                "postgresql://h/db?password=***",
            ),
            ("mysql://u:S3@h/db", "mysql://u:***@h/db"),
        ] {
            assert_eq!(uri(text), shown, "{text}");
        }
    }

    #[test]
    fn no_mistyped_uri_shows_its_password() {
        for (text, shown) in [
            ("postgresql:/u:S3@h/x", "postgresql:***@h/x"),
            ("postgres:u:S3@h", "postgres:***@h"),
            ("postgresql//u:S3@S3@h/x", "postgresql//u:***@h/x"),
            ("u:S3@h://x", "u:***@h://x"),
            (
                "postgresql:/u:S3@h/x?password=S3",
                "postgresql:***@h/x?password=***",
            ),
            (
                "postgresql:/h/x?password=S3",
                "postgresql:/h/x?password=***",
            ),
            ("postgresql://u:S3@h/x", "postgresql://u:***@h/x"),
            ("a@b:c.db", "a@b:c.db"),
            ("a:b.db", "a:b.db"),
        ] {
            assert_eq!(unknown(text), shown, "{text}");
        }
    }

    #[test]
    fn no_spelling_of_key_and_value_shows_its_password() {
        for (text, shown) in [
            ("host=h password=S3 user=u", "host=h password=*** user=u"),
            ("password = 'S3 \\' S3' host=h", "password=*** host=h"),
            ("password=S\\ 3 host=h", "password=*** host=h"),
            ("password=S3 S3 host=h", "***"),
            ("password='S3", "***"),
            ("PASSWORD=S3", "PASSWORD=***"),
            ("passfile=/p host=h", "passfile=/p host=h"),
            (
                "dbname=postgresql://u:S3@h/db",
                "dbname=postgresql://u:***@h/db",
            ),
            ("shop", "shop"),
        ] {
            assert_eq!(connection_string(text), shown, "{text}");
        }
    }
}
