//! Locks for a switch, in short attempts: nobody is made to wait for long, nor to die of a deadlock.

use std::time::Duration;

use crate::engine::postgres::session::Session;
use crate::fault::{Code, Result};

/// How long one attempt lasts. Shorter than the second after which PostgreSQL looks for deadlocks.
const ATTEMPT: Duration = Duration::from_millis(400);
/// How long others go first after an attempt.
pub(in super::super) const PAUSE: Duration = Duration::from_millis(200);

/// Locks all these tables with one statement that takes no longer than an attempt, and lets no later
/// statement of the transaction wait longer for a lock.
pub(in super::super) fn attempt(
    session: &mut Session,
    tables: &[String],
    mode: &str,
) -> Result<()> {
    let limit = ATTEMPT.as_millis();
    let locked = if tables.is_empty() {
        String::new()
    } else {
        format!(
            "SET LOCAL statement_timeout = '{limit}ms'; LOCK TABLE {} IN {mode} MODE; \
             SET LOCAL statement_timeout = 0; ",
            tables.join(", ")
        )
    };
    session.execute(&format!("{locked}SET LOCAL lock_timeout = '{limit}ms'"))
}

/// Makes autovacuum let go of these tables, in a transaction of its own: it would hold up each
/// attempt. Where it does not let go in time, the attempts show it.
pub(in super::super) fn pass_autovacuum(
    session: &mut Session,
    begin: &str,
    tables: &[String],
) -> Result<()> {
    if tables.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "{begin}; SET LOCAL lock_timeout = '3s'; LOCK TABLE {} IN SHARE UPDATE EXCLUSIVE MODE",
        tables.join(", ")
    );
    let passed = session.execute(&sql);
    session.execute("ROLLBACK")?;
    passed.or_else(|fault| match fault.code() {
        Code::LockTimeout => Ok(()),
        _ => Err(fault),
    })
}
