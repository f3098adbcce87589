//! Moves the sequences of filled tables behind the numbers that the rows have, never back.
//!
//! `setval` does not roll back, ALTER SEQUENCE does. Only where the role may set a sequence and does
//! not own it, `setval` comes after all rows: little but COMMIT can fail then.

use std::collections::BTreeMap;

use tokio_postgres::types::Oid;

use crate::engine::postgres::ledger::{MovedSequence, Standing};
use crate::engine::postgres::name::{identifier, literal, qualified};
use crate::engine::postgres::session::Session;
use crate::fault::{Code, Fault, Result};
use crate::mapping::existing::Kind;
use crate::mapping::plan::PgType;

use super::Tables;
use super::statements::Filled;

/// Where sequences stand, by their identifiers; those that the role may not look at are left out.
pub(super) type Standings = BTreeMap<Oid, Standing>;

/// The sequences of all tables that are filled.
pub(super) struct Sequences(Vec<Sequence>);

/// A sequence, and what its next number has to be.
pub(super) struct Sequence {
    /// Position of its table.
    table: usize,
    /// The column that takes numbers from it.
    column: String,
    oid: Oid,
    /// Its schema, and its name there.
    place: (String, String),
    /// Both, quoted.
    name: String,
    increment: i64,
    smallest: i64,
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

    /// Where they stand.
    pub(super) fn standings(&self, session: &mut Session) -> Result<Standings> {
        let mut all = Standings::new();
        for sequence in &self.0 {
            if let Some(standing) = sequence.standing(session)? {
                all.insert(sequence.oid, standing);
            }
        }
        Ok(all)
    }

    /// Those that have been moved since they stood as `before`.
    pub(super) fn moved(
        &self,
        session: &mut Session,
        before: &Standings,
    ) -> Result<Vec<MovedSequence>> {
        let after = self.standings(session)?;
        let mut moved: Vec<MovedSequence> = Vec::new();
        for sequence in &self.0 {
            let (oid, (home, name)) = (sequence.oid, sequence.place.clone());
            let (Some(before), Some(after)) = (before.get(&oid), after.get(&oid)) else {
                continue;
            };
            // Several columns may take numbers from one.
            if before != after && moved.iter().all(|one| one.oid != oid) {
                let (before, after) = (*before, *after);
                moved.push(MovedSequence {
                    oid,
                    home,
                    name,
                    before,
                    after,
                });
            }
        }
        Ok(moved)
    }

    /// Statements that keep others from taking numbers, and change nothing: LOCK TABLE takes no
    /// sequences. A number that an application took between our look and our ALTER would be given
    /// twice.
    pub(super) fn locks(&self) -> String {
        let owned = self.0.iter().filter(|sequence| sequence.owned);
        let lock = |sequence: &Sequence| {
            let Sequence {
                name, increment, ..
            } = sequence;
            format!("ALTER SEQUENCE {name} INCREMENT BY {increment}; ")
        };
        owned.map(lock).collect()
    }

    /// Makes those that only defaults use part of the transaction: what INSERT takes from them comes
    /// back with a rollback.
    pub(super) fn hold(&self, session: &mut Session) -> Result<()> {
        let unfilled = |sequence: &&Sequence| sequence.staged.is_none() && sequence.owned;
        for sequence in self.0.iter().filter(unfilled) {
            match sequence.next(session)? {
                Some(Next::Gives(next)) => sequence.restart(session, next)?,
                Some(Next::Beyond(last)) => sequence.exhaust(session, last)?,
                None => {}
            }
        }
        Ok(())
    }

    /// For a dry run: refuses sequences whose numbers INSERT takes and no rollback gives back.
    pub(super) fn refuse_lasting(&self) -> Result<()> {
        let mut lasting = self
            .0
            .iter()
            .filter(|one| one.staged.is_none() && !one.owned);
        let Some(sequence) = lasting.next() else {
            return Ok(());
        };
        let what = format!(
            "a dry run would take numbers from the sequence {}",
            sequence.name
        );
        let hint = "run it as the owner of the sequence, who can take them back";
        let fault = Fault::new(Code::RightMissing, what).in_column(&sequence.column);
        Err(fault.hint(hint))
    }

