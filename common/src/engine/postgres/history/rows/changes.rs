//! Whether rows are as the run has left them.

use super::Table;
use crate::engine::postgres::history::changes::{changed_since, counted_message};
use crate::engine::postgres::images;
use crate::engine::postgres::ledger::Ledger;
use crate::engine::postgres::name::{identifier, literal};
use crate::engine::postgres::session::Session;
use crate::fault::{Code, Fault, Result};
use crate::report::{Finding, SAMPLES};

/// Everything that has changed in these tables since the run that the ledger names.
pub(super) fn all(
    session: &mut Session,
    (ledger, run): (&Ledger, &str),
    tables: &[Table],
) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    for table in tables {
        let changes = match &table.key {
            Some(_) if table.written.kept == 0 => Ok(Vec::new()),
            Some(_) => keyed(session, (ledger, run), table),
            None => whole(session, (ledger, run), table),
        };
        found.extend(changes.map_err(|fault| fault.in_table(&table.written.name))?);
        found.extend(backup(session, (ledger, run), table)?);
    }
    Ok(found)
}

/// The transactions that have written for the run.
const OWN: &str = "(SELECT DISTINCT (xid::text::numeric % 4294967296)::bigint AS xid \
     FROM ledger.steps WHERE run = $1 AND kind = 'switch' AND xid IS NOT NULL)";

/// Rows that were written, by their images.
fn keyed(
    session: &mut Session,
    (ledger, run): (&Ledger, &str),
    table: &Table,
) -> Result<Vec<Finding>> {
    let removed = format!(
        "i.{} = {}",
        identifier(&table.action)?,
        literal(images::REMOVED)?
    );
    // A row of the table always has a transaction; one that is not found has none.
    let sql = format!(
        "SELECT waybill_row, what, count(*) OVER (PARTITION BY what) AS all_rows, \
                row_number() OVER (PARTITION BY what ORDER BY waybill_row) AS number \
         FROM (SELECT {} AS waybill_row, \
               CASE WHEN {removed} THEN CASE WHEN t.xmin IS NOT NULL THEN 'come' END \
                    WHEN t.xmin IS NULL THEN 'gone' \
                    WHEN own.xid IS NULL THEN 'changed' END AS what \
               FROM {} AS i LEFT JOIN {} AS t ON {} \
               LEFT JOIN {OWN} AS own ON own.xid = t.xmin::text::bigint) AS judged \
         WHERE what IS NOT NULL",
        table.label()?,
        table.images()?,
        table.only_target()?,
        table.matches("t")?
    );
    let sql =
        format!("SELECT * FROM ({sql}) AS found WHERE number <= {SAMPLES} ORDER BY what, number");
    let rows = session.query(&ledger.sql(&sql), &[&run])?;
    let mut findings = Vec::new();
    for (what, message) in [
        (
            "changed",
            "rows that the run has written were changed since",
        ),
        ("gone", "rows that the run has written are gone since"),
        (
            "come",
            "rows with the keys of those that come back are new since",
        ),
    ] {
        let mut all: i64 = 0;
        let mut samples = Vec::new();
        for row in rows.iter().filter(|row| row.get::<_, &str>("what") == what) {
            all = row.get("all_rows");
            samples.push(row.get("waybill_row"));
        }
        if all > 0 {
            let finding = changed_since(&table.written.name, message.to_owned());
            findings.push(finding.counted(u64::try_from(all).unwrap_or(0), samples));
        }
    }
    Ok(findings)
}

/// All rows of a table.
fn whole(
    session: &mut Session,
    (ledger, run): (&Ledger, &str),
    table: &Table,
) -> Result<Vec<Finding>> {
    let sql = format!(
        "SELECT count(*) AS rows, count(*) - count(own.xid) AS changed \
         FROM {} AS held LEFT JOIN {OWN} AS own ON own.xid = held.xmin::text::bigint",
        table.only_target()?
    );
    let rows = session.query(&ledger.sql(&sql), &[&run])?;
    let row = rows
        .first()
        .ok_or_else(|| Fault::new(Code::ServerError, "the server does not count rows"))?;
    let found = (row.get("rows"), row.get("changed"));
    let message = counted_message(table.written.rows.unwrap_or(0), found);
    let finding = message.map(|message| changed_since(&table.written.name, message));
    Ok(finding.into_iter().collect())
}

/// The images must be those that were kept.
fn backup(
    session: &mut Session,
    (ledger, run): (&Ledger, &str),
    table: &Table,
) -> Result<Option<Finding>> {
    if table.written.kept == 0 {
        return Ok(None);
    }
    let sql = format!(
        "SELECT count(*) AS rows, count(*) - count(own.xid) AS changed \
         FROM {} AS i LEFT JOIN {OWN} AS own ON own.xid = i.xmin::text::bigint",
        table.images()?
    );
    let rows = session.query(&ledger.sql(&sql), &[&run])?;
    let (rows, changed): (i64, i64) = rows
        .first()
        .map_or((0, 0), |row| (row.get("rows"), row.get("changed")));
    let kept = table.written.kept;
    let message = if rows != kept {
        format!("its backup was changed: it has {rows} rows, and {kept} were put there")
    } else if changed > 0 {
        format!("its backup was changed: {changed} of its rows are not those that were put there")
    } else {
        return Ok(None);
    };
    Ok(Some(changed_since(&table.written.name, message)))
}
