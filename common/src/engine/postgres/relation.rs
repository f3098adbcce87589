//! The names of all relations and types that a plan makes in one schema.
//!
//! Knows no connection. Sequences of identity columns are named here, because the plan does not.

use std::collections::BTreeSet;

use crate::engine::postgres::name::MAX_IDENTIFIER_BYTES;
use crate::mapping::plan::{Plan, TablePlan};

/// The names a plan needs in the target schema.
#[derive(Debug, Clone)]
pub(super) struct Names {
    /// Per table, per column: the sequence of an identity column.
    pub(super) sequences: Vec<Vec<Option<String>>>,
    /// Tables, keys, indexes and sequences.
    pub(super) relations: Vec<String>,
    /// Row types, enumerated types and their array types.
    pub(super) types: Vec<String>,
}

impl Names {
    /// The names of `plan`.
    pub(super) fn of(plan: &Plan) -> Names {
        let mut taken: BTreeSet<String> = plan.tables.iter().flat_map(planned).collect();
        taken.extend(plan.views.iter().map(|view| view.name.clone()));
        let sequences = plan.tables.iter().map(|table| sequences(table, &mut taken));
        let sequences = sequences.collect();
        let tables = plan.tables.iter().map(|table| table.name.as_str());
        let tables = tables.chain(plan.views.iter().map(|view| view.name.as_str()));
        let enums = plan.enums.iter().map(|planned| planned.name.as_str());
        let types = tables.chain(enums).flat_map(|table| {
            [
                table.to_owned(),
                cut(&format!("_{table}"), MAX_IDENTIFIER_BYTES).to_owned(),
            ]
        });
        Names {
            sequences,
            types: types.collect(),
            relations: taken.into_iter().collect(),
        }
    }
}

fn planned(table: &TablePlan) -> Vec<String> {
    let keys = table.primary_key.iter().chain(&table.unique);
    let indexes = table.indexes.iter().map(|index| &index.name);
    let added = table.added.indexes.iter().map(|index| &index.name);
    let names = keys.map(|key| &key.name).chain(indexes).chain(added);
    names.chain([&table.name]).cloned().collect()
}

fn sequences(table: &TablePlan, taken: &mut BTreeSet<String>) -> Vec<Option<String>> {
    let columns = table.columns.iter();
    let named = columns.map(|column| {
        column.identity?;
        Some(free(&format!("{}_{}", table.name, column.name), taken))
    });
    named.collect()
}

/// `stem_seq`, with a number where that is taken, cut in the stem to what an identifier holds.
fn free(stem: &str, taken: &mut BTreeSet<String>) -> String {
    let numbered = std::iter::once("_seq".to_owned()).chain((1_u64..).map(|n| format!("_seq{n}")));
    let mut names = numbered.map(|end| {
        let room = MAX_IDENTIFIER_BYTES - end.len();
        format!("{}{end}", cut(stem, room))
    });
    names
        .find(|name| taken.insert(name.clone()))
        .expect("there are more numbers than names")
}

/// The whole characters of a name that fit into so many bytes, as the server cuts a long one.
pub(super) fn cut(name: &str, bytes: usize) -> &str {
    let mut end = std::cmp::min(bytes, name.len());
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_takes_no_name_of_the_plan_and_is_never_cut_by_the_server() {
        let mut taken = BTreeSet::from(["t_id_seq".to_owned()]);
        assert_eq!(free("t_id", &mut taken), "t_id_seq1");
        assert_eq!(free("t_id", &mut taken), "t_id_seq2");
        let long = format!("{}_id", "ü".repeat(31));
        let name = free(&long, &mut taken);
        assert_eq!(name, format!("{}_seq", "ü".repeat(29)));
        assert_eq!(free(&long, &mut taken), format!("{}_seq1", "ü".repeat(29)));
    }
}
