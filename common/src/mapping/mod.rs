//! The plan: what each table, column and key of a schema becomes in PostgreSQL, and why.
//!
//! Pure: schema and evidence in, plan and findings out. Knows no connection and writes no SQL;
//! `engine::postgres` does both. The rules are written for people in `docs/types.md`.

mod declared;
mod defaults;
mod describe;
mod draft;
mod entry;
pub mod existing;
pub mod expression;
pub mod file;
pub mod fill;
mod foreign;
mod judge;
mod keys;
mod leftovers;
mod names;
mod naming;
mod order;
mod pgtype;
pub mod plan;
#[cfg(test)]
mod tests;
mod ties;
mod types;
pub mod zone;

pub use describe::describe;
pub use naming::NameRule;
pub use order::order;

use crate::mapping::draft::{Draft, Source};
use crate::mapping::names::Names;
use crate::mapping::plan::{ColumnPlan, Origin, Plan, TablePlan};
use crate::model::schema::Schema;
use crate::profile::evidence::{KeyEvidence, TableEvidence};
use crate::report::Finding;

/// What a plan is made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The schema that will hold the tables.
    pub target_schema: String,
    /// `server_version_num` of the server, such as `150020` for 15.20.
    pub server_version: u32,
    /// How the names of the source become names of the target.
    pub names: NameRule,
}

/// What the tables of `schema` become in PostgreSQL.
///
/// `evidence` has one entry for each table of the schema, in its order; `keys` is what the checks
/// of keys found. Tables that are not to be imported are left out by the caller beforehand. A plan
/// with a finding of severity error must not be carried out: its refused columns are listed as text.
#[must_use]
pub fn plan(
    schema: &Schema,
    evidence: &[TableEvidence],
    keys: &[KeyEvidence],
    request: &Request,
) -> Plan {
    let mut findings = names::check_request(request);
    leftovers::list(schema, &mut findings);
    let source = Source::new(schema, evidence, keys);
    let mut drafts = draft::drafts(&source);
    naming::settle(&mut drafts, request.names, &mut findings);
    for draft in &mut drafts {
        names::check_table(draft, &mut findings);
        draft.structure = keys::structure(&source, draft, &mut findings);
        keys::mark(draft);
    }
    let mut references = foreign::references(&source, &drafts, &mut findings);
    foreign::mark(&mut drafts, &references);
    ties::settle(&mut drafts, &mut references, &mut findings);
    for draft in &drafts {
        judge::columns(draft, &mut findings);
        leftovers::hidden_rowid(draft, &mut findings);
    }
    judge::collation(&drafts, &mut findings);
    let tables = assemble(&source, &drafts, &references, request.names, &mut findings);
    sort(&mut findings);
    Plan {
        tables,
        enums: Vec::new(),
        findings,
    }
}

fn assemble(
    source: &Source<'_>,
    drafts: &[Draft<'_>],
    references: &[foreign::Reference<'_>],
    rule: NameRule,
    findings: &mut Vec<Finding>,
) -> Vec<TablePlan> {
    let names = Names::new(drafts, rule, findings);
    let mut tables = Vec::with_capacity(drafts.len());
    for (position, draft) in drafts.iter().enumerate() {
        let structure = names.structure(position, draft);
        let mut table = TablePlan {
            source: draft.source,
            name: draft.name.clone(),
            columns: columns(source, draft, findings),
            primary_key: structure.primary_key,
            unique: structure.unique,
            indexes: structure.indexes,
            foreign_keys: Vec::new(),
            checks: Vec::new(),
        };
        let of = (references, position);
        table.foreign_keys = foreign::plans(source, drafts, of, &table, rule, findings);
        tables.push(table);
    }
    tables
}

fn columns(source: &Source<'_>, draft: &Draft<'_>, findings: &mut Vec<Finding>) -> Vec<ColumnPlan> {
    let mut columns = Vec::with_capacity(draft.columns.len());
    for (position, stored) in draft.columns.iter().enumerate() {
        columns.push(ColumnPlan {
            name: stored.name.clone(),
            origin: Origin::Cell(stored.cell),
            target: stored.target,
            asked: false,
            conversion: None,
            not_null: keys::not_null(source, draft, position, findings),
            default: defaults::default(draft, stored, findings),
            identity: stored.identity.then(|| source.next_identity(draft, stored)),
            evidence: judge::reason(stored),
            rejected: judge::rejected(stored),
        });
    }
    columns
}

/// By table, then column; within one object in the order in which they were found.
fn sort(findings: &mut [Finding]) {
    findings
        .sort_by(|a, b| (&a.place.table, &a.place.column).cmp(&(&b.place.table, &b.place.column)));
}
