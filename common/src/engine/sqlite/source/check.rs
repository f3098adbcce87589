//! Asks SQLite whether the file's pages belong together, before the first row is believed.

use crate::engine::sqlite::failure::fault;
use crate::engine::sqlite::interrupt::while_watched;
use crate::engine::sqlite::name;
use crate::engine::sqlite::source::prepare;
use crate::fault::{Code, Fault, Result};
use crate::model::schema::{Schema, Table, TableKind};
use crate::progress::{Extent, Watch};
use crate::report::{Finding, SAMPLES, Severity};
use rusqlite::{Connection, ErrorCode};

/// Messages taken at the most; those about values come last and may be many.
const MESSAGES: usize = 10_000;

/// Runs `PRAGMA quick_check`; damage is an error finding, because what can be read is worth having.
pub(super) fn pages(
    connection: &Connection,
    schema: &Schema,
    watch: &dyn Watch,
) -> Result<Vec<Finding>> {
    watch.phase("checking", Extent::default());
    let (messages, mut findings) = while_watched(connection, watch, || collect(connection))?;
    let damage: Vec<String> = messages
        .into_iter()
        .filter(|message| is_damage(message, schema))
        .collect();
    if !damage.is_empty() {
        let count = damage.len() as u64;
        let finding = Finding::new(
            Code::SourceDamaged,
            Severity::Error,
            "pages of the database contradict each other; rows may be missing or wrong",
        );
        let samples = damage.into_iter().take(SAMPLES).collect();
        findings.push(finding.on("database").counted(count, samples));
    }
    Ok(findings)
}

/// The messages about the database as a whole. A virtual table that cannot be connected makes
/// SQLite refuse that; then each table is asked about alone.
fn collect(connection: &Connection) -> Result<(Vec<String>, Vec<Finding>)> {
    let mut messages = Vec::new();
    let mut findings = Vec::new();
    if ask(connection, &MESSAGES.to_string(), &mut messages)?.is_none() {
        return Ok((messages, findings));
    }
    messages.clear();
    for table in stored_tables(connection)? {
        if let Some(error) = ask(connection, &name::quote(&table), &mut messages)? {
            let message = format!("pages could not be checked beforehand: {error}");
            findings.push(
                Finding::new(Code::SourceUnreadable, Severity::Warning, message).in_table(table),
            );
        }
    }
    Ok((messages, findings))
}

fn stored_tables(connection: &Connection) -> Result<Vec<String>> {
    let sql = "SELECT name FROM main.sqlite_schema WHERE type='table' AND rootpage > 0";
    let names = connection.prepare(sql).and_then(|mut statement| {
        let rows = statement.query_map([], |row| row.get(0))?;
        // A name that is not Unicode cannot be asked about; its table is left out already.
        Ok(rows.filter_map(rusqlite::Result::ok).collect())
    });
    names.map_err(|error| fault(error, "cannot check the database"))
}

/// Asks, and gives back the error of a check that could not be made.
fn ask(
    connection: &Connection,
    argument: &str,
    messages: &mut Vec<String>,
) -> Result<Option<rusqlite::Error>> {
    let Err(error) = quick_check(connection, argument, messages) else {
        return Ok(None);
    };
    match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => Err(Fault::interrupted()),
        Some(ErrorCode::DatabaseCorrupt) => {
            messages.push(error.to_string());
            Ok(None)
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::SystemIoFailure) => {
            Err(fault(error, "cannot check the database"))
        }
        _ => Ok(Some(error)),
    }
}

fn quick_check(
    connection: &Connection,
    argument: &str,
    messages: &mut Vec<String>,
) -> rusqlite::Result<()> {
    let mut statement = prepare(connection, &format!("PRAGMA main.quick_check({argument})"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let message: String = row.get(0)?;
        // Damage of the file as a whole comes as several lines under a heading.
        let lines = message.lines().map(str::trim);
        messages.extend(
            lines
                .filter(|line| !line.is_empty() && !line.starts_with("***") && *line != "ok")
                .map(str::to_owned),
        );
    }
    Ok(())
}

/// Whether a message is about pages; others are about values that are carried as they are.
fn is_damage(message: &str, schema: &Schema) -> bool {
    let about_values = message.starts_with("NULL value in ")
        || message.starts_with("NUMERIC value in ")
        || message.starts_with("TEXT value in ")
        || (message.starts_with("non-") && message.contains(" value in "));
    // The order is that of the application's collation, for which another stands in.
    let stood_in = message
        .split_once("not in PRIMARY KEY order for ")
        .is_some_and(|(_, table)| schema.table(table.trim()).is_some_and(own_collation));
    !about_values && !stood_in
}

fn own_collation(table: &Table) -> bool {
    table.kind == TableKind::WithoutRowid
        && table.primary_key.as_ref().is_some_and(|key| {
            key.columns
                .iter()
                .any(|column| !name::is_built_in(&column.collation))
        })
}
