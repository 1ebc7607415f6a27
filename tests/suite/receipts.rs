//! Receipts, with which a service verifies a login without asking the server.

use aws_lc_rs::hmac;
use data_encoding::BASE64URL_NOPAD;
use fourauth_client::{Identity, ReceiptError, ReceiptVerifier};
use fourauth_protocol::{
    answer::Answer,
    audience::Audience,
    command::{Command, Login},
    mac_address::MacAddress,
    receipt::{Method, Unreadable, VerifyingKey},
    secret::Secret,
    time::UnixMillis,
};
use fourauth_tests::{
    models::picture, persona::Persona, postgres, server::TestServer, with::With as _,
};
use std::{fs, os::unix::fs::PermissionsExt as _, sync::Arc};

/// The default of `auth.issuer`.
const ISSUER: &str = "4Auth-Authentication";

async fn alice() -> (TestServer, Persona) {
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    (server, alice)
}

/// The key that the server announces for its receipts.
async fn key_of(server: &TestServer) -> VerifyingKey {
    let hello = server.connect().await.hello().await.unwrap().granted().unwrap();
    VerifyingKey::parse(&hello.receipt_key.unwrap()).unwrap()
}

/// A service that trusts this server.
async fn service(server: &TestServer) -> ReceiptVerifier {
    ReceiptVerifier::new(key_of(server).await, ISSUER)
}

async fn log_in(server: &TestServer, login: Login) -> Answer {
    server.client().send_once(Command::Login(login)).await.unwrap()
}

/// The receipt of a successful login.
async fn receipt(server: &TestServer, person: &Persona) -> String {
    let answer = log_in(server, person.login(server.now())).await;
    answer.body.receipt.expect("a login returns a receipt").expose().clone()
}

#[tokio::test]
async fn a_service_verifies_a_login_offline() {
    let (server, alice) = alice().await;
    let (service, now) = (service(&server).await, server.now());
    let answer = log_in(&server, alice.login(now)).await;
    server.stop().await;

    let text = answer.body.receipt.unwrap();
    let receipt = service.verify(text.expose(), now).unwrap();
    assert_eq!((&receipt.username, receipt.issuer.as_str()), (&alice.username, ISSUER));
    assert_eq!((receipt.issued_at, Some(receipt.expires_at)), (now, answer.body.expires_at));
    assert_eq!(Some(receipt.request_id), answer.request_id);
    assert_eq!((receipt.device.mac, receipt.device.key_id), (alice.mac, None));
    assert_eq!((receipt.time.state.as_str(), receipt.time.error_ms), ("synced", Some(0)));
    let (pwd, otp) = (Method::Password, Method::OneTimeCode);
    assert_eq!(receipt.methods, [pwd, otp, Method::Face, Method::Several]);
    // The receipt identifies the session token that was issued with it.
    assert!(receipt.session.is_of(&answer.body.token.unwrap()));
    assert!(!receipt.session.is_of(&Secret::new("another".into())));
}

#[tokio::test]
async fn a_receipt_names_the_key_of_a_proven_device() {
    let (server, alice) = alice().await;
    let service = service(&server).await;
    let identity = Arc::new(Identity::generate().unwrap());
    let client = server.client().with_identity(Arc::clone(&identity));
    let first = alice.login(server.now()).with(|login| login.device_pubkey = Some(identity.key()));

    // Once for the login that binds the key, and once for a login that uses it.
    for minute in 0..2 {
        let now = server.now();
        let login = if minute == 0 { first.clone() } else { alice.login(now) };
        let session = client.connect().await.unwrap().login(login).await.unwrap();
        let text = session.granted().unwrap().receipt.unwrap();
        let receipt = service.verify(text.expose(), now).unwrap();
        assert_eq!(receipt.device.key_id, Some(identity.key().id()));
        assert!(receipt.methods.contains(&Method::DeviceKey), "{:?}", receipt.methods);
        server.clock().advance_ms(60_000);
    }
}

#[tokio::test]
async fn a_receipt_names_its_row_in_the_audit_tree() {
    let (server, alice) = alice().await;
    let text = receipt(&server, &alice).await;
    let receipt = service(&server).await.verify(&text, server.now()).unwrap();

    let row = server.last_row().await;
    assert_eq!((receipt.row, row.action.as_str(), row.success), (row.id, "login", true));
    assert!(row.detail.ends_with(&format!("request={}", receipt.request_id)), "{}", row.detail);
    let proof = server.server().store().inclusion_proof(receipt.row, receipt.tree_size).await;
    assert!(proof.unwrap().is_some(), "row {} of {}", receipt.row, receipt.tree_size);
}

