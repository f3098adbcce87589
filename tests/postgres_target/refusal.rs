//! What is refused, with which words, and that nothing is left then.

use std::error::Error as _;
use std::time::Duration;

use waybill_common::engine::postgres::catalogue::{self, Schemas};
use waybill_common::engine::postgres::target::{PostgresOptions, PostgresTarget};
use waybill_common::fault::{Code, Fault};
use waybill_common::mapping::plan::{ColumnPlan, Origin, PgType};
use waybill_common::model::value::OwnedValue;
use waybill_common::progress::Unwatched;
use waybill_common::seam::{Check, Target as _};

use super::sample::{
    Memory, ask, column, conninfo, foreign_key, import, index, inventory, items, options, planned,
    source, target,
};
use crate::support::postgres::{drop_database, fresh_database, server, servers};

fn client(uri: &str) -> postgres::Client {
    postgres::Client::connect(uri, postgres::NoTls).unwrap()
}

fn cause(fault: &Fault) -> String {
    fault.source().map_or_else(String::new, ToString::to_string)
}

#[test]
fn every_name_that_is_taken_is_named_and_nothing_changes() {
    let uri = fresh_database();
    let mut client = client(&uri);
    client
        .batch_execute(
            "CREATE VIEW items AS SELECT 1; CREATE TABLE other (id int);
             CREATE INDEX items_pkey ON other (id); CREATE SEQUENCE items_id_seq;
             CREATE TYPE _items AS ENUM ('a')",
        )
        .unwrap();
    let before = inventory(&mut client);
    let (schema, mut plan, parts) = items(1);
    plan.tables[0].columns[0].identity = Some(Some(2));
    let fault = target(&uri, &schema, &plan)
        .begin(&parts, &Unwatched)
        .unwrap_err();
    assert_eq!(fault.code(), Code::TargetExists);
    assert_eq!(
        cause(&fault),
        "view `items`, sequence `items_id_seq`, index `items_pkey`, type `_items`"
    );
    assert_eq!(inventory(&mut client), before);
    let findings = catalogue::preflight(&conninfo(&uri), Schemas::of("public"), &plan).unwrap();
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].code, Code::TargetExists);
    assert_eq!(findings[0].place.table.as_deref(), Some("public"));
    assert_eq!(findings[0].count, 4);
    assert_eq!(findings[0].samples.len(), 4);
    assert_eq!(
        findings[0].message,
        "the target schema has objects with names that the import needs"
    );
}

#[test]
fn tables_are_listed_first_and_without_the_types_that_come_with_them() {
    let uri = fresh_database();
    let mut client = client(&uri);
    client
        .batch_execute(
            "CREATE TABLE other (id int); CREATE INDEX a_pkey ON other (id);
             CREATE TABLE items (id int); CREATE TABLE b (id int); CREATE TYPE _c AS ENUM ('x')",
        )
        .unwrap();
    let (schema, mut plan, parts) = items(1);
    let columns = plan.tables[0].columns.clone();
    for name in ["b", "c", "a_pkey"] {
        plan.tables.push(planned(0, name, columns.clone()));
    }
    let fault = target(&uri, &schema, &plan)
        .begin(&parts, &Unwatched)
        .unwrap_err();
    assert_eq!(
        cause(&fault),
        "table `b`, table `items`, index `a_pkey`, type `_c`"
    );
    // The switch looks once more.
    plan.tables.truncate(1);
    client.batch_execute("DROP TABLE items").unwrap();
    let mut target = target(&uri, &schema, &plan);
    target.begin(&parts, &Unwatched).unwrap();
    target.load(&parts, &Unwatched).unwrap();
    client.batch_execute("CREATE TABLE items (id int)").unwrap();
    target.build(&Unwatched).unwrap();
    assert_eq!(
        cause(&target.switch(&Unwatched).unwrap_err()),
        "relation `items`"
    );
}

#[test]
fn a_type_alone_is_in_the_way_of_a_table() {
    let uri = fresh_database();
    client(&uri)
        .batch_execute("CREATE TYPE items AS ENUM ('a')")
        .unwrap();
    let (schema, plan, parts) = items(1);
    let fault = target(&uri, &schema, &plan)
        .begin(&parts, &Unwatched)
        .unwrap_err();
    assert_eq!(
        (fault.code(), cause(&fault).as_str()),
        (Code::TargetExists, "type `items`")
    );
}

