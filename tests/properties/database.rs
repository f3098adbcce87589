//! A database as data, and how it is made with rusqlite.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode};
use std::path::Path;

/// All of a database.
#[derive(Debug, Clone)]
pub(super) struct Database {
    /// `PRAGMA encoding`.
    pub(super) encoding: &'static str,
    /// `PRAGMA page_size`, in bytes.
    pub(super) page_size: u32,
    /// `PRAGMA auto_vacuum`.
    pub(super) auto_vacuum: u32,
    /// `PRAGMA user_version`.
    pub(super) user_version: i32,
    /// In WAL mode.
    pub(super) wal: bool,
    /// Its tables; names differ beyond ASCII case.
    pub(super) tables: Vec<Table>,
}

/// A table and its rows.
#[derive(Debug, Clone)]
pub(super) struct Table {
    /// Its name.
    pub(super) name: String,
    /// Declared STRICT.
    pub(super) strict: bool,
    /// Declared WITHOUT ROWID; then there is a primary key.
    pub(super) without_rowid: bool,
    /// Its primary key.
    pub(super) primary: Primary,
    /// Its columns; names differ beyond ASCII case.
    pub(super) columns: Vec<Column>,
    /// UNIQUE constraints, as positions of columns.
    pub(super) unique: Vec<Vec<usize>>,
    /// CREATE INDEX on these columns; whether unique, whether partial.
    pub(super) indexes: Vec<(Vec<usize>, bool, bool)>,
    /// Foreign keys.
    pub(super) references: Vec<Reference>,
    /// A computed column: STORED or VIRTUAL, over the first column.
    pub(super) computed: Option<bool>,
    /// Rows; those that a constraint forbids are left out.
    pub(super) rows: usize,
    /// Rowids of the first rows, where the table has a hidden one.
    pub(super) rowids: Vec<i64>,
}

/// Kinds of primary key.
#[derive(Debug, Clone)]
pub(super) enum Primary {
    /// None.
    None,
    /// The first column, INTEGER PRIMARY KEY, perhaps AUTOINCREMENT.
    Rowid(bool),
    /// These columns; perhaps the first DESC.
    Columns(Vec<usize>, bool),
}

/// A column and its values.
#[derive(Debug, Clone)]
pub(super) struct Column {
    /// Its name.
    pub(super) name: String,
    /// Its declared type in an ordinary table.
    pub(super) declared: String,
    /// Its declared type in a STRICT table.
    pub(super) strict: &'static str,
    /// COLLATE, or nothing.
    pub(super) collation: &'static str,
    /// Declared NOT NULL.
    pub(super) not_null: bool,
    /// DEFAULT, as SQL.
    pub(super) default: Option<String>,
    /// The value in each row, counted round.
    pub(super) cells: Vec<Cell>,
}

/// A foreign key of one column.
#[derive(Debug, Clone)]
pub(super) struct Reference {
    /// Position of the referring column, counted round.
    pub(super) column: usize,
    /// Position of the parent, counted round.
    pub(super) parent: usize,
    /// Position of the parent's column, counted round; `None` for its primary key.
    pub(super) parent_column: Option<usize>,
    /// Whether the referring column takes its values from the parent's.
    pub(super) follows: bool,
    /// What follows: actions and when it is checked.
    pub(super) clause: &'static str,
}

/// A value to store.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    /// NULL.
    Null,
    /// An integer.
    Integer(i64),
    /// A real.
    Real(f64),
    /// A text.
    Text(String),
    /// Bytes that the database takes for text in its own encoding.
    RawText(Vec<u8>),
    /// A blob.
    Blob(Vec<u8>),
}

/// A name as SQL.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Makes the database in a new file.
pub(super) fn build(database: &Database, path: &Path) -> rusqlite::Result<()> {
    let connection = Connection::open(path)?;
    connection.execute_batch(&format!(
        "PRAGMA page_size = {}; PRAGMA encoding = '{}'; PRAGMA auto_vacuum = {};
         PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF; PRAGMA user_version = {};
         PRAGMA journal_mode = MEMORY;",
        database.page_size, database.encoding, database.auto_vacuum, database.user_version
    ))?;
    // No transaction: SQLite ends it where AUTOINCREMENT has no rowid left.
    if database.wal {
        connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    }
    for (position, table) in database.tables.iter().enumerate() {
        connection.execute_batch(&create(database, table))?;
        for (number, (columns, unique, partial)) in table.indexes.iter().enumerate() {
            let sql = index(table, position, number, columns, *unique, *partial);
            connection.execute_batch(&sql)?;
        }
        insert(&connection, database, table)?;
    }
    connection.close().map_err(|(_, error)| error)
}

fn names(table: &Table, positions: &[usize]) -> Vec<String> {
    let mut positions: Vec<usize> = positions
        .iter()
        .map(|position| position % table.columns.len())
        .collect();
    let mut seen = std::collections::BTreeSet::new();
    positions.retain(|position| seen.insert(*position));
    positions
        .into_iter()
        .map(|position| quoted(&table.columns[position].name))
        .collect()
}

