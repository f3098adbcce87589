//! What arrives: values of all types, structure, names, sequences.

use waybill_common::mapping::plan::{ColumnPlan, DefaultPlan, PgType, Plan};
use waybill_common::model::schema::{Action, Deferrable, Schema};
use waybill_common::model::value::OwnedValue;

use super::sample::{
    Memory, ask, column, foreign_key, import, index, key, planned, source, target,
};
use crate::support::postgres::servers;

fn text(text: &str) -> OwnedValue {
    OwnedValue::Text(text.to_owned())
}

/// A type, a value, and how PostgreSQL shows it.
fn values() -> Vec<(PgType, OwnedValue, &'static str)> {
    use OwnedValue::{Blob, Integer, Real};
    use PgType::{
        Bigint, Boolean, Bytea, Date, Double, Inet, Json, Jsonb, Numeric, Text, Time, Timestamp,
        Timestamptz, Uuid,
    };
    vec![
        (Bigint, Integer(i64::MIN), "-9223372036854775808"),
        (Bigint, Integer(i64::MAX), "9223372036854775807"),
        (Double, Real(f64::MAX), "1.7976931348623157e+308"),
        (Double, Real(5e-324), "5e-324"),
        (Double, Real(-0.0), "-0"),
        (Double, Real(0.1 + 0.2), "0.30000000000000004"),
        (Double, Real(f64::NEG_INFINITY), "-Infinity"),
        (Double, Real(f64::NAN), "NaN"),
        (Double, Integer(-(1 << 53)), "-9.007199254740992e+15"),
        (Numeric, Integer(0), "0"),
        (Numeric, Integer(i64::MIN), "-9223372036854775808"),
        (Numeric, Integer(10_000), "10000"),
        (Numeric, Real(1.0), "1.0"),
        (Numeric, Real(-1234.5678), "-1234.5678"),
        (Numeric, Real(1e-7), "0.0000001"),
        (Numeric, Real(1e22), "10000000000000000000000.0"),
        (Numeric, Real(0.0), "0.0"),
        (Numeric, Real(0.000_123_4), "0.0001234"),
        (Text, text(""), ""),
        (Text, text("ä😀\t'\\x\n"), "ä😀\t'\\x\n"),
        (Text, Integer(-7), "-7"),
        (Text, Real(1e16), "1e+16"),
        (Bytea, Blob(vec![0, 255, b'\\']), "\\x00ff5c"),
        (Bytea, Blob(Vec::new()), "\\x"),
        (Boolean, Integer(0), "f"),
        (Boolean, Integer(1), "t"),
        (
            Timestamptz,
            text("2024-02-29T23:59:59.999999-15:59"),
            "2024-03-01 15:58:59.999999+00",
        ),
        (
            Timestamptz,
            text("0001-01-01 00:00:00Z"),
            "0001-01-01 00:00:00+00",
        ),
        (
            Timestamptz,
            text("9999-12-31T23:59:59+00"),
            "9999-12-31 23:59:59+00",
        ),
        (
            Timestamp,
            text("1999-12-31 23:59:59.9"),
            "1999-12-31 23:59:59.9",
        ),
        (
            Timestamp,
            text("0001-01-01T00:00:00"),
            "0001-01-01 00:00:00",
        ),
        (Date, text("0001-01-01"), "0001-01-01"),
        (Date, text("9999-12-31"), "9999-12-31"),
        (Time, text("23:59:59.999999"), "23:59:59.999999"),
        (
            Uuid,
            text("00000000-0000-0000-0000-00000000000a"),
            "00000000-0000-0000-0000-00000000000a",
        ),
        (
            Uuid,
            text("FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"),
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
        ),
        (
            Jsonb,
            text("{ \"b\" : [1.50, null], \"a\": \"\\u00e4\" }"),
            "{\"a\": \"ä\", \"b\": [1.50, null]}",
        ),
        (Jsonb, text("[1e2,-0.0,{}]"), "[100, 0.0, {}]"),
        (Json, text("{ \"b\":1,\"b\":2 }"), "{ \"b\":1,\"b\":2 }"),
        (Inet, text("10.1.2.0/24"), "10.1.2.0/24"),
        (Inet, text("::ffff:1.2.3.4"), "::ffff:1.2.3.4"),
        (Inet, text("2001:db8::1"), "2001:db8::1"),
    ]
}

