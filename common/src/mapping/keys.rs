//! Primary keys, UNIQUE constraints, indexes and NOT NULL: which are carried over, and how.

use crate::fault::Code;
use crate::mapping::describe::counted;
use crate::mapping::draft::{Draft, Source, Stored};
use crate::mapping::entry::too_long;
use crate::mapping::folding::{self, Fold, Term};
use crate::mapping::leftovers::brief;
use crate::model::schema::{Index, IndexOn, IndexTerm, Key};
use crate::profile::evidence::Constraint;
use crate::report::structure::{Subject, tag};
use crate::report::{Finding, Severity};

/// Columns of a key or index in PostgreSQL, at the most (`INDEX_MAX_KEYS`).
const MOST_COLUMNS: usize = 32;

/// Keys and indexes that are carried over; columns by position in `Draft::columns`.
#[derive(Default)]
pub(super) struct Structure {
    pub(super) primary: Option<KeyDraft>,
    pub(super) unique: Vec<KeyDraft>,
    pub(super) indexes: Vec<IndexDraft>,
}

/// A primary key or UNIQUE constraint.
pub(super) struct KeyDraft {
    /// Its name, where the source gave it one.
    pub(super) name: Option<String>,
    pub(super) columns: Vec<usize>,
}

/// An index.
pub(super) struct IndexDraft {
    /// Its name in the source; none for one that stands beside a key, see `folding`.
    pub(super) name: Option<String>,
    pub(super) unique: bool,
    pub(super) terms: Vec<Term>,
    /// Position in `Table::indexes`, where it is on an expression or has a WHERE clause: its terms
    /// are settled when the types are (`objects`).
    pub(super) expressed: Option<usize>,
}

impl Structure {
    /// Whether a foreign key may refer to these columns, in whatever order.
    pub(super) fn is_key(&self, columns: &[usize]) -> bool {
        let same = |key: &mut dyn Iterator<Item = usize>| {
            let mut key: Vec<usize> = key.collect();
            let mut columns = columns.to_vec();
            key.sort_unstable();
            columns.sort_unstable();
            key == columns
        };
        let constraints = self.primary.iter().chain(&self.unique);
        let indexes = self.indexes.iter();
        let indexes = indexes.filter(|index| index.unique && !folding::is_folded(&index.terms));
        constraints
            .map(|key| same(&mut key.columns.iter().copied()))
            .chain(indexes.map(|index| same(&mut index.terms.iter().map(|term| term.column))))
            .any(|same| same)
    }
}

/// What of the table's keys and indexes is carried over; the rest is reported.
pub(super) fn structure(
    source: &Source<'_>,
    draft: &Draft<'_>,
    findings: &mut Vec<Finding>,
) -> Structure {
    let mut structure = Structure::default();
    let mut restored = Vec::new();
    let before = findings.len();
    if let Some(key) = &draft.table.primary_key
        && primary(source, draft, key, &mut structure, findings)
    {
        restored.extend(folding::terms_of(draft, key));
    }
    tag(&mut findings[before..], Subject::PrimaryKey);
    for (position, key) in draft.table.unique.iter().enumerate() {
        let before = findings.len();
        let constraint = Constraint::Unique(position);
        if let Some(columns) = columns_of(source, draft, key, constraint, findings) {
            structure.unique.push(KeyDraft {
                name: key.name.clone(),
                columns,
            });
            restored.extend(folding::terms_of(draft, key));
        }
        tag(&mut findings[before..], Subject::Unique(position));
    }
    for (position, index) in draft.table.indexes.iter().enumerate() {
        if is_expressed(index) {
            structure.indexes.push(IndexDraft {
                name: Some(index.name.clone()),
                unique: index.unique,
                terms: Vec::new(),
                expressed: Some(position),
            });
            continue;
        }
        let before = findings.len();
        match index_columns(source, draft, index, position, findings) {
            Ok(terms) => {
                let columns: Vec<usize> = terms.iter().map(|term| term.column).collect();
                let folded = index.unique && folding::is_folded(&terms);
                // What a foreign key refers to must be unique by bytes.
                let plain = folded && folding::is_referred_to(source.schema, draft, &columns);
                if plain {
                    restored.push(terms.clone());
                }
                structure.indexes.push(IndexDraft {
                    name: Some(index.name.clone()),
                    unique: index.unique,
                    terms: if plain {
                        folding::by_bytes(terms)
                    } else {
                        terms
                    },
                    expressed: None,
                });
            }
            Err(left_out) => findings.push(left_out.finding(draft, index)),
        }
        tag(&mut findings[before..], Subject::Index(position));
    }
    folding::restore(&mut structure.indexes, restored);
    structure
}

/// Whether an index needs more than columns.
fn is_expressed(index: &Index) -> bool {
    let on_expression = |term: &IndexTerm| matches!(term.on, IndexOn::Expression(_));
    index.predicate.is_some() || index.terms.iter().any(on_expression)
}

