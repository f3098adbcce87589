//! Workers, each with a connection of its own, that share one list of work.
//!
//! Knows no kind of work. The first failure ends the others too: statements under way are
//! cancelled, so that a signal is answered within a second even while an index is built.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::engine::postgres::session::{Cancel, Session};
use crate::fault::{Fault, Result};
use crate::progress::Watch;
use crate::seam::PartBuffers;

/// How often a signal is looked for.
const LOOK: Duration = Duration::from_millis(100);
/// How often a cancel is repeated: one may come between two statements and be lost.
const INSIST: Duration = Duration::from_millis(500);

/// A list of work with its rules of order.
pub(super) trait Work: Send {
    /// A piece of work.
    type Task: Copy + Send;
    /// Takes a piece that may begin now; nothing while all that is left has to wait.
    fn next(&mut self) -> Option<Self::Task>;
    /// A piece that was taken is done.
    fn done(&mut self, task: Self::Task);
    /// Nothing is left and nothing is under way.
    fn is_over(&self) -> bool;
}

/// A connection, and the memory its worker reuses.
pub(super) struct Worker {
    pub(super) session: Session,
    pub(super) buffers: PartBuffers,
}

/// What the workers share.
pub(super) struct Shared<W> {
    state: Mutex<State<W>>,
    changed: Condvar,
    failed: AtomicBool,
}

struct State<W> {
    work: W,
    /// The first failure.
    fault: Option<Fault>,
    /// Workers that have not ended.
    active: usize,
}

impl<W: Work> Shared<W> {
    /// Looks at the work, or changes it.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut W) -> T) -> T {
        act(&mut self.lock().work)
    }

    /// Has those who wait for work look again: a change by `with` has made some ready.
    pub(super) fn wake(&self) {
        self.changed.notify_all();
    }

    /// Ends a long piece of work early when another has failed or a signal has come.
    pub(super) fn go_on(&self) -> Result<()> {
        if self.failed.load(Ordering::Relaxed) {
            return Err(Fault::interrupted());
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State<W>> {
        // A worker that panicked is reported by the scope; what it left is only ended.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a piece of work; nothing when it is over.
    fn take(&self) -> Option<W::Task> {
        let mut state = self.lock();
        loop {
            if state.fault.is_some() || self.failed.load(Ordering::Relaxed) {
                return None;
            }
            if let Some(task) = state.work.next() {
                return Some(task);
            }
            if state.work.is_over() {
                return None;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn finished(&self, task: W::Task, outcome: Result<()>) {
        let mut state = self.lock();
        match outcome {
            Ok(()) => state.work.done(task),
            Err(fault) => self.fail(&mut state, fault),
        }
        drop(state);
        self.changed.notify_all();
    }

    fn fail(&self, state: &mut State<W>, fault: Fault) {
        state.fault.get_or_insert(fault);
        self.failed.store(true, Ordering::Relaxed);
        self.changed.notify_all();
    }

    fn work(&self, worker: &mut Worker, act: &Act<'_, W>) {
        let _leaving = Leaving(self);
        while let Some(task) = self.take() {
            let outcome = act(worker, self, task);
            self.finished(task, outcome);
        }
    }

    /// Waits for the workers; passes on a signal, and cancels statements after a failure.
    fn attend(&self, cancels: &[Cancel], watch: &dyn Watch) {
        let mut insisted: Option<Instant> = None;
        let mut state = self.lock();
        while state.active > 0 {
            if watch.stopped() && state.fault.is_none() {
                self.fail(&mut state, Fault::interrupted());
            }
            let due = insisted.is_none_or(|last| last.elapsed() >= INSIST);
            if self.failed.load(Ordering::Relaxed) && due {
                drop(state);
                // Where a cancel cannot be sent, the worker learns from its own connection.
                for cancel in cancels {
                    drop(cancel.cancel());
                }
                insisted = Some(Instant::now());
                state = self.lock();
                continue;
            }
            let waited = self.changed.wait_timeout(state, LOOK);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Counts a worker out, also when it panics, so that nobody waits for it.
struct Leaving<'a, W: Work>(&'a Shared<W>);

impl<W: Work> Drop for Leaving<'_, W> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.active -= 1;
        if std::thread::panicking() {
            self.0.failed.store(true, Ordering::Relaxed);
        }
        drop(state);
        self.0.changed.notify_all();
    }
}

/// What a worker does with a piece of work.
pub(super) type Act<'a, W> =
    dyn Fn(&mut Worker, &Shared<W>, <W as Work>::Task) -> Result<()> + Sync + 'a;

/// Does all of `work` and gives it back; the first failure otherwise.
pub(super) fn run<W: Work>(
    work: W,
    workers: &mut [Worker],
    watch: &dyn Watch,
    act: &Act<'_, W>,
) -> Result<W> {
    let cancels: Vec<_> = workers
        .iter()
        .map(|worker| worker.session.cancel_token())
        .collect();
    let shared = Shared {
        state: Mutex::new(State {
            work,
            fault: None,
            active: workers.len(),
        }),
        changed: Condvar::new(),
        failed: AtomicBool::new(false),
    };
    std::thread::scope(|scope| {
        for worker in workers {
            let shared = &shared;
            scope.spawn(move || shared.work(worker, act));
        }
        shared.attend(&cancels, watch);
    });
    let state = shared
        .state
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    match state.fault {
        Some(fault) => Err(fault),
        None => Ok(state.work),
    }
}
