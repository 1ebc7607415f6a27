//! The rule for new passwords.
//!
//! Short passwords must meet the documented rule and long ones need only their length. Passwords
//! that are easy to guess are refused (NIST SP 800-63B-4 §3.1.1.2; OWASP ASVS 5.0 6.2). Secrets
//! that an operator chooses must meet a stricter rule: [`PasswordRule::OPERATOR`].

use crate::password::normalised;
use fourauth_protocol::secret::Secret;

/// Characters that the strength estimate reads: enough to recognise a weak password.
const JUDGED_CHARS: usize = 64;

/// Words that an attacker of this service would try in passwords.
const SERVICE_WORDS: [&str; 4] = ["fourauth", "4auth", "authentication", "login"];

/// Prefixes of placeholders from documentation, in lower case and without punctuation:
/// `CHANGE_THIS_ADMIN_SECRET` of 4Auth, `ChangeThisToAStrongRandomKey` and `StrongPass123` of the
/// MFA and JWT system, `example-password` of the passcode systems.
const PLACEHOLDERS: [&str; 14] = [
    "changethis",
    "changeme",
    "changeit",
    "replacethis",
    "replaceme",
    "placeholder",
    "insertyour",
    "enteryour",
    "example",
    "strongpass",
    "youradmin",
    "yourpassword",
    "yoursecret",
    "yoursupersecret",
];

/// Requirements for a new password.
#[derive(Debug, Clone, Copy)]
pub struct PasswordRule {
    /// Shortest password, in characters.
    pub min_chars: usize,
    /// Length from which any composition is accepted, in characters.
    pub long_chars: usize,
    /// Smallest number of guesses that a well-informed attacker must need. 10⁵ is the length of the
    /// password lists that attackers try first.
    pub min_guesses: u64,
}

impl Default for PasswordRule {
    fn default() -> Self {
        Self { min_chars: 8, long_chars: 15, min_guesses: 100_000 }
    }
}

/// An accepted password, in Unicode normalisation form C.
#[derive(Debug, Clone)]
pub struct NewPassword(Secret<String>);

impl NewPassword {
    /// Wraps a password that is already in use, without checking it against the rule. `None` if it
    /// is too long to be checked at a login.
    #[must_use]
    pub fn in_use(password: &Secret<String>) -> Option<Self> {
        normalised(password).map(Self)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.expose()
    }
}

impl PasswordRule {
    /// The rule for a powerful secret that is the only factor: an administrator's secret, or the
    /// passphrase of a backup, which can be attacked offline. `zxcvbn` considers 10¹⁰ guesses safe
    /// against an offline attack on a slow hash.
    pub const OPERATOR: Self = Self { min_chars: 16, long_chars: 16, min_guesses: 10_000_000_000 };

    /// Accepts a password for `username`.
    ///
    /// # Errors
    ///
    /// [`Weak`] says which part of the rule the password does not meet. Show it to the person.
    pub fn accept(&self, password: &Secret<String>, username: &str) -> Result<NewPassword, Weak> {
        let text = NewPassword(normalised(password).ok_or(Weak::TooLong)?);
        let chars = text.as_str().chars().count();
        let composed = chars >= self.long_chars || has_documented_composition(text.as_str());
        if chars < self.min_chars || !composed {
            return Err(Weak::Composition);
        }
        if is_placeholder(text.as_str()) || guesses(text.as_str(), username) < self.min_guesses {
            return Err(Weak::Guessable);
        }
        Ok(text)
    }
}

/// True if `text` begins with a placeholder from documentation.
fn is_placeholder(text: &str) -> bool {
    let letters = text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase);
    let bare = Secret::new(letters.take(JUDGED_CHARS).collect::<String>());
    PLACEHOLDERS.iter().any(|placeholder| bare.expose().starts_with(placeholder))
}

/// "an upper-case letter, a digit or a special character"
fn has_documented_composition(text: &str) -> bool {
    text.chars().any(|c| c.is_uppercase() || c.is_numeric() || !c.is_alphanumeric())
}

fn guesses(text: &str, username: &str) -> u64 {
    let judged = Secret::new(text.chars().take(JUDGED_CHARS).collect::<String>());
    let [a, b, c, d] = SERVICE_WORDS;
    zxcvbn::zxcvbn(judged.expose(), &[username, a, b, c, d]).guesses()
}

/// Why a password is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Weak {
    /// It is too short, or has none of the characters that a short one needs.
    #[error("it is too short, or has no upper-case letter, digit or special character")]
    Composition,
    /// It is longer than a password may be.
    #[error("it has more than 256 characters")]
    TooLong,
    /// It is common, or a pattern, or made of the name of the account or of the service.
    #[error("it is too common or too easily guessed")]
    Guessable,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(text: &str) -> bool {
        PasswordRule::default().accept(&Secret::new(text.into()), "margaret").is_ok()
    }

    #[test]
    fn the_documented_rule_holds_for_short_passwords() {
        for text in ["Tr0ub4dor&3", "violet-ox", "gorsedd4", "Élan vital"] {
            assert!(accepted(text), "{text}");
        }
        for text in ["", "Ab1!", "gorseddau", &"x7".repeat(129)] {
            assert!(!accepted(text), "{text}");
        }
    }

    #[test]
    fn a_long_password_needs_no_composition() {
        assert!(accepted("gorseddau yellow umbrella"));
    }

    #[test]
    fn common_passwords_are_refused() {
        for text in
            ["Password1", "P@ssw0rd", "qwerty123", "Margaret1", "fourauth1", "aaaaaaaaaaaaaaaa"]
        {
            assert!(!accepted(text), "{text}");
        }
    }

    #[test]
    fn a_refusal_tells_what_is_wrong_with_a_password() {
        let refused = |text: &str| {
            let password = Secret::new(text.to_owned());
            PasswordRule::default().accept(&password, "margaret").unwrap_err()
        };
        for text in ["password1", "Password1", "qwerty123", "Margaret1", "StrongPass123"] {
            assert_eq!(refused(text), Weak::Guessable, "{text}");
        }
        for text in ["", "Ab1!", "gorseddau", "password"] {
            assert_eq!(refused(text), Weak::Composition, "{text}");
        }
        assert_eq!(refused(&"x7".repeat(129)), Weak::TooLong);
    }

    #[test]
    fn placeholders_from_documentation_are_refused() {
        for text in [
            "CHANGE_THIS_ADMIN_SECRET",
            "ChangeThisToAStrongRandomKey",
            "StrongPass123",
            "example-password-7Q",
            "your-super-secret-admin-key-42",
            "<replace me: gorsedd 7 umbrella>",
        ] {
            assert!(!accepted(text), "{text}");
        }
    }

    #[test]
    fn an_operators_secret_is_long_and_hard_to_guess() {
        let accepted = |text: &str| {
            PasswordRule::OPERATOR.accept(&Secret::new(text.into()), "margaret").is_ok()
        };
        for text in ["gorseddau yellow umbrella", "IRVHK4DZM5WGC3TH", "JBSWY3DPEHPK3PXPJBSWY3DP"] {
            assert!(accepted(text), "{text}");
        }
        for text in [
            "Tr0ub4dor&3",
            "gorsedd umbrell",
            "passwordpassword",
            "aaaaaaaaaaaaaaaaaaaaaaaa",
            "1234567890123456",
            "qwertyuiopasdfgh",
            "margaretmargaret",
            "CHANGE_THIS_ADMIN_SECRET",
        ] {
            assert!(!accepted(text), "{text}");
        }
    }
}
