//! Random bytes from the operating system, the only source of randomness in this crate.

use fourauth_protocol::secret::Secret;

/// Draws `N` random bytes.
///
/// # Panics
///
/// If the operating system cannot provide random bytes. A server that continued without them would
/// issue predictable tokens.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the only place that reads random bytes")]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system provides random bytes");
    bytes
}

/// Draws random bytes that are a secret. They are written to the heap at once: what lies on the stack
/// is not wiped.
///
/// # Panics
///
/// As [`bytes`].
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the only place that reads random bytes")]
pub fn secret_bytes(length: usize) -> Secret<Vec<u8>> {
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).expect("the operating system provides random bytes");
    Secret::new(bytes)
}

/// Draws a random number that is not negative, such as the id of a new account.
#[must_use]
pub fn positive_i64() -> i64 {
    i64::from_be_bytes(bytes()) & i64::MAX
}
