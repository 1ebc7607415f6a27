//! Mail addresses and telephone numbers. Only the syntax is checked, not that messages arrive.

use serde::{Deserialize, Deserializer, Serialize};

/// A mail address: `local@domain` in printable ASCII, at most 254 bytes (RFC 5321 §4.5.3.1.3).
///
/// The syntax is narrower than RFC 5322: no quoting, no comments and nothing that could end a
/// header. Letters are lower case: a domain has no case (RFC 5321 §2.4), and a mailbox that depends on it
/// is one that the same section advises against, so two spellings are one address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Email(String);

/// Longest telephone number as a person writes it.
pub(crate) const MAX_PHONE_CHARS: usize = 32;

/// A telephone number in international form: `+` and 8 to 15 digits (ITU-T E.164).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Phone(String);

impl Email {
    /// Accepts an address, in upper or lower case.
    ///
    /// # Errors
    ///
    /// [`NotAContact`] for anything else, such as text that would add a header to a message.
    pub fn parse(text: &str) -> Result<Self, NotAContact> {
        let (local, domain) = text.rsplit_once('@').ok_or(NotAContact)?;
        let local_fits = (1..=64).contains(&local.len()) && local.bytes().all(is_local_byte);
        let domain_fits = domain.split('.').all(is_label) && domain.contains('.');
        if text.len() > 254 || !local_fits || !domain_fits {
            return Err(NotAContact);
        }
        Ok(Self(text.to_ascii_lowercase()))
    }

    /// The address in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_local_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte)
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl Phone {
    /// Accepts a number; spaces, dots, hyphens and parentheses between the digits are dropped.
    ///
    /// # Errors
    ///
    /// [`NotAContact`] for anything that is not in international form.
    pub fn parse(text: &str) -> Result<Self, NotAContact> {
        let digits = text.trim().strip_prefix('+').ok_or(NotAContact)?;
        let digits: String = digits.chars().filter(|c| !" .-()".contains(*c)).collect();
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number || !(8..=15).contains(&digits.len()) || text.len() > MAX_PHONE_CHARS {
            return Err(NotAContact);
        }
        Ok(Self(format!("+{digits}")))
    }

    /// `+` and the digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Email {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Phone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The text is not an address that a message could be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a mail address, or not a telephone number such as +4930123456")]
pub struct NotAContact;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_cannot_smuggle_a_header() {
        for text in [
            "a@b.example\r\nBcc: c@d.example",
            "a b@c.example",
            "<a@b.example>",
            "a@b",
            "@b.c",
            "a@-b.c",
        ] {
            assert_eq!(Email::parse(text), Err(NotAContact), "{text:?}");
        }
        assert!(Email::parse("first.last+tag@sub.example.org").is_ok());
    }

    #[test]
    fn an_address_in_upper_case_is_the_same_address() {
        let email = |text| Email::parse(text).unwrap();
        assert_eq!(email("Alice.B@Mail.Example").as_str(), "alice.b@mail.example");
        assert_eq!(email("ALICE@MAIL.EXAMPLE"), email("alice@mail.example"));
        assert_ne!(email("alice+1@mail.example"), email("alice@mail.example"));
    }

    #[test]
    fn numbers_are_stored_in_international_form() {
        assert_eq!(
            Phone::parse("+44 (20) 7946-0000").as_ref().map(Phone::as_str),
            Ok("+442079460000")
        );
        for text in ["020 7946 0000", "+1", "+1234567890123456", "+12345678\n;x"] {
            assert_eq!(Phone::parse(text), Err(NotAContact), "{text:?}");
        }
    }
}
