//! Makes what a new file consists of besides rows: tables before them; indexes, views, triggers and
//! full-text indexes after.

use super::{SqliteTarget, Staged, compare, found, go_on, objects, settings, staged, staged_ref};
use crate::engine::sqlite::name;
use crate::engine::sqlite::target::authorizer::{Kind, known_module};
use crate::engine::sqlite::target::compare::LeftOut;
use crate::engine::sqlite::target::failure::fault;
use crate::engine::sqlite::target::objects::Object;
use crate::engine::sqlite::target::settings::run;
use crate::fault::{Code, Fault, Result};
use crate::model::schema::{Schema, Table, TableKind, VirtualContent};
use crate::progress::Watch;
use crate::report::{Finding, Severity};

impl SqliteTarget {
    pub(super) fn try_build(&mut self, watch: &dyn Watch) -> Result<()> {
        self.make_indexes(watch)?;
        let staged = staged(&mut self.staged)?;
        settings::sequences(&staged.connection, &self.schema)?;
        self.make_views_and_triggers(watch)?;
        self.rebuild(watch)?;
        let staged = staged_ref(self.staged.as_ref())?;
        let facts = &self.schema.facts;
        let what = "cannot finish the new file";
        let settings = format!(
            "PRAGMA main.user_version = {}; PRAGMA main.application_id = {};",
            facts.user_version, facts.application_id
        );
        run(&staged.connection, &settings, what)?;
        run(&staged.connection, "COMMIT", what)?;
        if facts.analyzed {
            run(&staged.connection, "ANALYZE main", what)?;
        }
        let found = found(&staged.connection)?;
        let notes = compare::all(&self.wanted(), &found, &self.left_out)?;
        self.findings.extend(notes);
        self.made = found;
        Ok(())
    }

    /// The archive's schema without what was not asked for.
    fn wanted(&self) -> Schema {
        let mut wanted = self.schema.clone();
        if !self.options.views {
            wanted.views.clear();
        }
        if !self.options.triggers {
            wanted.triggers.clear();
        }
        wanted
    }

    fn make_indexes(&mut self, watch: &dyn Watch) -> Result<()> {
        let staged = staged(&mut self.staged)?;
        for table in &self.schema.tables {
            for index in &table.indexes {
                go_on(watch)?;
                let object = Object {
                    kind: Kind::Index,
                    name: &index.name,
                    owner: &table.name,
                    sql: &index.sql,
                };
                if let Some(finding) = try_make(staged, &object)? {
                    self.left_out.object(&index.name);
                    self.findings.push(finding);
                }
            }
        }
        Ok(())
    }

    fn make_views_and_triggers(&mut self, watch: &dyn Watch) -> Result<()> {
        let staged = staged(&mut self.staged)?;
        let wanted = |make: bool, count: usize| if make { count } else { 0 };
        let views = wanted(self.options.views, self.schema.views.len());
        for view in self.schema.views.iter().take(views) {
            go_on(watch)?;
            let object = Object {
                kind: Kind::View,
                name: &view.name,
                owner: "",
                sql: &view.sql,
            };
            if let Some(finding) = try_make(staged, &object)? {
                self.left_out.object(&view.name);
                self.findings.push(finding);
            }
        }
        let triggers = wanted(self.options.triggers, self.schema.triggers.len());
        for trigger in self.schema.triggers.iter().take(triggers) {
            go_on(watch)?;
            let object = Object {
                kind: Kind::Trigger,
                name: &trigger.name,
                owner: &trigger.table,
                sql: &trigger.sql,
            };
            if let Some(finding) = try_make(staged, &object)? {
                self.left_out.trigger(&trigger.name);
                self.findings.push(finding);
            }
        }
        Ok(())
    }

    /// Full-text indexes over other tables are made anew from these.
    fn rebuild(&mut self, watch: &dyn Watch) -> Result<()> {
        let staged = staged(&mut self.staged)?;
        for table in &self.schema.tables {
            let rebuilt = matches!(
                table.kind,
                TableKind::Virtual {
                    content: VirtualContent::Rebuilt,
                    ..
                }
            );
            if !rebuilt || self.left_out.has_object(&table.name) {
                continue;
            }
            go_on(watch)?;
            let quoted = name::quote(&table.name);
            let sql = format!("INSERT INTO main.{quoted} ({quoted}) VALUES ('rebuild')");
            if let Err(error) = staged.connection.execute_batch(&sql) {
                let fault = fault(error, "full-text index cannot be rebuilt");
                let fault = fault.in_table(&table.name);
                if fault.code() == Code::Interrupted {
                    return Err(fault);
                }
                let mut finding = Finding::from_fault(&fault);
                finding.code = Code::StructureWeakened;
                finding.severity = Severity::Warning;
                self.findings.push(finding);
            }
        }
        Ok(())
    }
}

/// Makes a table, or leaves out one that has no rows and cannot be made.
pub(super) fn make_table(
    staged: &mut Staged,
    table: &Table,
    left_out: &mut LeftOut,
    findings: &mut Vec<Finding>,
) -> Result<()> {
    let (kind, module, needed) = match &table.kind {
        TableKind::Rowid | TableKind::WithoutRowid => (Kind::Table, "", true),
        TableKind::Virtual { module, content } => (
            Kind::VirtualTable,
            module.as_str(),
            *content == VirtualContent::Rows,
        ),
    };
    let object = Object {
        kind,
        name: &table.name,
        owner: module,
        sql: &table.sql,
    };
    let made = if kind == Kind::VirtualTable && !known_module(module) {
        let what = format!("module `{module}` is not one that an import uses");
        Err(Fault::new(Code::ObjectUnsupported, what).in_table(&table.name))
    } else {
        staged.maker.make(&staged.connection, &object)
    };
    match made {
        Err(fault) if fault.code() == Code::ObjectUnsupported && !needed => {
            left_out.object(&table.name);
            findings.push(objects::left_out(&fault, kind));
            Ok(())
        }
        Err(fault) => Err(fault),
        Ok(()) => {
            findings.extend(empty(table));
            Ok(())
        }
    }
}

/// Says that a virtual table was made, but that its content is not in the archive.
fn empty(table: &Table) -> Option<Finding> {
    let TableKind::Virtual {
        content: VirtualContent::Unavailable,
        ..
    } = table.kind
    else {
        return None;
    };
    let message = "virtual table is made empty: its content is not in the archive";
    let finding = Finding::new(Code::StructureWeakened, Severity::Warning, message);
    Some(finding.in_table(&table.name))
}

/// Makes an object; one that SQLite cannot make here is left out, which the finding says.
fn try_make(staged: &mut Staged, object: &Object<'_>) -> Result<Option<Finding>> {
    match staged.maker.make(&staged.connection, object) {
        Ok(()) => Ok(None),
        Err(fault) if fault.code() == Code::ObjectUnsupported => {
            Ok(Some(objects::left_out(&fault, object.kind)))
        }
        Err(fault) => Err(fault),
    }
}
