//! The types that hold every value of a column unchanged, best first.
//!
//! The one place where evidence is turned into types. What "unchanged" means for each type is
//! written in `docs/types.md`.

use crate::fault::Code;
use crate::mapping::declared::suggested;
use crate::mapping::describe::{counted, grouped};
use crate::mapping::draft::Stored;
use crate::mapping::plan::{PgType, Reading};
use crate::profile::evidence::{ColumnEvidence, Form, RowRef};
use crate::report::{Finding, Severity};

/// Longest string of a jsonb value, in bytes (`JENTRY_OFFLENMASK`).
const JSONB_LONGEST: u64 = 0x0fff_ffff;
/// Longest field of PostgreSQL, in bytes (`MaxAllocSize`, less a header).
const FIELD_LONGEST: u64 = 0x3fff_ffff - 64;

/// The types a column may have.
pub(super) struct Fits {
    /// Best first; never empty.
    pub(super) types: Vec<PgType>,
    /// No value speaks for or against any type: there are only NULLs, or no rows.
    pub(super) any: bool,
    /// Why no type holds every value; then `types` is text and means nothing.
    pub(super) refusals: Vec<Finding>,
}

/// The types that hold every value of this column.
pub(super) fn fits(stored: &Stored<'_>) -> Fits {
    fits_in(stored, stored.keyed)
}

/// How the texts of a column compare where a key or an index holds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compared {
    /// There are none; other values compare alike under all collations.
    Nothing,
    /// By their bytes, and functions on texts tell what else they have in common.
    Texts,
    /// Without regard to case.
    CaseBlind,
    /// In another form, such as JSON, of which no function makes the text.
    Encoded,
}

/// What becomes of the texts of a column where they are compared.
pub(super) fn compared(stored: &Stored<'_>) -> Compared {
    let evidence = stored.evidence;
    let conversion = stored.conversion.as_ref();
    if conversion.is_some_and(|one| matches!(one.reading, Reading::Cell | Reading::Bytes)) {
        let texts = evidence.texts + evidence.raw_texts > 0 || evidence.present() == 0;
        return if texts {
            Compared::Encoded
        } else {
            Compared::Nothing
        };
    }
    match fits_in(stored, true).types[0] {
        // JSON that is not asked for stays text in a key.
        PgType::Json | PgType::Jsonb if stored.asked.is_some() => Compared::Encoded,
        PgType::Enum(_) => Compared::Encoded,
        PgType::Citext => Compared::CaseBlind,
        PgType::Text | PgType::Varchar(_) | PgType::Char(_) | PgType::Json | PgType::Jsonb => {
            Compared::Texts
        }
        _ => Compared::Nothing,
    }
}

fn fits_in(stored: &Stored<'_>, keyed: bool) -> Fits {
    if let Some(computed) = &stored.computed {
        return Fits {
            types: vec![computed.target()],
            any: false,
            refusals: Vec::new(),
        };
    }
    if let Some(asked) = stored.asked {
        return Fits {
            types: vec![asked],
            any: false,
            refusals: Vec::new(),
        };
    }
    let evidence = stored.evidence;
    let refusals = refusals(evidence);
    let any = evidence.present() == 0 && !stored.identity;
    let types = if stored.identity {
        vec![PgType::Bigint]
    } else if any {
        vec![suggested(stored.column)]
    } else if !refusals.is_empty() {
        vec![PgType::Text]
    } else if evidence.blobs > 0 {
        vec![PgType::Bytea]
    } else if evidence.texts == 0 {
        numbers(stored)
    } else if evidence.texts == evidence.present() {
        texts(stored, keyed)
    } else {
        vec![PgType::Text]
    };
    Fits {
        types,
        any,
        refusals,
    }
}

fn numbers(stored: &Stored<'_>) -> Vec<PgType> {
    let evidence = stored.evidence;
    let suggested = suggested(stored.column);
    let decimal = evidence.count(Form::SpecialReal) == 0;
    match (evidence.integers > 0, evidence.reals > 0) {
        (true, false) => match suggested {
            PgType::Boolean if evidence.count(Form::ZeroOne) == evidence.integers => {
                vec![PgType::Boolean, PgType::Bigint, PgType::Numeric]
            }
            PgType::Numeric => vec![PgType::Numeric, PgType::Bigint],
            _ => vec![PgType::Bigint, PgType::Numeric],
        },
        (false, _) if !decimal => vec![PgType::Double],
        (false, _) if suggested == PgType::Numeric => vec![PgType::Numeric, PgType::Double],
        (false, _) => vec![PgType::Double, PgType::Numeric],
        (true, true) => {
            let mut types = Vec::new();
            if decimal {
                types.push(PgType::Numeric);
            }
            if evidence.count(Form::WideInteger) == 0 {
                types.push(PgType::Double);
            }
            types
        }
    }
}

