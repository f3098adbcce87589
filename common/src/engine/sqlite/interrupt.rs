//! Ending a statement of SQLite when a signal asks for it.
//!
//! Knows connections and the watch; knows no source and no target.

use crate::fault::{Fault, Result};
use crate::progress::Watch;
use crossbeam_channel::RecvTimeoutError;
use rusqlite::{Connection, InterruptHandle};
use std::time::Duration;

/// Time between two looks at whether to stop.
const PACE: Duration = Duration::from_millis(100);

/// Looks between the first interruption and the conclusion that SQLite does not notice it.
const PATIENCE: u32 = if cfg!(test) { 2 } else { 20 };

/// Runs `job`, and interrupts what `connection` does when `watch` says so: one step may be a scan
/// of the whole file, or an expression of an untrusted schema that never ends.
pub(super) fn while_watched<T>(
    connection: &Connection,
    watch: &dyn Watch,
    job: impl FnOnce() -> Result<T>,
) -> Result<T> {
    while_watched_or(connection.get_interrupt_handle(), watch, || {}, job)
}

/// The same; when SQLite does not notice for two seconds, `stuck` is called once: SQLite looks
/// between its instructions, and one call of `instr` may compare bytes for hours.
pub(super) fn while_watched_or<T>(
    handle: InterruptHandle,
    watch: &dyn Watch,
    stuck: impl FnOnce() + Send,
    job: impl FnOnce() -> Result<T>,
) -> Result<T> {
    if watch.stopped() {
        return Err(Fault::interrupted());
    }
    std::thread::scope(|scope| {
        let (working, done) = crossbeam_channel::bounded::<()>(0);
        scope.spawn(move || {
            let (mut stuck, mut looks) = (Some(stuck), 0);
            while done.recv_timeout(PACE) == Err(RecvTimeoutError::Timeout) {
                if !watch.stopped() {
                    continue;
                }
                // Again and again: one that comes between two statements is lost.
                handle.interrupt();
                looks += 1;
                if looks > PATIENCE
                    && let Some(stuck) = stuck.take()
                {
                    stuck();
                }
            }
        });
        let result = job();
        drop(working);
        result
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::sqlite::failure::fault;
    use crate::fault::Code;
    use crate::progress::Extent;
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    /// Asks to stop from the second question on.
    #[derive(Default)]
    struct Later(AtomicU32);

    impl Watch for Later {
        fn phase(&self, _: &str, _: Extent) {}
        fn table(&self, _: &str) {}
        fn advance(&self, _: u64, _: u64) {}
        fn stopped(&self) -> bool {
            self.0.fetch_add(1, Ordering::Relaxed) > 0
        }
    }

    fn run(sql: &str, stuck: impl FnOnce() + Send) -> Result<i64> {
        let connection = Connection::open_in_memory().unwrap();
        let handle = connection.get_interrupt_handle();
        while_watched_or(handle, &Later::default(), stuck, || {
            connection
                .query_row(sql, [], |row| row.get(0))
                .map_err(|error| fault(error, "cannot count"))
        })
    }

    #[test]
    fn an_endless_statement_ends() {
        let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)
                       SELECT count(*) FROM n";
        let fault = run(endless, || {}).unwrap_err();
        assert_eq!(fault.code(), Code::Interrupted);
    }

    /// SQLite finishes a call of a function first; who waits for that is told.
    #[test]
    fn a_function_that_is_not_interrupted_is_noticed() {
        let noticed = AtomicBool::new(false);
        let slow = "SELECT instr(zeroblob(400000), zeroblob(200000) || x'01')";
        let _ = run(slow, || noticed.store(true, Ordering::Relaxed));
        assert!(noticed.load(Ordering::Relaxed));
    }
}
