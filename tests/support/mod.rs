//! What several tests need: running a program, building samples, finding PostgreSQL.
pub(crate) mod postgres;
