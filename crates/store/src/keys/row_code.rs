//! Codes over rows: HMAC-SHA-256 over the columns that grant something, with a key of the keyring.
//!
//! A row with a wrong code was written or changed by another program. The key is derived from the
//! pepper, so a rotation of keys changes no code.

use fourauth_protocol::secret::Secret;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::fmt;

/// Bytes of a code.
pub(crate) const BYTES: usize = 32;

/// The key of codes over rows. Its two inner states are computed once.
#[derive(Clone)]
pub(crate) struct RowKey(Hmac<Sha256>);

/// A code that is being computed.
pub(crate) struct RowCode(Hmac<Sha256>);

impl RowKey {
    pub(crate) fn new(key: &Secret<[u8; 32]>) -> Self {
        Self(Hmac::new_from_slice(key.expose()).expect("HMAC takes keys of any length"))
    }

    /// Begins the code of a row of this table.
    pub(crate) fn table(&self, table: &str) -> RowCode {
        RowCode(self.0.clone()).text(table)
    }
}

impl RowCode {
    /// Adds bytes with their length, so that no other values give the same code.
    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.update(&(bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
        self
    }

    /// Adds a text.
    pub(crate) fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    /// Adds a number.
    pub(crate) fn int(self, number: i64) -> Self {
        self.bytes(&number.to_be_bytes())
    }

    /// The code.
    pub(crate) fn finish(self) -> [u8; BYTES] {
        self.0.finalize().into_bytes().into()
    }

    /// True if this is the code. The comparison takes constant time.
    pub(crate) fn is(self, stored: &[u8]) -> bool {
        self.0.verify_slice(stored).is_ok()
    }
}

impl fmt::Debug for RowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RowKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_other_columns_have_another_code() {
        let key = RowKey::new(&Secret::new([7; 32]));
        let all = [
            key.table("t").text("ab").text("c").finish(),
            key.table("t").text("a").text("bc").finish(),
            key.table("t").text("abc").finish(),
            key.table("t").text("abc").text("").finish(),
            key.table("ta").text("b").text("c").finish(),
            key.table("t").int(1).finish(),
            RowKey::new(&Secret::new([8; 32])).table("t").int(1).finish(),
        ];
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        assert!(key.table("t").int(1).is(&all[5]));
        assert!(!key.table("t").int(2).is(&all[5]) && !key.table("t").int(1).is(&[]));
    }
}
