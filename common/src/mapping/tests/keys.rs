//! Keys, indexes, foreign keys and their names.

use super::support::*;
use crate::mapping::plan::PgType::*;
use crate::model::schema::{
    Action, Deferrable, Generated, IndexOn, Rowid, TableKind, VirtualContent,
};
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
        orders.indexes[0].columns,
        [("shop".to_owned(), false), ("number".to_owned(), true)]
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

#[test]
fn a_collation_that_folds_texts_weakens_keys_and_leaves_plain_indexes_out() {
    let build = |declared: &str| {
        let mut table = table("t", vec![column("a", declared)]);
        table.columns[0].collation = "NOCASE".to_owned();
        let mut primary = key(&["a"]);
        primary.columns[0].collation = "NOCASE".to_owned();
        table.primary_key = Some(primary);
        for (name, unique) in [("plain", false), ("once", true)] {
            let mut index = index(name, unique, &["a"]);
            index.terms[0].collation = "NOCASE".to_owned();
            table.indexes.push(index);
        }
        table
    };
    let plan = plan_of(build("TEXT"), &[&[text("a"), text("b")]]);
    assert_eq!(plan.table("t").indexes.len(), 1);
    assert_eq!(
        plan.listed(),
        [
            "Warning structure-left-out t: index `plain` is left out: in PostgreSQL it compares bytes, where the source compares by NOCASE: CREATE INDEX plain …",
            "Warning structure-weakened t.a: primary key (a) is weaker: it compares bytes, where the source compares by NOCASE",
            "Warning structure-weakened t.a: unique index `once` is weaker: it compares bytes, where the source compares by NOCASE",
            "Warning structure-weakened t.a: collation NOCASE is left out: PostgreSQL compares the column's bytes",
        ]
    );
    // Numbers compare alike under every collation.
    let plan = plan_of(build("INTEGER"), &[&[int(1), int(2)]]);
    assert_eq!(plan.table("t").indexes.len(), 2);
    assert_eq!(plan.listed(), [""; 0]);
}

