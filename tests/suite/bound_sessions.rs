//! Sessions of browsers that only the browser with a key can renew (188 and 189).

mod binding;
pub(crate) mod browser_key;

use browser_key::BrowserKey;
use fourauth_client::GatewayConnection;
use fourauth_protocol::{
    answer::{Answer, SessionRow},
    audience::Audience,
    code::Code,
    command::{
        Authorise, BindSession, Command, EndSession, ExchangeToken, ListSessions, PasswordStep,
        RenewSession, SelfRegister,
    },
    contact::Email,
    envelope::Envelope,
    grant::GrantToken,
    secret::Secret,
    session_proof::SessionProof,
};
use fourauth_tests::server::TestServer;
use std::net::{IpAddr, Ipv4Addr};

const PASSWORD: &str = "violet-Ox-42";
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 2));
const MINUTE_MS: i64 = 60_000;

/// A server behind a portal, and Carol, an account with a password.
struct Portal {
    server: TestServer,
    gateway: GatewayConnection,
}

/// A session and what its sign-in offered.
struct Visit {
    token: Secret<String>,
    challenge: GrantToken,
}

/// A session that is bound to a key.
struct Bound {
    token: Secret<String>,
    id: String,
    key: BrowserKey,
}

impl Portal {
    async fn open() -> Self {
        let server = TestServer::configured(|config| {
            config.sign_in.two_steps = true;
            config.sign_in.self_registration = true;
        })
        .await;
        let gateway = GatewayConnection::over(server.server().gateway());
        let portal = Self { server, gateway };
        let register = SelfRegister::new(email(), Secret::new(PASSWORD.to_owned()));
        assert!(portal.ask(Command::SelfRegister(register)).await.is_ok());
        portal
    }

    async fn ask_from(&self, peer: IpAddr, command: Command) -> Answer {
        self.gateway.send_enclosed(Envelope::of_browser(peer, None), command).await.unwrap()
    }

    async fn ask(&self, command: Command) -> Answer {
        self.ask_from(PEER, command).await
    }

    fn pass(&self, minutes: i64) {
        self.server.clock().advance_ms(minutes * MINUTE_MS);
    }

    async fn sign_in(&self) -> Visit {
        let body = self.ask(password_step()).await.body;
        Visit { token: body.token.unwrap(), challenge: body.session_challenge.unwrap() }
    }

    async fn bind(&self, token: &Secret<String>, proof: SessionProof) -> Answer {
        self.ask(Command::BindSession(BindSession::new(token.clone(), proof))).await
    }

    /// A sign-in in a browser that binds its session at once.
    async fn bound(&self) -> Bound {
        let (Visit { token, challenge }, key) = (self.sign_in().await, BrowserKey::new());
        let answer = self.bind(&token, key.registration(&challenge)).await;
        assert_eq!((&*answer.message, answer.code), ("Session bound.", Code::Ok));
        Bound { token, id: answer.body.session.unwrap(), key }
    }

    async fn challenge(&self, id: &str) -> GrantToken {
        let answer = self.ask(Command::RenewSession(RenewSession::new(id))).await;
        assert_eq!((&*answer.message, answer.code), ("Sign the challenge.", Code::Ok));
        assert!(answer.body.token.is_none());
        answer.body.session_challenge.unwrap()
    }

    async fn renew(&self, id: &str, proof: SessionProof) -> Answer {
        self.ask(Command::RenewSession(RenewSession::new(id).proof(proof))).await
    }

    /// The next token of a session.
    async fn renewed(&self, bound: &Bound) -> Secret<String> {
        let challenge = self.challenge(&bound.id).await;
        token(&self.renew(&bound.id, bound.key.renewal(&challenge)).await)
    }

    async fn check(&self, token: &Secret<String>) -> Answer {
        self.ask(Command::Authorise(Authorise::new(token.clone()))).await
    }

    async fn sessions(&self, token: &Secret<String>) -> Vec<SessionRow> {
        let list = Command::ListSessions(ListSessions::new(token.clone()));
        self.ask(list).await.body.sessions.unwrap()
    }

