//! Random values that look like what people store.

use super::database::Cell;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Values of a column repeat after so many rows.
const CELLS: usize = 9;

/// What the values of a column look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Integer,
    Small,
    Boolean,
    Real,
    Decimal,
    Number,
    Text,
    Blob,
    Date,
    Time,
    Timestamp,
    Moment,
    Uuid,
    Json,
    Inet,
    NumberText,
    Raw,
    Any,
}

/// All of them.
pub(super) const LOOKS: [Look; 18] = [
    Look::Integer,
    Look::Small,
    Look::Boolean,
    Look::Real,
    Look::Decimal,
    Look::Number,
    Look::Text,
    Look::Blob,
    Look::Date,
    Look::Time,
    Look::Timestamp,
    Look::Moment,
    Look::Uuid,
    Look::Json,
    Look::Inet,
    Look::NumberText,
    Look::Raw,
    Look::Any,
];

/// A type of a STRICT table that takes most of the values.
pub(super) fn strict_type(look: Look) -> &'static str {
    match look {
        Look::Integer | Look::Boolean => "INTEGER",
        Look::Small => "INT",
        Look::Real | Look::Number => "REAL",
        Look::Blob => "BLOB",
        Look::Decimal | Look::Any => "ANY",
        _ => "TEXT",
    }
}

/// The values of a column.
pub(super) fn cells(look: Look) -> impl Strategy<Value = Vec<Cell>> {
    let spoiled = prop_oneof![
        200 => value(look),
        20 => Just(Cell::Null),
        1 => value(Look::Any),
    ];
    vec(spoiled, CELLS)
}

fn value(look: Look) -> BoxedStrategy<Cell> {
    match look {
        Look::Integer => integer().prop_map(Cell::Integer).boxed(),
        Look::Small => any::<i8>()
            .prop_map(|integer| Cell::Integer(integer.into()))
            .boxed(),
        Look::Boolean => (0..2i64).prop_map(Cell::Integer).boxed(),
        Look::Real => real().prop_map(Cell::Real).boxed(),
        Look::Decimal => (-1_000_000..1_000_000i32)
            .prop_map(|cents| Cell::Real(f64::from(cents) / 100.0))
            .boxed(),
        Look::Number => prop_oneof![
            integer().prop_map(Cell::Integer),
            real().prop_map(Cell::Real)
        ]
        .boxed(),
        Look::Blob => vec(any::<u8>(), 0..40).prop_map(Cell::Blob).boxed(),
        Look::Raw => vec(any::<u8>(), 0..9).prop_map(Cell::RawText).boxed(),
        Look::Any => prop_oneof![
            Just(Cell::Null),
            integer().prop_map(Cell::Integer),
            real().prop_map(Cell::Real),
            text().prop_map(Cell::Text),
            number_text().prop_map(Cell::Text),
            vec(any::<u8>(), 0..9).prop_map(Cell::Blob),
            vec(any::<u8>(), 0..9).prop_map(Cell::RawText),
            Just(Cell::Text("with\0nul".to_owned())),
        ]
        .boxed(),
        Look::Text => text().prop_map(Cell::Text).boxed(),
        Look::Date => date().prop_map(Cell::Text).boxed(),
        Look::Time => time().prop_map(Cell::Text).boxed(),
        Look::Timestamp => timestamp().prop_map(Cell::Text).boxed(),
        Look::Moment => (timestamp(), offset())
            .prop_map(|(moment, offset)| Cell::Text(moment + &offset))
            .boxed(),
        Look::Uuid => uuid().prop_map(Cell::Text).boxed(),
        Look::Json => json().prop_map(Cell::Text).boxed(),
        Look::Inet => inet().prop_map(Cell::Text).boxed(),
        Look::NumberText => number_text().prop_map(Cell::Text).boxed(),
    }
}

fn integer() -> impl Strategy<Value = i64> {
    prop_oneof![
        3 => any::<i64>(),
        3 => any::<i16>().prop_map(i64::from),
        2 => select(vec![
            i64::MIN, i64::MIN + 1, i64::MAX, i64::MAX - 1, 0, 1, -1, 1 << 53, (1 << 53) + 1,
            -(1 << 53) - 1, 1 << 31, (1 << 32) + 1, -(1 << 31) - 1,
        ]),
    ]
}

fn real() -> impl Strategy<Value = f64> {
    prop_oneof![
        3 => any::<f64>().prop_filter("SQLite stores NaN as NULL", |real| !real.is_nan()),
        3 => -1e6..1e6f64,
        2 => select(vec![
            0.0, -0.0, 1.0, -1.0, 0.1, 5e-324, -5e-324, f64::MAX, f64::MIN, f64::MIN_POSITIVE,
            f64::INFINITY, f64::NEG_INFINITY, 9_007_199_254_740_993.0, 1e15, 1e16, 1e17, 1e21,
            1e22, 1e23, 1e-5, 1e-7, 123_456_789_012_345_680.0, 9.223_372_036_854_776e18,
        ]),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "\\PC{0,20}",
        2 => any::<String>().prop_map(|text| text.replace('\0', "")),
        2 => "[a-z ]{0,200}",
        2 => select(vec![
            "", " ", "a", "A", "a ", "\\N", "\\.", "NULL", "null", "\t\n\r\u{b}", "\u{feff}x", "\u{ffff}",
            "\u{10ffff}", "\u{1}\u{1f}\u{7f}\u{80}", "\u{2028}", "é", "e\u{301}", "ſ", "İ", "\"", "'", "\\u0000",
            "\\x00", "true", "yes", "1", "01", "1e5", "Infinity", "NaN", "now", "epoch", "infinity", "{", "{}",
            "today", "$$", "\u{d7ff}\u{e000}",
        ]).prop_map(str::to_owned),
    ]
}

