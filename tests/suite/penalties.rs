//! Misbehaving sources are blocked for a while. Proven devices and exempt sources are not.

use fourauth_client::Identity;
use fourauth_config::Config;
use fourauth_protocol::{answer::Answer, code::Code, command::Command};
use fourauth_tests::{
    raw::{self, RawConnection},
    server::TestServer,
    with::With as _,
};
use rustls::{AlertDescription, ClientConfig};
use rustls_pki_types::ServerName;
use std::{net::IpAddr, sync::Arc};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// Tests connect from the machine itself, which is exempt by default.
fn no_exemptions(config: &mut Config) {
    config.limits.penalty_exempt.clear();
}

const UNKNOWN: &str = r#"{"cmd":"100","username":"nobody","password":"x"}"#;
const HELLO: &str = r#"{"cmd":"190"}"#;

async fn codes(connection: &mut RawConnection, payload: &str, count: usize) -> Vec<Code> {
    let mut codes = Vec::new();
    for _ in 0..count {
        codes.push(connection.ask(payload).await.code);
    }
    codes
}

/// Guesses until the server refuses to decide, which takes three quick guesses. Returns that
/// refusal and the number of guesses answered before it.
async fn guess(connection: &mut RawConnection, payload: &str) -> (Answer, usize) {
    for guesses in 0..20 {
        let answer = connection.ask(payload).await;
        if answer.code == Code::Throttled {
            return (answer, guesses);
        }
        assert_eq!(answer.code, Code::Denied);
    }
    panic!("20 guesses were not throttled")
}

#[tokio::test]
async fn a_guesser_is_throttled_and_the_connection_stays_open() {
    let server = TestServer::configured(no_exemptions).await;
    let mut stranger = server.raw().await;
    let (answer, guesses) = guess(&mut stranger, UNKNOWN).await;
    assert!(guesses >= 3);
    assert_eq!(answer.message, "Too many attempts. Try again later.");
    assert!((1..=20_000).contains(&answer.retry_after_ms.unwrap()));
    assert_eq!(stranger.ask(HELLO).await.code, Code::Ok);
}

#[tokio::test]
async fn a_known_name_is_throttled_like_an_unknown_one() {
    let server = TestServer::configured(no_exemptions).await;
    server.enrol("alice", "obama.jpg").await;
    let known = UNKNOWN.replace("nobody", "alice");
    let (answer, guesses) = guess(&mut server.raw().await, &known).await;
    assert!(guesses >= 3);
    assert_eq!(answer.message, "Too many attempts. Try again later.");
}

