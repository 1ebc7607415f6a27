//! A peer that holds connections does not block others, and its commands in flight are answered.

use fourauth_client::Identity;
use fourauth_config::Config;
use fourauth_protocol::{code::Code, command::Command};
use fourauth_tests::{raw::RawConnection, server::TestServer, with::With as _};
use std::sync::Arc;

const HELLO: &str = r#"{"cmd":"190"}"#;

async fn still_serves(connection: &mut RawConnection) {
    assert_eq!(connection.ask(HELLO).await.code, Code::Ok);
}

/// Tests connect from 127.0.0.1. It counts as a proxy here, so that a test can name any client.
fn behind_a_proxy(config: &mut Config) {
    config.limits.proxies = vec!["127.0.0.1".parse().unwrap()];
}

#[tokio::test]
async fn a_new_connection_evicts_the_longest_idle() {
    let server = TestServer::configured(|config| config.limits.connections_per_source = 2).await;
    let mut first = server.raw().await;
    let mut second = server.raw().await;
    still_serves(&mut first).await;
    let mut newcomer = server.raw().await;
    assert!(second.answer().await.is_none());
    still_serves(&mut first).await;
    still_serves(&mut newcomer).await;
}

#[tokio::test]
async fn one_ipv6_48_gets_no_more_than_its_share() {
    let server = TestServer::configured(|config| {
        behind_a_proxy(config);
        config.limits.connections = 8;
        config.limits.connections_per_site = 4;
    })
    .await;
    let mut owner = server.raw_at("192.0.2.1").await;
    let mut site = Vec::new();
    for source in 0..20 {
        site.push(server.raw_at(&format!("2001:db8:bad:{source:x}00::1")).await);
    }
    for evicted in &mut site[..16] {
        assert!(evicted.answer().await.is_none());
    }
    still_serves(&mut owner).await;
    still_serves(&mut server.raw_at("192.0.2.2").await).await;
}

#[tokio::test]
async fn a_full_server_evicts_one_for_a_new_connection() {
    let server = TestServer::configured(|config| {
        behind_a_proxy(config);
        config.limits.connections = 12;
    })
    .await;
    let mut held = Vec::new();
    for index in 0..12 {
        let mut connection = server.raw_at(&format!("2001:db8:{}::1", index / 2)).await;
        still_serves(&mut connection).await;
        held.push(connection);
    }
    let mut owner = server.raw_at("192.0.2.1").await;
    assert!(held[0].answer().await.is_none());
    still_serves(&mut owner).await;
}

#[tokio::test]
async fn the_longest_silent_startup_is_evicted() {
    let server = TestServer::configured(|config| config.limits.startups = 2).await;
    let mut spoken = server.raw().await;
    still_serves(&mut spoken).await;
    let mut silent = server.raw().await;
    let mut second = server.raw().await;
    let mut third = server.raw().await;
    assert!(silent.answer().await.is_none());
    for connection in [&mut spoken, &mut second, &mut third] {
        still_serves(connection).await;
    }
}

#[tokio::test]
async fn a_command_in_flight_is_answered_before_eviction() {
    let server = TestServer::configured(|config| config.limits.connections_per_source = 1).await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let mut connection = server.raw().await;
    still_serves(&mut connection).await;
    let login = Command::Login(alice.login(server.now()));
    let authenticator = &server.server().context().authenticator;
    let before = authenticator.work().pictures;
    connection.send_payload(login.to_json().expose()).await;
    while authenticator.work().pictures == before {
        tokio::task::yield_now().await;
    }
    let mut newcomer = server.raw().await;
    assert_eq!(connection.answer().await.unwrap().code, Code::Ok);
    assert!(connection.answer().await.is_none());
    still_serves(&mut newcomer).await;
}

#[tokio::test]
async fn a_device_with_a_key_keeps_its_connection() {
    let server = TestServer::configured(|config| config.limits.connections_per_source = 2).await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let identity = Arc::new(Identity::generate().unwrap());
    let client = server.client().with_identity(Arc::clone(&identity));
    let first = alice.login(server.now()).with(|login| login.device_pubkey = Some(identity.key()));
    assert!(client.login_once(first).await.unwrap());
    server.clock().advance_ms(60_000);

    let mut proven = client.connect().await.unwrap();
    let login = Command::Login(alice.login(server.now()));
    assert!(proven.send(login.clone()).await.unwrap().is_ok());
    let mut strangers = Vec::new();
    for _ in 0..4 {
        let mut stranger = server.raw().await;
        still_serves(&mut stranger).await;
        strangers.push(stranger);
    }
    assert_eq!(proven.send(login).await.unwrap().code, Code::TotpMismatch);
}

#[tokio::test]
async fn one_device_key_does_not_block_new_connections() {
    let server = TestServer::configured(|config| config.limits.connections_per_source = 4).await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let identity = Arc::new(Identity::generate().unwrap());
    let client = server.client().with_identity(Arc::clone(&identity));
    let first = alice.login(server.now()).with(|login| login.device_pubkey = Some(identity.key()));
    assert!(client.login_once(first).await.unwrap());

    // A denied command also proves the key.
    let denied = || Command::Login(alice.login(server.now()));
    let mut held = Vec::new();
    for _ in 0..4 {
        let mut proven = client.connect().await.unwrap();
        assert_eq!(proven.send(denied()).await.unwrap().code, Code::TotpMismatch);
        held.push(proven);
    }
    let mut newcomers = [server.raw().await, server.raw().await];
    for newcomer in &mut newcomers {
        still_serves(newcomer).await;
    }
    let (evicted, kept) = held.split_at_mut(2);
    for proven in evicted {
        assert!(proven.send(denied()).await.is_err());
    }
    for proven in kept {
        assert_eq!(proven.send(denied()).await.unwrap().code, Code::TotpMismatch);
    }
}
