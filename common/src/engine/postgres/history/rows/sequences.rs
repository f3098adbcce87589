//! Puts sequences back to where they stood before a run, unless somebody has taken numbers since: a number
//! must not be given twice.

use std::collections::BTreeMap;

use tokio_postgres::Row;
use tokio_postgres::types::Oid;

use super::Moves;
use crate::engine::postgres::ledger::{MovedSequence, Standing};
use crate::engine::postgres::name::{literal, qualified};
use crate::engine::postgres::session::Session;
use crate::engine::postgres::swap::Statement;
use crate::fault::{Code, Result};
use crate::report::{Finding, Severity};

fn there(session: &mut Session, moved: &[MovedSequence]) -> Result<BTreeMap<Oid, Row>> {
    let oids: Vec<_> = moved.iter().map(|one| one.oid).collect();
    let rows = session.query(include_str!("../../queries/undo_sequences.sql"), &[&oids])?;
    Ok(rows.into_iter().map(|row| (row.get("oid"), row)).collect())
}

fn name(row: &Row) -> Result<String> {
    qualified(row.get("home"), row.get("name"))
}

/// Keeps others from taking numbers, where the role owns the sequence, and changes nothing.
pub(super) fn hold(session: &mut Session, moved: &[MovedSequence]) -> Result<()> {
    for row in there(session, moved)?.values() {
        if row.get("owned") {
            let (name, increment) = (name(row)?, row.get::<_, i64>("increment"));
            session.execute(&format!("ALTER SEQUENCE {name} INCREMENT BY {increment}"))?;
        }
    }
    Ok(())
}

/// What moves the sequences back. Those that are not the role's own come last: they are moved for good.
pub(super) fn plan(session: &mut Session, moved: &[MovedSequence]) -> Result<Moves> {
    let there = there(session, moved)?;
    let (mut done, mut own, mut others) = (Vec::new(), Vec::new(), Vec::new());
    let mut notes = Vec::new();
    for one in moved {
        let Some(row) = there.get(&one.oid) else {
            notes.push(note(one, "is gone"));
            continue;
        };
        let (owned, may_set): (bool, bool) = (row.get("owned"), row.get("may_set"));
        if !(owned || may_set && row.get("may_read")) {
            notes.push(note(
                one,
                "may not be set by this role, and stays where it is",
            ));
            continue;
        }
        let name = name(row)?;
        let now = standing(session, &name)?;
        if now != Some(one.after) {
            let what = "has given numbers since, and goes on from there";
            notes.push(note(one, what));
            continue;
        }
        let sql = back(&name, one.before, owned)?;
        let statement = Statement {
            object: format!("sequence `{}`", one.name),
            table: None,
            sql,
        };
        if owned {
            own.push(statement);
        } else {
            others.push(statement);
        }
        done.push(MovedSequence {
            before: one.after,
            after: one.before,
            ..one.clone()
        });
    }
    own.extend(others);
    Ok((done, own, notes))
}

fn standing(session: &mut Session, name: &str) -> Result<Option<Standing>> {
    let rows = session.query(&format!("SELECT last_value, is_called FROM {name}"), &[])?;
    Ok(rows.first().map(|row| Standing {
        last: row.get("last_value"),
        is_called: row.get("is_called"),
    }))
}

/// `setval` does not roll back, but on a sequence that ALTER SEQUENCE has made anew in the transaction.
fn back(name: &str, to: Standing, owned: bool) -> Result<String> {
    let (last, called, text) = (to.last, to.is_called, literal(name)?);
    let set = format!("SELECT setval({text}, {last}, {called})");
    Ok(if owned {
        format!("ALTER SEQUENCE {name} RESTART WITH {last}; {set}")
    } else {
        set
    })
}

fn note(sequence: &MovedSequence, what: &str) -> Finding {
    let (home, name) = (&sequence.home, &sequence.name);
    let message = format!("the sequence {home}.{name} {what}");
    let finding = Finding::new(Code::TargetChanged, Severity::Note, message);
    let finding = finding.on(format!("{home}.{name}"));
    finding.hint("nothing to do: at the most some numbers are never given")
}
