//! What is said in SQL of a table that is filled.
//!
//! Pure. Identifiers are quoted, type names come from the server's own `format_type`; no word comes
//! from an archive.

use crate::engine::postgres::name::{identifier, literal, qualified};
use crate::fault::Result;
use crate::mapping::existing::{ExistingColumn, Kind};
use crate::mapping::fill::FillTable;
use crate::mapping::plan::{PgType, TablePlan};

/// Characters of a value that the key of a row shows.
const SHOWN: usize = 40;

/// A table of the target with its staged twin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Filled<'a> {
    /// The staging schema.
    pub(super) staging: &'a str,
    /// The target schema.
    pub(super) schema: &'a str,
    /// The staged table.
    pub(super) plan: &'a TablePlan,
    /// Where its rows go.
    pub(super) table: &'a FillTable,
}

impl Filled<'_> {
    /// The staged table's name.
    pub(super) fn staged(&self) -> Result<String> {
        qualified(self.staging, &self.plan.name)
    }

    /// The target table's name.
    pub(super) fn target(&self) -> Result<String> {
        qualified(self.schema, &self.table.target.name)
    }

    /// The target table's name, without tables that inherit from it.
    pub(super) fn only_target(&self) -> Result<String> {
        let only = if self.table.target.partitioned {
            ""
        } else {
            "ONLY "
        };
        Ok(format!("{only}{}", self.target()?))
    }

    /// A staged column.
    pub(super) fn staged_column(&self, staged: usize) -> Result<String> {
        Ok(format!(
            "s.{}",
            identifier(&self.plan.columns[staged].name)?
        ))
    }

    /// The type that a staged column has.
    pub(super) fn travels(&self, staged: usize) -> PgType {
        self.plan.columns[staged].target
    }

    /// INSERT of all staged rows.
    pub(super) fn insert(&self) -> Result<String> {
        let (mut columns, mut values) = (Vec::new(), Vec::new());
        for (staged, column) in self.table.filled() {
            columns.push(identifier(&column.name)?);
            values.push(self.assigned(staged, column)?);
        }
        let identity = self
            .table
            .filled()
            .any(|(_, column)| column.identity_always);
        let overriding = if identity {
            " OVERRIDING SYSTEM VALUE"
        } else {
            ""
        };
        Ok(format!(
            "INSERT INTO {} ({}){overriding} SELECT {} FROM {} AS s",
            self.target()?,
            columns.join(", "),
            values.join(", "),
            self.staged()?
        ))
    }

    /// A staged value as INSERT and UPDATE give it to a column.
    pub(super) fn assigned(&self, staged: usize, column: &ExistingColumn) -> Result<String> {
        let value = self.staged_column(staged)?;
        // An assignment casts the others, and refuses what an explicit cast would cut.
        Ok(match column.kind {
            Kind::Enum(_) | Kind::Other => format!("{value}::{}", column.cast_name),
            _ => value,
        })
    }

    /// The staged rows that are written, as `preview_all` has them.
    pub(super) fn preview(&self) -> Result<String> {
        Ok(format!("{}{}", self.preview_all()?, self.written()?))
    }

    /// The staged rows as the target's types would have them, under the target's names, with the
    /// row's key in `waybill_row` and its order in `waybill_order`.
    pub(super) fn preview_all(&self) -> Result<String> {
        let mut columns = Vec::new();
        for (staged, column) in self.table.filled() {
            let (value, name) = (self.staged_column(staged)?, identifier(&column.name)?);
            let collate = match &column.collation {
                Some((schema, name)) => format!(" COLLATE {}", qualified(schema, name)?),
                None => String::new(),
            };
            columns.push(format!("{value}::{}{collate} AS {name}", column.cast_name));
        }
        Ok(format!(
            "SELECT {}, {} AS waybill_row, {} AS waybill_order FROM {} AS s",
            columns.join(", "),
            self.row_key()?,
            self.row_order()?,
            self.staged()?
        ))
    }

    /// An expression that names a staged row: `id=7`, `a='x', b=1`.
    pub(super) fn row_key(&self) -> Result<String> {
        let mut parts = Vec::new();
        for (label, staged) in &self.table.key {
            let value = self.staged_column(*staged)?;
            let shown = match self.travels(*staged) {
                PgType::Bigint | PgType::Double | PgType::Numeric => format!("{value}::text"),
                PgType::Boolean => format!("{value}::int4::text"),
                _ => format!("quote_literal(left({value}::text, {SHOWN}))"),
            };
            let label = literal(&format!("{label}="))?;
            parts.push(format!("{label} || coalesce({shown}, 'NULL')"));
        }
        if parts.is_empty() {
            return Ok("'a row without key'::text".to_owned());
        }
        Ok(format!("({})", parts.join(" || ', ' || ")))
    }

    /// What staged rows are sorted by in messages.
    pub(super) fn row_order(&self) -> Result<String> {
        match self.table.key.first() {
            Some((_, staged)) => self.staged_column(*staged),
            None => Ok("s.ctid".to_owned()),
        }
    }

    /// How many rows were staged, and two sums over the values that are carried over.
    pub(super) fn staged_sums(&self) -> Result<String> {
        let values = self.table.filled().map(|(staged, column)| {
            let value = self.staged_column(staged)?;
            Ok(comparable(&value, self.travels(staged), column))
        });
        let values = values.collect::<Result<Vec<_>>>()?;
        Ok(sums(&values, &format!("{} AS s", self.staged()?)))
    }

    /// The same for the rows of the target.
    pub(super) fn target_sums(&self) -> Result<String> {
        let values = self.table.filled().map(|(staged, column)| {
            let value = format!("t.{}", identifier(&column.name)?);
            let travels = self.travels(staged);
            let back = format!("{value}::{}", travels.name());
            Ok(comparable(&back, travels, column))
        });
        let values = values.collect::<Result<Vec<_>>>()?;
        Ok(sums(&values, &format!("{} AS t", self.only_target()?)))
    }

    /// The table with one column only, to find out which one differs.
    pub(super) fn with_column(&self, staged: usize) -> FillTable {
        let table = self.table;
        let keep =
            |(position, column): (usize, &Option<usize>)| column.filter(|_| position == staged);
        FillTable {
            columns: table.columns.iter().enumerate().map(keep).collect(),
            ..table.clone()
        }
    }
}

/// A value in a form in which equal values have equal texts, and long ones are short.
fn comparable(value: &str, travels: PgType, column: &ExistingColumn) -> String {
    match travels {
        // A scale adds zeros at the end.
        PgType::Numeric => format!("trim_scale({value})"),
        // Blanks at the end of char are no part of the value; none were sent.
        PgType::Text if matches!(column.kind, Kind::Char(_)) => {
            hashed(&format!("rtrim({value}, ' ')"))
        }
        PgType::Text | PgType::Json | PgType::Jsonb => hashed(&format!("({value})::text")),
        PgType::Bytea => format!("sha256({value})"),
        _ => value.to_owned(),
    }
}

fn hashed(text: &str) -> String {
    format!("hashtextextended({text} COLLATE \"C\", 0)")
}

/// The number of rows, and the sums of two hashes of 64 bits over them.
fn sums(values: &[String], from: &str) -> String {
    format!(
        "SELECT count(*) AS rows, \
                coalesce(sum(hashtextextended(r COLLATE \"C\", 1)), 0)::text AS one, \
                coalesce(sum(hashtextextended(r COLLATE \"C\", 2)), 0)::text AS two \
         FROM (SELECT ROW({})::text AS r FROM {from}) AS rows",
        values.join(", ")
    )
}
