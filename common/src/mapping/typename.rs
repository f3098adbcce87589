//! Names of types as an operator writes them: the names of PostgreSQL and their usual short forms.
//!
//! A closed list: a name that is not on it is no type, so that nothing of a mapping file reaches a
//! server as a type but what a value can be sent as.

use crate::mapping::plan::PgType;

/// What stands in a message about a name that is no type.
pub(super) const KNOWN: &str = "smallint, integer, bigint, real, double precision, numeric, \
     numeric(P,S), text, varchar(N), char(N), citext, bytea, boolean, timestamptz, timestamp, date, \
     time, uuid, jsonb, json, inet, cidr, or a name of [enums]";
/// Most characters of varchar and char (`MaxAttrSize`).
const LONGEST: u32 = 10_485_760;
/// Most digits of numeric (`NUMERIC_MAX_PRECISION`), and the ends of its scale.
const PRECISION: u16 = 1000;
/// Servers from here on take a scale beyond the precision, or below zero.
const FREE_SCALE: u32 = 150_000;

/// The type that `name` means; `enums` are the names of the enumerated types, in the plan's order.
/// An enumerated type is named exactly, all others in whatever case.
pub(super) fn parse<'n>(
    name: &str,
    enums: impl IntoIterator<Item = &'n str>,
    server: u32,
) -> Result<PgType, String> {
    if let Some(position) = enums.into_iter().position(|known| known == name) {
        let position = u32::try_from(position).map_err(|_| "too many enums".to_owned())?;
        return Ok(PgType::Enum(position));
    }
    let lower = name.to_ascii_lowercase();
    let (base, numbers) = match lower.split_once('(') {
        None => (lower.as_str(), None),
        Some((base, rest)) => {
            let numbers = rest.trim_end().strip_suffix(')');
            (base, Some(numbers.ok_or_else(|| unknown(name))?))
        }
    };
    let base = base.split_whitespace().collect::<Vec<_>>().join(" ");
    match numbers {
        None => plain(&base).ok_or_else(|| unknown(name)),
        Some(numbers) => with_numbers(&base, numbers, server).map_err(|why| match why {
            Some(why) => format!("`{name}`: {why}"),
            None => unknown(name),
        }),
    }
}

fn unknown(name: &str) -> String {
    format!("unknown type `{name}`, expected one of {KNOWN}")
}

fn plain(name: &str) -> Option<PgType> {
    Some(match name {
        "smallint" | "int2" => PgType::Smallint,
        "integer" | "int" | "int4" => PgType::Integer,
        "bigint" | "int8" => PgType::Bigint,
        "real" | "float4" => PgType::Real,
        "double precision" | "double" | "float8" | "float" => PgType::Double,
        "numeric" | "decimal" => PgType::Numeric,
        "text" | "varchar" | "character varying" => PgType::Text,
        "citext" => PgType::Citext,
        "bytea" => PgType::Bytea,
        "boolean" | "bool" => PgType::Boolean,
        "timestamptz" | "timestamp with time zone" => PgType::Timestamptz,
        "timestamp" | "timestamp without time zone" => PgType::Timestamp,
        "date" => PgType::Date,
        "time" | "time without time zone" => PgType::Time,
        "uuid" => PgType::Uuid,
        "jsonb" => PgType::Jsonb,
        "json" => PgType::Json,
        "inet" => PgType::Inet,
        "cidr" => PgType::Cidr,
        _ => return None,
    })
}

/// The inner text says why the numbers will not do; without one, the name takes none.
fn with_numbers(base: &str, numbers: &str, server: u32) -> Result<PgType, Option<String>> {
    let numbers: Result<Vec<i64>, _> = numbers.split(',').map(|n| n.trim().parse()).collect();
    let numbers = numbers.map_err(|_| None)?;
    match (base, numbers.as_slice()) {
        ("varchar" | "character varying", [length]) => characters(*length).map(PgType::Varchar),
        ("char" | "character", [length]) => characters(*length).map(PgType::Char),
        ("numeric" | "decimal", [precision]) => decimal(*precision, 0, server),
        ("numeric" | "decimal", [precision, scale]) => decimal(*precision, *scale, server),
        _ => Err(None),
    }
}

fn characters(length: i64) -> Result<u32, Option<String>> {
    let length = u32::try_from(length).ok();
    let length = length.filter(|length| (1..=LONGEST).contains(length));
    length.ok_or_else(|| Some(format!("the length must be 1 to {LONGEST}")))
}

fn decimal(precision: i64, scale: i64, server: u32) -> Result<PgType, Option<String>> {
    let digits = u16::try_from(precision).ok();
    let digits = digits.filter(|digits| (1..=PRECISION).contains(digits));
    let precision =
        digits.ok_or_else(|| Some(format!("the precision must be 1 to {PRECISION}")))?;
    let (least, most) = if server < FREE_SCALE {
        (0, i64::from(precision))
    } else {
        (-i64::from(PRECISION), i64::from(PRECISION))
    };
    if !(least..=most).contains(&scale) {
        return Err(Some(format!("the scale must be {least} to {most}")));
    }
    let scale = i16::try_from(scale).map_err(|_| None)?;
    Ok(PgType::Decimal { precision, scale })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_the_types_that_postgresql_means_by_them() {
        for (name, expected) in [
            ("int", PgType::Integer),
            ("INT8", PgType::Bigint),
            ("Double  Precision", PgType::Double),
            ("varchar", PgType::Text),
            ("varchar(80)", PgType::Varchar(80)),
            ("character varying ( 80 )", PgType::Varchar(80)),
            ("char(2)", PgType::Char(2)),
            ("timestamp with time zone", PgType::Timestamptz),
            (
                "numeric(12, 2)",
                PgType::Decimal {
                    precision: 12,
                    scale: 2,
                },
            ),
            (
                "decimal(5)",
                PgType::Decimal {
                    precision: 5,
                    scale: 0,
                },
            ),
            ("mood", PgType::Enum(1)),
            ("text", PgType::Enum(0)),
        ] {
            assert_eq!(
                parse(name, ["text", "mood"], 150_000),
                Ok(expected),
                "{name}"
            );
        }
        for target in PgType::ALL {
            assert_eq!(parse(&target.name(), [], 130_000), Ok(target));
        }
    }

    #[test]
    fn what_is_no_type_is_said_with_what_would_be() {
        for name in [
            "",
            "Mood",
            "int(4)",
            "text; drop",
            "varchar()",
            "varchar(a)",
            "varchar(1,2)",
            "varchar(1",
            "numeric(1,2,3)",
            "timestamp(3)",
            "public.mood",
            "text[]",
        ] {
            let why = parse(name, ["mood"], 150_000).expect_err(name);
            assert_eq!(
                why,
                format!("unknown type `{name}`, expected one of {KNOWN}")
            );
        }
        for (name, server, why) in [
            ("varchar(0)", 150_000, "the length must be 1 to 10485760"),
            (
                "char(10485761)",
                150_000,
                "the length must be 1 to 10485760",
            ),
            ("numeric(0)", 150_000, "the precision must be 1 to 1000"),
            ("numeric(2,3)", 140_000, "the scale must be 0 to 2"),
            (
                "numeric(2,1001)",
                150_000,
                "the scale must be -1000 to 1000",
            ),
        ] {
            let expected = format!("`{name}`: {why}");
            assert_eq!(parse(name, [], server), Err(expected));
        }
        assert!(parse("numeric(2,-3)", [], 150_000).is_ok());
    }
}
