PRAGMA foreign_keys = OFF;
PRAGMA user_version = -3;
BEGIN;
CREATE TABLE anything (a, b BLOB, c TEXT, d INTEGER, e REAL, f NUMERIC);
INSERT INTO anything VALUES
  (1, 1, 1, 1, 1, 1), (1.0, 1.0, 1.0, 1.0, 1.0, 1.0), ('1', '1', '1', '1', '1', '1'), (x'31', x'31', x'31', x'31', x'31', x'31'),
  (NULL, NULL, NULL, NULL, NULL, NULL), ('', '', '', '', '', ''), (x'', x'', x'', x'', x'', x''),
  ('1e400', 1e400, -1e400, '0x10', '1.50', '12345678901234567890'), (-0.0, -0.0, -0.0, -0.0, -0.0, -0.0),
  ('abc', 'abc', 'abc', 'abc', 'abc', 'abc'), (9223372036854775807, -9223372036854775808, 0, 9e99, 9007199254740993, 0.1);
CREATE TABLE texts (id INTEGER PRIMARY KEY, t TEXT);
INSERT INTO texts VALUES
  (1, CAST(x'ff' AS TEXT)), (2, CAST(x'61c3' AS TEXT)), (3, CAST(x'eda080' AS TEXT)), (4, CAST(x'f48fbfbf' AS TEXT)),
  (5, CAST(x'610062' AS TEXT)), (6, CAST(x'00' AS TEXT)), (7, CAST(x'' AS TEXT)), (8, CAST(x'efbbbf41' AS TEXT)),
  (9, char(0x202e, 0x1f600, 0xffff, 0xfffd)), (-9223372036854775808, 'first'), (9223372036854775807, 'last');
CREATE TABLE hidden (v);
INSERT INTO hidden (rowid, v) VALUES (-9223372036854775808, 'min'), (-1, 'minus'), (0, 'zero'), (5, 'five'), (5000000000, 'gap');
CREATE TABLE shadowed (rowid TEXT, oid TEXT, v);
INSERT INTO shadowed (_rowid_, rowid, oid, v) VALUES (7, 'r', 'o', 1), (3, NULL, '', 2);
CREATE TABLE covered (rowid, oid, _rowid_ INTEGER PRIMARY KEY);
INSERT INTO covered VALUES ('a', 'b', 4), (NULL, x'00', -4);
CREATE TABLE keys (a TEXT COLLATE NOCASE, b, PRIMARY KEY (b DESC, a)) WITHOUT ROWID;
INSERT INTO keys VALUES ('x', 1), ('X', 2.5), ('y', 'text'), ('z', x'00ff'), ('', '');
CREATE TABLE "" ("" TEXT, " " INT, "a.b" BLOB);
INSERT INTO "" VALUES ('empty name', 1, NULL);
CREATE TABLE "no rows" (a, b);
CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, v);
INSERT INTO counted VALUES (3, 'three');
UPDATE sqlite_sequence SET seq = 99 WHERE name = 'counted';
INSERT INTO sqlite_sequence VALUES ('gone', -4);
CREATE TABLE strict (i INT, n INTEGER, r REAL, t TEXT, b BLOB, a ANY) STRICT;
INSERT INTO strict VALUES (1, 2, 3, '4', x'05', '6'), (NULL, NULL, NULL, NULL, NULL, 7.0), (0, 0, -0.0, '', x'', x'00');
CREATE TABLE added (a INTEGER PRIMARY KEY, b TEXT);
INSERT INTO added VALUES (1, 'short record'), (2, NULL);
ALTER TABLE added ADD COLUMN c TEXT DEFAULT 'from the default';
ALTER TABLE added ADD COLUMN d INTEGER NOT NULL DEFAULT 5;
CREATE VIRTUAL TABLE old_search USING fts4(body);
INSERT INTO old_search (docid, body) VALUES (4, 'the quick brown fox'), (9, 'jumps over');
CREATE VIRTUAL TABLE boxes USING rtree_i32(id, x0, x1, +label TEXT);
INSERT INTO boxes VALUES (1, -5, 5, 'a'), (2, 7, 9, NULL);
COMMIT;
