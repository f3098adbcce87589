//! Signals: the first one that asks to stop sets a flag, a second one kills at once, and SIGUSR1
//! asks for a line of progress.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::{flag, low_level};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// What signals have asked for so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Signals {
    stop: Arc<AtomicBool>,
    received: Arc<AtomicUsize>,
    asked: Arc<AtomicBool>,
}

impl Signals {
    /// Installs the handlers. A signal that the caller has set to be ignored (`nohup`, a shell's
    /// background job) stays ignored.
    pub(super) fn install() -> std::io::Result<Self> {
        let signals = Signals::default();
        let ignored = ignored();
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            if ignored >> (signal - 1) & 1 == 1 {
                continue;
            }
            let number = usize::try_from(signal).expect("signal numbers are positive");
            // Actions run in this order: only a second signal finds the flag set.
            flag::register_conditional_default(signal, Arc::clone(&signals.stop))?;
            flag::register_usize(signal, Arc::clone(&signals.received), number)?;
            flag::register(signal, Arc::clone(&signals.stop))?;
        }
        flag::register(SIGUSR1, Arc::clone(&signals.asked))?;
        Ok(signals)
    }

    /// Whether the job should stop.
    pub(super) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// The signal that asked to stop.
    pub(super) fn received(&self) -> Option<i32> {
        let number = self.received.load(Ordering::Relaxed);
        i32::try_from(number).ok().filter(|number| *number > 0)
    }

    /// Whether a line of progress was asked for since the last call.
    pub(super) fn take_asked(&self) -> bool {
        self.asked.swap(false, Ordering::Relaxed)
    }
}

/// The mask of ignored signals; empty where the system does not tell.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

/// Dies of `signal`, so that the caller's shell sees that it was one.
pub(super) fn die_of(signal: i32) -> ! {
    // The first process of a container does not die of signals without a handler.
    if std::process::id() != 1 {
        // It returns only on an error; then the code below says the same.
        let _ = low_level::emulate_default_handler(signal);
    }
    std::process::exit(128 + signal)
}
