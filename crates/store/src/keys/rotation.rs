//! Key rotation: lists the keys with the values that each sealed, reseals values, retires keys.
//!
//! The caller must keep this order, so that a crash does no harm: add a key to the keyring,
//! [activate](Tx::activate_key) it, [reseal](Store::reseal) every value, [retire](Tx::retire_key)
//! the old key, then remove it from the keyring. At every moment the keyring holds every key that
//! sealed a stored value.

use crate::{
    account::id::{AccountId, IMAGE, TABLE, TEMPLATE, TOTP},
    engine::{
        driver::{Row, Value},
        tx::Tx,
    },
    error::Error,
    keys::{
        key_check,
        keyring::PEPPER,
        seal::{Seal, Sealer, mark},
        sealing::ids,
    },
    store::Store,
};
use fourauth_protocol::time::UnixMillis;

/// Counts the values that one key sealed. `$1` is a `LIKE` pattern with the prefix of its seals.
const COUNT: &str = "SELECT COUNT(CASE WHEN totp_secret_enc LIKE $1 THEN 1 END) \
     + COUNT(CASE WHEN face_template_enc LIKE $1 THEN 1 END) \
     + COUNT(CASE WHEN face_image_enc LIKE $1 THEN 1 END) AS sealed FROM users";

/// A key of the keyring, and its use in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySummary {
    /// The id of the key.
    pub id: String,
    /// Time of its creation.
    pub created: UnixMillis,
    /// Its state.
    pub state: KeyState,
    /// Number of values that are sealed with it.
    pub values: u64,
}

/// The state of a key of the keyring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Only opens; it waits to be activated.
    Waits,
    /// Seals and opens.
    Seals,
    /// Only opens; a newer key seals.
    Opens,
    /// Retired: no stored value needs it, and it can be removed.
    Retired,
}

/// Result of one call of [`Store::reseal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resealed {
    /// The last account of the batch.
    pub last: AccountId,
    /// Number of values that were resealed with the newest key.
    pub values: u64,
    /// Number of values that no key opens. They are left unchanged.
    pub unopened: u64,
}

/// A key was not retired.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRetired {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] Error),
    /// The key is the one that seals, or the newest of the keyring.
    #[error("key {id} is the newest and cannot be retired; run `fourauthd key rotate` first")]
    Newest {
        /// The id of the key.
        id: String,
    },
    /// Stored values are sealed with it.
    #[error("{values} values are sealed with key {id}; run `fourauthd key rotate` to reseal them")]
    InUse {
        /// The id of the key.
        id: String,
        /// Number of values.
        values: u64,
    },
}

impl Store {
    /// The keys of the keyring, oldest first.
    pub async fn keys(&self) -> Result<Vec<KeySummary>, Error> {
        let known = ids(&self.rows(key_check::KNOWN, &[]).await?)?;
        let keyring = self.sealer.keyring();
        let sealing = keyring.newest_of(&known).map(|key| (key.created, key.id.clone()));
        let mut keys = Vec::new();
        for key in keyring.keys() {
            let is_older = sealing.as_ref().is_some_and(|(created, _)| key.created <= *created);
            let state = match (known.contains(&key.id), is_older) {
                (true, _) if sealing.as_ref().is_some_and(|(_, id)| *id == key.id) => {
                    KeyState::Seals
                }
                (true, _) => KeyState::Opens,
                (false, true) => KeyState::Retired,
                (false, false) => KeyState::Waits,
            };
            let values = count(&self.rows(COUNT, &[Value::Text(&pattern(&key.id))]).await?)?;
            keys.push(KeySummary { id: key.id.clone(), created: key.created, state, values });
        }
        Ok(keys)
    }

