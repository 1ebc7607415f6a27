//! The log of a real server, read by the verifier that was written from docs/AUDIT.md alone, and by
//! ours: they say the same, of the database and of its export.

use clap::Parser;
use fourauth_audit::{EpochKey, VerifyingKey};
use fourauth_audit_verify::{Options, verify};
use fourauth_protocol::command::Command;
use fourauth_server::{config::Config, local::audit::AuditCommand};
use fourauth_tests::{
    python,
    server::{NOON, TestServer, quick},
};
use rusqlite::Connection;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};
use tempfile::TempDir;

/// `fourauthd audit`.
#[derive(Parser)]
struct Line {
    #[command(flatten)]
    audit: AuditCommand,
}

/// A server that people have used, and that has stopped.
struct Stopped {
    config: Config,
    _folder: TempDir,
}

impl Stopped {
    async fn used() -> Self {
        let server = TestServer::start().await;
        let ada = server.enrol("ada", "obama.jpg").await;
        for _ in 0..2 {
            // The second time with a code that was used.
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

    /// The exit code and the names of what was found, by ours.
    fn first(&self, input: &Path) -> (i32, Vec<String>) {
        let mut options = Options::new(VerifyingKey::parse(&self.secret("log.vkey")).unwrap());
        options.checkpoints.push(self.checkpoints());
        options.epoch_key = EpochKey::from_hex(0, &self.secret("epoch-0"));
        assert!(options.epoch_key.is_some());
        let report = verify(input, &options).unwrap();
        let names = report.counts.keys().map(|kind| kind.name().to_owned());
        (report.exit_code().into(), names.collect())
    }

    /// The same, by the other one.
    async fn second(&self, input: &Path) -> (i32, Vec<String>) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/audit_verify.py");
        let ran = tokio::process::Command::from(python::command())
            .arg(script)
            .args(["--json", "--key", &self.secret("log.vkey")])
            .args(["--epoch-key", &self.secret("epoch-0")])
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

    async fn both(&self, input: &Path) -> (i32, Vec<String>) {
        let (code, mut names) = self.first(input);
        names.sort_unstable();
        assert_eq!((code, names.clone()), self.second(input).await, "{}", input.display());
        (code, names)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_verifiers_find_nothing_in_the_log_of_a_server_that_nobody_touched() {
    let server = Stopped::used().await;
    assert_eq!(server.both(&server.database()).await, (0, Vec::new()));
    assert_eq!(server.both(&server.export().await).await, (0, Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_verifiers_find_the_login_that_was_made_a_success() {
    let server = Stopped::used().await;
    let database = Connection::open(server.database()).unwrap();
    let changed = database.execute("UPDATE access_logs SET success = 1 WHERE success = 0", []);
    assert!(changed.unwrap() > 0);
    drop(database);
    let found = (1, vec!["edited_row".to_owned()]);
    assert_eq!(server.both(&server.database()).await, found);
    assert_eq!(server.both(&server.export().await).await, found);
}
