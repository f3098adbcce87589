//! Keys, indexes and foreign keys of a table.

use crate::engine::sqlite::ddl::{KeyText, TableText};
use crate::engine::sqlite::failure::fault;
use crate::engine::sqlite::name;
use crate::engine::sqlite::schema::IndexSource;
use crate::engine::sqlite::schema::column::Found;
use crate::fault::Result;
use crate::model::schema::{
    Action, Deferrable, ForeignKey, Index, IndexOn, IndexTerm, Key, KeyColumn, Table,
};
use rusqlite::Connection;
use std::collections::HashMap;

/// A row of `PRAGMA index_list` with its terms.
pub(super) struct Listed {
    pub(super) name: String,
    unique: bool,
    /// `c` CREATE INDEX, `u` UNIQUE, `pk` PRIMARY KEY.
    pub(super) origin: String,
    terms: Vec<Term>,
}

struct Term {
    /// `None` for an expression and for the rowid.
    column: Option<String>,
    descending: bool,
    collation: String,
}

/// The indexes of a table, oldest first.
pub(super) fn listed(connection: &Connection, table: &str) -> Result<Vec<Listed>> {
    let what = "cannot list the indexes";
    let sql =
        "SELECT name, \"unique\", origin FROM pragma_index_list(?1, 'main') ORDER BY seq DESC";
    let mut statement = connection
        .prepare(sql)
        .map_err(|error| fault(error, what))?;
    let indexes = statement.query_map([table], |row| {
        Ok(Listed {
            name: row.get(0)?,
            unique: row.get(1)?,
            origin: row.get(2)?,
            terms: Vec::new(),
        })
    });
    let indexes: rusqlite::Result<Vec<Listed>> = indexes.and_then(Iterator::collect);
    let mut indexes = indexes.map_err(|error| fault(error, what))?;
    for index in &mut indexes {
        index.terms = terms(connection, &index.name)?;
    }
    Ok(indexes)
}

fn terms(connection: &Connection, index: &str) -> Result<Vec<Term>> {
    let what = "cannot read an index";
    let sql = "SELECT name, \"desc\", coll FROM pragma_index_xinfo(?1, 'main') \
               WHERE \"key\" ORDER BY seqno";
    let mut statement = connection
        .prepare(sql)
        .map_err(|error| fault(error, what))?;
    let terms = statement.query_map([index], |row| {
        Ok(Term {
            column: row.get(0)?,
            descending: row.get(1)?,
            collation: row.get::<_, Option<String>>(2)?.map_or_else(
                || "BINARY".to_owned(),
                |collation| name::collation(&collation),
            ),
        })
    });
    terms
        .and_then(Iterator::collect)
        .map_err(|error| fault(error, what))
}

/// The primary key: from its index, or, where it has none, the one column that holds the rowid.
pub(super) fn primary_key(columns: &[Found], listed: &[Listed], text: &TableText) -> Option<Key> {
    let written = text.primary_key.as_ref();
    let own = |columns| Key {
        name: written.and_then(|key| key.name.clone()),
        columns,
        on_conflict: written.and_then(|key| key.on_conflict.clone()),
    };
    if let Some(index) = listed.iter().find(|index| index.origin == "pk") {
        return Some(own(key_columns(index)));
    }
    let rowid = columns.iter().find(|column| column.key_place == 1)?;
    Some(own(vec![KeyColumn {
        column: rowid.column.name.clone(),
        descending: false,
        collation: "BINARY".to_owned(),
    }]))
}

/// The UNIQUE constraints. SQLite has merged those that repeat another; the first one's name and
/// the first ON CONFLICT are kept.
pub(super) fn unique(listed: &[Listed], text: &TableText) -> Vec<Key> {
    let constraints = listed.iter().filter(|index| index.origin == "u");
    constraints
        .map(|index| {
            let columns = key_columns(index);
            let same: Vec<&KeyText> = text
                .unique
                .iter()
                .filter(|written| same_columns(written, &columns))
                .collect();
            Key {
                name: same.iter().find_map(|written| written.name.clone()),
                on_conflict: same.iter().find_map(|written| written.on_conflict.clone()),
                columns,
            }
        })
        .collect()
}

fn same_columns(written: &KeyText, columns: &[KeyColumn]) -> bool {
    written.columns.len() == columns.len()
        && written
            .columns
            .iter()
            .zip(columns)
            .all(|(written, column)| written.eq_ignore_ascii_case(&column.column))
}

