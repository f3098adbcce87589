//! How views, and places in publications, are defined: where types change there and back, the server
//! would leave casts in a definition that is only made anew each time.
//!
//! Knows no plan and no ledger.

use tokio_postgres::types::Oid;

use crate::engine::postgres::session::Session;
use crate::fault::Result;

/// How the server spells values, whatever is set for the role or the database.
const PLAIN: &str = "SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'; \
     SET LOCAL IntervalStyle = 'postgres'; SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'; \
     SET LOCAL quote_all_identifiers = off";

/// Something with a definition that names columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Follower {
    /// `view` or `publication`.
    pub(super) kind: String,
    pub(super) oid: Oid,
    /// The table, for its place in a publication; empty for a view.
    pub(super) table: String,
}

/// A definition there was, and what has become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Followed {
    pub(super) of: Follower,
    pub(super) before: String,
    pub(super) left: String,
}

/// The definitions as they are now, within a transaction whose `search_path` finds no table: names come with
/// their schemas. Nothing for a place in a publication that takes all rows of a table of `schema`.
pub(super) fn definitions(
    session: &mut Session,
    schema: &str,
    followers: &[Follower],
) -> Result<Vec<Option<String>>> {
    if followers.is_empty() {
        return Ok(Vec::new());
    }
    let kinds: Vec<_> = followers.iter().map(|one| one.kind.as_str()).collect();
    let oids: Vec<_> = followers.iter().map(|one| one.oid).collect();
    let tables: Vec<_> = followers.iter().map(|one| one.table.as_str()).collect();
    let query = include_str!("queries/swap_definitions.sql");
    let rows = session.aside(|session| {
        session.execute(PLAIN)?;
        session.query(query, &[&kinds, &oids, &tables, &schema])
    })?;
    Ok(rows.iter().map(|row| row.get("definition")).collect())
}

/// What has become of definitions that were found before; of those that are there no longer, nothing.
pub(super) fn followed(
    session: &mut Session,
    schema: &str,
    found: &[(Follower, String)],
) -> Result<Vec<Followed>> {
    let followers: Vec<_> = found.iter().map(|(of, _)| of.clone()).collect();
    let left = definitions(session, schema, &followers)?;
    let followed = found.iter().zip(left).filter_map(|((of, before), left)| {
        Some(Followed {
            of: of.clone(),
            before: before.clone(),
            left: left?,
        })
    });
    Ok(followed.collect())
}

/// The definition to be given: the one before a run where the run's is still the one that is found.
pub(super) fn given(known: &[Followed], of: &Follower, found: &str) -> String {
    let same = known.iter().find(|one| one.of == *of && one.left == found);
    same.map_or(found, |one| one.before.as_str()).to_owned()
}
