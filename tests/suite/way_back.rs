//! Recovery replaces one lost factor. A person with only some of the factors cannot use it to
//! replace the others one by one.

use fourauth_auth::profile::Profile;
use fourauth_client::Identity;
use fourauth_protocol::{
    answer::Answer, code::Code, command::Command, mac_address::MacAddress,
    recovery_code::RecoveryCode, secret::Secret,
};
use fourauth_store::{Event, Factor};
use fourauth_tests::{
    models::picture,
    persona::{Persona, key_of},
    server::TestServer,
    with::With as _,
};
use std::sync::Arc;

const DAY_MS: i64 = 86_400_000;

async fn ask(server: &TestServer, command: Command) -> Answer {
    server.client().send_once(command).await.unwrap()
}

/// Registers Alice and returns her with her recovery codes.
async fn alice_and_her_codes(server: &TestServer) -> (Persona, Vec<RecoveryCode>) {
    server.enrol_as(server.registration("alice", "obama.jpg")).await
}

/// Replaces the one-time code secret from an unknown device.
async fn new_secret(server: &TestServer, alice: &Persona) -> Persona {
    let answer = ask(server, Command::RecoverTotp(alice.recover_totp(server.now()))).await;
    Persona { key: key_of(&answer.body.provisioning_uri.unwrap()), ..alice.clone() }
}

fn new_password(server: &TestServer, alice: &Persona) -> Command {
    Command::RecoverPassword(alice.recover_password("amber-Fox-17", server.now()))
}

#[tokio::test]
async fn a_factor_changed_on_an_unknown_device_settles_for_a_day() {
    let server = TestServer::start().await;
    let (alice, _) = alice_and_her_codes(&server).await;
    let renewed = new_secret(&server, &alice).await;
    let answer = ask(&server, new_password(&server, &renewed)).await;
    assert_eq!(answer.code, Code::CoolingDown);
    assert_eq!(answer.retry_after_ms, u64::try_from(DAY_MS).ok());

    // A login with the new secret does not make the device known or bind a trusted key either.
    let identity = Arc::new(Identity::generate().unwrap());
    let login =
        renewed.login(server.now()).with(|login| login.device_pubkey = Some(identity.key()));
    let client = server.client().with_identity(identity);
    assert!(client.login_once(login).await.unwrap());
    server.clock().advance_ms(60_000);
    assert_eq!(ask(&server, new_password(&server, &renewed)).await.code, Code::CoolingDown);

    server.clock().advance_ms(DAY_MS);
    assert_eq!(ask(&server, new_password(&server, &renewed)).await.code, Code::Ok);
}

#[tokio::test]
async fn an_answer_says_until_when_a_factor_settles() {
    let server = TestServer::start().await;
    let (alice, _) = alice_and_her_codes(&server).await;
    let answer = ask(&server, Command::RecoverTotp(alice.recover_totp(server.now()))).await;
    assert_eq!(answer.body.settles_at, Some(server.now().saturating_add_ms(DAY_MS)));
    let bob = server.enrol("bob", "obama.jpg").await;
    let client = server.client().with_identity(first_key(&server, &bob).await);
    let trusted = Command::RecoverTotp(bob.recover_totp(server.now()));
    assert_eq!(client.send_once(trusted).await.unwrap().body.settles_at, None);
}

#[tokio::test]
async fn a_proven_device_key_skips_the_wait() {
    let server = TestServer::start().await;
    let (alice, _) = alice_and_her_codes(&server).await;
    let client = server.client().with_identity(first_key(&server, &alice).await);
    let answer = client.send_once(Command::RecoverTotp(alice.recover_totp(server.now()))).await;
    let key = key_of(&answer.unwrap().body.provisioning_uri.unwrap());
    let renewed = Persona { key, ..alice };
    let answer = client.send_once(new_password(&server, &renewed)).await.unwrap();
    assert_eq!(answer.code, Code::Ok);
}

/// Logs in and binds the account's first key.
async fn first_key(server: &TestServer, alice: &Persona) -> Arc<Identity> {
    let identity = Arc::new(Identity::generate().unwrap());
    let login = alice.login(server.now()).with(|login| login.device_pubkey = Some(identity.key()));
    let client = server.client().with_identity(Arc::clone(&identity));
    assert!(client.login_once(login).await.unwrap());
    server.clock().advance_ms(60_000);
    identity
}

