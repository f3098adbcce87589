//! Tables that are too wide for PostgreSQL.

use super::support::{
    Database, foreign_key, index, int, integer, key, numbered, plan_of, table, text,
};
use crate::fault::Code;
use crate::mapping::file::MappingFile;
use crate::mapping::plan::{Origin, PgType, Plan, TablePlan};
use crate::mapping::{Mapping, NameRule, Request, plan};
use crate::model::schema::{Action, Column, Rowid, Table};
use crate::model::value::OwnedValue;
use crate::report::Severity;
use crate::report::structure::Subject;

fn columns(count: usize) -> Vec<Column> {
    (0..count).map(|n| integer(&format!("c{n}"))).collect()
}

fn names(table: &TablePlan) -> Vec<&str> {
    let names = table.columns.iter().map(|column| column.name.as_str());
    names.collect()
}

fn plan_by(database: &Database, mapping: &str) -> Plan {
    let file = MappingFile::parse(mapping, "m.toml").unwrap();
    let request = Request {
        target_schema: "public".to_owned(),
        server_version: 150_000,
        kept: crate::mapping::kept::Kept::new(),
        names: NameRule::Keep,
        mapping: Some(Mapping {
            file,
            before: None,
            after: None,
        }),
    };
    plan(
        &database.schema,
        &database.evidence,
        &database.keys,
        &request,
    )
}

/// One row that has `value` everywhere.
fn filled(table: Table, value: &OwnedValue) -> Database {
    let values = vec![std::slice::from_ref(value); table.columns.len()];
    let mut database = Database::default();
    database.table(table, &values);
    database
}

#[test]
fn a_table_of_1600_columns_is_one_and_of_1601_two_that_share_the_rowid() {
    let plan = plan_of(table("z", columns(1600)), &[]);
    assert_eq!(plan.tables.len(), 1);
    let mut database = Database::default();
    database.table(table("t", columns(1601)), &[]);
    database.table(table("t_2", columns(1)), &[]);
    let plan = database.plan();
    assert_eq!(
        plan.listed(),
        [
            "Warning structure-weakened t: the table becomes 2 tables: it has 1601 columns, PostgreSQL takes 1600; `t` (`c0` to `c1598`), `t_2_1` (`c1599` to `c1600`), each with (rowid)"
        ]
    );
    let [first, other, second] = plan.tables.as_slice() else {
        panic!("{} tables", plan.tables.len());
    };
    assert_eq!((other.name.as_str(), second.source), ("t_2", 0));
    assert_eq!(first.columns.len(), 1600);
    assert_eq!(names(second), ["rowid", "c1599", "c1600"]);
    for piece in [first, second] {
        assert_eq!(piece.columns[0].origin, Origin::Cell(0));
        assert_eq!(piece.columns[0].target, PgType::Bigint);
        assert_eq!(piece.primary_key.as_ref().unwrap().columns, ["rowid"]);
    }
    assert_eq!(second.columns[1].origin, Origin::Cell(1600));
    let to_first = &second.foreign_keys[0];
    assert_eq!((to_first.parent, to_first.on_delete), (0, Action::Cascade));
    assert_eq!(to_first.columns, ["rowid"]);
    assert_eq!(to_first.parent_columns, ["rowid"]);
    let told = plan.findings.iter();
    let mut of_t = told.filter(|one| one.place.table.as_deref() == Some("t"));
    assert!(!of_t.any(|one| one.message.contains("the rowid is left out")));
}

#[test]
fn a_rowid_makes_way_for_a_column_of_that_name_and_for_the_primary_key() {
    let mut wide = table("t", columns(1700));
    wide.columns[5].name = "rowid".to_owned();
    wide.primary_key = Some(key(&["c1699"]));
    let plan = plan_of(wide, &[]);
    let (first, second) = (&plan.tables[0], &plan.tables[1]);
    assert_eq!(first.columns[0].name, "rowid_1");
    assert_eq!(first.primary_key.as_ref().unwrap().columns, ["rowid_1"]);
    assert_eq!(second.primary_key.as_ref().unwrap().columns, ["c1699"]);
    assert_eq!(second.unique[0].columns, ["rowid_1"]);
}

#[test]
fn an_integer_primary_key_counts_in_the_first_piece_only() {
    let plan = plan_of(numbered("t", columns(3000)), &[]);
    assert_eq!(plan.tables.len(), 2);
    let (first, second) = (&plan.tables[0], &plan.tables[1]);
    assert!(first.column("c0").identity.is_some());
    assert_eq!(second.column("c0").identity, None);
    assert!(second.column("c0").not_null);
    assert_eq!(second.column("c0").origin, Origin::Cell(0));
    assert_eq!(second.primary_key.as_ref().unwrap().columns, ["c0"]);
}

