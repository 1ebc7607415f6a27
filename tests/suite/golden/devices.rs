//! 150 and 220–224.

use super::transcript::Transcript;
use fourauth_client::{Client, Identity};
use fourauth_protocol::{
    command::{BindDevice, Command, ListDevices, Login, RevokeDevice},
    device::DeviceName,
    mac_address::MacAddress,
    one_time_code::OneTimeCode,
    secret::Secret,
};
use fourauth_tests::persona::Persona;
use std::sync::Arc;

/// The same in every run.
fn device(number: u8) -> Arc<Identity> {
    Arc::new(Identity::from_seed(Secret::new([number; 32])))
}

fn name(text: &str) -> DeviceName {
    DeviceName::parse(text).unwrap()
}

fn bind(alice: &Persona, totp: OneTimeCode, talk: &Transcript) -> BindDevice {
    BindDevice {
        username: alice.username.clone(),
        password: alice.password.clone(),
        totp: Some(totp),
        mac: Some(alice.mac),
        client_ts_utc: Some(talk.server.now()),
        new_mac: MacAddress::parse("02:11:22:33:44:55").ok(),
        device_pubkey: device(2).key(),
        device_name: Some(name("phone")),
    }
}

fn revoke(alice: &Persona, totp: OneTimeCode, device: &str, talk: &Transcript) -> RevokeDevice {
    RevokeDevice {
        username: alice.username.clone(),
        password: alice.password.clone(),
        totp: Some(totp),
        mac: Some(alice.mac),
        client_ts_utc: Some(talk.server.now()),
        device_name: name(device),
    }
}

/// Somebody whose device has a key that the account knows.
async fn with_alices_laptop() -> (Transcript, Persona, Client) {
    let (mut talk, alice) = Transcript::with_alice().await;
    let laptop = device(1);
    let client = talk.server.client().with_identity(Arc::clone(&laptop));
    let first = Login {
        device_pubkey: Some(laptop.key()),
        device_name: Some(name("laptop")),
        ..alice.login(talk.server.now())
    };
    assert!(client.login_once(first).await.unwrap());
    talk.wait_a_minute(&alice);
    (talk, alice, client)
}

#[tokio::test]
async fn prove_device() {
    let (mut talk, alice, _) = with_alices_laptop().await;
    let login = Command::Login(alice.login(talk.server.now()));
    talk.ask("The account knows a device with a key, and nothing is proved.", login.clone()).await;
    let proof = talk.proof(&device(1), &alice);
    talk.ask("The device signs this connection.", proof).await;
    talk.ask("What follows is from that device.", login).await;
    let other = talk.proof(&device(3), &alice);
    talk.ask("A key that the account does not know is answered alike.", other).await;
    talk.settle("150-prove-device");
}

#[tokio::test]
async fn bind_device() {
    let (mut talk, alice, _) = with_alices_laptop().await;
    let now = talk.server.now();
    let right = bind(&alice, alice.code(now), &talk);
    talk.ask("Nothing is proved.", Command::BindDevice(right.clone())).await;
    let proof = talk.proof(&device(1), &alice);
    talk.ask("The device that is known signs this connection.", proof).await;
    let wrong = bind(&alice, alice.wrong_code(now), &talk);
    talk.ask("The one-time code is wrong.", Command::BindDevice(wrong)).await;
    let nowhere = BindDevice { new_mac: None, ..right.clone() };
    talk.ask("The new device has no address.", Command::BindDevice(nowhere)).await;
    talk.ask("Everything is in order.", Command::BindDevice(right)).await;
    talk.wait_a_minute(&alice);
    let again = bind(&alice, alice.code(talk.server.now()), &talk);
    talk.ask("The account has that device already.", Command::BindDevice(again)).await;
    talk.settle("220-bind-device");
}

#[tokio::test]
async fn list_devices() {
    let (mut talk, alice, client) = with_alices_laptop().await;
    let nobodys = ListDevices { token: Secret::new("nobody's".into()) };
    talk.ask("There is no session of that token.", Command::ListDevices(nobodys)).await;
    let login = Command::Login(alice.login(talk.server.now()));
    let token = client.send_once(login).await.unwrap().gains.token.unwrap();
    talk.name(token.expose(), "<token>");
    talk.ask("Who is signed in sees them.", Command::ListDevices(ListDevices { token })).await;
    talk.settle("222-list-devices");
}

#[tokio::test]
async fn revoke_device() {
    let (mut talk, alice, _) = with_alices_laptop().await;
    let proof = talk.proof(&device(1), &alice);
    talk.ask("The device signs this connection.", proof).await;
    let code = alice.code(talk.server.now());
    let unknown = revoke(&alice, code, "tablet", &talk);
    talk.ask("There is no such device.", Command::RevokeDevice(unknown)).await;
    let laptop = revoke(&alice, code, "laptop", &talk);
    talk.ask("It may be the one that asks.", Command::RevokeDevice(laptop)).await;
    talk.settle("224-revoke-device");
}
