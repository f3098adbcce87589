//! The mapping file: what the operator says about single tables and columns, and about the target.
//!
//! Knows TOML and the keys of `docs/mapping.md`; knows no schema, no plan and no server. Every
//! mistake is a fault with line and column: an unknown key is never passed over. Names of tables
//! and columns are those of the source, unless a key says otherwise.

mod model;
mod parse;
mod rows_only;
mod rule;
#[cfg(test)]
mod tests;
mod write;

pub use model::{
    AddedColumn, ColumnRule, Document, EpochName, Grant, IndexRule, Naming, OtherValues, Placed,
    ReadAs, StatisticsKind, StatisticsRule, TableRule, TextRule,
};
pub use parse::MappingFile;
pub use write::{column_heading, key, string, table_heading};
