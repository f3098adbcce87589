//! Every mistake in a mapping file is told with its line and column; nothing else is.

use crate::fault::{Code, Exit};
use crate::mapping::file::{MappingFile, column_heading, string, table_heading};
use crate::mapping::plan::{BadText, EpochUnit, Reading};
use proptest::prelude::*;

/// What is said of a text that is wrong: the place without the file's name, and the words.
fn mistake(text: &str) -> (String, String) {
    let fault = MappingFile::parse(text, "map.toml").expect_err(text);
    assert_eq!(fault.code(), Code::MappingInvalid);
    assert_eq!(fault.code().exit(), Exit::Usage);
    let place = fault.place().location.clone().expect("a place");
    let place = place.strip_prefix("map.toml:").expect("the file's name");
    (place.to_owned(), fault.what().to_owned())
}

/// Checks the mistake of lines that follow `waybill-mapping = 1`, which is line 1.
fn says(lines: &str, place: &str, what: &str) {
    let (found_place, found) = mistake(&format!("waybill-mapping = 1\n{lines}"));
    assert_eq!(
        (found_place.as_str(), found.as_str()),
        (place, what),
        "{lines}"
    );
}

#[test]
fn the_version_comes_first_and_must_be_known() {
    let first = "the first key must be `waybill-mapping = 1`".to_owned();
    for (text, place) in [
        ("", "1:1"),
        ("# only words\n", "2:1"),
        ("names = \"keep\"\nwaybill-mapping = 1\n", "1:1"),
        ("\n# words\n[tables]\n", "3:1"),
    ] {
        assert_eq!(mistake(text), (place.to_owned(), first.clone()), "{text}");
    }
    let what = "the file has version 2, this program reads 1".to_owned();
    let newer = "\nwaybill-mapping = 2\nwhatever = comes\n";
    assert_eq!(mistake(newer), ("2:1".to_owned(), what));
    let what = "the version must be 1".to_owned();
    for value in ["\"1\"", "0", "-1", "1.0", "", "x"] {
        let text = format!("waybill-mapping = {value}\n");
        assert_eq!(mistake(&text), ("1:1".to_owned(), what.clone()));
    }
    for text in [
        "waybill-mapping = 1",
        "\u{feff}waybill-mapping = 1\n",
        "\n# words\r\n  waybill-mapping=1 # and more\r\n",
    ] {
        MappingFile::parse(text, "m").expect(text);
    }
}

#[test]
fn an_unknown_key_is_named_with_those_that_are_allowed() {
    says(
        "naems = \"fold\"",
        "2:1",
        "unknown field `naems`, expected one of `waybill-mapping`, `names`, `into-schema`, \
         `extensions`, `create-extensions`, `owner`, `before`, `after`, `grants`, `enums`, `tables`",
    );
    says(
        "\n[tables.\"a\"]\nskipp = true",
        "4:1",
        "unknown field `skipp`, expected one of `name`, `skip`, `split`, `order-by`, \
         `updated-at`, `add-columns`, `indexes`, `statistics`, `columns`",
    );
    let (place, what) = mistake("waybill-mapping = 1\n[tables.a.columns.b]\ntyp = \"text\"\n");
    assert_eq!(place, "3:1");
    assert!(what.starts_with("unknown field `typ`, expected one of `name`, `drop`, `type`"));
    for (lines, place) in [
        ("[[grants]]\nto = []\nprivileges = []\non = 1", "5:1"),
        ("[[tables.a.indexes]]\ncolums = []", "3:1"),
        ("[[tables.a.add-columns]]\nname = \"x\"\nsize = 1", "4:1"),
        ("[[tables.a.statistics]]\ncolumns = []\nkind = 1", "4:1"),
    ] {
        let (found, what) = mistake(&format!("waybill-mapping = 1\n{lines}"));
        assert_eq!(found, place, "{lines}");
        assert!(what.starts_with("unknown field"), "{what}");
    }
}

