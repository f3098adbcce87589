//! Computed columns that fail on some row: dropped while several workers load the table, and back
//! again but for the one that fails.

use std::error::Error as _;
use std::sync::atomic::{AtomicU64, Ordering};

use waybill_common::fault::Code;
use waybill_common::mapping::expression::{Expression, Operator};
use waybill_common::mapping::operator::{AddedIndex, AddedStatistics, IndexedBy};
use waybill_common::mapping::plan::{ColumnPlan, Origin, PgType, Plan};
use waybill_common::model::schema::Schema;
use waybill_common::model::value::OwnedValue;
use waybill_common::progress::{Extent, Watch};
use waybill_common::seam::Target as _;

use super::sample::{Memory, ask, column, import, index, key, planned, source, target};
use crate::support::postgres::{fresh_database, servers};

fn client(uri: &str) -> postgres::Client {
    postgres::Client::connect(uri, postgres::NoTls).unwrap()
}

/// A bigint computed from `of` and a number.
fn computed(name: &str, operator: Operator, of: &str, number: i64) -> ColumnPlan {
    let number = Expression::Literal {
        value: OwnedValue::Integer(number),
        of: PgType::Bigint,
    };
    ColumnPlan {
        origin: Origin::Computed(Expression::Binary {
            operator,
            left: Box::new(Expression::Column(of.to_owned())),
            right: Box::new(number),
        }),
        ..column(name, 0, PgType::Bigint)
    }
}

/// A table `t (id, n, twice, next)`, in which `twice` has no result for every 70th row.
fn doubled(rows: i64) -> (Schema, Plan, Memory) {
    let schema = Schema {
        tables: vec![source("t", &["id", "n", "twice", "next"])],
        ..Schema::default()
    };
    let columns = vec![
        column("id", 0, PgType::Bigint),
        computed("twice", Operator::Multiply, "n", 2),
        column("n", 1, PgType::Bigint),
        computed("next", Operator::Subtract, "n", 1),
    ];
    let plan = Plan {
        tables: vec![planned(0, "t", columns)],
        ..Plan::default()
    };
    let row = |id: i64| {
        let n = if id % 70 == 0 { i64::MAX - id } else { id };
        [id, n].map(OwnedValue::Integer).to_vec()
    };
    (
        schema,
        plan,
        Memory::new(vec![(1..=rows).map(row).collect()], 100),
    )
}

/// Counts the rows that are reported.
#[derive(Default)]
struct Counting(AtomicU64);

impl Watch for Counting {
    fn phase(&self, _: &str, _: Extent) {}
    fn table(&self, _: &str) {}
    fn advance(&self, rows: u64, _: u64) {
        self.0.fetch_add(rows, Ordering::Relaxed);
    }
    fn stopped(&self) -> bool {
        false
    }
}

const COLUMNS: &str = "SELECT attname || ' ' || attgenerated::text FROM pg_attribute
    WHERE attrelid = 't'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum";

