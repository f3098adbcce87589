//! A live PostgreSQL database beside an archive.

use super::{Manner, finding};
use crate::archive::Archive;
use crate::engine::postgres::conninfo::ConnInfo;
use crate::engine::postgres::target::compare::{CompareOptions, LiveDatabase, Matter};
use crate::fault::Result;
use crate::flow::import::evidence_of;
use crate::flow::select::{SelectedParts, Selection};
use crate::flow::wishes::Wishes;
use crate::mapping;
use crate::mapping::compared::{Compared, compared};
use crate::mapping::fill::{Filling, fill};
use crate::mapping::plan::Plan;
use crate::progress::Watch;
use crate::report::Finding;

/// Compares the tables with what an import would make now, or would fill.
pub(super) fn check(
    archive: &Archive,
    selection: &Selection,
    settings: &ConnInfo,
    wishes: &Wishes,
    manner: &Manner,
    watch: &dyn Watch,
) -> Result<Vec<Finding>> {
    let mut live = LiveDatabase::open(settings, &wishes.target_schema)?;
    let evidence = evidence_of(archive, &selection.positions);
    let request = wishes.request(live.server_version());
    // Whether keys hold decides which of them are made, not what a table holds.
    let plan = mapping::plan(&selection.schema, &evidence, &[], &request);
    // A mapping file that suits no filling says how the tables were made.
    let filling = fill(&selection.schema, &evidence, live.existing(), &request).ok();
    differences(
        archive,
        selection,
        (&plan, filling.as_ref()),
        &mut live,
        manner,
        watch,
    )
}

/// What the tables of `live` have other than the archive, whose rows were brought into them by `plan`;
/// `filling` is that of an import into tables that were there. There is a finding of severity error
/// for each table that differs, and none when all are equal.
pub(super) fn differences(
    archive: &Archive,
    selection: &Selection,
    (plan, filling): (&Plan, Option<&Filling>),
    live: &mut LiveDatabase,
    manner: &Manner,
    watch: &dyn Watch,
) -> Result<Vec<Finding>> {
    let parts = SelectedParts::new(archive, &selection.positions);
    let Compared {
        tables,
        mut findings,
    } = compared(&selection.schema, plan, filling, live.existing());
    let matter = Matter {
        schema: &selection.schema,
        enums: &plan.enums,
        tables: &tables,
        parts: &parts,
    };
    let options = CompareOptions {
        jobs: manner.jobs,
        limit: manner.limit,
        folder: manner.folder.clone(),
    };
    let all = live.compare(matter, &options, watch)?;
    for (table, difference) in tables.iter().zip(all) {
        findings.extend(finding(
            &table.source_name,
            &difference.found,
            difference.names,
        ));
    }
    Ok(findings)
}
