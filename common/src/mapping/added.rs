//! What the mapping file adds to a plan: columns, indexes, statistics, triggers, rights, SQL files.

use crate::fault::Code;
use crate::mapping::Mapping;
use crate::mapping::draft::{Draft, Source};
use crate::mapping::file::{AddedColumn, Grant, IndexRule, Placed, StatisticsRule, TableRule};
use crate::mapping::mapped;
use crate::mapping::names::Taken;
use crate::mapping::operator::{
    AddedIndex, AddedStatistics, GrantPlan, IndexedBy, OperatorPlan, OperatorSql, UpdatedAt,
};
use crate::mapping::plan::{ColumnPlan, DefaultPlan, EnumPlan, KeyPlan, Origin, PgType, TablePlan};
use crate::mapping::typename;
use crate::report::{Finding, Severity};

/// The enumerated types that columns may have, in the order of their names.
pub(super) fn enums(source: &Source<'_>) -> Vec<EnumPlan> {
    let enums = source
        .mapping
        .iter()
        .flat_map(|mapping| &mapping.file.document.enums);
    let plan = enums.map(|(name, labels)| EnumPlan {
        name: name.get_ref().clone(),
        labels: labels.iter().map(|label| label.get_ref().clone()).collect(),
    });
    plan.collect()
}

/// What belongs to no table.
pub(super) fn to_plan(source: &Source<'_>, tables: &[TablePlan]) -> OperatorPlan {
    let Some(Mapping {
        file,
        before,
        after,
    }) = source.mapping
    else {
        return OperatorPlan::default();
    };
    let document = &file.document;
    let owned = |names: &[Placed]| names.iter().map(|name| name.get_ref().clone()).collect();
    OperatorPlan {
        extensions: owned(&document.extensions),
        create_extensions: document
            .create_extensions
            .as_ref()
            .is_some_and(|create| *create.get_ref()),
        owner: document.owner.as_ref().map(|owner| owner.get_ref().clone()),
        grants: document
            .grants
            .iter()
            .map(|grant| GrantPlan {
                privileges: privileges(grant),
                to: owned(&grant.to),
                tables: granted(source, grant, tables),
            })
            .collect(),
        before: before.clone(),
        after: after.clone(),
    }
}

fn privileges(grant: &Grant) -> Vec<String> {
    let words = grant.privileges.iter();
    words
        .map(|word| word.get_ref().to_ascii_uppercase())
        .collect()
}

/// The tables of a grant; one that is not imported this time gets nothing.
fn granted(source: &Source<'_>, grant: &Grant, tables: &[TablePlan]) -> Vec<usize> {
    let named = |table: &TablePlan| match &grant.tables {
        None => true,
        Some(names) => {
            let name = &source.schema.tables[table.source].name;
            names.iter().any(|granted| granted.get_ref() == name)
        }
    };
    let tables = tables.iter().enumerate();
    tables
        .filter(|(_, table)| named(table))
        .map(|(position, _)| position)
        .collect()
}

