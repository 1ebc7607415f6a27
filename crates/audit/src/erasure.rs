//! What the row of an erasure records, and the signature in it.
//!
//! A writer of the database can add such a row. It cannot sign one.

use crate::{
    Hash,
    key::{KeyError, SIGNATURE, SigningKey, VerifyingKey},
    leaf::erasure_digest,
};
use data_encoding::{BASE64, HEXLOWER};
use sha2::{Digest as _, Sha256};

/// First line of the text that is signed. No checkpoint begins with it.
const DOMAIN: &str = "fourauth-erasure";

/// The rows that one erasure erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erasure {
    /// Number of rows.
    pub rows: u64,
    /// SHA-256 of their ids, see [`erasure_digest`].
    pub digest: Hash,
    /// SHA-256 of their leaf hashes, in the order of their ids.
    pub leaves: Hash,
}

impl Erasure {
    /// The erasure of rows, each with the hash of its leaf, in ascending order of their ids.
    #[must_use]
    pub fn of(rows: &[(i64, Hash)]) -> Self {
        let leaves = rows.iter().fold(Sha256::new(), |digest, (_, leaf)| digest.chain_update(leaf));
        Self {
            rows: rows.len() as u64,
            digest: erasure_digest(rows.iter().map(|(id, _)| *id)),
            leaves: leaves.finalize().into(),
        }
    }

    /// The beginning of the row's detail: `rows=… digest=…`, and the signature if there is a signer.
    #[must_use]
    pub fn detail(&self, signer: Option<&ErasureSigner>) -> String {
        let digest = HEXLOWER.encode(&self.digest);
        let signature = signer.map(|signer| {
            let text = self.text(signer.key.name());
            format!(" signature={}", BASE64.encode(&signer.signing.sign(text.as_bytes())))
        });
        format!("rows={} digest={digest}{}", self.rows, signature.unwrap_or_default())
    }

    /// True if this is the signature of `key` for this erasure.
    #[must_use]
    pub fn is_signed(&self, key: &VerifyingKey, signature: &[u8; SIGNATURE]) -> bool {
        key.is_signed(self.text(key.name()).as_bytes(), signature)
    }

    fn text(&self, origin: &str) -> String {
        let Self { rows, digest, leaves } = self;
        let (digest, leaves) = (HEXLOWER.encode(digest), HEXLOWER.encode(leaves));
        format!("{DOMAIN}\n{origin}\n{rows}\n{digest}\n{leaves}\n")
    }
}

/// Reads the word of a detail that carries a signature: `signature=` and base64.
#[must_use]
pub fn signature_in(word: &str) -> Option<[u8; SIGNATURE]> {
    let text = word.strip_prefix("signature=")?;
    BASE64.decode(text.as_bytes()).ok()?.try_into().ok()
}

/// Signs erasures with the key of the log.
#[derive(Debug)]
pub struct ErasureSigner {
    signing: SigningKey,
    key: VerifyingKey,
}

impl ErasureSigner {
    /// A signer with the key of the log that has this name.
    ///
    /// # Errors
    ///
    /// [`KeyError::Name`] if the name is not valid for a key.
    pub fn new(signing: SigningKey, origin: &str) -> Result<Self, KeyError> {
        let key = signing.verifying_key(origin)?;
        Ok(Self { signing, key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "fourauth/0011223344556677";

    fn signer(origin: &str) -> ErasureSigner {
        ErasureSigner::new(SigningKey::from_seed(&[1; 32]).unwrap(), origin).unwrap()
    }

    fn signature(erasure: &Erasure, signer: &ErasureSigner) -> [u8; SIGNATURE] {
        signature_in(erasure.detail(Some(signer)).split(' ').nth(2).unwrap()).unwrap()
    }

    #[test]
    fn a_signature_counts_for_one_erasure_of_one_log() {
        let erasure = Erasure::of(&[(1, [7; 32]), (4, [8; 32])]);
        let signer = signer(ORIGIN);
        let made = signature(&erasure, &signer);
        assert!(erasure.is_signed(&signer.key, &made));
        for other in [
            Erasure::of(&[(1, [7; 32])]),
            Erasure::of(&[(1, [7; 32]), (5, [8; 32])]),
            Erasure::of(&[(1, [7; 32]), (4, [9; 32])]),
        ] {
            assert!(!other.is_signed(&signer.key, &made), "{other:?}");
        }
        let elsewhere = self::signer("fourauth/8899aabbccddeeff");
        assert!(!erasure.is_signed(&elsewhere.key, &made));
    }

    #[test]
    fn the_example_in_the_document_is_correct() {
        let document = include_str!("../../../docs/AUDIT.md");
        let erasure = Erasure::of(&[(24, [7; 32])]);
        assert!(document.contains(&erasure.text(ORIGIN)), "{}", erasure.text(ORIGIN));
        let detail = erasure.detail(Some(&signer(ORIGIN)));
        assert!(document.contains(&detail), "{detail}");
    }

    #[test]
    fn other_words_carry_no_signature() {
        for word in ["", "signature=", "signature=AAAA", "signature=?", "by"] {
            assert!(signature_in(word).is_none(), "{word}");
        }
    }
}
