//! The request of each command, and the output of its answer.

use crate::{
    desk::{Desk, MAC, picture},
    server::Server,
};
use fourauth_cli::exit::Exit;
use image::{ExtendedColorType, codecs::jpeg::JpegEncoder};
use serde_json::{Value, json};
use std::io::ErrorKind;

const YES: &str = r#"{"status":"ok","message":"Login successful.","code":"ok","token":"t0k",
    "expires_at":"2025-03-01T13:00:00Z","totp_confirmed":false}"#;
const ENROLLED: &str = r#"{"status":"ok","message":"Registered.","code":"ok",
    "provisioning_uri":"otpauth://totp/4Auth:alice?secret=JBSWY3DPEHPK3PXP&issuer=4Auth",
    "face_quality":{"pictures":1,"recommended":5}}"#;
const ROWS: &str = r#"{"status":"ok","message":"1 row.","code":"ok","rows":[{"id":7,
    "ts_utc":"2025-03-01T12:00:00Z","username":"eve\u001b[2J","action":"login","success":false,
    "detail":"x"}]}"#;

const NOW: &str = "2025-03-01T12:00:00.000Z";
const FACTORS: &str = "--username alice --password-file @password --totp-file @totp --face @a.png";

/// The picture as it is sent: its pixels as a JPEG.
fn base64(brightness: u8) -> Value {
    let pixels = image::load_from_memory(&picture(brightness)).unwrap().into_rgb8();
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, 90)
        .encode(pixels.as_raw(), pixels.width(), pixels.height(), ExtendedColorType::Rgb8)
        .unwrap();
    serde_json::to_value(fourauth_protocol::picture::Picture::new(jpeg)).unwrap()
}

/// The request without a device key, which 4Auth's own client would also send.
async fn sent(line: &str) -> Value {
    let line = &format!("{line} --no-device-key");
    let server = Server::start(YES).await;
    let mut desk = Desk::new();
    let printed = desk.asks(&server, line).await;
    assert_eq!(printed.exit, Exit::Ok, "{printed:?}");
    server.request()
}

#[tokio::test]
async fn a_login_sends_four_factors_and_a_clock() {
    let request = sent(&format!("login {FACTORS}")).await;
    assert_eq!(
        request,
        json!({"cmd": "100", "username": "alice", "password": "Tr0ub4dor&3", "totp": "287082",
            "faceID": base64(1), "mac": MAC, "client_ts_utc": NOW})
    );
}

#[tokio::test]
async fn several_pictures_are_sent_in_one_request() {
    let request = sent(&format!("login {FACTORS} @b.png")).await;
    assert_eq!(request["faceIDs"], json!([base64(1), base64(2)]));
    assert_eq!(request.get("faceID"), None);
}

#[tokio::test]
async fn a_registration_sends_what_4auth_documents() {
    let line = format!("register {FACTORS} --admin-secret-file @admin --phone +442079460000");
    let request = sent(&line).await;
    assert_eq!(request["cmd"], "200");
    assert_eq!(request["admin_secret"], "s3tup");
    assert_eq!(request["totp"], "new");
    assert_eq!(request["mac"], MAC);
    assert_eq!(request["phone"], "+442079460000");
}

#[tokio::test]
async fn each_recovery_sends_the_other_factors() {
    let totp = sent(&format!("recover totp {FACTORS}")).await;
    assert_eq!((&totp["cmd"], totp.get("totp")), (&json!("300"), None));

    let password =
        sent(&format!("recover password {FACTORS} --new-password-file @new-password")).await;
    assert_eq!(password["cmd"], "310");
    assert_eq!(
        (password.get("password"), &password["new_password"]),
        (None, &json!("C0rrect.horse"))
    );

    let face = sent(&format!("recover face {FACTORS}")).await;
    assert_eq!((&face["cmd"], &face["new_faceID"]), (&json!("320"), &base64(1)));

    let device = sent(&format!("recover device {FACTORS} --mac 02-00-00-00-00-01")).await;
    assert_eq!((&device["cmd"], &device["new_mac"]), (&json!("330"), &json!("02:00:00:00:00:01")));
}

#[tokio::test]
async fn the_other_commands_send_their_arguments() {
    assert_eq!(sent("hello").await, json!({"cmd": "190"}));
    let confirm = sent(&format!("confirm {FACTORS}")).await;
    assert_eq!((&confirm["cmd"], &confirm["totp"]), (&json!("210"), &json!("287082")));
    let line =
        "audit --admin-secret-file @admin --user eve --action login --failures --id 7 --limit 3";
    assert_eq!(
        sent(line).await,
        json!({"cmd": "240", "admin_secret": "s3tup", "username": "eve", "action": "login",
            "success": false, "id": 7, "limit": 3})
    );
    let newest = sent("audit --admin-secret-file @admin").await;
    assert_eq!(newest, json!({"cmd": "240", "admin_secret": "s3tup"}));
}

