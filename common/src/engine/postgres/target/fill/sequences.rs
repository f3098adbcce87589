//! Moves the sequences of filled tables behind the numbers that the rows have, never back.
//!
//! `setval` does not roll back, ALTER SEQUENCE does. Only where the role may set a sequence and does
//! not own it, `setval` comes last of all before COMMIT.

use crate::engine::postgres::name::{identifier, literal, qualified};
use crate::engine::postgres::session::Session;
use crate::fault::Result;
use crate::mapping::fill::FillTable;

use super::Tables;

/// The sequences of all tables that are filled.
pub(super) struct Sequences(Vec<Sequence>);

/// A sequence, and what its next number has to be.
pub(super) struct Sequence {
    /// Position of its table.
    table: usize,
    /// The column that takes numbers from it.
    column: String,
    name: String,
    increment: i64,
    largest: i64,
    owned: bool,
    pub(super) may_set: bool,
    pub(super) may_read: bool,
    /// The position of its column among the staged ones, if rows fill it.
    staged: Option<usize>,
}

impl Sequences {
    pub(super) fn read(session: &mut Session, tables: Tables<'_>) -> Result<Sequences> {
        let mut all = Vec::new();
        for table in 0..tables.count() {
            all.extend(of_table(session, tables, table)?);
        }
        Ok(Sequences(all))
    }

    /// Makes those that only defaults use part of the transaction: what INSERT takes from them comes
    /// back with a rollback.
    pub(super) fn hold(&self, session: &mut Session) -> Result<()> {
        let unfilled = |sequence: &&Sequence| sequence.staged.is_none();
        for sequence in self.0.iter().filter(unfilled) {
            if let Some(next) = sequence.next(session)?.filter(|_| sequence.owned) {
                sequence.restart(session, next)?;
            }
        }
        Ok(())
    }

    /// Moves the others behind the largest number of their column.
    pub(super) fn advance(&self, session: &mut Session, tables: Tables<'_>) -> Result<()> {
        // Those that cannot be rolled back come last.
        let (owned, others): (Vec<_>, Vec<_>) = self.0.iter().partition(|sequence| sequence.owned);
        for sequence in owned.into_iter().chain(others) {
            let Some(staged) = sequence.staged else {
                continue;
            };
            let filled = tables.filled(sequence.table);
            let wanted = sequence.wanted(session, &filled.only_target()?, filled.table, staged)?;
            let Some(wanted) = wanted else { continue };
            if sequence.next(session)?.is_some_and(|next| next >= wanted) {
                continue;
            }
            sequence.restart(session, std::cmp::min(wanted, sequence.largest))?;
        }
        Ok(())
    }
}

/// The sequences of one table.
pub(super) fn of_table(
    session: &mut Session,
    tables: Tables<'_>,
    table: usize,
) -> Result<Vec<Sequence>> {
    let filled = tables.filled(table);
    let query = include_str!("../../queries/existing_sequences.sql");
    let rows = session.query(query, &[&filled.schema, &filled.table.target.name])?;
    let mut all = Vec::with_capacity(rows.len());
    for row in &rows {
        let column: String = row.get("column_name");
        let mut staged = filled.table.filled();
        let staged = staged.find(|(_, filled)| filled.name == column);
        all.push(Sequence {
            table,
            name: qualified(row.get("home"), row.get("name"))?,
            increment: row.get("increment"),
            largest: row.get("largest"),
            owned: row.get("owned"),
            may_set: row.get("may_set"),
            may_read: row.get("may_read"),
            staged: staged.map(|(staged, _)| staged),
            column,
        });
    }
    Ok(all)
}

impl Sequence {
    /// Whether the role may do to it what the import has to.
    pub(super) fn is_within_reach(&self) -> bool {
        self.staged.is_none() || self.owned || self.may_set && self.may_read
    }

    /// Its name, quoted, with its schema.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The column that takes numbers from it.
    pub(super) fn column(&self) -> &str {
        &self.column
    }

    /// The number it would give next; `None` where the role may not look, or there is none.
    fn next(&self, session: &mut Session) -> Result<Option<i64>> {
        if !self.owned && !self.may_read {
            return Ok(None);
        }
        let sql = format!("SELECT last_value, is_called FROM {}", self.name);
        let rows = session.query(&sql, &[])?;
        Ok(rows.first().and_then(|row| {
            let last: i64 = row.get("last_value");
            if row.get("is_called") {
                last.checked_add(self.increment)
            } else {
                Some(last)
            }
        }))
    }

    /// Behind the largest number of the column, and behind the last that the source has given. With
    /// steps of more than one the application may have taken the numbers between for itself, so a
    /// whole step is left. A sequence that counts down is left alone.
    fn wanted(
        &self,
        session: &mut Session,
        table: &str,
        filled: &FillTable,
        staged: usize,
    ) -> Result<Option<i64>> {
        if self.increment < 1 {
            return Ok(None);
        }
        let column = identifier(&self.column)?;
        let sql = format!("SELECT max(t.{column})::numeric::text AS largest FROM {table} AS t");
        let rows = session.query(&sql, &[])?;
        let largest: Option<String> = rows.first().and_then(|row| row.get("largest"));
        let largest: Option<i64> = largest.and_then(|largest| largest.parse().ok());
        let recorded = filled.recorded.filter(|(column, _)| *column == staged);
        let recorded = recorded.map(|(_, last)| last).filter(|last| *last > 0);
        let taken = largest.into_iter().chain(recorded).max();
        Ok(taken.map(|taken| taken.saturating_add(self.increment)))
    }

    fn restart(&self, session: &mut Session, next: i64) -> Result<()> {
        if self.owned {
            return session.execute(&format!("ALTER SEQUENCE {} RESTART WITH {next}", self.name));
        }
        let name = literal(&self.name)?;
        session.execute(&format!("SELECT setval({name}, {next}, false)"))
    }
}
