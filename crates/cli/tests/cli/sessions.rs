//! The session of a login: kept, used, renewed and ended.

use crate::{
    desk::{Desk, MAC},
    server::Server,
};
use fourauth_cli::exit::Exit;
use serde_json::json;

const LOGIN: &str =
    "login --username alice --password-file @password --totp-file @totp --face @a.png";
const GRANTED: &str =
    r#"{"status":"ok","message":"Login successful.","code":"ok","token":"t0k","level":4}"#;
const DENIED: &str = r#"{"status":"error","message":"unauthorized","code":"signed_out"}"#;
const RENEWED: &str = r#"{"status":"ok","message":"renew","code":"ok","token":"t1k",
    "username":"alice","level":4,"amr":["pwd","otp","face","swk"]}"#;
const SESSIONS: &str = r#"{"status":"ok","message":"Sessions.","code":"ok","sessions":[{"id":"5e55",
    "peer":"192.0.2.1","device":"lap\u001b[2Jtop","level":4,"amr":["pwd"],"current":true,
    "opened_at":"2025-03-01T12:00:00Z","last_seen":"2025-03-01T12:00:00Z",
    "expires_at":"2025-03-01T13:00:00Z","ends_at":"2025-03-02T12:00:00Z"}]}"#;

async fn signed_in() -> Desk {
    let mut desk = Desk::new();
    let server = Server::start(GRANTED).await;
    assert_eq!(desk.asks(&server, LOGIN).await.exit, Exit::Ok);
    desk
}

#[tokio::test]
async fn a_login_keeps_its_token_in_a_private_file() {
    signed_in().await.must_keep_its_session();
}

#[tokio::test]
async fn a_denied_login_keeps_nothing() {
    let mut desk = Desk::new();
    let server = Server::start(DENIED).await;
    assert_eq!(desk.asks(&server, LOGIN).await.exit, Exit::Denied);
    assert_eq!(desk.kept(), None);
}

#[tokio::test]
async fn whoami_shows_the_account_and_keeps_a_renewed_token() {
    let mut desk = signed_in().await;
    let server = Server::start(RENEWED).await;
    desk.moves_its_session_to(&server);
    let printed = desk.asks(&server, "whoami").await;
    assert_eq!(printed.exit, Exit::Ok, "{printed:?}");
    assert!(printed.output.contains("Account: alice"), "{}", printed.output);
    assert_eq!(server.request(), json!({"cmd": "130", "token": "t0k", "mac": MAC}));
    assert_eq!(server.requests()[0]["cmd"], "150", "the device proves its key");
    assert_eq!(desk.kept().unwrap()["token"], "t1k");
}

#[tokio::test]
async fn a_session_is_not_used_for_another_account() {
    let mut desk = signed_in().await;
    let server = Server::start(RENEWED).await;
    desk.moves_its_session_to(&server);
    let printed = desk.asks(&server, "whoami --username bob").await;
    assert_eq!(printed.exit, Exit::Usage);
    assert!(printed.notes.contains("that of alice"), "{}", printed.notes);
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn sessions_are_listed_without_control_characters() {
    let mut desk = signed_in().await;
    let server = Server::start(SESSIONS).await;
    desk.moves_its_session_to(&server);
    let printed = desk.asks(&server, "session list").await;
    assert_eq!(server.request(), json!({"cmd": "142", "token": "t0k", "mac": MAC}));
    for expected in ["this", "192.0.2.1", "lap\\u{1b}[2Jtop", "5e55"] {
        assert!(printed.output.contains(expected), "{expected}: {}", printed.output);
    }
}

#[tokio::test]
async fn the_end_of_this_session_removes_its_file() {
    let mut desk = signed_in().await;
    let server = Server::start(r#"{"status":"ok","message":"Session ended.","code":"ok"}"#).await;
    desk.moves_its_session_to(&server);
    assert_eq!(desk.asks(&server, "session end 5e55").await.exit, Exit::Ok);
    assert!(desk.kept().is_some());
    assert_eq!(desk.asks(&server, "session end").await.exit, Exit::Ok);
    assert_eq!(desk.kept(), None);
    let printed = desk.asks(&server, "session list").await;
    assert_eq!(printed.exit, Exit::Denied);
    assert!(printed.notes.contains("run `fourauth login`"), "{}", printed.notes);
}

#[tokio::test]
async fn an_expired_token_is_renewed_before_it_is_used_again() {
    let mut desk = signed_in().await;
    let server = Server::start(DENIED).await;
    desk.moves_its_session_to(&server);
    assert_eq!(desk.asks(&server, "session list").await.exit, Exit::Denied);
    let commands: Vec<_> = server.requests().iter().map(|one| one["cmd"].clone()).collect();
    assert_eq!(commands, ["150", "142", "130"]);
    assert_eq!(desk.kept().unwrap()["token"], "t0k", "a token that may be valid later is kept");
}

#[tokio::test]
async fn a_token_is_shown_to_no_other_server() {
    let mut desk = signed_in().await;
    let other = Server::start(RENEWED).await;
    let printed = desk.asks(&other, "whoami").await;
    assert_eq!(printed.exit, Exit::Usage);
    assert!(printed.notes.contains("the session on this device is at"), "{}", printed.notes);
    assert_eq!((other.requests().len(), desk.kept().unwrap()["token"].as_str()), (0, Some("t0k")));
}

#[tokio::test]
async fn the_proof_of_a_sign_in_is_printed_unchanged() {
    const PROOF: &str = r#"{"status":"ok","message":"Proof of a sign-in.","code":"ok",
        "proof":"{\"fourauth_proof\":1,\"row\":\"\\u2014\"}\n"}"#;

    let mut desk = signed_in().await;
    let server = Server::start(PROOF).await;
    desk.moves_its_session_to(&server);
    let printed = desk.asks(&server, "session proof").await;
    assert_eq!(printed.output, "{\"fourauth_proof\":1,\"row\":\"\\u2014\"}\n", "{printed:?}");
    assert_eq!(server.request(), json!({"cmd": "144", "token": "t0k", "mac": MAC}));
    let printed = desk.asks(&server, "session proof 5e55").await;
    assert_eq!(
        (printed.exit, &server.requests().last().unwrap()["session"]),
        (Exit::Ok, &json!("5e55"))
    );
}