    /// Reseals values that are not sealed with the newest key, in one transaction, for at most
    /// `accounts` accounts with ids greater than `after`. `None` if there are no more.
    ///
    /// A value that another transaction replaces at the same time is skipped. So only a pass that
    /// finds no values shows that all are resealed.
    pub async fn reseal(
        &self,
        after: Option<AccountId>,
        accounts: u32,
    ) -> Result<Option<Resealed>, Error> {
        const OLD: &str = "SELECT id, totp_secret_enc, face_template_enc, face_image_enc \
             FROM users WHERE id > $1 AND (totp_secret_enc NOT LIKE $2 \
             OR face_template_enc NOT LIKE $2 OR face_image_enc NOT LIKE $2) \
             ORDER BY id LIMIT $3";

        let known = ids(&self.rows(key_check::KNOWN, &[]).await?)?;
        // Without a known key there is nothing to seal with; the transaction returns the error.
        let seal = self.sealer.newest_of(&known);
        let pattern = seal.as_ref().map_or_else(String::new, |seal| pattern(seal.id()));
        let after = after.map_or(i64::MIN, |account| account.0);
        let values = [Value::Int(after), Value::Text(&pattern), Value::Int(accounts.into())];
        let rows = self.rows(OLD, &values).await?;
        let Some(last) = rows.last() else { return Ok(None) };
        let last = AccountId(last.int(TABLE, "id")?);
        let mut renewals = Renewals::default();
        for row in &rows {
            if let Some(seal) = &seal {
                renewals.prepare(row, seal, &self.sealer)?;
            }
        }
        let unopened = renewals.unopened;
        let written = self.write(move |tx| Box::pin(async move { renewals.write(tx, seal).await }));
        Ok(Some(Resealed { last, values: written.await?, unopened }))
    }
}

impl Tx {
    /// Retires a key: from this transaction's commit on, the key no longer seals and no keyring
    /// needs it.
    ///
    /// # Errors
    ///
    /// [`NotRetired`]. The job must return it, so that the transaction is rolled back.
    pub async fn retire_key(&mut self, id: &str) -> Result<(), NotRetired> {
        const FORGET: &str = "DELETE FROM keys WHERE id = $1";

        let newest = self.sealing().await?;
        let keyring = self.sealer.keyring();
        let is_newest = id == newest.id() || id == keyring.newest().id;
        if id == PEPPER || is_newest {
            return Err(NotRetired::Newest { id: id.to_owned() });
        }
        // Deleted first, so that no transaction seals with the key while its values are counted.
        self.execute(FORGET, &[Value::Text(id)]).await?;
        let values = count(&self.rows(COUNT, &[Value::Text(&pattern(id))]).await?)?;
        if values > 0 {
            return Err(NotRetired::InUse { id: id.to_owned(), values });
        }
        Ok(())
    }
}

/// Values to be resealed.
#[derive(Default)]
struct Renewals {
    of: Vec<Renewal>,
    unopened: u64,
}

struct Renewal {
    account: AccountId,
    column: &'static str,
    old: String,
    new: String,
}

impl Renewals {
    /// Opens and seals the values of one row that are not sealed with this key.
    fn prepare(&mut self, row: &Row, seal: &Seal, sealer: &Sealer) -> Result<(), Error> {
        let account = AccountId(row.int(TABLE, "id")?);
        for column in [TOTP, TEMPLATE, IMAGE] {
            let Some(old) = row.text_or_null(TABLE, column)? else { continue };
            if old.starts_with(&seal.mark()) {
                continue;
            }
            let place = account.place(column);
            match sealer.open(place, &old) {
                Ok(value) => {
                    let new = seal.seal(place, value.expose());
                    self.of.push(Renewal { account, column, old, new });
                }
                Err(_) => self.unopened += 1,
            }
        }
        Ok(())
    }

    /// Writes each value if the old one is unchanged. Writes nothing if another key seals now.
    async fn write(self, tx: &mut Tx, seal: Option<Seal>) -> Result<u64, Error> {
        let present = tx.sealing().await?;
        if seal.is_none_or(|seal| seal.id() != present.id()) {
            return Ok(0);
        }
        let mut written = 0;
        for Renewal { account, column, old, new } in &self.of {
            let sql = match *column {
                TOTP => {
                    "UPDATE users SET totp_secret_enc = $1 WHERE id = $2 AND totp_secret_enc = $3"
                }
                TEMPLATE => {
                    "UPDATE users SET face_template_enc = $1 \
                     WHERE id = $2 AND face_template_enc = $3"
                }
                _ => "UPDATE users SET face_image_enc = $1 WHERE id = $2 AND face_image_enc = $3",
            };
            let values = [Value::Text(new), Value::Int(account.0), Value::Text(old)];
            written += u64::from(tx.changes(sql, &values).await?);
        }
        Ok(written)
    }
}

/// A pattern for `LIKE`. Ids have only lower-case letters and digits, so nothing is escaped.
fn pattern(id: &str) -> String {
    mark(id) + "%"
}

fn count(rows: &[Row]) -> Result<u64, Error> {
    let corrupt = Error::Corrupt { table: TABLE, column: "sealed" };
    let row = rows.first().ok_or_else(|| corrupt.clone())?;
    u64::try_from(row.int(TABLE, "sealed")?).map_err(|_| corrupt)
}
