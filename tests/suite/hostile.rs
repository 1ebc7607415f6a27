//! Bad input is answered with its code, and neither the connection nor other peers are affected.

use fourauth_protocol::{
    answer::AuditRow, code::Code, command::Command, frame::MAX_PAYLOAD, picture::Picture,
};
use fourauth_tests::{raw::RawConnection, server::TestServer, with::With as _};
use std::time::Duration;
use tokio::time::timeout;

async fn still_serves(connection: &mut RawConnection) {
    assert_eq!(connection.ask(r#"{"cmd":"190"}"#).await.code, Code::Ok);
}

#[tokio::test]
async fn a_malformed_command_is_answered_and_the_connection_stays() {
    let server = TestServer::start().await;
    let mut connection = server.raw().await;
    let deep = format!(r#"{{"cmd":"100","x":{}"#, "[".repeat(10_000));
    let long = format!(r#"{{"cmd":"100","username":"{}","password":"x"}}"#, "x".repeat(10_000));
    for (payload, code) in [
        ("", Code::Malformed),
        ("GET / HTTP/1.1", Code::Malformed),
        ("[]", Code::Malformed),
        (r#"["100","alice","x"]"#, Code::Malformed),
        ("{", Code::Malformed),
        (r#"{"cmd":100}"#, Code::Malformed),
        (r#"{"cmd":"100","cmd":"190"}"#, Code::Malformed),
        (r#"{"cmd":"190","x":1,"x":2}"#, Code::Malformed),
        (r#"{"cmd":"100"}"#, Code::Malformed),
        (r#"{"cmd":"100","username":5,"password":"x"}"#, Code::Malformed),
        (r#"{"cmd":"100","username":"al\u0007ice","password":"x"}"#, Code::Malformed),
        (r#"{"cmd":"100","username":"alice","password":"x","mac":5}"#, Code::Malformed),
        (
            r#"{"cmd":"100","username":"alice","password":"x","faceIDs":["","","","","",""]}"#,
            Code::Malformed,
        ),
        (long.as_str(), Code::Malformed),
        (deep.as_str(), Code::Malformed),
        ("{}", Code::UnknownCommand),
        (r#"{"cmd":"999"}"#, Code::UnknownCommand),
    ] {
        let answer = connection.ask(payload).await;
        assert_eq!(answer.code, code, "{payload:.60}");
        assert!(answer.request_id.is_some());
    }
    assert_eq!(connection.ask("{}").await.message, "Unknown command.");
    still_serves(&mut connection).await;
}

#[tokio::test]
async fn malformed_commands_cause_one_audit_row_per_connection() {
    let server = TestServer::start().await;
    let mut connection = server.raw().await;
    for payload in ["{", "[]", r#"{"cmd":"999"}"#] {
        connection.ask(payload).await;
    }
    drop(connection);
    let row = loop {
        let is_noise = |row: &AuditRow| row.action == "protocol";
        if let Some(row) = server.audit().await.into_iter().find(is_noise) {
            break row;
        }
        tokio::task::yield_now().await;
    };
    assert!(!row.success);
    assert!(row.detail.contains("malformed=2 unknown=1"), "{}", row.detail);
}

#[tokio::test]
async fn an_oversized_header_is_answered_and_the_connection_closed() {
    let server = TestServer::start().await;
    let mut bystander = server.raw().await;
    let mut connection = server.raw().await;
    connection.send(&[0xff; 4]).await;
    let answer = connection.answer().await.unwrap();
    assert_eq!((answer.code, answer.message.as_str()), (Code::FrameTooLarge, "Frame too large."));
    assert!(connection.answer().await.is_none());
    still_serves(&mut bystander).await;
}

#[tokio::test]
async fn only_a_command_with_pictures_may_be_long() {
    let server = TestServer::start().await;
    let padding = " ".repeat(100_000);
    let mut connection = server.raw().await;
    assert_eq!(
        connection.ask(&format!(r#"{{"cmd":"190"{padding}}}"#)).await.code,
        Code::FrameTooLarge
    );
    assert!(connection.answer().await.is_none());
    let mut connection = server.raw().await;
    let login = format!(r#"{{"cmd":"100","username":"alice","password":"x"{padding}}}"#);
    assert_eq!(connection.ask(&login).await.code, Code::Denied);
}

#[tokio::test]
async fn a_frame_of_exactly_the_limit_is_read() {
    let server = TestServer::start().await;
    let head = r#"{"cmd":"100","username":"alice","password":"x"}"#;
    let payload = format!("{head}{}", " ".repeat(MAX_PAYLOAD - head.len()));
    assert_eq!(server.raw().await.ask(&payload).await.code, Code::Denied);
}

#[tokio::test]
async fn a_truncated_frame_affects_no_other_connection() {
    let server = TestServer::start().await;
    let mut bystander = server.raw().await;
    let mut connection = server.raw().await;
    connection.send(&[0, 0, 1, 0, b'{']).await;
    drop(connection);
    still_serves(&mut bystander).await;
}

#[tokio::test]
async fn a_silent_peer_is_disconnected() {
    let server = TestServer::configured(|config| config.limits.first_frame_s = 1).await;
    let mut silent = server.raw().await;
    let closed = timeout(Duration::from_secs(30), silent.answer()).await;
    assert!(closed.expect("the server closes the connection").is_none());
}

#[tokio::test]
async fn bad_pictures_are_refused_with_their_code_after_the_password() {
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let bomb = png_header(30_000, 30_000);
    let mut connection = server.connect().await;
    for (bytes, code) in [
        (b"plain text".to_vec(), Code::BadImage),
        (Vec::new(), Code::BadImage),
        (bomb, Code::ImageTooLarge),
        (png_header(16, 16), Code::BadImage),
        (b"\xff\xd8\xff\xe0".to_vec(), Code::BadImage),
        (b"RIFF\x24\0\0\0WEBPVP8 ".to_vec(), Code::BadImage),
    ] {
        let face = Some(Picture::new(bytes));
        let login = alice.login(server.now()).with(|login| login.face = face);
        let answer = connection.send(Command::Login(login)).await.unwrap();
        assert_eq!((answer.code, answer.message.as_str()), (code, "Face verification failed."));
    }
    let garbled =
        r#"{"cmd":"100","username":"alice","password":"violet-Ox-42","faceID":"not base64!"}"#;
    assert_eq!(server.raw().await.ask(garbled).await.code, Code::BadImage);
    assert!(server.client().login_once(alice.login(server.now())).await.unwrap());
}

/// The header of a PNG with these dimensions, without image data.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut chunk = b"IHDR".to_vec();
    chunk.extend(width.to_be_bytes());
    chunk.extend(height.to_be_bytes());
    chunk.extend([8, 2, 0, 0, 0]);
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
    png.extend(&chunk);
    png.extend(crc32(&chunk).to_be_bytes());
    png
}

/// CRC-32 as PNG uses it (ISO 3309).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 }
        })
    })
}

#[tokio::test]
async fn unparsable_values_are_answered_like_wrong_ones() {
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let right =
        String::from_utf8(Command::Login(alice.login(server.now())).to_json().expose().clone())
            .unwrap();
    let timestamp = server.now().to_string();
    let mut connection = server.raw().await;
    for (from, to, code) in [
        (timestamp.as_str(), "9999-12-31T23:59:59Z", Code::ClockSkew),
        (timestamp.as_str(), "2026-11-21T12:00:00", Code::ClockSkew),
        (timestamp.as_str(), "yesterday", Code::ClockSkew),
        ("00:1b:44:11:3a:b7", "", Code::DeviceMismatch),
        ("00:1b:44:11:3a:b7", "not an address", Code::DeviceMismatch),
        ("00:1b:44:11:3a:b7", "001B.4411.3AB7", Code::Ok),
    ] {
        assert_eq!(connection.ask(&right.replace(from, to)).await.code, code, "{to:?}");
    }
}

#[tokio::test]
async fn commands_may_be_pipelined_and_are_answered_in_order() {
    let server = TestServer::start().await;
    let mut connection = server.raw().await;
    for payload in [r#"{"cmd":"190"}"#, "{", r#"{"cmd":"999"}"#, r#"{"cmd":"190"}"#] {
        connection.send_payload(payload.as_bytes()).await;
    }
    for code in [Code::Ok, Code::Malformed, Code::UnknownCommand, Code::Ok] {
        assert_eq!(connection.answer().await.unwrap().code, code);
    }
}
