//! Commands 100 and 190.

use super::transcript::Transcript;
use fourauth_auth::profile::Profile;
use fourauth_protocol::{
    command::{Command, GetKeys, Hello},
    mac_address::MacAddress,
    picture::Picture,
    secret::Secret,
    username::Username,
};
use fourauth_tests::{models::picture, server::TestServer, with::With as _};
use fourauth_timekeeper::State;

#[tokio::test]
async fn hello() {
    // The setting that a server has if its operator changes none.
    let server = TestServer::configured(|config| config.face.challenge = None).await;
    let mut talk = Transcript::with(server).await;
    talk.ask(
        "The protocol version, limits and requirements of the server.",
        Command::Hello(Hello::default()),
    )
    .await;
    talk.settle("190-hello");
}

#[tokio::test]
async fn keys() {
    let mut talk = Transcript::with(TestServer::start().await).await;
    talk.ask("The keyring has one key.", Command::GetKeys(GetKeys::default())).await;
    talk.settle("192-keys");
}

#[tokio::test]
async fn login() {
    let (mut talk, alice) = Transcript::with_alice().await;
    let right = alice.login(talk.server.now());
    for (heading, login) in [
        (
            "The password is wrong. The answer names no other factor.",
            right.clone().with(|login| login.password = Secret::new("violet-Ox-43".into())),
        ),
        (
            "The account does not exist: same answer, same work.",
            right.clone().with(|login| login.username = Username::parse("nobody").unwrap()),
        ),
        (
            "The face shows a different person.",
            right.clone().with(|login| login.face = Some(picture("biden.jpg"))),
        ),
        (
            "The picture is not a JPEG or PNG.",
            right.clone().with(|login| login.face = Some(Picture::new(b"GIF89a".to_vec()))),
        ),
        ("There is no picture.", right.clone().with(|login| login.face = None)),
        (
            "The pictures show different people. This counts as a wrong face.",
            right.clone().with(|login| {
                login.face = None;
                login.faces = ["obama2.jpg", "obama3.jpg", "biden.jpg"].map(picture).to_vec();
            }),
        ),
        (
            "The one-time code is wrong.",
            right.clone().with(|login| login.totp = Some(alice.wrong_code(talk.server.now()))),
        ),
        (
            "There is no one-time code, or one that is not six digits.",
            right.clone().with(|login| login.totp = None),
        ),
        (
            "The device is unknown.",
            right.clone().with(|login| login.mac = MacAddress::parse("00:1b:44:11:3a:b8").ok()),
        ),
        (
            "The client's clock is five minutes slow.",
            right.clone().with(|login| {
                login.client_ts_utc = Some(talk.server.now().saturating_add_ms(-300_000));
            }),
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
    let several = alice.login(talk.server.now()).with(|login| {
        login.face = None;
        login.faces = faces;
    });
    talk.ask("A minute later, with several pictures.", Command::Login(several)).await;

    talk.wait_a_minute(&alice);
    talk.server.clock().set_state(State::Denied);
    let login = Command::Login(alice.login(talk.server.now()));
    talk.ask("The server's clock is not reliable enough to decide.", login).await;

    let strict = TestServer::configured(|config| config.auth.profile = Profile::Strict).await;
    let alice = strict.enrol("alice", "obama.jpg").await;
    talk.move_to(strict).await;
    talk.wait_a_minute(&alice);
    let login =
        alice.login(talk.server.now()).with(|login| login.face = Some(picture("biden.jpg")));
    talk.ask("The face shows a different person, under the strict profile.", Command::Login(login))
        .await;
    talk.settle("100-login");
}
