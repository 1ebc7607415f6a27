//! The programs of this workspace, built.

use crate::process::succeed;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Where they are.
#[derive(Debug)]
pub(crate) struct Binaries {
    /// The server.
    pub(crate) fourauthd: PathBuf,
    /// The client.
    pub(crate) fourauth: PathBuf,
    /// What measures the assurances.
    pub(crate) assure: PathBuf,
}

/// Builds server and client.
///
/// # Errors
///
/// If they do not compile.
pub(crate) fn build(root: &Path) -> anyhow::Result<Binaries> {
    let bins = ["build", "--bin", "fourauthd", "--bin", "fourauth"];
    succeed(Command::new("cargo").current_dir(root).args(bins))?;
    Ok(built(root))
}

/// Where a build has put them.
pub(crate) fn built(root: &Path) -> Binaries {
    in_profile(root, "debug")
}

/// Where a build for release has put them.
pub(crate) fn released(root: &Path) -> Binaries {
    in_profile(root, "release")
}

#[expect(clippy::disallowed_methods, reason = "cargo's own variable says where cargo builds")]
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
