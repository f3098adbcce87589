//! Compares an SQLite file with tables of PostgreSQL whose columns may hold bytes or cells, as a
//! mapping file asks. Reads both without any code of Waybill; what a cell means is docs/format.md.

use super::compare_postgres::{
    Rows, assert_all_is_read, canonical, plain, quoted, whole_columns, whole_rows,
};
use super::compare_sqlite::open;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postgres::Client;
use rusqlite::types::Value;
use rusqlite::{Connection, Row};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::path::Path;

/// How a column holds its values.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    Bytes,
    Cell,
}

/// Fails unless every table that `result` (of the import) names holds the values of `source`, in the
/// forms that `mapping` asks for; gives the number of columns that have another form.
pub(crate) fn assert_same_values(
    source: &Path,
    client: &mut Client,
    schema: &str,
    result: &Json,
    mapping: &toml::Table,
) -> usize {
    let source = open(source);
    client
        .batch_execute("SET TimeZone = 'UTC'; SET bytea_output = 'hex'; SET DateStyle = 'ISO'")
        .expect("settings");
    let mut mapped = 0;
    for table in result["tables"].as_array().expect("tables") {
        // A virtual table whose rows no archive holds.
        let Some(target) = table["target_name"].as_str() else {
            continue;
        };
        let name = table["name"].as_str().expect("a name");
        let columns = columns(client, schema, target, table, mapping);
        mapped += columns
            .iter()
            .filter(|column| column.form != Form::Plain)
            .count();
        let mut expected = expected(&source, client, name, &columns);
        let mut found = found(client, schema, target, &columns);
        expected.sort();
        found.sort();
        assert_eq!(expected.len(), found.len(), "rows of {name}");
        for (expected, found) in expected.iter().zip(&found) {
            assert_eq!(expected, found, "a row of {name}");
        }
    }
    mapped
}

struct Column {
    name: String,
    target: String,
    kind: String,
    form: Form,
}

fn columns(
    client: &mut Client,
    schema: &str,
    target: &str,
    table: &Json,
    mapping: &toml::Table,
) -> Vec<Column> {
    let (there, _) = whole_columns(client, schema, target);
    let kinds: BTreeMap<String, String> = there.into_iter().collect();
    let name = table["name"].as_str().expect("a name");
    let rules = mapping
        .get("tables")
        .and_then(|tables| tables.get(name)?.get("columns"));
    let listed = table["columns"].as_array().into_iter().flatten();
    listed
        .map(|column| {
            let name = column["name"].as_str().expect("a name").to_owned();
            let target = column["target_name"].as_str().expect("a name").to_owned();
            let read = rules.and_then(|rules| rules.get(&name)?.get("read")?.as_str());
            Column {
                kind: kinds[&target].clone(),
                form: match read {
                    None => Form::Plain,
                    Some("bytes") => Form::Bytes,
                    Some("cell") => Form::Cell,
                    Some(other) => panic!("a form that nobody knows: {other}"),
                },
                name,
                target,
            }
        })
        .collect()
}

/// The source's rows: plain columns as their type prints them, the others by class and value.
fn expected(source: &Connection, client: &mut Client, table: &str, columns: &[Column]) -> Rows {
    let encoding: String = source
        .query_row("PRAGMA encoding", [], |row| row.get(0))
        .expect("a readable file");
    // A result has at most 2000 columns, so only those are read thrice that need it.
    let mut list = Vec::new();
    let mut places = Vec::new();
    for column in columns {
        let name = quoted(&column.name);
        places.push(list.len());
        if column.form != Form::Plain {
            list.extend([format!("typeof({name})"), format!("CAST({name} AS BLOB)")]);
        }
        list.push(name);
    }
    let sql = format!("SELECT {} FROM {}", list.join(", "), quoted(table));
    let mut statement = source.prepare(&sql).expect("a readable table");
    let mut rows = statement.query([]).expect("a readable table");
    let mut cells: Vec<Vec<Option<String>>> = vec![Vec::new(); columns.len()];
    let mut count = 0;
    while let Some(row) = rows.next().expect("a readable row") {
        count += 1;
        for (at, column) in columns.iter().enumerate() {
            let place = format!("{table}.{}", column.name);
            cells[at].push(expected_cell(row, places[at], column, &encoding, &place));
        }
    }
    for (cells, column) in cells.iter_mut().zip(columns) {
        if column.form == Form::Plain {
            let canonical = canonical(client, cells, &column.kind);
            for (written, read) in cells.iter().flatten().zip(canonical.iter().flatten()) {
                let place = format!("{table}.{}", column.name);
                assert_all_is_read(written, read, &column.kind, &place);
            }
            *cells = canonical;
        }
    }
    (0..count)
        .map(|row| cells.iter().map(|column| column[row].clone()).collect())
        .collect()
}

