//! Random bytes from the operating system, the only source of randomness in this crate.

use crate::identity::IdentityError;
use aws_lc_rs::rand;

/// Fills `bytes` with random bytes.
///
/// # Errors
///
/// [`IdentityError::NoRandomness`] if the operating system provides none.
#[expect(clippy::disallowed_methods, reason = "the only place that reads random bytes")]
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), IdentityError> {
    rand::fill(bytes).map_err(|_| IdentityError::NoRandomness)
}
