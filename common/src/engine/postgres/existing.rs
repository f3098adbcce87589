//! Reads the tables that stand in a schema, for an import that fills them.
//!
//! Only reads. What follows from what is read, `mapping::fill` decides.

use std::collections::HashMap;

use tokio_postgres::Row;
use tokio_postgres::types::Oid;

use crate::engine::postgres::catalogue::READING;
use crate::engine::postgres::conninfo::ConnInfo;
use crate::engine::postgres::name;
use crate::engine::postgres::session::Session;
use crate::fault::{Code, Fault, Result};
use crate::mapping::existing::{
    Existing, ExistingColumn, ExistingForeignKey, ExistingKey, ExistingKeyColumn, ExistingTable,
    ExistingTrigger, Kind,
};

/// Added to every length and precision that PostgreSQL keeps of a type (`VARHDRSZ`).
const HEADER: i32 = 4;
/// Digits of a second's fraction that are kept where none are said.
const MICROSECONDS: u32 = 6;

/// The tables of `schema`, as the role of `conninfo` sees them.
pub fn read(conninfo: &ConnInfo, schema: &str) -> Result<Existing> {
    let mut session = Session::connect(conninfo)?;
    session.execute(READING)?;
    let existing = tables(&mut session, schema);
    let location = conninfo.location();
    let existing = existing.map_err(|fault| fault.at(location))?;
    session.execute("COMMIT")?;
    Ok(existing)
}

/// The same, in a transaction of the caller's whose `search_path` is `pg_catalog`.
pub(super) fn tables(session: &mut Session, schema: &str) -> Result<Existing> {
    let rows = session.query(include_str!("queries/target_schema.sql"), &[&schema])?;
    let Some(home) = rows.first().map(|row| row.get::<_, Oid>("oid")) else {
        let what = "the target schema does not exist";
        let fault = Fault::new(Code::TargetSchemaMissing, what).in_table(schema);
        return Err(fault.hint(format!("CREATE SCHEMA {}", name::identifier(schema)?)));
    };
    let role = session.query(
        "SELECT current_user::text AS role, current_setting('session_replication_role') = 'replica' AS replica",
        &[],
    )?;
    let role = role.first();
    let rows = session.query(include_str!("queries/existing_tables.sql"), &[&home])?;
    let oids: Vec<Oid> = rows.iter().map(|row| row.get("oid")).collect();
    let mut places = HashMap::with_capacity(oids.len());
    let mut tables = Vec::with_capacity(oids.len());
    for (row, oid) in rows.iter().zip(&oids) {
        places.insert(*oid, tables.len());
        let mut table = table(row);
        if table.unsuited.is_none() && row.get("may_select") && !table.row_security {
            table.has_rows = Some(has_rows(session, schema, &table)?);
        }
        tables.push(table);
    }
    for row in session.query(include_str!("queries/existing_columns.sql"), &[&oids])? {
        if let Some(place) = places.get(&row.get::<_, Oid>("relation")) {
            tables[*place].columns.push(column(&row));
        }
    }
    for row in session.query(include_str!("queries/existing_guards.sql"), &[&oids])? {
        if let Some(place) = places.get(&row.get::<_, Oid>("relation")) {
            guard(&mut tables[*place], &row);
        }
    }
    for row in session.query(include_str!("queries/existing_keys.sql"), &[&oids])? {
        if let Some(place) = places.get(&row.get::<_, Oid>("relation")) {
            key(&mut tables[*place].keys, &row);
        }
    }
    Ok(Existing {
        schema: schema.to_owned(),
        role: role.map(|row| row.get("role")).unwrap_or_default(),
        replica: role.is_some_and(|row| row.get("replica")),
        tables,
    })
}

fn table(row: &Row) -> ExistingTable {
    let kind: &str = row.get("kind");
    let rights = [
        ("may_select", "SELECT"),
        ("may_insert", "INSERT"),
        ("may_lock", "TRUNCATE"),
    ];
    let missing = rights
        .into_iter()
        .filter(|(may, _)| !row.get::<_, bool>(*may));
    ExistingTable {
        name: row.get("name"),
        unsuited: match kind {
            "v" => Some("view"),
            "m" => Some("materialized view"),
            "f" => Some("foreign table"),
            _ if row.get("elsewhere") => Some("table with partitions on another server"),
            _ => None,
        },
        partitioned: kind == "p",
        row_security: row.get("row_security"),
        owned: row.get("owned"),
        may_update: row.get("may_update"),
        rights_missing: missing.map(|(_, right)| right).collect(),
        ..ExistingTable::default()
    }
}

fn has_rows(session: &mut Session, schema: &str, table: &ExistingTable) -> Result<bool> {
    let only = if table.partitioned { "" } else { "ONLY " };
    let name = name::qualified(schema, &table.name)?;
    let rows = session.query(
        &format!("SELECT EXISTS (SELECT FROM {only}{name}) AS has"),
        &[],
    );
    let rows = rows.map_err(|fault| fault.in_table(&table.name))?;
    Ok(rows.first().is_some_and(|row| row.get("has")))
}

