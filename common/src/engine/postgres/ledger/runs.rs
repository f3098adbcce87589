//! Runs: found again, joined, begun, ended.

use super::Ledger;
use super::heartbeat::client;
use super::steps::StepName;
use crate::digest::Digest;
use crate::engine::postgres::name::identifier;
use crate::engine::postgres::session::Session;
use crate::fault::{Code, Fault, Result};

/// The mode whose runs are never repeated in vain: what was merged once can be merged again.
pub(in super::super) const MERGE: &str = "merge";
/// The mode of a run that undoes another.
pub(in super::super) const UNDO: &str = "undo";

/// What tells one run from another. Whoever brings the same goes on with the same run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Identity {
    /// The schema that gets the tables.
    pub(in super::super) target_schema: String,
    /// How: `create`, `fill`, `merge`, …
    pub(in super::super) mode: String,
    /// The root of the archive, as 64 hexadecimal digits.
    pub(in super::super) archive_root: String,
    /// The digest of all that is to be made.
    pub(in super::super) plan_digest: String,
}

/// How the modes of dry runs begin.
const DRY: &str = "dry ";

impl Identity {
    /// The same as a dry run: nobody goes on with it, and nobody joins it.
    #[must_use]
    pub(in super::super) fn dry(mut self) -> Self {
        self.mode.insert_str(0, DRY);
        self
    }

    fn is_dry(&self) -> bool {
        self.mode.starts_with(DRY)
    }
}

/// What else is written down of a new run.
#[derive(Debug, Clone)]
pub(in super::super) struct NewRun<'a> {
    pub(in super::super) run: &'a str,
    pub(in super::super) staging: &'a str,
    pub(in super::super) content_root: &'a str,
    pub(in super::super) tables: u64,
    pub(in super::super) rows: u64,
    pub(in super::super) bytes: u64,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum State {
    /// Under way, or interrupted.
    Open,
    /// The target has been switched.
    Done,
    /// It cannot succeed; the target is as it was.
    Failed,
    /// Given up for another one.
    Abandoned,
    /// Done once, and taken back.
    Undone,
}

impl State {
    const ALL: [State; 5] = [
        State::Open,
        State::Done,
        State::Failed,
        State::Abandoned,
        State::Undone,
    ];

    /// Its word in the ledger.
    pub(in super::super) fn word(self) -> &'static str {
        match self {
            State::Open => "open",
            State::Done => "done",
            State::Failed => "failed",
            State::Abandoned => "abandoned",
            State::Undone => "undone",
        }
    }

    pub(super) fn read(word: &str) -> Result<State> {
        let mut all = State::ALL.into_iter();
        let state = all.find(|state| state.word() == word);
        state.ok_or_else(|| Fault::new(Code::ServerUnfit, "the ledger holds an unknown state"))
    }
}

/// A run as the ledger has it.
#[derive(Debug, Clone)]
pub(in super::super) struct Run {
    /// Its number: a UUID of version 7 without hyphens.
    pub(in super::super) id: String,
    pub(in super::super) state: State,
    pub(in super::super) identity: Identity,
    pub(in super::super) staging: String,
    /// When it began, in UTC.
    pub(in super::super) started: String,
    /// Whether a process is at work on it.
    pub(in super::super) is_worked_on: bool,
    /// The role that began it, whose tables it works on.
    role: String,
    /// Whether this role may do to them what that one may.
    may_join: bool,
}

/// How a process comes to its run.
#[derive(Debug)]
pub(in super::super) enum Entry {
    /// It begins one.
    New,
    /// It goes on with one that others have begun.
    Open(Run),
    /// There is nothing to do: it is done.
    Done(Run),
}

/// The runs into a target schema, the newest first; within a transaction.
fn runs(session: &mut Session, ledger: &Ledger, target_schema: &str) -> Result<Vec<Run>> {
    let query = ledger.sql(include_str!("../queries/ledger_runs.sql"));
    let rows = session.query(&query, &[&target_schema])?;
    let read = |row: &tokio_postgres::Row| {
        Ok(Run {
            id: row.get("run"),
            state: State::read(row.get("state"))?,
            identity: Identity {
                target_schema: target_schema.to_owned(),
                mode: row.get("mode"),
                archive_root: row.get("archive_root"),
                plan_digest: row.get("plan_digest"),
            },
            staging: row.get("staging_schema"),
            started: row.get("started"),
            is_worked_on: row.get("is_worked_on"),
            role: row.get("role"),
            may_join: row.get("may_join"),
        })
    };
    rows.iter().map(read).collect()
}

