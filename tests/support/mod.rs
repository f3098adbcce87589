//! What several tests need: running a program, building samples, finding PostgreSQL.

pub(crate) mod compare_mapped;
pub(crate) mod compare_postgres;
pub(crate) mod compare_sqlite;
pub(crate) mod library;
pub(crate) mod postgres;
pub(crate) mod program;
pub(crate) mod result_schema;
pub(crate) mod samples;
