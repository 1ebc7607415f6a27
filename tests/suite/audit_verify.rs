//! The log of a real server, read by `fourauth-audit-verify` and by the Python verifier, which was
//! written from docs/AUDIT.md alone. Both report the same, for the database and for its export.

#[path = "../../crates/fourauthd/src/foreign/tests/endless.rs"]
mod endless;

use clap::Parser;
use data_encoding::BASE64;
use fourauth_audit::{
    VerifyingKey,
    checkpoint::{Checkpoint, parse_all},
};
use fourauth_audit_verify::{Handover, Options, Unreadable, first_keys, verify};
use fourauth_checkpoints::untaken_first_keys;
use fourauth_config::Config;
use fourauth_protocol::command::Command;
use fourauth_tests::{
    python,
    server::{NOON, TestServer, quick},
};
use fourauthd::command::audit::AuditCommand;
use rusqlite::Connection;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tempfile::TempDir;

/// Removes the last row and every trace of it.
const CUT: &str = "DELETE FROM audit_checkpoint WHERE size = (SELECT size FROM audit_tree);
    DELETE FROM access_logs WHERE id = (SELECT MAX(log_id) FROM audit_leaf);
    DELETE FROM audit_leaf WHERE log_id = (SELECT MAX(log_id) FROM audit_leaf);";

/// `fourauthd audit`.
#[derive(Parser)]
struct Line {
    #[command(flatten)]
    audit: AuditCommand,
}

/// A server that was used and has stopped.
struct Stopped {
    config: Config,
    _folder: TempDir,
}

impl Stopped {
    async fn used() -> Self {
        let server = TestServer::start().await;
        let ada = server.enrol("ada", "obama.jpg").await;
        for _ in 0..2 {
            // The second login repeats a spent code.
            server.client().send_once(Command::Login(ada.login(server.now()))).await.unwrap();
        }
        let folder = server.stop().await;
        Self { config: quick(folder.path()), _folder: folder }
    }

    fn database(&self) -> PathBuf {
        self.config.data_dir.join("fourauth.db")
    }

    async fn export(&self) -> PathBuf {
        let file = self.config.data_dir.join("export.jsonl");
        let line = ["audit", "export", file.to_str().unwrap()];
        Line::parse_from(line).audit.run(&self.config, NOON).await.unwrap();
        file
    }

    fn secret(&self, name: &str) -> String {
        let text = fs::read_to_string(self.config.audit_dir().join(name)).unwrap();
        text.trim().to_owned()
    }

    fn checkpoints(&self) -> PathBuf {
        self.config.audit_dir().join("checkpoints.log")
    }

    /// The exit code and the names of the findings of the Rust verifier.
    fn first(&self, input: &Path) -> (i32, Vec<String>) {
        let mut options = Options::new(VerifyingKey::parse(&self.secret("log.vkey")).unwrap());
        options.checkpoints.push(self.checkpoints());
        for file in untaken_first_keys(&self.config.audit_dir()) {
            let text = fs::read_to_string(file).unwrap();
            for (key, handover) in first_keys(&text).unwrap() {
                options.epoch_keys.push(key);
                options.handovers.extend(handover);
            }
        }
        assert!(!options.epoch_keys.is_empty());
        let report = match verify(input, &options) {
            Err(Unreadable::NoCheckpoint { .. } | Unreadable::Database(_)) => {
                return (2, Vec::new());
            }
            report => report.unwrap(),
        };
        let names = report.counts.keys().map(|kind| kind.name().to_owned());
        (report.exit_code().into(), names.collect())
    }

