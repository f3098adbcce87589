//! A schema: what a database consists of besides its rows.
//!
//! Structured, never runnable: SQL text stands beside an object as a note for people and for a
//! target of the same engine, which parses it first. Columns are referred to by name, because a
//! foreign key may name a column that does not exist.

use super::value::OwnedValue;

/// All of one database.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schema {
    /// What belongs to the database as a whole.
    pub facts: Facts,
    /// Tables in the source's order; a table's ordinal in an archive is its position plus one.
    pub tables: Vec<Table>,
    /// Views in the source's order.
    pub views: Vec<View>,
    /// Triggers in the source's order.
    pub triggers: Vec<Trigger>,
    /// The rows of `sqlite_sequence`, in its order; a row may name a table that does not exist.
    pub sequences: Vec<Sequence>,
}

/// Facts of an SQLite database that are content, not storage accidents.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// Encoding of the stored text; says whose bytes a `Value::RawText` holds.
    pub encoding: Encoding,
    /// `PRAGMA user_version`.
    pub user_version: i32,
    /// `PRAGMA application_id`.
    pub application_id: i32,
    /// `PRAGMA page_size`, in bytes.
    pub page_size: u32,
    /// `PRAGMA auto_vacuum`: 0 none, 1 full, 2 incremental.
    pub auto_vacuum: u32,
    /// Whether the file is in WAL mode.
    pub wal: bool,
    /// Whether ANALYZE has been run (`sqlite_stat1` exists); its content is derived and not carried.
    pub analyzed: bool,
}

/// Encoding of stored text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// UTF-8.
    #[default]
    Utf8,
    /// UTF-16, little endian.
    Utf16le,
    /// UTF-16, big endian.
    Utf16be,
}

/// A table with its keys, constraints and indexes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name, exactly.
    pub name: String,
    /// What kind of table it is.
    pub kind: TableKind,
    /// Declared STRICT.
    pub strict: bool,
    /// Which cell of a row is the rowid.
    pub rowid: Rowid,
    /// The INTEGER PRIMARY KEY is declared AUTOINCREMENT.
    pub autoincrement: bool,
    /// All columns in declared order, computed ones included.
    pub columns: Vec<Column>,
    /// The primary key; for an INTEGER PRIMARY KEY its one column.
    pub primary_key: Option<Key>,
    /// UNIQUE constraints (not CREATE UNIQUE INDEX), in declared order.
    pub unique: Vec<Key>,
    /// Foreign keys in declared order.
    pub foreign_keys: Vec<ForeignKey>,
    /// CHECK constraints in declared order.
    pub checks: Vec<Check>,
    /// Indexes made by CREATE INDEX, in the source's order.
    pub indexes: Vec<Index>,
    /// The CREATE statement as the source keeps it.
    pub sql: String,
}

/// Kinds of table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableKind {
    /// An ordinary table with a rowid.
    Rowid,
    /// An ordinary table declared WITHOUT ROWID.
    WithoutRowid,
    /// A virtual table; its shadow tables are not in the schema.
    Virtual {
        /// The module's name, such as `fts5`.
        module: String,
        /// Where its content comes from.
        content: VirtualContent,
    },
}

/// How the content of a virtual table is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VirtualContent {
    /// Its rows are in the archive and are inserted through the module.
    Rows,
    /// It is derived from another table and is rebuilt in the target (FTS with external content).
    Rebuilt,
    /// It cannot be read back (contentless FTS, unknown module) and is not in the archive.
    Unavailable,
}

/// Which cell of a row is the rowid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rowid {
    /// The row begins with one more cell, before all columns: the rowid, which no column shows.
    Hidden,
    /// This column is an INTEGER PRIMARY KEY and holds the rowid.
    Column(String),
    /// There is none.
    None,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name, exactly; may be empty.
    pub name: String,
    /// The declared type, as written; empty when there is none.
    pub declared_type: String,
    /// The affinity that follows from the declared type.
    pub affinity: Affinity,
    /// Declared NOT NULL (or implied by WITHOUT ROWID and STRICT keys).
    pub not_null: bool,
    /// What its NOT NULL says of a NULL (ON CONFLICT), if it says anything: as of a key.
    pub on_conflict: Option<String>,
    /// The default, if one is declared.
    pub default: Option<DefaultValue>,
    /// Set when the column is computed and so has no cell in a row.
    pub generated: Option<Generated>,
    /// The collation: `BINARY`, `NOCASE`, `RTRIM` or the name of an application's own.
    pub collation: String,
    /// A hidden column of a virtual table, or one that its module only takes as input.
    pub hidden: bool,
}

/// Affinity of a column (Datatypes In SQLite, section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Affinity {
    /// TEXT.
    Text,
    /// NUMERIC.
    Numeric,
    /// INTEGER.
    Integer,
    /// REAL.
    Real,
    /// BLOB, also of a column without a declared type.
    Blob,
}

/// A default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DefaultValue {
    /// A literal, signs applied.
    Literal(OwnedValue),
    /// CURRENT_DATE, in UTC.
    CurrentDate,
    /// CURRENT_TIME, in UTC.
    CurrentTime,
    /// CURRENT_TIMESTAMP, in UTC.
    CurrentTimestamp,
    /// Anything else, as the source's SQL.
    Expression(String),
}

/// A computed column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// The source's SQL, without the outer parentheses.
    pub expression: String,
    /// STORED rather than VIRTUAL.
    pub stored: bool,
}

