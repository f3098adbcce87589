//! The statements about what the operator adds. Pure: plan in, SQL out.

use crate::engine::postgres::name::{identifier, literal, qualified};
use crate::engine::postgres::target::run::Job;
use crate::engine::postgres::target::sql::Statements;
use crate::fault::Result;
use crate::mapping::operator::{AddedIndex, AddedStatistics, IndexedBy, OperatorSql, UpdatedAt};
use crate::mapping::plan::{DefaultPlan, PgType};

/// A statement with the operator's words in it, and what it does, for the case that it fails.
pub(super) struct Statement {
    pub(super) sql: String,
    pub(super) doing: String,
    pub(super) column: Option<String>,
}

/// What completes a staged table that has its columns.
pub(super) fn completing(table: &Statements<'_>) -> Result<Vec<Statement>> {
    let mut statements = Vec::new();
    let name = table.name()?;
    for column in &table.table.columns {
        let quoted = identifier(&column.name)?;
        let mut add = |sql, doing: String| {
            statements.push(Statement {
                sql: format!("ALTER TABLE {name} ALTER COLUMN {quoted} {sql}"),
                doing,
                column: Some(column.name.clone()),
            });
        };
        if let Some(collation) = &column.collation {
            let target = table.type_name(column.target)?;
            let sql = format!("TYPE {target} COLLATE {}", identifier(collation)?);
            add(sql, format!("cannot use the collation `{collation}`"));
        }
        if let Some(DefaultPlan::Operator(OperatorSql(sql))) = &column.default {
            let doing = "cannot set the default of the mapping file".to_owned();
            add(format!("SET DEFAULT {sql}"), doing);
        }
    }
    let added = &table.table.added;
    if let Some(trigger) = &added.updated_at {
        for sql in touching(table, trigger)? {
            statements.push(Statement {
                sql,
                doing: format!("cannot create the trigger `{}`", trigger.name),
                column: None,
            });
        }
    }
    for one in &added.statistics {
        statements.push(Statement {
            sql: statistics(table, one)?,
            doing: format!("cannot create the statistics `{}`", one.name),
            column: None,
        });
    }
    Ok(statements)
}

/// Function and trigger that set a column when a row is changed.
fn touching(table: &Statements<'_>, trigger: &UpdatedAt) -> Result<[String; 2]> {
    let function = qualified(table.schema, &trigger.name)?;
    let column = identifier(&trigger.column)?;
    let columns = &mut table.table.columns.iter();
    let target = columns.find(|planned| planned.name == trigger.column);
    let now = match target.map(|planned| planned.target) {
        Some(PgType::Timestamp) => "pg_catalog.now() AT TIME ZONE 'UTC'",
        Some(PgType::Date) => "(pg_catalog.now() AT TIME ZONE 'UTC')::pg_catalog.date",
        _ => "pg_catalog.now()",
    };
    let (name, on) = (identifier(&trigger.name)?, table.name()?);
    // A string, not a dollar quote: a column's name may hold any tag.
    let body = format!("BEGIN NEW.{column} := {now}; RETURN NEW; END");
    let body = literal(&body)?;
    Ok([
        format!("CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS {body}"),
        format!(
            "CREATE TRIGGER {name} BEFORE UPDATE ON {on} FOR EACH ROW EXECUTE FUNCTION {function}()"
        ),
    ])
}

fn statistics(table: &Statements<'_>, one: &AddedStatistics) -> Result<String> {
    let name = qualified(table.schema, &one.name)?;
    let kinds: Vec<&str> = one.kinds.iter().map(|kind| kind.name()).collect();
    let kinds = match kinds.as_slice() {
        [] => String::new(),
        kinds => format!(" ({})", kinds.join(", ")),
    };
    let columns = identifiers(&one.columns)?;
    let on = table.name()?;
    Ok(format!(
        "CREATE STATISTICS {name}{kinds} ON {columns} FROM {on}"
    ))
}

/// Makes the statistics again that have gone with computed columns of the table, as far as `table`
/// still has them.
pub(in crate::engine::postgres::target) fn statistics_again(
    before: &Statements<'_>,
    table: &Statements<'_>,
) -> Result<Vec<String>> {
    let is_computed = |name: &String| before.table.computed().any(|column| column.name == *name);
    let mut sql = Vec::new();
    for one in &before.table.added.statistics {
        if one.columns.iter().any(is_computed) {
            let name = qualified(table.schema, &one.name)?;
            sql.push(format!("DROP STATISTICS IF EXISTS {name}"));
            if table.table.added.statistics.contains(one) {
                sql.push(statistics(table, one)?);
            }
        }
    }
    Ok(sql)
}

fn identifiers(names: &[String]) -> Result<String> {
    let names = names.iter().map(|name| identifier(name));
    Ok(names.collect::<Result<Vec<_>>>()?.join(", "))
}

