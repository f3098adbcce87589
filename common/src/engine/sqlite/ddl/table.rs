//! The body of a CREATE TABLE: columns, constraints, options.
//!
//! A column's type ends at the first keyword that can be no name, and every constraint is either
//! keywords, names or one pair of parentheses; so no expression need be understood.

use crate::engine::sqlite::ddl::token::{Cursor, Kind, Span};
use crate::engine::sqlite::ddl::{ColumnText, ForeignKeyText, KeyText, TableText, end, term_name};
use crate::engine::sqlite::name;
use crate::fault::Result;
use crate::model::schema::{Check, Deferrable};

/// Keywords that begin a constraint of a column and so end its type.
const CONSTRAINT: [&str; 12] = [
    "CONSTRAINT",
    "DEFAULT",
    "NULL",
    "NOT",
    "PRIMARY",
    "UNIQUE",
    "CHECK",
    "REFERENCES",
    "COLLATE",
    "DEFERRABLE",
    "AS",
    "FOREIGN",
];

pub(super) fn table(cursor: &mut Cursor<'_>) -> Result<TableText> {
    if cursor.take(&["AS"]) || !cursor.take_mark(b'(') {
        return Err(cursor.unexpected());
    }
    let mut table = TableText::default();
    loop {
        column(cursor, &mut table)?;
        if cursor.take_mark(b')') {
            break;
        }
        if !cursor.take_mark(b',') {
            return Err(cursor.unexpected());
        }
        if at_table_constraint(cursor) {
            table_constraints(cursor, &mut table)?;
            break;
        }
    }
    options(cursor, &mut table)?;
    end(cursor)?;
    Ok(table)
}

fn options(cursor: &mut Cursor<'_>, table: &mut TableText) -> Result<()> {
    loop {
        if cursor.take(&["WITHOUT", "ROWID"]) {
            table.without_rowid = true;
        } else if cursor.take(&["STRICT"]) {
            table.strict = true;
        } else {
            return Ok(());
        }
        if !cursor.take_mark(b',') {
            return Ok(());
        }
    }
}

fn column(cursor: &mut Cursor<'_>, table: &mut TableText) -> Result<()> {
    let mut column = ColumnText {
        name: cursor.name()?,
        declared_type: declared_type(cursor)?,
        ..ColumnText::default()
    };
    let mut name = None;
    while !cursor.is_mark(b',') && !cursor.is_mark(b')') {
        if cursor.take(&["CONSTRAINT"]) {
            // The last of several dangling names counts.
            name = Some(cursor.name()?);
            continue;
        }
        column_constraint(cursor, table, &mut column, name.take())?;
    }
    table.columns.push(column);
    Ok(())
}

fn declared_type(cursor: &mut Cursor<'_>) -> Result<String> {
    let mut words: Vec<&str> = Vec::new();
    let mut written = String::new();
    while let Some(token) = cursor.peek() {
        let named = matches!(token.kind, Kind::Word | Kind::Quoted | Kind::String);
        if !named || CONSTRAINT.iter().any(|keyword| token.is(keyword)) {
            break;
        }
        words.push(token.text);
        cursor.next()?;
    }
    if cursor.peek().is_some_and(|token| token.is("AS")) {
        let length = words.len();
        if length >= 2
            && words[length - 2].eq_ignore_ascii_case("GENERATED")
            && words[length - 1].eq_ignore_ascii_case("ALWAYS")
        {
            words.truncate(length - 2);
        }
    }
    for word in words {
        if !written.is_empty() {
            written.push(' ');
        }
        written.push_str(&name::unquote(word));
    }
    if cursor.is_mark(b'(') {
        let size = cursor.group()?;
        written.push('(');
        written.push_str(size.text());
        written.push(')');
    }
    Ok(written)
}

fn column_constraint(
    cursor: &mut Cursor<'_>,
    table: &mut TableText,
    column: &mut ColumnText,
    name: Option<String>,
) -> Result<()> {
    if cursor.take(&["DEFAULT"]) {
        column.default = Some(default(cursor)?);
    } else if cursor.take(&["NULL"]) {
        on_conflict(cursor)?;
    } else if cursor.take(&["NOT", "NULL"]) {
        // A column may say it twice: SQLite goes by the last.
        column.not_null = true;
        column.on_conflict = on_conflict(cursor)?;
    } else if cursor.take(&["PRIMARY", "KEY"]) {
        let _direction = cursor.take(&["ASC"]) || cursor.take(&["DESC"]);
        table.primary_key = Some(key(cursor, name, vec![column.name.clone()])?);
        table.autoincrement |= cursor.take(&["AUTOINCREMENT"]);
    } else if cursor.take(&["UNIQUE"]) {
        table
            .unique
            .push(key(cursor, name, vec![column.name.clone()])?);
    } else if cursor.take(&["CHECK"]) {
        table.checks.push(check(cursor, name)?);
    } else if cursor.take(&["COLLATE"]) {
        column.collation = Some(cursor.name()?);
    } else if cursor.take(&["REFERENCES"]) {
        let foreign_key = references(cursor, name, vec![column.name.clone()])?;
        table.foreign_keys.push(foreign_key);
    } else if cursor.take(&["AS"]) || cursor.take(&["GENERATED", "ALWAYS", "AS"]) {
        column.generated = Some(cursor.group()?.text().to_owned());
        column.stored = cursor.take(&["STORED"]);
        let _default_kind = cursor.take(&["VIRTUAL"]);
    } else if let Some(deferrable) = deferrable(cursor) {
        // Written apart from its REFERENCES; it belongs to the last one before it.
        if let Some(last) = table.foreign_keys.last_mut() {
            last.deferrable = deferrable;
        }
    } else {
        return Err(cursor.unexpected());
    }
    Ok(())
}

