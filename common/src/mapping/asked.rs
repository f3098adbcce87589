//! What the mapping file says of the columns that the source has.
//!
//! A type that it asks for is not weighed against the evidence; the values are tried instead, before
//! the first write. What it changes on purpose is listed as notes.

use crate::fault::Code;
use crate::mapping::draft::{Draft, Source, Stored};
use crate::mapping::file::ColumnRule;
use crate::mapping::foreign::{self, Reference};
use crate::mapping::keys::rows;
use crate::mapping::mapped;
use crate::mapping::operator::OperatorSql;
use crate::mapping::plan::{Conversion, DefaultPlan, PgType, Reading};
use crate::mapping::typename;
use crate::report::{Finding, Severity};
use toml::Spanned;

/// The type that a rule asks for, by its name or by what the values are taken for.
pub(super) fn target(source: &Source<'_>, rule: &ColumnRule) -> Option<PgType> {
    let Some(name) = &rule.type_name else {
        return mapped::implied(rule);
    };
    let enums = source
        .mapping
        .iter()
        .flat_map(|mapping| mapped::enums(&mapping.file));
    // The file has been checked; what only this server does not take, is reported with the notes.
    typename::parse(name.get_ref(), enums, mapped::NEWEST_SERVER).ok()
}

/// How values are changed. A column that is to be a uuid takes every form of one.
pub(super) fn conversion(rule: &ColumnRule, asked: Option<PgType>) -> Option<Conversion> {
    let conversion = rule.conversion();
    if asked != Some(PgType::Uuid) {
        return conversion;
    }
    let mut conversion = conversion.unwrap_or_default();
    conversion.reading = Reading::Uuid;
    Some(conversion)
}

/// Whether the INTEGER PRIMARY KEY goes on counting.
pub(super) fn keeps_identity(rule: Option<&ColumnRule>, asked: Option<PgType>) -> bool {
    let counts = matches!(
        asked,
        None | Some(PgType::Smallint | PgType::Integer | PgType::Bigint)
    );
    counts && rule.is_none_or(|rule| rule.default.is_none())
}

/// The collation that is asked for.
pub(super) fn collation(stored: &Stored<'_>) -> Option<String> {
    let collation = stored.rule?.collation.as_ref()?;
    Some(collation.get_ref().clone())
}

/// The default that is asked for, which may be none; the source's where nothing is.
pub(super) fn default(
    stored: &Stored<'_>,
    sources: impl FnOnce() -> Option<DefaultPlan>,
) -> Option<DefaultPlan> {
    let Some(asked) = stored.rule.and_then(|rule| rule.default.as_ref()) else {
        return sources();
    };
    let sql = OperatorSql(asked.get_ref().clone());
    (!sql.0.trim().is_empty()).then_some(DefaultPlan::Operator(sql))
}

/// Whether the column is to be NOT NULL, where the rule has a say: it asks for it, or makes NULLs.
pub(super) fn not_null(
    draft: &Draft<'_>,
    stored: &Stored<'_>,
    findings: &mut Vec<Finding>,
) -> Option<bool> {
    let rule = stored.rule?;
    let nulls = stored.evidence.nulls;
    let asked = rule.not_null.as_ref().map(|asked| *asked.get_ref());
    if asked == Some(true) && nulls > 0 {
        let message = format!(
            "the mapping file asks for NOT NULL, and {} NULL",
            rows(nulls, "holds", "hold")
        );
        findings.push(
            Finding::new(Code::NotNullViolated, Severity::Error, message)
                .in_table(&draft.table.name)
                .in_column(&stored.column.name)
                .counted(nulls, Vec::new())
                .hint(
                    "leave out `not-null` in the mapping file, or mend the source and export again",
                ),
        );
    }
    let makes_nulls = !rule.null_if.is_empty() || rule.reading() == Reading::Json { instead: None };
    let primary = draft.structure.primary.as_ref();
    let keyed = primary.is_some_and(|key| {
        let mut columns = key.columns.iter();
        columns.any(|column| std::ptr::eq(&raw const draft.columns[*column], stored))
    });
    // A primary key is NOT NULL whatever is asked for.
    match asked {
        Some(asked) => Some(asked || keyed),
        None if makes_nulls && stored.column.not_null && !keyed => Some(false),
        None => None,
    }
}

