//! Several pictures in one command, and the templates that they are compared with.

use fourauth_auth::{
    compute::{Compute, PoolLimits, Requester},
    faces::Faces,
};
use fourauth_config::{AttemptsConfig, Config};
use fourauth_face::{Engine, Refusal};
use fourauth_face_pack::DEFAULT_PACK;
use fourauth_protocol::{
    answer::Answer,
    code::Code,
    command::{Command, Register},
    picture::Picture,
    receipt::Method,
    secret::Secret,
    time::UnixMillis,
    username::Username,
};
use fourauth_server::models::load;
use fourauth_store::{Event, FaceCount, Seeking};
use fourauth_tests::{
    models::{self, picture, printed},
    persona::Persona,
    record::record,
    server::{TestServer, quick, unlimited},
    with::With as _,
};
use fourauthd::{command::models::outdated, invocation::Invocation};
use std::{fs, sync::Arc, time::Duration};
use tempfile::TempDir;

const ONE_PERSON: [&str; 3] = ["obama.jpg", "obama2.jpg", "obama3.jpg"];

fn pictures(names: &[&str]) -> Vec<Picture> {
    names.iter().map(|name| picture(name)).collect()
}

async fn send(server: &TestServer, command: Command) -> Answer {
    server.client().send_once(command).await.unwrap()
}

fn shows(person: &Persona, server: &TestServer, names: &[&str]) -> Command {
    shows_pictures(person, server, pictures(names))
}

fn shows_pictures(person: &Persona, server: &TestServer, faces: Vec<Picture>) -> Command {
    Command::Login(person.login(server.now()).with(|login| {
        login.face = None;
        login.faces = faces;
    }))
}

fn registration(server: &TestServer, username: &str, faces: Vec<Picture>) -> Register {
    server.registration(username, ONE_PERSON[0]).with(|register| {
        register.face = None;
        register.faces = faces;
    })
}

/// Registers a user with several pictures.
async fn enrol(server: &TestServer, username: &str, names: &[&str]) -> (Answer, Persona) {
    enrol_pictures(server, username, pictures(names)).await
}

async fn enrol_pictures(
    server: &TestServer,
    username: &str,
    faces: Vec<Picture>,
) -> (Answer, Persona) {
    let register = registration(server, username, faces);
    let (password, mac) = (register.password.clone(), register.mac.unwrap());
    let answer = send(server, Command::Register(register)).await;
    let uri = answer.body.provisioning_uri.clone().unwrap();
    let person = Persona::new(username, password, mac, &uri);
    (answer, person)
}

/// A folder of packs with a copy of one.
fn copied_pack(name: &str) -> TempDir {
    let packs = tempfile::tempdir().unwrap();
    let folder = packs.path().join(name);
    fs::create_dir(&folder).unwrap();
    for file in fs::read_dir(models::packs().join(name)).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), folder.join(file.file_name())).unwrap();
    }
    packs
}

/// Changes the manifest of the only pack.
fn edit(packs: &TempDir, change: impl FnOnce(&str) -> String) {
    let folder = fs::read_dir(packs).unwrap().next().unwrap().unwrap().path();
    let manifest = folder.join("pack.toml");
    let before = fs::read_to_string(&manifest).unwrap();
    let after = change(&before);
    assert_ne!(before, after);
    fs::write(&manifest, after).unwrap();
}

fn engine(packs: &TempDir) -> Arc<Engine> {
    Arc::new(Engine::load(&packs.path().join(DEFAULT_PACK)).unwrap())
}

