//! Commands 300–330: each factor is replaced by proving the others. The old one is then invalid.

use fourauth_client::Outcome;
use fourauth_protocol::{code::Code, mac_address::MacAddress, picture::Picture, secret::Secret};
use fourauth_tests::{
    models::picture,
    persona::{Persona, key_of},
    server::TestServer,
    with::With as _,
};

async fn alice() -> (TestServer, Persona) {
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    (server, alice)
}

/// True if the user can log in with their current factors, with a fresh one-time code.
async fn can_log_in(server: &TestServer, person: &Persona) -> bool {
    server.clock().advance_ms(60_000);
    server.client().login_once(person.login(server.now())).await.unwrap()
}

fn refusal<T>(outcome: Outcome<T>) -> (Code, String) {
    match outcome {
        Outcome::Granted(_) => panic!("granted"),
        Outcome::Refused(refusal) => (refusal.code, refusal.message),
    }
}

#[tokio::test]
async fn a_new_totp_secret_replaces_the_old_one() {
    let (server, alice) = alice().await;
    let command = alice.recover_totp(server.now());
    let new = server.connect().await.recover_totp(command).await.unwrap().granted().unwrap();
    let renewed = Persona { key: key_of(&new.provisioning_uri), ..alice.clone() };

    assert!(!can_log_in(&server, &alice).await);
    assert!(can_log_in(&server, &renewed).await);
    assert!(server.audit().await.iter().any(|row| row.action == "recover_totp" && row.success));
}

#[tokio::test]
async fn a_new_password_replaces_the_old_one() {
    let (server, alice) = alice().await;
    let command = alice.recover_password("amber-Fox-17", server.now());
    assert!(server.connect().await.recover_password(command).await.unwrap().granted().is_some());
    let renewed = Persona { password: Secret::new("amber-Fox-17".into()), ..alice.clone() };

    assert!(!can_log_in(&server, &alice).await);
    assert!(can_log_in(&server, &renewed).await);
}

#[tokio::test]
async fn a_new_face_replaces_the_old_one() {
    let (server, alice) = alice().await;
    let command = alice.recover_face(picture("biden.jpg"), server.now());
    assert!(server.connect().await.recover_face(command).await.unwrap().granted().is_some());
    let renewed = Persona { face: picture("biden.jpg"), ..alice.clone() };

    assert!(!can_log_in(&server, &alice).await);
    assert!(can_log_in(&server, &renewed).await);
}

#[tokio::test]
async fn a_new_device_replaces_the_old_one() {
    let (server, alice) = alice().await;
    let mac = MacAddress::parse("00-1B-44-11-3A-FF").unwrap();
    let command = alice.recover_device(mac, server.now());
    assert!(server.connect().await.recover_device(command).await.unwrap().granted().is_some());
    let renewed = Persona { mac, ..alice.clone() };

    assert!(!can_log_in(&server, &alice).await);
    assert!(can_log_in(&server, &renewed).await);
    assert!(server.audit().await.iter().any(|row| row.action == "recover_mac" && row.success));
}

#[tokio::test]
async fn a_recovery_without_one_of_its_factors_changes_nothing() {
    let (server, alice) = alice().await;
    let now = server.now();
    let mut connection = server.connect().await;
    let stranger = Some(picture("biden.jpg"));

    let totp = alice.recover_totp(now);
    let answer =
        connection.recover_totp(totp.clone().with(|recover| recover.face = stranger.clone()));
    assert_eq!(refusal(answer.await.unwrap()).1, "Face verification failed.");
    let answer = connection.recover_totp(totp.clone().with(|recover| recover.mac = None));
    assert_eq!(refusal(answer.await.unwrap()).1, "Unauthorized device.");
    let answer =
        connection.recover_totp(totp.with(|recover| recover.password = Secret::new("no".into())));
    assert_eq!(refusal(answer.await.unwrap()).1, "Invalid credentials.");

    let password = alice.recover_password("amber-Fox-17", now);
    let answer = connection.recover_password(
        password.clone().with(|recover| recover.totp = Some(alice.wrong_code(now))),
    );
    assert_eq!(refusal(answer.await.unwrap()).1, "TOTP verification failed.");
    let answer =
        connection.recover_password(password.with(|recover| recover.face = stranger.clone()));
    assert_eq!(refusal(answer.await.unwrap()).1, "Face verification failed.");

    let face = alice.recover_face(picture("biden.jpg"), now);
    let answer = connection.recover_face(face.with(|recover| recover.client_ts_utc = None));
    assert_eq!(refusal(answer.await.unwrap()).1, "Time out of allowed window.");

    let device = alice.recover_device(MacAddress::parse("00:1b:44:11:3a:ff").unwrap(), now);
    let answer = connection.recover_device(device.with(|recover| recover.face = stranger));
    assert_eq!(refusal(answer.await.unwrap()).1, "Face verification failed.");

    assert!(can_log_in(&server, &alice).await);
}

#[tokio::test]
async fn a_bad_replacement_is_refused_and_spends_no_code() {
    let (server, alice) = alice().await;
    let now = server.now();
    let mut connection = server.connect().await;

    let weak = connection.recover_password(alice.recover_password("password", now));
    assert_eq!(
        refusal(weak.await.unwrap()),
        (
            Code::WeakPassword,
            "Weak password (min 8 chars and include uppercase/digit/special).".into()
        )
    );
    let no_picture = alice.recover_face(Picture::new(b"GIF89a".to_vec()), now);
    let answer = connection.recover_face(no_picture).await.unwrap();
    assert_eq!(refusal(answer), (Code::BadImage, "Invalid new face image.".into()));
    let no_address = alice.recover_device(alice.mac, now).with(|recover| recover.new_mac = None);
    assert_eq!(refusal(connection.recover_device(no_address).await.unwrap()).0, Code::BadMac);

    assert!(connection.login(alice.login(now)).await.unwrap().granted().is_some());
}

#[tokio::test]
async fn a_code_spent_on_a_recovery_cannot_log_in() {
    let (server, alice) = alice().await;
    let now = server.now();
    let command = alice.recover_password("amber-Fox-17", now);
    assert!(server.connect().await.recover_password(command).await.unwrap().granted().is_some());

    let login = alice.login(now).with(|login| login.password = Secret::new("amber-Fox-17".into()));
    assert!(!server.client().login_once(login).await.unwrap());
}

#[tokio::test]
async fn replacing_a_factor_ends_the_sessions() {
    let (server, alice) = alice().await;
    assert!(server.client().login_once(alice.login(server.now())).await.unwrap());
    let store = server.server().store();
    let account = store.user(&alice.username).await.unwrap().unwrap().id;
    assert_eq!(store.sessions_of(account, server.now()).await, Ok(1));

    let command = alice.recover_totp(server.now());
    assert!(server.connect().await.recover_totp(command).await.unwrap().granted().is_some());
    assert_eq!(store.sessions_of(account, server.now()).await, Ok(0));
}
