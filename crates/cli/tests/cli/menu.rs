//! The menu and the saved settings.

use crate::{desk::Desk, server::Server};
use fourauth_cli::exit::Exit;

const YES: &str = r#"{"status":"ok","message":"Done.","code":"ok"}"#;
const NO: &str = r#"{"status":"error","message":"Invalid username or password.","code":"denied"}"#;

/// The answer of a server that grants everything.
const ALL: &str = r#"{"status":"ok","message":"Done.","code":"ok","token":"t0k","username":"alice",
    "expires_at":"2025-03-01T13:00:00Z","level":4,
    "grant":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#;
const KEY: &str = "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
const FILES: &str = "--admin-secret-file @admin --password-file @password --totp-file @totp \
    --new-password-file @new-password --face @a.png";

#[tokio::test]
async fn every_menu_item_sends_its_command() {
    let server = Server::start(ALL).await;
    let mut desk = Desk::new();
    let items: [(&[&str], &str); 22] = [
        (&["1"], "190 150 100"),
        (&["2"], "200"),
        (&["3", "1"], "190 150 300"),
        (&["3", "2"], "190 150 310"),
        (&["3", "3"], "190 150 320"),
        (&["3", "4"], "190 150 330"),
        (&["3", "5"], "150 340"),
        (&["3", "6", "123456"], "150 350 150 360"),
        (&["3", "7"], ""),
        (&["4"], "150 210"),
        (&["5", "1"], "150 222"),
        (&["5", "2"], ""),
        (&["5", "3", KEY, "02:00:00:00:00:01", "phone"], "150 220"),
        (&["5", "4", "phone"], "150 224"),
        (&["6", "1"], "150 130"),
        (&["6", "2"], "150 142"),
        (&["6", "4", "7f"], "150 140"),
        (&["7", "1"], "170"),
        (&["7", "2"], "160"),
        (&["7", "3"], "150 110"),
        (&["7", "4", "A1B2C3"], "150 120"),
        (&["6", "3"], "150 140"),
    ];
    for (replies, _) in items {
        desk.replies.0.extend(replies);
    }
    desk.replies.0.push_back("9");
    let printed = desk.asks(&server, &format!("{FILES} --username alice")).await;
    assert_eq!(printed.exit, Exit::Ok, "{printed:?}");
    let requests = server.requests();
    let sent: Vec<_> = requests.iter().map(|request| request["cmd"].as_str().unwrap()).collect();
    let expected: Vec<_> = items.iter().flat_map(|(_, sent)| sent.split_whitespace()).collect();
    assert_eq!(sent.join(" "), expected.join(" "), "{}", printed.notes);
}

