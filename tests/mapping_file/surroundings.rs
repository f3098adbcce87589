//! What a mapping file asks of the database around the tables: extensions, roles, SQL files.

use super::{Case, Database, findings};
use crate::support::postgres;

fn words() -> Case {
    Case::new(
        "CREATE TABLE words (w TEXT COLLATE NOCASE PRIMARY KEY, n INTEGER);
         INSERT INTO words VALUES ('Ab', 1), ('c', 2);",
    )
}

#[test]
fn an_extension_is_created_only_with_consent() {
    let map = "[tables.words.columns.w]\ntype = \"citext\"";
    for server in postgres::servers() {
        let uri = server.fresh_database();
        let refused = words().import(map, &uri, &[]).exits(4).json();
        assert_eq!(refused["error"]["code"], "extension-missing");
        assert_eq!(
            refused["error"]["what"],
            "the extension `citext` is not in the database"
        );
        assert!(
            refused["error"]["help"]
                .as_str()
                .unwrap_or_default()
                .starts_with("run CREATE EXTENSION \"citext\"")
        );
        let mut database = Database::open(&uri);
        assert_eq!(
            database.texts(
                "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            ),
            [""; 0]
        );
        let map = format!("create-extensions = true\n{map}");
        let done = words().import(&map, &uri, &[]).exits(0).json();
        assert_eq!(
            database.texts("SELECT n::text FROM words WHERE w = 'AB'"),
            ["1"]
        );
        assert_eq!(findings(&done, "structure-weakened"), [""; 0]);
    }
}

#[test]
fn an_extension_in_a_schema_of_its_own_is_found() {
    let uri = postgres::fresh_database();
    let mut database = Database::open(&uri);
    database.run("CREATE SCHEMA ext; CREATE EXTENSION citext SCHEMA ext");
    let map = "[tables.words.columns.w]\ntype = \"citext\"";
    words().import(map, &uri, &[]).exits(0);
    assert_eq!(
        database.texts("SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'words'::regclass AND attname = 'w'"),
        ["ext.citext"]
    );
}

#[test]
fn an_extension_that_the_server_does_not_have_is_named() {
    let uri = postgres::fresh_database();
    let refused = words()
        .import("extensions = [\"no_such\"]", &uri, &[])
        .exits(4)
        .json();
    assert_eq!(
        refused["error"]["what"],
        "the server does not have the extension `no_such`"
    );
}

#[test]
fn owner_and_rights_are_given_at_the_switch() {
    let server = postgres::server();
    let uri = server.fresh_database();
    let mut database = Database::open(&uri);
    // Roles belong to the whole server, which the tests share.
    let roles = ["mapping_owner", "mapping_reader"];
    for role in roles {
        database.run(&format!(
            "DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object THEN END $$"
        ));
    }
    database.run("GRANT CREATE, USAGE ON SCHEMA public TO mapping_owner");
    let map = "owner = \"mapping_owner\"
        [[grants]]\nprivileges = [\"select\", \"insert\"]\nto = [\"mapping_reader\", \"public\"]
        [[grants]]\nprivileges = [\"all\"]\nto = [\"mapping_reader\"]\ntables = []";
    words().import(map, &uri, &[]).exits(0);
    assert_eq!(
        database.texts("SELECT tableowner::text FROM pg_tables WHERE tablename = 'words'"),
        ["mapping_owner"]
    );
    assert_eq!(
        database.texts("SELECT format('%s %s', has_table_privilege('mapping_reader', 'words', 'INSERT'), has_table_privilege('mapping_reader', 'words', 'DELETE'))"),
        ["t f"]
    );
    let refused = words()
        .import("owner = \"no_such_role\"", &server.fresh_database(), &[])
        .exits(4)
        .json();
    assert_eq!(refused["error"]["code"], "right-missing");
    assert_eq!(refused["error"]["what"], "there is no role `no_such_role`");
}

#[test]
fn files_of_sql_run_before_and_as_a_part_of_the_switch() {
    for server in postgres::servers() {
        let case = words();
        case.file(
            "first.sql",
            "CREATE FUNCTION nine() RETURNS int8 LANGUAGE sql AS 'SELECT 9';\n-- end",
        );
        case.file(
            "last.sql",
            "CREATE VIEW shown AS SELECT * FROM words;\nCOMMENT ON TABLE words IS 'it''s';",
        );
        let map = "before = \"first.sql\"\nafter = \"last.sql\"\n[tables.words.columns.n]\ndefault = \"nine()\"";
        let (_, mut database) = case.imported(map, server);
        database.run("INSERT INTO words (w) VALUES ('d')");
        assert_eq!(
            database.texts("SELECT n::text FROM shown WHERE w = 'd'"),
            ["9"]
        );
        assert_eq!(
            database.texts("SELECT obj_description('words'::regclass)"),
            ["it's"]
        );
    }
}

#[test]
fn sql_that_fails_is_named_with_its_line_and_leaves_the_target_as_it_was() {
    let nothing = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace";
    for (file, sql, map, what) in [
        (
            "x.sql",
            "SELECT 1;\nSELECT nothing;",
            "after = \"x.sql\"",
            "cannot run `FOLDER/x.sql`, line 2",
        ),
        (
            "x.sql",
            "\n\nCREATE x;",
            "before = \"x.sql\"",
            "cannot run `FOLDER/x.sql`, line 3",
        ),
        (
            "x.sql",
            "COMMIT; BEGIN;",
            "after = \"x.sql\"",
            "the file has ended the transaction that it runs in, by COMMIT or ROLLBACK",
        ),
        (
            "x",
            "",
            "[tables.words.columns.n]\ndefault = \"nine()\"",
            "cannot set the default of the mapping file",
        ),
        (
            "x",
            "",
            "[[tables.words.indexes]]\nname = \"i\"\non = \"lower(m)\"",
            "cannot build the added index `i`",
        ),
        (
            "x",
            "",
            "[tables.words.columns.w]\ncollation = \"nowhere\"",
            "cannot use the collation `nowhere`",
        ),
    ] {
        let case = words();
        case.file(file, sql);
        let uri = postgres::fresh_database();
        let failed = case.import(map, &uri, &[]).exits(1).json();
        assert_eq!(failed["error"]["code"], "script-failed", "{map}");
        let folder = case
            .source
            .parent()
            .expect("it is in a folder")
            .display()
            .to_string();
        assert_eq!(
            failed["error"]["what"]
                .as_str()
                .unwrap_or_default()
                .replace(&folder, "FOLDER"),
            what
        );
        if !sql.starts_with("COMMIT") {
            assert_eq!(Database::open(&uri).texts(nothing), [""; 0], "{map}");
        }
    }
}

#[test]
fn names_of_functions_and_statistics_that_are_taken_are_found_before_anything_is_written() {
    let uri = postgres::fresh_database();
    let mut database = Database::open(&uri);
    database.run("CREATE TABLE other (a int, b int); CREATE STATISTICS s ON a, b FROM other;");
    let map = "[[tables.words.statistics]]\nname = \"s\"\ncolumns = [\"w\", \"n\"]";
    let refused = words().import(map, &uri, &[]).exits(4).json();
    assert_eq!(refused["error"]["code"], "target-exists");
}
