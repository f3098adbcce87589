//! Schemas and evidence built on the spot.

use crate::mapping::plan::{ColumnPlan, Plan, TablePlan};
use crate::mapping::{NameRule, Request, plan};
use crate::model::schema::{
    Action, Affinity, Column, Deferrable, ForeignKey, Index, IndexOn, IndexTerm, Key, KeyColumn,
    Rowid, Schema, Table, TableKind,
};
use crate::model::value::OwnedValue;
use crate::profile::TableProfile;
use crate::profile::evidence::{ColumnEvidence, Constraint, KeyEvidence, RowRef, TableEvidence};
use crate::report::Finding;

pub(in crate::mapping) const NULL: OwnedValue = OwnedValue::Null;

pub(in crate::mapping) fn int(integer: i64) -> OwnedValue {
    OwnedValue::Integer(integer)
}

pub(in crate::mapping) fn real(real: f64) -> OwnedValue {
    OwnedValue::Real(real)
}

pub(in crate::mapping) fn text(text: &str) -> OwnedValue {
    OwnedValue::Text(text.to_owned())
}

pub(in crate::mapping) fn blob(bytes: &[u8]) -> OwnedValue {
    OwnedValue::Blob(bytes.to_vec())
}

/// Datatypes In SQLite, section 3.1.
fn affinity(declared: &str) -> Affinity {
    let declared = declared.to_ascii_uppercase();
    let has = |words: &[&str]| words.iter().any(|word| declared.contains(word));
    if has(&["INT"]) {
        Affinity::Integer
    } else if has(&["CHAR", "CLOB", "TEXT"]) {
        Affinity::Text
    } else if declared.is_empty() || has(&["BLOB"]) {
        Affinity::Blob
    } else if has(&["REAL", "FLOA", "DOUB"]) {
        Affinity::Real
    } else {
        Affinity::Numeric
    }
}

pub(in crate::mapping) fn column(name: &str, declared: &str) -> Column {
    Column {
        name: name.to_owned(),
        declared_type: declared.to_owned(),
        affinity: affinity(declared),
        not_null: false,
        default: None,
        generated: None,
        collation: "BINARY".to_owned(),
        hidden: false,
        on_conflict: None,
    }
}

pub(in crate::mapping) fn integer(name: &str) -> Column {
    column(name, "INTEGER")
}

pub(in crate::mapping) fn table(name: &str, columns: Vec<Column>) -> Table {
    Table {
        name: name.to_owned(),
        kind: TableKind::Rowid,
        strict: false,
        rowid: Rowid::Hidden,
        autoincrement: false,
        columns,
        primary_key: None,
        unique: Vec::new(),
        foreign_keys: Vec::new(),
        checks: Vec::new(),
        indexes: Vec::new(),
        sql: format!("CREATE TABLE {name} (…)"),
    }
}

/// A table whose first column is its INTEGER PRIMARY KEY.
pub(in crate::mapping) fn numbered(name: &str, columns: Vec<Column>) -> Table {
    let mut table = table(name, columns);
    let id = table.columns[0].name.clone();
    table.primary_key = Some(key(&[&id]));
    table.rowid = Rowid::Column(id);
    table
}

pub(in crate::mapping) fn key(columns: &[&str]) -> Key {
    let column = |name: &&str| KeyColumn {
        column: (*name).to_owned(),
        descending: false,
        collation: "BINARY".to_owned(),
    };
    Key {
        name: None,
        columns: columns.iter().map(column).collect(),
        on_conflict: None,
    }
}

pub(in crate::mapping) fn index(name: &str, unique: bool, columns: &[&str]) -> Index {
    let term = |name: &&str| IndexTerm {
        on: IndexOn::Column((*name).to_owned()),
        descending: false,
        collation: "BINARY".to_owned(),
    };
    Index {
        name: name.to_owned(),
        unique,
        terms: columns.iter().map(term).collect(),
        predicate: None,
        sql: format!("CREATE INDEX {name} …"),
    }
}

