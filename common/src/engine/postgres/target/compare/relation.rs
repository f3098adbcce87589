//! Where the rows of a compared table lie, and how they are read from there.

use std::fmt::Write as _;

use crate::engine::postgres::name::{identifier, qualified};
use crate::engine::postgres::session::Session;
use crate::engine::postgres::target::check::spans;
use crate::engine::postgres::target::sql::in_blocks;
use crate::fault::{Code, Fault, Result};
use crate::mapping::compared::ComparedTable;

/// A row within its relation: block, and line within it.
pub(super) type Tid = (u32, u16);

/// A table itself, or one of its partitions.
#[derive(Debug, Clone)]
pub(super) struct Relation {
    /// Position of its table among those that are compared.
    pub(super) table: usize,
    /// Among those of its table.
    ordinal: u16,
    /// Quoted, with its schema.
    name: String,
    /// Its own name, where it is a partition.
    pub(super) partition: Option<String>,
    blocks: u32,
    /// It lies on another server, where rows have no place that we could ask for.
    pub(super) is_foreign: bool,
}

impl Relation {
    /// Those of the tables, which stand in `schema`; a table has one at least.
    pub(super) fn all(
        session: &mut Session,
        schema: &str,
        tables: &[ComparedTable],
    ) -> Result<Vec<Relation>> {
        let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
        let query = include_str!("../../queries/compared_relations.sql");
        let mut relations: Vec<Relation> = Vec::new();
        for row in session.query(query, &[&schema, &names])? {
            let position: i64 = row.get("position");
            let table = usize::try_from(position - 1).unwrap_or(usize::MAX);
            let before = relations.last().filter(|last| last.table == table);
            let ordinal = before.map_or(Some(0), |last| last.ordinal.checked_add(1));
            let (home, name): (&str, &str) = (row.get("home"), row.get("name"));
            let Some(ordinal) = ordinal else {
                let what = "the table has more partitions than can be told apart";
                return Err(Fault::new(Code::ServerError, what).in_table(&tables[table].name));
            };
            let is_itself = home == schema && name == tables[table].name;
            relations.push(Relation {
                table,
                ordinal,
                name: qualified(home, name)?,
                partition: (!is_itself).then(|| name.to_owned()),
                blocks: u32::try_from(row.get::<_, i64>("blocks")).unwrap_or(u32::MAX),
                is_foreign: row.get("is_foreign"),
            });
        }
        Ok(relations)
    }

    /// The pieces that it is read in.
    pub(super) fn spans(&self, server: u32) -> impl Iterator<Item = (u32, Option<u32>)> + use<> {
        spans(self.blocks, server)
    }

    /// COPY of the compared columns, and of each row's place.
    pub(super) fn copy_out(
        &self,
        table: &ComparedTable,
        span: (u32, Option<u32>),
    ) -> Result<String> {
        self.copy(table, &[], &in_blocks(span))
    }

    /// The same of these rows alone, each with its key as text.
    pub(super) fn copy_rows(&self, table: &ComparedTable, tids: &[Tid]) -> Result<String> {
        let mut all = String::new();
        for (block, line) in tids {
            let comma = if all.is_empty() { "" } else { "," };
            let _ = write!(all, "{comma}\"({block},{line})\"");
        }
        let rows = format!(" WHERE ctid = ANY ('{{{all}}}'::tid[])");
        self.copy(table, &table.key, &rows)
    }

    fn copy(&self, table: &ComparedTable, as_text: &[usize], rows: &str) -> Result<String> {
        let mut columns = Vec::new();
        for column in &table.columns {
            let name = identifier(&column.plan.name)?;
            columns.push(if column.cast {
                format!("{name}::{}", column.plan.target.name())
            } else {
                name
            });
        }
        columns.push(if self.is_foreign {
            "'(0,0)'::tid".to_owned()
        } else {
            "ctid".to_owned()
        });
        for key in as_text {
            columns.push(format!(
                "{}::text",
                identifier(&table.columns[*key].plan.name)?
            ));
        }
        let only = if self.is_foreign { "" } else { "ONLY " };
        let columns = columns.join(", ");
        let name = &self.name;
        Ok(format!(
            "COPY (SELECT {columns} FROM {only}{name}{rows}) TO STDOUT (FORMAT binary)"
        ))
    }

    /// A row of this relation as one number: relation, block, line.
    pub(super) fn place(&self, (block, line): Tid) -> u64 {
        u64::from(self.ordinal) << 48 | u64::from(block) << 16 | u64::from(line)
    }

    /// Where in this relation the row at `place` is, if it is in it.
    pub(super) fn tid(&self, place: u64) -> Option<Tid> {
        let bytes = place.to_be_bytes();
        let is_here = bytes[..2] == self.ordinal.to_be_bytes();
        tid(&bytes[2..]).filter(|_| is_here)
    }
}

/// Block and line, as `tidsend` writes them.
pub(super) fn tid(field: &[u8]) -> Option<Tid> {
    let (block, line) = field.split_first_chunk()?;
    let line = line.try_into().ok()?;
    Some((u32::from_be_bytes(*block), u16::from_be_bytes(line)))
}
