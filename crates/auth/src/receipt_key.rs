//! The key that signs receipts.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use fourauth_protocol::{
    receipt::{self, Receipt, VerifyingKey, to_be_signed},
    secret::Secret,
};
use std::fmt;

/// The Ed25519 key that signs receipts (RFC 8032). Wiped when it is dropped.
pub struct ReceiptKey {
    pair: Ed25519KeyPair,
    public: VerifyingKey,
}

impl ReceiptKey {
    /// Reads a PKCS#8 document in DER (RFC 8410 §7).
    ///
    /// # Errors
    ///
    /// [`NotAReceiptKey`] if it does not hold an Ed25519 key.
    pub fn from_pkcs8(document: &Secret<Vec<u8>>) -> Result<Self, NotAReceiptKey> {
        let pair = Ed25519KeyPair::from_pkcs8(document.expose()).map_err(|_| NotAReceiptKey)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| NotAReceiptKey)?;
        let public = VerifyingKey::from_bytes(public).map_err(|_| NotAReceiptKey)?;
        Ok(Self { pair, public })
    }

    /// The public key that services verify receipts with.
    #[must_use]
    pub const fn public(&self) -> VerifyingKey {
        self.public
    }

    /// Signs a receipt (RFC 7515 §5.1).
    #[must_use]
    pub(crate) fn sign(&self, receipt: &Receipt) -> Secret<String> {
        let signed = to_be_signed(receipt, &self.public.name());
        let signature = self.pair.sign(signed.as_bytes());
        receipt::compact(&signed, signature.as_ref())
    }
}

/// Shows the name of the key, not the key.
impl fmt::Debug for ReceiptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReceiptKey").field(&self.public.name()).finish()
    }
}

/// The document does not hold an Ed25519 key in PKCS#8. The error does not quote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an Ed25519 key in PKCS#8")]
pub struct NotAReceiptKey;

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use data_encoding::HEXLOWER;

    /// The secret key of RFC 8032 §7.1, test 1, in PKCS#8 (RFC 8410 §7).
    pub(crate) fn key() -> ReceiptKey {
        let document = "302e020100300506032b6570042204209d61b19deffd5a60ba844af492ec2cc4\
                        4449c5697b326919703bac031cae7f60";
        let document = HEXLOWER.decode(document.as_bytes()).unwrap();
        ReceiptKey::from_pkcs8(&Secret::new(document)).unwrap()
    }

    #[test]
    fn debug_shows_the_key_name_and_a_bad_key_is_refused() {
        assert!(format!("{:?}", key()).contains("ReceiptKey(KeyName("));
        assert!(ReceiptKey::from_pkcs8(&Secret::new(vec![0x30, 0])).is_err());
    }
}
