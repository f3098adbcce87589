//! The pieces of one table: which columns each has, and which of the table's objects.

use crate::mapping::draft::Draft;
use crate::mapping::expression::Expression;
use crate::mapping::leftovers::left_out;
use crate::mapping::names::Taken;
use crate::mapping::operator::IndexedBy;
use crate::mapping::plan::{ColumnPlan, ForeignKeyPlan, IndexPlan, KeyPlan, Origin, TablePlan};
use crate::mapping::split::RowKey;
use crate::mapping::split::references::{about, target_names};
use crate::mapping::split::width::{self, Cost, Width, cost};
use crate::model::schema::{Action, Deferrable};
use crate::report::Finding;
use crate::report::structure::Subject;
use std::collections::BTreeSet;

/// Why an object has no place.
const APART: &str = "its columns lie in different pieces of the table";

/// The pieces of a table.
pub(super) struct Pieces<'a, 'd> {
    draft: &'a Draft<'d>,
    key: &'a RowKey,
    /// The table as it would be in one.
    whole: &'a TablePlan,
    /// The pieces, the first one in front; named and with all they have once they are dealt out.
    pub(super) tables: Vec<TablePlan>,
    /// Computed columns for which there is no piece.
    homeless: Vec<String>,
}

/// Positions of columns that make a piece, besides the key.
struct Run {
    columns: BTreeSet<usize>,
    width: Width,
}

/// What is known of the columns of a table.
struct Columns<'a> {
    all: &'a [ColumnPlan],
    costs: Vec<Cost>,
    /// Names of the key.
    key: BTreeSet<String>,
    /// Width of the key.
    begin: Width,
}

impl<'a> Columns<'a> {
    fn of(draft: &Draft<'_>, table: &'a TablePlan, key: &RowKey) -> Self {
        let known = |position| draft.columns.get(position).and_then(width::plain);
        let costs = table.columns.iter().enumerate();
        let costs = costs.map(|(at, column)| cost(column.target, known(at), draft.rows));
        let costs: Vec<Cost> = costs.collect();
        let names: BTreeSet<String> = key.names().into_iter().collect();
        let of_key = key.columns.iter().map(|column| {
            let mut all = table.columns.iter();
            let at = all.position(|other| other.name == column.name);
            at.map_or_else(|| cost(column.target, None, draft.rows), |at| costs[at])
        });
        Columns {
            begin: of_key.fold(Width::default(), Width::with),
            all: &table.columns,
            key: names,
            costs,
        }
    }

    /// The columns that a row of the source fills, run by run, with room for `spare` in each.
    fn runs(&self, spare: &[Cost]) -> Vec<Run> {
        let mut runs = vec![self.run()];
        for (position, column) in self.all.iter().enumerate() {
            if !matches!(column.origin, Origin::Cell(_)) || self.key.contains(&column.name) {
                continue;
            }
            let fits = |run: &Run| {
                let width = run.width.with(self.costs[position]);
                spare.iter().copied().fold(width, Width::with).fits()
            };
            if runs
                .last()
                .is_none_or(|run| !fits(run) && !run.columns.is_empty())
            {
                runs.push(self.run());
            }
            if let Some(run) = runs.last_mut() {
                run.add(position, self.costs[position]);
            }
        }
        runs
    }

    fn run(&self) -> Run {
        Run {
            columns: BTreeSet::new(),
            width: self.begin,
        }
    }

    /// The first run that has all columns that are used, and room for one more.
    fn place<'r>(&self, runs: &'r mut [Run], position: usize) -> Option<&'r mut Run> {
        let used = match &self.all[position].origin {
            Origin::Computed(tree) => tree.columns(),
            Origin::Cell(_) | Origin::Added => BTreeSet::new(),
        };
        let is_in = |run: &Run, name: &str| {
            let own = || run.columns.iter().any(|at| self.all[*at].name == name);
            self.key.contains(name) || own()
        };
        runs.iter_mut().find(|run| {
            used.iter().all(|name| is_in(run, name)) && run.width.with(self.costs[position]).fits()
        })
    }
}

impl Run {
    fn add(&mut self, position: usize, cost: Cost) {
        self.columns.insert(position);
        self.width = self.width.with(cost);
    }
}