/// CREATE INDEX, as the operator says.
pub(in crate::engine::postgres::target) fn create_index(
    table: &Statements<'_>,
    index: &AddedIndex,
) -> Result<String> {
    let unique = if index.unique { "UNIQUE " } else { "" };
    let method = match &index.method {
        Some(method) => format!(" USING {}", identifier(method)?),
        None => String::new(),
    };
    let on = match &index.on {
        IndexedBy::Sql(OperatorSql(sql)) => sql.clone(),
        IndexedBy::Columns(columns, None) => identifiers(columns)?,
        IndexedBy::Columns(columns, Some(OperatorSql(opclass))) => {
            let columns = columns.iter().map(|column| identifier(column));
            let columns = columns.map(|column| Ok(format!("{} {opclass}", column?)));
            columns.collect::<Result<Vec<_>>>()?.join(", ")
        }
    };
    let predicate = match &index.predicate {
        Some(OperatorSql(sql)) => format!(" WHERE {sql}"),
        None => String::new(),
    };
    let (name, table) = (identifier(&index.name)?, table.name()?);
    Ok(format!(
        "CREATE {unique}INDEX {name} ON {table}{method} ({on}){predicate}"
    ))
}

/// Stores the rows in order, by an index that is there only meanwhile; nothing without an order.
pub(in crate::engine::postgres::target) fn cluster(table: &Statements<'_>) -> Result<Vec<String>> {
    let columns = &table.table.added.order_by;
    if columns.is_empty() {
        return Ok(Vec::new());
    }
    let (on, columns) = (table.name()?, identifiers(columns)?);
    // The number tells the indexes of two tables apart that are put in order at the same time.
    let index = format!("waybill order by {}", table.table.source);
    let (own, name) = (qualified(table.schema, &index)?, identifier(&index)?);
    Ok(vec![
        format!("CREATE INDEX {name} ON {on} ({columns})"),
        format!("CLUSTER {on} USING {name}"),
        format!("DROP INDEX {own}"),
    ])
}

/// Moves functions and statistics from the staging schema to the target.
pub(super) fn moves(job: &Job<'_>) -> Result<Vec<String>> {
    if job.staging == job.target_schema {
        return Ok(Vec::new());
    }
    let target = identifier(&job.target_schema)?;
    let moved = objects(job, &job.staging)?;
    Ok(moved
        .into_iter()
        .map(|object| format!("ALTER {object} SET SCHEMA {target}"))
        .collect())
}

/// Functions and statistics, as ALTER names them.
fn objects(job: &Job<'_>, schema: &str) -> Result<Vec<String>> {
    let mut objects = Vec::new();
    for added in job.plan.tables.iter().map(|table| &table.added) {
        if let Some(trigger) = &added.updated_at {
            objects.push(format!("FUNCTION {}()", qualified(schema, &trigger.name)?));
        }
        for one in &added.statistics {
            objects.push(format!("STATISTICS {}", qualified(schema, &one.name)?));
        }
    }
    Ok(objects)
}

/// Makes the operator's role the owner of all that has been moved.
pub(super) fn owners(job: &Job<'_>) -> Result<Vec<String>> {
    let Some(owner) = &job.plan.operator.owner else {
        return Ok(Vec::new());
    };
    let owner = identifier(owner)?;
    let mut objects = objects(job, &job.target_schema)?;
    for planned in &job.plan.enums {
        let name = qualified(&job.target_schema, &planned.name)?;
        objects.push(format!("TYPE {name}"));
    }
    for table in &job.plan.tables {
        objects.push(format!(
            "TABLE {}",
            qualified(&job.target_schema, &table.name)?
        ));
    }
    let give = |object| format!("ALTER {object} OWNER TO {owner}");
    Ok(objects.into_iter().map(give).collect())
}

/// The rights that the mapping file gives. Identity columns need none on their sequences.
pub(super) fn grants(job: &Job<'_>) -> Result<Vec<String>> {
    let mut statements = Vec::new();
    for grant in &job.plan.operator.grants {
        let tables = grant.tables.iter();
        let tables = tables.filter_map(|table| job.plan.tables.get(*table));
        let tables = tables.map(|table| qualified(&job.target_schema, &table.name));
        let tables = tables.collect::<Result<Vec<_>>>()?.join(", ");
        let roles = grant.to.iter().map(|role| match role.as_str() {
            "public" => Ok("PUBLIC".to_owned()),
            role => identifier(role),
        });
        let roles = roles.collect::<Result<Vec<_>>>()?.join(", ");
        let privileges = grant.privileges.join(", ");
        if !tables.is_empty() && !roles.is_empty() && !privileges.is_empty() {
            statements.push(format!("GRANT {privileges} ON {tables} TO {roles}"));
        }
    }
    Ok(statements)
}
