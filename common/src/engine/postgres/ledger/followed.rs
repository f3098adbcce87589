//! How what has followed to the tables of a run was defined before it, and how the run has left it.

use super::Ledger;
use crate::engine::postgres::definition::{Followed, Follower};
use crate::engine::postgres::session::Session;
use crate::fault::Result;

/// Writes down what has followed in a run, in the transaction that does it.
pub(in super::super) fn follow(
    session: &mut Session,
    ledger: &Ledger,
    run: &str,
    followed: &[Followed],
) -> Result<()> {
    let kinds: Vec<_> = followed.iter().map(|one| one.of.kind.as_str()).collect();
    let oids: Vec<_> = followed.iter().map(|one| one.of.oid).collect();
    let tables: Vec<_> = followed.iter().map(|one| one.of.table.as_str()).collect();
    let before: Vec<_> = followed.iter().map(|one| one.before.as_str()).collect();
    let left: Vec<_> = followed.iter().map(|one| one.left.as_str()).collect();
    let query = ledger.sql(include_str!("../queries/ledger_follow.sql"));
    let done = session.query(&query, &[&run, &kinds, &oids, &tables, &before, &left]);
    done.map(drop)
}

/// What has followed in a run; within a transaction.
pub(in super::super) fn followed(
    session: &mut Session,
    ledger: &Ledger,
    run: &str,
) -> Result<Vec<Followed>> {
    let query = ledger.sql(include_str!("../queries/ledger_followed.sql"));
    let rows = session.query(&query, &[&run])?;
    let read = |row: &tokio_postgres::Row| Followed {
        of: Follower {
            kind: row.get("kind"),
            oid: row.get("id"),
            table: row.get("table"),
        },
        before: row.get("before"),
        left: row.get("left"),
    };
    Ok(rows.iter().map(read).collect())
}
