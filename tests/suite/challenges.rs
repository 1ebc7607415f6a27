//! Face challenges over real connections: frames that obey are accepted, and all others are not.

use crate::gateway::{prove, register};
use fourauth_auth::profile::Profile;
use fourauth_config::ChallengeConfig;
use fourauth_protocol::{
    answer::Answer,
    challenge::{ChallengeStep, FaceChallenge},
    code::Code,
    command::{BeginFaceChallenge, Command, Login},
    grant::GrantToken,
    picture::Picture,
    secret::Secret,
    username::Username,
};
use fourauth_tests::{
    moving_face::MovingFace, persona::Persona, raw::RawConnection, server::TestServer,
    with::With as _,
};
use std::sync::LazyLock;

static ALICE: LazyLock<MovingFace> = LazyLock::new(|| MovingFace::of("obama3.jpg"));
static MALLORY: LazyLock<MovingFace> = LazyLock::new(|| MovingFace::of("biden.jpg"));

const HALF_A_MINUTE_MS: i64 = 30_000;

/// A challenge as its client sees it.
#[derive(Clone)]
struct Begun {
    id: GrantToken,
    steps: Vec<ChallengeStep>,
}

impl Begun {
    fn answered(&self, frames: Vec<Picture>) -> FaceChallenge {
        FaceChallenge::new(self.id.clone(), frames)
    }
}

async fn server(challenge: ChallengeConfig) -> TestServer {
    TestServer::without_liveness(|config| config.face.challenge = Some(challenge)).await
}

async fn alice() -> (TestServer, Persona) {
    let server = server(ChallengeConfig::Always).await;
    let alice = server.enrol("alice", "obama.jpg").await;
    (server, alice)
}

async fn ask(connection: &mut RawConnection, command: &Command) -> Answer {
    connection.send_payload(command.to_json().expose()).await;
    connection.answer().await.unwrap()
}

async fn begin(connection: &mut RawConnection, name: &str) -> Begun {
    let begin = BeginFaceChallenge::new(Username::parse(name).unwrap());
    let answer = ask(connection, &Command::BeginFaceChallenge(begin)).await;
    assert_eq!(answer.code, Code::Ok);
    assert!(answer.body.expires_at.is_some());
    Begun { id: answer.body.challenge.unwrap(), steps: answer.body.steps.unwrap() }
}

fn login(server: &TestServer, alice: &Persona, challenge: FaceChallenge) -> Command {
    Command::Login(login_of(server, alice).face_challenge(challenge))
}

fn login_of(server: &TestServer, alice: &Persona) -> Login {
    alice.login(server.now()).with(|login| login.face = None)
}

/// The code of a login on this connection that answers a challenge of it with these frames.
async fn attempt(
    server: &TestServer,
    alice: &Persona,
    frames: impl FnOnce(&[ChallengeStep]) -> Vec<Picture>,
) -> Code {
    let mut connection = server.raw().await;
    let begun = begin(&mut connection, "alice").await;
    let frames = frames(&begun.steps);
    ask(&mut connection, &login(server, alice, begun.answered(frames))).await.code
}

