//! From the serde form to the model, and what must hold beyond the form: ordinals in order, names
//! of tables unique, keys on columns that exist.

use super::{
    ColumnJson, DefaultJson, FactsJson, ForeignKeyJson, IndexJson, KeyJson, KindJson, OnJson,
    RowidJson, SchemaJson, TableJson, TermJson,
};
use crate::archive::json;
use crate::archive::limits::TABLES;
use crate::fault::{Code, Fault, Mismatch, Result};
use crate::model::schema::{
    Check, Column, DefaultValue, Facts, ForeignKey, Generated, Index, IndexOn, IndexTerm, Key,
    KeyColumn, Rowid, Schema, Sequence, Table, TableKind, Trigger, View,
};
use crate::model::value::OwnedValue;
use std::collections::HashSet;

/// Reads `schema.json`.
pub(in crate::archive) fn read(bytes: &[u8]) -> Result<Schema> {
    let json: SchemaJson = json::from_bytes(bytes)?;
    if json.tables.len() > TABLES {
        return Err(Fault::new(
            Code::ArchiveLimit,
            "the schema has too many tables",
        ));
    }
    let mut tables = Vec::with_capacity(json.tables.len());
    let mut names = HashSet::new();
    for (id, table) in (1..).zip(json.tables) {
        if table.id != id {
            return Err(inconsistent("tables are not numbered in order")
                .in_table(&table.name)
                .because(Mismatch::new(id, table.id)));
        }
        // SQLite compares names without regard to ASCII case.
        if !names.insert(table.name.to_ascii_lowercase()) {
            return Err(inconsistent("two tables have one name").in_table(&table.name));
        }
        let name = table.name.clone();
        tables.push(read_table(table).map_err(|fault| fault.in_table(name))?);
    }
    let view = |view: super::ViewJson| View {
        name: view.name,
        sql: view.sql,
    };
    let trigger = |trigger: super::TriggerJson| Trigger {
        name: trigger.name,
        table: trigger.table,
        sql: trigger.sql,
    };
    let sequence = |sequence: super::SequenceJson| Sequence {
        table: sequence.table,
        value: sequence.value.0,
    };
    Ok(Schema {
        facts: facts(&json.facts),
        tables,
        views: json.views.into_iter().map(view).collect(),
        triggers: json.triggers.into_iter().map(trigger).collect(),
        sequences: json.sequences.into_iter().map(sequence).collect(),
    })
}

fn inconsistent(what: &'static str) -> Fault {
    Fault::new(Code::ArchiveInconsistent, what)
}

fn facts(facts: &FactsJson) -> Facts {
    Facts {
        encoding: facts.encoding,
        user_version: facts.user_version,
        application_id: facts.application_id,
        page_size: facts.page_size,
        auto_vacuum: facts.auto_vacuum,
        wal: facts.wal,
        analyzed: facts.analyzed,
    }
}

fn read_table(json: TableJson) -> Result<Table> {
    let no_statement = || inconsistent("a table has no CREATE statement, or two");
    let (kind, sql) = match (json.kind, json.note) {
        (KindJson::Rowid, Some(sql)) => (TableKind::Rowid, sql),
        (KindJson::WithoutRowid, Some(sql)) => (TableKind::WithoutRowid, sql),
        (
            KindJson::Virtual {
                module,
                content,
                sql,
            },
            None,
        ) => (TableKind::Virtual { module, content }, sql),
        _ => return Err(no_statement()),
    };
    let check = |check: super::CheckJson| Check {
        name: check.name,
        expression: check.expression,
    };
    let table = Table {
        name: json.name,
        kind,
        strict: json.strict,
        rowid: match json.rowid {
            RowidJson::Hidden => Rowid::Hidden,
            RowidJson::Column(column) => Rowid::Column(column),
            RowidJson::None => Rowid::None,
        },
        autoincrement: json.autoincrement,
        columns: json.columns.into_iter().map(column).collect(),
        primary_key: json.primary_key.map(key),
        unique: json.unique.into_iter().map(key).collect(),
        foreign_keys: json.foreign_keys.into_iter().map(foreign_key).collect(),
        checks: json.checks.into_iter().map(check).collect(),
        indexes: json.indexes.into_iter().map(index).collect::<Result<_>>()?,
        sql,
    };
    check_names(&table)?;
    Ok(table)
}

