//! Whether there is room on a disk for what an archive holds: looked at before the first write.
//!
//! What a target makes of an archive is not known before it is made. So there are two bounds: less than the
//! least is needed by no target, and refused; less than the likely is warned of.

use super::import::refused;
use crate::engine::postgres::conninfo::ConnInfo;
use crate::engine::postgres::space;
use crate::engine::postgres::target::PostgresTarget;
use crate::fault::{Code, Result};
use crate::report::{Finding, Report, Severity, Totals};
use crate::seam::PartReader;
use indicatif::HumanBytes;
use std::path::Path;

/// Bytes of a row in a PostgreSQL table beside its values: header and line pointer.
const ROW_IN_POSTGRES: u64 = 28;
/// The same in SQLite: length and number of the row, length of its header, place on the page.
const ROW_IN_SQLITE: u64 = 4;
/// A line of the archive is at most so many times as long as its row in SQLite: `null,` and `"\u0000"` stand
/// for one byte, an empty blob for one of more.
const LINE_BY_SQLITE: u64 = 16;

/// What is needed, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Need {
    /// Certainly.
    least: u64,
    /// As far as can be told: rows as long as the archive's lines, without indexes.
    likely: u64,
}

impl Need {
    /// Of tables in PostgreSQL. Long values may be compressed there, to nothing that can be told before.
    fn of_postgres(totals: &Totals) -> Need {
        let rows = totals.rows.saturating_mul(ROW_IN_POSTGRES);
        Need {
            least: rows,
            likely: rows.saturating_add(totals.bytes),
        }
    }

    /// Of an SQLite file, which compresses nothing.
    fn of_sqlite(totals: &Totals) -> Need {
        let rows = totals.rows.saturating_mul(ROW_IN_SQLITE);
        Need {
            least: std::cmp::max(rows, totals.bytes / LINE_BY_SQLITE),
            likely: rows.saturating_add(totals.bytes),
        }
    }

    /// A refusal, a warning, or nothing.
    fn judge(self, free: u64, folder: &Path) -> Option<Finding> {
        let (severity, needed) = match free {
            free if free < self.least => (Severity::Error, self.least),
            free if free < self.likely => (Severity::Warning, self.likely),
            _ => return None,
        };
        let (free, needed) = (HumanBytes(free), HumanBytes(needed));
        let message = match severity {
            Severity::Error => format!("{free} are free, and at least {needed} are needed"),
            _ => format!("{free} are free, and about {needed} are needed, indexes aside"),
        };
        let finding = Finding::new(Code::SpaceMissing, severity, message);
        Some(finding.on(folder.display().to_string()))
    }
}

/// Adds to the report what there is to say of the disk of a PostgreSQL server, where it can be seen; true when
/// the import ends here.
pub(super) fn is_lacking(
    settings: &ConnInfo,
    target: &PostgresTarget<'_>,
    parts: &dyn PartReader,
    report: &mut Report,
) -> Result<bool> {
    let Some(folder) = space::folder(settings)? else {
        return Ok(false);
    };
    let need = Need::of_postgres(&report.totals);
    let Some(finding) = free(&folder).and_then(|free| need.judge(free, &folder)) else {
        return Ok(false);
    };
    // What was staged before has taken its room already.
    if target.has_begun(parts)? {
        return Ok(false);
    }
    report.findings.push(finding);
    Ok(refused(
        report,
        "the disk of the server has no room for the rows",
    ))
}

/// What there is to say of the disk that an SQLite file is to be made on.
pub(super) fn of_file(path: &Path, totals: &Totals) -> Option<Finding> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    Need::of_sqlite(totals).judge(free(folder)?, folder)
}

/// Bytes that this process may still write; nothing where the system does not tell.
fn free(folder: &Path) -> Option<u64> {
    let about = rustix::fs::statvfs(folder).ok()?;
    // Some file systems know of no limit, and say 0 of all.
    if about.f_blocks == 0 {
        return None;
    }
    Some(about.f_bavail.saturating_mul(about.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(rows: u64, bytes: u64) -> Totals {
        Totals {
            tables: 1,
            rows,
            bytes,
        }
    }

    #[test]
    fn what_certainly_does_not_fit_is_refused_and_what_may_not_is_warned_of() {
        let folder = Path::new("/srv");
        for (need, least, likely) in [
            (Need::of_postgres(&totals(100, 8000)), 2800, 10_800),
            (Need::of_sqlite(&totals(100, 8000)), 500, 8400),
            (Need::of_sqlite(&totals(100, 800)), 400, 1200),
            (Need::of_postgres(&totals(u64::MAX, 8)), u64::MAX, u64::MAX),
        ] {
            assert_eq!((need.least, need.likely), (least, likely));
            let severity = |free| need.judge(free, folder).map(|finding| finding.severity);
            assert_eq!(severity(least - 1), Some(Severity::Error));
            if least < likely {
                assert_eq!(severity(least), Some(Severity::Warning));
                assert_eq!(severity(likely - 1), Some(Severity::Warning));
            }
            assert_eq!(severity(likely), None);
        }
        let refused = Need::of_postgres(&totals(1 << 30, 8)).judge(1 << 20, folder);
        let refused = refused.unwrap();
        assert_eq!(refused.code, Code::SpaceMissing);
        let message = "1.00 MiB are free, and at least 28.00 GiB are needed";
        assert_eq!(refused.message, message);
        assert_eq!(refused.place.object.as_deref(), Some("/srv"));
    }

    #[test]
    fn a_folder_that_is_not_there_says_nothing() {
        assert_eq!(free(Path::new("/no/such/folder")), None);
        assert!(free(Path::new("/")).is_some());
        assert_eq!(
            of_file(Path::new("/no/such/folder/x.db"), &totals(u64::MAX, 0)),
            None
        );
    }
}
