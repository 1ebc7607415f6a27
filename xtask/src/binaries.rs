//! Builds of the programs of this workspace.

use crate::process::succeed;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Paths of the programs.
#[derive(Debug)]
pub(crate) struct Binaries {
    /// The server.
    pub(crate) fourauthd: PathBuf,
    /// The client.
    pub(crate) fourauth: PathBuf,
    /// The program that measures the assurances.
    pub(crate) assure: PathBuf,
}

/// Builds the server and the client.
pub(crate) fn build(root: &Path) -> anyhow::Result<Binaries> {
    let bins = ["build", "--bin", "fourauthd", "--bin", "fourauth"];
    succeed(Command::new("cargo").current_dir(root).args(bins))?;
    Ok(built(root))
}

/// Paths of the programs of a debug build.
pub(crate) fn built(root: &Path) -> Binaries {
    in_profile(root, "debug")
}

/// Paths of the programs of a release build.
pub(crate) fn released(root: &Path) -> Binaries {
    in_profile(root, "release")
}

#[expect(clippy::disallowed_methods, reason = "cargo reads its target folder from this variable")]
fn in_profile(root: &Path, profile: &str) -> Binaries {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root.join("target"), |folder| root.join(folder));
    let binary = |name| target.join(profile).join(name);
    Binaries {
        fourauthd: binary("fourauthd"),
        fourauth: binary("fourauth"),
        assure: binary("assure"),
    }
}