/// Why an index is left out.
struct LeftOut {
    code: Code,
    column: Option<String>,
    reason: String,
}

impl From<String> for LeftOut {
    fn from(reason: String) -> Self {
        LeftOut {
            code: Code::StructureLeftOut,
            column: None,
            reason,
        }
    }
}

impl LeftOut {
    /// Without a unique index the target takes rows that the source would not.
    fn too_long(index: &Index, column: String, reason: String) -> Self {
        let code = if index.unique {
            Code::StructureWeakened
        } else {
            Code::StructureLeftOut
        };
        LeftOut {
            code,
            column: Some(column),
            reason,
        }
    }

    fn finding(self, draft: &Draft<'_>, index: &Index) -> Finding {
        let unique = if self.code == Code::StructureWeakened {
            "unique "
        } else {
            ""
        };
        let message = format!(
            "{unique}index `{}` is left out: {}: {}",
            index.name,
            self.reason,
            brief(&index.sql)
        );
        let finding = Finding::new(self.code, Severity::Warning, message);
        let finding = finding.in_table(&draft.table.name);
        match self.column {
            Some(column) => finding.in_column(column),
            None => finding,
        }
    }
}

/// The primary key, or a UNIQUE constraint in its place where a column of it holds NULL; whether it
/// is carried over.
fn primary(
    source: &Source<'_>,
    draft: &Draft<'_>,
    key: &Key,
    structure: &mut Structure,
    findings: &mut Vec<Finding>,
) -> bool {
    let Some(columns) = columns_of(source, draft, key, Constraint::PrimaryKey, findings) else {
        return false;
    };
    let nulls = columns.iter().map(|column| &draft.columns[*column]);
    let nulls: Vec<&Stored<'_>> = nulls.filter(|stored| stored.evidence.nulls > 0).collect();
    let draft_key = KeyDraft {
        name: key.name.clone(),
        columns,
    };
    let Some(worst) = nulls.iter().max_by_key(|stored| stored.evidence.nulls) else {
        structure.primary = Some(draft_key);
        return true;
    };
    let names: Vec<&str> = nulls
        .iter()
        .map(|stored| stored.column.name.as_str())
        .collect();
    let message = format!(
        "the primary key becomes a UNIQUE constraint: {} NULL, which no primary key of PostgreSQL takes",
        rows(worst.evidence.nulls, "holds", "hold")
    );
    findings.push(
        Finding::new(Code::StructureWeakened, Severity::Warning, message)
            .in_table(&draft.table.name)
            .in_column(names.join(", "))
            .counted(worst.evidence.nulls, Vec::new()),
    );
    structure.unique.push(draft_key);
    true
}

/// The columns of a key that is carried over; reports why it is not, or is weaker.
fn columns_of(
    source: &Source<'_>,
    draft: &Draft<'_>,
    key: &Key,
    constraint: Constraint,
    findings: &mut Vec<Finding>,
) -> Option<Vec<usize>> {
    let what = key_words(key, constraint);
    let finding = |code, message: String| {
        Finding::new(code, Severity::Warning, message).in_table(&draft.table.name)
    };
    let names = key.columns.iter().map(|column| column.column.as_str());
    let columns = match positions(draft, names) {
        Ok(columns) => columns,
        Err(reason) => {
            let message = format!("{what} is left out: {reason}");
            findings.push(finding(Code::StructureLeftOut, message));
            return None;
        }
    };
    if let Some(broken) = source.broken(draft.source, constraint) {
        let message = format!(
            "{what} is left out: {} another one's key",
            rows(broken.violations, "has", "have")
        );
        findings.push(
            finding(Code::KeyDuplicate, message).counted(broken.violations, broken.samples.clone()),
        );
        return None;
    }
    if let Some((column, reason)) = too_long(draft, &columns) {
        let message = format!("{what} is left out: {reason}");
        findings.push(finding(Code::StructureWeakened, message).in_column(column));
        return None;
    }
    findings.extend(folding::key(draft, key, &what));
    if let Some(clause) = key
        .on_conflict
        .as_deref()
        .filter(|clause| !clause.eq_ignore_ascii_case("abort"))
    {
        let message =
            format!("{what} loses its ON CONFLICT {clause}: PostgreSQL has it in INSERT only");
        findings.push(finding(Code::StructureWeakened, message));
    }
    Some(columns)
}

fn key_words(key: &Key, constraint: Constraint) -> String {
    let columns: Vec<&str> = key
        .columns
        .iter()
        .map(|column| column.column.as_str())
        .collect();
    let kind = if constraint == Constraint::PrimaryKey {
        "primary key"
    } else {
        "unique constraint"
    };
    let name = key
        .name
        .as_ref()
        .map_or_else(String::new, |name| format!(" `{name}`"));
    format!("{kind}{name} ({})", columns.join(", "))
}