#[test]
fn a_value_of_the_wrong_kind_is_named_with_what_is_expected() {
    says(
        "names = \"lower\"",
        "2:9",
        "unknown variant `lower`, expected `keep` or `fold`",
    );
    says(
        "create-extensions = \"yes\"",
        "2:21",
        "invalid type: string \"yes\", expected a boolean",
    );
    says(
        "[tables.a.columns.b]\nnul = \"drop\"",
        "3:7",
        "unknown variant `drop`, expected one of `refuse`, `strip`, `replace`, `escape`",
    );
    says(
        "[tables.a.columns.b]\nepoch = \"s\"",
        "3:9",
        "unknown variant `s`, expected one of `seconds`, `milliseconds`, `microseconds`, `days`, \
         `julian-days`, `seconds-2001`, `microseconds-1601`, `ticks-1601`",
    );
    says(
        "[tables.a.columns.b]\nread = \"json\"",
        "3:8",
        "unknown variant `json`, expected one of `cell`, `bytes`, `uuid`",
    );
    says("[tables.a]\n[tables.a]", "3:9", "duplicate key");
    says(
        "[[grants]]\nto = [\"app\"]",
        "2:1",
        "missing field `privileges`",
    );
    says(
        "owner = ",
        "2:9",
        "string values must be quoted, expected literal string",
    );
}

#[test]
fn keys_that_exclude_or_need_each_other_are_named() {
    let b = |lines: &str, place: &str, what: &str| {
        says(&format!("[tables.a.columns.b]\n{lines}"), place, what);
    };
    b(
        "epoch = \"seconds\"\nzone = \"UTC\"",
        "4:8",
        "the column `b` has both `epoch` and `zone`, which exclude each other",
    );
    b(
        "false = [\"n\"]\nread = \"cell\"",
        "4:8",
        "the column `b` has both `false` and `read`, which exclude each other",
    );
    b(
        "true = [\"y\", \"x\"]\nfalse = [\"X\"]",
        "4:9",
        "`X` cannot mean both true and false",
    );
    b(
        "other-values = \"keep\"",
        "3:16",
        "`other-values` goes with `values`",
    );
    b(
        "drop = true\ntype = \"text\"",
        "2:19",
        "the column `b` is dropped, so nothing else can be said of it",
    );
    b(
        "invalid-json = \"none\"",
        "3:16",
        "`invalid-json` takes \"null\" or a JSON document",
    );
    b("name = \"\"", "3:8", "the text is empty");
    b(
        "type = \"a\\u0000\"",
        "3:8",
        "the text holds a NUL character",
    );
    says(
        "[tables.a]\nskip = true\nname = \"b\"",
        "2:9",
        "the table `a` is skipped, so nothing else can be said of it",
    );
    says("owner = \" \"", "2:9", "the text is empty");
    says(
        "extensions = [\"x\", \"x\"]",
        "2:20",
        "the extension `x` is listed twice",
    );
    says("enums.mood = []", "2:7", "the enum `mood` has no labels");
    says(
        "enums.mood = [\"a\", \"a\"]",
        "2:20",
        "the label `a` is listed twice",
    );
}

#[test]
fn columns_indexes_statistics_and_rights_that_make_no_sense_are_named() {
    let added = |lines: &str, what: &str| {
        let what = format!("the added column `x` {what}");
        says(
            &format!("[[tables.a.add-columns]]\nname = \"x\"\n{lines}"),
            "3:8",
            &what,
        );
    };
    added("", "needs a type");
    added(
        "identity = true\ndefault = \"1\"",
        "has an identity, so it takes no default",
    );
    added(
        "type = \"date\"\nnot-null = true",
        "is not null, so it needs a default or an identity",
    );
    let index = |lines: &str, place: &str, what: &str| {
        says(&format!("[[tables.a.indexes]]\n{lines}"), place, what);
    };
    index("", "2:10", "an index needs `columns` or `on`");
    index(
        "columns = [\"a\"]\non = \"lower(a)\"",
        "4:6",
        "an index has either `columns` or `on`, not both",
    );
    index(
        "on = \"lower(a)\"\nopclass = \"x\"",
        "4:11",
        "`opclass` goes with `columns`; with `on`, write it into the SQL",
    );
    index(
        "columns = [\"a\"]\nmethod = \"tree\"",
        "4:10",
        "unknown method `tree`, expected one of `btree`, `hash`, `gin`, `gist`, `spgist`, `brin`",
    );
    says(
        "[[tables.a.statistics]]\ncolumns = [\"a\"]",
        "3:12",
        "statistics are on 2 to 8 columns",
    );
    says(
        "[[grants]]\nprivileges = [\"read\"]\nto = [\"app\"]",
        "3:15",
        "unknown privilege `read`, expected one of `all`, `select`, `insert`, `update`, `delete`, \
         `truncate`, `references`, `trigger`",
    );
}

