//! What may be said about a text that is not the TOML that was expected: where, and what was expected.
//!
//! The value is never said: any setting may hold a password by mistake, and a line with a syntax error
//! may be the one with the password.

/// The position of a syntax error in `text`: line and column, from 1.
#[must_use]
pub fn position(text: &str, error: &toml::de::Error) -> (usize, usize) {
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
#[must_use]
pub fn reason(message: &str) -> String {
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
}
