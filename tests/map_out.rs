//! The mapping file that analyze writes: every readable source comes into PostgreSQL with it, and
//! every value is equal.

use crate::support::postgres::{fresh_database, server};
use crate::support::program::{Ran, command, run};
use crate::support::samples::{self, Sample};
use crate::support::{compare_mapped, postgres as servers};
use postgres::{Client, NoTls};
use rusqlite::params;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Writes the mapping file of a database, and gives its path.
fn mapped(database: &Path, folder: &Path) -> PathBuf {
    let map = folder.join("m.toml");
    let mut analyze = command("waybill-analyze");
    analyze.arg("-q").arg("--map-out").arg(&map).arg(database);
    Ran::of(analyze).exits(0);
    map
}

/// Fails unless the database comes into a fresh PostgreSQL database with the mapping file that
/// analyze writes, every value equal; gives the number of columns that get another form.
pub(crate) fn assert_lossless(database: &Path, reference: &Path) -> usize {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let map = mapped(database, folder.path());
    let archive = folder.path().join("it.waybill");
    run(
        "waybill-export",
        ["-q".as_ref(), database.as_os_str(), archive.as_os_str()],
    )
    .exits(0);
    let uri = fresh_database();
    let mut import = command("waybill-import");
    import
        .args(["--json", "--map"])
        .arg(&map)
        .arg(&archive)
        .arg(&uri);
    let result = Ran::of(import).exits(0).json();
    let text = fs::read_to_string(&map).expect("it was written");
    let changed = result["findings"].as_array().expect("findings").iter();
    let changed: Vec<_> = changed
        .filter(|one| one["code"] == "value-converted" || one["severity"] == "error")
        .collect();
    assert!(changed.is_empty(), "{changed:#?}\n{text}");
    let rules: toml::Table = text.parse().expect("TOML");
    let mut client = Client::connect(&uri, NoTls).expect("the server answers");
    let mapped =
        compare_mapped::assert_same_values(reference, &mut client, "public", &result, &rules);
    drop(client);
    servers::drop_database(server(), &uri);
    mapped
}

/// Every kind of value that the plan alone refuses, in columns with keys and without.
fn refused() -> Sample {
    samples::sample("refused.db", |connection| {
        connection.execute_batch(
            "CREATE TABLE plain(id INTEGER PRIMARY KEY, mixed, nul TEXT, broken TEXT, spelled,
                 special, wide, \"q\"\"\n\" BLOB DEFAULT 'x');
             CREATE TABLE parent(k UNIQUE, t TEXT PRIMARY KEY, n TEXT COLLATE NOCASE UNIQUE);
             CREATE TABLE child(k REFERENCES parent(k), t TEXT REFERENCES parent(t),
                 n TEXT REFERENCES parent(n), p REFERENCES plain(id), i);
             CREATE INDEX by_i ON child(i);",
        )?;
        let broken = "CAST(x'61ff' AS TEXT)";
        connection.execute_batch(&format!(
            "INSERT INTO plain VALUES
                 (1, x'00ff', 'a' || char(0) || 'b', {broken}, '7', -0.0, 9007199254740993, 1.5),
                 (2, 'text', 'c', 'valid', 7, 'x', -0.0, {broken}),
                 (3, 5, '', '', 7.0, 9e999, 9e999, x'80'),
                 (4, 5.0, NULL, NULL, NULL, NULL, 1, 'a\\b\"c' || char(10) || char(7));
             INSERT INTO parent VALUES (1, 'a' || char(0), 'A'), (x'01', 'b', {broken}),
                 ('1', {broken}, 'c' || char(0));
             INSERT INTO child VALUES (1, 'a' || char(0), 'a', 1, x'00'), (x'01', 'b', {broken}, 'x', 'y'),
                 ('1', {broken}, NULL, x'02', 1e300);"
        ))?;
        let long = "\u{1}".repeat(2000);
        connection.execute("INSERT INTO child(i) VALUES (?1)", params![long])?;
        Ok(())
    })
}

#[test]
fn what_the_plan_refuses_is_imported_with_the_file_and_equal() {
    let sample = refused();
    assert_eq!(assert_lossless(&sample.path, &sample.path), 15);
}

/// A foreign key is no reason to give a column a form that its own values do not ask for, where the key
/// cannot be kept: the columns compare by other rules, or one of them is the INTEGER PRIMARY KEY.
#[test]
fn columns_whose_foreign_key_is_lost_stay_what_they_are() {
    let sample = samples::sample("lost.db", |connection| {
        connection.execute_batch(
            "CREATE TABLE bytes(k TEXT UNIQUE); CREATE TABLE cells(k INTEGER UNIQUE);
             CREATE TABLE child(number INT REFERENCES bytes(k), word REFERENCES cells(k));
             CREATE TABLE own(id INTEGER PRIMARY KEY REFERENCES cells(k));
             INSERT INTO bytes VALUES ('1'), (CAST(x'61ff' AS TEXT));
             INSERT INTO cells VALUES (1), (x'00');
             INSERT INTO child VALUES (1, 'a'); INSERT INTO own VALUES (1);",
        )
    });
    assert_eq!(assert_lossless(&sample.path, &sample.path), 2);
}

#[test]
fn sources_that_fit_need_no_other_form() {
    let shop = samples::shop();
    assert_eq!(assert_lossless(&shop.path, &shop.path), 0);
}

#[test]
fn every_quirk_of_the_shop_is_imported() {
    let quirks = samples::quirks();
    assert!(assert_lossless(&quirks.path, &quirks.path) > 0);
}

