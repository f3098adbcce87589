//! Keys and indexes under NOCASE and RTRIM: PostgreSQL refuses what SQLite refuses, and takes what
//! it takes. By the real programs, into every server there is to test against.

use crate::support::postgres;
use crate::support::program::run;
use ::postgres::{Client, NoTls};
use rusqlite::Connection;

const SCHEMA: &str = "
    CREATE TABLE users (email TEXT COLLATE NOCASE PRIMARY KEY, nick TEXT COLLATE RTRIM UNIQUE);
    CREATE TABLE tags (owner TEXT COLLATE NOCASE, tag TEXT, n INTEGER, UNIQUE (owner, tag));
    CREATE TABLE plain (a TEXT, b TEXT);
    CREATE UNIQUE INDEX plain_a ON plain (a COLLATE NOCASE, b DESC);
    CREATE INDEX plain_b ON plain (b COLLATE RTRIM);
    CREATE TABLE posts (id INTEGER PRIMARY KEY, author TEXT REFERENCES users);
    INSERT INTO users VALUES ('Ada@x.org', 'ada'), ('bob@x.org', 'Bob'), (char(196) || '@x.org', 'ä');
    INSERT INTO tags VALUES ('Ada', 'x', 1), ('ada', 'X', 2), (NULL, 'x', 3), (NULL, 'x', 4);
    INSERT INTO plain VALUES ('Q', 'q '), ('q', 'r');
    INSERT INTO posts VALUES (1, 'Ada@x.org'), (2, NULL);";

/// Statements that both must take, or both refuse.
const LATER: [&str; 13] = [
    "INSERT INTO users VALUES ('ADA@X.ORG', 'new')",
    "INSERT INTO users VALUES ('ada@x.org ', 'new2')",
    // Only the letters of ASCII have a case for NOCASE.
    "INSERT INTO users VALUES ('ä@x.org', 'new3')",
    "INSERT INTO users VALUES ('c', 'Bob  ')",
    "INSERT INTO users VALUES ('d', 'bob')",
    "INSERT INTO users VALUES ('e', ' Bob')",
    "INSERT INTO tags VALUES ('ADA', 'x', 5)",
    "INSERT INTO tags VALUES ('ADA', 'y', 6)",
    "INSERT INTO tags VALUES (NULL, 'x', 7)",
    "INSERT INTO plain VALUES ('q', 'q ')",
    "INSERT INTO plain VALUES ('q', 'q')",
    "INSERT INTO plain VALUES ('Ü', 'a'), ('ü', 'a')",
    "INSERT INTO posts VALUES (3, 'nobody')",
];

#[test]
fn postgresql_refuses_the_keys_that_sqlite_refuses() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (source, archive) = (folder.path().join("s.db"), folder.path().join("a.waybill"));
    let database = Connection::open(&source).expect("a new file");
    database.execute_batch(SCHEMA).expect("the SQL is valid");
    run("waybill-export", [source.as_os_str(), archive.as_os_str()]).exits(0);
    database
        .execute_batch("PRAGMA foreign_keys = ON")
        .expect("the pragma is known");
    let in_sqlite = LATER.map(|sql| database.execute(sql, []).is_ok());
    for server in postgres::servers() {
        let uri = server.fresh_database();
        let archive = archive.to_str().expect("a plain path");
        let result = run("waybill-import", ["--json", archive, &uri])
            .exits(0)
            .json();
        let findings = result["findings"].as_array().expect("a list");
        // One more tells of all texts that they compare by bytes.
        let translated = findings.iter().filter(|finding| {
            finding["code"] == "structure-translated" && finding["object"]["table"].is_string()
        });
        assert_eq!(translated.count(), 5, "{findings:?}");
        let mut client = Client::connect(&uri, NoTls).expect("the server answers");
        let in_postgres = LATER.map(|sql| client.execute(sql, &[]).is_ok());
        for ((sql, sqlite), postgres) in LATER.iter().zip(in_sqlite).zip(in_postgres) {
            assert_eq!(sqlite, postgres, "{sql} on PostgreSQL {}", server.version);
        }
        let rows = client
            .query(
                "SELECT indexdef FROM pg_indexes WHERE tablename = 'plain' ORDER BY 1",
                &[],
            )
            .expect("the query is valid");
        let made: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(
            made,
            [
                "CREATE INDEX plain_b ON public.plain USING btree (rtrim(b))",
                "CREATE UNIQUE INDEX plain_a ON public.plain USING btree (lower(a), b DESC)",
            ]
        );
    }
}
