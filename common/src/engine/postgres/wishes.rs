//! What must be there for what a mapping file asks for: extensions, roles, rights, free names. Only reads.

use std::collections::BTreeSet;

use tokio_postgres::Row;
use tokio_postgres::types::Oid;

use crate::engine::postgres::name::identifier;
use crate::engine::postgres::session::Session;
use crate::fault::{Code, Fault, Result};
use crate::mapping::plan::{PgType, Plan};

/// The extensions that the plan needs: those that are listed, and those of its types.
pub(super) fn required(plan: &Plan) -> Vec<String> {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    names.extend(plan.operator.extensions.iter().map(String::as_str));
    let mut columns = plan.tables.iter().flat_map(|table| &table.columns);
    if columns.any(|column| column.target == PgType::Citext) {
        names.insert("citext");
    }
    names.into_iter().map(str::to_owned).collect()
}

/// A row for each of these extensions: `name`, `schema` if it is there and whether we `may_use` it,
/// `available`, and who we are (`us`).
pub(super) fn extension_rows(session: &mut Session, names: &[String]) -> Result<Vec<Row>> {
    session.query(include_str!("queries/extensions.sql"), &[&names])
}

/// Adds to `faults` what keeps the operator's wishes from being fulfilled, and gives the functions
/// and statistics in the way. The target schema may be missing: then names are not looked at.
pub(super) fn preflight(
    session: &mut Session,
    plan: &Plan,
    (schema, target_schema): (Option<Oid>, &str),
    faults: &mut Vec<Fault>,
) -> Result<Vec<Row>> {
    let required = required(plan);
    for row in extension_rows(session, &required)? {
        faults.extend(missing(&row, plan.operator.create_extensions));
    }
    roles(session, plan, target_schema, faults)?;
    let tables = plan.tables.iter().map(|table| &table.added);
    let functions: Vec<&str> = tables
        .clone()
        .flat_map(|added| &added.updated_at)
        .map(|trigger| trigger.name.as_str())
        .collect();
    let statistics: Vec<&str> = tables
        .flat_map(|added| &added.statistics)
        .map(|one| one.name.as_str())
        .collect();
    let Some(schema) = schema.filter(|_| !functions.is_empty() || !statistics.is_empty()) else {
        return Ok(Vec::new());
    };
    let query = include_str!("queries/added_clashes.sql");
    session.query(query, &[&schema, &functions, &statistics])
}

fn missing(row: &Row, create: bool) -> Option<Fault> {
    let name: &str = row.get("name");
    let fault = |code, what: String| Fault::new(code, what).on(format!("extension {name}"));
    if let Some(schema) = row.get::<_, Option<&str>>("schema") {
        let what = format!("the role may not use the schema of the extension `{name}`");
        let (schema, us) = (identifier(schema).ok()?, identifier(row.get("us")).ok()?);
        let hint = format!("GRANT USAGE ON SCHEMA {schema} TO {us}");
        let may_use: bool = row.get("may_use");
        return (!may_use).then(|| fault(Code::RightMissing, what).hint(hint));
    }
    if !row.get::<_, bool>("available") {
        let what = format!("the server does not have the extension `{name}`");
        let hint = "install its package on the server, or take it out of the mapping file";
        return Some(fault(Code::ExtensionMissing, what).hint(hint));
    }
    let what = format!("the extension `{name}` is not in the database");
    let quoted = identifier(name).ok()?;
    let hint = format!(
        "run CREATE EXTENSION {quoted}; or set create-extensions = true in the mapping file"
    );
    (!create).then(|| fault(Code::ExtensionMissing, what).hint(hint))
}

/// The owner and the roles of all grants must be there, and the owner must be ours to give.
fn roles(
    session: &mut Session,
    plan: &Plan,
    target_schema: &str,
    faults: &mut Vec<Fault>,
) -> Result<()> {
    let operator = &plan.operator;
    let granted = operator.grants.iter().flat_map(|grant| &grant.to);
    let granted = granted.filter(|role| *role != "public");
    let names: BTreeSet<&str> = granted.chain(&operator.owner).map(String::as_str).collect();
    if names.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = names.into_iter().collect();
    let query = include_str!("queries/roles.sql");
    for row in session.query(query, &[&names, &target_schema])? {
        let name: &str = row.get("name");
        let role = identifier(name)?;
        let missing = |what: String, hint: String| {
            let fault = Fault::new(Code::RightMissing, what).on(format!("role {name}"));
            fault.hint(hint)
        };
        let is_owner = operator.owner.as_deref() == Some(name);
        if !row.get::<_, bool>("there") {
            let what = format!("there is no role `{name}`");
            let hint = format!("CREATE ROLE {role}");
            faults.push(missing(what, hint));
        } else if is_owner && !row.get::<_, bool>("member") {
            let what = format!(
                "the role that imports is no member of `{name}`, which is to own the tables"
            );
            let us = identifier(row.get("us"))?;
            let hint = format!("GRANT {role} TO {us}");
            faults.push(missing(what, hint));
        } else if is_owner && !row.get::<_, bool>("may_create") {
            let what = format!(
                "the role `{name}` is to own the tables, and may not create any in the target schema"
            );
            let hint = format!(
                "GRANT USAGE, CREATE ON SCHEMA {} TO {role}",
                identifier(target_schema)?
            );
            faults.push(missing(what, hint));
        }
    }
    Ok(())
}
