//! Packs that are valid, missing, altered or malformed.

use crate::{
    onnx::{constant_network, giant_network},
    pack_copy::{DEFAULT_PACK, copied, edit},
    support::{ENGINE, FIRST_ENGINE},
};
use fourauth_face::{
    Digest, Engine,
    pack::{Found, Pack, PackError},
};
use std::{
    fs::{self, File},
    os::unix::fs::symlink,
    path::Path,
    process::Command,
};

/// The id that all templates of the default pack carry. If it changes, every face must be enrolled
/// again.
const DEFAULT_ID: &str = "afe7b8fc57e5430cf4f6167e895cb5f44a9a37f51f66f244d7424a7051e814ce";

/// The id of the pack that was the default before.
const FIRST_ID: &str = "ecb24a8c8f9047088bd8e2762692a665dc75704121a992b5963290b3e715e2da";

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
    assert_eq!(FIRST_ENGINE.pack().id().to_string(), FIRST_ID);
    let id = |from: &str, to: &str| {
        let packs = copied();
        let folder = packs.path().join(DEFAULT_PACK);
        edit(&folder, from, to);
        Pack::check(&folder).unwrap().id().to_string()
    };
    for (from, to) in [
        ("name = \"blaze-fr\"", "name = \"ours\""),
        ("licence = \"MIT", "licence = \"ISC"),
        ("distance = 0.97", "distance = 0.9"),
        ("min_sharpness = 50.0", "min_sharpness = 60.0"),
        ("agreement = 1.15", "agreement = 1.1"),
        ("score = 0.5", "score = 0.6"),
        ("threshold = 0.5", "threshold = 0.6"),
    ] {
        assert_eq!(id(from, to), DEFAULT_ID, "{to}");
    }
    for (from, to) in [
        ("mirror = false", "mirror = true"),
        ("channels = \"rgb\"", "channels = \"bgr\""),
        ("scale = 0.0078125", "scale = 0.5"),
        ("127.0", "127.5"),
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
        ("name = \"blaze-fr\"", "name = \"../blaze\""),
        ("name = \"embedder.onnx\"", "name = \"../../embedder.onnx\""),
        ("name = \"embedder.onnx\"", "name = \"/etc/passwd\""),
        ("distance = 1.02", "distance = 4.0"),
        ("enrolled = 5\nprobes = 5", "enrolled = 5\nprobes = 4"),
        ("mirror = false", "mirror = \"yes\""),
        ("scale = 0.0078125", "scale = inf"),
        ("side = 112", "side = 60000"),
        ("sha256 = \"", "sha256 = \"0"),
        ("false_match_rate = ", "false_match_rate = nan #"),
        ("false_match_rate = ", "false_match_rate = 0.0 #"),
        ("false_non_match_rate = ", "false_non_match_rate = -1.0 #"),
        // No 512 values keep so many strangers apart.
        ("distance = 1.02", "distance = 1.3"),
        ("same_picture = 0.4", "same_picture = 0.97"),
        ("licence = \"", "licence = \"free\\nblaze-dlib  0123  accepts 0 of strangers  "),
        ("source = \"", "source = \"npm\\u001b[2J\\u202e"),
    ];
    for (from, to) in changes {
        let error = flaw(from, to);
        assert!(matches!(error, PackError::Malformed { .. }), "{to}: {error}");
    }
}

/// Version 1 has no rules for pictures and the same thresholds.
#[test]
fn a_manifest_of_version_1_has_possible_rates() {
    let folder = tempfile::tempdir().unwrap();
    let text = include_str!("../../../face-pack/tests/blaze-dlib-version-1.toml");
    let reason = |text: &str| {
        fs::write(folder.path().join("pack.toml"), text).unwrap();
        Pack::check(folder.path()).unwrap_err().to_string()
    };
    // The pack of an early version has no threshold for five pictures.
    let text = &text.replace("enrolled = 3\nprobes = 3", "enrolled = 5\nprobes = 5");
    // The control: only its networks are missing.
    assert!(reason(text).contains("detector.onnx"), "{}", reason(text));
    for rate in ["nan", "-1.0", "0.0", "1.0"] {
        let changed =
            text.replacen("false_match_rate = ", &format!("false_match_rate = {rate} #"), 1);
        assert!(reason(&changed).contains("false_match_rate"), "{rate}: {}", reason(&changed));
    }
}

