//! Packs that are valid, missing, altered or malformed.

use crate::support::{ENGINE, pack_folder};
use fourauth_face::{
    Digest, Engine,
    install::{DEFAULT_PACK, InstallError, Source, install, recalibrate},
    pack::{Pack, PackError},
};
use std::{fs, path::Path};
use tempfile::TempDir;

/// The id that all templates of the default pack carry. If it changes, every face must be enrolled
/// again.
const DEFAULT_ID: &str = "ecb24a8c8f9047088bd8e2762692a665dc75704121a992b5963290b3e715e2da";

const FILES: [&str; 4] = ["detector.onnx", "landmarks.onnx", "embedder.onnx", "pack.toml"];

/// A folder of packs with a copy of the default pack.
fn copied() -> TempDir {
    let packs = tempfile::tempdir().unwrap();
    let folder = packs.path().join(DEFAULT_PACK);
    fs::create_dir(&folder).unwrap();
    for file in FILES {
        fs::copy(pack_folder().join(file), folder.join(file))
            .expect("run `cargo xtask models` first");
    }
    packs
}

/// Replaces a part of `pack.toml`.
fn edit(folder: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(folder.join("pack.toml")).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(folder.join("pack.toml"), text.replacen(from, to, 1)).unwrap();
}

fn flaw(from: &str, to: &str) -> PackError {
    let packs = copied();
    let folder = packs.path().join(DEFAULT_PACK);
    edit(&folder, from, to);
    Pack::check(&folder).unwrap_err()
}

/// The thresholds that the default pack had before its false match rate became 1e-5.
const OLD_THRESHOLDS: [(u16, u16, &str, &str); 4] = [
    (1, 1, "0.343", "0.154"),
    (3, 1, "0.316", "0.058"),
    (5, 1, "0.312", "0.039"),
    (3, 3, "0.271", "0.0"),
];

/// Changes a copied pack to the form that an earlier version installed. Returns its id in that
/// version.
fn age(folder: &Path) -> Digest {
    let text = fs::read_to_string(folder.join("pack.toml")).unwrap();
    let (networks, _) = text.split_once("[[thresholds]]").unwrap();
    let (start, rest) = networks.split_once("former_ids = [").unwrap();
    let (_, rest) = rest.split_once("]\n").unwrap();
    let points = OLD_THRESHOLDS.map(|(enrolled, probes, distance, rejected)| {
        format!(
            "[[thresholds]]\nenrolled = {enrolled}\nprobes = {probes}\ndistance = {distance}\n\
             false_match_rate = 0.0001\nfalse_non_match_rate = {rejected}\n"
        )
    });
    let old = format!("{start}{rest}{}", points.join("\n"));
    fs::write(folder.join("pack.toml"), &old).unwrap();
    Digest::of(old.as_bytes())
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
fn an_older_default_pack_gets_the_current_thresholds() {
    let packs = copied();
    let folder = packs.path().join(DEFAULT_PACK);
    let old = age(&folder);
    assert!(matches!(Pack::check(&folder), Err(PackError::Malformed { .. })));

    assert!(recalibrate(packs.path()).unwrap());
    let pack = Pack::check(&folder).unwrap();
    assert_eq!(pack.thresholds(), ENGINE.pack().thresholds());
    assert_eq!(pack.id(), ENGINE.pack().id());
    assert!(pack.ids().contains(&old));
    // A new pack of this version accepts the templates of the older one as well.
    assert!(ENGINE.pack().ids().contains(&old));
    assert!(!recalibrate(packs.path()).unwrap(), "a second call replaces nothing");
}

#[test]
fn thresholds_set_by_an_operator_are_kept() {
    let packs = copied();
    let folder = packs.path().join(DEFAULT_PACK);
    edit(&folder, "distance = 0.25", "distance = 0.2");
    let before = fs::read(folder.join("pack.toml")).unwrap();
    assert!(!recalibrate(packs.path()).unwrap());
    assert_eq!(fs::read(folder.join("pack.toml")).unwrap(), before);
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
        ("format = 1", "format = 2"),
        ("format = 1", "format = 1\ntreshold = 0.6"),
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

#[test]
fn a_valid_pack_is_not_installed_again() {
    let packs = copied();
    let mut steps = 0;
    let pack = install(packs.path(), &Source::Archives(Vec::new()), &mut |_| steps += 1).unwrap();
    assert_eq!((pack.id(), steps), (ENGINE.pack().id(), 0));
}

#[test]
fn a_failed_installation_leaves_no_files() {
    let packs = tempfile::tempdir().unwrap();
    let error = install(packs.path(), &Source::Archives(Vec::new()), &mut |_| ()).unwrap_err();
    assert!(matches!(error, InstallError::Weights { .. }));
    assert_eq!(fs::read_dir(packs.path()).unwrap().count(), 0);
}
