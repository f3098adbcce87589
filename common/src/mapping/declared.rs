//! What a declared type asks for, when no value speaks against it.

use crate::mapping::plan::PgType;
use crate::model::schema::{Affinity, Column};

/// The type that the declaration suggests. It decides alone where a column holds only NULLs;
/// elsewhere the values decide, and a suggestion they contradict is reported.
pub(super) fn suggested(column: &Column) -> PgType {
    named(&column.declared_type).unwrap_or(match column.affinity {
        Affinity::Integer => PgType::Bigint,
        Affinity::Real => PgType::Double,
        // NUMERIC is also the affinity of every name SQLite does not know, such as STRING.
        Affinity::Text | Affinity::Numeric | Affinity::Blob => PgType::Text,
    })
}

/// The type that a name asks for beyond its affinity. An application reads a column declared
/// BOOLEAN or DATETIME as such, although SQLite gives both NUMERIC affinity.
fn named(declared: &str) -> Option<PgType> {
    let upper = declared.trim().to_ascii_uppercase();
    let base = upper.split('(').next().unwrap_or_default().trim_end();
    if base.starts_with("BOOL") {
        Some(PgType::Boolean)
    } else if base.starts_with("DEC") || base.starts_with("NUM") {
        Some(PgType::Numeric)
    } else if base.starts_with("TIMESTAMP") || base.starts_with("DATETIME") {
        let zoned = base.ends_with("TZ") || upper.contains("WITH TIME ZONE");
        Some(if zoned {
            PgType::Timestamptz
        } else {
            PgType::Timestamp
        })
    } else if base == "TIME" || base.starts_with("TIME WITHOUT") {
        Some(PgType::Time)
    } else if base.contains("BLOB") || base.contains("BINARY") || base == "BYTEA" {
        Some(PgType::Bytea)
    } else {
        match base {
            "DATE" => Some(PgType::Date),
            "JSON" | "JSONB" => Some(PgType::Jsonb),
            "UUID" | "GUID" | "UNIQUEIDENTIFIER" => Some(PgType::Uuid),
            _ => None,
        }
    }
}

/// Whether a type is a date, a time or a moment.
pub(super) fn is_temporal(pg_type: PgType) -> bool {
    matches!(
        pg_type,
        PgType::Date | PgType::Time | PgType::Timestamp | PgType::Timestamptz
    )
}
