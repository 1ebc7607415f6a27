//! Randomness for jitter, names of processes and temporary files, from the operating system only.
//!
//! No decision depends on it, so no test has to choose it.

/// Draws `N` random bytes.
///
/// # Panics
///
/// If the operating system has no randomness.
#[expect(clippy::disallowed_methods, reason = "the only function here that reads random bytes")]
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives randomness");
    bytes
}
