//! Repeated attempts do not lead to a login, and attempts by others do not block an owner.

use fourauth_auth::profile::Profile;
use fourauth_client::{Client, Identity};
use fourauth_config::{AttemptsConfig, Config};
use fourauth_protocol::{
    answer::Answer,
    code::Code,
    command::{Command, Login, ReadAudit},
    device::DeviceName,
    mac_address::MacAddress,
    recovery_code::RecoveryCode,
    secret::Secret,
    username::Username,
};
use fourauth_server::server::{Server, TimeSource};
use fourauth_store::{Error, Lane, Target};
use fourauth_tests::{
    models::{self, picture},
    persona::Persona,
    server::{TestServer, quick, unlimited},
    with::With as _,
};
use fourauth_timekeeper::ManualClock;
use fourauthd::{command::user::UserCommand, local_store::LocalStore};
use futures_util::future::join_all;
use std::sync::Arc;

/// A server that locks an account to unknown devices after three failures.
fn strict_limits(config: &mut Config) {
    config.attempts = AttemptsConfig {
        unknown_device: 3,
        known_device: 2,
        backoff_max_s: 900,
        ..AttemptsConfig::default()
    };
}

/// A user that has logged in from here before, and has an unspent one-time code.
async fn alice_at_home(server: &TestServer) -> Persona {
    let alice = server.enrol("alice", "obama.jpg").await;
    assert_eq!(log_in(server, alice.login(server.now())).await.code, Code::Ok);
    server.clock().advance_ms(60_000);
    alice
}

async fn log_in(server: &TestServer, login: Login) -> Answer {
    server.client().send_once(Command::Login(login)).await.unwrap()
}

/// A wrong password for `username` from an unknown device.
fn guess(server: &TestServer, alice: &Persona, username: &str) -> Login {
    alice.login(server.now()).with(|login| {
        login.username = Username::parse(username).unwrap();
        login.password = Secret::new("violet-Ox-43".into());
        login.mac = MacAddress::parse("02:00:00:00:00:01").ok();
    })
}

/// Fails in the name of `alice` until the account is locked to unknown devices.
async fn lock_unknown_devices(server: &TestServer, alice: &Persona) {
    while log_in(server, guess(server, alice, "alice")).await.code != Code::Locked {
        server.clock().advance_ms(900_000);
    }
}

#[tokio::test]
async fn the_wait_doubles_also_for_an_unknown_account() {
    let server = TestServer::configured(strict_limits).await;
    let alice = alice_at_home(&server).await;
    for name in ["alice", "nobody"] {
        for wait in [1_000, 2_000] {
            assert_eq!(log_in(&server, guess(&server, &alice, name)).await.code, Code::Denied);
            let answer = log_in(&server, guess(&server, &alice, name)).await;
            assert_eq!((answer.code, answer.retry_after_ms), (Code::Throttled, Some(wait)));
            server.clock().advance_ms(i64::try_from(wait).unwrap());
        }
        assert_eq!(log_in(&server, guess(&server, &alice, name)).await.code, Code::Denied);
        let answer = log_in(&server, guess(&server, &alice, name)).await;
        assert_eq!((answer.code, answer.retry_after_ms), (Code::Locked, None), "{name}");
    }
}

#[tokio::test]
async fn failures_of_strangers_do_not_lock_the_owner_out() {
    let server = TestServer::configured(strict_limits).await;
    let alice = alice_at_home(&server).await;
    lock_unknown_devices(&server, &alice).await;
    assert_eq!(log_in(&server, alice.login(server.now())).await.code, Code::Ok);

    // Control: the limit also holds for a client that has every factor except a known device.
    server.clock().advance_ms(60_000);
    let stranger = MacAddress::parse("02:00:00:00:00:01").ok();
    let elsewhere = alice.login(server.now()).with(|login| login.mac = stranger);
    assert_eq!(log_in(&server, elsewhere).await.code, Code::Locked);
}

