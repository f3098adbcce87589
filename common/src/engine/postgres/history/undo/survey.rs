//! What an undo exchanges, and whether it can: all that it moves must be in its place, and what points at a
//! table that goes must suit another one that comes.

use super::Undo;
use crate::engine::postgres::history::objects;
use crate::engine::postgres::ledger::Role;
use crate::engine::postgres::session::Session;
use crate::engine::postgres::swap::{self, Dependents, Object};
use crate::fault::{Code, Fault, Result};

impl Undo {
    /// What the run has brought that is still there, and what comes back: all must be in its place.
    pub(super) fn survey(&self, session: &mut Session) -> Result<(Vec<Object>, Vec<Object>)> {
        let target = self.past.target_schema.as_str();
        let mut out = objects(&self.held, Role::Brought);
        let places = swap::places(session, &out, target)?;
        let elsewhere = |object: &Object, what: &str| {
            let what = format!("the {} is no longer where the run has put it", object.kind) + what;
            let fault = Fault::new(Code::RunMissing, what).in_table(&object.name);
            fault.hint("undo the runs after it first; `waybill-import status TARGET` lists them")
        };
        let mut there = Vec::new();
        for (object, place) in out.iter().zip(&places) {
            match &place.found {
                // Its view may go with a table, and is no loss beside that.
                None => {}
                Some((name, home)) if (name, home.as_str()) == (&object.name, target) => {
                    if !place.owned {
                        return Err(not_ours(object));
                    }
                    there.push(object.oid);
                }
                Some((name, home)) => {
                    return Err(elsewhere(object, &format!(": it is {home}.{name} now")));
                }
            }
        }
        out.retain(|object| there.contains(&object.oid));
        let back = objects(&self.held, Role::Kept);
        let backup = self.past.backup.as_deref().unwrap_or_default();
        let places = swap::places(session, &back, backup)?;
        for (object, place) in back.iter().zip(&places) {
            match &place.found {
                Some((name, home)) if (name, home.as_str()) == (&object.name, backup) => {}
                _ => return Err(elsewhere(object, ", its backup")),
            }
        }
        Self::refuse_dependents(session, &out, &back)?;
        swap::refuse_without_backup(session)?;
        Ok((out, back))
    }

    /// Refuses a view that the tables which come back do not suit, which only the undo would tell otherwise:
    /// one that was made or changed since the run.
    pub(super) fn try_views(&self, session: &mut Session) -> Result<()> {
        let (out, back) = self.survey(session)?;
        let dependents = Self::refuse_dependents(session, &out, &back)?;
        let (target, backup) = (&self.past.target_schema, &self.past.backup);
        let Some(backup) = backup else {
            return Ok(());
        };
        let known = dependents.unchanged(session, target, &self.followed)?;
        let views = dependents.views.iter();
        let views: Vec<_> = views.filter(|view| !known.contains(&view.oid)).collect();
        let is_back = |object: &&Object| back.iter().any(|one| one.name == object.name);
        let tables = out.iter().filter(|object| object.kind == "table");
        let tables: Vec<_> = tables
            .filter(is_back)
            .map(|one| one.name.as_str())
            .collect();
        let unfit = swap::unsuited_by_others(session, (target, backup), &tables, &views)?;
        let Some((view, message)) = unfit else {
            return Ok(());
        };
        let fault = Fault::new(Code::TargetDependent, message).on(view);
        Err(fault.hint("drop the view, and make it again after the undo"))
    }

    /// What points at a table that goes must find another one that comes.
    pub(super) fn refuse_dependents(
        session: &mut Session,
        out: &[Object],
        back: &[Object],
    ) -> Result<Dependents> {
        let mut dependents = Dependents::read(session, out)?;
        // What nothing takes the place of stays published where it goes.
        let publications = &mut dependents.publications;
        publications.retain(|member| back.iter().any(|object| object.name == member.table));
        let refusal = |object: &str, what: String| {
            let fault = Fault::new(Code::TargetDependent, what).on(object);
            Err(fault.hint("drop it, and make it again after the undo"))
        };
        if let Some(other) = dependents.others.first() {
            let what = format!("{} depends on what the run has brought", other.described);
            return refusal(&other.described, what);
        }
        if let Some(member) = dependents.publications.iter().find(|one| !one.owned) {
            let what = format!(
                "{} belongs to `{}`, and cannot be changed",
                member.described, member.owner
            );
            return refusal(&member.described, what);
        }
        if let Some(fault) = dependents.lacking().next() {
            return Err(fault);
        }
        let pointing = dependents.views.iter().chain(&dependents.foreign_keys);
        for one in pointing {
            let parent = one.parent.as_deref();
            let has_other = match parent {
                Some(parent) => back.iter().any(|object| object.name == parent),
                None => !back.is_empty(),
            };
            if !has_other || !one.owned {
                let what = if one.owned {
                    format!(
                        "{} reads what the run has brought, and nothing takes its place",
                        one.described
                    )
                } else {
                    format!(
                        "{} belongs to another role, and cannot be changed",
                        one.described
                    )
                };
                return refusal(parent.unwrap_or(&one.described), what);
            }
        }
        Ok(dependents)
    }
}

fn not_ours(object: &Object) -> Fault {
    let what = format!("the {} belongs to another role", object.kind);
    Fault::new(Code::RightMissing, what).in_table(&object.name)
}
