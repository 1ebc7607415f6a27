//! Randomness, from the operating system and nowhere else.

/// Draws `N` random bytes.
///
/// # Panics
///
/// If the operating system has no randomness to give. A server that went on without it would hand
/// out tokens that can be guessed.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one door for randomness")]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives randomness");
    bytes
}

/// Draws a positive number: the id of a new account.
#[must_use]
pub fn positive_i64() -> i64 {
    i64::from_be_bytes(bytes()) & i64::MAX
}
