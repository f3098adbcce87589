//! Tables that are too wide for PostgreSQL become several, whose rows are joined by their key.
//!
//! Works on the plan of a table when all else is settled: its columns are dealt out to pieces, and
//! keys, indexes, checks and foreign keys go to the piece that has all their columns. Written for
//! people in `docs/types.md`, "Tables that are too wide".

mod pieces;
mod references;
mod width;

use crate::fault::Code;
use crate::mapping::draft::Draft;
use crate::mapping::names::Taken;
use crate::mapping::naming::SYSTEM;
use crate::mapping::plan::{ColumnPlan, EnumPlan, KeyPlan, PgType, TablePlan};
use crate::model::schema::Rowid;
use crate::profile::evidence::ColumnEvidence;
use crate::report::{Finding, Severity};
use pieces::Pieces;
use std::collections::BTreeSet;
use width::Width;

/// Most columns of a table (`MaxHeapAttributeNumber`).
const MOST_COLUMNS: usize = 1600;
/// Pieces that a message names, at the most.
const SHOWN: usize = 8;

/// Whether the table becomes several: it has more columns than PostgreSQL takes, or the operator has
/// asked for it and its rows may not fit a page.
pub(super) fn is_wide(draft: &Draft<'_>) -> bool {
    let asked = draft.rule.is_some_and(|rule| rule.split);
    has_too_many(draft) || asked && may_outgrow_a_page(draft)
}

fn may_outgrow_a_page(draft: &Draft<'_>) -> bool {
    let columns = draft.columns.iter();
    may_be_too_wide(
        columns.map(|stored| (stored.target, width::plain(stored))),
        draft.rows,
    )
}

/// Whether the longest values of all columns together are more than a page holds: of each its type,
/// and what is known of its values where these become what they are.
pub(super) fn may_be_too_wide<'e>(
    columns: impl Iterator<Item = (PgType, Option<&'e ColumnEvidence>)>,
    rows: u64,
) -> bool {
    let width = columns.fold(Width::default(), |width, (target, plain)| {
        width.with(width::cost(target, plain, rows))
    });
    width.columns <= MOST_COLUMNS && !width.fits()
}

fn has_too_many(draft: &Draft<'_>) -> bool {
    columns(draft) > MOST_COLUMNS
}

fn columns(draft: &Draft<'_>) -> usize {
    let added = draft.rule.map_or(0, |rule| rule.add_columns.len());
    draft.columns.len() + added
}

/// What tells the rows of all pieces which belong together.
struct RowKey {
    /// Its columns as every piece but the first has them.
    columns: Vec<ColumnPlan>,
    /// It is the rowid, which no column of the plan shows.
    is_rowid: bool,
}

impl RowKey {
    /// That of a table, unless a part of it is not imported.
    fn of(draft: &Draft<'_>, table: &TablePlan) -> Option<RowKey> {
        let cell = match &draft.table.rowid {
            Rowid::Hidden => 0,
            Rowid::Column(name) => match draft.position(name) {
                Some(position) => return Some(RowKey::shown([position].into(), table)),
                None => draft.table.cell(name)?,
            },
            Rowid::None => {
                let key = draft.table.primary_key.as_ref()?;
                let positions = key.columns.iter().map(|key| draft.position(&key.column));
                let positions = positions.collect::<Option<BTreeSet<_>>>()?;
                return Some(RowKey::shown(positions, table));
            }
        };
        let names = table.columns.iter().map(|column| column.name.clone());
        let system = SYSTEM.iter().map(|name| (*name).to_owned());
        Some(RowKey {
            columns: vec![rowid(
                cell,
                Taken::of(names.chain(system)).free("rowid", "", ""),
            )],
            is_rowid: true,
        })
    }

    fn shown(positions: BTreeSet<usize>, table: &TablePlan) -> RowKey {
        let columns = positions.into_iter().map(|position| ColumnPlan {
            identity: None,
            default: None,
            not_null: true,
            proposals: Vec::new(),
            ..table.columns[position].clone()
        });
        RowKey {
            columns: columns.collect(),
            is_rowid: false,
        }
    }

    fn names(&self) -> Vec<String> {
        let names = self.columns.iter().map(|column| column.name.clone());
        names.collect()
    }

