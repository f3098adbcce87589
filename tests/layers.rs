//! The layering of docs/architecture.md, read from the sources: a module uses only what stands
//! before it in `common/src/lib.rs`, and the ends and joins do not use their neighbours.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Modules that may not use each other although one stands before the other.
const NEIGHBOURS: &[&[&str]] = &[
    &["fault", "digest", "progress"],
    &["archive", "engine"],
    &["flow", "cli"],
];

/// Engines may not use each other.
const ENGINES: &[&str] = &["sqlite", "postgres"];

#[test]
fn every_module_uses_only_what_stands_below_it() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("common/src");
    let order = layers(&source);
    assert!(order.len() > 8, "found only {order:?}");
    let mut faults = Vec::new();
    for file in rust_files(&source) {
        let relative = file
            .strip_prefix(&source)
            .expect("below common/src")
            .to_owned();
        let module = top_module(&relative);
        let Some(rank) = order.iter().position(|name| *name == module) else {
            continue;
        };
        let text = fs::read_to_string(&file).expect("a source file is readable");
        for (number, used) in uses(&text) {
            let Some(other) = order.iter().position(|name| *name == used[0]) else {
                continue;
            };
            let neighbour = NEIGHBOURS.iter().any(|group| {
                used[0] != module
                    && group.contains(&module.as_str())
                    && group.contains(&used[0].as_str())
            });
            let engine = module == "engine" && used[0] == "engine" && crosses(&relative, &used);
            if other > rank || neighbour || engine {
                faults.push(format!(
                    "{}:{number}: uses crate::{}",
                    relative.display(),
                    used.join("::")
                ));
            }
        }
    }
    assert!(faults.is_empty(), "forbidden uses:\n{}", faults.join("\n"));
}

#[test]
fn every_test_file_is_listed() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let main = fs::read_to_string(tests.join("main.rs")).expect("tests/main.rs is readable");
    let listed: BTreeSet<&str> = main
        .lines()
        .filter_map(|line| line.trim().strip_prefix("mod ")?.strip_suffix(';'))
        .collect();
    for entry in fs::read_dir(&tests).expect("tests/ is a folder") {
        let path = entry.expect("an entry is readable").path();
        let stem = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .expect("a plain name")
            .to_owned();
        let is_module = path.extension().is_some_and(|e| e == "rs") || path.join("mod.rs").exists();
        assert!(
            !is_module || stem == "main" || listed.contains(stem.as_str()),
            "{stem} is not in tests/main.rs"
        );
    }
}

/// The modules of `lib.rs` in their order.
fn layers(source: &Path) -> Vec<String> {
    let lib = fs::read_to_string(source.join("lib.rs")).expect("lib.rs is readable");
    lib.lines()
        .filter_map(|line| Some(line.strip_prefix("pub mod ")?.strip_suffix(';')?.to_owned()))
        .collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder is readable") {
        let path = entry.expect("an entry is readable").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn top_module(relative: &Path) -> String {
    let first = relative
        .iter()
        .next()
        .and_then(|part| part.to_str())
        .unwrap_or_default();
    first.trim_end_matches(".rs").to_owned()
}

/// The paths after `crate::` in a file, with their line numbers; comments are passed over.
fn uses(text: &str) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for rest in code.split("crate::").skip(1) {
            let path: String = rest
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || "_:".contains(*c))
                .collect();
            found.push((index + 1, path.split("::").map(str::to_owned).collect()));
        }
    }
    found
}

/// Whether a file of one engine uses another engine.
fn crosses(relative: &Path, used: &[String]) -> bool {
    let own = relative
        .iter()
        .nth(1)
        .and_then(|part| part.to_str())
        .unwrap_or_default();
    used.get(1)
        .is_some_and(|other| ENGINES.contains(&other.as_str()) && other != own)
}

#[test]
fn the_reader_of_uses_finds_what_it_must() {
    let text = "use crate::flow::keys;\n// use crate::cli;\nlet x = crate::engine::sqlite::y();";
    let found = uses(text);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0], (1, vec!["flow".to_owned(), "keys".to_owned()]));
    assert!(crosses(Path::new("engine/postgres/a.rs"), &found[1].1));
    assert!(!crosses(Path::new("engine/sqlite/a.rs"), &found[1].1));
}
