//! Tests of the `fourauthd` binary: its commands, output and exit codes.

#![expect(clippy::unwrap_used, reason = "a failed fixture fails its test")]

mod support;

use fourauth_protocol::printable::is_unprintable;
use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::{ffi::OsStringExt as _, fs::PermissionsExt as _},
    path::Path,
    process::{Child, Command, Output, Stdio},
};
use support::{fourauthd, text};
use tempfile::TempDir;

/// A server that is killed at the end of its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Starts a server. Returns it and its address.
fn serving(folder: &TempDir) -> (Running, String) {
    let mut running = Running(
        fourauthd(folder, &[])
            .env("FOURAUTH__LISTEN", "127.0.0.1:0")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let child = &mut running.0;
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let serving = lines.by_ref().map(Result::unwrap).find(|line| line.contains("serving")).unwrap();
    // Keep reading: a full pipe would block the log of the server.
    std::thread::spawn(move || lines.for_each(drop));
    let address = serving.split("address=").nth(1).unwrap().split_whitespace().next().unwrap();
    (running, address.to_owned())
}

#[test]
fn a_missing_model_pack_is_reported_with_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let ran = fourauthd(&folder, &[]).env("FOURAUTH__FACE__PACKS_DIR", &missing).output().unwrap();
    assert!(!ran.status.success());
    assert!(text(&ran).contains("missing/blaze-fr"), "{}", text(&ran));
}

#[test]
fn foreign_variables_may_be_anything_and_ours_must_be_valid() {
    let folder = tempfile::tempdir().unwrap();
    let foreign = std::ffi::OsString::from_vec(vec![0xff]);
    let ran = fourauthd(&folder, &["config", "check"]).env("FOREIGN", foreign).output().unwrap();
    assert!(ran.status.success(), "{}", text(&ran));
    let ran = fourauthd(&folder, &["config", "check"])
        .env("FOURAUTH__AUTH__ISSUER", "ACME: Doors")
        .output()
        .unwrap();
    assert!(!ran.status.success() && text(&ran).contains("auth.issuer"), "{}", text(&ran));
}

#[test]
fn an_unknown_setting_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("f.toml"), "[auth]\nisuer = 'x'\n").unwrap();
    let ran = fourauthd(&folder, &["--config", "f.toml", "config", "check"]).output().unwrap();
    assert!(!ran.status.success());
    assert!(text(&ran).contains("isuer"), "{}", text(&ran));
}

#[test]
fn config_show_prints_origins_and_hides_the_database_url() {
    let folder = tempfile::tempdir().unwrap();
    let ran = fourauthd(&folder, &["config", "show", "--origin"])
        .env("FOURAUTH__STORE__URL", "postgres://u:Tr0ub4dor@h/d?sslmode=verify-full")
        .output()
        .unwrap();
    let text = text(&ran);
    assert!(
        text.contains("auth.argon2_memory_kib = 64  # FOURAUTH__AUTH__ARGON2_MEMORY_KIB"),
        "{text}"
    );
    assert!(text.contains("limits.idle_s = 900  # default"), "{text}");
    assert!(!text.contains("Tr0ub4dor"), "{text}");
}

#[test]
fn user_commands_fail_before_the_first_run() {
    let folder = tempfile::tempdir().unwrap();
    let ran = fourauthd(&folder, &["user", "list"]).output().unwrap();
    assert!(!ran.status.success());
    assert!(text(&ran).contains("start `fourauthd` once"), "{}", text(&ran));
    assert!(!folder.path().join("data/keyring.toml").exists());
}

#[test]
fn a_server_is_healthy_until_sigterm() {
    let folder = tempfile::tempdir().unwrap();
    let (mut running, address) = serving(&folder);
    let healthcheck =
        || fourauthd(&folder, &["healthcheck"]).env("FOURAUTH__LISTEN", &address).output().unwrap();
    let healthy = healthcheck();
    assert!(healthy.status.success(), "{}", text(&healthy));

    let id = running.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert!(running.0.wait().unwrap().success());
    assert!(!healthcheck().status.success());
}

#[test]
fn a_second_sigterm_stops_the_server_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (mut running, address) = serving(&folder);
    // A handshake that never begins delays the shutdown by ten seconds. Connections are accepted in
    // order, so this one has been accepted once a later one is answered.
    let _silent = std::net::TcpStream::connect(&address).unwrap();
    let healthcheck =
        fourauthd(&folder, &["healthcheck"]).env("FOURAUTH__LISTEN", &address).output().unwrap();
    assert!(healthcheck.status.success(), "{}", text(&healthcheck));

    let id = running.0.id().to_string();
    let ended = loop {
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        if let Some(status) = running.0.try_wait().unwrap() {
            break status;
        }
    };
    assert_eq!(ended.code(), Some(1));
}

#[cfg(target_os = "linux")]
#[test]
fn a_server_leaves_no_core_dump_and_only_root_can_read_it() {
    use std::os::unix::fs::MetadataExt as _;
    let folder = tempfile::tempdir().unwrap();
    let (running, _) = serving(&folder);
    let process = Path::new("/proc").join(running.0.id().to_string());
    let limits = fs::read_to_string(process.join("limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"]);
    // Files of a process that is not dumpable belong to root (proc(5)). Run as root, this proves
    // nothing.
    assert_eq!(fs::metadata(process.join("environ")).unwrap().uid(), 0);
}

