//! Keys of message authentication codes: HMAC-SHA-256 (RFC 2104) over parts that cannot be confused.

use fourauth_protocol::secret::Secret;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::fmt;

/// Bytes of a code.
pub(crate) const MAC_BYTES: usize = 32;

/// A key. Its two inner states are computed once.
#[derive(Clone)]
pub(crate) struct MacKey(Hmac<Sha256>);

impl MacKey {
    /// Takes the bytes of a key.
    ///
    /// # Panics
    ///
    /// Never: HMAC takes keys of any length.
    pub(crate) fn new(key: &[u8]) -> Self {
        Self(Hmac::new_from_slice(key).expect("HMAC takes keys of any length"))
    }

    /// The key for `domain` that is derived from this one: the code of the domain alone.
    pub(crate) fn derive(&self, domain: &[u8]) -> Self {
        let derived: [u8; MAC_BYTES] =
            self.0.clone().chain_update(domain).finalize().into_bytes().into();
        Self::new(Secret::new(derived).expose())
    }

    /// The code of these parts. Each is preceded by its length, so that no other parts give the same
    /// bytes.
    pub(crate) fn code<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; MAC_BYTES] {
        let mut code = self.0.clone();
        for part in parts {
            code.update(&(part.len() as u64).to_be_bytes());
            code.update(part);
        }
        code.finalize().into_bytes().into()
    }

    /// The first bytes of the code of these parts.
    pub(crate) fn short_code<'a, const N: usize>(
        &self,
        parts: impl IntoIterator<Item = &'a [u8]>,
    ) -> [u8; N] {
        const { assert!(N <= MAC_BYTES, "a code has this many bytes") };
        let code = self.code(parts);
        std::array::from_fn(|index| code[index])
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;

    #[test]
    fn a_derived_key_is_the_code_of_its_domain() {
        // RFC 4231 §4.3: the code of this text under this key is the derived key.
        let key = MacKey::new(b"Jefe").derive(b"what do ya want for nothing?");
        let vector = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let expected = MacKey::new(&HEXLOWER.decode(vector.as_bytes()).unwrap());
        assert_eq!(key.code([&b"x"[..]]), expected.code([&b"x"[..]]));
    }

    #[test]
    fn parts_that_join_to_the_same_bytes_have_different_codes() {
        let key = MacKey::new(&[7; 32]);
        let codes =
            [["ab", "c"], ["a", "bc"], ["", "abc"]].map(|parts| key.code(parts.map(str::as_bytes)));
        assert!(codes[0] != codes[1] && codes[1] != codes[2] && codes[0] != codes[2]);
        assert_eq!(key.short_code::<4>([&b"a"[..]])[..], key.code([&b"a"[..]])[..4]);
    }

    #[test]
    fn a_key_is_not_printed() {
        assert_eq!(format!("{:?}", MacKey::new(&[7; 32])), "MacKey(..)");
    }
}