fn expected_cell(
    row: &Row<'_>,
    at: usize,
    column: &Column,
    encoding: &str,
    place: &str,
) -> Option<String> {
    if column.form == Form::Plain {
        let value: Value = row.get(at).expect("a cell");
        return plain(&value, &column.kind, place);
    }
    let class: String = row.get(at).expect("a class");
    match (column.form, class.as_str()) {
        (_, "null") => None,
        (form, "text" | "blob") => {
            let bytes: Vec<u8> = row.get(at + 1).expect("bytes");
            Some(bytes_in_form(form, &class, &bytes, encoding))
        }
        (Form::Cell, "integer") => {
            let integer: i64 = row.get(at + 2).expect("an integer");
            Some(format!("integer {integer}"))
        }
        (Form::Cell, "real") => {
            let real: f64 = row.get(at + 2).expect("a real");
            Some(format!("real {:016x}", real.to_bits()))
        }
        (_, class) => panic!("{place}: a value of class {class} as bytes"),
    }
}

fn bytes_in_form(form: Form, class: &str, bytes: &[u8], encoding: &str) -> String {
    if form == Form::Bytes {
        assert_eq!(
            (class, encoding),
            ("text", "UTF-8"),
            "only the bytes of texts are told apart"
        );
        return format!("\\x{}", hex(bytes));
    }
    let text = (class == "text").then(|| decoded(bytes, encoding));
    match text {
        Some(Some(text)) => format!("text {text}"),
        Some(None) => format!("invalid text {}", hex(bytes)),
        None => format!("blob {}", hex(bytes)),
    }
}

/// The text, unless its bytes are not valid.
fn decoded(bytes: &[u8], encoding: &str) -> Option<String> {
    let unit: fn([u8; 2]) -> u16 = match encoding {
        "UTF-8" => return String::from_utf8(bytes.to_vec()).ok(),
        "UTF-16le" => u16::from_le_bytes,
        "UTF-16be" => u16::from_be_bytes,
        other => panic!("an encoding that SQLite does not have: {other}"),
    };
    let (units, rest) = bytes.as_chunks::<2>();
    let units: Vec<u16> = units.iter().map(|pair| unit(*pair)).collect();
    if rest.is_empty() {
        String::from_utf16(&units).ok()
    } else {
        None
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn found(client: &mut Client, schema: &str, target: &str, columns: &[Column]) -> Rows {
    let (there, pieces) = whole_columns(client, schema, target);
    let rows = whole_rows(client, schema, target, &there, &pieces);
    let place = |column: &Column| there.iter().position(|(name, _)| *name == column.target);
    let places: Vec<usize> = columns
        .iter()
        .map(|column| place(column).expect("the column is there"))
        .collect();
    let cell = |row: &[Option<String>], at: usize| {
        let text = row[places[at]].clone();
        match columns[at].form {
            Form::Cell => text.map(|text| of_cell(&text)),
            Form::Plain | Form::Bytes => text,
        }
    };
    rows.iter()
        .map(|row| (0..columns.len()).map(|at| cell(row, at)).collect())
        .collect()
}

/// Class and value of a cell.
fn of_cell(cell: &str) -> String {
    let json: Json = serde_json::from_str(cell).unwrap_or_else(|error| panic!("{cell}: {error}"));
    let bytes = |text: &Json| {
        let text = text.as_str().expect("base64");
        hex(&STANDARD.decode(text).expect("base64"))
    };
    match &json {
        Json::String(text) => format!("text {text}"),
        Json::Number(_) if cell.contains(['.', 'e']) => {
            let real: f64 = cell.parse().expect("a number");
            format!("real {:016x}", real.to_bits())
        }
        Json::Number(_) => format!("integer {cell}"),
        Json::Object(members) => {
            let (key, value) = members.iter().next().expect("a member");
            match key.as_str() {
                "blob" => format!("blob {}", bytes(value)),
                "text" => format!("invalid text {}", bytes(value)),
                "real" => {
                    let real: f64 = value
                        .as_str()
                        .and_then(|word| word.parse().ok())
                        .expect("a real");
                    format!("real {:016x}", real.to_bits())
                }
                other => panic!("a cell with the key {other}"),
            }
        }
        other => panic!("{other} is no cell"),
    }
}
