//! Secrets that must not appear in the database or in a trace log.

use data_encoding::{BASE32_NOPAD, BASE64};
use fourauth_protocol::{command::Command, mac_address::MacAddress, picture::Picture};
use fourauth_tests::{models::picture, persona::Persona, record::record, server::TestServer};
use std::{
    fs,
    io::{self, Write},
    path::Path,
    sync::{Arc, Mutex},
};

/// Collects everything that is written.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    pub(crate) fn count(&self, text: &str) -> usize {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap().matches(text).count()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// A piece from the middle of a picture, raw and in base64.
fn traces_of(picture: &Picture) -> [Vec<u8>; 2] {
    let middle = picture.bytes().len() / 6 * 3;
    let piece = &picture.bytes()[middle..middle + 24];
    [piece.to_vec(), BASE64.encode(piece).into_bytes()]
}

/// Runs every command of an account and returns the secrets that must leave no trace.
async fn use_every_command(server: &TestServer) -> Vec<(&'static str, Vec<u8>)> {
    let alice = server.enrol("alice", "obama.jpg").await;
    let mut secrets = Vec::new();
    let mut connection = server.connect().await;
    let session = connection.login(alice.login(server.now())).await.unwrap().granted().unwrap();
    let token = session.token.unwrap();
    secrets.push(("session token", token.expose().clone().into_bytes()));
    for command in [
        Command::Login(alice.login(server.now())),
        Command::RecoverPassword(alice.recover_password("amber-Fox-17", server.now())),
        Command::RecoverFace(alice.recover_face(picture("obama3.jpg"), server.now())),
        Command::RecoverDevice(
            alice.recover_device(MacAddress::parse("00:1b:44:11:3a:ff").unwrap(), server.now()),
        ),
        Command::RecoverTotp(alice.recover_totp(server.now())),
        Command::ReadAudit(server.read_audit()),
    ] {
        server.clock().advance_ms(30_000);
        connection.send(command).await.unwrap();
    }
    secrets.extend(secrets_of(&alice));
    let seeking = fourauth_store::Seeking::by_name(&alice.username);
    let template = record(server.server().store(), seeking).await.unwrap().template;
    let components = template.to_bytes().expose().rchunks(32).next().unwrap().to_vec();
    secrets.push(("face template", components));
    secrets.push(("new password", b"amber-Fox-17".to_vec()));
    secrets.push(("administrator's secret", server.admin().expose().clone().into_bytes()));
    for name in ["obama.jpg", "obama2.jpg", "obama3.jpg"] {
        secrets.extend(traces_of(&picture(name)).map(|trace| ("picture", trace)));
    }
    secrets
}

fn secrets_of(person: &Persona) -> Vec<(&'static str, Vec<u8>)> {
    let key = person.key.as_bytes();
    vec![
        ("password", person.password.expose().clone().into_bytes()),
        ("TOTP secret", key.to_vec()),
        ("TOTP secret as text", BASE32_NOPAD.encode(key).into_bytes()),
    ]
}

fn database(folder: &Path) -> Vec<u8> {
    ["fourauth.db", "fourauth.db-wal"]
        .iter()
        .flat_map(|name| fs::read(folder.join("data").join(name)).unwrap_or_default())
        .collect()
}

#[tokio::test]
async fn neither_the_database_nor_a_trace_log_holds_a_secret() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter("trace")
        .with_writer(move || writer.clone())
        .finish();
    // This test's runtime has one thread, so every log event passes through this subscriber. The
    // compute threads are the exception; they log nothing.
    let guard = tracing::subscriber::set_default(subscriber);
    // With a single dispatcher, `tracing` caches the interest of the thread that reaches an event
    // first. Other tests have threads without a subscriber, so a second dispatcher is registered.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let server = TestServer::start().await;
    let secrets = use_every_command(&server).await;
    let folder = server.stop().await;
    drop(guard);

    let (log, data) = (lines.0.lock().unwrap().clone(), database(folder.path()));
    // Control: a text that may be there is found.
    assert!(contains(&data, b"alice"));
    assert!(contains(&log, b"granted"));
    for (name, secret) in secrets {
        assert!(!contains(&data, &secret), "the database holds the {name}");
        assert!(!contains(&log, &secret), "the log holds the {name}");
    }
}
