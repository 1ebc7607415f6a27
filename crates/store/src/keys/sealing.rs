//! Which key seals: the newest that the database knows, asked inside of the transaction that seals.
//!
//! So all servers of a database change to another key at the same commit, no key is used before every
//! server was given it, and none is retired under a transaction that seals with it.

use crate::{
    engine::{
        driver::{Row, Writing},
        tx::Tx,
    },
    error::{Cause, Error},
    keys::{key_check::TABLE, keyring::PEPPER, seal::Seal},
};

impl Tx {
    /// A seal of the newest key that the database knows and the keyring holds. It stays known until
    /// this transaction has ended.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails; [`Cause::KeysRetired`] if the keyring holds none of them.
    pub(crate) async fn sealing(&mut self) -> Result<Seal, Error> {
        let sql = match self.writing() {
            // A transaction that writes is alone.
            Writing::Grouped => "SELECT id FROM keys",
            Writing::Parallel => "SELECT id FROM keys FOR KEY SHARE",
        };
        let known = ids(&self.rows(sql, &[]).await?)?;
        self.sealer.newest_of(&known).ok_or(Error::Unavailable(Cause::KeysRetired))
    }
}

/// The names of the keys that the table holds.
pub(crate) fn ids(rows: &[Row]) -> Result<Vec<String>, Error> {
    let mut ids: Vec<String> =
        rows.iter().map(|row| row.text(TABLE, "id")).collect::<Result<_, _>>()?;
    ids.retain(|id| id != PEPPER);
    Ok(ids)
}
