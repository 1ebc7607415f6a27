//! Updates the thresholds of a pack that an earlier version installed.
//!
//! Only `pack.toml` is written. Networks and templates stay valid, because they do not depend on
//! thresholds.

use crate::{InstallError, recipe_of};
use fourauth_face::{
    manifest::Manifest,
    pack::{MANIFEST, PackError, manifest_text},
};
use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

/// Replaces the thresholds of the pack `name` in `packs` if they are those that an earlier version
/// installed. Returns true if they were replaced.
///
/// Thresholds that an operator has changed are kept, and so is a pack that is not
/// [`installable`](crate::is_installable). A pack that is missing or cannot be read is ignored;
/// loading it reports the fault.
///
/// # Errors
///
/// [`InstallError::Write`] if `pack.toml` cannot be replaced. The old thresholds then still apply:
/// do not start a server with them.
pub fn recalibrate(packs: &Path, name: &str) -> Result<bool, InstallError> {
    let Ok(recipe) = recipe_of(name) else { return Ok(false) };
    let folder = packs.join(recipe.name);
    let path = folder.join(MANIFEST);
    let Ok(text) = manifest_text(&folder) else { return Ok(false) };
    let Ok(old) = Manifest::parse_unchecked(&text) else { return Ok(false) };
    let malformed = |reason: String| PackError::Malformed { path: path.clone(), reason };
    let new = recipe.recalibrated(&old, text.as_bytes());
    let Some(new) = new.map_err(|flaw| malformed(flaw.to_owned()))? else { return Ok(false) };
    let text = toml::to_string_pretty(&new).map_err(|error| malformed(error.to_string()))?;
    replace(&path, text.as_bytes()).map_err(|source| InstallError::Write { path, source })?;
    Ok(true)
}

/// Replaces a file atomically.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().set_permissions(fs::metadata(path)?.permissions())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    fs::File::open(folder)?.sync_all()
}
