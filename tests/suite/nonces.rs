//! A client without a TLS exporter proves its device with a nonce that one connection can use.

use crate::devices::{alice_with_a_key, device, log_in};
use data_encoding::{BASE64, HEXLOWER};
use fourauth_auth::profile::Profile;
use fourauth_client::Identity;
use fourauth_protocol::{
    code::Code,
    command::{Authorise, Command, ProveDevice},
    device::{Binding, DeviceNonce, message},
};
use fourauth_tests::{persona::Persona, raw::RawConnection, server::TestServer, with::With as _};
use std::sync::Arc;

const TEN_MINUTES_MS: i64 = 600_000;

/// The nonce that this connection receives.
async fn nonce(connection: &mut RawConnection) -> DeviceNonce {
    let hello = connection.ask(r#"{"cmd":"190"}"#).await;
    DeviceNonce::parse(&hello.body.server.unwrap().device_nonce.unwrap()).unwrap()
}

/// A proof over the certificate and `nonce` that does not quote the nonce.
fn silent(
    server: &TestServer,
    person: &Persona,
    identity: &Identity,
    nonce: DeviceNonce,
) -> ProveDevice {
    let certificate = server.server().fingerprint().replace(':', "").to_lowercase();
    let certificate = HEXLOWER.decode(certificate.as_bytes()).unwrap();
    let channel = [&certificate[..], nonce.as_bytes()].concat();
    let signature = identity.sign(&message(&channel, &person.username, person.mac));
    ProveDevice::new(person.username.clone(), identity.key().id(), signature).with(|proof| {
        proof.mac = Some(person.mac);
        proof.binding = Binding::Certificate;
    })
}

/// A proof that quotes its nonce.
fn quoting(
    server: &TestServer,
    person: &Persona,
    identity: &Identity,
    nonce: DeviceNonce,
) -> ProveDevice {
    silent(server, person, identity, nonce).nonce(nonce)
}

async fn send(connection: &mut RawConnection, command: &Command) -> Code {
    connection.send_payload(command.to_json().expose()).await;
    connection.answer().await.unwrap().code
}

/// The code of a login after this proof on this connection.
async fn log_in_with(
    server: &TestServer,
    connection: &mut RawConnection,
    alice: &Persona,
    proof: ProveDevice,
) -> Code {
    server.clock().advance_ms(60_000);
    assert_eq!(send(connection, &Command::ProveDevice(proof)).await, Code::Ok);
    send(connection, &Command::Login(alice.login(server.now()))).await
}

async fn assert_last_row_has(server: &TestServer, part: &str) {
    let row = server.last_row().await;
    assert!(row.detail.contains(part), "{}", row.detail);
}

#[tokio::test]
async fn a_client_without_an_exporter_proves_itself_by_certificate() {
    let server = TestServer::start().await;
    let (alice, identity) = alice_with_a_key(&server).await;
    let login = Command::Login(alice.login(server.now()));
    let (mut here, mut there) = (server.raw().await, server.raw().await);
    let nonce = nonce(&mut here).await;
    let proof = Command::ProveDevice(silent(&server, &alice, &identity, nonce));
    for code in [send(&mut there, &proof).await, send(&mut here, &proof).await] {
        assert_eq!(code, Code::Ok, "the answer does not tell whether the proof holds");
    }
    assert_eq!(send(&mut there, &login).await, Code::DeviceMismatch);
    assert_eq!(send(&mut here, &login).await, Code::Ok);
    assert_last_row_has(&server, "device=match(key,certificate)").await;
}

#[tokio::test]
async fn the_strict_profile_refuses_a_proof_by_certificate() {
    let server = TestServer::configured(|config| config.auth.profile = Profile::Strict).await;
    let identity = Arc::new(Identity::generate().unwrap());
    let register = server.registration("alice", "obama.jpg");
    let register = register.with(|register| register.device_pubkey = Some(identity.key()));
    let (alice, _) = server.enrol_as(register).await;
    let mut connection = server.raw().await;
    let nonce = nonce(&mut connection).await;
    let proof = quoting(&server, &alice, &identity, nonce);
    assert_eq!(send(&mut connection, &Command::ProveDevice(proof)).await, Code::Ok);
    let login = Command::Login(alice.login(server.now()));
    assert_eq!(send(&mut connection, &login).await, Code::Denied);
    // Control: the exporter proves the same device.
    let answer = log_in(&device(&server, &identity), alice.login(server.now())).await;
    assert_eq!(answer.code, Code::Ok);
}

#[tokio::test]
async fn a_quoted_nonce_is_used_by_one_connection() {
    let server = TestServer::start().await;
    let (alice, identity) = alice_with_a_key(&server).await;
    let nonce = nonce(&mut server.raw().await).await;
    let proof = quoting(&server, &alice, &identity, nonce);
    let (mut here, mut there) = (server.raw().await, server.raw().await);
    // A denied command spends nothing.
    send(&mut there, &Command::ProveDevice(proof.clone())).await;
    let wrong = alice.login(server.now()).with(|login| login.totp = None);
    assert_eq!(send(&mut there, &Command::Login(wrong)).await, Code::TotpMismatch);

    for _ in 0..2 {
        let code = log_in_with(&server, &mut here, &alice, proof.clone()).await;
        assert_eq!(code, Code::Ok, "further commands of the connection rely on the proof");
    }
    let code = log_in_with(&server, &mut there, &alice, proof).await;
    assert_eq!(code, Code::DeviceMismatch);
    assert_last_row_has(&server, "device=match(key,certificate)").await;
    assert_last_row_has(&server, " lost=nonce_spent ").await;
    // The refused login has spent no code.
    assert_eq!(send(&mut here, &Command::Login(alice.login(server.now()))).await, Code::Ok);
}

#[tokio::test]
async fn a_nonce_expires_after_ten_minutes() {
    let server = TestServer::start().await;
    let (alice, identity) = alice_with_a_key(&server).await;
    let mut connection = server.raw().await;
    let nonce = nonce(&mut connection).await;
    let proof = quoting(&server, &alice, &identity, nonce);
    server.clock().advance_ms(TEN_MINUTES_MS - 60_001);
    assert_eq!(log_in_with(&server, &mut connection, &alice, proof.clone()).await, Code::Ok);
    server.clock().advance_ms(1);
    let login = Command::Login(alice.login(server.now()));
    assert_eq!(send(&mut connection, &login).await, Code::DeviceMismatch);
    assert_last_row_has(&server, "device=missing(address,nonce-expired)").await;
}

#[tokio::test]
async fn a_nonce_survives_a_restart_of_the_server() {
    let server = TestServer::start().await;
    let (alice, identity) = alice_with_a_key(&server).await;
    let (one, two) = (nonce(&mut server.raw().await).await, nonce(&mut server.raw().await).await);
    let spent = quoting(&server, &alice, &identity, one);
    let code = log_in_with(&server, &mut server.raw().await, &alice, spent.clone()).await;
    assert_eq!(code, Code::Ok);
    let spent_at = server.now();

    let server = TestServer::start_in(server.stop().await, |_| {}).await;
    server.clock().advance_ms(spent_at.millis_since(server.now()));
    let code = log_in_with(&server, &mut server.raw().await, &alice, spent).await;
    assert_eq!(code, Code::DeviceMismatch, "a spent nonce stays spent");
    let unspent = quoting(&server, &alice, &identity, two);
    let code = log_in_with(&server, &mut server.raw().await, &alice, unspent).await;
    assert_eq!(code, Code::Ok);
}

#[tokio::test]
async fn a_forged_or_foreign_nonce_proves_no_device() {
    let (server, other) = (TestServer::start().await, TestServer::start().await);
    let (alice, identity) = alice_with_a_key(&server).await;
    let ours = nonce(&mut server.raw().await).await;
    let mut later = *ours.as_bytes();
    later[5] ^= 1; // another time of expiry
    let foreign = nonce(&mut other.raw().await).await;
    let old_style = DeviceNonce::from_bytes([7; 32]);
    for nonce in [DeviceNonce::from_bytes(later), foreign, old_style] {
        let proof = quoting(&server, &alice, &identity, nonce);
        let code = log_in_with(&server, &mut server.raw().await, &alice, proof).await;
        assert_eq!(code, Code::DeviceMismatch, "{nonce}");
        assert_last_row_has(&server, "device=missing(address,nonce-foreign)").await;
    }
    // Control: the same proof with the nonce as it was given.
    let proof = quoting(&server, &alice, &identity, ours);
    let code = log_in_with(&server, &mut server.raw().await, &alice, proof).await;
    assert_eq!(code, Code::Ok);
}

#[tokio::test]
async fn a_first_login_that_binds_a_key_spends_its_nonce() {
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let identity = Identity::generate().unwrap();
    let nonce = nonce(&mut server.raw().await).await;
    let proof = Command::ProveDevice(quoting(&server, &alice, &identity, nonce));
    let first = alice.login(server.now()).with(|login| login.device_pubkey = Some(identity.key()));
    let (mut here, mut there) = (server.raw().await, server.raw().await);
    send(&mut here, &proof).await;
    assert_eq!(send(&mut here, &Command::Login(first)).await, Code::Ok);

    server.clock().advance_ms(60_000);
    send(&mut there, &proof).await;
    let again = Command::Login(alice.login(server.now()));
    assert_eq!(send(&mut there, &again).await, Code::DeviceMismatch);
    assert_last_row_has(&server, " lost=nonce_spent ").await;
    assert_eq!(send(&mut here, &again).await, Code::Ok);
}

#[test]
fn a_nonce_has_the_form_that_clients_know() {
    let nonce = DeviceNonce::from_bytes([0xfb; 32]);
    assert_eq!(BASE64.decode(nonce.to_string().as_bytes()).unwrap(), [0xfb; 32]);
}

#[tokio::test]
async fn a_proof_shown_again_elsewhere_opens_no_session() {
    let server = TestServer::start().await;
    let (alice, identity) = alice_with_a_key(&server).await;
    let login = alice.login(server.now());
    let token = log_in(&device(&server, &identity), login).await.body.token.unwrap();
    let check = Command::Authorise(Authorise::new(token).device(alice.mac));
    let (mut here, mut there) = (server.raw().await, server.raw().await);
    let nonce = nonce(&mut here).await;
    let proof = Command::ProveDevice(quoting(&server, &alice, &identity, nonce));
    for connection in [&mut here, &mut there] {
        assert_eq!(send(connection, &proof).await, Code::Ok);
    }
    // The first connection that uses the proof has it, also for commands that only read.
    for _ in 0..2 {
        assert_eq!(send(&mut here, &check).await, Code::Ok);
    }
    assert_eq!(send(&mut there, &check).await, Code::SignedOut);
}

#[tokio::test]
async fn strict_opens_no_session_by_certificate() {
    let server = TestServer::configured(|config| config.auth.profile = Profile::Strict).await;
    let identity = Arc::new(Identity::generate().unwrap());
    let register = server.registration("alice", "obama.jpg");
    let register = register.with(|register| register.device_pubkey = Some(identity.key()));
    let (alice, _) = server.enrol_as(register).await;
    let client = device(&server, &identity);
    let token = log_in(&client, alice.login(server.now())).await.body.token.unwrap();
    let check = Command::Authorise(Authorise::new(token).device(alice.mac));
    let mut connection = server.raw().await;
    let nonce = nonce(&mut connection).await;
    let proof = quoting(&server, &alice, &identity, nonce);
    assert_eq!(send(&mut connection, &Command::ProveDevice(proof)).await, Code::Ok);
    assert_eq!(send(&mut connection, &check).await, Code::SignedOut);
    // Control: the exporter proves the same device.
    let answer = client.send_as(&alice.username, alice.mac, check).await.unwrap();
    assert_eq!(answer.code, Code::Ok);
}
