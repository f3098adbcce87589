//! The history of a database file: which imports put it in place, what they put aside, and how that
//! comes back.
//!
//! All of it stands beside the database and nothing in it: a copy of SQLite by SQLite is exact. The
//! record `NAME.waybill-runs` says what was done; `NAME.waybill-RUN` is what the run has put aside,
//! a database of its own.

mod changes;
mod hold;
mod holders;
mod look;
mod names;
mod placing;
mod prune;
mod record;
mod status;
mod swap;
mod switch;
mod undo;

pub(super) use changes::Summing;
pub use look::{Standing, standing, tables};
pub(super) use names::{SIDE_FILES, with_suffix};
pub(super) use placing::Placing;
pub use placing::{Imported, NewRun};
pub use prune::{Keep, Prune};
pub use status::status;
pub(super) use swap::rename_new;
pub use undo::{Undo, rehearsed};

#[cfg(test)]
mod tests;
