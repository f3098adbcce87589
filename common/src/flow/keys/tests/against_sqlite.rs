//! Orphans as `PRAGMA foreign_key_check` finds them, and duplicates as GROUP BY does.

use super::tables::*;
use super::*;
use proptest::prelude::*;
use rusqlite::Connection;
use rusqlite::types::{ToSqlOutput, ValueRef};

const TYPES: [&str; 5] = ["", "TEXT", "INTEGER", "REAL", "NUMERIC"];
const COLLATIONS: [&str; 3] = ["BINARY", "NOCASE", "RTRIM"];

fn value() -> impl Strategy<Value = OwnedValue> {
    let texts = vec![
        "1", "1.0", " 2 ", "2e0", "a", "A", "a ", "", "x'", "2.5", "ä",
    ];
    prop_oneof![
        1 => Just(OwnedValue::Null),
        3 => (0i64..4).prop_map(OwnedValue::Integer),
        2 => prop::sample::select(vec![1.0, 2.5, -0.0, 3.0]).prop_map(OwnedValue::Real),
        4 => prop::sample::select(texts).prop_map(text),
        1 => prop::sample::select(vec!["a", "1"]).prop_map(|text| OwnedValue::Blob(text.into())),
    ]
}

fn bound(value: &OwnedValue) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(match value {
        OwnedValue::Null => ValueRef::Null,
        OwnedValue::Integer(integer) => ValueRef::Integer(*integer),
        OwnedValue::Real(real) => ValueRef::Real(*real),
        OwnedValue::Text(text) => ValueRef::Text(text.as_bytes()),
        OwnedValue::RawText(bytes) | OwnedValue::Blob(bytes) => ValueRef::Blob(bytes),
    })
}

/// Rows as the table stores them, affinities applied.
fn stored(connection: &Connection, table: &str) -> Rows {
    let mut statement = connection
        .prepare(&format!("SELECT * FROM {table} ORDER BY rowid"))
        .unwrap();
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| {
        (0..columns)
            .map(|column| {
                Ok(match row.get_ref(column)? {
                    ValueRef::Null => OwnedValue::Null,
                    ValueRef::Integer(integer) => OwnedValue::Integer(integer),
                    ValueRef::Real(real) => OwnedValue::Real(real),
                    ValueRef::Text(text) => {
                        OwnedValue::Text(String::from_utf8(text.to_vec()).unwrap())
                    }
                    ValueRef::Blob(bytes) => OwnedValue::Blob(bytes.to_vec()),
                })
            })
            .collect()
    });
    rows.unwrap().collect::<Result<_, _>>().unwrap()
}

fn fill(connection: &Connection, table: &str, rows: &[[OwnedValue; 2]]) {
    let sql = format!("INSERT OR IGNORE INTO {table} VALUES (?1, ?2)");
    for row in rows {
        connection
            .execute(&sql, [bound(&row[0]), bound(&row[1])])
            .unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn findings_are_those_of_sqlite(
        types in prop::array::uniform4(prop::sample::select(&TYPES[..])),
        collations in prop::array::uniform2(prop::sample::select(&COLLATIONS[..])),
        parents in prop::collection::vec([value(), value()], 0..8),
        children in prop::collection::vec([value(), value()], 0..16),
    ) {
        let connection = Connection::open_in_memory().unwrap();
        let [a, b, x, y] = types;
        let [ca, cb] = collations;
        connection.execute_batch(&format!(
            "PRAGMA foreign_keys = OFF;
             CREATE TABLE p (a {a} COLLATE {ca}, b {b} COLLATE {cb}, UNIQUE (b, a), UNIQUE (a));
             CREATE TABLE c (x {x}, y {y} COLLATE NOCASE,
                 FOREIGN KEY (x, y) REFERENCES p (a, b), FOREIGN KEY (y) REFERENCES p (a));"
        )).unwrap();
        fill(&connection, "p", &parents);
        fill(&connection, "c", &children);

        let parent = with_unique(table("p", &[&format!("a:{a}:{ca}"), &format!("b:{b}:{cb}")]), &["a"]);
        let mut child = with_unique(table("c", &[&format!("x:{x}"), &format!("y:{y}:NOCASE")]), &["y", "x"]);
        child.foreign_keys.push(references(&["x", "y"], "p", &["a", "b"]));
        child.foreign_keys.push(references(&["y"], "p", &["a"]));
        let rows = [stored(&connection, "p"), stored(&connection, "c")];
        let ours = checked(&schema(vec![parent, child]), &rows, 200, 3);
        let mut ours: Vec<_> = ours.iter().map(|key| (key.table, key.constraint, key.violations)).collect();
        let by_bytes: Vec<_> = ours
            .extract_if(.., |(_, constraint, _)| matches!(constraint, Constraint::ForeignKeyBytes(_)))
            .collect();

        let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, u64>(0)).unwrap();
        let orphans = |key: usize| {
            // Foreign keys are numbered from the last declared.
            count(&format!("SELECT count(*) FROM pragma_foreign_key_check('c') WHERE fkid = {}", 1 - key))
        };
        let repeated = count(
            "SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM c
             WHERE x IS NOT NULL AND y IS NOT NULL GROUP BY x, y)",
        );
        prop_assert_eq!(ours, [
            (0, Constraint::Unique(0), 0),
            (1, Constraint::Unique(0), repeated),
            (1, Constraint::ForeignKey(0), orphans(0)),
            (1, Constraint::ForeignKey(1), orphans(1)),
        ]);
        // The same keys of a table that compares bytes, whatever else it holds.
        connection.execute_batch(&format!(
            "CREATE TABLE q (a {a}, b {b}, UNIQUE (b, a), UNIQUE (a)); INSERT OR IGNORE INTO q SELECT * FROM p;
             CREATE TABLE d (x {x}, y {y},
                 FOREIGN KEY (x, y) REFERENCES q (a, b), FOREIGN KEY (y) REFERENCES q (a));
             INSERT INTO d SELECT * FROM c;"
        )).unwrap();
        let orphans = |key: usize| {
            count(&format!("SELECT count(*) FROM pragma_foreign_key_check('d') WHERE fkid = {}", 1 - key))
        };
        let mut expected = Vec::new();
        if ca != "BINARY" || cb != "BINARY" {
            expected.push((1, Constraint::ForeignKeyBytes(0), orphans(0)));
        }
        if ca != "BINARY" {
            expected.push((1, Constraint::ForeignKeyBytes(1), orphans(1)));
        }
        prop_assert_eq!(by_bytes, expected);
    }
}
