//! The same pack in both engines.

use crate::{
    onnx_library::onnx_library,
    pack_copy::{DEFAULT_PACK, copied, edit, pack_folder, pack_folder_of},
    support::{ENGINE, FIRST_ENGINE, encoded},
};
use fourauth_face::{Digest, Engine, Runtime, pack::PackError};
use std::{fs, thread};

fn runtime(threads: usize) -> Runtime {
    let library = onnx_library();
    let sha256 = Digest::of(&fs::read(&library).unwrap());
    Runtime::onnx_runtime(&library, &sha256, threads).unwrap()
}

#[test]
fn both_engines_give_the_same_embeddings_and_scores() {
    let packs = [("blaze-fr", &ENGINE), ("blaze-dlib", &FIRST_ENGINE)];
    for (pack, tract) in packs {
        let other = Engine::load_in(&runtime(1), &pack_folder_of(pack)).unwrap();
        for name in ["obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg", "sample1.jpg"] {
            let picture = encoded(name);
            let (Ok(one), Ok(two)) = (tract.portrait(&picture), other.portrait(&picture)) else {
                assert_eq!(tract.portrait(&picture), other.portrait(&picture), "{pack} {name}");
                continue;
            };
            let distance = one.embedding.distance(&two.embedding);
            assert!(distance < 1e-3, "{pack} {name}: {distance}");
            let lives = [one.live, two.live].map(Option::unwrap_or_default);
            assert!((lives[0] - lives[1]).abs() < 1e-3, "{pack} {name}: {lives:?}");
            // The control: another picture of the person is further away.
            let another = other.portrait(&encoded("obama2.jpg")).unwrap().embedding;
            assert!(name == "obama2.jpg" || two.embedding.distance(&another) > 1e-2);
        }
    }
}

#[test]
fn threads_that_share_two_sessions_get_their_own_results() {
    let engine = Engine::load_in(&runtime(2), &pack_folder()).unwrap();
    let names = ["obama.jpg", "biden.jpg", "obama2.jpg", "obama3.jpg"];
    let alone = names.map(|name| engine.portrait(&encoded(name)).unwrap());
    thread::scope(|scope| {
        for (name, alone) in names.iter().zip(&alone).cycle().take(8) {
            let engine = &engine;
            scope.spawn(move || {
                for _ in 0..4 {
                    assert_eq!(engine.portrait(&encoded(name)).unwrap(), *alone, "{name}");
                }
            });
        }
    });
}

#[test]
fn a_network_that_it_cannot_read_is_refused() {
    let packs = copied();
    let folder = packs.path().join(DEFAULT_PACK);
    assert!(Engine::load_in(&runtime(1), &folder).is_ok(), "the control");
    let network = folder.join("embedder.onnx");
    let honest = Digest::of(&fs::read(&network).unwrap()).to_string();
    fs::write(&network, "no network").unwrap();
    edit(&folder, &honest, &Digest::of(b"no network").to_string());
    let error = Engine::load_in(&runtime(1), &folder).unwrap_err();
    assert!(matches!(error, PackError::Network { .. }), "{error}");
}
