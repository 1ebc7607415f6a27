//! Sessions that the server has just read: an end is seen at once, or within a second if another
//! process caused it.

use fourauth_config::{Config, StoreUrl};
use fourauth_protocol::{
    code::Code,
    command::{Authorise, Command, EndSession},
};
use fourauth_store::Error;
use fourauth_tests::{
    postgres,
    server::{NOON, TestServer, quick},
    with::With as _,
};
use fourauthd::local_store::LocalStore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// A server on SQLite or PostgreSQL, and the 130 of a user and the 140 that ends its session.
async fn signed_in(url: Option<&StoreUrl>) -> (TestServer, Command, Command) {
    let change = |config: &mut Config| config.store.url = url.cloned();
    let server = TestServer::configured(change).await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let login = Command::Login(alice.login(server.now()));
    let token = server.client().send_once(login).await.unwrap().body.token.unwrap();
    let check = Command::Authorise(Authorise::new(token.clone()).device(alice.mac));
    let end = Command::EndSession(EndSession::new(token).device(alice.mac));
    (server, check, end)
}

/// No database, for the embedded one, and one on PostgreSQL.
async fn databases() -> [Option<StoreUrl>; 2] {
    [None, postgres::cluster().database().await.parse().ok()]
}

#[tokio::test]
async fn a_session_that_ends_elsewhere_is_refused_in_a_second() {
    for url in databases().await {
        let (server, check, _) = signed_in(url.as_ref()).await;
        assert_eq!(server.client().send_once(check.clone()).await.unwrap().code, Code::Ok);

        let config = quick(server.folder()).with(|config| config.store.url = url);
        let other = LocalStore::open(&config, NOON).await.unwrap();
        let ended: Result<u64, Error> =
            other.store.write(|tx| Box::pin(async move { tx.end_all_sessions().await })).await;
        assert_eq!(ended, Ok(1));
        server.clock().advance_ms(1000);
        assert_eq!(server.client().send_once(check).await.unwrap().code, Code::SignedOut);
    }
}

#[tokio::test]
async fn a_session_that_ends_here_is_refused_at_once() {
    for url in databases().await {
        let (server, check, end) = signed_in(url.as_ref()).await;
        // They read the session again and again, also while it ends.
        let (mut readers, stop) = (JoinSet::new(), CancellationToken::new());
        for _ in 0..8 {
            let (mut connection, check) = (server.connect().await, check.clone());
            let stop = stop.clone();
            readers.spawn(async move {
                while !stop.is_cancelled() {
                    connection.send(check.clone()).await.unwrap();
                }
            });
        }
        let mut connection = server.connect().await;
        for _ in 0..50 {
            assert_eq!(connection.send(check.clone()).await.unwrap().code, Code::Ok);
        }
        assert_eq!(connection.send(end).await.unwrap().code, Code::Ok);
        for _ in 0..50 {
            assert_eq!(connection.send(check.clone()).await.unwrap().code, Code::SignedOut);
        }
        stop.cancel();
        readers.join_all().await;
    }
}
