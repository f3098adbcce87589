//! What is known of a table while its plan takes shape.

use crate::mapping::asked;
use crate::mapping::computed::{Computed, Refused};
use crate::mapping::expression::Budget;
use crate::mapping::file::{ColumnRule, TableRule};
use crate::mapping::kept::Kept;
use crate::mapping::keys::Structure;
use crate::mapping::plan::{Conversion, PgType};
use crate::mapping::{Mapping, Request};
use crate::model::schema::{Column, Rowid, Schema, Table};
use crate::profile::evidence::{ColumnEvidence, Constraint, KeyEvidence, TableEvidence};
use std::collections::{BTreeMap, HashMap};

/// Everything a plan is made from, with its indexes.
pub(super) struct Source<'a> {
    pub(super) schema: &'a Schema,
    evidence: &'a [TableEvidence],
    keys: BTreeMap<(usize, Constraint), &'a KeyEvidence>,
    sequences: HashMap<&'a str, i64>,
    /// What the operator says of it.
    pub(super) mapping: Option<&'a Mapping>,
    /// `server_version_num` of the server.
    pub(super) server: u32,
    /// Types that columns keep.
    kept: &'a Kept,
    /// What its expressions may still come to.
    pub(super) budget: Budget,
}

/// A table of the plan.
pub(super) struct Draft<'a> {
    /// Position in `Schema::tables`.
    pub(super) source: usize,
    pub(super) table: &'a Table,
    /// Its name in the target.
    pub(super) name: String,
    /// The name that the operator asks for.
    pub(super) wanted: Option<String>,
    /// What the operator says of it.
    pub(super) rule: Option<&'a TableRule>,
    pub(super) rows: u64,
    /// The columns that have a cell, and the computed ones that are carried over.
    pub(super) columns: Vec<Stored<'a>>,
    /// Keys and indexes that are carried over.
    pub(super) structure: Structure,
    /// Positions of `columns` by name in lower case.
    positions: HashMap<String, usize>,
}

/// A column of the plan.
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
#[derive(Clone)]
pub(super) struct Stored<'a> {
    pub(super) column: &'a Column,
    /// Its name in the target.
    pub(super) name: String,
    /// The name that the operator asks for.
    pub(super) wanted: Option<String>,
    /// What the operator says of it.
    pub(super) rule: Option<&'a ColumnRule>,
    /// The type that the operator asks for: the values are not asked any more.
    pub(super) asked: Option<PgType>,
    /// That type is the one of the table that is replaced: nobody has asked for it.
    pub(super) kept: bool,
    /// How the operator wants values changed.
    pub(super) conversion: Option<Conversion>,
    /// Its cell in a row; of no meaning for a computed column.
    pub(super) cell: usize,
    /// Set for a computed column.
    pub(super) computed: Option<Computed>,
    pub(super) evidence: &'a ColumnEvidence,
    /// It is the INTEGER PRIMARY KEY.
    pub(super) identity: bool,
    /// Equal values must not be equal by accident: part of a key, or tied by a foreign key.
    pub(super) keyed: bool,
    /// Part of a key or an index, so that its type needs an order.
    pub(super) indexed: bool,
    /// A foreign key gave it another type than it would have had alone.
    pub(super) tied: bool,
    /// Its type; text until it is settled.
    pub(super) target: PgType,
}

/// Stands in where evidence is missing: a column without rows.
static NO_EVIDENCE: ColumnEvidence = ColumnEvidence {
    nulls: 0,
    integers: 0,
    reals: 0,
    texts: 0,
    raw_texts: 0,
    blobs: 0,
    integer_range: None,
    real_range: None,
    longest_text: 0,
    longest_blob: 0,
    forms: Vec::new(),
};

impl<'a> Source<'a> {
    pub(super) fn new(
        schema: &'a Schema,
        evidence: &'a [TableEvidence],
        keys: &'a [KeyEvidence],
        request: &'a Request,
    ) -> Self {
        let mut sequences = HashMap::new();
        for sequence in &schema.sequences {
            let value = sequences
                .entry(sequence.table.as_str())
                .or_insert(sequence.value);
            *value = std::cmp::max(*value, sequence.value);
        }
        let keys = keys
            .iter()
            .map(|key| ((key.table, key.constraint), key))
            .collect();
        Source {
            schema,
            evidence,
            keys,
            sequences,
            mapping: request.mapping.as_ref(),
            server: request.server_version,
            kept: &request.kept,
            budget: Budget::default(),
        }
    }

