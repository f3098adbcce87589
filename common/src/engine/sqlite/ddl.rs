//! Parsing of SQLite statements: one CREATE, and what the pragmas do not tell.
//!
//! Two readers look at each statement: SQLite's own grammar (`sqlite3-parser`) says whether it is
//! exactly one CREATE, and a walk over tokens finds the parts with their text as written.

mod default;
mod table;
mod token;

use crate::engine::sqlite::ddl::token::{Cursor, Kind, Span};
use crate::engine::sqlite::name;
use crate::fault::{Code, Fault, Result};
use crate::model::schema::{Check, Deferrable};
use sqlite3_parser::ast::{Cmd, Stmt};
use sqlite3_parser::lexer::sql::Parser;
use sqlite3_parser::{Bump, FallibleIterator as _};

pub use default::default_value;

/// One CREATE statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Create {
    /// The name of what is created.
    pub name: String,
    /// The database it is qualified with, such as `main`.
    pub qualifier: Option<String>,
    /// CREATE TEMP …; never found in a stored schema.
    pub temporary: bool,
    /// IF NOT EXISTS; never found in a stored schema.
    pub if_not_exists: bool,
    /// What is created.
    pub kind: CreateKind,
}

/// What a CREATE statement creates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CreateKind {
    /// A table.
    Table(TableText),
    /// An index.
    Index(IndexText),
    /// A view.
    View,
    /// A trigger.
    Trigger {
        /// The table or view it belongs to.
        table: String,
    },
    /// A virtual table.
    Virtual {
        /// The module's name as written.
        module: String,
        /// The module's arguments as written, split at commas.
        arguments: Vec<String>,
    },
}

/// What a CREATE TABLE says beyond the pragmas.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TableText {
    /// Columns in declared order.
    pub columns: Vec<ColumnText>,
    /// The primary key.
    pub primary_key: Option<KeyText>,
    /// UNIQUE constraints in declared order; SQLite merges those that repeat another.
    pub unique: Vec<KeyText>,
    /// Foreign keys in declared order.
    pub foreign_keys: Vec<ForeignKeyText>,
    /// CHECK constraints in declared order.
    pub checks: Vec<Check>,
    /// AUTOINCREMENT.
    pub autoincrement: bool,
    /// STRICT.
    pub strict: bool,
    /// WITHOUT ROWID.
    pub without_rowid: bool,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ColumnText {
    /// Its name.
    pub name: String,
    /// Its type as written, `GENERATED ALWAYS` left out.
    pub declared_type: String,
    /// COLLATE.
    pub collation: Option<String>,
    /// DEFAULT, as written.
    pub default: Option<String>,
    /// The expression of a computed column.
    pub generated: Option<String>,
    /// A computed column is STORED.
    pub stored: bool,
    /// NOT NULL.
    pub not_null: bool,
    /// ON CONFLICT of its NOT NULL, in capitals.
    pub on_conflict: Option<String>,
}

/// A PRIMARY KEY or UNIQUE constraint.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyText {
    /// The constraint's name.
    pub name: Option<String>,
    /// Its columns.
    pub columns: Vec<String>,
    /// ON CONFLICT, in capitals.
    pub on_conflict: Option<String>,
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKeyText {
    /// The constraint's name.
    pub name: Option<String>,
    /// The referring columns.
    pub columns: Vec<String>,
    /// The table referred to.
    pub parent: String,
    /// The columns referred to, where they are written.
    pub parent_columns: Vec<String>,
    /// DEFERRABLE.
    pub deferrable: Deferrable,
}

/// What a CREATE INDEX says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexText {
    /// The table.
    pub table: String,
    /// UNIQUE.
    pub unique: bool,
    /// The terms, without COLLATE and direction.
    pub terms: Vec<String>,
    /// The WHERE clause.
    pub predicate: Option<String>,
}

/// Reads `sql`, which must be exactly one CREATE statement, with nothing after it but semicolons.
///
/// # Errors
///
/// `object-unsupported` when it is anything else, a CREATE TABLE … AS SELECT included: that is
/// never what a stored schema holds, and it runs a query.
pub fn parse_create(sql: &str) -> Result<Create> {
    let create = outline(sql)?;
    check_grammar(sql, &create)?;
    Ok(create)
}

