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

/// The position of a syntax error in `text`: line and column, from 1.
pub(super) fn position(text: &str, error: &toml::de::Error) -> (usize, usize) {
    let start = error.span().map_or(0, |span| span.start);
    let before = text.get(..start).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    (1 + before.matches('\n').count(), 1 + line.chars().count())
}

/// The expected key or value, taken from a message of the deserialiser.
///
/// Messages have the form `WHAT VALUE, expected EXPECTED`, where only the last part consists of
/// names in this program. Messages of the types in this program quote nothing and have no such
/// part.
pub(super) fn reason(message: &str) -> String {
    let Some((given, expected)) = message.rsplit_once(", expected ") else {
        let is_quoting = ["unknown field", "invalid "].iter().any(|it| message.starts_with(it));
        return if is_quoting { "cannot be used".to_owned() } else { message.to_owned() };
    };
    // The message about a field in a section without fields ends in `there are no fields`.
    let expected = match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "a sequence" => "a list such as [\"a\", \"b\"]",
        "a boolean" => "true or false",
        "socket address" => "ADDRESS:PORT such as 0.0.0.0:65432, without a name",
        expected if expected.starts_with("struct ") => "a section",
        expected => expected,
    };
    if given.starts_with("unknown field") {
        format!("there is no such setting; expected {expected}")
    } else {
        format!("cannot be used; expected {expected}")
    }
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
    fn only_the_expected_part_of_a_message_is_shown() {
        for (message, shown) in [
            (
                "invalid type: string \"hunter2\", expected u32",
                "cannot be used; expected a whole number, 0 or more",
            ),
            (
                "invalid type: string \"x, expected hunter2\", expected u32",
                "cannot be used; expected a whole number, 0 or more",
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
            ("a setting must be even", "a setting must be even"),
        ] {
            assert_eq!(reason(message), shown);
        }
    }

    #[test]
    fn a_key_that_may_be_a_secret_is_not_shown() {
        assert_eq!(shown("limits.penalty_exempt[0]"), "limits.penalty_exempt[0]");
        for key in ["postgres://u:hunter2@h/d", "hunter 2", &"x".repeat(65)] {
            assert_eq!(shown(key), "a key that is not the name of a setting");
        }
    }
}
