//! Names in PostgreSQL: kept where they fit, made where the source has none.
//!
//! Tables and indexes of a schema share one set of names, and so do the constraints of a table.

use crate::fault::Code;
use crate::mapping::Request;
use crate::mapping::draft::Draft;
use crate::mapping::expression::Expression;
use crate::mapping::keys::KeyDraft;
use crate::mapping::naming::NameRule;
use crate::mapping::plan::{IndexPlan, IndexTerm, KeyPlan};
use crate::report::{Finding, Severity};
use std::collections::{BTreeSet, HashMap};

/// Longest name, in bytes (`NAMEDATALEN` - 1).
pub(super) const LONGEST: usize = 63;
/// Oldest server that is supported.
const OLDEST_SERVER: u32 = 130_000;

/// Whether the server and the schema to import into will do.
pub(super) fn check_request(request: &Request) -> Vec<Finding> {
    let mut findings = Vec::new();
    let schema = &request.target_schema;
    let reserved = schema
        .starts_with("pg_")
        .then_some("begins with `pg_`, which PostgreSQL keeps for itself");
    if let Some(why) = unfit(schema).or(reserved) {
        let message = format!("the name of the schema to import into, `{schema}`, {why}");
        let finding = Finding::new(Code::NameRefused, Severity::Error, message);
        findings.push(finding.on(format!("schema {schema}")));
    }
    if request.server_version < OLDEST_SERVER {
        let message = format!(
            "the server has version {}, the oldest supported is 13",
            request.server_version / 10_000
        );
        let finding = Finding::new(Code::ServerUnfit, Severity::Error, message);
        findings.push(finding.on("server"));
    }
    findings
}

/// Why PostgreSQL does not take a name.
pub(super) fn unfit(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("is empty")
    } else if name.len() > LONGEST {
        Some("is longer than 63 bytes")
    } else if name.contains('\0') {
        Some("holds a NUL character")
    } else {
        None
    }
}

/// The names of all keys and indexes of a plan.
pub(super) struct Names(Vec<TableNames>);

#[derive(Default)]
struct TableNames {
    primary: Option<String>,
    unique: Vec<String>,
    indexes: Vec<String>,
}

/// Keys and indexes with their names.
pub(super) struct Named {
    pub(super) primary_key: Option<KeyPlan>,
    pub(super) unique: Vec<KeyPlan>,
    pub(super) indexes: Vec<IndexPlan>,
}

impl Names {
    /// Names are given in rounds, so that a name made here never takes one that the source gave:
    /// tables, then indexes, then named constraints, then the others.
    pub(super) fn new(drafts: &[Draft<'_>], rule: NameRule, findings: &mut Vec<Finding>) -> Self {
        let mut taken = Taken::of(drafts.iter().map(|draft| draft.name.clone()));
        let mut keep = |draft: &Draft<'_>, kind, name: &str, taken: &mut Taken| {
            keep(draft, kind, (name, rule), taken, findings)
        };
        let mut names: Vec<TableNames> = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let indexes = draft.structure.indexes.iter();
            let indexes = indexes.map(|index| match &index.name {
                Some(name) => keep(draft, "index", name, &mut taken),
                None => String::new(),
            });
            names.push(TableNames {
                indexes: indexes.collect(),
                ..TableNames::default()
            });
        }
        for (draft, names) in drafts.iter().zip(&mut names) {
            let mut given = |key: &KeyDraft| {
                let name = key.name.as_ref()?;
                Some(keep(draft, "constraint", name, &mut taken))
            };
            names.primary = draft.structure.primary.as_ref().and_then(&mut given);
            let unique = draft.structure.unique.iter();
            names.unique = unique.map(|key| given(key).unwrap_or_default()).collect();
        }
        for (draft, names) in drafts.iter().zip(&mut names) {
            if draft.structure.primary.is_some() && names.primary.is_none() {
                names.primary = Some(taken.free(&draft.name, "", "pkey"));
            }
            for (key, name) in draft.structure.unique.iter().zip(&mut names.unique) {
                if name.is_empty() {
                    let columns = columns(draft, &key.columns).join("_");
                    *name = taken.free(&draft.name, &columns, "key");
                }
            }
            for (index, name) in draft.structure.indexes.iter().zip(&mut names.indexes) {
                if name.is_empty() {
                    let columns: Vec<usize> = index.terms.iter().map(|term| term.column).collect();
                    let columns = self::columns(draft, &columns).join("_");
                    *name = taken.free(&draft.name, &columns, "folded");
                }
            }
        }
        Names(names)
    }

    /// The keys and indexes of the table at `position` of the plan.
    pub(super) fn structure(&self, position: usize, draft: &Draft<'_>) -> Named {
        let (names, structure) = (&self.0[position], &draft.structure);
        let key = |name: &String, key: &KeyDraft| KeyPlan {
            name: name.clone(),
            columns: columns(draft, &key.columns),
        };
        let name_of = |column: usize| draft.columns[column].name.clone();
        let indexes = names.indexes.iter().zip(&structure.indexes);
        Named {
            primary_key: names
                .primary
                .as_ref()
                .zip(structure.primary.as_ref())
                .map(|(name, draft)| key(name, draft)),
            unique: names
                .unique
                .iter()
                .zip(&structure.unique)
                .map(|(name, draft)| key(name, draft))
                .collect(),
            indexes: indexes
                .map(|(name, index)| IndexPlan {
                    name: name.clone(),
                    unique: index.unique,
                    terms: index
                        .terms
                        .iter()
                        .map(|term| IndexTerm {
                            on: term
                                .fold
                                .expression(Expression::Column(name_of(term.column))),
                            descending: term.descending,
                        })
                        .collect(),
                    predicate: None,
                })
                .collect(),
        }
    }
}

