//! Exit codes and output of commands that fail.

use crate::{desk::Desk, server::Server};
use fourauth_cli::exit::Exit;
use fourauth_protocol::printable::is_unprintable;
use serde_json::{Value, json};
use tokio::net::TcpListener;

const NO: &str = r#"{"status":"error","message":"Invalid \u001b[2Jpassword.","code":"denied"}"#;
const FACTORS: &str = "--username alice --password-file @password --totp-file @totp --face @a.png";

async fn exit_after(answer: &'static str) -> Exit {
    let server = Server::start(answer).await;
    Desk::new().asks(&server, &format!("login {FACTORS}")).await.exit
}

#[tokio::test]
async fn each_kind_of_answer_has_its_exit_code() {
    for (answer, exit) in [
        (NO, Exit::Denied),
        (r#"{"status":"error","message":"","code":"totp_mismatch"}"#, Exit::Denied),
        (r#"{"status":"error","message":"","code":"face_blurred"}"#, Exit::MoreNeeded),
        (r#"{"status":"error","message":"","code":"throttled"}"#, Exit::TryLater),
        (r#"{"status":"error","message":"","code":"clock_skew"}"#, Exit::Clock),
        (r#"{"status":"error","message":"","code":"of_tomorrow"}"#, Exit::Protocol),
        (r#"{"status":"error","message":"","code":"ok"}"#, Exit::Denied),
        ("<html>", Exit::Protocol),
    ] {
        assert_eq!(exit_after(answer).await, exit, "{answer}");
    }
}

#[tokio::test]
async fn a_denial_is_printed_without_control_characters() {
    let server = Server::start(NO).await;
    let printed = Desk::new().asks(&server, &format!("login {FACTORS}")).await;
    assert_eq!(printed.output, "");
    assert!(printed.notes.contains("\\u{1b}[2Jpassword."), "{}", printed.notes);
}

#[tokio::test]
async fn a_program_gets_a_denial_as_json() {
    let server = Server::start(NO).await;
    let printed = Desk::new().asks(&server, &format!("login {FACTORS} --output json")).await;
    let answer: serde_json::Value = serde_json::from_str(&printed.output).unwrap();
    assert_eq!((answer["code"].as_str(), printed.exit), (Some("denied"), Exit::Denied));
}

#[tokio::test]
async fn json_from_a_server_is_printed_without_control_characters() {
    let hostile =
        r#"{"status":"error","message":"nim\u202eda \u009b2J \udb40\udc41 Å","code":"denied"}"#;
    let server = Server::start(hostile).await;
    let printed = Desk::new().asks(&server, &format!("login {FACTORS} --output json")).await;
    assert!(!printed.output.trim_end().chars().any(is_unprintable), "{:?}", printed.output);
    let answer: serde_json::Value = serde_json::from_str(&printed.output).unwrap();
    assert_eq!(answer["message"], "nim\u{202e}da \u{9b}2J \u{e0041} Å");
}

#[tokio::test]
async fn a_denial_shows_the_time_until_the_next_attempt() {
    let server = Server::start(
        r#"{"status":"error","message":"Wait.","code":"throttled","retry_after_ms":1500}"#,
    )
    .await;
    let printed = Desk::new().asks(&server, &format!("login {FACTORS}")).await;
    assert!(printed.notes.contains("Try again in 2 s."), "{}", printed.notes);
}

#[tokio::test]
async fn a_server_with_another_pin_gets_no_command() {
    let (server, other) = (Server::start(NO).await, Server::start(NO).await);
    let line = format!("fourauth hello --server {} --pin {}", server.address, other.pin);
    let printed = Desk::new().types(&line).await;
    assert_eq!(printed.exit, Exit::Network);
    assert!(printed.notes.contains(&server.pin), "{}", printed.notes);
    assert!(server.requests().iter().all(|request| request["cmd"] == "190"));
}

#[tokio::test]
async fn an_authority_in_a_file_is_trusted() {
    let server = Server::start(r#"{"status":"ok","message":"","code":"ok"}"#).await;
    let mut desk = Desk::new();
    desk.put("ca.pem", server.pem.as_bytes());
    let line = format!("fourauth hello --server {} --ca @ca.pem", server.address);
    assert_eq!(desk.types(&line).await.exit, Exit::Ok);

    desk.put("ca.pem", b"nothing");
    assert_eq!(desk.types(&line).await.exit, Exit::LocalDevice);
}

#[tokio::test]
async fn an_unreachable_server_is_a_network_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let line = format!("fourauth hello --server {address} --pin {}", "ab".repeat(32));
    let printed = Desk::new().types(&line).await;
    assert_eq!(printed.exit, Exit::Network);
    let text = format!("fourauth: {address}: cannot reach the server");
    assert!(printed.notes.contains(&text), "{}", printed.notes);
    assert!(printed.notes.contains("--server HOST:PORT"), "{}", printed.notes);
    assert_eq!(printed.output, "");

    let printed = Desk::new().types(&format!("{line} --output json")).await;
    assert_eq!(printed.exit, Exit::Network);
    let said: Value = serde_json::from_str(&printed.output).unwrap();
    assert_eq!(
        (&said["status"], &said["kind"], &said["server"]),
        (&json!("error"), &json!("no_connection"), &json!(address.to_string()))
    );
    assert_eq!((said.get("code"), &said["may_have_been_decided"]), (None, &json!(false)));
    assert!(said["message"].as_str().unwrap().contains("cannot reach"), "{said}");
}

#[tokio::test]
async fn every_network_failure_names_the_server() {
    let (server, other) = (Server::start("<html>").await, Server::start(NO).await);
    let mut desk = Desk::new();
    desk.replies.0.extend(["alice", "p"]);
    desk.input = b"t0k\n".to_vec();
    for (line, kind, is_lost) in [
        (format!("login {FACTORS}"), "bad_reply", true),
        (format!("recover totp {FACTORS}"), "bad_reply", true),
        ("hello".to_owned(), "bad_reply", true),
        ("trust".to_owned(), "bad_reply", true),
        ("sign-in".to_owned(), "bad_reply", true),
        ("whoami --username alice --token-file -".to_owned(), "bad_reply", true),
        (format!("hello --pin {}", other.pin), "no_connection", false),
    ] {
        let pin =
            if line.contains("--pin") { String::new() } else { format!("--pin {}", server.pin) };
        let line = format!("fourauth {line} --server {} {pin} --output json", server.address);
        let printed = desk.types(&line).await;
        let said: Value = serde_json::from_str(&printed.output).unwrap();
        assert_eq!((&said["kind"], &said["server"]), (&json!(kind), &json!(server.address)));
        assert_eq!(said["may_have_been_decided"], is_lost, "{line}");
        let text = format!("fourauth: {}: ", server.address);
        assert!(printed.notes.contains(&text), "{}", printed.notes);
    }
}

#[tokio::test]
async fn a_program_gets_every_failure_as_json() {
    let server = Server::start(NO).await;
    for (line, kind, exit) in [
        ("login --face @a.png", "usage", Exit::Usage),
        ("whoami", "denied", Exit::Denied),
        ("login --username alice --password-file @absent", "local_device", Exit::LocalDevice),
    ] {
        let printed = Desk::new().asks(&server, &format!("{line} --output json")).await;
        let said: Value = serde_json::from_str(&printed.output).unwrap();
        assert_eq!((&said["kind"], printed.exit), (&json!(kind), exit), "{line}");
        assert_eq!(printed.output.lines().count(), 1, "{line}");
    }
}

#[tokio::test]
async fn a_denial_says_what_is_wrong_and_what_to_do() {
    for (code, texts) in [
        ("face_blurred", &["The face is blurred: hold still"][..]),
        ("several_faces", &["alone"]),
        ("totp_mismatch", &["clock of the phone", "fourauth recover totp"]),
        ("clock_skew", &["clock of this machine", "fourauth hello"]),
        ("weak_password", &["common password with a digit at its end"]),
        ("of_tomorrow", &["may be newer"]),
    ] {
        let answer =
            format!(r#"{{"status":"error","message":"Invalid face image.","code":"{code}"}}"#);
        let server = Server::start(answer.leak()).await;
        let printed = Desk::new().asks(&server, &format!("login {FACTORS}")).await;
        assert!(printed.notes.starts_with("Invalid face image.\n"), "{}", printed.notes);
        for text in texts {
            assert!(printed.notes.contains(text), "{code}: {}", printed.notes);
        }
    }
}

#[tokio::test]
async fn a_missing_local_device_or_file_has_its_own_exit_code() {
    let server = Server::start(NO).await;
    let secrets = "login --username alice --password-file @password --totp-file @totp";
    let lines = [
        format!("{secrets} --camera @no-camera"),
        format!("{secrets} --face @absent.jpg"),
        format!("{secrets} --face @password"),
        "login --username alice --password-file @absent".to_owned(),
    ];
    for line in lines {
        let printed = Desk::new().asks(&server, &line).await;
        assert_eq!(printed.exit, Exit::LocalDevice, "{line}: {}", printed.notes);
    }
    let mut desk = Desk::new();
    desk.device_address = || None;
    assert_eq!(desk.asks(&server, &format!("login {FACTORS}")).await.exit, Exit::LocalDevice);
    assert!(server.requests().iter().all(|request| request["cmd"] == "190"));
}

#[tokio::test]
async fn invalid_input_is_a_usage_failure() {
    let server = Server::start(NO).await;
    let mut desk = Desk::new();
    desk.put("totp", b"12345\n");
    for line in [
        format!("login {FACTORS}"),       // A code of five digits.
        "login --face @a.png".to_owned(), // No terminal.
        "login --username alice --password-file - --face -".to_owned(),
        format!("login {FACTORS} @a.png @a.png @a.png @a.png --face @a.png"),
    ] {
        let printed = desk.asks(&server, &line).await;
        assert_eq!(printed.exit, Exit::Usage, "{line}: {}", printed.notes);
    }
    let untrusted = format!("fourauth hello --server {}", server.address);
    let printed = desk.types(&untrusted).await;
    assert_eq!(printed.exit, Exit::Usage);
    assert!(printed.notes.contains("fourauth trust"), "{}", printed.notes);

    desk.put("client.toml", b"sever = 1");
    assert_eq!(desk.asks(&server, "hello").await.exit, Exit::Usage);
    assert!(server.requests().iter().all(|request| request["cmd"] == "190"));
}
