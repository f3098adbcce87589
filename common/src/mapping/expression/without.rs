//! Stands in for the translation where SQLite's grammar is not built in: nothing is translated.

use crate::mapping::expression::query::Query;
use crate::mapping::expression::{Expression, Scope, ScopeColumn, Typed};
use crate::mapping::plan::PgType;
use crate::model::schema::Affinity;
use std::collections::{BTreeMap, BTreeSet};

const WITHOUT: &str = "this program is built without SQLite's grammar";

/// A translated expression; there is none here.
pub(in crate::mapping) struct Translated {
    pub(in crate::mapping) typed: Typed,
    pub(in crate::mapping) caveats: BTreeSet<&'static str>,
    pub(in crate::mapping) columns: BTreeSet<usize>,
}

/// A table or view that queries may read.
pub(in crate::mapping) struct Relation {
    pub(in crate::mapping) name: String,
    pub(in crate::mapping) columns: Vec<ScopeColumn>,
}

/// Tables and views by their names in lower case.
pub(in crate::mapping) type Relations = BTreeMap<String, Relation>;

/// A translated view; there is none here.
pub(in crate::mapping) struct TranslatedView {
    pub(in crate::mapping) query: Query,
    pub(in crate::mapping) columns: Vec<(String, Typed)>,
    pub(in crate::mapping) caveats: BTreeSet<&'static str>,
}

/// Refuses every view.
pub(in crate::mapping) fn view(
    _sql: &str,
    _relations: &Relations,
) -> Result<TranslatedView, String> {
    Err(WITHOUT.to_owned())
}

/// Refuses every CHECK constraint.
pub(in crate::mapping) fn check(_sql: &str, _scope: &Scope) -> Result<Translated, String> {
    Err(WITHOUT.to_owned())
}

/// Refuses every index.
pub(in crate::mapping) fn indexed(
    _sql: &str,
    _scope: &Scope,
    _is_condition: bool,
) -> Result<Translated, String> {
    Err(WITHOUT.to_owned())
}

/// Refuses every computed column.
pub(in crate::mapping) fn computed(
    _sql: &str,
    _scope: &Scope,
    _affinity: Affinity,
) -> Result<Translated, String> {
    Err(WITHOUT.to_owned())
}

/// Refuses every default.
pub(in crate::mapping) fn default(
    _sql: &str,
    _affinity: Affinity,
    _target: PgType,
) -> Result<Expression, String> {
    Err(WITHOUT.to_owned())
}
