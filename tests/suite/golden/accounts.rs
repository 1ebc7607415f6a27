//! Commands 200, 210 and 240.

use super::transcript::Transcript;
use fourauth_protocol::{
    command::{Command, ReadAudit},
    contact::{Email, Phone},
    picture::Picture,
    secret::Secret,
    username::Username,
};
use fourauth_tests::{models::picture, server::TestServer, with::With as _};

#[tokio::test]
async fn register() {
    let mut talk = Transcript::with(TestServer::start().await).await;
    let right = talk.server.registration("alice", "obama.jpg").with(|register| {
        register.email = Email::parse("alice@example.org").ok();
        register.phone = Phone::parse("+442079460000").ok();
    });
    for (heading, register) in [
        (
            "The administrator's secret is wrong.",
            right.clone().with(|register| register.admin_secret = Secret::new("a guess".into())),
        ),
        (
            "The password does not meet the rule.",
            right.clone().with(|register| register.password = Secret::new("password".into())),
        ),
        (
            "The picture is not a JPEG or PNG.",
            right.clone().with(|register| register.face = Some(Picture::new(b"GIF89a".to_vec()))),
        ),
        ("There is no picture.", right.clone().with(|register| register.face = None)),
        (
            "The pictures show different people.",
            right.clone().with(|register| {
                register.face = None;
                register.faces = ["obama.jpg", "obama2.jpg", "biden.jpg"].map(picture).to_vec();
            }),
        ),
        (
            "The MAC address is missing, or no device can have it.",
            right.clone().with(|register| register.mac = None),
        ),
        ("Everything is right.", right.clone()),
        (
            "The name is taken.",
            right.clone().with(|register| {
                register.email = None;
                register.phone = None;
            }),
        ),
        (
            "Another account has the mail address.",
            right.with(|register| {
                register.username = Username::parse("alicia").unwrap();
                register.phone = None;
            }),
        ),
        (
            "Several pictures, and no optional fields.",
            talk.server.registration("barack", "obama.jpg").with(|register| {
                register.face = None;
                register.faces = ["obama.jpg", "obama2.jpg", "obama3.jpg"].map(picture).to_vec();
            }),
        ),
    ] {
        talk.ask(heading, Command::Register(register)).await;
    }
    talk.settle("200-register");
}

#[tokio::test]
async fn confirm_totp() {
    let (mut talk, alice) = Transcript::with_alice().await;
    let right = alice.confirm(talk.server.now());
    for (heading, confirm) in [
        (
            "The password is wrong.",
            right
                .clone()
                .with(|confirm| confirm.password = Some(Secret::new("violet-Ox-43".into()))),
        ),
        (
            "The one-time code is wrong.",
            right.clone().with(|confirm| confirm.totp = Some(alice.wrong_code(talk.server.now()))),
        ),
        ("The code is right. One login may still use it.", right.clone()),
        ("The same again. A code confirms only once.", right),
    ] {
        talk.ask(heading, Command::ConfirmTotp(confirm)).await;
    }
    talk.settle("210-confirm-totp");
}

#[tokio::test]
async fn read_audit() {
    let (mut talk, alice) = Transcript::with_alice().await;
    let login = alice.login(talk.server.now());
    let stranger = login.clone().with(|login| login.face = Some(picture("biden.jpg")));
    for command in [stranger, login].map(Command::Login) {
        talk.server.client().send_once(command).await.unwrap();
    }
    let newest = talk.server.read_audit();
    for (heading, read) in [
        ("The administrator's secret is wrong.", ReadAudit::newest(Secret::new("a guess".into()))),
        ("The newest two rows.", newest.clone().with(|read| read.limit = Some(2))),
        (
            "The page after them.",
            newest.clone().with(|read| {
                read.limit = Some(2);
                read.before_id = Some(4);
            }),
        ),
        (
            "Failed logins of one name.",
            newest.clone().with(|read| {
                read.username = Some("alice".into());
                read.action = Some("login".into());
                read.success = Some(false);
            }),
        ),
        ("One row by its number.", newest.clone().with(|read| read.id = Some(2))),
        ("A row that does not exist.", newest.with(|read| read.id = Some(1000))),
    ] {
        talk.ask(heading, Command::ReadAudit(read)).await;
    }
    talk.settle("240-read-audit");
}
