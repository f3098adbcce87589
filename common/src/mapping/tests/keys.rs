//! Keys, indexes, NOT NULL, and the names of relations.

use super::support::*;
use crate::mapping::expression::Expression;
use crate::mapping::plan::IndexTerm;
use crate::model::schema::{Generated, IndexOn};
use crate::profile::evidence::Constraint;

#[test]
fn keys_and_indexes_are_carried_over_with_names_as_postgresql_makes_them() {
    let mut orders = numbered(
        "orders",
        vec![integer("id"), integer("shop"), integer("number")],
    );
    orders.unique.push(key(&["shop", "NUMBER"]));
    let mut named = key(&["number"]);
    named.name = Some("only_number".to_owned());
    orders.unique.push(named);
    let mut by_shop = index("by_shop", false, &["shop", "number", "shop"]);
    by_shop.terms[1].descending = true;
    orders.indexes.push(by_shop);
    orders.indexes.push(index("once", true, &["number", "id"]));
    orders.columns[1].not_null = true;
    let plan = plan_of(orders, &[&[int(1)], &[int(2)], &[int(3)]]);
    let orders = plan.table("orders");
    let primary = orders.primary_key.as_ref().unwrap();
    assert_eq!(
        (primary.name.as_str(), primary.columns.as_slice()),
        ("orders_pkey", &["id".to_owned()][..])
    );
    let unique: Vec<_> = orders
        .unique
        .iter()
        .map(|key| (key.name.as_str(), key.columns.join(",")))
        .collect();
    assert_eq!(
        unique,
        [
            ("orders_shop_number_key", "shop,number".to_owned()),
            ("only_number", "number".to_owned())
        ]
    );
    assert_eq!(
        orders.indexes[0].terms,
        [("shop", false), ("number", true)].map(|(name, descending)| IndexTerm {
            on: Expression::Column(name.to_owned()),
            descending
        })
    );
    assert!(!orders.indexes[0].unique && orders.indexes[1].unique);
    let not_null: Vec<bool> = orders
        .columns
        .iter()
        .map(|column| column.not_null)
        .collect();
    assert_eq!(not_null, [true, true, false]);
    assert_eq!(plan.listed(), [""; 0]);
}

#[test]
fn a_key_or_not_null_that_rows_break_is_weakened_or_left_out_by_name() {
    let mut broken_table = table("t", vec![integer("a"), integer("b"), integer("c")]);
    broken_table.primary_key = Some(key(&["a", "b"]));
    broken_table.unique.push(key(&["c"]));
    broken_table.indexes.push(index("i", true, &["b"]));
    broken_table.columns[2].not_null = true;
    let mut database = Database::default();
    database.table(
        broken_table,
        &[&[int(1), NULL], &[int(1), int(1)], &[int(1), NULL]],
    );
    database.keys = vec![
        broken(0, Constraint::Unique(0), 2),
        broken(0, Constraint::Index(0), 1),
        broken(0, Constraint::NotNull(2), 1),
    ];
    let plan = database.plan();
    let table = plan.table("t");
    assert!(table.primary_key.is_none() && table.indexes.is_empty());
    assert_eq!(table.unique.len(), 1);
    assert_eq!(table.unique[0].name, "t_a_b_key");
    assert!(table.columns.iter().all(|column| !column.not_null));
    assert_eq!(
        plan.listed(),
        [
            "Warning key-duplicate t: unique constraint (c) is left out: 2 rows have another one's key [id=7]",
            "Warning structure-left-out t: index `i` is left out: 1 row has another one's key, such as id=7: CREATE INDEX i …",
            "Warning structure-weakened t.a: the primary key becomes a UNIQUE constraint: 1 row holds NULL, which no primary key of PostgreSQL takes",
            "Warning not-null-violated t.c: NOT NULL is left out: 1 row holds NULL [id=7]",
        ]
    );
}

#[test]
fn a_duplicate_primary_key_is_left_out() {
    let mut database = Database::default();
    let mut twice = table("t", vec![integer("a")]);
    twice.primary_key = Some(key(&["a"]));
    database.table(twice, &[&[int(1), int(1)]]);
    database.keys = vec![broken(0, Constraint::PrimaryKey, 1)];
    let plan = database.plan();
    assert!(plan.table("t").primary_key.is_none());
    assert_eq!(
        plan.listed(),
        [
            "Warning key-duplicate t: primary key (a) is left out: 1 row has another one's key [id=7]"
        ]
    );
    database.keys[0].unchecked = Some("too many rows".to_owned());
    assert!(database.plan().table("t").primary_key.is_some());
}

