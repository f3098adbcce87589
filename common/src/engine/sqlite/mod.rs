//! SQLite as source and as target.

pub mod ddl;
mod failure;
pub mod name;
pub mod open;
pub mod schema;
pub mod source;
pub mod target;