#[test]
fn every_type_holds_its_extremes_exactly() {
    for server in servers() {
        let values = values();
        let names: Vec<_> = (0..values.len()).map(|n| format!("c{n}")).collect();
        let mut all = vec!["id"];
        all.extend(names.iter().map(String::as_str));
        let schema = Schema {
            tables: vec![source("t", &all)],
            ..Schema::default()
        };
        let mut columns = vec![column("id", 0, PgType::Bigint)];
        let mut row = vec![OwnedValue::Integer(1)];
        let mut nulls = vec![OwnedValue::Integer(2)];
        for (position, (target, value, _)) in values.iter().enumerate() {
            columns.push(column(&names[position], position + 1, *target));
            row.push(value.clone());
            nulls.push(OwnedValue::Null);
        }
        let plan = Plan {
            tables: vec![planned(0, "t", columns)],
            ..Plan::default()
        };
        let uri = server.fresh_database();
        let parts = Memory::new(vec![vec![row, nulls]], 10);
        import(&mut target(&uri, &schema, &plan), &parts).unwrap();

        let mut client = postgres::Client::connect(&uri, postgres::NoTls).unwrap();
        client.batch_execute("SET TimeZone = 'UTC'").unwrap();
        for (position, (target, value, shown)) in values.iter().enumerate() {
            let name = target.name();
            let cell = format!("SELECT c{position}, pg_typeof(c{position}) FROM t WHERE id = 1");
            let found = ask(&mut client, &cell);
            assert_eq!(
                found,
                format!("{shown}|{name}"),
                "{value:?} on {}",
                server.version
            );
            let null = ask(
                &mut client,
                &format!("SELECT c{position} FROM t WHERE id = 2"),
            );
            assert_eq!(null, "~");
        }
    }
}

/// Two tables that refer to each other, one of them to itself, and one with a composite key.
fn shop() -> (Schema, Plan, Memory) {
    let schema = Schema {
        tables: vec![
            source("people", &["id", "boss", "home", "born"]),
            source("homes", &["id", "owner", "city", "street"]),
            source("notes", &["id", "city", "street", "body"]),
        ],
        ..Schema::default()
    };
    let identity = |next| ColumnPlan {
        identity: Some(next),
        ..column("id", 0, PgType::Bigint)
    };
    let default = |default, column| ColumnPlan {
        default: Some(default),
        ..column
    };
    let mut people = planned(
        0,
        "people",
        vec![
            identity(Some(2001)),
            column("boss", 1, PgType::Bigint),
            column("home", 2, PgType::Bigint),
            default(DefaultPlan::CurrentDate, column("born", 3, PgType::Date)),
        ],
    );
    people.indexes = vec![index(
        "people_by_home",
        false,
        &[("home", true), ("id", false)],
    )];
    people.foreign_keys = vec![
        foreign_key("people_boss", &["boss"], 0, &["id"]),
        foreign_key("people_home", &["home"], 1, &["id"]),
    ];
    people.foreign_keys[1].on_delete = Action::SetNull;
    people.foreign_keys[1].deferrable = Deferrable::InitiallyDeferred;
    let mut homes = planned(
        1,
        "homes",
        vec![
            identity(None),
            column("owner", 1, PgType::Bigint),
            default(
                DefaultPlan::Literal(text("it's; --")),
                column("city", 2, PgType::Text),
            ),
            column("street", 3, PgType::Text),
        ],
    );
    homes.unique = vec![key("homes_place", &["city", "street"])];
    homes.indexes = vec![index("Homes \"odd\"", true, &[("street", false)])];
    homes.foreign_keys = vec![foreign_key("homes_owner", &["owner"], 0, &["id"])];
    let mut notes = planned(
        2,
        "notes",
        vec![
            column("id", 0, PgType::Bigint),
            column("city", 1, PgType::Text),
            column("street", 2, PgType::Text),
            default(
                DefaultPlan::CurrentTimestamp,
                column("body", 3, PgType::Text),
            ),
        ],
    );
    notes.columns[3].not_null = true;
    notes.foreign_keys = vec![foreign_key(
        "notes_place",
        &["city", "street"],
        1,
        &["city", "street"],
    )];
    notes.foreign_keys[0].valid = false;
    let plan = Plan {
        tables: vec![people, homes, notes],
        ..Plan::default()
    };
    let number = OwnedValue::Integer;
    let people = (1..=2000).map(|id| {
        vec![
            number(id),
            number((id + 1) / 2),
            number(id % 10 + 1),
            text("2000-01-01"),
        ]
    });
    let homes = (1..=10).map(|id| {
        vec![
            number(id),
            number(id * 7),
            text("ä"),
            text(&format!("street {id}")),
        ]
    });
    // The second note is an orphan.
    let notes = [("street 1", 1), ("street 99", 2)];
    let notes = notes.map(|(street, id)| vec![number(id), text("ä"), text(street), text("x")]);
    let memory = Memory::new(vec![people.collect(), homes.collect(), notes.to_vec()], 300);
    (schema, plan, memory)
}