#[test]
fn indexes_and_keys_that_need_an_expression_are_left_out_with_their_sql() {
    let mut odd = table("t", vec![integer("a"), integer("sum")]);
    odd.columns[1].generated = Some(Generated {
        expression: "a + 1".to_owned(),
        stored: false,
    });
    odd.unique.push(key(&["sum"]));
    let mut partial = index("partial", true, &["a"]);
    partial.predicate = Some("a > 0".to_owned());
    let mut expression = index("expression", false, &["a"]);
    expression.terms[0].on = IndexOn::Expression("a + 1".to_owned());
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
            "Warning structure-left-out t: index `partial` is left out: its WHERE clause is not translated: CREATE INDEX partial …",
            "Warning structure-left-out t: index `expression` is left out: it is on an expression, which is not translated: CREATE INDEX expression …",
            "Warning structure-left-out t: index `computed` is left out: its column `sum` is computed and left out: CREATE INDEX computed …",
            "Warning structure-left-out t.sum: the computed column is left out, its expression is not translated: a + 1",
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

/// `parent(id)` and `child(id, parent)`, which refers to it.
fn family(parent_id: &str, child: &str) -> Database {
    let mut database = Database::default();
    let mut parent = table("parent", vec![column("id", parent_id)]);
    parent.primary_key = Some(key(&["id"]));
    let mut referring = table("child", vec![column("parent", child)]);
    referring
        .foreign_keys
        .push(foreign_key(&["parent"], "PARENT", &["ID"]));
    database.table(parent, &[]);
    database.table(referring, &[]);
    database
}

#[test]
fn a_foreign_key_keeps_its_actions_and_when_it_is_checked() {
    let mut database = family("INT", "INT");
    let declared = &mut database.schema.tables[1].foreign_keys[0];
    declared.on_delete = Action::Cascade;
    declared.on_update = Action::SetDefault;
    declared.deferrable = Deferrable::InitiallyDeferred;
    let plan = database.plan();
    let planned = &plan.table("child").foreign_keys[0];
    assert_eq!(planned.name, "child_parent_fkey");
    assert_eq!(
        (planned.parent, planned.parent_columns.as_slice()),
        (0, &["id".to_owned()][..])
    );
    assert_eq!(
        (planned.on_delete, planned.on_update),
        (Action::Cascade, Action::SetDefault)
    );
    assert_eq!(
        (planned.deferrable, planned.valid),
        (Deferrable::InitiallyDeferred, true)
    );
    assert_eq!(plan.listed(), [""; 0]);
}

#[test]
fn orphans_leave_a_foreign_key_unvalidated_and_are_counted() {
    let mut database = family("INT", "INT");
    database.keys = vec![broken(1, Constraint::ForeignKey(0), 3)];
    let plan = database.plan();
    assert!(!plan.table("child").foreign_keys[0].valid);
    assert_eq!(
        plan.findings.iter().map(|finding| finding.count).max(),
        Some(3)
    );
    assert_eq!(
        plan.listed(),
        [
            "Warning foreign-key-orphan child.parent: foreign key to `PARENT` (ID) is created NOT VALID: 3 rows have no parent, and only new rows are checked [id=7]"
        ]
    );
}

#[test]
fn columns_tied_by_a_foreign_key_share_one_type() {
    let lower = "00112233-4455-6677-8899-aabbccddeeff";
    for (parent, child, parents, children, expected) in [
        ("INT", "INT", vec![int(1)], vec![int(1)], Some(Bigint)),
        ("INT", "DECIMAL", vec![int(1)], vec![int(1)], Some(Bigint)),
        ("", "", vec![int(1)], vec![int(1), real(1.5)], Some(Numeric)),
        (
            "REAL",
            "",
            vec![real(1.0)],
            vec![int(1), real(1.5)],
            Some(Double),
        ),
        ("BOOLEAN", "INT", vec![int(0)], vec![int(0)], Some(Bigint)),
        (
            "BOOLEAN",
            "INT",
            vec![int(0)],
            vec![int(0), int(2)],
            Some(Bigint),
        ),
        (
            "TEXT",
            "TEXT",
            vec![text(lower)],
            vec![text(lower)],
            Some(Uuid),
        ),
        (
            "TEXT",
            "TEXT",
            vec![text(lower)],
            vec![text(lower), text("x")],
            Some(Text),
        ),
        (
            "TEXT",
            "TEXT",
            vec![text("2024-01-01")],
            vec![NULL],
            Some(Date),
        ),
        ("TEXT", "INT", vec![], vec![NULL], Some(Text)),
        ("TEXT", "INT", vec![], vec![int(1)], Some(Bigint)),
        ("TEXT", "INT", vec![text("x")], vec![int(1)], None),
        ("BLOB", "TEXT", vec![blob(b"x")], vec![text("x")], None),
    ] {
        let mut database = family(parent, child);
        database.evidence[0].columns[0] = observe(&parents);
        database.evidence[1].columns[0] = observe(&children);
        let plan = database.plan();
        let types = (
            plan.tables[0].columns[0].target,
            plan.tables[1].columns[0].target,
        );
        let what = format!("{parent} {parents:?}, {child} {children:?}");
        if let Some(expected) = expected {
            assert_eq!(types, (expected, expected), "{what}");
            assert_eq!(plan.tables[1].foreign_keys.len(), 1, "{what}");
        } else {
            assert_ne!(types.0, types.1, "{what}");
            assert!(plan.tables[1].foreign_keys.is_empty(), "{what}");
            let listed = plan.listed();
            assert!(listed.iter().any(|line| line.starts_with("Warning structure-left-out child.parent: foreign key to `PARENT` (ID) is left out: `parent` (") && line.ends_with("can share no type that keeps every value")), "{listed:?}");
        }
    }
}

#[test]
fn a_type_that_a_foreign_key_decided_is_noted() {
    let mut database = family("TEXT", "TEXT");
    let lower = text("00112233-4455-6677-8899-aabbccddeeff");
    database.evidence[0].columns[0] = observe(&[lower.clone()]);
    database.evidence[1].columns[0] = observe(&[lower, text("x")]);
    let plan = database.plan();
    assert_eq!(
        plan.listed(),
        [
            "Note recast parent.id: becomes text, the type of the columns that a foreign key ties it to"
        ]
    );
    assert_eq!(
        plan.table("parent").columns[0].evidence,
        "1 text (at most 36 bytes); tied by a foreign key"
    );
}

#[test]
fn one_child_that_cannot_share_the_type_does_not_untie_the_others() {
    let mut database = Database::default();
    database.table(numbered("parent", vec![integer("id")]), &[&[int(1)]]);
    for (name, value) in [
        ("words", text("x")),
        ("numbers", real(1.5)),
        ("good", int(1)),
    ] {
        let mut child = table(name, vec![column("p", "")]);
        child
            .foreign_keys
            .push(foreign_key(&["p"], "parent", &["id"]));
        database.table(child, &[&[value]]);
    }
    let plan = database.plan();
    let kept: Vec<usize> = plan
        .tables
        .iter()
        .map(|table| table.foreign_keys.len())
        .collect();
    assert_eq!(kept, [0, 0, 0, 1]);
    assert_eq!(plan.table("parent").columns[0].target, Bigint);
    assert_eq!(plan.table("numbers").columns[0].target, Double);
}

#[test]
fn composite_self_referencing_and_cyclic_foreign_keys_are_carried_over() {
    let mut database = Database::default();
    let mut a = table(
        "a",
        vec![
            integer("x"),
            column("y", "TEXT"),
            integer("boss"),
            integer("b"),
        ],
    );
    a.primary_key = Some(key(&["x", "y"]));
    a.unique.push(key(&["x"]));
    a.foreign_keys.push(foreign_key(&["boss"], "a", &["x"]));
    a.foreign_keys.push(foreign_key(&["b"], "b", &["id"]));
    let mut b = numbered(
        "b",
        vec![integer("id"), column("ay", "TEXT"), integer("ax")],
    );
    b.foreign_keys
        .push(foreign_key(&["ay", "ax"], "a", &["y", "x"]));
    database.table(a, &[&[int(1)], &[text("k")], &[int(1)], &[int(1)]]);
    database.table(b, &[&[int(1)], &[text("k")], &[int(1)]]);
    let plan = database.plan();
    let names: Vec<&str> = plan
        .tables
        .iter()
        .flat_map(|table| &table.foreign_keys)
        .map(|key| key.name.as_str())
        .collect();
    assert_eq!(names, ["a_boss_fkey", "a_b_fkey", "b_ay_ax_fkey"]);
    assert_eq!(plan.listed(), [""; 0]);
}

#[test]
fn a_foreign_key_without_its_key_in_postgresql_is_left_out_with_the_reason() {
    let mut database = Database::default();
    let mut parent = table(
        "parent",
        vec![
            integer("id"),
            column("name", "TEXT"),
            integer("sum"),
            integer("twice"),
        ],
    );
    parent.columns[1].collation = "NOCASE".to_owned();
    parent.columns[2].generated = Some(Generated {
        expression: "id".to_owned(),
        stored: true,
    });
    parent.unique = vec![key(&["name"]), key(&["twice"]), key(&["id", "twice"])];
    parent.unique[0].columns[0].collation = "NOCASE".to_owned();
    let mut gone = table("gone", vec![]);
    gone.kind = TableKind::Virtual {
        module: "odd".to_owned(),
        content: VirtualContent::Unavailable,
    };
    gone.rowid = Rowid::None;
    let mut child = table("child", vec![integer("a"), column("b", "TEXT")]);
    for (columns, to, key) in [
        (&["a"][..], "missing", &["id"][..]),
        (&["a"], "gone", &["id"]),
        (&["a"], "parent", &["id"]),
        (&["a"], "parent", &["sum"]),
        (&["a"], "parent", &["none"]),
        (&["a"], "parent", &[]),
        (&["b"], "parent", &["name"]),
        (&["a", "b"], "parent", &["id", "id"]),
        (&["a"], "parent", &["twice"]),
    ] {
        child.foreign_keys.push(foreign_key(columns, to, key));
    }
    database.table(parent, &[]);
    database.table(gone, &[]);
    database.table(child, &[]);
    database.keys = vec![broken(0, Constraint::Unique(1), 1)];
    let plan = database.plan();
    assert!(plan.table("child").foreign_keys.is_empty());
    let listed: Vec<String> = plan
        .listed()
        .into_iter()
        .filter_map(|line| {
            line.strip_prefix("Warning structure-left-out child.")
                .map(str::to_owned)
        })
        .collect();
    assert_eq!(
        listed,
        [
            "a: foreign key to `missing` (id) is left out: its parent table is not there",
            "a: foreign key to `gone` (id) is left out: its parent table is left out",
            "a: foreign key to `parent` (id) is left out: the columns it refers to are no key in PostgreSQL",
            "a: foreign key to `parent` (sum) is left out: `parent` has no stored column `sum`",
            "a: foreign key to `parent` (none) is left out: `parent` has no stored column `none`",
            "a: foreign key to `parent` () is left out: the parent has no primary key for it to refer to",
            "a: foreign key to `parent` (twice) is left out: the columns it refers to are no key in PostgreSQL",
            "a, b: foreign key to `parent` (id, id) is left out: it refers to one column twice",
            "b: foreign key to `parent` (name) is left out: the source compares `name` by NOCASE, PostgreSQL would compare bytes",
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
            "Note structure-weakened a: constraint `taken` becomes `taken_1`: its name is taken"
                .to_owned(),
            format!(
                "Note structure-weakened taken: index `{long}` becomes `{short}`: its name is longer than 63 bytes"
            ),
        ]
    );
    assert_eq!(plan, database.plan());
}
