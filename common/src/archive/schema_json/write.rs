//! From the model to the serde form.

use super::{
    CheckJson, ColumnJson, DefaultJson, FactsJson, ForeignKeyJson, GeneratedJson, IndexJson,
    KeyColumnJson, KeyJson, KindJson, OnJson, RowidJson, SchemaJson, SequenceJson, TableJson,
    TermJson, TriggerJson, ViewJson,
};
use crate::archive::json::{self, Base64, Decimal, Real};
use crate::model::schema::{
    Column, DefaultValue, Facts, ForeignKey, Index, IndexOn, IndexTerm, Key, Rowid, Schema, Table,
    TableKind,
};
use crate::model::value::OwnedValue;

/// The bytes of `schema.json`.
pub(in crate::archive) fn write(schema: &Schema) -> Vec<u8> {
    json::to_bytes(&schema_json(schema, true))
}

/// The bytes that `content_root` covers: the same without notes.
pub(in crate::archive) fn content(schema: &Schema) -> Vec<u8> {
    json::to_bytes(&schema_json(schema, false))
}

fn schema_json(schema: &Schema, notes: bool) -> SchemaJson {
    let view = |view: &crate::model::schema::View| ViewJson {
        name: view.name.clone(),
        sql: view.sql.clone(),
    };
    let trigger = |trigger: &crate::model::schema::Trigger| TriggerJson {
        name: trigger.name.clone(),
        table: trigger.table.clone(),
        sql: trigger.sql.clone(),
    };
    let sequence = |sequence: &crate::model::schema::Sequence| SequenceJson {
        table: sequence.table.clone(),
        value: Decimal(sequence.value),
    };
    SchemaJson {
        facts: facts(&schema.facts),
        tables: (1..)
            .zip(&schema.tables)
            .map(|(id, t)| table(id, t, notes))
            .collect(),
        views: schema.views.iter().map(view).collect(),
        triggers: schema.triggers.iter().map(trigger).collect(),
        sequences: schema.sequences.iter().map(sequence).collect(),
    }
}

fn facts(facts: &Facts) -> FactsJson {
    FactsJson {
        encoding: facts.encoding,
        user_version: facts.user_version,
        application_id: facts.application_id,
        page_size: facts.page_size,
        auto_vacuum: facts.auto_vacuum,
        wal: facts.wal,
        analyzed: facts.analyzed,
    }
}

fn table(id: u32, table: &Table, notes: bool) -> TableJson {
    let (kind, note) = match &table.kind {
        TableKind::Rowid => (KindJson::Rowid, Some(table.sql.clone())),
        TableKind::WithoutRowid => (KindJson::WithoutRowid, Some(table.sql.clone())),
        TableKind::Virtual { module, content } => {
            let kind = KindJson::Virtual {
                module: module.clone(),
                content: *content,
                sql: table.sql.clone(),
            };
            (kind, None)
        }
    };
    let check = |check: &crate::model::schema::Check| CheckJson {
        name: check.name.clone(),
        expression: check.expression.clone(),
    };
    TableJson {
        id,
        name: table.name.clone(),
        kind,
        strict: table.strict,
        rowid: match &table.rowid {
            Rowid::Hidden => RowidJson::Hidden,
            Rowid::Column(column) => RowidJson::Column(column.clone()),
            Rowid::None => RowidJson::None,
        },
        autoincrement: table.autoincrement,
        columns: table.columns.iter().map(column).collect(),
        primary_key: table.primary_key.as_ref().map(key),
        unique: table.unique.iter().map(key).collect(),
        foreign_keys: table.foreign_keys.iter().map(foreign_key).collect(),
        checks: table.checks.iter().map(check).collect(),
        indexes: table.indexes.iter().map(|i| index(i, notes)).collect(),
        note: note.filter(|_| notes),
    }
}

fn column(column: &Column) -> ColumnJson {
    ColumnJson {
        name: column.name.clone(),
        declared_type: column.declared_type.clone(),
        affinity: column.affinity,
        not_null: column.not_null,
        default: column.default.as_ref().map(default),
        generated: column.generated.as_ref().map(|generated| GeneratedJson {
            expression: generated.expression.clone(),
            stored: generated.stored,
        }),
        collation: column.collation.clone(),
        hidden: column.hidden,
        on_conflict: column.on_conflict.clone(),
    }
}

fn default(default: &DefaultValue) -> DefaultJson {
    match default {
        DefaultValue::Literal(OwnedValue::Null) => DefaultJson::Null,
        DefaultValue::Literal(OwnedValue::Integer(n)) => DefaultJson::Integer(Decimal(*n)),
        DefaultValue::Literal(OwnedValue::Real(real)) => DefaultJson::Real(Real(*real)),
        DefaultValue::Literal(OwnedValue::Text(text)) => DefaultJson::Text(text.clone()),
        DefaultValue::Literal(OwnedValue::RawText(bytes)) => {
            DefaultJson::RawText(Base64(bytes.clone()))
        }
        DefaultValue::Literal(OwnedValue::Blob(bytes)) => DefaultJson::Blob(Base64(bytes.clone())),
        DefaultValue::CurrentDate => DefaultJson::CurrentDate,
        DefaultValue::CurrentTime => DefaultJson::CurrentTime,
        DefaultValue::CurrentTimestamp => DefaultJson::CurrentTimestamp,
        DefaultValue::Expression(sql) => DefaultJson::Expression(sql.clone()),
    }
}

fn key(key: &Key) -> KeyJson {
    let column = |column: &crate::model::schema::KeyColumn| KeyColumnJson {
        column: column.column.clone(),
        descending: column.descending,
        collation: column.collation.clone(),
    };
    KeyJson {
        name: key.name.clone(),
        columns: key.columns.iter().map(column).collect(),
        on_conflict: key.on_conflict.clone(),
    }
}

fn foreign_key(key: &ForeignKey) -> ForeignKeyJson {
    ForeignKeyJson {
        name: key.name.clone(),
        columns: key.columns.clone(),
        parent: key.parent.clone(),
        parent_columns: key.parent_columns.clone(),
        on_delete: key.on_delete,
        on_update: key.on_update,
        deferrable: key.deferrable,
    }
}

fn index(index: &Index, notes: bool) -> IndexJson {
    IndexJson {
        name: index.name.clone(),
        unique: index.unique,
        terms: index.terms.iter().map(term).collect(),
        predicate: index.predicate.clone(),
        note: notes.then(|| index.sql.clone()),
    }
}

fn term(term: &IndexTerm) -> TermJson {
    TermJson {
        on: match &term.on {
            IndexOn::Column(column) => OnJson::Column(column.clone()),
            IndexOn::Expression(sql) => OnJson::Expression(sql.clone()),
        },
        descending: term.descending,
        collation: term.collation.clone(),
    }
}
