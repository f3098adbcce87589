//! Looks in the staging tables for every row that the target would refuse, before it is touched.
//!
//! Values that only the server can judge (domains, types Waybill does not know), CHECKs, unique
//! keys, foreign keys and rights on sequences. A rule of the target that cannot be asked for (its
//! operators are not on the path, it speaks of columns that are not filled) is left to INSERT, which
//! refuses all the same, without listing every row.

use tokio_postgres::Row;

use crate::engine::postgres::name::{identifier, literal, qualified};
use crate::engine::postgres::session::Session;
use crate::fault::{Code, Result};
use crate::mapping::existing::{ExistingColumn, Kind};
use crate::report::{Finding, SAMPLES, Severity};

use super::statements::Filled;
use super::{Tables, merge, references, sequences};

/// Everything that is wrong with the rows of one table. Runs in a transaction of its own.
pub(super) fn survey(
    session: &mut Session,
    tables: Tables<'_>,
    table: usize,
) -> Result<Vec<Finding>> {
    let filled = tables.filled(table);
    let mut findings = Vec::new();
    for (staged, column) in filled.table.filled() {
        if column.of_domain || column.kind == Kind::Other {
            findings.extend(values(session, filled, staged, column)?);
        }
    }
    // With values that no cast takes, the rules cannot be asked.
    if findings.is_empty() {
        findings.extend(merge::survey(session, filled)?);
        findings.extend(references::survey(session, tables, filled)?);
        let query = include_str!("../../queries/existing_rules.sql");
        let name = &filled.table.target.name;
        for row in session.query(query, &[&filled.schema, &name])? {
            findings.extend(rule(session, tables, filled, &row)?);
        }
    }
    for sequence in sequences::of_table(session, tables, table)? {
        if !sequence.is_within_reach() {
            let message = "the role may not move the sequence of the column";
            findings.push(
                Finding::new(Code::RightMissing, Severity::Error, message)
                    .hint(format!(
                        "GRANT SELECT, UPDATE ON SEQUENCE {} TO the role",
                        sequence.name()
                    ))
                    .in_column(sequence.column()),
            );
        }
    }
    let place = |finding: Finding| finding.in_table(&filled.table.target.name);
    Ok(findings.into_iter().map(place).collect())
}

/// Values that the column's own type refuses, or would not give back as they were: a function of
/// the staging schema tries each.
fn values(
    session: &mut Session,
    filled: Filled<'_>,
    staged: usize,
    column: &ExistingColumn,
) -> Result<Option<Finding>> {
    let travels = filled.travels(staged).name();
    let function = format!(
        "{}.waybill_takes_{staged}_{}",
        identifier(filled.staging)?,
        filled.plan.source
    );
    let (kind, cast) = (&column.type_name, &column.cast_name);
    let value = format!("(given::{cast})::{kind}");
    let attempt = if column.kind == Kind::Other {
        format!(
            "IF ({value})::text IS DISTINCT FROM given THEN RETURN 'it comes back as ' || left(({value})::text, 40); END IF;"
        )
    } else {
        format!("PERFORM {value};")
    };
    let body = literal(&format!(
        "BEGIN {attempt} RETURN NULL; \
         EXCEPTION WHEN data_exception OR integrity_constraint_violation OR syntax_error_or_access_rule_violation \
         OR raise_exception OR feature_not_supported OR program_limit_exceeded \
         THEN RETURN SQLERRM; END"
    ))?;
    session.execute(&format!(
        "CREATE FUNCTION {function}(given {travels}) RETURNS text LANGUAGE plpgsql AS {body}"
    ))?;
    let value = filled.staged_column(staged)?;
    let sql = format!(
        "SELECT waybill_row, why, count(*) OVER () AS all_rows FROM (\
         SELECT {} AS waybill_row, {function}({value}) AS why, s.ctid AS place FROM {} AS s \
         OFFSET 0) AS judged WHERE why IS NOT NULL ORDER BY place LIMIT {SAMPLES}",
        filled.row_key()?,
        filled.staged()?
    );
    let rows = session.query(&sql, &[])?;
    session.execute(&format!("DROP FUNCTION {function}"))?;
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let message = format!(
        "the column's type {kind} does not take the value: {}",
        first.get::<_, &str>("why")
    );
    let finding = Finding::new(Code::ValueRefused, Severity::Error, message)
        .hint("mend the value in the source, or change the column of the target");
    Ok(Some(counted(finding, &rows).in_column(&column.name)))
}

/// Rows that break one rule of the table.
fn rule(
    session: &mut Session,
    tables: Tables<'_>,
    filled: Filled<'_>,
    rule: &Row,
) -> Result<Option<Finding>> {
    let kind: &str = rule.get("kind");
    let columns: Vec<String> = rule.get::<_, Option<_>>("columns").unwrap_or_default();
    let name: &str = rule.get("name");
    let is_filled = |column: &String| {
        filled
            .table
            .filled()
            .any(|(_, filled)| filled.name == *column)
    };
    if kind != "u" && !columns.iter().all(is_filled) {
        return Ok(None);
    }
    let (sql, finding) = match kind {
        "c" => check(filled, rule, name)?,
        "u" => unique(filled, rule, name, &columns)?,
        _ => orphans(tables, filled, rule, name, &columns)?,
    };
    session.execute("SAVEPOINT rule")?;
    let Ok(rows) = session.query(&sql, &[]) else {
        session.execute("ROLLBACK TO SAVEPOINT rule")?;
        return Ok(None);
    };
    session.execute("RELEASE SAVEPOINT rule")?;
    if rows.is_empty() {
        return Ok(None);
    }
    let finding = counted(finding, &rows);
    Ok(Some(if kind == "u" || columns.is_empty() {
        finding
    } else {
        finding.in_column(columns.join(", "))
    }))
}