fn guard(table: &mut ExistingTable, row: &Row) {
    let name: String = row.get("name");
    match row.get("kind") {
        "rule" => table.rules.push(name),
        "foreign key" => table.foreign_keys.push(ExistingForeignKey {
            name,
            parent: (row.get("home"), row.get("parent")),
            deferrable: row.get("deferrable"),
        }),
        "update rule" => table.update_rules.push(name),
        kind => {
            let triggers = if kind.ends_with("update trigger") {
                &mut table.update_triggers
            } else {
                &mut table.triggers
            };
            triggers.push(ExistingTrigger {
                name,
                changes_rows: kind.starts_with("changing"),
            });
        }
    }
}

/// Puts a column of a key to the others of the key, which stand before it.
fn key(keys: &mut Vec<ExistingKey>, row: &Row) {
    let name: &str = row.get("name");
    if keys.last().is_none_or(|last| last.name != name) {
        keys.push(ExistingKey {
            name: name.to_owned(),
            primary: row.get("is_primary"),
            columns: Vec::new(),
            unsuited: None,
            nulls_are_equal: row.get("nulls_are_equal"),
        });
    }
    let Some(key) = keys.last_mut() else { return };
    let unsuited: Option<&str> = row.get("unsuited");
    key.unsuited = key.unsuited.or(unsuited.map(|word| match word {
        "deferrable" => "deferrable",
        "partial" => "partial",
        "on expressions" => "on expressions",
        _ => "with an equality of its own",
    }));
    let column: Option<String> = row.get("column_name");
    if let (Some(name), Some(operators)) = (column, row.get("operators")) {
        key.columns.push(ExistingKeyColumn {
            name,
            operators,
            collation: collation(row),
        });
    }
}

/// Schema and name of a collation, where there is one.
fn collation(row: &Row) -> Option<(String, String)> {
    let schema: Option<String> = row.get("collation_schema");
    schema.zip(row.get("collation_name"))
}

fn column(row: &Row) -> ExistingColumn {
    let labels: Option<Vec<String>> = row.get("labels");
    let base: &str = row.get("base_name");
    let kind = match labels {
        Some(labels) => Kind::Enum(labels),
        None if row.get("built_in") => kind(base, row.get("modifier")),
        // Text, but for how it compares.
        None if base == "citext" => Kind::Text(None),
        None => Kind::Other,
    };
    ExistingColumn {
        name: row.get("name"),
        type_name: row.get("type_name"),
        cast_name: row.get("cast_name"),
        of_domain: row.get("of_domain"),
        kind,
        not_null: row.get("not_null"),
        has_default: row.get("has_default"),
        identity_always: row.get("identity_always"),
        generated: row.get("generated"),
        collation: collation(row),
    }
}

/// The kind of a type of `pg_catalog`, by its name and the modifier of the column.
fn kind(name: &str, modifier: i32) -> Kind {
    let length = || u32::try_from(modifier - HEADER).ok();
    let fraction = || u32::try_from(modifier).unwrap_or(MICROSECONDS);
    match name {
        "int2" => Kind::Integer(16),
        "int4" => Kind::Integer(32),
        "int8" => Kind::Integer(64),
        "float4" => Kind::Real,
        "float8" => Kind::Double,
        "numeric" => Kind::Numeric(numeric(modifier)),
        "text" => Kind::Text(None),
        "varchar" => Kind::Text(length()),
        "bpchar" => Kind::Char(length().unwrap_or(u32::MAX)),
        "bool" => Kind::Boolean,
        "uuid" => Kind::Uuid,
        "date" => Kind::Date,
        "time" => Kind::Time(fraction()),
        "timestamp" => Kind::Timestamp(fraction()),
        "timestamptz" => Kind::Timestamptz(fraction()),
        "json" => Kind::Json,
        "jsonb" => Kind::Jsonb,
        "bytea" => Kind::Bytea,
        "inet" => Kind::Inet,
        _ => Kind::Other,
    }
}

/// Precision and scale; the scale is a signed number of eleven bits (`make_numeric_typmod`).
fn numeric(modifier: i32) -> Option<(u32, i32)> {
    if modifier < HEADER {
        return None;
    }
    let modifier = modifier - HEADER;
    let precision = u32::try_from((modifier >> 16) & 0xffff).ok()?;
    Some((precision, ((modifier & 0x7ff) ^ 1024) - 1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modifiers_are_read_as_postgresql_writes_them() {
        assert_eq!(
            kind("numeric", ((10 << 16) | 2) + 4),
            Kind::Numeric(Some((10, 2)))
        );
        assert_eq!(
            kind("numeric", ((2 << 16) | 0x7fd) + 4),
            Kind::Numeric(Some((2, -3)))
        );
        assert_eq!(kind("numeric", -1), Kind::Numeric(None));
        assert_eq!(kind("varchar", 259), Kind::Text(Some(255)));
        assert_eq!(kind("varchar", -1), Kind::Text(None));
        assert_eq!(kind("bpchar", 6), Kind::Char(2));
        assert_eq!(kind("timestamptz", -1), Kind::Timestamptz(6));
        assert_eq!(kind("timestamp", 0), Kind::Timestamp(0));
        assert_eq!(kind("interval", -1), Kind::Other);
    }
}
