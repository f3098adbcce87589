//! The columns of a table as expressions meet them: SQLite's meaning, PostgreSQL's type.

use crate::mapping::draft::{Draft, Stored};
use crate::mapping::expression::{Class, Collation, Expression, Scope, ScopeColumn, Typed};
use crate::mapping::plan::PgType;
use crate::model::schema::Affinity;
use crate::profile::evidence::Form;

/// Longest moment of no more than milliseconds, in bytes.
const MILLISECONDS: u64 = 23;

/// The columns that expressions of a table may name. Where `inline`, a computed column is named by
/// what it is computed from: PostgreSQL lets no computed column refer to another.
pub(super) fn scope(draft: &Draft<'_>, inline: bool) -> Scope {
    let columns = draft.table.columns.iter().map(|column| {
        let position = draft.position(&column.name);
        let stored = position.map(|position| &draft.columns[position]);
        match stored.filter(|_| !column.hidden) {
            Some(stored) => of_column(&draft.table.name, stored, inline),
            None => ScopeColumn {
                table: draft.table.name.clone(),
                name: column.name.clone(),
                typed: Typed::new(Expression::null(PgType::Text), Class::Opaque),
                reason: "is left out".to_owned(),
                unusable: true,
                shadowed: false,
                hidden: column.hidden,
            },
        }
    });
    Scope {
        columns: columns.collect(),
    }
}

fn of_column(table: &str, stored: &Stored<'_>, inline: bool) -> ScopeColumn {
    let (class, reason) = match &stored.computed {
        Some(computed) => (computed.class(), String::new()),
        None => class(stored),
    };
    let mut tree = Expression::Column(stored.name.clone());
    let mut unusable = false;
    if let Some(computed) = stored.computed.as_ref().filter(|_| inline) {
        match computed.tree() {
            Some(own) => tree = own.clone(),
            None => unusable = true,
        }
    }
    let mut typed = Typed::new(tree, class);
    typed.affinity = Some(stored.column.affinity);
    typed.collation = Some((Collation::named(&stored.column.collation), false));
    typed.bytewise = class == Class::Text && !(inline && stored.computed.is_some());
    ScopeColumn {
        table: table.to_owned(),
        name: stored.column.name.clone(),
        typed,
        reason: if unusable {
            "is computed and not translated".to_owned()
        } else {
            reason
        },
        unusable,
        shadowed: false,
        hidden: false,
    }
}

/// Whether the operator asks for a type in which values are not what they are in SQLite.
fn is_reread(stored: &Stored<'_>) -> bool {
    let evidence = stored.evidence;
    let all = |form| evidence.count(form) == evidence.texts;
    let numbers = evidence.integers + evidence.reals > 0;
    stored.asked.is_some_and(|asked| match asked {
        PgType::Bigint | PgType::Boolean => evidence.texts + evidence.reals > 0,
        PgType::Double | PgType::Numeric => evidence.texts > 0,
        PgType::Date => numbers || !all(Form::Date),
        PgType::Timestamp => numbers || !all(Form::Timestamp),
        PgType::Uuid => numbers || !all(Form::Uuid),
        _ => false,
    })
}

/// What a column's values are, and why they are of no use where they are not.
fn class(stored: &Stored<'_>) -> (Class, String) {
    let evidence = stored.evidence;
    let opaque = |why: &str| {
        let reason = format!("becomes {}, which {why}", stored.target.name());
        (Class::Opaque, reason)
    };
    if stored.conversion.is_some() || is_reread(stored) {
        return opaque("holds other values than the source");
    }
    let class = match stored.target {
        PgType::Bigint => Class::Int,
        PgType::Boolean => Class::Bool,
        PgType::Double if stored.column.affinity == Affinity::Real => Class::Real,
        PgType::Double => Class::Float,
        PgType::Numeric => Class::Number,
        PgType::Text if evidence.integers + evidence.reals > 0 => {
            return (
                Class::Opaque,
                "holds numbers beside texts, which are all texts in PostgreSQL".to_owned(),
            );
        }
        PgType::Text => Class::Text,
        PgType::Bytea => Class::Blob,
        PgType::Date => Class::Date,
        PgType::Timestamp if evidence.count(Form::PlainTime) == evidence.texts => Class::Timestamp,
        PgType::Timestamp if evidence.longest_text <= MILLISECONDS => Class::Moment,
        PgType::Timestamp => return opaque("does not keep how a fraction is written"),
        PgType::Uuid if evidence.count(Form::UuidUpper) == 0 => Class::Uuid,
        PgType::Uuid => return opaque("does not keep capital digits"),
        PgType::Jsonb => Class::Json,
        PgType::Timestamptz => return opaque("does not keep the offset as it is written"),
        _ => return opaque("has no translation in expressions"),
    };
    (class, String::new())
}