    /// The names in the order of the primary key, where it is one of the target.
    fn as_primary_of(&self, table: &TablePlan) -> Option<Vec<String>> {
        let names: BTreeSet<String> = self.names().into_iter().collect();
        let key = table.primary_key.as_ref()?;
        let same = key.columns.iter().cloned().collect::<BTreeSet<_>>() == names;
        same.then(|| key.columns.clone())
    }
}

/// The column that shows a rowid.
fn rowid(cell: usize, name: String) -> ColumnPlan {
    ColumnPlan {
        not_null: true,
        evidence: "the rowid, which joins the pieces of the table".to_owned(),
        ..ColumnPlan::bare(name, cell, PgType::Bigint)
    }
}

/// Cuts the tables that are too wide. The first piece takes the table's place, the others follow all
/// tables, so that no position changes. Gives the positions of the tables that were cut.
pub(super) fn split(
    drafts: &[Draft<'_>],
    enums: &[EnumPlan],
    tables: &mut Vec<TablePlan>,
    findings: &mut Vec<Finding>,
) -> BTreeSet<usize> {
    let wide = drafts
        .iter()
        .enumerate()
        .filter(|(_, draft)| is_wide(draft));
    let wide: Vec<(usize, &Draft<'_>)> = wide.collect();
    let mut cut = BTreeSet::new();
    if wide.is_empty() {
        return cut;
    }
    let types = enums.iter().map(|one| one.name.clone());
    let mut taken = Taken::of(tables.iter().flat_map(relations).chain(types));
    for (position, draft) in wide {
        let Some(key) = RowKey::of(draft, &tables[position]) else {
            findings.push(refusal(draft));
            continue;
        };
        let columns = columns(draft);
        let mut pieces = Pieces::cut(draft, &tables[position], &key);
        if pieces.are_one() {
            continue;
        }
        pieces.deal(position, &mut taken, findings);
        let mut pieces = pieces.tables.into_iter();
        let all = names(pieces.as_slice(), &key);
        findings.push(notice(draft, columns, &all, &key));
        if let Some(first) = pieces.next() {
            tables[position] = first;
        }
        tables.extend(pieces);
        cut.insert(position);
    }
    references::point_to_pieces(drafts, tables, &cut, findings);
    cut
}

/// The names of a table that others of the schema must not have.
fn relations(table: &TablePlan) -> Vec<String> {
    let keys = table.primary_key.iter().chain(&table.unique);
    let indexes = table.indexes.iter().map(|index| &index.name);
    let added = table.added.indexes.iter().map(|index| &index.name);
    let names = keys.map(|key: &KeyPlan| &key.name).chain(indexes);
    names.chain(added).chain([&table.name]).cloned().collect()
}

fn refusal(draft: &Draft<'_>) -> Finding {
    let message = format!(
        "the table has {} columns, PostgreSQL takes {MOST_COLUMNS}, and its key is not imported, which pieces of it would be joined by",
        columns(draft)
    );
    Finding::new(Code::ServerUnfit, Severity::Error, message)
        .in_table(&draft.table.name)
        .hint("keep the columns of its primary key in the mapping file, or drop others")
}

/// Each piece with its first and last column of its own.
fn names(pieces: &[TablePlan], key: &RowKey) -> Vec<String> {
    let key = key.names();
    let piece = |piece: &TablePlan| {
        let mut own = piece.columns.iter();
        let own = own.by_ref().filter(|column| !key.contains(&column.name));
        let own: Vec<&str> = own.map(|column| column.name.as_str()).collect();
        match own.as_slice() {
            [] => format!("`{}`", piece.name),
            [only] => format!("`{}` (`{only}`)", piece.name),
            [first, .., last] => format!("`{}` (`{first}` to `{last}`)", piece.name),
        }
    };
    pieces.iter().map(piece).collect()
}

fn notice(draft: &Draft<'_>, columns: usize, pieces: &[String], key: &RowKey) -> Finding {
    let why = if columns > MOST_COLUMNS {
        format!("it has {columns} columns, PostgreSQL takes {MOST_COLUMNS}")
    } else {
        "a row of it may not fit a page".to_owned()
    };
    let more = match pieces.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let shown = pieces[..std::cmp::min(SHOWN, pieces.len())].join(", ");
    let message = format!(
        "the table becomes {} tables: {why}; {shown}{more}, each with ({})",
        pieces.len(),
        key.names().join(", ")
    );
    Finding::new(Code::StructureWeakened, Severity::Warning, message)
        .in_table(&draft.table.name)
        .hint("join the tables by the columns that all of them have; docs/types.md says what goes where")
}
