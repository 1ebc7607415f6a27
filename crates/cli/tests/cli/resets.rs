//! A forgotten password: a code is requested, validated and used.

use crate::{
    desk::{Desk, MAC},
    server::Server,
};
use fourauth_cli::exit::Exit;
use serde_json::json;

const SENT: &str = r#"{"status":"ok","message":"OTP sent successfully","code":"ok"}"#;
const GRANT: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";
const GRANTED: &str = r#"{"status":"ok","message":"OTP verified. Proceed to reset password.","code":"ok",
    "grant":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc","expires_at":"2025-03-01T12:10:00Z"}"#;
const RESET: &str = r#"{"status":"ok","message":"Password reset successful","code":"ok"}"#;

fn desk() -> Desk {
    let desk = Desk::new();
    desk.put("reset-code", b"005924\n");
    desk.put("grant", GRANT.as_bytes());
    desk
}

#[tokio::test]
async fn a_code_is_requested_by_any_name_of_the_account() {
    for (named, expected) in [
        ("--username alice", json!({"cmd": "340", "username": "alice", "mac": MAC})),
        ("--email a@b.example", json!({"cmd": "340", "email": "a@b.example", "mac": MAC})),
    ] {
        let server = Server::start(SENT).await;
        let printed = desk().asks(&server, &format!("password forgot {named}")).await;
        assert_eq!((printed.exit, printed.output.as_str()), (Exit::Ok, "OTP sent successfully\n"));
        assert_eq!(server.request(), expected);
    }
}

#[tokio::test]
async fn the_grant_for_a_code_is_shown() {
    let server = Server::start(GRANTED).await;
    let line = "password validate --email a@b.example --reset-code-file @reset-code";
    let printed = desk().asks(&server, line).await;
    assert_eq!(printed.exit, Exit::Ok, "{printed:?}");
    assert!(printed.output.contains(&format!("Grant: {GRANT}\n")), "{}", printed.output);
    assert!(printed.output.contains("Valid until 2025-03-01T12:10:00.000Z"), "{}", printed.output);
    let expected = json!({"cmd": "350", "email": "a@b.example", "otp": "005924", "mac": MAC});
    assert_eq!(server.request(), expected);
}

#[tokio::test]
async fn a_new_password_is_sent_with_the_grant() {
    for (files, input, replies) in [
        ("--grant-file @grant --new-password-file @new-password", "", &[][..]),
        ("--grant-file - --new-password-file -", "GRANT\nC0rrect.horse\n", &[]),
        ("", "", &[GRANT, "C0rrect.horse"]),
    ] {
        let mut desk = desk();
        desk.input = input.replace("GRANT", GRANT).into();
        desk.replies.0.extend(replies);
        let server = Server::start(RESET).await;
        let line = format!("password reset --email a@b.example {files}");
        let printed = desk.asks(&server, line.trim_end()).await;
        assert_eq!(printed.exit, Exit::Ok, "{files}: {printed:?}");
        let expected = json!({"cmd": "360", "email": "a@b.example", "grant": GRANT,
            "new_password": "C0rrect.horse"});
        assert_eq!(server.request(), expected, "{files}");
    }
}

#[tokio::test]
async fn a_mistyped_code_or_grant_is_not_sent() {
    for (name, wrong, line, hint) in [
        ("reset-code", "00592", "validate --reset-code-file @reset-code", "six digits"),
        ("grant", "BwcH", "reset --grant-file @grant", "not a grant"),
    ] {
        let mut desk = desk();
        desk.put(name, wrong.as_bytes());
        let server = Server::start(SENT).await;
        let printed = desk.asks(&server, &format!("password {line} --username alice")).await;
        assert_eq!(printed.exit, Exit::Usage, "{printed:?}");
        assert!(printed.notes.contains(hint), "{}", printed.notes);
        assert!(!printed.notes.contains(wrong), "{}", printed.notes);
        assert!(server.requests().is_empty());
    }
}
