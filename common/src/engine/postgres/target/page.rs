//! Whether a row fits into a page of the server's, before it is sent.
//!
//! Counts the least that a tuple can take (PostgreSQL documentation, "Database Page Layout" and
//! "TOAST"), so that no row is refused which the server would store; what it refuses beyond that,
//! its own message tells.

use crate::mapping::plan::{ColumnPlan, PgType};

use super::tuples::fields;

/// Page header and one item pointer, aligned: what no tuple can use.
const PAGE_OVERHEAD: usize = 32;
/// `SizeofHeapTupleHeader`, before the bitmap of NULLs.
const TUPLE_HEADER: usize = 23;
/// `MAXIMUM_ALIGNOF`.
const ALIGNMENT: usize = 8;
/// Longest value that is never moved out of its row: its size with header is that of an aligned
/// pointer into the TOAST table (`toast_tuple_find_biggest_attribute`).
const STAYS: usize = 23;
/// A pointer into the TOAST table.
const POINTER: usize = 18;
/// Shortest value that is compressed (`PGLZ_strategy_default`), and the least it then takes.
const COMPRESSIBLE: usize = 32;
const COMPRESSED: usize = 13;
/// The most that a column adds to the least width of a row, with its alignment.
const MOST: usize = 2 * STAYS;

/// The rule for the rows of one table.
#[derive(Debug)]
pub(super) struct Page {
    columns: Vec<PgType>,
    /// The largest tuple (`MaxHeapTupleSize`).
    room: usize,
}

impl Page {
    /// For rows of these columns, on a server whose blocks have so many bytes.
    pub(super) fn new<'p>(
        columns: impl IntoIterator<Item = &'p ColumnPlan>,
        block_size: usize,
    ) -> Page {
        Page {
            columns: columns.into_iter().map(|column| column.target).collect(),
            room: block_size.saturating_sub(PAGE_OVERHEAD),
        }
    }

    /// Says why a tuple of binary COPY cannot be stored, however it is compressed.
    pub(super) fn refusal(&self, tuple: &[u8]) -> Option<String> {
        // The usual table has too few columns for that, whatever its values.
        if self.columns.len() * MOST + 2 * TUPLE_HEADER + self.columns.len() / 8 <= self.room {
            return None;
        }
        let least = self.least(tuple);
        (least > self.room).then(|| {
            format!(
                "the row takes at least {least} bytes of a page, which has room for {}",
                self.room
            )
        })
    }

    fn least(&self, tuple: &[u8]) -> usize {
        let mut nulls = false;
        let mut width = 0;
        for (field, target) in fields(tuple).zip(&self.columns) {
            let Some(field) = field else {
                nulls = true;
                continue;
            };
            let (size, alignment) = stored(*target, field.len());
            width = usize::next_multiple_of(width, alignment) + size;
        }
        let bitmap = if nulls {
            self.columns.len().div_ceil(8)
        } else {
            0
        };
        let header = (TUPLE_HEADER + bitmap).next_multiple_of(ALIGNMENT);
        (header + width).next_multiple_of(ALIGNMENT)
    }
}

/// The least that a value takes in its row, and its alignment; `length` is that of its binary form.
fn stored(target: PgType, length: usize) -> (usize, usize) {
    match target {
        PgType::Bigint
        | PgType::Double
        | PgType::Timestamptz
        | PgType::Timestamp
        | PgType::Time => (8, 8),
        PgType::Smallint => (2, 2),
        PgType::Integer | PgType::Real | PgType::Date | PgType::Enum(_) => (4, 4),
        PgType::Boolean => (1, 1),
        PgType::Uuid => (16, 1),
        PgType::Text
        | PgType::Varchar(_)
        | PgType::Char(_)
        | PgType::Citext
        | PgType::Bytea
        | PgType::Json => varlena(length),
        // Four counts of two bytes are sent, two bytes are stored of them.
        PgType::Numeric | PgType::Decimal { .. } => varlena(length.saturating_sub(6)),
        // Of family, prefix, kind and length the first two are stored.
        PgType::Inet | PgType::Cidr => varlena(length.saturating_sub(2)),
        // What an empty object takes; the stored form is not that of the text.
        PgType::Jsonb => (5, 1),
    }
}

/// A value of variable length with a header of one byte, or what it shrinks to. Only what is
/// compressed is aligned, and takes less than a pointer all the same.
fn varlena(length: usize) -> (usize, usize) {
    match length {
        0..=STAYS => (length + 1, 1),
        COMPRESSIBLE.. => (COMPRESSED, 4),
        _ => (POINTER, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(target: PgType, columns: usize) -> Page {
        Page {
            columns: vec![target; columns],
            room: 8192 - PAGE_OVERHEAD,
        }
    }

    fn tuple(field: Option<&[u8]>, columns: usize) -> Vec<u8> {
        let mut tuple = i16::try_from(columns).unwrap().to_be_bytes().to_vec();
        for _ in 0..columns {
            let length = field.map_or(-1, |field| i32::try_from(field.len()).unwrap());
            tuple.extend_from_slice(&length.to_be_bytes());
            tuple.extend_from_slice(field.unwrap_or_default());
        }
        tuple
    }

    #[test]
    fn the_first_column_too_many_is_refused_and_none_before() {
        // A header of 24 bytes leaves 8,136: 508 texts of 15 bytes, 1,017 integers.
        for (target, length, most) in [(PgType::Text, 15, 508), (PgType::Bigint, 8, 1017)] {
            let field = vec![b'x'; length];
            let refusal = |columns| page(target, columns).refusal(&tuple(Some(&field), columns));
            assert_eq!(refusal(most), None);
            assert_eq!(
                refusal(most + 1).as_deref(),
                Some("the row takes at least 8168 bytes of a page, which has room for 8160")
            );
        }
    }

    #[test]
    fn nulls_take_a_bit_and_long_values_what_they_shrink_to() {
        assert_eq!(page(PgType::Text, 1600).least(&tuple(None, 1600)), 224);
        let long = vec![b'x'; 5000];
        let refusal = |columns| page(PgType::Text, columns).refusal(&tuple(Some(&long), columns));
        assert_eq!(refusal(508), None);
        assert!(refusal(509).is_some());
    }
}
