//! Check tokens: one service can check them, and they are of no other use.

use fourauth_client::Identity;
use fourauth_protocol::{
    answer::Answer,
    audience::Audience,
    code::Code,
    command::{Authorise, Command, EndSession, ExchangeToken, ListDevices, ListSessions},
    group::Group,
    level::Level,
    secret::Secret,
};
use fourauth_tests::{
    persona::Persona,
    raw::RawConnection,
    server::{TestServer, quick},
};
use fourauthd::{command::user::UserCommand, local_store::LocalStore};
use std::net::Ipv4Addr;

const MINUTE_MS: i64 = 60_000;

/// A user with a session.
struct SignedIn {
    server: TestServer,
    alice: Persona,
    token: Secret<String>,
}

impl SignedIn {
    async fn new() -> Self {
        let server = TestServer::start().await;
        let alice = server.enrol("alice", "obama.jpg").await;
        let login = Command::Login(alice.login(server.now()));
        let token = server.client().send_once(login).await.unwrap().body.token.unwrap();
        Self { server, alice, token }
    }

    async fn send(&self, command: Command) -> Answer {
        self.server.client().send_once(command).await.unwrap()
    }

    /// The answer to 132 for a token.
    async fn exchange(&self, token: &Secret<String>) -> Answer {
        let exchange = ExchangeToken::new(token.clone(), wiki()).device(self.alice.mac);
        self.send(Command::ExchangeToken(exchange)).await
    }

    /// A check token for the wiki.
    async fn check_token(&self) -> Secret<String> {
        self.exchange(&self.token).await.body.token.unwrap()
    }

    /// What the wiki learns about a token.
    async fn check(&self, token: &Secret<String>) -> Answer {
        self.send(Command::Authorise(Authorise::new(token.clone()).audience(wiki()))).await
    }
}

fn wiki() -> Audience {
    Audience::parse("wiki").unwrap()
}

#[tokio::test]
async fn its_service_learns_the_account_of_a_check_token() {
    let signed_in = SignedIn::new().await;
    let answer = signed_in.check(&signed_in.check_token().await).await;
    assert_eq!((answer.message.as_str(), answer.code), ("authorized", Code::Ok));
    assert_eq!(answer.body.username.as_ref(), Some(&signed_in.alice.username));
    assert_eq!(answer.body.level, Some(Level::Two));
    assert!(answer.body.token.is_none());
}

#[tokio::test]
async fn a_check_token_is_of_no_use_to_another_service() {
    let signed_in = SignedIn::new().await;
    let token = signed_in.check_token().await;
    let check = Authorise::new(token).device(signed_in.alice.mac);
    for check in [check.clone(), check.audience(Audience::parse("mail").unwrap())] {
        assert_eq!(signed_in.send(Command::Authorise(check)).await.code, Code::SignedOut);
    }
}

#[tokio::test]
async fn a_check_token_does_nothing_but_be_checked() {
    let signed_in = SignedIn::new().await;
    let token = signed_in.check_token().await;
    assert_eq!(signed_in.exchange(&token).await.code, Code::SignedOut);
    let mac = signed_in.alice.mac;
    for command in [
        Command::EndSession(EndSession::new(token.clone()).device(mac)),
        Command::ListSessions(ListSessions::new(token.clone()).device(mac)),
        Command::ListDevices(ListDevices::new(token.clone()).device(mac)),
    ] {
        assert_eq!(signed_in.send(command).await.code, Code::SignedOut);
    }
    assert!(signed_in.check(&token).await.is_ok(), "the session was not ended");
}

#[tokio::test]
async fn only_the_token_of_a_session_is_exchanged_on_its_device() {
    let signed_in = SignedIn::new().await;
    let without_mac = ExchangeToken::new(signed_in.token.clone(), wiki());
    let refused = signed_in.send(Command::ExchangeToken(without_mac)).await;
    assert_eq!(refused.code, Code::SignedOut);
    let mut elsewhere =
        RawConnection::open_from(Ipv4Addr::new(127, 0, 0, 9), signed_in.server.server().address())
            .await;
    let exchange = ExchangeToken::new(signed_in.token.clone(), wiki());
    let exchange = Command::ExchangeToken(exchange.device(signed_in.alice.mac));
    elsewhere.send_payload(exchange.to_json().expose()).await;
    assert_eq!(elsewhere.answer().await.unwrap().code, Code::SignedOut);
    assert!(signed_in.exchange(&signed_in.token).await.is_ok());
}

