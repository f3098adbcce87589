//! PostgreSQL as target. tokio lives here and nowhere else; all public functions block.

pub mod catalogue;
pub mod conninfo;
mod definition;
pub mod existing;
pub mod history;
mod images;
mod ledger;
pub mod name;
mod relation;
mod rooms;
pub mod session;
pub mod sessions;
pub mod space;
mod swap;
pub mod target;
pub mod tls;
mod wishes;