/// Numbers beside texts are in no expression, but an index takes the column as it is; whether it is
/// for all rows or for some makes no difference.
#[test]
fn partial_indexes_take_every_column_that_whole_ones_take() {
    let mut mixed = table("t", vec![column("v", ""), integer("a")]);
    let whole = index("whole", true, &["v", "a"]);
    let mut partial = index("partial", true, &["v", "a"]);
    partial.predicate = Some("a IS NOT 0".to_owned());
    let mut folded = index("folded", false, &["v"]);
    folded.predicate = Some("a > 0".to_owned());
    folded.terms[0].collation = "NOCASE".to_owned();
    mixed.indexes = vec![whole, partial, folded];
    let plan = plan_of(mixed, &[&[int(1), text("x")], &[int(1), int(2)]]);
    let names: Vec<&str> = plan
        .table("t")
        .indexes
        .iter()
        .map(|index| index.name.as_str())
        .collect();
    assert_eq!(names, ["whole", "partial"], "{:?}", plan.listed());
    let terms: Vec<usize> = plan
        .table("t")
        .indexes
        .iter()
        .map(|index| index.terms.len())
        .collect();
    assert_eq!(terms, [2, 2]);
    let left_out: Vec<String> = plan
        .listed()
        .into_iter()
        .filter(|line| line.contains("structure-left-out"))
        .collect();
    assert_eq!(left_out.len(), 1, "{left_out:?}");
    assert!(
        left_out[0].contains("index `folded` is left out"),
        "{left_out:?}"
    );
}

#[test]
fn indexes_and_keys_that_need_an_expression_are_left_out_with_their_sql() {
    let mut odd = table("t", vec![integer("a"), integer("sum")]);
    odd.columns[1].generated = Some(Generated {
        expression: "soundex(a)".to_owned(),
        stored: false,
    });
    odd.unique.push(key(&["sum"]));
    let mut partial = index("partial", true, &["a"]);
    partial.predicate = Some("soundex(a) > 0".to_owned());
    let mut expression = index("expression", false, &["a"]);
    expression.terms[0].on = IndexOn::Expression("soundex(a)".to_owned());
    odd.indexes = vec![partial, expression, index("computed", false, &["sum"])];
    let mut replace = key(&["a"]);
    replace.on_conflict = Some("REPLACE".to_owned());
    odd.unique.push(replace);
    let plan = plan_of(odd, &[&[int(1)]]);
    assert_eq!(plan.table("t").unique.len(), 1);
    assert_eq!(
        plan.listed(),
        [
            "Warning structure-left-out t: unique constraint (sum) is left out: its column `sum` is computed and left out",
            "Warning structure-weakened t: unique constraint (a) loses its ON CONFLICT REPLACE: PostgreSQL has it in INSERT only",
            "Warning structure-left-out t: index `computed` is left out: its column `sum` is computed and left out: CREATE INDEX computed …",
            "Warning structure-left-out t: unique index `partial` is left out: the function soundex() has no translation: CREATE INDEX partial …",
            "Warning structure-left-out t: index `expression` is left out: the function soundex() has no translation: CREATE INDEX expression …",
            "Warning structure-left-out t.sum: the computed column is left out, the function soundex() has no translation: soundex(a)",
        ]
    );
}

