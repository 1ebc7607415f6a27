//! A server with a pack of another shape: 512 values, and a detector with the outputs of `YuNet`.

#[path = "../../crates/face/tests/face/onnx.rs"]
#[expect(dead_code, reason = "the tests of the face crate make more networks")]
mod onnx;
#[path = "../../crates/face/tests/face/yunet_pack.rs"]
mod yunet_pack;

use fourauth_config::{ChallengeConfig, Config};
use fourauth_face_pack::DEFAULT_PACK;
use fourauth_protocol::{code::Code, command::Command, picture::Picture};
use fourauth_server::models::load;
use fourauth_tests::{models, persona::Persona, server::TestServer, with::With as _};
use image::ImageFormat;
use std::{fs, io::Cursor};
use yunet_pack::{BIDEN, Eyes, OBAMA, OBAMA_3};

/// The part of a test picture that has its face where the detector sees one.
fn framed(name: &str, face: Eyes) -> Picture {
    let picture = image::load_from_memory(models::picture(name).bytes()).unwrap();
    let mut bytes = Vec::new();
    let part = yunet_pack::framed(&picture, face);
    part.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
    Picture::new(bytes)
}

async fn log_in(server: &TestServer, person: &Persona, face: Picture) -> Code {
    server.clock().advance_ms(60_000);
    let login = person.login(server.now()).with(|login| login.face = Some(face));
    server.client().send_once(Command::Login(login)).await.unwrap().code
}

#[tokio::test]
async fn a_server_with_a_pack_of_another_shape_tells_people_apart() {
    let packs = tempfile::tempdir().unwrap();
    let folder = packs.path().join("ours");
    fs::create_dir(&folder).unwrap();
    let embedder = models::packs().join(DEFAULT_PACK).join("embedder.onnx");
    yunet_pack::write(&folder, &fs::read(embedder).unwrap());
    let mut config = Config::default();
    config.face.packs_dir = Some(packs.path().to_owned());
    config.face.pack = "ours".to_owned();
    // It has no landmarks for a challenge.
    config.face.challenge = Some(ChallengeConfig::Off);
    let engine = load(&config).unwrap();
    assert_eq!(engine.pack().dimensions(), 512);

    let server = TestServer::start_with(engine.into(), tempfile::tempdir().unwrap(), |_| {}).await;
    let register = server.registration("alice", "obama.jpg");
    let face = framed("obama.jpg", OBAMA);
    let (alice, _) = server.enrol_as(register.with(|register| register.face = Some(face))).await;
    let own = log_in(&server, &alice, framed("obama3.jpg", OBAMA_3)).await;
    assert_eq!(own, Code::Ok, "{}", server.last_row().await.detail);
    let stranger = log_in(&server, &alice, framed("biden.jpg", BIDEN)).await;
    let row = server.last_row().await.detail;
    assert_eq!(stranger, Code::FaceMismatch, "{row}");
    assert!(row.contains("face=mismatch("), "{row}");
    let again = log_in(&server, &alice, framed("obama.jpg", OBAMA)).await;
    assert_eq!(again, Code::Ok, "{}", server.last_row().await.detail);
}
