//! Of many concurrent requests for the same thing, exactly one succeeds.

use fourauth_protocol::command::Command;
use fourauth_tests::{postgres, server::TestServer};
use std::env;

/// Rounds of a hundred logins. Each login costs a face analysis, so the suite runs a few rounds;
/// `FOURAUTH_ROUNDS` sets another number.
#[expect(clippy::disallowed_methods, reason = "the caller chooses how long the test runs")]
fn rounds() -> usize {
    env::var("FOURAUTH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(3)
}

/// Number of successes among a hundred logins with one code.
async fn winners(server: &TestServer, login: &Command) -> usize {
    let clients: Vec<_> = (0..100)
        .map(|_| {
            let (client, login) = (server.client(), login.clone());
            tokio::spawn(async move { client.send_once(login).await.unwrap().is_ok() })
        })
        .collect();
    let mut winners = 0;
    for client in clients {
        winners += usize::from(client.await.unwrap());
    }
    winners
}

async fn one_of_a_hundred_wins_every_round(server: TestServer) {
    let alice = server.enrol("alice", "obama.jpg").await;
    for round in 0..rounds() {
        server.clock().advance_ms(60_000);
        let login = Command::Login(alice.login(server.now()));
        assert_eq!(winners(&server, &login).await, 1, "round {round}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_logins_with_one_code_one_succeeds_on_sqlite() {
    one_of_a_hundred_wins_every_round(TestServer::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_logins_with_one_code_one_succeeds_on_postgresql() {
    let url = postgres::cluster().database().await;
    let server =
        TestServer::configured(move |config| config.store.url = Some(url.parse().unwrap())).await;
    one_of_a_hundred_wins_every_round(server).await;
}