/// Holds the columns that keys, indexes and the rowid name to those that exist.
fn check_names(table: &Table) -> Result<()> {
    let known: HashSet<String> = table
        .columns
        .iter()
        .map(|column| column.name.to_ascii_lowercase())
        .collect();
    let exists = |column: &str| {
        if known.contains(&column.to_ascii_lowercase()) {
            Ok(())
        } else {
            Err(
                inconsistent("the schema names a column that the table does not have")
                    .in_column(column),
            )
        }
    };
    if let Rowid::Column(column) = &table.rowid {
        exists(column)?;
        if table.cell(column).is_none() {
            return Err(inconsistent("the rowid's column has no cell in a row").in_column(column));
        }
    }
    for key in table.primary_key.iter().chain(&table.unique) {
        if key.columns.is_empty() {
            return Err(inconsistent("a key has no column"));
        }
        key.columns.iter().try_for_each(|c| exists(&c.column))?;
    }
    for key in &table.foreign_keys {
        let pairs = key.parent_columns.is_empty() || key.parent_columns.len() == key.columns.len();
        if key.columns.is_empty() || !pairs {
            return Err(inconsistent("a foreign key's columns are not pairs"));
        }
        key.columns.iter().try_for_each(|column| exists(column))?;
    }
    for term in table.indexes.iter().flat_map(|index| &index.terms) {
        if let IndexOn::Column(column) = &term.on {
            exists(column)?;
        }
    }
    Ok(())
}

fn column(json: ColumnJson) -> Column {
    Column {
        name: json.name,
        declared_type: json.declared_type,
        affinity: json.affinity,
        not_null: json.not_null,
        default: json.default.map(default),
        generated: json.generated.map(|generated| Generated {
            expression: generated.expression,
            stored: generated.stored,
        }),
        collation: json.collation,
        hidden: json.hidden,
        on_conflict: json.on_conflict,
    }
}

fn default(json: DefaultJson) -> DefaultValue {
    let literal = match json {
        DefaultJson::Null => OwnedValue::Null,
        DefaultJson::Integer(integer) => OwnedValue::Integer(integer.0),
        DefaultJson::Real(real) => OwnedValue::Real(real.0),
        DefaultJson::Text(text) => OwnedValue::Text(text),
        DefaultJson::RawText(bytes) => OwnedValue::RawText(bytes.0),
        DefaultJson::Blob(bytes) => OwnedValue::Blob(bytes.0),
        DefaultJson::CurrentDate => return DefaultValue::CurrentDate,
        DefaultJson::CurrentTime => return DefaultValue::CurrentTime,
        DefaultJson::CurrentTimestamp => return DefaultValue::CurrentTimestamp,
        DefaultJson::Expression(sql) => return DefaultValue::Expression(sql),
    };
    DefaultValue::Literal(literal)
}

fn key(json: KeyJson) -> Key {
    let column = |column: super::KeyColumnJson| KeyColumn {
        column: column.column,
        descending: column.descending,
        collation: column.collation,
    };
    Key {
        name: json.name,
        columns: json.columns.into_iter().map(column).collect(),
        on_conflict: json.on_conflict,
    }
}

fn foreign_key(json: ForeignKeyJson) -> ForeignKey {
    ForeignKey {
        name: json.name,
        columns: json.columns,
        parent: json.parent,
        parent_columns: json.parent_columns,
        on_delete: json.on_delete,
        on_update: json.on_update,
        deferrable: json.deferrable,
    }
}

fn index(json: IndexJson) -> Result<Index> {
    let sql = json
        .note
        .ok_or_else(|| inconsistent("an index has no CREATE statement"))?;
    Ok(Index {
        name: json.name,
        unique: json.unique,
        terms: json.terms.into_iter().map(term).collect(),
        predicate: json.predicate,
        sql,
    })
}

fn term(json: TermJson) -> IndexTerm {
    IndexTerm {
        on: match json.on {
            OnJson::Column(column) => IndexOn::Column(column),
            OnJson::Expression(sql) => IndexOn::Expression(sql),
        },
        descending: json.descending,
        collation: json.collation,
    }
}
