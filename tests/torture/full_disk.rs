//! No room left, on the server and here. Needs a file system of a few megabytes, which only root can
//! mount.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::content::{Part, parts};
use super::scene::{Scene, connect};
use crate::support::postgres::{drop_database, server};
use crate::support::program::{Ran, command};

/// A small file system, unmounted when this is dropped.
struct Small {
    at: PathBuf,
    folder: tempfile::TempDir,
}

impl Small {
    /// One of so many megabytes; nothing, and a word about it, where this process may not mount.
    fn new(megabytes: u32) -> Option<Small> {
        let folder = tempfile::tempdir_in("/tmp").expect("a temporary folder");
        let at = folder.path().join("small");
        std::fs::create_dir(&at).expect("a folder");
        let small = Small { at, folder };
        // Others than its owner must be able to get there.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(small.folder.path(), open).expect("a folder of ours");
        let size = format!("size={megabytes}m");
        if mount(&["-t", "tmpfs", "-o", &size, "tmpfs"], &small.at) {
            return Some(small);
        }
        eprintln!("full disks are left out: this process may not mount a tmpfs");
        None
    }

    fn grow(&self, megabytes: u32) {
        let options = format!("remount,size={megabytes}m");
        assert!(mount(&["-o", &options], &self.at));
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.at).status());
    }
}

fn mount(arguments: &[&str], at: &Path) -> bool {
    let mut mount = Command::new("mount");
    mount.args(arguments).arg(at).stderr(Stdio::null());
    mount.status().is_ok_and(|status| status.success())
}

#[test]
fn a_full_disk_of_the_server_leaves_the_target_as_it_was_and_with_room_it_goes_on() {
    let server = server();
    if server.port == 0 {
        eprintln!("full disks are left out: the server may be on another machine");
        return;
    }
    let Some(small) = Small::new(14) else { return };
    let owner = std::fs::metadata(&server.socket).expect("a folder").uid();
    std::os::unix::fs::chown(&small.at, Some(owner), None).expect("root may");
    let scene = Scene::new(server);
    let fresh = server.fresh_database();
    let name = fresh.rsplit('/').next().expect("a name");
    let mut admin = server.client("postgres");
    let at = small.at.display();
    admin
        .batch_execute(&format!("CREATE TABLESPACE {name} LOCATION '{at}'"))
        .expect("a superuser");
    admin
        .batch_execute(&format!("ALTER DATABASE {name} SET TABLESPACE {name}"))
        .expect("its owner");

    let mut import = scene.import(&fresh);
    import.stdout(Stdio::piped()).stderr(Stdio::piped());
    let refused = Ran::of(import).exits(5);
    let said = refused.stderr();
    assert!(said.contains("server-busy"), "{said}");
    assert!(said.contains("No space left on device"), "{said}");
    assert!(said.contains("make room"), "{said}");
    let mut client = connect(&fresh);
    let seen = scene.eyes.look(&mut client).expect("the server answers");
    assert_eq!(seen, [0; 3], "the target is as it was");
    let before = parts(&mut client);
    assert!(!before.is_empty() && !before.iter().all(Part::is_done));

    small.grow(200);
    scene.finish(&fresh, "with room");
    scene.assert_done(&fresh, &before, "with room");
    drop(client);
    drop_database(server, &fresh);
    admin
        .batch_execute(&format!("DROP TABLESPACE {name}"))
        .expect("nothing is in it");
}

#[test]
fn a_full_folder_for_the_spool_ends_the_import_before_it_has_begun() {
    let Some(small) = Small::new(1) else { return };
    let server = server();
    let scene = Scene::new(server);
    let uri = server.fresh_database();
    let mut import = command("waybill-import");
    import.args(["-", &uri, "--spool"]).arg(&small.at);
    import.stdin(std::fs::File::open(&scene.archive).expect("an archive"));
    let refused = Ran::of(import).exits(1);
    let said = refused.stderr();
    assert!(said.contains("No space left on device"), "{said}");
    let left = std::fs::read_dir(&small.at).expect("a folder").count();
    assert_eq!(left, 0, "the private copy is removed");
    assert!(parts(&mut connect(&uri)).is_empty());
    drop_database(server, &uri);
}
