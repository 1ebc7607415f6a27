//! Random bytes from the operating system, for temporary file names. No decision depends on them.

use fourauth_private_file::Suffix;
use std::io;

/// The random part of a temporary name.
#[expect(clippy::disallowed_methods, reason = "the only place that reads random bytes")]
pub(crate) fn suffix() -> io::Result<Suffix> {
    let mut suffix = Suffix::default();
    getrandom::fill(&mut suffix).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(suffix)
}
