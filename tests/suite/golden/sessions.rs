//! Commands 130–144, 188 and 189.

use super::{gateway::registered, transcript::Transcript};
use crate::bound_sessions::browser_key::{BrowserKey, text};
use fourauth_client::{GatewayConnection, Identity};
use fourauth_protocol::{
    audience::Audience,
    command::{
        Authorise, BindSession, Command, EndSession, ExchangeToken, ListSessions, PasswordStep,
        ProveSignIn, RaiseSession, RenewSession, SelfRegister,
    },
    contact::Email,
    envelope::{Envelope, Reference},
    level::Level,
    secret::Secret,
    session_proof::SessionProof,
};
use fourauth_tests::{persona::Persona, server::TestServer, with::With as _};
use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

/// The address of a browser behind a gateway.
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7));

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

/// A conversation through a gateway, which passes on what the browser of a visitor has signed: the token and
/// the id of the visitor's session, and the proof that binds it.
struct InABrowser {
    talk: Transcript,
    inside: GatewayConnection,
    token: Secret<String>,
    id: String,
    key: BrowserKey,
    registration: SessionProof,
}

impl InABrowser {
    async fn signed_in() -> Self {
        let server = TestServer::configured(|config| {
            config.sign_in.two_steps = true;
            config.sign_in.self_registration = true;
        })
        .await;
        let (name, identity) = registered(&server).await;
        let inside = GatewayConnection::over(server.server().gateway());
        let ask = async |command| inside.send_enclosed(of(), command).await.unwrap().body;
        let email = Email::parse("carol@example.org").unwrap();
        let password = || Secret::new("violet-Ox-42".to_owned());
        ask(Command::SelfRegister(SelfRegister::new(email.clone(), password()))).await;
        let body = ask(Command::PasswordStep(PasswordStep::new(email, password()))).await;
        let (token, challenge) = (body.token.unwrap(), body.session_challenge.unwrap());
        let list = ask(Command::ListSessions(ListSessions::new(token.clone()))).await;
        let id = list.sessions.unwrap().remove(0).id;
        let key = BrowserKey::new();
        let registration = key.registration(&challenge);
        let mut talk = Transcript::with(server).await;
        talk.become_gateway(name, &identity).await;
        talk.name(token.expose(), "<token>");
        talk.name(&id, "<session id>");
        talk.name(&text(&registration), "<proof with the key>");
        Self { talk, inside, token, id, key, registration }
    }

    fn binding(&self) -> Command {
        Command::BindSession(BindSession::new(self.token.clone(), self.registration.clone()))
    }

    async fn ask(&mut self, heading: &str, command: &Command) {
        let payload = of().enclose(command);
        let payload = String::from_utf8(payload.expose().clone()).unwrap();
        self.talk.ask_text(heading, &payload).await;
    }
}

fn of() -> Envelope {
    Envelope { reference: Reference::parse("1").ok(), ..Envelope::of_browser(PEER, None) }
}

#[tokio::test(flavor = "multi_thread")]
async fn bind_a_session() {
    let mut browser = Box::pin(InABrowser::signed_in()).await;
    let bind = browser.binding();
    browser.ask("The browser has signed the challenge of the sign-in.", &bind).await;
    browser.ask("A session has one key.", &bind).await;
    browser.talk.settle("188-bind-session");
}

#[tokio::test(flavor = "multi_thread")]
async fn renew_a_session() {
    let mut browser = Box::pin(InABrowser::signed_in()).await;
    let bind = browser.binding();
    assert!(browser.inside.send_enclosed(of(), bind).await.unwrap().is_ok());
    let renew = RenewSession::new(browser.id.clone());
    let challenge = Command::RenewSession(renew.clone());
    browser.ask("Without a proof there is a challenge.", &challenge).await;
    let again = browser.inside.send_enclosed(of(), challenge).await.unwrap();
    let proof = browser.key.renewal(&again.body.session_challenge.unwrap());
    browser.talk.name(&text(&proof), "<proof>");
    let renewal = Command::RenewSession(renew.proof(proof));
    browser.ask("With one there is the next token.", &renewal).await;
    browser.ask("The challenge is spent.", &renewal).await;
    let unknown = Command::RenewSession(RenewSession::new("00".repeat(16)));
    browser.ask("There is no such session, or it has no key.", &unknown).await;
    browser.talk.settle("189-renew-session");
}

/// The session of a program that has proved its address and no key.
#[tokio::test]
async fn raise_session() {
    let server = TestServer::configured(|config| config.compat.mac_only = true).await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let laptop = Arc::new(Identity::from_seed(Secret::new([1; 32])));
    let first = alice.login(server.now()).with(|it| it.device_pubkey = Some(laptop.key()));
    let owner = server.client().with_identity(Arc::clone(&laptop));
    assert!(owner.send_once(Command::Login(first)).await.unwrap().is_ok());
    server.clock().advance_ms(60_000);
    let low = Command::Login(alice.login(server.now()));
    let token = server.client().send_once(low).await.unwrap().body.token.unwrap();
    let mut talk = Transcript::with(server).await;
    talk.name(token.expose(), "<token>");
    talk.wait_a_minute(&alice);
    let now = talk.server.now();
    let raise = |code| {
        let raise = RaiseSession::new(token.clone(), code).device(alice.mac);
        Command::RaiseSession(raise.level(Level::Four))
    };
    let right = raise(alice.code(now));
    talk.ask("The account has a device with a key, and the client proves none.", right.clone())
        .await;
    let proof = talk.proof(&laptop, &alice);
    talk.ask("The device proves its key on this connection.", proof).await;
    talk.ask("The code is wrong.", raise(alice.wrong_code(now))).await;
    talk.ask("The code is right. The login had proved the face.", right.clone()).await;
    talk.ask("The token was replaced.", right).await;
    talk.settle("259-raise-session");
}
