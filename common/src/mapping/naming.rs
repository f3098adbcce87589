//! Names of tables and columns in the target: kept or folded, and changed only where they must be.
//!
//! The one place where a name of the source, or one that the operator asks for, becomes a name of
//! the target. The outcome depends on the names and their order alone. Written for people in
//! `docs/types.md`, "Names".

use crate::fault::Code;
use crate::mapping::draft::Draft;
use crate::mapping::names::{LONGEST, Taken, unfit};
use crate::report::{Finding, Severity};
use std::borrow::Cow;

/// Columns that every table has already.
pub(super) const SYSTEM: [&str; 6] = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];
/// What takes the place of a name of which nothing is left.
const UNNAMED: &str = "unnamed";
/// Why a name that fits is not to be had.
const IS_TAKEN: &str = "is taken";
const IS_SYSTEM: &str = "is that of a system column";

/// How the names of a source become names of PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NameRule {
    /// Exactly as they are, so that a capital letter or a blank needs quotes.
    #[default]
    Keep,
    /// Lower case with underscores, so that most need no quotes: `CustomerID` is `customer_id`.
    Fold,
}

impl NameRule {
    /// The name that this rule asks for; nobody has looked yet whether it fits and is free.
    pub(super) fn apply(self, name: &str) -> Cow<'_, str> {
        match self {
            NameRule::Keep => Cow::Borrowed(name),
            NameRule::Fold => Cow::Owned(folded(name)),
        }
    }
}

/// Gives tables and columns their names in the target.
pub(super) fn settle(drafts: &mut [Draft<'_>], rule: NameRule, findings: &mut Vec<Finding>) {
    let wishes = drafts
        .iter()
        .map(|draft| Wish::of(&draft.table.name, draft.wanted.as_deref(), rule));
    let tables = give(&wishes.collect::<Vec<_>>(), Taken::default(), &[]);
    for (draft, given) in drafts.iter_mut().zip(tables) {
        given.report("table", &draft.table.name, findings, |finding| {
            finding.in_table(&draft.table.name)
        });
        draft.name = given.name;
        columns(draft, rule, findings);
        folding(draft, rule, findings);
    }
}

fn columns(draft: &mut Draft<'_>, rule: NameRule, findings: &mut Vec<Finding>) {
    let wishes = draft
        .columns
        .iter()
        .map(|stored| Wish::of(&stored.column.name, stored.wanted.as_deref(), rule));
    let taken = Taken::of(SYSTEM.iter().map(|name| (*name).to_owned()));
    let names = give(&wishes.collect::<Vec<_>>(), taken, &SYSTEM);
    for (stored, given) in draft.columns.iter_mut().zip(names) {
        let name = &stored.column.name;
        given.report("column", name, findings, |finding| {
            finding.in_table(&draft.table.name).in_column(name)
        });
        stored.name = given.name;
    }
}

/// What is asked for.
struct Wish<'a> {
    name: Cow<'a, str>,
    /// The source's own name, unchanged, or one that the operator chose.
    first: bool,
}

impl<'a> Wish<'a> {
    fn of(source: &'a str, wanted: Option<&'a str>, rule: NameRule) -> Self {
        let name = wanted.map_or_else(|| rule.apply(source), Cow::Borrowed);
        Wish {
            first: wanted.is_some() || name == source,
            name,
        }
    }
}

/// What is given.
struct Given {
    name: String,
    /// Why it is not what was asked for.
    why: Option<&'static str>,
}

impl Given {
    fn report(
        &self,
        kind: &str,
        source: &str,
        findings: &mut Vec<Finding>,
        place: impl FnOnce(Finding) -> Finding,
    ) {
        let Some(why) = self.why else { return };
        let message = format!(
            "the {kind} `{source}` becomes `{}`: its name {why}",
            self.name
        );
        findings.push(place(Finding::new(
            Code::NameChanged,
            Severity::Warning,
            message,
        )));
    }
}

