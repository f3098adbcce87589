//! A merge taken back, and brought back again.

use super::{runs, state, undo};
use crate::fill::desk::Desk;
use crate::support::postgres::servers;

/// Two tables that refer to each other, and one whose rows are told apart by more than they look like.
const TARGET: &str = "CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    CREATE DOMAIN label AS varchar(40) NOT NULL CHECK (length(VALUE) > 0);
    CREATE TABLE team (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name label, leader bigint,
                       shout text GENERATED ALWAYS AS (upper(name)) STORED, waybill_action text DEFAULT 'own');
    CREATE TABLE member (id bigserial PRIMARY KEY, team integer NOT NULL REFERENCES team, email varchar(80) UNIQUE,
                         score double precision, price numeric(12,4), extra json, raw bytea, code char(6));
    ALTER TABLE team ADD FOREIGN KEY (leader) REFERENCES member;
    CREATE TABLE word (word text COLLATE caseless PRIMARY KEY, meaning text);
    CREATE TABLE place (x integer, y integer, note text);
    CREATE UNIQUE INDEX place_xy ON place (x, y);
    INSERT INTO team (name) SELECT 'team ' || n FROM generate_series(1, 20) AS n;
    INSERT INTO member (team, email, score, price, extra, raw, code)
        SELECT 1 + n % 20, 'm' || n || '@example.com', -0.0, n * 1.10, '{\"b\": 1,  \"a\": 2}', '\\x00ff', 'a'
        FROM generate_series(1, 200) AS n;
    UPDATE team SET leader = id;
    INSERT INTO word VALUES ('one', 'eins'), ('two', 'zwei');
    INSERT INTO place VALUES (1, 1, 'here'), (1, 2, 'there');";
