//! The limits of all listeners hold for the text protocol: penalties, connections, proxies, shutdown.

use super::{House, MAC, PASSWORD, ask, listening, redeem, request};
use data_encoding::HEXLOWER;
use fourauth_config::Config;
use fourauth_protocol::code::Code;
use fourauth_tests::{proxy::introducing, server::TestServer, text_client::TextClient};
use sha2::{Digest as _, Sha256};
use std::{fs, net::Ipv4Addr, time::Duration};
use tokio::time::Instant;

const UNKNOWN: &str = r#"{"cmd":"100","username":"nobody","password":"x"}"#;

fn no_exemptions(config: &mut Config) {
    config.limits.penalty_exempt.clear();
}

#[tokio::test]
async fn a_guesser_on_this_door_is_blocked_on_every_door() {
    for message in [
        request("wrong"),
        redeem(PASSWORD, "000000"),
        format!("mistyped|{MAC}|read"),
        "no-message".to_owned(),
    ] {
        let house = House::with_alice(no_exemptions, PASSWORD).await;
        for _ in 0..3 {
            assert!(["False", "unauthorized"].contains(&house.line(&message).await.as_str()));
        }
        let native = house.server.raw().await.ask(UNKNOWN).await;
        assert_eq!(native.code, Code::Throttled, "{message}");
        assert_eq!(house.line(&request(PASSWORD)).await, "False", "{message}");
    }
}

#[tokio::test]
async fn a_guesser_on_the_native_door_is_blocked_on_this_one() {
    let house = House::with_alice(no_exemptions, PASSWORD).await;
    // The control: before the guesses the message is granted.
    assert_eq!(house.line(&request(PASSWORD)).await, "Passcode is sent");
    let mut guesser = house.server.raw().await;
    while guesser.ask(UNKNOWN).await.code != Code::Throttled {}
    assert_eq!(house.line(&request(PASSWORD)).await, "False");
}

#[tokio::test]
async fn a_page_that_sends_requests_blocks_no_visitor() {
    let house = House::with_alice(no_exemptions, PASSWORD).await;
    for _ in 0..20 {
        let line = format!("GET /|{MAC}|read HTTP/1.1\r\n\r\n");
        assert_eq!(ask(house.passcodes(), line.as_bytes()).await, "False");
    }
    assert_eq!(house.line(&request(PASSWORD)).await, "Passcode is sent");
}

#[tokio::test]
async fn a_flood_of_bad_lines_leaves_one_row() {
    let house = House::empty(|_| {}).await;
    for _ in 0..20 {
        assert_eq!(house.line("no-message").await, "False");
    }
    let store = house.server.server().store();
    house.server.clock().advance_ms(120_000);
    store.conclude_refusals(house.server.now()).await.unwrap();
    let rows = house.server.audit().await;
    let rows: Vec<_> = rows.iter().filter(|row| row.detail.contains("127.0.0.1")).collect();
    assert_eq!(rows.len(), 1, "{rows:?}");
}

#[tokio::test]
async fn connections_of_both_protocols_share_one_limit() {
    let house = House::empty(|config| config.limits.connections_per_source = 2).await;
    let mut first = TextClient::open(house.passcodes()).await;
    let mut second = house.server.raw().await;
    let mut third = TextClient::open(house.identity()).await;
    assert_eq!(first.rest().await.unwrap(), b"", "the longest idle connection is evicted");
    assert_eq!(second.ask(r#"{"cmd":"190"}"#).await.code, Code::Ok);
    third.send(b"no-message\n").await.unwrap();
    assert_eq!(third.rest().await.unwrap(), b"False");
}

#[tokio::test]
async fn behind_a_proxy_the_row_names_the_client() {
    let house =
        House::empty(|config| config.limits.proxies = vec!["127.0.0.1".parse().unwrap()]).await;
    let header = introducing([192, 0, 2, 1].into());
    let opened = TextClient::open_after(house.passcodes(), Ipv4Addr::LOCALHOST, &header).await;
    let mut client = opened.unwrap();
    client.send(format!("{}\n", request(PASSWORD)).as_bytes()).await.unwrap();
    assert_eq!(client.rest().await.unwrap(), b"False");
    let row = house.server.last_row().await;
    assert!(row.detail.contains(" peer=192.0.2.1 door=text "), "{}", row.detail);
    // Without its header the proxy is not served.
    assert!(TextClient::open_after(house.passcodes(), Ipv4Addr::LOCALHOST, &[]).await.is_err());
}

#[tokio::test]
async fn a_message_in_progress_is_answered_before_shutdown() {
    const DENIAL: Duration = Duration::from_millis(900);
    let house = House::with_alice(|config| config.limits.denial_ms = 1000, PASSWORD).await;
    let mut idle = TextClient::open(house.passcodes()).await;
    let mut client = TextClient::open(house.passcodes()).await;
    let authenticator = &house.server.server().context().authenticator;
    let before = authenticator.work().hashes;
    client.send(format!("{}\n", request("wrong")).as_bytes()).await.unwrap();
    let sent = Instant::now();
    while authenticator.work().hashes == before {
        tokio::task::yield_now().await;
    }
    let address = house.passcodes();
    let stopped = tokio::spawn(house.server.stop());
    assert_eq!(idle.rest().await.unwrap(), b"");
    assert_eq!(client.rest().await.unwrap(), b"False");
    assert!(sent.elapsed() >= DENIAL, "a denial is held back here too");
    let _folder = stopped.await.unwrap();
    assert!(TextClient::plain(address, Ipv4Addr::LOCALHOST).await.is_err());
}

#[tokio::test]
async fn a_reloaded_certificate_is_presented_on_these_ports_too() {
    let server = TestServer::configured(listening).await;
    let address = server.server().text_addresses().listen_identity.unwrap();
    let shown = async || {
        let leaf = TextClient::open(address).await.certificate();
        HEXLOWER.encode(&Sha256::digest(&leaf))
    };
    let of_server = || server.server().fingerprint().replace(':', "").to_lowercase();
    let old = shown().await;
    assert!(of_server().ends_with(&old), "{old}");
    let made = fourauth_server::certificate::development(&[], time::OffsetDateTime::UNIX_EPOCH);
    let made = made.unwrap();
    let tls = server.folder().join("data/tls");
    fs::write(tls.join("cert.pem"), made.certificate).unwrap();
    fs::write(tls.join("key.pem"), made.private_key).unwrap();
    server.server().reload_certificate().await;
    let new = shown().await;
    assert!(new != old && of_server().ends_with(&new), "{new}");
}
