//! Fetches packages with the npm client. No script in them is run, and npm gets only a
//! [restricted environment](ClientEnvironment).

use crate::{ClientEnvironment, InstallError, Steps};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// On Windows, npm is a script.
const CLIENT: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

/// Upper bound of npm's error message in ours, in characters.
const MAX_MESSAGE: usize = 600;

/// Fetches packages, by name and version, into `folder` and returns their archives.
pub(crate) fn fetched(
    packages: &[&'static str],
    folder: &Path,
    environment: &ClientEnvironment,
    steps: &mut Steps<'_>,
) -> Result<Vec<PathBuf>, InstallError> {
    let mut archives = Vec::with_capacity(packages.len());
    for (index, &package) in packages.iter().enumerate() {
        steps.next(format!("fetching {package}"));
        let place = folder.join(format!("package-{index}"));
        archives.push(pack(package, &place, environment)?);
    }
    Ok(archives)
}

/// Runs `npm pack` in a new folder, and returns the archive that it writes there.
fn pack(
    package: &'static str,
    folder: &Path,
    environment: &ClientEnvironment,
) -> Result<PathBuf, InstallError> {
    let failed = |reason: String| InstallError::Npm { package, reason };
    fs::create_dir(folder).map_err(|error| failed(error.to_string()))?;
    let output = Command::new(CLIENT)
        .args(["pack", "--ignore-scripts", "--loglevel=error", package])
        .env_clear()
        .envs(environment.variables())
        .envs((!environment.has_home()).then_some(("HOME", folder)))
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(format!("cannot run {CLIENT}: {error}")))?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        return Err(failed(message.trim().chars().take(MAX_MESSAGE).collect()));
    }
    let entries = fs::read_dir(folder).map_err(|error| failed(error.to_string()))?;
    let mut files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    files
        .find(|path| path.extension().is_some_and(|ending| ending == "tgz"))
        .ok_or_else(|| failed("npm wrote no archive".to_owned()))
}
