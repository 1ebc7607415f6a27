//! A copy of the default pack that a test may change. The tests of `face-pack` use it as well.

use std::{
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// The name of the pack, and of its folder.
pub(crate) const DEFAULT_PACK: &str = "blaze-dlib";

const FILES: [&str; 4] = ["detector.onnx", "landmarks.onnx", "embedder.onnx", "pack.toml"];

/// A folder of packs with a copy of the default pack.
pub(crate) fn copied() -> TempDir {
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
pub(crate) fn edit(folder: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(folder.join("pack.toml")).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(folder.join("pack.toml"), text.replacen(from, to, 1)).unwrap();
}

/// The folder of the default pack.
pub(crate) fn pack_folder() -> PathBuf {
    pack_folder_of(DEFAULT_PACK)
}

/// The folder of a pack, where `cargo xtask models` puts it.
pub(crate) fn pack_folder_of(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/models/packs").join(name)
}