    /// Moves the others behind the largest number of their column: those that we own, or those that we
    /// do not and that no rollback takes back.
    pub(super) fn advance(
        &self,
        session: &mut Session,
        tables: Tables<'_>,
        owned: bool,
    ) -> Result<()> {
        for sequence in self.0.iter().filter(|sequence| sequence.owned == owned) {
            let Some(staged) = sequence.staged else {
                continue;
            };
            let filled = tables.filled(sequence.table);
            let taken = sequence.taken(session, filled, staged)?;
            let Some(taken) = taken else { continue };
            let wanted = taken.saturating_add(sequence.increment);
            match sequence.next(session)? {
                Some(Next::Beyond(_)) => {}
                Some(Next::Gives(next)) if next >= wanted => {}
                // To give the last number a second time would not even fail where it is no key.
                _ if taken >= sequence.largest => sequence.exhaust(session, sequence.largest)?,
                _ => sequence.restart(session, std::cmp::min(wanted, sequence.largest))?,
            }
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
        // What such a default makes of a number, only the application knows.
        if staged.is_some_and(|(_, column)| !is_number(&column.kind)) {
            continue;
        }
        all.push(Sequence {
            table,
            oid: row.get("oid"),
            place: (row.get("home"), row.get("name")),
            name: qualified(row.get("home"), row.get("name"))?,
            increment: row.get("increment"),
            smallest: row.get("smallest"),
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

fn is_number(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Integer(_) | Kind::Numeric(_) | Kind::Double | Kind::Real
    )
}

/// What a sequence would do next.
enum Next {
    /// It gives this number.
    Gives(i64),
    /// It has given its last number, this one: it fails, or begins anew.
    Beyond(i64),
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

    /// Where it stands; `None` where the role may not look.
    fn standing(&self, session: &mut Session) -> Result<Option<Standing>> {
        if !self.owned && !self.may_read {
            return Ok(None);
        }
        let sql = format!("SELECT last_value, is_called FROM {}", self.name);
        let rows = session.query(&sql, &[])?;
        Ok(rows.first().map(|row| Standing {
            last: row.get("last_value"),
            is_called: row.get("is_called"),
        }))
    }

    /// What it would give next; `None` where the role may not look.
    fn next(&self, session: &mut Session) -> Result<Option<Next>> {
        Ok(self.standing(session)?.map(|standing| {
            let last = standing.last;
            if !standing.is_called {
                return Next::Gives(last);
            }
            let next = last.checked_add(self.increment);
            let next = next.filter(|next| (self.smallest..=self.largest).contains(next));
            next.map_or(Next::Beyond(last), Next::Gives)
        }))
    }

    /// The largest whole number in the column, or the last that the source has given. With steps of
    /// more than one the application may have taken the numbers up to the next for itself, so a whole
    /// step is left behind it. A sequence that counts down is left alone.
    fn taken(
        &self,
        session: &mut Session,
        filled: Filled<'_>,
        staged: usize,
    ) -> Result<Option<i64>> {
        if self.increment < 1 {
            return Ok(None);
        }
        let column = identifier(&self.column)?;
        // An index gives the largest of all, but among these may be some that no sequence reaches.
        let within = match filled.travels(staged) {
            PgType::Bigint => String::new(),
            _ => format!(" FILTER (WHERE t.{column} BETWEEN -9.2e18 AND 9.2e18)"),
        };
        let sql = format!(
            "SELECT floor(max(t.{column}){within}::numeric)::text AS largest FROM {} AS t",
            filled.only_target()?
        );
        let rows = session.query(&sql, &[])?;
        let largest: Option<String> = rows.first().and_then(|row| row.get("largest"));
        let largest: Option<i64> = largest.and_then(|largest| largest.parse().ok());
        let recorded = filled
            .table
            .recorded
            .filter(|(column, _)| *column == staged);
        let recorded = recorded.map(|(_, last)| last).filter(|last| *last > 0);
        Ok(largest.into_iter().chain(recorded).max())
    }

    fn restart(&self, session: &mut Session, next: i64) -> Result<()> {
        if self.owned {
            return session.execute(&format!("ALTER SEQUENCE {} RESTART WITH {next}", self.name));
        }
        let name = literal(&self.name)?;
        session.execute(&format!("SELECT setval({name}, {next}, false)"))
    }

    /// Leaves it as it is after it has given its `last` number.
    fn exhaust(&self, session: &mut Session, last: i64) -> Result<()> {
        let name = literal(&self.name)?;
        if self.owned {
            self.restart(session, last)?;
            // Part of the transaction, as the sequence is made anew in it.
            return session.execute(&format!("SELECT nextval({name})"));
        }
        session.execute(&format!("SELECT setval({name}, {last}, true)"))
    }
}
