//! Files with a byte order mark, as editors on Windows write them, mean the same as without one.

use fourauth_client::{Roots, RootsError};
use fourauth_protocol::command::Command;
use fourauth_tests::server::{TestServer, quick};
use fourauthd::command::healthcheck;
use std::{fs, path::Path};

/// The text files of a data folder.
const FILES: [&str; 9] = [
    "keyring.toml",
    "setup-secret",
    "tls/cert.pem",
    "tls/key.pem",
    "audit/log.key",
    "audit/log.vkey",
    "audit/epoch.toml",
    "audit/receipts.key",
    "audit/checkpoints.log",
];

fn mark(path: &Path) {
    let text = fs::read(path).unwrap();
    fs::write(path, [b"\xef\xbb\xbf", text.as_slice()].concat()).unwrap();
}

#[tokio::test]
async fn a_server_starts_with_a_mark_in_each_of_its_files() {
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let (fingerprint, data) = (server.fingerprint(), server.folder().join("data"));
    let folder = server.stop().await;
    for name in FILES {
        mark(&data.join(name));
    }

    let server = TestServer::start_in(folder, |_| {}).await;
    assert_eq!(server.fingerprint(), fingerprint);
    server.clock().advance_ms(30_000);
    let login = Command::Login(alice.login(server.now()));
    assert!(server.client().send_once(login).await.unwrap().is_ok());
    let listen = server.server().address();
    let mut config = quick(server.folder());
    config.listen = listen;
    healthcheck::run(&config, server.now()).await.unwrap();
}

#[tokio::test]
async fn the_authorities_of_a_client_may_have_marks() {
    let server = TestServer::start().await;
    let pem = fs::read_to_string(server.folder().join("data/tls/cert.pem")).unwrap();
    let joined = format!("\u{feff}{pem}\u{feff}{pem}");
    assert!(Roots::from_pem(joined.as_bytes()).is_ok());
    // Control: a mark that is not at the beginning of a line hides what follows.
    let hidden = Roots::from_pem(format!(" \u{feff}{pem}").as_bytes());
    assert!(matches!(hidden, Err(RootsError::Unusable)));
}
