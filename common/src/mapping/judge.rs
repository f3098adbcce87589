//! Why a column has its type: the reason in words, the types refused, and what is worth reporting.

use crate::fault::Code;
use crate::mapping::declared::{is_temporal, suggested};
use crate::mapping::describe::{classes, counted};
use crate::mapping::draft::{Draft, Stored};
use crate::mapping::leftovers::brief;
use crate::mapping::plan::{ColumnPlan, Origin, PgType, Reading, TablePlan};
use crate::mapping::proposals;
use crate::mapping::types::{self, Compared, first};
use crate::profile::evidence::{ColumnEvidence, Form, FormEvidence, RowRef};
use crate::report::structure::Subject;
use crate::report::{Finding, Severity};

/// The forms by which texts become more than text.
const TEXT_TYPES: [PgType; 8] = [
    PgType::Uuid,
    PgType::Timestamptz,
    PgType::Timestamp,
    PgType::Date,
    PgType::Time,
    PgType::Jsonb,
    PgType::Json,
    PgType::Inet,
];

/// The other types, text aside, which is what is left.
const OTHER_TYPES: [PgType; 5] = [
    PgType::Boolean,
    PgType::Bigint,
    PgType::Numeric,
    PgType::Double,
    PgType::Bytea,
];

/// The forms of which a value must have one to be of a type.
fn forms_of(target: PgType) -> &'static [Form] {
    match target {
        PgType::Bigint => &[Form::IntegerValue],
        PgType::Boolean => &[Form::ZeroOne],
        PgType::Numeric => &[Form::IntegerValue, Form::DecimalReal],
        PgType::Double => &[Form::RealValue],
        PgType::Bytea => &[Form::BlobValue],
        PgType::Text => &[Form::TextValue],
        PgType::Uuid => &[Form::Uuid, Form::UuidUpper],
        PgType::Timestamptz => &[Form::TimestampOffset],
        PgType::Timestamp => &[Form::Timestamp],
        PgType::Date => &[Form::Date],
        PgType::Time => &[Form::Time],
        PgType::Jsonb => &[Form::JsonPlain],
        PgType::Json => &[Form::Json],
        PgType::Inet => &[Form::Inet],
        // Only asked for, never weighed against the evidence.
        PgType::Smallint
        | PgType::Integer
        | PgType::Real
        | PgType::Decimal { .. }
        | PgType::Varchar(_)
        | PgType::Char(_)
        | PgType::Citext
        | PgType::Enum(_)
        | PgType::Cidr => &[],
    }
}

/// Reports what the values of each column are refused for, or kept as.
pub(super) fn columns(draft: &Draft<'_>, findings: &mut Vec<Finding>) {
    let of_rows = draft.columns.iter();
    for stored in of_rows.filter(|stored| stored.computed.is_none()) {
        // What the operator asks for is tried, not judged; but each value alone would not tell this.
        if stored.asked.is_some() {
            let found = alike(stored).map(|finding| finding.in_table(&draft.table.name));
            findings.extend(found.map(|finding| finding.in_column(&stored.column.name)));
            continue;
        }
        let refusals = types::fits(stored).refusals;
        let own = if refusals.is_empty() {
            recast(stored).into_iter().chain(spelling(stored)).collect()
        } else {
            refusals
        };
        let place = |finding: Finding| {
            finding
                .in_table(&draft.table.name)
                .in_column(&stored.column.name)
        };
        findings.extend(own.into_iter().map(place));
    }
}

/// Numbers that cannot be told from texts any more, because the operator asks for texts.
fn alike(stored: &Stored<'_>) -> Option<Finding> {
    let evidence = stored.evidence;
    let numbers = evidence.integers + evidence.reals;
    let same = evidence.form(Form::NumberText)?;
    let reading = stored.conversion.as_ref().map(|change| &change.reading);
    let spelled = matches!(
        reading,
        None | Some(Reading::Plain | Reading::Values { .. })
    );
    let is_text = stored.asked.is_some_and(PgType::is_text);
    let message = format!(
        "{} become text beside {} spelled like one: the two cannot be told apart any more",
        counted(numbers, "number"),
        counted(same.matches, "text")
    );
    (is_text && spelled && numbers > 0).then(|| {
        Finding::new(Code::ValueConverted, Severity::Warning, message)
            .counted(numbers, vec![same.first.key.clone()])
            .hint("read = \"cell\" in the mapping file keeps them apart")
    })
}

