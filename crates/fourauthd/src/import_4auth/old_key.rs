//! The Fernet key that 4Auth encrypts secrets and pictures with.

use anyhow::Context as _;
use fernet::Fernet;
use fourauth_protocol::secret::Secret;
use std::{fs::File, io::Read as _, path::Path};

/// Longest key file, in bytes. A key has 44.
const MAX_FILE: u64 = 1024;

/// Time passed to every decryption, in seconds, so that tokens of any age open, even from a clock
/// that was ahead. Leaves room for the minute that the library adds.
const ANY_TIME: u64 = u64::MAX - 60;

/// A Fernet key. <https://github.com/fernet/spec/blob/master/Spec.md>
pub(super) struct OldKey(Fernet);

impl OldKey {
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let mut text = String::new();
        let read = File::open(path).and_then(|file| file.take(MAX_FILE).read_to_string(&mut text));
        let text = Secret::new(text);
        read.with_context(|| format!("cannot read {}", path.display()))?;
        let key = Self::parse(text.expose());
        key.with_context(|| format!("{} holds no Fernet key", path.display()))
    }

    fn parse(text: &str) -> Option<Self> {
        Fernet::new(fourauth_text_file::unmarked(text).trim()).map(Self)
    }

    /// Decrypts a token. `None` if this key did not encrypt it.
    pub(super) fn open(&self, token: &str) -> Option<Secret<Vec<u8>>> {
        self.0.decrypt_at_time(token.trim(), None, ANY_TIME).ok().map(Secret::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // The token and the secret of the specification's `verify.json`.
    const KEY: &str = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";
    const TOKEN: &str = "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==";

    fn key() -> OldKey {
        OldKey::parse(KEY).unwrap()
    }

    #[test]
    fn the_token_of_the_specification_opens_with_its_key_only() {
        assert_eq!(key().open(TOKEN).unwrap().expose(), b"hello");
        let other = OldKey::parse(&KEY.replace('w', "x")).unwrap();
        assert!(other.open(TOKEN).is_none());
    }

    #[test]
    fn a_token_of_any_time_opens() {
        for time in [0, 1, u64::MAX - 61, u64::MAX] {
            let token = key().0.encrypt_at_time(b"x", time);
            assert!(key().open(&token).is_some(), "{time}");
        }
    }

    proptest! {
        #[test]
        fn no_input_causes_a_panic(text in "\\PC{0,200}") {
            prop_assert!(key().open(&text).is_none());
            let _parsed = OldKey::parse(&text);
        }
    }
}
