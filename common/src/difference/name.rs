//! What a row that differs is called.

use super::{Difference, Kind};

/// A row by its name, and the hashes of its columns.
#[derive(Debug, Clone)]
pub struct Named {
    /// Its key, or where it stands.
    pub name: String,
    /// The hash of each column, in the order in which they are compared.
    pub columns: Vec<u128>,
}

impl Difference {
    /// `differs: id=7 (total)`, `missing: id=8`, `extra: id=9`. `columns` are the names of those that
    /// are compared.
    #[must_use]
    pub fn in_words(
        &self,
        columns: &[&str],
        archive: Option<&Named>,
        target: Option<&Named>,
    ) -> String {
        let name = archive.or(target);
        let name = name.map_or("a row without a place", |named| named.name.as_str());
        match (self.kind, archive, target) {
            (Kind::Differs, Some(ours), Some(theirs)) => {
                let both = ours.columns.iter().zip(&theirs.columns);
                let columns = columns.iter().zip(both);
                let differ = columns.filter(|(_, (ours, theirs))| ours != theirs);
                let differ: Vec<&str> = differ.map(|(name, _)| *name).collect();
                format!("differs: {name} ({})", differ.join(", "))
            }
            (Kind::Differs, ..) => format!("differs: {name}"),
            (Kind::Missing, ..) => format!("missing: {name}"),
            (Kind::Extra, ..) => format!("extra: {name}"),
        }
    }
}