const CONSTRAINTS: &str = "SELECT conname, pg_get_constraintdef(oid), convalidated
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n' ORDER BY conname";

#[test]
fn keys_indexes_and_foreign_keys_arrive_as_planned() {
    for server in servers() {
        let (schema, plan, parts) = shop();
        let uri = server.fresh_database();
        import(&mut target(&uri, &schema, &plan), &parts).unwrap();
        let mut client = postgres::Client::connect(&uri, postgres::NoTls).unwrap();
        assert_eq!(
            ask(&mut client, CONSTRAINTS),
            "homes_owner|FOREIGN KEY (owner) REFERENCES people(id)|t\n\
             homes_pkey|PRIMARY KEY (id)|t\n\
             homes_place|UNIQUE (city, street)|t\n\
             notes_pkey|PRIMARY KEY (id)|t\n\
             notes_place|FOREIGN KEY (city, street) REFERENCES homes(city, street) NOT VALID|f\n\
             people_boss|FOREIGN KEY (boss) REFERENCES people(id)|t\n\
             people_home|FOREIGN KEY (home) REFERENCES homes(id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED|t\n\
             people_pkey|PRIMARY KEY (id)|t"
        );
        let indexes = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
            AND indexname IN ('people_by_home', 'Homes \"odd\"') ORDER BY indexname";
        assert_eq!(
            ask(&mut client, indexes),
            "CREATE UNIQUE INDEX \"Homes \"\"odd\"\"\" ON public.homes USING btree (street)\n\
             CREATE INDEX people_by_home ON public.people USING btree (home DESC, id)"
        );
        let counts = "SELECT (SELECT count(*) FROM people), (SELECT sum(id) FROM people), (SELECT count(*) FROM notes)";
        assert_eq!(ask(&mut client, counts), "2000|2001000|2");
        assert_eq!(
            ask(
                &mut client,
                "SELECT reloptions FROM pg_class WHERE relname = 'people'"
            ),
            "~",
            "autovacuum is left off"
        );
        let analyzed = "SELECT reltuples FROM pg_class WHERE relname = 'people'";
        assert_eq!(ask(&mut client, analyzed), "2000");
        let collation = "SELECT DISTINCT collation_name FROM information_schema.columns WHERE table_schema = 'public' AND data_type = 'text'";
        assert_eq!(ask(&mut client, collation), "C");
    }
}

#[test]
fn new_rows_get_the_next_number_and_the_defaults() {
    for server in servers() {
        let (schema, plan, parts) = shop();
        let uri = server.fresh_database();
        import(&mut target(&uri, &schema, &plan), &parts).unwrap();
        let mut client = postgres::Client::connect(&uri, postgres::NoTls).unwrap();
        let born = "INSERT INTO people DEFAULT VALUES RETURNING id, born = (now() AT TIME ZONE 'UTC')::date";
        assert_eq!(ask(&mut client, born), "2001|t");
        let full = client.batch_execute("INSERT INTO homes (street) VALUES ('new')");
        let full = full
            .unwrap_err()
            .as_db_error()
            .unwrap()
            .message()
            .to_owned();
        assert!(full.contains("maximum value of sequence"), "{full}");
        let city = "INSERT INTO homes (id, street) VALUES (0, 'new') RETURNING city";
        assert_eq!(ask(&mut client, city), "it's; --");
        let body = "INSERT INTO notes (id) VALUES (7) RETURNING body = to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')";
        assert_eq!(ask(&mut client, body), "t");
        let orphan =
            client.batch_execute("INSERT INTO notes (id, city, street) VALUES (8, 'x', 'y')");
        assert!(
            orphan.is_err(),
            "a constraint that is not valid holds for new rows"
        );
    }
}
