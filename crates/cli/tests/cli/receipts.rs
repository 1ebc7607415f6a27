//! Receipts: saved after a login, verified without a server.

use crate::{desk::Desk, server::Server};
use fourauth_cli::exit::Exit;
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt as _};

const FACTORS: &str = "--username alice --password-file @password --totp-file @totp --face @a.png";
const KEY: &str = "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

/// The example of `docs/PROTOCOL.md`, signed by another program.
const RECEIPT: &str = "\
    eyJhbGciOiJFZERTQSIsInR5cCI6ImZvdXJhdXRoLXJlY2VpcHQrand0Iiwia2lkIjoiMjFmZTMxZGZhMTU0YTI2MSJ9\
    .eyJpc3MiOiI0QXV0aC1BdXRoZW50aWNhdGlvbiIsInN1YiI6ImFsaWNlIiwiYWNjdCI6IjcyMDM2ODU0Nzc1ODA3MDA\
    wMDEiLCJpYXQiOjE3OTUyNjI0MDAsImV4cCI6MTc5NTI2NjAwMCwianRpIjoiMDFNN1laTUhHMDBXM0dFMVI3MFczR0U\
    xUjciLCJhbXIiOlsicHdkIiwib3RwIiwiZmFjZSIsInN3ayIsIm1mYSJdLCJkZXZpY2UiOnsibWFjIjoiMDA6MWI6NDQ\
    6MTE6M2E6YjciLCJrZXlfaWQiOiIyMWZlMzFkZmExNTRhMjYxNjI2YmY4NTQwNDZmZDIyNyJ9LCJ0aW1lIjp7InN0YXR\
    lIjoic3luY2VkIiwiZXJyb3JfbXMiOjEyfSwicm93Ijo0MiwidHJlZV9zaXplIjo0Miwic2lkIjoiM2M0NjllOWQ2YzU\
    4NzVkMzdhNDNmMzUzZDRmODhlNjFmY2Y4MTJjNjZlZWUzNDU3NDY1YTQwYjBkYTQxNTNlMCJ9.Ia0M309YpyIOxoj4RM\
    iYycTDAQKO7F2E1awC84jLOP1LA7BEYp48PwQHmpydjqOD3bQuPjD6cwrBwYBQj2ycBw";

fn granting(receipt: &str) -> String {
    format!(r#"{{"status":"ok","message":"Login successful.","code":"ok","token":"t0k"{receipt}}}"#)
}

fn verify(file: &str, more: &str) -> String {
    format!(
        "fourauth receipt verify {file} --key {KEY} --issuer 4Auth-Authentication \
         --timestamp 2026-11-21T12:30:00Z {more}"
    )
}

#[tokio::test]
async fn a_receipt_is_saved_and_verified_without_a_server() {
    let server = Server::start(granting(&format!(r#","receipt":"{RECEIPT}""#)).leak()).await;
    let mut desk = Desk::new();
    desk.put("alice.receipt", b"an older receipt");
    let line = format!("login {FACTORS} --receipt-file @alice.receipt");
    assert_eq!(desk.asks(&server, &line).await.exit, Exit::Ok);
    let file = desk.file("alice.receipt");
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("{RECEIPT}\n"));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    let printed = desk.types(&verify("@alice.receipt", "")).await;
    assert_eq!(printed.exit, Exit::Ok, "{printed:?}");
    for expected in ["The receipt is valid.", "alice", "pwd, otp, face, swk, mfa", "row 42"] {
        assert!(printed.output.contains(expected), "{expected}: {}", printed.output);
    }
}

#[tokio::test]
async fn saving_a_receipt_leaves_other_files_alone() {
    let server = Server::start(granting(&format!(r#","receipt":"{RECEIPT}""#)).leak()).await;
    let mut desk = Desk::new();
    let others = ["alice.receipt", "alice.receipt.new", "alice.receipt.draft"];
    for other in others {
        desk.put(other, b"another file");
    }
    let line = format!("login {FACTORS} --receipt-file @alice.jwt");
    assert_eq!(desk.asks(&server, &line).await.exit, Exit::Ok);
    assert_eq!(fs::read_to_string(desk.file("alice.jwt")).unwrap(), format!("{RECEIPT}\n"));
    for other in others {
        assert_eq!(fs::read(desk.file(other)).unwrap(), b"another file", "{other}");
    }
}

#[tokio::test]
async fn a_program_gets_the_claims_as_one_json_object() {
    let mut desk = Desk::new();
    desk.input = RECEIPT.as_bytes().to_vec();
    let printed = desk.types(&verify("-", "--output json")).await;
    let claims: Value = serde_json::from_str(&printed.output).unwrap();
    assert_eq!((&claims["sub"], &claims["exp"]), (&json!("alice"), &json!(1_795_266_000)));
    assert_eq!(printed.output.lines().count(), 1);
}

#[tokio::test]
async fn an_invalid_receipt_has_its_own_exit_code() {
    let mut desk = Desk::new();
    desk.put("right", RECEIPT.as_bytes());
    desk.put("forged", RECEIPT.replacen("eyJpc3M", "eyJpc3N", 1).as_bytes());
    desk.put("none", b"eyJhbGciOiJub25lIn0.e30.");
    desk.put("binary", &[0xff; 9000]);
    for line in [
        verify("@forged", ""),
        verify("@none", ""),
        verify("@binary", ""),
        verify("@right", "").replace("12:30", "13:00"),
        verify("@right", "").replace("4Auth-Authentication", "Elsewhere"),
        verify("@right", "").replace(KEY, "ed25519:PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw="),
    ] {
        let printed = desk.types(&line).await;
        assert_eq!(printed.exit, Exit::VerificationFailed, "{line}: {printed:?}");
        assert!(printed.output.is_empty() && printed.notes.contains("is not valid"));
    }
    assert_eq!(desk.types(&verify("@right", "")).await.exit, Exit::Ok, "control");
    assert_eq!(desk.types(&verify("@missing", "")).await.exit, Exit::LocalDevice);
}

#[tokio::test]
async fn a_missing_receipt_is_a_protocol_failure() {
    let server = Server::start(granting("").leak()).await;
    let mut desk = Desk::new();
    let line = format!("login {FACTORS} --receipt-file @alice.receipt");
    let printed = desk.asks(&server, &line).await;
    assert_eq!(printed.exit, Exit::Protocol);
    // The login was granted, and its token is printed.
    assert!(printed.output.contains("t0k") && printed.notes.contains("no receipt"));
    assert!(!desk.file("alice.receipt").exists());
}

#[tokio::test]
async fn a_denial_does_not_replace_an_older_receipt() {
    let denial = r#"{"status":"error","message":"No.","code":"denied"}"#;
    let server = Server::start(denial).await;
    let mut desk = Desk::new();
    desk.put("alice.receipt", b"an older receipt");
    let line = format!("login {FACTORS} --receipt-file @alice.receipt");
    assert_eq!(desk.asks(&server, &line).await.exit, Exit::Denied);
    assert_eq!(fs::read(desk.file("alice.receipt")).unwrap(), b"an older receipt");
}
