//! What a column might become if the operator says so: a unit for its numbers, words for booleans,
//! UUIDs in another form, a zone for times without offset.
//!
//! Proposed only: nothing is converted unless a mapping file asks for it. Made from evidence, so a
//! proposal holds for every value.

use crate::mapping::declared::{is_temporal, suggested};
use crate::mapping::describe::counted;
use crate::mapping::draft::Stored;
use crate::mapping::naming::NameRule;
use crate::mapping::plan::{EpochUnit, PgType, Proposal, Reading};
use crate::model::schema::DefaultValue;
use crate::profile::evidence::{ColumnEvidence, Form};

/// Words that mean true and false, as `Form::BooleanWord` has them.
const YES: [&str; 5] = ["true", "t", "yes", "y", "on"];
const NO: [&str; 5] = ["false", "f", "no", "n", "off"];

/// 1990-01-01 and 2101-01-01 in microseconds since 1970: who keeps moments keeps those of our time.
const OUR_TIME: std::ops::Range<i128> = 631_152_000_000_000..4_133_980_800_000_000;

/// 2004 to 2050 in the same: small numbers are no moments, and large ones are seconds since 1970.
const APPLE_TIME: std::ops::Range<i128> = 1_072_915_200_000_000..2_556_144_000_000_000;

/// Words of a column's name that tell of days and times.
const NAMES: [&str; 20] = [
    "at",
    "birthday",
    "created",
    "date",
    "datetime",
    "day",
    "deleted",
    "dob",
    "end",
    "expires",
    "expiry",
    "modified",
    "on",
    "since",
    "start",
    "time",
    "timestamp",
    "ts",
    "until",
    "updated",
];
/// Ends of such words.
const ENDINGS: [&str; 3] = ["date", "time", "stamp"];

/// Words of a column's name that tell of a digest or of random bytes, which are as long as a UUID.
const DIGESTS: [&str; 10] = [
    "checksum",
    "digest",
    "etag",
    "fingerprint",
    "hash",
    "iv",
    "md5",
    "nonce",
    "salt",
    "secret",
];

/// A unit, what it is called, and whether numbers of its size mean something else often enough that
/// name or declaration must tell of a time, too.
type Unit = (EpochUnit, &'static str, bool);

const UNITS: [Unit; 8] = [
    (EpochUnit::Seconds, "seconds since 1970", false),
    (EpochUnit::Milliseconds, "milliseconds since 1970", false),
    (EpochUnit::Microseconds, "microseconds since 1970", false),
    (
        EpochUnit::Microseconds1601,
        "microseconds since 1601",
        false,
    ),
    (EpochUnit::Ticks1601, "units of 100 ns since 1601", false),
    (EpochUnit::Seconds2001, "seconds since 2001", true),
    (EpochUnit::JulianDays, "Julian days", true),
    (EpochUnit::Days, "days since 1970", true),
];

/// What the column might become, the likeliest first.
pub(super) fn of(stored: &Stored<'_>) -> Vec<Proposal> {
    let evidence = stored.evidence;
    let present = evidence.present();
    if stored.identity || present == 0 {
        return Vec::new();
    }
    let mut proposals = Vec::new();
    if evidence.integers + evidence.reals == present {
        proposals.extend(epochs(stored));
    }
    proposals.extend(booleans(stored));
    proposals.extend(uuids(stored));
    proposals.extend(zone(stored));
    proposals
}

/// The first and the last moment that numbers would be, in words; nothing where a unit makes no sense
/// of them.
pub(super) fn epochs(stored: &Stored<'_>) -> Vec<Proposal> {
    let hinted = is_temporal(suggested(stored.column)) || tells_of_time(&stored.column.name);
    // One number, or those that rows are told apart by, may be of our time by accident.
    if !hinted && (stored.keyed || is_one_number(stored.evidence)) {
        return Vec::new();
    }
    let proposal = |(unit, words, needs_hint): Unit| {
        let (first, last) = span(stored.evidence, unit)?;
        // Whole days of our time are few numbers, but not so few that a count could not be one.
        let telling = unit == EpochUnit::JulianDays && stored.evidence.reals > 0;
        if needs_hint && !hinted && !telling {
            return None;
        }
        let days = if first == last {
            format!("of {first}")
        } else {
            format!("from {first} to {last}")
        };
        let target = match unit {
            EpochUnit::Days => PgType::Date,
            _ => PgType::Timestamptz,
        };
        Some(Proposal {
            target,
            reading: Reading::Epoch(unit),
            reason: format!("as {words} all would be moments {days}"),
        })
    };
    UNITS.into_iter().filter_map(proposal).collect()
}

/// The days of the least and the greatest number, if both are of our time.
fn span(evidence: &ColumnEvidence, unit: EpochUnit) -> Option<(String, String)> {
    let integers = evidence
        .integer_range
        .map(|(least, most)| [i128::from(least), i128::from(most)].map(|n| micros(n, unit)));
    let reals = evidence
        .real_range
        .map(|range| [range.least(), range.most()].map(|real| micros_of_real(real, unit)));
    let reals = match reals {
        Some([Some(least), Some(most)]) => Some([least, most]),
        Some(_) => return None,
        None => None,
    };
    // A column of NaN alone, which no SQLite database holds, has no range.
    if evidence.reals > 0 && reals.is_none() {
        return None;
    }
    let ends = || integers.iter().chain(&reals).flatten().copied();
    let (first, last) = (ends().min()?, ends().max()?);
    let time = match unit {
        EpochUnit::Seconds2001 => APPLE_TIME,
        _ => OUR_TIME,
    };
    (time.contains(&first) && time.contains(&last)).then(|| (day(first), day(last)))
}

/// How many microseconds one is, and how many lie between its beginning and 1970.
fn scale(unit: EpochUnit) -> (f64, i128) {
    const DAY: f64 = 86_400e6;
    match unit {
        EpochUnit::Seconds => (1e6, 0),
        EpochUnit::Milliseconds => (1e3, 0),
        EpochUnit::Microseconds => (1.0, 0),
        EpochUnit::JulianDays => (DAY, -210_866_760_000_000_000),
        EpochUnit::Days => (DAY, 0),
        EpochUnit::Seconds2001 => (1e6, 978_307_200_000_000),
        EpochUnit::Microseconds1601 => (1.0, -11_644_473_600_000_000),
        EpochUnit::Ticks1601 => (0.1, -11_644_473_600_000_000),
    }
}

fn micros(number: i128, unit: EpochUnit) -> i128 {
    let (each, start) = scale(unit);
    if unit == EpochUnit::Ticks1601 {
        return number.div_euclid(10) + start;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a whole number of microseconds"
    )]
    let each = each as i128;
    number * each + start
}