/// The columns that refer to one whose type is asked for get the same type and the same change of
/// values, unless they have a wish of their own or the foreign key is lost all the same. Whether one
/// did.
pub(super) fn follow(drafts: &mut [Draft<'_>], references: &[Reference<'_>]) -> bool {
    let mut any = false;
    // A chain of references is at most as long as there are references.
    for _ in 0..references.len() {
        let mut changed = false;
        for reference in references {
            for (column, parent) in reference.columns.iter().zip(&reference.parent_columns) {
                let parent = &drafts[reference.parent].columns[*parent];
                let (asked, conversion) = (parent.asked, parent.conversion.clone());
                let kept = parent.kept;
                let may = foreign::may_follow(&drafts[reference.child].columns[*column], parent);
                let child = &mut drafts[reference.child].columns[*column];
                if asked.is_some() && child.asked.is_none() && may {
                    child.asked = asked;
                    child.kept = kept;
                    child.conversion = conversion;
                    child.identity &= keeps_identity(child.rule, asked);
                    changed = true;
                }
            }
        }
        any |= changed;
        if !changed {
            break;
        }
    }
    any
}

/// Takes back what has been found of tables that are left out, and says that they are.
pub(super) fn forget_skipped(source: &Source<'_>, findings: &mut Vec<Finding>) {
    for table in &source.schema.tables {
        if source.rule(table).is_some_and(|rule| rule.skip) {
            findings.retain(|finding| finding.place.table.as_ref() != Some(&table.name));
            findings.push(note("the table is left out").in_table(&table.name));
        }
    }
}

/// What the mapping file has brought about.
pub(super) fn note(what: &str) -> Finding {
    let message = format!("{what}, as the mapping file says");
    Finding::new(Code::MappingApplied, Severity::Note, message)
}

/// What is changed on purpose: one note for each column, and one for the table.
pub(super) fn notes(source: &Source<'_>, draft: &Draft<'_>, findings: &mut Vec<Finding>) {
    let place = |finding: Finding| finding.in_table(&draft.table.name);
    if draft.wanted.is_some() {
        let message = format!("the table becomes `{}`", draft.name);
        findings.push(place(note(&message)));
    }
    let dropped = draft.rule.iter().flat_map(|rule| &rule.columns);
    for (name, _) in dropped.filter(|(_, rule)| rule.drop) {
        let finding = note("the column is left out").in_column(name.get_ref());
        findings.push(place(finding));
    }
    for stored in &draft.columns {
        findings.extend(unfit(source, stored).map(place));
        let changes = changes(stored);
        if !changes.is_empty() {
            let finding = note(&changes.join("; ")).in_column(&stored.column.name);
            findings.push(place(finding));
        }
    }
}

/// A type that newer servers take, and this one does not.
fn unfit(source: &Source<'_>, stored: &Stored<'_>) -> Option<Finding> {
    let name = stored.rule?.type_name.as_ref()?.get_ref();
    let enums = source
        .mapping
        .iter()
        .flat_map(|mapping| mapped::enums(&mapping.file));
    let why = typename::parse(name, enums, source.server).err()?;
    let finding = Finding::new(Code::ServerUnfit, Severity::Error, why);
    let hint = "name another type in the mapping file";
    Some(finding.in_column(&stored.column.name).hint(hint))
}

fn changes(stored: &Stored<'_>) -> Vec<String> {
    let mut changes = Vec::new();
    if let Some(asked) = stored.asked.filter(|_| !stored.kept) {
        let own = stored
            .rule
            .is_some_and(|rule| rule.type_name.is_some() || mapped::implied(rule).is_some());
        let tied = if own {
            ""
        } else {
            ", the type of the column that it refers to"
        };
        changes.push(format!("becomes {}{tied}", asked.name()));
    }
    let Some(rule) = stored.rule else {
        return changes;
    };
    if stored.wanted.is_some() {
        changes.push(format!("is named `{}`", stored.name));
    }
    if let Some(collation) = &rule.collation {
        changes.push(format!("is compared by `{}`", collation.get_ref()));
    }
    match rule.not_null.as_ref().map(Spanned::get_ref) {
        Some(true) if !stored.column.not_null => changes.push("is NOT NULL".to_owned()),
        Some(false) if stored.column.not_null => changes.push("may be NULL".to_owned()),
        _ => {}
    }
    if let Some(default) = &rule.default {
        changes.push(match default.get_ref().trim() {
            "" => "has no default".to_owned(),
            sql => format!("has the default {sql}"),
        });
    }
    changes
}
