//! Whether the tables that a run has brought are as it has left them: as many rows, all of them
//! written by its own transactions, or before it.

use crate::engine::postgres::ledger::{Held, Ledger};
use crate::engine::postgres::name::qualified;
use crate::engine::postgres::session::Session;
use crate::engine::postgres::swap;
use crate::fault::{Code, Fault, Result};
use crate::report::{Finding, Severity};

/// How many rows a table has, and how many of them are not the run's.
fn counted(
    session: &mut Session,
    ledger: &Ledger,
    (run, schema): (&str, &str),
    held: &Held,
) -> Result<(i64, i64)> {
    let table = qualified(schema, &held.name)?;
    let rows = match &held.since {
        None => {
            let sql = format!(
                "SELECT count(*) AS rows, count(*) - count(own.xid) AS changed \
                 FROM ONLY {table} AS held LEFT JOIN \
                 (SELECT DISTINCT (xid::text::numeric % 4294967296)::bigint AS xid \
                  FROM ledger.steps WHERE run = $1 AND xid IS NOT NULL) AS own \
                 ON own.xid = held.xmin::text::bigint"
            );
            session.query(&ledger.sql(&sql), &[&run])?
        }
        // Transactions are told apart by the lower half of their numbers; `age` knows the order.
        Some(since) => {
            let sql = format!(
                "SELECT count(*) AS rows, count(*) FILTER (WHERE age(held.xmin) <= \
                 age((($1::text)::numeric % 4294967296)::text::xid)) AS changed \
                 FROM ONLY {table} AS held"
            );
            session.query(&sql, &[since])?
        }
    };
    let row = rows
        .first()
        .ok_or_else(|| Fault::new(Code::ServerError, "the server does not count rows"))?;
    Ok((row.get("rows"), row.get("changed")))
}

/// What has changed in a table since the run.
pub(super) fn of_table(
    session: &mut Session,
    ledger: &Ledger,
    place: (&str, &str),
    held: &Held,
) -> Result<Option<Finding>> {
    if swap::hides_rows(session, place.1, &held.name)? {
        let message = "whether it has changed since cannot be told: row security hides rows from this role; one with BYPASSRLS would see them".to_owned();
        return Ok(Some(changed_since(&held.name, message)));
    }
    // Without the locks of its indexes afterwards.
    let found = session.aside(|session| counted(session, ledger, place, held));
    let (rows, changed) = found.map_err(|fault| fault.in_table(&held.name))?;
    let message = match held.rows {
        Some(brought) => match counted_message(brought, (rows, changed)) {
            Some(message) => message,
            None => return Ok(None),
        },
        None => "whether it has changed since cannot be told: nothing was looked at when it was brought back".to_owned(),
    };
    Ok(Some(changed_since(&held.name, message)))
}

/// What there is to say where a run has brought so many rows, and there are `rows` now, of which `changed`
/// are not its own; nothing when nothing has changed.
pub(super) fn counted_message(brought: i64, (rows, changed): (i64, i64)) -> Option<String> {
    if brought == rows && changed == 0 {
        return None;
    }
    let gone = std::cmp::max(0, brought - (rows - changed));
    Some(format!(
        "changed since: of {brought} rows {gone} were changed or removed, and {changed} rows are new or changed"
    ))
}

/// A finding that needs consent.
pub(super) fn changed_since(table: &str, message: String) -> Finding {
    Finding::new(Code::TargetChanged, Severity::Error, message).in_table(table)
}
