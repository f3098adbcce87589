//! Rules for values: each is carried out, and what comes out is what PostgreSQL says it is.

use super::Case;
use crate::support::postgres;

/// One column `v` of a table `t`, by the rule in `lines`: its type, and its values in order.
fn column(declared: &str, values: &str, lines: &str) -> (String, Vec<String>) {
    let case = Case::new(&format!(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v {declared});
         INSERT INTO t (v) VALUES {values};"
    ));
    let server = postgres::server();
    let lines = format!("[tables.\"t\".columns.\"v\"]\n{lines}");
    let (_, mut database) = case.imported(&lines, server);
    let target = database.texts(
        "SELECT format_type(atttypid, atttypmod) FROM pg_attribute
         WHERE attrelid = 't'::regclass AND attname = 'v'",
    );
    database.run("SET TimeZone = 'UTC'");
    let values = database.texts("SELECT v::text FROM t ORDER BY id");
    (target.concat(), values)
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn each_rule_for_values_gives_the_values_that_it_says() {
    for (declared, values, rule, target, expected) in [
        (
            "INTEGER",
            "(1), (-7), (NULL)",
            "type = \"integer\"",
            "integer",
            &["1", "-7", "NULL"][..],
        ),
        (
            "INTEGER",
            "(1), (32767)",
            "type = \"smallint\"",
            "smallint",
            &["1", "32767"],
        ),
        (
            "TEXT",
            "('abc'), ('d')",
            "type = \"varchar(3)\"",
            "character varying(3)",
            &["abc", "d"],
        ),
        (
            "NUMERIC",
            "(1.5), (2)",
            "type = \"numeric(6,2)\"",
            "numeric(6,2)",
            &["1.50", "2.00"],
        ),
        (
            "TEXT",
            "('a'), (''), ('n/a')",
            "null-if = [\"\", \"n/a\"]",
            "text",
            &["a", "NULL", "NULL"],
        ),
        (
            "INTEGER",
            "(7), ('')",
            "type = \"bigint\"\nnull-if = [\"\"]",
            "bigint",
            &["7", "NULL"],
        ),
        (
            "INTEGER",
            "(0), (1700000000)",
            "epoch = \"seconds\"",
            "timestamp with time zone",
            &["1970-01-01 00:00:00+00", "2023-11-14 22:13:20+00"],
        ),
        (
            "INTEGER",
            "(1700000000123)",
            "type = \"timestamp\"\nepoch = \"milliseconds\"",
            "timestamp without time zone",
            &["2023-11-14 22:13:20.123"],
        ),
        (
            "INTEGER",
            "(19675)",
            "type = \"date\"\nepoch = \"days\"",
            "date",
            &["2023-11-14"],
        ),
        (
            "TEXT",
            "('2024-07-01 12:00:00'), ('2024-01-01 12:00:00')",
            "zone = \"Europe/Berlin\"",
            "timestamp with time zone",
            &["2024-07-01 10:00:00+00", "2024-01-01 11:00:00+00"],
        ),
        (
            "",
            "('yes'), ('No'), (1)",
            "true = [\"yes\"]\nfalse = [\"no\"]",
            "boolean",
            &["true", "false", "true"],
        ),
        (
            "TEXT",
            "('confirmed'), ('new')",
            "values = { confirmed = \"CONFIRMED\" }",
            "text",
            &["CONFIRMED", "new"],
        ),
        (
            "TEXT",
            "('0123456789ABCDEF0123456789abcdef')",
            "type = \"uuid\"",
            "uuid",
            &["01234567-89ab-cdef-0123-456789abcdef"],
        ),
        (
            "BLOB",
            "(x'0123456789ABCDEF0123456789abcdef')",
            "read = \"uuid\"",
            "uuid",
            &["01234567-89ab-cdef-0123-456789abcdef"],
        ),
        (
            "TEXT",
            "('{\"a\":1}'), ('oops')",
            "invalid-json = \"null\"",
            "jsonb",
            &["{\"a\": 1}", "NULL"],
        ),
        (
            "TEXT",
            "('oops')",
            "invalid-json = '{\"b\":[]}'",
            "jsonb",
            &["{\"b\": []}"],
        ),
        (
            "TEXT",
            "('a' || char(0) || 'b')",
            "nul = \"strip\"",
            "text",
            &["ab"],
        ),
        (
            "TEXT",
            "('a' || char(0) || 'b')",
            "nul = \"replace\"",
            "text",
            &["a\u{fffd}b"],
        ),
        (
            "TEXT",
            "(CAST(x'61ff' AS TEXT)), ('b\\')",
            "invalid-text = \"escape\"",
            "text",
            &["a\\xff", "b\\\\"],
        ),
        (
            "TEXT",
            "(CAST(x'61ff' AS TEXT)), ('b')",
            "read = \"bytes\"",
            "bytea",
            &["\\x61ff", "\\x62"],
        ),
    ] {
        let (found_target, found) = column(declared, values, rule);
        assert_eq!(
            (found_target.as_str(), found.as_slice()),
            (
                target,
                &expected.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>()[..]
            ),
            "{rule}"
        );
    }
}

