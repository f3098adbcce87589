//! The JSON Schema that `--json` promises, as shipped in docs/.

use serde_json::Value;
use std::sync::OnceLock;

/// Fails unless `value` is what docs/result.schema.json says.
pub(crate) fn assert_valid(value: &Value, context: &str) {
    static VALIDATOR: OnceLock<jsonschema::Validator> = OnceLock::new();
    let validator = VALIDATOR.get_or_init(|| {
        let schema = include_str!("../../docs/result.schema.json");
        let schema = serde_json::from_str(schema).expect("the schema is JSON");
        jsonschema::validator_for(&schema).expect("the schema is a JSON Schema")
    });
    let errors: Vec<_> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path))
        .collect();
    assert!(
        errors.is_empty(),
        "{context}:\n{}\n{value:#}",
        errors.join("\n")
    );
}
