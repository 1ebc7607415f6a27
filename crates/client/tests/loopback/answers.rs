//! How the client handles valid and invalid answers.

use crate::server::{Server, always, answer, raw, request};
use fourauth_client::{Client, Error, Outcome, ProtocolError, Trust};
use fourauth_protocol::{
    code::Code,
    command::{Command, Hello, Login, RecoverTotp},
    frame::{Decoder, MAX_PAYLOAD},
    picture::Picture,
    username::Username,
};
use std::{future::pending, time::Duration};
use tokio::io::AsyncWriteExt as _;

const YES: &str = r#"{"status":"ok","message":"Login successful.","code":"ok","token":"t0k",
    "expires_at":"2025-03-01T12:00:00Z"}"#;
const NO: &str = r#"{"status":"error","message":"Invalid username or password.","code":"denied",
    "retry_after_ms":1500}"#;

fn login() -> Login {
    Login::new(Username::parse("alice").unwrap(), "Tr0ub4dor&3".to_owned())
}

fn hello() -> Command {
    Command::Hello(Hello::default())
}

/// The client's error if the server answers with these bytes and closes the connection.
async fn error_after(bytes: &'static [u8]) -> Error {
    let server = Server::start(move |mut stream| async move {
        request(&mut stream, &mut Decoder::default()).await;
        raw(&mut stream, bytes).await;
        stream.shutdown().await.unwrap();
    })
    .await;
    server.client().send_once(hello()).await.unwrap_err()
}

#[tokio::test]
async fn a_granted_login_returns_a_session() {
    let server = Server::start(|stream| always(stream, YES)).await;
    assert!(server.client().login_once(login()).await.unwrap());

    let session = server.client().connect().await.unwrap().login(login()).await.unwrap();
    let session = session.granted().unwrap();
    assert_eq!(session.token.map(|token| token.expose().clone()), Some("t0k".into()));
}

#[tokio::test]
async fn a_denial_is_a_value_and_not_an_error() {
    let server = Server::start(|stream| always(stream, NO)).await;
    assert!(!server.client().login_once(login()).await.unwrap());

    let mut connection = server.client().connect().await.unwrap();
    let Outcome::Refused(refusal) = connection.login(login()).await.unwrap() else {
        panic!("not refused")
    };
    assert_eq!(refusal.code, Code::Denied);
    assert_eq!(refusal.retry_after, Some(Duration::from_millis(1500)));
    assert!(connection.hello().await.is_ok(), "the connection is still usable");
}

#[tokio::test]
async fn a_granted_recovery_without_its_secret_is_an_error() {
    let server = Server::start(|stream| always(stream, YES)).await;
    let Login { username, password, .. } = login();
    let recover = RecoverTotp::new(username, password);
    let mut connection = server.client().connect().await.unwrap();
    let error = connection.recover_totp(recover).await.unwrap_err();
    let incomplete = ProtocolError::Incomplete("provisioning_uri");
    assert!(matches!(error, Error::Protocol(kind) if kind == incomplete), "{error:?}");
}

