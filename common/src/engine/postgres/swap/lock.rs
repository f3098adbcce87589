//! Locks for a switch, in short attempts: nobody is made to wait for long, nor to die of a deadlock.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use tokio_postgres::types::Oid;

use crate::engine::postgres::session::Session;
use crate::fault::{Code, Result};

/// How long one attempt lasts. Shorter than the second after which PostgreSQL looks for deadlocks.
const ATTEMPT: Duration = Duration::from_millis(400);
/// How long others go first after an attempt.
pub(in super::super) const PAUSE: Duration = Duration::from_millis(200);

/// Most statements that an attempt makes of what it locks.
const STATEMENTS: usize = 50;

/// The order in which things are locked, learned from one attempt to the next.
///
/// An application at work always has transactions that hold one table and are about to use another one.
/// Where that other one is locked first, an attempt meets such a transaction each time, and none
/// succeeds. So what an attempt could not get comes first in the next one: in the end it is what
/// transactions begin with, new ones wait there, and the others run out.
#[derive(Debug, Default)]
pub(in super::super) struct Order(RefCell<Vec<Vec<String>>>);

/// What is locked in an attempt.
pub(in super::super) struct Wanted<'a> {
    /// Tables, as SQL names them.
    pub(in super::super) tables: &'a [String],
    /// Views that are changed or moved. Who reads a table by a view has locked that first.
    pub(in super::super) views: &'a [Oid],
    pub(in super::super) mode: &'a str,
}

impl Order {
    /// Locks all that is wanted in no more time than an attempt has, and lets no later statement of the
    /// transaction wait longer for a lock.
    pub(in super::super) fn attempt(
        &self,
        session: &mut Session,
        wanted: &Wanted<'_>,
    ) -> Result<()> {
        let begun = Instant::now();
        let views = if wanted.views.is_empty() {
            Vec::new()
        } else {
            session.query(include_str!("../queries/swap_locks.sql"), &[&wanted.views])?
        };
        let lock = |names: &[String]| {
            let (names, mode) = (names.join(", "), wanted.mode);
            format!("LOCK TABLE {names} IN {mode} MODE")
        };
        let size = std::cmp::max(1, wanted.tables.len().div_ceil(STATEMENTS));
        let mut groups: Vec<Vec<String>> = views.iter().map(|row| vec![row.get("sql")]).collect();
        let views = groups.len();
        groups.extend(wanted.tables.chunks(size).map(<[String]>::to_vec));
        let mut order: Vec<_> = (0..groups.len()).collect();
        let learned = self.0.borrow().clone();
        let place = |group: &Vec<String>| {
            let place = learned.iter().position(|one| one == group);
            place.unwrap_or(learned.len())
        };
        order.sort_by_key(|at| place(&groups[*at]));
        for at in order {
            let group = &groups[at];
            let sql = if at < views {
                group.concat()
            } else {
                lock(group)
            };
            let left = ATTEMPT.saturating_sub(begun.elapsed()).as_millis();
            let left = std::cmp::max(1, left);
            let locked =
                session.execute(&format!("SET LOCAL statement_timeout = '{left}ms'; {sql}"));
            locked.inspect_err(|_| self.learn(group))?;
        }
        let limit = ATTEMPT.as_millis();
        session.execute(&format!(
            "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '{limit}ms'"
        ))
    }

    fn learn(&self, missed: &[String]) {
        let mut learned = self.0.borrow_mut();
        learned.retain(|group| group != missed);
        learned.insert(0, missed.to_vec());
    }
}

/// Makes autovacuum let go of these tables, in a transaction of its own: it would hold up each
/// attempt. Where it does not let go in time, the attempts show it.
pub(in super::super) fn pass_autovacuum(
    session: &mut Session,
    begin: &str,
    tables: &[String],
) -> Result<()> {
    if tables.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "{begin}; SET LOCAL lock_timeout = '3s'; LOCK TABLE {} IN SHARE UPDATE EXCLUSIVE MODE",
        tables.join(", ")
    );
    let passed = session.execute(&sql);
    session.execute("ROLLBACK")?;
    passed.or_else(|fault| match fault.code() {
        Code::LockTimeout => Ok(()),
        _ => Err(fault),
    })
}