#[test]
fn values_longer_than_an_index_holds_leave_keys_and_indexes_out() {
    let build = |longest: usize| {
        let mut database = Database::default();
        let mut parent = table("p", vec![column("a", "TEXT"), integer("b")]);
        parent.primary_key = Some(key(&["a"]));
        parent.unique.push(key(&["b", "a"]));
        parent.indexes = vec![index("plain", false, &["a"]), index("once", true, &["a"])];
        let long = text(&"x".repeat(longest));
        database.table(parent, &[&[long], &[int(1)]]);
        let mut child = table("c", vec![column("a", "TEXT")]);
        child.foreign_keys.push(foreign_key(&["a"], "p", &["a"]));
        database.table(child, &[]);
        database.plan()
    };
    // 8 bytes of the entry's header, 4 of the text's, and 24 for the number: 2,704 at the most.
    assert_eq!(build(2668).listed(), [""; 0]);
    let plan = build(2692);
    assert!(plan.table("p").unique.is_empty());
    assert!(plan.table("p").primary_key.is_some());
    let plan = build(2693);
    let p = plan.table("p");
    assert!(p.primary_key.is_none() && p.unique.is_empty() && p.indexes.is_empty());
    assert!(plan.table("c").foreign_keys.is_empty());
    let why = |bytes: &str| {
        format!(
            "an entry may have {bytes} bytes, PostgreSQL takes 2,704; the longest value of `a` has 2,693 bytes"
        )
    };
    assert_eq!(
        plan.listed(),
        [
            "Warning structure-left-out c.a: foreign key to `p` (a) is left out: the columns it refers to are no key in PostgreSQL".to_owned(),
            format!("Warning structure-weakened p.a: primary key (a) is left out: {}", why("2,712")),
            format!("Warning structure-weakened p.a: unique constraint (b, a) is left out: {}", why("2,736")),
            format!("Warning structure-left-out p.a: index `plain` is left out: {}: CREATE INDEX plain …", why("2,712")),
            format!("Warning structure-weakened p.a: unique index `once` is left out: {}: CREATE INDEX once …", why("2,712")),
        ]
    );
}

#[test]
fn an_index_of_more_than_32_columns_is_left_out() {
    let names: Vec<String> = (0..33).map(|n| format!("c{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut wide = table("t", names.iter().map(|name| integer(name)).collect());
    wide.indexes.push(index("i", false, &names));
    wide.indexes.push(index("j", false, &names[1..]));
    let plan = plan_of(wide, &[]);
    assert_eq!(plan.table("t").indexes.len(), 1);
    assert_eq!(
        plan.listed(),
        [
            "Warning structure-left-out t: index `i` is left out: it has 33 columns, PostgreSQL takes 1 to 32: CREATE INDEX i …"
        ]
    );
}

#[test]
fn names_of_relations_are_unique_and_the_same_each_time() {
    let mut database = Database::default();
    let mut a = numbered("a", vec![integer("b"), integer("c")]);
    a.unique.push(key(&["c"]));
    a.unique.push(key(&["c"]));
    let mut same = key(&["c"]);
    same.name = Some("taken".to_owned());
    a.unique.push(same);
    a.foreign_keys = vec![
        foreign_key(&["c"], "a", &["b"]),
        foreign_key(&["c"], "a", &["b"]),
    ];
    a.foreign_keys[1].name = Some("a_c_fkey".to_owned());
    database.table(a, &[]);
    database.table(table("a_pkey", vec![integer("x")]), &[]);
    let mut other = table("taken", vec![integer("x")]);
    other.indexes.push(index("a_c_key", false, &["x"]));
    other.indexes.push(index(&"ü".repeat(40), false, &["x"]));
    database.table(other, &[]);
    let plan = database.plan();
    let a = plan.table("a");
    assert_eq!(a.primary_key.as_ref().unwrap().name, "a_pkey_1");
    let unique: Vec<&str> = a.unique.iter().map(|key| key.name.as_str()).collect();
    assert_eq!(unique, ["a_c_key_1", "a_c_key_2", "taken_1"]);
    let foreign: Vec<&str> = a.foreign_keys.iter().map(|key| key.name.as_str()).collect();
    assert_eq!(foreign, ["a_c_fkey", "a_c_fkey_1"]);
    assert_eq!(plan.table("taken").indexes[1].name, "ü".repeat(31));
    let long = "ü".repeat(40);
    let short = "ü".repeat(31);
    assert_eq!(
        plan.listed(),
        [
            "Note name-changed a: the constraint `taken` becomes `taken_1`: its name is taken"
                .to_owned(),
            "Note name-changed a: the foreign key `a_c_fkey` becomes `a_c_fkey_1`: its name is taken"
                .to_owned(),
            format!(
                "Note name-changed taken: the index `{long}` becomes `{short}`: its name is longer than 63 bytes"
            ),
        ]
    );
    assert_eq!(plan, database.plan());
}
