//! One object of a report, from what is found about it.

use crate::report::structure::{Fate, ObjectKind, ObjectReport};
use crate::report::{Finding, Severity};

/// An object that is in the target.
pub(super) fn present(
    kind: ObjectKind,
    name: impl Into<String>,
    translated: bool,
    found: &[&Finding],
    sql: Vec<String>,
) -> ObjectReport {
    let weaker = found.iter().any(|one| one.severity > Severity::Note);
    let fate = match (weaker, translated) {
        (true, _) => Fate::Weakened,
        (false, true) => Fate::Translated,
        (false, false) => Fate::Carried,
    };
    ObjectReport {
        kind,
        name: name.into(),
        fate,
        reasons: messages(found),
        sql,
    }
}

/// An object that is not.
pub(super) fn absent(
    kind: ObjectKind,
    name: impl Into<String>,
    found: &[&Finding],
) -> ObjectReport {
    ObjectReport {
        kind,
        name: name.into(),
        fate: Fate::LeftOut,
        reasons: messages(found),
        sql: Vec::new(),
    }
}

pub(super) fn messages(found: &[&Finding]) -> Vec<String> {
    let reasons = found.iter().map(|one| reason(&one.message).to_owned());
    reasons.collect()
}

/// A message without the object and its fate, which stand beside it.
fn reason(message: &str) -> &str {
    let beginnings = ["is left out: ", "is left out, ", "is weaker: "];
    let rest = beginnings
        .iter()
        .filter_map(|beginning| message.split_once(beginning))
        .min_by_key(|(object, _)| object.len());
    rest.map_or(message, |(_, rest)| rest)
}

/// An object that is there or not.
pub(super) fn one(
    kind: ObjectKind,
    name: &str,
    kept: bool,
    translated: bool,
    found: &[&Finding],
    sql: impl FnOnce() -> Vec<String>,
) -> ObjectReport {
    if kept {
        present(kind, name, translated, found, sql())
    } else {
        absent(kind, name, found)
    }
}

/// An object that the source does not have.
pub(super) fn added_object(kind: ObjectKind, name: &str, sql: Vec<String>) -> ObjectReport {
    ObjectReport {
        kind,
        name: name.to_owned(),
        fate: Fate::Added,
        reasons: Vec::new(),
        sql,
    }
}
