//! Small databases, and archives of them.

use crate::archive::{Archive, Limits, PartsSink, WriterOptions, Written, write};
use crate::digest::Digest;
use crate::fault::Result;
use crate::model::schema::{
    Action, Affinity, Check, Column, DefaultValue, Deferrable, Encoding, Facts, ForeignKey,
    Generated, Index, IndexOn, IndexTerm, Key, KeyColumn, Rowid, Schema, Sequence, Table,
    TableKind, Trigger, View, VirtualContent,
};
use crate::model::value::{Class, OwnedValue, Value};
use crate::profile::evidence::{ColumnEvidence, RealRange, TableEvidence};
use crate::progress::{Unwatched, Watch};
use crate::seam::{PartBuffers, PartReader as _, RowSink};
use std::fs::File;
use std::io::Write as _;

pub(in crate::archive) type Rows = Vec<Vec<OwnedValue>>;

pub(in crate::archive) fn column(name: &str) -> Column {
    Column {
        name: name.to_owned(),
        declared_type: String::new(),
        affinity: Affinity::Blob,
        not_null: false,
        default: None,
        generated: None,
        collation: "BINARY".to_owned(),
        hidden: false,
        on_conflict: None,
    }
}

/// A table with a hidden rowid and nothing declared.
pub(in crate::archive) fn table(name: &str, columns: &[&str]) -> Table {
    Table {
        name: name.to_owned(),
        kind: TableKind::Rowid,
        strict: false,
        rowid: Rowid::Hidden,
        autoincrement: false,
        columns: columns.iter().map(|name| column(name)).collect(),
        primary_key: None,
        unique: Vec::new(),
        foreign_keys: Vec::new(),
        checks: Vec::new(),
        indexes: Vec::new(),
        sql: format!("CREATE TABLE {name}({})", columns.join(",")),
    }
}

fn key(column: &str) -> Key {
    Key {
        name: Some("k".to_owned()),
        columns: vec![KeyColumn {
            column: column.to_owned(),
            descending: true,
            collation: "NOCASE".to_owned(),
        }],
        on_conflict: Some("REPLACE".to_owned()),
    }
}

/// A table that uses all of the model.
fn all() -> Table {
    let with = |name: &str, default| Column {
        default: Some(default),
        ..column(name)
    };
    let literal = |name: &str, value| with(name, DefaultValue::Literal(value));
    let term = |on| IndexTerm {
        on,
        descending: false,
        collation: "RTRIM".to_owned(),
    };
    Table {
        rowid: Rowid::Column("id".to_owned()),
        autoincrement: true,
        columns: vec![
            column("id"),
            literal("null", OwnedValue::Null),
            literal("integer", OwnedValue::Integer(i64::MIN)),
            literal("real", OwnedValue::Real(f64::INFINITY)),
            literal(
                "text",
                OwnedValue::Text("\"\\\u{0}\u{1f}\u{7f}ä\u{2028}".to_owned()),
            ),
            literal("raw", OwnedValue::RawText(vec![0xff])),
            literal("blob", OwnedValue::Blob(Vec::new())),
            with("date", DefaultValue::CurrentDate),
            with("time", DefaultValue::CurrentTime),
            with("now", DefaultValue::CurrentTimestamp),
            with("random", DefaultValue::Expression("random()".to_owned())),
            column("ref"),
            Column {
                generated: Some(Generated {
                    expression: "id * 2".to_owned(),
                    stored: true,
                }),
                ..column("double")
            },
        ],
        primary_key: Some(key("id")),
        unique: vec![key("text")],
        foreign_keys: vec![ForeignKey {
            name: None,
            columns: vec!["ref".to_owned()],
            parent: "all".to_owned(),
            parent_columns: vec!["id".to_owned()],
            on_delete: Action::SetNull,
            on_update: Action::Cascade,
            deferrable: Deferrable::InitiallyDeferred,
        }],
        checks: vec![Check {
            name: None,
            expression: "id > 0".to_owned(),
        }],
        indexes: vec![Index {
            name: "i".to_owned(),
            unique: false,
            terms: vec![
                term(IndexOn::Column("text".to_owned())),
                term(IndexOn::Expression("lower(text)".to_owned())),
            ],
            predicate: Some("id > 7".to_owned()),
            sql: "CREATE INDEX i".to_owned(),
        }],
        sql: "CREATE TABLE \"all\"".to_owned(),
        ..table("all", &[])
    }
}

/// A schema with one of everything: the tables `all`, `plain`, `none` and `search`.
pub(in crate::archive) fn everything() -> Schema {
    let search = Table {
        kind: TableKind::Virtual {
            module: "fts5".to_owned(),
            content: VirtualContent::Rebuilt,
        },
        sql: "CREATE VIRTUAL TABLE search USING fts5(text, content=all)".to_owned(),
        ..table("search", &["text"])
    };
    let keyed = Table {
        kind: TableKind::WithoutRowid,
        rowid: Rowid::None,
        primary_key: Some(key("a")),
        ..table("none", &["a"])
    };
    Schema {
        facts: Facts {
            encoding: Encoding::Utf8,
            user_version: -1,
            application_id: i32::MAX,
            page_size: 4096,
            auto_vacuum: 2,
            wal: true,
            analyzed: true,
        },
        tables: vec![all(), table("plain", &["a", "A ", ""]), keyed, search],
        views: vec![View {
            name: "v".to_owned(),
            sql: "CREATE VIEW v AS SELECT 1".to_owned(),
        }],
        triggers: vec![Trigger {
            name: "t".to_owned(),
            table: "v".to_owned(),
            sql: "CREATE TRIGGER t".to_owned(),
        }],
        sequences: vec![Sequence {
            table: "gone".to_owned(),
            value: 9_007_199_254_740_993,
        }],
    }
}

