//! What an owner has set up on a table, and around it, belongs to the one that takes its place, and to the
//! old one again after an undo.

use std::time::Duration;

use waybill_common::engine::postgres::history::Undo;
use waybill_common::fault::Code;
use waybill_common::progress::Unwatched;

use super::replace::{APPLICATION, client, dump, owned, replace, undo};
use super::sample::{ask, conninfo, items};
use crate::support::postgres::servers;

/// More than the application has, all of it an ordinary owner's.
const SET_UP: &str = "
    ALTER TABLE items SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05,
                           toast.autovacuum_enabled = off);
    ALTER TABLE items ALTER label SET STATISTICS 500, ALTER label SET (n_distinct = -0.5),
                      ALTER label SET STORAGE EXTERNAL;
    CREATE STATISTICS pairs (ndistinct, dependencies) ON id, label FROM items;
    ALTER STATISTICS pairs SET STATISTICS 300;
    COMMENT ON STATISTICS pairs IS 'they go together';
    CREATE POLICY reading ON items AS RESTRICTIVE FOR SELECT TO reader
        USING (id > 3 AND EXISTS (SELECT FROM items AS other WHERE other.label <> CURRENT_USER));
    CREATE POLICY writing ON items FOR INSERT WITH CHECK (label <> '');
    COMMENT ON POLICY writing ON items IS 'no empty labels';
    ALTER TABLE items ENABLE ROW LEVEL SECURITY;
    ALTER TABLE items REPLICA IDENTITY FULL;
    CREATE PUBLICATION everything FOR TABLE items, sales WITH (publish = 'insert, update');
";
/// What PostgreSQL has since 15.
const SINCE_15: &str = "CREATE PUBLICATION some_news FOR TABLE items (id, label) WHERE (id > 5)
    WITH (publish = 'insert')";

/// All of it, as the catalogue has it.
const FOUND: &str = "
    SELECT array_to_string(ARRAY(SELECT unnest(reloptions) ORDER BY 1), ' '), relrowsecurity,
           relforcerowsecurity, relreplident,
           (SELECT array_to_string(reloptions, ' ') FROM pg_class AS toast
            WHERE toast.oid = items.reltoastrelid),
           (SELECT attstattarget || ' ' || attoptions::text || ' ' || attstorage::text
            FROM pg_attribute WHERE attrelid = items.oid AND attname = 'label'),
           (SELECT pg_get_statisticsobjdef(oid) || stxstattarget
                   || obj_description(oid, 'pg_statistic_ext')
            FROM pg_statistic_ext WHERE stxrelid = items.oid),
           (SELECT string_agg(polname || polpermissive::text || polcmd::text || polroles::text
                              || COALESCE(pg_get_expr(polqual, polrelid), '')
                              || COALESCE(pg_get_expr(polwithcheck, polrelid), '')
                              || COALESCE(obj_description(oid, 'pg_policy'), ''), ';' ORDER BY polname)
            FROM pg_policy WHERE polrelid = items.oid)
    FROM pg_class AS items WHERE oid = 'public.items'::regclass";
const PUBLISHED: &str = "SELECT t.*::text FROM pg_publication_tables AS t ORDER BY 1";

#[test]
fn settings_statistics_policies_and_publications_follow_and_come_back() {
    for server in servers() {
        let uri = owned(server);
        let mut client = client(&uri);
        client.batch_execute(APPLICATION).unwrap();
        client.batch_execute(SET_UP).unwrap();
        let version: u32 = ask(&mut client, "SHOW server_version_num").parse().unwrap();
        if version >= 150_000 {
            client.batch_execute(SINCE_15).unwrap();
        }
        let (found, published) = (ask(&mut client, FOUND), ask(&mut client, PUBLISHED));
        for part in [
            "fillfactor=70",
            "other.label",
            "they go together300",
            "no empty labels",
        ] {
            let known = found.contains(part) || part.contains("300");
            assert!(known, "{part}: {found}");
        }
        let before = dump(server, &uri);
        let (schema, plan, parts) = items(1000);
        replace(&uri, (&schema, &plan, &parts)).unwrap();
        let replaced = dump(server, &uri);
        let without_price = published.replace(",price", "");
        assert_eq!(ask(&mut client, FOUND), found);
        assert_eq!(ask(&mut client, PUBLISHED), without_price);
        let count = "SELECT count(*) FROM items";
        assert_eq!(ask(&mut client, count), "1000", "its owner is exempt");
        undo(&uri, None).unwrap();
        assert_eq!(dump(server, &uri), before);
        assert_eq!(ask(&mut client, PUBLISHED), published);
        undo(&uri, None).unwrap();
        assert_eq!(dump(server, &uri), replaced);
        undo(&uri, None).unwrap();
        assert_eq!(dump(server, &uri), before);
    }
}

