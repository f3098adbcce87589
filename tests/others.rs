//! Databases that others made, as a stranger would bring them: all of each comes into PostgreSQL with
//! the mapping file that analyze writes, and of two well-known ones every finding is known.

use crate::map_out::assert_lossless;
use crate::support::compare_sqlite::{names, open, tables};
use crate::support::postgres::{drop_database, fresh_database, server};
use crate::support::program::{Ran, command, run};
use crate::support::{compare_postgres, samples};
use postgres::{Client, NoTls, SimpleQueryMessage};
use rusqlite::types::Value;
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The database of this name, where the folder with them is at hand.
fn other(name: &str) -> Option<PathBuf> {
    let databases = samples::foreign_databases();
    if databases.is_none() {
        eprintln!("left out: there is no ../shared/data");
    }
    databases?.into_iter().find(|path| path.ends_with(name))
}

/// A database imported into a fresh database of the server.
struct Imported {
    uri: String,
    client: Client,
    result: Json,
}

impl Drop for Imported {
    fn drop(&mut self) {
        drop_database(server(), &self.uri);
    }
}

/// Exports `database` and imports it, with the text of a mapping file if there is one.
fn imported(database: &Path, mapping: Option<&str>) -> Imported {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let archive = folder.path().join("it.waybill");
    run(
        "waybill-export",
        ["-q".as_ref(), database.as_os_str(), archive.as_os_str()],
    )
    .exits(0);
    let uri = fresh_database();
    let mut import = command("waybill-import");
    import.arg("--json");
    if let Some(text) = mapping {
        let file = folder.path().join("map.toml");
        std::fs::write(&file, text).expect("ours");
        import.arg("--map").arg(file);
    }
    import.arg(&archive).arg(&uri);
    let result = Ran::of(import).exits(0).json();
    let client = Client::connect(&uri, NoTls).expect("the server answers");
    Imported {
        uri,
        client,
        result,
    }
}

/// Code, object and count of each finding, such as `spelling-lost Orders.OrderDate 830`. Each has a
/// message and advice.
fn findings(result: &Json) -> Vec<String> {
    let all = result["findings"].as_array().expect("a list");
    all.iter()
        .map(|finding| {
            let word = |name: &str| finding[name].as_str().expect("a text").to_owned();
            assert!(!word("message").is_empty(), "{finding}");
            assert!(!word("hint").is_empty(), "{finding}");
            let object = &finding["object"];
            let place = ["table", "column"].map(|part| object[part].as_str());
            let place: Vec<&str> = place.into_iter().flatten().collect();
            format!("{} {} {}", word("code"), place.join("."), finding["count"])
        })
        .collect()
}

/// The names of a kind of relation in the target.
fn relations(client: &mut Client, kind: &str) -> BTreeSet<String> {
    let sql = "SELECT relname::text FROM pg_class
               WHERE relnamespace = 'public'::regnamespace AND relkind::text = $1";
    let rows = client.query(sql, &[&kind]).expect("the catalogue");
    rows.iter().map(|row| row.get(0)).collect()
}

#[test]
fn every_table_and_value_arrives_with_the_generated_mapping() {
    for database in samples::foreign_databases().unwrap_or_else(|| {
        eprintln!("left out: there is no ../shared/data");
        Vec::new()
    }) {
        eprintln!("{}", database.display());
        // The values, by the tables and columns that the import says it has made …
        assert_lossless(&database, &database);
        // … and that these are all there are.
        let folder = tempfile::tempdir().expect("a temporary folder");
        let map = folder.path().join("m.toml");
        let mut analyze = command("waybill-analyze");
        analyze.arg("-q").arg("--map-out").arg(&map).arg(&database);
        Ran::of(analyze).exits(0);
        let text = std::fs::read_to_string(&map).expect("it was written");
        let mut imported = imported(&database, Some(&text));
        assert_complete(&database, &mut imported);
    }
}

/// Fails unless every table with its columns and rows is there, under its name.
fn assert_complete(database: &Path, imported: &mut Imported) {
    let source = open(database);
    let expected: BTreeSet<String> = tables(&source)
        .into_iter()
        .filter(|name| name != "sqlite_sequence")
        .collect();
    assert_eq!(expected, relations(&mut imported.client, "r"));
    for table in expected {
        let quoted = format!("\"{}\"", table.replace('"', "\"\""));
        let literal = table.replace('\'', "''");
        let sql = format!("SELECT name FROM pragma_table_xinfo('{literal}') WHERE hidden <> 1");
        let columns: BTreeSet<String> = names(&source, &sql).into_iter().collect();
        let sql = "SELECT attname::text FROM pg_attribute
                   WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped";
        let found = imported.client.query(sql, &[&quoted]);
        let found = found.expect("the catalogue");
        let found: BTreeSet<String> = found.iter().map(|row| row.get(0)).collect();
        assert_eq!(columns, found, "columns of {table}");
        let sql = format!("SELECT count(*) FROM {quoted}");
        let rows: i64 = source
            .query_row(&sql, [], |row| row.get(0))
            .expect("readable");
        let found: i64 = imported
            .client
            .query_one(&sql, &[])
            .expect("it is there")
            .get(0);
        assert_eq!(rows, found, "rows of {table}");
    }
}