#[test]
fn a_name_taken_during_the_import_stops_the_switch() {
    let uri = fresh_database();
    let mut client = client(&uri);
    let (schema, plan, parts) = items(10);
    let mut target = target(&uri, &schema, &plan);
    target.begin(&parts, &Unwatched).unwrap();
    target.load(&parts, &Unwatched).unwrap();
    client
        .batch_execute("CREATE TABLE items (mine int)")
        .unwrap();
    target.build(&Unwatched).unwrap();
    let fault = target.switch(&Unwatched).unwrap_err();
    assert_eq!(fault.code(), Code::TargetExists);
    drop(target);
    assert_eq!(ask(&mut client, "SELECT * FROM items"), "");
    // Once it is out of the way, the import goes on with what it has.
    client.batch_execute("DROP TABLE items").unwrap();
    import(&mut super::sample::target(&uri, &schema, &plan), &parts).unwrap();
    assert_eq!(inventory(&mut client), ["items", "items_pkey"]);
    let loads = "SELECT max(attempt), count(*) FROM waybill.steps WHERE kind = 'part'";
    assert_eq!(ask(&mut client, loads), "1|1");
}

#[test]
fn a_name_taken_but_not_yet_committed_stops_the_switch_too() {
    let uri = fresh_database();
    let (schema, plan, parts) = items(10);
    let mut target = target(&uri, &schema, &plan);
    target.begin(&parts, &Unwatched).unwrap();
    target.load(&parts, &Unwatched).unwrap();
    target.build(&Unwatched).unwrap();
    let mut other = client(&uri);
    other
        .batch_execute("BEGIN; CREATE TABLE items (mine int)")
        .unwrap();
    let switch = std::thread::scope(|scope| {
        let switch = scope.spawn(|| target.switch(&Unwatched).unwrap_err());
        let mut watcher = client(&uri);
        while ask(
            &mut watcher,
            "SELECT count(*) FROM pg_locks WHERE NOT granted",
        ) == "0"
        {}
        other.batch_execute("COMMIT").unwrap();
        switch.join().unwrap()
    });
    assert_eq!(switch.code(), Code::TargetExists, "{switch:?}");
    drop(target);
    assert_eq!(ask(&mut other, "SELECT * FROM items"), "");
}

#[test]
fn two_imports_into_one_schema_exclude_each_other() {
    let uri = fresh_database();
    client(&uri)
        .batch_execute("CREATE SCHEMA elsewhere")
        .unwrap();
    let (schema, plan, parts) = items(10);
    let mut first = target(&uri, &schema, &plan);
    first.begin(&parts, &Unwatched).unwrap();
    let mut other = PostgresTarget::new(conninfo(&uri), &schema, &plan, of_another_archive());
    let fault = other.begin(&parts, &Unwatched).unwrap_err();
    assert_eq!(fault.code(), Code::ImportRunning);
    let mut aside = PostgresTarget::new(conninfo(&uri), &schema, &plan, options("elsewhere"));
    import(&mut aside, &parts).unwrap();
    first.load(&parts, &Unwatched).unwrap();
    first.build(&Unwatched).unwrap();
    first.check(&Unwatched).unwrap();
    first.switch(&Unwatched).unwrap();
    let fault = other.begin(&parts, &Unwatched).unwrap_err();
    assert_eq!(fault.code(), Code::TargetExists, "the lock is free again");
}

fn of_another_archive() -> PostgresOptions {
    let mut options = options("public");
    options.run.archive_root = "2".repeat(64);
    options
}

