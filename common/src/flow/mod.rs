//! The order of steps of each job: what the four programs do, without a command line.
//!
//! Knows archive, engines and mapping; knows no terminal. Every job takes a request and an
//! observer, and gives a report or the fault that ended it.

#[cfg(all(feature = "sqlite", feature = "postgres"))]
mod analyze;
#[cfg(all(feature = "sqlite", feature = "postgres"))]
mod compare;
mod examine;
#[cfg(feature = "sqlite")]
mod export;
#[cfg(all(feature = "sqlite", feature = "postgres"))]
mod fill;
#[cfg(all(feature = "sqlite", feature = "postgres"))]
mod fitting;
#[cfg(all(feature = "sqlite", feature = "postgres"))]
mod history;
#[cfg(all(feature = "sqlite", feature = "postgres"))]
mod import;
mod inspect;
#[cfg(all(feature = "sqlite", feature = "postgres"))]
mod into_sqlite;
#[cfg(all(feature = "sqlite", feature = "postgres"))]
mod kept;
pub mod keys;
#[cfg(all(feature = "sqlite", feature = "postgres"))]
mod map_out;
mod open;
#[cfg(feature = "postgres")]
mod plan;
#[cfg(all(feature = "sqlite", feature = "postgres"))]
mod rehearse;
pub mod request;
#[cfg(all(feature = "sqlite", feature = "postgres"))]
mod runs;
#[cfg(feature = "sqlite")]
mod select;
#[cfg(feature = "sqlite")]
mod source;
#[cfg(all(feature = "sqlite", feature = "postgres"))]
mod space;
#[cfg(feature = "postgres")]
mod structure;
mod verify;
#[cfg(feature = "postgres")]
mod wishes;
mod wording;
mod workers;

#[cfg(all(feature = "sqlite", feature = "postgres"))]
pub use analyze::analyze;
#[cfg(all(feature = "sqlite", feature = "postgres"))]
pub use compare::check;
#[cfg(feature = "sqlite")]
pub use export::export;
#[cfg(all(feature = "sqlite", feature = "postgres"))]
pub use import::import;
pub use inspect::inspect;
#[cfg(all(feature = "sqlite", feature = "postgres"))]
pub use runs::{prune, status, undo};
pub use verify::verify;
