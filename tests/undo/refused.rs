//! What keeps a merge from being undone, and what is asked before.

use super::{findings, state, undo};
use crate::fill::desk::Desk;
use crate::support::postgres::{server, servers};

const TARGET: &str = "CREATE TABLE t (id integer PRIMARY KEY, a text);
    CREATE TABLE log (id integer, what text);
    INSERT INTO t SELECT n, 'old' FROM generate_series(1, 10) AS n;";
const SOURCE: &str = "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT);
    WITH RECURSIVE n(i) AS (SELECT 6 UNION ALL SELECT i + 1 FROM n WHERE i < 20)
    INSERT INTO t SELECT i, 'new' FROM n;";
const UPDATE: [&str; 2] = ["--on-conflict", "update"];

/// A desk whose merge has updated 6 to 10 and inserted 11 to 20.
fn merged(server: &crate::support::postgres::Server) -> (Desk, String, String) {
    let mut desk = Desk::of_sql(server, TARGET, SOURCE);
    let before = state(server, &mut desk);
    desk.merge(&UPDATE).exits(0);
    let after = state(server, &mut desk);
    (desk, before, after)
}

#[test]
fn rows_that_changed_since_are_named_and_what_the_undo_takes_away_is_kept() {
    for server in servers() {
        let (mut desk, before, _) = merged(server);
        desk.client
            .batch_execute(
                "UPDATE t SET a = 'mine' WHERE id IN (7, 12); DELETE FROM t WHERE id IN (8, 13);
                 UPDATE t SET a = 'own' WHERE id = 1; INSERT INTO t VALUES (100, 'own')",
            )
            .unwrap();
        let changed = state(server, &mut desk);
        for arguments in [&["--no-input"][..], &["--dry-run"]] {
            let refused = undo(&desk, arguments).exits(4).json();
            assert_eq!(
                findings(&refused),
                [
                    "t 2 rows that the run has written are gone since: id=13; id=8",
                    "t 2 rows that the run has written were changed since: id=12; id=7"
                ]
            );
            assert_eq!(state(server, &mut desk), changed);
        }
        undo(&desk, &["--yes"]).exits(0);
        // Rows that the merge has not written are nobody's business.
        desk.client
            .batch_execute("UPDATE t SET a = 'old' WHERE id = 1; DELETE FROM t WHERE id = 100")
            .unwrap();
        assert_eq!(state(server, &mut desk), before);
        desk.client
            .batch_execute("UPDATE t SET a = 'own' WHERE id = 1; INSERT INTO t VALUES (100, 'own')")
            .unwrap();
        undo(&desk, &[]).exits(0);
        assert_eq!(state(server, &mut desk), changed);
    }
}

#[test]
fn rows_with_the_keys_of_those_that_come_back_are_named_and_kept() {
    let (mut desk, _, merged) = merged(server());
    undo(&desk, &[]).exits(0);
    desk.client
        .batch_execute("INSERT INTO t VALUES (15, 'mine')")
        .unwrap();
    let changed = state(server(), &mut desk);
    let refused = undo(&desk, &["--no-input"]).exits(4).json();
    assert_eq!(
        findings(&refused),
        ["t 1 rows with the keys of those that come back are new since: id=15"]
    );
    undo(&desk, &["--yes"]).exits(0);
    assert_eq!(state(server(), &mut desk), merged);
    undo(&desk, &[]).exits(0);
    assert_eq!(state(server(), &mut desk), changed);
}

