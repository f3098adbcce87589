//! `data/schema.json`: the serde form of a schema, and the way there and back.
//!
//! Separate from the model on purpose: renaming a field there must not change the format. What is
//! a `note` here is for people and is left out of `content_root`.

mod read;
mod write;

pub(super) use read::read;
pub(super) use write::{content, write};

use super::json::{Base64, Decimal, Real};
use crate::model::schema::{Action, Affinity, Deferrable, Encoding, VirtualContent};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SchemaJson {
    facts: FactsJson,
    tables: Vec<TableJson>,
    views: Vec<ViewJson>,
    triggers: Vec<TriggerJson>,
    sequences: Vec<SequenceJson>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FactsJson {
    #[serde(with = "EncodingDef")]
    encoding: Encoding,
    user_version: i32,
    application_id: i32,
    page_size: u32,
    auto_vacuum: u32,
    wal: bool,
    analyzed: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Encoding")]
enum EncodingDef {
    #[serde(rename = "utf-8")]
    Utf8,
    #[serde(rename = "utf-16le")]
    Utf16le,
    #[serde(rename = "utf-16be")]
    Utf16be,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TableJson {
    id: u32,
    name: String,
    kind: KindJson,
    strict: bool,
    rowid: RowidJson,
    autoincrement: bool,
    columns: Vec<ColumnJson>,
    primary_key: Option<KeyJson>,
    unique: Vec<KeyJson>,
    foreign_keys: Vec<ForeignKeyJson>,
    checks: Vec<CheckJson>,
    indexes: Vec<IndexJson>,
    /// The CREATE statement; that of a virtual table is content and stands in its kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum KindJson {
    Rowid,
    WithoutRowid,
    Virtual {
        module: String,
        #[serde(with = "VirtualContentDef")]
        content: VirtualContent,
        sql: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "VirtualContent", rename_all = "snake_case")]
enum VirtualContentDef {
    Rows,
    Rebuilt,
    Unavailable,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RowidJson {
    Hidden,
    Column(String),
    None,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnJson {
    name: String,
    declared_type: String,
    #[serde(with = "AffinityDef")]
    affinity: Affinity,
    not_null: bool,
    default: Option<DefaultJson>,
    generated: Option<GeneratedJson>,
    collation: String,
    hidden: bool,
    /// Of its NOT NULL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    on_conflict: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Affinity", rename_all = "snake_case")]
enum AffinityDef {
    Text,
    Numeric,
    Integer,
    Real,
    Blob,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum DefaultJson {
    Null,
    Integer(Decimal),
    Real(Real),
    Text(String),
    RawText(Base64),
    Blob(Base64),
    CurrentDate,
    CurrentTime,
    CurrentTimestamp,
    Expression(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GeneratedJson {
    expression: String,
    stored: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyJson {
    name: Option<String>,
    columns: Vec<KeyColumnJson>,
    on_conflict: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyColumnJson {
    column: String,
    descending: bool,
    collation: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ForeignKeyJson {
    name: Option<String>,
    columns: Vec<String>,
    parent: String,
    parent_columns: Vec<String>,
    #[serde(with = "ActionDef")]
    on_delete: Action,
    #[serde(with = "ActionDef")]
    on_update: Action,
    #[serde(with = "DeferrableDef")]
    deferrable: Deferrable,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Action", rename_all = "snake_case")]
enum ActionDef {
    NoAction,
    Restrict,
    SetNull,
    SetDefault,
    Cascade,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Deferrable", rename_all = "snake_case")]
enum DeferrableDef {
    No,
    InitiallyImmediate,
    InitiallyDeferred,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckJson {
    name: Option<String>,
    expression: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct IndexJson {
    name: String,
    unique: bool,
    terms: Vec<TermJson>,
    predicate: Option<String>,
    /// The CREATE statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TermJson {
    on: OnJson,
    descending: bool,
    collation: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OnJson {
    Column(String),
    Expression(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ViewJson {
    name: String,
    sql: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TriggerJson {
    name: String,
    table: String,
    sql: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SequenceJson {
    table: String,
    value: Decimal,
}

#[cfg(test)]
mod random;
#[cfg(test)]
mod tests;
