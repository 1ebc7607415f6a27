//! Installs the programs that the tests run, from the system's packages, if they are missing.
//!
//! The tests start and stop their own clusters and proxies; only the programs are needed.

use crate::process::succeed;
use anyhow::bail;
use std::{fs, path::Path, process::Command};

/// Folder of the programs of each major version of PostgreSQL on Debian.
const PACKAGED_POSTGRES: &str = "/usr/lib/postgresql";

/// Debian's packages.
const PACKAGES: [&str; 9] = [
    "postgresql",
    "pgbouncer",
    "nginx-light",
    "caddy",
    "chromium",
    "firefox-esr",
    "webkit2gtk-driver",
    "xvfb",
    "xauth",
];

/// Installs the packages of missing programs. Fails if that is not possible, because tests that need them
/// are never skipped.
pub(crate) fn install_if_missing() -> anyhow::Result<()> {
    let missing: Vec<_> = PACKAGES.into_iter().filter(|package| !is_there(package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(", ");
    if !Path::new("/usr/bin/apt-get").exists() {
        bail!(
            "the tests need these programs on PATH: {list}; install them (PostgreSQL 15 or newer)"
        );
    }
    println!("installing for the tests: {list}");
    let install = ["install", "-y", "-qq", "--no-install-recommends"];
    for arguments in [vec!["update", "-qq"], [&install[..], &missing].concat()] {
        let mut apt = privileged("apt-get");
        succeed(apt.args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))?;
    }
    Ok(())
}

/// True if the program of a package is there.
fn is_there(package: &str) -> bool {
    match package {
        "nginx-light" => runs("nginx", "-v"),
        "pgbouncer" => runs("pgbouncer", "--version"),
        "caddy" => runs("caddy", "version"),
        "chromium" => runs("chromium", "--version"),
        "firefox-esr" => runs("firefox-esr", "--version"),
        "webkit2gtk-driver" => runs("WebKitWebDriver", "--help"),
        "xvfb" => runs("xvfb-run", "--help"),
        "xauth" => runs("xauth", "version"),
        _ => has_postgres(),
    }
}

fn has_postgres() -> bool {
    let packaged = fs::read_dir(PACKAGED_POSTGRES).into_iter().flatten().flatten();
    packaged.map(|version| version.path().join("bin/initdb")).any(|initdb| initdb.exists())
        || runs("initdb", "--version")
}

/// True if a program is on `PATH`, or where Debian keeps those of servers.
fn runs(program: &str, argument: &str) -> bool {
    let names = [program.to_owned(), format!("/usr/sbin/{program}")];
    names
        .iter()
        .any(|name| Command::new(name).arg(argument).output().is_ok_and(|ran| ran.status.success()))
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