/// The CREATE TABLE statement.
fn create(database: &Database, table: &Table) -> String {
    let mut lines: Vec<String> = (0..table.columns.len())
        .map(|position| define(table, position))
        .collect();
    if let Some(stored) = table.computed {
        lines.push(format!(
            "\"computed by us\" {} AS (typeof({})) {}",
            if table.strict { "TEXT" } else { "" },
            quoted(&table.columns[0].name),
            if stored { "STORED" } else { "VIRTUAL" }
        ));
    }
    if let Primary::Columns(columns, descending) = &table.primary {
        let mut columns = names(table, columns);
        if *descending {
            columns[0].push_str(" DESC");
        }
        lines.push(format!("PRIMARY KEY ({})", columns.join(", ")));
    }
    for columns in &table.unique {
        lines.push(format!("UNIQUE ({})", names(table, columns).join(", ")));
    }
    for reference in &table.references {
        let parent = &database.tables[reference.parent % database.tables.len()];
        let columns = reference.parent_column.map_or_else(String::new, |column| {
            format!("({})", names(parent, &[column]).join(", "))
        });
        lines.push(format!(
            "FOREIGN KEY ({}) REFERENCES {}{columns} {}",
            names(table, &[reference.column]).join(", "),
            quoted(&parent.name),
            reference.clause
        ));
    }
    let options: Vec<&str> = [
        (table.without_rowid, "WITHOUT ROWID"),
        (table.strict, "STRICT"),
    ]
    .into_iter()
    .filter_map(|(wanted, words)| wanted.then_some(words))
    .collect();
    format!(
        "CREATE TABLE {} ({}) {}",
        quoted(&table.name),
        lines.join(", "),
        options.join(", ")
    )
}

fn define(table: &Table, position: usize) -> String {
    let column = &table.columns[position];
    let name = quoted(&column.name);
    if let (Primary::Rowid(autoincrement), 0) = (&table.primary, position) {
        let more = if *autoincrement { "AUTOINCREMENT" } else { "" };
        return format!("{name} INTEGER PRIMARY KEY {more}");
    }
    let declared = if table.strict {
        column.strict
    } else {
        &column.declared
    };
    let mut line = format!("{name} {declared} {}", column.collation);
    if column.not_null {
        line.push_str(" NOT NULL");
    }
    if let Some(default) = &column.default {
        line.push_str(" DEFAULT ");
        line.push_str(default);
    }
    line
}

fn index(
    table: &Table,
    position: usize,
    number: usize,
    columns: &[usize],
    unique: bool,
    partial: bool,
) -> String {
    let columns = names(table, columns);
    format!(
        "CREATE {} INDEX \"index {position}.{number}\" ON {} ({}) {}",
        if unique { "UNIQUE" } else { "" },
        quoted(&table.name),
        columns.join(", "),
        if partial {
            format!("WHERE {} IS NOT NULL", columns[0])
        } else {
            String::new()
        }
    )
}

/// The value of a column in a row: its own, or the parent's where a foreign key follows it.
fn cell<'d>(database: &'d Database, table: &'d Table, column: usize, row: usize) -> &'d Cell {
    let follows = |reference: &&Reference| {
        reference.follows && reference.column % table.columns.len() == column
    };
    let own = &table.columns[column].cells;
    if let Some(reference) = table.references.iter().find(follows) {
        let parent = &database.tables[reference.parent % database.tables.len()];
        let key = reference.parent_column.unwrap_or(match &parent.primary {
            Primary::Columns(columns, _) => columns[0],
            Primary::None | Primary::Rowid(_) => 0,
        });
        let cells = &parent.columns[key % parent.columns.len()].cells;
        return &cells[row % cells.len()];
    }
    &own[row % own.len()]
}

fn insert(connection: &Connection, database: &Database, table: &Table) -> rusqlite::Result<()> {
    let hidden = !table.without_rowid && !matches!(table.primary, Primary::Rowid(_));
    // An alias of the rowid that no column hides; where all are hidden, SQLite gives the rowids.
    let alias = ["rowid", "_rowid_", "oid"].into_iter().find(|alias| {
        !table
            .columns
            .iter()
            .any(|column| column.name.eq_ignore_ascii_case(alias))
    });
    for row in 0..table.rows {
        let mut names: Vec<String> = Vec::new();
        let mut marks: Vec<&str> = Vec::new();
        let mut values: Vec<ToSqlOutput<'_>> = Vec::new();
        if let (true, Some(alias), Some(rowid)) = (hidden, alias, table.rowids.get(row)) {
            names.push(alias.to_owned());
            marks.push("?");
            values.push(ToSqlOutput::from(*rowid));
        }
        for (position, column) in table.columns.iter().enumerate() {
            let cell = cell(database, table, position, row);
            names.push(quoted(&column.name));
            marks.push(match cell {
                Cell::RawText(_) => "CAST(? AS TEXT)",
                _ => "?",
            });
            values.push(ToSqlOutput::Borrowed(bound(cell)));
        }
        let sql = format!(
            "INSERT INTO {} ({}) VALUES ({})",
            quoted(&table.name),
            names.join(", "),
            marks.join(", ")
        );
        if let Err(error) = connection.execute(&sql, rusqlite::params_from_iter(values)) {
            // A constraint; a text where an INTEGER PRIMARY KEY stands; no rowid left above the
            // largest one under AUTOINCREMENT: the row is left out.
            let expected = matches!(
                error.sqlite_error_code(),
                Some(
                    ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::DiskFull
                )
            );
            if !expected {
                return Err(error);
            }
        }
    }
    Ok(())
}

fn bound(cell: &Cell) -> ValueRef<'_> {
    match cell {
        Cell::Null => ValueRef::Null,
        Cell::Integer(integer) => ValueRef::Integer(*integer),
        Cell::Real(real) => ValueRef::Real(*real),
        Cell::Text(text) => ValueRef::Text(text.as_bytes()),
        Cell::RawText(bytes) | Cell::Blob(bytes) => ValueRef::Blob(bytes),
    }
}
