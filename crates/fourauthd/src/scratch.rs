//! Scratch folders of commands.

use fourauth_auth::entropy;
use fourauth_private_file::scratch::{Scratch, ScratchError};
use std::path::Path;

/// Makes a scratch folder in `parent`. Its name begins with `name`. If it cannot be removed
/// afterwards, the operator is told its path.
///
/// # Errors
///
/// [`ScratchError`] with the cause.
pub(crate) fn make(parent: &Path, name: &str) -> Result<Scratch, ScratchError> {
    Scratch::make(parent, name, entropy::bytes(), |folder, error| {
        print_err!("cannot remove {}: {error}; remove it by hand", folder.display());
    })
}
