//! A role that may create in one schema only: it stages there, and keeps the ledger there.

use waybill_common::engine::postgres::target::{PostgresOptions, PostgresTarget};
use waybill_common::fault::Code;
use waybill_common::mapping::plan::{EnumPlan, PgType, Plan};
use waybill_common::model::schema::Schema;
use waybill_common::model::value::OwnedValue;
use waybill_common::progress::Unwatched;
use waybill_common::seam::{Begun, Target as _};

use super::sample::{
    After, Memory, ask, column, conninfo, foreign_key, import, index, items, key, options, planned,
    source,
};
use crate::support::postgres::servers;

/// What a schema holds beside the ledger, with every name that there is.
const INVENTORY: &str = "
    SELECT kind, name, of FROM (
    SELECT relkind::text AS kind, relname::text AS name, coalesce(reloptions::text, '') AS of
    FROM pg_class WHERE relnamespace = 'mine'::regnamespace AND relkind <> 't'
    UNION ALL SELECT 'type ' || typtype::text, typname::text, typarray::regtype::text
    FROM pg_type WHERE typnamespace = 'mine'::regnamespace
    UNION ALL SELECT 'constraint ' || contype::text, conname::text, conrelid::regclass::text || pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'mine'::regnamespace AND conrelid <> 0
    UNION ALL SELECT 'index', indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'mine'
    UNION ALL SELECT 'default', attrelid::regclass::text || attname::text, format_type(atttypid, atttypmod) || attidentity::text
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relnamespace = 'mine'::regnamespace AND attnum > 0) AS found
    WHERE (kind || name || of) NOT LIKE '%waybill\\_runs%' AND (kind || name || of) NOT LIKE '%waybill\\_steps%'
      AND (kind || name || of) NOT LIKE '%waybill\\_version%' AND (kind || name || of) NOT LIKE '%waybill\\_workers%'
      AND (kind || name || of) NOT LIKE '%waybill\\_objects%' AND (kind || name || of) NOT LIKE '%waybill\\_written%'
      AND (kind || name || of) NOT LIKE '%waybill\\_followed%'
    ORDER BY kind COLLATE \"C\", name COLLATE \"C\", of COLLATE \"C\"";

/// Two tables with everything that has a name, some as long as a name may be.
fn rich() -> (Schema, Plan, Memory) {
    let (mut schema, mut plan, _) = items(1);
    let long = "l".repeat(63);
    schema.tables.push(source(&long, &["id", "item"]));
    let mut columns = vec![
        column("id", 0, PgType::Bigint),
        column("item", 1, PgType::Bigint),
    ];
    columns[0].identity = Some(Some(8));
    columns[1].not_null = true;
    plan.tables.push(planned(1, &long, columns));
    let other = &mut plan.tables[1];
    other.primary_key = Some(key(&format!("{}_key", "k".repeat(59)), &["id"]));
    other.foreign_keys = vec![foreign_key("to_items", &["item"], 0, &["id"])];
    other.indexes = vec![index(
        &format!("{}i", "k".repeat(62)),
        false,
        &[("item", true)],
    )];
    plan.enums = vec![EnumPlan {
        name: "mood".to_owned(),
        labels: vec!["item 1".to_owned(), "item 2".to_owned()],
    }];
    plan.tables[0].columns[1].target = PgType::Enum(0);
    plan.tables[0].unique = vec![key("once", &["label"])];
    let item = |id: i64| {
        vec![
            OwnedValue::Integer(id),
            OwnedValue::Text(format!("item {id}")),
        ]
    };
    let pair = |id: i64| vec![OwnedValue::Integer(id), OwnedValue::Integer(1)];
    let rows = vec![(1..=2).map(item).collect(), (1..=7).map(pair).collect()];
    (schema, plan, Memory::new(rows, 2))
}

fn in_one_schema() -> PostgresOptions {
    let mut options = options("mine");
    "mine".clone_into(&mut options.run.ledger_schema);
    options.run.staging_schema = Some("mine".to_owned());
    options
}

/// A database with a schema `mine`, in which a role may create and nowhere else: URIs of a superuser
/// and of the role.
fn with_a_room(server: &crate::support::postgres::Server) -> (String, String, String) {
    let uri = server.fresh_database();
    let database = uri.rsplit('/').next().unwrap().split('?').next().unwrap();
    let role = format!("lodger_{database}");
    let mut owner = postgres::Client::connect(&uri, postgres::NoTls).unwrap();
    owner
        .batch_execute(&format!(
            "CREATE ROLE {role} LOGIN; REVOKE ALL ON SCHEMA public FROM PUBLIC; CREATE SCHEMA mine;
             GRANT USAGE, CREATE ON SCHEMA mine TO {role}"
        ))
        .unwrap();
    let mine = uri.replacen("postgres@", &format!("{role}@"), 1);
    (uri, mine, role)
}

