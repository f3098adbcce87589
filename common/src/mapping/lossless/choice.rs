//! Which columns get another form, so that none of their values is refused.

use crate::mapping::draft::{self, Draft, Source, Stored};
use crate::mapping::foreign::{self, Reference};
use crate::mapping::lossless::Choices;
use crate::mapping::{Request, computed, keys, types};
use crate::model::schema::{Encoding, Schema};
use crate::profile::evidence::{KeyEvidence, TableEvidence};

/// A form that holds what the plan's own choice would refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// The bytes of each text, in bytea.
    Bytes,
    /// The canonical JSON of each value, in json.
    CellJson,
    /// The same in text, which has an order and equality.
    CellText,
}

pub(super) fn choices(
    schema: &Schema,
    evidence: &[TableEvidence],
    keys: &[KeyEvidence],
    request: &Request,
) -> Choices {
    let source = Source::new(schema, evidence, keys, request);
    let mut drafts = draft::drafts(&source, &computed::all(schema));
    let mut ignored = Vec::new();
    for draft in &mut drafts {
        draft.structure = keys::structure(&source, draft, &mut ignored);
        keys::mark(draft);
    }
    let references = foreign::references(&source, &drafts, &mut ignored);
    foreign::mark(&mut drafts, &references);
    let mut forms: Vec<Vec<Option<Form>>> = drafts
        .iter()
        .map(|draft| {
            let columns = draft.columns.iter();
            columns
                .map(|stored| form(stored, schema.facts.encoding))
                .collect()
        })
        .collect();
    spread(&drafts, &references, &mut forms);
    let mut choices = Choices::new();
    for (draft, forms) in drafts.iter().zip(forms) {
        for (column, form) in forms.into_iter().enumerate() {
            if let Some(form) = form {
                choices.insert((draft.source, column), form);
            }
        }
    }
    choices
}

/// The form of a column by itself, where it needs one.
fn form(stored: &Stored<'_>, encoding: Encoding) -> Option<Form> {
    if types::fits(stored).refusals.is_empty() {
        return None;
    }
    Some(if only_texts(stored) && encoding == Encoding::Utf8 {
        // In UTF-16 the bytes of a text that is not valid are no UTF-8, and others could have them.
        Form::Bytes
    } else if stored.keyed || stored.indexed {
        Form::CellText
    } else {
        Form::CellJson
    })
}

fn only_texts(stored: &Stored<'_>) -> bool {
    let evidence = stored.evidence;
    evidence.texts + evidence.raw_texts == evidence.present()
}

/// Columns that a foreign key ties get one form, so that the key can stay. Where one of them is the
/// INTEGER PRIMARY KEY, that stays what it is, and the foreign key is left out.
fn spread(drafts: &[Draft<'_>], references: &[Reference<'_>], forms: &mut [Vec<Option<Form>>]) {
    // Each round gives at least one column a form, or a wider one: Bytes, then CellText.
    loop {
        let mut changed = false;
        for reference in references {
            let child = &drafts[reference.child];
            let parent = &drafts[reference.parent];
            for (a, b) in reference.columns.iter().zip(&reference.parent_columns) {
                let (from, to) = (&child.columns[*a], &parent.columns[*b]);
                let forms_of = (forms[reference.child][*a], forms[reference.parent][*b]);
                if from.identity || to.identity || !foreign::same_as_cells(from, to) {
                    continue;
                }
                let Some(both) = common(forms_of, (from, to)) else {
                    continue;
                };
                if forms_of != (Some(both), Some(both)) {
                    forms[reference.child][*a] = Some(both);
                    forms[reference.parent][*b] = Some(both);
                    changed = true;
                }
            }
        }
        if !changed {
            return;
        }
    }
}

fn common(forms: (Option<Form>, Option<Form>), of: (&Stored<'_>, &Stored<'_>)) -> Option<Form> {
    match forms {
        (None, None) => None,
        (Some(Form::Bytes), Some(Form::Bytes)) => Some(Form::Bytes),
        (Some(Form::Bytes), None) if only_texts(of.1) => Some(Form::Bytes),
        (None, Some(Form::Bytes)) if only_texts(of.0) => Some(Form::Bytes),
        _ => Some(Form::CellText),
    }
}
