//! Commands 200, 210 and 240.

use super::transcript::Transcript;
use fourauth_protocol::{
    command::{Command, ConfirmTotp, Login, ReadAudit, Register},
    contact::{Email, Phone},
    picture::Picture,
    secret::Secret,
    username::Username,
};
use fourauth_tests::{models::picture, server::TestServer};

#[tokio::test]
async fn register() {
    let mut talk = Transcript::with(TestServer::start().await).await;
    let right = Register {
        email: Email::parse("alice@example.org").ok(),
        phone: Phone::parse("+442079460000").ok(),
        ..talk.server.registration("alice", "obama.jpg")
    };
    for (heading, register) in [
        (
            "The administrator's secret is wrong.",
            Register { admin_secret: Secret::new("a guess".into()), ..right.clone() },
        ),
        (
            "The password does not meet the rule.",
            Register { password: Secret::new("password".into()), ..right.clone() },
        ),
        (
            "The picture is not a JPEG or PNG.",
            Register { face: Some(Picture::new(b"GIF89a".to_vec())), ..right.clone() },
        ),
        ("There is no picture.", Register { face: None, ..right.clone() }),
        (
            "The pictures show different people.",
            Register {
                face: None,
                faces: ["obama.jpg", "obama2.jpg", "biden.jpg"].map(picture).to_vec(),
                ..right.clone()
            },
        ),
        (
            "The MAC address is missing, or no device can have it.",
            Register { mac: None, ..right.clone() },
        ),
        ("Everything is right.", right.clone()),
        ("The name is taken.", Register { email: None, phone: None, ..right.clone() }),
        (
            "Another account has the mail address.",
            Register { username: Username::parse("alicia").unwrap(), phone: None, ..right },
        ),
        (
            "Several pictures, and no optional fields.",
            Register {
                face: None,
                faces: ["obama.jpg", "obama2.jpg", "obama3.jpg"].map(picture).to_vec(),
                ..talk.server.registration("barack", "obama.jpg")
            },
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
            ConfirmTotp { password: Secret::new("violet-Ox-43".into()), ..right.clone() },
        ),
        (
            "The one-time code is wrong.",
            ConfirmTotp { totp: Some(alice.wrong_code(talk.server.now())), ..right.clone() },
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
    let stranger = Login { face: Some(picture("biden.jpg")), ..login.clone() };
    for command in [stranger, login].map(Command::Login) {
        talk.server.client().send_once(command).await.unwrap();
    }
    let newest = talk.server.read_audit();
    for (heading, read) in [
        ("The administrator's secret is wrong.", ReadAudit::newest(Secret::new("a guess".into()))),
        ("The newest two rows.", ReadAudit { limit: Some(2), ..newest.clone() }),
        (
            "The page after them.",
            ReadAudit { limit: Some(2), before_id: Some(4), ..newest.clone() },
        ),
        (
            "Failed logins of one name.",
            ReadAudit {
                username: Some("alice".into()),
                action: Some("login".into()),
                success: Some(false),
                ..newest.clone()
            },
        ),
        ("One row by its number.", ReadAudit { id: Some(2), ..newest.clone() }),
        ("A row that does not exist.", ReadAudit { id: Some(1000), ..newest }),
    ] {
        talk.ask(heading, Command::ReadAudit(read)).await;
    }
    talk.settle("240-read-audit");
}
