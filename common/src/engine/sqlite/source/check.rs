//! Asks SQLite whether the file's pages belong together, before the first row is believed.

use crate::engine::sqlite::failure::fault;
use crate::engine::sqlite::source::prepare;
use crate::fault::{Code, Fault, Result};
use crate::model::schema::{Schema, Table, TableKind};
use crate::progress::{Extent, Watch};
use crate::report::{Finding, SAMPLES, Severity};
use rusqlite::{Connection, ErrorCode};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// Messages taken at the most; those about values come last and may be many.
const MESSAGES: usize = 10_000;

/// Time between two looks at whether to stop.
const LOOK: Duration = Duration::from_millis(100);

/// Runs `PRAGMA quick_check`; damage is an error finding, because what can be read is worth having.
pub(super) fn pages(
    connection: &Connection,
    schema: &Schema,
    watch: &dyn Watch,
) -> Result<Option<Finding>> {
    watch.phase("checking", Extent::default());
    if watch.stopped() {
        return Err(Fault::interrupted());
    }
    let messages = match interruptible(connection, watch, messages) {
        Ok(messages) => messages,
        Err(error) => match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => return Err(Fault::interrupted()),
            Some(ErrorCode::DatabaseCorrupt) => vec![error.to_string()],
            Some(ErrorCode::DatabaseBusy | ErrorCode::SystemIoFailure) => {
                return Err(fault(error, "cannot check the database"));
            }
            _ => return Ok(Some(unchecked(&error))),
        },
    };
    let damage: Vec<String> = messages
        .into_iter()
        .filter(|message| is_damage(message, schema))
        .collect();
    if damage.is_empty() {
        return Ok(None);
    }
    let count = damage.len() as u64;
    let finding = Finding::new(
        Code::SourceDamaged,
        Severity::Error,
        "pages of the database contradict each other; rows may be missing or wrong",
    );
    let samples = damage.into_iter().take(SAMPLES).collect();
    Ok(Some(finding.counted(count, samples)))
}

fn unchecked(error: &rusqlite::Error) -> Finding {
    Finding::new(
        Code::SourceUnreadable,
        Severity::Warning,
        format!("pages of the database could not be checked beforehand: {error}"),
    )
}

fn messages(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = prepare(connection, &format!("PRAGMA main.quick_check({MESSAGES})"))?;
    let mut rows = statement.query([])?;
    let mut messages = Vec::new();
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
    Ok(messages)
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
    let known = ["BINARY", "NOCASE", "RTRIM"];
    table.kind == TableKind::WithoutRowid
        && table.primary_key.as_ref().is_some_and(|key| {
            key.columns
                .iter()
                .any(|column| !known.contains(&column.collation.as_str()))
        })
}

/// Runs `job`, and interrupts it when the watch says so: one step may be a scan of the whole file.
fn interruptible<T>(
    connection: &Connection,
    watch: &dyn Watch,
    job: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let handle = connection.get_interrupt_handle();
    std::thread::scope(|scope| {
        let (done, waiting): (Sender<()>, _) = channel();
        scope.spawn(move || {
            while waiting.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                if watch.stopped() {
                    handle.interrupt();
                }
            }
        });
        let result = job(connection);
        drop(done);
        result
    })
}
