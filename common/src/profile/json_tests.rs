//! Validity held against `serde_json`, and what jsonb would change.

use super::*;
use proptest::prelude::*;

fn judged(text: &str) -> Option<Json> {
    json(text, &mut Memory::default())
}

#[test]
fn objects_and_arrays_are_plain_unless_jsonb_changes_them() {
    for text in [
        "{}",
        "[]",
        " [ ] ",
        "[1]",
        "[0]",
        "[-1]",
        "[0.10]",
        "[1.5,true,false,null,\"x\"]",
        "\t{\"a\":{\"a\":1}}\n",
        "[{\"a\":1},{\"a\":2}]",
        r#"["\u00e9\"\\\/\b\f\n\r\t"]"#,
        r#"["\ud83d\ude00"]"#,
        "[\"\u{7f}\u{2028}ü\"]",
        r#"{"a":1,"A":2,"":3}"#,
        "[[[]],{}]",
    ] {
        assert_eq!(judged(text), Some(Json::Plain), "{text}");
    }
    for text in [
        "[1e5]",
        "[1E-5]",
        "[-0]",
        "[-0.00]",
        r#"["\u0000"]"#,
        r#"["\ud800"]"#,
        r#"["\ude00"]"#,
        r#"["\ud83d\ud83d\ude00"]"#,
        r#"["\ud83dx"]"#,
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"\u0061":1}"#,
        r#"{"\n":1,"\u000a":2}"#,
        r#"{"😀":1,"\ud83d\ude00":2}"#,
        r#"[{"b":{"x":1,"y":2},"c":1,"b":3}]"#,
    ] {
        assert_eq!(judged(text), Some(Json::Valid), "{text}");
    }
}

#[test]
fn repeated_keys_are_found_among_many() {
    let keys = |last: usize| {
        let keys: Vec<_> = (0..500)
            .chain([last])
            .map(|key| format!("\"key {key}\":0"))
            .collect();
        format!("{{{}}}", keys.join(","))
    };
    assert_eq!(judged(&keys(500)), Some(Json::Plain));
    assert_eq!(judged(&keys(250)), Some(Json::Valid));
}

#[test]
fn what_is_not_an_object_or_array_is_nothing() {
    for text in [
        "",
        " ",
        "1",
        "\"x\"",
        "null",
        "true",
        "{",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "[1]]",
        "[1] x",
        "{}{}",
        "[01]",
        "[1.]",
        "[.5]",
        "[+1]",
        "[-]",
        "[1e]",
        "[1e+]",
        "[NaN]",
        "[tru]",
        "[\"\t\"]",
        "[\"\\x\"]",
        "[\"\\u12g4\"]",
        "[\"\\u12\"]",
        "[\"",
        "[\"\\",
        "[1}",
        "{\"a\":1]",
        "[1 2]",
        "\u{a0}[]",
    ] {
        assert_eq!(judged(text), None, "{text}");
    }
}

#[test]
fn depth_and_the_length_of_numbers_are_bounded() {
    let nested = |depth: usize| "[".repeat(depth) + "1" + &"]".repeat(depth);
    assert_eq!(judged(&nested(DEPTH)), Some(Json::Plain));
    assert_eq!(judged(&nested(DEPTH + 1)), None);
    assert_eq!(judged(&"[".repeat(1_000_000)), None);
    assert_eq!(
        judged(&format!("[{}]", "1".repeat(NUMBER))),
        Some(Json::Plain)
    );
    assert_eq!(
        judged(&format!("[{}]", "1".repeat(NUMBER + 1))),
        Some(Json::Valid)
    );
}

fn document() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(|integer| integer.to_string()),
        any::<f64>()
            .prop_filter("finite", |real| real.is_finite())
            .prop_map(|real| format!("{real:e}")),
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
        Just("null".to_owned()),
        Just("true".to_owned()),
    ];
    leaf.prop_recursive(4, 30, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5)
                .prop_map(|items| format!("[{}]", items.join(" , "))),
            prop::collection::vec(("[a-c]?", inner), 0..5).prop_map(|fields| {
                let fields: Vec<_> = fields
                    .iter()
                    .map(|(key, value)| format!("\"{key}\" :{value}"))
                    .collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn validity_is_that_of_serde_json(
        text in document(),
        place in any::<prop::sample::Index>(),
        edit in prop::option::of(prop::sample::select(&b"\"\\,[]{}0-.e:tnu \x01"[..])),
    ) {
        let mut text = text.into_bytes();
        if let (Some(edit), false) = (edit, text.is_empty()) {
            let at = place.index(text.len());
            text[at] = edit;
        }
        let Ok(text) = String::from_utf8(text) else { return Ok(()) };
        let container = text.trim_start_matches([' ', '\n', '\t', '\r']).starts_with(['{', '[']);
        // RawValue-like reading: any number is fine, whatever its size.
        let valid = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
        let lone = text.contains("\\u");
        prop_assume!(!lone);
        prop_assert_eq!(judged(&text).is_some(), container && valid, "{}", text);
    }
}
