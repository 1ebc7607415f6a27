//! Randomness for salts and temporary file names, only from the operating system.
//!
//! No decision depends on it, so tests do not need to inject it.

/// Draws `N` random bytes.
///
/// # Panics
///
/// If the operating system provides no randomness: predictable salts hide nothing.
#[expect(clippy::disallowed_methods, reason = "this is the only source of randomness")]
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system provides randomness");
    bytes
}