    /// What the operator says of a table.
    pub(super) fn rule(&self, table: &Table) -> Option<&'a TableRule> {
        self.mapping?.file.table(&table.name)
    }

    /// What the check of a constraint found, if it could be checked.
    pub(super) fn checked(&self, table: usize, constraint: Constraint) -> Option<&'a KeyEvidence> {
        let key = self.keys.get(&(table, constraint)).copied();
        key.filter(|key| key.unchecked.is_none())
    }

    /// What the check of a constraint found, if it found that rows break it.
    pub(super) fn broken(&self, table: usize, constraint: Constraint) -> Option<&'a KeyEvidence> {
        self.keys
            .get(&(table, constraint))
            .copied()
            .filter(|key| key.unchecked.is_none() && key.violations > 0)
    }

    /// The next value of an identity column; `None` when the largest integer is taken.
    pub(super) fn next_identity(&self, draft: &Draft<'_>, stored: &Stored<'_>) -> Option<i64> {
        let largest = stored
            .evidence
            .integer_range
            .map_or(0, |(_, largest)| largest);
        let recorded = self.sequences.get(draft.table.name.as_str());
        let taken = std::cmp::max(largest, recorded.copied().unwrap_or(0));
        std::cmp::max(taken, 0).checked_add(1)
    }
}

impl Draft<'_> {
    /// The position of a stored column; SQLite compares names without regard to ASCII case.
    pub(super) fn position(&self, column: &str) -> Option<usize> {
        self.positions.get(&column.to_ascii_lowercase()).copied()
    }
}

/// The tables whose rows are in the archive and wanted, with their columns; computed ones that are
/// refused are left out.
pub(super) fn drafts<'a>(source: &Source<'a>, refused: &Refused) -> Vec<Draft<'a>> {
    let tables = source.schema.tables.iter().enumerate();
    tables
        .filter(|(_, table)| table.has_rows() && !source.rule(table).is_some_and(|rule| rule.skip))
        .map(|(position, table)| draft(source, position, table, refused))
        .collect()
}

fn draft<'a>(
    source: &Source<'a>,
    ordinal: usize,
    table: &'a Table,
    refused: &Refused,
) -> Draft<'a> {
    let evidence = source.evidence.get(ordinal);
    let rule = source.rule(table);
    let identity = match &table.rowid {
        Rowid::Column(name) => Some(name.as_str()),
        Rowid::Hidden | Rowid::None => None,
    };
    let mut columns: Vec<Stored<'a>> = Vec::new();
    let mut positions = HashMap::new();
    let mut cells = 0;
    for (position, column) in table.columns.iter().enumerate() {
        let is_computed = column.generated.is_some();
        if column.hidden || is_computed && refused.contains_key(&(ordinal, position)) {
            continue;
        }
        let place = cells;
        cells += usize::from(!is_computed);
        let rule = rule.and_then(|rule| rule.columns.get(column.name.as_str()));
        if rule.is_some_and(|rule| rule.drop) {
            continue;
        }
        let of_cell = evidence.and_then(|table| table.columns.get(place));
        // What is computed is what it is.
        let of_values = rule.filter(|_| !is_computed);
        let cell = table.first_column_cell() + place;
        let kept = source
            .kept
            .get(&(ordinal, cell))
            .copied()
            .filter(|_| !is_computed);
        let wished = of_values.and_then(|rule| asked::target(source, rule));
        let asked = wished.or(kept);
        let counts = identity.is_some_and(|name| column.name.eq_ignore_ascii_case(name));
        positions.insert(column.name.to_ascii_lowercase(), columns.len());
        columns.push(Stored {
            column,
            name: column.name.clone(),
            wanted: rule.and_then(|rule| Some(rule.name.as_ref()?.get_ref().clone())),
            conversion: of_values.and_then(|rule| asked::conversion(rule, wished)),
            cell,
            computed: is_computed.then(Computed::default),
            evidence: of_cell.filter(|_| !is_computed).unwrap_or(&NO_EVIDENCE),
            identity: counts && asked::keeps_identity(of_values, asked),
            rule,
            asked,
            kept: wished.is_none() && kept.is_some(),
            keyed: false,
            indexed: false,
            tied: false,
            target: PgType::Text,
        });
    }
    Draft {
        source: ordinal,
        table,
        name: table.name.clone(),
        wanted: rule.and_then(|rule| Some(rule.name.as_ref()?.get_ref().clone())),
        rule,
        rows: evidence.map_or(0, |table| table.rows),
        columns,
        structure: Structure::default(),
        positions,
    }
}
