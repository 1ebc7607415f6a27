//! `fourauthd` as an operator meets it: the binary, its answers and its exit codes.

#![expect(clippy::unwrap_used, reason = "a fixture that fails is a test that fails")]

use fourauth_protocol::printable::is_unprintable;
use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::{ffi::OsStringExt as _, fs::PermissionsExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};
use tempfile::TempDir;

fn packs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/models/packs")
}

/// `fourauthd` in a folder of its own, with hashes that cost next to nothing.
fn fourauthd(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fourauthd"));
    command
        .current_dir(folder)
        .args(arguments)
        .env("FOURAUTH__DATA_DIR", folder.path().join("data"))
        .env("FOURAUTH__AUTH__ARGON2_MEMORY_KIB", "64")
        .env("FOURAUTH__TIME__SERVERS", "[]")
        .env("FOURAUTH__FACE__INSTALL", "false")
        .env("FOURAUTH__FACE__PACKS_DIR", packs())
        .stdin(Stdio::null());
    command
}

fn said(ran: &Output) -> String {
    String::from_utf8_lossy(&[ran.stdout.clone(), ran.stderr.clone()].concat()).into_owned()
}

/// A server that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// A server and where it listens.
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
    // Somebody must go on reading, or the server could not go on logging.
    std::thread::spawn(move || lines.for_each(drop));
    let address = serving.split("address=").nth(1).unwrap().split_whitespace().next().unwrap();
    (running, address.to_owned())
}

#[test]
fn a_missing_model_pack_is_said_with_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere");
    let ran = fourauthd(&folder, &[]).env("FOURAUTH__FACE__PACKS_DIR", &nowhere).output().unwrap();
    assert!(!ran.status.success());
    assert!(said(&ran).contains("nowhere/blaze-dlib"), "{}", said(&ran));
}

#[test]
fn settings_of_others_need_not_be_text_and_ours_must_be_usable() {
    let folder = tempfile::tempdir().unwrap();
    let foreign = std::ffi::OsString::from_vec(vec![0xff]);
    let ran = fourauthd(&folder, &["config", "check"]).env("FOREIGN", foreign).output().unwrap();
    assert!(ran.status.success(), "{}", said(&ran));
    let ran = fourauthd(&folder, &["config", "check"])
        .env("FOURAUTH__AUTH__ISSUER", "ACME: Doors")
        .output()
        .unwrap();
    assert!(!ran.status.success() && said(&ran).contains("auth.issuer"), "{}", said(&ran));
}

#[test]
fn a_setting_that_does_not_exist_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("f.toml"), "[auth]\nisuer = 'x'\n").unwrap();
    let ran = fourauthd(&folder, &["--config", "f.toml", "config", "check"]).output().unwrap();
    assert!(!ran.status.success());
    assert!(said(&ran).contains("isuer"), "{}", said(&ran));
}

#[test]
fn the_configuration_says_where_each_setting_comes_from_and_hides_the_database_url() {
    let folder = tempfile::tempdir().unwrap();
    let ran = fourauthd(&folder, &["config", "show", "--origin"])
        .env("FOURAUTH__STORE__URL", "postgres://u:Tr0ub4dor@h/d?sslmode=verify-full")
        .output()
        .unwrap();
    let said = said(&ran);
    assert!(
        said.contains("auth.argon2_memory_kib = 64  # FOURAUTH__AUTH__ARGON2_MEMORY_KIB"),
        "{said}"
    );
    assert!(said.contains("limits.idle_s = 900  # default"), "{said}");
    assert!(!said.contains("Tr0ub4dor"), "{said}");
}

#[test]
fn there_is_nothing_to_administer_before_the_first_run() {
    let folder = tempfile::tempdir().unwrap();
    let ran = fourauthd(&folder, &["user", "list"]).output().unwrap();
    assert!(!ran.status.success());
    assert!(said(&ran).contains("start `fourauthd` once"), "{}", said(&ran));
    assert!(!folder.path().join("data/keyring.toml").exists());
}

#[test]
fn a_server_is_healthy_until_it_is_told_to_stop() {
    let folder = tempfile::tempdir().unwrap();
    let (mut running, address) = serving(&folder);
    let healthcheck =
        || fourauthd(&folder, &["healthcheck"]).env("FOURAUTH__LISTEN", &address).output().unwrap();
    let healthy = healthcheck();
    assert!(healthy.status.success(), "{}", said(&healthy));

    let id = running.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert!(running.0.wait().unwrap().success());
    assert!(!healthcheck().status.success());
}

#[test]
fn a_server_that_is_told_to_stop_twice_waits_for_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let (mut running, address) = serving(&folder);
    // A handshake that never begins holds a stop up for ten seconds. Connections are accepted in
    // order, so once a later one was answered this one is inside.
    let _silent = std::net::TcpStream::connect(&address).unwrap();
    let healthcheck =
        fourauthd(&folder, &["healthcheck"]).env("FOURAUTH__LISTEN", &address).output().unwrap();
    assert!(healthcheck.status.success(), "{}", said(&healthcheck));

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
fn a_server_leaves_no_core_dump_and_is_read_by_nobody_but_root() {
    use std::os::unix::fs::MetadataExt as _;
    let folder = tempfile::tempdir().unwrap();
    let (running, _) = serving(&folder);
    let process = Path::new("/proc").join(running.0.id().to_string());
    let limits = fs::read_to_string(process.join("limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"]);
    // What belongs to root is not dumpable (proc(5)); a test that root runs learns nothing here.
    assert_eq!(fs::metadata(process.join("environ")).unwrap().uid(), 0);
}

