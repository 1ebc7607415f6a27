//! Runs pip.

use crate::{models::PASSED, process::succeed};
use std::{
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{self, Command},
};

/// `pip install`, with a short list of variables, because pip may run the build script of a package.
#[expect(clippy::disallowed_methods, reason = "pip reads settings from the environment")]
pub(crate) fn install() -> Command {
    let mut pip = Command::new("python3");
    pip.env_clear().envs(PASSED.iter().filter_map(|name| Some((name, env::var_os(name)?))));
    pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]);
    pip
}

/// Installs packages in a folder of `target`, unless it is there, and returns its path. `arguments` end
/// with a file of requirements, which has the hash of each package.
///
/// They are installed into a draft folder that is then renamed, so that a partial installation is never
/// used.
pub(crate) fn install_once(
    root: &Path,
    name: &str,
    arguments: &[impl AsRef<OsStr>],
) -> anyhow::Result<PathBuf> {
    let folder = root.join("target").join(name);
    if !folder.exists() {
        let draft = root.join(format!("target/{name}.{}", process::id()));
        let hashed = ["--require-hashes", "--requirement"];
        let (requirements, options) = arguments.split_last().expect("a file of requirements");
        let mut pip = install();
        pip.arg("--target").arg(&draft).args(options).args(hashed).arg(requirements);
        succeed(&mut pip)?;
        fs::rename(&draft, &folder)?;
    }
    Ok(folder)
}
