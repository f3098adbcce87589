use super::*;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

/// Set in the process that runs a test again without root's rights.
const INNER: &str = "WAYBILL_TEST_WITHOUT_RIGHTS";

/// Runs `test` where permissions bite: at once, or, as root, in a process without capabilities.
fn where_permissions_bite(name: &str, test: impl FnOnce()) {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(folder.path().join("probe"), "").is_err() {
        return test();
    }
    assert!(
        std::env::var_os(INNER).is_none(),
        "capabilities were not dropped"
    );
    let output = Command::new("setpriv")
        .args(["--bounding-set", "-all", "--inh-caps", "-all"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &format!("engine::sqlite::open::tests::{name}")])
        .env(INNER, "1")
        .output()
        .expect("setpriv of util-linux runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
}

/// Name and content of everything in a folder, `-shm` left out.
fn content(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.to_string_lossy().ends_with("-shm"))
        .map(|path| (path.display().to_string(), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

fn count(opened: &Opened) -> i64 {
    opened
        .connection()
        .unwrap()
        .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
        .unwrap()
}

fn make(path: &Path, sql: &str) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(sql).unwrap();
    connection
}

/// Copies the files of a database in use, as a crash of its program would leave them.
fn crash(from: &Path, to: &Path, suffixes: &[&str]) {
    for suffix in suffixes {
        fs::copy(file::sidecar(from, suffix), file::sidecar(to, suffix)).unwrap();
    }
}

/// A database with 500 rows of which an unfinished transaction has changed pages in the file.
fn with_hot_journal(folder: &Path) -> PathBuf {
    let live = tempfile::tempdir().unwrap();
    let from = live.path().join("a.db");
    let connection = make(
        &from,
        "CREATE TABLE t(a, b); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<500) \
         INSERT INTO t SELECT i, hex(zeroblob(500)) FROM n; PRAGMA cache_size=5; BEGIN; \
         DELETE FROM t WHERE a > 100; UPDATE t SET b = hex(randomblob(600));",
    );
    let path = folder.join("a.db");
    crash(&from, &path, &["", "-journal"]);
    drop(connection);
    assert!(
        fs::metadata(file::sidecar(&path, "-journal"))
            .unwrap()
            .len()
            > 512
    );
    path
}

/// A WAL database of which 40 of 50 rows are in the `-wal` alone.
fn with_wal(folder: &Path) -> PathBuf {
    let live = tempfile::tempdir().unwrap();
    let from = live.path().join("a.db");
    let connection = make(
        &from,
        "PRAGMA journal_mode=WAL; CREATE TABLE t(a); \
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<10) \
         INSERT INTO t SELECT i FROM n; PRAGMA wal_checkpoint(TRUNCATE); \
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<40) \
         INSERT INTO t SELECT i FROM n;",
    );
    let path = folder.join("a.db");
    crash(&from, &path, &["", "-wal"]);
    drop(connection);
    path
}

fn read_only(folder: &Path) {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o555)).unwrap();
}

#[test]
fn without_locks_only_when_no_sidecar_holds_anything() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let found = |wal: &str, journal: &str| {
        fs::write(file::sidecar(&path, "-wal"), wal).unwrap();
        fs::write(file::sidecar(&path, "-journal"), journal).unwrap();
        Footprints::take(&path)
    };
    let refused = Some(ErrorCode::CannotOpen);
    assert_eq!(
        next_way(refused, true, &found("", "")),
        Some(NextWay::Immutable)
    );
    assert_eq!(
        next_way(refused, true, &found("x", "")),
        Some(NextWay::Copy)
    );
    assert_eq!(
        next_way(refused, true, &found("", "x")),
        Some(NextWay::Copy)
    );
    assert_eq!(next_way(refused, false, &found("", "")), None);
    assert_eq!(
        next_way(Some(ErrorCode::ReadOnly), false, &found("", "x")),
        Some(NextWay::Copy)
    );
    for other in [
        ErrorCode::DatabaseBusy,
        ErrorCode::DatabaseCorrupt,
        ErrorCode::NotADatabase,
    ] {
        assert_eq!(next_way(Some(other), true, &found("x", "x")), None);
    }
}

#[test]
fn a_name_is_never_read_as_a_uri() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["file:a.db?mode=memory", "a%41?immutable=1#x.db", "ü b.db"] {
        let path = folder.path().join(name);
        drop(make(&path, "CREATE TABLE t(a); INSERT INTO t VALUES(1)"));
        assert_eq!(count(&Opened::open(&path).unwrap()), 1, "{name}");
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let connection = attempt(Path::new(&immutable_uri(&path)), flags).unwrap();
        let rows: i64 = connection
            .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
            .unwrap();
        assert_eq!(rows, 1, "{name}");
    }
}

#[test]
fn nothing_can_be_written_through_a_source() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    drop(make(&path, "CREATE TABLE t(a)"));
    let opened = Opened::open(&path).unwrap();
    let connection = opened.connection().unwrap();
    assert!(connection.execute("INSERT INTO t VALUES(1)", []).is_err());
    for (setting, expected) in [
        ("trusted_schema", 0),
        ("cell_size_check", 1),
        ("query_only", 1),
        ("foreign_keys", 0),
    ] {
        let found: i64 = connection
            .query_row(&format!("PRAGMA {setting}"), [], |row| row.get(0))
            .unwrap();
        assert_eq!(found, expected, "{setting}");
    }
}