    async fn row(&self) -> (String, String) {
        let row = self.server.last_row().await;
        (row.action.as_str().to_owned(), row.detail)
    }
}

fn email() -> Email {
    Email::parse("carol@example.org").unwrap()
}

fn password_step() -> Command {
    Command::PasswordStep(PasswordStep::new(email(), Secret::new(PASSWORD.to_owned())))
}

fn token(answer: &Answer) -> Secret<String> {
    answer.body.token.clone().unwrap_or_else(|| panic!("{}", answer.message))
}

#[tokio::test]
async fn a_bound_token_lives_ten_minutes() {
    let portal = Portal::open().await;
    let bound = portal.bound().await;
    let (action, detail) = portal.row().await;
    assert_eq!(action, "bind_session");
    assert!(detail.starts_with(&format!("Session bound. session={}", bound.id)), "{detail}");
    let expires = portal.server.now().saturating_add_ms(10 * MINUTE_MS);
    assert_eq!(portal.check(&bound.token).await.body.expires_at, Some(expires));
    portal.server.clock().advance_ms(10 * MINUTE_MS - 1);
    assert_eq!(portal.check(&bound.token).await.code, Code::Ok);
    portal.server.clock().advance_ms(1);
    // 130 renews it at no time.
    for minutes in [0, 1, 60] {
        portal.pass(minutes);
        let answer = portal.check(&bound.token).await;
        assert_eq!(
            (answer.code, answer.body.token.is_none()),
            (Code::SignedOut, true),
            "{minutes}"
        );
    }
    let list = Command::ListSessions(ListSessions::new(bound.token.clone()));
    assert_eq!(portal.ask(list).await.code, Code::SignedOut);
}

#[tokio::test]
async fn a_session_without_a_key_is_renewed_as_before() {
    let portal = Portal::open().await;
    let visit = portal.sign_in().await;
    portal.pass(59);
    assert_eq!(portal.check(&visit.token).await.code, Code::Ok);
    portal.pass(1);
    let renewed = token(&portal.check(&visit.token).await);
    assert_eq!(portal.check(&renewed).await.code, Code::Ok);
    let row = portal.sessions(&renewed).await.remove(0);
    assert!(!row.bound);
    // There is nothing that 189 could renew.
    let answer = portal.ask(Command::RenewSession(RenewSession::new(row.id))).await;
    assert_eq!(answer.code, Code::SignedOut);
}

#[tokio::test]
async fn a_proof_gives_the_next_token_after_the_old_one_ended() {
    let portal = Portal::open().await;
    let bound = portal.bound().await;
    portal.pass(30);
    let next = portal.renewed(&bound).await;
    let (action, detail) = portal.row().await;
    assert_eq!(action, "renew_session");
    assert!(detail.starts_with(&format!("Session renewed. session={}", bound.id)), "{detail}");
    assert_eq!(portal.check(&next).await.code, Code::Ok);
    let sessions = portal.sessions(&next).await;
    let listed: Vec<_> = sessions.iter().map(|row| (&*row.id, row.bound, row.current)).collect();
    assert_eq!(listed, [(&*bound.id, true, true)]);
    assert_eq!(portal.check(&bound.token).await.code, Code::SignedOut);
}

#[tokio::test]
async fn a_session_ends_after_a_day_whatever_is_proved() {
    let portal = Portal::open().await;
    let bound = portal.bound().await;
    portal.server.clock().advance_ms(24 * 60 * MINUTE_MS - MINUTE_MS);
    let last = portal.renewed(&bound).await;
    let answer = portal.check(&last).await;
    let end = portal.server.now().saturating_add_ms(MINUTE_MS);
    assert_eq!(answer.body.expires_at, Some(end));
    let challenge = portal.challenge(&bound.id).await;
    portal.pass(1);
    let answer = portal.renew(&bound.id, bound.key.renewal(&challenge)).await;
    assert_eq!(answer.code, Code::SignedOut);
    assert_eq!(portal.check(&last).await.code, Code::SignedOut);
}