pub(in crate::mapping) fn foreign_key(
    columns: &[&str],
    parent: &str,
    parent_columns: &[&str],
) -> ForeignKey {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    ForeignKey {
        name: None,
        columns: names(columns),
        parent: parent.to_owned(),
        parent_columns: names(parent_columns),
        on_delete: Action::NoAction,
        on_update: Action::NoAction,
        deferrable: Deferrable::No,
    }
}

/// What an offline check found.
pub(in crate::mapping) fn broken(
    table: usize,
    constraint: Constraint,
    violations: u64,
) -> KeyEvidence {
    KeyEvidence {
        table,
        constraint,
        unchecked: None,
        violations,
        samples: vec!["id=7".to_owned()],
    }
}

/// The evidence of one column as an export gathers it; row n has the key `row n`.
pub(in crate::mapping) fn observe(values: &[OwnedValue]) -> ColumnEvidence {
    let mut table = table("t", vec![column("c", "")]);
    table.rowid = Rowid::None;
    let mut profile = TableProfile::new(&table);
    for (number, value) in (1..).zip(values) {
        profile.observe(&[value.as_value()], number);
    }
    let mut evidence = profile.finish().columns.remove(0);
    let plain = |row: &mut RowRef| row.key = format!("row {}", row.number);
    for form in &mut evidence.forms {
        plain(&mut form.first);
        form.first_other.as_mut().map(plain);
    }
    evidence
}

/// A database: tables, each with the values of its columns (missing ones have none).
#[derive(Default)]
pub(in crate::mapping) struct Database {
    pub(in crate::mapping) schema: Schema,
    pub(in crate::mapping) evidence: Vec<TableEvidence>,
    pub(in crate::mapping) keys: Vec<KeyEvidence>,
}

impl Database {
    pub(in crate::mapping) fn table(&mut self, table: Table, values: &[&[OwnedValue]]) {
        let stored = table.stored_columns().count();
        let columns = (0..stored).map(|at| observe(values.get(at).copied().unwrap_or_default()));
        self.evidence.push(TableEvidence {
            rows: values.first().map_or(0, |values| values.len() as u64),
            columns: columns.collect(),
        });
        self.schema.tables.push(table);
    }

    pub(in crate::mapping) fn plan(&self) -> Plan {
        self.plan_with(NameRule::Keep)
    }

    pub(in crate::mapping) fn plan_with(&self, names: NameRule) -> Plan {
        let request = Request {
            target_schema: "public".to_owned(),
            server_version: 150_000,
            names,
            mapping: None,
            kept: crate::mapping::kept::Kept::new(),
        };
        plan(&self.schema, &self.evidence, &self.keys, &request)
    }
}

/// The plan of a database of one table.
pub(in crate::mapping) fn plan_of(table: Table, values: &[&[OwnedValue]]) -> Plan {
    let mut database = Database::default();
    database.table(table, values);
    database.plan()
}

impl Plan {
    pub(in crate::mapping) fn table(&self, name: &str) -> &TablePlan {
        let mut tables = self.tables.iter();
        tables.find(|table| table.name == name).unwrap()
    }

    /// The findings in one line each, without those that stand in every plan.
    pub(in crate::mapping) fn listed(&self) -> Vec<String> {
        let shown = |finding: &Finding| {
            let place = [&finding.place.table, &finding.place.column];
            let place: Vec<&str> = place.into_iter().flatten().map(String::as_str).collect();
            let samples = if finding.samples.is_empty() {
                String::new()
            } else {
                format!(" [{}]", finding.samples.join("; "))
            };
            format!(
                "{:?} {} {}: {}{samples}",
                finding.severity,
                finding.code.name(),
                place.join("."),
                finding.message
            )
        };
        let always = |finding: &&Finding| {
            let message = &finding.message;
            !message.contains(" made COLLATE \"C\"")
                && !message.starts_with("the rowid is left out")
        };
        self.findings.iter().filter(always).map(shown).collect()
    }
}

impl TablePlan {
    pub(in crate::mapping) fn column(&self, name: &str) -> &ColumnPlan {
        let mut columns = self.columns.iter();
        columns.find(|column| column.name == name).unwrap()
    }
}
