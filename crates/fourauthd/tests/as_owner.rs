//! Commands of root in a data folder of another user, who turns the folder against root.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a fixture fails or skips its test")]

#[path = "../../../tests/src/link_race.rs"]
#[expect(unreachable_pub, reason = "the assurances use it from a library")]
mod link_race;
mod support;

use fourauth_config::{AuditConfig, Config};
use fourauth_private_file as private_file;
use fourauth_protocol::time::UnixMillis;
use fourauthd::backup::{BackupCommand, Restore, Unlock};
use link_race::{Stage, USER, as_user};
use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};
use support::{fourauthd, text};

/// Made with age-keygen for this test; protects nothing.
const RECIPIENT: &str = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";
const IDENTITY: &str =
    "AGE-SECRET-KEY-1GQ9778VQXMMJVE8SK7J6VT8UJ4HDQAJUVSFCWCM02D8GEWQ72PVQ2Y5J33\n";

/// Exchanges with the defence, and without it.
const ROUNDS: usize = 12;
const CONTROLS: usize = 6;

/// 2026-11-21T00:00:00Z.
const NOON: UnixMillis = UnixMillis(1_795_219_200_000);

/// A stage with a backup that every user can open.
struct House {
    stage: Stage,
}

impl House {
    fn build() -> Option<Self> {
        let Some(stage) = Stage::set().unwrap() else {
            eprintln!("SKIPPED: only root can work in a folder of another user");
            return None;
        };
        let house = Self { stage };
        house.stage.renew_data().unwrap();
        private_file::create(&house.identity(), IDENTITY.as_bytes(), [0; 8]).unwrap();
        Stage::give(&house.identity()).unwrap();
        Some(house)
    }

    fn identity(&self) -> PathBuf {
        self.stage.folder().path().join("identity")
    }

    fn backup(&self) -> PathBuf {
        self.stage.folder().path().join("shelf/one.age")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        fourauthd(self.stage.folder(), arguments)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Starts a server and waits until it listens.
    fn serve(&self) -> Child {
        let mut server = self
            .command(&[])
            .env("FOURAUTH__LISTEN", "127.0.0.1:0")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(server.stderr.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.any(|line| line.contains("serving")));
        std::thread::spawn(move || lines.for_each(drop));
        server
    }

    /// Runs a server once, and makes a backup of its data.
    fn fill(&self) {
        let mut server = self.serve();
        server.kill().unwrap();
        server.wait().unwrap();
        let backup = self.backup();
        let folder = backup.parent().unwrap();
        fs::create_dir(folder).unwrap();
        Stage::give(folder).unwrap();
        let made =
            self.run(&["backup", "create", backup.to_str().unwrap(), "--recipient", RECIPIENT]);
        assert!(made.status.success(), "{}", text(&made));
    }

    fn restore(&self) -> Output {
        let (backup, identity) = (self.backup(), self.identity());
        let [backup, identity] = [&backup, &identity].map(|path| path.to_str().unwrap());
        self.run(&["backup", "restore", backup, "--identity", identity])
    }

    /// The control: the same restore, by a process that stays root's.
    fn restore_as_root(&self) -> anyhow::Result<()> {
        let sinks = AuditConfig { checkpoint_sinks: Some(Vec::new()), ..AuditConfig::default() };
        let config = Config { data_dir: self.stage.data(), audit: sinks, ..Config::default() };
        let unlock = Unlock { passphrase_file: None, identity: Some(self.identity()) };
        let restore = Restore {
            file: self.backup(),
            unlock,
            accept_rollback: false,
            checkpoints: Vec::new(),
            require_signature: false,
        };
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(BackupCommand::Restore(restore).run(&config, NOON))
    }
}

/// Every file below a folder, without links.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        found.push(entry.path());
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        }
    }
    found
}

#[test]
fn a_server_that_root_starts_becomes_the_owner_of_its_folder() {
    let Some(house) = House::build() else { return };
    let mut server = house.serve();
    let process = Path::new("/proc").join(server.id().to_string());
    let status = fs::read_to_string(process.join("status")).unwrap();
    let ids = format!("{USER}\t{USER}\t{USER}\t{USER}");
    for wanted in [format!("Uid:\t{ids}"), format!("Gid:\t{ids}")] {
        assert!(status.lines().any(|line| line == wanted), "{status}");
    }
    let groups = status.lines().find_map(|line| line.strip_prefix("Groups:")).unwrap();
    assert_eq!(groups.trim(), "");
    assert!(status.lines().any(|line| line == "CapEff:\t0000000000000000"), "{status}");
    // Each thread has its own identity.
    for thread in fs::read_dir(process.join("task")).unwrap().map(Result::unwrap) {
        let status = fs::read_to_string(thread.path().join("status")).unwrap();
        assert!(status.contains(&format!("Uid:\t{ids}")), "{status}");
    }
    // Its memory holds what root has read for it.
    let environ = process.join("environ");
    let refused = as_user(|| fs::read(&environ)).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::PermissionDenied);
    server.kill().unwrap();
    server.wait().unwrap();
    for file in files(&house.stage.data()) {
        assert_eq!(fs::symlink_metadata(&file).unwrap().uid(), USER, "{}", file.display());
    }
}