impl<'a, 'd> Pieces<'a, 'd> {
    /// Deals the columns out: those of the source in runs, computed and added ones to the first
    /// piece that has what they need.
    pub(super) fn cut(draft: &'a Draft<'d>, whole: &'a TablePlan, key: &'a RowKey) -> Self {
        let columns = Columns::of(draft, whole, key);
        let others: Vec<usize> = (0..whole.columns.len())
            .filter(|at| !matches!(whole.columns[*at].origin, Origin::Cell(_)))
            .collect();
        let spare: Vec<Cost> = others.iter().map(|at| columns.costs[*at]).collect();
        let room = spare.iter().copied().fold(columns.begin, Width::with);
        let many = room.columns > super::MOST_COLUMNS / 2 || !room.fits();
        let mut runs = columns.runs(if many { &[] } else { &spare });
        let mut homeless = Vec::new();
        for position in others {
            match columns.place(&mut runs, position) {
                Some(run) => run.add(position, columns.costs[position]),
                None => homeless.push(whole.columns[position].name.clone()),
            }
        }
        let tables = runs.iter().enumerate().map(|(number, run)| {
            let columns = if number == 0 {
                first(whole, key, run)
            } else {
                further(whole, key, run)
            };
            empty(whole, columns)
        });
        Pieces {
            tables: tables.collect(),
            draft,
            key,
            whole,
            homeless,
        }
    }

    /// Whether there is nothing to cut.
    pub(super) fn are_one(&self) -> bool {
        self.tables.len() == 1 && self.homeless.is_empty()
    }

    /// Gives the pieces their names, keys and objects. The first one is at `position` in the plan.
    pub(super) fn deal(&mut self, position: usize, taken: &mut Taken, findings: &mut Vec<Finding>) {
        for (number, piece) in self.tables.iter_mut().enumerate().skip(1) {
            piece.name = taken.free(&self.whole.name, "", &(number + 1).to_string());
        }
        let start = findings.len();
        self.columns(findings);
        self.keys(findings);
        self.row_key(position, taken);
        self.indexes(findings);
        self.checks(findings);
        self.foreign_keys(findings);
        self.additions(findings);
        let told = findings.split_off(start);
        findings.retain(|earlier| !told.iter().any(|late| replaces(late, earlier)));
        findings.extend(told);
    }

