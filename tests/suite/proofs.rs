//! The proof of one's own sign-in: fetched from a real server, and checked by both verifiers.

use fourauth_audit::{RowProof, VerifyingKey};
use fourauth_audit_verify::{Kind, Options, Report, verify};
use fourauth_config::Config;
use fourauth_protocol::{
    answer::Answer,
    code::Code,
    command::{Command, ListSessions, ProveSignIn},
    mac_address::MacAddress,
    secret::Secret,
};
use fourauth_tests::{
    persona::Persona,
    python,
    server::{TestServer, quick},
};
use serde_json::{Value, json};
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Stdio,
};
use tempfile::TempDir;

/// A server with two accounts, each with a session and a signed sign-in.
struct House {
    server: TestServer,
    alice: Persona,
    bob: Persona,
    of_alice: Secret<String>,
    of_bob: Secret<String>,
}

impl House {
    async fn signed() -> Self {
        let server = TestServer::start().await;
        let (alice, bob) =
            (server.enrol("alice", "obama.jpg").await, server.enrol("bob", "obama.jpg").await);
        let of_alice = log_in(&server, &alice).await;
        let of_bob = log_in(&server, &bob).await;
        // A server signs the log when it stops.
        let server = TestServer::start_in(server.stop().await, |_| {}).await;
        Self { server, alice, bob, of_alice, of_bob }
    }

    async fn send(&self, command: Command) -> Answer {
        self.server.client().send_once(command).await.unwrap()
    }

    fn prove_alice(&self) -> ProveSignIn {
        ProveSignIn::new(self.of_alice.clone()).device(self.alice.mac)
    }

    async fn proof(&self) -> String {
        self.send(Command::ProveSignIn(self.prove_alice())).await.body.proof.unwrap()
    }

    /// The id of the session of alice.
    async fn session_id(&self) -> String {
        let list = ListSessions::new(self.of_alice.clone()).device(self.alice.mac);
        let rows = self.send(Command::ListSessions(list)).await.body.sessions.unwrap();
        rows[0].id.clone()
    }
}

async fn log_in(server: &TestServer, who: &Persona) -> Secret<String> {
    let login = Command::Login(who.login(server.now()));
    server.client().send_once(login).await.unwrap().body.token.unwrap()
}

/// A proof in a file, and what its reader has of the server.
struct Kept {
    folder: TempDir,
    config: Config,
    text: String,
}

