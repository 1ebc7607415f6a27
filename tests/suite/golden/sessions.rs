//! Commands 130–144.

use super::transcript::Transcript;
use fourauth_protocol::{
    audience::Audience,
    command::{Authorise, Command, EndSession, ExchangeToken, ListSessions, ProveSignIn},
    level::Level,
    secret::Secret,
};
use fourauth_tests::persona::Persona;

const HOUR_MS: i64 = 3_600_000;

/// A user with a session.
async fn signed_in() -> (Transcript, Persona, Secret<String>) {
    let (mut talk, alice) = Transcript::with_alice().await;
    let login = Command::Login(alice.login(talk.server.now()));
    let token = talk.server.client().send_once(login).await.unwrap().body.token.unwrap();
    talk.name(token.expose(), "<token>");
    (talk, alice, token)
}

#[tokio::test]
async fn authorise() {
    let (mut talk, alice, token) = signed_in().await;
    let shown = || Authorise::new(token.clone()).device(alice.mac);
    talk.ask("The token is valid.", Command::Authorise(shown())).await;
    let high = shown().level(Level::Three);
    talk.ask("The service needs the key of a device.", Command::Authorise(high)).await;
    let elsewhere = Authorise::new(token.clone());
    talk.ask("The device is not the one of the login.", Command::Authorise(elsewhere)).await;
    talk.server.clock().advance_ms(HOUR_MS);
    talk.ask("An hour later the token is renewed.", Command::Authorise(shown())).await;
    talk.server.clock().advance_ms(60_000);
    let heading = "The old token comes back: the session ends, also for the new token.";
    talk.ask(heading, Command::Authorise(shown())).await;
    talk.settle("130-authorise");
}

#[tokio::test]
async fn exchange_token() {
    let (mut talk, alice, token) = signed_in().await;
    let wiki = || Audience::parse("wiki").unwrap();
    let exchange = ExchangeToken::new(token, wiki()).device(alice.mac);
    let command = Command::ExchangeToken(exchange);
    let answer = talk.server.client().send_once(command.clone()).await.unwrap();
    let check_token = answer.body.token.unwrap();
    talk.name(check_token.expose(), "<check token>");
    talk.ask("The token is for the wiki.", command).await;
    let check = Authorise::new(check_token);
    let asked = Command::Authorise(check.clone().audience(wiki()));
    talk.ask("The wiki checks it.", asked).await;
    talk.ask("It is of no use elsewhere.", Command::Authorise(check)).await;
    talk.settle("132-exchange-token");
}

#[tokio::test]
async fn end_session() {
    let (mut talk, alice, token) = signed_in().await;
    let end = || EndSession::new(token.clone()).device(alice.mac);
    let unknown = end().session("00".repeat(16));
    talk.ask("The account has no such session.", Command::EndSession(unknown)).await;
    talk.ask("The session of the token ends.", Command::EndSession(end())).await;
    talk.ask("It has ended.", Command::EndSession(end())).await;
    talk.settle("140-end-session");
}

#[tokio::test]
async fn list_sessions() {
    let (mut talk, alice, token) = signed_in().await;
    let list = ListSessions::new(token).device(alice.mac);
    talk.ask("The account has one session.", Command::ListSessions(list)).await;
    talk.settle("142-list-sessions");
}

#[tokio::test]
async fn prove_sign_in() {
    let (mut talk, alice, token) = signed_in().await;
    let prove = || ProveSignIn::new(token.clone()).device(alice.mac);
    talk.ask("A moment after the login its row is not signed yet.", Command::ProveSignIn(prove()))
        .await;
    // A server signs the log when it stops.
    let mut talk = talk.restarted().await;
    talk.ask("A second later it is.", Command::ProveSignIn(prove())).await;
    let unknown = prove().session("00".repeat(16));
    talk.ask("The account has no such session.", Command::ProveSignIn(unknown)).await;
    talk.settle("144-prove-sign-in");
}