#[tokio::test]
async fn a_receipt_names_its_row_on_postgresql() {
    let url = postgres::cluster().database().await;
    let server =
        TestServer::configured(|config| config.store.url = Some(url.parse().unwrap())).await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let text = receipt(&server, &alice).await;
    let receipt = service(&server).await.verify(&text, server.now()).unwrap();
    assert_eq!(receipt.row, server.last_row().await.id);
}

#[tokio::test]
async fn a_receipt_with_one_changed_byte_is_refused() {
    let (server, alice) = alice().await;
    let (text, service) = (receipt(&server, &alice).await, service(&server).await);
    assert!(service.verify(&text, server.now()).is_ok());
    for at in 0..text.len() {
        let mut changed = text.clone().into_bytes();
        changed[at] ^= 1;
        let changed = String::from_utf8(changed).unwrap();
        assert!(service.verify(&changed, server.now()).is_err(), "byte {at}");
    }
}

#[tokio::test]
async fn a_receipt_of_another_server_is_refused() {
    let ((server, alice), other) = (alice().await, TestServer::start().await);
    let text = receipt(&server, &alice).await;
    let named = key_of(&server).await.name();
    let refused = service(&other).await.verify(&text, server.now());
    assert_eq!(refused, Err(ReceiptError::OtherKey { named }));
    // A key with another issuer name does not verify it either.
    let renamed = ReceiptVerifier::new(key_of(&server).await, "Elsewhere");
    assert_eq!(renamed.verify(&text, server.now()), Err(ReceiptError::OtherIssuer));
}

#[tokio::test]
async fn a_receipt_cannot_choose_how_it_is_verified() {
    let (server, alice) = alice().await;
    let (text, service) = (receipt(&server, &alice).await, service(&server).await);
    let key = key_of(&server).await;
    let (header, rest) = text.split_once('.').unwrap();
    let payload = rest.split_once('.').unwrap().0;
    let header = String::from_utf8(BASE64URL_NOPAD.decode(header.as_bytes()).unwrap()).unwrap();
    let claiming = |algorithm: &str| {
        let header = header.replace("EdDSA", algorithm);
        format!("{}.{payload}", BASE64URL_NOPAD.encode(header.as_bytes()))
    };
    let refused = Err(ReceiptError::Unreadable(Unreadable));

    let signature = text.rsplit_once('.').unwrap().1;
    for text in [
        format!("{}.", claiming("none")),
        format!("{}.{signature}", claiming("none")),
        format!("{}.", claiming("EdDSA")),
    ] {
        assert_eq!(service.verify(&text, server.now()), refused, "{text}");
    }
    // The public key is not secret, so an attacker can compute a MAC with it (RFC 8725 §2.1).
    for secret in [key.as_bytes().as_slice(), key.to_string().as_bytes()] {
        let signed = claiming("HS256");
        let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
        let text = format!("{signed}.{}", BASE64URL_NOPAD.encode(mac.as_ref()));
        assert_eq!(service.verify(&text, server.now()), refused);
        // As long as a signature.
        let text = format!("{signed}.{}", BASE64URL_NOPAD.encode(&mac.as_ref().repeat(2)));
        assert_eq!(service.verify(&text, server.now()), refused);
    }
    // Control: the same parts form a valid receipt.
    assert!(service.verify(&format!("{}.{signature}", claiming("EdDSA")), server.now()).is_ok());
}

#[tokio::test]
async fn a_receipt_is_valid_only_for_the_audience_of_its_login() {
    let (server, alice) = alice().await;
    let [door, gate] = ["door", "gate"].map(|name| Audience::parse(name).unwrap());
    let login = alice.login(server.now()).with(|login| login.audience = Some(door.clone()));
    let text = log_in(&server, login).await.body.receipt.unwrap();
    let (service, now) = (service(&server).await, server.now());
    let refused = Err(ReceiptError::OtherAudience);
    assert_eq!(service.clone().for_audience(gate).verify(text.expose(), now), refused);
    assert_eq!(service.verify(text.expose(), now), refused);
    assert!(service.for_audience(door).verify(text.expose(), now).is_ok());
}

