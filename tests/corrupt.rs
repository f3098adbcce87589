//! Every small damage to an archive is noticed: each bit flipped, each length cut, each byte
//! removed. All mutants go through the library in this process; a sample of them through the
//! real programs, for exit codes and an untouched target.

mod evidence;

use crate::support::program::run;
use crate::support::samples;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::time::Duration;
use waybill_common::fault::Exit;
use waybill_common::flow;
use waybill_common::flow::request::{ImportRequest, Mode, Scope, VerifyLevel, VerifyRequest};
use waybill_common::location::{ArchivePath, Location, TableFilter};
use waybill_common::progress::Unwatched;
use waybill_common::seam::Check;

/// One way to damage an archive.
#[derive(Debug, Clone, Copy)]
enum Mutant {
    Flip(usize, u8),
    Cut(usize),
    Remove(usize),
    Double(usize),
}

impl Mutant {
    fn of(self, whole: &[u8]) -> Vec<u8> {
        let mut bytes = whole.to_vec();
        match self {
            Mutant::Flip(at, bit) => bytes[at] ^= 1 << bit,
            Mutant::Cut(at) => bytes.truncate(at),
            Mutant::Remove(at) => drop(bytes.remove(at)),
            Mutant::Double(at) => bytes.insert(at, whole[at]),
        }
        bytes
    }

    fn all(length: usize) -> Vec<Mutant> {
        let flips = (0..length).flat_map(|at| (0..8).map(move |bit| Mutant::Flip(at, bit)));
        let others =
            (0..length).flat_map(|at| [Mutant::Cut(at), Mutant::Remove(at), Mutant::Double(at)]);
        flips.chain(others).collect()
    }
}

fn tiny_archive(folder: &Path) -> Vec<u8> {
    let tiny = samples::tiny();
    let archive = folder.join("tiny.waybill.tar.zst");
    run(
        "waybill-export",
        [tiny.path.as_os_str(), archive.as_os_str()],
    )
    .exits(0);
    fs::read(archive).expect("the archive is readable")
}

fn verify(archive: &Path) -> Exit {
    let request = VerifyRequest {
        archive: ArchivePath::Path(archive.to_owned()),
        level: VerifyLevel::Data,
        jobs: 1,
        expect_root: None,
        max_part: 1 << 30,
        require_labels: Vec::new(),
    };
    flow::verify(&request, &Unwatched)
        .map_or_else(|fault| fault.code().exit(), |report| report.exit(None))
}

fn import(archive: &Path, target: PathBuf) -> Exit {
    let request = ImportRequest {
        archive: ArchivePath::Path(archive.to_owned()),
        target: Location::Sqlite(target),
        mode: Mode::Create,
        merging: waybill_common::mapping::fill::Merging::default(),
        into_schema: None,
        ledger_schema: None,
        staging_schema: None,
        jobs: 1,
        expect_root: None,
        max_part: 1 << 30,
        check: Check::Content,
        plan_only: false,
        dry_run: false,
        scope: Scope::All,
        names: None,
        map: None,
        tables: TableFilter::new(&[], &[]).expect("no pattern is wrong"),
        lock_wait_timeout: Duration::from_secs(1),
        require_idle: false,
        spool: None,
        triggers: true,
        views: true,
        again: waybill_common::flow::request::Again::Compare,
        consent: waybill_common::seam::Consent::Withheld,
    };
    flow::import(&request, &Unwatched)
        .map_or_else(|fault| fault.exit_as_refusal(), |report| report.exit(None))
}

#[test]
fn every_mutant_is_rejected_by_verify_and_refused_by_import() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let whole = tiny_archive(folder.path());
    let mutants = Mutant::all(whole.len());
    assert!(mutants.len() > 10_000);
    let slices: Vec<_> = mutants.chunks(mutants.len().div_ceil(2)).collect();
    std::thread::scope(|scope| {
        for (number, slice) in slices.into_iter().enumerate() {
            let (whole, folder) = (&whole, folder.path());
            scope.spawn(move || judge(whole, slice, &folder.join(number.to_string())));
        }
    });
}

fn judge(whole: &[u8], mutants: &[Mutant], folder: &Path) {
    fs::create_dir(folder).expect("a new folder");
    let (archive, target) = (folder.join("mutant.tar.zst"), folder.join("target.db"));
    for (number, mutant) in mutants.iter().enumerate() {
        fs::write(&archive, mutant.of(whole)).expect("a mutant can be written");
        let verdict = catch_unwind(|| verify(&archive))
            .unwrap_or_else(|_| panic!("{mutant:?}: verify panics"));
        assert_eq!(verdict, Exit::Findings, "verify of {mutant:?}");
        // import looks at the archive through the same code; a tenth of the mutants shows that it does.
        if number % 10 == 0 {
            let verdict = catch_unwind(|| import(&archive, target.clone()))
                .unwrap_or_else(|_| panic!("{mutant:?}: import panics"));
            assert_eq!(verdict, Exit::Refused, "import of {mutant:?}");
            let left: Vec<_> = fs::read_dir(folder).expect("a readable folder").collect();
            assert_eq!(
                left.len(),
                1,
                "{mutant:?}: import left something behind: {left:?}"
            );
        }
    }
}

#[test]
fn the_whole_archive_passes_the_same_judges() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let archive = folder.path().join("whole.tar.zst");
    fs::write(&archive, tiny_archive(folder.path())).expect("the archive can be written");
    assert_eq!(verify(&archive), Exit::Ok);
    assert_eq!(import(&archive, folder.path().join("target.db")), Exit::Ok);
}

#[test]
fn the_programs_say_the_same_of_a_sample_of_mutants() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let whole = tiny_archive(folder.path());
    let mutants = Mutant::all(whole.len());
    let archive = folder.path().join("mutant.tar.zst");
    let target = format!("sqlite:{}", folder.path().join("target.db").display());
    for mutant in mutants.iter().step_by(mutants.len() / 60) {
        fs::write(&archive, mutant.of(&whole)).expect("a mutant can be written");
        let verified = run("waybill-verify", [archive.as_os_str()]).exits(3);
        assert!(
            !verified.stderr().contains("panicked"),
            "{mutant:?}: {}",
            verified.stderr()
        );
        run("waybill-import", [archive.as_os_str(), target.as_ref()]).exits(4);
        assert!(!folder.path().join("target.db").exists(), "{mutant:?}");
    }
}