#[tokio::test]
async fn pipelined_commands_are_answered_in_order() {
    let server = Server::start(|mut stream| async move {
        let mut decoder = Decoder::default();
        // Both must have arrived before either is answered.
        let first = request(&mut stream, &mut decoder).await;
        let second = request(&mut stream, &mut decoder).await;
        assert!(first.starts_with(br#"{"cmd":"190""#) && second.starts_with(br#"{"cmd":"100""#));
        answer(&mut stream, YES).await;
        answer(&mut stream, NO).await;
    })
    .await;
    let mut connection = server.client().connect().await.unwrap();
    let answers = connection.pipeline(&[hello(), Command::Login(login())]).await.unwrap();
    assert_eq!(
        answers.iter().map(|answer| answer.code).collect::<Vec<_>>(),
        [Code::Ok, Code::Denied]
    );
}

#[tokio::test]
async fn an_answer_is_read_after_the_server_stopped_reading() {
    let server = Server::start(|mut stream| async move {
        answer(&mut stream, r#"{"status":"error","message":"Too long.","code":"frame_too_large"}"#)
            .await;
        pending::<()>().await;
    })
    .await;
    let mut connection = server.client().connect().await.unwrap();
    let picture = Picture::new(vec![0; 3_000_000]); // As base64, more than a socket buffers.
    let refused = connection.login(login().pictures([picture])).await.unwrap();
    assert!(matches!(refused, Outcome::Refused(refusal) if refusal.code == Code::FrameTooLarge));
    let error = connection.send(hello()).await.unwrap_err();
    assert!(matches!(error, Error::Abandoned), "the command was sent in part: {error:?}");
}

#[tokio::test]
async fn garbage_is_a_protocol_error() {
    for bytes in [&b"\0\0\0\x05hello"[..], b"\0\0\0\0", b"\0\0\0\x02{}", b"\0\0\0\x02[]"] {
        let error = error_after(bytes).await;
        let kind = ProtocolError::NotAnAnswer;
        assert!(matches!(error, Error::Protocol(found) if found == kind), "{error:?}");
    }
}

#[tokio::test]
async fn an_oversized_answer_is_refused_from_its_header() {
    let error = error_after(b"\xff\xff\xff\xff").await;
    assert!(matches!(error, Error::Protocol(ProtocolError::TooLarge(_))), "{error:?}");
}

#[tokio::test]
async fn the_caller_can_limit_the_length_of_answers() {
    let server = Server::start(|stream| always(stream, YES)).await;
    let client = Client::builder(server.address.clone(), Trust::Pin(server.pin)).max_answer(64);
    let error = client.build().send_once(hello()).await.unwrap_err();
    assert!(matches!(error, Error::Protocol(ProtocolError::TooLarge(_))), "{error:?}");
}

#[tokio::test]
async fn a_cut_off_answer_differs_from_no_answer() {
    let cut = error_after(b"\0\0\0\x40{\"status\":").await;
    assert!(matches!(cut, Error::Protocol(ProtocolError::CutOff)), "{cut:?}");
    let none = error_after(b"").await;
    assert!(matches!(none, Error::Protocol(ProtocolError::NoAnswer)), "{none:?}");
}

#[tokio::test]
async fn an_extra_answer_is_a_protocol_error() {
    let twice = b"\0\0\0\x28{\"status\":\"ok\",\"message\":\"\",\"code\":\"ok\"}\0\0\0\x02{}";
    let error = error_after(twice).await;
    assert!(matches!(error, Error::Protocol(ProtocolError::Unasked)), "{error:?}");
}

#[tokio::test]
async fn a_connection_is_unusable_after_a_timeout() {
    let server = Server::start(|stream| async move {
        pending::<()>().await;
        drop(stream);
    })
    .await;
    let mut connection = server.client_with_short_timeout().connect().await.unwrap();
    let error = connection.send(hello()).await.unwrap_err();
    assert!(matches!(error, Error::AnswerTimeout), "{error:?}");
    // The late answer must not be taken for the answer to this command.
    let error = connection.send(hello()).await.unwrap_err();
    assert!(matches!(error, Error::Abandoned), "{error:?}");
}

#[tokio::test]
async fn a_command_larger_than_a_frame_is_not_sent() {
    let server = Server::start(|stream| always(stream, YES)).await;
    let mut connection = server.client().connect().await.unwrap();
    let picture = Picture::new(vec![0; MAX_PAYLOAD]);
    let large = login().pictures([picture]);
    let error = connection.login(large).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge(_)), "{error:?}");
    assert!(connection.hello().await.is_err(), "the answer lacks `server`");
    assert!(connection.login(login()).await.is_ok(), "the connection is still usable");
}

#[tokio::test]
async fn debug_output_contains_no_secrets() {
    let server = Server::start(|stream| always(stream, YES)).await;
    let client = server.client();
    let mut connection = client.connect().await.unwrap();
    let session = connection.login(login()).await.unwrap();
    let shown = format!("{client:?} {connection:?} {session:?} {:?}", login());
    assert!(!shown.contains("t0k") && !shown.contains("Tr0ub4dor"), "{shown}");
}
