//! The statements about what the operator adds, word for word.

use super::sql::{cluster, completing, create_index, grants, moves, owners};
use crate::engine::postgres::target::run::Job;
use crate::mapping::file::StatisticsKind;
use crate::mapping::operator::{
    AddedIndex, AddedStatistics, Additions, GrantPlan, IndexedBy, OperatorPlan, OperatorSql,
    UpdatedAt,
};
use crate::mapping::plan::{ColumnPlan, DefaultPlan, EnumPlan, PgType, Plan, TablePlan};
use crate::model::schema::Schema;

fn column(name: &str, target: PgType) -> ColumnPlan {
    ColumnPlan::bare(name, 0, target)
}

fn sql(text: &str) -> OperatorSql {
    OperatorSql(text.to_owned())
}

fn plan(columns: Vec<ColumnPlan>, added: Additions, operator: OperatorPlan) -> Plan {
    Plan {
        views: Vec::new(),
        tables: vec![TablePlan {
            added,
            ..TablePlan::bare(3, "t\"1", columns)
        }],
        enums: vec![EnumPlan {
            name: "mood".to_owned(),
            labels: vec!["it's".to_owned()],
        }],
        operator,
        findings: Vec::new(),
    }
}

/// A job whose staging schema is called `s`.
fn job<'a>(plan: &'a Plan, schema: &'a Schema) -> Job<'a> {
    let mut job = Job::new(schema, plan, "target".to_owned());
    job.staging = "s".to_owned();
    job.citext = Some("ext".to_owned());
    job
}

#[test]
fn a_table_is_completed_with_defaults_collations_trigger_and_statistics() {
    let columns = vec![
        ColumnPlan {
            default: Some(DefaultPlan::Operator(sql("gen_random_uuid()"))),
            ..column("a", PgType::Uuid)
        },
        ColumnPlan {
            collation: Some("de-x-icu".to_owned()),
            ..column("b", PgType::Citext)
        },
        column("at'", PgType::Timestamp),
    ];
    let added = Additions {
        statistics: vec![AddedStatistics {
            name: "st".to_owned(),
            columns: vec!["a".to_owned(), "b".to_owned()],
            kinds: vec![StatisticsKind::Ndistinct, StatisticsKind::Mcv],
        }],
        updated_at: Some(UpdatedAt {
            column: "at'".to_owned(),
            name: "tr".to_owned(),
        }),
        ..Additions::default()
    };
    let plan = plan(columns, added, OperatorPlan::default());
    let schema = Schema::default();
    let job = job(&plan, &schema);
    let made: Vec<String> = completing(&job.statements(0))
        .unwrap()
        .into_iter()
        .map(|statement| statement.sql)
        .collect();
    assert_eq!(
        made,
        [
            "ALTER TABLE \"s\".\"t\"\"1\" ALTER COLUMN \"a\" SET DEFAULT gen_random_uuid()",
            "ALTER TABLE \"s\".\"t\"\"1\" ALTER COLUMN \"b\" TYPE \"ext\".\"citext\" COLLATE \"de-x-icu\"",
            "CREATE FUNCTION \"s\".\"tr\"() RETURNS trigger LANGUAGE plpgsql AS \
             'BEGIN NEW.\"at''\" := pg_catalog.now() AT TIME ZONE ''UTC''; RETURN NEW; END'",
            "CREATE TRIGGER \"tr\" BEFORE UPDATE ON \"s\".\"t\"\"1\" FOR EACH ROW EXECUTE FUNCTION \"s\".\"tr\"()",
            "CREATE STATISTICS \"s\".\"st\" (ndistinct, mcv) ON \"a\", \"b\" FROM \"s\".\"t\"\"1\"",
        ]
    );
    assert_eq!(
        moves(&job).unwrap(),
        [
            "ALTER FUNCTION \"s\".\"tr\"() SET SCHEMA \"target\"",
            "ALTER STATISTICS \"s\".\"st\" SET SCHEMA \"target\"",
        ]
    );
}

#[test]
fn indexes_are_on_columns_or_on_the_operators_sql() {
    let plan = plan(
        vec![column("a", PgType::Text)],
        Additions {
            order_by: vec!["a".to_owned()],
            ..Additions::default()
        },
        OperatorPlan::default(),
    );
    let schema = Schema::default();
    let job = job(&plan, &schema);
    let table = job.statements(0);
    let mut index = AddedIndex {
        name: "i".to_owned(),
        unique: true,
        method: None,
        on: IndexedBy::Sql(sql("lower(a), b DESC")),
        predicate: Some(sql("a <> ''")),
    };
    assert_eq!(
        create_index(&table, &index).unwrap(),
        "CREATE UNIQUE INDEX \"i\" ON \"s\".\"t\"\"1\" (lower(a), b DESC) WHERE a <> ''"
    );
    index = AddedIndex {
        unique: false,
        method: Some("gin".to_owned()),
        on: IndexedBy::Columns(vec!["a".to_owned()], Some(sql("gin_trgm_ops"))),
        predicate: None,
        ..index
    };
    assert_eq!(
        create_index(&table, &index).unwrap(),
        "CREATE INDEX \"i\" ON \"s\".\"t\"\"1\" USING \"gin\" (\"a\" gin_trgm_ops)"
    );
    assert_eq!(
        cluster(&table).unwrap(),
        [
            "CREATE INDEX \"waybill order by 3\" ON \"s\".\"t\"\"1\" (\"a\")",
            "CLUSTER \"s\".\"t\"\"1\" USING \"waybill order by 3\"",
            "DROP INDEX \"s\".\"waybill order by 3\"",
        ]
    );
}

#[test]
fn rights_and_owner_are_given_to_what_has_been_moved() {
    let operator = OperatorPlan {
        owner: Some("o\"w".to_owned()),
        grants: vec![
            GrantPlan {
                privileges: vec!["SELECT".to_owned(), "INSERT".to_owned()],
                to: vec!["app".to_owned(), "public".to_owned()],
                tables: vec![0],
            },
            GrantPlan {
                privileges: vec!["ALL".to_owned()],
                to: vec!["app".to_owned()],
                tables: Vec::new(),
            },
        ],
        ..OperatorPlan::default()
    };
    let plan = plan(Vec::new(), Additions::default(), operator);
    let schema = Schema::default();
    let job = job(&plan, &schema);
    assert_eq!(
        grants(&job).unwrap(),
        ["GRANT SELECT, INSERT ON \"target\".\"t\"\"1\" TO \"app\", PUBLIC"]
    );
    assert_eq!(
        owners(&job).unwrap(),
        [
            "ALTER TYPE \"target\".\"mood\" OWNER TO \"o\"\"w\"",
            "ALTER TABLE \"target\".\"t\"\"1\" OWNER TO \"o\"\"w\"",
        ]
    );
}
