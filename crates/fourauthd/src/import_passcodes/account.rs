//! Converts one account of a passcode system, or returns the reason why it cannot be imported.

use super::{contact::Contact, source::OldAccount};
use crate::{
    imported::{Conflict, Identity, newcomer::Newcomer},
    local_store::LocalStore,
};
use fourauth_auth::{compute::Requester, hashing::Hasher};
use fourauth_factors::password_rule::NewPassword;
use fourauth_protocol::username::Username;
use fourauth_store::NewUser;

/// Reasons why an account cannot be imported. They are shown to the operator, and quote no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// The password is missing or not text.
    #[error("its password is missing or not UTF-8")]
    Password,
    /// The password is too long.
    #[error("its password has more than 256 characters")]
    LongPassword,
    /// There is a mail address, and it is not valid.
    #[error("its mail address is not valid")]
    Email,
    /// There is a telephone number, and it is not valid.
    #[error("its telephone number is not in international form, such as +4930123456")]
    Phone,
    /// There is a MAC address, and it is not valid.
    #[error("its MAC address is not valid")]
    Mac,
    /// There is no address to name the account by, or it is longer than a name may be.
    #[error("it has no address of at most 128 characters to name it by")]
    Name,
    /// It cannot be added to the accounts that exist.
    #[error(transparent)]
    Conflict(#[from] Conflict),
}

/// An account with every value parsed.
pub(super) struct Candidate {
    name: Username,
    password: NewPassword,
    contact: Contact,
}

impl Candidate {
    /// Parses the values of a row. Returns the first fault.
    pub(super) fn read(old: OldAccount) -> Result<Self, Unfit> {
        let OldAccount { mac, password, email, phone } = old;
        let password = password.filter(|password| !password.expose().is_empty());
        let password = password.ok_or(Unfit::Password)?;
        // Not checked against the rule: people could not log in to change it.
        let password = NewPassword::in_use(&password).ok_or(Unfit::LongPassword)?;
        let contact = Contact::read(email.as_deref(), phone.as_deref(), mac.as_deref())?;
        let name = contact.name().and_then(|name| Username::parse(&name).ok());
        Ok(Self { name: name.ok_or(Unfit::Name)?, password, contact })
    }

    pub(super) fn name(&self) -> Username {
        self.name.clone()
    }

    pub(super) fn contact(&self) -> Contact {
        self.contact.clone()
    }

    pub(super) const fn identity(&self) -> Identity<'_> {
        let Contact { email, phone, .. } = &self.contact;
        Identity { name: &self.name, email: email.as_ref(), phone: phone.as_ref() }
    }

    /// Hashes the password, and returns the account to add.
    pub(super) async fn enrol(
        self,
        hasher: &Hasher,
        local: &LocalStore,
    ) -> anyhow::Result<NewUser> {
        let Self { name, password, contact: Contact { email, phone, mac } } = self;
        let password = hasher.create(password, Requester::this_machine()).await?;
        Newcomer { name, password, must_change: true, email, phone, mac }.into_user(local)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fourauth_protocol::secret::Secret;

    fn read(
        password: &str,
        email: Option<&str>,
        phone: Option<&str>,
        mac: Option<&str>,
    ) -> Result<String, Unfit> {
        let text = |text: Option<&str>| text.map(str::to_owned);
        let password = Some(Secret::new(password.to_owned()));
        let old = OldAccount { mac: text(mac), password, email: text(email), phone: text(phone) };
        Candidate::read(old).map(|candidate| candidate.name.as_str().to_owned())
    }

    const EMAIL: Option<&str> = Some("a@b.example");
    const PHONE: Option<&str> = Some("+49 30 123456");
    const MAC: Option<&str> = Some("00-1B-44-11-3A-B7");

    #[test]
    fn the_name_is_the_mail_address_or_the_next_address() {
        for (email, phone, mac, name) in [
            (EMAIL, PHONE, MAC, "a@b.example"),
            (None, PHONE, MAC, "+4930123456"),
            (None, None, MAC, "00:1b:44:11:3a:b7"),
        ] {
            assert_eq!(read("x", email, phone, mac).as_deref(), Ok(name));
        }
    }

    #[test]
    fn a_row_that_cannot_be_an_account_is_refused() {
        let (long, longest) = ("é".repeat(257), "é".repeat(256));
        let long_address = format!("{}@{}.example", "a".repeat(64), "b".repeat(63));
        for (password, email, phone, mac, unfit) in [
            ("", EMAIL, None, None, Unfit::Password),
            (&long, EMAIL, None, None, Unfit::LongPassword),
            ("x", Some("a@b\r\nBcc: c@d.example"), None, None, Unfit::Email),
            ("x", EMAIL, Some("030 123456"), None, Unfit::Phone),
            ("x", EMAIL, None, Some("00:00:00:00:00:00"), Unfit::Mac),
            ("x", None, None, None, Unfit::Name),
            ("x", Some(&long_address), None, None, Unfit::Name),
        ] {
            assert_eq!(read(password, email, phone, mac), Err(unfit));
        }
        assert!(read(&longest, EMAIL, None, None).is_ok());
    }
}