#[tokio::test]
async fn a_receipt_does_not_name_a_face_replaced_a_minute_ago() {
    let (server, alice) = alice().await;
    // An attacker with password and code, on an unknown device.
    let face = alice.recover_face(picture("biden.jpg"), server.now());
    let recover = Command::RecoverFace(face);
    assert!(server.client().send_once(recover).await.unwrap().is_ok());
    server.clock().advance_ms(60_000);
    let stranger = Persona { face: picture("biden.jpg"), ..alice };
    let text = receipt(&server, &stranger).await;
    let methods = service(&server).await.verify(&text, server.now()).unwrap().methods;
    assert_eq!(methods, [Method::Password, Method::OneTimeCode, Method::Several]);

    server.clock().advance_ms(86_400_000);
    let text = receipt(&server, &stranger).await;
    let methods = service(&server).await.verify(&text, server.now()).unwrap().methods;
    assert!(methods.contains(&Method::Face), "the new face counts after a day");
}

#[tokio::test]
async fn a_receipt_does_not_name_a_key_before_it_is_trusted() {
    let (server, alice) = alice().await;
    assert!(log_in(&server, alice.login(server.now())).await.is_ok());
    server.clock().advance_ms(60_000);
    // The account was used without a key, so this key may belong to an attacker.
    let identity = Arc::new(Identity::generate().unwrap());
    let client = server.client().with_identity(Arc::clone(&identity));
    let service = service(&server).await;
    let methods = async |login| {
        let answer = client.send_once(Command::Login(login)).await.unwrap();
        let text = answer.body.receipt.unwrap();
        service.verify(text.expose(), server.now()).unwrap().methods
    };
    let login = alice.login(server.now()).with(|login| login.device_pubkey = Some(identity.key()));
    assert!(!methods(login).await.contains(&Method::DeviceKey));
    server.clock().advance_ms(60_000);
    assert!(!methods(alice.login(server.now())).await.contains(&Method::DeviceKey));
    server.clock().advance_ms(86_400_000);
    assert!(methods(alice.login(server.now())).await.contains(&Method::DeviceKey));
}

#[tokio::test]
async fn a_receipt_expires_with_its_session() {
    let (server, alice) = alice().await;
    let (text, service) = (receipt(&server, &alice).await, service(&server).await);
    let end = server.now().saturating_add_ms(3_600_000);
    assert!(service.verify(&text, UnixMillis(end.0 - 1)).is_ok());
    assert_eq!(service.verify(&text, end), Err(ReceiptError::Expired { at: end }));
}

#[tokio::test]
async fn no_denial_and_no_recovery_carries_a_receipt() {
    let (server, alice) = alice().await;
    let right = alice.login(server.now());
    let new_mac = MacAddress::parse("00:1b:44:11:3a:ff").unwrap();
    for (command, is_granted) in [
        (
            Command::Login(right.clone().with(|login| login.password = Secret::new("no".into()))),
            false,
        ),
        (
            Command::Login(right.clone().with(|login| login.face = Some(picture("biden.jpg")))),
            false,
        ),
        (Command::Login(right.clone().with(|login| login.totp = None)), false),
        (Command::Login(right.clone().with(|login| login.mac = None)), false),
        (Command::ConfirmTotp(alice.confirm(server.now())), true),
        (Command::RecoverDevice(alice.recover_device(new_mac, server.now())), true),
        // The code is spent.
        (Command::Login(right), false),
    ] {
        let answer = server.client().send_once(command.clone()).await.unwrap();
        assert_eq!((answer.is_ok(), answer.body.receipt.is_some()), (is_granted, false));
    }
    let registered = Command::Register(server.registration("bob", "biden.jpg"));
    let answer = server.client().send_once(registered).await.unwrap();
    assert!(answer.is_ok() && answer.body.receipt.is_none());
}

#[tokio::test]
async fn the_receipt_key_is_created_once_and_is_private() {
    let server = TestServer::start().await;
    let (key, file) = (key_of(&server).await, server.folder().join("data/audit/receipts.key"));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_ne!(key, key_of(&TestServer::start().await).await);

    let (folder, text) = (server.stop().await, fs::read(&file).unwrap());
    let server = TestServer::start_in(folder, |_| {}).await;
    assert_eq!((key_of(&server).await, fs::read(&file).unwrap()), (key, text));
}
