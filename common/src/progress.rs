//! How a running job tells how far it is, and learns that it should stop.
//!
//! Knows no terminal and no signal: `cli` draws the bars and sets the flag.

/// What a phase will do in all, where that is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extent {
    /// Rows, or `None` when nobody has counted them.
    pub rows: Option<u64>,
    /// Bytes, or `None` when nobody has measured them.
    pub bytes: Option<u64>,
}

/// The observer of a job. All methods may be called from any thread.
pub trait Watch: Sync {
    /// A phase begins, such as `reading` or `indexes`.
    fn phase(&self, name: &str, extent: Extent);
    /// Work on a table begins.
    fn table(&self, name: &str);
    /// So many more rows and bytes are done.
    fn advance(&self, rows: u64, bytes: u64);
    /// Something is tried once more, or taken over from another process, and the job goes on: `what`,
    /// and the reason.
    fn retry(&self, _what: &str, _why: &str) {}
    /// Whether a signal has asked the job to stop; asked at least once a part.
    fn stopped(&self) -> bool;
    /// A step that cannot be interrupted has not ended long after `stopped`, and what it had made
    /// is removed: a program ends here.
    fn give_up(&self) {}
}

/// Watches nothing and never stops; for tests and for work too short to watch.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl Watch for Unwatched {
    fn phase(&self, _: &str, _: Extent) {}
    fn table(&self, _: &str) {}
    fn advance(&self, _: u64, _: u64) {}
    fn stopped(&self) -> bool {
        false
    }
}
