//! The program as the tests run it.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};
use tempfile::TempDir;

fn packs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/models/packs")
}

/// `fourauthd` in a separate folder, with cheap hashes.
pub(crate) fn fourauthd(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fourauthd"));
    command
        .current_dir(folder)
        .args(arguments)
        .env("FOURAUTH__DATA_DIR", folder.path().join("data"))
        .env("FOURAUTH__AUTH__ARGON2_MEMORY_KIB", "64")
        .env("FOURAUTH__TIME__SERVERS", "[]")
        .env("FOURAUTH__FACE__INSTALL", "false")
        .env("FOURAUTH__FACE__PACKS_DIR", packs())
        .stdin(Stdio::null());
    command
}

pub(crate) fn text(ran: &Output) -> String {
    String::from_utf8_lossy(&[ran.stdout.clone(), ran.stderr.clone()].concat()).into_owned()
}