/// A person that obeys is accepted: without this, a refusal would show nothing.
async fn control(server: &TestServer, alice: &Persona) {
    server.clock().advance_ms(60_000);
    let code = attempt(server, alice, |steps| ALICE.obeying(steps)).await;
    assert_eq!(code, Code::Ok, "{}", server.last_row().await.detail);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_that_does_as_asked_is_logged_in() {
    let (server, alice) = alice().await;
    let mut seen = Vec::new();
    // Every half minute the server draws other steps.
    for _ in 0..6 {
        server.clock().advance_ms(60_000);
        let mut connection = server.raw().await;
        let begun = begin(&mut connection, "alice").await;
        let frames = ALICE.obeying(&begun.steps);
        let answer = ask(&mut connection, &login(&server, &alice, begun.answered(frames))).await;
        let row = server.last_row().await.detail;
        assert_eq!(answer.code, Code::Ok, "{:?}: {row}", begun.steps);
        assert!(row.contains("challenge: passed"), "{row}");
        seen.extend(begun.steps);
    }
    for step in [ChallengeStep::Left, ChallengeStep::Right, ChallengeStep::Mouth] {
        assert!(seen.contains(&step), "{step} was never asked for");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_still_picture_is_refused_however_often_it_comes() {
    let (server, alice) = alice().await;
    let still = attempt(&server, &alice, |steps| vec![ALICE.frame(0.0, 0.0); 1 + 2 * steps.len()]);
    assert_eq!(still.await, Code::FaceChallengeFailed);
    let row = server.last_row().await.detail;
    assert!(row.contains("challenge: a frame was repeated"), "{row}");

    // Held in a hand: each frame is a little different, and none shows depth.
    server.clock().advance_ms(60_000);
    let held = attempt(&server, &alice, |steps| {
        let frames = 0..=2 * u8::try_from(steps.len()).unwrap();
        frames.map(|number| ALICE.frame(f32::from(number) - 3.0, 0.0)).collect()
    });
    assert_eq!(held.await, Code::FaceChallengeFailed);
    let row = server.last_row().await.detail;
    assert!(row.contains("challenge: step 1"), "{row}");
    control(&server, &alice).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_of_two_persons_are_refused() {
    let (server, alice) = alice().await;
    let spliced = attempt(&server, &alice, |steps| {
        let mut frames = ALICE.obeying(steps);
        let others = MALLORY.obeying(steps);
        frames[2] = others[2].clone();
        frames
    });
    assert_eq!(spliced.await, Code::FaceChallengeFailed);
    let row = server.last_row().await.detail;
    assert!(row.contains("challenge: several persons"), "{row}");

    // The face at rest is the one that is compared as at any login.
    server.clock().advance_ms(60_000);
    let stranger = attempt(&server, &alice, |steps| MALLORY.obeying(steps));
    assert_eq!(stranger.await, Code::FaceMismatch);
    control(&server, &alice).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_in_another_order_are_refused() {
    let (server, alice) = alice().await;
    let swapped = attempt(&server, &alice, |steps| {
        let mut other = steps.to_vec();
        other.swap(0, 1);
        ALICE.obeying(&other)
    });
    assert_eq!(swapped.await, Code::FaceChallengeFailed);
    server.clock().advance_ms(60_000);
    let short = attempt(&server, &alice, |steps| ALICE.obeying(&steps[..1]));
    assert_eq!(short.await, Code::FaceChallengeFailed);
    control(&server, &alice).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_is_for_one_command() {
    let (server, alice) = alice().await;
    for (first, code) in [(&*ALICE, Code::Ok), (&*MALLORY, Code::FaceMismatch)] {
        server.clock().advance_ms(60_000);
        let mut connection = server.raw().await;
        let begun = begin(&mut connection, "alice").await;
        let answer = begun.answered(first.obeying(&begun.steps));
        assert_eq!(ask(&mut connection, &login(&server, &alice, answer)).await.code, code);
        let again = begun.answered(ALICE.obeying(&begun.steps));
        let again = ask(&mut connection, &login(&server, &alice, again)).await;
        assert_eq!(again.code, Code::FaceChallengeStale);
        assert_eq!(again.message, "Face verification failed.");
    }
    control(&server, &alice).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_expires_after_half_a_minute() {
    let (server, alice) = alice().await;
    let mut connection = server.raw().await;
    let begun = begin(&mut connection, "alice").await;
    let answer = begun.answered(ALICE.obeying(&begun.steps));
    server.clock().advance_ms(HALF_A_MINUTE_MS);
    let late = ask(&mut connection, &login(&server, &alice, answer)).await;
    assert_eq!(late.code, Code::FaceChallengeStale);
    let row = server.last_row().await.detail;
    assert!(row.contains("face=missing(challenge: stale)"), "{row}");

    let begun = begin(&mut connection, "alice").await;
    let answer = begun.answered(ALICE.obeying(&begun.steps));
    server.clock().advance_ms(HALF_A_MINUTE_MS - 1);
    let in_time = ask(&mut connection, &login(&server, &alice, answer)).await;
    assert_eq!(in_time.code, Code::Ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_is_for_its_connection_and_account() {
    let (server, alice) = alice().await;
    let (mut here, mut there) = (server.raw().await, server.raw().await);
    let begun = begin(&mut there, "alice").await;
    let frames = ALICE.obeying(&begun.steps);
    let foreign = login(&server, &alice, begun.answered(frames.clone()));
    assert_eq!(ask(&mut here, &foreign).await.code, Code::FaceChallengeStale);
    // It was not spent by the wrong connection.
    assert_eq!(ask(&mut there, &foreign).await.code, Code::Ok);

    server.clock().advance_ms(60_000);
    let begun = begin(&mut here, "bob").await;
    let frames = ALICE.obeying(&begun.steps);
    let of_bob = login(&server, &alice, begun.answered(frames));
    assert_eq!(ask(&mut here, &of_bob).await.code, Code::FaceChallengeStale);
    control(&server, &alice).await;
}

#[tokio::test]
async fn an_unknown_name_gets_a_challenge_as_well() {
    let (server, _alice) = alice().await;
    let mut connection = server.raw().await;
    let before = server.server().context().authenticator.work();
    let known = begin(&mut connection, "alice").await;
    let unknown = begin(&mut connection, "ghost").await;
    let after = server.server().context().authenticator.work();
    assert_eq!(before, after, "a challenge reads nothing");
    assert!((2..=3).contains(&known.steps.len()) && (2..=3).contains(&unknown.steps.len()));
}

#[tokio::test]
async fn asking_again_draws_no_other_steps_within_half_a_minute() {
    let (server, _alice) = alice().await;
    let first = begin(&mut server.raw().await, "alice").await;
    for _ in 0..10 {
        let again = begin(&mut server.raw().await, "alice").await;
        assert_eq!(again.steps, first.steps);
        assert_ne!(again.id.as_bytes().expose(), first.id.as_bytes().expose());
    }
    let mut drawn = Vec::new();
    for _ in 0..10 {
        server.clock().advance_ms(HALF_A_MINUTE_MS);
        drawn.push(begin(&mut server.raw().await, "alice").await.steps);
    }
    assert!(drawn.iter().any(|steps| *steps != first.steps), "{drawn:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_is_needed_where_the_setting_says_so() {
    for (challenge, of_login, of_recovery) in [
        (ChallengeConfig::Off, Code::Ok, Code::Ok),
        (ChallengeConfig::Recovery, Code::Ok, Code::FaceChallengeNeeded),
        (ChallengeConfig::Always, Code::FaceChallengeNeeded, Code::FaceChallengeNeeded),
    ] {
        let server = server(challenge).await;
        let alice = server.enrol("alice", "obama.jpg").await;
        let mut connection = server.raw().await;
        let login = Command::Login(alice.login(server.now()));
        let answer = ask(&mut connection, &login).await;
        assert_eq!(answer.code, of_login, "{challenge:?}");
        server.clock().advance_ms(60_000);
        let recover = Command::RecoverTotp(alice.recover_totp(server.now()));
        let answer = ask(&mut connection, &recover).await;
        assert_eq!(answer.code, of_recovery, "{challenge:?}");
        // Before the first secret is right, nothing tells that a challenge is needed.
        let wrong = Command::Login(
            alice.login(server.now()).with(|login| login.password = Secret::new("no".into())),
        );
        assert_eq!(ask(&mut connection, &wrong).await.code, Code::Denied, "{challenge:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_takes_the_answer_to_a_challenge() {
    let server = server(ChallengeConfig::Recovery).await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let mut connection = server.raw().await;
    let begun = begin(&mut connection, "alice").await;
    let answer = begun.answered(ALICE.obeying(&begun.steps));
    let recover = alice.recover_totp(server.now()).with(|recover| recover.face = None);
    let recover = Command::RecoverTotp(recover.face_challenge(answer));
    let answer = ask(&mut connection, &recover).await;
    assert_eq!(answer.code, Code::Ok, "{}", server.last_row().await.detail);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_of_4auth_recovers_with_a_still_picture() {
    let server = TestServer::configured(|config| {
        config.face.challenge = None;
        config.compat.still_faces = true;
    })
    .await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let recover = Command::RecoverTotp(alice.recover_totp(server.now()));
    assert_eq!(ask(&mut server.raw().await, &recover).await.code, Code::Ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_strict_profile_asks_at_every_login_and_tells_nothing() {
    let server = TestServer::configured(|config| {
        config.face.challenge = None;
        config.auth.profile = Profile::Strict;
    })
    .await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let still = Command::Login(alice.login(server.now()));
    assert_eq!(ask(&mut server.raw().await, &still).await.code, Code::Denied);
    let row = server.last_row().await.detail;
    assert!(row.contains("face=missing(challenge: needed)"), "{row}");
}

/// The challenge of a visitor: which gateway connection asked does not matter, and which peer does.
#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_of_a_visitor_is_for_its_address() {
    let (server, alice) = alice().await;
    let identity = register(&server).await;
    let (one, other) = (prove(&server, &identity).await, prove(&server, &identity).await);
    let (one, other) = (one.granted().unwrap(), other.granted().unwrap());
    let (here, there) = ("198.51.100.1".parse().unwrap(), "198.51.100.2".parse().unwrap());

    let asked = BeginFaceChallenge::new(alice.username.clone());
    let body = one.send(here, Command::BeginFaceChallenge(asked)).await.unwrap().body;
    let begun = Begun { id: body.challenge.unwrap(), steps: body.steps.unwrap() };
    let answer = login(&server, &alice, begun.answered(ALICE.obeying(&begun.steps)));
    let foreign = other.send(there, answer.clone()).await.unwrap();
    assert_eq!(foreign.code, Code::FaceChallengeStale);
    let own = other.send(here, answer).await.unwrap();
    assert_eq!(own.code, Code::Ok, "{}", server.last_row().await.detail);
}

/// The control for all tests here, which do without liveness: frames that are made of one picture move as
/// asked, and the passive score refuses them.
#[tokio::test(flavor = "multi_thread")]
async fn frames_that_are_made_of_a_picture_are_not_live() {
    let always = Some(ChallengeConfig::Always);
    let server = TestServer::configured(|config| config.face.challenge = always).await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let made = attempt(&server, &alice, |steps| ALICE.obeying(steps)).await;
    assert_eq!(made, Code::FaceNotLive, "{}", server.last_row().await.detail);
}