/// How a process with this identity comes to a run, changing nothing; within a transaction. With
/// `anew`, what is done and what was interrupted does not count.
pub(in super::super) fn look(
    session: &mut Session,
    ledger: &Ledger,
    wanted: &Identity,
    anew: bool,
) -> Result<Entry> {
    if !ledger.is_there(session)? {
        return Ok(Entry::New);
    }
    let runs = runs(session, ledger, &wanted.target_schema)?;
    if let Some(open) = runs.iter().find(|run| run.state == State::Open) {
        let may_be_joined = open.identity == *wanted && !wanted.is_dry();
        if may_be_joined && (!anew || open.is_worked_on) {
            if !open.may_join {
                return Err(of_another_role(open));
            }
            return Ok(Entry::Open(open.clone()));
        }
        if open.is_worked_on {
            let what = "another import into the same schema is running";
            let fault = Fault::new(Code::ImportRunning, what).because(described(open));
            return Err(fault.in_table(&wanted.target_schema));
        }
        return if anew || open.identity.is_dry() {
            Ok(Entry::New)
        } else {
            Err(unfinished(open, wanted))
        };
    }
    // What an undo has brought back was there before, by a run that counts again, or by none.
    let mut finished = runs
        .into_iter()
        .filter(|run| run.state == State::Done && run.identity.mode != UNDO);
    match finished
        .next()
        .filter(|run| !anew && wanted.mode != MERGE && run.identity == *wanted)
    {
        Some(run) => Ok(Entry::Done(run)),
        None => Ok(Entry::New),
    }
}

fn described(run: &Run) -> String {
    format!(
        "run {} of mode {}, begun {}",
        run.id, run.identity.mode, run.started
    )
}

/// The refusal to go on with a run whose tables belong to a role that this one is no member of.
fn of_another_role(open: &Run) -> Fault {
    let what = format!("the import was begun by role `{}`", open.role);
    let hint = match identifier(&open.role) {
        Ok(role) => format!(
            "connect as that role, or GRANT {role} TO this one; where nobody works on it, --new-run begins anew"
        ),
        Err(_) => "connect as that role".to_owned(),
    };
    Fault::new(Code::RightMissing, what)
        .in_table(&open.identity.target_schema)
        .because(described(open))
        .hint(hint)
}

/// The refusal to begin where something else was left unfinished.
fn unfinished(open: &Run, wanted: &Identity) -> Fault {
    let is_same = wanted.is_dry() && open.identity.clone().dry() == *wanted;
    let differs = if open.identity.archive_root != wanted.archive_root {
        "another archive"
    } else if open.identity.mode != wanted.mode {
        "another mode"
    } else {
        "another plan"
    };
    let (what, hint) = if is_same {
        (
            "the import was interrupted, and a dry run does not go on with it".to_owned(),
            "run the command without --dry-run to finish the import; with --new-run the dry run gives it up",
        )
    } else {
        (
            format!("an import of {differs} into the same schema was interrupted"),
            "run the command of that import again to finish it, or give it up with --new-run",
        )
    };
    Fault::new(Code::RunUnfinished, what)
        .in_table(&wanted.target_schema)
        .because(described(open))
        .hint(hint)
}

/// Comes to a run in a transaction of its own; a new one is written down with its steps, and one
/// that is given up for it is marked so.
pub(in super::super) fn enter(
    session: &mut Session,
    ledger: &Ledger,
    (wanted, anew): (&Identity, bool),
    new: &NewRun<'_>,
    steps: &mut dyn Iterator<Item = StepName>,
) -> Result<Entry> {
    ledger.ensure(session)?;
    session.query(
        "SELECT pg_advisory_xact_lock($1)",
        &[&lock_key(&wanted.target_schema)],
    )?;
    let entry = look(session, ledger, wanted, anew)?;
    if !matches!(entry, Entry::New) {
        return Ok(entry);
    }
    for open in runs(session, ledger, &wanted.target_schema)? {
        if open.state == State::Open {
            let reason = format!("given up for run {}", new.run);
            end(session, ledger, &open.id, State::Abandoned, Some(&reason))?;
        }
    }
    let query = ledger.sql(include_str!("../queries/ledger_new_run.sql"));
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    session.query(
        &query,
        &[
            &new.run,
            &wanted.target_schema,
            &wanted.mode,
            &wanted.archive_root,
            &new.content_root,
            &wanted.plan_digest,
            &new.staging,
            &env!("CARGO_PKG_VERSION"),
            &client(),
            &count(new.tables),
            &count(new.rows),
            &count(new.bytes),
        ],
    )?;
    super::steps::add(session, ledger, new.run, steps)?;
    Ok(Entry::New)
}

/// Ends an open run, within a transaction; false when it is not open any more.
pub(in super::super) fn end(
    session: &mut Session,
    ledger: &Ledger,
    run: &str,
    state: State,
    reason: Option<&str>,
) -> Result<bool> {
    let query = ledger.sql(include_str!("../queries/ledger_end.sql"));
    let rows = session.query(&query, &[&run, &state.word(), &reason])?;
    Ok(!rows.is_empty())
}

/// The key of the lock that is held on a target schema while a run begins, switches or is undone.
pub(in super::super) fn lock_key(target_schema: &str) -> i64 {
    let digest = Digest::of(format!("waybill import into {target_schema}").as_bytes()).0;
    let (key, _) = digest.split_first_chunk().expect("a digest has 32 bytes");
    i64::from_be_bytes(*key)
}
