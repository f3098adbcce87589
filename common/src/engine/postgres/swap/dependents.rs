//! What outside of some tables points at them: foreign keys and views follow to others of the same
//! name, anything else is named.

use tokio_postgres::Row;
use tokio_postgres::types::Oid;

use super::Object;
use super::identifiers;
use crate::engine::postgres::definition::{Followed, Follower, definitions, given};
use crate::engine::postgres::session::{ServerMessage, Session};
use crate::fault::{Code, Fault, Result};

/// A statement about an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Statement {
    /// What it is about, for people.
    pub(in super::super) object: String,
    /// The table that this object belongs to.
    pub(in super::super) table: Option<String>,
    pub(in super::super) sql: String,
}

impl Statement {
    /// Runs it. Where the server does not take it, the fault names the object.
    pub(in super::super) fn run(&self, session: &mut Session) -> Result<()> {
        session
            .execute(&self.sql)
            .map_err(|fault| match &self.table {
                Some(table) => self.refusal(fault).in_table(table),
                None => self.refusal(fault),
            })
    }

    fn refusal(&self, fault: Fault) -> Fault {
        let message = std::error::Error::source(&fault).and_then(|cause| cause.downcast_ref());
        let Some(message): Option<&ServerMessage> = message else {
            return fault;
        };
        let class = message.sqlstate.get(..2);
        let is_about_it = matches!(class, Some("0A" | "22" | "23" | "2B" | "42" | "54"))
            && !matches!(fault.code(), Code::RightMissing | Code::TargetExists);
        if !is_about_it {
            return fault;
        }
        let what = format!(
            "{} cannot follow to the tables that take the place of the old ones",
            self.object
        );
        Fault::new(Code::TargetDependent, what).because(message.clone())
    }
}

/// Something outside that points at one of the tables.
#[derive(Debug)]
pub(in super::super) struct Dependent {
    /// As the server describes it.
    pub(in super::super) described: String,
    pub(in super::super) oid: Oid,
    /// Whether it is ours to change.
    pub(in super::super) owned: bool,
    /// The right on its schema without which it cannot be changed.
    pub(in super::super) lacks: Option<String>,
    /// For a foreign key: its table, quoted; what it refers to, and by which columns in order of name.
    pub(in super::super) child: String,
    pub(in super::super) parent: Option<String>,
    pub(in super::super) parent_columns: Vec<String>,
}

/// The place of a table in a publication that names it.
#[derive(Debug)]
pub(in super::super) struct Membership {
    /// The publication, as the server describes it.
    pub(in super::super) described: String,
    pub(in super::super) owner: String,
    /// Whether it is ours to change.
    pub(in super::super) owned: bool,
    pub(in super::super) table: String,
    oid: Oid,
    before: String,
    after: String,
}

/// What is done to what follows.
#[derive(Debug)]
pub(in super::super) struct Following {
    /// Before others take the place of the tables.
    pub(in super::super) before: Vec<Statement>,
    /// After it.
    pub(in super::super) after: Vec<Statement>,
    /// The definitions that are there before.
    pub(in super::super) found: Vec<(Follower, String)>,
}

/// Everything outside that points at some tables.
#[derive(Debug, Default)]
pub(in super::super) struct Dependents {
    pub(in super::super) foreign_keys: Vec<Dependent>,
    pub(in super::super) views: Vec<Dependent>,
    pub(in super::super) publications: Vec<Membership>,
    /// What cannot be pointed at anything else.
    pub(in super::super) others: Vec<Dependent>,
}

impl Dependents {
    /// Reads the catalogue, within a transaction.
    pub(in super::super) fn read(session: &mut Session, objects: &[Object]) -> Result<Dependents> {
        let (relations, types) = identifiers(objects);
        let query = include_str!("../queries/swap_dependents.sql");
        let mut all = Dependents::default();
        for row in session.query(query, &[&relations, &types])? {
            match row.get("kind") {
                "foreign key" => all.foreign_keys.push(dependent(&row)),
                "view" => all.views.push(dependent(&row)),
                _ => all.others.push(dependent(&row)),
            }
        }
        all.views.dedup_by_key(|view| view.oid);
        let query = include_str!("../queries/swap_publications.sql");
        let rows = session.query(query, &[&relations])?;
        all.publications = rows.iter().map(membership).collect();
        Ok(all)
    }

