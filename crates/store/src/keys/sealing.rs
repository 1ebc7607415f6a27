//! Choice of the sealing key: the newest that the database knows when the transaction seals.
//!
//! All servers of a database switch to another key at the same commit. No key is used before every
//! server has it, and no key is retired while a transaction seals with it.

use crate::{
    engine::{
        driver::{Row, Writing},
        tx::Tx,
    },
    error::{Cause, Error},
    keys::{key_check::TABLE, keyring::PEPPER, seal::Seal},
};

impl Tx {
    /// A seal with the newest key that the database knows and the keyring holds. The key cannot be
    /// retired before this transaction ends.
    ///
    /// Returns [`Cause::KeysRetired`] if the keyring holds none of the known keys.
    pub(crate) async fn sealing(&mut self) -> Result<Seal, Error> {
        let sql = match self.writing() {
            // Only one transaction writes at a time.
            Writing::Grouped => "SELECT id FROM keys",
            Writing::Parallel => "SELECT id FROM keys FOR KEY SHARE",
        };
        let known = ids(&self.rows(sql, &[]).await?)?;
        self.sealer.newest_of(&known).ok_or(Error::Unavailable(Cause::KeysRetired))
    }
}

/// Ids of the keys in the table, without the pepper.
pub(crate) fn ids(rows: &[Row]) -> Result<Vec<String>, Error> {
    let mut ids: Vec<String> =
        rows.iter().map(|row| row.text(TABLE, "id")).collect::<Result<_, _>>()?;
    ids.retain(|id| id != PEPPER);
    Ok(ids)
}
