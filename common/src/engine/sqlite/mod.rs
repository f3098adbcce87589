//! SQLite as source and as target.

#[cfg(test)]
mod corpus;
pub mod ddl;
mod failure;
mod interrupt;
pub mod name;
mod open;
pub mod runs;
pub mod schema;
pub mod source;
pub mod target;
