//! How many rows break a constraint, and which are the first.

use crate::report::SAMPLES;

/// A count of rows with the smallest row numbers among them, whatever order they come in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) count: u64,
    /// Ascending; `SAMPLES` at the most.
    pub(super) first: Vec<u64>,
}

impl Tally {
    pub(super) fn add(&mut self, row: u64) {
        self.count += 1;
        self.keep(row);
    }

    pub(super) fn merge(&mut self, other: &Tally) {
        self.count += other.count;
        other.first.iter().for_each(|row| self.keep(*row));
    }

    fn keep(&mut self, row: u64) {
        let place = self.first.partition_point(|known| *known < row);
        if place < SAMPLES {
            self.first.insert(place, row);
            self.first.truncate(SAMPLES);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_rows_are_kept_in_order() {
        let mut tally = Tally::default();
        for row in 0..100 {
            tally.add(row * 37 % 100);
        }
        assert_eq!(tally.count, 100);
        assert_eq!(tally.first, (0..SAMPLES as u64).collect::<Vec<_>>());
        let mut other = Tally::default();
        other.add(1000);
        other.merge(&tally);
        assert_eq!((other.count, other.first), (101, tally.first));
    }
}
