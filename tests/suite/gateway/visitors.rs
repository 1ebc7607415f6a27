//! The limits of a stated peer are those of a peer that connects.

use super::{connected, guess, no_exemptions, raw, reference, rows, visitor, with};
use fourauth_client::GatewayConnection;
use fourauth_protocol::{code::Code, command::Command};
use fourauth_tests::{persona::Persona, server::TestServer};
use std::sync::Arc;
use tokio::task::JoinSet;

/// Guesses of one visitor; the fourth is throttled.
const GUESSES: usize = 6;

/// Guesses until the peer is throttled.
async fn block(gateway: &GatewayConnection, number: u8) {
    for _ in 0..20 {
        if gateway.send(visitor(number), guess()).await.unwrap().code == Code::Throttled {
            return;
        }
    }
    panic!("20 guesses were not throttled");
}

#[tokio::test]
async fn of_two_origins_on_one_connection_one_is_throttled() {
    let server = TestServer::configured(no_exemptions).await;
    let gateway = connected(&server).await;
    block(&gateway, 1).await;
    assert_eq!(gateway.send(visitor(2), guess()).await.unwrap().code, Code::Denied);
    assert_eq!(gateway.send(visitor(1), guess()).await.unwrap().code, Code::Throttled);
}

#[tokio::test]
async fn a_blocked_visitor_is_blocked_without_the_gateway_too() {
    let server = TestServer::configured(|config| {
        no_exemptions(config);
        config.limits.proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    let inside = GatewayConnection::over(server.server().gateway());
    block(&inside, 1).await;
    let unknown = super::UNKNOWN;
    assert_eq!(server.raw_at("198.51.100.1").await.ask(unknown).await.code, Code::Throttled);
    assert_eq!(server.raw_at("198.51.100.2").await.ask(unknown).await.code, Code::Denied);
}

#[tokio::test]
async fn the_gateways_own_address_is_not_charged_for_a_visitor() {
    let server = TestServer::configured(no_exemptions).await;
    let gateway = connected(&server).await;
    block(&gateway, 1).await;
    assert_eq!(server.raw().await.ask(super::UNKNOWN).await.code, Code::Denied);
}

#[tokio::test]
async fn a_stated_shared_address_has_no_penalty() {
    let server = TestServer::configured(|config| {
        no_exemptions(config);
        config.limits.shared_addresses = vec!["198.51.100.1".parse().unwrap()];
    })
    .await;
    let gateway = connected(&server).await;
    for _ in 0..GUESSES {
        assert_eq!(gateway.send(visitor(1), guess()).await.unwrap().code, Code::Denied);
    }
    block(&gateway, 2).await;
}

#[tokio::test]
async fn malformed_commands_are_charged_to_their_visitor() {
    let server = TestServer::configured(no_exemptions).await;
    let mut gateway = raw(&server).await;
    let malformed = r#"{"cmd":"100","peer":"198.51.100.1","ref":"m"}"#;
    for _ in 0..GUESSES {
        let answer = gateway.ask(malformed).await;
        assert_eq!((answer.code, reference(&answer)), (Code::Malformed, Some("m")));
    }
    for (peer, code) in [("198.51.100.1", Code::Throttled), ("198.51.100.2", Code::Denied)] {
        let stated = with(super::UNKNOWN, &format!(r#""peer":"{peer}""#));
        assert_eq!(gateway.ask(&stated).await.code, code, "{peer}");
    }
    // A minute later, one row counts them.
    server.clock().advance_ms(60_000);
    server.server().store().conclude_refusals(server.now()).await.unwrap();
    let counted = rows(&server, "protocol", 1).await.remove(0).detail;
    assert!(counted.starts_with("Not commands. command=protocol count=6 "), "{counted}");
    assert!(counted.ends_with("source=198.51.100.1"), "{counted}");
}

#[tokio::test]
async fn a_row_names_the_visitor_and_the_gateway() {
    let server = TestServer::start().await;
    let gateway = connected(&server).await;
    let inside = GatewayConnection::over(server.server().gateway());
    for (connection, via) in [(&gateway, "via=portal "), (&inside, "via=gateway ")] {
        connection.send("2001:db8::7".parse().unwrap(), guess()).await.unwrap();
        let detail = server.last_row().await.detail;
        assert!(detail.contains(&format!(" peer=2001:db8::7 {via}")), "{detail}");
    }
    server.raw().await.ask(super::UNKNOWN).await;
    let detail = server.last_row().await.detail;
    assert!(detail.contains(" peer=127.0.0.1 time="), "{detail}");
}

async fn people(server: &Arc<TestServer>, count: u8) -> Vec<Persona> {
    let mut enrolling = JoinSet::new();
    for number in 0..count {
        let server = Arc::clone(server);
        enrolling.spawn(async move { server.enrol(&format!("u{number}"), "obama.jpg").await });
    }
    enrolling.join_all().await
}

/// Logs in each person from an address of their own while another visitor guesses. Returns the
/// number of logins that were granted.
async fn logged_in_while_one_guesses(
    server: &TestServer,
    gateway: GatewayConnection,
    people: &[Persona],
) -> usize {
    let gateway = Arc::new(gateway);
    block(&gateway, 255).await;
    let mut visits = JoinSet::new();
    for (number, person) in (0..).zip(people) {
        let login = Command::Login(person.login(server.now()));
        for (from, command) in [(number, login), (255, guess())] {
            let gateway = Arc::clone(&gateway);
            visits
                .spawn(async move { gateway.send(visitor(from), command).await.unwrap().is_ok() });
        }
    }
    visits.join_all().await.into_iter().filter(|is_granted| *is_granted).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_three_visitors_log_in_while_one_guesses() {
    let server = Arc::new(TestServer::configured(no_exemptions).await);
    let people = people(&server, 63).await;
    let gateway = connected(&server).await;
    assert_eq!(logged_in_while_one_guesses(&server, gateway, &people).await, 63);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_in_the_process_serves_visitors_alike() {
    let server = Arc::new(TestServer::configured(no_exemptions).await);
    let people = people(&server, 7).await;
    let gateway = GatewayConnection::over(server.server().gateway());
    assert_eq!(logged_in_while_one_guesses(&server, gateway, &people).await, 7);
}

/// The control: without stated peers, all visitors are one source.
#[tokio::test]
async fn without_stated_peers_a_guesser_throttles_all_visitors() {
    let server = Arc::new(TestServer::configured(no_exemptions).await);
    let people = people(&server, 7).await;
    let mut guesser = server.raw().await;
    while guesser.ask(super::UNKNOWN).await.code != Code::Throttled {}
    for person in people {
        let login = Command::Login(person.login(server.now()));
        assert_eq!(server.client().send_once(login).await.unwrap().code, Code::Throttled);
    }
}
