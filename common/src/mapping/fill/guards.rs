//! What of a table of the target would change rows on their way, or keep them out.

use crate::fault::Code;
use crate::mapping::existing::{Existing, ExistingTable};
use crate::report::{Finding, Severity};

/// Lists everything at once.
pub(super) fn table(target: &ExistingTable, existing: &Existing, findings: &mut Vec<Finding>) {
    let interferes = |message: String, hint: String| {
        Finding::new(Code::TargetInterferes, Severity::Error, message)
            .hint(hint)
            .in_table(&target.name)
    };
    if let Some(kind) = target.unsuited {
        let message = format!("it is a {kind} in the target, not a table");
        let hint = "leave it out with -T";
        findings.push(interferes(message, hint.to_owned()));
        return;
    }
    findings.extend(rights(target, existing));
    if target.has_rows == Some(true) {
        findings.push(not_empty(&target.name));
    }
    if target.row_security {
        let message = format!("row security applies to the role `{}`", existing.role);
        let hint = "connect as the owner of the table, or as a role with BYPASSRLS";
        findings.push(interferes(message, hint.to_owned()));
    }
    for rule in &target.rules {
        let message = format!("the rule `{rule}` rewrites INSERT");
        let hint = "drop the rule for the time of the import";
        findings.push(interferes(message, hint.to_owned()));
    }
    for trigger in &target.triggers {
        findings.push(if trigger.changes_rows {
            let message = format!(
                "the trigger `{}` runs before each row is stored, and may change or drop it",
                trigger.name
            );
            let hint = "switch the trigger off for the time of the import: ALTER TABLE … DISABLE TRIGGER …; nothing does that by itself";
            interferes(message, hint.to_owned())
        } else {
            let message = format!(
                "the trigger `{}` will run; what it does to the imported rows is checked, what it does elsewhere is not",
                trigger.name
            );
            Finding::new(Code::TargetInterferes, Severity::Note, message)
                .hint("switch the trigger off for the time of the import if it must not run")
                .in_table(&target.name)
        });
    }
}

/// Settings under which the target would take rows that break its foreign keys.
pub(super) fn role(existing: &Existing) -> Option<Finding> {
    let message = format!(
        "`session_replication_role` is `replica` for the role `{}`: foreign keys and triggers of the target would be passed over",
        existing.role
    );
    existing.replica.then(|| {
        Finding::new(Code::TargetInterferes, Severity::Error, message)
            .hint("connect as a role without this setting, or take it back: ALTER ROLE … or ALTER DATABASE … RESET session_replication_role")
    })
}

/// The table holds rows already.
#[must_use]
pub fn not_empty(table: &str) -> Finding {
    let message = "the table of the target is not empty";
    Finding::new(Code::TargetNotEmpty, Severity::Error, message).in_table(table)
}

fn rights(target: &ExistingTable, existing: &Existing) -> Option<Finding> {
    if target.rights_missing.is_empty() {
        return None;
    }
    let rights = target.rights_missing.join(", ");
    let message = format!("the role lacks rights on the table: {rights}");
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let hint = format!(
        "GRANT {rights} ON {}.{} TO {}",
        quoted(&existing.schema),
        quoted(&target.name),
        quoted(&existing.role)
    );
    let finding = Finding::new(Code::RightMissing, Severity::Error, message);
    Some(finding.hint(hint).in_table(&target.name))
}
