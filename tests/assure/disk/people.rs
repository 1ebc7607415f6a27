//! Accounts that are cheap to make: everything about them follows from their number.

use data_encoding::HEXLOWER;
use fourauth_factors::{
    password::{Cost, Hash, Memory, SALT_BYTES},
    password_rule::NewPassword,
    totp::Key,
};
use fourauth_protocol::{
    mac_address::MacAddress, secret::Secret, time::UnixMillis, username::Username,
};
use fourauth_store::{AccountId, Enrolled, Keyring, MasterToken, NewUser, RANDOM_BYTES};
use fourauth_tests::record::template;

/// 2026-11-21T12:00:00Z.
pub(crate) const NOON: UnixMillis = UnixMillis(1_795_262_400_000);

/// The keys of every database in these runs.
pub(crate) fn keyring() -> Keyring {
    Keyring::generate(&Secret::new([1; RANDOM_BYTES]), NOON)
}

pub(crate) fn name(person: u32) -> anyhow::Result<Username> {
    Ok(Username::parse(&format!("person-{person}"))?)
}

/// The account of a numbered person.
pub(crate) fn new_user(person: u32) -> anyhow::Result<NewUser> {
    let id = AccountId(i64::from(person) + 1);
    Ok(NewUser {
        id,
        username: name(person)?,
        enrolled: Enrolled::ALL,
        password: hash("violet-Ox-42")?,
        totp: key(0)?,
        template: template(id, 1),
        face_epoch: 1,
        image: None,
        mac: mac(0)?,
        email: None,
        phone: None,
        must_change: false,
        created: NOON,
    })
}

/// The MAC address that an operation sets.
pub(crate) fn mac(operation: usize) -> anyhow::Result<MacAddress> {
    let [.., high, low] = operation.to_be_bytes();
    Ok(MacAddress::parse(&format!("00:1b:44:11:{high:02x}:{low:02x}"))?)
}

/// The one-time code key that an operation sets.
pub(crate) fn key(operation: usize) -> anyhow::Result<Key> {
    let [.., low] = operation.to_be_bytes();
    Ok(Key::from_bytes(vec![low; 20])?)
}

/// The master token of the session that an operation creates.
pub(crate) fn token(operation: usize) -> MasterToken {
    let mut token = [0xab; 32];
    let number = operation.to_be_bytes();
    token[..number.len()].copy_from_slice(&number);
    token
}

/// The same as SQL's `lower(hex(…))`.
pub(crate) fn shown(token: &MasterToken) -> String {
    HEXLOWER.encode(token)
}

/// A hash of the lowest cost: it is written and read, and never checked.
fn hash(password: &str) -> anyhow::Result<Hash> {
    let password =
        NewPassword::in_use(&Secret::new(password.to_owned())).expect("a short password");
    let cost = Cost { memory_kib: 64, passes: 1 };
    let pepper = Secret::new([1; 32]);
    Ok(Hash::create(&password, [5; SALT_BYTES], cost, &pepper, &mut Memory::default())?)
}
