//! Disks without room: what cannot fit is refused before the first write.

use crate::bad_input::SmallDisk;
use crate::support::postgres::{drop_database, server};
use crate::support::program::{Ran, command, run};
use crate::support::samples::{self, Sample};
use std::path::{Path, PathBuf};

/// Rows that need more than a megabyte in PostgreSQL, and more than 64 kB in SQLite, whatever is in them.
fn many_rows() -> Sample {
    samples::sample("rows.db", |connection| {
        connection.execute_batch(
            "CREATE TABLE t(id INTEGER PRIMARY KEY);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)
             INSERT INTO t SELECT i FROM n",
        )
    })
}

fn archived(sample: &Sample) -> PathBuf {
    let archive = sample.path.with_extension("waybill");
    let paths = [sample.path.as_os_str(), archive.as_os_str()];
    run("waybill-export", paths).exits(0);
    archive
}

fn import(archive: &Path, flags: &[&str], target: &str) -> Ran {
    let mut import = command("waybill-import");
    import.args(flags).arg(archive).arg(target);
    Ran::of(import)
}

#[test]
fn a_file_that_cannot_fit_on_its_disk_is_refused_and_a_tight_one_is_warned_of() {
    let Some(disk) = SmallDisk::new(64) else {
        eprintln!("left out: no file system can be mounted here");
        return;
    };
    let rows = many_rows();
    let archive = archived(&rows);
    let target = format!("sqlite:{}", disk.folder.path().join("t.db").display());
    for flags in [&["--plan"][..], &[]] {
        let text = import(&archive, flags, &target).exits(4).stderr();
        assert!(text.contains("error[space-missing]: "), "{text}");
        assert!(text.contains("at least 156.25 KiB are needed"), "{text}");
        let folder = disk.folder.path().display().to_string();
        assert!(text.contains(&folder), "{text}");
    }
    let left = std::fs::read_dir(disk.folder.path()).expect("ours").count();
    assert_eq!(left, 0, "nothing was written");

    let disk = SmallDisk::new(1000).expect("the first one could be made");
    let shop = samples::shop();
    let archive = archived(&shop);
    let target = format!("sqlite:{}", disk.folder.path().join("t.db").display());
    let text = import(&archive, &["--plan"], &target).exits(0).stderr();
    assert!(text.contains("warning[space-missing]: "), "{text}");
}

#[test]
fn rows_that_cannot_fit_on_the_disk_of_the_server_are_refused_before_the_first_write() {
    let server = server();
    let Some(disk) = SmallDisk::new(1000).filter(|_| server.port != 0) else {
        eprintln!("left out: the server's disk cannot be made small");
        return;
    };
    let rows = many_rows();
    let archive = archived(&rows);
    let uri = server.fresh_database();
    let name = uri.rsplit('/').next().expect("a name");
    let mut admin = server.client("postgres");
    let at = disk.folder.path().join("space");
    std::fs::create_dir(&at).expect("there is room for a folder");
    let socket = server.socket.metadata().expect("a folder");
    let owner = std::os::unix::fs::MetadataExt::uid(&socket);
    std::os::unix::fs::chown(&at, Some(owner), None).expect("who may mount may do this");
    // Any role sees where its own tables go.
    for sql in [
        format!("CREATE TABLESPACE {name} LOCATION '{}'", at.display()),
        format!("CREATE ROLE {name} LOGIN"),
        format!("GRANT CREATE ON TABLESPACE {name} TO {name}"),
        format!("ALTER DATABASE {name} OWNER TO {name}"),
        format!("ALTER ROLE {name} SET default_tablespace = {name}"),
    ] {
        admin.batch_execute(&sql).expect("a superuser may");
    }
    let mine = uri.replacen("postgres@", &format!("{name}@"), 1);
    for flags in [&["--plan"][..], &[]] {
        let text = import(&archive, flags, &mine).exits(4).stderr();
        assert!(text.contains("error[space-missing]: "), "{text}");
        assert!(text.contains("at least 1.07 MiB are needed"), "{text}");
    }
    let left = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'waybill%'";
    let left = server.client(name).query_one(left, &[]).expect("a count");
    assert_eq!(left.get::<_, i64>(0), 0, "nothing was written");
    drop_database(server, &uri);
    for kind in ["TABLESPACE", "ROLE"] {
        let dropped = admin.batch_execute(&format!("DROP {kind} {name}"));
        dropped.expect("nothing is in it");
    }
}
