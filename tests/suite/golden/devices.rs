//! Commands 150 and 220–224.

use super::transcript::Transcript;
use fourauth_client::{Client, Identity};
use fourauth_protocol::{
    command::{BindDevice, Command, ListDevices, RevokeDevice},
    device::DeviceName,
    mac_address::MacAddress,
    one_time_code::OneTimeCode,
    secret::Secret,
};
use fourauth_tests::{persona::Persona, with::With as _};
use std::sync::Arc;

/// A device with the same key in every run.
fn device(number: u8) -> Arc<Identity> {
    Arc::new(Identity::from_seed(Secret::new([number; 32])))
}

fn name(text: &str) -> DeviceName {
    DeviceName::parse(text).unwrap()
}

fn bind(alice: &Persona, totp: OneTimeCode, talk: &Transcript) -> BindDevice {
    BindDevice::new(alice.username.clone(), alice.password.clone(), device(2).key()).with(|bind| {
        bind.totp = Some(totp);
        bind.mac = Some(alice.mac);
        bind.client_ts_utc = Some(talk.server.now());
        bind.new_mac = MacAddress::parse("02:11:22:33:44:55").ok();
        bind.device_name = Some(name("phone"));
    })
}

fn revoke(alice: &Persona, totp: OneTimeCode, device: &str, talk: &Transcript) -> RevokeDevice {
    RevokeDevice::new(alice.username.clone(), alice.password.clone(), name(device)).with(|revoke| {
        revoke.totp = Some(totp);
        revoke.mac = Some(alice.mac);
        revoke.client_ts_utc = Some(talk.server.now());
    })
}

/// A user with a device key that the account knows.
async fn with_alices_laptop() -> (Transcript, Persona, Client) {
    let (mut talk, alice) = Transcript::with_alice().await;
    let laptop = device(1);
    let client = talk.server.client().with_identity(Arc::clone(&laptop));
    let first = alice.login(talk.server.now()).with(|login| {
        login.device_pubkey = Some(laptop.key());
        login.device_name = Some(name("laptop"));
    });
    assert!(client.login_once(first).await.unwrap());
    talk.wait_a_minute(&alice);
    (talk, alice, client)
}

#[tokio::test]
async fn prove_device() {
    let (mut talk, alice, _) = with_alices_laptop().await;
    let login = Command::Login(alice.login(talk.server.now()));
    talk.ask("The account has a device with a key, and the client proves none.", login.clone())
        .await;
    let proof = talk.proof(&device(1), &alice);
    talk.ask("The device proves its key on this connection.", proof).await;
    talk.ask("The login that follows comes from that device.", login).await;
    let other = talk.proof(&device(3), &alice);
    talk.ask("A key that the account does not know gets the same answer.", other).await;
    talk.settle("150-prove-device");
}

#[tokio::test]
async fn bind_device() {
    let (mut talk, alice, _) = with_alices_laptop().await;
    let now = talk.server.now();
    let right = bind(&alice, alice.code(now), &talk);
    talk.ask("No device key is proved.", Command::BindDevice(right.clone())).await;
    let proof = talk.proof(&device(1), &alice);
    talk.ask("The known device proves its key on this connection.", proof).await;
    let wrong = bind(&alice, alice.wrong_code(now), &talk);
    talk.ask("The one-time code is wrong.", Command::BindDevice(wrong)).await;
    let addressless = right.clone().with(|bind| bind.new_mac = None);
    talk.ask("The new device has no address.", Command::BindDevice(addressless)).await;
    talk.ask("Everything is right.", Command::BindDevice(right)).await;
    talk.wait_a_minute(&alice);
    let again = bind(&alice, alice.code(talk.server.now()), &talk);
    talk.ask("The account already has that device.", Command::BindDevice(again)).await;
    talk.settle("220-bind-device");
}

#[tokio::test]
async fn list_devices() {
    let (mut talk, alice, client) = with_alices_laptop().await;
    let unknown = ListDevices::new("nobody's".to_owned()).device(alice.mac);
    talk.ask("No session has that token.", Command::ListDevices(unknown)).await;
    let login = Command::Login(alice.login(talk.server.now()));
    let token = client.send_once(login).await.unwrap().body.token.unwrap();
    talk.name(token.expose(), "<token>");
    let proof = talk.proof(&device(1), &alice);
    talk.ask("The session is bound to the key of a device, which proves it.", proof).await;
    talk.ask(
        "The token of a session lists the devices.",
        Command::ListDevices(ListDevices::new(token).device(alice.mac)),
    )
    .await;
    talk.settle("222-list-devices");
}

#[tokio::test]
async fn revoke_device() {
    let (mut talk, alice, _) = with_alices_laptop().await;
    let proof = talk.proof(&device(1), &alice);
    talk.ask("The device proves its key on this connection.", proof).await;
    let code = alice.code(talk.server.now());
    let unknown = revoke(&alice, code, "tablet", &talk);
    talk.ask("The account has no device of that name.", Command::RevokeDevice(unknown)).await;
    let laptop = revoke(&alice, code, "laptop", &talk);
    talk.ask("A device may revoke itself.", Command::RevokeDevice(laptop)).await;
    talk.settle("224-revoke-device");
}
