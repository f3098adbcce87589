//! Keys and indexes whose collation takes different texts for equal.
//!
//! PostgreSQL's columns compare bytes. `NOCASE` folds the 26 letters of ASCII, and so does `lower()`
//! under collation "C"; `RTRIM` leaves out blanks at the end, and so does `rtrim()`. So an index on
//! one of these means what the source's meant. What an application's own collation does is not known.

use crate::fault::Code;
use crate::mapping::draft::{Draft, Stored};
use crate::mapping::expression::Expression;
use crate::mapping::keys::IndexDraft;
use crate::mapping::types::{self, Compared};
use crate::model::key::Collation;
use crate::model::schema::{Index, IndexOn, Key, Schema};
use crate::report::{Finding, Severity};

/// What is compared of a column's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fold {
    /// Its bytes.
    Bytes,
    /// Its bytes with the letters of ASCII in lower case.
    Lower,
    /// Its bytes without blanks at the end.
    Trimmed,
}

/// A term of an index that is carried over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Term {
    /// Position in `Draft::columns`.
    pub(super) column: usize,
    pub(super) descending: bool,
    pub(super) fold: Fold,
}

impl Fold {
    /// What a collation compares of this column; `None` where only an application knows, or where
    /// the target has no function that gives it.
    pub(super) fn of(stored: &Stored<'_>, collation: &str) -> Option<Fold> {
        if !is_coarse(stored, collation) {
            return Some(Fold::Bytes);
        }
        if types::compared(stored) != Compared::Texts {
            return None;
        }
        Some(match Collation::named(collation)? {
            Collation::Binary => Fold::Bytes,
            Collation::NoCase => Fold::Lower,
            Collation::Rtrim => Fold::Trimmed,
        })
    }

    /// What an index on the column is on.
    pub(super) fn expression(self, column: Expression) -> Expression {
        let call = |function| Expression::Call {
            function,
            arguments: vec![column.clone()],
        };
        match self {
            Fold::Bytes => column,
            Fold::Lower => call("lower"),
            Fold::Trimmed => call("rtrim"),
        }
    }

    /// How the column is shown in a message.
    pub(super) fn shown(self, column: &str) -> String {
        match self {
            Fold::Bytes => column.to_owned(),
            Fold::Lower => format!("lower({column})"),
            Fold::Trimmed => format!("rtrim({column})"),
        }
    }
}

/// Whether the collation tells fewer texts apart than the column does in PostgreSQL. It matters only
/// for texts: a number or a UUID compares alike under all.
pub(super) fn is_coarse(stored: &Stored<'_>, collation: &str) -> bool {
    let is = |name| collation.eq_ignore_ascii_case(name);
    match types::compared(stored) {
        Compared::Nothing => false,
        Compared::Texts | Compared::Encoded => !is("binary"),
        Compared::CaseBlind => !is("binary") && !is("nocase"),
    }
}

/// The terms of a key, as a unique index that means what the source's key does; `None` where bytes
/// mean that already, or where nobody knows.
pub(super) fn terms_of(draft: &Draft<'_>, key: &Key) -> Option<Vec<Term>> {
    let mut terms: Vec<Term> = Vec::new();
    for part in &key.columns {
        let column = draft.position(&part.column)?;
        let fold = Fold::of(&draft.columns[column], &part.collation)?;
        let term = Term {
            column,
            descending: false,
            fold,
        };
        if !terms.contains(&term) {
            terms.push(term);
        }
    }
    is_folded(&terms).then_some(terms)
}

/// The terms of an index on columns; one that stands twice orders nothing the second time.
pub(super) fn terms_of_index(draft: &Draft<'_>, index: &Index) -> Vec<Term> {
    let mut distinct: Vec<Term> = Vec::new();
    for term in &index.terms {
        let IndexOn::Column(name) = &term.on else {
            continue;
        };
        let Some(column) = draft.position(name) else {
            continue;
        };
        let fold = Fold::of(&draft.columns[column], &term.collation).unwrap_or(Fold::Bytes);
        if !distinct
            .iter()
            .any(|other| (other.column, other.fold) == (column, fold))
        {
            distinct.push(Term {
                column,
                descending: term.descending,
                fold,
            });
        }
    }
    distinct
}