#[tokio::test]
async fn a_copied_token_ends_no_session() {
    let portal = Portal::open().await;
    let bound = portal.bound().await;
    portal.pass(5);
    let next = portal.renewed(&bound).await;
    // A request may be on its way with the token before.
    assert_eq!(portal.check(&bound.token).await.code, Code::Ok);
    portal.pass(5);
    // The copy is of no use any more, and the browser is not shut out by it.
    assert_eq!(portal.check(&bound.token).await.code, Code::SignedOut);
    assert_eq!(portal.check(&next).await.code, Code::Ok);
}

#[tokio::test]
async fn a_check_token_of_a_copy_ends_with_it() {
    let portal = Portal::open().await;
    let bound = portal.bound().await;
    let wiki = || Audience::parse("wiki").unwrap();
    portal.pass(9);
    let exchange = ExchangeToken::new(bound.token.clone(), wiki());
    let body = portal.ask(Command::ExchangeToken(exchange)).await.body;
    let end = portal.server.now().saturating_add_ms(MINUTE_MS);
    assert_eq!(body.expires_at, Some(end));
    let check = Authorise::new(body.token.unwrap()).audience(wiki());
    assert_eq!(portal.ask(Command::Authorise(check.clone())).await.code, Code::Ok);
    // The browser goes on, and the copy does not.
    portal.renewed(&bound).await;
    portal.pass(1);
    assert_eq!(portal.ask(Command::Authorise(check)).await.code, Code::SignedOut);
}

#[tokio::test]
async fn a_proof_by_another_key_is_refused_and_recorded() {
    let portal = Portal::open().await;
    let bound = portal.bound().await;
    let thief = BrowserKey::new();
    for with_key in [true, false] {
        let challenge = portal.challenge(&bound.id).await;
        let proof =
            if with_key { thief.registration(&challenge) } else { thief.renewal(&challenge) };
        let answer = portal.renew(&bound.id, proof).await;
        assert_eq!((answer.code, answer.body.token.is_none()), (Code::DeviceMismatch, true));
        let (action, detail) = portal.row().await;
        assert_eq!(action, "renew_session");
        assert!(detail.contains(&format!("session={} proof=signature", bound.id)), "{detail}");
    }
    portal.renewed(&bound).await;
}

#[tokio::test]
async fn a_neighbour_does_not_keep_a_browser_from_its_session() {
    let portal = Portal::open().await;
    let bound = portal.bound().await;
    let [challenge, of_thief] =
        [portal.challenge(&bound.id).await, portal.challenge(&bound.id).await];
    let proof = BrowserKey::new().renewal(&of_thief);
    let mut last = Code::Ok;
    for _ in 0..5 {
        last = portal.renew(&bound.id, proof.clone()).await.code;
    }
    assert_eq!(last, Code::Throttled);
    token(&portal.renew(&bound.id, bound.key.renewal(&challenge)).await);
}

#[tokio::test]
async fn a_spent_challenge_is_refused_and_recorded() {
    let portal = Portal::open().await;
    let bound = portal.bound().await;
    let challenge = portal.challenge(&bound.id).await;
    let proof = bound.key.renewal(&challenge);
    token(&portal.renew(&bound.id, proof.clone()).await);
    let answer = portal.renew(&bound.id, proof).await;
    assert_eq!((answer.code, answer.body.token.is_none()), (Code::DeviceMismatch, true));
    let (_, detail) = portal.row().await;
    assert!(detail.contains("lost=challenge_spent"), "{detail}");
}