    /// The exit code and the names of the findings of the Python verifier.
    async fn second(&self, input: &Path) -> (i32, Vec<String>) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/audit_verify.py");
        let epoch_keys = untaken_first_keys(&self.config.audit_dir());
        let ran = tokio::process::Command::from(python::command())
            .arg(script)
            .args(["--json", "--key", &self.secret("log.vkey")])
            .args(epoch_keys.iter().flat_map(|file| [OsStr::new("--epoch-key"), file.as_os_str()]))
            .arg("--checkpoints")
            .arg(self.checkpoints())
            .arg(input)
            .stdin(Stdio::null())
            .output()
            .await
            .expect("python3 runs");
        let failed = String::from_utf8_lossy(&ran.stderr);
        let report: Value = serde_json::from_slice(&ran.stdout).expect(&failed);
        let names = report["counts"].as_object().into_iter().flat_map(|counts| counts.keys());
        let mut names: Vec<_> = names.cloned().collect();
        names.sort_unstable();
        (ran.status.code().unwrap(), names)
    }

    /// Rewrites the checkpoints as a collector of syslog messages leaves them: each among messages
    /// of other programs, including one very long message, and messages of another log. The last
    /// checkpoint is truncated.
    fn collect(&self) {
        let notes = fs::read_to_string(self.checkpoints()).unwrap();
        let (notes, _) = parse_all(&notes);
        let message = |note: &str| {
            let base64 = BASE64.encode(note.as_bytes());
            format!("Nov 21 10:00:00 host fourauthd - checkpoint - {base64}")
        };
        let origin = notes[0].split_inclusive('\n').next().unwrap();
        let other = message(&notes[0].replace(origin, "another/log\n"));
        let chatter = "Nov 21 10:00:00 host LOG: checkpoint - done\n".repeat(7_000);
        let mut file = chatter.clone().into_bytes();
        for note in &notes {
            file.extend_from_slice(format!("{other}\n{}\n{chatter}", message(note)).as_bytes());
        }
        file.extend_from_slice(&vec![b'x'; 17 << 20]);
        file.extend_from_slice(b"\n\xff\n");
        // Four bytes of base64 hold three bytes of the note, so this is its beginning.
        let torn = message(&notes[0]);
        let whole = torn.len() - BASE64.encode(notes[0].as_bytes()).len();
        file.extend_from_slice(&torn.as_bytes()[..whole + 400]);
        fs::write(self.checkpoints(), file).unwrap();
    }

    async fn both(&self, input: &Path) -> (i32, Vec<String>) {
        let (code, mut names) = self.first(input);
        names.sort_unstable();
        assert_eq!((code, names.clone()), self.second(input).await, "{}", input.display());
        (code, names)
    }
}