/// A name for each wish, no two alike. Those that fit as they are come first, so that a name which
/// had to be made never takes one that was there; then the others, in their order.
fn give(wishes: &[Wish<'_>], mut taken: Taken, system: &[&str]) -> Vec<Given> {
    let mut given: Vec<Option<Given>> = wishes
        .iter()
        .map(|wish| {
            let fits = wish.first && unfit(&wish.name).is_none();
            (fits && taken.insert(&wish.name)).then(|| Given {
                name: wish.name.clone().into_owned(),
                why: None,
            })
        })
        .collect();
    for (wish, given) in wishes.iter().zip(&mut given) {
        if given.is_some() {
            continue;
        }
        let base = match wish.name.trim_matches('\0') {
            "" => UNNAMED,
            name => name,
        };
        let name = taken.free(base, "", "");
        let why = if name == wish.name {
            None
        } else if system.contains(&wish.name.as_ref()) {
            Some(IS_SYSTEM)
        } else {
            unfit(&wish.name).or(Some(IS_TAKEN))
        };
        *given = Some(Given { name, why });
    }
    given.into_iter().flatten().collect()
}

/// One note for a table of which names were folded.
fn folding(draft: &Draft<'_>, rule: NameRule, findings: &mut Vec<Finding>) {
    if rule == NameRule::Keep {
        return;
    }
    let columns = draft
        .columns
        .iter()
        .map(|stored| (&stored.column.name, &stored.name));
    let changed: Vec<String> = std::iter::once((&draft.table.name, &draft.name))
        .chain(columns)
        .filter(|(source, target)| source != target)
        .map(|(source, target)| format!("`{source}` becomes `{target}`"))
        .collect();
    if !changed.is_empty() {
        let message = "names of the table and its columns are folded to lower case";
        let finding = Finding::new(Code::NameChanged, Severity::Note, message);
        let finding = finding.in_table(&draft.table.name);
        findings.push(finding.counted(changed.len() as u64, changed));
    }
}

/// Lower case with underscores. A new word begins at a capital letter after a small one or a digit,
/// and at the last of several capital letters when a small one follows; blanks, control characters
/// and ASCII punctuation part words, too. Letters beyond ASCII are lowered by Unicode's rule, one by
/// one; digits at the front get an underscore before them.
fn folded(name: &str) -> String {
    // More than that is cut off anyway, and a name from an archive may be long.
    let letters: Vec<char> = name.chars().take(4 * LONGEST).collect();
    let mut out = String::with_capacity(letters.len() + 8);
    let mut parted = false;
    for (at, letter) in letters.iter().copied().enumerate() {
        if letter == '_' {
            out.push('_');
            parted = false;
            continue;
        }
        if letter.is_whitespace() || letter.is_control() || letter.is_ascii_punctuation() {
            parted = true;
            continue;
        }
        let before = at.checked_sub(1).map(|at| letters[at]);
        let begins = letter.is_uppercase()
            && before.is_some_and(|before| {
                let follows = letters.get(at + 1).copied();
                before.is_lowercase()
                    || before.is_numeric()
                    || before.is_uppercase() && follows.is_some_and(char::is_lowercase)
            });
        if (parted || begins) && !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
        if out.is_empty() && letter.is_ascii_digit() {
            out.push('_');
        }
        parted = false;
        out.extend(letter.to_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn folded_names_are_words_in_lower_case() {
        for (name, expected) in [
            ("CustomerID", "customer_id"),
            ("HTTPServer2", "http_server2"),
            ("customer_id", "customer_id"),
            ("Order Details", "order_details"),
            ("  a -- b  ", "a_b"),
            ("_id", "_id"),
            ("a__b", "a__b"),
            ("Address2Line", "address2_line"),
            ("ID", "id"),
            ("2fa", "_2fa"),
            ("ÄrgerÜber", "ärger_über"),
            ("Straße", "straße"),
            ("价格", "价格"),
            ("a\0b", "a_b"),
            ("a\"b;c", "a_b_c"),
            ("...", ""),
            ("", ""),
            ("order", "order"),
        ] {
            assert_eq!(folded(name), expected, "{name:?}");
        }
    }

    fn given(names: &[&str], rule: NameRule) -> Vec<String> {
        let wishes: Vec<_> = names
            .iter()
            .map(|name| Wish::of(name, None, rule))
            .collect();
        let taken = Taken::of(SYSTEM.iter().map(|name| (*name).to_owned()));
        let given = give(&wishes, taken, &SYSTEM);
        given.into_iter().map(|given| given.name).collect()
    }

    #[test]
    fn a_name_that_fits_is_never_displaced_by_one_that_was_made() {
        assert_eq!(
            given(
                &["FooBar", "Foo_Bar", "foo_bar", "foo_bar_1"],
                NameRule::Fold
            ),
            ["foo_bar_2", "foo_bar_3", "foo_bar", "foo_bar_1"]
        );
        let long = "ü".repeat(40);
        let short = "ü".repeat(31);
        assert_eq!(
            given(&[&long, &format!("{long}x"), &short], NameRule::Keep),
            [
                format!("{}_1", "ü".repeat(30)),
                format!("{}_2", "ü".repeat(30)),
                short
            ]
        );
        assert_eq!(
            given(&["", "ctid", "\0", "CTID", "a\0b"], NameRule::Keep),
            ["unnamed", "ctid_1", "unnamed_1", "CTID", "ab"]
        );
    }

    proptest! {
        #[test]
        fn every_name_is_one_that_postgresql_takes_and_no_two_are_alike(
            names in proptest::collection::vec("[aA_ ü\0.1]{0,70}", 0..12),
            fold: bool,
        ) {
            let rule = if fold { NameRule::Fold } else { NameRule::Keep };
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let first = given(&names, rule);
            prop_assert_eq!(first.len(), names.len());
            prop_assert!(first.iter().all(|name| unfit(name).is_none()), "{:?}", first);
            let distinct: BTreeSet<_> = first.iter().collect();
            prop_assert_eq!(distinct.len(), first.len());
            prop_assert_eq!(&given(&names, rule), &first);
        }
    }
}
