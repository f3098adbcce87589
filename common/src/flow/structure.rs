//! What becomes of each object of a schema, from the plan and its findings.
//!
//! Whether an object is there is read from the plan, why it is not the same from the findings that
//! are about it, and its statements from the code that runs them.

mod left;
mod object;

use crate::engine::postgres::target::show::{self, Shown, ShownTable};
use crate::mapping::expression::Expression;
use crate::mapping::plan::{ColumnPlan, DefaultPlan, IndexPlan, Origin, Plan, TablePlan};
use crate::model::schema::{Column, DefaultValue, Index, IndexOn, IndexTerm, Key, Schema, Table};
use crate::report::structure::{Fate, ObjectKind, ObjectReport, Subject};
use crate::report::{Finding, Severity, TableReport};
use left::Left;
use object::{absent, added_object, messages, one, present};
use std::collections::{BTreeMap, VecDeque};

/// Fills in what becomes of the structure of the tables, and gives what belongs to no table.
/// `tables` are the reports of the schema's tables, in its order.
pub(super) fn describe(
    schema: &Schema,
    plan: &Plan,
    target_schema: &str,
    tables: &mut [TableReport],
) -> Vec<ObjectReport> {
    let shown = Shown::new(target_schema, plan);
    let reasons = Reasons::of(&plan.findings);
    for (position, planned) in plan.tables.iter().enumerate() {
        let Some(report) = tables.get_mut(planned.source) else {
            continue;
        };
        let statements = shown.table(position);
        if let Some(sql) = statements.create() {
            report.sql = Some(match report.sql.take() {
                Some(before) => format!("{before};\n{sql}"),
                None => sql,
            });
        }
        let objects = Objects {
            schema,
            plan,
            table: &schema.tables[planned.source],
            planned,
            statements,
            reasons: &reasons,
        }
        .all();
        join(&mut report.objects, objects);
    }
    apart(schema, plan, target_schema, &reasons, tables)
}

/// Adds the objects of another piece of a table: what is in one of them is there.
fn join(objects: &mut Vec<ObjectReport>, of_piece: Vec<ObjectReport>) {
    if objects.is_empty() {
        *objects = of_piece;
        return;
    }
    let key = |object: &ObjectReport| (object.kind, object.name.clone());
    let mut known: BTreeMap<_, VecDeque<usize>> = BTreeMap::new();
    for (position, object) in objects.iter().enumerate() {
        known.entry(key(object)).or_default().push_back(position);
    }
    for object in of_piece {
        match known.get_mut(&key(&object)).and_then(VecDeque::pop_front) {
            Some(position) if objects[position].fate == Fate::LeftOut => objects[position] = object,
            Some(_) => {}
            None => objects.push(object),
        }
    }
}

/// Triggers go to their tables; the others, and views, belong to none.
fn apart(
    schema: &Schema,
    plan: &Plan,
    target_schema: &str,
    reasons: &Reasons<'_>,
    tables: &mut [TableReport],
) -> Vec<ObjectReport> {
    let mut objects = Vec::new();
    for (position, view) in schema.views.iter().enumerate() {
        let found = reasons.of_object(&view.name, None, Subject::View(position));
        let planned = plan
            .views
            .iter()
            .find(|planned| planned.source == view.name);
        objects.push(match planned {
            Some(planned) => {
                let sql = show::view(target_schema, planned);
                present(ObjectKind::View, &view.name, true, &found, sql)
            }
            None => absent(ObjectKind::View, &view.name, &found),
        });
    }
    for (position, trigger) in schema.triggers.iter().enumerate() {
        let found = reasons.of_object(&trigger.name, None, Subject::Trigger(position));
        let object = absent(ObjectKind::Trigger, &trigger.name, &found);
        let same = |report: &&mut TableReport| report.name.eq_ignore_ascii_case(&trigger.table);
        match tables.iter_mut().find(same) {
            Some(table) => table.objects.push(object),
            None => objects.push(object),
        }
    }
    objects
}