/// Whether SQLite's grammar, too, sees one CREATE statement of this kind.
pub(super) fn check_grammar(sql: &str, create: &Create) -> Result<()> {
    // The parser's own notes say that it may panic; nothing it touches outlives the call.
    let kind = std::panic::catch_unwind(|| single_statement(sql));
    let kind = kind.unwrap_or_else(|_| Err(unsupported("SQL parser gave up on the statement")))?;
    let expected = match create.kind {
        CreateKind::Table(_) => Grammar::Table,
        CreateKind::Index(_) => Grammar::Index,
        CreateKind::View => Grammar::View,
        CreateKind::Trigger { .. } => Grammar::Trigger,
        CreateKind::Virtual { .. } => Grammar::Virtual,
    };
    if kind == expected {
        Ok(())
    } else {
        Err(unsupported("SQL statement is not a plain CREATE"))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grammar {
    Table,
    Index,
    View,
    Trigger,
    Virtual,
    Other,
}

fn single_statement(sql: &str) -> Result<Grammar> {
    let arena = Bump::new();
    let mut parser = Parser::new(&arena, sql.as_bytes());
    let misread = |cause: sqlite3_parser::lexer::sql::Error| {
        unsupported("SQL statement is not understood").because(cause.to_string())
    };
    let kind = match parser.next().map_err(misread)? {
        Some(Cmd::Stmt(Stmt::CreateTable { .. })) => Grammar::Table,
        Some(Cmd::Stmt(Stmt::CreateIndex { .. })) => Grammar::Index,
        Some(Cmd::Stmt(Stmt::CreateView { .. })) => Grammar::View,
        Some(Cmd::Stmt(Stmt::CreateTrigger { .. })) => Grammar::Trigger,
        Some(Cmd::Stmt(Stmt::CreateVirtualTable { .. })) => Grammar::Virtual,
        _ => Grammar::Other,
    };
    match parser.next().map_err(misread)? {
        None => Ok(kind),
        Some(_) => Err(unsupported("SQL text holds more than one statement")),
    }
}

/// The parts of a CREATE statement by its tokens alone.
pub(super) fn outline(sql: &str) -> Result<Create> {
    // A NUL ends the text for SQLite; what follows it would be seen by one reader only.
    if sql.contains('\0') {
        return Err(unsupported("SQL text holds a NUL"));
    }
    let mut cursor = Cursor::new(sql)?;
    cursor.expect(&["CREATE"])?;
    let temporary = cursor.take(&["TEMP"]) || cursor.take(&["TEMPORARY"]);
    let unique = cursor.take(&["UNIQUE"]);
    if unique || cursor.take(&["INDEX"]) {
        if unique {
            cursor.expect(&["INDEX"])?;
        }
        return create(&mut cursor, temporary, |cursor| index(cursor, unique));
    }
    if cursor.take(&["TABLE"]) {
        return create(&mut cursor, temporary, |c| {
            table::table(c).map(CreateKind::Table)
        });
    }
    if cursor.take(&["VIEW"]) {
        return create(&mut cursor, temporary, view);
    }
    if cursor.take(&["TRIGGER"]) {
        return create(&mut cursor, temporary, trigger);
    }
    cursor.expect(&["VIRTUAL", "TABLE"])?;
    create(&mut cursor, temporary, virtual_table)
}

/// `[IF NOT EXISTS] [database.]name`, then what `body` reads.
fn create<'a>(
    cursor: &mut Cursor<'a>,
    temporary: bool,
    body: impl FnOnce(&mut Cursor<'a>) -> Result<CreateKind>,
) -> Result<Create> {
    let if_not_exists = cursor.take(&["IF", "NOT", "EXISTS"]);
    let first = cursor.name()?;
    let (qualifier, name) = if cursor.take_mark(b'.') {
        (Some(first), cursor.name()?)
    } else {
        (None, first)
    };
    let kind = body(cursor)?;
    Ok(Create {
        name,
        qualifier,
        temporary,
        if_not_exists,
        kind,
    })
}

fn view(cursor: &mut Cursor<'_>) -> Result<CreateKind> {
    if cursor.is_mark(b'(') {
        cursor.group()?;
    }
    cursor.expect(&["AS"])?;
    Ok(CreateKind::View)
}

fn trigger(cursor: &mut Cursor<'_>) -> Result<CreateKind> {
    // Between the name and ON stand only keywords and the columns of UPDATE OF, which may be
    // called anything, but a bare ON is no name.
    while !cursor.take(&["ON"]) {
        cursor.next()?;
    }
    let first = cursor.name()?;
    let table = if cursor.take_mark(b'.') {
        cursor.name()?
    } else {
        first
    };
    Ok(CreateKind::Trigger { table })
}

fn virtual_table(cursor: &mut Cursor<'_>) -> Result<CreateKind> {
    cursor.expect(&["USING"])?;
    let module = cursor.name()?;
    let mut arguments = Vec::new();
    if cursor.is_mark(b'(') {
        let inner = cursor.group()?;
        arguments.extend(inner.split().iter().map(|piece| piece.text().to_owned()));
    }
    end(cursor)?;
    Ok(CreateKind::Virtual { module, arguments })
}

fn index(cursor: &mut Cursor<'_>, unique: bool) -> Result<CreateKind> {
    cursor.expect(&["ON"])?;
    let table = cursor.name()?;
    let terms = cursor.group()?.split();
    let predicate = cursor
        .take(&["WHERE"])
        .then(|| cursor.rest().text().to_owned());
    end(cursor)?;
    Ok(CreateKind::Index(IndexText {
        table,
        unique,
        terms: terms
            .into_iter()
            .map(|term| bare_term(term).text().to_owned())
            .collect(),
        predicate,
    }))
}

/// A term of a key or index without NULLS, direction and COLLATE.
fn bare_term(mut term: Span<'_>) -> Span<'_> {
    if term.strip("FIRST") || term.strip("LAST") {
        term.strip("NULLS");
    }
    let _direction = term.strip("ASC") || term.strip("DESC");
    let count = term.tokens.len();
    if count > 2 && term.tokens[count - 2].is("COLLATE") {
        term.tokens.truncate(count - 2);
    }
    term
}

/// The name that a term of a table's key consists of.
fn term_name(term: Span<'_>) -> Result<String> {
    let term = bare_term(term);
    match term.tokens.as_slice() {
        [token] if matches!(token.kind, Kind::Word | Kind::Quoted | Kind::String) => {
            Ok(name::unquote(token.text))
        }
        _ => Err(unsupported("key of a table is not made of column names")),
    }
}

/// Refuses anything but semicolons.
fn end(cursor: &mut Cursor<'_>) -> Result<()> {
    while cursor.take_mark(b';') {}
    match cursor.peek() {
        None => Ok(()),
        Some(_) => Err(cursor.unexpected()),
    }
}

fn unsupported(what: &'static str) -> Fault {
    Fault::new(Code::ObjectUnsupported, what)
}

#[cfg(test)]
mod tests;
