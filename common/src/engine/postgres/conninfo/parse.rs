//! The two syntaxes of a connection string, read character by character as libpq does.
//!
//! Knows the names of all settings of libpq 18 and nothing of their meaning. A fault names a key,
//! never a value and never a piece of the text: a password may stand anywhere in it.

use std::collections::BTreeMap;

use crate::fault::{Code, Fault, Result};

/// Every setting libpq 18 knows, with the variable that holds its default.
pub(super) const KEYS: &[(&str, &str)] = &[
    ("application_name", "PGAPPNAME"),
    ("channel_binding", "PGCHANNELBINDING"),
    ("client_encoding", ""),
    ("connect_timeout", "PGCONNECT_TIMEOUT"),
    ("dbname", "PGDATABASE"),
    ("fallback_application_name", ""),
    ("gssdelegation", "PGGSSDELEGATION"),
    ("gssencmode", "PGGSSENCMODE"),
    ("gsslib", "PGGSSLIB"),
    ("host", "PGHOST"),
    ("hostaddr", "PGHOSTADDR"),
    ("keepalives", ""),
    ("keepalives_count", ""),
    ("keepalives_idle", ""),
    ("keepalives_interval", ""),
    ("krbsrvname", "PGKRBSRVNAME"),
    ("load_balance_hosts", "PGLOADBALANCEHOSTS"),
    ("max_protocol_version", "PGMAXPROTOCOLVERSION"),
    ("min_protocol_version", "PGMINPROTOCOLVERSION"),
    ("oauth_client_id", ""),
    ("oauth_client_secret", ""),
    ("oauth_issuer", ""),
    ("oauth_scope", ""),
    ("options", "PGOPTIONS"),
    ("passfile", "PGPASSFILE"),
    ("password", "PGPASSWORD"),
    ("port", "PGPORT"),
    ("replication", ""),
    ("require_auth", "PGREQUIREAUTH"),
    ("requirepeer", "PGREQUIREPEER"),
    ("scram_client_key", ""),
    ("scram_server_key", ""),
    ("service", "PGSERVICE"),
    ("servicefile", "PGSERVICEFILE"),
    ("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION"),
    ("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION"),
    ("sslcert", "PGSSLCERT"),
    ("sslcertmode", "PGSSLCERTMODE"),
    ("sslcompression", "PGSSLCOMPRESSION"),
    ("sslcrl", "PGSSLCRL"),
    ("sslcrldir", "PGSSLCRLDIR"),
    ("sslkey", "PGSSLKEY"),
    ("sslkeylogfile", ""),
    ("sslmode", "PGSSLMODE"),
    ("sslnegotiation", "PGSSLNEGOTIATION"),
    ("sslpassword", ""),
    ("sslrootcert", "PGSSLROOTCERT"),
    ("sslsni", "PGSSLSNI"),
    ("target_session_attrs", "PGTARGETSESSIONATTRS"),
    ("tcp_user_timeout", ""),
    ("user", "PGUSER"),
];

/// Settings by name. A setting that is there has been given, if only as an empty text.
#[derive(Default)]
pub(super) struct Settings(BTreeMap<&'static str, String>);

impl Settings {
    /// Sets a value, replacing an earlier one; false for a name libpq does not know.
    #[must_use]
    pub(super) fn set(&mut self, key: &str, value: String) -> bool {
        let key = known(key);
        if let Some(key) = key {
            self.0.insert(key, value);
        }
        key.is_some()
    }

    /// Sets a value that is not there yet; false for a name libpq does not know.
    #[must_use]
    pub(super) fn set_default(&mut self, key: &str, value: String) -> bool {
        let key = known(key);
        if let Some(key) = key {
            self.0.entry(key).or_insert(value);
        }
        key.is_some()
    }

    /// The value as given.
    pub(super) fn given(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// The value, unless it is missing or empty.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.given(key).filter(|value| !value.is_empty())
    }
}

fn known(key: &str) -> Option<&'static str> {
    KEYS.iter().map(|(name, _)| *name).find(|name| *name == key)
}

/// Reads what the user wrote, in whichever of the forms it is.
pub(super) fn settings(text: &str) -> Result<Settings> {
    let uri = ["postgresql://", "postgres://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    let mut settings = Settings::default();
    if let Some(rest) = uri {
        Uri { rest }.read(&mut settings)?;
    } else if text.contains('=') {
        pairs(text, &mut settings)?;
    } else if !text.trim().is_empty() {
        store(&mut settings, "dbname", text.to_owned())?;
    }
    Ok(settings)
}

fn store(settings: &mut Settings, key: &str, value: String) -> Result<()> {
    if value.contains('\0') {
        return Err(malformed("a connection setting holds the character NUL"));
    }
    if settings.set(key, value) {
        Ok(())
    } else {
        Err(malformed(format!("`{key}` is no connection setting")))
    }
}

fn malformed(what: impl Into<std::borrow::Cow<'static, str>>) -> Fault {
    Fault::new(Code::ConnectionSetting, what)
}

/// What libpq takes for white space.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

/// `KEY=VALUE KEY='VALUE WITH BLANKS'`, with `\` before any character that is meant literally.
fn pairs(text: &str, settings: &mut Settings) -> Result<()> {
    let mut rest = text.trim_start_matches(is_space);
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| c == '=' || is_space(c))
            .unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        let Some(after) = after.trim_start_matches(is_space).strip_prefix('=') else {
            return Err(
                malformed("a connection setting lacks the `=` after its name")
                    .hint("write KEY=VALUE, and put a value with blanks between single quotes"),
            );
        };
        let (value, after) = value(after.trim_start_matches(is_space), key)?;
        store(settings, key, value)?;
        rest = after.trim_start_matches(is_space);
    }
    Ok(())
}

