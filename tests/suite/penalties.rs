//! Sources that misbehave wait, those who prove themselves do not, and nobody waits for an exempt one.

use fourauth_client::Identity;
use fourauth_config::Config;
use fourauth_protocol::{
    answer::Answer,
    code::Code,
    command::{Command, Login},
};
use fourauth_tests::{
    raw::{self, RawConnection},
    server::TestServer,
};
use rustls::{AlertDescription, ClientConfig};
use rustls_pki_types::ServerName;
use std::{net::IpAddr, sync::Arc};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// Tests come from the machine itself, to which no penalty would come.
fn nobody_is_exempt(config: &mut Config) {
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

/// Guesses until it is turned away, which takes three guesses if they are quick; the first answer
/// that says so, and how many guesses were answered before.
async fn guess(connection: &mut RawConnection, payload: &str) -> (Answer, usize) {
    for guesses in 0..20 {
        let answer = connection.ask(payload).await;
        if answer.code == Code::Throttled {
            return (answer, guesses);
        }
        assert_eq!(answer.code, Code::Denied);
    }
    panic!("nobody minds")
}

#[tokio::test]
async fn a_guesser_is_turned_away_and_the_connection_lives_on() {
    let server = TestServer::configured(nobody_is_exempt).await;
    let mut stranger = server.raw().await;
    let (answer, guesses) = guess(&mut stranger, UNKNOWN).await;
    assert!(guesses >= 3);
    assert_eq!(answer.message, "Too many attempts. Try again later.");
    assert!((1..=20_000).contains(&answer.retry_after_ms.unwrap()));
    assert_eq!(stranger.ask(HELLO).await.code, Code::Ok);
}

#[tokio::test]
async fn a_known_name_is_turned_away_like_an_unknown_one() {
    let server = TestServer::configured(nobody_is_exempt).await;
    server.enrol("alice", "obama.jpg").await;
    let known = UNKNOWN.replace("nobody", "alice");
    let (answer, guesses) = guess(&mut server.raw().await, &known).await;
    assert!(guesses >= 3);
    assert_eq!(answer.message, "Too many attempts. Try again later.");
}

#[tokio::test]
async fn noise_makes_wait_as_well_but_not_the_commands_of_a_newer_client() {
    let server = TestServer::configured(nobody_is_exempt).await;
    let mut connection = server.raw().await;
    codes(&mut connection, r#"{"cmd":"999"}"#, 9).await;
    assert_eq!(connection.ask(UNKNOWN).await.code, Code::Denied);
    assert_eq!(codes(&mut connection, "{", 9).await, [Code::Malformed; 9]);
    assert_eq!(connection.ask(UNKNOWN).await.code, Code::Throttled);
}

#[tokio::test]
async fn who_gets_in_is_forgiven_the_slips_before() {
    let server = TestServer::configured(nobody_is_exempt).await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let mut connection = server.raw().await;
    assert_eq!(codes(&mut connection, UNKNOWN, 2).await, [Code::Denied; 2]);
    assert!(server.client().login_once(alice.login(server.now())).await.unwrap());
    assert_eq!(codes(&mut connection, UNKNOWN, 2).await, [Code::Denied; 2]);
    assert_eq!(connection.ask(HELLO).await.code, Code::Ok);
    guess(&mut connection, UNKNOWN).await;
}

#[tokio::test]
async fn no_penalty_comes_to_the_machine_itself_nor_if_there_are_none() {
    for change in [
        |_: &mut Config| {},
        |config: &mut Config| {
            nobody_is_exempt(config);
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
async fn a_device_that_proves_itself_is_heard_although_its_neighbour_guesses() {
    let server = TestServer::configured(nobody_is_exempt).await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let identity = Arc::new(Identity::generate().unwrap());
    let client = server.client().with_identity(Arc::clone(&identity));
    let first = Login { device_pubkey: Some(identity.key()), ..alice.login(server.now()) };
    assert!(client.login_once(first).await.unwrap());
    server.clock().advance_ms(60_000);

    let mut guesser = server.raw().await;
    guess(&mut guesser, UNKNOWN).await;
    // It holds more connections than a source has that has to stay away.
    let mut held = Vec::new();
    for _ in 0..40 {
        held.push(server.raw().await);
    }
    let login = Command::Login(alice.login(server.now()));
    let without = server.client().send_once(login.clone()).await.unwrap();
    assert_eq!(without.code, Code::Throttled);
    assert!(client.send_once(login).await.unwrap().is_ok());
}

/// How often a page has a browser ask: far more than three.
const PAGE: usize = 40;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: auth.example\r\n\r\n";

/// A handshake as a browser or another program does it, that offers these protocols.
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

/// Asks for a page and waits until the server has hung up.
async fn browse(server: &TestServer, offered: &[&[u8]]) {
    let Ok(mut stream) = shake_hands(server, offered).await else { return };
    stream.write_all(REQUEST).await.unwrap();
    let _reset = stream.read_to_end(&mut Vec::new()).await;
}

#[tokio::test]
async fn a_web_page_does_not_shut_out_its_visitors() {
    const H1: &[u8] = b"http/1.1";
    const H2: &[u8] = b"h2";
    for offered in [&[H2, H1][..], &[H1], &[H2], &[]] {
        let server = TestServer::configured(nobody_is_exempt).await;
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
async fn checks_of_the_port_and_plain_requests_shut_out_nobody() {
    for sent in [&b""[..], REQUEST, b"\x16\x03\x01\x02\x00\x01", b"SSH-2.0-scanner\r\n"] {
        let server = TestServer::configured(nobody_is_exempt).await;
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
async fn three_malformed_frames_of_ours_shut_their_source_out() {
    for frame in [&[0xff; 4][..], b"\0\0\0\x01{"] {
        let server = TestServer::configured(nobody_is_exempt).await;
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
async fn only_a_client_that_offers_other_protocols_alone_is_refused() {
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
