//! Names of keys in signed notes (C2SP signed-note).

/// Longest name of a key, in bytes.
const MAX_NAME: usize = 255;

/// True if the text is a valid key name: 1 to 255 bytes, no spaces, no control characters, no `+`.
#[must_use]
pub(crate) fn is_name(text: &str) -> bool {
    let is_fit = |c: char| !c.is_whitespace() && !c.is_control() && c != '+';
    (1..=MAX_NAME).contains(&text.len()) && text.chars().all(is_fit)
}
