//! Converts one account of 4Auth, or returns the reason why it cannot be imported.

use super::{old_key::OldKey, source::OldUser};
use crate::imported::bcrypt_hash;
use data_encoding::BASE32_NOPAD;
use fourauth_auth::{
    authenticator::FIRST_EPOCH,
    compute::{Overload, Requester},
    entropy,
    error::Error,
    faces::{Faces, NewLikeness},
};
use fourauth_face::Refusal;
use fourauth_factors::{password::Hash, totp::Key};
use fourauth_protocol::{
    consent::Consent, mac_address::MacAddress, picture::Picture, secret::Secret, time::UnixMillis,
    username::Username,
};
use fourauth_store::{self as store, AccountId, Added, Enrolled, NewConsent, NewUser, Tx};

/// Reasons why an account cannot be imported. They are shown to the operator, and quote no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// The name is missing or not valid here.
    #[error("its name is not a valid username")]
    Name,
    /// An earlier account in the file has the same name, or one that looks like it.
    #[error("an earlier account in the file has the same name, or one that looks like it")]
    NameTwice,
    /// An account with this name, or one that looks like it, exists already.
    #[error("an account with this name, or one that looks like it, exists already")]
    NameTaken,
    /// The password hash is not bcrypt, or its cost is too high.
    #[error("its password hash is not a bcrypt hash of an accepted cost")]
    Hash,
    /// The key does not open the one-time code secret.
    #[error("its one-time code secret does not open with this key")]
    SecretSealed,
    /// The one-time code secret is not valid.
    #[error("its one-time code secret is not base32, or has fewer than 128 bits")]
    Secret,
    /// The MAC address is missing or not valid.
    #[error("its MAC address is missing or not valid")]
    Mac,
    /// The picture is missing or too large, or the key does not open it.
    #[error("its picture is missing, too large, or does not open with this key")]
    FaceSealed,
    /// No face can be enrolled from the picture.
    #[error("no face can be enrolled: {0}")]
    Face(Refusal),
}

/// An account with every value parsed. Only the face is not checked yet.
pub(super) struct Candidate {
    name: Username,
    password: Hash,
    totp: Key,
    mac: MacAddress,
    picture: Picture,
}

/// Consent, and what it allows to keep.
pub(super) struct Terms {
    pub(super) keeps_picture: bool,
    pub(super) notice: Option<Consent>,
    pub(super) now: UnixMillis,
}

/// An account ready to be added.
pub(super) struct NewConnection {
    user: NewUser,
    consent: NewConsent,
}

impl Candidate {
    /// Parses the values of a row. Returns the first fault.
    pub(super) fn read(user: OldUser, key: &OldKey) -> Result<Self, Unfit> {
        let name = user.name.and_then(|name| Username::parse(&name).ok()).ok_or(Unfit::Name)?;
        let name = name.for_new_account().map_err(|_| Unfit::Name)?;
        let password = user.password.and_then(bcrypt_hash).ok_or(Unfit::Hash)?;
        let opened = user.totp.and_then(|token| key.open(&token)).ok_or(Unfit::SecretSealed)?;
        let totp = totp_key(&opened).ok_or(Unfit::Secret)?;
        let mac = user.mac.and_then(|mac| MacAddress::parse(&mac).ok()).ok_or(Unfit::Mac)?;
        let picture = user.face.and_then(|token| key.open(&token)).ok_or(Unfit::FaceSealed)?;
        let picture = Picture::new(picture.expose().clone());
        Ok(Self { name, password, totp, mac, picture })
    }

    pub(super) const fn name(&self) -> &Username {
        &self.name
    }

    /// Enrols the face, and returns the account to add.
    pub(super) async fn enrol(
        self,
        faces: &Faces,
        terms: Terms,
    ) -> anyhow::Result<Result<NewConnection, Unfit>> {
        let Self { name, password, totp, mac, picture } = self;
        let enrolled = faces.enrol(vec![picture], Requester::this_machine()).await;
        let NewLikeness { likeness, picture } = match enrolled {
            Ok(Ok(enrolled)) => enrolled,
            Ok(Err(refusal)) => return Ok(Err(Unfit::Face(refusal))),
            // A picture that cannot be examined must not stop the import of other accounts.
            Err(Error::Unexamined | Error::Overload(Overload::Late | Overload::Panicked)) => {
                return Ok(Err(Unfit::Face(Refusal::Unexamined)));
            }
            Err(error) => return Err(error.into()),
        };
        let id = AccountId(entropy::positive_i64());
        let image = terms.keeps_picture.then(|| Secret::new(picture.bytes().to_vec()));
        let consent = NewConsent {
            notice: terms.notice,
            keeps_picture: image.is_some(),
            given: terms.now,
            given_by: "import".to_owned(),
            request: None,
        };
        let user = NewUser {
            enrolled: Enrolled { key: false, ..Enrolled::ALL },
            id,
            username: name,
            password,
            totp,
            template: faces.template(&likeness, id, FIRST_EPOCH),
            face_epoch: FIRST_EPOCH,
            image,
            mac,
            email: None,
            phone: None,
            must_change: false,
            created: terms.now,
        };
        Ok(Ok(NewConnection { user, consent }))
    }
}

impl NewConnection {
    pub(super) const fn name(&self) -> &Username {
        &self.user.username
    }

    /// Adds the account. Returns `false` if the name was taken in the meantime.
    pub(super) async fn add(self, tx: &mut Tx) -> Result<bool, store::Error> {
        let added = tx.add_user(&self.user).await? == Added::Yes;
        if added {
            tx.record_consent(self.user.id, &self.consent).await?;
        }
        Ok(added)
    }
}

/// Decodes base32 as `pyotp` does: upper or lower case, with or without padding.
fn totp_key(opened: &Secret<Vec<u8>>) -> Option<Key> {
    let text = str::from_utf8(opened.expose()).ok()?;
    let text = Secret::new(text.trim().trim_end_matches('=').to_ascii_uppercase());
    BASE32_NOPAD.decode(text.expose().as_bytes()).ok().and_then(|bytes| Key::from_bytes(bytes).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_of(text: &str) -> Option<Key> {
        totp_key(&Secret::new(text.as_bytes().to_vec()))
    }

    #[test]
    fn secrets_are_decoded_as_pyotp_does() {
        // RFC 6238, appendix B: the ASCII digits 12345678901234567890.
        let key = key_of("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
        assert_eq!(key.as_bytes(), b"12345678901234567890");
        assert!(key_of("gezdgnbvgy3tqojqgezdgnbvgy3tqojq\n").is_some());
        assert!(key_of("GEZDGNBVGY3TQOJQGEZDGNBVGY======").is_some());
        for text in ["", "GEZDGNBVGY3TQOJQ", "not base 32, but long enough for it", "8!"] {
            assert!(key_of(text).is_none(), "{text:?}");
        }
    }
}
