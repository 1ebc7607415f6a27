//! The door for browsers: password, code, face and the key of the browser, in three steps.

mod asking;
mod enrolment;
mod raise;

use fourauth_auth::profile::Profile;
use fourauth_client::{GatewayConnection, Identity};
use fourauth_config::{ChallengeConfig, Config};
use fourauth_daemon::settings::Origin;
use fourauth_protocol::{
    answer::Answer,
    code::Code,
    command::{
        Authorise, BindDevice, CodeStep, Command, FaceStep, Hello, PasswordStep, RevokeDevice,
    },
    contact::Email,
    device::{BrowserProof, DeviceName, DeviceNonce, message, origin_channel},
    envelope::Envelope,
    grant::GrantToken,
    mac_address::MacAddress,
    picture::Picture,
    receipt::Method,
    secret::Secret,
    username::Username,
};
use fourauth_tests::{models, persona::Persona, server::TestServer, with::With as _};
use std::net::IpAddr;

const ORIGIN: &str = "https://auth.example.org";
const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 1));
const MINUTE_MS: i64 = 60_000;

/// A server behind a portal.
struct Portal {
    server: TestServer,
    gateway: GatewayConnection,
}

/// A browser with a key.
struct Browser {
    key: Identity,
    mac: MacAddress,
    /// Where the browser believes to be.
    origin: String,
}

impl Browser {
    fn new() -> Self {
        let key = Identity::generate().unwrap();
        let mac = key.key().label();
        Self { key, mac, origin: ORIGIN.to_owned() }
    }

    fn proof(&self, username: &Username, nonce: DeviceNonce) -> BrowserProof {
        let channel = origin_channel(&self.origin, &nonce);
        BrowserProof {
            username: username.clone(),
            mac: Some(self.mac),
            device_id: self.key.key().id(),
            device_sig: self.key.sign(&message(&channel, username, self.mac)),
            device_nonce: nonce,
        }
    }
}

impl Portal {
    async fn open() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let server = TestServer::configured(|config| {
            config.sign_in.two_steps = true;
            config.web.origin = Some(ORIGIN.parse::<Origin>().unwrap());
            change(config);
        })
        .await;
        let gateway = GatewayConnection::over(server.server().gateway());
        Self { server, gateway }
    }

    async fn ask(&self, proof: Option<BrowserProof>, command: Command) -> Answer {
        let envelope = Envelope::of_browser(PEER, proof);
        self.gateway.send_enclosed(envelope, command).await.unwrap()
    }

    async fn nonce(&self) -> DeviceNonce {
        let hello = self.ask(None, Command::Hello(Hello::default())).await;
        DeviceNonce::parse(&hello.body.server.unwrap().device_nonce.unwrap()).unwrap()
    }

    /// The grant for the face, after a right password and a right code.
    async fn grant(&self, alice: &Persona) -> GrantToken {
        self.server.clock().advance_ms(MINUTE_MS);
        let step = PasswordStep::new(alice.username.clone(), alice.password.clone());
        let first = self.ask(None, Command::PasswordStep(step)).await;
        assert_eq!((&*first.message, first.code), ("One-time code needed.", Code::Ok));
        let code = alice.code(self.server.now());
        let step = CodeStep::new(alice.username.clone(), code, first.body.grant);
        let second = self.ask(None, Command::CodeStep(step)).await;
        assert_eq!((&*second.message, second.code), ("Face needed.", Code::Ok));
        assert_eq!(second.body.username.as_ref(), Some(&alice.username));
        assert_eq!(second.body.missing, Some(vec![Method::Face]));
        assert!(second.body.token.is_none());
        second.body.grant.unwrap()
    }

    /// The last step, with this picture and browser.
    async fn face_step(&self, alice: &Persona, face: Picture, browser: Option<&Browser>) -> Answer {
        let grant = self.grant(alice).await;
        self.last_step(alice, grant, face, browser).await
    }

    async fn last_step(
        &self,
        alice: &Persona,
        grant: GrantToken,
        face: Picture,
        browser: Option<&Browser>,
    ) -> Answer {
        let mut step = FaceStep::new(alice.username.clone(), grant).pictures([face]);
        let mut proof = None;
        if let Some(browser) = browser {
            step = step.device_key(browser.key.key());
            proof = Some(browser.proof(&alice.username, self.nonce().await));
        }
        self.ask(proof, Command::FaceStep(step)).await
    }

    async fn check(&self, token: Secret<String>) -> Answer {
        self.ask(None, Command::Authorise(Authorise::new(token))).await
    }

    async fn row(&self) -> String {
        self.server.last_row().await.detail
    }
}