#[tokio::test]
async fn a_registration_asks_for_the_name_of_the_account() {
    let server = Server::start(YES).await;
    let mut desk = Desk::new();
    assert_eq!(desk.asks(&server, "trust --username alice").await.exit, Exit::Ok);
    desk.replies.0.extend(["2", "bob", "2", "", "7", "2", "carol", "1", "9"]);
    let printed = desk.types(&format!("fourauth {FILES}")).await;
    assert_eq!(printed.exit, Exit::Ok, "{printed:?}");
    let named: Vec<_> = server
        .requests()
        .iter()
        .filter(|request| ["200", "160", "100"].contains(&request["cmd"].as_str().unwrap()))
        .map(|request| request["username"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(named, ["bob", "alice", "carol", "alice"]);
    assert!(printed.notes.contains(", account alice."), "{}", printed.notes);
    // A script, without a terminal.
    let line = format!("fourauth register {FILES}");
    assert_eq!(desk.types(&line).await.exit, Exit::Ok);
    assert_eq!(server.requests().last().unwrap()["username"], "alice");
}

#[tokio::test]
async fn a_weak_password_does_not_end_a_reset() {
    const WEAK: &str = r#"{"status":"error","message":"Weak password (max 256 chars).",
        "code":"weak_password"}"#;
    let server = Server::start(ALL).await;
    let mut desk = Desk::new();
    server.answer_once_to("360", WEAK);
    desk.replies.0.extend(["3", "6", "123456", "password1", "C0rrect.horse", "9"]);
    let printed = desk.asks(&server, "--username alice").await;
    assert_eq!(printed.exit, Exit::Ok, "{printed:?}");
    assert!(printed.notes.contains("max 256 chars"), "{}", printed.notes);
    let requests = server.requests();
    let tried: Vec<_> =
        requests.iter().filter_map(|request| request["new_password"].as_str()).collect();
    assert_eq!(tried, ["password1", "C0rrect.horse"]);
}

#[tokio::test]
async fn the_menu_returns_after_a_denial_or_a_typing_error() {
    let server = Server::start(NO).await;
    let mut desk = Desk::new();
    desk.replies.0.extend(["1", "alice", "password", "12345"]); // Five digits.
    desk.replies.0.extend(["1", "alice", "password", "123456", "9"]);
    let printed = desk.asks(&server, "--face @a.png").await;
    assert_eq!(printed.exit, Exit::Ok, "{printed:?}");
    assert!(printed.notes.contains("six digits"), "{}", printed.notes);
    assert!(printed.notes.contains("Invalid username or password."), "{}", printed.notes);
    assert_eq!(server.request()["cmd"], "100");
}

#[tokio::test]
async fn the_menu_needs_a_terminal() {
    let server = Server::start(YES).await;
    assert_eq!(Desk::new().asks(&server, "").await.exit, Exit::Usage);
}

#[tokio::test]
async fn a_trusted_server_is_saved() {
    let server = Server::start(YES).await;
    let mut desk = Desk::new();
    assert_eq!(desk.asks(&server, "trust --username alice").await.exit, Exit::Ok);
    assert_eq!(desk.types("fourauth hello").await.exit, Exit::Ok);

    desk.replies.0.extend(["Tr0ub4dor&3", "287082"]);
    assert_eq!(desk.types("fourauth login --face @a.png").await.exit, Exit::Ok);
    assert_eq!(server.request()["username"], "alice");
}

#[tokio::test]
async fn an_untrusted_server_is_not_saved() {
    let server = Server::start(YES).await;
    let mut desk = Desk::new();
    let line = format!("fourauth trust --server {} --pin {}", server.address, "ab".repeat(32));
    assert_eq!(desk.types(&line).await.exit, Exit::Network);
    assert!(!desk.file("client.toml").exists());
}

#[tokio::test]
async fn the_first_start_asks_for_server_and_fingerprint() {
    let server = Server::start(YES).await;
    let mut desk = Desk::new();
    let (address, pin) = (leak(&server.address), leak(&server.pin));
    desk.replies.0.extend([address, pin, "9"]);
    let printed = desk.types("fourauth").await;
    assert_eq!(printed.exit, Exit::Ok, "{printed:?}");
    let saved = std::fs::read_to_string(desk.file("client.toml")).unwrap();
    assert!(saved.contains(pin) && saved.contains(address), "{saved}");
    assert!(printed.notes.contains(&format!("Server {address}.")), "{}", printed.notes);

    desk.replies.0.push_back("9");
    assert_eq!(desk.types("fourauth").await.exit, Exit::Ok, "it asks once");
}

#[tokio::test]
async fn a_given_server_is_not_asked_for() {
    let server = Server::start(YES).await;
    let mut desk = Desk::new();
    desk.replies.0.extend([leak(&server.pin), "9"]);
    let printed = desk.types(&format!("fourauth --server {}", server.address)).await;
    assert_eq!(printed.exit, Exit::Ok, "{printed:?}");
}

#[tokio::test]
async fn the_menu_changes_the_server_and_the_account() {
    let (first, second) = (Server::start(YES).await, Server::start(YES).await);
    let mut desk = Desk::new();
    desk.replies.0.extend(["8", "bob", leak(&second.address), leak(&second.pin), "1", "9"]);
    let printed = desk.asks(&first, &format!("{FILES} --username alice")).await;
    assert_eq!(printed.exit, Exit::Ok, "{printed:?}");
    assert!(first.requests().is_empty());
    assert_eq!(second.requests().last().unwrap()["username"], "bob");
}

fn leak(text: &str) -> &'static str {
    text.to_owned().leak()
}
