//! Which tables of a database take part, and what depends on that choice.

use crate::fault::{Code, Fault, Result};
use crate::location::TableFilter;
use crate::model::schema::Schema;
use crate::seam::{PartBuffers, PartReader, PartSpan, RowSink};
use std::collections::HashSet;

/// A schema cut down to the tables asked for.
pub(super) struct Selection {
    /// The tables that take part. With a choice of tables, views are left out, and so are triggers
    /// and sequences of other tables, as pg_dump does it.
    pub(super) schema: Schema,
    /// For each table of the schema, its position before the choice.
    pub(super) positions: Vec<usize>,
}

/// Applies `filter`; a pattern that matches nothing is an error, not an empty result.
pub(super) fn select(schema: &Schema, filter: &TableFilter) -> Result<Selection> {
    let names: Vec<&str> = schema
        .tables
        .iter()
        .map(|table| table.name.as_str())
        .collect();
    if let Some(pattern) = filter.unmatched(&names).first() {
        return Err(
            Fault::new(Code::Usage, format!("no table matches `{pattern}`"))
                .hint("waybill-analyze or waybill-verify --sums shows the tables"),
        );
    }
    let positions: Vec<usize> = (0..names.len())
        .filter(|position| filter.admits(names[*position]))
        .collect();
    if filter.is_all() {
        return Ok(Selection {
            schema: schema.clone(),
            positions,
        });
    }
    let mut chosen = Schema {
        facts: schema.facts.clone(),
        ..Schema::default()
    };
    chosen.tables = positions
        .iter()
        .map(|position| schema.tables[*position].clone())
        .collect();
    let names: HashSet<String> = chosen
        .tables
        .iter()
        .map(|table| table.name.to_ascii_lowercase())
        .collect();
    let stays = |table: &str| names.contains(&table.to_ascii_lowercase());
    let triggers = schema.triggers.iter();
    chosen.triggers = triggers.filter(|t| stays(&t.table)).cloned().collect();
    let sequences = schema.sequences.iter();
    chosen.sequences = sequences.filter(|s| stays(&s.table)).cloned().collect();
    Ok(Selection {
        schema: chosen,
        positions,
    })
}

/// The parts of an archive that belong to a selection, counted by the selection's tables.
pub(super) struct SelectedParts<'a> {
    all: &'a dyn PartReader,
    parts: Vec<PartSpan>,
    positions: &'a [usize],
}

impl<'a> SelectedParts<'a> {
    /// The parts of `all` whose tables stand at `positions`.
    pub(super) fn new(all: &'a dyn PartReader, positions: &'a [usize]) -> Self {
        let mut parts = Vec::new();
        for part in all.parts() {
            if let Ok(table) = positions.binary_search(&part.table) {
                parts.push(PartSpan { table, ..*part });
            }
        }
        SelectedParts {
            all,
            parts,
            positions,
        }
    }
}

impl<'a> SelectedParts<'a> {
    /// None of the parts: tables stay empty.
    pub(super) fn none(all: &'a dyn PartReader) -> Self {
        SelectedParts {
            all,
            parts: Vec::new(),
            positions: &[],
        }
    }
}

impl PartReader for SelectedParts<'_> {
    fn parts(&self) -> &[PartSpan] {
        &self.parts
    }

    fn read(
        &self,
        part: &PartSpan,
        buffers: &mut PartBuffers,
        sink: &mut dyn RowSink,
    ) -> Result<()> {
        let original = PartSpan {
            table: self.positions[part.table],
            ..*part
        };
        self.all.read(&original, buffers, sink)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::schema::{Sequence, Table, Trigger};

    #[test]
    fn triggers_and_sequences_stay_with_their_tables_whatever_the_case() {
        let schema = Schema {
            tables: (0..20_000)
                .map(|n| Table::bare(format!("Table{n}")))
                .collect(),
            triggers: (0..20_000)
                .map(|n| Trigger {
                    name: format!("on{n}"),
                    table: format!("TABLE{n}"),
                    sql: String::new(),
                })
                .collect(),
            sequences: (0..20_000)
                .map(|n| Sequence {
                    table: format!("table{n}"),
                    value: n,
                })
                .collect(),
            ..Schema::default()
        };
        let all_but_one = TableFilter::new(&[], &["TABLE7".to_owned()]).unwrap();
        let chosen = select(&schema, &all_but_one).unwrap();
        assert_eq!(chosen.positions.len(), 19_999);
        assert_eq!(chosen.schema.triggers.len(), 19_999);
        assert!(chosen.schema.triggers.iter().all(|t| t.name != "on7"));
        let values: Vec<i64> = chosen.schema.sequences.iter().map(|s| s.value).collect();
        assert_eq!(values, (0..20_000).filter(|n| *n != 7).collect::<Vec<_>>());
    }
}
