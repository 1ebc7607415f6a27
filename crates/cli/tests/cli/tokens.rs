//! A passcode is requested and redeemed, and its session is kept, checked and ended.

use crate::{
    desk::{Desk, MAC},
    server::Server,
};
use fourauth_cli::exit::Exit;
use serde_json::{Value, json};
use std::fs;

const REDEEM: &str = "token redeem --password-file @password --passcode-file @passcode";
const SENT: &str = r#"{"status":"ok","message":"Passcode is sent","code":"ok"}"#;
/// Also the answer to the question which account the token is of.
const GRANTED: &str = r#"{"status":"ok","message":"Login successful.","code":"ok","token":"t0k",
    "username":"alice","level":1,"must_change":true}"#;
const RENEWED: &str = r#"{"status":"ok","message":"renew","code":"ok","token":"t1k",
    "username":"alice","level":1,"amr":["pwd","email"]}"#;

fn desk() -> Desk {
    let desk = Desk::new();
    desk.put("passcode", b"7k2qxa\n");
    desk
}

async fn signed_in() -> Desk {
    let mut desk = desk();
    let server = Server::start(GRANTED).await;
    let printed = desk.asks(&server, &format!("{REDEEM} --username alice")).await;
    assert_eq!(printed.exit, Exit::Ok, "{printed:?}");
    desk
}

#[tokio::test]
async fn a_passcode_is_requested_by_any_name_of_the_account() {
    for (named, expected) in [
        ("--username alice", json!({"username": "alice"})),
        ("--email a@b.example", json!({"email": "a@b.example"})),
        ("--phone +49-30-123456", json!({"phone": "+4930123456"})),
        (
            "--email a@b.example --username alice",
            json!({"username": "alice", "email": "a@b.example"}),
        ),
    ] {
        let mut desk = desk();
        let server = Server::start(SENT).await;
        let line = format!("token request {named} --password-file @password");
        let printed = desk.asks(&server, &line).await;
        assert_eq!((printed.exit, printed.output.as_str()), (Exit::Ok, "Passcode is sent\n"));
        let mut request = server.request();
        let fields = request.as_object_mut().unwrap();
        assert_eq!(fields.remove("cmd"), Some("110".into()));
        assert_eq!(fields.remove("password"), Some("Tr0ub4dor&3".into()));
        assert_eq!(fields.remove("mac"), Some(MAC.into()));
        assert_eq!(request, expected);
        assert_eq!(desk.kept(), None);
    }
}

#[tokio::test]
async fn the_saved_name_is_sent_only_if_no_name_is_given() {
    let mut desk = desk();
    let server = Server::start(SENT).await;
    assert_eq!(desk.asks(&server, "trust --username alice").await.exit, Exit::Ok);
    let request = "token request --password-file @password";
    for (named, expected) in [("", Some("alice")), (" --email a@b.example", None)] {
        let printed = desk.asks(&server, &format!("{request}{named}")).await;
        assert_eq!(printed.exit, Exit::Ok, "{printed:?}");
        let sent = server.requests().pop().unwrap();
        assert_eq!(sent["username"].as_str(), expected, "{named}");
    }
}

#[tokio::test]
async fn a_redeemed_passcode_keeps_its_session_like_a_login() {
    signed_in().await.must_keep_its_session();
}

#[tokio::test]
async fn a_passcode_is_sent_in_upper_case_after_a_device_proof() {
    let mut desk = desk();
    let server = Server::start(GRANTED).await;
    let line = format!("{REDEEM} --username alice --output json");
    let printed = desk.asks(&server, &line).await;
    let answer: Value = serde_json::from_str(&printed.output).unwrap();
    assert_eq!((answer["token"].as_str(), printed.exit), (Some("t0k"), Exit::Ok));
    let expected = json!({"cmd": "120", "username": "alice", "password": "Tr0ub4dor&3",
        "passcode": "7K2QXA", "mac": MAC});
    assert_eq!(server.request(), expected);
    assert_eq!(server.requests()[0]["cmd"], "150");
}

#[tokio::test]
async fn the_account_of_a_redeemed_passcode_is_asked_for_if_unnamed() {
    let mut desk = desk();
    let server = Server::start(GRANTED).await;
    let printed = desk.asks(&server, &format!("{REDEEM} --email a@b.example")).await;
    assert_eq!(printed.exit, Exit::Ok, "{printed:?}");
    let commands: Vec<_> = server.requests().iter().map(|one| one["cmd"].clone()).collect();
    assert_eq!(commands, ["120", "130"], "a proof would name the account");
    assert_eq!(desk.kept().unwrap()["username"], "alice");
}