/// Positions of stored columns, each once, or why these columns make no key.
fn positions<'n>(
    draft: &Draft<'_>,
    names: impl Iterator<Item = &'n str>,
) -> Result<Vec<usize>, String> {
    let mut columns = Vec::new();
    for name in names {
        let position = draft
            .position(name)
            .ok_or_else(|| not_stored(draft, name))?;
        if !columns.contains(&position) {
            columns.push(position);
        }
    }
    few_enough(columns.len())?;
    Ok(columns)
}

fn few_enough(columns: usize) -> Result<(), String> {
    if columns == 0 || columns > MOST_COLUMNS {
        return Err(format!(
            "it has {}, PostgreSQL takes 1 to {MOST_COLUMNS}",
            counted(columns as u64, "column")
        ));
    }
    Ok(())
}

fn not_stored(draft: &Draft<'_>, name: &str) -> String {
    let declared = draft.table.column(name);
    if declared.is_some_and(|column| column.generated.is_none()) {
        format!("its column `{name}` is dropped by the mapping file")
    } else if declared.is_some() {
        format!("its column `{name}` is computed and left out")
    } else {
        format!("its column `{name}` is not there")
    }
}

fn index_columns(
    source: &Source<'_>,
    draft: &Draft<'_>,
    index: &Index,
    position: usize,
    findings: &mut Vec<Finding>,
) -> Result<Vec<Term>, LeftOut> {
    let mut names = Vec::new();
    let (mut folded, mut weaker) = (None, None);
    for term in &index.terms {
        let IndexOn::Column(name) = &term.on else {
            return Err("it is on an expression".to_owned().into());
        };
        let stored = draft
            .position(name)
            .map(|position| &draft.columns[position]);
        match stored.map(|stored| Fold::of(stored, &term.collation)) {
            Some(Some(Fold::Bytes)) | None => {}
            Some(Some(Fold::Lower | Fold::Trimmed)) => folded = Some((name, &term.collation)),
            Some(None) => weaker = Some((name, &term.collation)),
        }
        names.push(name.as_str());
    }
    positions(draft, names.iter().copied())?;
    let terms = folding::terms_of_index(draft, index);
    let columns: Vec<usize> = terms.iter().map(|term| term.column).collect();
    few_enough(columns.len())?;
    if let Some(broken) = source.broken(draft.source, Constraint::Index(position)) {
        let message = rows(broken.violations, "has", "have");
        return Err(format!(
            "{message} another one's key, such as {}",
            broken.samples.join(", ")
        )
        .into());
    }
    if let Some((column, reason)) = too_long(draft, &columns) {
        return Err(LeftOut::too_long(index, column, reason));
    }
    if let Some((column, collation)) = weaker {
        let compares = format!("compares bytes, where the source compares by {collation}");
        if !index.unique {
            return Err(format!("in PostgreSQL it {compares}").into());
        }
        findings.push(
            Finding::new(
                Code::StructureWeakened,
                Severity::Warning,
                format!("unique index `{}` is weaker: it {compares}", index.name),
            )
            .in_table(&draft.table.name)
            .in_column(column),
        );
    }
    if let Some((column, collation)) = folded {
        let message = format!(
            "index `{}` compares by {collation}: it is made on ({})",
            index.name,
            folding::shown(draft, &terms)
        );
        findings.push(
            Finding::new(Code::StructureTranslated, Severity::Note, message)
                .in_table(&draft.table.name)
                .in_column(column),
        );
    }
    Ok(terms)
}

/// A number of rows and what they do: `1 row holds`, `2 rows hold`.
pub(super) fn rows(count: u64, one: &str, several: &str) -> String {
    let verb = if count == 1 { one } else { several };
    format!("{} {verb}", counted(count, "row"))
}

/// Tells the columns of keys and indexes what they are part of.
pub(super) fn mark(draft: &mut Draft<'_>) {
    let constraints = draft
        .structure
        .primary
        .iter()
        .chain(&draft.structure.unique);
    for column in constraints.flat_map(|key| &key.columns) {
        draft.columns[*column].keyed = true;
    }
    for index in &draft.structure.indexes {
        for term in &index.terms {
            let stored = &mut draft.columns[term.column];
            stored.indexed = true;
            // What is folded must be text, where the texts of a key stay.
            stored.keyed |= index.unique || term.fold != Fold::Bytes;
        }
    }
    for index in draft
        .table
        .indexes
        .iter()
        .filter(|index| is_expressed(index))
    {
        for term in &index.terms {
            if let IndexOn::Column(name) = &term.on
                && let Some(column) = draft.position(name)
            {
                draft.columns[column].indexed = true;
                draft.columns[column].keyed |= index.unique;
            }
        }
    }
}