/// Near enough to name a day.
fn micros_of_real(real: f64, unit: EpochUnit) -> Option<i128> {
    let (each, start) = scale(unit);
    let micros = real * each;
    // Far beyond our time, and far from the end of 128 bits.
    #[expect(clippy::cast_possible_truncation, reason = "less than 2^63")]
    (micros.abs() < 9e18).then(|| micros as i128 + start)
}

fn day(micros: i128) -> String {
    let stamp = i64::try_from(micros).ok();
    let stamp = stamp.and_then(|micros| jiff::Timestamp::from_microsecond(micros).ok());
    stamp.map_or_else(String::new, |stamp| stamp.strftime("%Y-%m-%d").to_string())
}

/// Whether all numbers are the same.
fn is_one_number(evidence: &ColumnEvidence) -> bool {
    let integers = evidence.integer_range.map(|(least, most)| least == most);
    let reals = evidence
        .real_range
        .map(|range| range.least().total_cmp(&range.most()).is_eq());
    matches!((integers, reals), (Some(true), None) | (None, Some(true)))
}

fn tells_of_digests(name: &str) -> bool {
    let folded = NameRule::Fold.apply(name);
    folded.split('_').any(|word| DIGESTS.contains(&word))
}

fn tells_of_time(name: &str) -> bool {
    let folded = NameRule::Fold.apply(name);
    folded
        .split('_')
        .any(|word| NAMES.contains(&word) || ENDINGS.iter().any(|end| word.ends_with(end)))
}

/// Words, and integers that are 0 and 1.
fn booleans(stored: &Stored<'_>) -> Option<Proposal> {
    let evidence = stored.evidence;
    let present = evidence.present();
    let words = evidence.count(Form::BooleanWord);
    let digits = evidence.count(Form::ZeroOne);
    if stored.target == PgType::Boolean || words + digits != present {
        return None;
    }
    // What is always the same, or names a row, is no answer to a question.
    let answers = if words > 0 {
        present > 1
    } else {
        evidence.integer_range == Some((0, 1))
    };
    if stored.keyed || !answers {
        return None;
    }
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let reason = if words > 0 {
        format!(
            "{} and nothing else but NULL: a word for true or false",
            counted(present, "value")
        )
    } else {
        "every value is 0 or 1".to_owned()
    };
    Some(Proposal {
        target: PgType::Boolean,
        reading: if words > 0 {
            Reading::Words {
                yes: owned(&YES),
                no: owned(&NO),
            }
        } else {
            Reading::Plain
        },
        reason,
    })
}

/// UUIDs without hyphens, as bytes, or mixed with those that have hyphens.
fn uuids(stored: &Stored<'_>) -> Option<Proposal> {
    let evidence = stored.evidence;
    let count = |form| evidence.count(form);
    let texts = count(Form::Uuid) + count(Form::UuidUpper) + count(Form::UuidHex);
    let blobs = count(Form::UuidBlob);
    let other = tells_of_digests(&stored.column.name);
    if stored.target == PgType::Uuid || texts + blobs != evidence.present() || other {
        return None;
    }
    let reason = match (texts, blobs) {
        (0, blobs) => format!("{} of 16 bytes each", counted(blobs, "blob")),
        (texts, 0) => format!("{} of 32 hexadecimal digits each", counted(texts, "text")),
        (texts, blobs) => format!(
            "{} of 32 hexadecimal digits and {} of 16 bytes",
            counted(texts, "text"),
            counted(blobs, "blob")
        ),
    };
    Some(Proposal {
        target: PgType::Uuid,
        reading: Reading::Uuid,
        reason,
    })
}

/// Moments without offset: which zone they are in only the operator knows, or the default tells.
fn zone(stored: &Stored<'_>) -> Option<Proposal> {
    let evidence = stored.evidence;
    if evidence.count(Form::Timestamp) != evidence.present() {
        return None;
    }
    let reason = if stored.column.default == Some(DefaultValue::CurrentTimestamp) {
        "the default CURRENT_TIMESTAMP of SQLite is in UTC"
    } else {
        "if all were written in UTC"
    };
    Some(Proposal {
        target: PgType::Timestamptz,
        reading: Reading::Zone("UTC".to_owned()),
        reason: reason.to_owned(),
    })
}
