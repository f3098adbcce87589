//! Evidence: what all rows of a table say about their columns and keys. Gathered while rows pass,
//! bounded per column whatever the number of rows, and the same on any number of threads.
//!
//! Knows values and schemas; knows no archive, no database and no target type.

pub mod evidence;
mod form;
pub(crate) mod json;
mod random;
mod table;

pub use json::JsonReader;
pub use table::TableProfile;
