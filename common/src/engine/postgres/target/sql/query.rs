//! Queries as SQL: what views are made of.

use crate::engine::postgres::name::{identifier, qualified};
use crate::fault::Result;
use crate::mapping::expression::query::{Join, Order, OrderBy, Query, Select, Source};
use crate::mapping::plan::ViewPlan;

use super::expression::within;

/// CREATE VIEW in a schema, over tables and views of the same.
pub(in crate::engine::postgres::target) fn create_view(
    schema: &str,
    view: &ViewPlan,
) -> Result<String> {
    let columns = view.columns.iter().map(|name| identifier(name));
    Ok(format!(
        "CREATE VIEW {} ({}) AS {}",
        qualified(schema, &view.name)?,
        columns.collect::<Result<Vec<_>>>()?.join(", "),
        query(&view.query, schema)?
    ))
}

/// A query over relations of a schema.
pub(super) fn query(query: &Query, schema: &str) -> Result<String> {
    let mut sql = String::new();
    for (number, (part, all)) in query.selects.iter().enumerate() {
        if number > 0 {
            sql.push_str(if *all { " UNION ALL " } else { " UNION " });
        }
        sql.push_str(&select(part, schema)?);
    }
    if !query.order.is_empty() {
        let terms = query.order.iter().map(|term| order(term, schema));
        sql.push_str(" ORDER BY ");
        sql.push_str(&terms.collect::<Result<Vec<_>>>()?.join(", "));
    }
    for (word, number) in [(" LIMIT ", query.limit), (" OFFSET ", query.offset)] {
        if let Some(number) = number {
            sql.push_str(word);
            sql.push_str(&number.to_string());
        }
    }
    Ok(sql)
}

fn select(select: &Select, schema: &str) -> Result<String> {
    let mut sql = String::from("SELECT ");
    if select.distinct {
        sql.push_str("DISTINCT ");
    }
    for (number, (tree, name)) in select.results.iter().enumerate() {
        if number > 0 {
            sql.push_str(", ");
        }
        sql.push_str(&within(tree, schema)?);
        // A query within another is read by the names of its results.
        if !name.is_empty() {
            sql.push_str(" AS ");
            sql.push_str(&identifier(name)?);
        }
    }
    for (number, (source, join)) in select.from.iter().enumerate() {
        sql.push_str(&joined(number, source, join, schema)?);
    }
    if let Some(filter) = &select.filter {
        sql.push_str(" WHERE ");
        sql.push_str(&within(filter, schema)?);
    }
    if !select.group.is_empty() {
        let keys = select.group.iter().map(|key| within(key, schema));
        sql.push_str(" GROUP BY ");
        sql.push_str(&keys.collect::<Result<Vec<_>>>()?.join(", "));
    }
    if let Some(having) = &select.having {
        sql.push_str(" HAVING ");
        sql.push_str(&within(having, schema)?);
    }
    Ok(sql)
}

fn joined(number: usize, source: &Source, join: &Join, schema: &str) -> Result<String> {
    let source = match source {
        Source::Relation { name, alias } => {
            format!("{} AS {}", qualified(schema, name)?, identifier(alias)?)
        }
        Source::Query { query: own, alias } => {
            format!("({}) AS {}", query(own, schema)?, identifier(alias)?)
        }
    };
    if number == 0 {
        return Ok(format!(" FROM {source}"));
    }
    let (word, on) = match join {
        Join::Inner(None) => return Ok(format!(" CROSS JOIN {source}")),
        Join::Inner(Some(on)) => ("JOIN", Some(on)),
        Join::Left(on) => ("LEFT JOIN", on.as_ref()),
    };
    let on = match on {
        Some(on) => within(on, schema)?,
        None => "true".to_owned(),
    };
    Ok(format!(" {word} {source} ON {on}"))
}

fn order(term: &Order, schema: &str) -> Result<String> {
    let by = match &term.by {
        OrderBy::Result(place) => place.to_string(),
        OrderBy::Expression(tree) => within(tree, schema)?,
    };
    let direction = if term.descending { "DESC" } else { "ASC" };
    let nulls = if term.nulls_first { "FIRST" } else { "LAST" };
    Ok(format!("{by} {direction} NULLS {nulls}"))
}
