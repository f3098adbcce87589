//! Expressions of the target: what defaults, checks, computed columns and indexes are made of.
//!
//! A closed tree. It never holds a word of SQL; `engine::postgres` writes it out.

/// An expression on the columns of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// A column, by its name in the target.
    Column(String),
    /// A call of a function of `pg_catalog`.
    Call {
        /// The function's name.
        function: &'static str,
        /// Its arguments.
        arguments: Vec<Expression>,
    },
}
