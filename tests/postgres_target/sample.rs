//! Schemas, plans and rows made by hand, and a reader that serves them from memory.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use waybill_common::engine::postgres::conninfo::ConnInfo;
use waybill_common::engine::postgres::target::{
    LEDGER_SCHEMA, PostgresOptions, PostgresTarget, RunOptions,
};
use waybill_common::fault::Result;
use waybill_common::mapping::expression::Expression;
use waybill_common::mapping::operator::OperatorPlan;
use waybill_common::mapping::plan::{
    ColumnPlan, ForeignKeyPlan, IndexPlan, IndexTerm, KeyPlan, PgType, Plan, TablePlan,
};
use waybill_common::model::schema::{
    Action, Affinity, Column, Deferrable, Key, KeyColumn, Rowid, Schema, Table, TableKind,
};
use waybill_common::model::value::{OwnedValue, Value};
use waybill_common::progress::{Extent, Unwatched, Watch};
use waybill_common::seam::{Begun, Check, PartBuffers, PartReader, PartSpan, RowSink, Target as _};

/// Rows of several tables, cut into parts of so many rows.
pub(crate) struct Memory {
    parts: Vec<PartSpan>,
    tables: Vec<Vec<Vec<OwnedValue>>>,
    rows_a_part: usize,
}

impl Memory {
    pub(crate) fn new(tables: Vec<Vec<Vec<OwnedValue>>>, rows_a_part: usize) -> Memory {
        let mut parts = Vec::new();
        for (table, rows) in tables.iter().enumerate() {
            for (position, chunk) in rows.chunks(rows_a_part).enumerate() {
                parts.push(PartSpan {
                    table,
                    part: u32::try_from(position + 1).unwrap(),
                    rows: chunk.len() as u64,
                    first_row: (position * rows_a_part + 1) as u64,
                    bytes: chunk.len() as u64 * 10,
                });
            }
        }
        Memory {
            parts,
            tables,
            rows_a_part,
        }
    }
}

impl PartReader for Memory {
    fn parts(&self) -> &[PartSpan] {
        &self.parts
    }

    fn read(&self, part: &PartSpan, _: &mut PartBuffers, sink: &mut dyn RowSink) -> Result<()> {
        let mut chunks = self.tables[part.table].chunks(self.rows_a_part);
        for row in chunks.nth(part.part as usize - 1).unwrap() {
            let row: Vec<Value<'_>> = row.iter().map(OwnedValue::as_value).collect();
            sink.row(&row)?;
        }
        Ok(())
    }
}

/// A source table whose first column is its INTEGER PRIMARY KEY.
pub(crate) fn source(name: &str, columns: &[&str]) -> Table {
    let column = |name: &&str| Column {
        name: (*name).to_owned(),
        declared_type: String::new(),
        affinity: Affinity::Blob,
        not_null: false,
        default: None,
        generated: None,
        collation: "BINARY".to_owned(),
        hidden: false,
        on_conflict: None,
    };
    Table {
        name: name.to_owned(),
        kind: TableKind::Rowid,
        strict: false,
        rowid: Rowid::Column(columns[0].to_owned()),
        autoincrement: false,
        columns: columns.iter().map(column).collect(),
        primary_key: Some(Key {
            name: None,
            columns: vec![KeyColumn {
                column: columns[0].to_owned(),
                descending: false,
                collation: "BINARY".to_owned(),
            }],
            on_conflict: None,
        }),
        unique: Vec::new(),
        foreign_keys: Vec::new(),
        checks: Vec::new(),
        indexes: Vec::new(),
        sql: String::new(),
    }
}

pub(crate) fn column(name: &str, cell: usize, target: PgType) -> ColumnPlan {
    ColumnPlan::bare(name, cell, target)
}

pub(crate) fn key(name: &str, columns: &[&str]) -> KeyPlan {
    KeyPlan {
        name: name.to_owned(),
        columns: columns.iter().map(|name| (*name).to_owned()).collect(),
    }
}

pub(crate) fn index(name: &str, unique: bool, columns: &[(&str, bool)]) -> IndexPlan {
    let term = |(name, descending): &(&str, bool)| IndexTerm {
        on: Expression::Column((*name).to_owned()),
        descending: *descending,
    };
    IndexPlan {
        name: name.to_owned(),
        unique,
        terms: columns.iter().map(term).collect(),
        predicate: None,
    }
}

pub(crate) fn foreign_key(
    name: &str,
    columns: &[&str],
    parent: usize,
    parent_columns: &[&str],
) -> ForeignKeyPlan {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    ForeignKeyPlan {
        name: name.to_owned(),
        columns: owned(columns),
        parent,
        parent_columns: owned(parent_columns),
        on_delete: Action::NoAction,
        on_update: Action::NoAction,
        deferrable: Deferrable::No,
        valid: true,
    }
}

/// The plan of a table whose first column is its primary key, `NAME_pkey`.
pub(crate) fn planned(source: usize, name: &str, columns: Vec<ColumnPlan>) -> TablePlan {
    TablePlan {
        primary_key: Some(key(&format!("{name}_pkey"), &[&columns[0].name])),
        ..TablePlan::bare(source, name, columns)
    }
}

