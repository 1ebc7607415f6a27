//! The documented dialogue, from a passcode to the end of a stolen token.

use super::{EMAIL, House, MAC, PASSWORD, ask, redeem, request};
use fourauth_protocol::code::Code;
use fourauth_tests::text_client::TextClient;
use std::net::{Ipv4Addr, SocketAddr};

const HOUR_MS: i64 = 3_600_000;

/// Sends each byte alone and no end, as a client of the passcode systems might.
async fn ask_slowly(address: SocketAddr, message: &str) -> String {
    let mut client = TextClient::open(address).await;
    for byte in message.as_bytes() {
        client.send(&[*byte]).await.unwrap();
    }
    String::from_utf8(client.rest().await.unwrap()).unwrap()
}

#[tokio::test]
async fn the_documented_dialogue_works_byte_by_byte() {
    for prefix in ["pythonizer_", "𝔄𝔴𝔣𝔢𝔯_𝔥𝔢𝔩𝔩𝔴𝔞𝔩𝔩_"] {
        let prefixed = |config: &mut fourauth_config::Config| {
            prefix.clone_into(&mut config.auth.token_prefix);
        };
        let house = House::with_alice(prefixed, PASSWORD).await;
        assert_eq!(ask_slowly(house.passcodes(), &request(PASSWORD)).await, "Passcode is sent");
        let passcode = house.mailed().await;
        let token = ask_slowly(house.passcodes(), &redeem(PASSWORD, &passcode)).await;
        assert!(token.starts_with(prefix), "{token}");
        // The passcode is spent.
        assert_eq!(house.line(&redeem(PASSWORD, &passcode)).await, "False");

        let used = async |token: &str, mac: &str| {
            ask_slowly(house.identity(), &format!("{token}|{mac}|read|a|b")).await
        };
        assert_eq!(used(&token, MAC).await, "authorized");
        assert_eq!(used(&token, "00:1b:44:11:3a:ff").await, "unauthorized");

        house.server.clock().advance_ms(HOUR_MS);
        let renewed = used(&token, MAC).await;
        let new = renewed.strip_prefix("renew|").unwrap();
        assert!(new.starts_with(prefix) && new != token, "{renewed}");
        assert_eq!(used(new, MAC).await, "authorized");

        house.server.clock().advance_ms(30_001);
        assert_eq!(used(&token, MAC).await, "unauthorized");
        assert_eq!(used(new, MAC).await, "unauthorized", "the return of a token ends its session");
    }
}

#[tokio::test]
async fn either_port_serves_every_message() {
    let house = House::with_alice(|_| {}, PASSWORD).await;
    let swapped =
        async |message: &str, address| ask(address, format!("{message}\r\n").as_bytes()).await;
    assert_eq!(swapped(&request(PASSWORD), house.identity()).await, "Passcode is sent");
    let passcode = house.mailed().await;
    let token = swapped(&redeem(PASSWORD, &passcode), house.identity()).await;
    let used = format!("{token}|{MAC}|read");
    assert_eq!(swapped(&used, house.passcodes()).await, "authorized");
    assert_eq!(swapped(&used, house.identity()).await, "authorized");
}

#[tokio::test]
async fn a_password_may_contain_the_separator() {
    let password = "violet|Ox|42|";
    let house = House::with_alice(|_| {}, password).await;
    let passcode = house.passcode(password).await;
    assert_ne!(house.line(&redeem(password, &passcode)).await, "False");
    // The control: the same message with another password.
    assert_eq!(house.line(&request("violet|Ox|42")).await, "False");
}

#[tokio::test]
async fn a_token_opens_both_doors_from_its_own_address_only() {
    let house = House::with_alice(|_| {}, PASSWORD).await;
    let token = house.token().await;
    let native = format!(r#"{{"cmd":"130","token":"{token}","mac":"{MAC}"}}"#);
    assert_eq!(house.server.raw().await.ask(&native).await.code, Code::Ok);

    let elsewhere = Ipv4Addr::new(127, 0, 0, 9);
    for (from, expected) in [(Ipv4Addr::LOCALHOST, "authorized"), (elsewhere, "unauthorized")] {
        let mut client = TextClient::open_after(house.identity(), from, &[]).await.unwrap();
        client.send(format!("{token}|{MAC}|read\n").as_bytes()).await.unwrap();
        assert_eq!(client.rest().await.unwrap(), expected.as_bytes(), "{from}");
    }
}

#[tokio::test]
async fn a_row_names_the_door_and_every_denial_looks_the_same() {
    let house = House::with_alice(|_| {}, PASSWORD).await;
    for message in [
        request("wrong"),
        format!("require_passcode|{MAC}|{PASSWORD}||bob@example.org"),
        format!("require_passcode|{MAC}|{PASSWORD}|+4930123456|{EMAIL}"),
        redeem(PASSWORD, "000000"),
    ] {
        assert_eq!(house.line(&message).await, "False", "{message}");
        let row = house.server.last_row().await;
        assert!(row.detail.contains(" peer=127.0.0.1 door=text time="), "{}", row.detail);
        assert!(!row.success, "{message}");
    }
}

#[tokio::test]
async fn without_passcodes_the_door_still_takes_tokens() {
    let house = House::with_alice(|_| {}, PASSWORD).await;
    let token = house.token().await;
    let House { server, mail } = house;
    let folder = server.stop().await;
    let server = fourauth_tests::server::TestServer::start_in(folder, super::listening).await;
    let house = House { server, mail };
    assert_eq!(house.line(&format!("{token}|{MAC}|read")).await, "authorized");
    assert_eq!(house.line(&request(PASSWORD)).await, "False");
}
