//! Compares an SQLite file with a PostgreSQL schema without any code of Waybill: rusqlite on one
//! side, the `postgres` crate on the other, PostgreSQL's own input functions as the judge of what
//! a text means as a timestamp, uuid, inet, JSON or number.

use super::compare_sqlite::{names, open, tables};
use postgres::Client;
use rusqlite::Connection;
use rusqlite::types::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// Fails unless every table of the file is in `schema` with equal values, and the structure that
/// SQLite's pragmas tell of is there too.
pub(crate) fn assert_same(source: &Path, client: &mut Client, schema: &str) {
    assert_same_values(source, client, schema);
    let source = open(source);
    for table in tables(&source)
        .into_iter()
        .filter(|name| name != "sqlite_sequence")
    {
        assert_not_null(&source, client, schema, &table);
        assert_primary_key(&source, client, schema, &table);
        assert_foreign_keys(&source, client, schema, &table);
        assert_indexes(&source, client, schema, &table);
        assert_sequence(&source, client, schema, &table);
    }
}

/// Fails unless every table of the file is in `schema` with equal values.
pub(crate) fn assert_same_values(source: &Path, client: &mut Client, schema: &str) {
    assert_same_values_but(source, client, schema, &[]);
}

/// The same, but for tables that are left out.
pub(crate) fn assert_same_values_but(
    source: &Path,
    client: &mut Client,
    schema: &str,
    without: &[&str],
) {
    let source = open(source);
    client
        .batch_execute("SET TimeZone = 'UTC'; SET bytea_output = 'hex'; SET DateStyle = 'ISO'")
        .expect("settings");
    for table in tables(&source)
        .into_iter()
        .filter(|name| name != "sqlite_sequence" && !without.contains(&name.as_str()))
    {
        assert_values(&source, client, schema, &table);
    }
}

pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Name and type of the target's columns, in order; those that the server computes left out.
fn target_columns(client: &mut Client, schema: &str, table: &str) -> Vec<(String, String)> {
    let sql = "SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
               WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum";
    let name = format!("{}.{}", quoted(schema), quoted(table));
    let rows = client
        .query(sql, &[&name])
        .expect("the catalogue is readable");
    assert!(!rows.is_empty(), "table {table} is missing in the target");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

fn assert_values(source: &Connection, client: &mut Client, schema: &str, table: &str) {
    let columns = target_columns(client, schema, table);
    let stored = stored_columns(source, table);
    assert_eq!(
        stored,
        columns
            .iter()
            .map(|(name, _)| name.clone())
            .collect::<Vec<_>>(),
        "columns of {table}"
    );
    let mut expected = source_columns(source, client, table, &columns);
    let mut found = target_rows(client, schema, table, &columns);
    expected.sort();
    found.sort();
    assert_eq!(expected.len(), found.len(), "rows of {table}");
    for (expected, found) in expected.iter().zip(&found) {
        assert_eq!(expected, found, "a row of {table}");
    }
}

/// Columns with stored values: neither computed nor hidden ones.
fn stored_columns(source: &Connection, table: &str) -> Vec<String> {
    let literal = table.replace('\'', "''");
    names(
        source,
        &format!("SELECT name FROM pragma_table_xinfo('{literal}') WHERE hidden = 0 ORDER BY cid"),
    )
}

type Rows = Vec<Vec<Option<String>>>;

/// The source's rows as the target's type would print each value, by PostgreSQL's own judgement.
fn source_columns(
    source: &Connection,
    client: &mut Client,
    table: &str,
    columns: &[(String, String)],
) -> Rows {
    let list = columns
        .iter()
        .map(|(name, _)| quoted(name))
        .collect::<Vec<_>>()
        .join(", ");
    let mut statement = source
        .prepare(&format!("SELECT {list} FROM {}", quoted(table)))
        .expect("a readable table");
    let mut cells: Vec<Vec<Option<String>>> = vec![Vec::new(); columns.len()];
    let mut rows = statement.query([]).expect("a readable table");
    let mut count = 0;
    while let Some(row) = rows.next().expect("a readable row") {
        count += 1;
        for (cell, (name, kind)) in columns.iter().enumerate() {
            let value: Value = row.get(cell).expect("a cell");
            cells[cell].push(plain(&value, kind, &format!("{table}.{name}")));
        }
    }
    for (cells, (name, kind)) in cells.iter_mut().zip(columns) {
        let canonical = canonical(client, cells, kind);
        for (written, read) in cells.iter().flatten().zip(canonical.iter().flatten()) {
            assert_all_is_read(written, read, kind, &format!("{table}.{name}"));
        }
        *cells = canonical;
    }
    (0..count)
        .map(|row| cells.iter().map(|column| column[row].clone()).collect())
        .collect()
}

/// The value as text for a column of type `kind`; a class that the type must not hold is a failure.
pub(super) fn plain(value: &Value, kind: &str, place: &str) -> Option<String> {
    Some(match (value, kind) {
        (Value::Null, _) => return None,
        (Value::Integer(integer), "boolean") => match integer {
            0 => "false".to_owned(),
            1 => "true".to_owned(),
            other => panic!("{place}: {other} in a boolean"),
        },
        (Value::Integer(integer), "double precision") => {
            assert!(
                integer.unsigned_abs() <= 1 << 53,
                "{place}: {integer} in a double precision"
            );
            integer.to_string()
        }
        (Value::Integer(integer), "bigint" | "numeric" | "text") => integer.to_string(),
        (Value::Real(real), "double precision") => format!("{real:?}").replace("inf", "Infinity"),
        (Value::Real(real), "numeric") => written_out(*real),
        (Value::Real(real), "text") => archived(*real),
        (Value::Blob(bytes), "bytea") => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("\\x{hex}")
        }
        (Value::Text(text), kind)
            if !matches!(
                kind,
                "bigint" | "double precision" | "bytea" | "numeric" | "boolean"
            ) =>
        {
            text.clone()
        }
        (value, kind) => panic!("{place}: {value:?} in a column of type {kind}"),
    })
}