#[tokio::test]
async fn a_known_device_with_too_many_failures_counts_as_unknown() {
    let server = TestServer::configured(strict_limits).await;
    let alice = alice_at_home(&server).await;
    let wrong = alice.login(server.now()).with(|login| login.password = Secret::new("no".into()));
    for code in [Code::Denied, Code::Denied, Code::Denied, Code::Throttled] {
        assert_eq!(log_in(&server, wrong.clone()).await.code, code);
    }
}

/// A user with two devices that have keys: the first, and one with its own address and key.
async fn alice_with_two_devices(server: &TestServer) -> (Persona, Client, Persona, Client) {
    let alice = server.enrol("alice", "obama.jpg").await;
    let [phone, laptop] = [(); 2].map(|()| Arc::new(Identity::generate().unwrap()));
    let on_the_phone = server.client().with_identity(Arc::clone(&phone));
    let login = alice.login(server.now()).with(|login| login.device_pubkey = Some(phone.key()));
    assert!(on_the_phone.login_once(login).await.unwrap());
    server.clock().advance_ms(60_000);
    let mac = MacAddress::parse("02:11:22:33:44:55").unwrap();
    let bind = alice.bind_device(mac, laptop.key(), server.now());
    let bind = bind.with(|bind| bind.device_name = DeviceName::parse("laptop").ok());
    assert!(on_the_phone.send_once(Command::BindDevice(bind)).await.unwrap().is_ok());
    server.clock().advance_ms(60_000);
    let at_the_laptop = Persona { mac, ..alice.clone() };
    (alice, on_the_phone, at_the_laptop, server.client().with_identity(laptop))
}

fn wrong_password(login: Login) -> Login {
    login.with(|login| login.password = Secret::new("no".into()))
}

/// Fails on `device` until the server throttles or locks it.
async fn use_up(server: &TestServer, device: &Client, login: &Login) {
    for _ in 0..50 {
        let answer = device.send_once(Command::Login(login.clone())).await.unwrap();
        if answer.code == Code::Throttled || answer.code == Code::Locked {
            return;
        }
    }
    panic!("{} is never throttled", server.now());
}

#[tokio::test]
async fn failures_of_a_lost_device_lock_only_that_device() {
    let server = TestServer::configured(|config| config.attempts = AttemptsConfig::default()).await;
    let (alice, phone, lost, laptop) = alice_with_two_devices(&server).await;
    use_up(&server, &laptop, &wrong_password(lost.login(server.now()))).await;
    let answer = phone.send_once(Command::Login(alice.login(server.now()))).await.unwrap();
    assert_eq!(answer.code, Code::Ok);

    server.clock().advance_ms(60_000);
    let name = DeviceName::parse("laptop").unwrap();
    let revoke = Command::RevokeDevice(alice.revoke_device(name, server.now()));
    assert!(phone.send_once(revoke).await.unwrap().is_ok());
}

#[tokio::test]
async fn a_success_resets_the_lane_of_its_device() {
    let server = TestServer::configured(|config| {
        config.attempts = AttemptsConfig { known_device: 4, ..AttemptsConfig::default() };
    })
    .await;
    let (alice, phone, ..) = alice_with_two_devices(&server).await;
    use_up(&server, &phone, &wrong_password(alice.login(server.now()))).await;
    server.clock().advance_ms(60_000);
    assert!(phone.login_once(alice.login(server.now())).await.unwrap());
    // It is in its own lane again, where one failure causes no wait.
    server.clock().advance_ms(60_000);
    assert!(!phone.login_once(wrong_password(alice.login(server.now()))).await.unwrap());
    assert!(phone.login_once(alice.login(server.now())).await.unwrap());
}

#[tokio::test]
async fn a_success_without_a_face_resets_no_wrong_faces() {
    let server = TestServer::configured(|config| {
        config.attempts = AttemptsConfig { face_before_waiting: 2, face_wait_s: 30, ..unlimited() };
    })
    .await;
    let alice = alice_at_home(&server).await;
    let wrong = alice.login(server.now()).with(|login| login.face = Some(picture("biden.jpg")));
    for _ in 0..2 {
        assert_eq!(log_in(&server, wrong.clone()).await.code, Code::FaceMismatch);
    }
    let confirm = Command::ConfirmTotp(alice.confirm(server.now()));
    assert_eq!(server.client().send_once(confirm).await.unwrap().code, Code::Ok);
    assert_eq!(log_in(&server, alice.login(server.now())).await.code, Code::Throttled);
}

