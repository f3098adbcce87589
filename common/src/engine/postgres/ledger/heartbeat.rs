//! Says every few seconds that a process is still at work on a run, on a connection of its own.
//!
//! When it falls silent, because its process hangs or has lost the network, others may take over
//! what it has claimed once its lease has run out.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Ledger;
use crate::engine::postgres::conninfo::ConnInfo;
use crate::engine::postgres::session::Session;
use crate::fault::Result;

/// How long a sign of life is good for.
const LEASE: Duration = Duration::from_secs(30);
/// Between two signs of life.
const BEAT: Duration = Duration::from_secs(5);

/// A thread that renews the lease of a process until it is dropped.
pub(in super::super) struct Heartbeat {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

/// Whose lease is renewed.
pub(in super::super) struct Beat {
    pub(in super::super) ledger: Ledger,
    pub(in super::super) begin: String,
    pub(in super::super) run: String,
    pub(in super::super) worker: String,
}

impl Beat {
    /// Renews the lease.
    fn beat(&self, session: &mut Session) -> Result<()> {
        session.execute(&self.begin)?;
        lease(session, &self.ledger, &self.run, &self.worker)?;
        session.execute("COMMIT")
    }

    /// Ends the lease, so that nobody waits for it.
    fn end(&self, session: &mut Session) -> Result<()> {
        let query =
            "UPDATE ledger.workers SET lease = clock_timestamp() WHERE run = $1 AND worker = $2";
        session.execute(&self.begin)?;
        session.query(&self.ledger.sql(query), &[&self.run, &self.worker])?;
        session.execute("COMMIT")
    }
}

/// Takes or renews a lease for as long as this connection lives, within a transaction.
pub(in super::super) fn lease(
    session: &mut Session,
    ledger: &Ledger,
    run: &str,
    worker: &str,
) -> Result<()> {
    let query = ledger.sql(include_str!("../queries/ledger_lease.sql"));
    let (client, seconds) = (client(), LEASE.as_secs_f64());
    let taken = session.query(&query, &[&run, &worker, &client, &seconds]);
    taken.map(drop)
}

impl Heartbeat {
    /// Takes a lease, and keeps renewing it.
    pub(in super::super) fn start(conninfo: &ConnInfo, beat: Beat) -> Result<Heartbeat> {
        let mut session = Session::connect(conninfo)?;
        beat.beat(&mut session)?;
        let mut conninfo = conninfo.clone();
        conninfo.connect_timeout = Some(BEAT);
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let seen = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let (stopped, changed) = &*seen;
            let mut alive = true;
            let mut stop = stopped.lock().unwrap_or_else(PoisonError::into_inner);
            while !*stop {
                let waited = changed.wait_timeout(stop, BEAT);
                stop = waited.unwrap_or_else(PoisonError::into_inner).0;
                if *stop {
                    break;
                }
                // It may be this connection alone that is lost. What others take over meanwhile is
                // safe by the number of its attempt.
                alive = beat.beat(&mut session).is_ok();
                if !alive && let Ok(anew) = Session::connect(&conninfo) {
                    session = anew;
                    alive = beat.beat(&mut session).is_ok();
                }
            }
            if alive {
                drop(beat.end(&mut session));
            }
        });
        Ok(Heartbeat {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        let (stop, changed) = &*self.stop;
        *stop.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_all();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// This machine and this process, for people.
pub(super) fn client() -> String {
    let uname = rustix::system::uname();
    let machine = uname.nodename().to_string_lossy();
    format!("{machine} {}", std::process::id())
}
