//! Seals over devices: a writer of the database without the keyring cannot add the key of a device to an
//! account, exchange one, or give back one that was revoked.
//!
//! The seal is checked when a login proves the device, and before its row changes. A revocation checks
//! nothing, so that an owner can revoke a device that another program added. The time of the last use
//! is not covered.

use crate::{
    account::{
        device::{TABLE, corrupt},
        id::AccountId,
        known_device::KnownDevice,
    },
    engine::{
        driver::{Row, Value},
        tx::Tx,
    },
    error::Error,
    keys::keyring::Keyring,
    store::Store,
};
use fourauth_protocol::device::DeviceId;

/// The column of the seal.
const COLUMN: &str = "row_seal";

/// Number of devices that one transaction seals at an upgrade.
const AT_A_TIME: usize = 500;

/// What a seal covers.
struct Content<'a> {
    account: AccountId,
    id: &'a [u8],
    key: &'a [u8],
    name: &'a str,
    mac: &'a str,
    trusted_from: i64,
    is_revoked: bool,
}

impl Content<'_> {
    fn seal(&self, keyring: &Keyring) -> [u8; 32] {
        let code = keyring.row_key().table(TABLE).int(self.account.0).bytes(self.id);
        let code = code.bytes(self.key).text(self.name).text(self.mac);
        code.int(self.trusted_from).int(self.is_revoked.into()).finish()
    }
}

/// Fails if a device that was read with `device_seal` does not have its seal.
///
/// # Errors
///
/// [`Error::Corrupt`].
pub(super) fn check(
    account: AccountId,
    device: &KnownDevice,
    row: &Row,
    keyring: &Keyring,
) -> Result<(), Error> {
    let (id, mac) = (device.key.id(), device.mac.to_string());
    let content = Content {
        account,
        id: id.as_bytes(),
        key: device.key.as_bytes(),
        name: device.name.as_str(),
        mac: &mac,
        trusted_from: device.trusted_from.0,
        is_revoked: false,
    };
    compare(&content, row.bytes_or_null(TABLE, "device_seal")?, keyring)
}

fn compare(content: &Content<'_>, stored: Option<Vec<u8>>, keyring: &Keyring) -> Result<(), Error> {
    let is_sealed = stored.is_some_and(|stored| content.seal(keyring)[..] == stored);
    if is_sealed { Ok(()) } else { Err(corrupt(COLUMN)) }
}

impl Tx {
    /// Fails if a device does not have its seal. A device that does not exist has nothing to check.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`].
    pub(super) async fn check_device(
        &mut self,
        account: AccountId,
        id: DeviceId,
    ) -> Result<(), Error> {
        let Some(row) = self.locked_device(account, id.as_bytes()).await? else { return Ok(()) };
        let keyring = self.sealer.keyring();
        let stored = row.bytes_or_null(TABLE, COLUMN)?;
        with_content(account, id.as_bytes(), &row, |content| compare(content, stored, &keyring))?
    }

    /// Seals a device as it is now.
    pub(super) async fn seal_device(&mut self, account: AccountId, id: &[u8]) -> Result<(), Error> {
        const SQL: &str = "UPDATE devices SET row_seal = $1 WHERE account = $2 AND device_id = $3";

        let Some(row) = self.locked_device(account, id).await? else { return Ok(()) };
        let keyring = self.sealer.keyring();
        let seal = with_content(account, id, &row, |content| content.seal(&keyring))?;
        let values = [Value::Bytes(&seal), Value::Int(account.0), Value::Bytes(id)];
        self.execute(SQL, &values).await.map(|_| ())
    }

    /// The row of a device, which no other transaction changes from now on.
    async fn locked_device(&mut self, account: AccountId, id: &[u8]) -> Result<Option<Row>, Error> {
        const SQL: &str = "UPDATE devices SET row_seal = row_seal \
             WHERE account = $1 AND device_id = $2 RETURNING pubkey, name, mac, trusted_from, \
             CAST(CASE WHEN revoked_at IS NULL THEN 0 ELSE 1 END AS BIGINT) AS is_revoked, row_seal";

        let rows = self.rows(SQL, &[Value::Int(account.0), Value::Bytes(id)]).await?;
        Ok(rows.into_iter().next())
    }

    /// Seals some devices of an earlier version. Returns their number.
    async fn seal_some_devices(&mut self) -> Result<u64, Error> {
        const SOME: &str = "SELECT account, device_id FROM devices WHERE row_seal IS NULL LIMIT $1";

        let most = i64::try_from(AT_A_TIME).unwrap_or(i64::MAX);
        let rows = self.rows(SOME, &[Value::Int(most)]).await?;
        for row in &rows {
            let account = AccountId(row.int(TABLE, "account")?);
            self.seal_device(account, &row.bytes(TABLE, "device_id")?).await?;
        }
        Ok(rows.len() as u64)
    }
}

impl Store {
    /// Seals the devices, gateways and recovery codes of an earlier version, which have no seal.
    /// Returns their number.
    ///
    /// A server calls this at its first start only: later, a row without a seal was written by
    /// another program.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    pub async fn seal_devices(&self) -> Result<u64, Error> {
        let others: Result<u64, Error> = self
            .write(|tx| {
                Box::pin(async move {
                    Ok::<_, Error>(tx.seal_gateways().await? + tx.seal_recovery_codes().await?)
                })
            })
            .await;
        let mut sealed = others?;
        loop {
            let some: Result<u64, Error> = self.write(|tx| Box::pin(tx.seal_some_devices())).await;
            match some? {
                0 => return Ok(sealed),
                count => sealed += count,
            }
        }
    }
}

fn with_content<T>(
    account: AccountId,
    id: &[u8],
    row: &Row,
    then: impl FnOnce(&Content<'_>) -> T,
) -> Result<T, Error> {
    let (key, name) = (row.bytes(TABLE, "pubkey")?, row.text(TABLE, "name")?);
    let mac = row.text(TABLE, "mac")?;
    Ok(then(&Content {
        account,
        id,
        key: &key,
        name: &name,
        mac: &mac,
        trusted_from: row.int(TABLE, "trusted_from")?,
        is_revoked: row.flag(TABLE, "is_revoked")?,
    }))
}