/// One value, and what follows it.
fn value<'a>(text: &'a str, key: &str) -> Result<(String, &'a str)> {
    let (quoted, body) = match text.strip_prefix('\'') {
        Some(body) => (true, body),
        None => (false, text),
    };
    let mut value = String::new();
    let mut chars = body.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            '\'' if quoted => return Ok((value, &body[at + 1..])),
            c if !quoted && is_space(c) => return Ok((value, &body[at..])),
            c => value.push(c),
        }
    }
    if quoted {
        return Err(malformed(format!("the quoted value of `{key}` has no end")));
    }
    Ok((value, ""))
}

/// The URI form, read from left to right.
struct Uri<'a> {
    /// What is still to be read.
    rest: &'a str,
}

impl<'a> Uri<'a> {
    fn read(mut self, settings: &mut Settings) -> Result<()> {
        self.credentials(settings)?;
        self.servers(settings)?;
        if let Some(rest) = self.rest.strip_prefix('/') {
            self.rest = rest;
            let dbname = self.until("?");
            store_decoded(settings, "dbname", dbname)?;
        }
        match self.rest.strip_prefix('?') {
            Some(query) => parameters(query, settings),
            None => Ok(()),
        }
    }

    /// Cuts off everything before the first of `ends`.
    fn until(&mut self, ends: &str) -> &'a str {
        let end = self
            .rest
            .find(|c| ends.contains(c))
            .unwrap_or(self.rest.len());
        let (head, tail) = self.rest.split_at(end);
        self.rest = tail;
        head
    }

    /// `USER:PASSWORD@`, each part optional.
    fn credentials(&mut self, settings: &mut Settings) -> Result<()> {
        let whole = self.rest;
        let credentials = self.until("@/");
        let Some(rest) = self.rest.strip_prefix('@') else {
            self.rest = whole;
            return Ok(());
        };
        self.rest = rest;
        let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
        store_decoded(settings, "user", user)?;
        store_decoded(settings, "password", password)
    }

    /// `HOST:PORT,HOST:PORT`, an IPv6 address in brackets.
    fn servers(&mut self, settings: &mut Settings) -> Result<()> {
        let (mut hosts, mut ports) = (String::new(), String::new());
        loop {
            hosts.push_str(self.host()?);
            if let Some(rest) = self.rest.strip_prefix(':') {
                self.rest = rest;
                ports.push_str(self.until("/?,"));
            }
            let Some(rest) = self.rest.strip_prefix(',') else {
                break;
            };
            self.rest = rest;
            hosts.push(',');
            ports.push(',');
        }
        store_decoded(settings, "host", &hosts)?;
        store_decoded(settings, "port", &ports)
    }

    fn host(&mut self) -> Result<&'a str> {
        let Some(rest) = self.rest.strip_prefix('[') else {
            return Ok(self.until(":/?,"));
        };
        self.rest = rest;
        let host = self.until("]");
        let Some(rest) = self.rest.strip_prefix(']') else {
            return Err(malformed("an IPv6 address in a URI lacks its `]`"));
        };
        self.rest = rest;
        if host.is_empty() {
            return Err(malformed("an IPv6 address in a URI is empty"));
        }
        if !rest.is_empty() && !rest.starts_with([':', '/', '?', ',']) {
            return Err(malformed(
                "an IPv6 address in a URI is followed by something else",
            ));
        }
        Ok(host)
    }
}

/// `KEY=VALUE&KEY=VALUE` at the end of a URI.
fn parameters(query: &str, settings: &mut Settings) -> Result<()> {
    let mut rest = query;
    while !rest.is_empty() {
        let (pair, after) = rest.split_once('&').unwrap_or((rest, ""));
        rest = after;
        let Some((key, value)) = pair.split_once('=') else {
            return Err(malformed(
                "a parameter of the URI lacks the `=` after its name",
            ));
        };
        if value.contains('=') {
            return Err(malformed("a parameter of the URI has more than one `=`")
                .hint("write `=` inside a value as %3D"));
        }
        let (key, value) = (decoded(key)?, decoded(value)?);
        // JDBC's spelling, which libpq translates as well.
        if key == "ssl" && value == "true" {
            store(settings, "sslmode", "require".to_owned())?;
        } else {
            store(settings, &key, value)?;
        }
    }
    Ok(())
}

