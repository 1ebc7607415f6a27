//! The record of an account, read with a decoy as a server reads it.

#![expect(clippy::unwrap_used, reason = "a fixture that fails is a test that fails")]

use fourauth_factors::{
    face::{RotationKey, Template},
    password::{Cost, Hash, Memory, SALT_BYTES},
    password_rule::NewPassword,
    totp::Key,
};
use fourauth_protocol::{mac_address::MacAddress, secret::Secret};
use fourauth_store::{AccountId, Decoy, Error, Seeking, Store, Subject};

/// The record of the claimed name, or a decoy's.
///
/// # Errors
///
/// Those of [`Store::subject`].
pub async fn record(store: &Store, seeking: Seeking<'_>) -> Result<Subject, Error> {
    store.subject(seeking, &store.seal_decoy(decoy())).await
}

/// A decoy with a cheap hash.
///
/// # Panics
///
/// Never: its values are valid.
#[must_use]
pub fn decoy() -> Decoy {
    let account = AccountId(-1);
    let password =
        NewPassword::in_use(&Secret::new("the decoy's".to_owned())).expect("a short password");
    let cost = Cost { memory_kib: 64, passes: 1 };
    let pepper = Secret::new([1; 32]);
    Decoy {
        account,
        password: Hash::create(&password, [5; SALT_BYTES], cost, &pepper, &mut Memory::default())
            .unwrap(),
        totp: Key::from_bytes(vec![0xdd; 20]).unwrap(),
        template: template(account, 1),
        face_epoch: 1,
        mac: MacAddress::parse("00:1b:44:11:3a:dd").unwrap(),
    }
}

/// The template of a face that no picture shows, of a pack that no server has.
#[must_use]
pub fn template(AccountId(account): AccountId, pictures: u8) -> Template {
    let key = RotationKey { pepper: &Secret::new([1; 32]), account, epoch: 1 };
    Template::protect(&[0.088; 128], [9; 32], pictures, key)
}