/// A real with all its digits, and a point, which tells it from an integer.
fn written_out(real: f64) -> String {
    let digits = nearest(real, &real.to_string());
    if digits.contains('.') {
        digits
    } else {
        digits + ".0"
    }
}

/// A real as docs/format.md writes it.
fn archived(real: f64) -> String {
    if real == 0.0 || (1e-5..1e16).contains(&real.abs()) {
        return written_out(real);
    }
    let text = format!("{real:e}");
    let (digits, exponent) = text.split_once('e').expect("it was asked for");
    let sign = if exponent.starts_with('-') { "" } else { "+" };
    format!("{}e{sign}{exponent}", nearest(real, digits))
}

/// `digits`, which begin with the shortest digits of `real`, by the rule for the case that two are
/// equally near: the last digit is even. Rust's own printing takes the one farther from zero.
fn nearest(real: f64, digits: &str) -> String {
    let shortest = digits.trim_end_matches('0').trim_end_matches('.');
    let zeros = &digits[shortest.len()..];
    let (begin, last) = shortest.split_at(shortest.len().saturating_sub(1));
    let Some(odd @ (1 | 3 | 5 | 7 | 9)) = last.chars().next().and_then(|last| last.to_digit(10))
    else {
        return digits.to_owned();
    };
    // Every digit of a double: at most 767 of them.
    let exact = significant(&format!("{real:.800e}"));
    let even = format!("{begin}{}", odd - 1);
    if exact == significant(&format!("{even}5")) {
        even + zeros
    } else {
        digits.to_owned()
    }
}

/// The digits of a number without point, exponent and the zeros around them.
fn significant(number: &str) -> String {
    let number = number.split('e').next().unwrap_or_default();
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').to_owned()
}

/// What PostgreSQL makes of the texts as values of type `kind`.
pub(super) fn canonical(
    client: &mut Client,
    texts: &[Option<String>],
    kind: &str,
) -> Vec<Option<String>> {
    if texts.is_empty() {
        return Vec::new();
    }
    let sql = format!(
        "SELECT x::{kind}::text FROM unnest($1::text[]) WITH ORDINALITY AS t(x, n) ORDER BY n"
    );
    let rows = client
        .query(&sql, &[&texts])
        .expect("the server reads its own types");
    rows.iter().map(|row| row.get(0)).collect()
}

/// Fails where the server's reading of a text drops something of the value: where it rounds a
/// fraction, forgets a key, or writes anew what the plan promises to keep as it is.
pub(super) fn assert_all_is_read(written: &str, read: &str, kind: &str, place: &str) {
    let kept = match kind {
        "date" | "json" => written == read,
        // As text, unlike in its own output, an address always has its length.
        "inet" => {
            let whole = if written.contains(':') { "/128" } else { "/32" };
            written == read.strip_suffix(whole).unwrap_or(read)
        }
        "uuid" => written.to_ascii_lowercase() == read,
        "timestamp without time zone" | "time without time zone" => {
            without_zeros(&written.replace('T', " ")) == read
        }
        "timestamp with time zone" => {
            let rest = written.split_once('.').map_or("", |(_, rest)| rest);
            rest.bytes().take_while(u8::is_ascii_digit).count() <= 6
                && !written.contains(":60")
                && !written[10..].contains("24:00:00")
        }
        "jsonb" => {
            let value = serde_json::from_str(written).expect("the column holds JSON");
            let (names, exponents) = words(written);
            names == keys(&value) && !exponents
        }
        _ => true,
    };
    assert!(kept, "{place}: {written} is read as {read} by {kind}");
}

