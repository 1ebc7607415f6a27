//! 110 and 120: log in with a password and a passcode that the server sends.

use crate::{
    contact::{Email, Phone},
    mac_address::{self, MacAddress},
    passcode::{self, Passcode},
    secret::{self, Secret},
    username::{MAX_CHARS, NotAUsername, Username, normal_form},
};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

/// Names an account by its username, its mail address, its telephone number, or several of them.
/// All that are given must belong to the same account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "Fields")]
pub struct Identifier {
    /// The username.
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<Username>,
    /// The mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<Email>,
    /// The telephone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<Phone>,
}

/// The fields of an [`Identifier`], which may all be absent.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(transform = at_least_one))]
struct Fields {
    #[serde(default, deserialize_with = "username")]
    username: Option<Username>,
    #[serde(default, deserialize_with = "email")]
    email: Option<Email>,
    #[serde(default, deserialize_with = "phone")]
    phone: Option<Phone>,
}

fn username<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Username>, D::Error> {
    field(from, "username")
}

fn email<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Email>, D::Error> {
    field(from, "email")
}

fn phone<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Phone>, D::Error> {
    field(from, "phone")
}

/// One of the three is there, and not null.
#[cfg(feature = "schema")]
fn at_least_one(schema: &mut schemars::Schema) {
    let text = serde_json::json!({ "type": "string" });
    let given =
        |name: &str| serde_json::json!({ "required": [name], "properties": { name: text } });
    schema.insert("anyOf".to_owned(), ["username", "email", "phone"].map(given).to_vec().into());
}

/// Reads a field that may be absent. The error names it, because fields of a flattened struct have
/// no path.
fn field<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
    name: &str,
) -> Result<Option<T>, D::Error> {
    Option::deserialize(from).map_err(|_| D::Error::custom(super::wrong(name)))
}

/// Reads the names of a new account.
pub(super) fn new_account<'de, D: Deserializer<'de>>(from: D) -> Result<Identifier, D::Error> {
    let account = Identifier::deserialize(from)?;
    match account.username.clone().map(Username::for_new_account) {
        Some(Err(_)) => Err(D::Error::custom(super::wrong("username"))),
        None | Some(Ok(_)) => Ok(account),
    }
}

/// No field names the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("missing field `username`, `email` or `phone`")]
pub struct Unnamed;

impl Identifier {
    /// The fields that are given.
    ///
    /// # Errors
    ///
    /// [`Unnamed`] if all three are absent.
    pub fn of(
        username: Option<Username>,
        email: Option<Email>,
        phone: Option<Phone>,
    ) -> Result<Self, Unnamed> {
        if username.is_none() && email.is_none() && phone.is_none() {
            return Err(Unnamed);
        }
        Ok(Self { username, email, phone })
    }

    /// Reads a text that may be any of the three: a mail address, a telephone number in international
    /// form, or else a username.
    ///
    /// # Errors
    ///
    /// [`NotAUsername`] if it is none of them.
    pub fn parse(text: &str) -> Result<Self, NotAUsername> {
        // Wide characters are read as they are in a name, so that they cannot hide an address.
        let text = &normal_form(text);
        let address =
            Email::parse(text).map(Self::from).or_else(|_| Phone::parse(text).map(Self::from));
        address.or_else(|_| Username::parse(text).map(Self::from))
    }

    /// The username, if it is given.
    #[must_use]
    pub const fn username(&self) -> Option<&Username> {
        self.username.as_ref()
    }

    /// The mail address, if it is given.
    #[must_use]
    pub const fn email(&self) -> Option<&Email> {
        self.email.as_ref()
    }

    /// The telephone number, if it is given.
    #[must_use]
    pub const fn phone(&self) -> Option<&Phone> {
        self.phone.as_ref()
    }

    /// The first of these as a label for an account that may not exist, cut to the length of a
    /// username.
    ///
    /// # Panics
    ///
    /// Never: one of the three is given, and an address has only printable characters.
    #[must_use]
    pub fn label(&self) -> Username {
        let address = self.email().map(Email::as_str).or(self.phone().map(Phone::as_str));
        self.username.clone().unwrap_or_else(|| {
            let label: String = address.unwrap_or_default().chars().take(MAX_CHARS).collect();
            Username::parse(&label).expect("one of the three is given")
        })
    }
}

impl TryFrom<Fields> for Identifier {
    type Error = Unnamed;

    fn try_from(fields: Fields) -> Result<Self, Unnamed> {
        Self::of(fields.username, fields.email, fields.phone)
    }
}

impl From<Username> for Identifier {
    fn from(username: Username) -> Self {
        Self { username: Some(username), email: None, phone: None }
    }
}

impl From<Email> for Identifier {
    fn from(email: Email) -> Self {
        Self { username: None, email: Some(email), phone: None }
    }
}

