//! Columns of a table.

use crate::engine::sqlite::ddl::{ColumnText, TableText, default_value};
use crate::engine::sqlite::failure::fault;
use crate::engine::sqlite::name;
use crate::engine::sqlite::schema::text;
use crate::fault::{Code, Fault, Result};
use crate::model::schema::{Affinity, Column, Generated};
use rusqlite::{Connection, Row};

/// A column, and its place in the primary key from 1, or 0.
pub(super) struct Found {
    pub(super) column: Column,
    pub(super) key_place: i64,
}

/// `hidden` of `PRAGMA table_xinfo`.
const HIDDEN: i64 = 1;
const COMPUTED: [i64; 2] = [2, 3];
const STORED: i64 = 3;

/// All columns of a table in declared order.
pub(super) fn read(
    connection: &Connection,
    table: &str,
    written: &TableText,
    strict: bool,
    without_rowid: bool,
) -> Result<Vec<Found>> {
    let what = "cannot read the columns";
    let sql = "SELECT name, type, \"notnull\", dflt_value, pk, hidden \
               FROM pragma_table_xinfo(?1, 'main') ORDER BY cid";
    let mut statement = connection
        .prepare(sql)
        .map_err(|error| fault(error, what))?;
    let mut rows = statement
        .query([table])
        .map_err(|error| fault(error, what))?;
    let mut columns: Vec<Found> = Vec::new();
    while let Some(row) = rows.next().map_err(|error| fault(error, what))? {
        let place = columns.len();
        let mut found = column(row, written.columns.get(place), strict)?;
        found.column.not_null |= found.key_place > 0 && (strict || without_rowid);
        columns.push(found);
    }
    if columns.is_empty() {
        return Err(Fault::new(Code::ObjectUnsupported, "table has no columns"));
    }
    Ok(columns)
}

fn column(row: &Row<'_>, written: Option<&ColumnText>, strict: bool) -> Result<Found> {
    let number = |place: usize| -> Result<i64> {
        row.get(place)
            .map_err(|error| fault(error, "cannot read the columns"))
    };
    let Some((name, true)) = text(row, 0) else {
        return Err(Fault::new(
            Code::ObjectUnsupported,
            "column name is not valid UTF-8; the table is left out",
        ));
    };
    // The text belongs to this column only if both agree on its name.
    let written = written.filter(|written| written.name.eq_ignore_ascii_case(&name));
    let declared_type = text(row, 1).map(|(text, _)| text).unwrap_or_default();
    let hidden = number(5)?;
    let computed = COMPUTED.contains(&hidden);
    let expression = written.and_then(|written| written.generated.clone());
    let column = Column {
        name,
        affinity: affinity(&declared_type, strict),
        declared_type,
        not_null: number(2)? != 0,
        on_conflict: written.and_then(|written| written.on_conflict.clone()),
        default: if computed {
            None
        } else {
            text(row, 3).map(|(text, _)| default_value(&text))
        },
        generated: computed.then(|| Generated {
            expression: expression.unwrap_or_default(),
            stored: hidden == STORED,
        }),
        collation: written
            .and_then(|written| written.collation.as_deref())
            .map_or_else(|| "BINARY".to_owned(), name::collation),
        hidden: hidden == HIDDEN,
    };
    Ok(Found {
        column,
        key_place: number(4)?,
    })
}

/// Affinity by the declared type (Datatypes In SQLite, section 3.1; STRICT Tables, section 2).
#[must_use]
pub fn affinity(declared_type: &str, strict: bool) -> Affinity {
    let upper = declared_type.to_ascii_uppercase();
    let has = |words: &[&str]| words.iter().any(|word| upper.contains(word));
    if strict && upper == "ANY" {
        Affinity::Blob
    } else if has(&["INT"]) {
        Affinity::Integer
    } else if has(&["CHAR", "CLOB", "TEXT"]) {
        Affinity::Text
    } else if upper.is_empty() || has(&["BLOB"]) {
        Affinity::Blob
    } else if has(&["REAL", "FLOA", "DOUB"]) {
        Affinity::Real
    } else {
        Affinity::Numeric
    }
}
