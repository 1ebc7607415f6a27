//! The crates that are published can be packaged, without the network.

use crate::{checked_in, public_api::PUBLISHED};
use std::{fs, process::Command};

#[test]
fn every_published_crate_can_be_packaged() {
    let target = tempfile::tempdir().unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["package", "--offline", "--no-verify", "--allow-dirty", "--target-dir"]);
    cargo.arg(target.path()).current_dir(checked_in::path(""));
    for name in PUBLISHED {
        cargo.args(["--package", &format!("fourauth-{name}")]);
    }
    let ran = cargo.output().expect("cargo runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    for name in PUBLISHED {
        let version = env!("CARGO_PKG_VERSION");
        let file = target.path().join(format!("package/fourauth-{name}-{version}.crate"));
        assert!(file.exists(), "{} is missing", file.display());
    }
}

#[test]
fn only_the_published_crates_may_be_published() {
    for entry in fs::read_dir(checked_in::path("crates")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let manifest = checked_in::read(&format!("crates/{name}/Cargo.toml"));
        let is_private = manifest.contains("publish.workspace = true");
        assert_ne!(is_private, PUBLISHED.contains(&name.as_str()), "{name}");
    }
}
