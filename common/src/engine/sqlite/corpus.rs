//! Valid SQLite statements that trip parsers, one per construct; all are accepted by SQLite 3.54.

#![expect(
    clippy::needless_raw_string_hashes,
    reason = "one form for all, so that a statement can be pasted unchanged"
)]

/// What the statements refer to.
pub(super) const BASE: &str = "CREATE TABLE base(a PRIMARY KEY,b,c); CREATE TABLE log(x,y);
    CREATE VIEW baseview AS SELECT a,b FROM base; CREATE TABLE p(id INTEGER PRIMARY KEY, zz);
    CREATE TABLE p2(a,b,PRIMARY KEY(a,b));";

/// What it shows, and the statement.
pub(super) const STATEMENTS: [(&str, &str); 36] = [
    ("typeless columns", r##"CREATE TABLE t1(a, b, c);"##),
    (
        "four quoting styles",
        r##"CREATE TABLE "we""ird name"([col one] INTEGER, `col two` TEXT, 'col three' REAL, "c""4" BLOB);"##,
    ),
    (
        "autoincrement, collate, escaped default",
        r##"CREATE TABLE t3(id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, v VARCHAR(255) COLLATE NOCASE DEFAULT 'x''y');"##,
    ),
    (
        "ON CONFLICT on column constraints",
        r##"CREATE TABLE t4(a INTEGER PRIMARY KEY DESC ON CONFLICT REPLACE, b UNIQUE ON CONFLICT IGNORE, c NOT NULL ON CONFLICT FAIL);"##,
    ),
    (
        "every kind of DEFAULT",
        r##"CREATE TABLE t5(a DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')), b DEFAULT CURRENT_TIMESTAMP, c DEFAULT -1, d DEFAULT +2.5e-3, e DEFAULT x'CAFE', f DEFAULT NULL, g DEFAULT TRUE, h DEFAULT foo, i DEFAULT "dq", j DEFAULT (1 + 0x1F));"##,
    ),
    (
        "generated columns, short form",
        r##"CREATE TABLE t6(a INT, b INT GENERATED ALWAYS AS (a*2) STORED, c AS (a||'x') VIRTUAL, d TEXT AS (json_extract(a,'$.k')) UNIQUE);"##,
    ),
    (
        "WITHOUT ROWID, STRICT",
        r##"CREATE TABLE t7(a TEXT PRIMARY KEY, b ANY) WITHOUT ROWID, STRICT;"##,
    ),
    (
        "CHECK with GLOB, LIKE ESCAPE, IS, typeof, BETWEEN",
        r##"CREATE TABLE t8(a TEXT CHECK(a GLOB '[0-9]*' AND a NOT LIKE '%\_x' ESCAPE '\'), b CHECK(typeof(b)='integer' OR b IS NULL), c CHECK(c IS NOT DISTINCT FROM 1 OR c BETWEEN 2 AND 3 OR c ISNULL OR c NOTNULL));"##,
    ),
    (
        "table constraints without commas",
        r##"CREATE TABLE t9(a INT, b INT, CONSTRAINT pk PRIMARY KEY(a) CONSTRAINT ck CHECK(b>0) FOREIGN KEY(b) REFERENCES p);"##,
    ),
    (
        "multi-word and odd type names",
        r##"CREATE TABLE t10(a UNSIGNED BIG INT, b DOUBLE PRECISION, c NATIVE CHARACTER(70), d DECIMAL(10,5), e VARYING CHARACTER (255), f LONG INTEGER, g "MY TYPE", h FLOAT(-3,+4), i [x y](2), j LONGVARCHAR, k NVARCHAR(100) );"##,
    ),
    (
        "comments inside",
        r##"CREATE TABLE t11(a INT -- comment, with ) comma
, /* block ) */ b TEXT /* tail */);"##,
    ),
    (
        "keywords as bare names",
        r##"CREATE TABLE t12(key TEXT, abort INT, action, after, match, window, rowid, desc, cast, replace, year, type, "order" INT, "select" TEXT, offset, temp, "index", view, query, plan, no, of, row, rows, current, partition, filter);"##,
    ),
    (
        "composite PK with collate, order, conflict",
        r##"CREATE TABLE t13(a TEXT, b TEXT, PRIMARY KEY (a COLLATE NOCASE DESC, b ASC) ON CONFLICT ROLLBACK, UNIQUE (b, a) ON CONFLICT ABORT);"##,
    ),
    (
        "FTS5 virtual table",
        r##"CREATE VIRTUAL TABLE ft14 USING fts5(title, body, tokenize = 'porter unicode61', content='', prefix='2 3');"##,
    ),
    (
        "rtree virtual table with aux column",
        r##"CREATE VIRTUAL TABLE r15 USING rtree(id, minX, maxX, +extra TEXT);"##,
    ),
    (
        "unique partial expression index",
        r##"CREATE UNIQUE INDEX IF NOT EXISTS i16 ON base(lower(a) COLLATE NOCASE DESC, b, (c+1)) WHERE b IS NOT NULL AND c NOT IN (1,2);"##,
    ),
    (
        "JSON operators in index",
        r##"CREATE INDEX i17 ON base(json_extract(a,'$.x'), a->>'$.y', a->'$.z');"##,
    ),
    (
        "partial index with GLOB and bit ops",
        r##"CREATE INDEX "i 18" ON base(a) WHERE a GLOB 'x*' AND (c & 4) <> 0 AND (c << 1) == 2 AND ~c != 0;"##,
    ),
    (
        "AFTER UPDATE OF trigger, RAISE",
        r##"CREATE TRIGGER trg19 AFTER UPDATE OF a,b ON base FOR EACH ROW WHEN old.a IS NOT new.a BEGIN UPDATE base SET b=b+1 WHERE rowid=new.rowid; INSERT OR IGNORE INTO log VALUES(new.a, datetime('now')); SELECT RAISE(ABORT,'no') WHERE new.c < 0; END;"##,
    ),
    (
        "INSTEAD OF trigger on view",
        r##"CREATE TRIGGER trg20 INSTEAD OF INSERT ON baseview BEGIN INSERT INTO base(a,b) VALUES (NEW.a, NEW.b) ON CONFLICT(a) DO UPDATE SET b=excluded.b WHERE base.b IS NOT excluded.b; DELETE FROM log WHERE x=NEW.a; END;"##,
    ),
    (
        "trigger with UPDATE FROM and row value",
        r##"CREATE TRIGGER trg21 BEFORE DELETE ON base BEGIN UPDATE OR REPLACE log SET (x,y)=(1,(SELECT max(b) FROM base)) FROM base AS bb WHERE bb.a=log.x; REPLACE INTO log SELECT OLD.a, OLD.b; END;"##,
    ),
    (
        "recursive CTE view with column list",
        r##"CREATE VIEW v22(n, sq) AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c WHERE n<10) SELECT n, n*n FROM c ORDER BY 1 LIMIT 3, 10;"##,
    ),
    (
        "window functions view",
        r##"CREATE VIEW v23 AS SELECT a, row_number() OVER w AS rn, sum(b) FILTER (WHERE c>0) OVER (PARTITION BY a ORDER BY b DESC NULLS LAST GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES) AS s, group_concat(a, ',') FROM base WINDOW w AS (ORDER BY c);"##,
    ),
    (
        "INDEXED BY, NATURAL, USING joins",
        r##"CREATE VIEW v24 AS SELECT * FROM base NOT INDEXED LEFT JOIN log ON log.x = base.a NATURAL JOIN p JOIN base b2 USING (a);"##,
    ),
    (
        "table-valued function, VALUES, nested, MATCH-less ops",
        r##"CREATE VIEW v25 AS SELECT base.a, j.key, j.value, CASE WHEN b THEN 'y' ELSE "n" END, CAST(c AS INTEGER), a COLLATE RTRIM, (a,b) IN (VALUES (1,2),(3,4)) FROM base, json_each(base.a) AS j WHERE EXISTS (SELECT 1 FROM log WHERE x IS base.a) AND b % 2 == 1;"##,
    ),
    (
        "dangling CONSTRAINT names, repeated CHECK",
        r##"CREATE TABLE t26(a INT CHECK(a>0) CHECK (a<100) CONSTRAINT foo NOT NULL CONSTRAINT bar, b);"##,
    ),
    (
        "digit separators, hex, blob, exponent",
        r##"CREATE TABLE t27(a INT DEFAULT 1_000_000, b CHECK(b <> 0xFF AND b <> x'00ff' AND b <> 1.5E+3 AND b <> .5));"##,
    ),
    (
        "double-quoted strings in CHECK",
        r##"CREATE TABLE t28(a TEXT CHECK(a IN ("x","y")), b TEXT NOT NULL DEFAULT "");"##,
    ),
    (
        "Unicode and $ in bare names",
        r##"CREATE TABLE 表29(列 TEXT, naïve TEXT, a$b INT, _x INT);"##,
    ),
    (
        "quoted type name, string-literal column name",
        r##"CREATE TABLE 't30'('a' 'TYPE IN QUOTES' DEFAULT "dq", "b c" TEXT);"##,
    ),
    (
        "foreign keys in full",
        r##"CREATE TABLE t31(x REFERENCES p NOT DEFERRABLE INITIALLY IMMEDIATE, y INT CONSTRAINT fk REFERENCES "p"(id) ON DELETE CASCADE ON UPDATE SET NULL MATCH FULL DEFERRABLE INITIALLY DEFERRED, FOREIGN KEY (x,y) REFERENCES p2(a,b) ON UPDATE SET DEFAULT ON DELETE NO ACTION);"##,
    ),
    (
        "row-value CHECK, CASE, CAST, iif",
        r##"CREATE TABLE t32(a INT, b INT, CHECK ((a,b) IS NOT (1,2)), CHECK (CASE a WHEN 1 THEN b>0 ELSE iif(b,1,0) END), CHECK (CAST(a AS TEXT) = printf('%d',a)));"##,
    ),
    (
        "empty column name",
        r##"CREATE TABLE t33("" TEXT, " " INT);"##,
    ),
    (
        "IF NOT EXISTS + schema name + TEMP keyword",
        r##"CREATE TABLE IF NOT EXISTS main.t34(a INTEGER NOT NULL PRIMARY KEY ASC, b DATETIME DEFAULT (datetime('now','localtime')));"##,
    ),
    (
        "CREATE TABLE AS SELECT",
        r##"CREATE TABLE t35 AS SELECT a, count(*) AS n FROM base GROUP BY a HAVING n > 1;"##,
    ),
    (
        "ANY type NOT NULL STRICT with generated",
        r##"CREATE TABLE t36(id INTEGER PRIMARY KEY, j TEXT CHECK (json_valid(j)), k INT GENERATED ALWAYS AS (j ->> '$.k') VIRTUAL NOT NULL) STRICT;"##,
    ),
];
