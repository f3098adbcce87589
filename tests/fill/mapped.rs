//! A mapping file with tables that exist: where rows go, and what their values become.

use super::desk::{Desk, findings};
use crate::support::postgres::servers;
use crate::support::program::Ran;

impl Desk {
    /// The import with a mapping file of these lines.
    fn mapped(&self, lines: &str, more: &[&str]) -> Ran {
        let map = self.map(lines);
        let mut arguments = vec!["--map", map.as_str()];
        arguments.extend(more);
        self.fill(&arguments)
    }

    /// Writes a mapping file, gives its path.
    fn map(&self, lines: &str) -> String {
        let map = self.archive.with_file_name("m.toml");
        std::fs::write(&map, format!("waybill-mapping = 1\n{lines}")).unwrap();
        map.to_str().unwrap().to_owned()
    }
}

/// A table in which every value means something else than it is.
const LEGACY: &str = "
CREATE TABLE Booking (Id INTEGER PRIMARY KEY, made TEXT, seen INTEGER, vip, state TEXT, mail TEXT,
                      token TEXT, doc TEXT, raw BLOB, mixed, note TEXT, legacy TEXT, born TEXT);
INSERT INTO Booking VALUES
 (1, '2024-07-01 12:00:00', 1700000000, 'Y', 'offen', '', '0123456789abcdef0123456789abcdef', '{\"a\":1}', 'text', 7, 'a' || char(0) || 'b', 'x', ''),
 (2, '2024-01-01 12:00:00+00:00', NULL, 'no', 'paid', 'a@b.c', '{11234567-89AB-CDEF-0123-456789abcdef}', 'none', x'ff', '7', 'c', 'y', '1990-01-31'),
 (3, NULL, 0, 1, NULL, NULL, x'000102030405060708090a0b0c0d0e0f', NULL, NULL, x'00', NULL, 'z', NULL);
CREATE TABLE trash (id INTEGER PRIMARY KEY);
INSERT INTO trash VALUES (1);";

const APP: &str = "
CREATE TYPE state AS ENUM ('OPEN', 'PAID');
CREATE TABLE bookings (id serial PRIMARY KEY, made_at timestamptz(3), seen timestamptz(0), vip boolean NOT NULL,
                       state state, mail varchar(20) CHECK (mail LIKE '%@%'), token uuid UNIQUE, doc jsonb, raw bytea,
                       mixed text, note varchar(3), born date, added text NOT NULL DEFAULT 'new')";

const RULES: &str = "
[tables.trash]
skip = true
[tables.Booking]
name = 'bookings'
[tables.Booking.columns.made]
name = 'made_at'
zone = 'Europe/Berlin'
[tables.Booking.columns.seen]
epoch = 'seconds'
[tables.Booking.columns.vip]
true = ['y']
false = ['no']
[tables.Booking.columns.state]
values = { offen = 'OPEN', paid = 'PAID' }
other-values = 'refuse'
[tables.Booking.columns.mail]
null-if = ['']
[tables.Booking.columns.token]
read = 'uuid'
[tables.Booking.columns.doc]
invalid-json = '{}'
[tables.Booking.columns.raw]
read = 'bytes'
[tables.Booking.columns.mixed]
read = 'cell'
[tables.Booking.columns.note]
nul = 'strip'
[tables.Booking.columns.legacy]
drop = true
[tables.Booking.columns.born]
null-if = ['']
";

