//! Random bytes from the operating system, the only source of randomness in this crate.

use aws_lc_rs::{error::Unspecified, rand};

/// Fills `bytes` with random bytes.
///
/// # Errors
///
/// If the operating system provides none.
#[expect(clippy::disallowed_methods, reason = "the only place that reads random bytes")]
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), Unspecified> {
    rand::fill(bytes)
}
