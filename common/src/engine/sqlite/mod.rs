//! SQLite as source and as target.

pub mod ddl;
pub mod name;
pub mod schema;
pub mod source;
pub mod target;
