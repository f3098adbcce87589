//! Every class of failure and finding is provoked by a test: by a quirk of the corpus, whose
//! expectations name it, or by the test that is named here.
//!
//! A test counts when its text, or that of a function of its file that it calls, names the code.

use crate::quirks;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use waybill_common::fault::Code;

/// Codes that no quirk provokes, and the file and function of a test that does.
const TESTS: [(&str, &str, &str); 61] = [
    (
        "space-missing",
        "tests/space.rs",
        "a_file_that_cannot_fit_on_its_disk_is_refused_and_a_tight_one_is_warned_of",
    ),
    (
        "merge-key-missing",
        "tests/merge/keys.rs",
        "a_table_without_a_key_to_find_rows_by_is_refused_before_the_first_write",
    ),
    (
        "target-in-use",
        "tests/postgres_target/sessions.rs",
        "nothing_is_written_while_somebody_uses_the_tables_and_none_may",
    ),
    (
        "merge-conflict",
        "tests/merge/policy.rs",
        "fail_names_the_rows_and_changes_nothing",
    ),
    (
        "target-differs",
        "tests/check_live/postgres.rs",
        "missing_tables_and_columns_are_told_and_additional_ones_are_not_compared",
    ),
    (
        "server-unfit",
        "common/src/mapping/tests/split.rs",
        "a_key_of_several_columns_is_in_every_piece_and_a_table_without_it_is_refused",
    ),
    (
        "usage",
        "tests/cli/usage.rs",
        "a_wrong_line_is_told_as_an_error_with_the_usage",
    ),
    (
        "locator",
        "tests/cli/usage.rs",
        "a_locator_may_stand_in_a_variable",
    ),
    (
        "connection-setting",
        "tests/bad_input/servers.rs",
        "a_connection_setting_that_cannot_be_honoured_is_a_usage_error",
    ),
    (
        "mapping-invalid",
        "common/src/mapping/file/tests.rs",
        "the_version_comes_first_and_must_be_known",
    ),
    (
        "source-unreadable",
        "common/src/engine/sqlite/open/tests.rs",
        "a_file_that_may_not_be_read_is_unreadable",
    ),
    (
        "source-busy",
        "common/src/engine/sqlite/open/tests.rs",
        "a_database_locked_by_another_is_busy",
    ),
    (
        "source-changed",
        "common/src/engine/sqlite/open/tests.rs",
        "a_file_exchanged_under_our_lock_is_noticed",
    ),
    (
        "source-limit",
        "common/src/archive/tests/pipeline.rs",
        "a_source_of_more_tables_than_an_archive_numbers_is_refused_before_a_byte_is_written",
    ),
    (
        "output-exists",
        "tests/bad_input.rs",
        "an_existing_archive_is_kept_unless_told_otherwise",
    ),
    (
        "output-unwritable",
        "tests/bad_input.rs",
        "an_output_folder_that_is_missing_or_full_is_named",
    ),
    (
        "spool",
        "tests/bad_input.rs",
        "a_full_disk_ends_export_and_import_cleanly",
    ),
    (
        "archive-missing",
        "tests/bad_input.rs",
        "what_is_no_archive_is_rejected",
    ),
    (
        "archive-foreign",
        "tests/bad_input.rs",
        "what_is_no_archive_is_rejected",
    ),
    (
        "archive-too-new",
        "common/src/archive/tests/forgery.rs",
        "a_newer_archive_is_called_newer_even_when_its_members_are_unknown",
    ),
    (
        "archive-damaged",
        "common/src/archive/tests/forgery.rs",
        "each_digest_of_the_manifest_is_recomputed",
    ),
    (
        "archive-limit",
        "tests/bad_input.rs",
        "a_part_above_the_limit_is_refused_until_the_limit_is_raised",
    ),
    (
        "archive-unexpected",
        "common/src/archive/tests/forgery.rs",
        "nothing_is_parsed_before_the_root_is_the_expected_one",
    ),
    (
        "archive-inconsistent",
        "common/src/archive/tests/forgery.rs",
        "each_number_of_the_manifest_is_held_to_what_it_counts",
    ),
    (
        "server-unreachable",
        "tests/bad_input/servers.rs",
        "a_server_that_is_down_or_unknown_is_worth_another_try",
    ),
    (
        "login-refused",
        "tests/bad_input/servers.rs",
        "a_wrong_password_is_refused_without_showing_it",
    ),
    (
        "database-missing",
        "tests/bad_input/servers.rs",
        "a_missing_database_is_answered_with_the_statement_that_makes_it",
    ),
    (
        "tls",
        "tests/connection/tls.rs",
        "the_systems_roots_do_not_vouch_for_a_private_authority",
    ),
    (
        "server-busy",
        "tests/postgres_target/survival.rs",
        "lost_connections_end_the_import_and_the_next_goes_on_where_it_was",
    ),
    (
        "connection-lost",
        "tests/postgres_target/survival.rs",
        "lost_connections_end_the_import_and_the_next_goes_on_where_it_was",
    ),
    (
        "right-missing",
        "tests/bad_input/servers.rs",
        "a_missing_right_is_refused_with_the_grant_to_run",
    ),
    (
        "server-error",
        "tests/connection/session.rs",
        "errors_of_the_server_have_their_class_and_keep_its_words",
    ),
    (
        "lock-timeout",
        "tests/connection/session.rs",
        "a_lock_that_is_not_to_be_had_is_worth_a_retry",
    ),
    (
        "import-running",
        "tests/postgres_target/refusal.rs",
        "two_imports_into_one_schema_exclude_each_other",
    ),
    (
        "target-exists",
        "tests/bad_input/servers.rs",
        "a_table_of_the_same_name_is_refused_and_kept",
    ),
    (
        "target-schema-missing",
        "tests/postgres_target/refusal.rs",
        "a_missing_right_or_schema_is_answered_with_the_statement_that_gives_it",
    ),
    (
        "staging-removed",
        "tests/postgres_target/survival.rs",
        "what_was_interrupted_is_not_mixed_with_anything_else",
    ),
    (
        "run-unfinished",
        "tests/postgres_target/survival.rs",
        "what_was_interrupted_is_not_mixed_with_anything_else",
    ),
    (
        "run-ended",
        "tests/postgres_target/survival.rs",
        "a_run_that_another_process_has_given_up_ends",
    ),
    (
        "target-table-missing",
        "tests/fill/refused.rs",
        "tables_and_columns_that_do_not_match_are_all_named",
    ),
    (
        "target-column-missing",
        "tests/fill/refused.rs",
        "tables_and_columns_that_do_not_match_are_all_named",
    ),
    (
        "target-column-unfilled",
        "tests/fill/refused.rs",
        "tables_and_columns_that_do_not_match_are_all_named",
    ),
    (
        "target-not-empty",
        "tests/fill/refused.rs",
        "what_would_change_rows_or_keep_them_out_is_named",
    ),
    (
        "target-interferes",
        "tests/fill/refused.rs",
        "what_would_change_rows_or_keep_them_out_is_named",
    ),
    (
        "target-file-exists",
        "tests/bad_input.rs",
        "an_existing_target_file_is_never_touched",
    ),
    (
        "target-unwritable",
        "common/src/engine/sqlite/target/tests/refused.rs",
        "a_full_disk_leaves_nothing_behind",
    ),
    (
        "target-dependent",
        "tests/postgres_target/replace.rs",
        "what_cannot_follow_stops_the_import_before_anything_is_made",
    ),
    (
        "target-changed",
        "tests/replace.rs",
        "an_undo_names_what_has_changed_and_needs_yes",
    ),
    (
        "not-confirmed",
        "tests/replace.rs",
        "nothing_is_replaced_unasked",
    ),
    (
        "run-missing",
        "tests/replace/refused.rs",
        "what_is_not_recorded_or_no_longer_kept_cannot_be_undone",
    ),
    (
        "history-unreadable",
        "tests/replace/refused.rs",
        "a_record_that_is_none_is_refused_and_nothing_is_touched",
    ),
    (
        "mapping-applied",
        "tests/mapping_file/structure.rs",
        "names_columns_and_tables_are_changed_as_the_file_says",
    ),
    (
        "extension-missing",
        "tests/mapping_file/surroundings.rs",
        "an_extension_is_created_only_with_consent",
    ),
    (
        "script-failed",
        "tests/mapping_file/surroundings.rs",
        "sql_that_fails_is_named_with_its_line_and_leaves_the_target_as_it_was",
    ),
    (
        "name-refused",
        "common/src/engine/postgres/name.rs",
        "what_postgresql_cannot_hold_is_refused",
    ),
    (
        "value-converted",
        "common/src/flow/rehearse/tests.rs",
        "values_changed_on_purpose_are_counted_with_what_they_were",
    ),
    (
        "content-differs",
        "tests/postgres_target/refusal.rs",
        "a_row_that_was_changed_lost_or_doubled_in_the_server_is_noticed",
    ),
    (
        "object-mismatch",
        "common/src/engine/sqlite/target/tests/refused.rs",
        "a_table_is_made_by_its_own_create_statement_or_not_at_all",
    ),
    (
        "interrupted",
        "common/src/engine/sqlite/target/tests/refused.rs",
        "a_signal_ends_every_step_and_a_long_statement",
    ),
    (
        "stream",
        "common/src/archive/tests/pipeline.rs",
        "a_full_disk_and_a_closed_pipe_end_the_job",
    ),
    (
        "bug",
        "common/src/engine/sqlite/target/tests/refused.rs",
        "steps_out_of_order_are_a_fault_and_no_panic",
    ),
];

