//! Commands of the holder of a token: they read, and write no row of their own.

use fourauth_protocol::{
    code::Code,
    command::{Command, ListDevices},
    secret::Secret,
};
use fourauth_tests::{persona::Persona, server::TestServer};
use std::{fs, path::Path};

/// A server, a user, and the token of the user's session.
async fn signed_in() -> (TestServer, Persona, Secret<String>) {
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let login = alice.login(server.now());
    let answer = server.client().send_once(Command::Login(login)).await.unwrap();
    (server, alice, answer.body.token.unwrap())
}

fn list(alice: &Persona, token: &Secret<String>) -> Command {
    Command::ListDevices(ListDevices::new(token.clone()).device(alice.mac))
}

/// The bytes of the database and of its journal.
fn database(folder: &Path) -> Vec<Vec<u8>> {
    let files = ["fourauth.db", "fourauth.db-wal"];
    files.iter().map(|file| fs::read(folder.join("data").join(file)).unwrap()).collect()
}

#[tokio::test]
async fn a_check_of_a_token_writes_no_byte() {
    let (server, alice, token) = signed_in().await;
    let mut connection = server.raw().await;
    let authenticator = &server.server().context().authenticator;
    let (rows, bytes) = (server.audit().await.len(), database(server.folder()));
    let before = authenticator.work();
    for _ in 0..100 {
        connection.send_payload(list(&alice, &token).to_json().expose()).await;
        assert_eq!(connection.answer().await.unwrap().code, Code::Ok);
    }
    let work = authenticator.work();
    assert_eq!(database(server.folder()), bytes);
    assert_eq!(server.audit().await.len(), rows);
    // The devices and the browsers that ask to become one, and once a second the session.
    let statements = work.statements - before.statements;
    assert!((201..300).contains(&statements), "{statements}");
    assert_eq!(work.hashes, before.hashes);

    // Control: a login changes the database.
    server.clock().advance_ms(60_000);
    server.client().send_once(Command::Login(alice.login(server.now()))).await.unwrap();
    assert_ne!(database(server.folder()), bytes);
}

#[tokio::test]
async fn uses_of_a_session_are_one_row_an_hour() {
    let (server, alice, token) = signed_in().await;
    let store = server.server().store();
    for _ in 0..3 {
        assert!(server.client().send_once(list(&alice, &token)).await.unwrap().is_ok());
    }
    assert_eq!(store.conclude_uses(server.now()).await, Ok(0));
    let later = server.now().saturating_add_ms(3_600_000);
    assert_eq!(store.conclude_uses(later).await, Ok(1));
    assert_eq!(store.conclude_uses(later).await, Ok(0));
    let row = server.last_row().await;
    assert_eq!((row.action.as_str(), row.username.as_deref()), ("session_use", Some("alice")));
    assert!(row.detail.starts_with("Session used. command=list_devices count=3"), "{}", row.detail);
    assert!(!row.detail.contains(token.expose()));
}

#[tokio::test]
async fn a_stop_writes_the_uses_of_the_hour() {
    let (server, alice, token) = signed_in().await;
    assert!(server.client().send_once(list(&alice, &token)).await.unwrap().is_ok());
    let folder = server.stop().await;
    let server = TestServer::start_in(folder, |_| {}).await;
    let rows = server.audit().await;
    let used: Vec<_> = rows.iter().filter(|row| row.action.as_str() == "session_use").collect();
    assert_eq!(used.len(), 1);
    assert!(used[0].detail.contains("count=1"), "{}", used[0].detail);
}

#[tokio::test]
async fn the_summary_of_an_erased_account_has_no_name() {
    let (server, alice, token) = signed_in().await;
    assert!(server.client().send_once(list(&alice, &token)).await.unwrap().is_ok());
    let store = server.server().store();
    let account = store.user(&alice.username).await.unwrap().unwrap().id;
    let erased: Result<bool, fourauth_store::Error> =
        store.write(move |tx| Box::pin(async move { tx.erase_user(account).await })).await;
    assert!(erased.unwrap());
    assert_eq!(store.conclude_all_uses(server.now()).await, Ok(1));
    assert_eq!(server.last_row().await.username, None);
}

#[tokio::test]
async fn refused_tokens_are_counted_by_source_and_minute() {
    let (server, alice, _) = signed_in().await;
    let rows = server.audit().await.len();
    for _ in 0..2 {
        let answer =
            server.client().send_once(list(&alice, &Secret::new("no".into()))).await.unwrap();
        assert_eq!(answer.code, Code::SignedOut);
    }
    assert_eq!(server.audit().await.len(), rows);
    let later = server.now().saturating_add_ms(60_000);
    assert_eq!(server.server().store().conclude_refusals(later).await, Ok(1));
    let row = server.last_row().await;
    assert!(row.detail.contains("command=list_devices count=2"), "{}", row.detail);
}
