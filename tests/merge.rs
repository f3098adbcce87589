//! `--mode merge`: rows to those that tables of an application hold, on every server.

#![expect(
    clippy::unwrap_used,
    reason = "the allowance for tests covers test functions only, not what they share"
)]

mod busy;
mod crew;
mod keys;
mod lodging;
mod policy;
mod references;
mod survival;
mod values;

use serde_json::Value;

/// `inserted updated unchanged skipped` of a table of a result, or of all.
fn counts(result: &Value, table: Option<&str>) -> String {
    let merged = match table {
        None => &result["merged"],
        Some(name) => {
            let mut tables = result["tables"].as_array().unwrap().iter();
            &tables.find(|table| table["name"] == name).unwrap()["merged"]
        }
    };
    let words = ["inserted", "updated", "unchanged", "skipped"];
    words.map(|word| merged[word].to_string()).join(" ")
}
