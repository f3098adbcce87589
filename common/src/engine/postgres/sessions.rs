//! Who uses some tables right now: sessions that hold a lock on one or wait for it, and transactions
//! that would go on seeing the database as it was.
//!
//! Only reads. The texts of their statements are not looked at: they may hold anything.

use std::time::Duration;

use indicatif::HumanDuration;
use tokio_postgres::Row;
use tokio_postgres::types::Oid;

use crate::engine::postgres::session::Session;
use crate::fault::{Code, Fault, Result};
use crate::report::{Finding, Severity};

/// Sessions named, at the most.
const SHOWN: usize = 20;

/// A session, or a prepared transaction, that uses one of the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Which: `session 4711 of role shop`.
    pub who: String,
    /// What it does there.
    pub what: String,
    /// It holds nothing yet.
    pub waits: bool,
}

/// Reads who uses `tables`, within a transaction. With `exchanged` others are to take their place:
/// then transactions count that would not see them.
pub(super) fn users(session: &mut Session, tables: &[Oid], exchanged: bool) -> Result<Vec<User>> {
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    // The server shows a transaction the sessions as they were when it first looked.
    session.query("SELECT pg_stat_clear_snapshot()", &[])?;
    let query = include_str!("queries/sessions.sql");
    let rows = session.query(query, &[&tables, &exchanged])?;
    Ok(rows.iter().map(user).collect())
}

fn user(row: &Row) -> User {
    let role: Option<&str> = row.get("role");
    let role = role.unwrap_or("?");
    let seconds: Option<f64> = row.get("seconds");
    let since = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let since = since.map(|since| format!(", begun {} ago", HumanDuration(since)));
    let tables: Vec<String> = row.get("tables");
    let waits = !row.get::<_, bool>("granted");
    let use_of = match tables.as_slice() {
        [] => "sees the database as it was then".to_owned(),
        tables if waits => format!("waits for {}", tables.join(", ")),
        tables => format!("uses {}", tables.join(", ")),
    };
    if let Some(gid) = row.get::<_, Option<&str>>("prepared") {
        return User {
            who: format!("prepared transaction `{gid}` of role {role}"),
            what: format!("{use_of}{}", since.unwrap_or_default()),
            waits,
        };
    }
    let state: Option<&str> = row.get("state");
    let state = state.unwrap_or("this role may not see what it does");
    let mut from = Vec::new();
    from.extend(
        row.get::<_, Option<&str>>("application")
            .map(|name| format!("`{name}`")),
    );
    from.extend(
        row.get::<_, Option<&str>>("client")
            .map(|host| format!("from {host}")),
    );
    let from = if from.is_empty() {
        String::new()
    } else {
        format!("{}: ", from.join(" "))
    };
    User {
        who: format!("session {} of role {role}", row.get::<_, i32>("pid")),
        what: format!("{from}{use_of}; {state}{}", since.unwrap_or_default()),
        waits,
    }
}

/// The users as warnings; the last stands for all that are too many to name.
pub(super) fn warnings(users: &[User]) -> Vec<Finding> {
    let finding = |who: &str, message: String| {
        let finding = Finding::new(Code::TargetInUse, Severity::Warning, message);
        finding.on(who)
    };
    let mut findings: Vec<_> = users
        .iter()
        .take(SHOWN)
        .map(|user| finding(&user.who, user.what.clone()))
        .collect();
    let more = users.len().saturating_sub(SHOWN);
    if more > 0 {
        findings.push(finding("sessions", format!("{more} more use the tables")));
    }
    findings
}

/// The refusal of tables that somebody uses.
pub(super) fn refusal(users: &[User]) -> Option<Fault> {
    let first = users.first()?;
    let what = match users.len() {
        1 => "a session uses the tables".to_owned(),
        count => format!("{count} sessions use the tables"),
    };
    let mut lines: Vec<_> = users.iter().take(SHOWN).map(line).collect();
    let more = users.len().saturating_sub(SHOWN);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    let fault = Fault::new(Code::TargetInUse, what).on(&first.who);
    Some(fault.because(lines.join("\n")))
}

/// A user in one line, for people.
#[must_use]
pub fn line(user: &User) -> String {
    format!("{}: {}", user.who, user.what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_sessions_are_counted_and_the_first_are_named() {
        let user = |number: usize| User {
            who: format!("session {number} of role app"),
            what: "uses orders".to_owned(),
            waits: false,
        };
        let many: Vec<_> = (1..=SHOWN + 3).map(user).collect();
        let findings = warnings(&many);
        assert_eq!(findings.len(), SHOWN + 1);
        assert_eq!(findings[SHOWN].message, "3 more use the tables");
        let fault = refusal(&many).expect("there are some");
        assert_eq!(fault.what(), "23 sessions use the tables");
        assert!(fault.causes()[0].ends_with("uses orders\nand 3 more"));
        assert!(refusal(&[]).is_none());
    }
}
