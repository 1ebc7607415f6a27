//! 259: a session that has too low a level proves what is missing, and gets another token.

use super::{Browser, MINUTE_MS, PEER, Portal, token};
use fourauth_auth::profile::Profile;
use fourauth_client::{GatewayConnection, Identity};
use fourauth_config::{ChallengeConfig, Config};
use fourauth_protocol::{
    answer::Answer,
    audience::Audience,
    code::Code,
    command::{Authorise, Command, ExchangeToken, ListSessions, Login, RaiseSession},
    envelope::Envelope,
    level::Level,
    mac_address::MacAddress,
    picture::Picture,
    secret::Secret,
};
use fourauth_store::Factor;
use fourauth_tests::{models::picture, persona::Persona, server::TestServer, with::With as _};
use futures_util::future::join_all;
use std::{net::IpAddr, sync::Arc};

const HOUR_MS: i64 = 60 * MINUTE_MS;

/// Alice with her browser, and a session that lacks her face: it was replaced a moment before.
struct Scene {
    portal: Portal,
    alice: Persona,
    own: Browser,
    token: Secret<String>,
}

impl Scene {
    async fn open() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let portal = Portal::with(change).await;
        let alice = portal.server.enrol("alice", "obama.jpg").await;
        let own = Browser::new();
        let first = portal.face_step(&alice, alice.face.clone(), Some(&own)).await;
        assert_eq!(first.code, Code::Ok, "{}", portal.row().await);
        portal.settle(&alice, Factor::Face).await;
        let second = portal.face_step(&alice, alice.face.clone(), Some(&own)).await;
        let token = token(&second);
        assert_eq!(second.body.level, Some(Level::Three), "{}", portal.row().await);
        // The face has settled, and every code is a new one.
        portal.server.clock().advance_ms(20 * MINUTE_MS);
        Self { portal, alice, own, token }
    }

    /// 259 with a right code and this picture.
    fn right(&self, face: impl Into<Option<Picture>>) -> RaiseSession {
        let code = self.alice.code(self.portal.server.now());
        RaiseSession::new(self.token.clone(), code).pictures(face.into())
    }

    async fn raise(&self, raise: RaiseSession) -> Answer {
        let proof = self.own.proof(&self.alice.username, self.portal.nonce().await);
        self.portal.ask(Some(proof), Command::RaiseSession(raise)).await
    }

    async fn raised(&self) -> Answer {
        let answer = self.raise(self.right(self.alice.face.clone())).await;
        assert_eq!(answer.code, Code::Ok, "{} {}", answer.message, self.portal.row().await);
        answer
    }

    async fn check(&self, token: &Secret<String>) -> Answer {
        self.portal.check(token.clone()).await
    }

    async fn row(&self) -> String {
        self.portal.row().await
    }
}