#[test]
fn a_missing_right_or_schema_is_answered_with_the_statement_that_gives_it() {
    for server in servers() {
        let uri = server.fresh_database();
        let database = uri
            .rsplit('/')
            .next()
            .unwrap()
            .split('?')
            .next()
            .unwrap()
            .to_owned();
        let role = format!("role_{database}");
        let mut owner = client(&uri);
        owner
            .batch_execute(&format!(
                "CREATE ROLE {role} LOGIN; REVOKE ALL ON SCHEMA public FROM PUBLIC"
            ))
            .unwrap();
        let mine = uri.replacen("postgres@", &format!("{role}@"), 1);
        let (schema, plan, parts) = items(10);
        let findings =
            catalogue::preflight(&conninfo(&mine), Schemas::of("public"), &plan).unwrap();
        let codes: Vec<_> = findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, [Code::RightMissing, Code::RightMissing]);
        for grant in [
            format!("GRANT CREATE ON DATABASE \"{database}\" TO \"{role}\""),
            format!("GRANT USAGE, CREATE ON SCHEMA \"public\" TO \"{role}\""),
        ] {
            let fault = target(&mine, &schema, &plan)
                .begin(&parts, &Unwatched)
                .unwrap_err();
            assert_eq!(
                (fault.code(), fault.help()),
                (Code::RightMissing, grant.as_str())
            );
            owner.batch_execute(&grant).unwrap();
        }
        let mut nowhere = PostgresTarget::new(conninfo(&mine), &schema, &plan, options("no where"));
        let fault = nowhere.begin(&parts, &Unwatched).unwrap_err();
        assert_eq!(
            (fault.code(), fault.help()),
            (Code::TargetSchemaMissing, "CREATE SCHEMA \"no where\"")
        );
        import(&mut target(&mine, &schema, &plan), &parts).unwrap();
        let asked = "SELECT tableowner FROM pg_tables WHERE tablename = 'items'";
        assert_eq!(ask(&mut owner, asked), role);
        owner
            .batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"))
            .unwrap();
    }
}

#[test]
fn an_encoding_other_than_utf8_is_refused() {
    let mut maintenance = client(&server().fresh_database());
    let name = format!("latin_{}", std::process::id());
    maintenance
        .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"))
        .unwrap();
    let (schema, plan, parts) = items(1);
    let fault = target(&server().uri(&name), &schema, &plan)
        .begin(&parts, &Unwatched)
        .unwrap_err();
    assert_eq!(fault.code(), Code::ServerUnfit);
    assert_eq!(fault.what(), "the database's encoding is LATIN1");
    maintenance
        .batch_execute(&format!("DROP DATABASE {name}"))
        .unwrap();
}

#[test]
fn more_tables_than_the_server_has_locks_for_are_refused_with_the_setting() {
    let uri = fresh_database();
    let (schema, mut plan, parts) = items(1);
    plan.tables = (0..20_000)
        .map(|n| planned(0, &format!("t{n}"), plan.tables[0].columns.clone()))
        .collect();
    let findings = catalogue::preflight(&conninfo(&uri), Schemas::of("public"), &plan).unwrap();
    assert_eq!(findings[0].code, Code::ServerUnfit);
    let fault = target(&uri, &schema, &plan)
        .begin(&parts, &Unwatched)
        .unwrap_err();
    let asked = |fault: &Fault| {
        let help = fault.help();
        let setting = help.strip_prefix("set max_locks_per_transaction to at least ");
        let setting = setting.and_then(|rest| rest.split(' ').next());
        setting.unwrap_or(help).parse::<i64>().unwrap()
    };
    let slots: i64 = ask(
        &mut client(&uri),
        "SELECT sum(setting::int) FROM pg_settings WHERE name IN ('max_connections', 'max_worker_processes',
             'max_wal_senders', 'max_prepared_transactions', 'autovacuum_max_workers')",
    )
    .parse()
    .unwrap();
    let enough = |locks: i64| locks / (slots * 4 / 3) + 1;
    assert_eq!(asked(&fault), enough(20_020));
    // The old tables are locked beside the new ones.
    let mut replacing = options("public");
    replacing.replace = true;
    let mut replacing = PostgresTarget::new(conninfo(&uri), &schema, &plan, replacing);
    let fault = replacing.begin(&parts, &Unwatched).unwrap_err();
    assert_eq!(fault.code(), Code::ServerUnfit);
    assert_eq!(asked(&fault), enough(40_020));
    assert!(inventory(&mut client(&uri)).is_empty());
}

#[test]
fn thousands_of_tables_are_made_at_default_settings() {
    const TABLES: usize = 2_500;
    let uri = fresh_database();
    let mut client = client(&uri);
    assert_eq!(ask(&mut client, "SHOW max_locks_per_transaction"), "64");
    let (schema, plan) = super::sample::bare_tables(TABLES);
    let parts = Memory::new(vec![Vec::new(); TABLES], 100);
    import(&mut target(&uri, &schema, &plan), &parts).unwrap();
    let count = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
    assert_eq!(ask(&mut client, count), TABLES.to_string());
    drop(client);
    drop_database(server(), &uri);
}

