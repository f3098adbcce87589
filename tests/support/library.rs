//! Runs the jobs of the library in this process, for tests that run thousands of them.

use std::path::{Path, PathBuf};
use std::time::Duration;
use waybill_common::fault::Fault;
use waybill_common::flow;
use waybill_common::flow::request::{
    ExportRequest, ImportRequest, Mode, Scope, VerifyLevel, VerifyRequest,
};
use waybill_common::location::{ArchivePath, Location, TableFilter};
use waybill_common::progress::Unwatched;
use waybill_common::report::Report;
use waybill_common::seam::Check;

fn every_table() -> TableFilter {
    TableFilter::new(&[], &[]).expect("no pattern is wrong")
}

/// Exports an SQLite file to an archive.
pub(crate) fn export(source: &Path, archive: &Path) -> Result<Report, Fault> {
    export_by(source, archive, 1)
}

/// The same, by so many workers.
pub(crate) fn export_by(source: &Path, archive: &Path, jobs: usize) -> Result<Report, Fault> {
    let request = ExportRequest {
        source: Location::Sqlite(source.to_owned()),
        archive: ArchivePath::Path(archive.to_owned()),
        level: 1,
        jobs,
        labels: Vec::new(),
        created: None,
        force: true,
        sync: false,
        tables: every_table(),
    };
    flow::export(&request, &Unwatched)
}

/// Verifies an archive to its rows, by so many workers.
pub(crate) fn verify_by(archive: &Path, jobs: usize) -> Result<Report, Fault> {
    let request = VerifyRequest {
        archive: ArchivePath::Path(archive.to_owned()),
        level: VerifyLevel::Data,
        jobs,
        expect_root: None,
        require_labels: Vec::new(),
        max_part: 1 << 30,
    };
    flow::verify(&request, &Unwatched)
}

/// Imports an archive into a new SQLite file.
pub(crate) fn into_sqlite(archive: &Path, target: PathBuf) -> Result<Report, Fault> {
    import_by(archive, Location::Sqlite(target), 1)
}

/// Imports an archive into the schema `public` of a PostgreSQL database.
pub(crate) fn into_postgres(archive: &Path, uri: &str) -> Result<Report, Fault> {
    import_by(archive, Location::Postgres(uri.to_owned()), 1)
}

/// Imports an archive, by so many workers.
pub(crate) fn import_by(archive: &Path, target: Location, jobs: usize) -> Result<Report, Fault> {
    let request = ImportRequest {
        jobs,
        ..request(archive, target)
    };
    flow::import(&request, &Unwatched)
}

/// Imports an archive into a schema of a PostgreSQL database.
pub(crate) fn into_schema(archive: &Path, uri: &str, schema: &str) -> Result<Report, Fault> {
    let request = ImportRequest {
        into_schema: Some(schema.to_owned()),
        ledger_schema: None,
        staging_schema: None,
        ..request(archive, Location::Postgres(uri.to_owned()))
    };
    flow::import(&request, &Unwatched)
}

fn request(archive: &Path, target: Location) -> ImportRequest {
    ImportRequest {
        archive: ArchivePath::Path(archive.to_owned()),
        target,
        mode: Mode::Create,
        merging: waybill_common::mapping::fill::Merging::default(),
        into_schema: None,
        ledger_schema: None,
        staging_schema: None,
        jobs: 1,
        expect_root: None,
        check: Check::Content,
        plan_only: false,
        dry_run: false,
        scope: Scope::All,
        names: None,
        map: None,
        tables: every_table(),
        lock_wait_timeout: Duration::from_secs(10),
        require_idle: false,
        spool: None,
        triggers: true,
        views: true,
        max_part: 1 << 30,
        again: waybill_common::flow::request::Again::Compare,
        consent: waybill_common::seam::Consent::Withheld,
    }
}
