//! A copy of a pack that a test may change. The tests of `face-pack` use it as well.

use std::{
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// The name of the default pack, and of its folder.
pub(crate) const DEFAULT_PACK: &str = "blaze-fr";

/// A folder of packs with a copy of the default pack.
pub(crate) fn copied() -> TempDir {
    copied_of(DEFAULT_PACK)
}

/// A folder of packs with a copy of one pack.
pub(crate) fn copied_of(name: &str) -> TempDir {
    let packs = tempfile::tempdir().unwrap();
    let folder = packs.path().join(name);
    fs::create_dir(&folder).unwrap();
    let files = fs::read_dir(pack_folder_of(name)).expect("run `cargo xtask models` first");
    for file in files {
        let file = file.unwrap();
        fs::copy(file.path(), folder.join(file.file_name())).unwrap();
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
