//! Keys in use: which there are and what each has sealed, sealing anew with the newest, retiring.
//!
//! The order that makes a crash harmless is the caller's: a key is added to the keyring, then
//! [activated](Tx::activate_key), then everything is sealed with it, then the old one is
//! [retired](Tx::retire_key), and then removed from the keyring. At every moment the keyring holds
//! every key that something is sealed with.

use crate::{
    account::{
        subject::{IMAGE, TEMPLATE, TOTP},
        user::{AccountId, TABLE},
    },
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

/// Every value that is sealed. Its condition is for one key: `$1` is what its seals begin with.
const COUNT: &str = "SELECT COUNT(CASE WHEN totp_secret_enc LIKE $1 THEN 1 END) \
     + COUNT(CASE WHEN face_template_enc LIKE $1 THEN 1 END) \
     + COUNT(CASE WHEN face_image_enc LIKE $1 THEN 1 END) AS sealed FROM users";

/// A key, and what it is to the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySummary {
    /// Its name.
    pub id: String,
    /// When it was made.
    pub created: UnixMillis,
    /// What it does.
    pub state: KeyState,
    /// Values that are sealed with it.
    pub values: u64,
}

/// What a key of the keyring does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Opens only: it waits to be activated.
    Waits,
    /// Seals and opens.
    Seals,
    /// Opens only: a newer one seals.
    Opens,
    /// Opens nothing that there is. It can be removed.
    Retired,
}

/// What became of some accounts' values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resealed {
    /// The last account looked at.
    pub last: AccountId,
    /// Values that the newest key has sealed anew.
    pub values: u64,
    /// Values that no key opens. They are left as they are.
    pub unopened: u64,
}

/// Why a key was not retired. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRetired {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] Error),
    /// The key is the one that seals, or a newer one.
    #[error("key {id} is the newest; `fourauthd key rotate` makes another")]
    Newest {
        /// Which.
        id: String,
    },
    /// Something is sealed with it.
    #[error("{values} values are sealed with key {id}; `fourauthd key rotate` seals them anew")]
    InUse {
        /// Which.
        id: String,
        /// How many.
        values: u64,
    },
}

impl Store {
    /// The keys of the keyring, oldest first.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
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

    /// Seals anew what is not sealed with the newest key, of at most `accounts` accounts after one,
    /// in one transaction. `None` once there are no more.
    ///
    /// A value that somebody else replaces meanwhile is left to them. So it takes a pass that finds
    /// nothing to say that there is nothing.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
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
        // Who holds none of the keys has nothing to seal with, and is told so in the transaction.
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
    /// Forgets a key that seals nothing and never will again: from this transaction's commit on no
    /// keyring needs it.
    ///
    /// # Errors
    ///
    /// [`NotRetired`] says why not. The transaction must be given up then.
    pub async fn retire_key(&mut self, id: &str) -> Result<(), NotRetired> {
        const FORGET: &str = "DELETE FROM keys WHERE id = $1";

        let newest = self.sealing().await?;
        let keyring = self.sealer.keyring();
        let is_newest = id == newest.id() || id == keyring.newest().id;
        if id == PEPPER || is_newest {
            return Err(NotRetired::Newest { id: id.to_owned() });
        }
        // First, so that nobody seals with it while it is seen what it has sealed.
        self.execute(FORGET, &[Value::Text(id)]).await?;
        let values = count(&self.rows(COUNT, &[Value::Text(&pattern(id))]).await?)?;
        if values > 0 {
            return Err(NotRetired::InUse { id: id.to_owned(), values });
        }
        Ok(())
    }
}

/// Values on their way from one key to another.
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
    /// Opens and seals what is not sealed with this key yet.
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

    /// Writes each where the old value still is. None of them if another key seals by now.
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

/// For `LIKE`. Ids have only letters and digits, and no envelope a capital letter this early.
fn pattern(id: &str) -> String {
    mark(id) + "%"
}

fn count(rows: &[Row]) -> Result<u64, Error> {
    let corrupt = Error::Corrupt { table: TABLE, column: "sealed" };
    let row = rows.first().ok_or_else(|| corrupt.clone())?;
    u64::try_from(row.int(TABLE, "sealed")?).map_err(|_| corrupt)
}
