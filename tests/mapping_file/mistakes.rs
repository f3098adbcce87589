//! A mapping file that is wrong ends the program with 2 before anything is touched.

use super::{Case, findings};
use crate::support::postgres;
use crate::support::program::run;

fn case() -> Case {
    Case::new(
        "CREATE TABLE Items (id INTEGER PRIMARY KEY, price REAL, twice REAL AS (price * 2));
         CREATE TABLE other (a TEXT); INSERT INTO Items (price) VALUES (1.5);",
    )
}

/// What an import says of the mapping file of these lines: place, message and advice.
fn refused(lines: &str) -> (String, String, String) {
    let case = case();
    // No server listens there, and none is asked.
    let failed = case
        .import(lines, "postgresql://127.0.0.1:1/x", &[])
        .exits(2)
        .json();
    assert_eq!(failed["error"]["code"], "mapping-invalid", "{lines}");
    let text = |key: &str| failed["error"][key].as_str().unwrap_or_default().to_owned();
    let place = failed["error"]["where"]["location"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let place = place.rsplit('/').next().unwrap_or_default().to_owned();
    (place, text("what"), text("help"))
}

#[test]
fn what_does_not_fit_the_source_is_told_with_its_place() {
    for (lines, place, what) in [
        (
            "x = 1",
            "map.toml:2:1",
            "unknown field `x`, expected one of",
        ),
        (
            "[tables.items]\nskip = true",
            "map.toml:2:9",
            "the source has no table `items`",
        ),
        (
            "[tables.Items.columns.cost]\ndrop = true",
            "map.toml:2:23",
            "the table `Items` has no column `cost`",
        ),
        (
            "[tables.Items.columns.price]\ntype = \"money\"",
            "map.toml:3:8",
            "unknown type `money`, expected one of smallint",
        ),
        (
            "[tables.Items.columns.price]\ntype = \"bigint\"\nzone = \"UTC\"",
            "map.toml:3:8",
            "`zone` gives no value of type bigint",
        ),
        (
            "[tables.Items.columns.price]\ntype = \"bigint\"\ncollation = \"C\"",
            "map.toml:4:13",
            "a column of type bigint has no collation",
        ),
        (
            "[tables.Items.columns.twice]\ntype = \"text\"",
            "map.toml:2:23",
            "the column `twice` is computed, so only `name` and `drop` can be said of it",
        ),
        (
            "[tables.other.columns.a]\ndrop = true",
            "map.toml:2:23",
            "every column of the table `other` is dropped",
        ),
        (
            "[tables.Items]\norder-by = [\"none\"]",
            "map.toml:3:13",
            "the table `Items` has no column `none`",
        ),
        (
            "[tables.Items]\nupdated-at = \"price\"\n[tables.Items.columns.price]\ndrop = true",
            "map.toml:3:14",
            "the column `price` is dropped",
        ),
        (
            "[[tables.Items.add-columns]]\nname = \"id\"\ntype = \"text\"",
            "map.toml:3:8",
            "the table `Items` has a column `id` already",
        ),
        (
            "[[tables.Items.add-columns]]\nname = \"k\"\nidentity = true\nprimary-key = true",
            "map.toml:3:8",
            "the table `Items` has a primary key already",
        ),
        (
            "[[tables.other.add-columns]]\nname = \"k\"\ntype = \"text\"\nidentity = true",
            "map.toml:3:8",
            "an identity is a smallint, integer or bigint",
        ),
        (
            "[[grants]]\nprivileges = []\nto = []\ntables = [\"none\"]",
            "map.toml:5:11",
            "the source has no table `none`",
        ),
        ("before = \"none.sql\"", "map.toml:2:10", "cannot read `"),
    ] {
        let (found_place, found, _) = refused(lines);
        assert_eq!(found_place, place, "{lines}: {found}");
        assert!(found.starts_with(what), "{found}");
    }
    let (_, _, hint) = refused("[tables.items]\nskip = true");
    assert_eq!(hint, "names are written as in the source: `Items`");
    let (_, _, hint) = refused("[tables.Items.columns.cost]\ndrop = true");
    assert_eq!(hint, "its columns are `id`, `price`, `twice`");
}

#[test]
fn a_mapping_file_that_cannot_be_read_or_has_no_use_is_refused() {
    let case = case();
    let map = case.file("gone.toml", "");
    std::fs::write(&map, [0xff, 0xfe]).expect("ours");
    let archive = case.archive.as_os_str();
    for (map, why) in [
        (map.as_os_str(), "cannot read the mapping file"),
        (
            case.folder.path().as_os_str(),
            "cannot read the mapping file",
        ),
        (
            "/nonexistent/map.toml".as_ref(),
            "cannot read the mapping file",
        ),
    ] {
        let failed = run(
            "waybill-import",
            [
                "--json".as_ref(),
                "--map".as_ref(),
                map,
                archive,
                "postgresql://127.0.0.1:1/x".as_ref(),
            ],
        );
        let failed = failed.exits(2).json();
        assert_eq!(failed["error"]["what"], why);
    }
    let target = case.folder.path().join("new.db");
    let failed = case
        .import("", &format!("sqlite:{}", target.display()), &[])
        .exits(2)
        .json();
    assert_eq!(failed["error"]["code"], "usage");
    assert!(!target.exists());
}

#[test]
fn not_null_that_the_rows_break_is_refused_before_the_first_write() {
    let case = Case::new("CREATE TABLE t (a TEXT); INSERT INTO t VALUES (NULL), ('x');");
    let uri = postgres::fresh_database();
    let map = "[tables.t.columns.a]\nnot-null = true";
    let refused = case.import(map, &uri, &[]).exits(4).json();
    let found = findings(&refused, "not-null-violated");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].ends_with("the mapping file asks for NOT NULL, and 1 row holds NULL"));
}

#[test]
fn analyze_judges_by_the_mapping_file_and_a_plan_shows_it() {
    let case = Case::new("CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('a' || char(0)), ('x');");
    let source = case.source.as_os_str();
    run("waybill-analyze", [source]).exits(3);
    let map = case.map("[tables.t.columns.a]\nnul = \"escape\"\nname = \"b\"");
    let judged = run(
        "waybill-analyze",
        ["--json".as_ref(), "--map".as_ref(), map.as_os_str(), source],
    );
    let judged = judged.exits(0).json();
    let notes = findings(&judged, "mapping-applied");
    assert!(
        notes
            .iter()
            .any(|note| note.contains("becomes text; is named `b`")),
        "{notes:?}"
    );
    let uri = postgres::fresh_database();
    let lines = "[tables.t.columns.a]\nnul = \"escape\"\nname = \"b\"";
    let planned = case.import(lines, &uri, &["--plan"]).exits(0).json();
    assert_eq!(findings(&planned, "mapping-applied"), notes);
}