#[tokio::test]
async fn a_wrong_device_counts_as_a_failure() {
    let server = TestServer::configured(strict_limits).await;
    let alice = alice_at_home(&server).await;
    let stranger = MacAddress::parse("02:00:00:00:00:01").ok();
    let elsewhere = alice.login(server.now()).with(|login| login.mac = stranger);
    assert_eq!(log_in(&server, elsewhere.clone()).await.code, Code::DeviceMismatch);
    assert_eq!(log_in(&server, elsewhere).await.code, Code::Throttled);
}

#[tokio::test]
async fn a_spent_code_counts_as_a_wrong_one() {
    let server = TestServer::configured(|config| {
        config.attempts = AttemptsConfig { totp_in_a_minute: 3, ..unlimited() };
    })
    .await;
    let alice = server.enrol("alice", "obama.jpg").await;
    assert_eq!(log_in(&server, alice.login(server.now())).await.code, Code::Ok);
    let replay = Command::RecoverPassword(alice.recover_password("amber-Fox-17", server.now()));
    for code in [Code::Denied, Code::Denied, Code::Denied, Code::Throttled] {
        assert_eq!(server.client().send_once(replay.clone()).await.unwrap().code, code);
    }
    let rows = server.audit().await;
    assert!(rows.iter().any(|row| row.detail.contains(" totp=mismatch(spent) ")));
}

#[tokio::test]
async fn a_key_given_at_registration_uses_the_known_lane() {
    let server = TestServer::configured(strict_limits).await;
    let identity = Arc::new(Identity::generate().unwrap());
    let register = server.registration("alice", "obama.jpg");
    let register = register.with(|register| register.device_pubkey = Some(identity.key()));
    let (alice, _) = server.enrol_as(register).await;
    lock_unknown_devices(&server, &alice).await;
    let login = Command::Login(alice.login(server.now()));
    assert_eq!(server.client().send_once(login.clone()).await.unwrap().code, Code::Locked);
    let client = server.client().with_identity(identity);
    assert_eq!(client.send_once(login).await.unwrap().code, Code::Ok);
}

#[tokio::test]
async fn a_recovery_code_gives_one_login_from_an_unknown_device() {
    let server = TestServer::configured(strict_limits).await;
    let (alice, codes) = server.enrol_as(server.registration("alice", "obama.jpg")).await;
    let code = codes[0].clone();
    lock_unknown_devices(&server, &alice).await;
    let with = |code: &RecoveryCode| {
        alice.login(server.now()).with(|login| login.recovery_code = Some(code.clone()))
    };
    let made_up = RecoveryCode::from_bytes([7; 10]);
    assert_eq!(log_in(&server, with(&made_up)).await.code, Code::Locked);
    assert_eq!(log_in(&server, with(&code)).await.code, Code::Ok);
    server.clock().advance_ms(60_000);
    assert_eq!(log_in(&server, with(&code)).await.code, Code::RecoveryCodeMismatch);
}

#[tokio::test]
async fn a_recovery_code_works_when_every_lane_is_used_up() {
    let server = TestServer::configured(strict_limits).await;
    let (alice, codes) = server.enrol_as(server.registration("alice", "obama.jpg")).await;
    assert_eq!(log_in(&server, alice.login(server.now())).await.code, Code::Ok);
    server.clock().advance_ms(60_000);
    // A neighbour uses up the lane of the known place and the lane of unknown devices.
    let wrong = || wrong_password(alice.login(server.now()));
    while log_in(&server, wrong()).await.code != Code::Locked {
        server.clock().advance_ms(900_000);
    }
    assert_eq!(log_in(&server, alice.login(server.now())).await.code, Code::Locked);
    let recovery_code = Some(codes[0].clone());
    let login = alice.login(server.now()).with(|login| login.recovery_code = recovery_code);
    assert_eq!(log_in(&server, login).await.code, Code::Ok);
}

