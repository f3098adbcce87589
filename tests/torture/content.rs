//! All that is in the schema `public`, and what the ledger says of the parts of an import.

use ::postgres::Client;

/// A part as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    step: i64,
    done: bool,
    attempt: i32,
    rows: Option<i64>,
    xid: Option<String>,
}

impl Part {
    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    pub(super) fn rows(&self) -> Option<i64> {
        self.rows
    }
}

/// The parts of the only import; none where there is no ledger yet.
pub(super) fn parts(client: &mut Client) -> Vec<Part> {
    let is_there = "SELECT to_regclass('waybill.steps') IS NOT NULL";
    let is_there = client.query_one(is_there, &[]).expect("a catalogue");
    if !is_there.get::<_, bool>(0) {
        return Vec::new();
    }
    let sql = "SELECT step, done, attempt, rows, xid::text FROM waybill.steps
               WHERE kind = 'part' ORDER BY run, step";
    let rows = client.query(sql, &[]).expect("a ledger");
    let part = |row: &::postgres::Row| Part {
        step: row.get(0),
        done: row.get(1),
        attempt: row.get(2),
        rows: row.get(3),
        xid: row.get(4),
    };
    rows.iter().map(part).collect()
}

/// Tables with rows that were not written by the transaction that the ledger names for their part.
pub(super) fn strange_rows(client: &mut Client) -> Vec<String> {
    let tables = "SELECT DISTINCT \"table\" FROM waybill.steps WHERE kind = 'part' ORDER BY 1";
    let tables = client.query(tables, &[]).expect("a ledger");
    let mut strange = Vec::new();
    for table in tables.iter().map(|row| row.get::<_, &str>(0)) {
        let sql = format!(
            "SELECT count(*) FROM (SELECT xmin::text::numeric AS xid, count(*) AS rows FROM {table} GROUP BY 1) AS found
             FULL JOIN (SELECT xid::text::numeric % 4294967296 AS xid, sum(rows) AS rows FROM waybill.steps
                        WHERE kind = 'part' AND \"table\" = '{table}' AND rows > 0 GROUP BY 1) AS told USING (xid)
             WHERE found.rows IS DISTINCT FROM told.rows"
        );
        let count: i64 = client.query_one(&sql, &[]).expect("a table").get(0);
        if count > 0 {
            strange.push(table.to_owned());
        }
    }
    strange
}

/// Rows by their digest, columns with their defaults, keys, indexes, sequences, views, rights, comments.
pub(super) fn content(client: &mut Client) -> Vec<String> {
    let mut content = Vec::new();
    let tables = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
                  AND relkind = 'r' ORDER BY relname";
    for table in client.query(tables, &[]).expect("a catalogue") {
        let table: String = table.get(0);
        let sql = format!(
            "SELECT concat(count(*), ' ', md5(string_agg(md5(t::text), ',' ORDER BY id))) FROM {table} AS t"
        );
        let row = client.query_one(&sql, &[]).expect("a table");
        content.push(format!("{table} {}", row.get::<_, String>(0)));
    }
    let structure = "WITH own AS (SELECT * FROM pg_class WHERE relnamespace = 'public'::regnamespace)
        SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid), convalidated)
            FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT concat_ws(' ', 'index', pg_get_indexdef(indexrelid), indisvalid)
            FROM pg_index JOIN own ON own.oid = indexrelid
        UNION ALL SELECT concat_ws(' ', 'column', attrelid::regclass, attname, format_type(atttypid, atttypmod),
                attnotnull, attgenerated::text, attidentity::text, attcollation::regcollation,
                pg_get_expr(adbin, adrelid))
            FROM pg_attribute JOIN own ON own.oid = attrelid
            LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
            WHERE relkind IN ('r', 'v') AND attnum > 0 AND NOT attisdropped
        UNION ALL SELECT concat_ws(' ', 'sequence', sequencename, start_value, coalesce(last_value, 0))
            FROM pg_sequences WHERE schemaname = 'public'
        UNION ALL SELECT concat_ws(' ', 'relation', relname, relkind, relowner::regrole, relacl,
                array_to_string(reloptions, ','), obj_description(oid, 'pg_class')) FROM own
        UNION ALL SELECT concat_ws(' ', 'view', relname, pg_get_viewdef(oid)) FROM own WHERE relkind = 'v'
        UNION ALL SELECT concat_ws(' ', 'trigger', tgrelid::regclass, pg_get_triggerdef(pg_trigger.oid))
            FROM pg_trigger JOIN own ON own.oid = tgrelid WHERE NOT tgisinternal
        ORDER BY 1";
    let rows = client.query(structure, &[]).expect("a catalogue");
    content.extend(rows.iter().map(|row| row.get::<_, String>(0)));
    content
}
