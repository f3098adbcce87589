//! Looking back: what was done to a database, taking it back, and removing what was kept for that.
//!
//! Knows the ledger and the objects that it names; knows no archive and no plan.

mod changes;
mod prune;
mod rows;
mod status;
mod strangers;
mod undo;

pub use prune::{Keep, Prune};
pub use status::status;
pub use undo::{Outcome, Undo};

use crate::engine::postgres::conninfo::ConnInfo;
use crate::engine::postgres::ledger::{Held, Past, Role, SCHEMA};
use crate::engine::postgres::swap::Object;
use crate::fault::{Code, Fault, Result};

/// Where a history is written down: a database, and the schema of the ledger there.
#[derive(Debug, Clone, Copy)]
pub struct Book<'a> {
    /// The server and its database.
    pub conninfo: &'a ConnInfo,
    /// The schema of the ledger.
    pub ledger: &'a str,
}

impl<'a> From<&'a ConnInfo> for Book<'a> {
    /// The ledger where it is unless another schema is asked for.
    fn from(conninfo: &'a ConnInfo) -> Self {
        Book {
            conninfo,
            ledger: SCHEMA,
        }
    }
}

/// Fewest characters of a run's number that name it.
const SHORTEST: usize = 4;
/// Begins a transaction that changes something. What is acknowledged must survive a crash.
const CHANGING: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; \
     SET LOCAL search_path = pg_catalog, pg_temp; \
     SET LOCAL application_name = 'waybill-import'; \
     SET LOCAL statement_timeout = 0; \
     SELECT set_config('transaction_timeout', '0', true) \
     WHERE current_setting('transaction_timeout', true) IS NOT NULL; \
     SELECT set_config('client_connection_check_interval', '10s', true) \
     WHERE current_setting('client_connection_check_interval', true) IS NOT NULL \
       AND version() ~ 'linux'; \
     SET LOCAL tcp_keepalives_idle = 60; \
     SET LOCAL tcp_keepalives_interval = 10; \
     SET LOCAL tcp_keepalives_count = 6; \
     SET LOCAL idle_in_transaction_session_timeout = '60s'; \
     SET LOCAL client_min_messages = warning; \
     SELECT set_config('synchronous_commit', 'on', true) \
     WHERE current_setting('synchronous_commit') = 'off'";

/// The run that is meant: by its number, the beginning of that, or the newest one that counts.
fn chosen(history: &[Past], wanted: Option<&str>) -> Result<Past> {
    use crate::engine::postgres::ledger::State;
    let missing = |what: String| Fault::new(Code::RunMissing, what);
    let Some(wanted) = wanted else {
        let mut counting = history.iter().rev();
        let newest = counting.find(|run| matches!(run.state, State::Open | State::Done));
        return newest
            .cloned()
            .ok_or_else(|| missing("there is no run that could be undone".to_owned()));
    };
    let plain = wanted.replace('-', "").to_lowercase();
    let mut named = history.iter().filter(|run| run.run.starts_with(&plain));
    let (first, second) = (named.next(), named.next());
    match (first, second) {
        (Some(run), None) if plain.len() >= SHORTEST => Ok(run.clone()),
        (Some(_), _) => Err(missing(format!("several runs begin with `{wanted}`"))),
        (None, _) => Err(missing(format!("there is no run `{wanted}`"))),
    }
}

/// The objects of a run in this role.
fn objects(held: &[Held], role: Role) -> Vec<Object> {
    let held = held.iter().filter(|one| one.role == role);
    held.map(|one| Object {
        kind: one.kind.clone(),
        name: one.name.clone(),
        oid: one.oid,
    })
    .collect()
}
