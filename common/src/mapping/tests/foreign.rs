//! Foreign keys, and the types of the columns they tie.

use super::support::*;
use crate::mapping::plan::PgType::*;
use crate::mapping::plan::Plan;
use crate::model::schema::{Action, Deferrable, Generated, Rowid, TableKind, VirtualContent};
use crate::profile::evidence::Constraint;

/// `parent(id)` and `child(parent)`, which refers to it.
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

/// The import ended at the last step: the source had found a parent for 2^53 + 1 by rounding it to
/// the parent's real, and PostgreSQL found none. Now the plan leaves such a foreign key out.
#[test]
fn a_foreign_key_that_holds_by_conversion_alone_is_left_out() {
    let (even, odd) = (1 << 53, (1 << 53) + 1);
    let whole = real(9_007_199_254_740_992.0);
    for (parent, parents, children, left_out) in [
        ("REAL", vec![whole.clone()], vec![int(even)], None),
        (
            "REAL",
            vec![whole],
            vec![int(odd)],
            Some("a real, rounded,"),
        ),
        (
            "TEXT",
            vec![text("1"), text("x")],
            vec![int(1), text("x")],
            None,
        ),
        (
            "TEXT",
            vec![text("1.0e+19"), text("x")],
            vec![real(1e19), text("x")],
            Some("a text of its own spelling"),
        ),
        (
            "INT",
            vec![int(1), text("x")],
            vec![text("01"), text("x")],
            Some("a number"),
        ),
    ] {
        let mut database = family(parent, "");
        let what = format!("{parent} {parents:?}, {children:?}");
        database.evidence[0].columns[0] = observe(&parents);
        database.evidence[1].columns[0] = observe(&children);
        let plan = database.plan();
        let there = plan.tables[1].foreign_keys.len() == 1;
        let said = |made: &str| {
            let words = format!("the source turns `parent` into {made} before it looks");
            plan.listed().iter().any(|line| line.contains(&words))
        };
        assert!(left_out.is_none_or(said), "{what}: {:?}", plan.listed());
        assert!(
            there == left_out.is_none() || parent == "INT" && !there,
            "{what}"
        );
    }
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
    database.evidence[0].columns[0] = observe(std::slice::from_ref(&lower));
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
            "b: foreign key to `parent` (name) is left out: the source compares `name` by NOCASE, PostgreSQL by bytes",
        ]
    );
}

#[test]
fn a_foreign_key_under_nocase_is_carried_when_every_row_has_its_parent_by_bytes() {
    let build = |by_bytes: u64, orphans: u64| {
        let mut database = Database::default();
        let mut parent = table("parent", vec![column("name", "TEXT")]);
        parent.columns[0].collation = "NOCASE".to_owned();
        parent.primary_key = Some(key(&["name"]));
        parent.primary_key.as_mut().unwrap().columns[0].collation = "NOCASE".to_owned();
        database.table(parent, &[&[text("a")]]);
        let mut child = table("child", vec![column("name", "TEXT")]);
        child
            .foreign_keys
            .push(foreign_key(&["name"], "parent", &["name"]));
        database.table(child, &[&[text("a")]]);
        database.keys = vec![
            broken(1, Constraint::ForeignKey(0), orphans),
            broken(1, Constraint::ForeignKeyBytes(0), by_bytes),
        ];
        database.plan()
    };
    let found = |plan: &Plan| -> Vec<String> {
        let listed = plan.listed().into_iter();
        listed.filter(|line| line.contains("foreign key")).collect()
    };
    let compares = "the source compares `name` by NOCASE, PostgreSQL by bytes";
    let plan = build(0, 0);
    assert!(plan.table("child").foreign_keys[0].valid);
    let stricter = format!(
        "Warning structure-weakened child.name: foreign key to `parent` (name) is stricter for new rows: {compares}"
    );
    assert_eq!(found(&plan), std::slice::from_ref(&stricter));
    // The same two rows have no parent by either rule.
    let plan = build(2, 2);
    assert!(!plan.table("child").foreign_keys[0].valid);
    assert_eq!(
        found(&plan),
        [
            stricter,
            "Warning foreign-key-orphan child.name: foreign key to `parent` (name) is created NOT VALID: 2 rows have no parent, and only new rows are checked [id=7]".to_owned(),
        ]
    );
    let plan = build(3, 2);
    assert!(plan.table("child").foreign_keys.is_empty());
    assert_eq!(
        found(&plan),
        [format!(
            "Warning structure-left-out child.name: foreign key to `parent` (name) is left out: {compares}, and 3 rows have no parent by bytes [id=7]"
        )]
    );
}
