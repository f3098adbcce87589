//! Stands in for the translation where SQLite's grammar is not built in: nothing is translated.

use crate::mapping::expression::{Expression, Scope, Typed};
use crate::mapping::plan::PgType;
use crate::model::schema::Affinity;
use std::collections::BTreeSet;

const WITHOUT: &str = "this program is built without SQLite's grammar";

/// A translated expression; there is none here.
pub(in crate::mapping) struct Translated {
    pub(in crate::mapping) typed: Typed,
    pub(in crate::mapping) caveats: BTreeSet<&'static str>,
    pub(in crate::mapping) columns: BTreeSet<usize>,
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