    /// What is to be done before others in `schema` take the place of the tables, and after it; `known` are
    /// definitions that a run has found, and is taken back with.
    pub(in super::super) fn follow(
        &self,
        session: &mut Session,
        schema: &str,
        known: &[Followed],
    ) -> Result<Following> {
        let members = self.publications.iter().map(|member| Follower {
            kind: "publication".to_owned(),
            oid: member.oid,
            table: member.table.clone(),
        });
        let followers: Vec<_> = self.views().map(view).chain(members).collect();
        let found = definitions(session, schema, &followers)?;
        let found = followers.into_iter().zip(found);
        let found: Vec<_> = found.filter_map(|(of, text)| Some((of, text?))).collect();
        let definition = |oid: Oid, table: &str| {
            let same = |of: &Follower| of.oid == oid && of.table == table;
            let own = found.iter().find(|(of, _)| same(of));
            own.map(|(of, text)| given(known, of, text))
        };
        let mut following = self.repointed(session, &definition)?;
        for member in &self.publications {
            let statement = |sql: String| Statement {
                object: member.described.clone(),
                table: Some(member.table.clone()),
                sql,
            };
            let filter = definition(member.oid, &member.table);
            let filter = filter.map(|filter| format!(" WHERE ({filter})"));
            following.before.push(statement(member.before.clone()));
            let after = format!("{}{}", member.after, filter.unwrap_or_default());
            following.after.push(statement(after));
        }
        following.found = found;
        Ok(following)
    }

    /// The views that are defined as the run of `known` has left them.
    pub(in super::super) fn unchanged(
        &self,
        session: &mut Session,
        schema: &str,
        known: &[Followed],
    ) -> Result<Vec<Oid>> {
        let followers: Vec<_> = self.views().map(view).collect();
        let found = definitions(session, schema, &followers)?;
        let same = followers.iter().zip(found).filter(|(of, text)| {
            let mut known = known.iter();
            known.any(|one| one.of == **of && Some(&one.left) == text.as_ref())
        });
        Ok(same.map(|(of, _)| of.oid).collect())
    }

    /// What is done to views and foreign keys.
    fn repointed(
        &self,
        session: &mut Session,
        definition: &dyn Fn(Oid, &str) -> Option<String>,
    ) -> Result<Following> {
        let oids = |all: &[Dependent]| all.iter().map(|one| one.oid).collect::<Vec<_>>();
        let query = include_str!("../queries/swap_repoint.sql");
        let rows = session.query(query, &[&oids(&self.views), &oids(&self.foreign_keys)])?;
        let statement = |row: &Row, sql: String| Statement {
            object: row.get("object"),
            table: Some(row.get("name")),
            sql,
        };
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for row in &rows {
            let first: Option<String> = row.get("before");
            before.extend(first.map(|sql| statement(row, sql)));
            let mut sql: String = row.get("after");
            if let Some(view) = row.get("oid") {
                sql.push_str(&definition(view, "").unwrap_or_default());
            }
            after.push(statement(row, sql));
        }
        Ok(Following {
            before,
            after,
            found: Vec::new(),
        })
    }

    /// The views that follow.
    pub(in super::super) fn views(&self) -> impl Iterator<Item = Oid> + '_ {
        self.views.iter().map(|view| view.oid)
    }

    /// Rights without which what is ours cannot be changed.
    pub(in super::super) fn lacking(&self) -> impl Iterator<Item = Fault> + '_ {
        let all = self.views.iter().chain(&self.foreign_keys);
        all.filter(|one| one.owned).filter_map(|one| {
            let right = one.lacks.as_ref()?;
            let what = format!(
                "{} is made anew, and the role may not do that in its schema",
                one.described
            );
            let fault = Fault::new(Code::RightMissing, what).on(&one.described);
            Some(fault.hint(format!("GRANT {right} TO the role that connects")))
        })
    }

    /// The tables with foreign keys that follow, as SQL names them.
    pub(in super::super) fn children(&self) -> impl Iterator<Item = String> + '_ {
        self.foreign_keys.iter().map(|key| key.child.clone())
    }
}

fn view(oid: Oid) -> Follower {
    Follower {
        kind: "view".to_owned(),
        oid,
        table: String::new(),
    }
}

fn membership(row: &Row) -> Membership {
    Membership {
        oid: row.get("oid"),
        described: row.get("described"),
        owner: row.get("owner"),
        owned: row.get("owned"),
        table: row.get("name"),
        before: row.get("before"),
        after: row.get("after"),
    }
}

fn dependent(row: &Row) -> Dependent {
    Dependent {
        described: row.get("described"),
        oid: row.get("oid"),
        owned: row.get("owned"),
        lacks: row.get("lacks"),
        child: row.get("child_name"),
        parent: row.get("parent"),
        parent_columns: row.get("parent_columns"),
    }
}
