//! Packs of other shapes: an embedder with 512 values, and a detector with the outputs of `YuNet`.

use crate::{
    pack_copy::pack_folder_of,
    support::{decoded, png},
    yunet_pack::{self, framed},
};
use fourauth_face::{Embedding, Engine, Likeness, Refusal};
use image::DynamicImage;
use std::{fs, path::Path};

/// Makes the pack with the embedder of the default pack, which has 512 values.
fn pack(folder: &Path) {
    let embedder = fs::read(pack_folder_of("blaze-fr").join("embedder.onnx"));
    yunet_pack::write(folder, &embedder.expect("run `cargo xtask models` first"));
}

fn embedding(engine: &Engine, picture: &DynamicImage) -> Embedding {
    engine.portrait(&png(picture)).unwrap().embedding
}

#[test]
fn a_pack_with_512_values_and_yunet_tells_people_apart() {
    let folder = tempfile::tempdir().unwrap();
    pack(folder.path());
    let engine = Engine::load(folder.path()).unwrap();
    let pack = engine.pack();
    assert_eq!(pack.dimensions(), 512);
    assert!(!engine.judges_liveness());

    let obama = framed(&decoded("obama.jpg"), yunet_pack::OBAMA);
    let enrolled = Likeness::of(&[embedding(&engine, &obama)], pack.likeness_rules()).unwrap();
    let distance = |name, face| {
        let found = embedding(&engine, &framed(&decoded(name), face));
        assert_eq!(found.values().len(), 512);
        enrolled.mean().distance(&found)
    };
    let again = distance("obama3.jpg", yunet_pack::OBAMA_3);
    let other = distance("biden.jpg", yunet_pack::BIDEN);
    println!("the same person {again:.3}, another {other:.3}");
    let limit = pack.limits(1, 1).mean;
    assert!(again <= limit, "{again}");
    assert!(other > limit, "{other}");
}

#[test]
fn a_face_that_reaches_beyond_the_picture_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    pack(folder.path());
    let engine = Engine::load(folder.path()).unwrap();
    // The detector always sees a face at the same place of the square around the picture.
    let narrow = framed(&decoded("obama.jpg"), yunet_pack::OBAMA).crop_imm(0, 0, 200, 480);
    assert_eq!(engine.portrait(&png(&narrow)), Err(Refusal::CutOff));
}

#[test]
fn a_detector_without_corners_of_the_mouth_needs_landmarks() {
    let folder = tempfile::tempdir().unwrap();
    pack(folder.path());
    crate::pack_copy::edit(folder.path(), "kind = \"yunet\"", "kind = \"blazeface\"");
    let error = Engine::load(folder.path()).unwrap_err().to_string();
    assert!(error.contains("needs a detector.kind of"), "{error}");
}
