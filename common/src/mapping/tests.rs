//! The rules of the plan, one row or one test for each.

mod collations;
mod columns;
mod defaults;
mod foreign;
mod keys;
mod leftovers;
mod names;
mod page;
mod proposals;
mod reasons;
mod split;
pub(super) mod support;
