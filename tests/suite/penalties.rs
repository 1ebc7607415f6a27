//! Sources that misbehave wait, those who prove themselves do not, and nobody waits for an exempt one.

use fourauth_client::Identity;
use fourauth_protocol::{
    answer::Answer,
    code::Code,
    command::{Command, Login},
};
use fourauth_server::config::Config;
use fourauth_tests::{raw::RawConnection, server::TestServer};
use std::sync::Arc;

/// Tests come from the machine itself, to which no penalty would come.
fn nobody_is_exempt(config: &mut Config) {
    config.limits.penalty_exempt.clear();
}

const UNKNOWN: &str = r#"{"cmd":"100","username":"nobody","password":"x"}"#;
const HELLO: &str = r#"{"cmd":"190"}"#;

async fn codes(connection: &mut RawConnection, payload: &str, count: usize) -> Vec<Code> {
    let mut codes = Vec::new();
    for _ in 0..count {
        codes.push(connection.ask(payload).await.code);
    }
    codes
}

/// Guesses until it is turned away, which takes three guesses if they are quick; the first answer
/// that says so, and how many guesses were answered before.
async fn guess(connection: &mut RawConnection, payload: &str) -> (Answer, usize) {
    for guesses in 0..20 {
        let answer = connection.ask(payload).await;
        if answer.code == Code::Throttled {
            return (answer, guesses);
        }
        assert_eq!(answer.code, Code::Denied);
    }
    panic!("nobody minds")
}

#[tokio::test]
async fn a_guesser_is_turned_away_and_the_connection_lives_on() {
    let server = TestServer::configured(nobody_is_exempt).await;
    let mut stranger = server.raw().await;
    let (answer, guesses) = guess(&mut stranger, UNKNOWN).await;
    assert!(guesses >= 3);
    assert_eq!(answer.message, "Too many attempts. Try again later.");
    assert!((1..=20_000).contains(&answer.retry_after_ms.unwrap()));
    assert_eq!(stranger.ask(HELLO).await.code, Code::Ok);
}

#[tokio::test]
async fn a_known_name_is_turned_away_like_an_unknown_one() {
    let server = TestServer::configured(nobody_is_exempt).await;
    server.enrol("alice", "obama.jpg").await;
    let known = UNKNOWN.replace("nobody", "alice");
    let (answer, guesses) = guess(&mut server.raw().await, &known).await;
    assert!(guesses >= 3);
    assert_eq!(answer.message, "Too many attempts. Try again later.");
}

#[tokio::test]
async fn noise_makes_wait_as_well_but_not_the_commands_of_a_newer_client() {
    let server = TestServer::configured(nobody_is_exempt).await;
    let mut connection = server.raw().await;
    codes(&mut connection, r#"{"cmd":"999"}"#, 9).await;
    assert_eq!(connection.ask(UNKNOWN).await.code, Code::Denied);
    assert_eq!(codes(&mut connection, "{", 9).await, [Code::Malformed; 9]);
    assert_eq!(connection.ask(UNKNOWN).await.code, Code::Throttled);
}

#[tokio::test]
async fn who_gets_in_is_forgiven_the_slips_before() {
    let server = TestServer::configured(nobody_is_exempt).await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let mut connection = server.raw().await;
    assert_eq!(codes(&mut connection, UNKNOWN, 2).await, [Code::Denied; 2]);
    assert!(server.client().login_once(alice.login(server.now())).await.unwrap());
    assert_eq!(codes(&mut connection, UNKNOWN, 2).await, [Code::Denied; 2]);
    assert_eq!(connection.ask(HELLO).await.code, Code::Ok);
    guess(&mut connection, UNKNOWN).await;
}

#[tokio::test]
async fn no_penalty_comes_to_the_machine_itself_nor_if_there_are_none() {
    for change in [
        |_: &mut Config| {},
        |config: &mut Config| {
            nobody_is_exempt(config);
            config.limits.penalties = false;
        },
    ] {
        let server = TestServer::configured(change).await;
        let mut connection = server.raw().await;
        assert_eq!(codes(&mut connection, UNKNOWN, 9).await, [Code::Denied; 9]);
        assert!(server.client().connect().await.is_ok());
    }
}

#[tokio::test]
async fn a_device_that_proves_itself_is_heard_although_its_neighbour_guesses() {
    let server = TestServer::configured(nobody_is_exempt).await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let identity = Arc::new(Identity::generate().unwrap());
    let client = server.client().with_identity(Arc::clone(&identity));
    let first = Login { device_pubkey: Some(identity.key()), ..alice.login(server.now()) };
    assert!(client.login_once(first).await.unwrap());
    server.clock().advance_ms(60_000);

    let mut guesser = server.raw().await;
    guess(&mut guesser, UNKNOWN).await;
    // It holds more connections than a source has that has to stay away.
    let mut held = Vec::new();
    for _ in 0..40 {
        held.push(server.raw().await);
    }
    let login = Command::Login(alice.login(server.now()));
    let without = server.client().send_once(login.clone()).await.unwrap();
    assert_eq!(without.code, Code::Throttled);
    assert!(client.send_once(login).await.unwrap().is_ok());
}
