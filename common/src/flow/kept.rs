//! The plan of an import that replaces tables: columns keep their old types where every value fits.
//!
//! What fits is tried before the first write, as types that an operator asks for are.

use super::rehearse::rehearse;
use super::wishes::Wishes;
use super::{plan, wording};
use crate::engine::postgres::conninfo::ConnInfo;
use crate::engine::postgres::existing;
use crate::fault::{Code, Result};
use crate::mapping;
use crate::mapping::existing::Existing;
use crate::mapping::kept::{self, Kept};
use crate::mapping::plan::{Origin, PgType, Plan};
use crate::model::schema::Schema;
use crate::profile::evidence::{KeyEvidence, TableEvidence};
use crate::progress::Watch;
use crate::report::{Finding, Severity};
use crate::seam::PartReader;

/// What a plan is made from.
#[derive(Clone, Copy)]
pub(super) struct Basis<'a> {
    pub(super) schema: &'a Schema,
    pub(super) evidence: &'a [TableEvidence],
    pub(super) keys: &'a [KeyEvidence],
    pub(super) wishes: &'a Wishes,
}

/// The plan, and what trying its values has found. With `replaces`, old types are kept.
pub(super) fn planned(
    basis: Basis<'_>,
    settings: &ConnInfo,
    replaces: bool,
    (parts, jobs): (&dyn PartReader, usize),
    watch: &dyn Watch,
) -> Result<(Plan, Vec<Finding>)> {
    let version = plan::server_version(settings)?;
    let made = |kept: &Kept| basis.plan(version, kept);
    let tried = |plan: &Plan| rehearse(basis.schema, plan, parts, jobs, watch);
    let base = made(&Kept::new());
    let mut kept = Kept::new();
    if replaces && let Some(old) = old(settings, basis.wishes)? {
        kept = kept::kept(basis.schema, &base, basis.evidence, &old);
    }
    let mut lost = Vec::new();
    while !kept.is_empty() {
        let plan = made(&kept);
        if !kept::makes_all_of(&plan, &base) {
            break;
        }
        let found = tried(&plan)?;
        let misfits = misfits(basis.schema, (&plan, &base), &found);
        if misfits.is_empty() {
            return Ok((told(plan, lost), found));
        }
        for misfit in misfits {
            match kept.remove(&misfit.place) {
                Some(target) => lost.push((misfit, target)),
                // One that only follows the type of another does not fit it.
                None => kept.clear(),
            }
        }
    }
    let found = tried(&base)?;
    Ok((told(base, lost), found))
}

impl Basis<'_> {
    fn plan(&self, server_version: u32, kept: &Kept) -> Plan {
        let mut request = self.wishes.request(server_version);
        request.kept.clone_from(kept);
        mapping::plan(self.schema, self.evidence, self.keys, &request)
    }
}

/// The tables that stand in the target schema, if there is one.
fn old(settings: &ConnInfo, wishes: &Wishes) -> Result<Option<Existing>> {
    match existing::read(settings, &wishes.target_schema) {
        Ok(existing) => Ok(Some(existing)),
        Err(fault) if fault.code() == Code::TargetSchemaMissing => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// A column that cannot keep its old type.
struct Misfit {
    /// Position of its table in the schema, and its cell.
    place: (usize, usize),
    reason: String,
}

/// The columns of kept types with a value that does not fit, or would be written otherwise.
fn misfits(schema: &Schema, (plan, base): (&Plan, &Plan), found: &[Finding]) -> Vec<Misfit> {
    let counts = |finding: &&Finding| {
        finding.severity == Severity::Error || finding.code == Code::ValueConverted
    };
    let worse = plan
        .findings
        .iter()
        .filter(|finding| !base.findings.contains(finding));
    let against: Vec<&Finding> = found.iter().chain(worse).filter(counts).collect();
    let mut misfits = Vec::new();
    for (table, column) in kept::columns(plan, base) {
        let Origin::Cell(cell) = column.origin else {
            continue;
        };
        let source = &schema.tables[table.source];
        // Findings of a plan name what the source names.
        let tables = [table.name.as_str(), source.name.as_str()];
        let columns = [column.name.as_str(), source.cell_name(cell)];
        let is_about = |finding: &&&Finding| {
            let of = |names: [&str; 2], name: &Option<String>| {
                name.as_deref().is_some_and(|name| names.contains(&name))
            };
            let place = &finding.place;
            // A key names all of its columns at once.
            of(tables, &place.table)
                && (of(columns, &place.column) || finding.code == Code::KeyDuplicate)
        };
        if let Some(finding) = against.iter().find(is_about) {
            misfits.push(Misfit {
                place: (table.source, cell),
                reason: reason(finding),
            });
        }
    }
    misfits
}

/// What a finding says of values, with the first row.
fn reason(finding: &Finding) -> String {
    let first = finding.samples.first();
    let at = first.map_or_else(String::new, |row| format!(", first at {row}"));
    let count = wording::counted(finding.count, "value");
    format!("{count}: {}{at}", finding.message)
}

/// The plan with a warning for each old type that is lost.
fn told(mut plan: Plan, lost: Vec<(Misfit, PgType)>) -> Plan {
    for (misfit, old) in lost {
        let columns = plan
            .tables
            .iter_mut()
            .filter(|table| table.source == misfit.place.0);
        let columns = columns.flat_map(|table| {
            let name = table.name.clone();
            table
                .columns
                .iter_mut()
                .map(move |column| (name.clone(), column))
        });
        let place = Origin::Cell(misfit.place.1);
        for (table, column) in columns.filter(|(_, column)| column.origin == place) {
            let message = format!(
                "the column was {old} and becomes {}; {}",
                column.target, misfit.reason
            );
            column.rejected.push((old, misfit.reason.clone()));
            let finding = Finding::new(Code::Recast, Severity::Warning, message)
                .hint("statements that an application has prepared may fail once; `type` in a mapping file decides otherwise");
            plan.findings
                .push(finding.in_table(table).in_column(&column.name));
        }
    }
    plan
}