#[test]
fn a_value_that_does_not_fit_is_named_and_nothing_is_left() {
    let uri = fresh_database();
    let (schema, mut plan, _) = items(1);
    plan.tables[0].columns[1].target = PgType::Date;
    let row = |id, day: &str| vec![OwnedValue::Integer(id), OwnedValue::Text(day.to_owned())];
    let rows = vec![
        row(5, "2024-01-01"),
        row(6, "2024-01-02"),
        row(7, "2024-02-30"),
    ];
    let parts = Memory::new(vec![rows], 2);
    let fault = import(&mut target(&uri, &schema, &plan), &parts).unwrap_err();
    assert_eq!(fault.code(), Code::ValueRefused);
    assert_eq!(fault.what(), "'2024-02-30' has no exact form as date");
    let place = fault.place();
    assert_eq!(place.table.as_deref(), Some("items"));
    assert_eq!(place.column.as_deref(), Some("label"));
    assert_eq!(place.row.as_deref(), Some("id=7"));
    assert!(inventory(&mut client(&uri)).is_empty());
}

#[test]
fn a_row_that_no_page_holds_is_named_before_it_is_sent() {
    let uri = fresh_database();
    let (mut schema, mut plan, _) = items(1);
    let label = schema.tables[0].columns[1].clone();
    let texts = 500;
    for n in 1..texts {
        let mut column = plan.tables[0].columns[1].clone();
        column.name = format!("label{n}");
        column.origin = Origin::Cell(1 + n);
        plan.tables[0].columns.push(column);
        let mut column = label.clone();
        column.name = format!("label{n}");
        schema.tables[0].columns.push(column);
    }
    let row = |id, length: usize| {
        let mut row = vec![OwnedValue::Integer(id)];
        row.resize(1 + texts, OwnedValue::Text("x".repeat(length)));
        row
    };
    // 500 values of 15 bytes and their headers fit, 500 that shrink do, 500 of 20 bytes do not.
    let fitting = Memory::new(vec![vec![row(1, 15), row(2, 200)]], 2);
    import(&mut target(&uri, &schema, &plan), &fitting).unwrap();
    client(&uri).batch_execute("DROP TABLE items").unwrap();
    let parts = Memory::new(vec![vec![row(5, 15), row(6, 20), row(7, 15)]], 2);
    let fault = import(&mut target(&uri, &schema, &plan), &parts).unwrap_err();
    assert_eq!(fault.code(), Code::ValueRefused, "{fault:?}");
    assert!(fault.what().starts_with("the row takes at least"));
    assert_eq!(fault.place().table.as_deref(), Some("items"));
    assert_eq!(fault.place().row.as_deref(), Some("id=6"));
    assert!(inventory(&mut client(&uri)).is_empty());
}

#[test]
fn a_row_that_only_the_server_refuses_is_named_by_its_key() {
    for server in servers() {
        let uri = server.fresh_database();
        let (schema, mut plan, _) = items(1);
        plan.tables[0].columns[1].target = PgType::Json;
        let row = |id| {
            let json = if id == 1234 { "{\"a\":}" } else { "{}" };
            vec![OwnedValue::Integer(id), OwnedValue::Text(json.to_owned())]
        };
        let parts = Memory::new(vec![(1000..1500).map(row).collect()], 50);
        let fault = import(&mut target(&uri, &schema, &plan), &parts).unwrap_err();
        assert_eq!(fault.code(), Code::ValueRefused, "{fault:?}");
        assert_eq!(fault.place().table.as_deref(), Some("items"));
        assert_eq!(fault.place().row.as_deref(), Some("id=1234"), "{fault:?}");
        assert!(inventory(&mut client(&uri)).is_empty());
    }
}