#[test]
fn one_that_fails_in_many_parts_is_left_out_and_the_other_is_back() {
    for server in servers() {
        let uri = server.fresh_database();
        let (schema, mut plan, memory) = doubled(2_000);
        let table = &mut plan.tables[0];
        table.unique = vec![key("t_twice_key", &["twice"]), key("t_next_key", &["next"])];
        table.indexes = vec![
            index("by_twice", false, &[("id", false), ("twice", true)]),
            index("by_next", false, &[("next", true)]),
        ];
        let statistics = |name: &str, column: &str| AddedStatistics {
            name: name.to_owned(),
            columns: vec!["n".to_owned(), column.to_owned()],
            kinds: Vec::new(),
        };
        table.added.statistics = vec![statistics("s_twice", "twice"), statistics("s_next", "next")];
        table.added.order_by = vec!["twice".to_owned()];
        table.added.indexes = vec![AddedIndex {
            name: "added_twice".to_owned(),
            unique: false,
            method: None,
            on: IndexedBy::Columns(vec!["twice".to_owned()], None),
            predicate: None,
        }];
        let mut target = target(&uri, &schema, &plan);
        import(&mut target, &memory).unwrap();
        let found: Vec<_> = target.findings();
        let messages: Vec<&str> = found.iter().map(|one| one.message.as_str()).collect();
        let because = "is left out: its column `twice` is computed and left out";
        assert_eq!(
            messages,
            [
                "the computed column is left out, the server cannot compute it for every row: bigint out of range",
                &format!("unique constraint `t_twice_key` (twice) {because}"),
                &format!("index `by_twice` {because}"),
                &format!("the added index `added_twice` {because}"),
                &format!("the statistics `s_twice` {because}"),
                &format!("the order of the rows {because}"),
            ]
        );
        assert!(found.iter().all(|one| one.code == Code::StructureLeftOut));
        let amended = target.amended().unwrap();
        assert_eq!(amended.tables[0].columns.len(), 3);
        let client = &mut client(&uri);
        assert_eq!(ask(client, COLUMNS), "id \nn \nnext s");
        let rows = "SELECT count(*), sum(id), count(*) FILTER (WHERE next = n - 1) FROM t";
        assert_eq!(ask(client, rows), "2000|2001000|2000");
        let indexes = "SELECT indexrelid::regclass::text COLLATE \"C\" FROM pg_index WHERE indrelid = 't'::regclass ORDER BY 1";
        assert_eq!(ask(client, indexes), "by_next\nt_next_key\nt_pkey");
        let statistics = "SELECT stxname FROM pg_statistic_ext";
        assert_eq!(ask(client, statistics), "s_next");
    }
}

#[test]
fn rows_that_are_sent_twice_are_reported_once() {
    let (schema, plan, memory) = doubled(2_000);
    let uri = fresh_database();
    let mut target = target(&uri, &schema, &plan);
    let watch = Counting::default();
    target.begin(&watch).unwrap();
    target.load(&memory, &watch).unwrap();
    assert_eq!(watch.0.load(Ordering::Relaxed), 2_000);
}

#[test]
fn columns_that_have_all_their_results_are_never_dropped() {
    let (schema, plan, memory) = doubled(69);
    let uri = fresh_database();
    let mut target = target(&uri, &schema, &plan);
    import(&mut target, &memory).unwrap();
    assert!(target.amended().is_none());
    let client = &mut client(&uri);
    assert_eq!(ask(client, COLUMNS), "id \ntwice s\nn \nnext s");
    let dropped = "SELECT count(*) FROM pg_attribute WHERE attisdropped";
    assert_eq!(ask(client, dropped), "0");
}

/// A row that is full to the brim: where a column has gone, its bitmap of NULLs is too much.
#[test]
fn a_row_that_is_refused_without_them_too_is_refused_by_itself() {
    let names: Vec<String> = (0..1_015).map(|number| format!("c{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let schema = Schema {
        tables: vec![source("t", &names)],
        ..Schema::default()
    };
    let stored = names.iter().enumerate();
    let mut columns: Vec<_> = stored
        .map(|(cell, name)| column(name, cell, PgType::Bigint))
        .collect();
    columns.push(computed("x", Operator::Add, "c1", 1));
    let plan = Plan {
        tables: vec![planned(0, "t", columns)],
        ..Plan::default()
    };
    let row = (0..1_015).map(|cell| OwnedValue::Integer(if cell == 1 { i64::MAX } else { cell }));
    let memory = Memory::new(vec![vec![row.collect()]], 100);
    let uri = fresh_database();
    let mut target = target(&uri, &schema, &plan);
    let fault = import(&mut target, &memory).unwrap_err();
    assert_eq!(fault.code(), Code::ValueRefused);
    assert_eq!(fault.what(), "the server refuses a row");
    let cause = fault.source().map_or_else(String::new, ToString::to_string);
    assert!(cause.contains("row is too big"), "{cause}");
}
