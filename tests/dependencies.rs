//! What a program may link. `waybill-verify` is for an auditor who trusts nobody: it holds no
//! database and no network code, and the dependency tree proves it.

use std::process::Command;

/// Packages that would bring a database or a network into a program.
const FORBIDDEN: &[&str] = &[
    "rusqlite",
    "libsqlite3-sys",
    "tokio",
    "tokio-postgres",
    "postgres",
    "postgres-protocol",
    "rustls",
    "ring",
    "mio",
    "socket2",
    "hyper",
    "reqwest",
    "native-tls",
];

#[test]
fn verify_links_no_database_and_no_network_crate() {
    let tree = packages(&["--no-default-features"]);
    assert!(
        tree.iter().any(|name| name == "zstd"),
        "the tree is that of the programs: {tree:?}"
    );
    let found: Vec<_> = tree
        .iter()
        .filter(|name| FORBIDDEN.contains(&name.as_str()))
        .collect();
    assert!(found.is_empty(), "verify links {found:?}");
}

#[test]
fn the_list_of_forbidden_packages_would_notice() {
    let tree = packages(&[]);
    for name in ["rusqlite", "tokio-postgres", "rustls"] {
        assert!(
            tree.iter().any(|package| package == name),
            "{name} is in the whole tree"
        );
    }
}

/// The names in `cargo tree` of the root package, without development dependencies.
fn packages(arguments: &[&str]) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "--offline",
            "--package",
            "waybill",
            "--edges",
            "normal",
            "--prefix",
            "none",
        ])
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.split(' ').next().map(str::to_owned))
        .collect()
}