#[test]
fn a_key_that_is_the_replica_identity_is_found_again_by_its_columns() {
    for server in servers() {
        let uri = owned(server);
        let mut client = client(&uri);
        client.batch_execute(APPLICATION).unwrap();
        client
            .batch_execute(
                "CREATE UNIQUE INDEX told_by ON items (id); \
                 ALTER TABLE items REPLICA IDENTITY USING INDEX told_by",
            )
            .unwrap();
        let before = dump(server, &uri);
        let (schema, plan, parts) = items(10);
        replace(&uri, (&schema, &plan, &parts)).unwrap();
        let index = "SELECT indexrelid::regclass FROM pg_index
                     WHERE indrelid = 'items'::regclass AND indisreplident";
        assert_eq!(ask(&mut client, index), "items_pkey");
        undo(&uri, None).unwrap();
        assert_eq!(dump(server, &uri), before);
    }
}

#[test]
fn rows_that_row_security_hides_from_their_owner_are_not_taken_for_all() {
    for server in servers() {
        let uri = owned(server);
        let mut client = client(&uri);
        client.batch_execute(APPLICATION).unwrap();
        client
            .batch_execute(
                "CREATE POLICY few ON items USING (id < 3);
                 ALTER TABLE items ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
            )
            .unwrap();
        let name = uri.rsplit('/').next().unwrap();
        let mut superuser = server.client(name);
        let rows = "SELECT count(*), min(label) FROM public.items";
        let before = (dump(server, &server.uri(name)), ask(&mut superuser, rows));
        let (schema, plan, parts) = items(1000);
        replace(&uri, (&schema, &plan, &parts)).unwrap();
        assert_eq!(ask(&mut superuser, rows), "1000|item 1");
        assert_eq!(ask(&mut client, rows), "2|item 1");
        let look = |assume| Undo::prepare(&conninfo(&uri), None, assume, Duration::from_secs(5));
        let found = look(false).unwrap().findings().to_vec();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].code, Code::TargetChanged);
        assert!(found[0].message.contains("row security hides"), "{found:?}");
        look(true).unwrap().perform(&Unwatched).unwrap();
        let after = (dump(server, &server.uri(name)), ask(&mut superuser, rows));
        assert_eq!(after, before);
    }
}

#[test]
fn a_publication_of_another_role_is_named_before_anything_is_made() {
    for server in servers() {
        let uri = owned(server);
        let mut client = client(&uri);
        client.batch_execute(APPLICATION).unwrap();
        let name = uri.rsplit('/').next().unwrap();
        let mut superuser = server.client(name);
        superuser
            .batch_execute("CREATE PUBLICATION foreign_news FOR TABLE public.items")
            .unwrap();
        let (schema, plan, parts) = items(10);
        let fault = replace(&uri, (&schema, &plan, &parts)).unwrap_err();
        assert_eq!(fault.code(), Code::TargetDependent, "{fault:?}");
        let told = "publication foreign_news names it and belongs to `postgres`";
        assert!(fault.what().starts_with(told), "{fault:?}");
        // One for all tables names none.
        superuser
            .batch_execute(
                "DROP PUBLICATION foreign_news; CREATE PUBLICATION all_news FOR ALL TABLES",
            )
            .unwrap();
        replace(&uri, (&schema, &plan, &parts)).unwrap();
        undo(&uri, None).unwrap();
        // The application's updates would be refused where nothing tells rows apart.
        let mut without = plan.clone();
        without.tables[0].primary_key = None;
        let fault = replace(&uri, (&schema, &without, &parts)).unwrap_err();
        assert_eq!(fault.code(), Code::TargetDependent, "{fault:?}");
    }
}

#[test]
fn a_view_that_would_get_another_type_is_named_before_anything_is_made() {
    for server in servers() {
        let uri = owned(server);
        let mut client = client(&uri);
        client.batch_execute(APPLICATION).unwrap();
        let (schema, plan, parts) = items(10);
        let refused = [
            (
                "WITH every AS (SELECT max(id) AS most FROM items) SELECT most FROM every",
                "its column `most` is integer, and would be bigint",
            ),
            (
                "SELECT i.label, s.item + i.id AS both_ids FROM items i JOIN sales s ON s.item = i.id",
                "its column `both_ids` is integer, and would be bigint",
            ),
            ("SELECT price FROM items", "price"),
        ];
        let made = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'waybill%'";
        for (definition, told) in refused {
            client
                .batch_execute(&format!("CREATE VIEW mine AS {definition}"))
                .unwrap();
            let fault = replace(&uri, (&schema, &plan, &parts)).unwrap_err();
            assert_eq!(fault.code(), Code::TargetDependent, "{fault:?}");
            let known = fault.what().starts_with("view public.mine");
            assert!(known && fault.what().contains(told), "{told}: {fault:?}");
            assert_eq!(ask(&mut client, made), "0", "{definition}");
            client.batch_execute("DROP VIEW mine").unwrap();
        }
        let taken = "CREATE VIEW mine AS
            SELECT i.label, count(*) OVER (), i.id::bigint::integer AS id, i.id > 3 AS late
            FROM items i WHERE EXISTS (SELECT FROM public.items WHERE id < 5)
            UNION ALL SELECT 'none', 0, 0, false";
        client.batch_execute(taken).unwrap();
        replace(&uri, (&schema, &plan, &parts)).unwrap();
        assert_eq!(ask(&mut client, "SELECT count(*) FROM mine"), "11");
    }
}