#[test]
fn a_file_of_a_pack_that_is_no_file_is_not_opened() {
    let devices = ["pack.toml", "embedder.onnx"].map(|name| (name, "/dev/zero"));
    let nothing = ["pack.toml", "detector.onnx"].map(|name| (name, "absent"));
    for (name, target) in devices.into_iter().chain(nothing) {
        let packs = copied();
        let path = packs.path().join(DEFAULT_PACK).join(name);
        fs::remove_file(&path).unwrap();
        symlink(target, &path).unwrap();
        assert_unreadable(packs.path(), &path);
    }
    for name in ["pack.toml", "embedder.onnx"] {
        let packs = copied();
        let path = packs.path().join(DEFAULT_PACK).join(name);
        fs::remove_file(&path).unwrap();
        // A pipe has no bytes until another process writes some.
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        assert_unreadable(packs.path(), &path);
    }
    let packs = copied();
    let path = packs.path().join(DEFAULT_PACK).join("embedder.onnx");
    // A file without blocks, of a terabyte.
    File::options().write(true).open(&path).unwrap().set_len(1 << 40).unwrap();
    assert_unreadable(packs.path(), &path);

    // A link to a file is followed.
    let packs = copied();
    let path = packs.path().join(DEFAULT_PACK).join("embedder.onnx");
    fs::rename(&path, packs.path().join("elsewhere")).unwrap();
    symlink("../elsewhere", &path).unwrap();
    Pack::check(&packs.path().join(DEFAULT_PACK)).unwrap();
}

/// The one pack is listed, with an error that names the file.
fn assert_unreadable(packs: &Path, file: &Path) {
    let found = Pack::installed(packs).unwrap();
    let [Found { pack, .. }] = &found[..] else { panic!("{found:?}") };
    let error = pack.as_ref().unwrap_err();
    assert!(matches!(error, PackError::Unreadable { path, .. } if path == file), "{error:?}");
}

#[test]
fn an_error_shows_the_name_of_a_folder_on_one_line() {
    let packs = tempfile::tempdir().unwrap();
    let folder = packs.path().join("evil\nblaze-fr  0123  accepts 1e-5 of strangers");
    fs::create_dir(&folder).unwrap();
    for text in ["format = 7", "format = 2"] {
        fs::write(folder.join("pack.toml"), text).unwrap();
        let error = Pack::check(&folder).unwrap_err().to_string();
        assert!(error.contains("evil\\u{a}blaze-fr"), "{error}");
    }
}

#[test]
fn an_embedder_that_sees_no_difference_is_refused() {
    let refused = |values: Vec<f32>| {
        let packs = copied();
        let folder = packs.path().join(DEFAULT_PACK);
        replace(&folder, "embedder.onnx", &constant_network(112, &[values]));
        match Engine::load(&folder) {
            Err(PackError::Network { source, .. }) => source.to_string(),
            other => panic!("{other:?}"),
        }
    };
    assert!(refused(vec![1.0; 512]).contains("the same embedding"));
    assert!(refused(vec![0.0; 512]).contains("no embedding"));
    assert!(refused(vec![f32::NAN; 512]).contains("not a finite number"));
}

#[test]
fn a_liveness_network_that_sees_no_difference_is_refused() {
    let packs = copied();
    let folder = packs.path().join(DEFAULT_PACK);
    let classes = {
        let text = fs::read_to_string(folder.join("pack.toml")).unwrap();
        let (_, classes) = text.split_once("classes = ").unwrap();
        classes[..1].parse().unwrap()
    };
    replace(&folder, "liveness.onnx", &constant_network(128, &[vec![3.0; classes]]));
    let Err(PackError::Network { path, source, .. }) = Engine::load(&folder) else { panic!() };
    assert!(path.ends_with("liveness.onnx") && source.to_string().contains("the same scores"));
}

#[test]
fn a_network_that_asks_for_more_memory_than_there_is_is_refused() {
    // 512 GiB: computed from the picture, and known before any picture.
    for from_picture in [true, false] {
        let packs = copied();
        let folder = packs.path().join(DEFAULT_PACK);
        replace(&folder, "embedder.onnx", &giant_network(112, 512, 1 << 28, from_picture));
        let Err(PackError::Network { path, source, .. }) = Engine::load(&folder) else { panic!() };
        println!("{source}");
        assert!(path.ends_with("embedder.onnx"));
    }
}

/// Replaces a network of a pack and its hash.
fn replace(folder: &Path, name: &str, onnx: &[u8]) {
    let old = Digest::of(&fs::read(folder.join(name)).unwrap()).to_string();
    edit(folder, &old, &Digest::of(onnx).to_string());
    fs::write(folder.join(name), onnx).unwrap();
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
fn a_network_that_does_not_fit_names_the_keys_to_look_at() {
    for (from, to, keys) in [
        ("dimensions = 512", "dimensions = 256", "`embedder.dimensions`"),
        ("side = 112", "side = 96", "side of `embedder.alignment`"),
        ("classes = ", "classes = 1", "`liveness.networks`"),
        ("kind = \"blazeface\"\nside = 128", "kind = \"blazeface\"\nside = 160", "`detector.side`"),
    ] {
        let packs = copied();
        let folder = packs.path().join(DEFAULT_PACK);
        edit(&folder, from, to);
        Pack::check(&folder).unwrap();
        let error = Engine::load(&folder).unwrap_err().to_string();
        assert!(error.contains(keys), "{to}: {error}");
    }
}

#[test]
fn two_thresholds_for_the_same_numbers_are_refused() {
    let third = "enrolled = 5\nprobes = 1\n";
    let error = flaw(third, "enrolled = 1\nprobes = 1\n").to_string();
    assert!(error.contains("number 1 and number 3 are both for enrolled = 1"), "{error}");
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