/// A time without the zeros at the end of its fraction.
fn without_zeros(time: &str) -> &str {
    if time.contains('.') {
        time.trim_end_matches('0').trim_end_matches('.')
    } else {
        time
    }
}

/// Number of names in the text of a JSON value, those that stand twice counted twice; and whether a
/// number has an exponent.
fn words(text: &str) -> (usize, bool) {
    let (mut names, mut exponents, mut before) = (0, false, ' ');
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => loop {
                match letters.next() {
                    Some('\\') => drop(letters.next()),
                    Some('"') | None => break,
                    Some(_) => {}
                }
            },
            ':' => names += 1,
            'e' | 'E' if before.is_ascii_digit() => exponents = true,
            _ => {}
        }
        before = letter;
    }
    (names, exponents)
}

/// Number of keys of a JSON value, those of the values in it included.
fn keys(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Object(members) => {
            members.len() + members.values().map(keys).sum::<usize>()
        }
        serde_json::Value::Array(items) => items.iter().map(keys).sum(),
        _ => 0,
    }
}

fn target_rows(
    client: &mut Client,
    schema: &str,
    table: &str,
    columns: &[(String, String)],
) -> Rows {
    let list = columns
        .iter()
        .map(|(name, _)| format!("{}::text", quoted(name)))
        .collect::<Vec<_>>()
        .join(", ");
    let sql = format!("SELECT {list} FROM {}.{}", quoted(schema), quoted(table));
    let rows = client.query(&sql, &[]).expect("the target is readable");
    rows.iter()
        .map(|row| (0..columns.len()).map(|cell| row.get(cell)).collect())
        .collect()
}

fn assert_not_null(source: &Connection, client: &mut Client, schema: &str, table: &str) {
    let literal = table.replace('\'', "''");
    let sql = format!(
        "SELECT name FROM pragma_table_xinfo('{literal}') WHERE hidden = 0 AND \"notnull\" = 1"
    );
    let sql_target = "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnotnull AND attnum > 0";
    let name = format!("{}.{}", quoted(schema), quoted(table));
    let found: BTreeSet<String> = client
        .query(sql_target, &[&name])
        .expect("catalogue")
        .iter()
        .map(|row| row.get(0))
        .collect();
    for column in names(source, &sql) {
        assert!(
            found.contains(&column),
            "{table}.{column} is NOT NULL in the source"
        );
    }
}

/// Columns of the constraints of kind `contype`, in order, as `a, b`.
fn constraints(client: &mut Client, schema: &str, table: &str, contype: &str) -> BTreeSet<String> {
    let sql = "SELECT (SELECT string_agg(a.attname, ', ' ORDER BY k.n) FROM unnest(c.conkey) WITH ORDINALITY AS k(num, n)
                       JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.num)
               FROM pg_constraint c WHERE c.conrelid = to_regclass($1) AND c.contype::text = $2";
    let name = format!("{}.{}", quoted(schema), quoted(table));
    client
        .query(sql, &[&name, &contype])
        .expect("catalogue")
        .iter()
        .map(|row| row.get(0))
        .collect()
}

fn assert_primary_key(source: &Connection, client: &mut Client, schema: &str, table: &str) {
    let literal = table.replace('\'', "''");
    let sql = format!("SELECT name FROM pragma_table_xinfo('{literal}') WHERE pk > 0 ORDER BY pk");
    let columns = names(source, &sql);
    if !columns.is_empty() {
        let found = constraints(client, schema, table, "p");
        assert_eq!(
            found,
            BTreeSet::from([columns.join(", ")]),
            "primary key of {table}"
        );
    }
}

