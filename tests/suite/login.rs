//! Command 100: four factors and a clock, in one round trip.

use fourauth_client::{Identity, Outcome};
use fourauth_protocol::{
    code::Code,
    command::{Command, Login},
    mac_address::MacAddress,
    picture::Picture,
    secret::Secret,
    time::UnixMillis,
    username::Username,
};
use fourauth_tests::{models::picture, persona::Persona, server::TestServer, with::With as _};
use serde_json::Value;
use std::{sync::Arc, time::Duration};

/// Code and message of a refusal.
type Refusal = (Code, String);

async fn refusal(server: &TestServer, login: Login) -> Refusal {
    match server.connect().await.login(login).await.unwrap() {
        Outcome::Granted(_) => panic!("granted"),
        Outcome::Refused(refusal) => (refusal.code, refusal.message),
    }
}

async fn alice() -> (TestServer, Persona) {
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    (server, alice)
}

#[tokio::test]
async fn another_photograph_of_the_same_person_is_accepted() {
    let (server, alice) = alice().await;

    let login = alice.login(server.now());
    let session = server.connect().await.login(login).await.unwrap().granted().unwrap();

    assert_eq!(session.expires_at, Some(server.now().saturating_add_ms(3_600_000)));
    let row = server.last_row().await;
    assert_eq!((row.action.as_str(), row.success), ("login", true));
    assert_eq!(row.username.as_deref(), Some("alice"));
    assert_eq!(row.ts_utc, server.now());
    assert!(row.detail.contains("password=match face=match"), "{}", row.detail);
}

/// The login as JSON, with this code and picture.
fn written(alice: &Persona, server: &TestServer, totp: &str, face: &str) -> String {
    let login = Command::Login(alice.login(server.now()));
    let mut json: Value = serde_json::from_slice(login.to_json().expose()).unwrap();
    json["totp"] = totp.into();
    json["faceID"] = face.into();
    json.to_string()
}

/// A picture as browsers and `base64` write it.
fn wrapped(picture: &Picture) -> String {
    let base64 = serde_json::to_value(picture).unwrap();
    let lines = base64.as_str().unwrap().as_bytes().chunks(76);
    let lines: Vec<_> = lines.map(|line| str::from_utf8(line).unwrap()).collect();
    format!("data:image/jpeg;base64,{}\r\n", lines.join("\r\n"))
}

#[tokio::test]
async fn a_grouped_code_and_a_data_url_are_accepted() {
    let (server, alice) = alice().await;
    let (code, face) = (alice.code(server.now()), wrapped(&alice.face));
    let (first, last) = code.as_str().split_at(3);
    let mut connection = server.raw().await;
    for (totp, face, expected) in [
        (format!("{first}  {last}"), face.clone(), Code::TotpMismatch),
        (format!("{first}.{last}"), face.clone(), Code::TotpMismatch),
        (format!("{first} {last}"), face.replace("image", "text"), Code::BadImage),
        (format!("{first} {last}"), face.replace(";base64", ""), Code::BadImage),
        (format!("{first} {last}"), face, Code::Ok),
    ] {
        let answer = connection.ask(&written(&alice, &server, &totp, &face)).await;
        assert_eq!(answer.code, expected, "{totp:?} {:?}", &face[..30]);
    }
}

