//! Rows' names, and equality of keys held against SQLite itself.

use super::*;
use crate::model::schema::{Column, Key, KeyColumn, TableKind};
use crate::model::value::OwnedValue;

fn table(columns: &[&str], key: &[&str], rowid: Rowid) -> Table {
    let column = |name: &&str| Column {
        name: (*name).to_owned(),
        declared_type: String::new(),
        affinity: Affinity::Blob,
        not_null: false,
        default: None,
        generated: None,
        collation: "BINARY".to_owned(),
        hidden: false,
        on_conflict: None,
    };
    let key_column = |name: &&str| KeyColumn {
        column: (*name).to_owned(),
        descending: false,
        collation: "BINARY".to_owned(),
    };
    Table {
        name: "t".to_owned(),
        kind: TableKind::Rowid,
        strict: false,
        rowid,
        autoincrement: false,
        columns: columns.iter().map(column).collect(),
        primary_key: (!key.is_empty()).then(|| Key {
            name: None,
            columns: key.iter().map(key_column).collect(),
            on_conflict: None,
        }),
        unique: Vec::new(),
        foreign_keys: Vec::new(),
        checks: Vec::new(),
        indexes: Vec::new(),
        sql: String::new(),
    }
}

#[test]
fn a_row_is_named_by_its_key_its_rowid_or_its_number() {
    let one = table(&["id", "x"], &["ID"], Rowid::Column("id".to_owned()));
    assert_eq!(row_key(&one, &[Value::Integer(7), Value::Null], 3), "ID=7");

    let two = table(&["a", "b"], &["b", "a"], Rowid::Hidden);
    let row = [
        Value::Integer(9),
        Value::Text("it's"),
        Value::Blob(b"\xca\xfe"),
    ];
    assert_eq!(row_key(&two, &row, 3), "b=x'cafe', a='it''s'");

    let none = table(&["a"], &[], Rowid::Hidden);
    assert_eq!(
        row_key(&none, &[Value::Integer(12), Value::Null], 3),
        "rowid=12"
    );

    let nothing = table(&["a"], &[], Rowid::None);
    assert_eq!(row_key(&nothing, &[Value::Null], 3), "row 3");
    assert_eq!(
        row_key(&two, &[], 3),
        "row 3",
        "a row that is too short has no key"
    );
}

#[test]
fn a_rows_name_shortens_long_values() {
    let one = table(&["id"], &["id"], Rowid::None);
    let name = row_key(&one, &[Value::Text(&"x".repeat(1000))], 1);
    assert_eq!(name, format!("id='{}'…", "x".repeat(40)));

    let columns: Vec<_> = (0..1000).map(|number| format!("c{number}")).collect();
    let columns: Vec<_> = columns.iter().map(String::as_str).collect();
    let wide = table(&columns, &columns, Rowid::None);
    let name = row_key(&wide, &vec![Value::Integer(7); 1000], 1);
    assert!(name.starts_with("c0=7, c1=7, "), "{name}");
    assert!(name.ends_with(", …") && name.len() < 220, "{name}");
}

/// Values that are close to each other in one way or another.
fn values() -> Vec<OwnedValue> {
    let integers = [
        0,
        1,
        -1,
        10,
        1000,
        9_007_199_254_740_992,
        9_007_199_254_740_993,
        140_737_488_355_329,
        i64::MAX,
        i64::MAX - 1,
        i64::MIN,
    ];
    let reals = [
        0.0,
        -0.0,
        1.0,
        1.5,
        -1.0,
        10.0,
        1e3,
        9_007_199_254_740_992.0,
        9.25e18,
        9_223_372_036_854_775_808.0,
        -9_223_372_036_854_775_808.0,
        1e300,
        5e-324,
        0.1,
        1e-5,
        1.25e-4,
        1e15,
        1.5e16,
        1e17,
        12e20,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ];
    let texts = [
        "",
        " ",
        "a",
        "A",
        "a ",
        "A  ",
        "Ä",
        "ä",
        "1",
        "1.0",
        " 1 ",
        "1\n",
        "01",
        "+1",
        "1e0",
        "1e3",
        "1000",
        "-0",
        "0.0",
        "-0.0",
        "abc",
        "1x",
        "0x10",
        "9007199254740993",
        "9007199254740993.0",
        "9223372036854775807",
        "9223372036854775808",
        "1.5",
        "1e400",
        ".5",
        "5.",
        "a\tb",
        "[",
        "{",
        "1e-5",
        "1.0e-05",
        "1.0e+17",
        "Inf",
        "1.2e+21",
        "0.000125",
    ];
    let blobs: [&[u8]; 3] = [b"", b"a", b"1"];
    let mut all = vec![OwnedValue::Null];
    all.extend(integers.map(OwnedValue::Integer));
    all.extend(reals.map(OwnedValue::Real));
    all.extend(texts.map(|text| OwnedValue::Text(text.to_owned())));
    all.extend(blobs.map(|blob| OwnedValue::Blob(blob.to_vec())));
    all
}

