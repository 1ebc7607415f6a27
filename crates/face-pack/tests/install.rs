//! Installing the default pack, and updating one that an earlier version installed.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue may panic")]

#[path = "../../face/tests/face/pack_copy.rs"]
mod pack_copy;

use fourauth_face::{
    Digest,
    pack::{Pack, PackError},
};
use fourauth_face_pack::{DEFAULT_PACK, InstallError, Source, install, recalibrate};
use pack_copy::{copied, edit, pack_folder};
use std::{fs, path::Path};

/// The default pack of this version.
fn current() -> Pack {
    Pack::check(&pack_folder()).expect("run `cargo xtask models` first")
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
fn an_older_default_pack_gets_the_current_thresholds() {
    let packs = copied();
    let folder = packs.path().join(DEFAULT_PACK);
    let old = age(&folder);
    assert!(matches!(Pack::check(&folder), Err(PackError::Malformed { .. })));

    assert!(recalibrate(packs.path()).unwrap());
    let pack = Pack::check(&folder).unwrap();
    assert_eq!(pack.thresholds(), current().thresholds());
    assert_eq!(pack.id(), current().id());
    assert!(pack.ids().contains(&old));
    // A new pack of this version accepts the templates of the older one as well.
    assert!(current().ids().contains(&old));
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
fn a_valid_pack_is_not_installed_again() {
    let packs = copied();
    let mut steps = 0;
    let pack = install(packs.path(), &Source::Archives(Vec::new()), &mut |_| steps += 1).unwrap();
    assert_eq!((pack.id(), steps), (current().id(), 0));
}

#[test]
fn a_failed_installation_leaves_no_files() {
    let packs = tempfile::tempdir().unwrap();
    let error = install(packs.path(), &Source::Archives(Vec::new()), &mut |_| ()).unwrap_err();
    assert!(matches!(error, InstallError::Weights { .. }));
    assert_eq!(fs::read_dir(packs.path()).unwrap().count(), 0);
}
