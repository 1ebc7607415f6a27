//! Installs PostgreSQL for the tests, from the system's package, if it is missing.
//!
//! The tests create and delete their own clusters; only the programs are needed.

use crate::process::succeed;
use anyhow::bail;
use std::{fs, path::Path, process::Command};

/// Folder of the programs of each major version on Debian.
const PACKAGED: &str = "/usr/lib/postgresql";

/// Installs the package if no PostgreSQL is found. Fails if that is not possible, because tests on
/// PostgreSQL are never skipped.
pub(crate) fn install_if_missing() -> anyhow::Result<()> {
    if is_there() {
        return Ok(());
    }
    if !Path::new("/usr/bin/apt-get").exists() {
        bail!(
            "the tests need PostgreSQL's initdb and pg_ctl on PATH; install PostgreSQL 15 or newer"
        );
    }
    println!("installing PostgreSQL for the tests");
    for arguments in [&["update", "-qq"][..], &["install", "-y", "-qq", "postgresql"][..]] {
        succeed(privileged("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))?;
    }
    Ok(())
}

fn is_there() -> bool {
    let packaged = fs::read_dir(PACKAGED).into_iter().flatten().flatten();
    packaged.map(|version| version.path().join("bin/initdb")).any(|initdb| initdb.exists())
        || Command::new("initdb").arg("--version").output().is_ok_and(|ran| ran.status.success())
}

/// Runs a program as root, with `sudo` if necessary.
fn privileged(program: &str) -> Command {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|ran| ran.stdout == b"0\n");
    if is_root {
        return Command::new(program);
    }
    let mut sudo = Command::new("sudo");
    sudo.arg(program);
    sudo
}