#[test]
fn the_file_is_private_the_same_each_time_and_never_replaces_another() {
    let sample = refused();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let map = mapped(&sample.path, folder.path());
    let text = fs::read_to_string(&map).expect("it was written");
    let mode = fs::metadata(&map)
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = tempfile::tempdir().expect("a temporary folder");
    let other = mapped(&sample.path, again.path());
    assert_eq!(text, fs::read_to_string(other).expect("it was written"));
    let mut analyze = command("waybill-analyze");
    analyze.arg("--map-out").arg(&map).arg(&sample.path);
    let ran = Ran::of(analyze).exits(4);
    assert!(
        ran.stderr().contains("error[output-exists]"),
        "{}",
        ran.stderr()
    );
    assert_eq!(text, fs::read_to_string(&map).expect("untouched"));
}

#[test]
fn a_failed_analysis_leaves_no_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let map = folder.path().join("m.toml");
    let missing = folder.path().join("missing.db");
    let mut analyze = command("waybill-analyze");
    analyze
        .arg("--map-out")
        .arg(&map)
        .arg(format!("sqlite:{}", missing.display()));
    Ran::of(analyze).exits(1);
    let mut analyze = command("waybill-analyze");
    analyze
        .args(["--to", "sqlite", "--map-out"])
        .arg(&map)
        .arg(&samples::tiny().path);
    Ran::of(analyze).exits(2);
    assert_eq!(fs::read_dir(folder.path()).expect("ours").count(), 0);
}

/// Each alternative that the file offers can be chosen: with its comment taken away the file is
/// still one that import reads.
#[test]
fn every_alternative_that_is_offered_is_one_that_can_be_chosen() {
    let sample = samples::sample("offers.db", |connection| {
        connection.execute_batch(
            "CREATE TABLE t(id INTEGER PRIMARY KEY, seen_at INTEGER, ms INTEGER, us INTEGER,
                 day_on INTEGER, julian_date INTEGER, apple_time INTEGER, chrome INTEGER,
                 ticks INTEGER, flag INTEGER, word TEXT, doc TEXT, at TEXT, moment TEXT, uid TEXT,
                 raw BLOB, born TEXT, code VARCHAR(8), nul TEXT, broken TEXT);
             INSERT INTO t VALUES (1, 1700000000, 1700000000000, 1700000000000000, 19675, 2460264,
                 721692800, 13344473600000000, 133444736000000000, 1, 'Yes', '{\"a\": 1}',
                 '2023-11-14 22:13:20', '2023-11-14T22:13:20+01:00',
                 '6F9619FF-8B86-D011-B42D-00C04FC964FF', randomblob(16), '2023-11-14', 'abc',
                 'a' || char(0), CAST(x'ff' AS TEXT)), (2, 1600000000, 1600000000000,
                 1600000000000000, 18518, 2459107, 621692800, 13244473600000000,
                 132444736000000000, 0, 'no', '[]', '2020-09-13 12:26:40',
                 '2020-09-13T12:26:40Z', '6f9619ff-8b86-d011-b42d-00c04fc964ff', randomblob(16),
                 '', 'abcdefgh', 'b', 'c');",
        )
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = fs::read_to_string(mapped(&sample.path, folder.path())).expect("it was written");
    for offer in [
        "epoch = \"seconds\"",
        "epoch = \"milliseconds\"",
        "epoch = \"microseconds\"",
        "epoch = \"days\"",
        "epoch = \"julian-days\"",
        "epoch = \"seconds-2001\"",
        "epoch = \"microseconds-1601\"",
        "epoch = \"ticks-1601\"",
        "type = \"boolean\"",
        "true = [",
        "type = \"json\"",
        "zone = \"UTC\"",
        "type = \"uuid\"",
        "null-if = [\"\"]",
        "type = \"varchar(8)\"",
        "nul = \"strip\"",
        "invalid-text = \"escape\"",
    ] {
        assert!(text.contains(&format!("#: {offer}")), "{offer}:\n{text}");
    }
    let moments = "as seconds since 1970 all would be moments from 2020-09-13 to 2023-11-14";
    assert!(
        text.contains(&format!("# or: timestamp with time zone, {moments}")),
        "{text}"
    );
    let archive = folder.path().join("a");
    run("waybill-export", [&sample.path, &archive]).exits(0);
    let offers = text.matches("# or: ").count();
    assert!(offers >= 20, "{offers}");
    for number in 0..offers {
        let chosen = folder.path().join(format!("{number}.toml"));
        fs::write(&chosen, with_offer(&text, number)).expect("ours");
        let mut import = command("waybill-import");
        import
            .arg("--map")
            .arg(&chosen)
            .arg(&archive)
            .arg(fresh_database());
        let ran = Ran::of(import);
        assert_eq!(
            ran.status(),
            Some(0),
            "{}\n{}",
            with_offer(&text, number),
            ran.stderr()
        );
    }
}

/// The file with one alternative in place of the keys of its column.
fn with_offer(text: &str, number: usize) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let offers = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.starts_with("# or: "));
    let at = offers.map(|(at, _)| at).nth(number).expect("an offer");
    let heading = lines[..at]
        .iter()
        .rposition(|line| line.starts_with('['))
        .expect("a heading");
    for line in &mut lines[heading + 1..at] {
        if !line.starts_with('#') {
            line.insert_str(0, "# ");
        }
    }
    for line in &mut lines[at + 1..] {
        let Some(key) = line.strip_prefix("#: ") else {
            break;
        };
        *line = key.to_owned();
    }
    lines.join("\n") + "\n"
}