impl Portal {
    /// Lets a factor of Alice settle for a quarter of an hour.
    async fn settle(&self, alice: &Persona, factor: Factor) {
        let store = self.server.server().store();
        let account = store.user(&alice.username).await.unwrap().unwrap().id;
        let until = self.server.now().saturating_add_ms(15 * MINUTE_MS);
        let settled =
            store.write(move |tx| Box::pin(async move { tx.settle(account, factor, until).await }));
        let settled: Result<(), fourauth_store::Error> = settled.await;
        settled.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_a_face_and_the_key_raise_a_session() {
    let scene = Scene::open().await;
    let answer = scene.raised().await;
    assert_eq!((&*answer.message, answer.body.level), ("Session raised.", Some(Level::Four)));
    let row = scene.portal.server.last_row().await;
    assert_eq!((row.action.as_str(), row.username.as_deref()), ("raise_by_face", Some("alice")));
    for part in [" session=", " level=4", "face=match(", "totp=match", "match(key,web)"] {
        assert!(row.detail.contains(part), "{part}: {}", row.detail);
    }
    let new = token(&answer);
    let checked = scene.check(&new).await;
    assert_eq!((checked.code, checked.body.level), (Code::Ok, Some(Level::Four)));
    assert_eq!(checked.body.amr.unwrap().len(), 5);
    // The token that was shown is of no use any more.
    assert_eq!(scene.check(&scene.token).await.code, Code::SignedOut);
    let again = scene.raise(scene.right(scene.alice.face.clone())).await;
    assert_eq!(again.code, Code::SignedOut);
}

/// The session is the same one: it ends when it would have ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_raised_session_keeps_its_begin_and_its_end() {
    let scene = Scene::open().await;
    let row = async |token: &Secret<String>| {
        let list = Command::ListSessions(ListSessions::new(token.clone()));
        let rows = scene.portal.ask(None, list).await.body.sessions.unwrap();
        rows.into_iter().find(|row| row.current).unwrap()
    };
    let before = row(&scene.token).await;
    scene.portal.server.clock().advance_ms(10 * MINUTE_MS);
    let new = token(&scene.raised().await);
    let after = row(&new).await;
    assert_eq!((&after.id, after.opened_at), (&before.id, before.opened_at));
    assert_eq!((after.ends_at, &after.peer), (before.ends_at, &before.peer));
    assert!(after.expires_at > before.expires_at);
    // It is renewed with its level, and ends with its day.
    scene.portal.server.clock().advance_ms(2 * HOUR_MS);
    let renewed = scene.check(&new).await;
    assert_eq!(renewed.body.level, Some(Level::Four));
    scene.portal.server.clock().advance_ms(22 * HOUR_MS);
    assert_eq!(scene.check(&token(&renewed)).await.code, Code::SignedOut);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_code_raises_nothing_and_counts() {
    let scene = Scene::open().await;
    let bob = scene.portal.server.enrol("bob", "biden.jpg").await;
    let now = scene.portal.server.now();
    for code in [scene.alice.wrong_code(now), bob.code(now)] {
        let mut raise = scene.right(scene.alice.face.clone());
        raise.totp = Some(code);
        let refused = scene.raise(raise).await;
        assert_eq!(refused.code, Code::Denied, "{}", scene.row().await);
        assert!(refused.body.token.is_none());
    }
    assert!(scene.row().await.contains("totp=mismatch"), "{}", scene.row().await);
    // The control: the session is as it was.
    assert_eq!(scene.check(&scene.token).await.body.level, Some(Level::Three));
    scene.raised().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_a_code_with_a_token_lock_like_guesses_at_a_login() {
    let scene = Scene::open().await;
    let mut codes = Vec::new();
    for _ in 0..8 {
        let mut raise = scene.right(scene.alice.face.clone());
        raise.totp = Some(scene.alice.wrong_code(scene.portal.server.now()));
        codes.push(scene.raise(raise).await.code);
    }
    assert!(codes.contains(&Code::Denied), "{codes:?}");
    let last = codes.last().unwrap();
    assert!(matches!(last, Code::Throttled | Code::Locked), "{codes:?}");
    let right = scene.raise(scene.right(scene.alice.face.clone())).await;
    assert!(matches!(right.code, Code::Throttled | Code::Locked), "{:?}", right.code);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_face_raises_nothing_and_spends_no_code() {
    let scene = Scene::open().await;
    let stranger = scene.raise(scene.right(picture("biden.jpg"))).await;
    assert_eq!(stranger.code, Code::FaceMismatch, "{}", scene.row().await);
    assert_eq!(scene.check(&scene.token).await.body.level, Some(Level::Three));
    // The control: the same code with the right face.
    scene.raised().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_code_stays_spent() {
    let scene = Scene::open().await;
    let spent = scene.right(scene.alice.face.clone());
    let first = scene.raise(spent.clone()).await;
    let new = token(&first);
    let again = scene.raise(spent.with(|raise| raise.token = new.clone())).await;
    assert_eq!(again.code, Code::Denied, "{}", scene.row().await);
    // The control: a fresh one.
    scene.portal.server.clock().advance_ms(MINUTE_MS);
    let fresh = scene.right(scene.alice.face.clone()).with(|raise| raise.token = new);
    assert_eq!(scene.raise(fresh).await.code, Code::Ok, "{}", scene.row().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_commands_with_a_token_one_raises_it() {
    let scene = Scene::open().await;
    let raise = scene.right(scene.alice.face.clone());
    let answers = join_all((0..6).map(|_| scene.raise(raise.clone()))).await;
    let granted = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(granted, 1, "{:?}", answers.iter().map(|it| it.code).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_reach_the_level_changes_nothing() {
    let scene = Scene::open().await;
    let code_only = scene.raise(scene.right(None)).await;
    assert_eq!(code_only.code, Code::MoreNeeded, "{}", scene.row().await);
    assert!(code_only.body.token.is_none() && code_only.body.missing.is_some());
    assert_eq!(scene.check(&scene.token).await.code, Code::Ok);
    // No code was spent: the same one is right with the face.
    let all = scene.right(scene.alice.face.clone()).level(Level::Four);
    assert_eq!(scene.raise(all).await.code, Code::Ok, "{}", scene.row().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_key_of_the_session_nothing_is_raised() {
    let scene = Scene::open().await;
    let raise = || Command::RaiseSession(scene.right(scene.alice.face.clone()));
    let without = scene.portal.ask(None, raise()).await;
    assert_eq!(without.code, Code::DeviceMismatch, "{}", scene.row().await);
    let other = Browser::new();
    let proof = other.proof(&scene.alice.username, scene.portal.nonce().await);
    let foreign = scene.portal.ask(Some(proof), raise()).await;
    assert_eq!(foreign.code, Code::DeviceMismatch, "{}", scene.row().await);
    // Elsewhere the token is unknown.
    let proof = scene.own.proof(&scene.alice.username, scene.portal.nonce().await);
    let peer = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 9));
    let envelope = Envelope::of_browser(peer, Some(proof));
    let elsewhere = scene.portal.gateway.send_enclosed(envelope, raise()).await.unwrap();
    assert_eq!(elsewhere.code, Code::SignedOut);
    assert_ne!(peer, PEER);
    scene.raised().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_account_raises_no_session() {
    let scene = Scene::open().await;
    let store = scene.portal.server.server().store();
    let account = store.user(&scene.alice.username).await.unwrap().unwrap().id;
    let disabled =
        store.write(move |tx| Box::pin(async move { tx.set_disabled(account, true).await }));
    let disabled: Result<bool, fourauth_store::Error> = disabled.await;
    assert!(disabled.unwrap());
    let refused = scene.raise(scene.right(scene.alice.face.clone())).await;
    assert_eq!(refused.code, Code::SignedOut);
}

/// A check token that a service got before the raise gains no level, and one that is made afterwards has it.
/// Sessions that are renewed more often than check tokens expire are no exception.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_token_from_before_gains_no_level() {
    for session_s in [3600, 120] {
        let scene = Scene::with(|config| config.auth.session_s = session_s).await;
        let wiki = || Audience::parse("wiki").unwrap();
        let exchange = async |token: &Secret<String>| {
            let exchange = Command::ExchangeToken(ExchangeToken::new(token.clone(), wiki()));
            self::token(&scene.portal.ask(None, exchange).await)
        };
        let check = async |token: &Secret<String>| {
            let authorise = Authorise::new(token.clone()).audience(wiki()).level(Level::Three);
            scene.portal.ask(None, Command::Authorise(authorise)).await
        };
        let old = scene.check(&scene.token).await.body.token.unwrap_or_else(|| scene.token.clone());
        let before = exchange(&old).await;
        assert_eq!(check(&before).await.code, Code::Ok);
        scene.portal.server.clock().advance_ms(MINUTE_MS);
        let raise = scene.right(scene.alice.face.clone()).with(|it| it.token = old);
        let raised = scene.raise(raise).await;
        let new = token(&raised);
        assert_eq!(check(&before).await.code, Code::SignedOut);
        let after = check(&exchange(&new).await).await;
        assert_eq!((after.code, after.body.level), (Code::Ok, Some(Level::Four)));
        // Also one that is made later, after a renewal.
        scene.portal.server.clock().advance_ms(2 * HOUR_MS);
        let renewed = token(&scene.check(&new).await);
        assert_eq!(check(&exchange(&renewed).await).await.code, Code::Ok);
    }
}

/// A use of a token takes the name of its account from a row without a check of the seal.
#[tokio::test(flavor = "multi_thread")]
async fn factors_of_another_account_raise_no_session() {
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let bob = server.enrol("bob", "biden.jpg").await;
    let login = server.client().send_once(Command::Login(alice.login(server.now()))).await.unwrap();
    server.clock().advance_ms(MINUTE_MS);
    let database = rusqlite::Connection::open(server.folder().join("data/fourauth.db")).unwrap();
    let exchange_names = || {
        let rename =
            |from, to| format!("UPDATE users SET username = '{to}' WHERE username = '{from}';");
        let steps = [rename("alice", "x"), rename("bob", "alice"), rename("x", "bob")].concat();
        database.execute_batch(&format!("BEGIN; {steps} COMMIT;")).unwrap();
    };
    let check = Command::Authorise(Authorise::new(token(&login)).device(alice.mac));
    let raise = |owner: &Persona, face: &str| {
        let face = picture(face);
        let raise = RaiseSession::new(token(&login), owner.code(server.now())).device(alice.mac);
        Command::RaiseSession(raise.pictures([face]))
    };
    let mut connection = server.connect().await;
    // What was read with the wrong name is kept for a second, which may pass on a busy machine.
    for attempt in 1..=3 {
        exchange_names();
        let shown = connection.send(check.clone()).await.unwrap();
        exchange_names();
        assert_eq!(shown.body.username.as_ref(), Some(&bob.username), "the control");
        let code = connection.send(raise(&bob, "biden.jpg")).await.unwrap().code;
        let row = server.last_row().await.detail;
        if code == Code::SignedOut || attempt == 3 {
            assert_eq!(code, Code::SignedOut, "{row}");
            break;
        }
        server.clock().advance_ms(MINUTE_MS);
    }
    // The control: the account of the session has no key, which the next level needs.
    server.clock().advance_ms(MINUTE_MS);
    let own = connection.send(raise(&alice, "obama.jpg")).await.unwrap();
    assert_eq!(own.code, Code::MoreNeeded, "{}", server.last_row().await.detail);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_still_face_does_not_count_where_a_challenge_is_needed() {
    // The first sign-ins need a challenge as well, so the policy of another server decides about them.
    let scene = Scene::open().await;
    let Scene { portal: Portal { server, gateway }, alice, own, token } = scene;
    drop(gateway);
    let folder = server.stop().await;
    let server = TestServer::start_in(folder, |config| {
        config.sign_in.two_steps = true;
        config.web.origin = Some(super::ORIGIN.parse().unwrap());
        config.face.challenge = Some(ChallengeConfig::Always);
    })
    .await;
    let gateway = GatewayConnection::over(server.server().gateway());
    let portal = Portal { server, gateway };
    portal.server.clock().advance_ms(HOUR_MS / 2 + MINUTE_MS);
    let scene = Scene { portal, alice, own, token };
    let still = scene.raise(scene.right(scene.alice.face.clone())).await;
    assert_eq!(still.code, Code::FaceChallengeNeeded, "{} {}", still.message, scene.row().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_strict_profile_names_no_factor() {
    let scene = Scene::with(|config| {
        config.auth.profile = Profile::Strict;
        config.auth.device_trust_on_first_use = true;
    })
    .await;
    let stranger = scene.raise(scene.right(picture("biden.jpg"))).await;
    assert_eq!(stranger.code, Code::Denied, "{}", scene.row().await);
    assert!(scene.row().await.contains("face=mismatch"), "{}", scene.row().await);
    scene.raised().await;
}

/// A program with a session that names no key proves one, and the session is bound to it from then on.
#[tokio::test(flavor = "multi_thread")]
async fn a_program_raises_its_session_with_its_key() {
    let server = TestServer::configured(|config| config.compat.mac_only = true).await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let identity = Arc::new(Identity::generate().unwrap());
    let device = server.client().with_identity(Arc::clone(&identity));
    let first = alice.login(server.now()).with(|it| it.device_pubkey = Some(identity.key()));
    assert!(device.send_once(Command::Login(first)).await.unwrap().is_ok());
    server.clock().advance_ms(MINUTE_MS);
    let login: Login = alice.login(server.now());
    let low = server.client().send_once(Command::Login(login)).await.unwrap();
    assert_eq!(low.body.level, Some(Level::Two));
    server.clock().advance_ms(MINUTE_MS);
    let raise = |mac: MacAddress| {
        let code = alice.code(server.now());
        Command::RaiseSession(RaiseSession::new(token(&low), code).device(mac))
    };
    let without = server.client().send_once(raise(alice.mac)).await.unwrap();
    assert_eq!(without.code, Code::DeviceMismatch, "{}", server.last_row().await.detail);
    let mut connection = server.connect().await;
    let proved = connection.prove_device(&identity, &alice.username, alice.mac).await.unwrap();
    drop(proved);
    let raised = connection.send(raise(alice.mac)).await.unwrap();
    assert_eq!(raised.body.level, Some(Level::Four), "{}", server.last_row().await.detail);
    let check = Command::Authorise(Authorise::new(token(&raised)).device(alice.mac));
    assert_eq!(connection.send(check.clone()).await.unwrap().code, Code::Ok);
    // A copy of the token is of no use without the key.
    let copied = server.client().send_once(check).await.unwrap();
    assert_eq!(copied.code, Code::SignedOut);
}
