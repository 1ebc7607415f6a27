//! Commands 100 and 190.

use super::transcript::Transcript;
use fourauth_auth::profile::Profile;
use fourauth_protocol::{
    command::{Command, Hello, Login},
    mac_address::MacAddress,
    picture::Picture,
    secret::Secret,
    username::Username,
};
use fourauth_tests::{models::picture, server::TestServer};
use fourauth_timekeeper::State;

#[tokio::test]
async fn hello() {
    let mut talk = Transcript::with(TestServer::start().await).await;
    talk.ask(
        "The protocol version, limits and requirements of the server.",
        Command::Hello(Hello {}),
    )
    .await;
    talk.settle("190-hello");
}

#[tokio::test]
async fn login() {
    let (mut talk, alice) = Transcript::with_alice().await;
    let right = alice.login(talk.server.now());
    for (heading, login) in [
        (
            "The password is wrong. The answer names no other factor.",
            Login { password: Secret::new("violet-Ox-43".into()), ..right.clone() },
        ),
        (
            "The account does not exist: same answer, same work.",
            Login { username: Username::parse("nobody").unwrap(), ..right.clone() },
        ),
        (
            "The face shows a different person.",
            Login { face: Some(picture("biden.jpg")), ..right.clone() },
        ),
        (
            "The picture is not a JPEG or PNG.",
            Login { face: Some(Picture::new(b"GIF89a".to_vec())), ..right.clone() },
        ),
        ("There is no picture.", Login { face: None, ..right.clone() }),
        (
            "The pictures show different people. This counts as a wrong face.",
            Login {
                face: None,
                faces: ["obama2.jpg", "obama3.jpg", "biden.jpg"].map(picture).to_vec(),
                ..right.clone()
            },
        ),
        (
            "The one-time code is wrong.",
            Login { totp: Some(alice.wrong_code(talk.server.now())), ..right.clone() },
        ),
        (
            "There is no one-time code, or one that is not six digits.",
            Login { totp: None, ..right.clone() },
        ),
        (
            "The device is unknown.",
            Login { mac: MacAddress::parse("00:1b:44:11:3a:b8").ok(), ..right.clone() },
        ),
        (
            "The client's clock is five minutes slow.",
            Login {
                client_ts_utc: Some(talk.server.now().saturating_add_ms(-300_000)),
                ..right.clone()
            },
        ),
        (
            "Everything is right: another photograph of the registered person. No failure spent \
             the code.",
            right.clone(),
        ),
        ("The same again. A one-time code works only once.", right),
    ] {
        talk.ask(heading, Command::Login(login)).await;
    }

    talk.wait_a_minute(&alice);
    let faces = ["obama2.jpg", "obama3.jpg", "obama2.jpg"].map(picture).to_vec();
    let several = Login { face: None, faces, ..alice.login(talk.server.now()) };
    talk.ask("A minute later, with several pictures.", Command::Login(several)).await;

    talk.wait_a_minute(&alice);
    talk.server.clock().set_state(State::Denied);
    let login = Command::Login(alice.login(talk.server.now()));
    talk.ask("The server's clock is not reliable enough to decide.", login).await;

    let strict = TestServer::configured(|config| config.auth.profile = Profile::Strict).await;
    let alice = strict.enrol("alice", "obama.jpg").await;
    talk.move_to(strict).await;
    talk.wait_a_minute(&alice);
    let login = Login { face: Some(picture("biden.jpg")), ..alice.login(talk.server.now()) };
    talk.ask("The face shows a different person, under the strict profile.", Command::Login(login))
        .await;
    talk.settle("100-login");
}