#[test]
fn every_code_is_provoked_by_a_test() {
    let of_quirks = quirks::codes();
    let mut listed: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for (code, file, test) in TESTS {
        listed.entry(code).or_default().push((file, test));
    }
    let known: BTreeSet<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    let named: BTreeSet<&str> = of_quirks
        .iter()
        .copied()
        .chain(listed.keys().copied())
        .collect();
    assert_eq!(
        known, named,
        "codes there are, and codes that a test provokes"
    );
    for code in Code::ALL {
        for (file, test) in listed.get(code.name()).into_iter().flatten() {
            assert!(
                names(file, test, *code),
                "{test} in {file} does not name {} any more",
                code.name()
            );
        }
    }
}

/// Whether the text of a test, or of a function of its file that it calls, names the code.
fn names(file: &str, test: &str, code: Code) -> bool {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let source = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    let functions = functions(&source);
    let is_test = ["", "    "]
        .iter()
        .any(|indent| source.contains(&format!("#[test]\n{indent}fn {test}(")));
    let body = functions.get(test).filter(|_| is_test);
    let body = body.unwrap_or_else(|| panic!("{file} has no test {test}"));
    let called = functions
        .iter()
        .filter(|(name, _)| body.contains(&format!("{name}(")))
        .map(|(_, body)| *body);
    // The variant is the name without hyphens: `source-busy` is `SourceBusy`.
    let variant = format!("Code::{code:?}");
    let (quoted, label) = (format!("\"{}\"", code.name()), format!("[{}]", code.name()));
    // At the start of a finding in one line.
    let listed = format!("\"{} ", code.name());
    let spellings = [quoted, label, listed];
    let names = |text: &str| {
        let mut variants = text.match_indices(&variant);
        let whole = |(at, _): (usize, &str)| {
            !text[at + variant.len()..].starts_with(|letter: char| letter.is_alphanumeric())
        };
        variants.any(whole) || spellings.iter().any(|spelling| text.contains(spelling))
    };
    called.chain([*body]).any(names)
}

/// The functions of a source file, by name, those of a module in it included: each ends with a
/// brace as far to the right as it begins.
fn functions(text: &str) -> BTreeMap<&str, &str> {
    let mut functions = BTreeMap::new();
    let starts = ["fn ", "pub(super) fn ", "pub(crate) fn "];
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let code = line.trim_start();
        let signature = starts.iter().find_map(|start| code.strip_prefix(start));
        if let Some(signature) = signature {
            let name = signature.split(['(', '<']).next().unwrap_or_default();
            let brace = format!("\n{}}}", &line[..line.len() - code.len()]);
            let end = text[at..].find(&brace).map_or(text.len(), |end| at + end);
            functions.insert(name, &text[at..end]);
        }
        at += line.len();
    }
    functions
}
