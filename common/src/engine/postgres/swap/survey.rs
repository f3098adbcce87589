//! What stands in the target under the names of a plan, and whether it can be put aside: found in the
//! catalogue before anything is written, and looked at again in the switch.

use std::collections::BTreeSet;

use tokio_postgres::Row;
use tokio_postgres::types::Oid;

use super::dependents::Dependent;
use super::{Dependents, Object, Statement, behind, identifiers, views};
use crate::engine::postgres::name::{identifier, qualified};
use crate::engine::postgres::session::Session;
use crate::fault::{Code, Fault, Place, Result};
use crate::mapping::expression::Expression;
use crate::mapping::plan::{Plan, TablePlan};
use crate::report::{Finding, Severity};

/// What is put aside, and what there is to say about that.
#[derive(Debug)]
pub(in super::super) struct Survey {
    pub(in super::super) aside: Vec<Object>,
    pub(in super::super) dependents: Dependents,
    pub(in super::super) findings: Vec<Finding>,
}

impl Survey {
    /// Reads the catalogue, within a transaction.
    pub(in super::super) fn read(
        session: &mut Session,
        schema: Oid,
        plan: &Plan,
    ) -> Result<Survey> {
        let tables: Vec<_> = plan.tables.iter().map(|one| one.name.as_str()).collect();
        let views: Vec<_> = plan.views.iter().map(|one| one.name.as_str()).collect();
        let types: Vec<_> = plan.enums.iter().map(|one| one.name.as_str()).collect();
        let query = include_str!("../queries/swap_aside.sql");
        let rows = session.query(query, &[&schema, &tables, &views, &types])?;
        let mut findings: Vec<_> = rows.iter().filter_map(unsuited).collect();
        let aside: Vec<Object> = rows.iter().map(object).collect();
        let (relations, _) = identifiers(&aside);
        for row in session.query(include_str!("../queries/swap_own.sql"), &[&relations])? {
            let what: &str = row.get("what");
            findings.push(refusal(
                row.get("name"),
                format!("{what} cannot be given to what takes its place"),
                format!("drop {what} for the import, and make it again after it"),
            ));
        }
        if plan.operator.owner.is_none() {
            findings.extend(rows.iter().filter_map(homeless));
        }
        for row in session.query(include_str!("../queries/swap_passed.sql"), &[&relations])? {
            findings.push(passed(&row));
        }
        for row in session.query(include_str!("../queries/swap_outward.sql"), &[&relations])? {
            findings.push(outward(&row));
        }
        for row in session.query(include_str!("../queries/swap_needs.sql"), &[&relations])? {
            findings.extend(needed(&row, plan));
        }
        findings.extend(behind::left(session, &relations, plan)?);
        let dependents = Dependents::read(session, &aside)?;
        findings.extend(refused(&dependents, plan));
        Ok(Survey {
            aside,
            dependents,
            findings,
        })
    }

    /// Adds the views that cannot be defined over the new tables, which only the switch would tell
    /// otherwise; `schema` is that of the tables.
    pub(in super::super) fn try_views(
        &mut self,
        session: &mut Session,
        schema: &str,
        plan: &Plan,
    ) -> Result<()> {
        let dependents = (self.dependents.views.as_slice(), self.aside.as_slice());
        let unsuited = views::unsuited(session, schema, dependents, plan)?;
        self.findings.extend(unsuited);
        let conditions = views::conditions(session, schema, &self.aside, plan)?;
        self.findings.extend(conditions);
        self.try_keys(session, plan)
    }