/// What is worth reporting of the values of a column whose type is given.
pub(super) fn kept_as(stored: &Stored<'_>, target: PgType) -> Vec<Finding> {
    let given = Stored {
        target,
        ..stored.clone()
    };
    let numbers = match target {
        PgType::Text => stored.evidence.integers + stored.evidence.reals > 0,
        PgType::Double => stored.evidence.integers > 0,
        _ => false,
    };
    let recast = numbers.then(|| recast(&given)).flatten();
    recast.into_iter().chain(spelling(&given)).collect()
}

/// Why the column has its type, in words.
pub(super) fn reason(stored: &Stored<'_>) -> String {
    if let Some(generated) = &stored.column.generated {
        return format!("computed: {}", brief(&generated.expression));
    }
    let values = classes(stored.evidence);
    let why = if stored.kept {
        "the type that the replaced table has"
    } else if stored.asked.is_some() {
        "the mapping file asks for it"
    } else if stored.identity {
        "the INTEGER PRIMARY KEY"
    } else if stored.tied {
        "tied by a foreign key"
    } else if stored.evidence.present() == 0 {
        "by its declaration"
    } else if TEXT_TYPES.contains(&stored.target) {
        return format!("{values}; every text is {}", form_words(stored.target));
    } else {
        return values;
    };
    format!("{values}; {why}")
}

fn form_words(target: PgType) -> &'static str {
    match target {
        PgType::Uuid => "a UUID",
        PgType::Timestamptz => "a moment with offset",
        PgType::Timestamp => "a moment without offset",
        PgType::Date => "a day",
        PgType::Time => "a time of day",
        PgType::Jsonb | PgType::Json => "a JSON object or array",
        PgType::Inet => "an Internet address",
        PgType::Boolean => "0 or 1",
        PgType::Bigint => "an integer",
        PgType::Double => "a real",
        PgType::Numeric => "a decimal number",
        // Only asked for; no reason is ever given against one.
        PgType::Smallint | PgType::Integer => "an integer of its range",
        PgType::Real => "a real of single precision",
        PgType::Decimal { .. } => "a decimal number of its digits",
        PgType::Varchar(_) | PgType::Char(_) | PgType::Citext => "text of its length",
        PgType::Enum(_) => "one of its labels",
        PgType::Cidr => "a network",
        PgType::Bytea => "a blob",
        PgType::Text => "text",
    }
}

/// Types that were considered, and why not.
pub(super) fn rejected(stored: &Stored<'_>) -> Vec<(PgType, String)> {
    let evidence = stored.evidence;
    if evidence.present() == 0 || stored.asked.is_some() {
        return Vec::new();
    }
    let suggested = suggested(stored.column);
    let considered = |target: &PgType| {
        let seen = forms_of(*target)
            .iter()
            .any(|form| evidence.count(*form) > 0);
        *target != stored.target
            && (*target == suggested || seen && !goes_without_saying(stored, *target))
    };
    let candidates = TEXT_TYPES.into_iter().chain(OTHER_TYPES).filter(considered);
    candidates
        .map(|target| (target, why_not(stored, target)))
        .collect()
}

fn why_not(stored: &Stored<'_>, target: PgType) -> String {
    if let Some((offence, _, row)) = offence(stored.evidence, target) {
        let at = row.map_or_else(String::new, |row| format!(", first at {}", row.key));
        offence + &at
    } else if types::fits(stored).types.contains(&target) {
        format!("{} keeps every value, too", target.name())
    } else if target == PgType::Time {
        "only where TIME is declared".to_owned()
    } else if stored.keyed || stored.indexed {
        KEYED.to_owned()
    } else {
        "a value is too long for it".to_owned()
    }
}

/// Why a type that every value fits is not taken in a key.
const KEYED: &str = "in a key or index two spellings of one value must stay two";

/// Whether it is no news that a type was not taken.
fn goes_without_saying(stored: &Stored<'_>, target: PgType) -> bool {
    match target {
        // 0 and 1 are considered for boolean only where the declaration says so.
        PgType::Boolean => true,
        PgType::Numeric => matches!(stored.target, PgType::Bigint | PgType::Double),
        PgType::Bigint | PgType::Double | PgType::Bytea => {
            against(stored.evidence, target).is_none()
        }
        _ => false,
    }
}

