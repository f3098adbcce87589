//! Which tables of a database take part, and what depends on that choice.

use crate::fault::{Code, Fault, Result};
use crate::location::TableFilter;
use crate::model::schema::Schema;
use crate::seam::{PartBuffers, PartReader, PartSpan, RowSink};

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
    chosen.triggers.clone_from(&schema.triggers);
    chosen.triggers.retain(|trigger| {
        chosen
            .tables
            .iter()
            .any(|t| t.name.eq_ignore_ascii_case(&trigger.table))
    });
    chosen.sequences.clone_from(&schema.sequences);
    chosen.sequences.retain(|sequence| {
        chosen
            .tables
            .iter()
            .any(|t| t.name.eq_ignore_ascii_case(&sequence.table))
    });
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