#[test]
fn reading_leaves_the_folder_as_it_was() {
    for mode in ["DELETE", "WAL", "PERSIST", "TRUNCATE"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        drop(make(
            &path,
            &format!("PRAGMA journal_mode={mode}; CREATE TABLE t(a); INSERT INTO t VALUES(1)"),
        ));
        let before = content(folder.path());
        let mut opened = Opened::open(&path).unwrap();
        assert_eq!(count(&opened), 1);
        opened.finish().unwrap();
        assert_eq!(content(folder.path()), before, "{mode}");
        assert!(!file::sidecar(&path, "-shm").exists(), "{mode}");
    }
}

/// An unfinished transaction once gave 171 of 5,000 rows; an ordinary open would have rolled it
/// back in the source itself. Now a private copy is recovered, and the source stays as it is.
#[test]
fn a_hot_journal_is_recovered_in_a_private_copy() {
    let folder = tempfile::tempdir().unwrap();
    let path = with_hot_journal(folder.path());
    let before = content(folder.path());
    let mut opened = Opened::open(&path).unwrap();
    assert!(matches!(opened.way, Way::Copied(_)));
    assert_eq!(count(&opened), 500);
    opened.finish().unwrap();
    assert_eq!(content(folder.path()), before);
}

#[test]
fn a_private_copy_is_closed_to_others_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = with_hot_journal(folder.path());
    let copy = PrivateCopy::make(&path).unwrap();
    let place = copy.path.parent().unwrap().to_owned();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&place), mode(&copy.path)), (0o700, 0o600));
    drop(copy);
    assert!(!place.exists());
}

#[test]
fn a_wal_that_a_crash_left_is_read_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = with_wal(folder.path());
    let before = content(folder.path());
    let mut opened = Opened::open(&path).unwrap();
    assert_eq!(count(&opened), 50);
    opened.finish().unwrap();
    drop(opened);
    assert_eq!(content(folder.path()), before);
}

#[test]
fn a_wal_in_a_read_only_folder_loses_no_row() {
    where_permissions_bite("a_wal_in_a_read_only_folder_loses_no_row", || {
        let folder = tempfile::tempdir().unwrap();
        let path = with_wal(folder.path());
        read_only(folder.path());
        let opened = Opened::open(&path).unwrap();
        assert!(matches!(opened.way, Way::Copied(_)));
        assert_eq!(count(&opened), 50);
    });
}

#[test]
fn a_hot_journal_in_a_read_only_folder_loses_no_row() {
    where_permissions_bite("a_hot_journal_in_a_read_only_folder_loses_no_row", || {
        let folder = tempfile::tempdir().unwrap();
        let path = with_hot_journal(folder.path());
        read_only(folder.path());
        assert_eq!(count(&Opened::open(&path).unwrap()), 500);
    });
}

#[test]
fn a_wal_database_at_rest_in_a_read_only_folder_is_read_without_locks() {
    where_permissions_bite(
        "a_wal_database_at_rest_in_a_read_only_folder_is_read_without_locks",
        || {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.db");
            drop(make(
                &path,
                "PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1)",
            ));
            read_only(folder.path());
            let mut opened = Opened::open(&path).unwrap();
            assert!(matches!(opened.way, Way::Immutable));
            assert_eq!((count(&opened), opened.unlocked_wal()), (1, Some(true)));
            opened.finish().unwrap();
            // Somebody who may write there comes while we read.
            let mut opened = Opened::open(&path).unwrap();
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
            drop(make(&path, "INSERT INTO t VALUES(2)"));
            assert_eq!(opened.finish().unwrap_err().code(), Code::SourceChanged);
        },
    );
}

#[test]
fn a_file_that_may_not_be_read_is_unreadable() {
    where_permissions_bite("a_file_that_may_not_be_read_is_unreadable", || {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        drop(make(&path, "CREATE TABLE t(a)"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
        assert_eq!(
            Opened::open(&path).unwrap_err().code(),
            Code::SourceUnreadable
        );
    });
}

#[test]
fn a_file_exchanged_under_our_lock_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    drop(make(&path, "CREATE TABLE t(a)"));
    let mut opened = Opened::open(&path).unwrap();
    let other = folder.path().join("b.db");
    drop(make(&other, "CREATE TABLE t(a, b)"));
    fs::rename(&other, &path).unwrap();
    assert_eq!(opened.finish().unwrap_err().code(), Code::SourceChanged);
}

#[test]
fn a_database_locked_by_another_is_busy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let writer = make(&path, "CREATE TABLE t(a); BEGIN EXCLUSIVE");
    assert_eq!(Opened::open(&path).unwrap_err().code(), Code::SourceBusy);
    drop(writer);
    assert!(Opened::open(&path).is_ok());
}

#[test]
fn a_wal_of_others_is_not_tidied_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    drop(make(&path, "PRAGMA journal_mode=WAL; CREATE TABLE t(a)"));
    let mut opened = Opened::open(&path).unwrap();
    // Comes after us, stays after us, and has written.
    let writer = make(&path, "INSERT INTO t VALUES(1)");
    opened.finish().unwrap();
    assert!(file::sidecar(&path, "-wal").exists());
    writer.execute_batch("INSERT INTO t VALUES(2)").unwrap();
    drop(writer);
    assert_eq!(count(&Opened::open(&path).unwrap()), 2);
}