fn token(answer: &Answer) -> Secret<String> {
    answer.body.token.clone().unwrap_or_else(|| panic!("{}", answer.message))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_signs_in_by_password_code_face_and_key() {
    let portal = Portal::open().await;
    let alice = portal.server.enrol("alice", "obama.jpg").await;
    let browser = Browser::new();

    let first = portal.face_step(&alice, alice.face.clone(), Some(&browser)).await;
    assert_eq!(first.code, Code::Ok, "{}", portal.row().await);
    let row = portal.row().await;
    for part in ["password=match(grant) face=match(", "totp=match", " door=web"] {
        assert!(row.contains(part), "{row}");
    }

    let second = portal.face_step(&alice, alice.face.clone(), Some(&browser)).await;
    let row = portal.row().await;
    assert!(row.contains("device=match(key,web)"), "{row}");
    let checked = portal.check(token(&second)).await;
    let methods = checked.body.amr.unwrap();
    for method in [Method::Password, Method::OneTimeCode, Method::Face] {
        assert!(methods.contains(&method), "{methods:?}");
    }
    assert_eq!(portal.check(token(&first)).await.code, Code::Ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_browser_is_refused_without_the_key_and_with_its_own() {
    let portal = Portal::open().await;
    let alice = portal.server.enrol("alice", "obama.jpg").await;
    let (own, other) = (Browser::new(), Browser::new());
    let signed_in = portal.face_step(&alice, alice.face.clone(), Some(&own)).await;
    assert_eq!(signed_in.code, Code::Ok);

    let without = portal.face_step(&alice, alice.face.clone(), None).await;
    assert_eq!(without.code, Code::DeviceMismatch, "{}", portal.row().await);
    let with_its_own = portal.face_step(&alice, alice.face.clone(), Some(&other)).await;
    assert_eq!(with_its_own.code, Code::DeviceMismatch, "{}", portal.row().await);
    // The control: everything but the key is right.
    let again = portal.face_step(&alice, alice.face.clone(), Some(&own)).await;
    assert_eq!(again.code, Code::Ok, "{}", portal.row().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_face_is_refused_and_the_grant_holds_for_a_second_try() {
    let portal = Portal::open().await;
    let alice = portal.server.enrol("alice", "obama.jpg").await;
    let grant = portal.grant(&alice).await;
    let stranger = models::picture("biden.jpg");
    let refused = portal.last_step(&alice, grant.clone(), stranger, None).await;
    assert_eq!(refused.code, Code::FaceMismatch, "{}", portal.row().await);
    let accepted = portal.last_step(&alice, grant.clone(), alice.face.clone(), None).await;
    assert_eq!(accepted.code, Code::Ok, "{}", portal.row().await);
    // A grant opens one session.
    let again = portal.last_step(&alice, grant, alice.face.clone(), None).await;
    assert!(!again.is_ok(), "{}", portal.row().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_is_for_its_origin_its_nonce_and_one_command() {
    let portal = Portal::open().await;
    let alice = portal.server.enrol("alice", "obama.jpg").await;
    let mut browser = Browser::new();
    let signed_in = portal.face_step(&alice, alice.face.clone(), Some(&browser)).await;
    assert_eq!(signed_in.code, Code::Ok);

    // A page of another site has got the person to sign there.
    browser.origin = "https://auth.example.net".into();
    let elsewhere = portal.face_step(&alice, alice.face.clone(), Some(&browser)).await;
    assert_eq!(elsewhere.code, Code::DeviceMismatch, "{}", portal.row().await);
    browser.origin = ORIGIN.into();

    let proof = browser.proof(&alice.username, portal.nonce().await);
    let step = |grant| FaceStep::new(alice.username.clone(), grant).pictures([alice.face.clone()]);
    let grant = portal.grant(&alice).await;
    let first = portal.ask(Some(proof.clone()), Command::FaceStep(step(grant))).await;
    assert_eq!(first.code, Code::Ok, "{}", portal.row().await);
    let grant = portal.grant(&alice).await;
    let replayed = portal.ask(Some(proof), Command::FaceStep(step(grant))).await;
    assert!(!replayed.is_ok(), "{}", portal.row().await);

    let made_up = browser.proof(&alice.username, DeviceNonce::from_bytes([7; 32]));
    let grant = portal.grant(&alice).await;
    let refused = portal.ask(Some(made_up), Command::FaceStep(step(grant))).await;
    assert_eq!(refused.code, Code::DeviceMismatch, "{}", portal.row().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_before_the_code_opens_no_door() {
    let portal = Portal::open().await;
    let alice = portal.server.enrol("alice", "obama.jpg").await;
    portal.server.clock().advance_ms(MINUTE_MS);
    let step = PasswordStep::new(alice.username.clone(), alice.password.clone());
    let first = portal.ask(None, Command::PasswordStep(step)).await;
    let grant = first.body.grant.unwrap();
    let skipped = portal.last_step(&alice, grant, alice.face.clone(), None).await;
    assert_eq!(skipped.code, Code::Denied, "{}", portal.row().await);
    // A grant of one account is of no use for another.
    let bob = portal.server.enrol("bob", "biden.jpg").await;
    let of_bob = portal.grant(&bob).await;
    let foreign = portal.last_step(&alice, of_bob, alice.face.clone(), None).await;
    assert_eq!(foreign.code, Code::Denied, "{}", portal.row().await);
}

/// Only a gateway states the door. Elsewhere an account with a face has no steps.
#[tokio::test(flavor = "multi_thread")]
async fn the_steps_with_a_face_are_for_browsers_only() {
    let portal = Portal::open().await;
    let alice = portal.server.enrol("alice", "obama.jpg").await;
    let grant = portal.grant(&alice).await;
    let face = FaceStep::new(alice.username.clone(), grant).pictures([alice.face.clone()]);
    let password = PasswordStep::new(alice.username.clone(), alice.password.clone());
    for (command, code) in [
        (Command::FaceStep(face), Code::NotOffered),
        (Command::PasswordStep(password), Code::MoreNeeded),
    ] {
        let of_program = portal.gateway.send(PEER, command.clone()).await.unwrap();
        assert_eq!(of_program.code, code);
        let stated = format!(
            "{{\"door\":\"web\",{}",
            &String::from_utf8_lossy(command.to_json().expose())[1..]
        );
        assert_eq!(portal.server.raw().await.ask(&stated).await.code, code);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_of_a_browser_ends_with_its_key() {
    let portal = Portal::open().await;
    let alice = portal.server.enrol("alice", "obama.jpg").await;
    let browser = Browser::new();
    let grant = portal.grant(&alice).await;
    let mut step = FaceStep::new(alice.username.clone(), grant)
        .pictures([alice.face.clone()])
        .device_key(browser.key.key());
    step.device_name = Some(DeviceName::parse("browser").unwrap());
    let proof = browser.proof(&alice.username, portal.nonce().await);
    let signed_in = portal.ask(Some(proof), Command::FaceStep(step)).await;
    let token = token(&signed_in);
    assert_eq!(portal.check(token.clone()).await.code, Code::Ok);

    // Another device, which the browser adds, revokes the browser.
    let laptop = Browser::new();
    portal.server.clock().advance_ms(MINUTE_MS);
    let code = alice.code(portal.server.now());
    let mut bind =
        BindDevice::new(alice.username.clone(), alice.password.clone(), laptop.key.key());
    (bind.totp, bind.mac, bind.new_mac) = (Some(code), Some(browser.mac), Some(laptop.mac));
    let proof = browser.proof(&alice.username, portal.nonce().await);
    let bound = portal.ask(Some(proof), Command::BindDevice(bind)).await;
    assert_eq!(bound.code, Code::Ok, "{}", portal.row().await);

    let signed_in = portal.face_step(&alice, alice.face.clone(), Some(&browser)).await;
    let of_browser = self::token(&signed_in);
    portal.server.clock().advance_ms(MINUTE_MS);
    let code = alice.code(portal.server.now());
    let name = DeviceName::parse("browser").unwrap();
    let mut revoke = RevokeDevice::new(alice.username.clone(), alice.password.clone(), name);
    (revoke.totp, revoke.mac) = (Some(code), Some(laptop.mac));
    let proof = laptop.proof(&alice.username, portal.nonce().await);
    let revoked = portal.ask(Some(proof), Command::RevokeDevice(revoke)).await;
    assert_eq!(revoked.code, Code::Ok, "{}", portal.row().await);
    assert_eq!(portal.check(of_browser).await.code, Code::SignedOut);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_strict_profile_takes_the_key_of_a_browser() {
    let portal = Portal::with(|config| {
        config.auth.profile = Profile::Strict;
        config.auth.device_trust_on_first_use = true;
    })
    .await;
    let alice = portal.server.enrol("alice", "obama.jpg").await;
    let browser = Browser::new();
    let without = portal.face_step(&alice, alice.face.clone(), None).await;
    assert!(!without.is_ok(), "{}", portal.row().await);
    let first = portal.face_step(&alice, alice.face.clone(), Some(&browser)).await;
    assert_eq!(first.code, Code::Ok, "{}", portal.row().await);
    let second = portal.face_step(&alice, alice.face.clone(), Some(&browser)).await;
    assert_eq!(second.code, Code::Ok, "{}", portal.row().await);
    let row = portal.row().await;
    assert!(row.contains("device=match(key,web)"), "{row}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_that_does_not_hold_is_refused_even_without_a_key() {
    let portal = Portal::open().await;
    let alice = portal.server.enrol("alice", "obama.jpg").await;
    let mut elsewhere = Browser::new();
    elsewhere.origin = "https://auth.example.net".into();
    let refused = portal.face_step(&alice, alice.face.clone(), Some(&elsewhere)).await;
    assert_eq!(refused.code, Code::DeviceMismatch, "{}", portal.row().await);
    // Another address than the label of its key.
    let mut labelled = Browser::new();
    labelled.mac = alice.mac;
    let refused = portal.face_step(&alice, alice.face.clone(), Some(&labelled)).await;
    assert_eq!(refused.code, Code::DeviceMismatch, "{}", portal.row().await);
    // The control: no proof at all, and a right one.
    assert!(portal.face_step(&alice, alice.face.clone(), None).await.is_ok());
    let browser = Browser::new();
    assert!(portal.face_step(&alice, alice.face.clone(), Some(&browser)).await.is_ok());
}

/// Guesses of a stranger at the password lock out unknown devices, and not the known browser.
#[tokio::test(flavor = "multi_thread")]
async fn guesses_of_a_stranger_do_not_shut_out_a_known_browser() {
    let portal = Portal::with(|config| {
        config.attempts.unknown_device = 5;
        config.attempts.backoff_max_s = 0;
    })
    .await;
    let alice = portal.server.enrol("alice", "obama.jpg").await;
    let browser = Browser::new();
    let signed_in = portal.face_step(&alice, alice.face.clone(), Some(&browser)).await;
    assert_eq!(signed_in.code, Code::Ok);
    for _ in 0..6 {
        let guess = Secret::new("violet-Ox-43".to_owned());
        let guess = Command::PasswordStep(PasswordStep::new(alice.username.clone(), guess));
        portal.ask(None, guess).await;
    }
    let right = || {
        let step = PasswordStep::new(alice.username.clone(), alice.password.clone());
        Command::PasswordStep(step)
    };
    assert!(!portal.ask(None, right()).await.is_ok(), "the control");
    let proof = browser.proof(&alice.username, portal.nonce().await);
    assert_eq!(portal.ask(Some(proof), right()).await.code, Code::Ok, "{}", portal.row().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_of_a_browser_with_a_key_is_renewed() {
    let portal = Portal::open().await;
    let alice = portal.server.enrol("alice", "obama.jpg").await;
    let browser = Browser::new();
    let signed_in = portal.face_step(&alice, alice.face.clone(), Some(&browser)).await;
    portal.server.clock().advance_ms(60 * MINUTE_MS);
    let due = portal.check(token(&signed_in)).await;
    assert_eq!(due.code, Code::Ok, "{}", due.message);
    let renewed = token(&due);
    assert_ne!(renewed.expose(), token(&signed_in).expose());
    assert_eq!(portal.check(renewed).await.code, Code::Ok);
}

/// The key of a browser signs what the person has typed, and the server finds the account.
#[tokio::test(flavor = "multi_thread")]
async fn a_signed_address_proves_the_key_of_its_account_only() {
    let portal = Portal::with(|config| config.face.challenge = Some(ChallengeConfig::Off)).await;
    let register = portal.server.registration("alice", "obama.jpg").with(|register| {
        register.email = Email::parse("alice@example.org").ok();
    });
    let (alice, _) = portal.server.enrol_as(register).await;
    let browser = Browser::new();
    let signed_in = portal.face_step(&alice, alice.face.clone(), Some(&browser)).await;
    assert_eq!(signed_in.code, Code::Ok, "{}", portal.row().await);
    let address = Username::parse("alice@example.org").unwrap();
    let recover = async |name: &Username, signed: &Username, door: bool| {
        portal.server.clock().advance_ms(MINUTE_MS);
        let mut recover = alice.recover_totp(portal.server.now());
        (recover.username, recover.mac) = (name.clone(), Some(browser.mac));
        let command = Command::RecoverTotp(recover);
        if !door {
            return portal.gateway.send(PEER, command).await.unwrap().code;
        }
        let proof = browser.proof(signed, portal.nonce().await);
        portal.ask(Some(proof), command).await.code
    };
    // A program, where a name is a name, and a proof for another text than that of the command.
    let other = Username::parse("bob@example.org").unwrap();
    assert_eq!(recover(&address, &address, false).await, Code::Denied);
    assert_eq!(recover(&address, &other, true).await, Code::DeviceMismatch);
    assert_eq!(recover(&alice.username, &address, true).await, Code::DeviceMismatch);
    assert_eq!(recover(&address, &address, true).await, Code::Ok, "{}", portal.row().await);
    let row = portal.server.last_row().await;
    assert_eq!(row.username.as_deref(), Some("alice"));
    assert!(row.detail.contains("device=match(key,web)"), "{}", row.detail);
}