fn texts(stored: &Stored<'_>, keyed: bool) -> Vec<PgType> {
    let evidence = stored.evidence;
    let all = |form| evidence.count(form) == evidence.texts;
    // Two spellings of one value are two values of a key, so a key's column needs one spelling.
    let spelled = |form| !keyed || all(form);
    let mut types = Vec::new();
    if evidence.count(Form::Uuid) + evidence.count(Form::UuidUpper) == evidence.texts
        && spelled(Form::Uuid)
    {
        types.push(PgType::Uuid);
    }
    if all(Form::TimestampOffset) && !keyed {
        types.push(PgType::Timestamptz);
    }
    if all(Form::Timestamp) && spelled(Form::PlainTime) {
        types.push(PgType::Timestamp);
    }
    if all(Form::Date) {
        types.push(PgType::Date);
    }
    let declared_time = suggested(stored.column) == PgType::Time;
    if all(Form::Time) && declared_time && spelled(Form::PlainTime) {
        types.push(PgType::Time);
    }
    if all(Form::JsonPlain) && !keyed && evidence.longest_text <= JSONB_LONGEST {
        types.push(PgType::Jsonb);
    }
    if all(Form::Json) && !keyed && !stored.indexed {
        types.push(PgType::Json);
    }
    if all(Form::Inet) {
        types.push(PgType::Inet);
    }
    types.push(PgType::Text);
    types
}

/// Why no type holds every value, with the first row of each kind.
fn refusals(evidence: &ColumnEvidence) -> Vec<Finding> {
    let mut refusals = Vec::new();
    let refuse = |message: String, count: u64, forms: &[Form]| {
        Finding::new(Code::ValueRefused, Severity::Error, message).counted(
            count,
            first(evidence, forms).map_or_else(Vec::new, |row| vec![row.key.clone()]),
        )
    };
    if evidence.raw_texts > 0 {
        let message = format!(
            "{} not valid in the encoding of the source, and PostgreSQL stores valid UTF-8 only",
            are(evidence.raw_texts, "text")
        );
        refusals.push(refuse(message, evidence.raw_texts, &[Form::RawText]));
    }
    let nul = evidence.count(Form::NulText);
    if nul > 0 {
        let verb = if nul == 1 { "holds" } else { "hold" };
        let message = format!(
            "{} {verb} a NUL character, which no text type of PostgreSQL can",
            counted(nul, "text")
        );
        refusals.push(refuse(message, nul, &[Form::NulText]));
    }
    let longest = std::cmp::max(evidence.longest_text, evidence.longest_blob);
    if longest > FIELD_LONGEST {
        let message = format!(
            "the longest value has {} bytes; a field of PostgreSQL holds at most 1 GiB",
            grouped(longest)
        );
        refusals.push(refuse(message, 1, &[]));
    }
    if let Some((message, count, form)) = mixture(evidence) {
        refusals.push(refuse(message, count, &[form]));
    }
    refusals
}

/// Classes in one column that no type holds so that they can be told apart afterwards.
fn mixture(evidence: &ColumnEvidence) -> Option<(String, u64, Form)> {
    let numbers = evidence.integers + evidence.reals;
    let others = evidence.present() - evidence.blobs;
    if evidence.blobs > 0 && others > 0 {
        // The row named is one of the smaller side, which is the likelier mistake.
        let form = if evidence.blobs <= others {
            Form::BlobValue
        } else {
            first_class(
                evidence,
                &[
                    Form::IntegerValue,
                    Form::RealValue,
                    Form::TextValue,
                    Form::RawText,
                ],
            )
        };
        let count = std::cmp::min(evidence.blobs, others);
        return Some((
            format!(
                "{} beside {} of other classes: no type holds both",
                counted(evidence.blobs, "blob"),
                counted(others, "value")
            ),
            count,
            form,
        ));
    }
    let special = evidence.count(Form::SpecialReal);
    let (wide, same) = (
        evidence.count(Form::WideInteger),
        evidence.count(Form::NumberText),
    );
    if evidence.texts > 0 && numbers > 0 && same > 0 {
        Some((
            format!(
                "{} spelled like a number, beside {}: as text the two could not be told apart",
                are(same, "text"),
                counted(numbers, "number")
            ),
            same,
            Form::NumberText,
        ))
    } else if evidence.texts > 0 && special > 0 {
        Some((
            format!(
                "{} -0.0 or infinite, beside {}: text has no sure spelling for it",
                are(special, "real"),
                counted(evidence.texts, "text")
            ),
            special,
            Form::SpecialReal,
        ))
    } else if evidence.integers > 0 && special > 0 && wide > 0 {
        Some((
            format!(
                "{} -0.0 or infinite, beside {} beyond 2^53: numeric does not hold the one, double precision not the other",
                are(special, "real"),
                counted(wide, "integer")
            ),
            special + wide,
            Form::SpecialReal,
        ))
    } else {
        None
    }
}

fn are(count: u64, noun: &str) -> String {
    format!(
        "{} {}",
        counted(count, noun),
        if count == 1 { "is" } else { "are" }
    )
}

/// The form among `forms` whose first row comes first.
fn first_class(evidence: &ColumnEvidence, forms: &[Form]) -> Form {
    let listed = forms.iter().filter_map(|form| evidence.form(*form));
    listed
        .min_by_key(|listed| listed.first.number)
        .map_or(forms[0], |listed| listed.form)
}

/// The first row that has one of `forms`.
pub(super) fn first<'a>(evidence: &'a ColumnEvidence, forms: &[Form]) -> Option<&'a RowRef> {
    let listed = forms.iter().filter_map(|form| evidence.form(*form));
    listed
        .map(|listed| &listed.first)
        .min_by_key(|row| row.number)
}