#[tokio::test]
async fn a_known_place_does_not_shorten_the_wait() {
    let server = TestServer::start().await;
    let (alice, _) = alice_and_her_codes(&server).await;
    assert!(server.client().login_once(alice.login(server.now())).await.unwrap());
    // A neighbour at the same address has copied the MAC address.
    let renewed = new_secret(&server, &alice).await;
    assert_eq!(ask(&server, new_password(&server, &renewed)).await.code, Code::CoolingDown);
}

#[tokio::test]
async fn the_first_key_of_an_account_in_use_waits_a_day() {
    let server = TestServer::start().await;
    let (alice, _) = alice_and_her_codes(&server).await;
    assert!(server.client().login_once(alice.login(server.now())).await.unwrap());
    server.clock().advance_ms(60_000);
    let client = server.client().with_identity(first_key(&server, &alice).await);
    let recover = async || {
        let command = Command::RecoverTotp(alice.recover_totp(server.now()));
        client.send_once(command).await.unwrap().body.provisioning_uri.unwrap()
    };
    let renewed = Persona { key: key_of(&recover().await), ..alice.clone() };
    let answer = client.send_once(new_password(&server, &renewed)).await.unwrap();
    assert_eq!(answer.code, Code::CoolingDown);
    server.clock().advance_ms(DAY_MS);
    let renewed = Persona { key: key_of(&recover().await), ..alice.clone() };
    let answer = client.send_once(new_password(&server, &renewed)).await.unwrap();
    assert_eq!(answer.code, Code::Ok);
}

#[tokio::test]
async fn a_recovery_code_is_spent_on_a_trusted_device_too() {
    let server = TestServer::start().await;
    let (alice, codes) = alice_and_her_codes(&server).await;
    let client = server.client().with_identity(first_key(&server, &alice).await);
    let recover = async |code: &RecoveryCode| {
        let mut command = alice.recover_totp(server.now());
        command.recovery_code = Some(code.clone());
        client.send_once(Command::RecoverTotp(command)).await.unwrap().code
    };
    let made_up = RecoveryCode::from_bytes([7; 10]);
    assert_eq!(recover(&made_up).await, Code::RecoveryCodeMismatch);
    assert_eq!(recover(&codes[0]).await, Code::Ok);
    assert_eq!(recover(&codes[0]).await, Code::RecoveryCodeMismatch);
}

#[tokio::test]
async fn a_recovery_code_ends_the_wait_of_an_earlier_factor() {
    let server = TestServer::start().await;
    let (alice, codes) = alice_and_her_codes(&server).await;
    let row = async |password: &str| {
        server.clock().advance_ms(60_000);
        let alice = Persona { password: Secret::new(password.to_owned()), ..alice.clone() };
        let login = Command::Login(alice.login(server.now()));
        assert_eq!(ask(&server, login).await.code, Code::Ok);
        server.last_row().await.detail
    };
    assert_eq!(ask(&server, new_password(&server, &alice)).await.code, Code::Ok);
    let waiting = row("amber-Fox-17").await;
    assert!(waiting.contains(" settling=password "), "{waiting}");
    server.clock().advance_ms(60_000);
    let mut recover = alice.recover_password("amber-Fox-18", server.now());
    recover.recovery_code = Some(codes[0].clone());
    assert_eq!(ask(&server, Command::RecoverPassword(recover)).await.code, Code::Ok);
    let trusted = row("amber-Fox-18").await;
    assert!(!trusted.contains("settling="), "{trusted}");
}

#[tokio::test]
async fn a_wrong_recovery_code_counts_as_a_failure() {
    let server = TestServer::configured(|config| config.attempts.backoff_max_s = 900).await;
    let (alice, _) = alice_and_her_codes(&server).await;
    let mut command = alice.recover_totp(server.now());
    command.recovery_code = Some(RecoveryCode::from_bytes([7; 10]));
    let command = Command::RecoverTotp(command);
    assert_eq!(ask(&server, command.clone()).await.code, Code::RecoveryCodeMismatch);
    assert_eq!(ask(&server, command).await.code, Code::Throttled);
}

