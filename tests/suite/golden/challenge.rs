//! Command 154, and the commands that take the answer.

use super::transcript::Transcript;
use fourauth_config::ChallengeConfig;
use fourauth_protocol::{
    command::{BeginFaceChallenge, Command},
    username::Username,
};
use fourauth_tests::{moving_face::MovingFace, server::TestServer, with::With as _};

#[tokio::test(flavor = "multi_thread")]
async fn begin_face_challenge() {
    let always = Some(ChallengeConfig::Always);
    let server = TestServer::without_liveness(|config| config.face.challenge = always).await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let mut talk = Transcript::with(server).await;
    talk.name_codes(&alice);

    let asked = |name| BeginFaceChallenge::new(Username::parse(name).unwrap());
    talk.ask("The server draws two or three steps.", Command::BeginFaceChallenge(asked("alice")))
        .await;
    talk.ask(
        "An account that does not exist gets the same answer.",
        Command::BeginFaceChallenge(asked("nobody")),
    )
    .await;
    let right = alice.login(talk.server.now());
    talk.ask("The login has no frames.", Command::Login(right.clone())).await;

    let right = right.with(|login| login.face = None);
    let answer = talk.challenged(&alice, &MovingFace::of("biden.jpg")).await;
    let login = right.clone().face_challenge(answer);
    talk.ask("The frames show a different person.", Command::Login(login.clone())).await;
    talk.ask("A challenge is for one command.", Command::Login(login)).await;

    let mut answer = talk.challenged(&alice, &MovingFace::of("obama3.jpg")).await;
    let login = right.clone().face_challenge(answer.clone());
    talk.ask("The person does what the steps ask for.", Command::Login(login)).await;

    talk.wait_a_minute(&alice);
    let right = alice.login(talk.server.now()).with(|login| login.face = None);
    let begun = talk.challenged(&alice, &MovingFace::of("obama3.jpg")).await;
    answer.id = begun.id;
    answer.frames.truncate(1);
    talk.name_frames(&answer.frames);
    let login = right.face_challenge(answer);
    talk.ask("The frames do not show the steps.", Command::Login(login)).await;
    talk.settle("154-begin-face-challenge");
}