#[test]
fn chinook_has_one_finding_and_nothing_is_missing() {
    let Some(database) = other("chinook.db") else {
        return;
    };
    let mut imported = imported(&database, None);
    assert_eq!(findings(&imported.result), ["structure-translated  34"]);
    compare_postgres::assert_same(&database, &mut imported.client, "public");
}

/// Views of Northwind that compare moments with the texts that `datetime()` gives, or read one that
/// does. Under `<=` a text that ends in `.000` is not what the moment is.
const OF_MOMENTS: [&str; 5] = [
    "Category Sales for 1997",
    "Product Sales for 1997",
    "Quarterly Orders",
    "Sales Totals by Amount",
    "Sales by Category",
];

#[test]
fn northwind_has_these_findings_and_nothing_else_is_missing() {
    let Some(database) = other("northwind.db") else {
        return;
    };
    let mut imported = imported(&database, None);
    let views: BTreeSet<String> = names(
        &open(&database),
        "SELECT name FROM sqlite_master WHERE type = 'view'",
    )
    .into_iter()
    .collect();
    assert_eq!(views.len(), 16);
    let mut expected = vec!["structure-translated  57".to_owned()];
    for view in &views {
        let left_out = OF_MOMENTS.contains(&view.as_str());
        let code = if left_out { "left-out" } else { "translated" };
        expected.push(format!("structure-{code} {view} 1"));
    }
    for (column, values) in [
        ("OrderDate", 830),
        ("RequiredDate", 830),
        ("ShippedDate", 809),
    ] {
        expected.push(format!("spelling-lost Orders.{column} {values}"));
    }
    // Their CHECK constraints.
    expected.extend(vec!["structure-translated Order Details 1".to_owned(); 3]);
    expected.extend(vec!["structure-translated Products 1".to_owned(); 4]);
    expected.sort();
    let mut found = findings(&imported.result);
    found.sort();
    assert_eq!(found, expected);
    compare_postgres::assert_same(&database, &mut imported.client, "public");
    let sql = "SELECT count(*) FROM pg_constraint WHERE contype = 'c' AND convalidated
               AND connamespace = 'public'::regnamespace";
    let checks: i64 = imported.client.query_one(sql, &[]).expect("answer").get(0);
    assert_eq!(checks, 7);
    let translated: BTreeSet<String> = views
        .into_iter()
        .filter(|view| !OF_MOMENTS.contains(&view.as_str()))
        .collect();
    assert_eq!(relations(&mut imported.client, "v"), translated);
    assert_same_views(&database, &mut imported.client, &translated);
}

/// What the findings of the five views advise.
#[test]
fn all_views_of_northwind_are_there_when_the_moments_stay_text() {
    let Some(database) = other("northwind.db") else {
        return;
    };
    let mapping = "waybill-mapping = 1\n[tables.Orders.columns]\n\
                   OrderDate = { type = \"text\" }\nShippedDate = { type = \"text\" }\n";
    let mut imported = imported(&database, Some(mapping));
    let views = relations(&mut imported.client, "v");
    assert_eq!(views.len(), 16);
    assert_same_views(&database, &mut imported.client, &views);
}

/// Fails unless each view gives the same rows in both. The last digits of a sum are not compared.
fn assert_same_views(database: &Path, client: &mut Client, views: &BTreeSet<String>) {
    let source = open(database);
    for view in views {
        let sql = format!("SELECT * FROM \"{view}\"");
        let mut statement = source.prepare(&sql).expect("the view can be read");
        let width = statement.column_count();
        let cells =
            |row: &rusqlite::Row<'_>| (0..width).map(|at| row.get::<_, Value>(at)).collect();
        let rows = statement.query_map([], cells).expect("rows");
        let mut expected: Vec<Vec<String>> = rows
            .map(|row: rusqlite::Result<Vec<Value>>| {
                row.expect("a row").into_iter().map(in_words).collect()
            })
            .collect();
        let messages = client.simple_query(&sql).expect("the view is there");
        let mut found: Vec<Vec<String>> = messages
            .iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => Some(
                    (0..row.len())
                        .map(|at| row.get(at).map_or_else(|| "NULL".to_owned(), rounded))
                        .collect(),
                ),
                _ => None,
            })
            .collect();
        expected.sort();
        found.sort();
        assert!(!expected.is_empty(), "{view}");
        assert_eq!(expected, found, "{view}");
    }
}

fn in_words(value: Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Integer(integer) => rounded(&integer.to_string()),
        Value::Real(real) => rounded(&real.to_string()),
        Value::Text(text) => rounded(&text),
        Value::Blob(_) => panic!("no view of these gives a blob"),
    }
}

/// A number to eleven digits, a moment without the zeros of its fraction, another text as it is.
fn rounded(text: &str) -> String {
    match text.parse::<f64>() {
        Ok(number) => format!("{number:.10e}"),
        Err(_) => text.strip_suffix(".000").unwrap_or(text).to_owned(),
    }
}