#[test]
fn null_where_the_plan_says_not_null_is_refused() {
    let uri = fresh_database();
    let (schema, mut plan, _) = items(1);
    plan.tables[0].columns[1] = ColumnPlan {
        not_null: true,
        ..column("label", 1, PgType::Text)
    };
    let parts = Memory::new(
        vec![vec![vec![OwnedValue::Integer(3), OwnedValue::Null]]],
        1,
    );
    let fault = import(&mut target(&uri, &schema, &plan), &parts).unwrap_err();
    assert_eq!(fault.code(), Code::NotNullViolated);
    assert_eq!(fault.place().row.as_deref(), Some("id=3"));
}

#[test]
fn keys_that_the_rows_break_are_refused_by_name() {
    let uri = fresh_database();
    let (schema, mut plan, parts) = items(10);
    plan.tables[0].indexes = vec![index("by_label", true, &[("label", false)])];
    let twice = Memory::new(
        vec![vec![
            vec![OwnedValue::Integer(1), OwnedValue::Text("same".to_owned())],
            vec![OwnedValue::Integer(2), OwnedValue::Text("same".to_owned())],
        ]],
        1,
    );
    let fault = import(&mut target(&uri, &schema, &plan), &twice).unwrap_err();
    assert_eq!(
        (fault.code(), fault.what()),
        (Code::KeyDuplicate, "cannot build the index `by_label`")
    );
    assert!(cause(&fault).contains("(label)=(same)"), "{fault:?}");
    assert_eq!(fault.place().row.as_deref(), Some("id=1; id=2"));

    plan.tables[0]
        .columns
        .push(column("parent", 0, PgType::Bigint));
    plan.tables
        .push(planned(1, "parents", vec![column("id", 0, PgType::Bigint)]));
    plan.tables[0].foreign_keys = vec![foreign_key("to_parent", &["parent"], 1, &["id"])];
    let mut schema = schema;
    schema.tables.push(source("parents", &["id"]));
    let fault = import(&mut target(&uri, &schema, &plan), &parts).unwrap_err();
    assert_eq!(
        (fault.code(), fault.what()),
        (
            Code::ForeignKeyOrphan,
            "cannot add the foreign key `to_parent`"
        )
    );
    assert_eq!(fault.place().table.as_deref(), Some("items"));
    assert!(inventory(&mut client(&uri)).is_empty());
}

/// Changes the staged table after the load, and gives what the check says.
fn checked(check: Check, change: &str) -> Result<(), Code> {
    let uri = fresh_database();
    let (schema, plan, parts) = items(1000);
    let options = PostgresOptions {
        check,
        lock_wait_timeout: Duration::from_secs(5),
        replace: false,
        ..options("public")
    };
    let mut target = PostgresTarget::new(conninfo(&uri), &schema, &plan, options);
    target.begin(&parts, &Unwatched).unwrap();
    target.load(&parts, &Unwatched).unwrap();
    let mut client = client(&uri);
    let staging = ask(
        &mut client,
        "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'waybill_staging_%'",
    );
    client
        .batch_execute(&format!("SET search_path = {staging}; {change}"))
        .unwrap();
    let checked = target
        .build(&Unwatched)
        .and_then(|()| target.check(&Unwatched));
    target.give_up("the test needs no more of it").unwrap();
    assert!(inventory(&mut client).is_empty());
    checked.map_err(|fault| fault.code())
}

#[test]
fn a_row_that_was_changed_lost_or_doubled_in_the_server_is_noticed() {
    let change = "UPDATE items SET label = 'item 7 ' WHERE id = 7";
    assert_eq!(checked(Check::Content, change), Err(Code::ContentDiffers));
    assert_eq!(checked(Check::Counts, change), Ok(()));
    assert_eq!(
        checked(Check::Counts, "DELETE FROM items WHERE id = 7"),
        Err(Code::ContentDiffers)
    );
    assert_eq!(
        checked(Check::None, "DELETE FROM items WHERE id = 7"),
        Ok(())
    );
    assert_eq!(
        checked(Check::Content, "UPDATE items SET label = label"),
        Ok(())
    );
    let swapped = "DELETE FROM items WHERE id = 7; INSERT INTO items VALUES (-7, 'item 7')";
    assert_eq!(checked(Check::Content, swapped), Err(Code::ContentDiffers));
    let keyless = "ALTER TABLE items DROP CONSTRAINT items_pkey";
    assert_eq!(checked(Check::None, keyless), Err(Code::ContentDiffers));
}
