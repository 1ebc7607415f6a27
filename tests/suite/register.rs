//! Command 200: an administrator adds an account.

use fourauth_protocol::{
    answer::Answer,
    code::Code,
    command::{Command, Register},
    picture::Picture,
    recovery_code::RecoveryCode,
    secret::Secret,
};
use fourauth_tests::{models::picture, persona::Persona, server::TestServer, with::With as _};

async fn answer(server: &TestServer, register: Register) -> Answer {
    server.client().send_once(Command::Register(register)).await.unwrap()
}

#[tokio::test]
async fn a_new_account_gets_a_qr_code_and_its_uri() {
    let server = TestServer::start().await;
    let answer = answer(&server, server.registration("alice", "obama.jpg")).await;

    assert!(answer.is_ok());
    let uri = answer.body.provisioning_uri.unwrap();
    assert!(uri.expose().starts_with("otpauth://totp/4Auth-Authentication:alice?"));
    let png = data_encoding::BASE64.decode(answer.body.qr_png_b64.unwrap().expose().as_bytes());
    assert!(png.unwrap().starts_with(b"\x89PNG"));
    assert_eq!(answer.body.must_change, Some(true));
    assert_eq!(answer.body.face_quality.map(|quality| quality.pictures), Some(1));
    let row = server.last_row().await;
    assert!(row.detail.contains("admin=setup"), "{}", row.detail);
}

#[tokio::test]
async fn a_repeated_registration_is_refused_and_changes_nothing() {
    let server = TestServer::start().await;
    let register = server.registration("alice", "obama.jpg");
    let body = answer(&server, register.clone()).await.body;
    let again = answer(&server, register.clone()).await;
    assert_eq!((again.code, again.message.as_str()), (Code::Conflict, "Username already exists."));
    assert!(again.body.provisioning_uri.is_none() && again.body.recovery_codes.is_none());

    // The lost answer is still valid: its secret works for a login, its codes for a recovery.
    let (password, mac) = (register.password, register.mac.unwrap());
    let alice = Persona::new("alice", password, mac, &body.provisioning_uri.unwrap());
    assert!(server.client().login_once(alice.login(server.now())).await.unwrap());
    let mut recover = alice.recover_totp(server.now());
    recover.recovery_code = RecoveryCode::parse(body.recovery_codes.unwrap()[0].expose()).ok();
    let recovered = server.client().send_once(Command::RecoverTotp(recover)).await.unwrap();
    assert_eq!(recovered.code, Code::Ok);
}

#[tokio::test]
async fn a_lost_registration_answer_is_replaced_by_a_recovery() {
    let server = TestServer::start().await;
    // The answer was lost. The user knows the password and has the device.
    let alice = server.enrol("alice", "obama.jpg").await;
    let recover = Command::RecoverTotp(alice.recover_totp(server.now()));
    let answer = server.client().send_once(recover).await.unwrap();
    let uri = answer.body.provisioning_uri.unwrap();
    let alice = Persona::new("alice", alice.password, alice.mac, &uri);
    assert!(server.client().login_once(alice.login(server.now())).await.unwrap());
}

#[tokio::test]
async fn each_invalid_field_gets_its_documented_message() {
    let server = TestServer::start().await;
    let right = server.registration("alice", "obama.jpg");
    for (register, code, text) in [
        (
            right.clone().with(|register| register.admin_secret = Secret::new("a guess".into())),
            Code::AdminDenied,
            "Admin authorization failed.",
        ),
        (
            right.clone().with(|register| register.password = Secret::new("short".into())),
            Code::WeakPassword,
            "Weak password (min 8 chars and include uppercase/digit/special).",
        ),
        (
            right
                .clone()
                .with(|register| register.face = Some(Picture::new(b"no picture".to_vec()))),
            Code::BadImage,
            "Invalid face image.",
        ),
        (right.clone().with(|register| register.face = None), Code::NoFace, "Invalid face image."),
        (right.clone().with(|register| register.mac = None), Code::BadMac, "Invalid MAC address."),
    ] {
        let answer = answer(&server, register).await;
        assert_eq!((answer.code, answer.message.as_str()), (code, text));
        assert!(!server.last_row().await.success);
    }
    assert!(answer(&server, right.clone()).await.is_ok());
    let again = answer(&server, right).await;
    assert_eq!((again.code, again.message.as_str()), (Code::Conflict, "Username already exists."));
}

#[tokio::test]
async fn an_easy_password_is_refused_with_the_true_reason() {
    let server = TestServer::start().await;
    for (password, text) in [
        ("password1", "Weak password (too common or too easily guessed)."),
        ("Password1", "Weak password (too common or too easily guessed)."),
        (&*"violet-Ox-42".repeat(22), "Weak password (max 256 chars)."),
    ] {
        let register = server.registration("alice", "obama.jpg");
        let register = register.with(|it| it.password = Secret::new(password.to_owned()));
        let answer = answer(&server, register).await;
        assert_eq!((answer.code, answer.message.as_str()), (Code::WeakPassword, text));
        assert!(server.last_row().await.detail.starts_with(text));
    }
}

#[tokio::test]
async fn pictures_of_different_people_are_refused() {
    let server = TestServer::start().await;
    let faces = ["obama.jpg", "obama2.jpg", "biden.jpg"].map(picture).to_vec();
    let register = server.registration("alice", "obama.jpg").with(|register| {
        register.face = None;
        register.faces = faces;
    });
    assert_eq!(answer(&server, register).await.code, Code::FacesDisagree);
}

#[tokio::test]
async fn several_pictures_make_one_template() {
    let server = TestServer::start().await;
    let faces = ["obama.jpg", "obama2.jpg", "obama3.jpg"].map(picture).to_vec();
    let register = server.registration("alice", "obama.jpg").with(|register| {
        register.face = None;
        register.faces = faces;
    });
    let answer = answer(&server, register).await;
    assert_eq!(answer.body.face_quality.map(|quality| quality.pictures), Some(3));
}

#[tokio::test]
async fn of_a_hundred_registrations_of_one_name_one_succeeds() {
    let server = TestServer::start().await;
    let register = server.registration("alice", "obama.jpg");
    let clients: Vec<_> = (0..100)
        .map(|_| {
            let (client, register) = (server.client(), register.clone());
            tokio::spawn(
                async move { client.send_once(Command::Register(register)).await.unwrap() },
            )
        })
        .collect();
    let mut codes = Vec::new();
    for client in clients {
        codes.push(client.await.unwrap().code);
    }
    assert_eq!(codes.iter().filter(|code| **code == Code::Ok).count(), 1);
    assert_eq!(codes.iter().filter(|code| **code == Code::Conflict).count(), 99);
    assert_eq!(server.server().store().users(None, 500).await.unwrap().len(), 1);
}