#[tokio::test]
async fn a_login_with_pictures_of_two_people_is_a_wrong_face() {
    let server = TestServer::configured(|config| {
        config.attempts = AttemptsConfig { face_before_waiting: 5, face_wait_s: 30, ..unlimited() };
    })
    .await;
    let (_, alice) = enrol(&server, "alice", &ONE_PERSON).await;
    let four_and_one = ["obama.jpg", "obama2.jpg", "obama3.jpg", "obama.jpg", "biden.jpg"];
    for places in 0..5 {
        let mut mixed = four_and_one;
        mixed.rotate_left(places);
        let answer = send(&server, shows(&alice, &server, &mixed)).await;
        assert_eq!(answer.code, Code::FacesDisagree, "rotated by {places}");
        assert_eq!(answer.message, "Face verification failed.");
        let row = server.last_row().await;
        let said = format!("face=mismatch({}", Refusal::Disagree);
        assert!(row.detail.contains(&said), "{}", row.detail);
    }
    let answer = send(&server, shows(&alice, &server, &ONE_PERSON)).await;
    assert_eq!((answer.code, answer.retry_after_ms), (Code::Throttled, Some(30_000)));
    server.clock().advance_ms(30_000);
    assert_eq!(send(&server, shows(&alice, &server, &ONE_PERSON)).await.code, Code::Ok);
}

#[tokio::test]
async fn a_recovery_with_pictures_of_two_people_is_refused() {
    let server = TestServer::start().await;
    let (_, alice) = enrol(&server, "alice", &ONE_PERSON).await;
    let faces = pictures(&["obama.jpg", "obama2.jpg", "biden.jpg"]);
    let recover = alice.recover_totp(server.now()).with(|recover| {
        recover.face = None;
        recover.faces = faces;
    });
    assert_eq!(send(&server, Command::RecoverTotp(recover)).await.code, Code::FacesDisagree);
}

#[tokio::test]
async fn an_enrolment_drops_prints_and_a_login_refuses_them() {
    let server = TestServer::start().await;
    let print = printed("obama2.jpg");
    let with_print = |names: &[&str]| [pictures(names), vec![print.clone()]].concat();
    let (answer, alice) =
        enrol_pictures(&server, "alice", with_print(&["obama.jpg", "obama3.jpg"])).await;
    assert_eq!(answer.body.face_quality.map(|quality| quality.pictures), Some(2));

    let refused = [
        ("as many prints", with_print(&["obama.jpg"]), Code::FaceNotLive),
        ("two people", with_print(&["obama.jpg", "biden.jpg"]), Code::FacesDisagree),
    ];
    for (case, faces, code) in refused {
        let register = registration(&server, "bob", faces);
        assert_eq!(send(&server, Command::Register(register)).await.code, code, "{case}");
    }

    let login = shows_pictures(&alice, &server, with_print(&ONE_PERSON));
    assert_eq!(send(&server, login).await.code, Code::FaceNotLive);
    let row = server.last_row().await.detail;
    assert!(row.contains("face=mismatch"), "{row}");
    let login = shows(&alice, &server, &ONE_PERSON);
    assert_eq!(send(&server, login).await.code, Code::Ok);
}

/// The kept picture shows what the template was made from, so a dropped one is not kept.
#[tokio::test]
async fn the_picture_that_is_kept_is_part_of_the_template() {
    let limits =
        PoolLimits { threads: 1, queue: 9, queue_per_source: 9, deadline: Duration::from_mins(2) };
    let faces = Faces::new(Compute::start(limits).unwrap(), models::engine(), Secret::new([0; 32]));
    let bad = Picture::new(b"not a picture".to_vec());
    let good = pictures(&["obama.jpg", "obama3.jpg", "obama2.jpg"]);
    for dropped in [vec![], vec![bad.clone()], vec![printed("obama2.jpg"), bad]] {
        let shown = [dropped.clone(), good.clone()].concat();
        let enrolled = faces.enrol(shown, Requester::this_machine()).await.unwrap().unwrap();
        assert_eq!(enrolled.likeness.count(), 3);
        assert_eq!(enrolled.picture.bytes(), good[0].bytes(), "{} dropped", dropped.len());
    }
}

#[tokio::test]
async fn a_picture_sent_five_times_counts_as_one() {
    let server = TestServer::start().await;
    let made_of = |answer: &Answer| answer.body.face_quality.map(|quality| quality.pictures);
    let (answer, alice) = enrol(&server, "alice", &["obama.jpg"; 5]).await;
    assert_eq!(made_of(&answer), Some(1));
    // The threshold for five pictures is lower than the distance of these.
    let login = shows(&alice, &server, &["obama2.jpg"; 5]);
    assert_eq!(send(&server, login).await.code, Code::Ok);

    server.clock().advance_ms(60_000);
    let new_faces = pictures(&["obama3.jpg", "obama3.jpg", "obama.jpg"]);
    let right = alice.recover_face(picture("obama3.jpg"), server.now());
    let recover = right.with(|recover| {
        recover.new_face = None;
        recover.new_faces = new_faces;
    });
    assert_eq!(made_of(&send(&server, Command::RecoverFace(recover)).await), Some(2));
}