/// A primary key or a UNIQUE constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The constraint's name, if it was given one.
    pub name: Option<String>,
    /// Its columns in order; never empty.
    pub columns: Vec<KeyColumn>,
    /// The ON CONFLICT clause, if there is one: `ROLLBACK`, `ABORT`, `FAIL`, `IGNORE`, `REPLACE`.
    pub on_conflict: Option<String>,
}

/// A column of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyColumn {
    /// The column's name.
    pub column: String,
    /// Declared DESC.
    pub descending: bool,
    /// The collation in force for this key.
    pub collation: String,
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    /// The constraint's name, if it was given one.
    pub name: Option<String>,
    /// The referring columns.
    pub columns: Vec<String>,
    /// The table referred to; need not exist.
    pub parent: String,
    /// The columns referred to, filled in from the parent's primary key where the source leaves
    /// them out; empty when that is not possible.
    pub parent_columns: Vec<String>,
    /// ON DELETE.
    pub on_delete: Action,
    /// ON UPDATE.
    pub on_update: Action,
    /// DEFERRABLE, and whether INITIALLY DEFERRED.
    pub deferrable: Deferrable,
}

/// What happens to the referring rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// NO ACTION.
    NoAction,
    /// RESTRICT.
    Restrict,
    /// SET NULL.
    SetNull,
    /// SET DEFAULT.
    SetDefault,
    /// CASCADE.
    Cascade,
}

/// When a constraint is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deferrable {
    /// At the end of each statement.
    No,
    /// Deferrable, but checked at once unless the transaction says otherwise.
    InitiallyImmediate,
    /// At the end of the transaction.
    InitiallyDeferred,
}

/// A CHECK constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The constraint's name, if it was given one.
    pub name: Option<String>,
    /// The source's SQL, without the outer parentheses.
    pub expression: String,
}

/// An index made by CREATE INDEX.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// Its name, exactly.
    pub name: String,
    /// CREATE UNIQUE INDEX.
    pub unique: bool,
    /// What it is on, in order.
    pub terms: Vec<IndexTerm>,
    /// The WHERE clause of a partial index, as the source's SQL.
    pub predicate: Option<String>,
    /// The CREATE statement as the source keeps it.
    pub sql: String,
}

/// One term of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexTerm {
    /// Column or expression.
    pub on: IndexOn,
    /// Declared DESC.
    pub descending: bool,
    /// The collation in force.
    pub collation: String,
}

/// What an index term is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndexOn {
    /// A column, by name.
    Column(String),
    /// An expression, as the source's SQL.
    Expression(String),
}

/// A view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Its name, exactly.
    pub name: String,
    /// The CREATE statement as the source keeps it.
    pub sql: String,
}

/// A trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// Its name, exactly.
    pub name: String,
    /// The table or view it belongs to.
    pub table: String,
    /// The CREATE statement as the source keeps it.
    pub sql: String,
}

/// A row of `sqlite_sequence`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequence {
    /// The table's name.
    pub table: String,
    /// The largest rowid the table has ever had.
    pub value: i64,
}

impl Schema {
    /// The table of this name; SQLite compares names without regard to ASCII case.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables
            .iter()
            .find(|table| table.name.eq_ignore_ascii_case(name))
    }
}

impl Table {
    /// A table without anything in it.
    #[must_use]
    pub fn bare(name: impl Into<String>) -> Self {
        Table {
            name: name.into(),
            kind: TableKind::Rowid,
            strict: false,
            rowid: Rowid::None,
            autoincrement: false,
            columns: Vec::new(),
            primary_key: None,
            unique: Vec::new(),
            foreign_keys: Vec::new(),
            checks: Vec::new(),
            indexes: Vec::new(),
            sql: String::new(),
        }
    }

    /// Whether rows of this table are in the archive.
    #[must_use]
    pub fn has_rows(&self) -> bool {
        match self.kind {
            TableKind::Virtual { content, .. } => content == VirtualContent::Rows,
            TableKind::Rowid | TableKind::WithoutRowid => true,
        }
    }

    /// The columns that have a cell in a row, in order; a hidden rowid's cell precedes them.
    pub fn stored_columns(&self) -> impl Iterator<Item = &Column> {
        self.columns
            .iter()
            .filter(|column| column.generated.is_none() && !column.hidden)
    }

    /// Number of cells in a row.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.first_column_cell() + self.stored_columns().count()
    }

    /// The cell of the first stored column: 1 after a hidden rowid, else 0.
    #[must_use]
    pub fn first_column_cell(&self) -> usize {
        usize::from(self.rowid == Rowid::Hidden)
    }

    /// The column of this name; SQLite compares names without regard to ASCII case.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns
            .iter()
            .find(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// The name of what stands in a cell: of its column, or `rowid`.
    #[must_use]
    pub fn cell_name(&self, cell: usize) -> &str {
        let position = cell.checked_sub(self.first_column_cell());
        let column = position.and_then(|position| self.stored_columns().nth(position));
        column.map_or("rowid", |column| column.name.as_str())
    }

    /// The cell of a stored column within a row, or `None` for a computed or unknown one.
    #[must_use]
    pub fn cell(&self, column: &str) -> Option<usize> {
        let position = self
            .stored_columns()
            .position(|c| c.name.eq_ignore_ascii_case(column))?;
        Some(self.first_column_cell() + position)
    }
}
