//! Killed at any moment, or raced by the application: all rows or none.

use super::desk::Desk;
use crate::support::postgres::{server, servers};
use crate::support::program::command;
use std::time::Instant;

/// Moments at which the import is killed.
const KILLS: u32 = 20;

const SOURCE: &str = "CREATE TABLE parent(id INTEGER PRIMARY KEY, name TEXT NOT NULL);
    CREATE TABLE child(id INTEGER PRIMARY KEY, parent INTEGER, note TEXT, amount REAL);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
    INSERT INTO parent SELECT i, 'parent number ' || i FROM n;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)
    INSERT INTO child SELECT i, 1 + i % 5000, hex(i * 7919) || ' some words', i / 7.0 FROM n;";
const TARGET: &str =
    "CREATE TABLE parent(id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name varchar(80) NOT NULL);
     CREATE TABLE child(id serial PRIMARY KEY, parent integer NOT NULL REFERENCES parent, note text,
                        amount double precision, key bigserial);";
/// What `STATE` gives when all rows are in.
const FILLED: &str = "5000|40000|5001false|40001false|40000true|0";
/// Everything that an interrupted import could have changed.
const STATE: &str = "SELECT (SELECT count(*) FROM parent), (SELECT count(*) FROM child),
    (SELECT last_value || is_called::text FROM parent_id_seq), (SELECT last_value || is_called::text FROM child_id_seq),
    (SELECT last_value || is_called::text FROM child_key_seq),
    (SELECT count(*) FROM pg_constraint WHERE condeferrable)";

#[test]
fn a_killed_fill_leaves_the_tables_as_they_were() {
    let mut desk = Desk::of_sql(server(), TARGET, SOURCE);
    let before = desk.ask(STATE);
    let whole = {
        let other = Desk::of_sql(server(), TARGET, SOURCE);
        let begin = Instant::now();
        other.fill(&[]).exits(0);
        begin.elapsed()
    };
    let mut interrupted = 0;
    for kill in 1..=KILLS {
        let moment = whole.mul_f64((f64::from(kill) * 0.618_033_988_75).fract());
        let mut import = command("waybill-import");
        import
            .args(["--mode", "fill", "--new-run"])
            .arg(&desk.archive)
            .arg(&desk.uri);
        desk.kill_after(import, moment);
        let state = desk.ask(STATE);
        if state == before {
            interrupted += 1;
        } else {
            assert_eq!(state, FILLED, "killed after {moment:?}");
            desk.client
                .batch_execute("TRUNCATE parent, child RESTART IDENTITY")
                .unwrap();
        }
    }
    assert!(interrupted > 0, "no moment was early enough");
    desk.fill(&[]).exits(0);
    assert_eq!(desk.ask(STATE), FILLED);
    desk.assert_tidy();
}

#[test]
fn a_trigger_that_changes_rows_afterwards_rolls_everything_back() {
    for server in servers() {
        let mut desk = Desk::of_sql(server, TARGET, SOURCE);
        desk.client
            .batch_execute(
                "CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS
                   $$ BEGIN UPDATE parent SET name = upper(name) WHERE id = 7; RETURN NULL; END $$;
                 CREATE TRIGGER tidy AFTER INSERT ON child FOR EACH STATEMENT EXECUTE FUNCTION tidy();",
            )
            .unwrap();
        let before = desk.ask(STATE);
        let result = desk.fill(&[]).exits(1).json();
        assert_eq!(result["error"]["code"], "content-differs");
        assert_eq!(result["error"]["where"]["table"], "parent");
        assert_eq!(result["error"]["where"]["column"], "name");
        assert_eq!(desk.ask(STATE), before);
        desk.assert_tidy();
    }
}

#[test]
fn a_table_that_is_busy_is_waited_for_and_then_given_up() {
    let mut desk = Desk::of_sql(server(), TARGET, SOURCE);
    let before = desk.ask(STATE);
    desk.client
        .batch_execute("BEGIN; LOCK TABLE parent IN ROW EXCLUSIVE MODE")
        .unwrap();
    let result = desk.fill(&["--lock-wait-timeout", "1"]).exits(5).json();
    assert_eq!(result["error"]["code"], "lock-timeout");
    desk.client.batch_execute("COMMIT").unwrap();
    assert_eq!(desk.ask(STATE), before);
    desk.fill(&[]).exits(0);
}

/// The first error of a refused import: code, column, advice.
fn first_error(result: &serde_json::Value) -> [String; 3] {
    let mut all = result["findings"].as_array().unwrap().iter();
    let error = all.find(|finding| finding["severity"] == "error").unwrap();
    [&error["code"], &error["object"]["column"], &error["hint"]]
        .map(|word| word.as_str().unwrap_or_default().to_owned())
}

#[test]
fn ordinary_rights_suffice_for_the_owner_and_for_one_who_may_insert() {
    for server in servers() {
        let mut desk = Desk::of_sql(server, TARGET, SOURCE);
        let database = desk.ask("SELECT current_database()");
        desk.client
            .batch_execute(&format!(
                "DO $$ BEGIN CREATE ROLE filler LOGIN PASSWORD 'filler'; EXCEPTION WHEN duplicate_object THEN END $$;
                 GRANT CREATE ON DATABASE {database} TO filler"
            ))
            .unwrap();
        let uri = format!(
            "postgresql://filler:filler@127.0.0.1:{}/{database}",
            server.port
        );
        let [code, _, hint] = first_error(&desk.fill_as(&uri, &[]).exits(4).json());
        assert_eq!(code, "right-missing");
        assert_eq!(
            hint,
            "GRANT SELECT, INSERT, TRUNCATE ON \"public\".\"child\" TO \"filler\""
        );
        desk.client
            .batch_execute("GRANT SELECT, INSERT, TRUNCATE ON parent, child TO filler; GRANT USAGE ON child_key_seq TO filler")
            .unwrap();
        let [code, column, _] = first_error(&desk.fill_as(&uri, &[]).exits(4).json());
        assert_eq!([code, column], ["right-missing", "id"]);
        desk.client
            .batch_execute("GRANT SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA public TO filler")
            .unwrap();
        // No rollback takes back what is done to a sequence of another role: a failure comes before.
        let folder = tempfile::tempdir().unwrap();
        let map = folder.path().join("map.toml");
        std::fs::write(&map, "waybill-mapping = 1\nafter = \"fails.sql\"\n").unwrap();
        std::fs::write(folder.path().join("fails.sql"), "SELECT 1 / 0").unwrap();
        let numbers = "SELECT parent.last_value, child.last_value FROM parent_id_seq AS parent, child_id_seq AS child";
        let before = desk.ask(numbers);
        let map = ["--map", map.to_str().unwrap()];
        let failed = desk.fill_as(&uri, &map).exits(1).json();
        assert_eq!(failed["error"]["code"], "script-failed");
        assert_eq!(desk.ask(numbers), before);
        // What defaults have taken is gone with it, as after any ROLLBACK.
        desk.client
            .batch_execute("ALTER SEQUENCE child_key_seq RESTART")
            .unwrap();
        desk.fill_as(&uri, &[]).exits(0);
        assert_ne!(desk.ask(numbers), before);
        assert_eq!(desk.ask(STATE), FILLED);
        desk.client
            .batch_execute(
                "TRUNCATE parent, child RESTART IDENTITY; REVOKE ALL ON parent, child FROM filler;
                 ALTER TABLE parent OWNER TO filler; ALTER TABLE child OWNER TO filler",
            )
            .unwrap();
        desk.fill_as(&uri, &["--new-run"]).exits(0);
        assert_eq!(desk.ask(STATE), FILLED);
    }
}