#[test]
fn a_closed_folder_above_the_data_is_named() {
    let Some(house) = House::build() else { return };
    let above = house.stage.folder().path();
    fs::set_permissions(above, fs::Permissions::from_mode(0o700)).unwrap();
    let told = text(&house.run(&["user", "list"]));
    let closed = format!("{} is closed to user {USER}", above.display());
    assert!(told.contains(&closed) && told.contains("chmod o+x"), "{told}");
}

#[test]
fn npm_gets_no_folder_of_root() {
    let Some(house) = House::build() else { return };
    let folder = house.stage.folder().path();
    let (npm, seen) = (folder.join("npm"), house.stage.data().join("seen"));
    fs::write(&npm, format!("#!/bin/sh\n/usr/bin/env > {}\nexit 1\n", seen.display())).unwrap();
    fs::set_permissions(&npm, fs::Permissions::from_mode(0o755)).unwrap();
    let mut install = house.command(&["models", "install"]);
    install.env("FOURAUTH__FACE__PACKS_DIR", house.stage.data().join("packs"));
    install.env("HOME", "/root").env("TMPDIR", "/root").env("PATH", folder);
    let ran = install.output().unwrap();
    let seen = fs::read_to_string(seen).unwrap_or_else(|_| panic!("{}", text(&ran)));
    assert!(!seen.contains("/root"), "{seen}");
    assert!(seen.lines().any(|line| line.starts_with("HOME=")), "{seen}");
}

#[test]
fn a_restore_by_root_never_loses_a_race_for_a_link() {
    let Some(house) = House::build() else { return };
    house.fill();
    let mut exchanged = 0;
    for number in 0..ROUNDS {
        house.stage.renew_data().unwrap();
        let (_restored, was) = house.stage.race(number, || house.restore()).unwrap();
        exchanged += usize::from(was);
        assert_eq!(house.stage.losses().unwrap(), Vec::<&str>::new(), "round {number}");
    }
    assert!(exchanged > 0, "the user exchanged files in no round");

    let mut lost = 0;
    for number in 0..CONTROLS {
        house.stage.renew_data().unwrap();
        let (_restored, _) = house.stage.race(number, || house.restore_as_root()).unwrap();
        lost += usize::from(!house.stage.losses().unwrap().is_empty());
    }
    assert!(lost > 0, "the control: a restore that stays root's lost nothing in {CONTROLS} rounds");
}

#[test]
fn a_linked_folder_leads_a_command_of_root_nowhere() {
    let Some(house) = House::build() else { return };
    house.fill();
    for name in ["tls", "audit"] {
        for place in [house.stage.chest(), house.stage.folder().path().join("absent")] {
            house.stage.renew_data().unwrap();
            symlink(&place, house.stage.data().join(name)).unwrap();
            let restored = house.restore();
            assert!(!restored.status.success(), "{name}: {}", text(&restored));
            let listed = house.run(&["audit", "verify"]);
            assert!(!listed.status.success(), "{name}: {}", text(&listed));
            assert_eq!(house.stage.losses().unwrap(), Vec::<&str>::new(), "{name}");
            assert!(!place.join("key.pem").exists());
        }
        house.stage.renew_data().unwrap();
        symlink(house.stage.chest(), house.stage.data().join(name)).unwrap();
        house.restore_as_root().unwrap();
        assert!(!house.stage.losses().unwrap().is_empty(), "the control");
    }
    house.stage.renew_data().unwrap();
    let restored = house.restore();
    assert!(restored.status.success(), "{}", text(&restored));
    let refused = File::open(house.stage.data().join("keyring.toml")).unwrap();
    assert_eq!(refused.metadata().unwrap().uid(), USER);
}

#[test]
fn a_file_that_only_root_can_read_is_refused_with_the_reason() {
    let Some(house) = House::build() else { return };
    house.fill();
    house.stage.renew_data().unwrap();
    fs::remove_file(house.identity()).unwrap();
    private_file::create_own(&house.identity(), IDENTITY.as_bytes(), [0; 8]).unwrap();
    let refused = house.restore();
    assert!(!refused.status.success());
    assert!(text(&refused).contains(&format!("became user {USER}")), "{}", text(&refused));
}

#[test]
fn a_row_of_a_local_command_names_the_user_that_ran_it() {
    let Some(house) = House::build() else { return };
    house.fill();
    let rows = text(&house.run(&["audit", "--action", "backup_create"]));
    assert!(rows.contains("by local administration uid=0"), "{rows}");
    let added = house.command(&["admin", "add", "ops"]).env("SUDO_USER", "margaret").output();
    assert!(added.unwrap().status.success());
    let rows = text(&house.run(&["audit", "--action", "admin_add"]));
    assert!(rows.contains("uid=0 sudo_user=margaret"), "{rows}");
}
