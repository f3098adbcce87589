//! What a column might become if the operator says so.

use super::support::*;
use crate::mapping::plan::{EpochUnit, PgType, Reading};
use crate::model::schema::{Column, DefaultValue};
use crate::model::value::OwnedValue;

fn proposed(column: Column, values: &[OwnedValue]) -> Vec<(PgType, Reading, String)> {
    let name = column.name.clone();
    let plan = plan_of(table("t", vec![column]), &[values]);
    let proposals = plan.table("t").column(&name).proposals.iter();
    proposals
        .map(|one| (one.target, one.reading.clone(), one.reason.clone()))
        .collect()
}

fn units(name: &str, declared: &str, values: &[OwnedValue]) -> Vec<(EpochUnit, String)> {
    let of_unit = |(_, reading, reason)| match reading {
        Reading::Epoch(unit) => Some((unit, reason)),
        _ => None,
    };
    let all = proposed(column(name, declared), values);
    all.into_iter().filter_map(of_unit).collect()
}

#[test]
fn a_unit_is_proposed_with_the_first_and_the_last_day() {
    // 2023-11-14 22:13:20 UTC and a day later, in each unit.
    let whole = |first, last| vec![NULL, int(first), int(last)];
    let reals = |first, last| vec![real(first), real(last)];
    for (unit, words, values) in [
        (
            EpochUnit::Seconds,
            "seconds since 1970",
            whole(1_700_000_000, 1_700_086_400),
        ),
        (
            EpochUnit::Seconds,
            "seconds since 1970",
            reals(1_700_000_000.25, 1_700_086_400.0),
        ),
        (
            EpochUnit::Milliseconds,
            "milliseconds since 1970",
            whole(1_700_000_000_000, 1_700_086_400_000),
        ),
        (
            EpochUnit::Microseconds,
            "microseconds since 1970",
            whole(1_700_000_000_000_000, 1_700_086_400_000_000),
        ),
        (
            EpochUnit::Microseconds1601,
            "microseconds since 1601",
            whole(13_344_473_600_000_000, 13_344_560_000_000_000),
        ),
        (
            EpochUnit::Ticks1601,
            "units of 100 ns since 1601",
            whole(133_444_736_000_000_000, 133_445_600_000_000_000),
        ),
        (
            EpochUnit::JulianDays,
            "Julian days",
            reals(2_460_263.425_925_926, 2_460_264.425_925_926),
        ),
        (
            EpochUnit::Seconds2001,
            "seconds since 2001",
            reals(721_692_800.0, 721_779_200.5),
        ),
        (EpochUnit::Days, "days since 1970", whole(19_675, 19_676)),
    ] {
        let found = units("created_at", "", &values);
        let reason = format!("as {words} all would be moments from 2023-11-14 to 2023-11-15");
        assert!(found.contains(&(unit, reason)), "{unit:?}: {found:?}");
    }
}

#[test]
fn numbers_that_may_be_anything_need_a_name_that_tells_of_time() {
    let apple = [int(721_692_800), int(721_692_801)];
    let unit = |name, declared| {
        let found = units(name, declared, &apple).into_iter();
        found.map(|(unit, _)| unit).collect::<Vec<_>>()
    };
    // As seconds since 1970 that is 1992: both are proposed where one is.
    assert_eq!(unit("amount", "INTEGER"), [EpochUnit::Seconds]);
    let both = [EpochUnit::Seconds, EpochUnit::Seconds2001];
    assert_eq!(unit("createdAt", "INTEGER"), both);
    assert_eq!(unit("LastLoginDate", "INTEGER"), both);
    assert_eq!(unit("amount", "DATETIME"), both);
    assert!(units("count", "", &[int(19_675)]).is_empty());
    assert!(units("platform", "", &[int(19_675)]).is_empty());
}