#[test]
fn one_schema_is_enough_and_what_is_made_is_the_same() {
    for server in servers() {
        let (uri, mine, role) = with_a_room(server);
        let mut owner = postgres::Client::connect(&uri, postgres::NoTls).unwrap();
        let (schema, plan, parts) = rich();
        let mut ordinary = PostgresTarget::new(conninfo(&mine), &schema, &plan, options("mine"));
        let fault = ordinary.begin(&parts, &Unwatched).unwrap_err();
        assert_eq!(fault.code(), Code::RightMissing);
        let before = ask(&mut owner, INVENTORY);
        assert_eq!(before, "");

        let mut lodging = PostgresTarget::new(conninfo(&mine), &schema, &plan, in_one_schema());
        import(&mut lodging, &parts).unwrap();
        let lodged = ask(&mut owner, INVENTORY);
        assert!(!lodged.contains("waybill_"), "{lodged}");
        let state = "SELECT state, staging_schema, role FROM mine.waybill_runs";
        assert_eq!(ask(&mut owner, state), format!("done|mine|{role}"));
        let next = format!(
            "INSERT INTO mine.{} (item) VALUES (2) RETURNING id",
            "l".repeat(63)
        );
        assert_eq!(ask(&mut owner, &next), "8");
        let mut again = PostgresTarget::new(conninfo(&mine), &schema, &plan, in_one_schema());
        assert!(matches!(
            again.begin(&parts, &Unwatched).unwrap(),
            Begun::Already(_)
        ));
        drop((lodging, again));

        owner
            .batch_execute(&format!(
                "DROP OWNED BY {role}; CREATE SCHEMA IF NOT EXISTS mine"
            ))
            .unwrap();
        let mut ordinary = PostgresTarget::new(conninfo(&uri), &schema, &plan, options("mine"));
        import(&mut ordinary, &parts).unwrap();
        assert_eq!(lodged, ask(&mut owner, INVENTORY));
        owner
            .batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"))
            .unwrap();
    }
}

#[test]
fn what_an_import_leaves_in_a_foreign_schema_is_gone_with_the_next_and_nothing_else() {
    for server in servers() {
        let (uri, mine, role) = with_a_room(server);
        let mut owner = postgres::Client::connect(&uri, postgres::NoTls).unwrap();
        owner
            .batch_execute("CREATE TABLE mine.kept (waybill_id int)")
            .unwrap();
        let (schema, plan, _) = rich();
        let (_, _, parts) = rich();
        let stop = After::stopping(1, || {});
        let mut first = PostgresTarget::new(conninfo(&mine), &schema, &plan, in_one_schema());
        first.begin(&parts, &stop).unwrap();
        first.load(&parts, &stop).unwrap_err();
        drop(first);
        assert!(ask(&mut owner, INVENTORY).contains("waybill_"));

        // It goes on under the same names.
        let mut next = PostgresTarget::new(conninfo(&mine), &schema, &plan, in_one_schema());
        next.begin(&parts, &Unwatched).unwrap();
        next.load(&parts, &Unwatched).unwrap();
        drop(next);
        let runs = "SELECT count(*) FROM mine.waybill_runs";
        assert_eq!(ask(&mut owner, runs), "1");

        let mut anew = in_one_schema();
        anew.run.anew = true;
        let mut anew = PostgresTarget::new(conninfo(&mine), &schema, &plan, anew);
        anew.begin(&parts, &Unwatched).unwrap();
        let codes: Vec<_> = anew.findings().iter().map(|finding| finding.code).collect();
        assert_eq!(codes, [Code::StagingRemoved]);
        anew.give_up("the test wants it").unwrap();
        let left = ask(&mut owner, INVENTORY);
        assert!(left.contains("kept") && left.lines().count() == 4, "{left}");
        owner
            .batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"))
            .unwrap();
    }
}

#[test]
fn a_ledger_of_another_role_is_refused_with_the_rights_that_open_it() {
    for server in servers() {
        let (uri, mine, role) = with_a_room(server);
        let mut owner = postgres::Client::connect(&uri, postgres::NoTls).unwrap();
        let (schema, plan, parts) = items(10);
        let mut theirs = PostgresTarget::new(conninfo(&uri), &schema, &plan, options("mine"));
        import(&mut theirs, &parts).unwrap();
        owner.batch_execute("DROP TABLE mine.items").unwrap();
        let mut options = options("mine");
        options.run.staging_schema = Some("mine".to_owned());
        options.run.anew = true;
        let import_it = |options: &PostgresOptions| {
            let mut target = PostgresTarget::new(conninfo(&mine), &schema, &plan, options.clone());
            import(&mut target, &parts)
        };
        let fault = import_it(&options).unwrap_err();
        assert_eq!(fault.code(), Code::RightMissing);
        let (grants, or) = fault.help().rsplit_once("; ").unwrap();
        assert_eq!(or, "or keep another ledger with --ledger-schema");
        owner.batch_execute(grants).unwrap();
        import_it(&options).unwrap();
        owner
            .batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"))
            .unwrap();
    }
}

#[test]
fn tables_named_like_the_ledgers_are_refused_where_both_would_lie_in_one_schema() {
    let (_, mine, _) = with_a_room(&servers()[0]);
    let (schema, mut plan, parts) = items(1);
    plan.tables[0].name = "waybill_runs".to_owned();
    let mut target = PostgresTarget::new(conninfo(&mine), &schema, &plan, in_one_schema());
    let fault = target.begin(&parts, &Unwatched).unwrap_err();
    assert_eq!(fault.code(), Code::NameRefused);
    assert_eq!(fault.place().table.as_deref(), Some("waybill_runs"));
}
