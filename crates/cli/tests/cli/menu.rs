//! The menu and the saved settings.

use crate::{desk::Desk, server::Server};
use fourauth_cli::exit::Exit;

const YES: &str = r#"{"status":"ok","message":"Done.","code":"ok"}"#;
const NO: &str = r#"{"status":"error","message":"Invalid username or password.","code":"denied"}"#;

#[tokio::test]
async fn every_menu_item_sends_its_command() {
    let server = Server::start(YES).await;
    let mut desk = Desk::new();
    let secrets = "--admin-secret-file @admin --password-file @password --totp-file @totp \
        --new-password-file @new-password";
    desk.replies.0.extend(["1", "2", "3", "1", "3", "2", "3", "3", "3", "4", "3", "5", "4"]);
    let printed = desk.asks(&server, &format!("{secrets} --username alice --face @a.png")).await;
    assert_eq!(printed.exit, Exit::Ok, "{printed:?}");
    let requests = server.requests();
    let commands: Vec<_> =
        requests.iter().map(|request| request["cmd"].as_str().unwrap()).collect();
    assert_eq!(commands.join(" "), "150 100 200 190 150 300 190 150 310 190 150 320 190 150 330");
}

#[tokio::test]
async fn the_menu_returns_after_a_denial_or_a_typing_error() {
    let server = Server::start(NO).await;
    let mut desk = Desk::new();
    desk.replies.0.extend(["1", "alice", "password", "12345"]); // Five digits.
    desk.replies.0.extend(["1", "alice", "password", "123456", "4"]);
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
async fn the_first_start_asks_for_the_fingerprint() {
    let server = Server::start(YES).await;
    let mut desk = Desk::new();
    let pin: &'static str = server.pin.clone().leak();
    desk.replies.0.extend([pin, "4"]);
    let printed = desk.types(&format!("fourauth --server {}", server.address)).await;
    assert_eq!(printed.exit, Exit::Ok, "{printed:?}");
    assert!(std::fs::read_to_string(desk.file("client.toml")).unwrap().contains(pin));
}
