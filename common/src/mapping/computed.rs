//! Computed columns: translated before the keys are settled, and once more when the types are.

use crate::mapping::draft::Draft;
use crate::mapping::entry;
use crate::mapping::expression::{self, Budget, Class, Expression, Typed};
use crate::mapping::leftovers::{brief, left_out};
use crate::mapping::objects::translation;
use crate::mapping::plan::PgType;
use crate::mapping::scope::scope;
use crate::mapping::types;
use crate::model::schema::Schema;
use crate::report::Finding;
use crate::report::structure::Subject;
use std::collections::{BTreeMap, BTreeSet};

/// Rounds over the columns of a table, each of which may use those of the rounds before.
const ROUNDS: usize = 16;
/// Most nodes of a computed column that others may use in their turn.
const LARGEST: usize = 5_000;

/// Computed columns that are left out, by the positions of table and column in the schema, with the
/// reason.
pub(super) type Refused = BTreeMap<(usize, usize), String>;

/// A computed column of the plan.
#[derive(Debug, Clone, Default)]
pub(super) struct Computed {
    /// What it is computed from, once it is translated.
    typed: Option<Typed>,
    caveats: BTreeSet<&'static str>,
    /// Length that its longest value is reckoned to have, in bytes.
    pub(super) longest: u64,
}

impl Computed {
    /// The type that its values have.
    pub(super) fn target(&self) -> PgType {
        self.class().pg_type()
    }

    /// What its values are.
    pub(super) fn class(&self) -> Class {
        self.typed
            .as_ref()
            .map_or(Class::Opaque, |typed| typed.class)
    }

    /// What it is computed from.
    pub(super) fn tree(&self) -> Option<&Expression> {
        self.typed.as_ref().map(|typed| &typed.tree)
    }
}

/// All computed columns of a schema, refused.
pub(super) fn all(schema: &Schema) -> Refused {
    let mut refused = Refused::new();
    for (table, of) in schema.tables.iter().enumerate() {
        for (position, column) in of.columns.iter().enumerate() {
            if column.generated.is_some() {
                refused.insert(
                    (table, position),
                    "it depends on too many others".to_owned(),
                );
            }
        }
    }
    refused
}

/// Translates the computed columns of all tables, for the types that the other columns have or,
/// where these are not `settled`, are likely to have. Gives back those that cannot be carried over.
pub(super) fn translate(drafts: &mut [Draft<'_>], budget: &Budget, settled: bool) -> Refused {
    budget.renew();
    let mut refused = Refused::new();
    for draft in drafts {
        let has_any = draft.columns.iter().any(|stored| stored.computed.is_some());
        if has_any {
            of_table(draft, budget, settled, &mut refused);
        }
    }
    refused
}

fn of_table(draft: &mut Draft<'_>, budget: &Budget, settled: bool, refused: &mut Refused) {
    let mut pending = Vec::new();
    let mut before = Vec::new();
    for (position, stored) in draft.columns.iter_mut().enumerate() {
        before.push(stored.target);
        if let Some(computed) = &mut stored.computed {
            computed.typed = None;
            pending.push((position, String::new()));
        } else if !settled {
            stored.target = types::fits(stored).types[0];
        }
    }
    for _ in 0..ROUNDS {
        let count = pending.len();
        pending.retain_mut(|(position, reason)| {
            let outcome = one(draft, budget, *position);
            if let Err(why) = outcome {
                *reason = why;
                return true;
            }
            false
        });
        if pending.is_empty() || pending.len() == count {
            break;
        }
    }
    for (position, stored) in draft.columns.iter().enumerate() {
        let moved = settled && stored.computed.is_some() && stored.target != before[position];
        if moved && !pending.iter().any(|(other, _)| *other == position) {
            let reason = "a foreign key gives a column that it uses another type";
            pending.push((position, reason.to_owned()));
        }
    }
    for (position, reason) in pending {
        let column = draft.columns[position].column;
        let mut columns = draft.table.columns.iter();
        if let Some(declared) = columns.position(|other| std::ptr::eq(other, column)) {
            refused.insert((draft.source, declared), reason);
        }
    }
}

fn one(draft: &mut Draft<'_>, budget: &Budget, position: usize) -> Result<(), String> {
    let column = draft.columns[position].column;
    let Some(generated) = &column.generated else {
        return Ok(());
    };
    let scope = scope(draft, true);
    let translated = expression::computed(&generated.expression, &scope, column.affinity)?;
    if translated.typed.tree.size(LARGEST) > LARGEST {
        return Err("its translation would be too large".to_owned());
    }
    budget.take(&translated.typed.tree)?;
    let lengths = translated.columns.iter().map(|used| {
        let name = &scope.columns[*used].name;
        let stored = draft.position(name).map(|used| &draft.columns[used]);
        stored.map_or(0, entry::longest)
    });
    let longest = lengths.fold(0, u64::saturating_add);
    let stored = &mut draft.columns[position];
    stored.target = translated.typed.class.pg_type();
    stored.computed = Some(Computed {
        typed: Some(translated.typed),
        caveats: translated.caveats,
        longest,
    });
    Ok(())
}

/// Reports which are carried over, and which are not.
pub(super) fn report(drafts: &[Draft<'_>], refused: &Refused, findings: &mut Vec<Finding>) {
    for draft in drafts {
        for (position, column) in draft.table.columns.iter().enumerate() {
            let Some(generated) = &column.generated else {
                continue;
            };
            let sql = &generated.expression;
            let stored = draft
                .columns
                .iter()
                .find(|stored| std::ptr::eq(stored.column, column));
            let computed = stored.and_then(|stored| stored.computed.as_ref());
            let finding = match (computed, refused.get(&(draft.source, position))) {
                (Some(computed), None) => {
                    let caveats: Vec<&str> = computed.caveats.iter().copied().collect();
                    translation("the computed column", sql, &caveats)
                }
                (_, reason) => {
                    let reason = reason.map_or("it is not translated", String::as_str);
                    left_out(format!(
                        "the computed column is left out, {reason}: {}",
                        brief(sql)
                    ))
                }
            };
            let finding = finding.in_table(&draft.table.name);
            findings.push(finding.in_column(&column.name).about(Subject::Computed));
        }
    }
}
