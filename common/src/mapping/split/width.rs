//! The most that a row takes of a page, whatever the server moves out of it.
//!
//! PostgreSQL stores a long value elsewhere and keeps a pointer of 18 bytes, but never one of less
//! than 24 bytes (PostgreSQL documentation, "TOAST"): so no value of variable length takes more.

use crate::mapping::draft::Stored;
use crate::mapping::plan::PgType;
use crate::mapping::split::MOST_COLUMNS;
use crate::profile::evidence::ColumnEvidence;

/// The largest tuple in a page of 8 KiB (`MaxHeapTupleSize`).
const ROOM: u64 = 8192 - 32;
/// `SizeofHeapTupleHeader`, before the bitmap of NULLs.
const TUPLE_HEADER: u64 = 23;
/// `MAXIMUM_ALIGNOF`.
const ALIGNMENT: u64 = 8;
/// Longest value that is never moved out of its row, without its header of one byte.
const STAYS: u64 = 23;
/// The most that a longer value takes: a compressed one just not worth moving, and its alignment.
const VARIABLE: u64 = 28;

/// The most that a value of a column takes, and its alignment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    size: u64,
    alignment: u64,
}

/// The most that a row of some columns takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Width {
    /// How many columns there are.
    pub(super) columns: usize,
    bytes: u64,
    /// What the next value is aligned to, however many of those before it are NULL.
    aligned: u64,
}

impl Default for Width {
    fn default() -> Self {
        Width {
            columns: 0,
            bytes: 0,
            aligned: ALIGNMENT,
        }
    }
}

impl Width {
    /// With one more column.
    #[must_use]
    pub(super) fn with(self, cost: Cost) -> Width {
        let none = cost.size == 0;
        // Paid once: those after it that align alike find the place aligned.
        let padding = cost.alignment.saturating_sub(self.aligned);
        Width {
            columns: self.columns + 1,
            bytes: self.bytes + if none { 0 } else { padding + cost.size },
            aligned: if none { self.aligned } else { cost.alignment },
        }
    }

    /// Whether a table of PostgreSQL can have these columns, with every row that there is.
    pub(super) fn fits(self) -> bool {
        let bitmap = (self.columns as u64).div_ceil(8);
        let header = (TUPLE_HEADER + bitmap).next_multiple_of(ALIGNMENT);
        self.columns <= MOST_COLUMNS && header + self.bytes.next_multiple_of(ALIGNMENT) <= ROOM
    }
}

/// What is known of the values of a column, where they become what they are.
pub(super) fn plain<'a>(stored: &Stored<'a>) -> Option<&'a ColumnEvidence> {
    let is_plain = stored.conversion.is_none() && stored.computed.is_none();
    is_plain.then_some(stored.evidence)
}

/// What a column of this type takes; `plain` is what is known of its values, of which there are
/// `rows`.
pub(super) fn cost(target: PgType, plain: Option<&ColumnEvidence>, rows: u64) -> Cost {
    if plain.is_some_and(|evidence| evidence.nulls == rows) {
        return Cost {
            size: 0,
            alignment: 1,
        };
    }
    let (size, alignment) = match target {
        PgType::Bigint
        | PgType::Double
        | PgType::Timestamptz
        | PgType::Timestamp
        | PgType::Time => (8, 8),
        PgType::Integer | PgType::Real | PgType::Date | PgType::Enum(_) => (4, 4),
        PgType::Smallint => (2, 2),
        PgType::Boolean => (1, 1),
        PgType::Uuid => (16, 1),
        PgType::Text | PgType::Bytea | PgType::Json => (plain.map_or(VARIABLE, short), 1),
        PgType::Varchar(_)
        | PgType::Char(_)
        | PgType::Citext
        | PgType::Numeric
        | PgType::Decimal { .. }
        | PgType::Inet
        | PgType::Cidr
        | PgType::Jsonb => (VARIABLE, 1),
    };
    Cost { size, alignment }
}

/// What the longest text or blob of a column of nothing else takes.
fn short(evidence: &ColumnEvidence) -> u64 {
    let numbers = evidence.integers + evidence.reals;
    match std::cmp::max(evidence.longest_text, evidence.longest_blob) {
        longest @ 0..=STAYS if numbers == 0 => longest + 1,
        _ => VARIABLE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(target: PgType, count: usize) -> Width {
        (0..count).fold(Width::default(), |width, _| {
            width.with(cost(target, None, 1))
        })
    }

    #[test]
    fn a_row_of_fixed_width_fits_as_long_as_a_page_of_the_server_takes_it() {
        // 23 + 126 of the bitmap, aligned: 152; 8160 - 152 = 1001 * 8.
        assert!(columns(PgType::Bigint, 1001).fits());
        assert!(!columns(PgType::Bigint, 1002).fits());
        assert!(columns(PgType::Boolean, 1600).fits());
        assert!(!columns(PgType::Boolean, 1601).fits());
    }

    #[test]
    fn a_value_of_variable_length_takes_no_more_than_one_that_is_just_not_moved_out() {
        assert!(columns(PgType::Text, 288).fits());
        assert!(!columns(PgType::Text, 291).fits());
    }

    #[test]
    fn padding_is_paid_where_the_alignment_grows() {
        let text = cost(PgType::Boolean, None, 1);
        let number = cost(PgType::Bigint, None, 1);
        let alternate = Width::default()
            .with(text)
            .with(number)
            .with(text)
            .with(number);
        assert_eq!(alternate.bytes, 1 + 7 + 8 + 1 + 7 + 8);
        let grouped = Width::default()
            .with(number)
            .with(number)
            .with(text)
            .with(text);
        assert_eq!(grouped.bytes, 18);
    }
}
