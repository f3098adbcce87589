//! Decides from a schema which constraints can be checked without a database, and how.
//!
//! Knows no rows.

use super::record::BYTES;
use crate::model::key::{Collation, RowNaming};
use crate::model::schema::{
    Affinity, Column, ForeignKey, Index, IndexOn, Key, Rowid, Schema, Table,
};
use crate::profile::evidence::Constraint;
use std::collections::HashMap;

/// The collation that compares bytes.
const BINARY: &str = "BINARY";

/// Most streams of keys of one table: more would make each row cost what a table of rows does.
pub(super) const TABLE_STREAMS: usize = 64;

/// Most streams of keys of all tables.
pub(super) const STREAMS: usize = 16_384;

/// Most keys, and references to keys, of all tables. Equal ones share a stream, yet each has
/// samples of its own.
pub(super) const KEYS: usize = 65_536;

/// Most bytes of records of all streams, in memory or in the temporary file.
pub(super) const SPOOL_BYTES: u64 = 64 << 30;

/// Everything that is to be done, for all tables.
#[derive(Debug)]
pub(super) struct Checks {
    /// In the order of table and constraint.
    pub(super) constraints: Vec<Checked>,
    /// By position in the schema.
    pub(super) tables: Vec<TableChecks>,
    /// How many streams of keys there are.
    pub(super) streams: usize,
}

/// One constraint.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) table: usize,
    pub(super) constraint: Constraint,
    pub(super) how: How,
    /// Names and cells of the columns that a sample shows beside the row's own name.
    pub(super) shown: Vec<(String, usize)>,
}

/// How a constraint is checked.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum How {
    /// Not at all, for this reason.
    Unchecked(String),
    /// Row by row, as rows pass.
    AtOnce,
    /// No key may occur twice in this stream.
    Unique(usize),
    /// Every key of the first stream must occur in the second.
    Among(usize, usize),
}

/// What is done with each row of a table.
#[derive(Debug)]
pub(super) struct TableChecks {
    pub(super) naming: RowNaming,
    /// Constraint and cell of each column that must not be NULL.
    pub(super) not_null: Vec<(usize, usize)>,
    /// Constraint and cell of an INTEGER PRIMARY KEY, in whose order the rows stand.
    pub(super) ordered: Option<(usize, usize)>,
    /// The keys to collect.
    pub(super) streams: Vec<Stream>,
}

/// A stream of keys of one table.
#[derive(Debug)]
pub(super) struct Stream {
    /// Its number among all.
    pub(super) number: usize,
    pub(super) cells: Vec<KeyCell>,
}

/// A column of a key, as it is read and compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KeyCell {
    pub(super) cell: usize,
    pub(super) collation: Collation,
    /// Set for a referring column: the affinity of the column it refers to.
    pub(super) affinity: Option<Affinity>,
}

/// Why a constraint cannot be checked.
type Reason = String;

impl Checks {
    /// What can be checked of tables with so many rows, by position in the schema; a table that
    /// is not listed counts as empty. What would exceed a limit is unchecked, and the limits bite
    /// in the order of table and constraint: never by chance.
    pub(super) fn of(schema: &Schema, rows: &[u64]) -> Self {
        let mut names = HashMap::new();
        for (position, table) in schema.tables.iter().enumerate() {
            names
                .entry(table.name.to_ascii_lowercase())
                .or_insert(position);
        }
        let mut builder = Builder {
            schema,
            rows,
            names,
            keys: 0,
            spooled: 0,
            checks: Checks {
                constraints: Vec::new(),
                tables: schema.tables.iter().map(TableChecks::of).collect(),
                streams: 0,
            },
        };
        for (position, table) in schema.tables.iter().enumerate() {
            if table.has_rows() {
                builder.table(position, table);
            }
        }
        builder.checks
    }
}

impl TableChecks {
    fn of(table: &Table) -> Self {
        TableChecks {
            naming: RowNaming::of(table),
            not_null: Vec::new(),
            ordered: None,
            streams: Vec::new(),
        }
    }
}

struct Builder<'a> {
    schema: &'a Schema,
    /// Rows of each table.
    rows: &'a [u64],
    /// Positions of tables by their names in lower case.
    names: HashMap<String, usize>,
    /// Keys and references to keys so far.
    keys: usize,
    /// Bytes of records that the streams so far will take.
    spooled: u64,
    checks: Checks,
}