fn form(value: Value<'_>, collation: Collation) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    push_normal_form(&mut out, &value, collation).then_some(out)
}

#[test]
fn joined_forms_of_columns_cannot_be_mistaken() {
    let joined = |values: [&str; 2]| {
        let mut out = Vec::new();
        for value in values {
            assert!(push_normal_form(
                &mut out,
                &Value::Text(value),
                Collation::Binary
            ));
        }
        out
    };
    assert_ne!(joined(["ab", "c"]), joined(["a", "bc"]));
}

#[test]
fn raw_text_equals_neither_text_nor_blob() {
    let collation = Collation::Binary;
    let raw = form(Value::RawText(b"a"), collation);
    assert_ne!(raw, form(Value::Text("a"), collation));
    assert_ne!(raw, form(Value::Blob(b"a"), collation));
}

#[cfg(feature = "sqlite")]
mod against_sqlite {
    use super::*;
    use rusqlite::types::{ToSqlOutput, Value as Sql, ValueRef};

    fn bound(value: &OwnedValue) -> ToSqlOutput<'_> {
        ToSqlOutput::Borrowed(match value {
            OwnedValue::Null => ValueRef::Null,
            OwnedValue::Integer(integer) => ValueRef::Integer(*integer),
            OwnedValue::Real(real) => ValueRef::Real(*real),
            OwnedValue::Text(text) => ValueRef::Text(text.as_bytes()),
            OwnedValue::RawText(bytes) | OwnedValue::Blob(bytes) => ValueRef::Blob(bytes),
        })
    }

    #[test]
    fn values_are_equal_exactly_when_sqlite_says_so() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        let mut values = values();
        values.extend(
            ["a\0b", "a\0c", "A\0b", "a\0bc"].map(|text| OwnedValue::Text(text.to_owned())),
        );
        for name in ["BINARY", "nocase", "RTRIM"] {
            let collation = Collation::named(name).unwrap();
            let sql = format!("SELECT coalesce(?1 = ?2 COLLATE {name}, 0)");
            let mut statement = connection.prepare(&sql).unwrap();
            for a in &values {
                for b in &values {
                    let theirs: bool = statement
                        .query_row([bound(a), bound(b)], |row| row.get(0))
                        .unwrap();
                    let (mine_a, mine_b) =
                        (form(a.as_value(), collation), form(b.as_value(), collation));
                    let ours = mine_a.is_some() && mine_a == mine_b;
                    assert_eq!(ours, theirs, "{a:?} = {b:?} COLLATE {name}");
                }
            }
        }
        assert_eq!(Collation::named("german"), None);
    }

    #[test]
    fn an_affinity_changes_a_value_as_a_column_does() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        for (affinity, declared) in [
            (Affinity::Text, "TEXT"),
            (Affinity::Numeric, "NUMERIC"),
            (Affinity::Integer, "INTEGER"),
            (Affinity::Real, "REAL"),
            (Affinity::Blob, "BLOB"),
        ] {
            let table = format!("CREATE TABLE t_{declared} (v {declared})");
            connection.execute(&table, []).unwrap();
            let sql = format!("INSERT INTO t_{declared} VALUES (?1) RETURNING v");
            let mut statement = connection.prepare(&sql).unwrap();
            for value in values() {
                let stored: Sql = statement
                    .query_row([bound(&value)], |row| row.get(0))
                    .unwrap();
                let stored = match stored {
                    Sql::Null => OwnedValue::Null,
                    Sql::Integer(integer) => OwnedValue::Integer(integer),
                    Sql::Real(real) => OwnedValue::Real(real),
                    Sql::Text(text) => OwnedValue::Text(text),
                    Sql::Blob(bytes) => OwnedValue::Blob(bytes),
                };
                if let (OwnedValue::Real(real), OwnedValue::Text(text)) = (&value, &stored)
                    && text.len() > 18
                {
                    // Versions of SQLite differ in the last digits of these.
                    assert_eq!(text.parse(), Ok(*real));
                    continue;
                }
                let mut memory = Converted::default();
                let ours = memory.apply(affinity, value.as_value());
                assert_eq!(
                    form(ours, Collation::Binary),
                    form(stored.as_value(), Collation::Binary),
                    "{value:?} in a {declared} column is {stored:?}, not {ours:?}"
                );
            }
        }
    }
}