#[tokio::test]
async fn malformed_commands_are_penalised_but_unknown_ones_are_not() {
    let server = TestServer::configured(no_exemptions).await;
    let mut connection = server.raw().await;
    codes(&mut connection, r#"{"cmd":"999"}"#, 9).await;
    assert_eq!(connection.ask(UNKNOWN).await.code, Code::Denied);
    assert_eq!(codes(&mut connection, "{", 9).await, [Code::Malformed; 9]);
    assert_eq!(connection.ask(UNKNOWN).await.code, Code::Throttled);
}

#[tokio::test]
async fn a_login_clears_earlier_failures() {
    let server = TestServer::configured(no_exemptions).await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let mut connection = server.raw().await;
    assert_eq!(codes(&mut connection, UNKNOWN, 2).await, [Code::Denied; 2]);
    assert!(server.client().login_once(alice.login(server.now())).await.unwrap());
    assert_eq!(codes(&mut connection, UNKNOWN, 2).await, [Code::Denied; 2]);
    assert_eq!(connection.ask(HELLO).await.code, Code::Ok);
    guess(&mut connection, UNKNOWN).await;
}

#[tokio::test]
async fn no_penalty_applies_to_an_exempt_source_or_when_disabled() {
    for change in [
        |_: &mut Config| {},
        |config: &mut Config| {
            no_exemptions(config);
            config.limits.penalties = false;
        },
    ] {
        let server = TestServer::configured(change).await;
        let mut connection = server.raw().await;
        assert_eq!(codes(&mut connection, UNKNOWN, 9).await, [Code::Denied; 9]);
        assert!(server.client().connect().await.is_ok());
    }
}

#[tokio::test]
async fn a_proven_device_is_served_although_its_source_is_blocked() {
    let server = TestServer::configured(no_exemptions).await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let identity = Arc::new(Identity::generate().unwrap());
    let client = server.client().with_identity(Arc::clone(&identity));
    let first = alice.login(server.now()).with(|login| login.device_pubkey = Some(identity.key()));
    assert!(client.login_once(first).await.unwrap());
    server.clock().advance_ms(60_000);

    let mut guesser = server.raw().await;
    guess(&mut guesser, UNKNOWN).await;
    // More connections than a blocked source may hold.
    let mut held = Vec::new();
    for _ in 0..40 {
        held.push(server.raw().await);
    }
    let login = Command::Login(alice.login(server.now()));
    let without = server.client().send_once(login.clone()).await.unwrap();
    assert_eq!(without.code, Code::Throttled);
    assert!(client.send_once(login).await.unwrap().is_ok());
}

/// Number of requests that a page makes a browser send: far more than the three that cause a
/// penalty.
const PAGE: usize = 40;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: auth.example\r\n\r\n";

/// A handshake of a browser or another program, which offers these protocols.
async fn shake_hands(
    server: &TestServer,
    offered: &[&[u8]],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut tls = ClientConfig::clone(&raw::trusting());
    tls.alpn_protocols = offered.iter().map(|name| name.to_vec()).collect();
    let address = server.server().address();
    let name = ServerName::IpAddress(IpAddr::from([127, 0, 0, 1]).into());
    TlsConnector::from(Arc::new(tls)).connect(name, TcpStream::connect(address).await?).await
}

/// Requests a page and waits until the server has closed the connection.
async fn browse(server: &TestServer, offered: &[&[u8]]) {
    let Ok(mut stream) = shake_hands(server, offered).await else { return };
    stream.write_all(REQUEST).await.unwrap();
    let _reset = stream.read_to_end(&mut Vec::new()).await;
}

#[tokio::test]
async fn a_web_page_cannot_block_its_visitors() {
    const H1: &[u8] = b"http/1.1";
    const H2: &[u8] = b"h2";
    for offered in [&[H2, H1][..], &[H1], &[H2], &[]] {
        let server = TestServer::configured(no_exemptions).await;
        let alice = server.enrol("alice", "obama.jpg").await;
        for _ in 0..PAGE {
            browse(&server, offered).await;
        }
        assert!(
            server.client().login_once(alice.login(server.now())).await.unwrap(),
            "{offered:?}"
        );
    }
}

#[tokio::test]
async fn port_probes_and_plain_requests_block_no_source() {
    for sent in [&b""[..], REQUEST, b"\x16\x03\x01\x02\x00\x01", b"SSH-2.0-scanner\r\n"] {
        let server = TestServer::configured(no_exemptions).await;
        let alice = server.enrol("alice", "obama.jpg").await;
        for _ in 0..PAGE {
            let mut probe = TcpStream::connect(server.server().address()).await.unwrap();
            probe.write_all(sent).await.unwrap();
            probe.shutdown().await.unwrap();
            let _reset = probe.read_to_end(&mut Vec::new()).await;
        }
        assert!(server.client().login_once(alice.login(server.now())).await.unwrap(), "{sent:?}");
    }
}

#[tokio::test]
async fn three_malformed_frames_block_their_source() {
    for frame in [&[0xff; 4][..], b"\0\0\0\x01{"] {
        let server = TestServer::configured(no_exemptions).await;
        let alice = server.enrol("alice", "obama.jpg").await;
        for _ in 0..3 {
            let mut connection = server.raw().await;
            connection.send(frame).await;
            assert!(!connection.answer().await.unwrap().is_ok());
        }
        let login = Command::Login(alice.login(server.now()));
        let answer = server.client().send_once(login).await.unwrap();
        assert_eq!(answer.code, Code::Throttled, "{frame:?}");
    }
}

#[tokio::test]
async fn only_a_client_without_our_protocol_in_its_offer_is_refused() {
    let server = TestServer::start().await;
    for (offered, selected) in
        [(&[][..], None), (&[&b"h2"[..], b"fourauth/1"], Some(&b"fourauth/1"[..]))]
    {
        let stream = shake_hands(&server, offered).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), selected);
    }
    let refused = shake_hands(&server, &[b"http/1.1"]).await.unwrap_err();
    let refused = refused.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
    let expected = rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol);
    assert_eq!(refused, Some(&expected));
}
