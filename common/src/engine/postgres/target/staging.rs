//! The staging schema: made and removed.
//!
//! Small transactions throughout, because locks are held until the end of one and their table on
//! the server is of fixed size.

use tokio_postgres::Row;

use crate::engine::postgres::ledger::{Ledger, Steps};
use crate::engine::postgres::name::{identifier, qualified};
use crate::engine::postgres::session::Session;
use crate::fault::{Code, Fault, Result};
use crate::report::{Finding, Severity};

use super::disguise;
use super::entry::is_over;
use super::operator;
use super::run::{
    Job, application_prefix, comment, mark, staging_name, staging_prefix, transaction,
};
use super::sql::create_enum;

/// What a run has made in a schema that is not its own.
const LODGED: &str = include_str!("../queries/lodged.sql");
/// Tables made or dropped in one transaction.
const BATCH: usize = 200;

/// Makes the staging schema and its tables, columns only.
pub(super) fn create(session: &mut Session, begin: &str, job: &Job<'_>) -> Result<()> {
    if job.has_own_staging() {
        transaction(session, begin, |session| {
            session.execute(&format!("CREATE SCHEMA {}", identifier(&job.staging)?))?;
            session.execute(&comment(job)?)
        })?;
    }
    for planned in &job.plan.enums {
        let made = create_enum(&job.staging, planned);
        let made =
            made.and_then(|sql| transaction(session, begin, |session| session.execute(&sql)));
        made.map_err(|fault| fault.in_table(&planned.name))?;
    }
    let tables: Vec<_> = (0..job.plan.tables.len()).collect();
    for batch in tables.chunks(BATCH) {
        transaction(session, begin, |session| {
            batch
                .iter()
                .try_for_each(|table| create_table(session, job, *table))
        })?;
    }
    Ok(())
}

/// Gives staged columns the collations of columns that they will replace, so that views can follow and
/// applications find the order that they know.
pub(super) fn keep_collations(session: &mut Session, begin: &str, job: &Job<'_>) -> Result<()> {
    let query = include_str!("../queries/kept_collations.sql");
    // What the mapping file asks for, counts more.
    let (mut tables, mut columns) = (Vec::new(), Vec::new());
    for table in &job.plan.tables {
        for column in table.columns.iter().filter(|one| one.collation.is_some()) {
            tables.push(table.name.as_str());
            columns.push(column.name.as_str());
        }
    }
    let rows = transaction(session, begin, |session| {
        session.query(
            query,
            &[&job.staging, &job.target_schema, &tables, &columns],
        )
    })?;
    for batch in rows.chunks(BATCH) {
        transaction(session, begin, |session| {
            batch.iter().try_for_each(|row| {
                let done = session.execute(row.get("sql"));
                done.map_err(|fault| {
                    let (table, column): (&str, &str) = (row.get("name"), row.get("column"));
                    fault.in_table(table).in_column(column)
                })
            })
        })?;
    }
    Ok(())
}

fn create_table(session: &mut Session, job: &Job<'_>, table: usize) -> Result<()> {
    let (planned, _) = job.table(table)?;
    let sql = job.statements(table).create(&job.names.sequences[table]);
    let made = sql.and_then(|sql| session.execute(&sql));
    let made = made.and_then(|()| operator::complete(session, job, table));
    made.map_err(|fault| fault.in_table(&planned.name))
}

/// Removes what other runs into the same target schema have left, and says so. None of them goes on:
/// only one run into a schema is open, and that is ours; where it is not any more, nothing is removed.
pub(super) fn remove_leftovers(
    session: &mut Session,
    begin: &str,
    job: &Job<'_>,
    steps: &Steps,
) -> Result<Vec<Finding>> {
    let target_schema = &job.target_schema;
    let prefix = staging_prefix(target_schema);
    let rows = transaction(session, begin, |session| {
        let rows = session.query(include_str!("../queries/leftovers.sql"), &[&prefix])?;
        // Looked at afterwards: no schema in the list belongs to a run that was begun in place of ours.
        let is_over = is_over(&steps.pulse(session)?)?;
        Ok(if is_over { Vec::new() } else { rows })
    })?;
    let mut findings = Vec::new();
    for row in &rows {
        let name: &str = row.get("name");
        let run = name.strip_prefix(&prefix).unwrap_or_default();
        let is_ours = row.get::<_, Option<&str>>("mark") == Some(&mark(target_schema, run)?);
        if run == job.id || !is_ours {
            continue;
        }
        terminate(session, begin, run)?;
        drop_schema(session, begin, name)?;
        let message = "an earlier import had left this schema; it was removed";
        let finding = Finding::new(Code::StagingRemoved, Severity::Note, message);
        findings.push(finding.in_table(name));
    }
    Ok(findings)
}