/// The findings by what they are about.
struct Reasons<'a>(BTreeMap<(&'a str, Subject), Vec<&'a Finding>>);

impl<'a> Reasons<'a> {
    fn of(findings: &'a [Finding]) -> Self {
        let mut reasons = BTreeMap::<_, Vec<_>>::new();
        for finding in findings {
            if let (Some(table), Some(subject)) = (&finding.place.table, finding.subject) {
                let about = reasons.entry((table.as_str(), subject)).or_default();
                about.push(finding);
            }
        }
        Reasons(reasons)
    }

    /// The findings about an object of a table, or of one column of it.
    fn of_object(&self, table: &str, column: Option<&str>, subject: Subject) -> Vec<&'a Finding> {
        let found = self.0.get(&(table, subject)).into_iter().flatten();
        let same = |finding: &&&Finding| {
            column.is_none_or(|column| finding.place.column.as_deref() == Some(column))
        };
        found.filter(same).copied().collect()
    }
}

/// Why the plan has an index that the source does not have.
const RESTORED: &str = "keeps what the collation of a key means";

/// The objects of one table.
struct Objects<'a> {
    schema: &'a Schema,
    plan: &'a Plan,
    table: &'a Table,
    planned: &'a TablePlan,
    statements: ShownTable<'a>,
    reasons: &'a Reasons<'a>,
}

impl<'a> Objects<'a> {
    /// Column by column, then keys, checks and indexes, then what the source does not have.
    fn all(&self) -> Vec<ObjectReport> {
        let mut objects = Vec::new();
        for column in &self.table.columns {
            self.column(column, &mut objects);
        }
        self.keys(&mut objects);
        self.foreign_keys(&mut objects);
        self.checks(&mut objects);
        let added = self.planned.columns.iter();
        for column in added.filter(|column| column.origin == Origin::Added) {
            let sql = self.statements.default(column);
            objects.push(added_object(ObjectKind::Column, &column.name, sql));
        }
        objects
    }