/// Two tables of few rows and an empty one between them.
pub(in crate::archive) fn small() -> (Schema, Vec<Rows>) {
    let schema = Schema {
        tables: vec![table("a", &["x"]), table("b", &[]), table("c", &["y", "z"])],
        ..Schema::default()
    };
    let row = |rowid, rest: &[OwnedValue]| {
        let mut row = vec![OwnedValue::Integer(rowid)];
        row.extend_from_slice(rest);
        row
    };
    let text = |text: &str| OwnedValue::Text(text.to_owned());
    let rows = vec![
        vec![row(1, &[text("eins")]), row(2, &[OwnedValue::Null])],
        vec![],
        vec![row(
            -7,
            &[OwnedValue::Real(0.5), OwnedValue::Blob(vec![0, 255])],
        )],
    ];
    (schema, rows)
}

/// Counts classes and extremes; finds no forms.
pub(in crate::archive) fn evidence(table: &Table, rows: &Rows) -> TableEvidence {
    let mut columns = vec![ColumnEvidence::default(); table.stored_columns().count()];
    for row in rows {
        for (column, value) in columns.iter_mut().zip(&row[table.first_column_cell()..]) {
            let value = value.as_value();
            match value.class() {
                Class::Null => column.nulls += 1,
                Class::Integer => column.integers += 1,
                Class::Real => column.reals += 1,
                Class::Text => column.texts += 1,
                Class::RawText => column.raw_texts += 1,
                Class::Blob => column.blobs += 1,
            }
            if let Value::Real(real) = value {
                let range = RealRange::new(real, real);
                let both = column.real_range.zip(range).map(|(a, b)| a.with(b));
                column.real_range = both.or(range).or(column.real_range);
            }
            if let Value::Integer(n) = value {
                let (least, most) = column.integer_range.unwrap_or((n, n));
                column.integer_range = Some((std::cmp::min(least, n), std::cmp::max(most, n)));
            }
        }
    }
    TableEvidence {
        rows: rows.len() as u64,
        columns,
    }
}

pub(in crate::archive) fn options() -> WriterOptions {
    WriterOptions::new("sqlite", "3.54.1")
}

/// Sends all rows of all tables that have some.
pub(in crate::archive) fn send(
    schema: &Schema,
    rows: &[Rows],
    parts: &mut PartsSink<'_>,
) -> Result<()> {
    for (position, table) in schema.tables.iter().enumerate() {
        if table.has_rows() {
            parts.table(position, &mut |sink| {
                for row in &rows[position] {
                    let row: Vec<_> = row.iter().map(OwnedValue::as_value).collect();
                    sink.row(&row)?;
                }
                Ok(evidence(table, &rows[position]))
            })?;
        }
    }
    Ok(())
}

pub(in crate::archive) fn archive_watched(
    schema: &Schema,
    rows: &[Rows],
    options: &WriterOptions,
    watch: &dyn Watch,
) -> (Vec<u8>, Result<Written>) {
    let mut bytes = Vec::new();
    let written = write(&mut bytes, schema, options, watch, &mut |parts| {
        send(schema, rows, parts)
    });
    (bytes, written)
}

pub(in crate::archive) fn archive(schema: &Schema, rows: &[Rows]) -> (Vec<u8>, Written) {
    let (bytes, written) = archive_watched(schema, rows, &options(), &Unwatched);
    (bytes, written.unwrap())
}

pub(in crate::archive) fn file_of(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

pub(in crate::archive) fn open(bytes: &[u8]) -> Result<Archive> {
    open_expecting(bytes, None)
}

pub(in crate::archive) fn open_expecting(bytes: &[u8], root: Option<Digest>) -> Result<Archive> {
    Archive::open(file_of(bytes), "a.tar.zst", &Limits::default(), root)
}

struct Collected(Rows);

impl RowSink for Collected {
    fn row(&mut self, row: &[Value<'_>]) -> Result<()> {
        self.0.push(row.iter().map(Value::to_owned).collect());
        Ok(())
    }
}

/// All rows of all tables.
pub(in crate::archive) fn rows_of(archive: &Archive) -> Result<Vec<Rows>> {
    let mut rows = Vec::new();
    rows.resize_with(archive.schema().tables.len(), Vec::new);
    let mut buffers = PartBuffers::default();
    for part in archive.parts() {
        let mut sink = Collected(Vec::new());
        archive.read(part, &mut buffers, &mut sink)?;
        rows[part.table].append(&mut sink.0);
    }
    Ok(rows)
}
