//! Commands 300–330.

use super::transcript::Transcript;
use fourauth_protocol::{
    command::{Command, RecoverDevice, RecoverFace, RecoverPassword, RecoverTotp},
    mac_address::MacAddress,
    picture::Picture,
    secret::Secret,
};
use fourauth_tests::models::picture;

const PASSWORD: &str = "The password is wrong.";
const FACE: &str = "The face shows a different person.";
const CODE: &str = "The one-time code is wrong.";
const DEVICE: &str = "The device is unknown.";
const CLOCK: &str = "The client's clock is missing, or not a time with a zone.";

fn wrong_password() -> Secret<String> {
    Secret::new("violet-Ox-43".into())
}

fn other_device() -> MacAddress {
    MacAddress::parse("00:1b:44:11:3a:b8").unwrap()
}

#[tokio::test]
async fn recover_totp() {
    let (mut talk, alice) = Transcript::with_alice().await;
    let right = alice.recover_totp(talk.server.now());
    for (heading, recover) in [
        (PASSWORD, RecoverTotp { password: wrong_password(), ..right.clone() }),
        (FACE, RecoverTotp { face: Some(picture("biden.jpg")), ..right.clone() }),
        (DEVICE, RecoverTotp { mac: Some(other_device()), ..right.clone() }),
        (CLOCK, RecoverTotp { client_ts_utc: None, ..right.clone() }),
        ("Everything is right. The answer has the new secret; the old one is invalid.", right),
    ] {
        talk.ask(heading, Command::RecoverTotp(recover)).await;
    }
    talk.settle("300-recover-totp");
}

#[tokio::test]
async fn recover_password() {
    let (mut talk, alice) = Transcript::with_alice().await;
    let now = talk.server.now();
    let right = alice.recover_password("amber-Fox-17", now);
    for (heading, recover) in [
        (
            "The one-time code is wrong. It is the first factor here, so no other is named.",
            RecoverPassword { totp: Some(alice.wrong_code(now)), ..right.clone() },
        ),
        (FACE, RecoverPassword { face: Some(picture("biden.jpg")), ..right.clone() }),
        (DEVICE, RecoverPassword { mac: Some(other_device()), ..right.clone() }),
        (CLOCK, RecoverPassword { client_ts_utc: None, ..right.clone() }),
        (
            "The new password does not meet the rule.",
            RecoverPassword { new_password: Secret::new("password".into()), ..right.clone() },
        ),
        ("Everything is right.", right.clone()),
        ("The same again: the code is spent.", right),
    ] {
        talk.ask(heading, Command::RecoverPassword(recover)).await;
    }
    talk.settle("310-recover-password");
}

#[tokio::test]
async fn recover_face() {
    let (mut talk, alice) = Transcript::with_alice().await;
    let now = talk.server.now();
    let right = alice.recover_face(picture("obama3.jpg"), now);
    let not_a_picture = Picture::new(b"GIF89a".to_vec());
    for (heading, recover) in [
        (PASSWORD, RecoverFace { password: wrong_password(), ..right.clone() }),
        (CODE, RecoverFace { totp: Some(alice.wrong_code(now)), ..right.clone() }),
        (DEVICE, RecoverFace { mac: Some(other_device()), ..right.clone() }),
        (CLOCK, RecoverFace { client_ts_utc: None, ..right.clone() }),
        (
            "The new picture is not a JPEG or PNG.",
            RecoverFace { new_face: Some(not_a_picture), ..right.clone() },
        ),
        (
            "The new pictures show different people.",
            RecoverFace {
                new_face: None,
                new_faces: ["obama2.jpg", "obama3.jpg", "biden.jpg"].map(picture).to_vec(),
                ..right.clone()
            },
        ),
        ("Everything is right.", right),
    ] {
        talk.ask(heading, Command::RecoverFace(recover)).await;
    }
    talk.settle("320-recover-face");
}

#[tokio::test]
async fn recover_device() {
    let (mut talk, alice) = Transcript::with_alice().await;
    let now = talk.server.now();
    let right = alice.recover_device(other_device(), now);
    for (heading, recover) in [
        (PASSWORD, RecoverDevice { password: wrong_password(), ..right.clone() }),
        (FACE, RecoverDevice { face: Some(picture("biden.jpg")), ..right.clone() }),
        (CODE, RecoverDevice { totp: Some(alice.wrong_code(now)), ..right.clone() }),
        (CLOCK, RecoverDevice { client_ts_utc: None, ..right.clone() }),
        (
            "The new MAC address is missing, or no device can have it.",
            RecoverDevice { new_mac: None, ..right.clone() },
        ),
        ("Everything is right.", right),
    ] {
        talk.ask(heading, Command::RecoverDevice(recover)).await;
    }
    talk.settle("330-recover-device");
}
