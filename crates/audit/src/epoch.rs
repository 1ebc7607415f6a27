//! Forward-secure keys: each epoch's key is derived from the previous key, which is then destroyed,
//! and from the last checkpoint of that epoch.
//!
//! An attacker on the machine finds the current key and can compute no earlier one. The auditor has
//! the first key, and can compute the others from it and from the checkpoints of the log. If one of
//! those was removed or replaced, the keys of all later epochs differ. The server decides when an
//! epoch ends.

use crate::{Hash, key::KeyId, key::key_id, note::Note};
use data_encoding::HEXLOWER_PERMISSIVE;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use std::fmt;
use zeroize::Zeroizing;

/// Length of an epoch, in milliseconds: 15 minutes.
pub const EPOCH_MS: i64 = 15 * 60 * 1000;

/// Hash prefix for deriving the next key.
const NEXT: &[u8] = b"fourauth-epoch";

/// Stands for the last checkpoint of an epoch without one.
const NO_CHECKPOINT: Hash = [0; 32];

/// Signature type for algorithms that the standard does not list; [`KIND`] names ours.
const OTHER_TYPE: u8 = 0xff;
const KIND: &[u8] = b"fourauth-epoch-hmac-sha256";

/// The key id of a log's epoch MACs. A signature line needs a key id, but a MAC has no public key.
#[must_use]
pub fn mac_id(name: &str) -> KeyId {
    key_id(name, OTHER_TYPE, KIND)
}

/// SHA-256 of a checkpoint's text: what the key of the next epoch depends on.
#[must_use]
pub fn text_hash(text: &str) -> Hash {
    Sha256::digest(text).into()
}

/// The secret key of one epoch. Wiped when dropped.
#[derive(Clone)]
pub struct EpochKey {
    /// Number of the epoch, from 0.
    pub number: u64,
    key: Zeroizing<[u8; 32]>,
}

impl EpochKey {
    /// The key of this epoch.
    #[must_use]
    pub fn new(number: u64, key: [u8; 32]) -> Self {
        Self { number, key: Zeroizing::new(key) }
    }

    /// Reads a key of 64 hexadecimal digits.
    #[must_use]
    pub fn from_hex(number: u64, hex: &str) -> Option<Self> {
        let bytes = Zeroizing::new(HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).ok()?);
        Some(Self::new(number, bytes.as_slice().try_into().ok()?))
    }

    /// Reads first keys, one in each line; empty lines are left out. `None` if a line is not a key,
    /// or without any key.
    #[must_use]
    pub fn all_from_hex(text: &str) -> Option<Vec<Self>> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let keys: Option<Vec<_>> = lines.map(|line| Self::from_hex(0, line)).collect();
        keys.filter(|keys| !keys.is_empty())
    }

    /// The key as 64 hexadecimal digits, for the key file and for the auditor.
    #[must_use]
    pub fn expose_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(HEXLOWER_PERMISSIVE.encode(&*self.key))
    }

    /// The key of the next epoch: SHA-256 of `fourauth-epoch`, this key, and the [`text_hash`] of
    /// the last checkpoint that this key made, or 32 zero bytes if it made none. Consumes this key.
    ///
    /// The number saturates at `u64::MAX`.
    #[must_use]
    pub fn next(self, last: Option<&Hash>) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        let last = last.unwrap_or(&NO_CHECKPOINT);
        let made = Sha256::new_with_prefix(NEXT).chain_update(*self.key).chain_update(last);
        made.finalize_into((&mut *key).into());
        Self { number: self.number.saturating_add(1), key }
    }

    /// HMAC-SHA-256 of a note's text.
    #[must_use]
    pub fn mac(&self, text: &str) -> Hash {
        self.keyed(text).finalize().into_bytes().into()
    }

    /// True if this key made `mac` of the text.
    #[must_use]
    pub fn made(&self, text: &str, mac: &EpochMac) -> bool {
        mac.number == self.number && self.keyed(text).verify_slice(&mac.mac).is_ok()
    }

    fn keyed(&self, text: &str) -> Hmac<Sha256> {
        Hmac::<Sha256>::new_from_slice(&*self.key)
            .expect("HMAC accepts keys of any length")
            .chain_update(text)
    }
}

impl fmt::Debug for EpochKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EpochKey({}, ..)", self.number)
    }
}

/// The MAC that an epoch's key made of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochMac {
    /// Number of the epoch.
    pub number: u64,
    /// Result of [`EpochKey::mac`].
    pub mac: Hash,
}

impl EpochMac {
    /// The epoch MAC in this note by the log of this name. `None` unless there is exactly one.
    #[must_use]
    pub fn of(note: &Note<'_>, name: &str) -> Option<Self> {
        let mut ours = note.signatures_by(name, mac_id(name));
        let (bytes, None) = (ours.next()?, ours.next()) else { return None };
        let (number, mac) = bytes.split_first_chunk()?;
        Some(Self { number: u64::from_be_bytes(*number), mac: mac.try_into().ok()? })
    }

    /// The signature bytes in a note: the number as eight bytes, big-endian, then the MAC.
    #[must_use]
    pub fn to_bytes(self) -> Vec<u8> {
        [&self.number.to_be_bytes()[..], &self.mac].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::note::signature_line;

    #[test]
    fn the_next_key_depends_on_this_one_and_its_last_checkpoint() {
        let told = text_hash("text\n");
        for (last, hashed) in [(None, [0; 32]), (Some(&told), told)] {
            let next = EpochKey::new(4, [7; 32]).next(last);
            let parts = [b"fourauth-epoch".as_slice(), &[7; 32], &hashed];
            let hash: Hash = Sha256::digest(parts.concat()).into();
            assert_eq!(next.number, 5);
            assert_eq!(*next.key, hash);
        }
    }

    #[test]
    fn the_mac_in_a_note_is_found_and_matches() {
        let key = EpochKey::new(3, [7; 32]);
        let mac = EpochMac { number: 3, mac: key.mac("text\n") };
        let note = format!("text\n\n{}", signature_line("log", mac_id("log"), &mac.to_bytes()));
        let found = EpochMac::of(&Note::parse(&note).unwrap(), "log").unwrap();
        assert!(key.made("text\n", &found));
        assert!(!key.made("other\n", &found));
        assert!(!key.clone().next(None).made("text\n", &found));
        assert!(!EpochKey::new(4, [7; 32]).made("text\n", &found), "another number");
    }

    #[test]
    fn a_key_survives_a_round_trip() {
        let key = EpochKey::new(0, [9; 32]);
        assert_eq!(*EpochKey::from_hex(0, &key.expose_hex()).unwrap().key, [9; 32]);
        assert!(EpochKey::from_hex(0, "09").is_none());
        let two = format!("{}\n\n {}\r\n", "09".repeat(32), "0a".repeat(32));
        assert_eq!(*EpochKey::all_from_hex(&two).unwrap()[1].key, [10; 32]);
        assert!(EpochKey::all_from_hex("\n").is_none());
        assert!(EpochKey::all_from_hex(&format!("{two}x")).is_none());
        assert!(EpochKey::from_hex(0, &"x".repeat(64)).is_none());
    }

    #[test]
    fn debug_output_hides_the_key() {
        assert_eq!(format!("{:?}", EpochKey::new(2, [9; 32])), "EpochKey(2, ..)");
    }
}