#[tokio::test]
async fn each_number_of_pictures_has_its_own_threshold() {
    let server = TestServer::start().await;
    let limits =
        PoolLimits { threads: 1, queue: 9, queue_per_source: 9, deadline: Duration::from_mins(2) };
    let compute = Compute::start(limits).unwrap();
    let faces = Faces::new(compute, models::engine(), Secret::new([0; 32]));
    let bad = Picture::new(b"not a picture".to_vec());
    for enrolled in 1..=ONE_PERSON.len() {
        let name = format!("person-{enrolled}");
        enrol(&server, &name, &ONE_PERSON[..enrolled]).await;
        let name = Username::parse(&name).unwrap();
        let subject = record(server.server().store(), Seeking::by_name(&name)).await.unwrap();
        for probes in 1..=ONE_PERSON.len() {
            // A refused picture is not counted.
            let shown = [pictures(&ONE_PERSON[..probes]), vec![bad.clone()]].concat();
            let probe = faces.probe(shown, Requester::this_machine()).await.unwrap();
            let likeness = probe.likeness.unwrap();
            let comparison = faces.compare(&likeness, &subject);
            let expected = models::engine().pack().limits(enrolled, probes);
            assert_eq!(comparison.limits, expected, "{enrolled} enrolled, {probes} shown");
            assert_eq!(comparison.singles.len(), probes);
        }
    }
}

#[tokio::test]
async fn after_a_change_of_pack_the_face_is_enrolled_again() {
    let server = TestServer::start().await;
    let first = models::engine_of(models::FIRST_PACK);
    let server = TestServer::start_with(first, server.stop().await, |_| {}).await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let folder = server.stop().await;
    let (mut config, by) = (quick(folder.path()), Invocation::from(UnixMillis(0)));
    config.face.packs_dir = Some(models::packs());
    let counted = outdated::counted(&config, DEFAULT_PACK, by.clone()).await.unwrap();
    assert_eq!(counted, FaceCount { faces: 1, outdated: 1 });
    let same = outdated::counted(&config, models::FIRST_PACK, by).await.unwrap();
    assert_eq!(same, FaceCount { faces: 1, outdated: 0 });
    let server = TestServer::start_with(models::engine(), folder, |_| {}).await;
    says_outdated(&server, 1).await;
    let events = async || {
        let notices = server.server().store().notices(100).await.unwrap();
        notices.into_iter().map(|notice| notice.event).collect::<Vec<_>>()
    };

    // Only a login with everything else right is told.
    let wrong = Command::Login(alice.login(server.now()).with(|login| login.totp = None));
    assert_eq!(send(&server, wrong).await.code, Code::TotpMismatch);
    for name in ["obama.jpg", "obama2.jpg", "biden.jpg"] {
        let answer = send(&server, shows(&alice, &server, &[name])).await;
        assert_eq!(answer.code, Code::MoreNeeded, "{name}");
        assert_eq!(answer.body.missing, Some(vec![Method::Face]), "{name}");
        let detail = server.last_row().await.detail;
        assert!(detail.contains("face=missing(stored face of another pack"), "{detail}");
        server.clock().advance_ms(60_000);
    }
    assert_eq!(events().await, [Event::PasswordUsedElsewhere, Event::FaceOutdated]);

    // Its one-time code is not spent, so the recovery takes it.
    let answer = send(&server, shows(&alice, &server, &["obama.jpg"])).await;
    assert!(answer.message.contains("another model"), "{}", answer.message);
    let recover = alice.recover_face(picture("obama2.jpg"), server.now());
    assert_eq!(send(&server, Command::RecoverFace(recover)).await.code, Code::Ok);
    server.clock().advance_ms(60_000);
    assert_eq!(send(&server, shows(&alice, &server, &["obama.jpg"])).await.code, Code::Ok);
    server.clock().advance_ms(60_000);
    let stranger = shows(&alice, &server, &["biden.jpg"]);
    assert_eq!(send(&server, stranger).await.code, Code::FaceMismatch);
    let server = TestServer::start_with(models::engine(), server.stop().await, |_| {}).await;
    says_outdated(&server, 0).await;
}

