//! The keys of a mapping file that make structure, which tables that exist have already.

use crate::fault::Result;
use crate::mapping::file::model::{ColumnRule, Document, TableRule};
use crate::mapping::file::parse::MappingFile;
use std::ops::Range;
use toml::Spanned;

/// What the operator can do about such a key.
const ADVICE: &str = "leave it out: the application's migrations own the structure of tables that are filled; or import with --mode create into a schema of its own";

/// A key, and the bytes its value stands at.
type Found = (&'static str, Range<usize>);

impl MappingFile {
    /// Fails at the first key, in the order of the file, that makes structure instead of saying which
    /// rows go where and what single values mean.
    pub fn rows_only(&self) -> Result<()> {
        let mut found = of_document(&self.document);
        for rule in self.document.tables.values() {
            found.extend(of_table(rule));
            found.extend(rule.columns.values().flat_map(of_column));
        }
        let Some((key, span)) = found.into_iter().min_by_key(|(_, span)| span.start) else {
            return Ok(());
        };
        let what = format!("`{key}` makes structure, and the tables of the target are there");
        Err(self.fault(&Spanned::new(span, ()), what).hint(ADVICE))
    }
}

fn at<T>(key: &'static str, value: Option<&Spanned<T>>) -> Option<Found> {
    value.map(|value| (key, value.span()))
}

fn of_document(document: &Document) -> Vec<Found> {
    let grants = document.grants.iter();
    let grants = grants.filter_map(|grant| grant.privileges.first().or(grant.to.first()));
    let grants = grants.map(|word| ("grants", word.span()));
    let enums = document.enums.keys().map(|name| ("enums", name.span()));
    let one = [
        at("extensions", document.extensions.first()),
        at("create-extensions", document.create_extensions.as_ref()),
        at("owner", document.owner.as_ref()),
    ];
    one.into_iter()
        .flatten()
        .chain(grants)
        .chain(enums)
        .collect()
}

fn of_table(rule: &TableRule) -> Vec<Found> {
    let added = rule.add_columns.iter();
    let added = added.map(|column| ("add-columns", column.name.span()));
    let indexes = rule.indexes.iter().filter_map(|index| {
        let place = index.name.as_ref().or(index.on.as_ref());
        at("indexes", place.or(index.columns.first()))
    });
    let statistics = rule.statistics.iter().filter_map(|one| {
        let place = one.name.as_ref().or(one.columns.first());
        at("statistics", place)
    });
    let one = [
        at("order-by", rule.order_by.first()),
        at("updated-at", rule.updated_at.as_ref()),
    ];
    one.into_iter()
        .flatten()
        .chain(added)
        .chain(indexes)
        .chain(statistics)
        .collect()
}

fn of_column(rule: &ColumnRule) -> Vec<Found> {
    let one = [
        at("type", rule.type_name.as_ref()),
        at("collation", rule.collation.as_ref()),
        at("not-null", rule.not_null.as_ref()),
        at("default", rule.default.as_ref()),
    ];
    one.into_iter().flatten().collect()
}