    fn found(&self, column: Option<&str>, subject: Subject) -> Vec<&'a Finding> {
        self.reasons.of_object(&self.table.name, column, subject)
    }

    /// The column of the plan that a column of the source becomes, and its position.
    fn planned_column(&self, column: &Column) -> Option<(usize, &'a ColumnPlan)> {
        let cell = self.table.cell(&column.name);
        let mut columns = self.planned.columns.iter().enumerate();
        columns.find(|(_, planned)| match &planned.origin {
            Origin::Cell(from) => Some(*from) == cell,
            Origin::Computed(_) => cell.is_none() && planned.name == column.name,
            Origin::Added => false,
        })
    }

    /// The name in the target of a column of the source.
    fn renamed<'n>(&self, name: &'n str) -> &'n str
    where
        'a: 'n,
    {
        let column = self.table.column(name);
        let planned = column.and_then(|column| self.planned_column(column));
        planned.map_or(name, |(_, planned)| planned.name.as_str())
    }

    fn column(&self, column: &Column, objects: &mut Vec<ObjectReport>) {
        let name = column.name.as_str();
        let planned = self.planned_column(column);
        let found = |subject| self.found(Some(name), subject);
        if column.generated.is_some() {
            let found = found(Subject::Computed);
            objects.push(match planned {
                Some((_, planned)) => {
                    let sql = show::computed(planned);
                    present(ObjectKind::ComputedColumn, name, true, &found, sql)
                }
                None => absent(ObjectKind::ComputedColumn, name, &found),
            });
        }
        let Some((position, planned)) = planned else {
            return;
        };
        if column.not_null {
            let found = found(Subject::NotNull);
            let kept = planned.not_null;
            objects.push(one(ObjectKind::NotNull, name, kept, false, &found, || {
                vec!["NOT NULL".to_owned()]
            }));
        } else if planned.not_null && planned.identity.is_none() {
            let mut object = added_object(ObjectKind::NotNull, name, vec!["NOT NULL".to_owned()]);
            object.reasons = messages(&found(Subject::NotNull));
            if object.reasons.is_empty() {
                let why = "a primary key of PostgreSQL takes no NULL, one of SQLite does";
                object.reasons.push(why.to_owned());
            }
            objects.push(object);
        }
        if let Some(default) = self.default(column, planned) {
            objects.push(default);
        }
        let collation = found(Subject::Collation);
        if !collation.is_empty() {
            let what = format!("{name} {}", column.collation);
            objects.push(absent(ObjectKind::Collation, what, &collation));
        }
        if planned.identity.is_some() {
            let sql = self.statements.restart(position);
            objects.push(present(
                ObjectKind::Sequence,
                name,
                false,
                &found(Subject::Sequence),
                sql,
            ));
        }
    }

    /// The default of a column that has one, in the source or in the target.
    fn default(&self, column: &Column, planned: &ColumnPlan) -> Option<ObjectReport> {
        let found = self.found(Some(&column.name), Subject::Default);
        let sql = self.statements.default(planned);
        // A literal is written as it is; anything else has other words in the target.
        let translated = !matches!(
            (&column.default, &planned.default),
            (
                Some(DefaultValue::Literal(_)),
                Some(DefaultPlan::Literal(_))
            )
        );
        match (&column.default, sql.is_empty()) {
            (None, true) => None,
            (None, false) => Some(added_object(ObjectKind::Default, &column.name, sql)),
            // DEFAULT NULL, or that of an INTEGER PRIMARY KEY, which the source never uses.
            (Some(_), true) if found.is_empty() => None,
            (Some(_), true) => Some(absent(ObjectKind::Default, &column.name, &found)),
            (Some(_), false) => {
                let kind = ObjectKind::Default;
                Some(present(kind, &column.name, translated, &found, sql))
            }
        }
    }

    fn keys(&self, objects: &mut Vec<ObjectReport>) {
        let mut left = Left::of(self.planned);
        if let Some(key) = &self.table.primary_key {
            let found = self.found(None, Subject::PrimaryKey);
            let object = match &self.planned.primary_key {
                Some(planned) => {
                    let sql = self.statements.primary_key(planned);
                    present(ObjectKind::PrimaryKey, key_name(key), false, &found, sql)
                }
                None => self.other_key(ObjectKind::PrimaryKey, key, &found, &mut left),
            };
            objects.push(object);
        }
        for (position, key) in self.table.unique.iter().enumerate() {
            let found = self.found(None, Subject::Unique(position));
            objects.push(self.other_key(ObjectKind::Unique, key, &found, &mut left));
        }
        let named = self
            .table
            .indexes
            .iter()
            .map(|index| left.named(&index.name));
        let named: Vec<_> = named.collect();
        for (position, (index, named)) in self.table.indexes.iter().zip(named).enumerate() {
            let found = self.found(None, Subject::Index(position));
            let planned = named.or_else(|| self.renamed_index(index, &found, &mut left));
            objects.push(match planned {
                Some(planned) => {
                    let sql = self.statements.index(planned);
                    let translated = is_translated(index);
                    present(ObjectKind::Index, &index.name, translated, &found, sql)
                }
                None => absent(ObjectKind::Index, &index.name, &found),
            });
        }
        for index in left.indexes {
            let sql = self.statements.index(index);
            objects.push(ObjectReport {
                fate: Fate::Translated,
                reasons: vec![RESTORED.to_owned()],
                ..added_object(ObjectKind::Index, &index.name, sql)
            });
        }
        for key in left.unique {
            let sql = self.statements.unique(key);
            objects.push(added_object(ObjectKind::Unique, &key.name, sql));
        }
    }

    /// A key that is a UNIQUE constraint or a unique index in the target, if it is there.
    fn other_key(
        &self,
        kind: ObjectKind,
        key: &Key,
        found: &[&Finding],
        left: &mut Left<'a>,
    ) -> ObjectReport {
        let mut columns = Vec::new();
        for column in &key.columns {
            let name = self.renamed(&column.column);
            if !columns.contains(&name) {
                columns.push(name);
            }
        }
        if let Some(planned) = left.unique(&columns) {
            let sql = self.statements.unique(planned);
            present(kind, key_name(key), false, found, sql)
        } else if let Some(planned) = left.unique_index(&columns) {
            let sql = self.statements.index(planned);
            present(kind, key_name(key), true, found, sql)
        } else {
            absent(kind, key_name(key), found)
        }
    }

    /// The index of the plan that an index becomes whose name was taken: the next on the same
    /// columns, unless a finding says that there is none.
    fn renamed_index(
        &self,
        index: &Index,
        found: &[&Finding],
        left: &mut Left<'a>,
    ) -> Option<&'a IndexPlan> {
        if found.iter().any(|one| one.severity > Severity::Note) {
            return None;
        }
        let at = left.indexes.iter().position(|planned| {
            let mut terms = index.terms.iter().zip(&planned.terms);
            planned.unique == index.unique
                && terms.all(|(term, planned)| match (&term.on, &planned.on) {
                    (IndexOn::Column(name), Expression::Column(planned)) => {
                        self.renamed(name) == planned
                    }
                    (IndexOn::Column(_), _) => false,
                    (IndexOn::Expression(_), _) => true,
                })
        })?;
        Some(left.indexes.remove(at))
    }

    fn foreign_keys(&self, objects: &mut Vec<ObjectReport>) {
        let mut left: Vec<_> = self.planned.foreign_keys.iter().collect();
        for (position, key) in self.table.foreign_keys.iter().enumerate() {
            let found = self.found(None, Subject::ForeignKey(position));
            let columns: Vec<_> = key.columns.iter().map(|name| self.renamed(name)).collect();
            let name = key.name.clone().unwrap_or_else(|| {
                let to = key.parent_columns.join(", ");
                format!("({}) to {} ({to})", key.columns.join(", "), key.parent)
            });
            let at = left.iter().position(|planned| {
                planned.columns == columns && self.is_parent(planned.parent, &key.parent)
            });
            let kind = ObjectKind::ForeignKey;
            objects.push(match at.map(|at| left.remove(at)) {
                Some(planned) => {
                    let sql = self.statements.foreign_key(planned);
                    present(kind, name, false, &found, sql)
                }
                None => absent(kind, name, &found),
            });
        }
    }

    /// Whether the table at `position` of the plan is the one that the source calls `name`.
    fn is_parent(&self, position: usize, name: &str) -> bool {
        let planned = self.plan.tables.get(position);
        let table = planned.and_then(|planned| self.schema.tables.get(planned.source));
        table.is_some_and(|table| table.name.eq_ignore_ascii_case(name))
    }

    fn checks(&self, objects: &mut Vec<ObjectReport>) {
        for (position, check) in self.table.checks.iter().enumerate() {
            let found = self.found(None, Subject::Check(position));
            let name = check.name.as_deref().unwrap_or(&check.expression);
            let mut checks = self.planned.checks.iter();
            objects.push(match checks.find(|planned| planned.source == position) {
                Some(planned) => {
                    let sql = self.statements.check(planned);
                    present(ObjectKind::Check, name, true, &found, sql)
                }
                None => absent(ObjectKind::Check, name, &found),
            });
        }
    }
}

/// The name of a key, or its columns in brackets.
fn key_name(key: &Key) -> String {
    let columns = key.columns.iter().map(|column| column.column.as_str());
    let columns = columns.collect::<Vec<_>>().join(", ");
    match &key.name {
        Some(name) => format!("{name} ({columns})"),
        None => format!("({columns})"),
    }
}

fn is_translated(index: &Index) -> bool {
    let on_expression = |term: &IndexTerm| matches!(term.on, IndexOn::Expression(_));
    index.predicate.is_some() || index.terms.iter().any(on_expression)
}
