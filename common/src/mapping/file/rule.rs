//! What a mapping file must not say, whatever the schema: keys that exclude or need each other.

use crate::fault::Result;
use crate::mapping::file::model::{
    AddedColumn, ColumnRule, Document, EpochName, IndexRule, OtherValues, Placed, ReadAs,
    StatisticsRule, TableRule, TextRule,
};
use crate::mapping::file::parse::MappingFile;
use crate::mapping::plan::{BadText, Conversion, EpochUnit, Reading};
use std::collections::BTreeSet;
use toml::Spanned;

/// Rights on tables, as GRANT knows them.
const PRIVILEGES: [&str; 8] = [
    "all",
    "select",
    "insert",
    "update",
    "delete",
    "truncate",
    "references",
    "trigger",
];
/// Methods of indexes that are part of PostgreSQL.
const METHODS: [&str; 6] = ["btree", "hash", "gin", "gist", "spgist", "brin"];

/// The first thing that makes no sense, if there is one.
pub(super) fn check(file: &MappingFile) -> Result<()> {
    let document = &file.document;
    names(file)?;
    grants(file, document)?;
    for (name, labels) in &document.enums {
        distinct(file, labels, "label")?;
        if labels.is_empty() {
            return Err(file.fault(name, format!("the enum `{}` has no labels", name.get_ref())));
        }
    }
    for (name, rule) in &document.tables {
        table(file, name, rule)?;
    }
    Ok(())
}

/// Names and SQL texts that are given must say something.
fn names(file: &MappingFile) -> Result<()> {
    let document = &file.document;
    let one = [
        &document.into_schema,
        &document.owner,
        &document.before,
        &document.after,
    ];
    let one = one.into_iter().flatten();
    for name in one.chain(&document.extensions).chain(document.enums.keys()) {
        not_empty(file, name)?;
    }
    distinct(file, &document.extensions, "extension")
}

fn not_empty(file: &MappingFile, text: &Placed) -> Result<()> {
    if text.get_ref().trim().is_empty() {
        return Err(file.fault(text, "the text is empty"));
    }
    if text.get_ref().contains('\0') {
        return Err(file.fault(text, "the text holds a NUL character"));
    }
    Ok(())
}

fn distinct(file: &MappingFile, names: &[Placed], noun: &str) -> Result<()> {
    let mut seen = BTreeSet::new();
    for name in names {
        not_empty(file, name)?;
        if !seen.insert(name.get_ref()) {
            let what = format!("the {noun} `{}` is listed twice", name.get_ref());
            return Err(file.fault(name, what));
        }
    }
    Ok(())
}

fn grants(file: &MappingFile, document: &Document) -> Result<()> {
    for grant in &document.grants {
        for privilege in &grant.privileges {
            let known = PRIVILEGES.contains(&privilege.get_ref().to_ascii_lowercase().as_str());
            if !known {
                let what = format!(
                    "unknown privilege `{}`, expected one of {}",
                    privilege.get_ref(),
                    listed(&PRIVILEGES)
                );
                return Err(file.fault(privilege, what));
            }
        }
        for role in &grant.to {
            not_empty(file, role)?;
        }
    }
    Ok(())
}

fn listed(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    words.join(", ")
}

fn table(file: &MappingFile, name: &Placed, rule: &TableRule) -> Result<()> {
    if let Some(name) = &rule.name {
        not_empty(file, name)?;
    }
    let rest = TableRule {
        skip: false,
        ..rule.clone()
    };
    if rule.skip && rest != TableRule::default() {
        let what = format!(
            "the table `{}` is skipped, so nothing else can be said of it",
            name.get_ref()
        );
        return Err(file.fault(name, what));
    }
    for column in &rule.add_columns {
        added(file, column)?;
    }
    for index in &rule.indexes {
        self::index(file, name, index)?;
    }
    for statistics in &rule.statistics {
        self::statistics(file, name, statistics)?;
    }
    distinct(file, &rule.order_by, "column")?;
    for (name, rule) in &rule.columns {
        column(file, name, rule)?;
    }
    Ok(())
}

