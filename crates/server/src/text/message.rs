//! Reads a message of the text protocol.
//!
//! ```text
//! require_passcode|MAC|PASSWORD|PHONE|EMAIL    110: send a passcode
//! MAC|EMAIL|PHONE|PASSWORD|PASSCODE            120: redeem it for a token
//! TOKEN|MAC|REQUEST|DATA…                      130: authorise a request with a token
//! ```
//!
//! A message is told by its first field. Only a password may contain `|`: the fields before it are
//! counted from the start, and those after it from the end.

use crate::limits::conduct::Offence;
use fourauth_protocol::{
    command::{Authorise, Command, Identifier, RedeemPasscode, RequestPasscode},
    contact::{Email, NotAContact, Phone},
    mac_address::MacAddress,
    passcode::Passcode,
    secret::Secret,
    token::BaseToken,
};

/// The first field of a request for a passcode.
const REQUEST: &str = "require_passcode";

/// The form of a message, which decides the texts of its answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// 110: a request for a passcode.
    Request,
    /// 120: a passcode that is redeemed for a token.
    Redeem,
    /// 130: the use of a token.
    Use,
}

/// A line that is no message. It is never quoted, because it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreadable {
    /// The form that it begins like, if any.
    pub(super) form: Option<Form>,
    /// The offence of its source.
    pub(super) offence: Offence,
}

impl Unreadable {
    /// A line that exceeds the limit.
    pub(super) const TOO_LONG: Self = Self { form: None, offence: Offence::Malformed };
}

/// Reads a line.
///
/// # Errors
///
/// [`Unreadable`] if the line is not text, contains a control character, has another number of fields
/// or a field with an impossible value.
pub(super) fn read(line: &[u8]) -> Result<(Form, Command), Unreadable> {
    if is_foreign(line) {
        return Err(Unreadable { form: None, offence: Offence::Foreign });
    }
    let is_printable = |text: &&str| !text.contains(char::is_control);
    let text = str::from_utf8(line).ok().filter(is_printable);
    let form = text.and_then(form_of);
    let command = text.zip(form).and_then(|(text, form)| match form {
        Form::Request => request(text),
        Form::Redeem => redeem(text),
        Form::Use => authorise(text),
    });
    let unreadable = Unreadable { form, offence: Offence::Malformed };
    form.zip(command).ok_or(unreadable)
}

/// True if a line belongs to another protocol. It begins with a control byte, as TLS and frames do, or
/// has a space in its first field, as requests of HTTP and SMTP do.
fn is_foreign(line: &[u8]) -> bool {
    let mut first = line.split(|byte| *byte == b'|').next().unwrap_or_default().iter();
    line.first().is_some_and(u8::is_ascii_control) || first.any(|byte| *byte == b' ')
}

/// The form of a message. A text with a MAC address in second place is the use of a token also if the
/// token is mistyped: it is refused like an unknown one.
fn form_of(text: &str) -> Option<Form> {
    let mut fields = text.split('|');
    let (first, second) = (fields.next()?, fields.next());
    if first == REQUEST {
        Some(Form::Request)
    } else if MacAddress::parse(first).is_ok() {
        Some(Form::Redeem)
    } else {
        let has_mac = second.is_some_and(|field| MacAddress::parse(field).is_ok());
        (has_mac || BaseToken::parse(first).is_ok()).then_some(Form::Use)
    }
}

fn request(text: &str) -> Option<Command> {
    let (_, rest) = text.split_once('|')?;
    let (mac, rest) = rest.split_once('|')?;
    let (rest, email) = rest.rsplit_once('|')?;
    let (password, phone) = rest.rsplit_once('|')?;
    let request = RequestPasscode::new(identifier(email, phone)?, secret(password));
    Some(Command::RequestPasscode(request.device(MacAddress::parse(mac).ok()?)))
}

fn redeem(text: &str) -> Option<Command> {
    let (mac, rest) = text.split_once('|')?;
    let (email, rest) = rest.split_once('|')?;
    let (phone, rest) = rest.split_once('|')?;
    let (password, passcode) = rest.rsplit_once('|')?;
    let passcode = Passcode::parse(passcode).ok()?;
    let redeem = RedeemPasscode::new(identifier(email, phone)?, secret(password), passcode);
    Some(Command::RedeemPasscode(redeem.device(MacAddress::parse(mac).ok()?)))
}