    /// Adds the foreign keys whose columns cannot be compared with those of the new tables.
    fn try_keys(&mut self, session: &mut Session, plan: &Plan) -> Result<()> {
        let keys: Vec<Oid> = self
            .dependents
            .foreign_keys
            .iter()
            .map(|key| key.oid)
            .collect();
        if keys.is_empty() {
            return Ok(());
        }
        let columns = || {
            let tables = plan.tables.iter();
            tables.flat_map(|table| table.columns.iter().map(move |column| (table, column)))
        };
        let tables: Vec<_> = columns().map(|(table, _)| table.name.as_str()).collect();
        let names: Vec<_> = columns().map(|(_, column)| column.name.as_str()).collect();
        let types: Vec<_> = columns()
            .map(|(_, column)| views::spelled_out(column))
            .collect();
        let query = include_str!("../queries/swap_comparable.sql");
        for row in session.query(query, &[&keys, &tables, &names, &types])? {
            let mut keys = self.dependents.foreign_keys.iter();
            let Some(key) = keys.find(|key| key.oid == row.get::<_, Oid>("oid")) else {
                continue;
            };
            let (name, parent): (&str, &str) = (row.get("name"), row.get("parent"));
            let (was, new): (&str, &str) = (row.get("type"), row.get("new"));
            let message = format!(
                "{} could not compare `{name}`, which is {was}, with `{parent}` of the new table, which would be {new}",
                key.described
            );
            let hint =
                "ask for the old type in a mapping file, or drop the foreign key for the import";
            self.findings.push(refused_object(key, message, hint));
        }
        Ok(())
    }

    /// The first reason against it.
    pub(in super::super) fn refuse(&self) -> Result<()> {
        self.faults().next().map_or(Ok(()), Err)
    }

    /// All reasons against it.
    pub(in super::super) fn faults(&self) -> impl Iterator<Item = Fault> + '_ {
        let errors = self.findings.iter();
        let errors = errors.filter(|finding| finding.severity == Severity::Error);
        errors.map(|finding| {
            let mut fault = Fault::new(finding.code, finding.message.clone());
            if let Some(table) = &finding.place.table {
                fault = fault.in_table(table);
            }
            if let Some(object) = &finding.place.object {
                fault = fault.on(object);
            }
            match &finding.hint {
                Some(hint) => fault.hint(hint.clone()),
                None => fault,
            }
        })
    }

    /// What is worth knowing, and stops nothing.
    pub(in super::super) fn notes(&self) -> impl Iterator<Item = &Finding> {
        let findings = self.findings.iter();
        findings.filter(|finding| finding.severity != Severity::Error)
    }

    /// The tables to lock, as SQL names them; `schema` is where those that are put aside stand.
    pub(in super::super) fn locked(&self, schema: &str) -> Result<Vec<String>> {
        let tables = self.aside.iter().filter(|object| object.kind == "table");
        let tables = tables.map(|table| qualified(schema, &table.name));
        let mut all = tables.collect::<Result<BTreeSet<_>>>()?;
        all.extend(self.dependents.children());
        Ok(all.into_iter().collect())
    }

    /// The views to lock: those that are put aside, and those that follow.
    pub(in super::super) fn views(&self) -> Vec<Oid> {
        let aside = self.aside.iter().filter(|object| object.kind == "view");
        let aside = aside.map(|view| view.oid);
        aside.chain(self.dependents.views()).collect()
    }

    /// What gives those in `staging` what the old tables have, to be run when they are in place; and what
    /// of it is to be run when all that points at them does.
    pub(in super::super) fn carried(
        &self,
        session: &mut Session,
        staging: Oid,
        with_owner: bool,
    ) -> Result<(Vec<Statement>, Vec<Statement>)> {
        let (relations, _) = identifiers(&self.aside);
        let query = include_str!("../queries/swap_carried.sql");
        let rows = session.query(query, &[&relations, &staging, &with_owner])?;
        let statement = |row: &Row| Statement {
            object: row.get("object"),
            table: Some(row.get("name")),
            sql: row.get("sql"),
        };
        let (last, first): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.get("at_last"));
        let statements = |rows: Vec<&Row>| rows.into_iter().map(statement).collect();
        Ok((statements(first), statements(last)))
    }

    /// What gives views and enumerated types in `schema`, which are there, what those that were put aside have.
    pub(in super::super) fn succeeded(
        session: &mut Session,
        aside: &[Object],
        schema: Oid,
        with_owner: bool,
    ) -> Result<Vec<Statement>> {
        let (relations, types) = identifiers(aside);
        let query = include_str!("../queries/swap_succeeded.sql");
        let rows = session.query(query, &[&relations, &schema, &with_owner, &types])?;
        let statements = rows.iter().map(|row| Statement {
            object: row.get("object"),
            table: Some(row.get("name")),
            sql: row.get("sql"),
        });
        Ok(statements.collect())
    }
}