#[tokio::test]
async fn an_answer_repeated_without_a_code_must_settle() {
    let server = TestServer::start().await;
    let (alice, codes) = alice_and_her_codes(&server).await;
    let mut command = alice.recover_totp(server.now());
    command.recovery_code = Some(codes[0].clone());
    assert!(ask(&server, Command::RecoverTotp(command)).await.is_ok());
    // From the same address, with the copied MAC address, and without a recovery code.
    let stolen = new_secret(&server, &alice).await;
    assert_eq!(ask(&server, new_password(&server, &stolen)).await.code, Code::CoolingDown);
}

#[tokio::test]
async fn a_replaced_device_makes_its_old_place_unknown() {
    let server = TestServer::configured(|config| config.attempts.backoff_max_s = 900).await;
    let (alice, _) = alice_and_her_codes(&server).await;
    assert!(server.client().login_once(alice.login(server.now())).await.unwrap());
    server.clock().advance_ms(60_000);
    let mac = MacAddress::parse("02:11:22:33:44:55").unwrap();
    let recover = Command::RecoverDevice(alice.recover_device(mac, server.now()));
    assert!(ask(&server, recover).await.is_ok());
    let wrong = alice.login(server.now()).with(|login| login.password = "no".to_owned().into());
    for code in [Code::Denied, Code::Throttled] {
        assert_eq!(ask(&server, Command::Login(wrong.clone())).await.code, code);
    }
}

#[tokio::test]
async fn an_answer_is_not_repeated_to_another_device() {
    let server = TestServer::start().await;
    let (alice, _) = alice_and_her_codes(&server).await;
    let identity = first_key(&server, &alice).await;
    let phone = Arc::new(Identity::generate().unwrap());
    let client = server.client().with_identity(Arc::clone(&identity));
    let bind = Command::BindDevice(alice.bind_device(alice.mac, phone.key(), server.now()));
    assert!(client.send_once(bind).await.unwrap().is_ok());
    let uri = async |identity: &Arc<Identity>| {
        let client = server.client().with_identity(Arc::clone(identity));
        let command = Command::RecoverTotp(alice.recover_totp(server.now()));
        let answer = client.send_once(command).await.unwrap();
        answer.body.provisioning_uri.unwrap().expose().clone()
    };
    let first = uri(&identity).await;
    assert_eq!(uri(&identity).await, first, "the same device gets the same answer");
    assert_ne!(uri(&phone).await, first);
}

#[tokio::test]
async fn a_device_recovered_elsewhere_waits_like_an_unknown_one() {
    let server = TestServer::start().await;
    let (alice, _) = alice_and_her_codes(&server).await;
    assert!(server.client().login_once(alice.login(server.now())).await.unwrap());
    server.clock().advance_ms(60_000);

    // An attacker with every factor binds their own key.
    let identity = Arc::new(Identity::generate().unwrap());
    let client = server.client().with_identity(Arc::clone(&identity));
    let mut device = alice.recover_device(alice.mac, server.now());
    device.new_device_pubkey = Some(identity.key());
    assert!(client.send_once(Command::RecoverDevice(device)).await.unwrap().is_ok());
    let answer =
        client.send_once(Command::RecoverTotp(alice.recover_totp(server.now()))).await.unwrap();
    assert_eq!(answer.code, Code::CoolingDown);

    server.clock().advance_ms(DAY_MS);
    let answer =
        client.send_once(Command::RecoverTotp(alice.recover_totp(server.now()))).await.unwrap();
    assert_eq!(answer.code, Code::Ok);
}

#[tokio::test]
async fn a_recovery_code_replaces_a_known_device_once() {
    let server = TestServer::start().await;
    let (alice, codes) = alice_and_her_codes(&server).await;
    assert_eq!(codes.len(), 10);
    let renewed = new_secret(&server, &alice).await;
    let mut command = renewed.recover_password("amber-Fox-17", server.now());
    command.recovery_code = Some(codes[0].clone());
    assert_eq!(ask(&server, Command::RecoverPassword(command.clone())).await.code, Code::Ok);

    server.clock().advance_ms(60_000);
    command.totp = Some(renewed.code(server.now()));
    command.client_ts_utc = Some(server.now());
    let again = ask(&server, Command::RecoverPassword(command.clone())).await;
    assert_eq!(again.code, Code::RecoveryCodeMismatch);
    // The refused command spent nothing.
    command.recovery_code = Some(codes[1].clone());
    assert_eq!(ask(&server, Command::RecoverPassword(command)).await.code, Code::Ok);
}

