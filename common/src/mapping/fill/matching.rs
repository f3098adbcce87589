//! Finds a name among names: exactly, else without regard to case where that leaves one, else as an
//! import that made the tables would have called it.

use std::collections::HashMap;

/// Names to be found, by their positions.
#[derive(Debug)]
pub(super) struct Names {
    exact: HashMap<String, usize>,
    /// In lower case; `None` where several names fall together.
    folded: HashMap<String, Option<usize>>,
}

/// Why no name was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoMatch {
    /// There is none.
    None,
    /// There are several, and none is exactly as asked.
    Several,
}

impl Names {
    pub(super) fn new<'n>(names: impl Iterator<Item = &'n str>) -> Names {
        let (mut exact, mut folded) = (HashMap::new(), HashMap::new());
        for (position, name) in names.enumerate() {
            exact.insert(name.to_owned(), position);
            folded
                .entry(name.to_lowercase())
                .and_modify(|there| *there = None)
                .or_insert(Some(position));
        }
        Names { exact, folded }
    }

    /// The position of the source's `name`, or of the one that a plan of new tables would give it.
    /// Where each of the two is another one, and neither is exactly as in the source, it is for the
    /// operator to say which is meant.
    pub(super) fn either(&self, name: &str, planned: &str) -> Result<usize, NoMatch> {
        if let Some(position) = self.exact.get(name) {
            return Ok(*position);
        }
        match (self.find(name), self.find(planned)) {
            (Err(NoMatch::None), found) | (found, Err(NoMatch::None)) => found,
            (Ok(one), Ok(other)) if one == other => Ok(one),
            _ => Err(NoMatch::Several),
        }
    }

    /// The position of `name`.
    pub(super) fn find(&self, name: &str) -> Result<usize, NoMatch> {
        if let Some(position) = self.exact.get(name) {
            return Ok(*position);
        }
        match self.folded.get(&name.to_lowercase()) {
            Some(Some(position)) => Ok(*position),
            Some(None) => Err(NoMatch::Several),
            None => Err(NoMatch::None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exact_name_wins_and_case_counts_only_where_it_tells_apart() {
        let names = Names::new(["Id", "id", "Größe"].into_iter());
        assert_eq!(names.find("id"), Ok(1));
        assert_eq!(names.find("Id"), Ok(0));
        assert_eq!(names.find("ID"), Err(NoMatch::Several));
        assert_eq!(names.find("GRÖSSE"), Err(NoMatch::None));
        assert_eq!(names.find("GRÖßE"), Ok(2));
        assert_eq!(names.either("Größ e", "größe"), Ok(2));
        assert_eq!(names.either("ID", "größe"), Err(NoMatch::Several));
        assert_eq!(names.either("GRÖßE", "id"), Err(NoMatch::Several));
        assert_eq!(names.either("Größe", "id"), Ok(2));
        assert_eq!(names.either("iD", "id"), Err(NoMatch::Several));
    }
}