#[test]
fn rows_of_other_tables_that_refer_to_what_would_go_are_named_and_never_taken_along() {
    for server in servers() {
        for action in ["CASCADE", "SET NULL", "NO ACTION", "RESTRICT"] {
            let (mut desk, before, _) = merged(server);
            desk.client
                .batch_execute(&format!(
                    "ALTER TABLE log ADD CONSTRAINT about FOREIGN KEY (id) REFERENCES t ON DELETE {action};
                     INSERT INTO log VALUES (12, 'x'), (12, 'y'), (14, 'z'), (7, 'stays'), (NULL, 'n')"
                ))
                .unwrap();
            let now = state(server, &mut desk);
            for arguments in [&["--yes"][..], &["--dry-run"], &["--assume-unchanged"]] {
                let refused = undo(&desk, arguments).exits(4).json();
                assert_eq!(refused["error"]["code"], "target-dependent");
                assert_eq!(
                    refused["error"]["what"],
                    "rows of public.log refer by the foreign key `about` to rows that would be removed"
                );
                assert_eq!(refused["error"]["why"][0], "2 in all, such as id=12; id=14");
                assert_eq!(state(server, &mut desk), now);
            }
            desk.client
                .batch_execute("DELETE FROM log WHERE id > 10")
                .unwrap();
            undo(&desk, &[]).exits(0);
            assert_eq!(desk.ask("SELECT id FROM log WHERE what = 'stays'"), "7");
            desk.client
                .batch_execute("DELETE FROM log; ALTER TABLE log DROP CONSTRAINT about")
                .unwrap();
            assert_eq!(state(server, &mut desk), before);
        }
    }
}

/// An undo gave a row its old value back that rows of the application's had come to refer to, and ON UPDATE
/// changed those in silence. Now they are named.
#[test]
fn rows_that_would_follow_a_value_that_comes_back_are_named_and_never_changed() {
    for server in servers() {
        for action in ["CASCADE", "SET NULL", "SET DEFAULT"] {
            let mut desk = Desk::of_sql(
                server,
                &format!(
                    "CREATE TABLE t (id integer PRIMARY KEY, a text UNIQUE);
                     CREATE TABLE log (a text DEFAULT 'c' CONSTRAINT about REFERENCES t (a) ON UPDATE {action});
                     INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')"
                ),
                "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT); INSERT INTO t VALUES (1, 'x'), (2, 'b');",
            );
            let before = state(server, &mut desk);
            desk.merge(&UPDATE).exits(0);
            desk.client
                .batch_execute("INSERT INTO log VALUES ('x'), ('b')")
                .unwrap();
            let now = state(server, &mut desk);
            for arguments in [&["--yes"][..], &["--dry-run"], &["--assume-unchanged"]] {
                let refused = undo(&desk, arguments).exits(4).json();
                assert_eq!(refused["error"]["code"], "target-dependent");
                assert_eq!(refused["error"]["why"][0], "1 in all, such as id=1");
                assert_eq!(state(server, &mut desk), now);
            }
            desk.client
                .batch_execute("DELETE FROM log WHERE a = 'x'")
                .unwrap();
            undo(&desk, &[]).exits(0);
            assert_eq!(desk.ask("SELECT a FROM log"), "b");
            desk.client.batch_execute("DELETE FROM log").unwrap();
            assert_eq!(state(server, &mut desk), before);
        }
    }
}

/// An undo removed rows of a partition, and with them those of another table whose foreign key pointed at
/// that partition and not at the whole table. Now they are named like others.
#[test]
fn rows_that_refer_to_a_partition_are_named_and_never_taken_along() {
    for server in servers() {
        for action in ["CASCADE", "SET NULL"] {
            let mut desk = Desk::of_sql(
                server,
                &format!(
                    "CREATE TABLE t (id integer PRIMARY KEY, a text) PARTITION BY RANGE (id);
                     CREATE TABLE t_low PARTITION OF t FOR VALUES FROM (0) TO (100);
                     CREATE TABLE log (id integer CONSTRAINT about REFERENCES t_low ON DELETE {action})"
                ),
                SOURCE,
            );
            desk.merge(&UPDATE).exits(0);
            desk.client
                .batch_execute("INSERT INTO log VALUES (12)")
                .unwrap();
            let refused = undo(&desk, &["--yes"]).exits(4).json();
            assert_eq!(refused["error"]["code"], "target-dependent");
            assert_eq!(refused["error"]["why"][0], "1 in all, such as id=12");
            assert_eq!(desk.ask("SELECT id FROM log"), "12");
        }
    }
}

