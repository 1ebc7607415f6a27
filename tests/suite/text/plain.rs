//! Plain TCP: off by default, and then from listed networks only.

use super::{EMAIL, House, MAC, PASSWORD, listening, redeem, request};
use crate::checked_in;
use fourauth_config::Config;
use fourauth_server::proxy::LOCAL;
use fourauth_tests::{proxy::introducing, python, server::TestServer, text_client::TextClient};
use std::{
    net::{Ipv4Addr, SocketAddr},
    process::Command,
};

const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);

fn from_one_address(config: &mut Config) {
    config.compat.legacy_tcp = true;
    config.compat.legacy_networks = vec!["127.0.0.1".parse().unwrap()];
}

/// What a client without TLS gets.
async fn ask_plainly(address: SocketAddr, from: Ipv4Addr, sent: &[u8]) -> Vec<u8> {
    let mut client = TextClient::plain(address, from).await.unwrap();
    // A client that is refused may see a reset, here or there.
    let _refused = client.send(sent).await;
    client.rest().await.unwrap_or_default()
}

#[tokio::test]
async fn by_default_the_text_protocol_is_off() {
    let server = TestServer::start().await;
    assert_eq!(server.server().text_addresses(), &fourauth_config::TextConfig::default());
    let server = TestServer::configured(|config| {
        listening(config);
        config.text.listen_identity = None;
    })
    .await;
    assert!(server.server().text_addresses().listen_passcodes.is_some());
    assert!(server.server().text_addresses().listen_identity.is_none());
}

#[tokio::test]
async fn by_default_a_client_without_tls_gets_no_answer() {
    let house = House::with_alice(|_| {}, PASSWORD).await;
    let message = format!("{}\n", request(PASSWORD));
    let answer = ask_plainly(house.passcodes(), Ipv4Addr::LOCALHOST, message.as_bytes()).await;
    assert!(!answer.windows(5).any(|part| part == b"False"), "{answer:?}");
    assert!(!answer.windows(8).any(|part| part == b"Passcode"), "{answer:?}");
    // The control: with TLS the same message is granted.
    assert_eq!(house.line(&request(PASSWORD)).await, "Passcode is sent");
}

#[tokio::test]
async fn a_listed_network_may_use_plain_tcp_and_the_row_says_so() {
    let house = House::with_alice(from_one_address, PASSWORD).await;
    let message = format!("{}\n", request(PASSWORD));
    for (from, expected) in [(Ipv4Addr::LOCALHOST, &b"Passcode is sent"[..]), (ELSEWHERE, b"")] {
        let answer = ask_plainly(house.passcodes(), from, message.as_bytes()).await;
        assert_eq!(answer, expected, "{from}");
    }
    let row = house.server.last_row().await;
    assert!(row.success && row.detail.contains(" peer=127.0.0.1 tls=off door=text "), "{row:?}");
    // The native port has TLS as before.
    assert!(house.server.raw().await.ask(r#"{"cmd":"190"}"#).await.is_ok());
}

#[tokio::test]
async fn this_machine_is_the_only_network_that_is_listed_by_default() {
    let house = House::empty(|config| config.compat.legacy_tcp = true).await;
    let line = format!("require_passcode|{MAC}|x||{EMAIL}\n");
    assert_eq!(ask_plainly(house.identity(), ELSEWHERE, line.as_bytes()).await, b"False");
    let elsewhere = "192.0.2.1".parse().unwrap();
    let listed = fourauth_config::CompatConfig::default().legacy_networks;
    assert!(!listed.iter().any(|network| network.contains(elsewhere)));
}

#[tokio::test]
async fn the_client_of_a_proxy_must_be_in_a_listed_network_too() {
    let house = House::empty(|config| {
        from_one_address(config);
        config.compat.legacy_networks.push("192.0.2.1".parse().unwrap());
        config.limits.proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    for (client, expected) in [
        ([192, 0, 2, 1], &b"False"[..]),
        ([192, 0, 2, 2], b""),
        // A client on the machine of the proxy.
        ([127, 0, 0, 1], b"False"),
    ] {
        let sent = [&introducing(client.into())[..], b"no-message\n"].concat();
        let answer = ask_plainly(house.passcodes(), Ipv4Addr::LOCALHOST, &sent).await;
        assert_eq!(answer, expected, "{client:?}");
    }
    // The header names no client.
    let sent = [&LOCAL[..], b"no-message\n"].concat();
    assert_eq!(ask_plainly(house.passcodes(), Ipv4Addr::LOCALHOST, &sent).await, b"");
}

#[tokio::test]
async fn the_use_of_a_token_without_tls_is_marked_in_its_row() {
    let house = House::with_alice(from_one_address, PASSWORD).await;
    let ask = async |line: String| {
        let answer = ask_plainly(house.identity(), Ipv4Addr::LOCALHOST, line.as_bytes()).await;
        String::from_utf8(answer).unwrap()
    };
    assert_eq!(ask(format!("{}\n", request(PASSWORD))).await, "Passcode is sent");
    let token = ask(format!("{}\n", redeem(PASSWORD, &house.mailed().await))).await;
    assert_eq!(ask(format!("{token}|{MAC}|read\n")).await, "authorized");
    let store = house.server.server().store();
    store.conclude_all_uses(house.server.now()).await.unwrap();
    let row = house.server.last_row().await;
    assert_eq!(row.action.as_str(), "session_use");
    assert!(row.detail.ends_with(" tls=off door=text"), "{row:?}");
}

/// What a client of the passcode systems prints after these messages.
fn said_to_python(port: SocketAddr, messages: &[String]) -> Vec<String> {
    let mut command = Command::new("python3");
    command.arg(checked_in::path("tests/python/passcode_client.py"));
    let said = python::said(command.arg(port.port().to_string()).args(messages));
    said.lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_the_passcode_systems_works_unchanged() {
    let house = House::with_alice(
        |config| {
            config.compat.legacy_tcp = true;
            config.compat.pickle_replies = true;
            config.auth.token_prefix = "pythonizer_".to_owned();
        },
        PASSWORD,
    )
    .await;
    let (passcodes, identity) = (house.passcodes(), house.identity());
    assert_eq!(said_to_python(passcodes, &[request(PASSWORD)]), ["Passcode is sent"]);
    let redeem = redeem(PASSWORD, &house.mailed().await);
    let said = said_to_python(passcodes, &[redeem.clone(), redeem]);
    let [token, again] = said.as_slice() else { panic!("{} answers", said.len()) };
    assert!(token.starts_with("pythonizer_") && again == "False", "{said:?}");
    let used = [format!("{token}|{MAC}|read|a"), format!("{token}|00:1b:44:11:3a:ff|read|a")];
    assert_eq!(said_to_python(identity, &used), ["authorized", "unauthorized"]);
}
