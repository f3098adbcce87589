//! Databases. Each engine is alike inside: reading, writing, types, names. No engine knows another.

#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "sqlite")]
pub mod sqlite;
