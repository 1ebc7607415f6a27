//! Compares embeddings of the test pictures with those of `reference.py`, and with each other.

use crate::support::{ENGINE, FIRST_ENGINE, decoded, encoded, jpeg, outcome, portrait};
use fourauth_face::{Embedding, Engine, Likeness, LikenessRules, Refusal};
use image::DynamicImage;
use std::{collections::BTreeMap, thread};

/// Pictures of one person. `32bit.png` is left out, because it is the same as `obama2.jpg`.
const ONE_PERSON: [&str; 3] = ["obama.jpg", "obama2.jpg", "obama3.jpg"];

const ANOTHER_PERSON: &str = "biden.jpg";

/// Faces of other people in the group pictures: left, top and side of a square around each.
pub(crate) const OTHER_PEOPLE: [(&str, [u32; 3]); 12] = [
    ("sample1.jpg", [350, 338, 330]),
    ("sample3.jpg", [519, 313, 345]),
    ("sample3.jpg", [978, 172, 422]),
    ("sample3.jpg", [1396, 284, 346]),
    ("sample4.jpg", [904, 159, 341]),
    ("sample4.jpg", [620, 69, 280]),
    ("sample5.jpg", [720, 102, 282]),
    ("sample5.jpg", [1344, 365, 358]),
    ("sample6.jpg", [569, 289, 417]),
    ("sample6.jpg", [1070, 272, 391]),
    ("sample6.jpg", [1380, 226, 420]),
    ("sample6.jpg", [168, 460, 369]),
];

fn embedding(name: &str) -> Embedding {
    portrait(name).embedding
}

/// Reference embeddings of each pack.
fn references() -> [(&'static Engine, &'static str); 2] {
    [(&ENGINE, include_str!("blaze-fr.json")), (&FIRST_ENGINE, include_str!("blaze-dlib.json"))]
}

#[test]
fn every_embedding_matches_the_reference() {
    for (engine, reference) in references() {
        let reference: BTreeMap<String, Vec<f32>> = serde_json::from_str(reference).unwrap();
        for (name, values) in reference {
            let expected = Embedding::normalised(values).unwrap();
            let found = engine.portrait(&encoded(&name)).unwrap().embedding;
            let cosine: f32 =
                found.values().iter().zip(expected.values()).map(|(a, b)| a * b).sum();
            println!("{} {name}: cosine {cosine:.6}", engine.pack().name());
            assert!(cosine >= 0.999, "{name}: {cosine}");
        }
    }
}

#[test]
fn distances_match_the_calibration_of_the_pack() {
    let published: [(&Engine, [f32; 3]); 2] =
        [(&ENGINE, [0.750, 0.757, 0.839]), (&FIRST_ENGINE, [0.265, 0.229, 0.275])];
    let [first, second, third] = ONE_PERSON;
    for (engine, expected) in published {
        let face = |name| engine.portrait(&encoded(name)).unwrap().embedding;
        let pairs = [(first, second), (first, third), (second, third)];
        for ((a, b), expected) in pairs.into_iter().zip(expected) {
            let distance = face(a).distance(&face(b));
            println!("{a} {b}: {distance:.3}");
            assert!((distance - expected).abs() < 0.02, "{a} and {b}: {distance}");
        }
    }
}

fn likeness(pictures: &[Embedding]) -> Result<Likeness, Refusal> {
    Likeness::of(pictures, ENGINE.pack().likeness_rules())
}

#[test]
fn one_person_is_accepted_and_another_is_not() {
    let threshold = ENGINE.pack().thresholds().for_counts(1, 1);
    for name in ONE_PERSON {
        let face = embedding(name);
        assert!(ONE_PERSON.iter().all(|other| face.distance(&embedding(other)) < threshold));
        assert!(face.distance(&embedding(ANOTHER_PERSON)) > 1.25);
    }
}

#[test]
fn no_other_person_in_the_group_pictures_is_accepted() {
    let pack = ENGINE.pack();
    let template = likeness(&ONE_PERSON.map(embedding)).unwrap();
    let known: Vec<Embedding> =
        ONE_PERSON.into_iter().chain([ANOTHER_PERSON]).map(embedding).collect();
    let mut nearest = f32::INFINITY;
    for (name, [left, top, side]) in OTHER_PEOPLE {
        let other = outcome(&decoded(name).crop_imm(left, top, side, side)).unwrap().embedding;
        assert!(template.mean().distance(&other) > pack.limits(3, 1).single);
        nearest = known.iter().map(|face| face.distance(&other)).fold(nearest, f32::min);
    }
    println!("nearest other person: {nearest:.3}");
    assert!(nearest > pack.thresholds().for_counts(1, 1));
}

#[test]
fn three_pictures_agree_and_another_person_does_not() {
    let pictures = ONE_PERSON.map(embedding);
    let template = likeness(&pictures).unwrap();
    assert_eq!(template.count(), 3);
    let threshold = ENGINE.pack().thresholds().for_counts(3, 1);
    assert!(pictures.iter().all(|picture| template.mean().distance(picture) < threshold));

    let [first, second, _] = pictures;
    let mixed = [first, second, embedding(ANOTHER_PERSON)];
    assert_eq!(likeness(&mixed), Err(Refusal::Disagree));
}

#[test]
fn another_encoding_of_a_picture_is_the_same_picture() {
    let pixels = decoded("obama.jpg");
    let half = pixels.thumbnail(pixels.width() / 2, pixels.height() / 2);
    let variants = [
        ("compressed", ENGINE.portrait(&jpeg(&pixels))),
        ("halved", outcome(&half)),
        ("mirrored", outcome(&pixels.fliph())),
        ("cut", outcome(&pixels.crop_imm(9, 6, pixels.width() - 9, pixels.height() - 6))),
        ("brightened", outcome(&pixels.brighten(12))),
    ];
    let LikenessRules { same_picture, agreement, .. } = *ENGINE.pack().likeness_rules();
    let first = embedding("obama.jpg");
    for (name, portrait) in variants {
        let distance = first.distance(&portrait.unwrap().embedding);
        println!("{name}: {distance:.3}");
        assert!(distance < same_picture, "{name}: {distance}");
    }
    for (index, name) in ONE_PERSON.into_iter().enumerate() {
        for other in &ONE_PERSON[index + 1..] {
            let distance = embedding(name).distance(&embedding(other));
            assert!((same_picture..agreement).contains(&distance), "{name} {other}: {distance}");
        }
    }
}

#[test]
fn a_mirrored_picture_shows_the_same_person() {
    let mirrored = outcome(&DynamicImage::ImageRgb8(image::imageops::flip_horizontal(
        &decoded("obama.jpg").to_rgb8(),
    )));
    let same_picture = ENGINE.pack().likeness_rules().same_picture;
    assert!(mirrored.unwrap().embedding.distance(&embedding("obama.jpg")) < same_picture);
}

#[test]
fn many_threads_share_one_engine_and_agree() {
    let picture = encoded("obama.jpg");
    let alone = ENGINE.portrait(&picture).unwrap();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(|| ENGINE.portrait(&picture))).collect();
        for worker in workers {
            assert_eq!(worker.join().unwrap().as_ref(), Ok(&alone));
        }
    });
}
