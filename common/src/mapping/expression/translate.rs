//! The translation's front door: SQL of SQLite in, a typed tree or the reason against it out.

use crate::mapping::expression::Expression;
use crate::mapping::expression::lower::{Lowering, Outcome};
use crate::mapping::expression::parse;
use crate::mapping::expression::query::Query;
use crate::mapping::expression::select::Queries;
use crate::mapping::expression::value::{Scope, ScopeColumn, Typed};
use crate::mapping::plan::PgType;
use crate::model::schema::Affinity;
use std::collections::{BTreeMap, BTreeSet};

/// What an expression is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A CHECK constraint: its columns' values alone count.
    Check,
    /// A computed column, or an index: the server wants it IMMUTABLE.
    Immutable,
    /// A default: it has no columns, and may give another value each time.
    Default,
    /// A view.
    Query,
}

/// A table or view that queries may read.
pub(in crate::mapping) struct Relation {
    /// Its name in the target.
    pub(in crate::mapping) name: String,
    /// Its columns.
    pub(in crate::mapping) columns: Vec<ScopeColumn>,
}

/// Tables and views by their names in lower case.
pub(in crate::mapping) type Relations = BTreeMap<String, Relation>;

/// A translated view.
pub(in crate::mapping) struct TranslatedView {
    /// Its query.
    pub(in crate::mapping) query: Query,
    /// Its columns by the names of the source, and what they are.
    pub(in crate::mapping) columns: Vec<(String, Typed)>,
    /// Where PostgreSQL does otherwise than SQLite, in words.
    pub(in crate::mapping) caveats: BTreeSet<&'static str>,
}

/// A CREATE VIEW over these relations.
pub(in crate::mapping) fn view(sql: &str, relations: &Relations) -> Outcome<TranslatedView> {
    parse::view(sql, |select, columns| {
        Queries::new(relations, 0).view(select, columns)
    })
}

/// A translated expression.
pub(in crate::mapping) struct Translated {
    /// The expression and what is known of it.
    pub(in crate::mapping) typed: Typed,
    /// Where PostgreSQL does otherwise than SQLite, in words.
    pub(in crate::mapping) caveats: BTreeSet<&'static str>,
    /// The columns it names, by their position in the scope.
    pub(in crate::mapping) columns: BTreeSet<usize>,
}

/// What must not be false in a row: a CHECK constraint.
pub(in crate::mapping) fn check(sql: &str, scope: &Scope) -> Outcome<Translated> {
    condition(sql, scope, Purpose::Check)
}

/// The WHERE clause of an index (`condition`), or a term of it.
pub(in crate::mapping) fn indexed(
    sql: &str,
    scope: &Scope,
    is_condition: bool,
) -> Outcome<Translated> {
    if is_condition {
        return condition(sql, scope, Purpose::Immutable);
    }
    with(sql, scope, Purpose::Immutable, |_, typed| Ok(typed))
}

/// A computed column of this affinity; its class tells its type.
pub(in crate::mapping) fn computed(
    sql: &str,
    scope: &Scope,
    affinity: Affinity,
) -> Outcome<Translated> {
    with(sql, scope, Purpose::Immutable, |lowering, typed| {
        lowering.computed(typed, affinity)
    })
}

/// The default of a column of this affinity and type.
pub(in crate::mapping) fn default(
    sql: &str,
    affinity: Affinity,
    target: PgType,
) -> Outcome<Expression> {
    let scope = Scope::default();
    let translated = with(sql, &scope, Purpose::Default, |lowering, typed| {
        let class = typed.class;
        let tree = lowering.default_of(typed, affinity, target)?;
        Ok(Typed::new(tree, class))
    })?;
    Ok(translated.typed.tree)
}

fn condition(sql: &str, scope: &Scope, purpose: Purpose) -> Outcome<Translated> {
    with(sql, scope, purpose, |lowering, typed| {
        Ok(Typed::bool(lowering.condition(typed)?))
    })
}

fn with(
    sql: &str,
    scope: &Scope,
    purpose: Purpose,
    then: impl FnOnce(&mut Lowering<'_>, Typed) -> Outcome,
) -> Outcome<Translated> {
    parse::expression(sql, |expression| {
        let mut lowering = Lowering::new(scope, purpose);
        let typed = lowering.lower(expression)?;
        let typed = then(&mut lowering, typed)?;
        Ok(lowering.finish(typed))
    })
}
