//! A mail: its parts and its headers. Nothing here sends one.

use crate::failure::Reason;
use fourauth_locale::Tongue;
use fourauth_protocol::{contact::Email, time::UnixMillis};
use lettre::{
    Message,
    address::Address,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
};
use std::time::{Duration, SystemTime};

/// The texts of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The subject, one line.
    pub subject: String,
    /// The body as plain text.
    pub text: String,
    /// The body as HTML.
    pub html: String,
    /// The language.
    pub tongue: Tongue,
}

/// What a mail has besides its texts.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// The sender's address.
    pub from: &'a Email,
    /// The sender's name.
    pub issuer: &'a str,
    /// The recipient's address.
    pub to: &'a Email,
    /// The part of the Message-ID before the `@`. The same notice always has the same.
    pub id: &'a str,
    /// The time of the attempt.
    pub at: UnixMillis,
}

/// Puts a mail together.
///
/// # Errors
///
/// [`Reason::OddHeader`] if a text for a header has a control character, [`Reason::OddAddress`] if
/// an address is not valid in SMTP. Nothing was sent then.
pub(crate) fn compose(letter: &Letter, outgoing: Outgoing<'_>) -> Result<Message, Reason> {
    let Outgoing { from, issuer, to, id, at } = outgoing;
    for text in [issuer, &letter.subject, id] {
        check_header(text)?;
    }
    let millis = u64::try_from(at.0).unwrap_or_default();
    Message::builder()
        .from(Mailbox::new(Some(issuer.to_owned()), address(from)?))
        .to(Mailbox::new(None, address(to)?))
        .subject(letter.subject.clone())
        .message_id(Some(format!("<{id}@{}>", domain(from))))
        .date(SystemTime::UNIX_EPOCH + Duration::from_millis(millis))
        // RFC 3834 §5: no program should answer.
        .raw_header(header("Auto-Submitted", "auto-generated"))
        .raw_header(header("Content-Language", letter.tongue.tag()))
        .multipart(MultiPart::alternative_plain_html(letter.text.clone(), letter.html.clone()))
        .map_err(|_| Reason::OddHeader)
}

/// The part of an address after the `@`.
pub(crate) fn domain(address: &Email) -> &str {
    address.as_str().rsplit_once('@').map_or("localhost", |(_, domain)| domain)
}

fn address(email: &Email) -> Result<Address, Reason> {
    email.as_str().parse().map_err(|_| Reason::OddAddress)
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// Refuses a text that could end a header or hide a part of it. The library encodes such a text,
/// but not every program decodes it as it should.
fn check_header(text: &str) -> Result<(), Reason> {
    let is_separator = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    if text.is_empty() || text.contains(is_separator) { Err(Reason::OddHeader) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn composed(subject: &str, issuer: &str) -> Result<String, Reason> {
        let letter = Letter {
            subject: subject.to_owned(),
            text: "Grüße,\n.\nQUIT\n".to_owned(),
            html: "<p>Grüße</p>".to_owned(),
            tongue: Tongue::De,
        };
        let from = Email::parse("auth@example.org").unwrap();
        let to = Email::parse("alice@example.org").unwrap();
        let id = "7.1795262400000.0.ab";
        let at = UnixMillis(1_795_262_400_000);
        let outgoing = Outgoing { from: &from, issuer, to: &to, id, at };
        Ok(String::from_utf8(compose(&letter, outgoing)?.formatted()).unwrap())
    }

    #[test]
    fn a_mail_has_both_texts_and_a_stable_message_id() {
        let mail = composed("4Auth: Ihr Gerät", "4Auth").unwrap();
        for part in [
            "From: 4Auth <auth@example.org>\r\n",
            "To: alice@example.org\r\n",
            "Message-ID: <7.1795262400000.0.ab@example.org>\r\n",
            "Date: Sat, 21 Nov 2026 12:00:00 +0000\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Content-Language: de\r\n",
            "multipart/alternative",
            "text/plain; charset=utf-8",
            "text/html; charset=utf-8",
        ] {
            assert!(mail.contains(part), "{part}\n{mail}");
        }
        assert!(mail.is_ascii(), "a relay without 8BITMIME must take it");
    }

    #[test]
    fn no_header_text_can_add_a_header() {
        for text in [
            "a\r\nBcc: c@d.example",
            "a\nb",
            "a\rb",
            "a\0b",
            "a\u{85}b",
            "a\u{2028}b",
            "a\u{1b}[2J",
            "",
        ] {
            assert_eq!(composed(text, "4Auth").err(), Some(Reason::OddHeader), "{text:?}");
            assert_eq!(composed("a", text).err(), Some(Reason::OddHeader), "{text:?}");
        }
        // The control: quotes, commas and other scripts are encoded and not refused.
        for text in ["\"a\", <b@c.example>", "مرحبًا", "=?utf-8?q?x?=", "a; b: c"] {
            let mail = composed(text, text).unwrap();
            let (headers, _) = mail.split_once("\r\n\r\n").unwrap();
            assert_eq!(headers.matches("\r\nTo: ").count(), 1, "{headers}");
            assert!(headers.contains("<auth@example.org>\r\n"), "{headers}");
        }
    }
}