/// What the request is about plays no part: a token authorises its holder, and the service decides
/// what its holder may do.
fn authorise(text: &str) -> Option<Command> {
    let (token, rest) = text.split_once('|')?;
    let (mac, _request) = rest.split_once('|')?;
    let authorise = Authorise::new(secret(token)).device(MacAddress::parse(mac).ok()?);
    Some(Command::Authorise(authorise))
}

/// The account with these addresses. An empty one is absent, and so is a telephone number beside a
/// mail address if it is not in the international form: the passcode systems keep numbers as typed.
fn identifier(email: &str, phone: &str) -> Option<Identifier> {
    let email = given(email, Email::parse)?;
    let phone = given(phone, Phone::parse).or_else(|| email.is_some().then_some(None))?;
    Identifier::of(None, email, phone).ok()
}

/// The address in a field that may be empty. `None` if it is neither empty nor an address.
#[expect(clippy::option_option, reason = "the outer one says that the field can be read")]
fn given<T>(field: &str, parse: fn(&str) -> Result<T, NotAContact>) -> Option<Option<T>> {
    if field.is_empty() {
        return Some(None);
    }
    parse(field).ok().map(Some)
}

fn secret(field: &str) -> Secret<String> {
    Secret::new(field.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourauth_protocol::token::TOKEN_BYTES;
    use proptest::prelude::*;

    const MAC: &str = "00:1b:44:11:3a:b7";

    fn token(prefix: &str) -> String {
        BaseToken::from_bytes([7; TOKEN_BYTES]).text(prefix).expose().clone()
    }

    fn form(line: &str) -> Option<Form> {
        read(line.as_bytes()).map(|(form, _)| form).ok()
    }

    /// The refusal of a line: its form and its offence.
    fn refusal(line: &[u8]) -> (Option<Form>, Offence) {
        let Unreadable { form, offence } = read(line).unwrap_err();
        (form, offence)
    }

    #[test]
    fn a_message_is_told_by_its_form() {
        let mail = "alice@example.org";
        for (line, expected) in [
            (format!("require_passcode|{MAC}|pass||{mail}"), Form::Request),
            (format!("require_passcode|{MAC}|pass|+49 30 123456|"), Form::Request),
            (format!("require_passcode|{MAC}|pass|030 123456|{mail}"), Form::Request),
            (format!("{MAC}|{mail}||pass|7K2QXA"), Form::Redeem),
            (format!("{MAC}||+4930123456|pass|7k2qxa"), Form::Redeem),
            (format!("{}|{MAC}|read", token("pythonizer_")), Form::Use),
            (format!("{}|{MAC}|read|a|b|", token("𝔄𝔴𝔣𝔢𝔯_𝔥𝔢𝔩𝔩𝔴𝔞𝔩𝔩_")), Form::Use),
            (format!("{}|{MAC}|", token("")), Form::Use),
            (format!("mistyped|{MAC}|read"), Form::Use),
        ] {
            assert_eq!(form(&line), Some(expected), "{line}");
        }
    }

    #[test]
    fn a_message_with_another_number_of_fields_is_refused() {
        for (line, form) in [
            (String::new(), None),
            ("require_passcode".to_owned(), Some(Form::Request)),
            (format!("require_passcode|{MAC}|pass|a@b.example"), Some(Form::Request)),
            (MAC.to_owned(), Some(Form::Redeem)),
            (format!("{MAC}|a@b.example|pass|7K2QXA"), Some(Form::Redeem)),
            (token("pythonizer_"), Some(Form::Use)),
            (format!("{}|{MAC}", token("pythonizer_")), Some(Form::Use)),
        ] {
            assert_eq!(refusal(line.as_bytes()), (form, Offence::Malformed), "{line}");
        }
    }

    #[test]
    fn a_field_with_an_impossible_value_is_refused() {
        let token = token("pythonizer_");
        for (line, form) in [
            (format!("require_passcode|{MAC}|pass||"), Form::Request),
            (format!("require_passcode|{MAC}|pass||a@b"), Form::Request),
            (format!("require_passcode|{MAC}|pass|030 123456|"), Form::Request),
            ("require_passcode|00:1b|pass||a@b.example".to_owned(), Form::Request),
            (format!("{MAC}|a@b.example||pass|7K2QX"), Form::Redeem),
            (format!("{MAC}|||pass|7K2QXA"), Form::Redeem),
            (format!("{token}||read"), Form::Use),
            (format!("{token}|00:00:00:00:00:00|read"), Form::Use),
        ] {
            assert_eq!(refusal(line.as_bytes()), (Some(form), Offence::Malformed), "{line}");
        }
    }

    #[test]
    fn control_characters_and_other_encodings_are_refused() {
        for bad in ["\0", "\t", "\r", "\u{7f}", "\u{85}"] {
            let line = format!("require_passcode|{MAC}|pa{bad}ss||a@b.example");
            assert_eq!(refusal(line.as_bytes()), (None, Offence::Malformed), "{bad:?}");
        }
        let latin = [b"require_passcode|", MAC.as_bytes(), b"|pa\xdfss||a@b.example"].concat();
        assert_eq!(refusal(&latin), (None, Offence::Malformed));
    }

    #[test]
    fn other_protocols_are_a_smaller_offence() {
        for line in [
            &b"GET /|00:1b:44:11:3a:b7|x HTTP/1.1"[..],
            b"EHLO relay.example.org",
            b"\x16\x03\x01\x02\x00",
            b"\0\0\0\x0d{\"cmd\":\"190\"}",
        ] {
            assert_eq!(refusal(line), (None, Offence::Foreign), "{line:?}");
        }
    }

    /// The password and the other fields of a message, written as one again.
    fn again(line: &str) -> Option<String> {
        let (_, command) = read(line.as_bytes()).ok()?;
        let address = |account: &Identifier| {
            let email = account.email().map_or(String::new(), |email| email.as_str().to_owned());
            let phone = account.phone().map_or(String::new(), |phone| phone.as_str().to_owned());
            (email, phone)
        };
        Some(match command {
            Command::RequestPasscode(request) => {
                let (email, phone) = address(&request.account);
                let password = request.password.expose();
                format!("require_passcode|{}|{password}|{phone}|{email}", request.mac?)
            }
            Command::RedeemPasscode(redeem) => {
                let (email, phone) = address(&redeem.account);
                let (password, passcode) = (redeem.password.expose(), redeem.passcode?);
                format!("{}|{email}|{phone}|{password}|{}", redeem.mac?, passcode.as_str())
            }
            Command::Authorise(authorise) => {
                format!("{}|{}|read", authorise.token.expose(), authorise.mac?)
            }
            _ => panic!("no other command has a message"),
        })
    }

    proptest! {
        #[test]
        fn fields_survive_a_message_with_any_password(
            password in "[^\\pC]{0,40}(\\|[^\\pC]{0,10}){0,3}",
            email in "([a-z]{1,9}@[a-z]{1,9}\\.example)?",
            phone in "\\+[1-9][0-9]{8,13}",
            passcode in "[A-Z0-9]{6}",
        ) {
            for line in [
                format!("require_passcode|{MAC}|{password}|{phone}|{email}"),
                format!("{MAC}|{email}|{phone}|{password}|{passcode}"),
            ] {
                prop_assert_eq!(again(&line), Some(line));
            }
        }

        #[test]
        fn a_token_survives_its_message(bytes in any::<[u8; TOKEN_BYTES]>(), prefix in "([a-z𝔄]{1,9}_)?") {
            let token = BaseToken::from_bytes(bytes).text(&prefix);
            let line = format!("{}|{MAC}|read", token.expose());
            prop_assert_eq!(again(&line), Some(line));
        }

        #[test]
        fn no_bytes_make_the_reader_panic(line in prop::collection::vec(any::<u8>(), 0..200)) {
            let _read = read(&line);
        }

        #[test]
        fn no_fields_make_the_reader_panic(
            fields in prop::collection::vec(
                prop_oneof![Just(REQUEST.to_owned()), Just(MAC.to_owned()), "\\PC{0,12}"], 0..9
            ),
        ) {
            let _read = read(fields.join("|").as_bytes());
        }
    }
}