#[tokio::test]
async fn secrets_are_read_from_standard_input_in_order() {
    let server = Server::start(YES).await;
    let mut desk = Desk::new();
    desk.input = b"s3cond.Pass\n123456\n".to_vec();
    let line = "login --username alice --totp-file - --password-file - --face @a.png";
    assert_eq!(desk.asks(&server, line).await.exit, Exit::Ok);
    let request = server.request();
    assert_eq!((&request["password"], &request["totp"]), (&json!("s3cond.Pass"), &json!("123456")));
}

#[tokio::test]
async fn a_picture_is_read_from_standard_input() {
    let server = Server::start(YES).await;
    let mut desk = Desk::new();
    desk.input = picture(9);
    let line = "login --username alice --totp-file @totp --password-file @password --face -";
    assert_eq!(desk.asks(&server, line).await.exit, Exit::Ok);
    assert_eq!(server.request()["faceID"], base64(9));
}

#[tokio::test]
async fn missing_values_are_asked_for() {
    let server = Server::start(YES).await;
    let mut desk = Desk::new();
    desk.replies.0.extend(["alice", "Tr0ub4dor&3", "287082"]);
    assert_eq!(desk.asks(&server, "login --face @a.png").await.exit, Exit::Ok);
    assert_eq!(server.request()["username"], "alice");
}

#[tokio::test]
async fn a_login_shows_the_session_and_the_next_step() {
    let server = Server::start(YES).await;
    let printed = Desk::new().asks(&server, &format!("login {FACTORS}")).await;
    for expected in ["Login successful.", "t0k", "2025-03-01T13:00:00.000Z", "fourauth confirm"] {
        assert!(printed.output.contains(expected), "{expected}: {}", printed.output);
    }
}

#[tokio::test]
async fn a_new_authenticator_is_shown_as_qr_code_and_uri() {
    let server = Server::start(ENROLLED).await;
    let printed = Desk::new().asks(&server, &format!("recover totp {FACTORS}")).await;
    assert!(printed.output.contains("secret=JBSWY3DPEHPK3PXP"), "{}", printed.output);
    assert!(printed.output.lines().filter(|line| line.contains('█')).count() > 15);
    assert!(printed.output.contains("1 picture; 5 are recommended"), "{}", printed.output);
}

#[tokio::test]
async fn a_program_gets_one_json_object_with_the_secrets_in_it() {
    let server = Server::start(ENROLLED).await;
    let line = format!("recover totp {FACTORS} --output json");
    let printed = Desk::new().asks(&server, &line).await;
    let answer: Value = serde_json::from_str(&printed.output).unwrap();
    assert!(answer["provisioning_uri"].as_str().unwrap().starts_with("otpauth://"));
    assert_eq!(printed.output.lines().count(), 1);
}

#[tokio::test]
async fn the_audit_log_is_shown_without_control_characters() {
    let server = Server::start(ROWS).await;
    let printed = Desk::new().asks(&server, "audit --admin-secret-file @admin").await;
    assert!(printed.output.contains("eve\\u{1b}[2J"), "{}", printed.output);
    assert!(!printed.output.contains('\u{1b}'));
}

#[tokio::test]
async fn what_is_shown_once_is_not_lost_on_a_full_disk() {
    for output in ["", " --output json"] {
        let server = Server::start(ENROLLED).await;
        let mut desk = Desk::new();
        desk.output_fails = Some(ErrorKind::StorageFull);
        let line = format!("register {FACTORS} --admin-secret-file @admin{output}");
        let printed = desk.asks(&server, &line).await;
        assert_eq!(
            (printed.exit, printed.output.trim_matches('\x0c')),
            (Exit::LocalDevice, ""),
            "{printed:?}"
        );
        assert!(printed.notes.contains("secret=JBSWY3DPEHPK3PXP"), "{}", printed.notes);
        assert!(printed.notes.contains("cannot print"), "{}", printed.notes);
    }
}

#[tokio::test]
async fn a_closed_pipe_ends_a_command_quietly() {
    let server = Server::start(ROWS).await;
    let mut desk = Desk::new();
    desk.output_fails = Some(ErrorKind::BrokenPipe);
    let printed = desk.asks(&server, "audit --admin-secret-file @admin").await;
    assert_eq!((printed.exit, printed.notes.as_str()), (Exit::LocalDevice, ""));
}