#[tokio::test]
async fn a_check_token_lives_for_ten_minutes() {
    let signed_in = SignedIn::new().await;
    let answer = signed_in.exchange(&signed_in.token).await;
    let lifetime = answer.body.expires_at.unwrap().0 - signed_in.server.now().0;
    assert_eq!(lifetime, 10 * MINUTE_MS);
    let (token, expires_at) = (answer.body.token.unwrap(), answer.body.expires_at);
    signed_in.server.clock().advance_ms(10 * MINUTE_MS - 1);
    let checked = signed_in.check(&token).await;
    assert_eq!((checked.code, checked.body.expires_at), (Code::Ok, expires_at));
    signed_in.server.clock().advance_ms(1);
    assert_eq!(signed_in.check(&token).await.code, Code::SignedOut);
}

#[tokio::test]
async fn a_check_token_ends_with_its_session() {
    let signed_in = SignedIn::new().await;
    let token = signed_in.check_token().await;
    assert!(signed_in.check(&token).await.is_ok());
    let end = EndSession::new(signed_in.token.clone()).device(signed_in.alice.mac);
    assert!(signed_in.send(Command::EndSession(end)).await.is_ok());
    assert_eq!(signed_in.check(&token).await.code, Code::SignedOut);
}

#[tokio::test]
async fn a_check_token_survives_the_renewal_of_its_session() {
    let signed_in = SignedIn::new().await;
    signed_in.server.clock().advance_ms(55 * MINUTE_MS);
    let token = signed_in.check_token().await;
    signed_in.server.clock().advance_ms(5 * MINUTE_MS);
    assert_eq!(signed_in.check(&token).await.code, Code::SignedOut, "the session is due");
    let renew = Authorise::new(signed_in.token.clone()).device(signed_in.alice.mac);
    assert!(signed_in.send(Command::Authorise(renew)).await.is_ok());
    assert!(signed_in.check(&token).await.is_ok());
}

#[tokio::test]
async fn a_check_token_needs_the_proof_of_a_device_when_it_is_made() {
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let key = Identity::generate().unwrap();
    let login = alice.login(server.now()).device_key(key.key());
    let mut connection = server.connect().await;
    let proved = connection.prove_device(&key, &alice.username, alice.mac).await.unwrap();
    assert!(proved.is_granted());
    let logged_in = connection.send(Command::Login(login)).await.unwrap();
    let token = logged_in.body.token.unwrap();
    let exchange = ExchangeToken::new(token, wiki()).device(alice.mac);
    let bare = server.client().send_once(Command::ExchangeToken(exchange.clone())).await.unwrap();
    assert_eq!(bare.code, Code::SignedOut);
    let made = connection.send(Command::ExchangeToken(exchange)).await.unwrap();
    let check = Authorise::new(made.body.token.unwrap()).audience(wiki());
    let checked = server.client().send_once(Command::Authorise(check)).await.unwrap();
    assert!(checked.is_ok(), "{checked:?}");
}

#[tokio::test]
async fn a_service_learns_the_groups_of_an_account() {
    let signed_in = SignedIn::new().await;
    let token = signed_in.check_token().await;
    assert_eq!(signed_in.check(&token).await.body.groups, []);
    let local = LocalStore::open(&quick(signed_in.server.folder()), signed_in.server.now()).await;
    let local = local.unwrap();
    let groups = |names: &[&str]| UserCommand::Groups {
        username: "alice".into(),
        groups: names.iter().map(|name| (*name).to_owned()).collect(),
    };
    groups(&["staff", "ops", "staff"]).run(&local).await.unwrap();
    signed_in.server.clock().advance_ms(1000);
    let listed = signed_in.check(&token).await.body.groups;
    assert_eq!(listed.iter().map(Group::as_str).collect::<Vec<_>>(), ["ops", "staff"]);
    let row = signed_in.server.last_row().await;
    assert_eq!(
        (row.action.to_string(), row.username.as_deref()),
        ("user_groups".into(), Some("alice"))
    );
    assert!(row.detail.contains("groups=ops,staff"), "{}", row.detail);

    assert!(groups(&["Staff"]).run(&local).await.is_err(), "not a name");
    groups(&[]).run(&local).await.unwrap();
    signed_in.server.clock().advance_ms(1000);
    assert_eq!(signed_in.check(&token).await.body.groups, []);
}
