//! Bad input: each gets an answer, or the connection ends, and the next client is served.

use super::{EMAIL, House, MAC, PASSWORD, ask, request};
use fourauth_client::{Client, ServerAddress, Trust};
use fourauth_protocol::token::BaseToken;
use fourauth_tests::{raw, server::TestServer, text_client::TextClient};
use rustls::{AlertDescription, ClientConfig};
use rustls_pki_types::ServerName;
use std::{net::IpAddr, sync::Arc};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A token of no server.
fn foreign_token() -> String {
    BaseToken::from_bytes([7; 32]).text("pythonizer_").expose().clone()
}

#[tokio::test]
async fn a_line_that_is_no_message_is_refused() {
    let house = House::empty(|_| {}).await;
    let token = foreign_token();
    for (line, expected) in [
        ("\n".to_owned(), "False"),
        ("|||||\n".to_owned(), "False"),
        ("require_passcode\n".to_owned(), "False"),
        (format!("require_passcode|{MAC}|{PASSWORD}|{EMAIL}\n"), "False"),
        (format!("require_passcode|{MAC}|{PASSWORD}||\n"), "False"),
        (format!("require_passcode|no-mac|{PASSWORD}||{EMAIL}\n"), "False"),
        (format!("require_passcode|{MAC}|pa\0ss||{EMAIL}\n"), "False"),
        (format!("require_passcode|{MAC}|pa\rss||{EMAIL}\n"), "False"),
        (format!("require_passcode|{MAC}|{PASSWORD}||{EMAIL}%0d%0aBcc: x\n"), "False"),
        (format!("{MAC}|{EMAIL}||{PASSWORD}\n"), "False"),
        (format!("{MAC}|{EMAIL}||{PASSWORD}|7K2QX\n"), "False"),
        (format!("{token}\n"), "unauthorized"),
        (format!("{token}|{MAC}\n"), "unauthorized"),
        (format!("{token}|no-mac|read\n"), "unauthorized"),
        (format!("{token}|{MAC}|re\tad\n"), "False"),
        (format!("{token}|{MAC}|read\n"), "unauthorized"),
        (format!("{}|{MAC}|read\n", &token[..token.len() - 1]), "unauthorized"),
    ] {
        assert_eq!(ask(house.passcodes(), line.as_bytes()).await, expected, "{line:?}");
    }
    let latin = [b"require_passcode|".as_slice(), b"\xff\xfe|pass||a@b.example\n"].concat();
    assert_eq!(ask(house.passcodes(), &latin).await, "False");
}

#[tokio::test]
async fn a_line_of_a_megabyte_is_refused_and_the_answer_arrives() {
    let house = House::empty(|_| {}).await;
    let long = [format!("require_passcode|{MAC}|").into_bytes(), vec![b'x'; 1 << 20]].concat();
    for line in [long.clone(), [&long[..], b"\n"].concat(), vec![b'x'; 4097]] {
        assert_eq!(ask(house.passcodes(), &line).await, "False", "{} bytes", line.len());
    }
    // The control: a password as long as the limit allows is compared.
    let rest = format!("require_passcode|{MAC}|||{EMAIL}").len();
    let longest = request(&"x".repeat(4096 - rest));
    assert_eq!(house.line(&longest).await, "False");
    assert_eq!(house.server.last_row().await.action, "request_passcode");
}

#[tokio::test]
async fn an_end_of_the_stream_ends_a_message() {
    let house = House::with_alice(|_| {}, PASSWORD).await;
    for (sent, expected) in [
        (String::new(), ""),
        (request(PASSWORD)[..30].to_owned(), "False"),
        (request(PASSWORD), "Passcode is sent"),
    ] {
        let mut client = TextClient::open(house.passcodes()).await;
        client.send(sent.as_bytes()).await.unwrap();
        client.end().await.unwrap();
        assert_eq!(client.rest().await.unwrap(), expected.as_bytes(), "{sent}");
    }
}

#[tokio::test]
async fn a_message_that_is_cut_without_the_notice_of_tls_is_dropped() {
    for (is_ended, decided) in [(false, 0), (true, 1)] {
        let house = House::with_alice(|_| {}, PASSWORD).await;
        let mut client = TextClient::open(house.passcodes()).await;
        client.send(request(PASSWORD).as_bytes()).await.unwrap();
        if is_ended {
            client.end().await.unwrap();
        }
        client.abort();
        // By the time that another client has its answer, the end has arrived.
        assert_eq!(house.line("no-message").await, "False");
        let House { server, mail: _mail } = house;
        let server = TestServer::start_in(server.stop().await, |_| {}).await;
        let rows = server.audit().await;
        let rows = rows.iter().filter(|row| row.action == "request_passcode").count();
        assert_eq!(rows, decided, "with the notice: {is_ended}");
    }
}

#[tokio::test]
async fn only_the_first_line_of_a_connection_is_answered() {
    let house = House::empty(|_| {}).await;
    let line = format!("{}|{MAC}|read\n", foreign_token());
    assert_eq!(ask(house.identity(), line.repeat(3).as_bytes()).await, "unauthorized");
}

#[tokio::test]
async fn a_silent_client_is_disconnected_without_an_answer() {
    let house = House::empty(|config| config.limits.first_frame_s = 1).await;
    let mut client = TextClient::open(house.passcodes()).await;
    assert_eq!(client.rest().await.unwrap(), b"");
}

#[tokio::test]
async fn clients_of_other_protocols_are_refused() {
    let house = House::empty(|_| {}).await;
    for sent in [
        &b"GET / HTTP/1.1\r\nHost: auth.example\r\n\r\n"[..],
        b"\0\0\0\x0d{\"cmd\":\"190\"}",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"EHLO relay.example\r\n",
    ] {
        assert_eq!(ask(house.passcodes(), sent).await, "False", "{sent:?}");
    }
    let address = ServerAddress::parse(&house.passcodes().to_string()).unwrap();
    let client = Client::builder(address, Trust::Pin(house.server.fingerprint())).build();
    let refused = client.connect().await.err().unwrap();
    assert!(format!("{refused:?}").contains("NoApplicationProtocol"), "{refused:?}");
}

#[tokio::test]
async fn a_browser_is_refused_in_the_handshake() {
    let house = House::empty(|_| {}).await;
    for (offered, is_served) in [
        (vec![], true),
        (vec![&b"fourauth-text/1"[..]], true),
        (vec![&b"h2"[..], b"http/1.1"], false),
        (vec![&b"fourauth/1"[..]], false),
    ] {
        let mut tls = ClientConfig::clone(&raw::trusting());
        tls.alpn_protocols = offered.iter().map(|name| name.to_vec()).collect();
        let stream = TcpStream::connect(house.passcodes()).await.unwrap();
        let name = ServerName::IpAddress(IpAddr::from([127, 0, 0, 1]).into());
        let shaken = TlsConnector::from(Arc::new(tls)).connect(name, stream).await;
        let refused = rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol);
        match shaken {
            Ok(_) => assert!(is_served, "{offered:?}"),
            Err(error) => {
                let error = error.get_ref().and_then(|error| error.downcast_ref());
                assert!(!is_served && error == Some(&refused), "{offered:?}");
            }
        }
    }
}