#[test]
fn a_trigger_that_changes_rows_on_their_way_rolls_the_undo_back() {
    for what in ["NEW.a := upper(NEW.a); RETURN NEW", "RETURN NULL"] {
        let (mut desk, _, _) = merged(server());
        desk.client
            .batch_execute(&format!(
                "CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {what}; END $$;
                 CREATE TRIGGER meddle BEFORE UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION meddle()"
            ))
            .unwrap();
        let now = state(server(), &mut desk);
        let refused = undo(&desk, &[]).exits(1).json();
        assert_eq!(refused["error"]["code"], "content-differs");
        assert_eq!(refused["error"]["where"]["table"], "t");
        assert_eq!(state(server(), &mut desk), now);
        desk.client
            .batch_execute("ALTER TABLE t DISABLE TRIGGER meddle")
            .unwrap();
        undo(&desk, &[]).exits(0);
    }
}

/// A dry undo said that all was well where the role could not remove a row, and the undo itself did not say
/// what was missing.
#[test]
fn rights_that_an_undo_needs_are_named_before_it() {
    for server in servers() {
        let mut desk = Desk::of_sql(server, TARGET, SOURCE);
        let database = desk.ask("SELECT current_database()");
        desk.client
            .batch_execute(&format!(
                "DO $$ BEGIN CREATE ROLE merger LOGIN PASSWORD 'merger'; EXCEPTION WHEN duplicate_object THEN END $$;
                 GRANT CREATE ON DATABASE {database} TO merger;
                 GRANT SELECT, INSERT, UPDATE, TRUNCATE ON t TO merger"
            ))
            .unwrap();
        let before = state(server, &mut desk);
        let owner = desk.uri.clone();
        desk.uri = format!(
            "postgresql://merger:merger@127.0.0.1:{}/{database}",
            server.port
        );
        desk.merge(&UPDATE).exits(0);
        for arguments in [&["--dry-run"][..], &[]] {
            let refused = undo(&desk, arguments).exits(4).json();
            assert_eq!(refused["error"]["code"], "right-missing");
            assert_eq!(refused["error"]["where"]["table"], "t");
            assert_eq!(
                refused["error"]["help"],
                "GRANT DELETE ON \"public\".\"t\" TO \"merger\""
            );
        }
        desk.client
            .batch_execute("GRANT DELETE ON t TO merger")
            .unwrap();
        undo(&desk, &["--dry-run"]).exits(0);
        undo(&desk, &[]).exits(0);
        desk.uri = owner;
        desk.client
            .batch_execute("REVOKE DELETE ON t FROM merger")
            .unwrap();
        assert_eq!(state(server, &mut desk), before);
    }
}

#[test]
fn a_table_that_is_no_longer_the_same_is_left_alone() {
    for (change, what) in [
        (
            "ALTER TABLE t ADD COLUMN b text",
            "the table has got other columns since: its rows of that time do not fit into it",
        ),
        (
            "ALTER TABLE t DROP COLUMN a",
            "the table has got other columns since: its rows of that time do not fit into it",
        ),
        (
            "ALTER TABLE t DROP CONSTRAINT t_pkey",
            "the key `t_pkey`, by which its rows are found, is gone",
        ),
        (
            "ALTER TABLE t RENAME TO u",
            "the table is no longer where the run has found it: it is public.u now",
        ),
        (
            "DROP TABLE t",
            "the table into which the run has written is gone",
        ),
    ] {
        let (mut desk, _, _) = merged(server());
        desk.client.batch_execute(change).unwrap();
        let now = state(server(), &mut desk);
        let refused = undo(&desk, &["--yes"]).exits(4).json();
        assert_eq!(refused["error"]["what"], what);
        assert_eq!(state(server(), &mut desk), now);
    }
}

#[test]
fn a_backup_that_somebody_has_changed_is_not_brought_back_unasked() {
    let (mut desk, _, _) = merged(server());
    let backup = desk.ask("SELECT backup_schema FROM waybill.runs");
    desk.client
        .batch_execute(&format!("DELETE FROM {backup}.t WHERE id = 6"))
        .unwrap();
    let refused = undo(&desk, &["--no-input"]).exits(4).json();
    assert_eq!(
        findings(&refused),
        ["t 1 its backup was changed: it has 14 rows, and 15 were put there: "]
    );
}