/// Waits until the metrics say this number of faces of other packs, which are counted after the start.
async fn says_outdated(server: &TestServer, number: u64) {
    let line = format!("fourauth_outdated_faces {number}\n");
    let said = async {
        while !server.server().metrics().contains(&line) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), said).await.expect(&line);
}

#[tokio::test]
async fn new_thresholds_and_former_ids_keep_templates_comparable() {
    let server = TestServer::start().await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let stricter = copied_pack(DEFAULT_PACK);
    edit(&stricter, |text| text.replace("distance = 1.02\n", "distance = 0.7\n"));
    let server = TestServer::start_with(engine(&stricter), server.stop().await, |_| {}).await;
    let login = shows(&alice, &server, &["obama2.jpg"]);
    assert_eq!(send(&server, login).await.code, Code::FaceMismatch);
    assert!(server.last_row().await.detail.contains("face=mismatch(0.7"));

    let id = models::engine().pack().id();
    let successor = copied_pack(DEFAULT_PACK);
    edit(&successor, |text| {
        text.replacen("127.0", "127.01", 1).replacen(
            "\n\n",
            &format!("\nformer_ids = [\"{id}\"]\n\n"),
            1,
        )
    });
    let server = TestServer::start_with(engine(&successor), server.stop().await, |_| {}).await;
    let login = shows(&alice, &server, &["obama.jpg"]);
    assert_eq!(send(&server, login).await.code, Code::Ok);
}

/// A former id is a claim of an operator. One of a pack with other values is no reason to call the owner
/// a stranger.
#[tokio::test]
async fn a_former_id_of_another_length_asks_for_a_new_face() {
    let first = models::engine_of(models::FIRST_PACK);
    let id = first.pack().id();
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start_with(first, folder, |_| {}).await;
    let alice = server.enrol("alice", "obama.jpg").await;
    let successor = copied_pack(DEFAULT_PACK);
    edit(&successor, |text| text.replacen("\n\n", &format!("\nformer_ids = [\"{id}\"]\n\n"), 1));
    let server = TestServer::start_with(engine(&successor), server.stop().await, |_| {}).await;
    let answer = send(&server, shows(&alice, &server, &["obama.jpg"])).await;
    assert_eq!(answer.code, Code::MoreNeeded);
    let detail = server.last_row().await.detail;
    assert!(detail.contains("face=missing(stored face of another pack"), "{detail}");
}

/// The manifest with the thresholds of an earlier version.
fn aged(text: &str) -> String {
    let (networks, _) = text.split_once("[[thresholds]]").unwrap();
    let points = [(1, 1, "0.343"), (3, 1, "0.316"), (5, 1, "0.312"), (3, 3, "0.271")];
    let points = points.map(|(enrolled, probes, distance)| {
        format!(
            "[[thresholds]]\nenrolled = {enrolled}\nprobes = {probes}\ndistance = {distance}\n\
             false_match_rate = 0.0001\nfalse_non_match_rate = 0.1\n"
        )
    });
    format!("{networks}{}", points.concat())
}

#[test]
fn a_start_replaces_the_thresholds_of_an_earlier_version() {
    let packs = copied_pack(models::FIRST_PACK);
    edit(&packs, aged);
    let mut config = Config::default();
    config.face.pack = models::FIRST_PACK.to_owned();
    config.face.packs_dir = Some(packs.path().to_owned());
    // Replacing thresholds downloads nothing, so it does not depend on this setting.
    config.face.install = false;
    let found = load(&config).unwrap();
    let expected = models::engine_of(models::FIRST_PACK);
    assert_eq!(found.pack().thresholds(), expected.pack().thresholds());
    assert_eq!(found.pack().id(), expected.pack().id());
}
