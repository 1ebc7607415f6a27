//! Randomness for salts, from the operating system and nowhere else.
//!
//! Nothing is decided by it, so no test has to choose it.

/// Draws `N` random bytes.
///
/// # Panics
///
/// If the operating system has no randomness to give: salts that can be guessed hide nothing.
#[expect(clippy::disallowed_methods, reason = "this is the one door for randomness")]
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives randomness");
    bytes
}
