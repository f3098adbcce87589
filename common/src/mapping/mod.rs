//! The plan: what each table, column and key of a schema becomes in PostgreSQL, and why.
//!
//! Pure: schema and evidence in, plan and findings out. Knows no connection and writes no SQL;
//! `engine::postgres` does both.

pub mod plan;