#[tokio::test]
async fn a_challenge_of_another_kind_is_refused() {
    let portal = Portal::open().await;
    let (bound, other) = (portal.bound().await, portal.bound().await);
    let of_sign_in = portal.sign_in().await.challenge;
    let of_elsewhere =
        portal.ask_from(ELSEWHERE, Command::RenewSession(RenewSession::new(&*other.id)));
    assert_eq!(of_elsewhere.await.code, Code::SignedOut);
    for (challenge, fault) in [
        (portal.challenge(&other.id).await, "challenge"),
        (of_sign_in, "challenge"),
        (GrantToken::from_bytes([7; 32]), "challenge"),
    ] {
        let answer = portal.renew(&bound.id, bound.key.renewal(&challenge)).await;
        assert_eq!(answer.code, Code::DeviceMismatch);
        let (_, detail) = portal.row().await;
        assert!(detail.contains(&format!("proof={fault}")), "{detail}");
    }
}

#[tokio::test]
async fn a_challenge_dies_after_five_minutes() {
    let portal = Portal::open().await;
    let bound = portal.bound().await;
    let late = portal.sign_in().await;
    let challenge = portal.challenge(&bound.id).await;
    portal.pass(5);
    let answer = portal.renew(&bound.id, bound.key.renewal(&challenge)).await;
    assert_eq!(answer.code, Code::DeviceMismatch);
    assert!(portal.row().await.1.contains("proof=late"));
    // A session is bound soon after its sign-in or never.
    let key = BrowserKey::new();
    let answer = portal.bind(&late.token, key.registration(&late.challenge)).await;
    assert_eq!(answer.code, Code::DeviceMismatch);
    let (action, detail) = portal.row().await;
    assert!(action == "bind_session" && detail.contains("proof=late"), "{detail}");
    portal.pass(55);
    token(&portal.check(&late.token).await);
}

#[tokio::test]
async fn a_renewal_elsewhere_or_after_the_end_is_refused() {
    let portal = Portal::open().await;
    let bound = portal.bound().await;
    let challenge = portal.challenge(&bound.id).await;
    let proof = bound.key.renewal(&challenge);
    let renew = || Command::RenewSession(RenewSession::new(&*bound.id).proof(proof.clone()));
    assert_eq!(portal.ask_from(ELSEWHERE, renew()).await.code, Code::SignedOut);
    let end = Command::EndSession(EndSession::new(bound.token.clone()));
    assert_eq!(portal.ask(end).await.code, Code::Ok);
    assert_eq!(portal.ask(renew()).await.code, Code::SignedOut);
    for id in [&*bound.id, "", "00", &"00".repeat(16)] {
        let answer = portal.ask(Command::RenewSession(RenewSession::new(id))).await;
        assert_eq!((answer.code, answer.body.session_challenge.is_none()), (Code::SignedOut, true));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_renew_at_once() {
    let portal = Portal::open().await;
    let bound = portal.bound().await;
    let proofs = [portal.challenge(&bound.id).await, portal.challenge(&bound.id).await]
        .map(|challenge| bound.key.renewal(&challenge));
    let [one, other] = proofs.map(|proof| portal.renew(&bound.id, proof));
    let (one, other) = tokio::join!(one, other);
    for answer in [one, other] {
        assert_eq!(portal.check(&token(&answer)).await.code, Code::Ok);
    }
    assert_eq!(portal.check(&bound.token).await.code, Code::Ok);
    let next = portal.renewed(&bound).await;
    assert_eq!(portal.sessions(&next).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_is_spent_by_exactly_one_of_two() {
    let portal = Portal::open().await;
    let bound = portal.bound().await;
    let challenge = portal.challenge(&bound.id).await;
    let renew = || portal.renew(&bound.id, bound.key.renewal(&challenge));
    let (one, other) = tokio::join!(renew(), renew());
    let mut codes = [one.code, other.code].map(|code| code == Code::Ok);
    codes.sort_unstable();
    assert_eq!(codes, [false, true]);

    let Visit { token, challenge } = portal.sign_in().await;
    let keys = [BrowserKey::new(), BrowserKey::new()];
    let [one, other] = keys.map(|key| portal.bind(&token, key.registration(&challenge)));
    let (one, other) = tokio::join!(one, other);
    let mut codes = [one.code, other.code].map(|code| code == Code::Ok);
    codes.sort_unstable();
    assert_eq!(codes, [false, true]);
}
