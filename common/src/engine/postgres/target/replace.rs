//! What a switch does more where old tables are put aside: they go to a backup schema of the run, and
//! what was granted on them and what points at them comes to the new ones.

use tokio_postgres::Row;
use tokio_postgres::types::Oid;

use crate::engine::postgres::definition::{Follower, followed};
use crate::engine::postgres::images::BACKUP;
use crate::engine::postgres::ledger::{Held, Role, follow, hold, keep};
use crate::engine::postgres::session::Session;
use crate::engine::postgres::swap::{self, Object, Statement, Survey, Wanted};
use crate::fault::Result;

use super::run::transaction;
use super::switch::Move;

/// The old tables are out of the way; what is done when the new ones are in place.
pub(super) struct Replacing {
    aside: Vec<Object>,
    after: Vec<Statement>,
    /// How what follows was defined.
    found: Vec<(Follower, String)>,
    /// The schema that has them.
    backup: String,
}

/// Makes autovacuum let go of the tables that will be put aside.
pub(super) fn prepare(moving: &Move<'_>, session: &mut Session) -> Result<()> {
    let survey = transaction(session, moving.begin, |session| {
        Survey::read(session, moving.target, &moving.job.plan)
    })?;
    let locked = survey.locked(&moving.job.target_schema)?;
    swap::pass_autovacuum(session, moving.begin, &locked)
}

impl Replacing {
    /// Locks the old tables and all that points at them, and puts the tables aside.
    pub(super) fn begin(
        moving: &Move<'_>,
        session: &mut Session,
        staging: Oid,
    ) -> Result<Replacing> {
        let (job, plan) = (moving.job, &moving.job.plan);
        let survey = Survey::read(session, moving.target, plan)?;
        let (relations, _) = swap::identifiers(&survey.aside);
        moving.refuse_users(session, &relations, false)?;
        let wanted = Wanted {
            tables: &survey.locked(&job.target_schema)?,
            views: &survey.views(),
            mode: "ACCESS EXCLUSIVE",
        };
        moving.order.attempt(session, &wanted)?;
        // What has come to depend on them meanwhile counts.
        let survey = Survey::read(session, moving.target, plan)?;
        moving.refuse_users(session, &relations, true)?;
        survey.refuse()?;
        let backup = format!("{BACKUP}{}", job.id);
        let (carried, last) = survey.carried(session, staging, plan.operator.owner.is_none())?;
        let mut replacing = Replacing {
            after: carried,
            aside: Vec::new(),
            found: Vec::new(),
            backup,
        };
        if survey.aside.is_empty() {
            return Ok(replacing);
        }
        let dependents = &survey.dependents;
        let following = dependents.follow(session, &job.target_schema, &[])?;
        let made = swap::create_backup(&replacing.backup, &job.id)?;
        let moves = swap::movements(session, &survey.aside, &replacing.backup)?;
        for statement in following.before.iter().chain([&made]).chain(&moves) {
            statement.run(session)?;
        }
        replacing.after.extend(following.after);
        replacing.found = following.found;
        replacing.after.extend(last);
        replacing.aside = survey.aside;
        Ok(replacing)
    }

    /// Gives the new tables, which are in place, what the old ones had.
    pub(super) fn finish(&self, moving: &Move<'_>, session: &mut Session) -> Result<()> {
        let with_owner = moving.job.plan.operator.owner.is_none();
        for statement in Survey::succeeded(session, &self.aside, moving.target, with_owner)? {
            statement.run(session)?;
        }
        self.after
            .iter()
            .try_for_each(|statement| statement.run(session))
    }
}

/// What has been staged, but views.
pub(super) fn staged(session: &mut Session, staging: Oid) -> Result<Vec<Object>> {
    let rows = session.query(include_str!("../queries/swap_staged.sql"), &[&staging])?;
    Ok(rows.iter().map(object).collect())
}

/// What has been brought by a run that has staged in a schema not its own, but views; all is in its place.
pub(super) fn lodged(moving: &Move<'_>, session: &mut Session) -> Result<Vec<Object>> {
    let plan = &moving.job.plan;
    let tables: Vec<_> = plan.tables.iter().map(|one| one.name.as_str()).collect();
    let types: Vec<_> = plan.enums.iter().map(|one| one.name.as_str()).collect();
    let added = || plan.tables.iter().map(|table| &table.added);
    let functions = added().filter_map(|added| added.updated_at.as_ref());
    let functions: Vec<_> = functions.map(|one| one.name.as_str()).collect();
    let statistics = added().flat_map(|added| &added.statistics);
    let statistics: Vec<_> = statistics.map(|one| one.name.as_str()).collect();
    let query = include_str!("../queries/lodged_objects.sql");
    let rows = session.query(
        query,
        &[&moving.target, &tables, &types, &functions, &statistics],
    )?;
    Ok(rows.iter().map(object).collect())
}

fn object(row: &Row) -> Object {
    Object {
        kind: row.get("kind"),
        name: row.get("name"),
        oid: row.get("oid"),
    }
}

/// The views of the plan that are there.
pub(super) fn views(moving: &Move<'_>, session: &mut Session) -> Result<Vec<Object>> {
    let views = moving.job.plan.views.iter();
    let names: Vec<_> = views.map(|view| view.name.as_str()).collect();
    let query = include_str!("../queries/views_of.sql");
    let rows = session.query(query, &[&moving.target, &names])?;
    let object = |row: &tokio_postgres::Row| Object {
        kind: "view".to_owned(),
        name: row.get("name"),
        oid: row.get("oid"),
    };
    Ok(rows.iter().map(object).collect())
}

/// The statistics objects of tables in their place that the old ones had, too.
pub(super) fn statistics(session: &mut Session, brought: &[Object]) -> Result<Vec<Object>> {
    let (relations, _) = swap::identifiers(brought);
    let known: Vec<Oid> = brought.iter().map(|object| object.oid).collect();
    let query = "SELECT 'statistics' AS kind, stxname::text AS name, oid FROM pg_statistic_ext \
                 WHERE stxrelid = ANY ($1::oid[]) AND oid <> ALL ($2::oid[]) ORDER BY stxname";
    let rows = session.query(query, &[&relations, &known])?;
    Ok(rows.iter().map(object).collect())
}

/// Writes into the ledger what the run has brought and put aside.
pub(super) fn record(
    moving: &Move<'_>,
    session: &mut Session,
    brought: Vec<Object>,
    replacing: Option<Replacing>,
) -> Result<()> {
    let held = |role| {
        move |object: Object| Held {
            role,
            kind: object.kind,
            name: object.name,
            oid: object.oid,
            rows: None,
            since: None,
        }
    };
    let (ledger, run) = (&moving.steps.ledger, moving.steps.run.as_str());
    let mut all: Vec<_> = brought.into_iter().map(held(Role::Brought)).collect();
    if let Some(replacing) = replacing.filter(|replacing| !replacing.aside.is_empty()) {
        keep(session, ledger, run, Some(&replacing.backup))?;
        let followed = followed(session, &moving.job.target_schema, &replacing.found)?;
        follow(session, ledger, run, &followed)?;
        all.extend(replacing.aside.into_iter().map(held(Role::Kept)));
    }
    hold(session, ledger, run, &all, true)
}