fn columns(draft: &Draft<'_>, positions: &[usize]) -> Vec<String> {
    positions
        .iter()
        .map(|column| draft.columns[*column].name.clone())
        .collect()
}

/// A name of the source, or the next best one with a note.
fn keep(
    draft: &Draft<'_>,
    kind: &str,
    (source, rule): (&str, NameRule),
    taken: &mut Taken,
    findings: &mut Vec<Finding>,
) -> String {
    let name = rule.apply(source);
    let unfit = unfit(&name);
    if unfit.is_none() && taken.insert(&name) {
        return name.into_owned();
    }
    let why = unfit.unwrap_or("is taken");
    let base = name.replace('\0', "");
    let base = if base.is_empty() {
        draft.name.as_str()
    } else {
        base.as_str()
    };
    let better = taken.free(base, "", "");
    let message = format!("the {kind} `{source}` becomes `{better}`: its name {why}");
    let finding = Finding::new(Code::NameChanged, Severity::Note, message);
    findings.push(finding.in_table(&draft.table.name));
    better
}

/// The name of a foreign key, unique among the constraints of its table.
pub(super) fn foreign_key(
    draft: &Draft<'_>,
    (given, rule): (Option<&str>, NameRule),
    columns: &[String],
    taken: &mut Taken,
    findings: &mut Vec<Finding>,
) -> String {
    match given {
        Some(name) => keep(draft, "foreign key", (name, rule), taken, findings),
        None => taken.free(&draft.name, &columns.join("_"), "fkey"),
    }
}

/// Names that are given already, in one set of names.
#[derive(Default)]
pub(super) struct Taken {
    names: BTreeSet<String>,
    /// The number to try next, by the name without number, so that many equal ones stay cheap.
    next: HashMap<String, u64>,
}

impl Taken {
    /// Names that must not be given again.
    pub(super) fn of(names: impl Iterator<Item = String>) -> Self {
        Taken {
            names: names.collect(),
            next: HashMap::new(),
        }
    }

    /// A name that is not taken yet: `table_column_key`, then `table_column_key_1` and so on. Table
    /// and column are cut so that all of it fits, as PostgreSQL does with names it makes itself.
    pub(super) fn free(&mut self, table: &str, column: &str, label: &str) -> String {
        let first = fitted(table, column, label);
        let mut number = self.next.get(&first).copied().unwrap_or(0);
        loop {
            let name = match (label, number) {
                (_, 0) => first.clone(),
                ("", number) => fitted(table, column, &number.to_string()),
                (label, number) => fitted(table, column, &format!("{label}_{number}")),
            };
            number += 1;
            if !name.is_empty() && self.names.insert(name.clone()) {
                self.next.insert(first, number);
                return name;
            }
        }
    }

    /// A name of the source where PostgreSQL takes it and it is free, else the next best one.
    pub(super) fn kept(&mut self, name: &str, table: &str) -> String {
        if unfit(name).is_none() && self.insert(name) {
            return name.to_owned();
        }
        let base = name.replace('\0', "");
        self.free(if base.is_empty() { table } else { &base }, "", "")
    }

    /// Takes a name, if it is free.
    pub(super) fn insert(&mut self, name: &str) -> bool {
        self.names.insert(name.to_owned())
    }
}

fn fitted(table: &str, column: &str, label: &str) -> String {
    // No more than fits is looked at: a name from an archive may be long.
    let clean = |name: &str| -> String {
        let shown = name.chars().filter(|c| *c != '\0').take(LONGEST);
        shown.collect()
    };
    let (table, column) = (clean(table), clean(column));
    let (mut table, mut column) = (table.as_str(), column.as_str());
    let join = |table: &str, column: &str| {
        let parts = [table, column, label];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join("_")
    };
    while join(table, column).len() > LONGEST {
        let longer = if table.len() >= column.len() {
            &mut table
        } else {
            &mut column
        };
        let Some((last, _)) = longer.char_indices().next_back() else {
            break;
        };
        *longer = &longer[..last];
    }
    join(table, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_name_is_cut_to_63_bytes_between_characters() {
        assert_eq!(
            fitted("orders", "customer_id", "fkey"),
            "orders_customer_id_fkey"
        );
        assert_eq!(fitted("orders", "", "pkey"), "orders_pkey");
        let long = "ü".repeat(60);
        for (table, column) in [(long.as_str(), "id"), ("t", long.as_str()), (&long, &long)] {
            let name = fitted(table, column, "key");
            assert!(name.len() <= LONGEST && name.len() >= LONGEST - 2, "{name}");
            assert!(name.ends_with("_key"), "{name}");
        }
    }

    #[test]
    fn a_taken_name_gets_a_number_and_never_grows_beyond_63_bytes() {
        let mut taken = Taken::default();
        let long = "a".repeat(80);
        for _ in 0..12 {
            let name = taken.free(&long, "b", "key");
            assert!(name.len() <= LONGEST, "{name}");
        }
        assert_eq!(taken.names.len(), 12);
        assert_eq!(taken.free("t", "a", "key"), "t_a_key");
        assert_eq!(taken.free("t", "a", "key"), "t_a_key_1");
        assert_eq!(taken.free("", "", ""), "1");
    }
}
