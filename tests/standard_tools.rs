//! An auditor's own tools read the archive: tar, zstd, sha256sum, jq, bagit, frictionless, and a
//! second reader written from docs/format.md alone.

use crate::support::program::run;
use crate::support::samples;
use std::path::{Path, PathBuf};
use std::process::Command;

struct Unpacked {
    archive: PathBuf,
    bag: PathBuf,
    _folder: tempfile::TempDir,
}

fn shell(folder: &Path, script: &str) -> String {
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", script])
        .current_dir(folder)
        .output()
        .expect("bash runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{script}\n{errors}{}",
        String::from_utf8_lossy(&output.stdout)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn unpacked() -> Unpacked {
    let shop = samples::shop();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let archive = folder.path().join("shop.waybill.tar.zst");
    run(
        "waybill-export",
        [shop.path.as_os_str(), archive.as_os_str()],
    )
    .exits(0);
    shell(folder.path(), "tar --zstd -xf shop.waybill.tar.zst");
    Unpacked {
        archive,
        bag: folder.path().join("waybill"),
        _folder: folder,
    }
}

#[test]
fn tar_and_sha256sum_confirm_every_member() {
    let unpacked = unpacked();
    shell(
        &unpacked.bag,
        "sha256sum --strict --quiet -c manifest-sha256.txt",
    );
    shell(
        &unpacked.bag,
        "sha256sum --strict --quiet -c tagmanifest-sha256.txt",
    );
    let root = shell(
        &unpacked.bag,
        "sha256sum tagmanifest-sha256.txt | cut -d' ' -f1",
    );
    let verified = run(
        "waybill-verify",
        ["--json".as_ref(), unpacked.archive.as_os_str()],
    )
    .exits(0);
    assert_eq!(verified.json()["archive"]["root"], root.trim());
    let whole = shell(
        &unpacked.bag,
        "sha256sum ../shop.waybill.tar.zst | cut -d' ' -f1",
    );
    assert_eq!(verified.json()["archive"]["sha256"], whole.trim());
    run(
        "waybill-verify",
        [
            "--expect-root".as_ref(),
            root.trim().as_ref(),
            unpacked.archive.as_os_str(),
        ],
    )
    .exits(0);
    let wrong = "0".repeat(64);
    run(
        "waybill-verify",
        [
            "--expect-root".as_ref(),
            wrong.as_ref(),
            unpacked.archive.as_os_str(),
        ],
    )
    .exits(3);
}

#[test]
fn zstd_tests_every_frame_and_jq_reads_every_row() {
    let unpacked = unpacked();
    shell(&unpacked.bag, "zstd -t -q ../shop.waybill.tar.zst");
    let rows = shell(
        &unpacked.bag,
        "find data -name '*.jsonl' -print0 | xargs -0 cat | jq -c 'length' | wc -l",
    );
    let verified = run(
        "waybill-verify",
        ["--json".as_ref(), unpacked.archive.as_os_str()],
    )
    .exits(0);
    assert_eq!(
        verified.json()["totals"]["rows"].as_u64(),
        rows.trim().parse().ok()
    );
}

#[test]
fn a_reader_written_from_the_format_page_alone_agrees() {
    let unpacked = unpacked();
    let reader = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/independent/read_archive.py");
    let output = Command::new("python3")
        .arg(reader)
        .arg(&unpacked.archive)
        .output()
        .expect("python3 runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Runs a Python tool in a virtual environment that is made once, under `target/`.
fn python_tool(packages: &str, arguments: &str, folder: &Path) -> Option<String> {
    let environment = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/python");
    let install = format!(
        "[ -d '{0}/bin' ] || python3 -m venv '{0}'; '{0}/bin/pip' install -q --disable-pip-version-check {packages}",
        environment.display()
    );
    let installed = Command::new("flock")
        .args([
            environment.with_extension("lock").as_os_str(),
            "bash".as_ref(),
            "-ec".as_ref(),
            install.as_ref(),
        ])
        .output()
        .expect("flock runs");
    if !installed.status.success() {
        eprintln!(
            "skipped: {packages} cannot be installed: {}",
            String::from_utf8_lossy(&installed.stderr)
        );
        return None;
    }
    Some(shell(
        folder,
        &format!("'{}/bin/'{arguments} 2>&1", environment.display()),
    ))
}

#[test]
fn bagit_validates_the_unpacked_folder() {
    let unpacked = unpacked();
    if let Some(said) = python_tool(
        "bagit 'setuptools<81'",
        "bagit.py --validate .",
        &unpacked.bag,
    ) {
        assert!(said.contains("is valid"), "{said}");
    }
}

#[test]
fn frictionless_validates_the_data_package() {
    let unpacked = unpacked();
    if let Some(said) = python_tool(
        "'frictionless[json]'",
        "frictionless validate datapackage.json --json",
        &unpacked.bag,
    ) {
        assert!(said.contains("\"valid\": true"), "{said}");
    }
}

#[test]
fn one_part_can_be_cut_out_and_read_on_its_own() {
    let unpacked = unpacked();
    let manifest =
        std::fs::read(unpacked.bag.join("manifest.json")).expect("the manifest is readable");
    let manifest: serde_json::Value =
        serde_json::from_slice(&manifest).expect("the manifest is JSON");
    let table = manifest["tables"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|table| table["rows"] != 0)
        .expect("rows");
    let part = &table["parts"][0];
    let (offset, length) = (
        part["offset"].as_u64().expect("a number"),
        part["frame_bytes"].as_u64().expect("a number"),
    );
    let script = format!(
        "tail -c +{} ../shop.waybill.tar.zst | head -c {length} | tee >(sha256sum > ../frame.sum) | zstd -dc | sha256sum; sleep 0.2; cat ../frame.sum",
        offset + 1
    );
    let sums = shell(&unpacked.bag, &format!("set +o pipefail; {script}"));
    assert!(
        sums.contains(part["sha256"].as_str().expect("a digest")),
        "{sums}"
    );
    assert!(
        sums.contains(part["frame_sha256"].as_str().expect("a digest")),
        "{sums}"
    );
}