/// The same for what they have left in schemas that were not their own.
pub(super) fn remove_lodgers(
    session: &mut Session,
    begin: &str,
    job: &Job<'_>,
    ledger: &Ledger,
) -> Result<Vec<Finding>> {
    let failed = transaction(session, begin, |session| {
        ledger.failed(session, &job.target_schema)
    })?;
    let mut findings = Vec::new();
    let own = staging_prefix(&job.target_schema);
    for (run, schema) in failed {
        let prefix = disguise::prefix(&job.target_schema, &run);
        let is_own = schema.strip_prefix(&own) == Some(run.as_str());
        if is_own || lodgers(session, begin, &schema, &prefix)?.is_empty() {
            continue;
        }
        terminate(session, begin, &run)?;
        clear(session, begin, &schema, &prefix)?;
        let message = "an earlier import had left its tables in this schema; they were removed";
        let finding = Finding::new(Code::StagingRemoved, Severity::Note, message);
        findings.push(finding.in_table(schema));
    }
    Ok(findings)
}

/// Ends the connections of a run and drops what it has staged.
pub(super) fn remove(session: &mut Session, begin: &str, job: &Job<'_>) -> Result<()> {
    terminate(session, begin, &job.id)?;
    drop_staged(session, begin, job)
}

/// Drops all that is staged.
pub(super) fn drop_staged(session: &mut Session, begin: &str, job: &Job<'_>) -> Result<()> {
    if job.has_own_staging() {
        return drop_schema(session, begin, &job.staging);
    }
    let prefix = disguise::prefix(&job.target_schema, &job.id);
    clear(session, begin, &job.staging, &prefix)
}

/// The same within the transaction that is open.
pub(super) fn drop_at_once(session: &mut Session, job: &Job<'_>) -> Result<()> {
    let staging = identifier(&job.staging)?;
    let Some(disguise) = &job.disguise else {
        return session.execute(&format!("DROP SCHEMA {staging} CASCADE"));
    };
    let rows = session.query(LODGED, &[&job.staging, &disguise.prefix()])?;
    let drops = rows.iter().map(|row| drop_lodger(&job.staging, row));
    let drops = drops.collect::<Result<Vec<_>>>()?;
    drops.iter().try_for_each(|sql| session.execute(sql))
}

fn drop_lodger(schema: &str, row: &Row) -> Result<String> {
    let (kind, name) = (
        row.get::<_, &str>("kind"),
        qualified(schema, row.get("name"))?,
    );
    Ok(format!("DROP {kind} IF EXISTS {name} CASCADE"))
}

fn lodgers(session: &mut Session, begin: &str, schema: &str, prefix: &str) -> Result<Vec<Row>> {
    transaction(session, begin, |session| {
        session.query(LODGED, &[&schema, &prefix])
    })
}

/// Drops what a run has made in a schema that is not its own.
fn clear(session: &mut Session, begin: &str, schema: &str, prefix: &str) -> Result<()> {
    let rows = lodgers(session, begin, schema, prefix)?;
    for batch in rows.chunks(BATCH) {
        transaction(session, begin, |session| {
            batch
                .iter()
                .try_for_each(|row| session.execute(&drop_lodger(schema, row)?))
        })?;
    }
    Ok(())
}

/// The same for a run that is known only by what the ledger says of it.
pub(in super::super) fn abandoned(
    session: &mut Session,
    begin: &str,
    (target_schema, run): (&str, &str),
    schema: &str,
) -> Result<()> {
    terminate(session, begin, run)?;
    if schema == staging_name(target_schema, run) {
        return drop_schema(session, begin, schema);
    }
    // It is not the run's own: only what the run has made there is dropped.
    clear(
        session,
        begin,
        schema,
        &disguise::prefix(target_schema, run),
    )
}

/// Ends the connections of a run: one whose client hangs answers to nothing less.
fn terminate(session: &mut Session, begin: &str, run: &str) -> Result<()> {
    let application = application_prefix(run);
    transaction(session, begin, |session| {
        let query = include_str!("../queries/terminate.sql");
        session.query(query, &[&application]).map(drop)
    })
}

/// Drops a staging schema with all that is in it.
pub(in super::super) fn drop_schema(session: &mut Session, begin: &str, name: &str) -> Result<()> {
    let mut before = usize::MAX;
    loop {
        let rows = transaction(session, begin, |session| {
            session.query(include_str!("../queries/staged_tables.sql"), &[&name])
        })?;
        if rows.is_empty() {
            break;
        }
        if rows.len() >= before {
            let what = "the tables of a staging schema cannot be dropped";
            return Err(Fault::new(Code::ServerError, what).in_table(name));
        }
        before = rows.len();
        let batch = rows.iter().take(BATCH);
        let tables = batch.map(|row| qualified(name, row.get("name")));
        let tables = tables.collect::<Result<Vec<_>>>()?.join(", ");
        transaction(session, begin, |session| {
            session.execute(&format!("DROP TABLE IF EXISTS {tables} CASCADE"))
        })?;
    }
    let schema = identifier(name)?;
    transaction(session, begin, |session| {
        session.execute(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE"))
    })
}
