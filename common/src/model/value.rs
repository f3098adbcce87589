//! One value with its storage class, exactly as the source holds it.
//!
//! The classes are those of SQLite (Datatypes In SQLite, section 2), with text split in two: text
//! that is Unicode, and the bytes of a text that is not valid in the database's encoding.

/// A borrowed value; a row is a slice of these.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// NULL.
    Null,
    /// A 64-bit integer.
    Integer(i64),
    /// A double, compared by its bits; SQLite stores no NaN, but the format can.
    Real(f64),
    /// Text that is valid Unicode, held as UTF-8 whatever the database's encoding; may contain NUL.
    Text(&'a str),
    /// Text that is not valid in the database's encoding: its bytes as stored, in that encoding.
    RawText(&'a [u8]),
    /// Bytes.
    Blob(&'a [u8]),
}

impl PartialEq for Value<'_> {
    /// Identity, not SQL equality: 1 differs from 1.0, and 0.0 from -0.0; a NaN equals itself.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Integer(a), Value::Integer(b)) => a == b,
            (Value::Real(a), Value::Real(b)) => a.to_bits() == b.to_bits(),
            (Value::Text(a), Value::Text(b)) => a == b,
            (Value::RawText(a), Value::RawText(b)) | (Value::Blob(a), Value::Blob(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Value<'_> {}

impl Value<'_> {
    /// The storage class.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Value::Null => Class::Null,
            Value::Integer(_) => Class::Integer,
            Value::Real(_) => Class::Real,
            Value::Text(_) => Class::Text,
            Value::RawText(_) => Class::RawText,
            Value::Blob(_) => Class::Blob,
        }
    }

    /// A copy that owns its bytes.
    #[must_use]
    pub fn to_owned(&self) -> OwnedValue {
        match *self {
            Value::Null => OwnedValue::Null,
            Value::Integer(integer) => OwnedValue::Integer(integer),
            Value::Real(real) => OwnedValue::Real(real),
            Value::Text(text) => OwnedValue::Text(text.to_owned()),
            Value::RawText(bytes) => OwnedValue::RawText(bytes.to_vec()),
            Value::Blob(bytes) => OwnedValue::Blob(bytes.to_vec()),
        }
    }

    /// The value for people, at most about `limit` characters: `7`, `'it''s'`, `x'cafe'`, `NULL`.
    #[must_use]
    pub fn shown(&self, limit: usize) -> String {
        match *self {
            Value::Null => "NULL".to_owned(),
            Value::Integer(integer) => integer.to_string(),
            Value::Real(real) => format!("{real:?}"),
            Value::Text(text) => {
                let cut: String = text.chars().take(limit).collect();
                let dots = if cut.len() < text.len() { "…" } else { "" };
                format!("'{}'{dots}", cut.replace('\'', "''"))
            }
            Value::RawText(bytes) | Value::Blob(bytes) => {
                let shown = &bytes[..std::cmp::min(bytes.len(), limit / 2)];
                let dots = if shown.len() < bytes.len() { "…" } else { "" };
                let hex: String = shown.iter().map(|byte| format!("{byte:02x}")).collect();
                format!("x'{hex}'{dots}")
            }
        }
    }
}

/// A storage class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// NULL.
    Null,
    /// A 64-bit integer.
    Integer,
    /// A double.
    Real,
    /// Unicode text.
    Text,
    /// Text that is not valid in the database's encoding.
    RawText,
    /// Bytes.
    Blob,
}

/// A value that owns its bytes: keys in reports, defaults in schemas, rows in tests.
#[derive(Debug, Clone)]
pub enum OwnedValue {
    /// NULL.
    Null,
    /// A 64-bit integer.
    Integer(i64),
    /// A double.
    Real(f64),
    /// Unicode text.
    Text(String),
    /// Text that is not valid in the database's encoding.
    RawText(Vec<u8>),
    /// Bytes.
    Blob(Vec<u8>),
}

impl OwnedValue {
    /// The borrowed form.
    #[must_use]
    pub fn as_value(&self) -> Value<'_> {
        match self {
            OwnedValue::Null => Value::Null,
            OwnedValue::Integer(integer) => Value::Integer(*integer),
            OwnedValue::Real(real) => Value::Real(*real),
            OwnedValue::Text(text) => Value::Text(text),
            OwnedValue::RawText(bytes) => Value::RawText(bytes),
            OwnedValue::Blob(bytes) => Value::Blob(bytes),
        }
    }
}

impl PartialEq for OwnedValue {
    fn eq(&self, other: &Self) -> bool {
        self.as_value() == other.as_value()
    }
}

impl Eq for OwnedValue {}