/// A table `items (id, label)` with so many rows.
pub(crate) fn items(rows: i64) -> (Schema, Plan, Memory) {
    let schema = Schema {
        tables: vec![source("items", &["id", "label"])],
        ..Schema::default()
    };
    let columns = vec![
        column("id", 0, PgType::Bigint),
        column("label", 1, PgType::Text),
    ];
    let row = |id| {
        vec![
            OwnedValue::Integer(id),
            OwnedValue::Text(format!("item {id}")),
        ]
    };
    let plan = Plan {
        tables: vec![planned(0, "items", columns)],
        enums: Vec::new(),
        views: Vec::new(),
        operator: OperatorPlan::default(),
        findings: Vec::new(),
    };
    let memory = Memory::new(vec![(1..=rows).map(row).collect()], 100);
    (schema, plan, memory)
}

pub(crate) fn conninfo(uri: &str) -> ConnInfo {
    ConnInfo::parse(uri, &|_| None).unwrap()
}

pub(crate) fn options(target_schema: &str) -> PostgresOptions {
    PostgresOptions {
        target_schema: target_schema.to_owned(),
        jobs: 3,
        lock_wait_timeout: Duration::from_secs(5),
        replace: false,
        require_idle: false,
        check: Check::Content,
        run: RunOptions {
            archive_root: "0".repeat(64),
            content_root: "1".repeat(64),
            anew: false,
            ledger_schema: LEDGER_SCHEMA.to_owned(),
            staging_schema: None,
            dry: false,
        },
    }
}

/// A target in schema `public`.
pub(crate) fn target<'a>(uri: &str, schema: &'a Schema, plan: &'a Plan) -> PostgresTarget<'a> {
    PostgresTarget::new(conninfo(uri), schema, plan, options("public"))
}

/// All steps of an import.
pub(crate) fn import(target: &mut PostgresTarget<'_>, parts: &Memory) -> Result<()> {
    assert_eq!(target.begin(parts, &Unwatched)?, Begun::Ready);
    target.load(parts, &Unwatched)?;
    target.build(&Unwatched)?;
    target.check(&Unwatched)?;
    target.switch(&Unwatched)
}

/// The names of everything that is staged in a database, and of all tables of `public`.
pub(crate) fn inventory(client: &mut postgres::Client) -> Vec<String> {
    let rows = client
        .query(
            "SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'waybill\\_staging%'
             UNION ALL SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
             ORDER BY 1",
            &[],
        )
        .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// The answer to a query as one text: columns by `|`, rows by newline; NULL is `~`.
pub(crate) fn ask(client: &mut postgres::Client, query: &str) -> String {
    let mut lines = Vec::new();
    for message in client.simple_query(query).unwrap() {
        if let postgres::SimpleQueryMessage::Row(row) = message {
            let cells: Vec<_> = (0..row.len()).map(|i| row.get(i).unwrap_or("~")).collect();
            lines.push(cells.join("|"));
        }
    }
    lines.join("\n")
}

/// Acts once so many rows have been loaded.
pub(crate) struct After<F: Fn() + Sync> {
    pub(crate) rows: u64,
    pub(crate) act: F,
    done: AtomicU64,
    acted: AtomicBool,
    stop: AtomicBool,
}

impl<F: Fn() + Sync> After<F> {
    pub(crate) fn new(rows: u64, act: F) -> Self {
        After {
            rows,
            act,
            done: AtomicU64::new(0),
            acted: AtomicBool::new(false),
            stop: AtomicBool::new(false),
        }
    }

    /// Asks the job to stop then.
    pub(crate) fn stopping(rows: u64, act: F) -> Self {
        let after = After::new(rows, act);
        after.stop.store(true, Ordering::SeqCst);
        after
    }
}

impl<F: Fn() + Sync> Watch for After<F> {
    fn phase(&self, _: &str, _: Extent) {}
    fn table(&self, _: &str) {}
    fn advance(&self, rows: u64, _: u64) {
        let done = self.done.fetch_add(rows, Ordering::SeqCst) + rows;
        if done >= self.rows && !self.acted.swap(true, Ordering::SeqCst) {
            (self.act)();
        }
    }
    fn stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst) && self.acted.load(Ordering::SeqCst)
    }
}

/// So many empty tables `t1`, `t2`, … of one column, without keys.
pub(crate) fn bare_tables(count: usize) -> (Schema, Plan) {
    let names: Vec<_> = (1..=count).map(|number| format!("t{number}")).collect();
    let plan = Plan {
        tables: names
            .iter()
            .enumerate()
            .map(|(at, name)| TablePlan::bare(at, name, vec![column("id", 0, PgType::Bigint)]))
            .collect(),
        enums: Vec::new(),
        views: Vec::new(),
        operator: OperatorPlan::default(),
        findings: Vec::new(),
    };
    let schema = Schema {
        tables: names.iter().map(|name| source(name, &["id"])).collect(),
        ..Schema::default()
    };
    (schema, plan)
}
