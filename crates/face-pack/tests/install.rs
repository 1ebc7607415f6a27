//! Installing packs, and updating one that an earlier version installed.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue may panic")]

#[path = "../../face/tests/face/pack_copy.rs"]
#[expect(dead_code, reason = "the tests of `face` use all of it")]
mod pack_copy;

use fourauth_face::{
    Digest,
    pack::{Pack, PackError},
};
use fourauth_face_pack::{InstallError, Source, install, installable, recalibrate};
use pack_copy::{copied_of, edit, pack_folder_of};
use std::{fs, path::Path};

/// The pack that was the default before, and has thresholds of an earlier version.
const FIRST_PACK: &str = "blaze-dlib";

/// A pack of this version.
fn current(name: &str) -> Pack {
    Pack::check(&pack_folder_of(name)).expect("run `cargo xtask models` first")
}

/// Gives a copy of the first pack the manifest that an earlier version wrote, with a false match rate
/// of 1e-4. Returns its id in that version.
fn age(folder: &Path) -> Digest {
    let old = include_str!("blaze-dlib-version-1.toml");
    fs::write(folder.join("pack.toml"), old).unwrap();
    Digest::of(old.as_bytes())
}

#[test]
fn an_older_pack_gets_the_current_thresholds() {
    let packs = copied_of(FIRST_PACK);
    let folder = packs.path().join(FIRST_PACK);
    let old = age(&folder);
    assert!(matches!(Pack::check(&folder), Err(PackError::Malformed { .. })));

    assert!(recalibrate(packs.path(), FIRST_PACK).unwrap());
    let pack = Pack::check(&folder).unwrap();
    assert_eq!(pack.thresholds(), current(FIRST_PACK).thresholds());
    assert_eq!(pack.id(), current(FIRST_PACK).id());
    assert!(pack.ids().contains(&old));
    // A new pack of this version accepts the templates of the older one as well.
    assert!(current(FIRST_PACK).ids().contains(&old));
    assert!(!recalibrate(packs.path(), FIRST_PACK).unwrap(), "a second call replaces nothing");
}

#[test]
fn thresholds_set_by_an_operator_are_kept() {
    let packs = copied_of(FIRST_PACK);
    let folder = packs.path().join(FIRST_PACK);
    edit(&folder, "distance = 0.25", "distance = 0.2");
    let before = fs::read(folder.join("pack.toml")).unwrap();
    assert!(!recalibrate(packs.path(), FIRST_PACK).unwrap());
    assert_eq!(fs::read(folder.join("pack.toml")).unwrap(), before);
}

#[test]
fn a_valid_pack_is_not_installed_again() {
    for name in installable() {
        let packs = copied_of(name);
        let nothing = Source::Archives(Vec::new());
        let mut steps = 0;
        let pack = install(packs.path(), name, &nothing, &mut |_| steps += 1).unwrap();
        assert_eq!((pack.id(), steps), (current(name).id(), 0));
    }
}

#[test]
fn a_pack_without_a_recipe_is_not_installed() {
    let packs = tempfile::tempdir().unwrap();
    let ours = install(packs.path(), "ours", &Source::Archives(Vec::new()), &mut |_| ());
    let error = ours.unwrap_err();
    assert!(matches!(error, InstallError::Unknown { .. }));
    assert!(installable().all(|name| error.to_string().contains(name)), "{error}");
    assert!(!recalibrate(packs.path(), "ours").unwrap());
}

#[test]
fn a_failed_installation_leaves_no_files() {
    for name in installable() {
        let packs = tempfile::tempdir().unwrap();
        let nothing = Source::Archives(Vec::new());
        let error = install(packs.path(), name, &nothing, &mut |_| ()).unwrap_err();
        assert!(matches!(error, InstallError::Weights { .. }), "{name}");
        assert_eq!(fs::read_dir(packs.path()).unwrap().count(), 0);
    }
}
