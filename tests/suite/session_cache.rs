//! Sessions that the server has just read: an end is seen at once, or within a second if another
//! process caused it.

use fourauth_auth::{origin::Origin, policy::Door, received::Received};
use fourauth_config::{Config, StoreUrl};
use fourauth_protocol::{
    code::Code,
    command::{Authorise, Command, EndSession},
    level::Level,
    mac_address::MacAddress,
    request_id::RequestId,
};
use fourauth_store::Error;
use fourauth_tests::{
    postgres,
    server::{NOON, TestServer, quick},
    with::With as _,
};
use fourauth_timekeeper::State;
use fourauthd::local_store::LocalStore;
use std::net::{IpAddr, Ipv4Addr};
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

#[tokio::test]
async fn a_check_is_decided_at_once_if_nothing_speaks_against_it() {
    let (server, check, end) = signed_in(None).await;
    let Command::Authorise(authorise) = check.clone() else { panic!("{check:?}") };
    let context = server.server().context();
    let received = || Received {
        id: RequestId::new(NOON, [0; 10]),
        at: context.clock.read(),
        door: Door::Native,
        origin: Origin::connected(Ipv4Addr::LOCALHOST.into()),
        is_shared_address: false,
        connection: None,
        exporter: None,
        device: None,
        penalty_ms: None,
    };
    let is_decided = |received: &Received, authorise: &Authorise| {
        context.authenticator.authorise_at_once(received, authorise).is_some()
    };
    assert!(!is_decided(&received(), &authorise), "nothing was read");
    assert_eq!(server.client().send_once(check).await.unwrap().code, Code::Ok);
    assert!(is_decided(&received(), &authorise), "the control");

    let blocked = received().with(|it| it.penalty_ms = Some(1));
    let untimed = received().with(|it| it.at.state = State::Denied);
    let late = received().with(|it| it.at.now = it.at.now.saturating_add_ms(1000));
    let elsewhere = IpAddr::from([192, 0, 2, 1]);
    let moved = received().with(|it| it.origin = Origin::connected(elsewhere));
    for received in [blocked, untimed, late, moved] {
        assert!(!is_decided(&received, &authorise), "{received:?}");
    }
    let other_mac = MacAddress::parse("02:00:00:00:00:99").unwrap();
    let other = authorise.clone().device(other_mac);
    let higher = authorise.clone().with(|it| it.level = Some(Level::Four));
    let wrong = authorise.clone().with(|it| it.token = "fourauth_none".to_owned().into());
    for authorise in [other, higher, wrong] {
        assert!(!is_decided(&received(), &authorise), "{authorise:?}");
    }
    assert_eq!(server.client().send_once(end).await.unwrap().code, Code::Ok);
    assert!(!is_decided(&received(), &authorise), "its session has ended");
}