/// Puts a byte order mark in front of a file, as a text editor may.
fn mark(file: &Path) {
    let text = fs::read(file).unwrap();
    fs::write(file, [b"\xef\xbb\xbf", text.as_slice()].concat()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn both_verifiers_drop_a_byte_order_mark() {
    let server = Stopped::used().await;
    let export = server.export().await;
    mark(&server.checkpoints());
    mark(&export);
    assert_eq!(server.both(&export).await, (0, Vec::new()));
    // Control: the only exported checkpoint counts, so a file where it was changed holds none.
    let notes = fs::read_to_string(server.checkpoints()).unwrap();
    let root = notes.lines().nth(2).unwrap();
    let other = if root.starts_with('A') { "B" } else { "A" };
    let changed = notes.replacen(root, &format!("{other}{}", &root[1..]), 1);
    fs::write(server.checkpoints(), changed).unwrap();
    assert_eq!(server.both(&export).await, (2, Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn both_verifiers_find_nothing_in_an_untouched_log() {
    let server = Stopped::used().await;
    assert_eq!(server.both(&server.database()).await, (0, Vec::new()));
    assert_eq!(server.both(&server.export().await).await, (0, Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn both_verifiers_stop_at_an_endless_schema() {
    let server = Stopped::used().await;
    let copy = server.config.data_dir.join("copy.db");
    let whole = Connection::open(server.database()).unwrap();
    whole.execute("VACUUM INTO ?", [copy.to_str().unwrap()]).unwrap();
    assert_eq!(server.both(&copy).await, (0, Vec::new()), "the control");
    endless::make_endless(&copy, 1);
    assert_eq!(server.both(&copy).await, (2, Vec::new()));
}

/// A server that ran for an hour and a half.
async fn used_for_epochs(folder: TempDir) -> Stopped {
    let server = TestServer::start_in(folder, |config| config.audit.checkpoint_s = 1).await;
    let bob = server.enrol("bob", "obama.jpg").await;
    for _ in 0..5 {
        server.clock().advance_ms(18 * 60 * 1000);
        server.client().send_once(Command::Login(bob.login(server.now()))).await.unwrap();
        // The signer works once a second.
        tokio::time::sleep(Duration::from_millis(1200)).await;
    }
    let folder = server.stop().await;
    Stopped { config: quick(folder.path()), _folder: folder }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_verifiers_miss_a_deleted_checkpoint_in_later_keys() {
    let server = used_for_epochs(tempfile::tempdir().unwrap()).await;
    assert_eq!(server.both(&server.database()).await, (0, Vec::new()));
    let database = Connection::open(server.database()).unwrap();
    let of_epoch_2 = "DELETE FROM audit_checkpoint WHERE epoch = 2";
    assert!(database.execute(of_epoch_2, []).unwrap() > 0);
    drop(database);
    let (code, found) = server.both(&server.database()).await;
    assert_eq!(code, 1);
    assert!(found.contains(&"bad_epoch_mac".to_owned()), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_database_begins_a_new_chain_of_epochs() {
    let server = Stopped::used().await;
    let before = fs::read(server.database()).unwrap();
    let Stopped { config, _folder: folder } = server;
    let server = used_for_epochs(folder).await;
    fs::write(server.database(), before).unwrap();
    let line = ["audit", "accept-rollback", "--yes"];
    Line::parse_from(line).audit.run(&server.config, NOON).await.unwrap();
    let keys = untaken_first_keys(&config.audit_dir());
    assert_eq!(keys.len(), 2);
    // A finding because the auditor was not told; the epochs are in order.
    let found = (1, vec!["rollback".to_owned()]);
    assert_eq!(server.both(&server.database()).await, found);
    // Control: with the first key of the first chain alone, the new checkpoints are not proved.
    fs::remove_file(&keys[1]).unwrap();
    let (_, found) = server.both(&server.database()).await;
    assert!(found.contains(&"bad_epoch_mac".to_owned()), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_verifiers_find_checkpoints_among_other_messages() {
    let server = Stopped::used().await;
    server.collect();
    assert_eq!(server.both(&server.database()).await, (0, Vec::new()));
    let database = Connection::open(server.database()).unwrap();
    database.execute_batch(CUT).unwrap();
    drop(database);
    let (code, found) = server.both(&server.database()).await;
    assert_eq!(code, 1);
    assert!(found.contains(&"tail_gone".to_owned()), "{found:?}");
}

/// Pieces, valid or not, that a file of checkpoints may consist of.
fn pieces(note: &str) -> Vec<Vec<u8>> {
    let message = |note: &str, end: &str| {
        format!("Nov 21 host fourauthd - checkpoint - {}{end}", BASE64.encode(note.as_bytes()))
    };
    let half = note.floor_char_boundary(note.len() / 2);
    let texts = [
        note.to_owned(),
        note[..half].to_owned(),
        note[half..].to_owned(),
        note.replace('\n', "\r\n"),
        message(note, "\n"),
        message(note, " \t\r\n"),
        message(note, "\u{a0}\n"),
        message(note, ""),
        message("another/log\n\n\u{2014} b c\n", "\n"),
        message("done", "\n"),
        "\n".into(),
        " \t\r\n".into(),
        "\u{1c}\n".into(),
        "\u{a0}\n".into(),
        "junk\n".into(),
        "\0\n".into(),
        " checkpoint - ".into(),
        "\u{2014} torn\n".into(),
        format!("{}\n", "x".repeat(262_143)),
        format!("{}\n", "x".repeat(262_144)),
        format!("\u{2014} {}\n", "x".repeat(200_000)),
    ];
    texts.into_iter().map(String::into_bytes).chain([b"\xff\xfe\n".to_vec()]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_verifiers_find_the_same_checkpoints_in_any_file() {
    const FILES: u64 = 60;

    let server = Stopped::used().await;
    let notes = fs::read_to_string(server.checkpoints()).unwrap();
    let pieces = pieces(parse_all(&notes).0.last().unwrap());
    let mut outcomes = BTreeSet::new();
    for number in 0..FILES {
        // Arbitrary numbers that differ between files and repeat in every run.
        let mut chance = Sha256::digest(number.to_be_bytes()).into_iter().map(usize::from);
        let length = chance.next().unwrap() % 9;
        let chosen = chance.take(length).map(|number| &pieces[number % pieces.len()]);
        let file: Vec<u8> = chosen.flatten().copied().collect();
        fs::write(server.checkpoints(), file).unwrap();
        outcomes.insert(server.both(&server.database()).await);
    }
    assert!(outcomes.len() > 1, "all files are alike");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_verifiers_find_an_edited_login() {
    let server = Stopped::used().await;
    let database = Connection::open(server.database()).unwrap();
    let changed = database.execute("UPDATE access_logs SET success = 1 WHERE success = 0", []);
    assert!(changed.unwrap() > 0);
    drop(database);
    let found = (1, vec!["edited_row".to_owned()]);
    assert_eq!(server.both(&server.database()).await, found);
    assert_eq!(server.both(&server.export().await).await, found);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_verifiers_compare_the_log_with_what_was_handed_over() {
    let server = Stopped::used().await;
    let key = VerifyingKey::parse(&server.secret("log.vkey")).unwrap();
    let notes = parse_all(&fs::read_to_string(server.checkpoints()).unwrap()).0;
    let Checkpoint { size, root, at, .. } = Checkpoint::open(&notes[0], &key).unwrap();
    let (first, export) = (server.secret("epoch-0"), server.export().await);
    let mut other = root;
    other[0] ^= 1;
    let changed = vec!["history_changed".to_owned()];
    let gone = vec!["tail_gone".to_owned()];
    for (size, root, expected) in [
        // The control.
        (size, root, (0, Vec::new())),
        (size, other, (1, changed.clone())),
        (size - 1, root, (1, changed)),
        (size + 1000, root, (1, gone)),
    ] {
        let handover = Handover { size, root, at: at.clone() };
        let file = server.config.audit_dir().join("epoch-0");
        fs::write(file, format!("{first} {handover}\n")).unwrap();
        assert_eq!(server.both(&server.database()).await, expected);
        assert_eq!(server.both(&export).await, expected);
    }
}
