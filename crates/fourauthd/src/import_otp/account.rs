//! Converts one row of the HTTP OTP system, or returns the reason why it cannot be imported.

use super::row::OldUser;
use crate::imported::{Conflict, Identity, bcrypt_hash, newcomer::Newcomer};
use fourauth_factors::password::Hash;
use fourauth_protocol::{
    contact::{Email, Phone},
    secret::Secret,
    username::Username,
};

/// Prefixes of bcrypt hashes. `$2x$` marks hashes of a faulty program, which match other passwords.
const BCRYPT: [&str; 3] = ["$2a$", "$2b$", "$2y$"];

/// Reasons why a row cannot be imported. They are shown to the operator, and quote no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// The row has more or fewer fields than the table has columns.
    #[error("it has a wrong number of fields")]
    Fields,
    /// The name is missing or not valid here.
    #[error("its name is not a valid username")]
    Name,
    /// There is no password hash.
    #[error("its password hash is missing")]
    NoHash,
    /// The password hash is not bcrypt, or its cost is too high.
    #[error("its password hash is not a bcrypt hash of an accepted cost")]
    Hash,
    /// There is a mail address, and it is not valid.
    #[error("its mail address is not valid")]
    Email,
    /// There is a telephone number, and it is not valid.
    #[error("its telephone number is not in international form, such as +4930123456")]
    Phone,
    /// It cannot be added to the accounts that exist.
    #[error(transparent)]
    Conflict(#[from] Conflict),
}

/// An account with every value parsed.
#[derive(Debug)]
pub(super) struct Candidate {
    name: Username,
    password: Hash,
    email: Option<Email>,
    phone: Option<Phone>,
}

impl Candidate {
    /// Parses the values of a row. Returns the first fault.
    pub(super) fn read(user: OldUser) -> Result<Self, Unfit> {
        let name = name(&user).ok_or(Unfit::Name)?;
        let name = name.for_new_account().map_err(|_| Unfit::Name)?;
        let password = user.password_hash.ok_or(Unfit::NoHash)?;
        let password = accepted_hash(&password).ok_or(Unfit::Hash)?;
        let email = user.email.as_deref().map(Email::parse).transpose();
        let phone = user.phone.as_deref().map(Phone::parse).transpose();
        let (email, phone) = (email.map_err(|_| Unfit::Email)?, phone.map_err(|_| Unfit::Phone)?);
        Ok(Self { name, password, email, phone })
    }

    pub(super) const fn identity(&self) -> Identity<'_> {
        Identity { name: &self.name, email: self.email.as_ref(), phone: self.phone.as_ref() }
    }

    /// What no other row may have. The first word keeps a name apart from an address.
    pub(super) fn keys(&self) -> Vec<String> {
        let name = format!("name {}", self.name.key().as_str());
        let email = self.email.as_ref().map(|email| format!("mail {}", email.as_str()));
        let phone = self.phone.as_ref().map(|phone| format!("phone {}", phone.as_str()));
        [Some(name), email, phone].into_iter().flatten().collect()
    }

    /// The account to add. Its owner chose the password, which was never stored in the clear.
    pub(super) fn into_newcomer(self) -> Newcomer {
        let Self { name, password, email, phone } = self;
        Newcomer { name, password, must_change: false, email, phone, mac: None }
    }
}

/// The name of a row, for messages. Text that is no name might be a secret, so it is not shown.
pub(super) fn label(user: &OldUser) -> Option<String> {
    name(user).map(|name| name.as_str().to_owned())
}

/// A valid name. Under a wrong header, the hash may be in its place.
fn name(user: &OldUser) -> Option<Username> {
    let name = user.username.as_deref().and_then(|name| Username::parse(name).ok())?;
    (!name.as_str().starts_with("$2")).then_some(name)
}

fn accepted_hash(stored: &Secret<String>) -> Option<Hash> {
    let is_known = BCRYPT.iter().any(|prefix| stored.expose().starts_with(prefix));
    is_known.then(|| bcrypt_hash(stored.expose().clone())).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$2b$10$abcdefghijklmnopqrstuu5Lo0g67CiD3M4RpN1BmBb4Crp5w7dbK";

    fn alice() -> OldUser {
        OldUser {
            username: Some("alice".to_owned()),
            email: Some("alice@example.org".to_owned()),
            phone: Some("+49 30 123456".to_owned()),
            password_hash: Some(Secret::new(HASH.to_owned())),
        }
    }

    fn read(change: impl FnOnce(&mut OldUser)) -> Result<Candidate, Unfit> {
        let mut user = alice();
        change(&mut user);
        Candidate::read(user)
    }

    #[test]
    fn a_name_and_an_address_that_are_equal_differ_as_keys() {
        let candidate = read(|user| user.username = user.email.clone()).unwrap();
        let keys = ["name alice@example.org", "mail alice@example.org", "phone +4930123456"];
        assert_eq!(candidate.keys(), keys);
    }

    #[test]
    fn keys_depend_on_no_spelling() {
        let keys = |name: &str, email: &str| {
            let change = |user: &mut OldUser| {
                (user.username, user.email) = (Some(name.to_owned()), Some(email.to_owned()));
            };
            read(change).unwrap().keys()
        };
        let one = keys("Jos\u{e9}", "jose@example.org");
        assert_eq!(keys("JOSE\u{301}", "Jose@Example.org"), one);
    }

    #[test]
    fn a_row_without_addresses_is_an_account() {
        let candidate = read(|user| (user.email, user.phone) = (None, None)).unwrap();
        assert_eq!(candidate.keys(), ["name alice"]);
    }

    #[test]
    fn a_row_that_cannot_be_an_account_is_refused() {
        let text = |text: &str| Some(text.to_owned());
        for (change, unfit) in [
            (&(|user: &mut OldUser| user.username = None) as &dyn Fn(&mut OldUser), Unfit::Name),
            (&|user| user.username = text(" alice"), Unfit::Name),
            (&|user| user.username = text("al\u{202e}ice"), Unfit::Name),
            (&|user| user.username = text("\u{430}lice"), Unfit::Name),
            (&|user| user.username = text(HASH), Unfit::Name),
            (&|user| user.password_hash = None, Unfit::NoHash),
            (&|user| user.email = text("alice"), Unfit::Email),
            (&|user| user.email = text("a@b.example\r\nBcc: c@d.example"), Unfit::Email),
            (&|user| user.phone = text("030 123456"), Unfit::Phone),
        ] {
            assert_eq!(read(change).unwrap_err(), unfit);
        }
    }

    #[test]
    fn only_bcrypt_hashes_of_an_accepted_cost_are_kept() {
        let with = |from: &str, to: &str| {
            let hash = Secret::new(HASH.replacen(from, to, 1));
            read(|user| user.password_hash = Some(hash)).map(|_| ())
        };
        for (from, to) in [("$2b$", "$2a$"), ("$2b$", "$2y$"), ("$10$", "$04$"), ("$10$", "$14$")] {
            assert_eq!(with(from, to), Ok(()), "{to}");
        }
        for (from, to) in [
            ("$2b$", "$2x$"),
            ("$2b$", "$3b$"),
            ("$10$", "$03$"),
            ("$10$", "$15$"),
            ("$10$", "$16$"),
            ("$10$", "$31$"),
            ("$10$", "$1$"),
            ("K", ""),
            ("bK", "\u{e9}"),
            ("bK", "!!"),
            (HASH, "plain text"),
        ] {
            assert_eq!(with(from, to), Err(Unfit::Hash), "{to}");
        }
    }
}