#[tokio::test]
async fn under_strict_every_recovery_needs_a_recovery_code() {
    let server = TestServer::configured(|config| config.auth.profile = Profile::Strict).await;
    let register = server.registration("alice", "obama.jpg");
    let identity = Arc::new(Identity::generate().unwrap());
    let (password, mac) = (register.password.clone(), register.mac.unwrap());
    let register = register.with(|register| register.device_pubkey = Some(identity.key()));
    let body = ask(&server, Command::Register(register)).await.body;
    let alice = Persona::new("alice", password, mac, &body.provisioning_uri.unwrap());
    let client = server.client().with_identity(identity);
    let mut command = alice.recover_totp(server.now());
    for made_up in [None, Some(RecoveryCode::from_bytes([7; 10]))] {
        command.recovery_code = made_up;
        let refused = client.send_once(Command::RecoverTotp(command.clone())).await.unwrap();
        assert_eq!(refused.code, Code::RecoveryCodeMismatch);
    }
    command.recovery_code = RecoveryCode::parse(body.recovery_codes.unwrap()[3].expose()).ok();
    assert!(client.send_once(Command::RecoverTotp(command)).await.unwrap().is_ok());
}

#[tokio::test]
async fn a_lost_answer_is_repeated_for_a_minute() {
    let server = TestServer::start().await;
    let (alice, _) = alice_and_her_codes(&server).await;
    let uri = async || {
        let command = Command::RecoverTotp(alice.recover_totp(server.now()));
        ask(&server, command).await.body.provisioning_uri.unwrap().expose().clone()
    };
    let first = uri().await;
    server.clock().advance_ms(59_999);
    assert_eq!(uri().await, first);
    server.clock().advance_ms(1);
    assert_ne!(uri().await, first);
}

#[tokio::test]
async fn an_answer_is_not_repeated_once_its_secret_was_used() {
    let server = TestServer::start().await;
    let (alice, _) = alice_and_her_codes(&server).await;
    let renewed = new_secret(&server, &alice).await;
    assert!(server.client().login_once(renewed.login(server.now())).await.unwrap());
    let again = new_secret(&server, &alice).await;
    assert_ne!(again.key.as_bytes(), renewed.key.as_bytes());
}

#[tokio::test]
async fn owners_are_notified_of_security_events() {
    let server = TestServer::start().await;
    let (alice, _) = alice_and_her_codes(&server).await;
    let events = async || {
        let notices = server.server().store().notices(100).await.unwrap();
        notices.into_iter().map(|notice| notice.event).collect::<Vec<_>>()
    };
    let half_way = alice.login(server.now()).with(|login| login.totp = None);
    for _ in 0..3 {
        assert!(!server.client().login_once(half_way.clone()).await.unwrap());
    }
    assert_eq!(events().await, [Event::PasswordUsedElsewhere], "one notice for three attempts");
    new_secret(&server, &alice).await;
    assert_eq!(events().await, [Event::PasswordUsedElsewhere, Event::TotpReplaced]);
}

#[tokio::test]
async fn owners_are_notified_of_a_login_with_a_settling_factor() {
    let server = TestServer::start().await;
    let (alice, _) = alice_and_her_codes(&server).await;
    let face = alice.recover_face(picture("biden.jpg"), server.now());
    assert!(ask(&server, Command::RecoverFace(face)).await.is_ok());
    server.clock().advance_ms(60_000);
    let stranger = Persona { face: picture("biden.jpg"), ..alice };
    assert!(server.client().login_once(stranger.login(server.now())).await.unwrap());
    let row = server.last_row().await;
    assert!(row.detail.contains(" settling=face "), "{}", row.detail);
    let notices = server.server().store().notices(100).await.unwrap();
    let events: Vec<_> = notices.into_iter().map(|notice| notice.event).collect();
    let settling = Event::LoginWithSettlingFactor { factors: vec![Factor::Face] };
    assert_eq!(events, [Event::FaceReplaced, settling]);
}