#[test]
fn rows_go_where_the_file_says_and_values_become_what_they_mean() {
    for server in servers() {
        let mut desk = Desk::of_sql(server, APP, LEGACY);
        let result = desk.mapped(RULES, &[]).exits(0).json();
        assert_eq!(findings(&result, "error"), Vec::<String>::new());
        let changed = findings(&result, "note").into_iter();
        let changed: Vec<_> = changed
            .filter(|note| note.starts_with("value-converted"))
            .collect();
        assert_eq!(
            changed,
            [
                "value-converted bookings born 1: Id=1 ('')",
                "value-converted bookings doc 1: Id=2 ('none')",
                "value-converted bookings made_at 1: Id=1 ('2024-07-01 12:00:00')",
                "value-converted bookings mail 1: Id=1 ('')",
                "value-converted bookings note 1: Id=1 ('a\0b')",
                "value-converted bookings seen 2: Id=1 (1700000000)",
                "value-converted bookings state 2: Id=1 ('offen')",
                "value-converted bookings token 3: Id=1 ('0123456789abcdef0123456789abcdef')",
                "value-converted bookings vip 2: Id=1 ('Y')",
            ]
        );
        desk.client.batch_execute("SET timezone = 'UTC'").unwrap();
        assert_eq!(
            desk.ask("SELECT id, made_at, seen, vip, state, mail, token, doc, raw, mixed, note, born, added FROM bookings ORDER BY id"),
            "1|2024-07-01 10:00:00+00|2023-11-14 22:13:20+00|t|OPEN|~|01234567-89ab-cdef-0123-456789abcdef|{\"a\": 1}|\\x74657874|7|ab|~|new
2|2024-01-01 12:00:00+00|~|f|PAID|a@b.c|11234567-89ab-cdef-0123-456789abcdef|{}|\\xff|\"7\"|c|1990-01-31|new
3|~|1970-01-01 00:00:00+00|t|~|~|00010203-0405-0607-0809-0a0b0c0d0e0f|~|~|{\"blob\":\"AA==\"}|~|~|new"
        );
        assert_eq!(desk.ask("SELECT nextval('bookings_id_seq')"), "4");
        desk.assert_tidy();
    }
}

/// Every key that makes structure, with the line that is named; the first line is the version.
const STRUCTURE: [(&str, &str, u32); 14] = [
    (
        "type",
        "[tables.t.columns.a]\nname = 'a'\ntype = 'integer'",
        4,
    ),
    ("default", "[tables.t.columns.a]\ndefault = '1'", 3),
    (
        "not-null",
        "[tables.t.columns.a]\nnull-if = ['']\nnot-null = false",
        4,
    ),
    ("collation", "[tables.t.columns.a]\ncollation = 'C'", 3),
    (
        "add-columns",
        "\n[[tables.t.add-columns]]\nname = 'n'\nidentity = true",
        4,
    ),
    ("indexes", "[[tables.t.indexes]]\ncolumns = ['a']", 3),
    ("indexes", "[[tables.t.indexes]]\non = 'lower(a)'", 3),
    ("updated-at", "[tables.t]\nupdated-at = 'a'", 3),
    (
        "statistics",
        "[[tables.t.statistics]]\ncolumns = ['a', 'id']",
        3,
    ),
    ("order-by", "[tables.t]\norder-by = ['a']", 3),
    ("owner", "owner = 'app'", 2),
    (
        "grants",
        "[[grants]]\nprivileges = ['select']\nto = ['public']",
        3,
    ),
    (
        "extensions",
        "extensions = ['citext']\ncreate-extensions = true",
        2,
    ),
    ("enums", "[enums]\nmood = ['ok']", 3),
];

#[test]
fn keys_that_make_structure_are_refused_with_their_line() {
    let mut desk = Desk::of_sql(
        &servers()[0],
        "CREATE TABLE t (id integer, a text)",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'x')",
    );
    for (key, lines, line) in STRUCTURE {
        for mode in [&["--mode", "fill"][..], &["--data-only"]] {
            let map = desk.map(lines);
            let mut import = crate::support::program::command("waybill-import");
            import.args(mode).args(["--json", "--map", &map]);
            import.arg(&desk.archive).arg(&desk.uri);
            let result = Ran::of(import).exits(2).json();
            let error = result["error"].to_string();
            assert!(
                error.contains(&format!("`{key}` makes structure")),
                "{error}"
            );
            assert!(error.contains(&format!("m.toml:{line}:")), "{key}: {error}");
            assert!(error.contains("migrations own the structure"), "{error}");
        }
    }
    let both = "create-extensions = true\n[tables.t.columns.a]\ntype = 'text'";
    let error = desk.mapped(both, &[]).exits(2).json()["error"].to_string();
    assert!(
        error.contains("`create-extensions` makes structure"),
        "{error}"
    );
    assert_eq!(desk.ask("SELECT count(*) FROM t"), "0");
}