fn key_columns(index: &Listed) -> Vec<KeyColumn> {
    index
        .terms
        .iter()
        .map(|term| KeyColumn {
            column: term.column.clone().unwrap_or_default(),
            descending: term.descending,
            collation: term.collation.clone(),
        })
        .collect()
}

/// An index made by CREATE INDEX.
pub(super) fn index(listed: &Listed, source: IndexSource) -> Index {
    let written = source.text.as_ref();
    let terms = listed.terms.iter().enumerate().map(|(place, term)| {
        let expression = || {
            let text = written.and_then(|text| text.terms.get(place)).cloned();
            IndexOn::Expression(text.unwrap_or_default())
        };
        IndexTerm {
            on: term.column.clone().map_or_else(expression, IndexOn::Column),
            descending: term.descending,
            collation: term.collation.clone(),
        }
    });
    Index {
        name: listed.name.clone(),
        unique: listed.unique,
        terms: terms.collect(),
        predicate: written.and_then(|text| text.predicate.clone()),
        sql: source.sql,
    }
}

/// A row of `PRAGMA foreign_key_list`.
struct Reference {
    id: i64,
    parent: String,
    from: String,
    to: Option<String>,
    on_update: String,
    on_delete: String,
}

/// The foreign keys in declared order.
pub(super) fn foreign_keys(
    connection: &Connection,
    table: &str,
    text: &TableText,
) -> Result<Vec<ForeignKey>> {
    let what = "cannot read the foreign keys";
    // SQLite numbers them from the last one declared.
    let sql = "SELECT id, \"table\", \"from\", \"to\", on_update, on_delete \
               FROM pragma_foreign_key_list(?1, 'main') ORDER BY id DESC, seq";
    let mut statement = connection
        .prepare(sql)
        .map_err(|error| fault(error, what))?;
    let references = statement.query_map([table], |row| {
        Ok(Reference {
            id: row.get(0)?,
            parent: row.get(1)?,
            from: row.get(2)?,
            to: row.get(3)?,
            on_update: row.get(4)?,
            on_delete: row.get(5)?,
        })
    });
    let references: rusqlite::Result<Vec<Reference>> = references.and_then(Iterator::collect);
    let references = references.map_err(|error| fault(error, what))?;
    let mut keys: Vec<ForeignKey> = Vec::new();
    let mut last = None;
    for reference in references {
        if last != Some(reference.id) {
            last = Some(reference.id);
            keys.push(empty(&reference));
        }
        if let Some(key) = keys.last_mut() {
            key.columns.push(reference.from);
            key.parent_columns.extend(reference.to);
        }
    }
    add_written(&mut keys, text);
    Ok(keys)
}

fn empty(reference: &Reference) -> ForeignKey {
    ForeignKey {
        name: None,
        columns: Vec::new(),
        parent: reference.parent.clone(),
        parent_columns: Vec::new(),
        on_delete: action(&reference.on_delete),
        on_update: action(&reference.on_update),
        deferrable: Deferrable::No,
    }
}

fn action(word: &str) -> Action {
    match word {
        "RESTRICT" => Action::Restrict,
        "SET NULL" => Action::SetNull,
        "SET DEFAULT" => Action::SetDefault,
        "CASCADE" => Action::Cascade,
        _ => Action::NoAction,
    }
}

/// Adds what the pragma leaves out, when the text has the same foreign keys in the same order.
fn add_written(keys: &mut [ForeignKey], text: &TableText) {
    let same = keys.len() == text.foreign_keys.len()
        && keys
            .iter()
            .zip(&text.foreign_keys)
            .all(|(key, written)| key.parent.eq_ignore_ascii_case(&written.parent));
    if same {
        for (key, written) in keys.iter_mut().zip(&text.foreign_keys) {
            key.name.clone_from(&written.name);
            key.deferrable = written.deferrable;
        }
    }
}

/// Fills in the columns that a foreign key leaves to the parent's primary key.
pub(super) fn fill_in_parents(tables: &mut [Table]) {
    let primary: HashMap<String, Vec<String>> = tables
        .iter()
        .filter_map(|table| {
            let key = table.primary_key.as_ref()?;
            let columns = key.columns.iter().map(|column| column.column.clone());
            Some((table.name.to_ascii_lowercase(), columns.collect()))
        })
        .collect();
    for key in tables.iter_mut().flat_map(|table| &mut table.foreign_keys) {
        let Some(columns) = primary.get(&key.parent.to_ascii_lowercase()) else {
            continue;
        };
        if key.parent_columns.is_empty() && columns.len() == key.columns.len() {
            key.parent_columns.clone_from(columns);
        }
    }
}
