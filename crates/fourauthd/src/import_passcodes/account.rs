//! Converts one account of a passcode system, or returns the reason why it cannot be imported.

use super::{contact::Contact, source::OldAccount};
use crate::local_store::LocalStore;
use fourauth_auth::{authenticator::FIRST_EPOCH, compute::Requester, entropy, hashing::Hasher};
use fourauth_factors::{
    face::{DIMENSIONS, Template},
    password_rule::NewPassword,
    rotation::Rotation,
    totp,
};
use fourauth_protocol::{mac_address::MacAddress, secret::Secret, username::Username};
use fourauth_store::{self as store, AccountId, Added, Enrolled, NewUser, Store, Tx};

/// Longest password, in characters. A login could not send a much longer one.
const MAX_PASSWORD_CHARS: usize = 256;

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
    /// An earlier row has the same name or an address of this one.
    #[error("an earlier row has the same name, mail address or telephone number")]
    Twice,
    /// An account with this name exists already.
    #[error("an account with this name exists already")]
    NameTaken,
    /// Another account has the mail address.
    #[error("another account has its mail address")]
    EmailTaken,
    /// Another account has the telephone number.
    #[error("another account has its telephone number")]
    PhoneTaken,
    /// An earlier run imported the account or refused it, and it is not there now.
    #[error("the file was imported before, and there is no such account now")]
    Gone,
}

/// An account with every value parsed.
pub(super) struct Candidate {
    name: Username,
    password: Secret<String>,
    contact: Contact,
}

impl Candidate {
    /// Parses the values of a row. Returns the first fault.
    pub(super) fn read(old: OldAccount) -> Result<Self, Unfit> {
        let OldAccount { mac, password, email, phone } = old;
        let password = password.filter(|password| !password.expose().is_empty());
        let password = password.ok_or(Unfit::Password)?;
        if password.expose().chars().count() > MAX_PASSWORD_CHARS {
            return Err(Unfit::LongPassword);
        }
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

    /// The address that another account has, if there is one.
    pub(super) async fn taken_address(&self, store: &Store) -> Result<Option<Unfit>, store::Error> {
        let Contact { email, phone, .. } = &self.contact;
        if let Some(email) = email
            && store.name_by_email(email, None).await?.is_some()
        {
            return Ok(Some(Unfit::EmailTaken));
        }
        if let Some(phone) = phone
            && store.name_by_phone(phone).await?.is_some()
        {
            return Ok(Some(Unfit::PhoneTaken));
        }
        Ok(None)
    }

    /// Hashes the password, and returns the account to add.
    pub(super) async fn enrol(
        self,
        hasher: &Hasher,
        local: &LocalStore,
    ) -> anyhow::Result<NewUser> {
        let Self { name, password, contact: Contact { email, phone, mac } } = self;
        // Not checked against the rule: people could not log in to change it.
        let in_use = NewPassword::in_use(&password);
        let id = unused_id();
        Ok(NewUser {
            id,
            username: name,
            enrolled: Enrolled::PASSWORD,
            password: hasher.create(in_use, Requester::this_machine()).await?,
            totp: unknown_key()?,
            template: no_face(id, local),
            face_epoch: FIRST_EPOCH,
            image: None,
            // A label: `enrolled` says that the account has no device.
            mac: mac.unwrap_or_else(unassigned_address),
            email,
            phone,
            must_change: true,
            created: local.now,
        })
    }
}

/// Adds an account. Returns `false` if its name or an address was taken in the meantime.
pub(super) async fn add(tx: &mut Tx, user: NewUser) -> Result<bool, store::Error> {
    Ok(tx.add_user(&user).await? == Added::Yes)
}

/// A random id, which no account has.
pub(super) fn unused_id() -> AccountId {
    AccountId(entropy::positive_i64())
}

/// A random key for one-time codes, which no authenticator has.
fn unknown_key() -> anyhow::Result<totp::Key> {
    Ok(totp::Key::from_bytes(entropy::secret_bytes(20).expose().clone())?)
}

/// A random template of a pack that does not exist, so that it is compared with no face.
fn no_face(account: AccountId, local: &LocalStore) -> Template {
    let noise = entropy::bytes::<DIMENSIONS>().map(|byte| f32::from(byte.cast_signed()) / 1024.0);
    let rotation = Rotation::derive(local.pepper(), account.0, FIRST_EPOCH);
    Template::protect(&noise, entropy::bytes(), account.0, 1, &rotation)
}

/// A random locally administered address (IEEE 802 clause 8), which no manufacturer assigns.
fn unassigned_address() -> MacAddress {
    let mut octets = entropy::bytes::<6>();
    octets[0] = 0x02;
    MacAddress::from_octets(octets).expect("the first octet is neither 0 nor 255")
}

#[cfg(test)]
mod tests {
    use super::*;

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
