//! PostgreSQL as target. tokio lives here and nowhere else; all public functions block.

pub mod conninfo;
pub mod name;
pub mod session;
pub mod target;
pub mod tls;
