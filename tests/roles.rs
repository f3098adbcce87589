//! Ordinary roles: one that owns its database, and one that may create in one schema and nowhere else.
//! Neither is a superuser, may make roles or databases, or is a member of anything.

use crate::support::postgres::{Server, drop_database, servers};
use crate::support::program::{Ran, command, run};
use crate::support::samples;
use std::path::PathBuf;
use tempfile::TempDir;

/// A database with a role, and another one that is granted things.
struct House {
    server: &'static Server,
    uri: String,
    name: String,
    folder: TempDir,
}

impl House {
    /// `set_up` is run by a superuser; `{role}` and `{reader}` stand for the two roles, `{base}` for the database.
    fn new(server: &'static Server, set_up: &str) -> House {
        let uri = server.fresh_database();
        let name = uri.rsplit('/').next().expect("a name").to_owned();
        let house = House {
            server,
            uri,
            name,
            folder: tempfile::tempdir().expect("a temporary folder"),
        };
        let roles =
            "CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOBYPASSRLS;
                     CREATE ROLE {reader}; REVOKE ALL ON SCHEMA public FROM PUBLIC;";
        house.act(
            &mut server.client(&house.name),
            &format!("{roles} {set_up}"),
        );
        for (database, source) in [("shop", "shop.db"), ("later", "later.db")] {
            let shop = samples::shop();
            if database == "later" {
                let connection = rusqlite::Connection::open(&shop.path).expect("the sample");
                let change = "UPDATE orders SET discount = 0.5 WHERE id = 7";
                connection.execute_batch(change).expect("its table");
            }
            let copy = house.folder.path().join(source);
            std::fs::copy(&shop.path, &copy).expect("there is room");
            let archive = house.archive(database);
            run(
                "waybill-export",
                ["-q".as_ref(), copy.as_os_str(), archive.as_os_str()],
            )
            .exits(0);
        }
        house
    }

    fn archive(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.waybill"))
    }

    fn role(&self) -> String {
        format!("{}_role", self.name)
    }

    fn mine(&self) -> String {
        self.uri
            .replacen("postgres@", &format!("{}@", self.role()), 1)
    }

