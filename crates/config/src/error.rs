//! Why a configuration cannot be used.
//!
//! No text here quotes a value: any setting may have been given a password by mistake, and the line
//! of a file that does not parse may be the one with the password. Settings are named by key, layer,
//! line and column.

use std::io;

/// Longest name of a setting that is shown, in characters. Ours are shorter.
const MAX_NAME: usize = 64;

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {error}")]
    Read {
        /// Which file.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// A file that a variable names cannot be read. The variable's value is not shown: a secret that
    /// was put there instead of a path would be in it.
    #[error(
        "{variable} must be the path of a file that can be read, and what it holds is not \
         ({error}); for a value instead of a path, leave out _FILE"
    )]
    ReadNamed {
        /// Which variable.
        variable: String,
        /// Why.
        error: io::Error,
    },
    /// A variable of ours is not UTF-8.
    #[error("{variable} is not UTF-8 text: set it again or remove it")]
    NotText {
        /// Which variable.
        variable: String,
    },
    /// The file is not TOML.
    #[error(
        "{path}, line {line}, column {column}: this is not TOML; texts must be in quotes (the line \
         is not shown, because it may hold a secret)"
    )]
    Syntax {
        /// Which file.
        path: String,
        /// Where, from 1.
        line: usize,
        /// Where in the line, from 1.
        column: usize,
    },
    /// A key that does not exist or a value of the wrong type.
    #[error("{key} (from {origin}): {reason}")]
    Meaning {
        /// Its dotted name.
        key: String,
        /// Which layer it came from.
        origin: String,
        /// What would be right.
        reason: String,
    },
}

/// Where in `text` the parser stopped: line and column, from 1.
pub(super) fn position(text: &str, error: &toml::de::Error) -> (usize, usize) {
    let start = error.span().map_or(0, |span| span.start);
    let before = text.get(..start).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    (1 + before.matches('\n').count(), 1 + line.chars().count())
}

/// What a key or a value should have been, from the message of the deserialiser.
///
/// Messages have the form `WHAT VALUE, expected EXPECTED`, where only the last part is made of
/// names in this program. Those of our own types quote nothing and have no such part.
pub(super) fn reason(message: &str) -> String {
    let Some((given, expected)) = message.rsplit_once(", expected ") else {
        let is_quoting = ["unknown field", "invalid "].iter().any(|it| message.starts_with(it));
        return if is_quoting { "cannot be used".to_owned() } else { message.to_owned() };
    };
    // `there are no fields` ends the message about a field of a section that has none.
    let expected = if expected.starts_with("struct ") { "a section" } else { expected };
    if given.starts_with("unknown field") {
        format!("there is no such setting; expected {expected}")
    } else {
        format!("cannot be used; expected {expected}")
    }
}

/// A key as it may be shown: what is no name of a setting may be a secret in the wrong place.
pub(super) fn shown(key: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.[]".contains(c);
    if key.chars().all(plain) && key.len() <= MAX_NAME {
        key.to_owned()
    } else {
        "a key that is no name of a setting".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_expected_is_taken_from_a_message() {
        for (message, shown) in [
            ("invalid type: string \"hunter2\", expected u32", "cannot be used; expected u32"),
            (
                "invalid type: string \"x, expected hunter2\", expected u32",
                "cannot be used; expected u32",
            ),
            (
                "invalid type: string \"hunter2\", expected struct AuthConfig",
                "cannot be used; expected a section",
            ),
            (
                "unknown variant `hunter2`, expected `secure` or `strict`",
                "cannot be used; expected `secure` or `strict`",
            ),
            (
                "unknown field `isuer`, expected one of `issuer`, `profile`",
                "there is no such setting; expected one of `issuer`, `profile`",
            ),
            ("invalid value: hunter2", "cannot be used"),
            ("write IPv4 addresses as such", "write IPv4 addresses as such"),
        ] {
            assert_eq!(reason(message), shown);
        }
    }

    #[test]
    fn a_key_that_may_be_a_secret_is_not_shown() {
        assert_eq!(shown("limits.penalty_exempt[0]"), "limits.penalty_exempt[0]");
        for key in ["postgres://u:hunter2@h/d", "hunter 2", &"x".repeat(65)] {
            assert_eq!(shown(key), "a key that is no name of a setting");
        }
    }
}