#[test]
fn anything_is_held_by_its_cell() {
    let values = "(1), ('1'), (x'00'), (1.5), (NULL), ('a' || char(0))";
    let (target, found) = column("", values, "read = \"cell\"");
    assert_eq!(target, "text");
    assert_eq!(found.len(), 6);
    assert_eq!(found[4], "NULL");
    let distinct: std::collections::BTreeSet<_> = found.iter().collect();
    assert_eq!(distinct.len(), 6, "{found:?}");
}

#[test]
fn an_enum_is_made_once_for_all_its_columns() {
    let case = Case::new(
        "CREATE TABLE a (s TEXT DEFAULT 'new'); INSERT INTO a VALUES ('done'), ('new');
         CREATE TABLE b (s TEXT); INSERT INTO b VALUES ('NEW');",
    );
    for server in postgres::servers() {
        let (_, mut database) = case.imported(
            "[enums]\n\"order state\" = [\"NEW\", \"DONE\"]
             [tables.a.columns.s]\ntype = \"order state\"\nvalues = { done = \"DONE\", new = \"NEW\" }\nother-values = \"refuse\"\ndefault = \"'NEW'\"
             [tables.b.columns.s]\ntype = \"order state\"",
            server,
        );
        assert_eq!(
            database.texts("SELECT s::text FROM a ORDER BY a.s"),
            ["NEW", "DONE"]
        );
        assert_eq!(
            database.texts("SELECT e.typname::text || ' ' || n.nspname FROM pg_type e JOIN pg_namespace n ON n.oid = typnamespace WHERE typtype = 'e'"),
            ["order state public"]
        );
        database.run("INSERT INTO a DEFAULT VALUES; INSERT INTO b SELECT s FROM a");
    }
}

#[test]
fn a_type_that_is_asked_for_goes_along_with_the_foreign_keys() {
    let case = Case::new(
        "CREATE TABLE parent (id TEXT PRIMARY KEY);
         CREATE TABLE child (id TEXT PRIMARY KEY REFERENCES parent);
         CREATE TABLE grandchild (c TEXT REFERENCES child);
         INSERT INTO parent VALUES ('00000000000000000000000000000001');
         INSERT INTO child SELECT id FROM parent; INSERT INTO grandchild SELECT id FROM parent;",
    );
    let server = postgres::server();
    let (report, mut database) =
        case.imported("[tables.parent.columns.id]\ntype = \"uuid\"", server);
    assert_eq!(
        database.texts("SELECT pg_typeof(c)::text || ' ' || c FROM grandchild"),
        ["uuid 00000000-0000-0000-0000-000000000001"]
    );
    assert_eq!(
        database
            .texts("SELECT count(*)::text FROM pg_constraint WHERE contype = 'f' AND convalidated AND connamespace = 'public'::regnamespace"),
        ["2"]
    );
    let left_out = super::findings(&report, "structure-left-out");
    assert!(!left_out.concat().contains("foreign key"), "{left_out:?}");
}

#[test]
fn values_that_are_changed_are_counted_and_those_that_do_not_fit_are_refused_before_a_write() {
    let case = Case::new(
        "CREATE TABLE t (a TEXT, b INTEGER);
         INSERT INTO t VALUES ('', 1), ('x', 70000), ('', 3);",
    );
    let server = postgres::server();
    let map = "[tables.t.columns.a]\nnull-if = [\"\"]\n";
    let (report, _) = case.imported(map, server);
    let all = report["findings"].as_array().expect("a list");
    let changed = all
        .iter()
        .find(|finding| finding["code"] == "value-converted");
    let changed = changed.expect("values were changed");
    assert_eq!(
        (&changed["count"], &changed["severity"]),
        (&2.into(), &"note".into())
    );
    let uri = server.fresh_database();
    let map = format!("{map}[tables.t.columns.b]\ntype = \"smallint\"");
    let refused = case.import(&map, &uri, &[]).exits(4).json();
    let found = super::findings(&refused, "value-refused");
    assert_eq!(found.len(), 1, "{found:?}");
    let mut database = super::Database::open(&uri);
    assert_eq!(
        database.texts("SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'waybill%'"),
        [""; 0]
    );
}
