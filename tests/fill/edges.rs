//! Corners of the target: odd defaults and sequences, settings of the role, partitions elsewhere,
//! values whose written form decides.

use super::desk::{Desk, findings};
use crate::support::postgres::servers;

#[test]
fn a_sequence_behind_a_column_of_another_type_is_no_obstacle() {
    for server in servers() {
        let mut desk = Desk::of_sql(
            server,
            "CREATE SEQUENCE s START 5;
             CREATE TABLE t (code text DEFAULT 'A' || nextval('s'), id uuid DEFAULT md5(nextval('s')::text)::uuid,
                             at timestamp DEFAULT to_timestamp(nextval('s')))",
            "CREATE TABLE t (code, id, at);
             INSERT INTO t VALUES ('A1', '6f9619ff-8b86-d011-b42d-00c04fc964ff', '2024-01-01 00:00:00'), ('abc', NULL, NULL)",
        );
        desk.fill(&[]).exits(0);
        assert_eq!(desk.ask("SELECT string_agg(code, ',') FROM t"), "A1,abc");
        assert_eq!(desk.ask("SELECT nextval('s')"), "5");
        desk.assert_tidy();
    }
}

#[test]
fn a_sequence_goes_on_behind_numbers_of_every_type() {
    for server in servers() {
        let mut desk = Desk::of_sql(
            server,
            "CREATE SEQUENCE scaled; CREATE SEQUENCE plain; CREATE SEQUENCE floating;
             CREATE TABLE t (scaled numeric(10,2) DEFAULT nextval('scaled'), plain numeric DEFAULT nextval('plain'),
                             floating double precision DEFAULT nextval('floating'))",
            "CREATE TABLE t (scaled, plain, floating);
             INSERT INTO t VALUES (1, 1.0, 1.0), (7, 7.5, 7.5), (NULL, 1e30, 9e999)",
        );
        desk.fill(&[]).exits(0);
        for sequence in ["scaled", "plain", "floating"] {
            assert_eq!(
                desk.ask(&format!("SELECT nextval('{sequence}')")),
                "8",
                "{sequence}"
            );
        }
    }
}

#[test]
fn a_sequence_that_has_given_all_its_numbers_gives_none_twice() {
    for server in servers() {
        let mut desk = Desk::of_sql(
            server,
            "CREATE TABLE t (id smallserial, other smallint DEFAULT 1);
             CREATE SEQUENCE round MAXVALUE 3 CYCLE; SELECT nextval('round'), nextval('round'), nextval('round');
             ALTER TABLE t ALTER other SET DEFAULT nextval('round');
             CREATE TABLE stepped (id smallint); CREATE SEQUENCE step AS smallint INCREMENT 10;
             ALTER TABLE stepped ALTER id SET DEFAULT nextval('step')",
            "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (32767);
             CREATE TABLE stepped (id); INSERT INTO stepped VALUES (32760)",
        );
        desk.fill(&[]).exits(0);
        assert_eq!(desk.ask("SELECT id, other FROM t"), "32767|1");
        assert_eq!(desk.ask("SELECT nextval('step')"), "32767");
        let full = desk.client.batch_execute("INSERT INTO t DEFAULT VALUES");
        let full = full.unwrap_err();
        assert_eq!(full.code().unwrap().code(), "2200H", "{full}");
    }
}

#[test]
fn a_fill_that_fails_leaves_a_sequence_at_its_end_as_it_was() {
    for server in servers() {
        let mut desk = Desk::of_sql(
            server,
            "CREATE SEQUENCE down INCREMENT -1 MINVALUE 1 MAXVALUE 3 CYCLE; SELECT nextval('down'), nextval('down'), nextval('down');
             CREATE TABLE t (a integer, key integer DEFAULT nextval('down'), EXCLUDE USING btree (a WITH =))",
            "CREATE TABLE t (a); INSERT INTO t VALUES (1), (1)",
        );
        let before = desk.ask("SELECT last_value, is_called FROM down");
        desk.fill(&[]).exits(4);
        assert_eq!(desk.ask("SELECT last_value, is_called FROM down"), before);
        desk.client
            .batch_execute("ALTER TABLE t DROP CONSTRAINT t_a_excl")
            .unwrap();
        desk.fill(&[]).exits(0);
        assert_eq!(
            desk.ask("SELECT string_agg(key::text, ',' ORDER BY key) FROM t"),
            "2,3"
        );
    }
}

