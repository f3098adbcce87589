//! The statements of an import, for people to read before it runs.
//!
//! Every statement is made by the code that makes it when the import runs; only the schema is the
//! one that the tables come to lie in, in place of the staging schema. What cannot be written
//! because the plan is refused (a name that PostgreSQL does not take) is left out.

use crate::engine::postgres::relation::Names;
use crate::engine::postgres::target::sql::{Statements, computed_clause, create_view};
use crate::fault::Result;
use crate::mapping::plan::{
    CheckPlan, ColumnPlan, ForeignKeyPlan, IndexPlan, KeyPlan, Plan, ViewPlan,
};

/// The statements of a plan.
#[derive(Debug)]
pub struct Shown<'a> {
    schema: &'a str,
    plan: &'a Plan,
    names: Names,
}

impl<'a> Shown<'a> {
    /// Those of `plan`, in the schema that gets the tables.
    #[must_use]
    pub fn new(schema: &'a str, plan: &'a Plan) -> Self {
        Shown {
            schema,
            plan,
            names: Names::of(plan),
        }
    }

    /// Those of the table at this position of the plan.
    #[must_use]
    pub fn table(&self, position: usize) -> ShownTable<'_> {
        ShownTable {
            statements: Statements {
                schema: self.schema,
                plan: self.plan,
                citext: None,
                table: &self.plan.tables[position],
            },
            sequences: &self.names.sequences[position],
        }
    }
}

/// The statements that make one table.
#[derive(Debug, Clone, Copy)]
pub struct ShownTable<'a> {
    statements: Statements<'a>,
    /// Names for the identity columns.
    sequences: &'a [Option<String>],
}

impl ShownTable<'_> {
    /// CREATE TABLE with its columns.
    #[must_use]
    pub fn create(&self) -> Option<String> {
        self.statements.create(self.sequences).ok()
    }

    /// The primary key: its index, and what makes a key of it.
    #[must_use]
    pub fn primary_key(&self, key: &KeyPlan) -> Vec<String> {
        self.key("PRIMARY KEY", key)
    }

    /// A UNIQUE constraint: its index, and what makes a constraint of it.
    #[must_use]
    pub fn unique(&self, key: &KeyPlan) -> Vec<String> {
        self.key("UNIQUE", key)
    }

    fn key(&self, kind: &str, key: &KeyPlan) -> Vec<String> {
        written([
            self.statements.create_key_index(key),
            self.statements.use_indexes(&[(kind, key)]),
        ])
    }

    /// An index.
    #[must_use]
    pub fn index(&self, index: &IndexPlan) -> Vec<String> {
        written([self.statements.create_index(index)])
    }

    /// A foreign key, and the look at the rows that are there.
    #[must_use]
    pub fn foreign_key(&self, key: &ForeignKeyPlan) -> Vec<String> {
        let add = self.statements.add_foreign_key(key);
        let validate = key.valid.then(|| self.statements.validate(key));
        written([add].into_iter().chain(validate))
    }

    /// A check, and the look at the rows that are there.
    #[must_use]
    pub fn check(&self, check: &CheckPlan) -> Vec<String> {
        written([
            self.statements.add_check(check),
            self.statements.validate_check(check),
        ])
    }

    /// The default of a column, as a clause of CREATE TABLE.
    #[must_use]
    pub fn default(&self, column: &ColumnPlan) -> Vec<String> {
        written(self.statements.default_clause(column).transpose())
    }

    /// Where the sequence of the column at this position goes on.
    #[must_use]
    pub fn restart(&self, position: usize) -> Vec<String> {
        let column = self.statements.table.columns.get(position);
        let restart = column.and_then(|column| {
            let sequence = self.sequences.get(position)?.as_deref()?;
            let next = column.identity?;
            Some(self.statements.restart_column(column, next, sequence))
        });
        written(restart)
    }
}

/// A view.
#[must_use]
pub fn view(schema: &str, view: &ViewPlan) -> Vec<String> {
    written([create_view(schema, view)])
}

/// What computes a column, as a clause of CREATE TABLE.
#[must_use]
pub fn computed(column: &ColumnPlan) -> Vec<String> {
    written(computed_clause(column).transpose())
}

fn written(statements: impl IntoIterator<Item = Result<String>>) -> Vec<String> {
    statements.into_iter().filter_map(Result::ok).collect()
}
