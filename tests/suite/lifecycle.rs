//! Start and shutdown, and the files on disk in between.

use fourauth_config::AuthConfig;
use fourauth_private_file as private_file;
use fourauth_protocol::{code::Code, command::Command};
use fourauth_server::server::{Server, TimeSource};
use fourauth_tests::{
    models,
    record::record,
    server::{NOON, TestServer, quick},
};
use fourauth_timekeeper::ManualClock;
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, sync::Arc, time::Duration};

async fn start(folder: &Path) -> anyhow::Result<Server> {
    let clock = Arc::new(ManualClock::at(NOON));
    Server::start(&quick(folder), models::engine(), TimeSource::Given(clock), NOON).await
}

#[tokio::test]
async fn an_account_survives_a_restart() {
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let fingerprint = server.fingerprint().to_string();
    let folder = server.stop().await;

    let server = start(folder.path()).await.unwrap();
    let subject =
        record(server.store(), fourauth_store::Seeking::by_name(&alice.username)).await.unwrap();
    assert!(matches!(subject.standing, fourauth_store::Standing::Active(_)));
    assert_eq!(subject.totp.as_bytes(), alice.key.as_bytes());
    assert!(fingerprint.eq_ignore_ascii_case(&server.fingerprint()));
    server.stop().await;
}

#[tokio::test]
async fn files_of_the_first_start_are_private() {
    let server = TestServer::start().await;
    let data = server.folder().join("data");
    for name in ["keyring.toml", "setup-secret", "tls/key.pem"] {
        let mode = fs::metadata(data.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }
    assert_eq!(fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn a_database_without_its_keyring_is_refused() {
    let server = TestServer::start().await;
    server.enrol("alice", "obama.jpg").await;
    let folder = server.stop().await;
    let keyring = folder.path().join("data/keyring.toml");
    let kept = fs::read(&keyring).unwrap();

    fs::remove_file(&keyring).unwrap();
    let refused = start(folder.path()).await.unwrap_err();
    assert!(refused.to_string().contains("keyring"), "{refused:#}");
    assert!(!keyring.exists());

    let other = tempfile::tempdir().unwrap();
    start(other.path()).await.unwrap().stop().await;
    fs::copy(other.path().join("data/keyring.toml"), &keyring).unwrap();
    let refused = start(folder.path()).await.unwrap_err();
    assert!(refused.to_string().contains("keyring"), "{refused:#}");

    fs::write(&keyring, kept).unwrap();
    start(folder.path()).await.unwrap().stop().await;
}

#[tokio::test]
async fn files_of_an_interrupted_first_start_are_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir_all(data.join("tls")).unwrap();
    private_file::create(&data.join("tls/key.pem"), b"half a key", [0; 8]).unwrap();
    private_file::create(&data.join("setup-secret"), b"A", [0; 8]).unwrap();
    let draft = data.join("keyring.toml.0011223344556677.draft");
    fs::write(&draft, "half a keyring").unwrap();

    let server = start(folder.path()).await.unwrap();
    let secret = fs::read_to_string(data.join("setup-secret")).unwrap();
    assert_eq!(secret.len(), 32);
    assert!(!draft.exists());
    assert!(server.fingerprint().len() > 64);
    server.stop().await;
}

#[tokio::test]
async fn a_slow_peer_does_not_delay_the_shutdown() {
    let server = TestServer::start().await;
    let mut connection = server.raw().await;
    connection.ask(r#"{"cmd":"190"}"#).await;
    connection.send(&[0, 0, 1, 0, b'{']).await;
    let stopped = tokio::time::timeout(Duration::from_secs(15), server.stop()).await;
    assert!(stopped.is_ok());
    assert!(connection.answer().await.is_none());
}

#[tokio::test]
async fn a_command_in_progress_is_answered_before_shutdown() {
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let command = Command::Login(alice.login(server.now()));
    let mut connection = server.raw().await;
    connection.ask(r#"{"cmd":"190"}"#).await;
    connection.send_payload(command.to_json().expose()).await;
    let authenticator = &server.server().context().authenticator;
    let before = authenticator.work().pictures;
    while authenticator.work().pictures == before {
        tokio::task::yield_now().await;
    }

    let stopped = tokio::spawn(server.stop());
    assert_eq!(connection.answer().await.unwrap().code, Code::Ok);
    assert!(connection.answer().await.is_none());
    stopped.await.unwrap();
}

#[tokio::test]
async fn a_full_queue_is_reported_and_counts_as_undecided() {
    let server = TestServer::configured(|config| {
        config.compute.threads = 1;
        config.compute.queue = 0;
        // A hash slow enough that the picture arrives while the thread is busy.
        config.auth = AuthConfig::default();
    })
    .await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let rows = server.audit().await.len();

    let login = Command::Login(alice.login(server.now()));
    let answer = server.client().send_once(login).await.unwrap();
    assert_eq!((answer.code, answer.message.as_str()), (Code::Unavailable, "Server busy."));
    assert!(answer.retry_after_ms.is_some());
    while server.audit().await.len() == rows {
        tokio::task::yield_now().await;
    }
    let row = server.last_row().await;
    assert!(!row.success && row.detail.starts_with("Undecided."), "{}", row.detail);
}

#[tokio::test]
async fn a_certificate_is_replaced_while_connections_stay() {
    let server = TestServer::start().await;
    let mut before = server.connect().await;
    let old = server.fingerprint();

    let made = fourauth_server::certificate::development(&[], time::OffsetDateTime::UNIX_EPOCH);
    let made = made.unwrap();
    let tls = server.folder().join("data/tls");
    fs::write(tls.join("cert.pem"), made.certificate).unwrap();
    server.server().reload_certificate().await;
    assert_eq!(server.fingerprint(), old, "a certificate without its key is not loaded");
    fs::write(tls.join("key.pem"), made.private_key).unwrap();
    server.server().reload_certificate().await;

    assert_ne!(server.fingerprint(), old);
    assert!(before.hello().await.unwrap().granted().is_some());
    assert!(server.connect().await.hello().await.unwrap().granted().is_some());
}
