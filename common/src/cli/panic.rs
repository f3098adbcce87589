//! Panics: kept in place of Rust's own message, and told like every other failure.

use crate::fault::{Code, Fault};
use std::backtrace::{Backtrace, BacktraceStatus};
use std::fmt::{self, Write as _};
use std::panic::PanicHookInfo;
use std::sync::{Mutex, PoisonError};

/// The first panic of the process, of whichever thread.
static FIRST: Mutex<Option<Panicked>> = Mutex::new(None);

/// Where and why a thread panicked.
#[derive(Debug, Clone)]
struct Panicked(String);

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Panicked {}

/// Keeps the first panic for [`told`] and prints nothing.
pub(super) fn install() {
    std::panic::set_hook(Box::new(|info| {
        let mut first = FIRST.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(|| Panicked(described(info)));
    }));
}

fn described(info: &PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let message = text.unwrap_or("a panic without a message");
    let mut text = match info.location() {
        Some(place) => format!("{message} ({}:{})", place.file(), place.line()),
        None => message.to_owned(),
    };
    let trace = Backtrace::capture();
    if trace.status() == BacktraceStatus::Captured {
        write!(text, "\n{trace}").expect("a String takes all text");
    }
    text
}

/// The failure that the first panic amounts to, if there was one.
pub(super) fn told() -> Option<Fault> {
    let first = FIRST.lock().unwrap_or_else(PoisonError::into_inner);
    let panicked = first.clone()?;
    Some(Fault::new(Code::Bug, "the program has panicked").because(panicked))
}