/// Whether some term compares less than bytes.
pub(super) fn is_folded(terms: &[Term]) -> bool {
    terms.iter().any(|term| term.fold != Fold::Bytes)
}

/// The terms in words: `lower(a), b`.
pub(super) fn shown(draft: &Draft<'_>, terms: &[Term]) -> String {
    let shown = |term: &Term| term.fold.shown(&draft.columns[term.column].column.name);
    terms.iter().map(shown).collect::<Vec<_>>().join(", ")
}

/// Whether a foreign key refers to exactly these columns of the table.
pub(super) fn is_referred_to(schema: &Schema, draft: &Draft<'_>, columns: &[usize]) -> bool {
    let mut columns = columns.to_vec();
    columns.sort_unstable();
    let table = &draft.table.name;
    let mut references = schema
        .tables
        .iter()
        .flat_map(|child| &child.foreign_keys)
        .filter(|reference| reference.parent.eq_ignore_ascii_case(table));
    references.any(|reference| {
        let positions = reference.parent_columns.iter();
        let mut positions: Vec<_> = positions.filter_map(|name| draft.position(name)).collect();
        positions.sort_unstable();
        positions == columns
    })
}

/// Adds the unique indexes that keep what collations meant for keys, unless an index does so already.
pub(super) fn restore(indexes: &mut Vec<IndexDraft>, restored: Vec<Vec<Term>>) {
    for terms in restored {
        let same = |index: &IndexDraft| {
            index.unique
                && index.terms.len() == terms.len()
                && index.terms.iter().all(|term| {
                    let like =
                        |other: &Term| (other.column, other.fold) == (term.column, term.fold);
                    terms.iter().any(like)
                })
        };
        if !indexes.iter().any(same) {
            indexes.push(IndexDraft {
                expressed: None,
                name: None,
                unique: true,
                terms,
            });
        }
    }
}

/// Once the types are known: only text has letters and blanks, other types compare as they are.
pub(super) fn settle(drafts: &mut [Draft<'_>]) {
    for draft in drafts {
        let columns = &draft.columns;
        draft.structure.indexes.retain_mut(|index| {
            for term in &mut index.terms {
                if !columns[term.column].target.is_bytewise_text() {
                    term.fold = Fold::Bytes;
                }
            }
            index.name.is_some() || is_folded(&index.terms)
        });
    }
}

/// The same terms, compared by bytes.
pub(super) fn by_bytes(mut terms: Vec<Term>) -> Vec<Term> {
    for term in &mut terms {
        term.fold = Fold::Bytes;
    }
    terms
}

/// What becomes of the collations of a key, where they are other than bytes.
pub(super) fn key(draft: &Draft<'_>, key: &Key, what: &str) -> Option<Finding> {
    let coarse = key.columns.iter().find(|column| {
        let position = draft.position(&column.column);
        position.is_some_and(|position| is_coarse(&draft.columns[position], &column.collation))
    })?;
    let by = &coarse.collation;
    let (code, severity, message) = if let Some(terms) = terms_of(draft, key) {
        let on = shown(draft, &terms);
        let message = format!(
            "{what} compares bytes, where the source compares by {by}: a unique index on ({on}) beside it keeps that rule"
        );
        (Code::StructureTranslated, Severity::Note, message)
    } else {
        let message =
            format!("{what} is weaker: it compares bytes, where the source compares by {by}");
        (Code::StructureWeakened, Severity::Warning, message)
    };
    Some(
        Finding::new(code, severity, message)
            .in_table(&draft.table.name)
            .in_column(&coarse.column),
    )
}
