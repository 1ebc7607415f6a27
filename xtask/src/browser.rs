//! What the tests of the portal need beside the browser itself: the packages of `tests/browser`.

use crate::process::succeed;
use anyhow::Context as _;
use std::{fs, path::Path, process::Command};

/// The files that name the packages and their hashes.
const FILES: [&str; 2] = ["package.json", "package-lock.json"];

/// Installs the packages in `target/browser`, unless those of the lock file are there.
pub(crate) fn install_packages(root: &Path) -> anyhow::Result<()> {
    let (source, folder) = (root.join("tests/browser"), root.join("target/browser"));
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let read = |folder: &Path| FILES.map(|name| fs::read(folder.join(name)).ok());
    if folder.join("node_modules/.package-lock.json").exists() && read(&source) == read(&folder) {
        return Ok(());
    }
    for name in FILES {
        fs::copy(source.join(name), folder.join(name)).with_context(|| format!("no {name}"))?;
    }
    let install = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
    succeed(Command::new("npm").args(install).current_dir(&folder))
}