const SOURCE: &str = "CREATE TABLE team(id INTEGER PRIMARY KEY, name TEXT, leader INTEGER);
    CREATE TABLE member(id INTEGER PRIMARY KEY, team INTEGER, email TEXT, score REAL, price NUMERIC, extra TEXT);
    CREATE TABLE word(word TEXT PRIMARY KEY, meaning TEXT);
    CREATE TABLE place(x INTEGER, y INTEGER, note TEXT, PRIMARY KEY (x, y));
    WITH RECURSIVE n(i) AS (SELECT 11 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
    INSERT INTO team SELECT i, 'squad ' || i, i + 180 FROM n;
    WITH RECURSIVE n(i) AS (SELECT 151 UNION ALL SELECT i + 1 FROM n WHERE i < 400)
    INSERT INTO member SELECT i, 11 + i % 30, 'm' || i || '@example.com', i / 3.0, i, '{\"a\": 1}' FROM n;
    INSERT INTO word VALUES ('ONE', 'un'), ('three', 'trois');
    INSERT INTO place VALUES (1, 1, 'elsewhere'), (2, 2, 'new');";
const UPDATE: [&str; 4] = ["--on-conflict", "update", "--on-key", "place=x,y"];

#[test]
fn an_undone_merge_leaves_what_was_there_and_comes_back_when_that_is_undone() {
    for server in servers() {
        let mut desk = Desk::of_sql(server, TARGET, SOURCE);
        let before = state(server, &mut desk);
        desk.merge(&UPDATE).exits(0);
        let merged = state(server, &mut desk);
        assert_ne!(before, merged);
        assert_eq!(runs(&desk), "merge current true");

        undo(&desk, &["--dry-run"]).exits(0);
        assert_eq!(state(server, &mut desk), merged);
        undo(&desk, &[]).exits(0);
        assert_eq!(state(server, &mut desk), before);
        assert_eq!(runs(&desk), "merge undone false\nundo current true");

        // And on: what is brought back can be taken back by the run that had brought it first.
        undo(&desk, &[]).exits(0);
        assert_eq!(state(server, &mut desk), merged);
        assert_eq!(
            runs(&desk),
            "merge current true\nundo undone false\nundo current true"
        );
        let first = desk.ask("SELECT run FROM waybill.runs ORDER BY run LIMIT 1");
        let mut by_name = super::history(&desk, "undo", &[]);
        by_name.arg(&first);
        crate::support::program::Ran::of(by_name).exits(0);
        assert_eq!(state(server, &mut desk), before);
        undo(&desk, &[]).exits(0);
        undo(&desk, &[]).exits(0);
        assert_eq!(state(server, &mut desk), before);

        // The merge finds the same again.
        desk.merge(&UPDATE).exits(0);
        assert_eq!(state(server, &mut desk), merged);
        undo(&desk, &[]).exits(0);
        assert_eq!(state(server, &mut desk), before);
        desk.assert_tidy();
    }
}

#[test]
fn the_printed_script_does_what_the_undo_does() {
    for server in servers() {
        let mut desk = Desk::of_sql(server, TARGET, SOURCE);
        let before = state(server, &mut desk);
        desk.merge(&UPDATE).exits(0);
        let mut print = crate::support::program::command("waybill-import");
        print.args(["undo", "--print-sql"]).arg(&desk.uri);
        let script = crate::support::program::Ran::of(print).exits(0).stdout();
        desk.client.batch_execute(&script).unwrap();
        assert_eq!(state(server, &mut desk), before);
    }
}

/// The undo of 30,000 rows took minutes where foreign keys to them had no index: the server read the whole
/// table for each row that went. Now there is one for the time of the undo.
#[test]
fn rows_that_refer_are_not_looked_for_one_by_one() {
    let source = "CREATE TABLE parent(id INTEGER PRIMARY KEY, up INTEGER);
        CREATE TABLE child(id INTEGER PRIMARY KEY, parent INTEGER);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
        INSERT INTO parent SELECT i, max(i - 1, 1) FROM n;
        INSERT INTO child SELECT id, id FROM parent;";
    let target = "CREATE TABLE parent(id integer PRIMARY KEY, up integer REFERENCES parent);
        CREATE TABLE child(id integer PRIMARY KEY, parent integer REFERENCES parent);";
    for server in servers() {
        for mode in ["fill", "merge"] {
            let mut desk = Desk::of_sql(server, target, source);
            if mode == "merge" {
                desk.client
                    .batch_execute("INSERT INTO parent VALUES (1, 1), (2, 2)")
                    .unwrap();
            }
            let before = state(server, &mut desk);
            let done = match mode {
                "fill" => desk.fill(&[]),
                _ => desk.merge(&["--on-conflict", "update"]),
            };
            done.exits(0);
            let filled = state(server, &mut desk);
            let mut print = crate::support::program::command("waybill-import");
            print.args(["undo", "--print-sql"]).arg(&desk.uri);
            let script = crate::support::program::Ran::of(print).exits(0).stdout();
            assert_eq!(script.matches("CREATE INDEX").count(), 2, "{script}");
            assert_eq!(script.matches("DROP INDEX").count(), 2, "{script}");
            undo(&desk, &[]).exits(0);
            assert_eq!(state(server, &mut desk), before);
            undo(&desk, &[]).exits(0);
            assert_eq!(state(server, &mut desk), filled);
            desk.client
                .batch_execute("CREATE INDEX ON parent (up); CREATE INDEX ON child (parent, id)")
                .unwrap();
            let mut print = crate::support::program::command("waybill-import");
            print.args(["undo", "--print-sql"]).arg(&desk.uri);
            let script = crate::support::program::Ran::of(print).exits(0).stdout();
            assert!(!script.contains("CREATE INDEX"), "{script}");
        }
    }
}

#[test]
fn a_merge_that_skips_takes_back_only_what_it_has_inserted() {
    for server in servers() {
        let mut desk = Desk::of_sql(server, TARGET, SOURCE);
        let before = state(server, &mut desk);
        desk.merge(&["--on-conflict", "skip", "--on-key", "place=x,y"])
            .exits(0);
        assert_ne!(state(server, &mut desk), before);
        undo(&desk, &[]).exits(0);
        assert_eq!(state(server, &mut desk), before);
    }
}

#[test]
fn an_idle_merge_has_nothing_to_undo() {
    let server = crate::support::postgres::server();
    let mut desk = Desk::of_sql(server, TARGET, SOURCE);
    desk.merge(&UPDATE).exits(0);
    let merged = state(server, &mut desk);
    let idle = desk.merge(&UPDATE).exits(0).json();
    assert_eq!(idle["merged"]["inserted"], 0);
    let refused = undo(&desk, &[]).exits(4).json();
    assert_eq!(refused["error"]["code"], "run-missing");
    assert_eq!(state(server, &mut desk), merged);
    assert_eq!(runs(&desk), "merge current true\nmerge current false");
}