impl Builder<'_> {
    /// All constraints of one table, in the order of `Constraint`.
    fn table(&mut self, position: usize, table: &Table) {
        if let Some(key) = &table.primary_key {
            self.key(position, table, Constraint::PrimaryKey, key);
        }
        for (number, key) in table.unique.iter().enumerate() {
            self.key(position, table, Constraint::Unique(number), key);
        }
        for (number, index) in table.indexes.iter().enumerate() {
            if index.unique {
                let columns = index_columns(index);
                let how = columns.and_then(|columns| self.unique(position, table, &columns));
                let columns = index.terms.iter().filter_map(|term| match &term.on {
                    IndexOn::Column(column) => Some(column.as_str()),
                    IndexOn::Expression(_) => None,
                });
                self.add(position, table, Constraint::Index(number), how, columns);
            }
        }
        for (number, column) in table.columns.iter().enumerate() {
            if column.not_null && !column.hidden {
                self.not_null(position, table, number, column);
            }
        }
        for (number, key) in table.foreign_keys.iter().enumerate() {
            let shown = || key.columns.iter().map(String::as_str);
            let how = self.foreign(position, table, key, false);
            self.add(
                position,
                table,
                Constraint::ForeignKey(number),
                how,
                shown(),
            );
            if self.compares_otherwise(key) {
                let how = self.foreign(position, table, key, true);
                let constraint = Constraint::ForeignKeyBytes(number);
                self.add(position, table, constraint, how, shown());
            }
        }
    }

    fn add<'b>(
        &mut self,
        position: usize,
        table: &Table,
        constraint: Constraint,
        how: Result<How, Reason>,
        columns: impl Iterator<Item = &'b str>,
    ) {
        let shown = columns.filter_map(|name| Some((name.to_owned(), table.cell(name)?)));
        self.checks.constraints.push(Checked {
            table: position,
            constraint,
            how: how.unwrap_or_else(How::Unchecked),
            shown: shown.collect(),
        });
    }

    fn key(&mut self, position: usize, table: &Table, constraint: Constraint, key: &Key) {
        if let (Constraint::PrimaryKey, Rowid::Column(column)) = (constraint, &table.rowid)
            && let Some(cell) = table.cell(column)
        {
            self.checks.tables[position].ordered = Some((self.checks.constraints.len(), cell));
            let nothing = std::iter::empty();
            return self.add(position, table, constraint, Ok(How::AtOnce), nothing);
        }
        let columns: Vec<_> = key
            .columns
            .iter()
            .map(|column| (column.column.as_str(), column.collation.as_str()))
            .collect();
        let how = self.unique(position, table, &columns);
        let shown = columns.iter().map(|(name, _)| *name);
        self.add(position, table, constraint, how, shown);
    }

    fn not_null(&mut self, position: usize, table: &Table, number: usize, column: &Column) {
        let how = match table.cell(&column.name) {
            Some(cell) => {
                let constraint = self.checks.constraints.len();
                self.checks.tables[position]
                    .not_null
                    .push((constraint, cell));
                Ok(How::AtOnce)
            }
            None => Err(computed(&column.name)),
        };
        let constraint = Constraint::NotNull(number);
        self.add(position, table, constraint, how, std::iter::empty());
    }

    /// A key of these columns and collations.
    fn unique(
        &mut self,
        position: usize,
        table: &Table,
        columns: &[(&str, &str)],
    ) -> Result<How, Reason> {
        let cells: Result<Vec<_>, _> = columns
            .iter()
            .map(|(column, collation)| key_cell(table, column, collation, None))
            .collect();
        let mut cells = cells?;
        cells.sort_by_key(|cell| cell.cell);
        self.count_key()?;
        Ok(How::Unique(self.stream(position, cells)?))
    }

    fn count_key(&mut self) -> Result<(), Reason> {
        if self.keys == KEYS {
            return Err(format!("there are more than {KEYS} keys"));
        }
        self.keys += 1;
        Ok(())
    }

    /// The stream of these cells of a table; several constraints share it.
    fn stream(&mut self, position: usize, cells: Vec<KeyCell>) -> Result<usize, Reason> {
        let known = &self.checks.tables[position].streams;
        match known.iter().find(|stream| stream.cells == cells) {
            Some(stream) => Ok(stream.number),
            None => self.new_stream(position, cells),
        }
    }

    fn new_stream(&mut self, position: usize, cells: Vec<KeyCell>) -> Result<usize, Reason> {
        let streams = &mut self.checks.tables[position].streams;
        if streams.len() == TABLE_STREAMS {
            return Err(format!(
                "the table has more than {TABLE_STREAMS} different keys"
            ));
        }
        if self.checks.streams == STREAMS {
            return Err(format!("there are more than {STREAMS} different keys"));
        }
        let rows = self.rows.get(position).copied().unwrap_or(0);
        let spooled = rows
            .checked_mul(BYTES as u64)
            .and_then(|bytes| bytes.checked_add(self.spooled))
            .filter(|bytes| *bytes <= SPOOL_BYTES);
        let Some(spooled) = spooled else {
            return Err(format!(
                "the keys would take more than {} GiB of temporary space",
                SPOOL_BYTES >> 30
            ));
        };
        self.spooled = spooled;
        let number = self.checks.streams;
        self.checks.streams += 1;
        streams.push(Stream { number, cells });
        Ok(number)
    }

    /// Whether texts of the columns referred to are compared by more than their bytes.
    fn compares_otherwise(&self, key: &ForeignKey) -> bool {
        let parent = self.names.get(&key.parent.to_ascii_lowercase());
        let parent = parent.map(|position| &self.schema.tables[*position]);
        let columns = key.parent_columns.iter();
        let mut columns = columns.filter_map(|name| parent?.column(name));
        columns.any(|column| !column.collation.eq_ignore_ascii_case(BINARY))
    }

    /// A foreign key, by the collations of the columns it refers to, or by bytes.
    fn foreign(
        &mut self,
        position: usize,
        table: &Table,
        key: &ForeignKey,
        by_bytes: bool,
    ) -> Result<How, Reason> {
        let schema = self.schema;
        let name = key.parent.to_ascii_lowercase();
        let Some(&parent_position) = self.names.get(&name) else {
            return Err(format!("there is no table `{}`", key.parent));
        };
        let parent = &schema.tables[parent_position];
        if !parent.has_rows() {
            return Err(format!(
                "the rows of `{}` are not in the archive",
                parent.name
            ));
        }
        if key.parent_columns.is_empty() || key.parent_columns.len() != key.columns.len() {
            return Err(format!(
                "the columns of `{}` it refers to are not known",
                key.parent
            ));
        }
        let mut pairs = Vec::new();
        for (child, referred) in key.columns.iter().zip(&key.parent_columns) {
            let Some(column) = parent.column(referred) else {
                return Err(missing(referred, &parent.name));
            };
            let own = column.collation.as_str();
            let collation = if by_bytes { BINARY } else { own };
            let parent_cell = key_cell(parent, referred, collation, None)?;
            let child_cell = key_cell(table, child, collation, Some(column.affinity))?;
            pairs.push((parent_cell, child_cell));
        }
        // Both sides in the order of the parent's cells, so that other keys can share its stream.
        pairs.sort_by_key(|(parent, _)| parent.cell);
        let (parent_cells, child_cells) = pairs.into_iter().unzip();
        self.count_key()?;
        let parent = self.stream(parent_position, parent_cells)?;
        Ok(How::Among(self.stream(position, child_cells)?, parent))
    }
}

fn key_cell(
    table: &Table,
    column: &str,
    collation: &str,
    affinity: Option<Affinity>,
) -> Result<KeyCell, Reason> {
    let Some(known) = table.column(column) else {
        return Err(missing(column, &table.name));
    };
    let Some(cell) = table.cell(column) else {
        return Err(computed(&known.name));
    };
    let Some(collation) = Collation::named(collation) else {
        return Err(format!(
            "the collation `{collation}` is an application's own"
        ));
    };
    Ok(KeyCell {
        cell,
        collation,
        affinity,
    })
}

/// Names and collations of an index's columns.
fn index_columns(index: &Index) -> Result<Vec<(&str, &str)>, Reason> {
    if index.predicate.is_some() {
        return Err("the index holds for some rows only".to_owned());
    }
    let columns = index.terms.iter().map(|term| match &term.on {
        IndexOn::Column(column) => Ok((column.as_str(), term.collation.as_str())),
        IndexOn::Expression(_) => Err("the index is on an expression".to_owned()),
    });
    columns.collect()
}

fn computed(column: &str) -> Reason {
    format!("the column `{column}` is computed and not in the archive")
}

fn missing(column: &str, table: &str) -> Reason {
    format!("there is no column `{column}` in `{table}`")
}
