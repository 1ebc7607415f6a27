//! Commands 300–330.

use super::transcript::Transcript;
use fourauth_protocol::{
    command::Command, mac_address::MacAddress, picture::Picture, secret::Secret,
};
use fourauth_tests::{models::picture, with::With as _};

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
        (PASSWORD, right.clone().with(|recover| recover.password = wrong_password())),
        (FACE, right.clone().with(|recover| recover.face = Some(picture("biden.jpg")))),
        (DEVICE, right.clone().with(|recover| recover.mac = Some(other_device()))),
        (CLOCK, right.clone().with(|recover| recover.client_ts_utc = None)),
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
            right.clone().with(|recover| recover.totp = Some(alice.wrong_code(now))),
        ),
        (FACE, right.clone().with(|recover| recover.face = Some(picture("biden.jpg")))),
        (DEVICE, right.clone().with(|recover| recover.mac = Some(other_device()))),
        (CLOCK, right.clone().with(|recover| recover.client_ts_utc = None)),
        (
            "The new password does not meet the rule.",
            right.clone().with(|recover| recover.new_password = Secret::new("password".into())),
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
        (PASSWORD, right.clone().with(|recover| recover.password = wrong_password())),
        (CODE, right.clone().with(|recover| recover.totp = Some(alice.wrong_code(now)))),
        (DEVICE, right.clone().with(|recover| recover.mac = Some(other_device()))),
        (CLOCK, right.clone().with(|recover| recover.client_ts_utc = None)),
        (
            "The new picture is not a JPEG or PNG.",
            right.clone().with(|recover| recover.new_face = Some(not_a_picture)),
        ),
        (
            "The new pictures show different people.",
            right.clone().with(|recover| {
                recover.new_face = None;
                recover.new_faces = ["obama2.jpg", "obama3.jpg", "biden.jpg"].map(picture).to_vec();
            }),
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
        (PASSWORD, right.clone().with(|recover| recover.password = wrong_password())),
        (FACE, right.clone().with(|recover| recover.face = Some(picture("biden.jpg")))),
        (CODE, right.clone().with(|recover| recover.totp = Some(alice.wrong_code(now)))),
        (CLOCK, right.clone().with(|recover| recover.client_ts_utc = None)),
        (
            "The new MAC address is missing, or no device can have it.",
            right.clone().with(|recover| recover.new_mac = None),
        ),
        ("Everything is right.", right),
    ] {
        talk.ask(heading, Command::RecoverDevice(recover)).await;
    }
    talk.settle("330-recover-device");
}
