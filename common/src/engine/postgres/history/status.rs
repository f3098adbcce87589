//! The runs of a database as a report.

use super::rows::Rows;
use super::{Book, objects};
use crate::engine::postgres::catalogue::READING;
use crate::engine::postgres::ledger::{self, Ledger, Past, Role, State, history};
use crate::engine::postgres::session::Session;
use crate::engine::postgres::swap;
use crate::engine::postgres::target::transaction;
use crate::fault::Result;
use crate::report::runs::{BackupReport, RunMode, RunReport, RunState};

/// The runs, the oldest first. Changes nothing.
pub fn status<'a>(book: impl Into<Book<'a>>) -> Result<Vec<RunReport>> {
    let Book { conninfo, ledger } = book.into();
    let ledger = Ledger::new(ledger)?;
    let mut session = Session::connect(conninfo)?;
    transaction(&mut session, READING, |session| {
        let all = history(session, &ledger)?;
        let reports = all.iter().map(|past| report(session, &ledger, past));
        reports.collect()
    })
}

fn report(session: &mut Session, ledger: &Ledger, past: &Past) -> Result<RunReport> {
    let held = ledger::held(session, ledger, &past.run)?;
    let brought = objects(&held, Role::Brought);
    let places = swap::places(session, &brought, &past.target_schema)?;
    let mut stands = brought
        .iter()
        .zip(&places)
        .filter(|(object, _)| object.is_relation());
    let home = past.target_schema.as_str();
    let stands = stands.all(|(object, place)| {
        let found = place.found.as_ref();
        found.is_none_or(|(name, schema)| (name, schema.as_str()) == (&object.name, home))
    });
    let gone = places.iter().all(|place| place.found.is_none());
    let rows = Rows::read(session, ledger, past)?;
    let rows_stand = match &rows {
        Some(rows) => rows.stand(session)?,
        None => Some(true),
    };
    let state = match past.state {
        State::Open => RunState::Unfinished,
        State::Failed => RunState::Failed,
        State::Abandoned => RunState::Abandoned,
        State::Undone => RunState::Undone,
        State::Done if rows_stand.is_none() => RunState::Gone,
        State::Done if rows_stand == Some(false) => RunState::Replaced,
        State::Done if held.is_empty() => RunState::Current,
        State::Done if !stands => RunState::Replaced,
        State::Done if gone && !brought.is_empty() => RunState::Gone,
        State::Done => RunState::Current,
    };
    let has_kept = held.iter().any(|one| one.role == Role::Kept);
    let can_come_back = past.backup.is_some() || !has_kept;
    let undoable = match state {
        RunState::Unfinished => past.workers.is_empty(),
        RunState::Current => match &rows {
            Some(rows) => rows.can_come_back(),
            None => !held.is_empty() && can_come_back,
        },
        _ => false,
    };
    let backup = match &past.backup {
        Some(schema) => Some(BackupReport {
            location: format!("schema {schema}"),
            bytes: super::prune::bytes(session, schema)?,
        }),
        None => None,
    };
    Ok(RunReport {
        run: past.run.clone(),
        when: past.moment.clone(),
        tool: format!("waybill-import {}", past.tool),
        mode: mode(&past.mode),
        undoes: past.undoes.clone(),
        root: Some(past.archive_root.clone()),
        content_root: Some(past.content_root.clone()),
        state,
        undoable,
        backup,
        schema: Some(past.target_schema.clone()),
        tables: u64::try_from(past.tables).ok(),
        rows: u64::try_from(past.rows).ok(),
        workers: past.workers.clone(),
    })
}

fn mode(word: &str) -> RunMode {
    match word {
        "replace" => RunMode::Replace,
        "fill" => RunMode::Fill,
        "merge" => RunMode::Merge,
        "undo" => RunMode::Undo,
        _ => RunMode::Create,
    }
}
