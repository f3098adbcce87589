//! PostgreSQL as target. tokio lives here and nowhere else; all public functions block.

pub mod catalogue;
pub mod conninfo;
pub mod existing;
mod ledger;
pub mod name;
mod relation;
mod rooms;
pub mod session;
pub mod target;
pub mod tls;
mod wishes;
