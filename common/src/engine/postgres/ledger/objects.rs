//! What a run has brought and put aside, and the history of all runs.

use tokio_postgres::types::Oid;

use super::Ledger;
use super::heartbeat::client;
use super::runs::State;
use crate::engine::postgres::session::Session;
use crate::fault::Result;

/// What a run has to do with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Role {
    /// It came into the target schema with the run.
    Brought,
    /// The run has put it into its backup schema.
    Kept,
}

impl Role {
    fn word(self) -> &'static str {
        match self {
            Role::Brought => "brought",
            Role::Kept => "kept",
        }
    }
}

/// An object that a run has brought or put aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Held {
    pub(in super::super) role: Role,
    /// `table`, `view`, `type`, `function` or `statistics`.
    pub(in super::super) kind: String,
    pub(in super::super) name: String,
    pub(in super::super) oid: Oid,
    /// Rows of a table, where they are known.
    pub(in super::super) rows: Option<i64>,
    /// Rows of younger transactions than this one are changes; without it, rows of any transaction
    /// but the run's own.
    pub(in super::super) since: Option<String>,
}

/// A run, for those who look back.
#[derive(Debug, Clone)]
pub(in super::super) struct Past {
    pub(in super::super) run: String,
    pub(in super::super) target_schema: String,
    pub(in super::super) mode: String,
    pub(in super::super) state: State,
    pub(in super::super) archive_root: String,
    pub(in super::super) content_root: String,
    pub(in super::super) staging: String,
    /// Where it keeps what it has put aside, as long as that is there.
    pub(in super::super) backup: Option<String>,
    pub(in super::super) tool: String,
    pub(in super::super) undoes: Option<String>,
    pub(in super::super) tables: i64,
    pub(in super::super) rows: i64,
    /// When it ended or else began, RFC 3339 in UTC, and how many seconds ago.
    pub(in super::super) moment: String,
    pub(in super::super) age: f64,
    /// Who works on it now.
    pub(in super::super) workers: Vec<String>,
}

/// All runs, the oldest first; within a transaction.
pub(in super::super) fn history(session: &mut Session, ledger: &Ledger) -> Result<Vec<Past>> {
    if !ledger.is_there(session)? {
        return Ok(Vec::new());
    }
    let query = ledger.sql(include_str!("../queries/ledger_history.sql"));
    let rows = session.query(&query, &[])?;
    let read = |row: &tokio_postgres::Row| {
        let workers: Vec<Option<String>> = row.get("workers");
        Ok(Past {
            run: row.get("run"),
            target_schema: row.get("target_schema"),
            mode: row.get("mode"),
            state: State::read(row.get("state"))?,
            archive_root: row.get("archive_root"),
            content_root: row.get("content_root"),
            staging: row.get("staging_schema"),
            backup: row
                .get::<_, Option<String>>("backup_schema")
                .filter(|_| row.get("has_backup")),
            tool: row.get("tool_version"),
            undoes: row.get("undoes"),
            tables: row.get("tables"),
            rows: row.get("rows"),
            moment: row.get("moment"),
            age: row.get("age"),
            workers: workers.into_iter().flatten().collect(),
        })
    };
    rows.iter().map(read).collect()
}

/// Writes down what a run has brought and put aside, in the transaction that does it. `anew` says
/// that the rows it has brought are its own, written by the transactions of its steps.
pub(in super::super) fn hold(
    session: &mut Session,
    ledger: &Ledger,
    run: &str,
    held: &[Held],
    anew: bool,
) -> Result<()> {
    let roles: Vec<_> = held.iter().map(|one| one.role.word()).collect();
    let kinds: Vec<_> = held.iter().map(|one| one.kind.as_str()).collect();
    let names: Vec<_> = held.iter().map(|one| one.name.as_str()).collect();
    let oids: Vec<_> = held.iter().map(|one| one.oid).collect();
    let rows: Vec<_> = held.iter().map(|one| one.rows).collect();
    let query = ledger.sql(include_str!("../queries/ledger_brought.sql"));
    let done = session.query(&query, &[&run, &roles, &kinds, &names, &oids, &rows, &anew]);
    done.map(drop)
}

/// What a run has brought and put aside; within a transaction.
pub(in super::super) fn held(
    session: &mut Session,
    ledger: &Ledger,
    run: &str,
) -> Result<Vec<Held>> {
    let query = ledger.sql(include_str!("../queries/ledger_objects.sql"));
    let rows = session.query(&query, &[&run])?;
    let read = |row: &tokio_postgres::Row| Held {
        role: if row.get::<_, &str>("role") == "brought" {
            Role::Brought
        } else {
            Role::Kept
        },
        kind: row.get("kind"),
        name: row.get("name"),
        oid: row.get("id"),
        rows: row.get("rows"),
        since: row.get("since"),
    };
    Ok(rows.iter().map(read).collect())
}

/// Writes down where a run keeps what it has put aside, or that it does no more.
pub(in super::super) fn keep(
    session: &mut Session,
    ledger: &Ledger,
    run: &str,
    backup: Option<&str>,
) -> Result<()> {
    let query = "UPDATE ledger.runs SET backup_schema = $2 WHERE run = $1";
    let done = session.query(&ledger.sql(query), &[&run, &backup]);
    done.map(drop)
}

/// Forgets the steps of a run whose backup is no more, and what it has written: nobody will look again
/// what it has changed.
pub(in super::super) fn forget(session: &mut Session, ledger: &Ledger, run: &str) -> Result<()> {
    for query in [
        "DELETE FROM ledger.steps WHERE run = $1",
        "DELETE FROM ledger.written WHERE run = $1",
        "DELETE FROM ledger.followed WHERE run = $1",
    ] {
        session.query(&ledger.sql(query), &[&run])?;
    }
    keep(session, ledger, run, None)
}

/// Writes down a run that undoes `undone` and keeps in `backup` what it takes away.
pub(in super::super) fn undo(
    session: &mut Session,
    ledger: &Ledger,
    run: &str,
    (undone, backup): (&str, &str),
) -> Result<()> {
    let query = ledger.sql(include_str!("../queries/ledger_undone.sql"));
    let values = [run, undone, backup, env!("CARGO_PKG_VERSION")];
    let client = client();
    session.query(
        &query,
        &[&values[0], &values[1], &values[2], &values[3], &client],
    )?;
    Ok(())
}

/// Gives a run that has ended another state; where it stands again, `backup` is where it now keeps
/// what it had put aside.
pub(in super::super) fn turn(
    session: &mut Session,
    ledger: &Ledger,
    run: &str,
    (state, backup): (State, Option<&str>),
) -> Result<()> {
    let query = "UPDATE ledger.runs SET state = $2, backup_schema = $3 WHERE run = $1";
    let done = session.query(&ledger.sql(query), &[&run, &state.word(), &backup]);
    done.map(drop)
}