    /// The first piece that has all these columns.
    fn home<'n>(&self, mut names: impl Iterator<Item = &'n str> + Clone) -> Option<usize> {
        let has =
            |piece: &TablePlan, name: &str| piece.columns.iter().any(|column| column.name == name);
        let all = names.by_ref().collect::<BTreeSet<_>>();
        self.tables
            .iter()
            .position(|piece| all.iter().all(|name| has(piece, name)))
    }

    fn left_out(&self, what: &str) -> Finding {
        left_out(format!("{what} is left out: {APART}")).in_table(&self.draft.table.name)
    }

    fn columns(&self, findings: &mut Vec<Finding>) {
        for name in &self.homeless {
            let mut stored = self.draft.columns.iter();
            let source = stored.find(|stored| stored.name == *name);
            let source = source.map_or(name, |stored| &stored.column.name);
            let finding = self.left_out("the computed column").in_column(source);
            findings.push(finding.about(Subject::Computed));
        }
    }

    fn keys(&mut self, findings: &mut Vec<Finding>) {
        let home =
            |key: &KeyPlan, pieces: &Self| pieces.home(key.columns.iter().map(String::as_str));
        if let Some(key) = &self.whole.primary_key {
            if let Some(at) = home(key, self) {
                self.tables[at].primary_key = Some(key.clone());
            } else {
                let finding = self.left_out(&format!("primary key {}", shown(key)));
                findings.push(finding.about(Subject::PrimaryKey));
            }
        }
        for key in &self.whole.unique {
            if let Some(at) = home(key, self) {
                self.tables[at].unique.push(key.clone());
                continue;
            }
            let mut declared = self.draft.table.unique.iter();
            let same = |declared: &crate::model::schema::Key| {
                let columns = declared.columns.iter().map(|column| &column.column);
                self.target_names(columns)
                    .eq(key.columns.iter().map(String::as_str))
            };
            let finding = self.left_out(&format!("unique constraint {}", shown(key)));
            findings.push(match declared.position(same) {
                Some(position) => finding.about(Subject::Unique(position)),
                None => finding,
            });
        }
    }

    /// The names in the target of columns of the source.
    fn target_names<'n>(
        &'n self,
        columns: impl Iterator<Item = &'n String>,
    ) -> impl Iterator<Item = &'n str> {
        target_names(self.draft, columns)
    }

    /// Makes the row's key one of every piece, the primary one where there is no other, and lets the
    /// others refer to the first.
    fn row_key(&mut self, position: usize, taken: &mut Taken) {
        let columns = if self.key.is_rowid {
            self.key.names()
        } else if let Some(columns) = self.key.as_primary_of(self.whole) {
            columns
        } else {
            return;
        };
        for (number, piece) in self.tables.iter_mut().enumerate() {
            match &piece.primary_key {
                Some(key) if key.columns == columns => {}
                None => {
                    let name = taken.free(&piece.name, "", "pkey");
                    let columns = columns.clone();
                    piece.primary_key = Some(KeyPlan { name, columns });
                }
                Some(_) => {
                    let name = taken.free(&piece.name, &columns.join("_"), "key");
                    let columns = columns.clone();
                    piece.unique.push(KeyPlan { name, columns });
                }
            }
            if number > 0 {
                piece.foreign_keys.push(ForeignKeyPlan {
                    name: Taken::default().free(&piece.name, &columns.join("_"), "piece"),
                    columns: columns.clone(),
                    parent: position,
                    parent_columns: columns.clone(),
                    // A row is one in the source: it goes, and changes its key, as a whole.
                    on_delete: Action::Cascade,
                    on_update: Action::Cascade,
                    deferrable: Deferrable::No,
                    valid: true,
                });
            }
        }
    }

    fn indexes(&mut self, findings: &mut Vec<Finding>) {
        for index in &self.whole.indexes {
            let columns = columns_of(index);
            if let Some(at) = self.home(columns.iter().copied()) {
                self.tables[at].indexes.push(index.clone());
                continue;
            }
            let kind = if index.unique {
                "unique index"
            } else {
                "index"
            };
            let finding = self.left_out(&format!("{kind} `{}`", index.name));
            let mut declared = self.draft.table.indexes.iter();
            findings.push(
                match declared.position(|declared| declared.name == index.name) {
                    Some(position) => finding.about(Subject::Index(position)),
                    None => finding,
                },
            );
        }
    }

    fn checks(&mut self, findings: &mut Vec<Finding>) {
        for check in &self.whole.checks {
            let columns = check.expression.columns();
            if let Some(at) = self.home(columns.iter().copied()) {
                self.tables[at].checks.push(check.clone());
            } else {
                let what = format!("check constraint `{}`", check.name);
                findings.push(self.left_out(&what).about(Subject::Check(check.source)));
            }
        }
    }

    /// Those of the table itself; where it is the parent, `point_to_pieces` looks for the piece.
    fn foreign_keys(&mut self, findings: &mut Vec<Finding>) {
        for key in &self.whole.foreign_keys {
            if let Some(at) = self.home(key.columns.iter().map(String::as_str)) {
                self.tables[at].foreign_keys.push(key.clone());
                continue;
            }
            let finding = self.left_out(&format!("foreign key ({})", key.columns.join(", ")));
            findings.push(about(finding, self.draft, key));
        }
    }

    /// What the mapping file adds. SQL of the operator's own is taken to be about the first piece.
    fn additions(&mut self, findings: &mut Vec<Finding>) {
        let added = &self.whole.added;
        for index in &added.indexes {
            let home = match &index.on {
                IndexedBy::Columns(columns, _) => self.home(columns.iter().map(String::as_str)),
                IndexedBy::Sql(_) => Some(0),
            };
            match home {
                Some(at) => self.tables[at].added.indexes.push(index.clone()),
                None => findings.push(self.left_out(&format!("the added index `{}`", index.name))),
            }
        }
        for one in &added.statistics {
            match self.home(one.columns.iter().map(String::as_str)) {
                Some(at) => self.tables[at].added.statistics.push(one.clone()),
                None => {
                    findings.push(self.left_out(&format!("the added statistics `{}`", one.name)));
                }
            }
        }
        if let Some(one) = &added.updated_at
            && let Some(at) = self.home([one.column.as_str()].into_iter())
        {
            self.tables[at].added.updated_at = Some(one.clone());
        }
        if !added.order_by.is_empty() {
            match self.home(added.order_by.iter().map(String::as_str)) {
                Some(at) => self.tables[at].added.order_by.clone_from(&added.order_by),
                None => findings.push(self.left_out("the order of the rows")),
            }
        }
    }
}

/// Whether a finding says that something is left out which an earlier one says is carried.
fn replaces(late: &Finding, earlier: &Finding) -> bool {
    late.subject.is_some()
        && late.subject == earlier.subject
        && late.place.table == earlier.place.table
        && (late.place.column.is_none() || late.place.column == earlier.place.column)
}

fn first(whole: &TablePlan, key: &RowKey, run: &Run) -> Vec<ColumnPlan> {
    let names = key.names();
    let rowid = key.columns.iter().filter(|_| key.is_rowid).cloned();
    let all = whole.columns.iter().enumerate();
    let own = all.filter(|(at, column)| run.columns.contains(at) || names.contains(&column.name));
    rowid.chain(own.map(|(_, column)| column.clone())).collect()
}

fn further(whole: &TablePlan, key: &RowKey, run: &Run) -> Vec<ColumnPlan> {
    let own = run.columns.iter().map(|at| &whole.columns[*at]);
    key.columns.iter().chain(own).cloned().collect()
}

fn empty(whole: &TablePlan, columns: Vec<ColumnPlan>) -> TablePlan {
    TablePlan::bare(whole.source, &whole.name, columns)
}

fn shown(key: &KeyPlan) -> String {
    format!("`{}` ({})", key.name, key.columns.join(", "))
}

fn columns_of(index: &IndexPlan) -> BTreeSet<&str> {
    let terms = index.terms.iter().map(|term| &term.on);
    terms
        .chain(&index.predicate)
        .flat_map(Expression::columns)
        .collect()
}