fn added(file: &MappingFile, column: &AddedColumn) -> Result<()> {
    not_empty(file, &column.name)?;
    let name = column.name.get_ref();
    let fault =
        |what: &str| Err(file.fault(&column.name, format!("the added column `{name}` {what}")));
    match (column.identity, &column.type_name, &column.default) {
        (true, _, Some(_)) => fault("has an identity, so it takes no default"),
        (false, None, _) => fault("needs a type"),
        (false, _, None) if column.not_null || column.primary_key => {
            fault("is not null, so it needs a default or an identity")
        }
        (_, _, Some(default)) => not_empty(file, default),
        _ => Ok(()),
    }
}

fn index(file: &MappingFile, table: &Placed, index: &IndexRule) -> Result<()> {
    let at = index.name.as_ref().or(index.on.as_ref());
    let at = at.or(index.columns.first()).unwrap_or(table);
    let given = [&index.name, &index.on, &index.opclass, &index.predicate];
    for text in given.into_iter().flatten() {
        not_empty(file, text)?;
    }
    match (index.columns.is_empty(), &index.on) {
        (true, None) => return Err(file.fault(at, "an index needs `columns` or `on`")),
        (false, Some(on)) => {
            return Err(file.fault(on, "an index has either `columns` or `on`, not both"));
        }
        _ => {}
    }
    if let (Some(opclass), true) = (&index.opclass, index.columns.is_empty()) {
        let what = "`opclass` goes with `columns`; with `on`, write it into the SQL";
        return Err(file.fault(opclass, what));
    }
    if let Some(method) = &index.method
        && !METHODS.contains(&method.get_ref().as_str())
    {
        let what = format!(
            "unknown method `{}`, expected one of {}",
            method.get_ref(),
            listed(&METHODS)
        );
        return Err(file.fault(method, what));
    }
    distinct(file, &index.columns, "column")
}

fn statistics(file: &MappingFile, table: &Placed, rule: &StatisticsRule) -> Result<()> {
    let at = rule.name.as_ref().or(rule.columns.first()).unwrap_or(table);
    if rule.columns.len() < 2 || rule.columns.len() > 8 {
        return Err(file.fault(at, "statistics are on 2 to 8 columns"));
    }
    distinct(file, &rule.columns, "column")
}

fn column(file: &MappingFile, name: &Placed, rule: &ColumnRule) -> Result<()> {
    let rest = ColumnRule {
        drop: false,
        ..rule.clone()
    };
    if rule.drop && rest != ColumnRule::default() {
        let what = format!(
            "the column `{}` is dropped, so nothing else can be said of it",
            name.get_ref()
        );
        return Err(file.fault(name, what));
    }
    let texts = [&rule.name, &rule.type_name, &rule.collation, &rule.zone];
    for text in texts.into_iter().flatten() {
        not_empty(file, text)?;
    }
    one_reading(file, name, rule)?;
    if let Some(other) = &rule.other_values
        && rule.values.is_none()
    {
        return Err(file.fault(other, "`other-values` goes with `values`"));
    }
    words(file, rule)?;
    let json = rule
        .invalid_json
        .as_ref()
        .filter(|text| *text.get_ref() != "null");
    if let Some(text) = json
        && serde_json::from_str::<serde::de::IgnoredAny>(text.get_ref()).is_err()
    {
        return Err(file.fault(text, "`invalid-json` takes \"null\" or a JSON document"));
    }
    Ok(())
}

/// The keys of a column that say what its values are taken for, in the order of the file.
fn readings(rule: &ColumnRule) -> Vec<(&'static str, std::ops::Range<usize>)> {
    fn at<T>(
        key: &'static str,
        value: Option<&Spanned<T>>,
    ) -> Option<(&'static str, std::ops::Range<usize>)> {
        value.map(|value| (key, value.span()))
    }
    let words = at("true", rule.yes.as_ref()).or(at("false", rule.no.as_ref()));
    let all = [
        at("read", rule.read.as_ref()),
        at("epoch", rule.epoch.as_ref()),
        at("zone", rule.zone.as_ref()),
        words,
        at("values", rule.values.as_ref()),
        at("invalid-json", rule.invalid_json.as_ref()),
    ];
    let mut all: Vec<_> = all.into_iter().flatten().collect();
    all.sort_by_key(|(_, span)| span.start);
    all
}

