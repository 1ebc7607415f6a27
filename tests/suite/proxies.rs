//! Behind a proxy every client counts as its own source, and only a configured proxy can name
//! clients.

use fourauth_config::Config;
use fourauth_protocol::{code::Code, command::Command};
use fourauth_server::proxy::{LOCAL, SIGNATURE};
use fourauth_tests::{
    persona::Persona,
    proxy::{header, introducing},
    raw::RawConnection,
    server::{NOON, TestServer},
};
use fourauthd::command::healthcheck;

const UNKNOWN: &str = r#"{"cmd":"100","username":"nobody","password":"x"}"#;
const HELLO: &str = r#"{"cmd":"190"}"#;

/// Tests connect from 127.0.0.1.
fn from_a_proxy(config: &mut Config) {
    config.limits.proxies = vec!["127.0.0.1".parse().unwrap()];
    config.limits.penalty_exempt.clear();
}

fn from_a_shared_address(config: &mut Config) {
    config.limits.shared_addresses = vec!["127.0.0.1".parse().unwrap()];
    config.limits.penalty_exempt.clear();
    config.limits.connections_per_source = 1;
    config.limits.deciding_per_source = 1;
}

/// Guesses until the source is throttled.
async fn guess(connection: &mut RawConnection) {
    while connection.ask(UNKNOWN).await.code != Code::Throttled {}
}

#[tokio::test]
async fn behind_a_proxy_each_client_is_penalised_separately() {
    let server = TestServer::configured(from_a_proxy).await;
    guess(&mut server.raw_at("192.0.2.1").await).await;
    assert_eq!(server.raw_at("192.0.2.1").await.ask(UNKNOWN).await.code, Code::Throttled);
    assert_eq!(server.raw_at("192.0.2.2").await.ask(UNKNOWN).await.code, Code::Denied);
    assert_eq!(server.raw_at("2001:db8::2").await.ask(UNKNOWN).await.code, Code::Denied);
    let row = server.last_row().await;
    assert!(row.detail.contains("peer=2001:db8::2 "), "{}", row.detail);
}

#[tokio::test]
async fn behind_a_proxy_each_client_has_its_own_connection_share() {
    let server = TestServer::configured(|config| {
        config.limits.proxies = vec!["127.0.0.1".parse().unwrap()];
        config.limits.connections_per_source = 2;
    })
    .await;
    let mut other = server.raw_at("192.0.2.2").await;
    let mut first = server.raw_at("192.0.2.1").await;
    let _more = [server.raw_at("192.0.2.1").await, server.raw_at("192.0.2.1").await];
    assert!(first.answer().await.is_none());
    assert_eq!(other.ask(HELLO).await.code, Code::Ok);
}

#[tokio::test]
async fn a_connection_from_the_proxy_itself_is_served() {
    let server = TestServer::configured(from_a_proxy).await;
    for preamble in [LOCAL.to_vec(), header(0x21, 0x00, b"unspecified"), header(0x20, 0x11, b"")] {
        let opened = RawConnection::open_after(server.server().address(), &preamble).await;
        let mut connection = opened.unwrap();
        for _ in 0..5 {
            assert_eq!(connection.ask(UNKNOWN).await.code, Code::Denied);
        }
        let row = server.last_row().await;
        assert!(row.detail.contains("peer=127.0.0.1 "), "{}", row.detail);
    }
}

#[tokio::test]
async fn from_a_proxy_the_header_is_required() {
    let server = TestServer::configured(from_a_proxy).await;
    for preamble in [
        b"".to_vec(),
        b"PROXY TCP4 192.0.2.1 192.0.2.2 40000 65432\r\n".to_vec(),
        header(0x11, 0x11, &[0; 12]),
        header(0x21, 0x11, &[0; 11]),
        header(0x21, 0x11, &[0; 5000]),
    ] {
        assert!(RawConnection::open_after(server.server().address(), &preamble).await.is_err());
    }
}

#[tokio::test]
async fn from_any_other_address_the_header_is_never_read() {
    let server = TestServer::configured(|config| {
        config.limits.proxies = vec!["192.0.2.1".parse().unwrap()];
    })
    .await;
    let preamble = introducing([192, 0, 2, 2].into());
    assert!(RawConnection::open_after(server.server().address(), &preamble).await.is_err());
    assert_eq!(server.raw().await.ask(HELLO).await.code, Code::Ok);
}

#[tokio::test]
async fn an_unfinished_proxy_header_times_out() {
    let server = TestServer::configured(|config| {
        from_a_proxy(config);
        config.limits.handshake_s = 1;
    })
    .await;
    let preamble = [&SIGNATURE[..], &[0x21, 0x11, 0xff, 0x00]].concat();
    for preamble in [&preamble[..15], &preamble[..]] {
        assert!(RawConnection::open_after(server.server().address(), preamble).await.is_err());
    }
}

#[tokio::test]
async fn a_shared_address_has_no_share_and_no_penalty() {
    let server = TestServer::configured(from_a_shared_address).await;
    let mut held = [server.raw().await, server.raw().await, server.raw().await];
    for connection in &mut held {
        for _ in 0..5 {
            assert_eq!(connection.ask(UNKNOWN).await.code, Code::Denied);
        }
    }
}

#[tokio::test]
async fn a_user_logs_in_behind_a_proxy() {
    let server = TestServer::configured(|config| {
        config.limits.proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    let client = server.client_at("192.0.2.1");
    let register = server.registration("alice", "obama.jpg");
    let (password, mac) = (register.password.clone(), register.mac.unwrap());
    let answer = client.send_once(Command::Register(register)).await.unwrap();
    let alice = Persona::new("alice", password, mac, &answer.body.provisioning_uri.unwrap());
    assert!(client.login_once(alice.login(server.now())).await.unwrap());
}

#[tokio::test]
async fn the_health_check_works_where_this_machine_is_a_proxy() {
    let server = TestServer::configured(from_a_proxy).await;
    let mut config = Config {
        listen: server.server().address(),
        data_dir: server.folder().join("data"),
        ..Config::default()
    };
    assert!(healthcheck::run(&config, NOON).await.is_err());
    from_a_proxy(&mut config);
    healthcheck::run(&config, NOON).await.unwrap();
}
