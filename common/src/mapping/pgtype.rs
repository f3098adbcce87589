//! The types of PostgreSQL that a column of a plan may have.
//!
//! Knows their names and what the names take, not how a value is sent.

use std::borrow::Cow;
use std::fmt;

/// Types of PostgreSQL that a plan may choose, or that an operator may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PgType {
    /// smallint; only where it is asked for
    Smallint,
    /// integer; only where it is asked for
    Integer,
    /// bigint
    Bigint,
    /// real; only where it is asked for
    Real,
    /// double precision
    Double,
    /// numeric without precision and scale; keeps each value's own digits
    Numeric,
    /// numeric(p, s); only where it is asked for
    Decimal {
        /// Digits in all, 1 to 1000.
        precision: u16,
        /// Digits after the point, -1000 to 1000; servers before PostgreSQL 15 take 0 to the precision.
        scale: i16,
    },
    /// text COLLATE "C"
    Text,
    /// character varying(n) COLLATE "C", n characters, 1 to 10485760; only where it is asked for
    Varchar(u32),
    /// character(n) COLLATE "C", n characters, 1 to 10485760; only where it is asked for
    Char(u32),
    /// citext, of the extension of that name; only where it is asked for
    Citext,
    /// An enumerated type: its position in `Plan::enums`; only where it is asked for
    Enum(u32),
    /// bytea
    Bytea,
    /// boolean
    Boolean,
    /// timestamp with time zone
    Timestamptz,
    /// timestamp without time zone
    Timestamp,
    /// date
    Date,
    /// time without time zone
    Time,
    /// uuid
    Uuid,
    /// jsonb
    Jsonb,
    /// json
    Json,
    /// inet
    Inet,
    /// cidr; only where it is asked for
    Cidr,
}

impl PgType {
    /// Every type that a plan chooses by itself.
    pub const ALL: [PgType; 14] = [
        PgType::Bigint,
        PgType::Double,
        PgType::Numeric,
        PgType::Text,
        PgType::Bytea,
        PgType::Boolean,
        PgType::Timestamptz,
        PgType::Timestamp,
        PgType::Date,
        PgType::Time,
        PgType::Uuid,
        PgType::Jsonb,
        PgType::Json,
        PgType::Inet,
    ];

    /// The name as PostgreSQL prints it; that of an enumerated type stands in the plan, and is
    /// `enum` here.
    #[must_use]
    pub fn name(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            PgType::Decimal { precision, scale } => {
                return format!("numeric({precision},{scale})").into();
            }
            PgType::Varchar(length) => return format!("character varying({length})").into(),
            PgType::Char(length) => return format!("character({length})").into(),
            PgType::Smallint => "smallint",
            PgType::Integer => "integer",
            PgType::Bigint => "bigint",
            PgType::Real => "real",
            PgType::Double => "double precision",
            PgType::Numeric => "numeric",
            PgType::Text => "text",
            PgType::Citext => "citext",
            PgType::Enum(_) => "enum",
            PgType::Bytea => "bytea",
            PgType::Boolean => "boolean",
            PgType::Timestamptz => "timestamp with time zone",
            PgType::Timestamp => "timestamp without time zone",
            PgType::Date => "date",
            PgType::Time => "time without time zone",
            PgType::Uuid => "uuid",
            PgType::Jsonb => "jsonb",
            PgType::Json => "json",
            PgType::Inet => "inet",
            PgType::Cidr => "cidr",
        })
    }

    /// Whether values are texts, compared byte for byte in a column with the collation `C`.
    #[must_use]
    pub fn is_bytewise_text(self) -> bool {
        matches!(self, PgType::Text | PgType::Varchar(_) | PgType::Char(_))
    }

    /// Whether values are texts of PostgreSQL, however they are compared.
    #[must_use]
    pub fn is_text(self) -> bool {
        self.is_bytewise_text() || matches!(self, PgType::Citext | PgType::Enum(_))
    }
}

impl fmt::Display for PgType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}
