//! Damaged files: whatever is wrong with them must be said.

use super::*;

/// 4,000 rows on pages of 512 bytes; returns the numbers of the table's leaves.
fn many_pages(made: &Made) -> Vec<usize> {
    let connection = Connection::open(&made.path).unwrap();
    let mut statement = connection
        .prepare("SELECT pageno FROM dbstat WHERE name='t' AND pagetype='leaf' ORDER BY path")
        .unwrap();
    let pages = statement.query_map([], |row| row.get(0)).unwrap();
    pages
        .map(|page| usize::try_from(page.unwrap_or(0_i64)).unwrap())
        .collect()
}

const MANY: &str = "PRAGMA page_size=512; CREATE TABLE t(a INTEGER PRIMARY KEY, b); \
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<4000) \
    INSERT INTO t SELECT i, 'row ' || i FROM n;";

fn with_pages_changed(sql: &str, change: impl FnOnce(&mut [u8], &[usize])) -> Made {
    let made = made(sql);
    let pages = many_pages(&made);
    let mut bytes = fs::read(&made.path).unwrap();
    change(&mut bytes, &pages);
    fs::write(&made.path, bytes).unwrap();
    made
}

fn page(number: usize) -> std::ops::Range<usize> {
    512 * (number - 1)..512 * number
}

/// Every kind of damage to the leaves of a table must be an error finding or a fault.
#[test]
fn damage_never_leads_to_fewer_rows_in_silence() {
    type Change = fn(&mut [u8], &[usize]);
    let changes: [(&str, Change); 5] = [
        ("a page of zeros", |bytes, pages| {
            bytes[page(pages[50])].fill(0);
        }),
        ("a page of noise", |bytes, pages| {
            bytes[page(pages[50])].fill(0xa5);
        }),
        ("a page twice", |bytes, pages| {
            bytes.copy_within(page(pages[50]), page(pages[51]).start);
        }),
        ("an emptied page", |bytes, pages| {
            let at = page(pages[50]).start;
            bytes[at + 1..at + 8].fill(0);
            bytes[at + 5] = 2;
        }),
        ("a cell less", |bytes, pages| {
            let at = page(pages[50]).start;
            bytes[at + 4] -= 1;
        }),
    ];
    for (damage, change) in changes {
        let made = with_pages_changed(MANY, change);
        let mut source = SqliteSource::open(&made.path, &Unwatched).unwrap();
        let finding = source
            .findings()
            .first()
            .unwrap_or_else(|| panic!("{damage}"));
        assert_eq!(
            (finding.code, finding.severity),
            (Code::SourceDamaged, Severity::Error)
        );
        assert!(!finding.samples.is_empty());
        match read_from(&mut source, "t") {
            Ok(rows) => assert!(rows.len() < 4000, "{damage}"),
            Err(fault) => {
                assert_eq!(fault.code(), Code::SourceDamaged, "{damage}");
                assert_eq!(fault.place().table.as_deref(), Some("t"));
            }
        }
    }
}

/// One search table with a tokenizer of its application made SQLite refuse the check as a whole.
#[test]
fn damage_is_found_beside_a_virtual_table_that_cannot_be_read() {
    let sql = format!(
        "{MANY} CREATE VIRTUAL TABLE m USING fts3(a, tokenize=simple); PRAGMA writable_schema=1; \
         UPDATE sqlite_schema SET sql=replace(sql, 'simple', 'mozporter');"
    );
    let made = with_pages_changed(&sql, |bytes, pages| {
        bytes[page(pages[50]).start + 4] -= 1;
    });
    let source = SqliteSource::open(&made.path, &Unwatched).unwrap();
    let codes: Vec<_> = source
        .findings()
        .iter()
        .map(|finding| finding.code)
        .collect();
    assert_eq!(codes, [Code::ObjectUnsupported, Code::SourceDamaged]);
}

#[test]
fn a_damaged_index_costs_no_row() {
    let sql = format!("{MANY} CREATE INDEX i ON t(b);");
    let made = made(&sql);
    let root: i64 = Connection::open(&made.path)
        .unwrap()
        .query_row(
            "SELECT rootpage FROM sqlite_schema WHERE name='i'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    let mut bytes = fs::read(&made.path).unwrap();
    bytes[page(usize::try_from(root).unwrap())].fill(0);
    fs::write(&made.path, bytes).unwrap();
    let mut source = SqliteSource::open(&made.path, &Unwatched).unwrap();
    assert_eq!(source.findings()[0].code, Code::SourceDamaged);
    assert_eq!(read_from(&mut source, "t").unwrap().len(), 4000);
}

#[test]
fn a_schema_that_cannot_be_read_is_damage() {
    let made = made("CREATE TABLE t(a)");
    let mut bytes = fs::read(&made.path).unwrap();
    bytes[100..4096].fill(0);
    fs::write(&made.path, bytes).unwrap();
    let fault = SqliteSource::open(&made.path, &Unwatched).err().unwrap();
    assert_eq!(fault.code(), Code::SourceDamaged);
    assert_eq!(
        fault.place().location,
        Some(made.path.display().to_string())
    );
    drop(made.folder);
}

#[test]
fn values_that_break_their_constraints_are_no_damage() {
    let made = made(
        "CREATE TABLE t(a INT CHECK(a > 0), b); INSERT INTO t VALUES(NULL, 1); \
         PRAGMA ignore_check_constraints=ON; INSERT INTO t VALUES(-1, 1); PRAGMA writable_schema=1; \
         UPDATE sqlite_schema SET sql='CREATE TABLE t(a INT NOT NULL CHECK(a > 0), b)'",
    );
    let mut source = SqliteSource::open(&made.path, &Unwatched).unwrap();
    assert_eq!(source.findings(), []);
    assert_eq!(read_from(&mut source, "t").unwrap().len(), 2);
}