impl From<Phone> for Identifier {
    fn from(phone: Phone) -> Self {
        Self { username: None, email: None, phone: Some(phone) }
    }
}

/// 110: requests a passcode. It is sent to the account's mail address, or to its telephone if it has
/// no mail address, and replaces an earlier one.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct RequestPasscode {
    /// The account.
    #[serde(flatten)]
    pub account: Identifier,
    /// Its password.
    #[serde(serialize_with = "secret::on_the_wire")]
    pub password: Secret<String>,
    /// The device's MAC address.
    #[serde(
        default,
        deserialize_with = "mac_address::offered",
        skip_serializing_if = "Option::is_none"
    )]
    pub mac: Option<MacAddress>,
}

impl RequestPasscode {
    /// Names the account and its password.
    #[must_use]
    pub fn new(account: impl Into<Identifier>, password: impl Into<Secret<String>>) -> Self {
        Self { account: account.into(), password: password.into(), mac: None }
    }
}

/// 120: redeems a passcode for the token of a session.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct RedeemPasscode {
    /// The account.
    #[serde(flatten)]
    pub account: Identifier,
    /// Its password.
    #[serde(serialize_with = "secret::on_the_wire")]
    pub password: Secret<String>,
    /// The passcode.
    #[serde(default, deserialize_with = "passcode::offered")]
    pub passcode: Option<Passcode>,
    /// The device's MAC address. The session is bound to it.
    #[serde(
        default,
        deserialize_with = "mac_address::offered",
        skip_serializing_if = "Option::is_none"
    )]
    pub mac: Option<MacAddress>,
}

impl RedeemPasscode {
    /// Names the account, its password and the passcode.
    #[must_use]
    pub fn new(
        account: impl Into<Identifier>,
        password: impl Into<Secret<String>>,
        passcode: Passcode,
    ) -> Self {
        let (account, password) = (account.into(), password.into());
        Self { account, password, passcode: Some(passcode), mac: None }
    }
}

#[cfg(test)]
mod tests {
    use crate::command::{Command, Identifier, Refused};

    fn read(text: &str) -> Result<Command, Refused> {
        Command::from_json(text.as_bytes())
    }

    #[test]
    fn an_account_is_named_by_any_of_three_fields() {
        for field in
            [r#""username":"alice""#, r#""email":"a@b.example""#, r#""phone":"+49 30 123456""#]
        {
            let Ok(Command::RequestPasscode(request)) =
                read(&format!(r#"{{"cmd":"110",{field},"password":"x"}}"#))
            else {
                panic!("{field}")
            };
            let given = [
                request.account.username().is_some(),
                request.account.email().is_some(),
                request.account.phone().is_some(),
            ];
            assert_eq!(given.iter().filter(|given| **given).count(), 1, "{field}");
            let again = Command::RequestPasscode(request);
            assert_eq!(read_again(&again), again.to_json().expose().clone());
        }
    }

    fn read_again(command: &Command) -> Vec<u8> {
        Command::from_json(command.to_json().expose()).unwrap().to_json().expose().clone()
    }

    #[test]
    fn a_text_is_an_address_a_number_or_a_name() {
        let parts = |text: &str| {
            let read = Identifier::parse(text).unwrap();
            [read.username().is_some(), read.email().is_some(), read.phone().is_some()]
        };
        for (text, expected) in [
            ("alice", [true, false, false]),
            ("alice@home", [true, false, false]),
            ("alice@mail.example", [false, true, false]),
            ("+49 30 123456", [false, false, true]),
            ("4930123456", [true, false, false]),
        ] {
            assert_eq!(parts(text), expected, "{text}");
        }
        assert!(Identifier::parse(" alice").is_err());
    }

    #[test]
    fn an_account_that_is_not_named_is_malformed() {
        for text in [
            r#"{"cmd":"110","password":"x"}"#,
            r#"{"cmd":"120","password":"x","passcode":"7K2QXA","email":null}"#,
        ] {
            let expected = "missing field `username`, `email` or `phone`";
            assert_eq!(read(text).unwrap_err(), Refused::Malformed(expected.into()));
        }
        let odd = read(r#"{"cmd":"110","password":"x","email":"a@b"}"#).unwrap_err();
        let expected = "field `email` has the wrong type or an impossible value";
        assert_eq!(odd, Refused::Malformed(expected.into()));
    }

    #[test]
    fn a_mistyped_passcode_is_absent() {
        let text = r#"{"cmd":"120","username":"alice","password":"x","passcode":"7K2"}"#;
        let Ok(Command::RedeemPasscode(redeem)) = read(text) else { panic!("not 120") };
        assert_eq!(redeem.passcode, None);
    }
}