#[test]
fn adding_an_administrator_removes_the_setup_secret() {
    let folder = tempfile::tempdir().unwrap();
    drop(serving(&folder));
    let setup = folder.path().join("data/setup-secret");
    assert!(setup.exists());

    let short = with_input(fourauthd(&folder, &["admin", "add", "ops", "--secret-stdin"]), "short");
    assert!(text(&short).contains("at least 16 characters"), "{}", text(&short));
    let reserved = fourauthd(&folder, &["admin", "add", "setup"]).output().unwrap();
    assert!(!reserved.status.success() && setup.exists(), "{}", text(&reserved));
    let added = fourauthd(&folder, &["admin", "add", "ops"]).output().unwrap();
    assert!(added.status.success(), "{}", text(&added));
    assert!(String::from_utf8_lossy(&added.stdout).trim().len() >= 32);

    assert!(!setup.exists());
    let list = fourauthd(&folder, &["admin", "list"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&list.stdout).trim(), "ops");
    let audit = fourauthd(&folder, &["audit", "--action", "admin_add"]).output().unwrap();
    assert!(text(&audit).contains("admin=ops"), "{}", text(&audit));
}

#[test]
fn an_administrator_secret_must_not_be_weak() {
    let folder = tempfile::tempdir().unwrap();
    drop(serving(&folder));
    let typed = |verb, secret| {
        with_input(fourauthd(&folder, &["admin", verb, "ops", "--secret-stdin"]), secret)
    };
    let weak = ["CHANGE_THIS_ADMIN_SECRET", "ChangeThisToAStrongRandomKey", "passwordpassword"];
    for secret in weak {
        let refused = typed("add", secret);
        assert!(!refused.status.success(), "{secret}");
        assert!(text(&refused).contains("too weak"), "{}", text(&refused));
    }
    let added = typed("add", "gorseddau yellow umbrella");
    assert!(added.status.success(), "{}", text(&added));
    for secret in weak {
        assert!(!typed("secret", secret).status.success(), "{secret}");
    }
    let replaced = typed("secret", "sixteen violet oxen in Pwllheli");
    assert!(replaced.status.success(), "{}", text(&replaced));
    let made = fourauthd(&folder, &["admin", "secret", "ops"]).output().unwrap();
    assert!(String::from_utf8_lossy(&made.stdout).trim().len() >= 32, "{}", text(&made));
    let absent = fourauthd(&folder, &["admin", "secret", "absent"]).output().unwrap();
    assert!(text(&absent).contains("no administrator named absent"), "{}", text(&absent));
    let audit = fourauthd(&folder, &["audit", "--action", "admin_secret"]).output().unwrap();
    assert_eq!(text(&audit).matches("admin=ops").count(), 2, "{}", text(&audit));
}

#[test]
fn untrusted_text_is_escaped_on_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    drop(serving(&folder));
    let hostile = "nim\u{202e}da\u{9b}2J\u{1b}[2J";
    let exported = fourauthd(&folder, &["audit", "export", hostile]).output().unwrap();
    assert!(exported.status.success(), "{}", text(&exported));
    let refused = fourauthd(&folder, &["--config", hostile, "config", "check"]).output().unwrap();
    assert!(!refused.status.success());
    for ran in [exported, refused] {
        let text = text(&ran);
        assert!(text.contains("nim\\u{202e}da\\u{9b}2J\\u{1b}[2J"), "{text}");
        assert!(!text.chars().any(|c| c != '\n' && is_unprintable(c)), "{text:?}");
    }
}

#[test]
fn keys_and_backups_work_next_to_a_running_server() {
    let folder = tempfile::tempdir().unwrap();
    let (_running, _) = serving(&folder);
    let run = |arguments: &[&str]| fourauthd(&folder, arguments).output().unwrap();
    let keys = || {
        let listed = text(&run(&["key", "list"]));
        let ids = listed.split_whitespace().filter(|word| word.starts_with('k') && word.len() == 9);
        ids.map(str::to_owned).collect::<Vec<_>>()
    };
    let first = keys();
    assert_eq!(first.len(), 1);
    let rotated = run(&["key", "rotate"]);
    assert!(rotated.status.success(), "{}", text(&rotated));
    let newest = run(&["key", "retire", &keys()[1]]);
    assert!(!newest.status.success() && text(&newest).contains("newest"), "{}", text(&newest));
    let retired = run(&["key", "retire", &first[0]]);
    assert!(retired.status.success(), "{}", text(&retired));
    assert_eq!(keys().len(), 1);
    assert_ne!(keys(), first);

    let passphrase = folder.path().join("passphrase");
    fs::write(&passphrase, "nine brass monkeys\n").unwrap();
    fs::set_permissions(&passphrase, fs::Permissions::from_mode(0o600)).unwrap();
    let no_recipient = run(&["backup", "create", "a.age"]);
    assert_eq!(no_recipient.status.code(), Some(2), "{}", text(&no_recipient));
    for task in ["create", "verify"] {
        let done = run(&["backup", task, "a.age", "--passphrase-file", "passphrase"]);
        assert!(done.status.success(), "{}", text(&done));
    }
}

fn with_input(mut command: Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn every_command_in_the_document_is_understood() {
    let document = include_str!("../../../docs/OPERATIONS.md");
    let folder = tempfile::tempdir().unwrap();
    let commands: Vec<_> =
        document.lines().filter_map(|line| line.strip_prefix("    fourauthd ")).collect();
    assert!(commands.len() > 40, "only {} commands were found", commands.len());
    for line in commands {
        let end = [" #", " |", " >", " &&"].iter().filter_map(|mark| line.find(mark)).min();
        let words = line[..end.unwrap_or(line.len())].trim_end_matches(['\\', '…']);
        let words: Vec<_> = words.split_whitespace().chain(["--help"]).collect();
        let ran = fourauthd(&folder, &words).output().unwrap();
        assert!(ran.status.success(), "{line}: {}", text(&ran));
    }
}
