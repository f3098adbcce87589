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
    /// Views, each over some columns of a table, as positions counted round.
    pub(super) views: Vec<(usize, Vec<usize>)>,
    /// Triggers, each on a table; made when all rows are in.
    pub(super) triggers: Vec<(usize, &'static str)>,
    /// The rows of a full-text table, if there is one.
    pub(super) search: Option<Vec<(Cell, Cell)>>,
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
    /// CHECK constraints over the column at a position, which stands where `{}` is; whether rows
    /// that break them are stored all the same.
    pub(super) checks: (Vec<(usize, &'static str)>, bool),
    /// The first rows are so long that the table needs several parts.
    pub(super) bulky: bool,
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

/// A foreign key.
#[derive(Debug, Clone)]
pub(super) struct Reference {
    /// Positions of the referring columns, counted round; as many as the parent's are used.
    pub(super) columns: Vec<usize>,
    /// Position of the parent, counted round.
    pub(super) parent: usize,
    /// Positions of the parent's columns, counted round; `None` for its primary key.
    pub(super) parent_columns: Option<Vec<usize>>,
    /// Whether the referring columns take their values from the parent's.
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

/// Rows of a bulky table that are long: a part has 8 MiB, in which a row of these takes 4 MB.
const BULKY_ROWS: usize = 5;

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
        connection.pragma_update(None, "ignore_check_constraints", table.checks.1)?;
        insert(&connection, database, table)?;
    }
    others(&connection, database)?;
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

/// Views, triggers, and the full-text table.
fn others(connection: &Connection, database: &Database) -> rusqlite::Result<()> {
    let table = |position: usize| &database.tables[position % database.tables.len()];
    for (number, (position, columns)) in database.views.iter().enumerate() {
        let (table, columns) = (table(*position), columns.as_slice());
        connection.execute_batch(&format!(
            "CREATE VIEW \"view {number}\" AS SELECT {} FROM {}",
            names(table, columns).join(", "),
            quoted(&table.name)
        ))?;
    }
    for (number, (position, event)) in database.triggers.iter().enumerate() {
        let name = quoted(&table(*position).name);
        connection.execute_batch(&format!(
            "CREATE TRIGGER \"trigger {number}\" {event} ON {name} BEGIN DELETE FROM {name} WHERE 0; END"
        ))?;
    }
    let Some(rows) = &database.search else {
        return Ok(());
    };
    connection.execute_batch("CREATE VIRTUAL TABLE \"full text\" USING fts5(a, b UNINDEXED)")?;
    for (a, b) in rows {
        let sql = format!(
            "INSERT INTO \"full text\" VALUES ({}, {})",
            mark(a),
            mark(b)
        );
        let values = [a, b].map(|cell| ToSqlOutput::Borrowed(bound(cell)));
        connection.execute(&sql, values)?;
    }
    Ok(())
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
    for (position, check) in &table.checks.0 {
        let column = names(table, &[*position]).join(", ");
        lines.push(format!("CHECK ({})", check.replace("{}", &column)));
    }
    if table.bulky {
        lines.push("\"bulk by us\" BLOB".to_owned());
        // Columns come before constraints.
        let column = lines.pop();
        let at = table.columns.len();
        lines.splice(at..at, column);
    }
    for reference in &table.references {
        let parent = &database.tables[reference.parent % database.tables.len()];
        let (referring, columns) = referred(table, parent, reference);
        let columns =
            columns.map_or_else(String::new, |columns| format!("({})", columns.join(", ")));
        lines.push(format!(
            "FOREIGN KEY ({}) REFERENCES {}{columns} {}",
            referring.join(", "),
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

/// The columns of a foreign key, as SQL: as many on one side as on the other, where both are told.
fn referred(
    table: &Table,
    parent: &Table,
    reference: &Reference,
) -> (Vec<String>, Option<Vec<String>>) {
    let mut referring = names(table, &reference.columns);
    let columns = reference.parent_columns.as_ref();
    let columns = columns.map(|columns| {
        let mut columns = names(parent, columns);
        let both = std::cmp::min(columns.len(), referring.len());
        columns.truncate(both);
        referring.truncate(both);
        columns
    });
    (referring, columns)
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
    let own = &table.columns[column].cells;
    for reference in table
        .references
        .iter()
        .filter(|reference| reference.follows)
    {
        let mut places = reference.columns.iter();
        let Some(place) = places.position(|at| at % table.columns.len() == column) else {
            continue;
        };
        let parent = &database.tables[reference.parent % database.tables.len()];
        let keys = match (&reference.parent_columns, &parent.primary) {
            (Some(columns), _) | (None, Primary::Columns(columns, _)) => columns.as_slice(),
            (None, Primary::None | Primary::Rowid(_)) => &[0],
        };
        if let Some(key) = keys.get(place) {
            let cells = &parent.columns[key % parent.columns.len()].cells;
            return &cells[row % cells.len()];
        }
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
            marks.push(mark(cell));
            values.push(ToSqlOutput::Borrowed(bound(cell)));
        }
        if table.bulky && row < BULKY_ROWS {
            names.push("\"bulk by us\"".to_owned());
            marks.push("zeroblob(3000000)");
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

fn mark(cell: &Cell) -> &'static str {
    match cell {
        Cell::RawText(_) => "CAST(? AS TEXT)",
        _ => "?",
    }
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