#[tokio::test]
async fn under_strict_a_wait_reveals_no_right_password() {
    let server = TestServer::configured(|config| {
        config.auth.profile = Profile::Strict;
        config.attempts = AttemptsConfig { unknown_device: 100, ..AttemptsConfig::default() };
    })
    .await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let mut waits = Vec::new();
    for name in ["alice", "nobody"] {
        server.clock().advance_ms(3_600_000 - server.now().0.rem_euclid(3_600_000));
        let guesser = Persona { username: Username::parse(name).unwrap(), ..alice.clone() };
        let mut told = Vec::new();
        for _ in 0..14 {
            let login = guesser.login(server.now());
            let login = login.with(|login| login.face = Some(picture("biden.jpg")));
            let answer = log_in(&server, login).await;
            let wait = i64::try_from(answer.retry_after_ms.unwrap_or(0)).unwrap();
            server.clock().advance_ms(wait);
            told.push((answer.code, wait));
        }
        waits.push(told);
    }
    assert_eq!(waits[0], waits[1]);
    // Control: five codes used up the minute, which is longer than the 16 s of the other waits.
    assert!(waits[0].contains(&(Code::Throttled, 45_000)), "{waits:?}");
}

#[tokio::test]
async fn failures_survive_a_restart_and_can_be_cleared() {
    let server = TestServer::configured(strict_limits).await;
    let alice = alice_at_home(&server).await;
    lock_unknown_devices(&server, &alice).await;
    let now = server.now();
    let folder = server.stop().await;

    let mut config = quick(folder.path());
    strict_limits(&mut config);
    let clock = TimeSource::Given(Arc::new(ManualClock::at(now)));
    let server = Server::start(&config, models::engine(), clock, now).await.unwrap();
    let target = Target::account(&alice.username);
    assert_eq!(server.store().tallies(target).await.unwrap().of(Lane::Unknown).failures, 3);

    let cleared = server.store().write(move |tx| Box::pin(tx.clear_failures(target)));
    assert!(cleared.await.map_err(|error: Error| error).unwrap());
    assert_eq!(server.store().tallies(target).await.unwrap().of(Lane::Unknown).failures, 0);
    server.stop().await;
}

/// Runs `fourauthd user …` while the server runs.
async fn run_locally(server: &TestServer, command: UserCommand) -> anyhow::Result<()> {
    let local = LocalStore::open(&quick(server.folder()), server.now()).await.unwrap();
    command.run(&local).await
}

#[tokio::test]
async fn unlocking_and_enabling_are_independent() {
    let server = TestServer::configured(strict_limits).await;
    let alice = alice_at_home(&server).await;
    lock_unknown_devices(&server, &alice).await;
    let username = || "alice".to_owned();
    let state = async || {
        let target = Target::account(&alice.username);
        let failures =
            server.server().store().tallies(target).await.unwrap().of(Lane::Unknown).failures;
        let user = server.server().store().user(&alice.username).await.unwrap().unwrap();
        (failures, user.disabled)
    };
    run_locally(&server, UserCommand::Disable { username: username() }).await.unwrap();
    assert_eq!(state().await, (3, true));

    run_locally(&server, UserCommand::Enable { username: username() }).await.unwrap();
    assert_eq!(state().await, (3, false), "enabling clears no failures");
    assert_eq!(server.last_row().await.action, "user_enable");
    let again =
        run_locally(&server, UserCommand::Enable { username: username() }).await.unwrap_err();
    assert!(again.to_string().contains("is not disabled"), "{again:#}");

    run_locally(&server, UserCommand::Disable { username: username() }).await.unwrap();
    run_locally(&server, UserCommand::Unlock { username: username() }).await.unwrap();
    assert_eq!(state().await, (0, true), "unlocking enables nothing");
    assert_eq!(server.last_row().await.action, "user_unlock");
}