#[tokio::test]
async fn a_failed_factor_is_named_if_the_password_is_right() {
    let (server, alice) = alice().await;
    let right = alice.login(server.now());
    let late = server.now().saturating_add_ms(-300_000);

    for (login, code, text) in [
        (
            right.clone().with(|login| login.face = Some(picture("biden.jpg"))),
            Code::FaceMismatch,
            "Face verification failed.",
        ),
        (
            right.clone().with(|login| login.totp = Some(alice.wrong_code(server.now()))),
            Code::TotpMismatch,
            "TOTP verification failed.",
        ),
        (
            right.clone().with(|login| login.mac = MacAddress::parse("00:1b:44:11:3a:b8").ok()),
            Code::DeviceMismatch,
            "Unauthorized device.",
        ),
        (
            right.clone().with(|login| login.client_ts_utc = Some(late)),
            Code::ClockSkew,
            "Time out of allowed window.",
        ),
        (
            right.clone().with(|login| login.client_ts_utc = None),
            Code::ClockSkew,
            "Time out of allowed window.",
        ),
        (right.clone().with(|login| login.face = None), Code::NoFace, "Face verification failed."),
        (
            right.clone().with(|login| login.totp = None),
            Code::TotpMismatch,
            "TOTP verification failed.",
        ),
        (
            right.clone().with(|login| login.mac = None),
            Code::DeviceMismatch,
            "Unauthorized device.",
        ),
    ] {
        assert_eq!(refusal(&server, login).await, (code, text.to_owned()));
        let row = server.last_row().await;
        assert!(!row.success && row.detail.starts_with(text), "{}", row.detail);
    }
    // No failure spent the code.
    assert!(server.client().login_once(right).await.unwrap());
}

#[tokio::test]
async fn no_factor_is_named_if_the_password_is_wrong() {
    let (server, alice) = alice().await;
    let wrong = alice.login(server.now()).with(|login| {
        login.password = Secret::new("violet-Ox-43".into());
        login.face = Some(picture("biden.jpg"));
        login.totp = None;
        login.mac = None;
        login.client_ts_utc = None;
    });
    let told = (Code::Denied, "Invalid username or password.".to_owned());
    assert_eq!(refusal(&server, wrong).await, told);
}

#[tokio::test]
async fn a_one_time_code_works_once() {
    let (server, alice) = alice().await;
    let login = alice.login(server.now());

    assert!(server.client().login_once(login.clone()).await.unwrap());
    let told = (Code::TotpMismatch, "TOTP verification failed.".to_owned());
    assert_eq!(refusal(&server, login).await, told);
}

#[tokio::test]
async fn the_code_before_a_spent_one_is_spent_too() {
    let (server, alice) = alice().await;
    let earlier = alice.login(server.now());
    server.clock().advance_ms(30_000);
    let later = alice.login(server.now());

    assert!(server.client().login_once(later.clone()).await.unwrap());
    let stale = earlier.with(|login| login.client_ts_utc = later.client_ts_utc);
    assert_eq!(refusal(&server, stale).await.0, Code::TotpMismatch);
}

#[tokio::test]
async fn a_code_one_step_ahead_opens_once_and_two_steps_never() {
    let (server, alice) = alice().await;
    let at = |ahead_ms| UnixMillis(server.now().0 + ahead_ms);
    let ahead = |ahead_ms| {
        alice.login(server.now()).with(|login| login.totp = Some(alice.code(at(ahead_ms))))
    };
    assert_eq!(refusal(&server, ahead(60_000)).await.0, Code::TotpMismatch);
    let fast = ahead(30_000);
    assert!(server.client().login_once(fast.clone()).await.unwrap());

    let now = refusal(&server, alice.login(server.now())).await;
    assert_eq!(now.0, Code::TotpMismatch, "the step before a spent one is spent");
    server.clock().advance_ms(30_000);
    let again = fast.with(|login| login.client_ts_utc = Some(server.now()));
    assert_eq!(refusal(&server, again).await.0, Code::TotpMismatch, "its own time has come");
    server.clock().advance_ms(30_000);
    assert!(server.client().login_once(alice.login(server.now())).await.unwrap());
}

#[tokio::test]
async fn confirming_a_code_and_logging_in_with_it_both_work_once() {
    let (server, alice) = alice().await;
    let mut connection = server.connect().await;

    let confirmed = connection.confirm_totp(alice.confirm(server.now())).await.unwrap();
    assert!(confirmed.granted().is_some());
    assert!(connection.login(alice.login(server.now())).await.unwrap().granted().is_some());

    let again = connection.confirm_totp(alice.confirm(server.now())).await.unwrap();
    assert!(again.granted().is_none());
    let again = connection.login(alice.login(server.now())).await.unwrap();
    assert!(again.granted().is_none());
}

