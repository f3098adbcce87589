//! The plan: what each table, column and key of a schema becomes in PostgreSQL, and why.
//!
//! Pure: schema and evidence in, plan and findings out. Knows no connection and writes no SQL;
//! `engine::postgres` does both. The rules are written for people in `docs/types.md`.

mod added;
mod asked;
pub mod compared;
mod computed;
mod declared;
mod defaults;
mod describe;
mod draft;
mod entry;
pub mod existing;
#[cfg_attr(
    not(feature = "sqlite"),
    expect(dead_code, reason = "who cannot read SQL makes no expressions")
)]
pub mod expression;
pub mod file;
pub mod fill;
mod folding;
mod foreign;
mod identities;
mod judge;
pub mod kept;
mod keys;
mod leftovers;
pub mod lossless;
pub mod lost;
mod mapped;
mod names;
mod naming;
mod nulls;
mod objects;
pub mod operator;
mod order;
mod pgtype;
pub mod plan;
mod proposals;
mod scope;
mod split;
#[cfg(test)]
mod tests;
mod ties;
mod typename;
mod types;
mod views;
pub mod zone;

pub use describe::describe;
pub use mapped::check;
pub use naming::NameRule;
pub use order::order;

use crate::mapping::computed::{Computed, Refused};
use crate::mapping::draft::{Draft, Source};
use crate::mapping::file::MappingFile;
use crate::mapping::kept::Kept;
use crate::mapping::names::Names;
use crate::mapping::operator::{Additions, Script};
use crate::mapping::plan::{ColumnPlan, Origin, Plan, TablePlan};
use crate::model::schema::Schema;
use crate::profile::evidence::{KeyEvidence, TableEvidence};
use crate::report::Finding;
use crate::report::structure::{Subject, tag};

/// What a plan is made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The schema that will hold the tables.
    pub target_schema: String,
    /// `server_version_num` of the server, such as `150020` for 15.20.
    pub server_version: u32,
    /// How the names of the source become names of the target.
    pub names: NameRule,
    /// What the operator says of single tables and columns. It has been found to fit the schema.
    pub mapping: Option<Mapping>,
    /// Types that columns keep from the tables that are replaced, where nothing else is asked for.
    pub kept: Kept,
}

/// A mapping file with the files it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// The file.
    pub file: MappingFile,
    /// What its `before` names.
    pub before: Option<Script>,
    /// What its `after` names.
    pub after: Option<Script>,
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
    let source = Source::new(schema, evidence, keys, request);
    let mut refused = Refused::new();
    // Which types columns get depends on the keys, and which keys there are on the computed columns
    // that can be carried over, which depends on the types: so one that proves impossible late is
    // left out from the start of another attempt.
    for _ in 0..ATTEMPTS {
        match attempt(&source, request, &refused) {
            Ok(plan) => return plan,
            Err(late) => refused.extend(late),
        }
    }
    attempt(&source, request, &computed::all(schema)).unwrap_or_default()
}

/// Attempts before no computed column is carried over at all.
const ATTEMPTS: usize = 8;

/// A plan without the computed columns that are refused, or more of these.
fn attempt(source: &Source<'_>, request: &Request, refused: &Refused) -> Result<Plan, Refused> {
    let mut findings = names::check_request(request);
    leftovers::list(source.schema, &mut findings);
    asked::forget_skipped(source, &mut findings);
    let mut drafts = draft::drafts(source, refused);
    possible(computed::translate(&mut drafts, &source.budget, false))?;
    naming::settle(&mut drafts, request.names, &mut findings);
    let before = findings.len();
    let mut references = keys_and_references(source, &mut drafts, &mut findings);
    if asked::follow(&mut drafts, &references) {
        // What a column is asked to become decides what its keys compare.
        findings.truncate(before);
        references = keys_and_references(source, &mut drafts, &mut findings);
        asked::follow(&mut drafts, &references);
    }
    foreign::drop_unequal(&drafts, &mut references, &mut findings);
    ties::settle(&mut drafts, &mut references, &mut findings);
    folding::settle(&mut drafts);
    possible(computed::translate(&mut drafts, &source.budget, true))?;
    computed::report(&drafts, refused, &mut findings);
    for draft in &drafts {
        judge::columns(draft, &mut findings);
        asked::notes(source, draft, &mut findings);
        leftovers::hidden_rowid(draft, &mut findings);
    }
    judge::collation(&drafts, &mut findings);
    let mut tables = assemble(source, &drafts, &references, request.names, &mut findings);
    added::to_tables(source, &drafts, &mut tables, &mut findings);
    let enums = added::enums(source);
    let cut = split::split(&drafts, &enums, &mut tables, &mut findings);
    judge::by_bytes(&tables, &mut findings);
    let operator = added::to_plan(source, &tables);
    let views = views::views(
        source,
        (&drafts, &cut),
        &tables,
        request.names,
        &mut findings,
    );
    sort(&mut findings);
    Ok(Plan {
        tables,
        enums,
        views,
        operator,
        findings,
    })
}

/// The keys, indexes and foreign keys that are carried over.
fn keys_and_references<'a>(
    source: &Source<'a>,
    drafts: &mut [Draft<'a>],
    findings: &mut Vec<Finding>,
) -> Vec<foreign::Reference<'a>> {
    for draft in &mut *drafts {
        draft.structure = keys::structure(source, draft, findings);
        keys::mark(draft);
    }
    let references = foreign::references(source, drafts, findings);
    foreign::mark(drafts, &references);
    references
}

fn possible(late: Refused) -> Result<(), Refused> {
    if late.is_empty() { Ok(()) } else { Err(late) }
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
            added: Additions::default(),
        };
        let of = (references, position);
        table.foreign_keys = foreign::plans(source, drafts, of, &table, rule, findings);
        objects::carry(source, draft, &mut table, findings);
        tables.push(table);
    }
    tables
}

fn columns(source: &Source<'_>, draft: &Draft<'_>, findings: &mut Vec<Finding>) -> Vec<ColumnPlan> {
    let mut columns = Vec::with_capacity(draft.columns.len());
    for (position, stored) in draft.columns.iter().enumerate() {
        let before = findings.len();
        let not_null = asked::not_null(draft, stored, findings)
            .unwrap_or_else(|| nulls::not_null(source, draft, position, findings));
        findings.extend(nulls::conflict(draft, position));
        tag(&mut findings[before..], Subject::NotNull);
        let before = findings.len();
        let default = asked::default(stored, || {
            defaults::default(draft, stored, &source.budget, findings)
        });
        tag(&mut findings[before..], Subject::Default);
        let identity = stored
            .identity
            .then(|| identities::next(source, draft, stored, findings));
        columns.push(ColumnPlan {
            name: stored.name.clone(),
            origin: match stored.computed.as_ref().and_then(Computed::tree) {
                Some(tree) => Origin::Computed(tree.clone()),
                None => Origin::Cell(stored.cell),
            },
            target: stored.target,
            asked: stored.asked.is_some() || stored.conversion.is_some(),
            conversion: stored.conversion.clone(),
            collation: asked::collation(stored),
            not_null,
            default,
            identity,
            evidence: judge::reason(stored),
            rejected: judge::rejected(stored),
            proposals: proposals::of(stored),
        });
    }
    columns
}

/// By table, then column; within one object in the order in which they were found.
fn sort(findings: &mut [Finding]) {
    findings
        .sort_by(|a, b| (&a.place.table, &a.place.column).cmp(&(&b.place.table, &b.place.column)));
}