/// Stores a part of a URI, unless it is empty.
fn store_decoded(settings: &mut Settings, key: &str, part: &str) -> Result<()> {
    if part.is_empty() {
        return Ok(());
    }
    store(settings, key, decoded(part)?)
}

/// `part` with every `%XX` replaced by its byte.
fn decoded(part: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16));
        let escaped = match (digit(), digit()) {
            (Some(high), Some(low)) => u8::try_from(high * 16 + low).ok(),
            _ => None,
        };
        match escaped {
            Some(byte) if byte != 0 => bytes.push(byte),
            _ => {
                return Err(malformed(
                    "a `%` in the URI is not followed by two hexadecimal digits other than 00",
                )
                .hint("write `%` inside a value as %25"));
            }
        }
    }
    String::from_utf8(bytes).map_err(|_| malformed("a part of the URI is not valid UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(&'static str, String)> {
        settings(text).unwrap().0.into_iter().collect()
    }

    fn pairs(list: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
        list.iter().map(|(k, v)| (*k, (*v).to_owned())).collect()
    }

    #[test]
    fn the_forms_of_a_connection_string_are_read_as_libpq_reads_them() {
        let cases: &[(&str, &[(&'static str, &str)])] = &[
            ("", &[]),
            ("mydb", &[("dbname", "mydb")]),
            ("dbname = a  user=b", &[("dbname", "a"), ("user", "b")]),
            (
                r"password='it\'s \\ x' user=a\ b",
                &[("password", r"it's \ x"), ("user", "a b")],
            ),
            ("user= password=", &[("user", "password=")]),
            ("user='' port=1", &[("port", "1"), ("user", "")]),
            ("user=a user=b", &[("user", "b")]),
            ("postgresql://", &[]),
            ("postgres:///db", &[("dbname", "db")]),
            (
                "postgresql://u:p@h:1/d",
                &[
                    ("dbname", "d"),
                    ("host", "h"),
                    ("password", "p"),
                    ("port", "1"),
                    ("user", "u"),
                ],
            ),
            ("postgresql://:p@/", &[("password", "p")]),
            (
                "postgresql://u:p:q@h",
                &[("host", "h"), ("password", "p:q"), ("user", "u")],
            ),
            (
                "postgresql://a,b:2,[::1]:3",
                &[("host", "a,b,::1"), ("port", ",2,3")],
            ),
            (
                "postgresql://%2Ftmp%2Fx/d%20e",
                &[("dbname", "d e"), ("host", "/tmp/x")],
            ),
            (
                "postgresql://h?sslmode=require&ssl=true",
                &[("host", "h"), ("sslmode", "require")],
            ),
            (
                "postgresql://h?user=a%3Db&",
                &[("host", "h"), ("user", "a=b")],
            ),
            (
                "postgresql://u@h@x/d",
                &[("dbname", "d"), ("host", "h@x"), ("user", "u")],
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text), pairs(expected), "{text}");
        }
    }

    #[test]
    fn what_libpq_refuses_is_refused_without_showing_the_text() {
        let cases = [
            "user=a secret",
            "password='secret",
            "postgresql://[::1",
            "postgresql://[]/secret",
            "postgresql://[::1]secret/",
            "postgresql://h?secret",
            "postgresql://h?user=secret=b",
            "postgresql://u:secret%4@h",
            "postgresql://u:secret%00@h",
            "postgresql://u:secret%zz@h",
            "postgresql://u:secret%ff@h",
        ];
        for text in cases {
            let fault = settings(text)
                .err()
                .unwrap_or_else(|| panic!("{text} was read"));
            assert_eq!(fault.code(), Code::ConnectionSetting, "{text}");
            assert!(
                !format!("{fault:?}").contains("secret"),
                "{text}: {fault:?}"
            );
        }
    }

    #[test]
    fn an_unknown_setting_is_named() {
        for text in ["host=a spam=1", "postgresql://a?spam=1"] {
            let fault = settings(text).err().unwrap();
            assert_eq!(fault.what(), "`spam` is no connection setting");
        }
    }

    /// A value as the key=value form wants it.
    fn quoted(value: &str) -> String {
        format!("'{}'", value.replace('\\', r"\\").replace('\'', r"\'"))
    }

    /// A value as a URI wants it, with every byte escaped.
    fn escaped(value: &str) -> String {
        value
            .bytes()
            .map(|byte| format!("%{byte:02x}"))
            .collect::<Vec<_>>()
            .concat()
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "(pg:|postgresql://|)[ -~\\PC=%&?'\\\\@:/\\[\\],]{0,60}") {
            drop(settings(&text));
        }

        #[test]
        fn any_value_comes_back_from_both_forms(value in "[^\0]{1,30}") {
            let form = format!("user={} port=1", quoted(&value));
            proptest::prop_assert_eq!(read(&form), pairs(&[("port", "1"), ("user", &value)]));
            let form = format!("postgresql://{}@h", escaped(&value));
            proptest::prop_assert_eq!(read(&form), pairs(&[("host", "h"), ("user", &value)]));
        }
    }
}
