//! Why a configuration cannot be used.
//!
//! No message quotes a value: any setting may hold a password by mistake, and a line with a syntax
//! error may be the one with the password. Messages identify a setting by key, layer, line and
//! column.

use std::io;

/// Longest key that is shown, in characters. All settings have shorter names.
const MAX_NAME: usize = 64;

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {error}")]
    Read {
        /// The file.
        path: String,
        /// The cause.
        error: io::Error,
    },
    /// A file that a variable names cannot be read. The value of the variable is not shown, because
    /// it may be a secret instead of a path.
    #[error(
        "{variable} must be the path of a file that can be read ({error}); to set a value instead, \
         leave out _FILE"
    )]
    ReadNamed {
        /// The variable.
        variable: String,
        /// The cause.
        error: io::Error,
    },
    /// A variable of this program is not UTF-8.
    #[error("{variable} is not UTF-8 text: set it again or remove it")]
    NotText {
        /// The variable.
        variable: String,
    },
    /// The file is not TOML.
    #[error(
        "{path}, line {line}, column {column}: this is not TOML; texts must be in quotes (the line \
         is not shown, because it may hold a secret)"
    )]
    Syntax {
        /// The file.
        path: String,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// A value in a file of the form `NAME=value` has no end.
    #[error("{path}, line {line}: the value has an opening quotation mark and no closing one")]
    Unfinished {
        /// The file.
        path: String,
        /// The line, from 1.
        line: usize,
    },
    /// A key that does not exist or a value of the wrong type.
    #[error("{key} (from {origin}): {reason}")]
    Meaning {
        /// Its dotted name.
        key: String,
        /// The layer that it came from.
        origin: String,
        /// The expected value.
        reason: String,
    },
}

/// The key if it looks like the name of a setting. Any other key may be a misplaced secret.
pub(super) fn shown(key: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.[]".contains(c);
    if key.chars().all(plain) && key.len() <= MAX_NAME {
        key.to_owned()
    } else {
        "a key that is not the name of a setting".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_may_be_a_secret_is_not_shown() {
        assert_eq!(shown("limits.penalty_exempt[0]"), "limits.penalty_exempt[0]");
        for key in ["postgres://u:hunter2@h/d", "hunter 2", &"x".repeat(65)] {
            assert_eq!(shown(key), "a key that is not the name of a setting");
        }
    }
}
