//! Commands on a gateway's connection are decided side by side.

use super::{HELLO, UNKNOWN, connected, guess, raw, reference, rows, visitor, with};
use fourauth_client::GatewayConnection;
use fourauth_protocol::{code::Code, command::Command};
use fourauth_tests::server::TestServer;
use std::sync::Arc;

/// Delay of denials, in milliseconds: long enough for a hello to overtake one.
const DELAY_MS: u32 = 1500;

/// A wrong login of a visitor.
fn stated(number: u8) -> String {
    with(UNKNOWN, &format!(r#""peer":"198.51.100.{number}","ref":"{number}""#))
}

#[tokio::test]
async fn answers_match_their_commands_when_decided_out_of_order() {
    let server = TestServer::configured(|config| config.limits.denial_ms = DELAY_MS).await;
    let mut gateway = raw(&server).await;
    gateway.send_payload(stated(1).as_bytes()).await;
    gateway.send_payload(with(HELLO, r#""ref":"hello""#).as_bytes()).await;
    for (code, expected) in [(Code::Ok, "hello"), (Code::Denied, "1")] {
        let answer = gateway.answer().await.unwrap();
        assert_eq!((answer.code, reference(&answer)), (code, Some(expected)));
    }
}

/// The control: on any other connection the order is kept.
#[tokio::test]
async fn without_a_gateway_answers_keep_the_order_of_commands() {
    let server = TestServer::configured(|config| config.limits.denial_ms = DELAY_MS).await;
    let mut stranger = server.raw().await;
    stranger.send_payload(UNKNOWN.as_bytes()).await;
    stranger.send_payload(HELLO.as_bytes()).await;
    for code in [Code::Denied, Code::Ok] {
        assert_eq!(stranger.answer().await.unwrap().code, code);
    }
}

#[tokio::test]
async fn one_slow_visitor_does_not_delay_another() {
    let server = TestServer::configured(|config| config.limits.denial_ms = 60_000).await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let gateway = Arc::new(connected(&server).await);
    let slow = Arc::clone(&gateway);
    let slow = tokio::spawn(async move { slow.send(visitor(1), guess()).await });
    rows(&server, "login", 1).await;
    let login = Command::Login(alice.login(server.now()));
    assert!(gateway.send(visitor(2), login).await.unwrap().is_ok());
    assert!(!slow.is_finished());
    slow.abort();
}

#[tokio::test]
async fn the_server_reads_no_more_than_the_bound_at_once() {
    for (bound, first) in [(2, Code::Denied), (3, Code::Ok)] {
        let server = TestServer::configured(|config| {
            config.limits.denial_ms = DELAY_MS;
            config.limits.commands_per_gateway = bound;
        })
        .await;
        let mut gateway = raw(&server).await;
        for number in [1, 2] {
            gateway.send_payload(stated(number).as_bytes()).await;
        }
        gateway.send_payload(HELLO.as_bytes()).await;
        assert_eq!(gateway.answer().await.unwrap().code, first, "{bound}");
    }
}

#[tokio::test]
async fn a_visitor_has_no_more_commands_at_once_than_connections() {
    let server = TestServer::configured(|config| {
        config.limits.denial_ms = DELAY_MS;
        config.limits.connections_per_source = 4;
        // The third denial would block the source.
        config.limits.penalties = false;
    })
    .await;
    let mut gateway = raw(&server).await;
    for _ in 0..5 {
        gateway.send_payload(stated(1).as_bytes()).await;
    }
    gateway.send_payload(with(HELLO, r#""peer":"198.51.100.2","ref":"2""#).as_bytes()).await;
    let mut answers = Vec::new();
    for _ in 0..6 {
        let answer = gateway.answer().await.unwrap();
        answers.push((reference(&answer).unwrap().to_owned(), answer.code));
    }
    answers[..2].sort_by_key(|(reference, _)| reference.clone());
    assert_eq!(answers[0], ("1".to_owned(), Code::Unavailable));
    assert_eq!(answers[1], ("2".to_owned(), Code::Ok));
    assert!(answers[2..].iter().all(|answer| *answer == ("1".to_owned(), Code::Denied)));
}

#[tokio::test]
async fn a_session_that_fails_leaves_a_row_for_each_command() {
    let server = TestServer::configured(|config| config.limits.denial_ms = 60_000).await;
    let mut gateway = raw(&server).await;
    for number in 1..=20 {
        gateway.send_payload(stated(number).as_bytes()).await;
    }
    drop(gateway);
    let rows = rows(&server, "login", 20).await;
    for number in 1..=20 {
        let origin = format!(" peer=198.51.100.{number} via=portal ");
        assert_eq!(rows.iter().filter(|row| row.detail.contains(&origin)).count(), 1, "{origin}");
    }
}

#[tokio::test]
async fn a_server_that_stops_answers_the_commands_of_its_gateways() {
    let server = TestServer::configured(|config| config.limits.denial_ms = DELAY_MS).await;
    let outside = connected(&server).await;
    let inside = GatewayConnection::over(server.server().gateway());
    let (one, other, _folder) =
        tokio::join!(outside.send(visitor(1), guess()), inside.send(visitor(2), guess()), async {
            rows(&server, "login", 2).await;
            server.stop().await
        });
    assert_eq!((one.unwrap().code, other.unwrap().code), (Code::Denied, Code::Denied));
    outside.send(visitor(1), guess()).await.unwrap_err();
    assert!(!inside.is_open());
}

#[tokio::test]
async fn a_frame_that_is_too_long_ends_the_session_after_its_answers() {
    let server = TestServer::configured(|config| config.limits.denial_ms = DELAY_MS).await;
    let mut gateway = raw(&server).await;
    gateway.send_payload(stated(1).as_bytes()).await;
    gateway.send(&[0xff; 4]).await;
    let last = gateway.answer().await.unwrap();
    assert_eq!((last.code, reference(&last)), (Code::FrameTooLarge, None));
    assert_eq!(gateway.answer().await.unwrap().code, Code::Denied);
    assert!(gateway.answer().await.is_none());
}
