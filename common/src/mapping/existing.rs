//! Tables that stand in the target already, as data: what an import with `--mode fill` or `merge` has to
//! suit.
//!
//! The engine reads them from its catalogue; nothing here knows how.

/// The tables of one schema of the target.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Existing {
    /// The schema's name.
    pub schema: String,
    /// The role that asked.
    pub role: String,
    /// Its sessions are those of a replica: foreign keys and ordinary triggers are switched off.
    pub replica: bool,
    /// Its tables, by name; also what only looks like a table: views, foreign tables.
    pub tables: Vec<ExistingTable>,
}

/// A table of the target.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts of the catalogue"
)]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExistingTable {
    /// Its name.
    pub name: String,
    /// What keeps it from being a table that rows can be put into: `view`, `foreign table`.
    pub unsuited: Option<&'static str>,
    /// Its rows lie in partitions.
    pub partitioned: bool,
    /// It holds rows; `None` where the role may not look.
    pub has_rows: Option<bool>,
    /// Row security applies to the role.
    pub row_security: bool,
    /// Names of rules that rewrite INSERT.
    pub rules: Vec<String>,
    /// The triggers of its users that INSERT fires.
    pub triggers: Vec<ExistingTrigger>,
    /// Names of rules that rewrite UPDATE.
    pub update_rules: Vec<String>,
    /// The triggers of its users that UPDATE fires.
    pub update_triggers: Vec<ExistingTrigger>,
    /// The role may UPDATE it.
    pub may_update: bool,
    /// Rights that the role lacks and the import needs, such as `INSERT`.
    pub rights_missing: Vec<&'static str>,
    /// The role owns it.
    pub owned: bool,
    /// Its columns, in order.
    pub columns: Vec<ExistingColumn>,
    /// Its foreign keys.
    pub foreign_keys: Vec<ExistingForeignKey>,
    /// Its primary and unique keys, the primary key first.
    pub keys: Vec<ExistingKey>,
}

/// A primary or unique key, or a unique index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExistingKey {
    /// Name of its index.
    pub name: String,
    /// It is the primary key.
    pub primary: bool,
    /// Its columns, in its order.
    pub columns: Vec<ExistingKeyColumn>,
    /// What keeps rows from being told by it: `deferrable`, `partial`, `on expressions`.
    pub unsuited: Option<&'static str>,
    /// NULLS NOT DISTINCT.
    pub nulls_are_equal: bool,
}

/// A column of a key, and what it means there that two values are equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExistingKeyColumn {
    /// The column's name.
    pub name: String,
    /// The schema of the operator `=` that the key uses.
    pub operators: String,
    /// Schema and name of the collation that the key uses.
    pub collation: Option<(String, String)>,
}

/// A trigger that INSERT or UPDATE fires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExistingTrigger {
    /// Its name.
    pub name: String,
    /// It runs before each row is stored, so it may change or drop the row.
    pub changes_rows: bool,
}

/// A foreign key of a table of the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExistingForeignKey {
    /// Name of the constraint.
    pub name: String,
    /// Schema and name of the table referred to.
    pub parent: (String, String),
    /// DEFERRABLE, so that a transaction may have it checked at its end.
    pub deferrable: bool,
}

/// A column of the target.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts of the catalogue"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExistingColumn {
    /// Its name.
    pub name: String,
    /// Its type as PostgreSQL prints it, with length or precision; for a domain the domain's name.
    pub type_name: String,
    /// The type below it that a cast is written with, schema-qualified, without length: of a domain
    /// the one it is made from.
    pub cast_name: String,
    /// Its type is a domain.
    pub of_domain: bool,
    /// What kind of type that below it is.
    pub kind: Kind,
    /// It, or its domain, is NOT NULL.
    pub not_null: bool,
    /// It gets a value when none is given: a default, an identity, a default of its domain.
    pub has_default: bool,
    /// GENERATED ALWAYS AS IDENTITY.
    pub identity_always: bool,
    /// Computed by the server from other columns.
    pub generated: bool,
    /// Schema and name of its collation, unless it is the one its type has.
    pub collation: Option<(String, String)>,
}

/// Kinds of type, as far as values are judged before they are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// smallint, integer, bigint, by their bits: 16, 32 or 64.
    Integer(u32),
    /// real.
    Real,
    /// double precision.
    Double,
    /// numeric; with digits in all and digits after the point (which may be negative) where they are
    /// limited.
    Numeric(Option<(u32, i32)>),
    /// text, or varchar with at most so many characters.
    Text(Option<u32>),
    /// char with so many characters: blanks at the end mean nothing.
    Char(u32),
    /// An enum with these labels.
    Enum(Vec<String>),
    /// boolean.
    Boolean,
    /// uuid.
    Uuid,
    /// date.
    Date,
    /// time without time zone, with so many digits of a second's fraction.
    Time(u32),
    /// timestamp without time zone, with so many digits of a second's fraction.
    Timestamp(u32),
    /// timestamp with time zone, with so many digits of a second's fraction.
    Timestamptz(u32),
    /// json.
    Json,
    /// jsonb.
    Jsonb,
    /// bytea.
    Bytea,
    /// inet.
    Inet,
    /// Any other: texts go through the type's own input, and must come back as they were.
    Other,
}