/// The text of a default as `PRAGMA table_xinfo` gives it: without outer parentheses.
fn default(cursor: &mut Cursor<'_>) -> Result<String> {
    if cursor.is_mark(b'(') {
        return Ok(cursor.group()?.text().to_owned());
    }
    let token = cursor.next()?;
    match token.kind {
        Kind::Mark(b'+') => Ok(format!("+{}", cursor.next()?.text)),
        Kind::Mark(b'-') => Ok(format!("-{}", cursor.next()?.text)),
        Kind::Mark(_) | Kind::Variable => Err(cursor.unexpected()),
        _ => Ok(token.text.to_owned()),
    }
}

fn at_table_constraint(cursor: &Cursor<'_>) -> bool {
    let begins = ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"];
    cursor
        .peek()
        .is_some_and(|token| begins.iter().any(|keyword| token.is(keyword)))
}

/// Up to the closing parenthesis; commas between table constraints may be left out.
fn table_constraints(cursor: &mut Cursor<'_>, table: &mut TableText) -> Result<()> {
    let mut name = None;
    while !cursor.take_mark(b')') {
        if cursor.take_mark(b',') {
            name = None;
        } else if cursor.take(&["CONSTRAINT"]) {
            name = Some(cursor.name()?);
        } else {
            table_constraint(cursor, table, name.take())?;
        }
    }
    Ok(())
}

fn table_constraint(
    cursor: &mut Cursor<'_>,
    table: &mut TableText,
    name: Option<String>,
) -> Result<()> {
    if cursor.take(&["PRIMARY", "KEY"]) {
        let mut terms = cursor.group()?;
        table.autoincrement |= terms.strip("AUTOINCREMENT");
        table.primary_key = Some(key(cursor, name, names(&terms)?)?);
    } else if cursor.take(&["UNIQUE"]) {
        let terms = cursor.group()?;
        table.unique.push(key(cursor, name, names(&terms)?)?);
    } else if cursor.take(&["CHECK"]) {
        table.checks.push(check(cursor, name)?);
    } else if cursor.take(&["FOREIGN", "KEY"]) {
        let columns = names(&cursor.group()?)?;
        cursor.expect(&["REFERENCES"])?;
        let foreign_key = references(cursor, name, columns)?;
        table.foreign_keys.push(foreign_key);
    } else {
        return Err(cursor.unexpected());
    }
    Ok(())
}

fn key(cursor: &mut Cursor<'_>, name: Option<String>, columns: Vec<String>) -> Result<KeyText> {
    Ok(KeyText {
        name,
        columns,
        on_conflict: on_conflict(cursor)?,
    })
}

fn check(cursor: &mut Cursor<'_>, name: Option<String>) -> Result<Check> {
    let expression = cursor.group()?.text().to_owned();
    on_conflict(cursor)?;
    Ok(Check { name, expression })
}

fn on_conflict(cursor: &mut Cursor<'_>) -> Result<Option<String>> {
    if !cursor.take(&["ON", "CONFLICT"]) {
        return Ok(None);
    }
    Ok(Some(cursor.next()?.text.to_ascii_uppercase()))
}

fn names(terms: &Span<'_>) -> Result<Vec<String>> {
    terms.split().into_iter().map(term_name).collect()
}

fn references(
    cursor: &mut Cursor<'_>,
    name: Option<String>,
    columns: Vec<String>,
) -> Result<ForeignKeyText> {
    let parent = cursor.name()?;
    let parent_columns = if cursor.is_mark(b'(') {
        names(&cursor.group()?)?
    } else {
        Vec::new()
    };
    loop {
        if cursor.take(&["ON"]) {
            // DELETE, UPDATE or the meaningless INSERT; the actions come from the pragma.
            cursor.next()?;
            action(cursor)?;
        } else if cursor.take(&["MATCH"]) {
            cursor.name()?;
        } else {
            break;
        }
    }
    Ok(ForeignKeyText {
        name,
        columns,
        parent,
        parent_columns,
        deferrable: deferrable(cursor).unwrap_or(Deferrable::No),
    })
}

fn action(cursor: &mut Cursor<'_>) -> Result<()> {
    let two_words = cursor.take(&["SET"]) || cursor.take(&["NO"]);
    let word = cursor.next()?;
    let known = ["NULL", "DEFAULT", "CASCADE", "RESTRICT", "ACTION"];
    if two_words || known.iter().any(|keyword| word.is(keyword)) {
        Ok(())
    } else {
        Err(cursor.unexpected())
    }
}

fn deferrable(cursor: &mut Cursor<'_>) -> Option<Deferrable> {
    let not = cursor.take(&["NOT", "DEFERRABLE"]);
    if !not && !cursor.take(&["DEFERRABLE"]) {
        return None;
    }
    let deferred = cursor.take(&["INITIALLY", "DEFERRED"]);
    if !deferred {
        let _default = cursor.take(&["INITIALLY", "IMMEDIATE"]);
    }
    Some(match (not, deferred) {
        (true, _) => Deferrable::No,
        (false, true) => Deferrable::InitiallyDeferred,
        (false, false) => Deferrable::InitiallyImmediate,
    })
}
