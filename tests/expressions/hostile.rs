//! Expressions whose meaning differs where one does not look: each is left out, or means the same.

use super::compare::same;
use super::views::{left_out, postgres_rows, sqlite_rows};
use super::{ROWS, imported};
use crate::support::postgres;
use rusqlite::Connection;

/// Rows that tell meanings apart which those of `v` do not.
const MORE: &str = "
CREATE TABLE h(id INTEGER PRIMARY KEY, i INTEGER, r REAL, s REAL, t TEXT, u TEXT COLLATE NOCASE,
  w TEXT COLLATE RTRIM, ts DATETIME, js JSON);
INSERT INTO h VALUES
 (1, 1, 9e999, -9e999, '9007199254740993', 'ABC', 'abc ', '2020-01-01 23:59:59.9996', '{\"1\":\"x\",\"c\":[1,2],\"a\":\"one\"}'),
 (2, 2, 0.0, 9e999, 'abc', 'abc', 'ABC', '2020-01-01 00:00:59.9999', '[1,\"two\",3]'),
 (3, 3, 0.1, 0.2, 'ABC', 'aBc', 'x', '1969-12-31 23:59:59.5', '{\"-1\":\"neg\",\"[1]\":\"bracket\"}'),
 (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
";

/// Queries over `h` and `v`.
const QUERIES: &[&str] = &[
    "SELECT id, upper(t) AS \"big\" FROM h WHERE \"big\" = 'ABC'",
    "SELECT id, upper(t) AS \"big\" FROM h ORDER BY lower(\"big\"), id",
    "SELECT id FROM h WHERE EXISTS (SELECT 1 FROM v WHERE v.t = \"w\")",
    "SELECT id FROM h WHERE (SELECT count(*) FROM v WHERE t = \"js\") = 0",
    "SELECT id, \"rowid\" AS x FROM h",
    "SELECT id, \"oid\" || '' AS x FROM h",
    "SELECT id, \"_ROWID_\" = 'a' AS x FROM h",
    "SELECT id, w = x AS y FROM (SELECT id, w, t COLLATE NOCASE AS x FROM h)",
    "SELECT id, r * 0 AS x FROM h",
    "SELECT id, r + s AS x FROM h",
    "SELECT id, r / s AS x FROM h",
    "SELECT id, r - r AS x FROM h",
    "SELECT sum(r) AS x FROM (SELECT r FROM h UNION ALL SELECT s FROM h)",
    "SELECT avg(r) AS x FROM (SELECT r FROM h UNION ALL SELECT s FROM h)",
    "SELECT id, t + 0 AS x FROM h",
    "SELECT id, unixepoch(ts) AS x FROM h",
    "SELECT id, datetime(ts) AS x FROM h",
    "SELECT id, date(ts) AS x FROM h",
    "SELECT id, strftime('%S', ts) AS x FROM h",
    "SELECT id, time(ts, '+1 day') AS x FROM h",
    "SELECT id, julianday(ts) AS x FROM h",
    "SELECT id, date(ts, '+9999999 years') AS x FROM h",
    "SELECT id, unixepoch(ts, '-9999999 months') AS x FROM h",
    "SELECT id, js ->> '1' = 'two' AS x FROM h",
    "SELECT id, js ->> '[1]' = 'two' AS x FROM h",
    "SELECT id, js ->> '-1' = '3' AS x FROM h",
    "SELECT id, js ->> '-1' = 3 AS x FROM h",
    "SELECT id, json_extract(js, '$[1]') = 'x' AS x FROM h",
    "SELECT id, js ->> 1 = 'x' AS x FROM h",
    "SELECT id, json_extract(js, '$.-1') = 3 AS x FROM h",
    "SELECT id, json_extract(js, '$.+1') = 'two' AS x FROM h",
    "SELECT id, json_extract(js, '$. 1') = 'two' AS x FROM h",
    "SELECT id, json_extract(js, '$.c') = '[1,2]' AS x FROM h",
    "SELECT id, json_extract(js, '$.c') <> '[1,2]' AS x FROM h",
    "SELECT id, json_extract(js, '$.a') COLLATE NOCASE = 'ONE' AS x FROM h",
    "SELECT id, js ->> 'a' = 'ONE' COLLATE NOCASE AS x FROM h",
    "SELECT id, (t COLLATE NOCASE || '') = 'ABC' AS x FROM h",
    "SELECT id, lower(t COLLATE NOCASE) = 'ABC' AS x FROM h",
    "SELECT id, coalesce(t COLLATE NOCASE, 'x') = 'ABC' AS x FROM h",
    "SELECT id, CASE WHEN i THEN t COLLATE NOCASE END = 'ABC' AS x FROM h",
    "SELECT id, max(t COLLATE NOCASE, 'A') = 'abc' AS x FROM h",
    "SELECT id, nullif(t COLLATE NOCASE, 'x') = 'abc' AS x FROM h",
    "SELECT id, substr(t COLLATE NOCASE, 1, 3) IN ('ABC') AS x FROM h",
    "SELECT id, +u = 'abc' AS x FROM h",
    "SELECT id, CAST(u AS TEXT) = 'abc' AS x FROM h",
    "SELECT id, (u) = 'abc' AS x FROM h",
    "SELECT id, u || '' = 'abc' AS x FROM h",
    "SELECT id, (SELECT u FROM h WHERE id = 1 LIMIT 1) = 'abc' AS x FROM h",
    "SELECT id, r * 2.5 AS x, r + 1 AS y, 1 - r AS z FROM h",
    "SELECT id, 1 / r AS x, i * r AS y FROM h",
    "SELECT total(r) AS x FROM (SELECT r FROM h UNION ALL SELECT s FROM h)",
    "SELECT id, t IN (u) AS x FROM h",
    "SELECT id, 'abc' IN (u) AS x FROM h",
    "SELECT id, 'abc' IN (u, w) AS x FROM h",
    "SELECT id, t IN ('ABC' COLLATE NOCASE) AS x FROM h",
    "SELECT id, t IN ('ABC' COLLATE NOCASE, 'x') AS x FROM h",
    "SELECT id, t BETWEEN 'ABC' COLLATE NOCASE AND 'abd' AS x FROM h",
    "SELECT id, CASE 'abc' WHEN u THEN 1 ELSE 0 END AS x FROM h",
    "SELECT id, CASE t WHEN u THEN 1 ELSE 0 END AS x FROM h",
    "SELECT id, i IN ('1') AS x FROM h",
    "SELECT id, '1' IN (i) AS x FROM h",
    "SELECT id, '1' IN (i, 7) AS x FROM h",
    "SELECT id, i + 0 = '1' AS x FROM h",
    "SELECT id, 1 IN ('1') AS x FROM h",
    "SELECT id, -id AS i FROM h ORDER BY (i)",
    "SELECT id, -id AS i FROM h ORDER BY i COLLATE BINARY",
    "SELECT -id AS a, id AS b FROM h ORDER BY (1)",
    "SELECT -id AS a, id AS b FROM h ORDER BY +1",
    "SELECT -id AS a, id AS b FROM h ORDER BY 0x1",
    "SELECT -id AS a, id AS b FROM h ORDER BY (2) DESC",
    "SELECT -id AS a, id AS b FROM h ORDER BY 1 COLLATE NOCASE",
    "SELECT -id AS a, id AS b FROM h ORDER BY \"a\"",
    "SELECT -id AS a, id AS b FROM h ORDER BY 'a', id",
    "SELECT lower(u) AS a, count(*) AS c FROM h GROUP BY (1)",
    "SELECT t AS u, count(*) AS c FROM h GROUP BY (u)",
    "SELECT -id AS i FROM h UNION SELECT id FROM h ORDER BY (i)",
    "SELECT -id AS i FROM h UNION SELECT id FROM h ORDER BY (1)",
    "SELECT id, \"\" AS x FROM (SELECT id, i + 1 FROM h)",
    "SELECT x.a FROM (SELECT 1 AS a, 2 AS a) x",
    "SELECT id, i FROM h ORDER BY id LIMIT 2 OFFSET 1",
    "SELECT id FROM h LEFT JOIN (SELECT 1 AS one, i AS k FROM h) s ON s.k = h.id + 1 WHERE one IS NULL",
    "SELECT h.id, one FROM h LEFT JOIN (SELECT 1 AS one, id AS k FROM h) s ON s.k = h.id + 1",
    "SELECT h.id, one = 1 AS x FROM h LEFT JOIN (SELECT TRUE AS one, id AS k FROM h) s ON s.k = h.id + 1",
    "SELECT id, i AND NULL AS x FROM h",
    "SELECT id, NOT t IS NULL AS x FROM h",
    "SELECT id, NOT i = 1 AS x FROM h",
    "SELECT id, - i * 2 AS x FROM h",
    "SELECT id, 1 - - i AS x FROM h",
    "SELECT id, i = 1 = 1 AS x FROM h",
    "SELECT id, i < 2 < 1 AS x FROM h",
    "SELECT id, i == 1 AS x FROM h",
    "SELECT id, 'a' || i + 1 AS x FROM h",
    "SELECT id, i & 1 = 1 AS x FROM h",
    "SELECT id, i | 4 & 6 AS x FROM h",
    "SELECT id, ~ i + 1 AS x FROM h",
    "SELECT id, 1 << 63 AS x FROM h",
    "SELECT id, -1 >> 1 AS x FROM h",
    "SELECT id, i << 64 AS x FROM h",
    "SELECT id, 9223372036854775807 + i AS x FROM h WHERE i IS NULL",
    "SELECT id, -9223372036854775808 AS x FROM h",
    "SELECT id, 9223372036854775808 AS x FROM h",
    "SELECT id, 0xFFFFFFFFFFFFFFFF AS x FROM h",
    "SELECT id, -7 / 2 AS x, -7 % 2 AS y, 7 % -2 AS z FROM h",
    "SELECT id, 5 / 2 AS x FROM h",
    "SELECT id, 5 / 2.0 AS x FROM h",
    "SELECT id, '5' / 2 AS x FROM h",
    "SELECT id, '5.5' + 1 AS x FROM h",
    "SELECT id, ' 12 ' = 12 AS x FROM h",
    "SELECT id, i = ' 1 ' AS x FROM h",
    "SELECT id, i = '1.0' AS x FROM h",
    "SELECT id, i = '1e0' AS x FROM h",
    "SELECT id, i = '0x1' AS x FROM h",
    "SELECT id, i > 'abc' AS x FROM h",
    "SELECT id, r = '0.1' AS x FROM h",
    "SELECT id, t > 5 AS x FROM h",
    "SELECT id, t = 9007199254740993 AS x FROM h",
    "SELECT id, t LIKE 'A_C' AS x FROM h",
    "SELECT id, t LIKE 'a%' ESCAPE '%' AS x FROM h",
    "SELECT id, t LIKE 'a__c' ESCAPE '_' AS x FROM h",
    "SELECT id, t LIKE 'a\\_c' ESCAPE '\\' AS x FROM h",
    "SELECT id, t GLOB '[[:alpha:]]*' AS x FROM h",
    "SELECT id, t GLOB '[a-cA-C][\\w]*' AS x FROM h",
    "SELECT id, t GLOB '[^]]*' AS x FROM h",
    "SELECT id, t GLOB '[]-a]*' AS x FROM h",
    "SELECT id, t GLOB '[--a]*' AS x FROM h",
    "SELECT id, t GLOB '[a-b-d]*' AS x FROM h",
    "SELECT id, round(r, 2) AS x, round(s, 15) AS y FROM h WHERE id = 3",
    "SELECT id, CAST(r AS INTEGER) AS x FROM h WHERE id = 3",
    "SELECT id, substr(t, 2, -5) AS x FROM h",
    "SELECT id, substr(t, NULL) AS x FROM h",
    "SELECT id, substr(t, 1, NULL) AS x FROM h",
    "SELECT id, max(i, NULL) AS x FROM h",
    "SELECT max(i) AS x, min(t) AS y FROM h WHERE 0",
    "SELECT count(*) AS x FROM h HAVING count(*) > 100",
    "SELECT count(NULL) AS x FROM h",
    "SELECT sum(i) + 1 AS x, total(i) AS y, avg(i) AS z FROM h WHERE i > 5",
    "SELECT sum(t) AS x FROM h",
    "SELECT i = 1 AS x, count(*) AS c FROM h GROUP BY i = 1",
    "SELECT 'a' AS x, count(*) AS c FROM h GROUP BY 'a'",
    "SELECT r = 0.1 AS x, count(*) AS c FROM h GROUP BY x",
    "SELECT CASE i WHEN NULL THEN 1 ELSE 2 END AS x FROM h",
    "SELECT id, i IS 1.0 AS x FROM h",
    "SELECT id, i IS NOT NULL IS TRUE AS x FROM h",
    "SELECT id, NULL IS TRUE AS x, NULL IS NOT FALSE AS y FROM h",
    "SELECT id, typeof(i + r) AS x FROM h",
    "SELECT id, typeof(i / 2) AS x, typeof(i = 1) AS y, typeof(NULL + 1) AS z FROM h",
    "SELECT id, instr(t, NULL) AS x FROM h",
    "SELECT id, length('') AS x, length('ä') AS y FROM h",
    "SELECT id, hex('ä') AS x, hex(NULL) AS y FROM h",
    "SELECT id, i FROM h WHERE i IN (SELECT j FROM v)",
    "SELECT id FROM h WHERE i NOT IN (SELECT j FROM v)",
    "SELECT id FROM h WHERE t IN (SELECT u FROM h)",
    "SELECT id FROM h WHERE u IN (SELECT t FROM h)",
    "SELECT id FROM h WHERE t",
    "SELECT 'it''s \\ x' AS x, \"a \"\"q\"\" b\" AS y",
    "SELECT [id] AS `a b`, \"t\" AS 'quoted' FROM h",
    "SELECT id, 'x' AS \"v\"\"; DROP TABLE h; --\" FROM h",
    "SELECT id, '$$;DROP TABLE h;$$' || t AS x FROM h",
    "SELECT 1e2 AS a, .5 AS b, 5. AS c, 1_000 AS d",
    "SELECT id, date('2024-02-31') AS x FROM h",
    "SELECT id, date('2024-02-29', '+1 year') AS x FROM h",
    "SELECT id, date('2024-12-31', '+1 month', '-1 day') AS x FROM h",
    "SELECT id, date('2024-01-31 25:00:00') AS x FROM h",
    "SELECT id, datetime(0, 'unixepoch') AS x, datetime(-1, 'unixepoch') AS y FROM h",
    "SELECT id, datetime(i, 'unixepoch', 'start of month') AS x FROM h",
    "SELECT id, strftime('%s', ts) AS x FROM h WHERE id = 3",
    "SELECT id, strftime('%j %w %H:%M', ts) AS x FROM h WHERE id > 1",
    "SELECT id, strftime('%Y', ts) + 1 AS x FROM h WHERE id = 3",
    "SELECT id, strftime('%s', ts) + 1 AS x FROM h WHERE id = 3",
    "SELECT id, CAST(strftime('%Y', ts) AS INTEGER) AS x FROM h WHERE id = 3",
    "SELECT id, ts > '2020-01-01' AS x FROM h",
    "SELECT id, ts = '2020-01-01T00:00:59.9999' AS x FROM h",
    "SELECT id, ts < '2020-01-01 00:00:59.99990' AS x FROM h",
    "SELECT DISTINCT i % 2 AS x FROM h ORDER BY x",
    "SELECT DISTINCT t FROM h ORDER BY id",
    "SELECT id FROM h WHERE t NOT BETWEEN 'a' AND 'b'",
    "SELECT id, iif(i, 'a', NULL) AS x, iif(NULL, 1, 2) AS y FROM h",
    "SELECT id, replace(t, 'a', NULL) AS x FROM h",
    "SELECT id, trim(t, NULL) AS x FROM h",
    "SELECT id, abs(t) AS x FROM h",
    "SELECT id, i || r AS x FROM h",
    "SELECT id, (i, id) = (1, 1) AS x FROM h",
    "SELECT id FROM main.h",
    "SELECT main.h.id FROM h",
];

#[test]
fn what_is_carried_means_the_same_where_meanings_differ() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = folder.path().join("hostile.db");
    let connection = Connection::open(&source).expect("a file");
    connection.execute_batch(ROWS).expect("rows");
    connection.execute_batch(MORE).expect("more rows");
    let mut made = Vec::new();
    for (number, query) in QUERIES.iter().enumerate() {
        let view = format!("view{number}");
        let sql = format!("CREATE VIEW {view} AS {query}");
        connection
            .execute_batch(&sql)
            .unwrap_or_else(|error| panic!("{query}: {error}"));
        made.push((view, *query));
    }
    for server in postgres::servers() {
        let (report, mut client) = imported(&source, server);
        let (mut wrong, mut carried) = (Vec::new(), 0);
        for (view, query) in &made {
            if left_out(&report, view).is_some() {
                continue;
            }
            carried += 1;
            let expected = sqlite_rows(&connection, view);
            let found = postgres_rows(&mut client, view);
            let Ok(found) = found else {
                wrong.push(format!("{query}: {}", found.unwrap_err()));
                continue;
            };
            let mut rest = found.clone();
            let ordered = query.contains("ORDER BY");
            for row in &expected {
                let equal = |found: &Vec<(String, Option<String>)>| {
                    found.len() == row.len()
                        && row
                            .iter()
                            .zip(found)
                            .all(|(value, (kind, found))| same(value, kind, found.as_deref()))
                };
                match rest.iter().position(equal) {
                    Some(at) if !ordered || at == 0 => drop(rest.remove(at)),
                    _ => {
                        wrong.push(format!("{query}:\n   {expected:?}\n   {found:?}"));
                        rest.clear();
                        break;
                    }
                }
            }
            if !rest.is_empty() {
                wrong.push(format!("{query}: more rows: {rest:?}"));
            }
        }
        assert!(carried > 100, "only {carried} are carried");
        assert!(
            wrong.is_empty(),
            "{} wrong:\n{}",
            wrong.len(),
            wrong.join("\n")
        );
    }
}