#[test]
fn what_lies_in_one_piece_is_carried_there_and_the_rest_named() {
    let mut wide = numbered("t", columns(1700));
    wide.unique = vec![key(&["c1650"]), key(&["c1", "c1650"])];
    wide.indexes = vec![
        index("near", false, &["c1651", "c1652"]),
        index("far", false, &["c2", "c1652"]),
        index("with_key", false, &["c1651", "c0"]),
    ];
    wide.foreign_keys = vec![foreign_key(&["c1660"], "t", &["c1650"])];
    let mut database = Database::default();
    database.table(wide, &[]);
    let mut child = table("child", columns(2));
    child.foreign_keys = vec![
        foreign_key(&["c0"], "t", &["c1650"]),
        foreign_key(&["c0", "c1"], "t", &["c1", "c1650"]),
        foreign_key(&["c1"], "t", &["c0"]),
    ];
    database.table(child, &[]);
    let plan = database.plan();
    let second = &plan.tables[2];
    assert_eq!(second.unique[0].columns, ["c1650"]);
    let of_second = second.indexes.iter().map(|index| index.name.as_str());
    assert_eq!(of_second.collect::<Vec<_>>(), ["near", "with_key"]);
    let parents = |table: &TablePlan| -> Vec<usize> {
        table.foreign_keys.iter().map(|key| key.parent).collect()
    };
    assert_eq!(parents(second), [0, 2]);
    assert_eq!(parents(&plan.tables[1]), [2, 0]);
    let left_out: Vec<String> = plan.listed();
    assert_eq!(left_out.len(), 4, "{left_out:#?}");
    assert!(left_out[0].contains("foreign key (c0, c1) to `t` (c1, c1650) is left out"));
    assert!(
        left_out
            .iter()
            .any(|one| one.contains("(c1, c1650) is left out: its columns lie"))
    );
    assert!(
        left_out
            .iter()
            .any(|one| one.contains("index `far` is left out"))
    );
}

#[test]
fn a_key_of_several_columns_is_in_every_piece_and_a_table_without_it_is_refused() {
    let mut wide = table("t", columns(1700));
    wide.rowid = Rowid::None;
    wide.primary_key = Some(key(&["c1699", "c3"]));
    let mut database = Database::default();
    database.table(wide, &[]);
    let cut = database.plan();
    let second = &cut.tables[1];
    assert_eq!(names(second)[..2], ["c3", "c1699"]);
    assert_eq!(
        second.primary_key.as_ref().unwrap().columns,
        ["c1699", "c3"]
    );
    assert_eq!(second.foreign_keys[0].parent_columns, ["c1699", "c3"]);
    assert_eq!(cut.tables[0].columns.len(), 1600);
    assert_eq!(second.columns.len(), 102);
    let without = plan_by(
        &database,
        "waybill-mapping = 1\n[tables.t.columns.c3]\ndrop = true\n",
    );
    let mut refused = without.findings.iter();
    let refused = refused.find(|one| one.code == Code::ServerUnfit).unwrap();
    assert_eq!(refused.severity, Severity::Error);
    assert_eq!(
        refused.message,
        "the table has 1699 columns, PostgreSQL takes 1600, and its key is not imported, which pieces of it would be joined by"
    );
}

#[test]
fn a_foreign_key_to_columns_of_several_pieces_is_named_as_what_it_is() {
    let mut parent = table("p", columns(1700));
    parent.unique.push(key(&["c0", "c1699"]));
    let mut child = table("c", columns(3));
    child.foreign_keys = vec![
        foreign_key(&["c2"], "nobody", &["id"]),
        foreign_key(&["c0", "c1"], "p", &["c0", "c1699"]),
    ];
    let mut database = Database::default();
    database.table(parent, &[]);
    database.table(child, &[]);
    let plan = database.plan();
    let mut told = plan.findings.iter();
    let told = told.find(|one| one.message.contains("are the key of no piece"));
    let told = told.unwrap();
    assert_eq!(told.place.table.as_deref(), Some("c"));
    assert_eq!(told.subject, Some(Subject::ForeignKey(1)));
}

#[test]
fn the_pieces_of_a_table_are_so_small_that_the_longest_values_fit_a_page() {
    let database = filled(table("t", columns(2000)), &int(i64::MAX));
    let plan = database.plan();
    let sizes: Vec<usize> = plan
        .tables
        .iter()
        .map(|table| table.columns.len())
        .collect();
    assert_eq!(sizes, [1001, 1001]);
    let columns: usize = sizes.iter().sum::<usize>() - sizes.len();
    assert_eq!(columns, 2000);
}

#[test]
fn a_table_whose_rows_may_outgrow_a_page_is_cut_only_where_the_mapping_file_says_so() {
    let split = "waybill-mapping = 1\n[tables.t]\nsplit = true\n";
    let database = filled(table("t", columns(1200)), &text("a text of 24 characters."));
    assert_eq!(database.plan().tables.len(), 1);
    let cut = plan_by(&database, split);
    assert_eq!(cut.tables.len(), 5);
    let mut told = cut.findings.iter();
    let told = told.find(|one| one.message.contains("becomes 5 tables"));
    let told = told.unwrap();
    assert_eq!(told.severity, Severity::Warning);
    assert!(
        told.message.contains("a row of it may not fit a page; `t`"),
        "{told:?}"
    );
    let small = filled(table("t", columns(200)), &text("a text of 24 characters."));
    assert_eq!(plan_by(&small, split).tables.len(), 1);
}