fn object(row: &Row) -> Object {
    Object {
        kind: row.get("kind"),
        name: row.get("name"),
        oid: row.get("oid"),
    }
}

fn refusal(table: &str, message: String, hint: String) -> Finding {
    let finding = Finding::new(Code::TargetDependent, Severity::Error, message);
    finding.in_table(table).hint(hint)
}

/// The same about an object that is no table of ours.
fn refused_object(one: &Dependent, message: String, hint: &str) -> Finding {
    let finding = Finding::new(Code::TargetDependent, Severity::Error, message).hint(hint);
    match &one.parent {
        Some(parent) => finding.in_table(parent),
        None => finding.on(&one.described),
    }
}

fn unsuited(row: &Row) -> Option<Finding> {
    let name: &str = row.get("name");
    if !row.get::<_, bool>("owned") {
        let (kind, owner): (&str, &str) = (row.get("kind"), row.get("owner"));
        let message =
            format!("the {kind} belongs to `{owner}`, and cannot be put aside by this role");
        let finding = Finding::new(Code::RightMissing, Severity::Error, message).in_table(name);
        let hint = match identifier(owner) {
            Ok(owner) => format!("GRANT {owner} TO the role that imports, or import as {owner}"),
            Err(_) => "import as its owner".to_owned(),
        };
        return Some(finding.hint(hint));
    }
    let why: &str = row.get::<_, Option<&str>>("unsuited")?;
    let kind: &str = row.get("kind");
    let message = format!("the {kind} cannot be put aside: {why}");
    let hint = "import into another schema with --into-schema, or leave the table out with -T";
    let finding = refusal(name, message, hint.to_owned());
    Some(if kind == "statistics" {
        Finding {
            place: Place::default(),
            ..finding
        }
        .on(format!("statistics {name}"))
    } else {
        finding
    })
}

/// The refusal where what comes could not belong to the owner of what goes.
fn homeless(row: &Row) -> Option<Finding> {
    let (name, kind): (&str, &str) = (row.get("name"), row.get("kind"));
    let missing: &str = row.get::<_, Option<&str>>("missing")?;
    if !row.get::<_, bool>("owned") {
        return None;
    }
    let owner: &str = row.get("owner");
    let message = format!(
        "the {kind} belongs to `{owner}`, and the one that takes its place could not be given to that role"
    );
    let finding = Finding::new(Code::RightMissing, Severity::Error, message);
    let hint = format!("{missing}; or name another owner in a mapping file");
    Some(finding.in_table(name).hint(hint))
}

fn passed(row: &Row) -> Finding {
    let (grantor, grantees): (&str, &str) = (row.get("grantor"), row.get("grantees"));
    let message = format!(
        "rights that `{grantor}` has passed on to {grantees} come from the owner on the new table: they stay when `{grantor}` loses its own"
    );
    let finding = Finding::new(Code::TargetDependent, Severity::Warning, message);
    let finding = finding.in_table(row.get::<_, &str>("name"));
    finding.hint("nothing to do where they are meant to stay; else let the owner revoke them, and that role grant them anew")
}

fn outward(row: &Row) -> Finding {
    let (key, parent): (&str, &str) = (row.get("foreign_key"), row.get("parent"));
    let effect: &str = row.get("effect");
    let message = format!(
        "its foreign key `{key}` to {parent} goes to the backup with the old table, and {effect}"
    );
    let finding = Finding::new(Code::TargetDependent, Severity::Warning, message);
    let finding = finding.in_table(row.get::<_, &str>("name"));
    finding.hint("add it to the new table by hand where it is wanted; `waybill-import prune` drops the old one")
}