#[test]
fn a_collation_that_is_asked_for_counts_more_than_that_of_the_old_column() {
    let found =
        "SELECT collname FROM pg_attribute JOIN pg_collation ON pg_collation.oid = attcollation
                 WHERE attrelid = 'items'::regclass AND attname = 'label'";
    for server in servers() {
        for (asked, gets) in [(Some("C"), "C"), (None, "default")] {
            let uri = owned(server);
            let mut client = client(&uri);
            client
                .batch_execute("CREATE TABLE items (id bigint, label text)")
                .unwrap();
            let (schema, mut plan, parts) = items(10);
            plan.tables[0].columns[1].collation = asked.map(str::to_owned);
            replace(&uri, (&schema, &plan, &parts)).unwrap();
            assert_eq!(ask(&mut client, found), gets);
        }
    }
}

/// An undo made a view anew from the definition that the import had left, with casts of other types in it: it
/// said something else than before, or failed. Now what was found is kept, and given back.
#[test]
fn definitions_that_other_types_leave_casts_in_come_back_as_they_were() {
    const FOLLOWING: &str = "
        CREATE TABLE items (id numeric(12,2) PRIMARY KEY, label varchar(40) NOT NULL);
        INSERT INTO items SELECT n, 'old ' || n FROM generate_series(1, 10) AS n;
        CREATE VIEW mine AS SELECT label::text AS label FROM items WHERE id > 1.5 AND label = 'old 7';
        CREATE VIEW others AS SELECT count(*) FROM mine JOIN items USING (label)";
    const NEWS: &str = "CREATE PUBLICATION some_news FOR TABLE items (id, label) WHERE (id > 2.5)
        WITH (publish = 'insert')";
    for server in servers() {
        let uri = owned(server);
        let mut client = client(&uri);
        client.batch_execute(FOLLOWING).unwrap();
        let version: u32 = ask(&mut client, "SHOW server_version_num").parse().unwrap();
        if version >= 150_000 {
            client.batch_execute(NEWS).unwrap();
        }
        let views = "SELECT pg_get_viewdef('mine'), pg_get_viewdef('others')";
        let rows = "SELECT (SELECT count(*) FROM mine), (SELECT count(*) FROM others)";
        let found = (
            dump(server, &uri),
            ask(&mut client, views),
            ask(&mut client, PUBLISHED),
            ask(&mut client, rows),
        );
        let (schema, plan, parts) = items(10);
        replace(&uri, (&schema, &plan, &parts)).unwrap();
        let replaced = ask(&mut client, views);
        assert_ne!(replaced, found.1);
        let undone = |client: &mut postgres::Client| {
            undo(&uri, None).unwrap();
            (
                dump(server, &uri),
                ask(client, views),
                ask(client, PUBLISHED),
                ask(client, rows),
            )
        };
        assert_eq!(undone(&mut client), found);
        assert_eq!(undone(&mut client).1, replaced);
        assert_eq!(undone(&mut client), found);
        // What somebody has made of a view since is his, and follows as it is.
        undo(&uri, None).unwrap();
        client
            .batch_execute(
                "CREATE OR REPLACE VIEW mine AS SELECT 'x'::text AS label FROM items WHERE id > 3",
            )
            .unwrap();
        undo(&uri, None).unwrap();
        let mine = ask(&mut client, "SELECT pg_get_viewdef('mine')");
        assert!(
            mine.contains("'x'::text") && mine.contains("> (3)"),
            "{mine}"
        );
    }
}

/// An undo was said to be possible, and failed at a view that was made since.
#[test]
fn a_view_made_since_that_would_get_another_type_is_told_before_the_undo() {
    for server in servers() {
        let uri = owned(server);
        let mut client = client(&uri);
        client.batch_execute(APPLICATION).unwrap();
        let (schema, plan, parts) = items(10);
        replace(&uri, (&schema, &plan, &parts)).unwrap();
        client
            .batch_execute("CREATE VIEW late AS SELECT id FROM items")
            .unwrap();
        let undo = Undo::prepare(&conninfo(&uri), None, false, Duration::from_secs(5));
        let fault = undo.map(drop).unwrap_err();
        assert_eq!(fault.code(), Code::TargetDependent, "{fault:?}");
        let told = "view public.late would get another type: its column `id` is bigint, and would be integer";
        assert_eq!(fault.what(), told);
        client.batch_execute("DROP VIEW late").unwrap();
        super::replace::undo(&uri, None).unwrap();
    }
}