#[test]
fn the_rules_of_a_column_become_a_conversion() {
    let reading = |lines: &str| {
        let text = format!("waybill-mapping = 1\n[tables.a.columns.b]\n{lines}");
        let file = MappingFile::parse(&text, "m").expect(lines);
        file.table("a").expect("there").columns["b"].conversion()
    };
    assert_eq!(reading("type = \"text\""), None);
    let conversion =
        reading("null-if = [\"\", \"n/a\"]\nnul = \"escape\"\ninvalid-text = \"replace\"");
    let conversion = conversion.expect("there is one");
    assert_eq!(conversion.null_if, ["", "n/a"]);
    assert_eq!(conversion.nul, BadText::Escape);
    assert_eq!(conversion.invalid, BadText::Replace);
    assert_eq!(conversion.reading, Reading::Plain);
    let values = [("confirmed".to_owned(), "CONFIRMED".to_owned())];
    for (lines, expected) in [
        ("read = \"cell\"", Reading::Cell),
        ("read = \"bytes\"", Reading::Bytes),
        ("read = \"uuid\"", Reading::Uuid),
        (
            "epoch = \"seconds-2001\"",
            Reading::Epoch(EpochUnit::Seconds2001),
        ),
        (
            "zone = \"Europe/Berlin\"",
            Reading::Zone("Europe/Berlin".to_owned()),
        ),
        (
            "true = [\"yes\"]\nfalse = [\"no\", \"\"]",
            Reading::Words {
                yes: vec!["yes".to_owned()],
                no: vec!["no".to_owned(), String::new()],
            },
        ),
        (
            "values = { confirmed = \"CONFIRMED\" }",
            Reading::Values {
                map: values.clone().into(),
                keep_others: true,
            },
        ),
        (
            "values.confirmed = \"CONFIRMED\"\nother-values = \"refuse\"",
            Reading::Values {
                map: values.clone().into(),
                keep_others: false,
            },
        ),
        ("invalid-json = \"null\"", Reading::Json { instead: None }),
        (
            "invalid-json = \"{}\"",
            Reading::Json {
                instead: Some("{}".to_owned()),
            },
        ),
    ] {
        assert_eq!(reading(lines).expect(lines).reading, expected, "{lines}");
    }
}

#[test]
fn paths_are_relative_to_the_file() {
    let file = |name| MappingFile::parse("waybill-mapping = 1", name).expect("empty");
    assert_eq!(
        file("a/b.toml").path("c.sql").display().to_string(),
        "a/c.sql"
    );
    assert_eq!(file("b.toml").path("c.sql").display().to_string(), "c.sql");
    assert_eq!(
        file("b.toml").path("/c.sql").display().to_string(),
        "/c.sql"
    );
}

proptest! {
    #[test]
    fn bytes_of_any_kind_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let text = String::from_utf8_lossy(&bytes);
        drop(MappingFile::parse(&text, "m"));
        drop(MappingFile::parse(&format!("waybill-mapping = 1\n{text}"), "m"));
    }

    #[test]
    fn pieces_of_mapping_files_are_read_without_a_panic(pieces in proptest::collection::vec(piece(), 0..30)) {
        let text = format!("waybill-mapping = 1\n{}", pieces.concat());
        if let Err(fault) = MappingFile::parse(&text, "m") {
            prop_assert_eq!(fault.code(), Code::MappingInvalid);
        }
    }

    #[test]
    fn any_name_can_stand_in_a_heading(table in any::<String>(), column in any::<String>(), value in any::<String>()) {
        let name = format!("{value}x").replace('\0', "");
        let text = format!(
            "waybill-mapping = 1\n{}\nname = {}\n{}\nnull-if = [{}]\n",
            table_heading(&table),
            string(&name),
            column_heading(&table, &column),
            string(&value),
        );
        let file = MappingFile::parse(&text, "m").expect("it was written by us");
        let rule = file.table(&table).expect("it is there");
        prop_assert_eq!(rule.name.as_ref().map(toml::Spanned::get_ref), Some(&name));
        prop_assert_eq!(&rule.columns[column.as_str()].null_if, &[value]);
    }
}

fn piece() -> impl Strategy<Value = String> {
    let words = [
        "[",
        "]",
        "[[",
        "]]",
        "{",
        "}",
        "=",
        "\n",
        "\"",
        "'",
        ".",
        ",",
        "tables",
        "a",
        "columns",
        "indexes",
        "grants",
        "enums",
        "name",
        "type",
        "true",
        "false",
        "values",
        "epoch",
        "1",
        "[tables.a]\n",
        "[tables.a.columns.b]\n",
        "type = \"text\"\n",
        "[[tables.a.indexes]]\n",
        "columns = []\n",
        "\u{feff}",
        "\0",
        "\\",
        "ü",
    ];
    prop_oneof![
        9 => proptest::sample::select(words.to_vec()).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}