/// A column of ones was proposed as boolean, a foreign key as moments, and a digest as UUID.
#[test]
fn what_is_true_by_accident_is_not_proposed() {
    let none = |column: Column, values: &[OwnedValue]| {
        let found = proposed(column.clone(), values);
        assert!(found.is_empty(), "{}: {found:?}", column.name);
    };
    none(integer("version"), &[int(1), int(1), NULL]);
    none(integer("deleted_rows"), &[int(0), int(0)]);
    none(column("answer", "TEXT"), &[text("no")]);
    none(integer("phone"), &[int(1_700_000_000), int(1_700_000_000)]);
    none(column("weight", "REAL"), &[real(1.7e9)]);
    none(
        column("md5", "TEXT"),
        &[text("550e8400e29b41d4a716446655440000")],
    );
    none(column("PasswordHash", "BLOB"), &[blob(&[7; 16])]);
    let zero_one: &[OwnedValue] = &[int(0), int(1)];
    let numbers: &[OwnedValue] = &[int(1_700_000_000), int(1_700_000_001)];
    for values in [zero_one, numbers] {
        let mut keyed = table("t", vec![column("a", "BIGINT"), integer("b")]);
        keyed.primary_key = Some(key(&["a"]));
        let plan = plan_of(keyed, &[values, values]);
        let planned = plan.table("t");
        assert!(planned.column("a").proposals.is_empty(), "{values:?}");
        assert!(!planned.column("b").proposals.is_empty(), "{values:?}");
    }
}

#[test]
fn numbers_of_another_time_are_no_moments() {
    for values in [
        vec![int(1_700_000_000), int(0)],
        vec![int(1_700_000_000), int(i64::MAX)],
        vec![int(i64::MIN)],
        vec![real(1.7e9), real(f64::INFINITY)],
        vec![real(1.7e9), real(-0.0)],
        vec![real(1.7e9), real(f64::MAX)],
        vec![int(1_700_000_000), text("x")],
    ] {
        assert!(
            units("created_at", "DATETIME", &values).is_empty(),
            "{values:?}"
        );
    }
}

#[test]
fn words_uuids_and_zones_are_proposed() {
    let of = |declared: &str, values: &[OwnedValue]| {
        let all = proposed(column("a", declared), values);
        let shown =
            |(target, _, reason): (PgType, _, String)| format!("{}: {reason}", target.name());
        all.into_iter().map(shown).collect::<Vec<_>>()
    };
    assert_eq!(
        of("TEXT", &[text("Yes"), text("no"), NULL]),
        ["boolean: 2 values and nothing else but NULL: a word for true or false"]
    );
    assert_eq!(
        of("INTEGER", &[int(0), int(1)]),
        ["boolean: every value is 0 or 1"]
    );
    assert!(of("BOOLEAN", &[int(0), int(1)]).is_empty());
    assert!(of("TEXT", &[text("yes"), text("maybe")]).is_empty());
    let hex = "550e8400e29b41d4a716446655440000";
    assert_eq!(
        of(
            "TEXT",
            &[text(hex), text("550E8400-e29b-41d4-a716-446655440000")]
        ),
        ["uuid: 2 texts of 32 hexadecimal digits each"]
    );
    assert_eq!(
        of("BLOB", &[blob(&[7; 16])]),
        ["uuid: 1 blob of 16 bytes each"]
    );
    assert!(of("BLOB", &[blob(&[7; 16]), blob(&[7; 15])]).is_empty());
    assert!(of("TEXT", &[text("550e8400-e29b-41d4-a716-446655440000")]).is_empty());
    let moments = [text("2024-01-01 10:00:00")];
    assert_eq!(
        of("DATETIME", &moments),
        ["timestamp with time zone: if all were written in UTC"]
    );
    let mut stamped = column("a", "DATETIME");
    stamped.default = Some(DefaultValue::CurrentTimestamp);
    assert_eq!(
        proposed(stamped, &moments)[0].2,
        "the default CURRENT_TIMESTAMP of SQLite is in UTC"
    );
}