/// How many values are not of a type, and the first row against it where that is known.
fn against(evidence: &ColumnEvidence, target: PgType) -> Option<(u64, Option<&RowRef>)> {
    let forms = forms_of(target);
    let matches: u64 = forms.iter().map(|form| evidence.count(*form)).sum();
    let count = evidence.present().saturating_sub(matches);
    (count > 0).then(|| (count, first_against(evidence, target)))
}

/// The first row whose value is not of a type, where the evidence tells it.
fn first_against(evidence: &ColumnEvidence, target: PgType) -> Option<&RowRef> {
    let forms = forms_of(target);
    let listed: Vec<_> = forms
        .iter()
        .filter_map(|form| evidence.form(*form))
        .collect();
    match listed.as_slice() {
        [] => first(evidence, &CLASSES),
        [only] => only.first_other.as_ref(),
        _ if target == PgType::Numeric => first(evidence, &NOT_NUMERIC),
        // The first value without one form is against both, unless it is where the other begins.
        [one, other, ..] => {
            let neither = |a: &'_ FormEvidence, b: &FormEvidence| {
                a.first_other.as_ref().is_some_and(|row| *row != b.first)
            };
            if neither(one, other) {
                one.first_other.as_ref()
            } else {
                other.first_other.as_ref().filter(|_| neither(other, one))
            }
        }
    }
}

/// The forms of which a value has one when numeric does not hold it.
const NOT_NUMERIC: [Form; 4] = [
    Form::SpecialReal,
    Form::TextValue,
    Form::RawText,
    Form::BlobValue,
];

/// The forms that are storage classes.
const CLASSES: [Form; 5] = [
    Form::IntegerValue,
    Form::RealValue,
    Form::TextValue,
    Form::RawText,
    Form::BlobValue,
];

/// What speaks against a type in words, how many values do, and the first row where it is known.
fn offence(evidence: &ColumnEvidence, target: PgType) -> Option<(String, u64, Option<&RowRef>)> {
    // What is no JSON at all is worse than what jsonb would change.
    let plain = match target {
        PgType::Jsonb => against(evidence, PgType::Json),
        _ => None,
    };
    let (count, row) = plain.or_else(|| against(evidence, target))?;
    let verb = if count == 1 { "is" } else { "are" };
    let values = counted(count, "value");
    let words = if target == PgType::Jsonb && plain.is_none() {
        format!("{values} {verb} JSON that jsonb would not give back")
    } else {
        format!("{values} {verb} not {}", form_words(target))
    };
    Some((words, count, row))
}

/// A type other than the declaration suggests, or numbers that are kept in another form.
fn recast(stored: &Stored<'_>) -> Option<Finding> {
    let (evidence, target) = (stored.evidence, stored.target);
    let suggested = suggested(stored.column);
    let finding = |severity, message: String, count, row: Option<&RowRef>| {
        let samples = row.map(|row| row.key.clone()).into_iter().collect();
        Some(Finding::new(Code::Recast, severity, message).counted(count, samples))
    };
    let numbers = evidence.integers + evidence.reals;
    if target == PgType::Text && numbers > 0 {
        let message = format!(
            "{} beside {} become text, spelled so that they can be told apart",
            counted(numbers, "number"),
            counted(evidence.texts, "text")
        );
        let row = first(evidence, &[Form::IntegerValue, Form::RealValue]);
        return finding(Severity::Warning, message, numbers, row);
    }
    if target == PgType::Double && evidence.integers > 0 {
        let message = format!(
            "{} beside {} become double precision; each is kept exactly",
            counted(evidence.integers, "integer"),
            counted(evidence.reals, "real")
        );
        let row = first(evidence, &[Form::IntegerValue]);
        return finding(Severity::Warning, message, evidence.integers, row);
    }
    if evidence.present() == 0 || stored.identity {
        return None;
    }
    let severity = severity(stored, suggested)?;
    let (offence, count, row) = offence(evidence, suggested)
        .unwrap_or_else(|| (KEYED.to_owned(), evidence.present(), None));
    let mut message = format!(
        "declared `{}`, becomes {}: {}",
        stored.column.declared_type,
        target.name(),
        offence
    );
    message.push_str(&epoch(stored).unwrap_or_default());
    finding(severity, message, count, row)
}

