//! What a run has written into tables that stay where they are, and the sequences that it has moved: what
//! an undo has to know beside the images of rows.

use tokio_postgres::types::Oid;

use super::Ledger;
use crate::engine::postgres::session::Session;
use crate::fault::Result;

/// Where a sequence stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Standing {
    /// The number that it has given last, or will give first.
    pub(in super::super) last: i64,
    /// Whether it has given that number.
    pub(in super::super) is_called: bool,
}

/// A table into which rows were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct WrittenTable {
    /// Its identifier in the catalogue; 0 where it is yet to be written down.
    pub(in super::super) oid: Oid,
    pub(in super::super) name: String,
    /// The index by which the rows are found again; without one all rows of the table are the run's.
    pub(in super::super) key: Option<String>,
    /// How many rows the run has left in the table, where all are its own.
    pub(in super::super) rows: Option<i64>,
    /// How many images of rows are kept; without any there is no table of them.
    pub(in super::super) kept: i64,
}

/// A sequence that a run has moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct MovedSequence {
    pub(in super::super) oid: Oid,
    pub(in super::super) home: String,
    pub(in super::super) name: String,
    pub(in super::super) before: Standing,
    pub(in super::super) after: Standing,
}

/// All that a run has written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in super::super) struct Written {
    pub(in super::super) tables: Vec<WrittenTable>,
    pub(in super::super) sequences: Vec<MovedSequence>,
}

impl Written {
    /// Whether there are images of rows.
    pub(in super::super) fn has_images(&self) -> bool {
        self.tables.iter().any(|table| table.kept > 0)
    }
}

/// Writes down what a run has written into tables of `schema`, which are found by their names, and the
/// sequences that it has moved; in the transaction that does it.
pub(in super::super) fn write_down(
    session: &mut Session,
    ledger: &Ledger,
    run: &str,
    (schema, written): (&str, &Written),
) -> Result<()> {
    let tables = &written.tables;
    let names: Vec<_> = tables.iter().map(|one| one.name.as_str()).collect();
    let keys: Vec<_> = tables.iter().map(|one| one.key.as_deref()).collect();
    let rows: Vec<_> = tables.iter().map(|one| one.rows).collect();
    let kept: Vec<_> = tables.iter().map(|one| one.kept).collect();
    let query = ledger.sql(include_str!("../queries/ledger_wrote_tables.sql"));
    session.query(&query, &[&run, &schema, &names, &keys, &rows, &kept])?;
    let moved: Vec<_> = written
        .sequences
        .iter()
        .filter(|one| one.before != one.after)
        .collect();
    let oids: Vec<_> = moved.iter().map(|one| one.oid).collect();
    let homes: Vec<_> = moved.iter().map(|one| one.home.as_str()).collect();
    let names: Vec<_> = moved.iter().map(|one| one.name.as_str()).collect();
    let last: Vec<_> = moved.iter().map(|one| one.before.last).collect();
    let called: Vec<_> = moved.iter().map(|one| one.before.is_called).collect();
    let left: Vec<_> = moved.iter().map(|one| one.after.last).collect();
    let left_called: Vec<_> = moved.iter().map(|one| one.after.is_called).collect();
    let query = ledger.sql(include_str!("../queries/ledger_moved_sequences.sql"));
    let values = session.query(
        &query,
        &[
            &run,
            &oids,
            &homes,
            &names,
            &last,
            &called,
            &left,
            &left_called,
        ],
    );
    values.map(drop)
}

/// What a run has written; within a transaction.
pub(in super::super) fn written(
    session: &mut Session,
    ledger: &Ledger,
    run: &str,
) -> Result<Written> {
    let query = ledger.sql(include_str!("../queries/ledger_written.sql"));
    let mut written = Written::default();
    for row in session.query(&query, &[&run])? {
        if row.get::<_, &str>("kind") == "table" {
            written.tables.push(WrittenTable {
                oid: row.get("id"),
                name: row.get("name"),
                key: row.get("key"),
                rows: row.get("rows"),
                kept: row.get::<_, Option<i64>>("kept").unwrap_or(0),
            });
            continue;
        }
        let standing = |last: &str, called: &str| {
            let last: Option<i64> = row.get(last);
            let is_called: Option<bool> = row.get(called);
            Some(Standing {
                last: last?,
                is_called: is_called?,
            })
        };
        let (before, after) = (
            standing("last_value", "is_called"),
            standing("left_value", "left_called"),
        );
        if let (Some(before), Some(after)) = (before, after) {
            written.sequences.push(MovedSequence {
                oid: row.get("id"),
                home: row.get("home"),
                name: row.get("name"),
                before,
                after,
            });
        }
    }
    Ok(written)
}

/// Writes down that the transaction is a run's own, for one that has no steps.
pub(in super::super) fn mark_own(session: &mut Session, ledger: &Ledger, run: &str) -> Result<()> {
    let query = ledger.sql(include_str!("../queries/ledger_own_step.sql"));
    session.query(&query, &[&run]).map(drop)
}