#[test]
fn a_conversion_that_the_column_cannot_have_is_refused_with_its_line() {
    let mut desk = Desk::of_sql(
        &servers()[0],
        "CREATE TABLE t (id integer PRIMARY KEY, a varchar(3), b jsonb)",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b)",
    );
    for (lines, message) in [
        (
            "[tables.t.columns.a]\nepoch = 'seconds'",
            "`epoch` gives no value of type character varying(3)",
        ),
        (
            "[tables.t.columns.a]\nread = 'cell'",
            "`read = \\\"cell\\\"` gives no value of type character varying(3)",
        ),
        (
            "[tables.t.columns.b]\nvalues = { a = 'b' }",
            "`values` gives no value of type jsonb",
        ),
        (
            "[tables.t.columns.none]\nnull-if = ['']",
            "the table `t` has no column `none`",
        ),
    ] {
        let error = desk.mapped(lines, &[]).exits(2).json()["error"].to_string();
        assert!(error.contains(message), "{error}");
        assert!(error.contains("m.toml:2:"), "{error}");
    }
    desk.assert_tidy();
}

#[test]
fn converted_values_that_do_not_fit_are_all_listed_and_nothing_is_written() {
    for server in servers() {
        let mut desk = Desk::of_sql(
            server,
            "CREATE TYPE mood AS ENUM ('ok');
             CREATE TABLE t (id integer PRIMARY KEY, at timestamptz(0), due timestamptz(0), small smallint, price numeric(4,1),
                             feeling mood, code varchar(2) NOT NULL, flag boolean, local timestamptz, f real, tag char(3))",
            "CREATE TABLE t (id INTEGER PRIMARY KEY, at, due, small, price, feeling, code, flag, local, f, tag);
             INSERT INTO t (id, code) VALUES (1, ''), (2, 'äö'), (3, NULL), (4, 'abc');
             INSERT INTO t (id, code, at, due) VALUES (5, 'x', 1.5, 1), (6, 'x', 'soon', 2), (7, 'x', 3, '2024-01-01 00:00:00.25');
             INSERT INTO t (id, code, small, price) VALUES (8, 'x', 32768, 1.25), (9, 'x', '', 1000), (10, 'x', '-7', '2.50');
             INSERT INTO t (id, code, feeling, flag) VALUES (11, 'x', 'gut', 'ja'), (12, 'x', 'ok', 'maybe'), (13, 'x', 'bad', NULL);
             INSERT INTO t (id, code, local) VALUES (14, 'x', '2024-03-31 02:30:00');
             INSERT INTO t (id, code, f, tag) VALUES (15, 'x', 0.1, 'a '), (16, 'x', '', 'abcd')",
        );
        let rules = "
[tables.t.columns.at]
epoch = 'seconds'
[tables.t.columns.due]
null-if = ['1', '']
[tables.t.columns.small]
null-if = ['']
[tables.t.columns.price]
null-if = ['']
[tables.t.columns.feeling]
values = { gut = 'ok', bad = 'sad' }
[tables.t.columns.code]
null-if = ['']
[tables.t.columns.flag]
true = ['ja']
[tables.t.columns.local]
zone = 'Europe/Berlin'
[tables.t.columns.f]
null-if = ['']
[tables.t.columns.tag]
null-if = ['']
";
        let result = desk.mapped(rules, &[]).exits(4).json();
        assert_eq!(
            findings(&result, "error"),
            [
                "value-refused t at 2: id=5",
                "not-null-violated t code 2: id=1",
                "value-refused t code 1: id=4",
                "value-refused t due 3: id=5",
                "value-refused t f 1: id=15",
                "value-refused t feeling 1: id=13",
                "value-refused t flag 1: id=12",
                "value-refused t local 1: id=14",
                "value-refused t price 2: id=8",
                "value-refused t small 1: id=8",
                "value-refused t tag 2: id=15",
            ]
        );
        for finding in result["findings"].as_array().unwrap() {
            let hint = finding["hint"].as_str().unwrap_or_default();
            assert!(!hint.contains("another type"), "{finding}");
        }
        assert_eq!(desk.ask("SELECT count(*) FROM t"), "0");
        desk.assert_tidy();
    }
}

#[test]
fn rows_that_become_equal_in_a_key_are_listed_by_the_key_of_the_source() {
    for server in servers() {
        let mut desk = Desk::of_sql(
            server,
            "CREATE TABLE t (token uuid PRIMARY KEY, label text)",
            "CREATE TABLE t (id INTEGER PRIMARY KEY, token TEXT, label TEXT);
             INSERT INTO t VALUES (1, '0123456789abcdef0123456789abcdef', 'a'), (2, '01234567-89ab-cdef-0123-456789abcdef', 'b'),
                                  (3, '11234567-89ab-cdef-0123-456789abcdef', 'c')",
        );
        let rules = "[tables.t.columns.id]\ndrop = true\n[tables.t.columns.token]\nread = 'uuid'";
        let result = desk.mapped(rules, &[]).exits(4).json();
        assert_eq!(findings(&result, "error"), ["key-duplicate t 2: id=1"]);
        let shown = &result["tables"][0]["columns"][0];
        assert!(
            shown
                .get("target_type")
                .is_none_or(serde_json::Value::is_null),
            "{shown}"
        );
        assert_eq!(desk.ask("SELECT count(*) FROM t"), "0");
        desk.assert_tidy();
    }
}

