//! An account with a password and no other factor, which an import adds.

use super::record::Record;
use crate::local_store::LocalStore;
use fourauth_auth::{authenticator::FIRST_EPOCH, entropy};
use fourauth_factors::{
    face::{RotationKey, Template},
    password::Hash,
    totp,
};
use fourauth_protocol::{
    contact::{Email, Phone},
    mac_address::MacAddress,
    username::Username,
};
use fourauth_store::{AccountId, Added, Enrolled, NewUser};

/// An account with a password and no other factor.
#[derive(Debug)]
pub(crate) struct Newcomer {
    pub(crate) name: Username,
    pub(crate) password: Hash,
    /// True if the password was stored in the clear.
    pub(crate) must_change: bool,
    pub(crate) email: Option<Email>,
    pub(crate) phone: Option<Phone>,
    /// A label: the account has no device.
    pub(crate) mac: Option<MacAddress>,
}

impl Newcomer {
    /// The account to add. The factors that it does not have get random values, which match nothing.
    pub(crate) fn into_user(self, local: &LocalStore) -> anyhow::Result<NewUser> {
        let id = unused_id();
        Ok(NewUser {
            id,
            username: self.name,
            enrolled: Enrolled::PASSWORD,
            password: self.password,
            totp: unknown_key()?,
            template: no_face(id, local),
            face_epoch: FIRST_EPOCH,
            image: None,
            mac: self.mac.unwrap_or_else(unassigned_address),
            email: self.email,
            phone: self.phone,
            must_change: self.must_change,
            created: local.now,
        })
    }
}

/// Adds an account, with its audit row. Returns `false` if its name or an address was taken in the
/// meantime.
pub(crate) async fn add(
    local: &LocalStore,
    record: &Record,
    user: NewUser,
) -> anyhow::Result<bool> {
    let row = record.account_row(local, &user.username);
    let add = local.change(row, move |tx| {
        Box::pin(async move { Ok(tx.add_user(&user).await? == Added::Yes) })
    });
    Ok(add.await?)
}

/// A random id, which no account has.
pub(crate) fn unused_id() -> AccountId {
    AccountId(entropy::positive_i64())
}

/// A random key for one-time codes, which no authenticator has.
fn unknown_key() -> anyhow::Result<totp::Key> {
    Ok(totp::Key::from_bytes(entropy::secret_bytes(20).expose().clone())?)
}

/// A random template of a pack that does not exist, so that it is compared with no face.
fn no_face(account: AccountId, local: &LocalStore) -> Template {
    let noise = entropy::bytes::<128>().map(|byte| f32::from(byte.cast_signed()) / 1024.0);
    let key = RotationKey { pepper: local.pepper(), account: account.0, epoch: FIRST_EPOCH };
    Template::protect(&noise, entropy::bytes(), 1, key)
}

/// A random locally administered address (IEEE 802 clause 8), which no manufacturer assigns.
fn unassigned_address() -> MacAddress {
    let mut octets = entropy::bytes::<6>();
    octets[0] = 0x02;
    MacAddress::from_octets(octets).expect("the first octet is neither 0 nor 255")
}
