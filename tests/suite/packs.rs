//! `fourauthd models check` and `install` on packs that cannot be used.

use clap::Parser;
use fourauth_config::Config;
use fourauth_face::Digest;
use fourauth_face_pack::{ClientEnvironment, DEFAULT_PACK};
use fourauth_tests::models;
use fourauthd::command::models::ModelsCommand;
use std::{fs, path::Path};
use tempfile::TempDir;

/// `fourauthd models`.
#[derive(Parser)]
struct Line {
    #[command(subcommand)]
    models: ModelsCommand,
}

/// Runs a command on a folder of packs. An error is one text.
fn run(packs: &Path, pack: &str, arguments: &[&str]) -> Result<(), String> {
    let words = ["models"].into_iter().chain(arguments.iter().copied());
    let mut config = Config::default();
    config.face.packs_dir = Some(packs.to_owned());
    pack.clone_into(&mut config.face.pack);
    let line = Line::try_parse_from(words).unwrap();
    let done = line.models.run(&config, ClientEnvironment::from_iter([]));
    done.map_err(|error| format!("{error:#}"))
}

/// A folder with a copy of the default pack, of this name.
fn copied(name: &str) -> TempDir {
    let packs = tempfile::tempdir().unwrap();
    let folder = packs.path().join(name);
    fs::create_dir(&folder).unwrap();
    for file in fs::read_dir(models::packs().join(DEFAULT_PACK)).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), folder.join(file.file_name())).unwrap();
    }
    packs
}

#[test]
fn a_pack_that_cannot_be_loaded_fails_the_check() {
    let check = |change: &dyn Fn(&str) -> String| {
        let packs = copied("ours");
        let manifest = packs.path().join("ours/pack.toml");
        let before = fs::read_to_string(&manifest).unwrap();
        let after = change(&before);
        fs::write(&manifest, &after).unwrap();
        run(packs.path(), "ours", &["check"])
    };
    let replaced = |from: &'static str, to: &'static str| {
        move |text: &str| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        }
    };
    check(&replaced("MIT", "ISC")).expect("the control can be used");
    for change in [
        replaced("dimensions = 512", "dimensions = 256"),
        replaced("classes = 3", "classes = 4"),
        replaced("side = 128", "side = 160"),
        replaced("side = 112", "side = 96"),
    ] {
        assert_eq!(check(&change).unwrap_err(), "one pack cannot be used");
    }
}

#[test]
fn a_text_with_the_right_hash_is_not_a_network() {
    let packs = copied("ours");
    let folder = packs.path().join("ours");
    let before = Digest::of(&fs::read(folder.join("embedder.onnx")).unwrap()).to_string();
    fs::write(folder.join("embedder.onnx"), "no network").unwrap();
    let text = fs::read_to_string(folder.join("pack.toml")).unwrap();
    let text = text.replace(&before, &Digest::of(b"no network").to_string());
    fs::write(folder.join("pack.toml"), text).unwrap();
    assert_eq!(run(packs.path(), "ours", &["check"]).unwrap_err(), "one pack cannot be used");
}

#[test]
fn a_check_fails_if_the_pack_in_use_is_missing() {
    let packs = copied("ours");
    run(packs.path(), "ours", &["check"]).expect("the control");
    assert!(run(packs.path(), "other", &["check"]).is_err());
    fs::create_dir(packs.path().join("other")).unwrap();
    assert!(run(packs.path(), "other", &["check"]).is_err(), "a folder without a manifest");
}

#[test]
fn an_archive_that_is_not_there_is_named() {
    let packs = copied(DEFAULT_PACK);
    run(packs.path(), DEFAULT_PACK, &["install"]).expect("it is there already");
    let missing = packs.path().join("missing.tgz");
    let arguments = ["install", "--from", missing.to_str().unwrap()];
    let refused = run(packs.path(), DEFAULT_PACK, &arguments).unwrap_err();
    assert!(refused.contains("missing.tgz"), "{refused}");
}

#[test]
fn a_measurement_names_the_installed_packs() {
    let packs = copied("ours");
    let arguments = ["measure", "--pack", "nope", "--pictures", "/"];
    let refused = run(packs.path(), "ours", &arguments).unwrap_err();
    assert!(refused.contains("no pack nope") && refused.contains("installed: ours"), "{refused}");
    let svg = ["measure", "--pictures", "/", "--svg", "/nosuch/scores.svg"];
    let refused = run(packs.path(), "ours", &svg).unwrap_err();
    assert!(refused.contains("its folder does not exist"), "{refused}");
}