/// How much it matters that the values overruled the declaration, if they did.
fn severity(stored: &Stored<'_>, suggested: PgType) -> Option<Severity> {
    let target = stored.target;
    let number = matches!(target, PgType::Bigint | PgType::Numeric | PgType::Double);
    match suggested {
        same if same == target => None,
        // An empty declaration asks for nothing, and TEXT is kept exactly by every richer type.
        PgType::Text if target != PgType::Bytea || stored.column.declared_type.is_empty() => None,
        PgType::Timestamp if target == PgType::Timestamptz => None,
        PgType::Jsonb if target == PgType::Json => Some(Severity::Note),
        temporal if is_temporal(temporal) && (number || is_temporal(target)) => {
            Some(Severity::Note)
        }
        // It suited the declaration; a foreign key decided otherwise and is named.
        _ if stored.tied && against(stored.evidence, suggested).is_none() => None,
        _ if TEXT_TYPES.contains(&target) => Some(Severity::Note),
        _ => Some(Severity::Warning),
    }
}

/// What numbers in a column declared as a date or time may be.
fn epoch(stored: &Stored<'_>) -> Option<String> {
    let evidence = stored.evidence;
    if !is_temporal(suggested(stored.column))
        || evidence.integers + evidence.reals < evidence.present()
    {
        return None;
    }
    let likeliest = proposals::epochs(stored).into_iter().next()?;
    Some(format!("; {}, nothing is converted", likeliest.reason))
}

/// A spelling that equal values lose.
fn spelling(stored: &Stored<'_>) -> Option<Finding> {
    let evidence = stored.evidence;
    let texts = evidence.texts;
    let (lost, count) = match stored.target {
        PgType::Uuid => (
            "upper-case digits are not kept",
            evidence.count(Form::UuidUpper),
        ),
        PgType::Timestamptz => ("the written offset is not kept, only the moment", texts),
        PgType::Timestamp | PgType::Time => (
            "a `T` before the time and zeros at the end of the fraction are not kept",
            texts - std::cmp::min(evidence.count(Form::PlainTime), texts),
        ),
        PgType::Jsonb => ("blanks, the order of keys and escapes are not kept", texts),
        _ => return None,
    };
    let message = format!("becomes {}: {lost}", stored.target.name());
    (count > 0).then(|| {
        Finding::new(Code::SpellingLost, Severity::Note, message).counted(count, Vec::new())
    })
}

/// Where texts compare by bytes, and in the source otherwise.
pub(super) fn collation(drafts: &[Draft<'_>], findings: &mut Vec<Finding>) {
    for draft in drafts {
        for stored in &draft.columns {
            let collation = &stored.column.collation;
            let encoded = types::compared(stored) == Compared::Encoded;
            let by_bytes = stored.target.is_bytewise_text() || encoded;
            if by_bytes && !collation.eq_ignore_ascii_case("binary") {
                let message = format!(
                    "collation {collation} is left out: PostgreSQL compares the column's bytes"
                );
                findings.push(
                    Finding::new(Code::StructureWeakened, Severity::Warning, message)
                        .in_table(&draft.table.name)
                        .in_column(&stored.column.name)
                        .about(Subject::Collation),
                );
            }
        }
    }
}

/// How texts compare: by bytes everywhere.
pub(super) fn by_bytes(tables: &[TablePlan], findings: &mut Vec<Finding>) {
    let columns = tables.iter().flat_map(|table| &table.columns);
    let is_text =
        |column: &&ColumnPlan| column.target == PgType::Text && column.origin != Origin::Added;
    let texts = columns.filter(is_text).count() as u64;
    if texts > 0 {
        let columns = counted(texts, "text column");
        let message =
            format!("{columns} made COLLATE \"C\", to compare by bytes as SQLite's BINARY does");
        findings.push(
            Finding::new(Code::StructureTranslated, Severity::Note, message)
                .on("collation C")
                .counted(texts, Vec::new())
                .hint("nothing to do: order and equality stay as they are; `collation` in a mapping file asks for another order"),
        );
    }
}