#[tokio::test]
async fn a_token_that_cannot_be_kept_is_shown() {
    for line in [format!("{REDEEM} --username alice"), format!("{REDEEM} --phone +4930123456")] {
        let mut desk = desk();
        fs::create_dir(desk.file("session.json")).unwrap();
        let server = Server::start(GRANTED).await;
        let printed = desk.asks(&server, &line).await;
        assert_eq!(printed.exit, Exit::LocalDevice, "{printed:?}");
        assert!(printed.output.contains("Token: t0k"), "{}", printed.output);
        assert!(printed.notes.contains("session.json"), "{}", printed.notes);
    }
}

#[tokio::test]
async fn secrets_come_from_standard_input_or_prompts() {
    for (files, input, replies) in [
        ("--password-file - --passcode-file -", "Tr0ub4dor&3\n7K2QXA\n", &[][..]),
        ("", "", &["Tr0ub4dor&3", "7K2QXA"]),
        ("--password-file -", "Tr0ub4dor&3\n", &["7K2QXA"]),
    ] {
        let mut desk = desk();
        desk.input = input.into();
        desk.replies.0.extend(replies);
        let server = Server::start(GRANTED).await;
        let line = format!("token redeem --username alice {files}");
        let printed = desk.asks(&server, line.trim_end()).await;
        assert_eq!(printed.exit, Exit::Ok, "{files}: {printed:?}");
        let sent = server.request();
        let sent = (sent["password"].as_str(), sent["passcode"].as_str());
        assert_eq!(sent, (Some("Tr0ub4dor&3"), Some("7K2QXA")), "{files}");
    }
}

#[tokio::test]
async fn a_mistyped_passcode_is_not_sent() {
    let mut desk = desk();
    desk.put("passcode", b"7K2QX\n");
    let server = Server::start(GRANTED).await;
    let printed = desk.asks(&server, &format!("{REDEEM} --username alice")).await;
    assert_eq!(printed.exit, Exit::Usage);
    assert!(printed.notes.contains("six letters or digits"), "{}", printed.notes);
    assert!(!printed.notes.contains("7K2QX"), "{}", printed.notes);
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_denial_says_what_to_do_next() {
    for (answer, hint) in [
        (
            r#"{"status":"error","message":"Passcode verification failed.",
                "code":"passcode_mismatch"}"#,
            "fourauth token request",
        ),
        (r#"{"status":"error","message":"No.","code":"no_address"}"#, "registered with"),
    ] {
        let mut desk = desk();
        let server = Server::start(answer).await;
        let printed = desk.asks(&server, &format!("{REDEEM} --username alice")).await;
        assert_eq!(printed.exit, Exit::Denied);
        assert!(printed.notes.contains(hint), "{}", printed.notes);
        assert_eq!(desk.kept(), None);
    }
}

#[tokio::test]
async fn a_check_keeps_the_renewed_token() {
    let mut desk = signed_in().await;
    let server = Server::start(RENEWED).await;
    desk.moves_its_session_to(&server);
    let printed = desk.asks(&server, "token check --level 1").await;
    assert_eq!(printed.exit, Exit::Ok, "{printed:?}");
    assert!(printed.output.contains("Account: alice"), "{}", printed.output);
    let expected = json!({"cmd": "130", "token": "t0k", "mac": MAC, "level": 1});
    assert_eq!(server.request(), expected);
    assert_eq!(desk.kept().unwrap()["token"], "t1k");
}

#[tokio::test]
async fn the_end_of_a_session_removes_its_token() {
    for (line, is_all) in [("token end", false), ("token end --all", true)] {
        let mut desk = signed_in().await;
        let server = Server::start(r#"{"status":"ok","message":"Ended.","code":"ok"}"#).await;
        desk.moves_its_session_to(&server);
        assert_eq!(desk.asks(&server, line).await.exit, Exit::Ok);
        let request = server.request();
        let sent = (request["cmd"].as_str(), request["all"].as_bool().unwrap_or(false));
        assert_eq!(sent, (Some("140"), is_all), "{line}");
        assert_eq!(desk.kept(), None);
        assert_eq!(desk.asks(&server, "token check").await.exit, Exit::Denied);
    }
}
