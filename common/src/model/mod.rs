//! What a database is, for every engine: values, rows, schemas. Plain data; no serde, no I/O.

pub mod address;
pub mod forms;
pub mod key;
pub mod number;
pub mod quoted;
pub mod schema;
pub mod value;