#[tokio::test]
async fn five_wrong_codes_use_up_a_minute_on_a_known_device_too() {
    let server = TestServer::configured(|config| {
        config.attempts = AttemptsConfig { totp_in_a_minute: 5, ..unlimited() };
    })
    .await;
    let alice = alice_at_home(&server).await;
    let now = server.now();
    let wrong = alice.login(now).with(|login| login.totp = Some(alice.wrong_code(now)));
    for _ in 0..5 {
        assert_eq!(log_in(&server, wrong.clone()).await.code, Code::TotpMismatch);
    }
    assert_eq!(log_in(&server, alice.login(now)).await.code, Code::Throttled);
    server.clock().advance_ms(60_000);
    assert_eq!(log_in(&server, alice.login(server.now())).await.code, Code::Ok);
}

#[tokio::test]
async fn after_five_wrong_faces_each_attempt_waits() {
    let server = TestServer::configured(|config| {
        config.attempts = AttemptsConfig { face_before_waiting: 5, face_wait_s: 30, ..unlimited() };
    })
    .await;
    let alice = alice_at_home(&server).await;
    let right = alice.login(server.now());
    let faceless = right.clone().with(|login| login.face = None);
    let wrong = right.clone().with(|login| login.face = Some(picture("biden.jpg")));
    for _ in 0..5 {
        assert_eq!(log_in(&server, faceless.clone()).await.code, Code::NoFace);
        assert_eq!(log_in(&server, wrong.clone()).await.code, Code::FaceMismatch);
    }
    let answer = log_in(&server, right).await;
    assert_eq!((answer.code, answer.retry_after_ms), (Code::Throttled, Some(30_000)));
    server.clock().advance_ms(30_000);
    assert_eq!(log_in(&server, alice.login(server.now())).await.code, Code::Ok);
}

#[tokio::test]
async fn concurrent_guesses_are_limited_like_sequential_ones() {
    let examined = async |attempts: AttemptsConfig| {
        let server = TestServer::configured(|config| config.attempts = attempts).await;
        let alice = server.enrol("alice", "obama.jpg").await;
        let before = server.server().context().authenticator.work().hashes;
        let wrong = guess(&server, &alice, "alice");
        join_all((0..50).map(|_| log_in(&server, wrong.clone()))).await;
        server.server().context().authenticator.work().hashes - before
    };
    assert!(examined(AttemptsConfig { at_once: 5, backoff_max_s: 900, ..unlimited() }).await <= 5);
    assert!(examined(AttemptsConfig { unknown_device: 7, ..unlimited() }).await <= 7);
    // Control: without limits all fifty are examined.
    assert_eq!(examined(unlimited()).await, 50);
}

#[tokio::test]
async fn guesses_at_an_administrators_secret_are_throttled() {
    let server = TestServer::configured(strict_limits).await;
    let read = |secret: &Secret<String>| Command::ReadAudit(ReadAudit::newest(secret.clone()));
    let ask = async |secret| server.client().send_once(read(secret)).await.unwrap();
    let wrong = Secret::new("not an administrator's secret".to_owned());
    assert_eq!(ask(&wrong).await.code, Code::AdminDenied);
    let answer = ask(server.admin()).await;
    assert_eq!((answer.code, answer.retry_after_ms), (Code::Throttled, Some(1_000)));
    server.clock().advance_ms(1_000);
    assert_eq!(ask(server.admin()).await.code, Code::Ok);
    assert_eq!(ask(&wrong).await.code, Code::AdminDenied);
}

#[tokio::test]
async fn refusals_by_a_limit_are_counted_in_one_audit_row() {
    let server = TestServer::configured(strict_limits).await;
    let alice = alice_at_home(&server).await;
    let wrong = guess(&server, &alice, "alice");
    log_in(&server, wrong.clone()).await;
    let rows = server.audit().await.len();
    for _ in 0..20 {
        assert_eq!(log_in(&server, wrong.clone()).await.code, Code::Throttled);
    }
    assert_eq!(server.audit().await.len(), rows);

    server.clock().advance_ms(60_000);
    let now = server.now();
    assert_eq!(server.server().store().conclude_refusals(now).await, Ok(1));
    let row = server.last_row().await;
    assert_eq!((row.action.as_str(), row.username.as_deref()), ("limited", Some("alice")));
    assert!(row.detail.contains("command=login count=20"), "{}", row.detail);
    assert!(row.detail.contains("source=127.0.0.1"), "{}", row.detail);
}