fn number_text() -> impl Strategy<Value = String> {
    prop_oneof![
        integer().prop_map(|integer| integer.to_string()),
        real().prop_map(|real| format!("{real:?}")),
        "[+-]?[0-9]{1,40}(\\.[0-9]{0,20})?(e[+-]?[0-9]{1,3})?",
    ]
}

fn date() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => (1..=9999i32, 1..=12i32, 1..=28i32).prop_map(|(year, month, day)| format!("{year:04}-{month:02}-{day:02}")),
        1 => select(vec!["0001-01-01", "9999-12-31", "2000-02-29", "1900-02-28", "1582-10-10"]).prop_map(str::to_owned),
    ]
}

fn time() -> impl Strategy<Value = String> {
    (
        0..24i32,
        0..60i32,
        0..60i32,
        prop_oneof![30 => Just(String::new()), 10 => "\\.[0-9]{1,6}", 1 => "\\.[0-9]{7}"],
    )
        .prop_map(|(hour, minute, second, fraction)| {
            format!("{hour:02}:{minute:02}:{second:02}{fraction}")
        })
}

fn timestamp() -> impl Strategy<Value = String> {
    (date(), time(), select(vec![" ", "T"]))
        .prop_map(|(date, time, between)| date + between + &time)
}

fn offset() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("Z".to_owned()),
        (
            0..16i32,
            0..60i32,
            select(vec!["+", "-"]),
            select(vec![":", ""])
        )
            .prop_map(|(hour, minute, sign, colon)| format!("{sign}{hour:02}{colon}{minute:02}")),
        (0..16i32, select(vec!["+", "-"])).prop_map(|(hour, sign)| format!("{sign}{hour:02}")),
    ]
}

fn uuid() -> impl Strategy<Value = String> {
    (
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        proptest::bool::weighted(0.2),
    )
        .prop_map(|(text, upper)| if upper { text.to_uppercase() } else { text })
}

fn inet() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => any::<[u8; 4]>().prop_map(|bytes| std::net::Ipv4Addr::from(bytes).to_string()),
        4 => any::<[u16; 8]>().prop_map(|words| std::net::Ipv6Addr::from(words).to_string()),
        1 => (any::<[u8; 4]>(), 0..33u8).prop_map(|(bytes, bits)| format!("{}/{bits}", std::net::Ipv4Addr::from(bytes))),
        1 => select(vec!["::", "::1", "::ffff:1.2.3.4", "fe80::1", "2001:DB8::1", "1::2:0:0:3", "0.0.0.0"]).prop_map(str::to_owned),
    ]
}

/// JSON as people write it, and a few texts that jsonb would not give back.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        6 => select(vec!["null", "true", "false", "0", "-1", "1.50", "1e2", "\"\"", "\"x\"", "[]", "{}"]).prop_map(str::to_owned),
        3 => "\"[a-zé\u{4e00}\u{1f600} ]{0,8}\"",
        2 => integer().prop_map(|integer| integer.to_string()),
        2 => real().prop_filter("JSON has no infinity", |real| real.is_finite()).prop_map(|real| format!("{real:?}")),
        1 => "-?[1-9][0-9]{20,40}\\.[0-9]{1,30}",
        1 => select(vec!["\"\\u0041\"", "\"\\ud83d\\ude00\"", "-0", "-0.0", "1E5"]).prop_map(str::to_owned),
    ];
    let spoiled = prop_oneof![
        60 => leaf,
        1 => select(vec![
            "\"\\u0000\"", "\"\\ud800\"", "1e400", "1e-400", "{\"a\":1,\"a\":2}", "1e999999", "01", "NaN", "{\"a\":1,\"\\u0061\":2}",
            "1e131071", "1e-16383", "1e-16384",
        ]).prop_map(str::to_owned),
    ];
    let nested = spoiled.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(", "))),
            vec(inner, 0..3).prop_map(|items| {
                let items: Vec<String> = items
                    .iter()
                    .enumerate()
                    .map(|(key, item)| format!("\"k{key}\": {item}"))
                    .collect();
                format!("{{{}}}", items.join(","))
            }),
        ]
    });
    (nested, any::<bool>()).prop_map(|(text, list)| {
        if list {
            format!("[{text}]")
        } else {
            format!("{{\"v\":{text} }}")
        }
    })
}
