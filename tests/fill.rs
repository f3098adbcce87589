//! `--mode fill`: rows into tables that an application has made, on every server.

#![expect(
    clippy::unwrap_used,
    reason = "the allowance for tests covers test functions only, not what they share"
)]

mod compare;
pub(crate) mod desk;
mod edges;
mod mapped;
mod refused;
mod shop;
mod survival;