    /// Runs statements as whoever `client` is.
    fn act(&self, client: &mut postgres::Client, sql: &str) {
        let sql = sql
            .replace("{role}", &self.role())
            .replace("{reader}", &format!("{}_reader", self.name))
            .replace("{base}", &self.name);
        client
            .batch_execute(&sql)
            .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    fn client(&self) -> postgres::Client {
        postgres::Client::connect(&self.mine(), postgres::NoTls).expect("the role may log in")
    }

    fn ask(&self, sql: &str) -> String {
        let row = self
            .client()
            .query_one(sql, &[])
            .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        row.get(0)
    }

    fn import(&self, archive: &str, flags: &[&str]) -> Ran {
        let mut import = command("waybill-import");
        import
            .args(["-q", "--yes"])
            .args(flags)
            .arg(self.archive(archive))
            .arg(self.mine());
        Ran::of(import)
    }

    fn tell(&self, what: &str, flags: &[&str]) -> Ran {
        let mut tell = command("waybill-import");
        tell.arg(what).arg("-q").args(flags).arg(self.mine());
        Ran::of(tell)
    }

    fn check(&self, archive: &str, flags: &[&str]) -> Ran {
        let mut check = command("waybill-import");
        check
            .args(["check", "-q"])
            .args(flags)
            .arg(self.archive(archive))
            .arg(self.mine());
        Ran::of(check)
    }

    /// Who may do what with a table or sequence of the schema.
    fn rights(&self, schema: &str, relation: &str) -> String {
        let sql = format!(
            "SELECT coalesce(string_agg(pg_get_userbyid(acl.grantee) || ' ' || acl.privilege_type || ' ' || acl.is_grantable, ', '
                    ORDER BY acl.grantee, acl.privilege_type), '')
             FROM pg_class, aclexplode(coalesce(relacl, acldefault((CASE relkind WHEN 'S' THEN 's' ELSE 'r' END)::\"char\", relowner))) AS acl
             WHERE relname = '{relation}' AND relnamespace = '{schema}'::regnamespace AND acl.grantee <> relowner"
        );
        self.ask(&sql)
    }

    /// The import stops at its last step, where another session has taken a name that it cannot see; then the
    /// same command goes on.
    fn interrupted_and_resumed(&self, schema: &str, flags: &[&str]) {
        let mut other = self.client();
        let mut open = other.transaction().expect("a connection");
        open.batch_execute(&format!("CREATE TABLE {schema}.orders (id int)"))
            .expect("its schema");
        let waiting = [flags, &["--lock-wait-timeout", "1"]].concat();
        let text = self.import("shop", &waiting).exits(5).stderr();
        assert!(text.contains("error[lock-timeout]"), "{text}");
        open.rollback().expect("a connection");
        let log = self.folder.path().join("resumed.log");
        let log_file = format!("--log-file={}", log.display());
        self.import("shop", &[flags, &[&log_file]].concat())
            .exits(0);
        let log = std::fs::read_to_string(log).expect("it was asked for");
        assert!(log.contains("it has not ended, and goes on"), "{log}");
        let mut events = log.lines().map(|line| line.split(' ').nth(2));
        let sent = events.any(|event| event == Some("table"));
        assert!(!sent, "a part was sent again: {log}");
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        drop_database(self.server, &self.uri);
        let roles = "DROP ROLE {role}, {reader}";
        self.act(&mut self.server.client("postgres"), roles);
    }
}

#[test]
fn the_owner_of_a_database_needs_nothing_else() {
    for server in servers() {
        let house = House::new(
            server,
            "ALTER DATABASE {base} OWNER TO {role}; ALTER SCHEMA public OWNER TO {role}",
        );
        house.act(
            &mut house.client(),
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {reader};
             ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO {reader};
             ALTER DEFAULT PRIVILEGES GRANT TRIGGER ON TABLES TO {reader}",
        );
        house.interrupted_and_resumed("public", &[]);
        house.check("shop", &[]).exits(0);
        // As if they had been made there.
        let probe = "CREATE TABLE probe (id bigint GENERATED BY DEFAULT AS IDENTITY)";
        house.act(&mut house.client(), probe);
        let usual = house.rights("public", "probe");
        assert!(
            usual.contains("SELECT") && usual.contains("TRIGGER"),
            "{usual}"
        );
        assert_eq!(house.rights("public", "orders"), usual);
        let sequence = house.rights("public", "probe_id_seq");
        assert!(sequence.contains("USAGE"), "{sequence}");
        assert_eq!(house.rights("public", "orders_id_seq"), sequence);
        house.act(&mut house.client(), "DROP TABLE probe");

        // What was granted and revoked since stays so.
        house.act(
            &mut house.client(),
            "REVOKE SELECT ON orders FROM {reader}; GRANT DELETE ON orders TO {reader};
             REVOKE USAGE ON SEQUENCE orders_id_seq FROM {reader}; GRANT INSERT ON payments TO {reader}",
        );
        let relations = ["orders", "payments", "orders_id_seq", "tags"];
        let before = relations.map(|name| house.rights("public", name));
        house.import("later", &["--mode", "replace"]).exits(0);
        assert_eq!(relations.map(|name| house.rights("public", name)), before);
        house.check("later", &[]).exits(0);
        house.tell("undo", &["--dry-run"]).exits(0);
        house.tell("undo", &[]).exits(0);
        house.check("shop", &[]).exits(0);
        assert_eq!(relations.map(|name| house.rights("public", name)), before);

        let merge = ["--mode", "merge", "--on-conflict", "update", "-t", "orders"];
        house.import("later", &merge).exits(0);
        house.check("later", &["-t", "orders"]).exits(0);
        house.act(&mut house.client(), "TRUNCATE payments");
        house
            .import("later", &["--mode", "fill", "-t", "payments"])
            .exits(0);
        house.tell("prune", &["--keep", "0", "--yes"]).exits(0);
        house.tell("status", &[]).exits(0);
        house.check("later", &[]).exits(0);
    }
}

#[test]
fn a_role_that_may_create_in_one_schema_only_imports_there() {
    for server in servers() {
        let house = House::new(
            server,
            "CREATE SCHEMA mine; GRANT USAGE, CREATE ON SCHEMA mine TO {role}",
        );
        let rooms = [
            "--into-schema=mine",
            "--ledger-schema=mine",
            "--staging-schema=mine",
        ];
        let with = |more: &[&'static str]| [&rooms[..], more].concat();
        house.act(
            &mut house.client(),
            "ALTER DEFAULT PRIVILEGES IN SCHEMA mine GRANT SELECT ON TABLES TO {reader}",
        );
        // What is missing without them is named with the right that gives it.
        let text = house
            .import("shop", &["--into-schema=mine"])
            .exits(4)
            .stderr();
        assert!(text.contains("error[right-missing]"), "{text}");
        assert!(text.contains("GRANT CREATE ON DATABASE"), "{text}");
        house.interrupted_and_resumed("mine", &rooms);
        let plain = ["--into-schema=mine"];
        house.check("shop", &plain).exits(0);
        house.act(&mut house.client(), "CREATE TABLE mine.probe (id bigint)");
        let usual = house.rights("mine", "probe");
        assert!(usual.contains("SELECT"), "{usual}");
        assert_eq!(house.rights("mine", "orders"), usual);
        house.import("shop", &rooms).exits(0);

        // Tables are emptied and filled; to replace or merge takes a schema for what is put aside.
        let text = house
            .import("later", &with(&["--mode=replace"]))
            .exits(2)
            .stderr();
        assert!(text.contains("--mode fill"), "{text}");
        let merge = with(&["--mode=merge", "--on-conflict=update", "-t", "orders"]);
        let text = house.import("later", &merge).exits(4).stderr();
        assert!(text.contains("GRANT CREATE ON DATABASE"), "{text}");
        house.act(&mut house.client(), "TRUNCATE mine.payments");
        let fill = with(&["--mode=fill", "-t", "payments"]);
        house.import("later", &fill).exits(0);
        house.check("shop", &plain).exits(0);
        let left = "SELECT count(*)::text FROM pg_class WHERE relname ~ '^waybill_[0-9a-f]{8}_'";
        assert_eq!(house.ask(left), "0");
    }
}

#[test]
fn tables_staged_in_another_schema_get_the_default_privileges_of_their_own_only() {
    for server in servers() {
        let house = House::new(
            server,
            "CREATE SCHEMA mine AUTHORIZATION {role}; CREATE SCHEMA lent AUTHORIZATION {role}",
        );
        house.act(
            &mut house.client(),
            "ALTER DEFAULT PRIVILEGES IN SCHEMA lent GRANT DELETE, TRIGGER ON TABLES TO {reader};
             ALTER DEFAULT PRIVILEGES IN SCHEMA mine GRANT SELECT ON TABLES TO {reader};
             ALTER DEFAULT PRIVILEGES GRANT TRIGGER ON TABLES TO {reader}",
        );
        let rooms = [
            "--into-schema=mine",
            "--ledger-schema=lent",
            "--staging-schema=lent",
        ];
        house.import("shop", &rooms).exits(0);
        house.act(&mut house.client(), "CREATE TABLE mine.probe (id bigint)");
        let usual = house.rights("mine", "probe");
        assert!(
            usual.contains("SELECT") && usual.contains("TRIGGER"),
            "{usual}"
        );
        assert!(!usual.contains("DELETE"), "{usual}");
        assert_eq!(house.rights("mine", "orders"), usual);
    }
}

#[test]
fn an_import_through_a_given_schema_is_undone_by_whoever_may_make_a_schema_for_it() {
    for server in servers() {
        // The ledger where `undo` looks for it.
        let house = House::new(
            server,
            "CREATE SCHEMA mine AUTHORIZATION {role}; CREATE SCHEMA waybill AUTHORIZATION {role}",
        );
        let rooms = ["--into-schema=mine", "--staging-schema=mine"];
        house.import("shop", &rooms).exits(0);
        for flags in [&["--dry-run"][..], &[]] {
            let text = house.tell("undo", flags).exits(4).stderr();
            assert!(text.contains("error[right-missing]"), "{text}");
            assert!(text.contains("GRANT CREATE ON DATABASE"), "{text}");
        }
        house.check("shop", &["--into-schema=mine"]).exits(0);
        let grant = "GRANT CREATE ON DATABASE {base} TO {role}";
        house.act(&mut server.client(&house.name), grant);
        house.tell("undo", &[]).exits(0);
        let tables =
            "SELECT count(*)::text FROM pg_class WHERE relnamespace = 'mine'::regnamespace";
        assert_eq!(house.ask(tables), "0");
        house.tell("undo", &[]).exits(0);
        house.check("shop", &["--into-schema=mine"]).exits(0);
    }
}