/// Gives the tables what the file adds to them.
pub(super) fn to_tables(
    source: &Source<'_>,
    drafts: &[Draft<'_>],
    tables: &mut [TablePlan],
    findings: &mut Vec<Finding>,
) {
    if source.mapping.is_none() {
        return;
    }
    let mut relations = Taken::of(tables.iter().flat_map(relations));
    let mut statistics = Taken::default();
    for (draft, table) in drafts.iter().zip(tables) {
        let Some(rule) = draft.rule else { continue };
        let mut adding = Adding {
            source,
            draft,
            table,
            findings,
        };
        adding.columns(rule, &mut relations);
        let ordered = rule.order_by.iter().map(|name| adding.name(name));
        adding.table.added.order_by = ordered.collect();
        for index in &rule.indexes {
            adding.index(index, &mut relations);
        }
        for one in &rule.statistics {
            adding.statistics(one, &mut statistics);
        }
        if let Some(column) = &rule.updated_at {
            adding.updated_at(column);
        }
    }
}

/// The names of a table and its indexes.
fn relations(table: &TablePlan) -> Vec<String> {
    let keys = table.primary_key.iter().chain(&table.unique);
    let indexes = table.indexes.iter().map(|index| &index.name);
    let names = keys.map(|key| &key.name).chain(indexes);
    names.chain([&table.name]).cloned().collect()
}

/// One table to which something is added.
struct Adding<'a, 'd> {
    source: &'a Source<'d>,
    draft: &'a Draft<'d>,
    table: &'a mut TablePlan,
    findings: &'a mut Vec<Finding>,
}

impl Adding<'_, '_> {
    /// The name in the target of a column that the file names: added ones keep theirs.
    fn name(&self, name: &Placed) -> String {
        let mut columns = self.draft.columns.iter();
        let stored = columns.find(|stored| stored.column.name == *name.get_ref());
        stored.map_or_else(|| name.get_ref().clone(), |stored| stored.name.clone())
    }

    fn note(&mut self, what: &str) {
        let message = format!("{what} is added, as the mapping file says");
        let finding = Finding::new(Code::MappingApplied, Severity::Note, message);
        self.findings.push(finding.in_table(&self.draft.table.name));
    }

    fn refuse(&mut self, code: Code, column: &str, what: String) {
        let finding = Finding::new(code, Severity::Error, what)
            .in_table(&self.draft.table.name)
            .in_column(column)
            .hint("change it in the mapping file");
        self.findings.push(finding);
    }

    fn columns(&mut self, rule: &TableRule, relations: &mut Taken) {
        for added in &rule.add_columns {
            let name = added.name.get_ref();
            if self.table.columns.iter().any(|column| column.name == *name) {
                let what = format!("the added column `{name}` has the name of another one");
                self.refuse(Code::NameRefused, name, what);
                continue;
            }
            let planned = self.column(added);
            self.note(&format!("the column `{name}` ({})", planned.target.name()));
            self.table.columns.push(planned);
            if added.primary_key && self.table.primary_key.is_none() {
                self.table.primary_key = Some(KeyPlan {
                    name: relations.free(&self.table.name, "", "pkey"),
                    columns: vec![name.clone()],
                });
            }
        }
    }

    fn column(&mut self, added: &AddedColumn) -> ColumnPlan {
        let enums = self
            .source
            .mapping
            .iter()
            .flat_map(|m| mapped::enums(&m.file));
        let name = added.type_name.as_ref().map(Placed::get_ref);
        let target = name.map_or(Ok(PgType::Bigint), |name| {
            typename::parse(name, enums, self.source.server)
        });
        let target = target.unwrap_or_else(|why| {
            self.refuse(Code::ServerUnfit, added.name.get_ref(), why);
            PgType::Text
        });
        let default = added.default.as_ref();
        ColumnPlan {
            name: added.name.get_ref().clone(),
            origin: Origin::Added,
            target,
            asked: false,
            conversion: None,
            collation: None,
            not_null: added.not_null || added.primary_key || added.identity,
            default: default.map(|sql| DefaultPlan::Operator(OperatorSql(sql.get_ref().clone()))),
            // The rows take the first numbers as they come in.
            identity: added.identity.then_some(Some(1)),
            evidence: "added by the mapping file".to_owned(),
            rejected: Vec::new(),
            proposals: Vec::new(),
        }
    }

    fn index(&mut self, rule: &IndexRule, relations: &mut Taken) {
        let columns: Vec<String> = rule.columns.iter().map(|name| self.name(name)).collect();
        let given = rule.name.as_ref().map(Placed::get_ref);
        let name = match given {
            Some(name) if relations.insert(name) => name.clone(),
            Some(name) => {
                let what = format!("the name of the added index `{name}` is taken");
                self.refuse(Code::NameRefused, name, what);
                return;
            }
            None => relations.free(&self.table.name, &columns.join("_"), "idx"),
        };
        self.note(&format!("the index `{name}`"));
        let sql = |text: &Placed| OperatorSql(text.get_ref().clone());
        let on = match &rule.on {
            Some(on) => IndexedBy::Sql(sql(on)),
            None => IndexedBy::Columns(columns, rule.opclass.as_ref().map(sql)),
        };
        self.table.added.indexes.push(AddedIndex {
            name,
            unique: rule.unique,
            method: rule.method.as_ref().map(|method| method.get_ref().clone()),
            on,
            predicate: rule.predicate.as_ref().map(sql),
        });
    }

    fn statistics(&mut self, rule: &StatisticsRule, taken: &mut Taken) {
        let columns: Vec<String> = rule.columns.iter().map(|name| self.name(name)).collect();
        let name = match rule.name.as_ref().map(Placed::get_ref) {
            Some(name) if taken.insert(name) => name.clone(),
            Some(name) => {
                let what = format!("the name of the added statistics `{name}` is taken");
                self.refuse(Code::NameRefused, name, what);
                return;
            }
            None => taken.free(&self.table.name, &columns.join("_"), "stat"),
        };
        self.note(&format!("the statistics `{name}`"));
        self.table.added.statistics.push(AddedStatistics {
            name,
            columns,
            kinds: rule.kinds.clone(),
        });
    }

    fn updated_at(&mut self, column: &Placed) {
        let name = self.name(column);
        let planned = self.table.columns.iter().find(|column| column.name == name);
        let Some(target) = planned.map(|column| column.target) else {
            let what = "the column of `updated-at` is not imported".to_owned();
            self.refuse(Code::NameRefused, &name, what);
            return;
        };
        if !matches!(
            target,
            PgType::Timestamptz | PgType::Timestamp | PgType::Date
        ) {
            let what = format!(
                "`updated-at` needs a timestamptz, timestamp or date, and the column becomes {}",
                target.name()
            );
            self.refuse(Code::ServerUnfit, column.get_ref(), what);
            return;
        }
        let trigger = Taken::default().free(&self.table.name, &name, "touch");
        self.note(&format!("the trigger `{trigger}`"));
        self.table.added.updated_at = Some(UpdatedAt {
            column: name,
            name: trigger,
        });
    }
}