fn one_reading(file: &MappingFile, name: &Placed, rule: &ColumnRule) -> Result<()> {
    let readings = readings(rule);
    let [(first, _), (second, span), ..] = readings.as_slice() else {
        return Ok(());
    };
    let what = format!(
        "the column `{}` has both `{first}` and `{second}`, which exclude each other",
        name.get_ref()
    );
    Err(file.fault(&Spanned::new(span.clone(), ()), what))
}

fn words(file: &MappingFile, rule: &ColumnRule) -> Result<()> {
    let (Some(yes), Some(no)) = (&rule.yes, &rule.no) else {
        return Ok(());
    };
    let common = no
        .get_ref()
        .iter()
        .find(|no| yes.get_ref().iter().any(|yes| yes.eq_ignore_ascii_case(no)));
    match common {
        Some(word) => Err(file.fault(no, format!("`{word}` cannot mean both true and false"))),
        None => Ok(()),
    }
}

impl ColumnRule {
    /// How the values are changed on their way; `None` when they are not.
    #[must_use]
    pub fn conversion(&self) -> Option<Conversion> {
        let conversion = Conversion {
            null_if: self.null_if.clone(),
            nul: self.nul.map_or(BadText::Refuse, TextRule::bad_text),
            invalid: self
                .invalid_text
                .map_or(BadText::Refuse, TextRule::bad_text),
            reading: self.reading(),
            fraction: None,
        };
        (conversion != Conversion::default()).then_some(conversion)
    }

    /// What the values are taken for.
    #[must_use]
    pub fn reading(&self) -> Reading {
        let list = |words: &Option<Spanned<Vec<String>>>| {
            words
                .as_ref()
                .map_or_else(Vec::new, |words| words.get_ref().clone())
        };
        if let Some(read) = &self.read {
            match read.get_ref() {
                ReadAs::Cell => Reading::Cell,
                ReadAs::Bytes => Reading::Bytes,
                ReadAs::Uuid => Reading::Uuid,
            }
        } else if let Some(epoch) = &self.epoch {
            Reading::Epoch(epoch.get_ref().unit())
        } else if let Some(zone) = &self.zone {
            Reading::Zone(zone.get_ref().clone())
        } else if self.yes.is_some() || self.no.is_some() {
            Reading::Words {
                yes: list(&self.yes),
                no: list(&self.no),
            }
        } else if let Some(values) = &self.values {
            let other = self.other_values.as_ref().map(Spanned::get_ref);
            Reading::Values {
                map: values.get_ref().clone(),
                keep_others: other != Some(&OtherValues::Refuse),
            }
        } else if let Some(instead) = &self.invalid_json {
            let instead = instead.get_ref();
            Reading::Json {
                instead: (instead != "null").then(|| instead.clone()),
            }
        } else {
            Reading::Plain
        }
    }
}

impl TextRule {
    fn bad_text(self) -> BadText {
        match self {
            TextRule::Refuse => BadText::Refuse,
            TextRule::Strip => BadText::Strip,
            TextRule::Replace => BadText::Replace,
            TextRule::Escape => BadText::Escape,
        }
    }
}

impl EpochName {
    /// The unit that the word names.
    #[must_use]
    pub fn unit(self) -> EpochUnit {
        match self {
            EpochName::Seconds => EpochUnit::Seconds,
            EpochName::Milliseconds => EpochUnit::Milliseconds,
            EpochName::Microseconds => EpochUnit::Microseconds,
            EpochName::Days => EpochUnit::Days,
            EpochName::JulianDays => EpochUnit::JulianDays,
            EpochName::Seconds2001 => EpochUnit::Seconds2001,
            EpochName::Microseconds1601 => EpochUnit::Microseconds1601,
            EpochName::Ticks1601 => EpochUnit::Ticks1601,
        }
    }
}