#[test]
fn a_role_that_switches_off_constraints_and_triggers_is_refused() {
    for server in servers() {
        let mut desk = Desk::of_sql(
            server,
            "CREATE TABLE t (a integer)",
            "CREATE TABLE t (a); INSERT INTO t VALUES (1)",
        );
        let database = desk.ask("SELECT current_database()");
        let sql = format!("ALTER DATABASE {database} SET session_replication_role = replica");
        desk.client.batch_execute(&sql).unwrap();
        let ran = desk.fill(&[]).exits(4);
        assert!(
            ran.stderr().contains("session_replication_role"),
            "{}",
            ran.stderr()
        );
        assert_eq!(desk.ask("SELECT count(*) FROM t"), "0");
        desk.assert_tidy();
    }
}

#[test]
fn rows_do_not_leave_the_server_for_a_partition_elsewhere() {
    for server in servers() {
        let mut desk = Desk::of_sql(
            server,
            "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER elsewhere FOREIGN DATA WRAPPER w;
             CREATE TABLE t (a integer) PARTITION BY RANGE (a);
             CREATE TABLE near PARTITION OF t FOR VALUES FROM (0) TO (10);
             CREATE FOREIGN TABLE far PARTITION OF t FOR VALUES FROM (10) TO (20) SERVER elsewhere",
            "CREATE TABLE t (a); INSERT INTO t VALUES (1)",
        );
        let result = desk.fill(&[]).exits(4).json();
        assert_eq!(findings(&result, "error"), ["target-interferes t 1: "]);
        desk.assert_tidy();
    }
}

#[test]
fn reals_are_measured_as_they_are_written() {
    for server in servers() {
        let mut desk = Desk::of_sql(
            server,
            "CREATE TABLE t (id integer, short varchar(4), code char(3))",
            "CREATE TABLE t (id INTEGER PRIMARY KEY, short, code);
             INSERT INTO t VALUES (1, 1e16, 1.5), (2, 0.25, 2.5), (3, NULL, 12.5)",
        );
        let result = desk.fill(&[]).exits(4).json();
        let expected = [
            "value-refused t code 1: id=3 (12.5)",
            "value-refused t short 1: id=1 (1e16)",
        ];
        assert_eq!(findings(&result, "error"), expected);
        desk.assert_tidy();
    }
}

#[test]
fn a_domain_that_raises_an_error_of_its_own_is_listed_like_the_others() {
    for server in servers() {
        let mut desk = Desk::of_sql(
            server,
            "CREATE FUNCTION judge(integer) RETURNS boolean LANGUAGE plpgsql AS
                 'BEGIN IF $1 > 5 THEN RAISE EXCEPTION ''too big''; END IF; RETURN true; END';
             CREATE DOMAIN small AS integer CHECK (judge(VALUE)); CREATE TABLE t (id integer, a small)",
            "CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 1), (2, 7), (3, 9)",
        );
        let result = desk.fill(&[]).exits(4).json();
        assert_eq!(findings(&result, "error"), ["value-refused t a 2: id=2"]);
        desk.assert_tidy();
    }
}

#[test]
fn a_folded_name_and_one_that_differs_in_case_are_not_taken_for_each_other() {
    for server in servers() {
        let mut desk = Desk::of_sql(
            server,
            "CREATE TABLE t (user_name text, username text)",
            "CREATE TABLE t (userName); INSERT INTO t VALUES ('x')",
        );
        let result = desk.fill(&["--names", "fold"]).exits(4).json();
        assert_eq!(
            findings(&result, "error"),
            ["target-column-missing t userName 1: "]
        );
        desk.fill(&[]).exits(0);
        assert_eq!(
            desk.ask("SELECT username FROM t WHERE user_name IS NULL"),
            "x"
        );
    }
}
