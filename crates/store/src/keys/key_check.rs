//! Whether a keyring is the one that a database was sealed with.
//!
//! The table `keys` holds a check value for the pepper and for every key that is in use. A keyring
//! that lacks one of them, or has another under its name, opens nothing here: to go on would be to
//! lock every account out, or to seal half of the secrets with the wrong key. A key that only the
//! keyring knows is no fault: it waits for [`Tx::activate_key`], or was retired.

use crate::{
    engine::{
        driver::{Pool, Row, Value},
        location::Location,
        tx::Tx,
    },
    error::{Error, OpenError},
    keys::keyring::Keyring,
    store::Store,
};
use std::sync::Arc;
use subtle::ConstantTimeEq as _;

pub(crate) const TABLE: &str = "keys";
pub(crate) const KNOWN: &str = "SELECT id, check_value FROM keys ORDER BY id";

const NOTE: &str = "INSERT INTO keys (id, check_value, created_utc) VALUES ($1, $2, $3) \
                    ON CONFLICT DO NOTHING";

/// Whether the database at `location` already belongs to a keyring, so that no new one may be made.
///
/// # Errors
///
/// [`OpenError`] if that cannot be found out.
pub async fn holds_data(location: &Location) -> Result<bool, OpenError> {
    if let Location::Sqlite(path) = location
        && !path.exists()
    {
        return Ok(false);
    }
    let pool = Pool::connect(location).await?;
    let held = held_keys(&pool).await;
    pool.close().await;
    Ok(held?)
}

async fn held_keys(pool: &Pool) -> Result<bool, Error> {
    Ok(pool.has_table(TABLE).await? && !pool.rows(KNOWN, &[]).await?.is_empty())
}

/// Refuses a keyring that does not fit; an empty database from now on belongs to it.
pub(crate) async fn run(store: &Store, keyring: Arc<Keyring>) -> Result<(), OpenError> {
    const USED: &str = "SELECT 1 FROM users LIMIT 1";

    let known = store.rows(KNOWN, &[]).await?;
    if !known.is_empty() {
        return compare(&known, &keyring);
    }
    if store.row(USED, &[]).await?.is_some() {
        return Err(OpenError::ChecksMissing);
    }
    let noted = Arc::clone(&keyring);
    let written = store.write(move |tx| Box::pin(async move { note(tx, &noted).await })).await;
    if written.is_err() {
        // Another server may have been faster with another keyring; then this says which.
        compare(&store.rows(KNOWN, &[]).await?, &keyring)?;
    }
    Ok(written?)
}

impl Store {
    /// Takes the keyring that is in the file now, if it has been replaced since it was read.
    ///
    /// Nothing waits for this: what a new key has sealed opens at once, and what is sealed asks the
    /// database with which key. But keys that were retired are forgotten, and a keyring that does not
    /// fit is heard of.
    ///
    /// # Errors
    ///
    /// [`OpenError`] as at a start. The keyring in use stays.
    pub async fn follow_keyring(&self) -> Result<bool, OpenError> {
        let Some(keyring) = self.sealer.replacement()? else { return Ok(false) };
        compare(&self.rows(KNOWN, &[]).await?, &keyring)?;
        self.adopt(keyring);
        Ok(true)
    }
}

impl Tx {
    /// Has a key of the keyring seal from this transaction's commit on. `false` if it does so already,
    /// or if the keyring holds none of this name.
    ///
    /// # Errors
    ///
    /// [`OpenError::KeyMissing`] if somebody has activated a key meanwhile that the keyring lacks: two
    /// keyrings would be in use, and neither would open everything. Otherwise that of the database.
    pub async fn activate_key(&mut self, id: &str) -> Result<bool, OpenError> {
        // Whoever activates another key at the same time waits here, and then finds this one.
        const HOLD: &str = "UPDATE keys SET id = id";

        let keyring = self.sealer.keyring();
        let Some(key) = keyring.key(id) else { return Ok(false) };
        self.execute(HOLD, &[]).await?;
        compare(&self.rows(KNOWN, &[]).await?, &keyring)?;
        let (value, created) = (key.check_value(), key.created.to_string());
        let values = [Value::Text(id), Value::Bytes(&value), Value::Text(&created)];
        Ok(self.changes(NOTE, &values).await?)
    }
}

fn compare(known: &[Row], keyring: &Keyring) -> Result<(), OpenError> {
    for row in known {
        let id = row.text(TABLE, "id")?;
        let stored = row.bytes(TABLE, "check_value")?;
        let Some((.., value)) = keyring.checks().find(|(name, ..)| *name == id) else {
            return Err(OpenError::KeyMissing { id });
        };
        if !bool::from(stored.ct_eq(&value)) {
            return Err(OpenError::KeyWrong { id });
        }
    }
    Ok(())
}

/// Inserts what is missing and looks again: of two servers that start on an empty database with
/// different keyrings, the second waits for the first at the pepper and then finds that it lost.
async fn note(tx: &mut Tx, keyring: &Keyring) -> Result<(), Error> {
    for (id, created, value) in keyring.checks() {
        let created = created.to_string();
        tx.execute(NOTE, &[Value::Text(id), Value::Bytes(&value), Value::Text(&created)]).await?;
    }
    let known = tx.rows(KNOWN, &[]).await?;
    compare(&known, keyring).map_err(|_| Error::Corrupt { table: TABLE, column: "check_value" })
}