/// The refusal of an object that is about columns, or a key, that the new table does not have.
fn needed(row: &Row, plan: &Plan) -> Option<Finding> {
    let (name, object): (&str, &str) = (row.get("name"), row.get("object"));
    let table = plan.tables.iter().find(|table| table.name == name)?;
    let columns: Vec<String> = row.get("columns");
    let has = |name: &String| table.columns.iter().any(|column| column.name == *name);
    if let Some(missing) = columns.iter().find(|name| !has(name)) {
        let message =
            format!("{object} is about the column `{missing}`, which the new table does not have");
        let hint = format!(
            "drop {object} for the import, or add the column in a mapping file with add-columns"
        );
        return Some(refusal(name, message, hint));
    }
    if !row.get::<_, bool>("is_key") || has_key(table, &columns) {
        return None;
    }
    let columns = columns.join(", ");
    let message =
        format!("subscribers tell its rows by ({columns}), which is no key of the new table");
    let hint = "give the source such a key, with NOT NULL, or ALTER TABLE … REPLICA IDENTITY FULL";
    Some(refusal(name, message, hint.to_owned()))
}

/// Whether these columns, in order of name, tell rows apart and are never NULL.
fn has_key(table: &TablePlan, columns: &[String]) -> bool {
    let same = |mut own: Vec<String>| {
        own.sort_unstable();
        own == columns
    };
    let mut primary = table.primary_key.iter();
    if primary.any(|key| same(key.columns.clone())) {
        return true;
    }
    let not_null = |name: &String| {
        let mut own = table.columns.iter();
        own.any(|column| column.name == *name && column.not_null)
    };
    let mut keys = table.unique.iter();
    let mut indexes = table.indexes.iter();
    columns.iter().all(not_null)
        && (keys.any(|key| same(key.columns.clone()))
            || indexes.any(|index| {
                let columns = index.terms.iter().map(|term| match &term.on {
                    Expression::Column(name) => Some(name.clone()),
                    _ => None,
                });
                let columns: Option<Vec<_>> = columns.collect();
                index.unique && index.predicate.is_none() && columns.is_some_and(same)
            }))
}

/// What cannot follow, as far as the catalogue tells.
fn refused(dependents: &Dependents, plan: &Plan) -> Vec<Finding> {
    let mut findings = Vec::new();
    for one in &dependents.others {
        findings.push(refused_object(
            one,
            "it depends on a table that is replaced, and cannot follow".to_owned(),
            "drop it for the import, and make it again after it",
        ));
    }
    let lacking = dependents.lacking();
    findings.extend(lacking.map(|fault| Finding::from_fault(&fault)));
    for one in dependents.views.iter().chain(&dependents.foreign_keys) {
        if !one.owned {
            findings.push(refused_object(
                one,
                format!(
                    "{} belongs to another role, and cannot be changed",
                    one.described
                ),
                "import as a role that owns it",
            ));
        }
    }
    for member in dependents.publications.iter().filter(|one| !one.owned) {
        findings.push(refusal(
            &member.table,
            format!(
                "{} names it and belongs to `{}`, and cannot be changed by this role",
                member.described, member.owner
            ),
            "import as a role that owns the publication, or have its owner drop the table from it"
                .to_owned(),
        ));
    }
    for key in &dependents.foreign_keys {
        let mut tables = plan.tables.iter();
        let planned = tables.find(|table| Some(&table.name) == key.parent.as_ref());
        let has_key = planned.is_some_and(|table| {
            let mut keys = table.primary_key.iter().chain(&table.unique);
            keys.any(|one| {
                let mut columns = one.columns.clone();
                columns.sort_unstable();
                columns == key.parent_columns
            })
        });
        if !has_key {
            findings.push(refused_object(
                key,
                format!(
                    "{} refers to ({}), which is no key of the new table",
                    key.described,
                    key.parent_columns.join(", ")
                ),
                "drop the foreign key for the import",
            ));
        }
    }
    findings
}
