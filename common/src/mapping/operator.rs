//! What an operator adds to a plan by a mapping file, as data.
//!
//! The one part of a plan that holds SQL: the operator's own, never a word from an archive. It is
//! run as the role that imports, with the target schema in its `search_path`.

use crate::mapping::file::StatisticsKind;

/// SQL that the operator wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorSql(pub String);

/// What the operator asks for that belongs to no table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OperatorPlan {
    /// Extensions that must be there before anything is made.
    pub extensions: Vec<String>,
    /// Those that are missing are created.
    pub create_extensions: bool,
    /// The role that owns what is made.
    pub owner: Option<String>,
    /// Rights, in the order of the file.
    pub grants: Vec<GrantPlan>,
    /// SQL to run before the tables are made.
    pub before: Option<Script>,
    /// SQL to run within the transaction of the switch, after everything else.
    pub after: Option<Script>,
}

/// A file of the operator's SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The path, for messages.
    pub name: String,
    /// What it says.
    pub sql: OperatorSql,
}

/// Rights of roles on tables of the plan and on the sequences of their columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantPlan {
    /// Words of GRANT, in capitals: a closed list.
    pub privileges: Vec<String>,
    /// The roles; `public` is everybody.
    pub to: Vec<String>,
    /// Positions in `Plan::tables`.
    pub tables: Vec<usize>,
}

/// What the operator adds to one table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Additions {
    /// Indexes that the source does not have.
    pub indexes: Vec<AddedIndex>,
    /// Statistics on several columns.
    pub statistics: Vec<AddedStatistics>,
    /// The trigger that keeps a column at the time of the last change.
    pub updated_at: Option<UpdatedAt>,
    /// Columns by which the rows are stored in order, by their names in the target.
    pub order_by: Vec<String>,
}

/// An index that the operator asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedIndex {
    /// Its name; unique among the plan's relations.
    pub name: String,
    /// UNIQUE.
    pub unique: bool,
    /// A method of PostgreSQL: a closed list.
    pub method: Option<String>,
    /// What it is on.
    pub on: IndexedBy,
    /// Its WHERE clause.
    pub predicate: Option<OperatorSql>,
}

/// What an index of the operator is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndexedBy {
    /// Columns by their names in the target, each with this operator class.
    Columns(Vec<String>, Option<OperatorSql>),
    /// What stands between the parentheses.
    Sql(OperatorSql),
}

/// A statistics object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedStatistics {
    /// Its name; unique among the plan's statistics.
    pub name: String,
    /// The columns by their names in the target.
    pub columns: Vec<String>,
    /// What is counted; everything when empty.
    pub kinds: Vec<StatisticsKind>,
}

/// A trigger that sets a column when a row is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdatedAt {
    /// The column, by its name in the target; a timestamptz, timestamp or date.
    pub column: String,
    /// The name of trigger and function; unique among the plan's.
    pub name: String,
}
