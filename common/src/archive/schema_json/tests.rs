//! A schema with one of everything comes back, and only in one spelling.

use super::{content, read, write};
use crate::archive::tests::sample::{everything, table};
use crate::fault::Code;
use crate::model::schema::{Schema, TableKind};

#[test]
fn a_schema_with_one_of_everything_reads_back() {
    let schema = everything();
    assert_eq!(read(&write(&schema)).unwrap(), schema);
    assert_eq!(read(&write(&Schema::default())).unwrap(), Schema::default());
}

#[test]
fn the_bytes_are_those_of_docs_format_md() {
    let schema = Schema {
        tables: vec![table("t", &["a"])],
        ..Schema::default()
    };
    let text = "{\"facts\":{\"encoding\":\"utf-8\",\"user_version\":0,\"application_id\":0,\
        \"page_size\":0,\"auto_vacuum\":0,\"wal\":false,\"analyzed\":false},\"tables\":[{\"id\":1,\
        \"name\":\"t\",\"kind\":\"rowid\",\"strict\":false,\"rowid\":\"hidden\",\
        \"autoincrement\":false,\"columns\":[{\"name\":\"a\",\"declared_type\":\"\",\
        \"affinity\":\"blob\",\"not_null\":false,\"default\":null,\"generated\":null,\
        \"collation\":\"BINARY\",\"hidden\":false}],\"primary_key\":null,\"unique\":[],\
        \"foreign_keys\":[],\"checks\":[],\"indexes\":[],\"note\":\"CREATE TABLE t(a)\"}],\
        \"views\":[],\"triggers\":[],\"sequences\":[]}\n";
    assert_eq!(String::from_utf8(write(&schema)).unwrap(), text);
    let without_note = text.replace(",\"note\":\"CREATE TABLE t(a)\"", "");
    assert_eq!(String::from_utf8(content(&schema)).unwrap(), without_note);
}

#[test]
fn notes_are_not_content_and_all_else_is() {
    let schema = everything();
    let mut noted = schema.clone();
    noted.tables[0].sql.push(' ');
    noted.tables[0].indexes[0].sql.push(' ');
    assert_eq!(content(&noted), content(&schema));

    let changes: [fn(&mut Schema); 7] = [
        |s| s.facts.user_version += 1,
        |s| s.views[0].sql.push(' '),
        |s| s.triggers[0].sql.push(' '),
        |s| s.sequences[0].value += 1,
        |s| s.tables[0].columns[0].declared_type.push(' '),
        |s| s.tables[0].indexes[0].unique ^= true,
        |s| {
            let module =
                |t: &&mut crate::model::schema::Table| matches!(t.kind, TableKind::Virtual { .. });
            s.tables.iter_mut().find(module).unwrap().sql.push(' ');
        },
    ];
    for (number, change) in changes.iter().enumerate() {
        let mut other = schema.clone();
        change(&mut other);
        assert_ne!(content(&other), content(&schema), "change {number}");
    }
}

#[test]
fn a_schema_that_contradicts_itself_is_refused() {
    let text = String::from_utf8(write(&everything())).unwrap();
    for (from, to) in [
        ("\"id\":1,", "\"id\":2,"),
        ("\"name\":\"all\"", "\"name\":\"PLAIN\""),
        ("{\"column\":\"id\"}", "{\"column\":\"no\"}"),
        ("{\"column\":\"id\"}", "{\"column\":\"double\"}"),
        ("\"columns\":[\"ref\"]", "\"columns\":[\"no\"]"),
        ("\"columns\":[\"ref\"]", "\"columns\":[]"),
        (
            "\"parent_columns\":[\"id\"]",
            "\"parent_columns\":[\"id\",\"id\"]",
        ),
        ("{\"column\":\"id\",", "{\"column\":\"no\","),
        ("\"on\":{\"column\":\"text\"}", "\"on\":{\"column\":\"no\"}"),
        (",\"note\":\"CREATE TABLE \\\"all\\\"\"", ""),
        (",\"note\":\"CREATE INDEX i\"", ""),
        ("\"utf-8\"", "\"utf-7\""),
        ("\"facts\"", "\"fact\""),
        ("\"strict\":false", "\"strict\":false,\"strict\":false"),
        ("\"strict\":false", "\"strict\":0"),
        (
            "\"value\":\"9007199254740993\"",
            "\"value\":9007199254740993",
        ),
        ("\"real\":\"Infinity\"", "\"real\":\"inf\""),
    ] {
        let bad = text.replacen(from, to, 1);
        assert_ne!(bad, text, "{from}");
        let fault = read(bad.as_bytes()).unwrap_err();
        assert_eq!(fault.code(), Code::ArchiveInconsistent, "{from} -> {to}");
    }
}
