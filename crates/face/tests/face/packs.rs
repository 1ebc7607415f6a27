//! Packs that are valid, missing, altered or malformed.

use crate::{
    pack_copy::{DEFAULT_PACK, copied, edit},
    support::ENGINE,
};
use fourauth_face::{
    Digest, Engine,
    pack::{Pack, PackError},
};
use std::fs;

/// The id that all templates of the default pack carry. If it changes, every face must be enrolled
/// again.
const DEFAULT_ID: &str = "ecb24a8c8f9047088bd8e2762692a665dc75704121a992b5963290b3e715e2da";

fn flaw(from: &str, to: &str) -> PackError {
    let packs = copied();
    let folder = packs.path().join(DEFAULT_PACK);
    edit(&folder, from, to);
    Pack::check(&folder).unwrap_err()
}

#[test]
fn a_pack_id_covers_only_what_affects_an_embedding() {
    assert_eq!(ENGINE.pack().id().to_string(), DEFAULT_ID);
    assert_eq!(ENGINE.pack().name(), DEFAULT_PACK);
    let id = |from: &str, to: &str| {
        let packs = copied();
        let folder = packs.path().join(DEFAULT_PACK);
        edit(&folder, from, to);
        Pack::check(&folder).unwrap().id().to_string()
    };
    for (from, to) in [
        ("name = \"blaze-dlib\"", "name = \"ours\""),
        ("licence = \"MIT", "licence = \"ISC"),
        ("distance = 0.25", "distance = 0.2"),
        ("score = 0.5", "score = 0.6"),
        ("former_ids = [", "former_ids = [ "),
    ] {
        assert_eq!(id(from, to), DEFAULT_ID, "{to}");
    }
    for (from, to) in [
        ("mirror = true", "mirror = false"),
        ("channels = \"rgb\"", "channels = \"bgr\""),
        ("scale = 1.0", "scale = 0.5"),
        ("padding = 0.22", "padding = 0.25"),
    ] {
        assert_ne!(id(from, to), DEFAULT_ID, "{to}");
    }
}

#[test]
fn an_altered_network_is_never_loaded() {
    let packs = copied();
    let folder = packs.path().join(DEFAULT_PACK);
    let path = folder.join("embedder.onnx");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert!(matches!(Engine::load(&folder), Err(PackError::Altered(altered)) if altered == path));
}

#[test]
fn a_folder_without_a_manifest_is_not_a_pack() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Engine::load(folder.path()), Err(PackError::Missing(_))));
    assert!(Pack::installed(folder.path()).unwrap().is_empty());
    assert!(Pack::installed(&folder.path().join("missing")).unwrap().is_empty());
}

#[test]
fn a_manifest_is_read_strictly() {
    let changes = [
        ("format = 2", "format = 3"),
        ("format = 2", "format = 2\ntreshold = 0.6"),
        ("name = \"blaze-dlib\"", "name = \"../blaze\""),
        ("name = \"embedder.onnx\"", "name = \"../../embedder.onnx\""),
        ("name = \"embedder.onnx\"", "name = \"/etc/passwd\""),
        ("distance = 0.3", "distance = 4.0"),
        ("enrolled = 5\nprobes = 5", "enrolled = 5\nprobes = 4"),
        ("mirror = true", "mirror = \"yes\""),
        ("scale = 1.0", "scale = inf"),
        ("side = 150", "side = 60000"),
        ("sha256 = \"", "sha256 = \"0"),
    ];
    for (from, to) in changes {
        let error = flaw(from, to);
        assert!(matches!(error, PackError::Malformed { .. }), "{to}: {error}");
    }
}

#[test]
fn a_network_in_the_wrong_role_is_refused() {
    let packs = copied();
    let folder = packs.path().join(DEFAULT_PACK);
    let hash = |file: &str| Digest::of(&fs::read(folder.join(file)).unwrap()).to_string();
    let (landmarks, embedder) = (hash("landmarks.onnx"), hash("embedder.onnx"));
    edit(&folder, &embedder, &landmarks);
    edit(&folder, "embedder.onnx", "landmarks.onnx");
    Pack::check(&folder).unwrap();
    assert!(matches!(Engine::load(&folder), Err(PackError::Network { .. })));
}

#[test]
fn installed_packs_are_listed_with_their_flaws() {
    let packs = copied();
    let broken = packs.path().join("broken");
    fs::create_dir(&broken).unwrap();
    fs::write(broken.join("pack.toml"), "format = ").unwrap();

    let found = Pack::installed(packs.path()).unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].pack.as_ref().unwrap().id(), ENGINE.pack().id());
    assert!(matches!(found[1].pack, Err(PackError::Malformed { .. })));
}