impl Kept {
    async fn fetched() -> Self {
        let house = House::signed().await;
        let text = house.proof().await;
        let folder = house.server.stop().await;
        let config = quick(folder.path());
        Self { folder, config, text }
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn vkey(&self) -> String {
        fs::read_to_string(self.config.audit_dir().join("log.vkey")).unwrap().trim().to_owned()
    }

    fn checkpoints(&self) -> PathBuf {
        self.config.audit_dir().join("checkpoints.log")
    }

    fn options(&self) -> Options {
        Options::new(VerifyingKey::parse(&self.vkey()).unwrap())
    }

    /// The exit code of the Rust verifier.
    fn first(&self, input: &Path) -> i64 {
        verify(input, &self.options()).map_or(2, |report| report.exit_code().into())
    }

    /// The reports of the Python verifier about these files.
    fn second(&self, inputs: &[PathBuf], more: &[&str]) -> Vec<Value> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/audit_verify.py");
        let mut verifier = python::command()
            .arg(script)
            .arg("--batch")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 runs");
        let (mut pipe, vkey) = (verifier.stdin.take().unwrap(), self.vkey());
        let arguments = |input: &PathBuf| {
            let input = [input.to_str().unwrap()];
            json!([&["--key", &vkey], more, &input].concat()).to_string()
        };
        let lines = inputs.iter().map(arguments).collect::<Vec<_>>().join("\n") + "\n";
        let writer = std::thread::spawn(move || pipe.write_all(lines.as_bytes()));
        let read = verifier.wait_with_output().unwrap().stdout;
        writer.join().unwrap().unwrap();
        let reports = String::from_utf8(read).unwrap();
        reports.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn names(report: &Report) -> Vec<Kind> {
    report.counts.keys().copied().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_verifiers_accept_the_proof_of_a_sign_in() {
    let kept = Kept::fetched().await;
    let file = kept.file("proof.json", kept.text.as_bytes());
    let mut options = kept.options();
    options.checkpoints.push(kept.checkpoints());
    let report = verify(&file, &options).unwrap();
    assert_eq!((report.exit_code(), names(&report)), (0, Vec::new()), "{report}");
    let row = report.row.as_ref().unwrap();
    assert_eq!(
        (row.username.as_deref(), &*row.action, row.success),
        (Some("alice"), "login", true)
    );
    assert!(report.to_string().contains("Login successful."), "{report}");
    let more = ["--checkpoints", kept.checkpoints().to_str().unwrap()].map(str::to_owned);
    let second = kept.second(&[file], &[&more[0], &more[1]]);
    assert_eq!((&second[0]["exit"], &second[0]["counts"]), (&json!(0), &json!({})), "{second:?}");
    let first = serde_json::to_value(&report).unwrap();
    for name in ["row", "root", "signed_at", "origin", "input", "exported_checkpoints"] {
        assert_eq!(second[0][name], first[name], "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_verifiers_refuse_a_proof_with_any_byte_changed() {
    let kept = Kept::fetched().await;
    let bytes = kept.text.as_bytes();
    let mut files = vec![kept.file("unchanged", bytes)];
    for at in 0..bytes.len() {
        let mut changed = bytes.to_vec();
        // The lowest bit of a digit or letter makes another one, so the form often stays valid.
        changed[at] ^= 1;
        files.push(kept.file(&format!("changed-{at}"), &changed));
    }
    let second = kept.second(&files, &[]);
    assert_eq!(second.len(), files.len());
    let codes =
        |file: &PathBuf, report: &Value| (kept.first(file), report["exit"].as_i64().unwrap());
    assert_eq!(codes(&files[0], &second[0]), (0, 0), "the control");
    let mut both_changed = 0;
    for (file, report) in files.iter().zip(&second).skip(1) {
        let (first, second) = codes(file, report);
        assert!(first > 0 && second > 0, "{}: {first} {second}", file.display());
        assert_eq!(first, second, "{}: {report}", file.display());
        both_changed += u32::from(first == 1);
    }
    assert!(both_changed > 500, "most changes leave the form and break the evidence");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_of_another_log_or_fork_is_refused() {
    let (kept, other) = (Kept::fetched().await, Kept::fetched().await);
    let file = kept.file("proof.json", kept.text.as_bytes());
    let mut options = other.options();
    assert_eq!(names(&verify(&file, &options).unwrap()), [Kind::BadSignature]);
    options = kept.options();
    // A collector that has other checkpoints of this log.
    let notes = fs::read_to_string(kept.checkpoints()).unwrap();
    let (notes, _) = fourauth_audit::checkpoint::parse_all(&notes);
    options.checkpoints.push(kept.file("some.log", notes.last().unwrap().as_bytes()));
    let report = verify(&file, &options).unwrap();
    assert_eq!((report.exit_code(), names(&report)), (0, vec![Kind::NotExported]), "{report}");
}

#[tokio::test]
async fn the_proof_of_another_person_is_refused() {
    let house = House::signed().await;
    let of_alice = house.session_id().await;
    let by_bob = ProveSignIn::new(house.of_bob.clone()).device(house.bob.mac);
    let named = by_bob.clone().session(of_alice.clone());
    let answer = house.send(Command::ProveSignIn(named)).await;
    assert_eq!((answer.code, answer.body.proof), (Code::NoSuchSession, None));
    // The controls: bob gets his own, and alice hers by the same id.
    let his = house.send(Command::ProveSignIn(by_bob)).await.body.proof.unwrap();
    assert_eq!(RowProof::parse(&his).unwrap().row.username.as_deref(), Some("bob"));
    let hers = house.send(Command::ProveSignIn(house.prove_alice().session(of_alice))).await;
    assert_eq!(hers.body.proof, Some(house.proof().await));
}

#[tokio::test]
async fn a_token_from_elsewhere_gets_no_proof() {
    let house = House::signed().await;
    let other = MacAddress::parse("00:1b:44:11:3a:b8").unwrap();
    let elsewhere = ProveSignIn::new(house.of_alice.clone()).device(other);
    let answer = house.send(Command::ProveSignIn(elsewhere)).await;
    assert_eq!((answer.code, answer.body.proof), (Code::SignedOut, None));
    assert!(house.proof().await.contains("alice"), "the control");
}

#[tokio::test]
async fn a_sign_in_is_proved_within_seconds() {
    let server = TestServer::configured(|config| config.audit.checkpoint_s = 1).await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let token = log_in(&server, &alice).await;
    let prove = Command::ProveSignIn(ProveSignIn::new(token).device(alice.mac));
    let client = server.client();
    let answer = loop {
        let answer = client.send_once(prove.clone()).await.unwrap();
        if answer.code != Code::Unavailable {
            break answer;
        }
        assert_eq!(answer.retry_after_ms, Some(1000));
    };
    let proof = RowProof::parse(&answer.body.proof.unwrap()).unwrap();
    let vkey = fs::read_to_string(quick(server.stop().await.path()).audit_dir().join("log.vkey"));
    assert!(proof.check(&VerifyingKey::parse(vkey.unwrap().trim()).unwrap()).is_ok());
}