#[tokio::test]
async fn a_bad_picture_among_good_ones_is_ignored() {
    let (server, alice) = alice().await;
    let login = alice.login(server.now()).with(|login| {
        login.face = None;
        login.faces = vec![picture("obama2.jpg"), picture("obama3.jpg"), picture("sample1.jpg")];
    });
    // Pictures of another person do not match.
    let strangers = login.clone().with(|login| login.faces = vec![picture("biden.jpg"); 3]);
    assert_eq!(refusal(&server, strangers).await.0, Code::FaceMismatch);

    let bad = fourauth_protocol::picture::Picture::new(b"not a picture".to_vec());
    let login =
        login.with(|login| login.faces = vec![picture("obama2.jpg"), picture("obama3.jpg"), bad]);
    assert!(server.client().login_once(login).await.unwrap());
}

#[tokio::test]
async fn a_disabled_account_looks_like_an_unknown_one() {
    let (server, alice) = alice().await;
    let account = server.server().store().user(&alice.username).await.unwrap().unwrap().id;
    let disabled = server
        .server()
        .store()
        .write(move |tx| Box::pin(async move { tx.set_disabled(account, true).await }));
    assert!(disabled.await.map_err(|error: fourauth_store::Error| error).unwrap());

    let told = (Code::Denied, "Invalid username or password.".to_owned());
    assert_eq!(refusal(&server, alice.login(server.now())).await, told);
    let unknown =
        alice.login(server.now()).with(|login| login.username = Username::parse("nobody").unwrap());
    assert_eq!(refusal(&server, unknown).await, told);
}

#[tokio::test]
async fn under_strict_every_denial_is_the_same() {
    let server = TestServer::configured(|config| {
        config.auth.profile = fourauth_auth::profile::Profile::Strict;
    })
    .await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let right = alice.login(server.now());
    let told = (Code::Denied, "Invalid username or password.".to_owned());
    for login in [
        right.clone().with(|login| login.face = Some(picture("biden.jpg"))),
        right.clone().with(|login| login.totp = None),
        right.clone().with(|login| login.mac = None),
        right.clone().with(|login| login.client_ts_utc = None),
        right.clone().with(|login| login.password = Secret::new("no".into())),
    ] {
        assert_eq!(refusal(&server, login).await, told);
    }
    // This profile does not accept an address alone: the first login must bring a key.
    assert_eq!(refusal(&server, right.clone()).await, told);
    let identity = Arc::new(Identity::generate().unwrap());
    let client = server.client().with_identity(Arc::clone(&identity));
    let first = right.with(|login| login.device_pubkey = Some(identity.key()));
    assert!(client.login_once(first).await.unwrap());
}

#[tokio::test]
async fn every_denial_takes_the_configured_time() {
    let server = TestServer::configured(|config| config.limits.denial_ms = 3000).await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let right = alice.login(server.now());
    for login in [
        right.clone().with(|login| login.password = Secret::new("no".into())),
        right.clone().with(|login| login.username = Username::parse("nobody").unwrap()),
        right.clone().with(|login| login.face = None),
    ] {
        let asked = tokio::time::Instant::now();
        refusal(&server, login).await;
        assert!(asked.elapsed() >= Duration::from_secs(3));
    }
    // Control: a granted login is not delayed.
    let asked = tokio::time::Instant::now();
    assert!(server.client().login_once(right).await.unwrap());
    assert!(asked.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn an_unreliable_clock_denies_every_login() {
    let (server, alice) = alice().await;
    server.clock().set_state(fourauth_timekeeper::State::Denied);
    let (code, text) = refusal(&server, alice.login(server.now())).await;
    assert_eq!((code, text.as_str()), (Code::TimeDegraded, "Time out of allowed window."));
    assert!(server.last_row().await.detail.contains("time=denied"));
}