pub(super) fn counted(finding: Finding, rows: &[Row]) -> Finding {
    let all = rows.first().map_or(0, |row| row.get::<_, i64>("all_rows"));
    let samples = rows.iter().map(|row| row.get("waybill_row")).collect();
    finding.counted(u64::try_from(all).unwrap_or(0), samples)
}

/// The first rows that a query of `waybill_row` and `waybill_order` gives, and how many it has.
fn listed(from: &str) -> String {
    format!(
        "SELECT waybill_row, count(*) OVER () AS all_rows FROM {from} \
         ORDER BY waybill_order, waybill_row LIMIT {SAMPLES}"
    )
}

fn check(filled: Filled<'_>, rule: &Row, name: &str) -> Result<(String, Finding)> {
    let expression: Option<&str> = rule.get("expression");
    let expression = expression.unwrap_or("true");
    let sql = listed(&format!(
        "({}) AS staged WHERE NOT ({expression})",
        filled.preview()?
    ));
    let message = format!("the CHECK `{name}` of the target refuses the row: {expression}");
    let finding = Finding::new(Code::ValueRefused, Severity::Error, message)
        .hint("mend the row in the source, or change the constraint");
    Ok((sql, finding))
}

fn unique(
    filled: Filled<'_>,
    rule: &Row,
    name: &str,
    terms: &[String],
) -> Result<(String, Finding)> {
    let predicate: Option<&str> = rule.get("expression");
    let mut wheres: Vec<String> = predicate
        .map(|sql| format!("({sql})"))
        .into_iter()
        .collect();
    if !rule.get::<_, bool>("nulls_are_equal") {
        wheres.extend(terms.iter().map(|term| format!("({term}) IS NOT NULL")));
    }
    let filter = if wheres.is_empty() {
        String::new()
    } else {
        format!(" WHERE {}", wheres.join(" AND "))
    };
    let keys: Vec<_> = terms.iter().map(|term| format!("({term})")).collect();
    let own = filled.table.merge.as_ref();
    let is_own = own.is_some_and(|by| by.key == name);
    let rows = if is_own {
        filled.preview_all()?
    } else {
        filled.checked()?
    };
    let twice = format!(
        "(SELECT *, count(*) OVER (PARTITION BY {}) AS waybill_equal FROM ({rows}) AS staged{filter}) AS counted \
         WHERE waybill_equal > 1",
        keys.join(", "),
    );
    let (sql, with) = match own.filter(|_| !is_own) {
        Some(by) => {
            let taken = filled.taken_by_others(by, terms, &filter)?;
            let twice = format!("SELECT waybill_row, waybill_order FROM {twice}");
            let with = ", among themselves or with other rows of the target";
            (listed(&format!("({twice} UNION {taken}) AS found")), with)
        }
        None => (listed(&twice), ""),
    };
    let message = format!(
        "rows that are equal in the unique key `{name}` of the target ({}){with}",
        terms.join(", ")
    );
    let finding = Finding::new(Code::KeyDuplicate, Severity::Error, message)
        .hint("mend the rows in the source, or drop the key of the target");
    Ok((sql, finding))
}

fn orphans(
    tables: Tables<'_>,
    filled: Filled<'_>,
    rule: &Row,
    name: &str,
    columns: &[String],
) -> Result<(String, Finding)> {
    let (home, parent): (&str, &str) = (rule.get("home"), rule.get("parent"));
    let parents: Vec<String> = rule.get("parent_columns");
    let mut parent_rows = Vec::new();
    let staged = tables.staged(home, parent);
    if let Some(staged) = staged {
        parent_rows.push(format!("({})", staged.preview()?));
    }
    // Rows that the target keeps are parents as well.
    if staged.is_none() || tables.filling.on_conflict.is_some() {
        parent_rows.push(qualified(home, parent)?);
    }
    let (mut present, mut equal) = (Vec::new(), Vec::new());
    for (column, parent) in columns.iter().zip(&parents) {
        let column = identifier(column)?;
        present.push(format!("child.{column} IS NOT NULL"));
        equal.push(format!("parent.{} = child.{column}", identifier(parent)?));
    }
    let equal = equal.join(" AND ");
    let absent: String = parent_rows
        .iter()
        .map(|rows| format!(" AND NOT EXISTS (SELECT FROM {rows} AS parent WHERE {equal})"))
        .collect();
    let sql = listed(&format!(
        "({}) AS child WHERE {}{absent}",
        filled.preview()?,
        present.join(" AND "),
    ));
    let message = format!("no row of `{parent}` for the foreign key `{name}` of the target");
    let finding = Finding::new(Code::ForeignKeyOrphan, Severity::Error, message).hint(
        "insert the missing parent rows or remove the orphans in the source, or drop the foreign key and add it NOT VALID after the import",
    );
    Ok((sql, finding))
}