/// Foreign keys whose parent and columns exist in the source, with actions, as one line each.
fn assert_foreign_keys(source: &Connection, client: &mut Client, schema: &str, table: &str) {
    let literal = table.replace('\'', "''");
    let sql = format!(
        "SELECT group_concat(\"from\", ', ') || ' -> ' || lower(\"table\") || ' ' || on_delete || ' ' || on_update
         FROM (SELECT * FROM pragma_foreign_key_list('{literal}') ORDER BY id, seq) GROUP BY id"
    );
    let sql_target = "SELECT (SELECT string_agg(a.attname, ', ' ORDER BY k.n) FROM unnest(c.conkey) WITH ORDINALITY AS k(num, n)
                              JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.num)
                      || ' -> ' || lower(p.relname) || ' ' || c.confdeltype::text || ' ' || c.confupdtype::text
                      FROM pg_constraint c JOIN pg_class p ON p.oid = c.confrelid
                      WHERE c.conrelid = to_regclass($1) AND c.contype = 'f'";
    let name = format!("{}.{}", quoted(schema), quoted(table));
    let found: BTreeSet<String> = client
        .query(sql_target, &[&name])
        .expect("catalogue")
        .iter()
        .map(|row| action_words(row.get(0)))
        .collect();
    let expected: BTreeSet<String> = names(source, &sql).into_iter().collect();
    assert_eq!(expected, found, "foreign keys of {table}");
}

/// The letters of `pg_constraint` as SQLite's words.
fn action_words(line: &str) -> String {
    let word = |letter: &str| match letter {
        "a" => "NO ACTION",
        "r" => "RESTRICT",
        "c" => "CASCADE",
        "n" => "SET NULL",
        "d" => "SET DEFAULT",
        other => panic!("unknown action {other}"),
    };
    let mut parts = line.rsplitn(3, ' ');
    let (update, delete) = (
        parts.next().expect("an action"),
        parts.next().expect("an action"),
    );
    format!(
        "{} {} {}",
        parts.next().expect("columns"),
        word(delete),
        word(update)
    )
}

/// Indexes on plain columns under BINARY: by name for CREATE INDEX, by columns for UNIQUE.
fn assert_indexes(source: &Connection, client: &mut Client, schema: &str, table: &str) {
    let literal = table.replace('\'', "''");
    let plain = "NOT EXISTS (SELECT 1 FROM pragma_index_xinfo(i.name) x WHERE x.key = 1 AND (x.cid < 0 OR x.coll <> 'BINARY'))";
    let made = format!(
        "SELECT i.name FROM pragma_index_list('{literal}') i WHERE i.origin = 'c' AND i.partial = 0 AND {plain}"
    );
    let sql = "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
               WHERE i.indrelid = to_regclass($1) AND i.indisvalid";
    let name = format!("{}.{}", quoted(schema), quoted(table));
    let found: BTreeSet<String> = client
        .query(sql, &[&name])
        .expect("catalogue")
        .iter()
        .map(|row| row.get(0))
        .collect();
    for index in names(source, &made) {
        assert!(
            found.contains(&index),
            "index {index} of {table} is missing, there are {found:?}"
        );
    }
    let unique = format!(
        "SELECT (SELECT group_concat(name, ', ') FROM (SELECT x.name FROM pragma_index_xinfo(i.name) x WHERE x.key = 1 ORDER BY x.seqno))
         FROM pragma_index_list('{literal}') i WHERE i.origin = 'u' AND {plain}"
    );
    let found = constraints(client, schema, table, "u");
    for columns in names(source, &unique) {
        assert!(
            found.contains(&columns),
            "UNIQUE ({columns}) of {table} is missing, there are {found:?}"
        );
    }
}

/// A new row gets a key above every key the table has or has had.
fn assert_sequence(source: &Connection, client: &mut Client, schema: &str, table: &str) {
    let sql =
        "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass($1) AND attidentity <> ''";
    let name = format!("{}.{}", quoted(schema), quoted(table));
    let rows = client.query(sql, &[&name]).expect("catalogue");
    let Some(column) = rows.first().map(|row| row.get::<_, String>(0)) else {
        return;
    };
    let largest: Option<i64> = source
        .query_row(
            &format!("SELECT max({}) FROM {}", quoted(&column), quoted(table)),
            [],
            |row| row.get(0),
        )
        .expect("a readable table");
    let recorded: Option<i64> = source
        .query_row(
            "SELECT max(seq) FROM sqlite_sequence WHERE name = ?1",
            [table],
            |row| row.get(0),
        )
        .unwrap_or(None);
    let floor = std::cmp::max(std::cmp::max(largest, recorded), Some(0)).unwrap_or(0);
    if floor == i64::MAX {
        return;
    }
    let next: i64 = client
        .query_one(
            "SELECT nextval(pg_get_serial_sequence($1, $2))",
            &[&name, &column],
        )
        .expect("the sequence gives a value")
        .get(0);
    assert_eq!(next, floor + 1, "the next key of {table}");
}