#[test]
fn names_that_the_target_does_not_have_are_listed_with_their_place() {
    let mut desk = Desk::of_sql(
        &servers()[0],
        "CREATE TABLE one (a text, b text NOT NULL); CREATE TABLE two (a text)",
        "CREATE TABLE one (a, b); CREATE TABLE two (a); CREATE TABLE three (a)",
    );
    let rules = "[tables.one.columns.a]
name = 'none'
[tables.one.columns.b]
drop = true
[tables.two]
name = 'nowhere'
[tables.three]
name = 'one'
";
    let result = desk.mapped(rules, &[]).exits(4).json();
    assert_eq!(
        findings(&result, "error"),
        [
            "target-column-missing one a 1: ",
            "target-column-unfilled one b 1: ",
            "target-table-missing three 1: ",
            "target-table-missing two 1: ",
        ]
    );
    let text = result["findings"].to_string();
    assert!(text.contains("no such column, as "), "{text}");
    assert!(text.contains("m.toml:3:8 names it"), "{text}");
    assert!(text.contains("has no table `nowhere`, as "), "{text}");
    assert!(text.contains("m.toml:7:8 names it"), "{text}");
    desk.assert_tidy();
}

#[test]
fn the_operators_own_sql_runs_before_and_within_the_switch() {
    for server in servers() {
        let mut desk = Desk::of_sql(
            server,
            "CREATE TABLE t (a text); CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM t",
            "CREATE TABLE t (a); INSERT INTO t VALUES ('x'), ('y')",
        );
        let beside = |name: &str, sql: &str| {
            std::fs::write(desk.archive.with_file_name(name), sql).unwrap();
        };
        beside("before.sql", "CREATE TABLE IF NOT EXISTS seen (a text)");
        beside(
            "after.sql",
            "REFRESH MATERIALIZED VIEW counted; SELECT nonsense",
        );
        let rules =
            "before = 'before.sql'\nafter = 'after.sql'\ninto-schema = 'public'\nnames = 'fold'";
        let result = desk.mapped(rules, &[]).exits(1).json();
        assert_eq!(result["error"]["code"], "script-failed");
        beside(
            "after.sql",
            "REFRESH MATERIALIZED VIEW counted; INSERT INTO seen VALUES ('done')",
        );
        assert_eq!(desk.ask("SELECT count(*) FROM t"), "0");
        desk.mapped(rules, &[]).exits(0);
        assert_eq!(desk.ask("SELECT * FROM counted, seen"), "2|done");
        desk.assert_tidy();
    }
}

#[test]
fn the_example_of_the_page_is_imported() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/mapping.md");
    let page = std::fs::read_to_string(page).unwrap();
    let blocks = |language: &str| -> Vec<String> {
        let begin = format!("\n```{language}\n");
        let blocks = page.split(begin.as_str()).skip(1);
        let ended = blocks.map(|rest| rest.split("\n```").next().unwrap().to_owned());
        ended.collect()
    };
    let [migrations, rules] = blocks("text").try_into().unwrap();
    let rules = rules.strip_prefix("waybill-mapping = 1\n").unwrap();
    for server in servers() {
        let mut desk = Desk::of_sql(server, &migrations, &blocks("sql").concat());
        desk.mapped(rules, &[]).exits(0);
        desk.client.batch_execute("SET timezone = 'UTC'").unwrap();
        let rows =
            "SELECT full_name, born, vip, token, status, placed, shipped, total, details, note
                    FROM users JOIN orders ON customer_id = users.id ORDER BY orders.id";
        assert_eq!(
            desk.ask(rows),
            "Ann|1990-01-31|t|01234567-89ab-cdef-0123-456789abcdef|CONFIRMED|2023-11-14 22:13:20+00|2024-07-01 10:00:00+00|19.50|{\"gift\": true}|a
Bob|~|f|~|NEW|2023-11-14 22:13:21+00|~|5.00|~|b"
        );
    }
}
