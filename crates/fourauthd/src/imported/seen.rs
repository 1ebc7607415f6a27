//! The names and addresses of the earlier rows of a file.

use super::Conflict;
use sha2::{Digest as _, Sha256};
use std::collections::HashSet;

/// The first half of the SHA-256 of each name and address. Names that a stranger chose could
/// collide in a shorter hash.
///
/// 16 bytes for each, whatever its length: a file of ten million rows needs about a gigabyte.
#[derive(Debug, Default)]
pub(crate) struct Seen(HashSet<[u8; 16]>);

impl Seen {
    /// Adds the names and addresses of one row.
    ///
    /// # Errors
    ///
    /// [`Conflict::Twice`] if an earlier row has one of them; then none is added.
    pub(crate) fn first<'a>(
        &mut self,
        keys: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), Conflict> {
        let keys: Vec<_> = keys.into_iter().map(short_hash).collect();
        if keys.iter().any(|key| self.0.contains(key)) {
            return Err(Conflict::Twice);
        }
        self.0.extend(keys);
        Ok(())
    }
}

fn short_hash(key: &str) -> [u8; 16] {
    let hash: [u8; 32] = Sha256::digest(key).into();
    let mut half = [0; 16];
    half.copy_from_slice(&hash[..16]);
    half
}
