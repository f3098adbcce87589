//! Tables take the place of others of the same name, and what points at the old ones follows.
//!
//! Both a replacing import and an undo do this, in one transaction of theirs. Objects are known by
//! their identifiers in the catalogue; the names in the statements are the server's own, quoted by it.
//! Of a plan it knows what the new tables will have; it knows no ledger.

mod behind;
mod dependents;
mod lock;
mod survey;
mod views;

pub(super) use dependents::{Dependents, Statement};
pub(super) use lock::{Order, PAUSE, Wanted, pass_autovacuum};
pub(super) use survey::Survey;
pub(super) use views::unsuited_by_others;

use tokio_postgres::types::Oid;

use crate::engine::postgres::catalogue::right_missing;
use crate::engine::postgres::name::{identifier, literal, qualified};
use crate::engine::postgres::session::Session;
use crate::fault::Result;

/// A table, view, enumerated type, function or statistics object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    /// `table`, `view`, `type`, `function` or `statistics`.
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) oid: Oid,
}

impl Object {
    /// Whether it is a table or view.
    pub(super) fn is_relation(&self) -> bool {
        matches!(self.kind.as_str(), "table" | "view")
    }
}

/// The identifiers of relations, and of types.
pub(super) fn identifiers(objects: &[Object]) -> (Vec<Oid>, Vec<Oid>) {
    let pick = |take: &dyn Fn(&Object) -> bool| {
        let picked = objects.iter().filter(|object| take(object));
        picked.map(|object| object.oid).collect()
    };
    (
        pick(&Object::is_relation),
        pick(&|object| object.kind == "type"),
    )
}

/// Where an object is now.
#[derive(Debug)]
pub(super) struct Place {
    /// Its name and schema; nothing when it is gone.
    pub(super) found: Option<(String, String)>,
    /// Whether it is ours to move.
    pub(super) owned: bool,
    /// What moves it.
    pub(super) movement: Option<String>,
}

/// Where these objects are, and what moves each into `schema`.
pub(super) fn places(
    session: &mut Session,
    objects: &[Object],
    schema: &str,
) -> Result<Vec<Place>> {
    let kinds: Vec<&str> = objects.iter().map(|object| object.kind.as_str()).collect();
    let oids: Vec<Oid> = objects.iter().map(|object| object.oid).collect();
    let query = include_str!("../queries/swap_objects.sql");
    let rows = session.query(query, &[&kinds, &oids, &schema])?;
    let place = |row: &tokio_postgres::Row| {
        let home: Option<String> = row.get("home");
        Place {
            found: home.and_then(|home| Some((row.get::<_, Option<String>>("name")?, home))),
            owned: row.get("owned"),
            movement: row.get("move"),
        }
    };
    Ok(rows.iter().map(place).collect())
}

/// Moves these objects into `schema`; those that are gone stay so.
pub(super) fn movements(
    session: &mut Session,
    objects: &[Object],
    schema: &str,
) -> Result<Vec<Statement>> {
    let places = places(session, objects, schema)?;
    let moves = objects.iter().zip(places).filter_map(|(object, place)| {
        place.found?;
        Some(Statement {
            object: format!("{} `{}`", object.kind, object.name),
            table: object.is_relation().then(|| object.name.clone()),
            sql: place.movement?,
        })
    });
    Ok(moves.collect())
}

/// The rows of a table; nothing where row security hides some from this role. To read a table locks all
/// its indexes, too: these locks are not kept, those of thousands of tables would not find room.
pub(super) fn rows(session: &mut Session, schema: &str, table: &str) -> Result<Option<i64>> {
    if hides_rows(session, schema, table)? {
        return Ok(None);
    }
    let table = qualified(schema, table)?;
    let sql = format!("SELECT count(*) AS rows FROM ONLY {table}");
    let rows = session.aside(|session| session.query(&sql, &[]))?;
    Ok(rows.first().map(|row| row.get("rows")))
}

/// Whether row security applies to this role on a table: an owner is exempt unless it is forced.
pub(super) fn hides_rows(session: &mut Session, schema: &str, table: &str) -> Result<bool> {
    let query = "SELECT row_security_active(pg_class.oid) AS hides FROM pg_class \
                 JOIN pg_namespace ON pg_namespace.oid = relnamespace \
                 WHERE nspname = $1 AND relname = $2";
    let rows = session.query(query, &[&schema, &table])?;
    Ok(rows.first().is_some_and(|row| row.get("hides")))
}

/// What lifts forced row security from tables that come to `schema`, and what puts it back when they are
/// there: it would hide rows that foreign keys look for.
pub(super) fn unforced(
    session: &mut Session,
    objects: &[Object],
    schema: &str,
) -> Result<(Vec<Statement>, Vec<Statement>)> {
    let (relations, _) = identifiers(objects);
    let query = "SELECT relname::text AS name, \
                 format('ALTER TABLE %I.%I NO FORCE ROW LEVEL SECURITY', nspname, relname) AS lift, \
                 format('ALTER TABLE %I.%I FORCE ROW LEVEL SECURITY', $2::text, relname) AS force \
                 FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace \
                 WHERE pg_class.oid = ANY ($1::oid[]) AND relforcerowsecurity ORDER BY 1";
    let rows = session.query(query, &[&relations, &schema])?;
    let statements = |column| {
        let all = rows.iter().map(|row| Statement {
            object: "row security".to_owned(),
            table: Some(row.get("name")),
            sql: row.get(column),
        });
        all.collect()
    };
    Ok((statements("lift"), statements("force")))
}

/// What makes the schema that keeps what `run` puts aside; its comment tells it as Waybill's own.
pub(super) fn create_backup(name: &str, run: &str) -> Result<Statement> {
    let (schema, mark) = (identifier(name)?, literal(&mark(run))?);
    Ok(Statement {
        object: format!("schema `{name}`"),
        table: None,
        sql: format!("CREATE SCHEMA {schema}; COMMENT ON SCHEMA {schema} IS {mark}"),
    })
}

/// Refuses a role that may not make such a schema.
pub(super) fn refuse_without_backup(session: &mut Session) -> Result<()> {
    let query = "SELECT has_database_privilege(current_database(), 'CREATE') AS may, \
                        current_database()::text AS database, current_user::text AS role";
    let rows = session.query(query, &[])?;
    let Some(row) = rows.first().filter(|row| !row.get::<_, bool>("may")) else {
        return Ok(());
    };
    let database: &str = row.get("database");
    let what =
        "the role may not create a schema in the database, and what is taken away is kept in one";
    let fault = right_missing(what, "CREATE ON DATABASE", (database, row.get("role")));
    Err(fault.on(format!("database {database}")))
}

/// The comment on the schema that keeps what a run has put aside.
pub(super) fn mark(run: &str) -> String {
    format!("Waybill keeps here what run {run} has put aside; waybill-import prune removes it")
}
