//! How long the entries of an index can be, and whether a B-tree of PostgreSQL holds them.

use crate::mapping::describe::grouped;
use crate::mapping::draft::{Draft, Stored};
use crate::mapping::plan::Reading;
use crate::profile::evidence::Form;

/// Longest entry of a B-tree in pages of 8 KiB (`BTMaxItemSize`).
const LONGEST: u64 = 2704;
/// Header of an entry, without and with its bitmap of NULLs.
const HEADER: u64 = 8;
const HEADER_WITH_NULLS: u64 = 16;
/// The most that a number takes, of whatever type.
const NUMBER: u64 = 24;
/// Header and alignment of a text or blob.
const VARIABLE: u64 = 4;
/// How many times longer than its text a jsonb can be: `0,` becomes 12 bytes. The canonical JSON of
/// a text can be as much longer, where it has control characters; that of a blob is not.
const JSONB_GROWTH: u64 = 6;
/// What the canonical JSON of a value has besides: quotes, or `{"blob":"…"}`.
const CELL: u64 = 16;

/// Why an index on these columns may not hold all rows: the column with the longest value, and the
/// reason in words. The longest values of the columns are taken together, uncompressed: whether the
/// server makes one short enough is not known before it tries.
pub(super) fn too_long(draft: &Draft<'_>, columns: &[usize]) -> Option<(String, String)> {
    let all = || columns.iter().map(|column| &draft.columns[*column]);
    let header = if all().any(|stored| stored.evidence.nulls > 0) {
        HEADER_WITH_NULLS
    } else {
        HEADER
    };
    let length = all()
        .map(|stored| width(stored).next_multiple_of(4))
        .fold(header, u64::saturating_add)
        .next_multiple_of(8);
    let worst = all().max_by_key(|stored| width(stored))?;
    (length > LONGEST).then(|| {
        let name = &worst.column.name;
        let reason = format!(
            "an entry may have {} bytes, PostgreSQL takes {}; the longest value of `{name}` has {} bytes",
            grouped(length),
            grouped(LONGEST),
            grouped(longest(worst))
        );
        (name.clone(), reason)
    })
}

pub(super) fn longest(stored: &Stored<'_>) -> u64 {
    if let Some(computed) = &stored.computed {
        return computed.longest;
    }
    std::cmp::max(stored.evidence.longest_text, stored.evidence.longest_blob)
}

fn as_cells(stored: &Stored<'_>) -> bool {
    let conversion = stored.conversion.as_ref();
    conversion.is_some_and(|conversion| conversion.reading == Reading::Cell)
}

/// The most that a value of the column takes in an entry.
fn width(stored: &Stored<'_>) -> u64 {
    let longest = longest(stored);
    let jsonb = !stored.keyed && stored.evidence.count(Form::JsonPlain) > 0;
    let growth = if jsonb || as_cells(stored) {
        JSONB_GROWTH
    } else {
        1
    };
    let text = longest.saturating_mul(growth).saturating_add(VARIABLE);
    if as_cells(stored) {
        return text.clamp(NUMBER, u64::MAX / 64) + CELL;
    }
    if longest == 0 || stored.identity {
        NUMBER
    } else {
        text.clamp(NUMBER, u64::MAX / 64)
    }
}
