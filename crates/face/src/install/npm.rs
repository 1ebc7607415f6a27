//! Fetches the two packages with the ordinary npm client. Nothing in them is run, and nothing of this
//! process's environment is passed on but [what npm needs](ClientEnvironment).

use super::{ClientEnvironment, InstallError, Steps};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Packages by name and version.
const PACKAGES: [&str; 2] = ["@vladmandic/human@3.3.6", "@vladmandic/face-api@1.7.15"];

/// npm is a script where programs have endings.
const CLIENT: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

/// Longest part of npm's complaint that is passed on, in characters.
const MAX_COMPLAINT: usize = 600;

/// Fetches both packages into `folder` and returns their archives.
pub(super) fn fetched(
    folder: &Path,
    environment: &ClientEnvironment,
    steps: &mut Steps<'_>,
) -> Result<Vec<PathBuf>, InstallError> {
    let mut archives = Vec::with_capacity(PACKAGES.len());
    for (index, package) in PACKAGES.into_iter().enumerate() {
        steps.next(format!("fetching {package}"));
        let place = folder.join(format!("package-{index}"));
        archives.push(pack(package, &place, environment)?);
    }
    Ok(archives)
}

/// `npm pack` in a folder of its own, where exactly one archive appears.
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
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(format!("{CLIENT} cannot be run: {error}")))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        return Err(failed(complaint.trim().chars().take(MAX_COMPLAINT).collect()));
    }
    let entries = fs::read_dir(folder).map_err(|error| failed(error.to_string()))?;
    let mut files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    files
        .find(|path| path.extension().is_some_and(|ending| ending == "tgz"))
        .ok_or_else(|| failed("it wrote no archive".to_owned()))
}