#[test]
fn naming_an_administrator_retires_the_setup_secret() {
    let folder = tempfile::tempdir().unwrap();
    drop(serving(&folder));
    let setup = folder.path().join("data/setup-secret");
    assert!(setup.exists());

    let short = with_input(fourauthd(&folder, &["admin", "add", "ops", "--secret-stdin"]), "short");
    assert!(said(&short).contains("at least 16 characters"), "{}", said(&short));
    let reserved = fourauthd(&folder, &["admin", "add", "setup"]).output().unwrap();
    assert!(!reserved.status.success() && setup.exists(), "{}", said(&reserved));
    let added = fourauthd(&folder, &["admin", "add", "ops"]).output().unwrap();
    assert!(added.status.success(), "{}", said(&added));
    assert!(String::from_utf8_lossy(&added.stdout).trim().len() >= 32);

    assert!(!setup.exists());
    let list = fourauthd(&folder, &["admin", "list"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&list.stdout).trim(), "ops");
    let audit = fourauthd(&folder, &["audit", "--action", "admin_add"]).output().unwrap();
    assert!(said(&audit).contains("admin=ops"), "{}", said(&audit));
}

#[test]
fn an_administrators_secret_is_held_to_the_rule() {
    let folder = tempfile::tempdir().unwrap();
    drop(serving(&folder));
    let typed = |verb, secret| {
        with_input(fourauthd(&folder, &["admin", verb, "ops", "--secret-stdin"]), secret)
    };
    let weak = ["CHANGE_THIS_ADMIN_SECRET", "ChangeThisToAStrongRandomKey", "passwordpassword"];
    for secret in weak {
        let refused = typed("add", secret);
        assert!(!refused.status.success(), "{secret}");
        assert!(said(&refused).contains("too weak"), "{}", said(&refused));
    }
    let added = typed("add", "gorseddau yellow umbrella");
    assert!(added.status.success(), "{}", said(&added));
    for secret in weak {
        assert!(!typed("secret", secret).status.success(), "{secret}");
    }
    let replaced = typed("secret", "sixteen violet oxen in Pwllheli");
    assert!(replaced.status.success(), "{}", said(&replaced));
    let made = fourauthd(&folder, &["admin", "secret", "ops"]).output().unwrap();
    assert!(String::from_utf8_lossy(&made.stdout).trim().len() >= 32, "{}", said(&made));
    let nobody = fourauthd(&folder, &["admin", "secret", "nobody"]).output().unwrap();
    assert!(said(&nobody).contains("no administrator named nobody"), "{}", said(&nobody));
    let audit = fourauthd(&folder, &["audit", "--action", "admin_secret"]).output().unwrap();
    assert_eq!(said(&audit).matches("admin=ops").count(), 2, "{}", said(&audit));
}

#[test]
fn no_text_from_elsewhere_takes_over_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    drop(serving(&folder));
    let hostile = "nim\u{202e}da\u{9b}2J\u{1b}[2J";
    let exported = fourauthd(&folder, &["audit", "export", hostile]).output().unwrap();
    assert!(exported.status.success(), "{}", said(&exported));
    let refused = fourauthd(&folder, &["--config", hostile, "config", "check"]).output().unwrap();
    assert!(!refused.status.success());
    for ran in [exported, refused] {
        let said = said(&ran);
        assert!(said.contains("nim\\u{202e}da\\u{9b}2J\\u{1b}[2J"), "{said}");
        assert!(!said.chars().any(|c| c != '\n' && is_unprintable(c)), "{said:?}");
    }
}

#[test]
fn keys_are_changed_and_a_backup_is_made_beside_a_server_that_runs() {
    let folder = tempfile::tempdir().unwrap();
    let (_running, _) = serving(&folder);
    let run = |arguments: &[&str]| fourauthd(&folder, arguments).output().unwrap();
    let keys = || {
        let listed = said(&run(&["key", "list"]));
        let ids = listed.split_whitespace().filter(|word| word.starts_with('k') && word.len() == 9);
        ids.map(str::to_owned).collect::<Vec<_>>()
    };
    let first = keys();
    assert_eq!(first.len(), 1);
    let rotated = run(&["key", "rotate"]);
    assert!(rotated.status.success(), "{}", said(&rotated));
    let newest = run(&["key", "retire", &keys()[1]]);
    assert!(!newest.status.success() && said(&newest).contains("newest"), "{}", said(&newest));
    let retired = run(&["key", "retire", &first[0]]);
    assert!(retired.status.success(), "{}", said(&retired));
    assert_eq!(keys().len(), 1);
    assert_ne!(keys(), first);

    let passphrase = folder.path().join("passphrase");
    fs::write(&passphrase, "nine brass monkeys\n").unwrap();
    fs::set_permissions(&passphrase, fs::Permissions::from_mode(0o600)).unwrap();
    let for_nobody = run(&["backup", "create", "a.age"]);
    assert_eq!(for_nobody.status.code(), Some(2), "{}", said(&for_nobody));
    for task in ["create", "verify"] {
        let done = run(&["backup", task, "a.age", "--passphrase-file", "passphrase"]);
        assert!(done.status.success(), "{}", said(&done));
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
