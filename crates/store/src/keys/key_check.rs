//! Checks that a keyring belongs to a database.
//!
//! The table `keys` holds a check value for the pepper and for every key in use. A keyring that
//! lacks one of them, or has another value under its name, is refused: otherwise every account
//! would be locked out, or half of the secrets would be sealed with the wrong key. A key that only
//! the keyring knows is no error: it waits for [`Tx::activate_key`], or was retired.

use crate::{
    engine::{
        driver::{Pool, Row, Value},
        location::Location,
        tx::Tx,
        writer::Writer,
    },
    error::{Error, OpenError},
    keys::{
        keyring::{Keyring, PEPPER},
        sealing::ids,
    },
    store::Store,
};
use std::sync::Arc;
use subtle::ConstantTimeEq as _;

pub(crate) const TABLE: &str = "keys";
pub(crate) const KNOWN: &str = "SELECT id, check_value FROM keys ORDER BY id";

const USED: &str = "SELECT 1 FROM users LIMIT 1";

const NOTE: &str = "INSERT INTO keys (id, check_value, created_utc) VALUES ($1, $2, $3) \
                    ON CONFLICT DO NOTHING";

/// True if the database at `location` already belongs to a keyring. Do not create another then.
///
/// # Errors
///
/// [`OpenError`] if the database cannot be read.
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
    Ok(pool.has_table(TABLE).await? && !known(pool).await?.is_empty())
}

/// Compares the keyring with a database that a server has used.
pub(crate) async fn check(pool: &Pool, keyring: &Keyring) -> Result<(), OpenError> {
    let known = known(pool).await?;
    if known.is_empty() && pool.row(USED, &[]).await?.is_none() {
        return Err(OpenError::OlderSchema);
    }
    compare(&known, keyring)
}

/// The check values of the keys that the database knows.
pub(crate) async fn known(pool: &Pool) -> Result<Vec<Row>, Error> {
    pool.rows(KNOWN, &[]).await
}

/// Refuses a keyring that does not match. Binds an empty database to the keyring.
pub(crate) async fn run(
    pool: &Pool,
    writer: &Writer,
    keyring: Arc<Keyring>,
) -> Result<(), OpenError> {
    let known = known(pool).await?;
    if !known.is_empty() {
        return compare(&known, &keyring);
    }
    if pool.row(USED, &[]).await?.is_some() {
        return Err(OpenError::ChecksMissing);
    }
    let noted = Arc::clone(&keyring);
    let written = writer.write(move |tx| Box::pin(async move { note(tx, &noted).await })).await;
    if written.is_err() {
        // Another server may have been faster with another keyring; this error names the key.
        compare(&self::known(pool).await?, &keyring)?;
    }
    Ok(written?)
}

impl Store {
    /// Loads the keyring from its file. `false` if the file was not replaced since it was read.
    ///
    /// Opening and sealing do not depend on this: values of a new key open at once, and the
    /// database selects the sealing key. This call forgets retired keys and reports a keyring that
    /// does not match.
    ///
    /// # Errors
    ///
    /// [`OpenError`] as for [`Store::open`]. The keyring in use stays.
    pub async fn follow_keyring(&self) -> Result<bool, OpenError> {
        let Some(keyring) = self.sealer.replacement()? else { return Ok(false) };
        let known = self.rows(KNOWN, &[]).await?;
        compare(&known, &keyring)?;
        self.sealer.adopt(Arc::new(keyring));
        self.sealer.note_known(ids(&known)?);
        Ok(true)
    }
}

impl Tx {
    /// Makes a key of the keyring seal from this transaction's commit on. `false` if it is already
    /// active, or if the keyring holds no key with this id.
    ///
    /// # Errors
    ///
    /// [`OpenError::KeyMissing`] if another server activated a key that this keyring lacks: neither
    /// keyring could open every value. [`OpenError::Store`] if the database fails.
    pub async fn activate_key(&mut self, id: &str) -> Result<bool, OpenError> {
        // A concurrent activation of another key waits here and then finds this one.
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

/// Compares the keyring with the check values of the database. Check values without the pepper's are
/// incomplete: they would let any keyring pass.
pub(crate) fn compare(known: &[Row], keyring: &Keyring) -> Result<(), OpenError> {
    let ids: Vec<String> =
        known.iter().map(|row| row.text(TABLE, "id")).collect::<Result<_, _>>()?;
    if !ids.iter().any(|id| id == PEPPER) {
        return Err(OpenError::ChecksMissing);
    }
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

/// Inserts missing check values and compares again. If two servers start on an empty database with
/// different keyrings, the second waits for the first at the pepper and then finds that it lost.
async fn note(tx: &mut Tx, keyring: &Keyring) -> Result<(), Error> {
    for (id, created, value) in keyring.checks() {
        let created = created.to_string();
        tx.execute(NOTE, &[Value::Text(id), Value::Bytes(&value), Value::Text(&created)]).await?;
    }
    let known = tx.rows(KNOWN, &[]).await?;
    compare(&known, keyring).map_err(|_| Error::Corrupt { table: TABLE, column: "check_value" })
}
